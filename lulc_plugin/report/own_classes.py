# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of own classes: how well samples of left-out blocks were told apart, and which samples to look at."""

from __future__ import annotations

import os
from pathlib import Path

from ..adapt import AdaptResult
from ..atomic_write import write_whole
from ..errors import FileNotWritten, LulcError
from ..options import render
from ..raster import refuse_overwriting
from . import html_page, number_format
from .document import Bar, BarGroup, Chart, Column, Document, Figure, Matrix, Row, Section, Table, Value

_TICKS = ((0.0, "0"), (0.25, "0.25"), (0.5, "0.5"), (0.75, "0.75"), (1.0, "1"))
_CAVEAT = (
    "These figures are of the samples, by predicting each from those of other blocks. They are no accuracy of the map:"
    " samples that somebody chose are no random sample of its area. For that, draw a reference sample of the finished"
    " map and give it to Accuracy report."
)
_MOST_LISTED = 20
#: Mean F1 below which more samples are not worth their time.
_LEAST_GAIN = 0.0005


def check_target(path: Path, *inputs: str) -> None:
    """Refuse a place that cannot be written, before the work starts.

    Args:
        path: the report.
        inputs: layers and tables that are read.

    Raises:
        LulcError: its folder does not exist, it is a folder itself, or one of the inputs would be lost.
    """
    refuse_overwriting((path,), inputs)
    if not os.path.isdir(path.parent):
        raise LulcError(
            f"The folder {path.parent} of the report does not exist.", "Create it, or choose another place."
        )
    if os.path.isdir(path):
        raise LulcError(f"The report {path} is a folder.", "Give the name of a file.")


def write(result: AdaptResult, path: Path, door: str) -> None:
    """Write the report as HTML.

    Args:
        result: what came out.
        path: the file.
        door: where its messages are read.

    Raises:
        FileNotWritten: it cannot be written.
    """
    try:
        write_whole(path, html_page.page(document(result, door)).encode("utf-8"))
    except OSError as error:
        raise FileNotWritten(
            f"The report {path} cannot be written: {error.strerror or error}.", "Choose another folder."
        ) from error


def document(result: AdaptResult, door: str) -> Document:
    """What stands in the report; `door` is where its messages are read."""
    return Document(
        title=f"Own classes: {result.name}",
        design=f"{result.method}; {result.features} features; {_validation(result)}",
        about=(*result.facts, ("Networks", ", ".join(result.networks) or "none")),
        summary=_summary(result),
        figures=_figures(result),
        caveat=_CAVEAT,
        warnings=tuple(render(text, door) for text in result.warnings),
        sections=(
            Section("overall", "Classes", (), (_classes(result), _chart(result))),
            Section("matrix", "Confusion matrix", (), (_matrix(result),)),
            Section("candidates", "What was compared", (_choice(result),), (_candidates(result),)),
            Section("curve", "More samples", _gain(result), (_curve(result),) if result.curve else ()),
            Section("suspects", "Samples to look at", _suspect_words(result), _suspects(result)),
            Section("notes", "Decisions", tuple(render(text, door) for text in result.notes) or ("None to tell.",)),
        ),
        kind="Report of own classes",
    )


def _validation(result: AdaptResult) -> str:
    blocks = f"blocks of {result.side} pixels" if result.side else "groups as given"
    return f"cross-validation in {result.folds} parts by {blocks}"


def _summary(result: AdaptResult) -> tuple[str, ...]:
    sentences = ["Nothing could be validated: the samples of each class lie in one block."]
    if result.overall_accuracy is not None:
        share = number_format.percent(result.overall_accuracy)
        sentences = [f"{share} of the samples were predicted right from samples of other blocks, all classes alike."]
    known = [c for c in result.classes if c.f1 is not None]
    if known:
        weakest = min(known, key=lambda c: c.f1 or 0.0)
        sentences.append(f"Weakest class: {weakest.name}, F1 {number_format.share(weakest.f1 or 0.0)}.")
    sentences.append(
        f"{number_format.percent(result.outside)} of the image is unlike every sample: there the map is a guess."
    )
    return tuple(sentences)


def _figures(result: AdaptResult) -> tuple[Figure, ...]:
    smallest = min(result.classes, key=lambda c: c.samples)
    return (
        Figure("Overall accuracy", number_format.cell(result.overall_accuracy, "percent"), "of the samples"),
        Figure("Macro F1", number_format.cell(result.macro_f1, "share"), f"over {len(result.classes)} classes"),
        Figure("Samples", number_format.count(result.count), f"pixels; fewest {smallest.samples:,} ({smallest.name})"),
        Figure("Unlike the samples", number_format.percent(result.outside), "of the image"),
    )


def _classes(result: AdaptResult) -> Table:
    columns = (
        Column("samples", "pixels", "count", "Samples"),
        Column("features", "points or polygons", "count", "Samples"),
        Column("blocks", "blocks", "count", "Samples"),
        Column("users", "User's accuracy", "share"),
        Column("producers", "Producer's accuracy", "share"),
        Column("f1", "F1", "share"),
    )
    rows = tuple(
        Row(c.name, (c.samples, c.features, c.blocks, c.users, c.producers, c.f1), c.colour) for c in result.classes
    )
    return Table(
        "classes",
        "Accuracy of the classes",
        "By cross-validation, all classes alike; n/a: all samples of the class lie in one block.",
        "Class",
        columns,
        rows,
    )


