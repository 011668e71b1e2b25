# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a network is to be trusted: the sections on its scores, on its confidence and on the window's border."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ...assess import accuracy as matrix_accuracy
from ...model import ModelSpec, Scores
from .. import number_format
from ..document import STUB, VALUE, Column, Matrix, Row, Table, Value, plain_text
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
_CAVEAT = (
    "Scores hold for the places they were measured at. Only an assessment with reference points of your own area"
    " shows how good your map is (Accuracy report)."
)


@dataclass(frozen=True)
class Evaluated:
    """A data set and split: its scores, and what else its makers say of it."""

    scores: Scores
    more: Details

    @property
    def split(self) -> str:
        """What the split is called on the card."""
        return SPLITS.get(self.scores.split, plain_text(self.scores.split))

    @property
    def whole_split(self) -> str:
        """The split with the part of the data set."""
        return f"{self.split}, {self.more.subset} places" if self.more.subset else self.split

    @property
    def held_out(self) -> bool:
        """Whether nothing about the network was decided by this split."""
        return self.split in ("test", "evaluation only")

    @property
    def name(self) -> str:
        """The data set; what a value stands for is left out where the classes have names of their own."""
        pieces = plain_text(self.scores.dataset).split("; ")
        named = bool(self.more.names)
        return "; ".join(p for p in pieces if not (named and p.startswith("value ") and " stands for " in p))

    @property
    def heading(self) -> str:
        """The data set with its split."""
        return f"{self.name} ({self.whole_split})"


def evaluated(spec: ModelSpec) -> tuple[Evaluated, ...]:
    """Test sets first, then what was only evaluated on, then what the network was chosen by; scores unrounded."""
    ranks = {name: rank for rank, name in enumerate(dict.fromkeys(SPLITS.values()))}
    sets = (Evaluated(_unrounded(scores), fields.details(scores)) for scores in spec.scores)
    return tuple(sorted(sets, key=lambda one: ranks.get(one.split, len(ranks))))


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


# ---------------------------------------------------------------- scores


def accuracy(spec: ModelSpec) -> CardSection:
    """The section on the scores."""
    title = "How good it is"
    sets = evaluated(spec)
    if not sets:
        nothing = "The description has no scores. Assess the map with points of your own before you use it."
        return CardSection("accuracy", title, (nothing,))
    parts: list[Part | None] = [summary(sets)]
    for i, one in enumerate([one for one in sets if one.held_out][:_MOST_SHOWN]):
        notes = Listing(one.more.notes) if one.more.notes else None
        labels = _labels(spec, one)
        colours = {c.value: c.colour for c in spec.legend.classes}
        parts += [class_table(one, labels, colours, f"classes{i}"), matrix(one, labels, colours, f"matrix{i}")]
        parts += [notes, _places(one, f"places{i}")]
    parts += [
        _against_baseline(sets, fields.method(spec, "lulc:evaluation", "baseline")),
        _against_networks(sets),
        _radiometry(sets, fields.method(spec, "lulc:evaluation", "radiometry")),
    ]
    sentences = (*fields.method(spec, "lulc:evaluation", "method"), _CAVEAT)
    return CardSection("accuracy", title, sentences, tuple(part for part in parts if part is not None))


def summary(sets: Sequence[Evaluated]) -> Table:
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
    for one in sets:
        s, more = one.scores, one.more
        measures = (s.overall_accuracy, s.kappa, s.macro_f1, s.miou, more.mean_dice)
        cells: tuple[Value, ...] = (one.whole_split, more.place_count, s.pixels, *measures)
        rows.append(Row(one.name, cells, muted=not one.held_out))
        for v in more.variants:
            cells = ("", v.places, v.pixels, v.overall_accuracy, v.kappa, v.macro_f1, v.miou, v.mean_dice)
            rows.append(Row(f"… {v.name}", cells, muted=not one.held_out))
    caption = "Shares from 0 to 1. Validation data chose the network: they flatter it."
    return Table("scores", "Scores of the makers", caption, "Data set", columns, tuple(rows)).without_empty_columns()


