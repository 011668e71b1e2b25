# SPDX-License-Identifier: GPL-3.0-or-later
"""The held-out scores of a network as tables: one over all data sets, and for each its classes and its matrix."""

from __future__ import annotations

from collections.abc import Sequence

from ...model import ModelSpec, Scores
from ..document import STUB, Column, Matrix, Row, Table, Value
from ..plain_values import plain_text

#: Splits in the order of what they prove, and what they are called.
SPLITS = {
    "test": "test",
    "evaluation": "evaluation only",
    "val": "validation",
    "validate": "validation",
    "validation": "validation",
}
_CLASS_COLUMNS = (
    Column("precision", "User's accuracy", "share"),
    Column("recall", "Producer's accuracy", "share"),
    Column("f1", "F1", "share"),
    Column("iou", "IoU", "share"),
    Column("pixels", "Reference pixels", "count"),
)


def in_order(scores: Sequence[Scores]) -> tuple[Scores, ...]:
    """Test sets first, then what was only evaluated on, then what the network was chosen by."""
    ranks = {name: rank for rank, name in enumerate(dict.fromkeys(SPLITS.values()))}
    return tuple(sorted(scores, key=lambda s: ranks.get(split_name(s), len(ranks))))


def split_name(scores: Scores) -> str:
    """What the split is called on the card."""
    return SPLITS.get(scores.split, plain_text(scores.split))


def held_out(scores: Scores) -> bool:
    """Whether nothing about the network was decided by this split."""
    return split_name(scores) in ("test", "evaluation only")


def summary(spec: ModelSpec) -> Table:
    """One row a data set and split."""
    columns = (
        Column("split", "Split", "text"),
        Column("overall_accuracy", "Overall accuracy", "share"),
        Column("kappa", "Kappa", "share", optional=True),
        Column("macro_f1", "Mean F1", "share", optional=True),
        Column("miou", "Mean IoU", "share", optional=True),
        Column("pixels", "Pixels", "count"),
    )
    rows = [
        Row(
            plain_text(s.dataset),
            (split_name(s), s.overall_accuracy, s.kappa, s.macro_f1, s.miou, s.pixels),
            muted=not held_out(s),
        )
        for s in in_order(spec.scores)
    ]
    table = Table(
        "scores",
        "Scores of the makers",
        "Shares from 0 to 1. Rows in grey are data by which the network was chosen: they flatter it.",
        "Data set",
        columns,
        tuple(rows),
    )
    return table.without_empty_columns()


def of_classes(spec: ModelSpec, scores: Scores, id: str) -> Table | None:
    """Scores of each class on one data set; None where the makers give none."""
    if not scores.classes:
        return None
    known = {c.value: c for c in spec.legend.classes}
    labels = _labels(spec, scores)
    rows = [
        Row(
            labels[i],
            (c.precision, c.recall, c.f1, c.iou, c.pixels),
            known[c.value].colour if c.value in known else None,
            muted=c.pixels == 0,
        )
        for i, c in enumerate(scores.classes)
    ]
    title = f"{plain_text(scores.dataset)} ({split_name(scores)})"
    return Table(id, title, "", "Class", _CLASS_COLUMNS, tuple(rows))


def matrix(spec: ModelSpec, scores: Scores, id: str) -> Matrix | None:
    """The confusion matrix of one data set; None where the makers give none that fits its classes."""
    counts = scores.confusion
    size = len(scores.classes)
    if not size or len(counts) != size or any(len(row) != size for row in counts):
        return None
    known = {c.value: c for c in spec.legend.classes}
    labels = _labels(spec, scores)
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
    return Matrix(
        id,
        f"Confusion matrix, {plain_text(scores.dataset)} ({split_name(scores)})",
        "Number of pixels. Rows: class in the map; columns: class in the reference.",
        STUB,
        tuple(columns),
        tuple(rows),
        order=order,
    )


def _labels(spec: ModelSpec, scores: Scores) -> list[str]:
    """Names of the classes; with their values where a data set has other classes than the map.

    The makers say in the name of such a set what a value stands for there.
    """
    known = {c.value: plain_text(c.name) for c in spec.legend.classes}
    values = [c.value for c in scores.classes]
    if sorted(values) == sorted(known):
        return [known[value] for value in values]
    return [f"{known[value]} ({value})" if value in known else f"Class {value}" for value in values]


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
