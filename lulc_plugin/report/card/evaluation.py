# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a network is to be trusted: the sections on its scores, on its confidence and on the window's border."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ...assess import accuracy as matrix_accuracy
from ...model import ModelSpec, Scores
from .. import number_format
from ..document import STUB, VALUE, Column, Matrix, Row, Table, Value
from ..plain_values import plain_text
from . import expectations, fields
from .fields import Details, Difference
from .pages import CardSection, Listing, Part

#: Splits in the order of what they prove, and what they are called.
SPLITS = {
    "test": "test",
    "evaluation": "evaluation only",
    "val": "validation",
    "validate": "validation",
    "validation": "validation",
}
#: Data sets whose classes, matrix and places are shown; the rest stands in the summary only.
_MOST_SHOWN = 8
_CLASS_COLUMNS = (
    Column("precision", "User's accuracy", "share"),
    Column("recall", "Producer's accuracy", "share"),
    Column("f1", "F1", "share"),
    Column("iou", "IoU", "share"),
)
_CAVEAT = (
    "Scores hold for the places they were measured at. How good your map is only an assessment with reference points of"
    " your own area tells (Accuracy report)."
)


def accuracy(spec: ModelSpec) -> CardSection:
    """The section on the scores."""
    title = "How good it is"
    if not spec.scores:
        nothing = "The description has no scores. Assess the map with points of your own before you use it."
        return CardSection("accuracy", title, (nothing,))
    parts: list[Part] = [summary(spec)]
    shown = [s for s in in_order(spec.scores) if held_out(s)][:_MOST_SHOWN]
    for i, scores in enumerate(shown):
        notes = fields.details(scores).notes
        tables = (class_table(spec, scores, f"classes{i}"), matrix(spec, scores, f"matrix{i}"))
        parts += [table for table in tables if table is not None]
        parts += [Listing(notes)] if notes else []
        places = _places(scores, f"places{i}")
        parts += [places] if places else []
    for table in (_against_baseline(spec), _against_networks(spec), _radiometry(spec)):
        parts += [table] if table else []
    return CardSection("accuracy", title, (*fields.method(spec, "method"), _CAVEAT), tuple(parts))


def in_order(scores: Sequence[Scores]) -> tuple[Scores, ...]:
    """Test sets first, then what was only evaluated on, then what the network was chosen by; all unrounded."""
    ranks = {name: rank for rank, name in enumerate(dict.fromkeys(SPLITS.values()))}
    return tuple(map(_unrounded, sorted(scores, key=lambda s: ranks.get(split_name(s), len(ranks)))))


def _unrounded(scores: Scores) -> Scores:
    """The same scores with all decimals where the confusion matrix has them.

    Printing rounds once more: of a share of 0.65052 that the description gives as 0.6505, three decimals are 0.651.
    """
    counts = scores.confusion
    total = sum(map(sum, counts))
    if not _fits(scores) or total != scores.pixels or any(n < 0 for row in counts for n in row) or not total < 2**53:
        return scores
    result = matrix_accuracy(np.array(counts, np.int64))
    classes = tuple(
        replace(
            c,
            precision=_closer(c.precision, r.users),
            recall=_closer(c.recall, r.producers),
            f1=_closer(c.f1, r.f1),
            iou=_closer(c.iou, r.iou),
        )
        for c, r in zip(scores.classes, result.classes)
    )
    seen = [r.iou for r in result.classes if r.reference and r.iou is not None]
    return replace(
        scores,
        overall_accuracy=_closer(scores.overall_accuracy, result.overall) or 0.0,
        kappa=_closer(scores.kappa, result.kappa),
        macro_f1=_closer(scores.macro_f1, result.macro_f1),
        miou=_closer(scores.miou, sum(seen) / len(seen) if seen else None),
        classes=classes,
    )


def _closer(given: float | None, exact: float | None) -> float | None:
    """`exact` where `given` is that number with four decimals, else `given`."""
    return exact if given is not None and exact is not None and abs(given - exact) < 0.6e-4 else given


def _fits(scores: Scores) -> bool:
    """Whether there is a square confusion matrix of the classes."""
    size = len(scores.classes)
    return size > 0 and len(scores.confusion) == size and all(len(row) == size for row in scores.confusion)