def class_table(one: Evaluated, labels: Sequence[str], colours: Mapping[int, str], id: str) -> Table | None:
    """Scores of each class on one data set; None where the makers give none.

    Args:
        one: the data set.
        labels: of its classes.
        colours: class value → #RRGGBB.
        id: of the table.
    """
    classes = one.scores.classes
    if not classes:
        return None
    base = one.more.baseline.iou or (None,) * len(classes)
    rows = [
        Row(labels[i], (c.precision, c.recall, c.f1, c.iou, base[i], c.pixels), colours.get(c.value), c.pixels == 0)
        for i, c in enumerate(classes)
    ]
    columns = (
        Column("precision", "User's accuracy", "share"),
        Column("recall", "Producer's accuracy", "share"),
        Column("f1", "F1", "share"),
        Column("iou", "IoU", "share"),
        Column("baseline", f"IoU of the {one.more.baseline.name}", "share", optional=True),
        Column("pixels", "Reference pixels", "count"),
    )
    return Table(id, one.heading, "", "Class", columns, tuple(rows)).without_empty_columns()


def matrix(one: Evaluated, labels: Sequence[str], colours: Mapping[int, str], id: str) -> Matrix | None:
    """The confusion matrix of one data set; None where the makers give none that fits its classes."""
    if not _fits(one.scores):
        return None
    counts, size = one.scores.confusion, len(labels)
    columns = [Column(str(j), label, "count", "Reference (columns)") for j, label in enumerate(labels)]
    columns += [Column("total", "Total", "count"), Column("users_accuracy", "User's accuracy", "share")]
    sums = [sum(column) for column in zip(*counts)]
    total = sum(sums)
    rows = []
    for j, line in enumerate(counts):
        mapped = sum(line)
        cells: tuple[Value, ...] = (*line, mapped, _share(line[j], mapped))
        colour = colours.get(one.scores.classes[j].value)
        rows.append(Row(labels[j], cells, colour, muted=mapped == 0 and sums[j] == 0))
    rows.append(Row("Total", (*sums, total, ""), total=True))
    right = [counts[j][j] for j in range(size)]
    ends: tuple[Value, ...] = (*(_share(right[j], sums[j]) for j in range(size)), "", _share(sum(right), total))
    rows.append(Row("Producer's accuracy", ends, kinds={column.key: "share" for column in columns}))
    order = tuple(sorted(range(size), key=lambda j: -(sums[j] + sum(counts[j]))))
    title = f"Confusion matrix, {one.heading}"
    caption = "Number of pixels. Rows: class in the map; columns: class in the reference."
    return Matrix(id, title, caption, STUB, tuple(columns), tuple(rows), order=order)


def _labels(spec: ModelSpec, one: Evaluated) -> list[str]:
    """Names of the classes as they were counted.

    Where the description does not give them: those of the legend, with their values where a data set has other classes
    than the map. Its makers say in the name of such a set what a value stands for there.
    """
    if one.more.names:
        return list(one.more.names)
    known = {c.value: plain_text(c.name) for c in spec.legend.classes}
    values = [c.value for c in one.scores.classes]
    if sorted(values) == sorted(known):
        return [known[value] for value in values]
    return [f"{known[value]} ({value})" if value in known else f"Class {value}" for value in values]


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _places(one: Evaluated, id: str) -> Table | None:
    """Scores of the single places of a data set."""
    columns = (
        Column("pixels", "Pixels", "count", optional=True),
        Column("mostly", "Mostly", "text", optional=True),
        Column("overall_accuracy", "Overall accuracy", "share"),
        Column("miou", "Mean IoU", "share", optional=True),
        Column("baseline", f"Overall accuracy of the {one.more.baseline.name or 'baseline'}", "share", optional=True),
    )
    rows = [Row(p.name, (p.pixels, p.mostly or None, p.overall_accuracy, p.miou, p.baseline)) for p in one.more.places]
    table = Table(id, f"Places, {one.heading}", "", "Place", columns, tuple(rows))
    return table.without_empty_columns() if rows else None


# ---------------------------------------------------------------- comparisons


