# SPDX-License-Identifier: GPL-3.0-or-later
"""The two matrices of a map: counts, and shares of the area. Rows are the map, columns the reference."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from ..document import STUB, Column, Matrix, Row, Value
from .facts import DesignFacts, MapFacts

_TOTAL, _USERS, _PRODUCERS = "Total", "User's accuracy", "Producer's accuracy"


def matrices(
    facts: MapFacts, design: DesignFacts, counted: str, suffix: str = "", of: str = ""
) -> tuple[Matrix, Matrix]:
    """Matrix of counts and matrix of shares.

    The accuracies stand in the margins of the matrix they follow from: of the shares always, of the counts only when
    these say the same (otherwise a reader would take sample figures for estimates).
    """
    counts = np.array(facts["counts"], np.float64)
    shares = np.array(facts["area_shares"], np.float64)
    same = bool(np.allclose(counts / max(counts.sum(), 1.0), shares, rtol=1e-9, atol=1e-12))
    order = tuple(int(i) for i in np.argsort(-(shares.sum(axis=0) + shares.sum(axis=1)), kind="stable"))
    of_map = f" of {of}" if of else ""
    if same:
        caption = f"Number of {counted}. Rows: class in the map; columns: class in the reference."
    else:
        caption = (
            f"Number of {counted} in the sample. Rows: class in the map; columns: class in the reference. "
            "Not to be read as shares of the area: no statistic uses these counts alone."
        )
    title, whole = _share_words(design, counted)
    columns, rows, notes = _contents(facts, facts["counts"], "count", same)
    of_counts = Matrix(f"counts{suffix}", f"Matrix of counts{of_map}", caption, STUB, columns, rows, notes, order=order)
    columns, rows, notes = _contents(facts, facts["area_shares"], "percent", True)
    of_shares = Matrix(
        f"area_shares{suffix}",
        f"{title}{of_map}",
        f"Percent of {whole}: all cells together are 100. A cell of 0 is exactly none, 0.0 is less than 0.05.",
        STUB,
        columns,
        rows,
        notes,
        f"Shares (0 to 1) of {whole}: all cells together are 1.",
        order,
    )
    return of_counts, of_shares


def _share_words(design: DesignFacts, counted: str) -> tuple[str, str]:
    if design["name"] == "stratified" or design["post_stratified"]:
        return "Matrix of estimated area proportions; all statistics use this one", "the area of the map"
    if design["name"] == "simple":
        return "Matrix of estimated area proportions", "the area of the map"
    if design["name"] == "census":
        return "Matrix of area proportions", "the compared area"
    return f"Matrix of proportions of the {counted}", f"the compared {counted}, not of the map's area"


def _contents(
    facts: MapFacts, values: Sequence[Sequence[float]], kind: str, margins: bool
) -> tuple[tuple[Column, ...], tuple[Row, ...], tuple[str, ...]]:
    """Columns, rows and notes of a matrix, with its totals, and with accuracies in the `margins`."""
    classes = facts["classes"]
    columns = [Column(str(j), entry["label"], kind, "Reference (columns)") for j, entry in enumerate(classes)]
    columns.append(Column("total", _TOTAL, kind))
    if margins:
        columns.append(Column("users_accuracy", _USERS, "share"))
    rows = [
        Row(
            entry["label"],
            (*line, _sum(line), *((entry["users_accuracy"]["value"],) if margins else ())),
            entry["colour"],
            muted=entry["units_map"] == 0 and entry["units_reference"] == 0,
        )
        for entry, line in zip(classes, values)
    ]
    sums = [_sum(column) for column in zip(*values)]
    blank: tuple[Value, ...] = ("",) if margins else ()
    rows.append(Row(_TOTAL, (*sums, _sum(sums), *blank), total=True))
    if margins:
        accuracy = tuple(entry["producers_accuracy"]["value"] for entry in classes)
        overall = facts["overall_accuracy"]["value"]
        kinds = {column.key: "share" for column in columns}
        rows.append(Row(_PRODUCERS, (*accuracy, "", overall), kinds=kinds))
    notes = ("Where the two margins meet: overall accuracy.",) if margins else ()
    return tuple(columns), tuple(rows), notes


def _sum(values: Iterable[float]) -> float:
    """Python's own sum: whole numbers stay exact whatever their size."""
    return sum(values)