def split_name(scores: Scores) -> str:
    """What the split is called on the card."""
    return SPLITS.get(scores.split, plain_text(scores.split))


def held_out(scores: Scores) -> bool:
    """Whether nothing about the network was decided by this split."""
    return split_name(scores) in ("test", "evaluation only")


def _whole_split(scores: Scores, details: Details) -> str:
    return f"{split_name(scores)} ({details.subset})" if details.subset else split_name(scores)


def data_name(scores: Scores, details: Details) -> str:
    """The data set; what a value stands for is left out where the classes have names of their own."""
    pieces = plain_text(scores.dataset).split("; ")
    return "; ".join(p for p in pieces if not (details.names and p.startswith("value ") and " stands for " in p))


def _heading(scores: Scores, details: Details) -> str:
    return f"{data_name(scores, details)} ({_whole_split(scores, details)})"


# ---------------------------------------------------------------- tables of one or all data sets


def summary(spec: ModelSpec) -> Table:
    """One row a data set and split, and one for each variant of it."""
    columns = (
        Column("split", "Split", "text"),
        Column("places", "Places", "count", optional=True),
        Column("pixels", "Pixels", "count"),
        Column("overall_accuracy", "Overall accuracy", "share"),
        Column("kappa", "Kappa", "share", optional=True),
        Column("macro_f1", "Mean F1", "share", optional=True),
        Column("miou", "Mean IoU", "share", optional=True),
        Column("mean_dice", "Mean Dice", "share", optional=True),
    )
    rows = []
    for s in in_order(spec.scores):
        more = fields.details(s)
        measures = (s.overall_accuracy, s.kappa, s.macro_f1, s.miou, more.mean_dice)
        cells: tuple[Value, ...] = (_whole_split(s, more), more.place_count, s.pixels, *measures)
        rows.append(Row(data_name(s, more), cells, muted=not held_out(s)))
        for v in more.variants:
            cells = ("", v.places, v.pixels, v.overall_accuracy, v.kappa, v.macro_f1, v.miou, v.mean_dice)
            rows.append(Row(f"… {v.name}", cells, muted=not held_out(s)))
    caption = "Shares from 0 to 1. Validation data chose the network: they flatter it."
    return Table("scores", "Scores of the makers", caption, "Data set", columns, tuple(rows)).without_empty_columns()


def class_table(spec: ModelSpec, scores: Scores, id: str) -> Table | None:
    """Scores of each class on one data set; None where the makers give none."""
    if not scores.classes:
        return None
    more = fields.details(scores)
    known = {c.value: c for c in spec.legend.classes}
    labels = _labels(spec, scores, more)
    base = more.baseline.iou if more.baseline else ()
    rows = [
        Row(
            labels[i],
            (c.precision, c.recall, c.f1, c.iou, base[i] if base else None, c.pixels),
            known[c.value].colour if c.value in known else None,
            muted=c.pixels == 0,
        )
        for i, c in enumerate(scores.classes)
    ]
    simpler = f"IoU of the {more.baseline.name}" if more.baseline else ""
    columns = (
        *_CLASS_COLUMNS,
        Column("baseline", simpler, "share", optional=True),
        Column("pixels", "Reference pixels", "count"),
    )
    return Table(id, _heading(scores, more), "", "Class", columns, tuple(rows)).without_empty_columns()


def matrix(spec: ModelSpec, scores: Scores, id: str) -> Matrix | None:
    """The confusion matrix of one data set; None where the makers give none that fits its classes."""
    if not _fits(scores):
        return None
    counts, size = scores.confusion, len(scores.classes)
    more = fields.details(scores)
    known = {c.value: c for c in spec.legend.classes}
    labels = _labels(spec, scores, more)
    columns = [Column(str(j), label, "count", "Reference (columns)") for j, label in enumerate(labels)]
    columns += [Column("total", "Total", "count"), Column("users_accuracy", "User's accuracy", "share")]
    sums = [sum(column) for column in zip(*counts)]
    total = sum(sums)
    rows = []
    for j, line in enumerate(counts):
        entry = known.get(scores.classes[j].value)
        mapped = sum(line)
        cells: tuple[Value, ...] = (*line, mapped, _share(line[j], mapped))
        rows.append(Row(labels[j], cells, entry.colour if entry else None, muted=mapped == 0 and sums[j] == 0))
    rows.append(Row("Total", (*sums, total, ""), total=True))
    right = [counts[j][j] for j in range(size)]
    ends: tuple[Value, ...] = (*(_share(right[j], sums[j]) for j in range(size)), "", _share(sum(right), total))
    rows.append(Row("Producer's accuracy", ends, kinds={column.key: "share" for column in columns}))
    order = tuple(sorted(range(size), key=lambda j: -(sums[j] + sum(counts[j]))))
    title = f"Confusion matrix, {_heading(scores, more)}"
    caption = "Number of pixels. Rows: class in the map; columns: class in the reference."
    return Matrix(id, title, caption, STUB, tuple(columns), tuple(rows), order=order)