def _against_baseline(sets: Sequence[Evaluated], method: Sequence[str]) -> Table | None:
    """The network against a simpler method on the same data."""
    compared = [(one, one.more.baseline) for one in sets if one.more.baseline.difference.difference is not None]
    rows = []
    for one, base in compared:
        cells: tuple[Value, ...] = (base.overall_accuracy, base.miou, one.more.place_count, *_bounds(base.difference))
        rows.append(Row(one.heading, (*cells, verdict(base.difference), *_bounds(base.surrounded))))
    columns = (
        Column("overall_accuracy", "Its overall accuracy", "share"),
        Column("miou", "Its mean IoU", "share"),
        Column("places", "Places", "count", optional=True),
        *_interval_columns("difference", "Network minus it (mean IoU)"),
        Column("verdict", "Read as", "text"),
        *_interval_columns("surrounded", "The same, reflected pixels around each chip"),
    )
    title = f"Compared with: {', '.join(dict.fromkeys(base.name or 'baseline' for _, base in compared))}"
    table = Table("baseline", title, " ".join(method), "Data set", columns, tuple(rows))
    return table.without_empty_columns() if rows else None


def _against_networks(sets: Sequence[Evaluated]) -> Table | None:
    """The network against others on the same data."""
    rows = [
        Row(other.name, (one.heading, one.more.place_count, *_bounds(other), verdict(other)))
        for one in sets
        for other in one.more.compared
    ]
    columns = (
        Column("data", "Data set", "text"),
        Column("places", "Places", "count", optional=True),
        *_interval_columns("difference", "This network minus that one (mean IoU)"),
        Column("verdict", "Read as", "text"),
    )
    rows.sort(key=lambda row: row.label)
    table = Table("networks", "Compared with other networks", "", "Network", columns, tuple(rows))
    return table.without_empty_columns() if rows else None


def _interval_columns(key: str, group: str) -> tuple[Column, ...]:
    return (
        Column(key, VALUE, "signed", group, optional=True),
        Column(f"{key}.low", "95 % from", "signed", group, optional=True),
        Column(f"{key}.high", "to", "signed", group, optional=True),
    )


def _bounds(difference: Difference) -> tuple[Value, ...]:
    return (difference.difference, difference.low, difference.high)


def verdict(difference: Difference) -> str:
    """What an interval says of a difference."""
    if difference.low is None or difference.high is None:
        return "too few places to tell them apart"
    if difference.low > 0:
        return "this network is better: the interval lies above 0"
    if difference.high < 0:
        return "the other is better: the interval lies below 0"
    return "not told apart: the interval includes 0"


def _radiometry(sets: Sequence[Evaluated], method: Sequence[str]) -> Table | None:
    """The same places with other numbers."""
    tested = [one for one in sets if one.more.radiometry]
    columns: list[Column] = []
    for i, one in enumerate(tested):
        columns.append(Column(f"oa{i}", "overall accuracy", "share", one.heading))
        columns.append(Column(f"miou{i}", "mean IoU", "share", one.heading))
    rows = []
    for name in dict.fromkeys(change.name for one in tested for change in one.more.radiometry):
        cells: list[Value] = []
        for one in tested:
            change = next((c for c in one.more.radiometry if c.name == name), None)
            cells += [change.overall_accuracy, change.miou] if change else [None, None]
        rows.append(Row(name, tuple(cells)))
    table = Table("radiometry", "Other light", " ".join(method), "Values", tuple(columns), tuple(rows))
    return table if rows else None


# ---------------------------------------------------------------- confidence and border


def confidence(spec: ModelSpec) -> CardSection | None:
    """The section on calibration; None where the description says nothing of it."""
    sentences: list[str] = []
    parts: list[Part] = []
    temperature, errors = fields.temperature(spec), fields.calibration_errors(spec)
    if temperature is not None:
        sentences.append(f"Scores were divided by a temperature of {expectations.number(temperature)}.")
        sentences += fields.method(spec, "lulc:calibration", "method")
    if errors:
        rows = tuple(Row(name, (before, after)) for name, before, after in errors)
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
    images = "images" if measured.images is None else f"{measured.images} images"
    size = f" of {measured.side} × {measured.side} pixels" if measured.side else ""
    caption = (
        "Percent of labels that change with what lies beyond the window, farther than so many pixels from its border;"
        f" measured on {images}{size} put into other surroundings."
    )
    table = Table("border-changes", "Labels that change", caption, "Pixels from the border", columns, rows)
    return CardSection("border", "Window border", (sentence,), (table,))