def _chart(result: AdaptResult) -> Chart:
    groups = tuple(
        BarGroup(
            c.name,
            c.colour,
            (_bar("user's", "strong", c.users), _bar("producer's", "plain", c.producers)),
        )
        for c in result.classes
    )
    return Chart("classes_chart", "User's and producer's accuracy", "", groups, _TICKS)


def _bar(label: str, style: str, value: float | None, spread: float | None = None) -> Bar:
    low = None if value is None or spread is None else max(0.0, value - spread)
    high = None if value is None or spread is None else min(1.0, value + spread)
    return Bar(label, style, value, low, high, number_format.cell(value, "share"))


def _matrix(result: AdaptResult) -> Matrix:
    classes = result.classes
    columns = (
        *(Column(str(i), c.name, "count", "Sample (columns)") for i, c in enumerate(classes)),
        Column("total", "Total", "count"),
    )
    rows = [Row(c.name, (*line, sum(line)), c.colour) for c, line in zip(classes, result.matrix)]
    sums = [sum(column) for column in zip(*result.matrix)]
    rows.append(Row("Total", (*sums, sum(sums)), total=True))
    order = tuple(sorted(range(len(classes)), key=lambda i: -sums[i]))
    return Matrix(
        "counts",
        "Matrix of counts",
        f"{_compared(result)} Rows: class as predicted; columns: class of the sample.",
        "Predicted (rows) / sample (columns)",
        columns,
        tuple(rows),
        order=order,
    )


def _compared(result: AdaptResult) -> str:
    """How many samples the figures are of: smoothing is compared on a part of them."""
    compared = sum(map(sum, result.matrix))
    if compared == result.count:
        return "Number of samples."
    return f"Number of samples; {compared:,} of {result.count:,}, on which the ways were compared."


def _choice(result: AdaptResult) -> str:
    chosen = next(c for c in result.candidates if c.chosen)
    best = max(result.candidates, key=lambda c: c.f1 or 0.0)
    if chosen.f1 is None or best.f1 is None:
        return f"Taken: {result.method}, which did best elsewhere."
    taken = f"Taken: {result.method}, mean F1 {number_format.share(chosen.f1)}."
    if best.f1 <= chosen.f1:
        return f"{taken} Nothing else did better."
    better = f"{best.title}{_radius(best.radius)} had {number_format.share(best.f1)}"
    return f"{taken} {better}; the difference is within the uncertainty of these samples (one standard error)."


def _radius(radius: int) -> str:
    return f", radius {radius}" if radius else ""


def _candidates(result: AdaptResult) -> Table:
    columns = (
        Column("radius", "Smoothing radius", "count"),
        Column("f1", "Mean F1", "share"),
        Column("spread", "Standard error", "share"),
        Column("accuracy", "Overall accuracy", "share"),
        Column("chosen", "", "text"),
    )
    rows = tuple(
        Row(c.title, (c.radius, c.f1, c.spread, c.accuracy, "taken" if c.chosen else "")) for c in result.candidates
    )
    return Table(
        "candidates",
        "Ways to tell the classes apart",
        "Each predicts the samples of a block from those of the others. Standard error: over the parts of the"
        " cross-validation. Smoothing follows the edges of the image; it is compared for the two best ways.",
        "Way",
        columns,
        rows,
    )


def _gain(result: AdaptResult) -> tuple[str, ...]:
    if not result.curve:
        return ("Too few samples for a learning curve.",)
    if result.gain is None or result.gain < _LEAST_GAIN:
        return ("More samples of the same kind would probably not help; look at the samples below instead.",)
    return (
        f"Twenty more samples of each class would probably bring {number_format.share(result.gain)} of mean F1. They"
        " help most where the map is unsure: Suggest samples finds such places.",
    )


def _curve(result: AdaptResult) -> Chart:
    groups = tuple(
        BarGroup(f"{point.samples} a class", None, (_bar("mean F1", "strong", point.f1, point.spread),))
        for point in result.curve
    )
    caption = "Mean F1 with fewer samples of each class. Whiskers: standard deviation over three choices of them."
    return Chart("learning_curve", "Learning curve", caption, groups, _TICKS, "Samples")


def _suspect_words(result: AdaptResult) -> tuple[str, ...]:
    if not result.suspects:
        return ("No sample is contradicted by the others with confidence.",)
    return (
        f"{number_format.count(len(result.suspects))} samples are predicted as another class with confidence, most"
        " contradictory first. Look at each: is its class right, and does it lie where it should?",
    )


def _suspects(result: AdaptResult) -> tuple[Table, ...]:
    if not result.suspects:
        return ()
    columns = (
        Column("label", "Sample says", "text"),
        Column("predicted", "The others say", "text"),
        Column("confidence", "Confidence", "share"),
        Column("x", "x", "text"),
        Column("y", "y", "text"),
    )
    rows = []
    for one in result.suspects[:_MOST_LISTED]:
        cells: tuple[Value, ...] = (
            one.label, one.predicted, one.confidence, f"{one.x:.10g}", f"{one.y:.10g}",
        )  # fmt: skip
        rows.append(Row(one.id, cells))
    return (Table("suspects_table", "Contradictory samples", "", "Id", columns, tuple(rows)),)
