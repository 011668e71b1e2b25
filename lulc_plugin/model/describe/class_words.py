# SPDX-License-Identifier: GPL-3.0-or-later
"""The classes of a network as a person lists them: rows of value, name and perhaps colour, or a CSV file of such."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...errors import LulcError
from ...legend import LegendClass
from ..palette import spare_colour

_MOST = 4096
_LARGEST = 4_000_000
_REMEDY = (
    "Each row is a class in the network's channel order: value,name or value,name,colour, like 1,Water or"
    " 1,Water,#0064C8."
)
_COLOURS = ("colour", "color", "color_hint")


def classes_of_cells(cells: Sequence[Any], columns: int = 3) -> tuple[LegendClass, ...]:
    """Classes from the cells of a table, row after row (values may come as 1.0 or "1").

    Raises:
        LulcError: no full rows, or a row that is no class.
    """
    cells = list(cells)
    if len(cells) % columns:
        raise LulcError(f"The class table has {len(cells)} cells, which is not {columns} in each row.", _REMEDY)
    rows = [cells[i : i + columns] for i in range(0, len(cells), columns)]
    return classes_of_rows(rows, "The class table")


def classes_of_file(path: Path) -> tuple[LegendClass, ...]:
    """Classes from a CSV file (comma, semicolon or tab; UTF-8), with or without a first line value,name,colour.

    Raises:
        LulcError: the file cannot be read, or a row is no class.
    """
    try:
        size = path.stat().st_size
        if size > _LARGEST:
            raise LulcError(f"The class table {path} has {size:,} bytes; that is no class table.")
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise LulcError(f"The class table {path} cannot be read: {error}.", "Save it as CSV in UTF-8.") from error
    first = lines[0] if lines else ""
    delimiter = next((d for d in (";", "\t") if d in first), ",")
    try:
        rows: list[list[str]] = list(csv.reader(lines, delimiter=delimiter, skipinitialspace=True))
    except csv.Error as error:
        raise LulcError(f"The class table {path} is no CSV file: {error}.", _REMEDY) from error
    header = [cell.strip().lower() for cell in rows[0]] if rows else []
    if {"value", "name"} <= set(header):
        wanted = [header.index("value"), header.index("name")]
        wanted += [header.index(c) for c in _COLOURS if c in header][:1]
        rows = [[row[i] if i < len(row) else "" for i in wanted] for row in rows[1:]]
    return classes_of_rows(rows, f"The class table {path}")


def classes_of_rows(rows: Sequence[Sequence[Any]], what: str) -> tuple[LegendClass, ...]:
    """Classes from rows of value, name and perhaps colour; empty rows are left out.

    Raises:
        LulcError: no class, a row that is none, or a value twice.
    """
    rows = [row for row in rows if any(_said(cell) for cell in row)]
    if not rows:
        raise LulcError(f"{what} is empty; the network's classes are missing.", _REMEDY)
    if len(rows) > _MOST:
        raise LulcError(f"{what} has {len(rows):,} rows; at most {_MOST:,} classes can be mapped.")
    classes: list[LegendClass] = []
    for number, row in enumerate(rows, 1):
        value = _whole(row[0])
        if value is None:
            raise LulcError(f"{what}: the value {str(row[0])[:50]!r} in row {number} is no whole number.", _REMEDY)
        name = _said(row[1]) if len(row) > 1 else ""
        if not name:
            raise LulcError(f"{what}: row {number} (value {value}) has no name.", _REMEDY)
        said = _said(row[2]) if len(row) > 2 else ""
        if said and not re.fullmatch(r"#?[0-9A-Fa-f]{6}", said):
            raise LulcError(
                f"{what}: the colour {said[:50]!r} in row {number} is not of the form #RRGGBB.",
                "Write #0064C8 for a blue, or leave it empty.",
            )
        colour = f"#{said.lstrip('#').upper()}" if said else spare_colour(len(classes), name)
        if any(c.value == value for c in classes):
            raise LulcError(f"{what}: the value {value} stands in two rows.", "Give every class a value of its own.")
        classes.append(LegendClass(value, name, colour))
    return tuple(classes)


def _said(cell: Any) -> str:
    return "" if cell is None else str(cell).strip()


def _whole(cell: Any) -> int | None:
    try:
        number = float(_said(cell))
    except (ValueError, OverflowError):
        return None
    return int(number) if number.is_integer() else None