def _labels(spec: ModelSpec, scores: Scores, details: Details) -> list[str]:
    """Names of the classes as they were counted.

    Where the description does not give them: those of the legend, with their values where a data set has other classes
    than the map. Its makers say in the name of such a set what a value stands for there.
    """
    if details.names:
        return list(details.names)
    known = {c.value: plain_text(c.name) for c in spec.legend.classes}
    values = [c.value for c in scores.classes]
    if sorted(values) == sorted(known):
        return [known[value] for value in values]
    return [f"{known[value]} ({value})" if value in known else f"Class {value}" for value in values]


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _places(scores: Scores, id: str) -> Table | None:
    """Scores of the single places of a data set."""
    more = fields.details(scores)
    if not more.places:
        return None
    columns = (
        Column("pixels", "Pixels", "count", optional=True),
        Column("mostly", "Mostly", "text", optional=True),
        Column("overall_accuracy", "Overall accuracy", "share"),
        Column("miou", "Mean IoU", "share", optional=True),
        Column("baseline", f"Overall accuracy of the {_baseline_name(more)}", "share", optional=True),
    )
    rows = tuple(Row(p.name, (p.pixels, p.mostly or None, p.overall_accuracy, p.miou, p.baseline)) for p in more.places)
    title = f"Places, {_heading(scores, more)}"
    return Table(id, title, "", "Place", columns, rows).without_empty_columns()


# ---------------------------------------------------------------- comparisons


def _baseline_name(details: Details) -> str:
    return details.baseline.name if details.baseline else "baseline"


def _against_baseline(spec: ModelSpec) -> Table | None:
    """The network against a simpler method on the same data."""
    rows = []
    names = []
    for scores in in_order(spec.scores):
        more = fields.details(scores)
        base = more.baseline
        if base is None or base.difference is None:
            continue
        names.append(base.name)
        cells = (base.overall_accuracy, base.miou, more.place_count, *_bounds(base.difference))
        cells += (verdict(base.difference), *_bounds(base.surrounded))
        rows.append(Row(_heading(scores, more), cells))
    if not rows:
        return None
    title = f"Compared with: {', '.join(dict.fromkeys(names))}"
    difference, around = "Network minus it (mean IoU)", "The same, reflected pixels around each chip"
    columns = (
        Column("overall_accuracy", "Its overall accuracy", "share"),
        Column("miou", "Its mean IoU", "share"),
        Column("places", "Places", "count", optional=True),
        *_interval_columns("difference", difference),
        Column("verdict", "Read as", "text"),
        *_interval_columns("surrounded", around),
    )
    caption = " ".join(fields.method(spec, "baseline"))
    return Table("baseline", title, caption, "Data set", columns, tuple(rows)).without_empty_columns()


def _against_networks(spec: ModelSpec) -> Table | None:
    """The network against others on the same data."""
    rows = []
    for scores in in_order(spec.scores):
        more = fields.details(scores)
        for one in more.compared:
            rows.append(Row(one.other, (_heading(scores, more), more.place_count, *_bounds(one), verdict(one))))
    if not rows:
        return None
    columns = (
        Column("data", "Data set", "text"),
        Column("places", "Places", "count", optional=True),
        *_interval_columns("difference", "This network minus that one (mean IoU)"),
        Column("verdict", "Read as", "text"),
    )
    rows.sort(key=lambda row: row.label)
    table = Table("networks", "Compared with other networks", "", "Network", columns, tuple(rows))
    return table.without_empty_columns()


def _interval_columns(key: str, group: str) -> tuple[Column, ...]:
    return (
        Column(key, VALUE, "signed", group, optional=True),
        Column(f"{key}.low", "95 % from", "signed", group, optional=True),
        Column(f"{key}.high", "to", "signed", group, optional=True),
    )


def _bounds(difference: Difference | None) -> tuple[Value, ...]:
    return (None, None, None) if difference is None else (difference.value, difference.low, difference.high)


def verdict(difference: Difference) -> str:
    """What an interval says of a difference."""
    if difference.low is None or difference.high is None:
        return "too few places to tell them apart"
    if difference.low > 0:
        return "this network is better: the interval lies above 0"
    if difference.high < 0:
        return "the other is better: the interval lies below 0"
    return "not told apart: the interval includes 0"


def _radiometry(spec: ModelSpec) -> Table | None:
    """The same places with other numbers."""
    scored = [(s, fields.details(s)) for s in in_order(spec.scores)]
    scored = [(s, more) for s, more in scored if more.radiometry]
    if not scored:
        return None
    columns: list[Column] = []
    for i, (scores, more) in enumerate(scored):
        group = _heading(scores, more)
        columns += [
            Column(f"oa{i}", "overall accuracy", "share", group),
            Column(f"miou{i}", "mean IoU", "share", group),
        ]
    rows = []
    for name in dict.fromkeys(change.name for _, more in scored for change in more.radiometry):
        cells: list[Value] = []
        for _, more in scored:
            change = next((c for c in more.radiometry if c.name == name), None)
            cells += [change.overall_accuracy, change.miou] if change else [None, None]
        rows.append(Row(name, tuple(cells)))
    caption = " ".join(fields.method(spec, "radiometry"))
    return Table("radiometry", "Other light", caption, "Values", tuple(columns), tuple(rows))


# ---------------------------------------------------------------- confidence and border


def confidence(spec: ModelSpec) -> CardSection | None:
    """The section on calibration; None where the description says nothing of it."""
    sentences: list[str] = []
    parts: list[Part] = []
    fitted = fields.calibration(spec)
    if fitted.temperature is not None:
        sentences.append(f"Scores were divided by a temperature of {expectations.number(fitted.temperature)}.")
        sentences += fitted.method
    if fitted.errors:
        rows = tuple(Row(name, (before, after)) for name, before, after in fitted.errors)
        columns = (Column("before", "Before", "share"), Column("after", "After", "share"))
        caption = "How far confidence lies from the share of right pixels, on average; 0 is best."
        parts.append(Table("calibration", "Expected calibration error", caption, "Data set", columns, rows))
    if spec.confidence is not None:
        usual = spec.confidence
        over = f" over {usual.places} places" if usual.places else ""
        sentences.append(
            f"On held-out images the mean confidence is {number_format.percent(usual.mean)};"
            f" the 5\u00a0% quantile{over} is {number_format.percent(usual.q05)}."
            " Classify land cover warns when a map stays below it: such land was not in the training."
        )
    if not sentences and not parts:
        return None
    sentences.append("For land unlike the training places confidence is worth less.")
    return CardSection("confidence", "What its confidence is worth", tuple(sentences), tuple(parts))


def border(spec: ModelSpec) -> CardSection | None:
    """The section on what changes near a window's border; None where it was not measured."""
    measured = fields.window_border(spec)
    if measured is None:
        return None
    worst = f"{100 * measured.worst:.2f}\u00a0%"
    sentence = (
        f"Beyond the margin of {spec.window.margin} pixels at most {worst} of the labels change."
        if measured.reached
        else f"No margin is enough: beyond {spec.window.margin} pixels, the largest that was tried, {worst} of the"
        " labels change."
    )
    columns = tuple(Column(str(pixels), str(pixels), "area2") for pixels in measured.distances)
    rows = tuple(Row(name, tuple(100 * share for share in shares)) for name, shares in measured.changed)
    size = f" of {measured.side} × {measured.side} pixels" if measured.side else ""
    caption = (
        "Percent of labels that change with what lies beyond the window, farther than so many pixels from its border;"
        f" measured on {measured.images} images{size} put into other surroundings."
    )
    table = Table("border-changes", "Labels that change", caption, "Pixels from the border", columns, rows)
    return CardSection("border", "Window border", (sentence,), (table,))
