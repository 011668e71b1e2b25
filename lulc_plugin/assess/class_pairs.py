# SPDX-License-Identifier: GPL-3.0-or-later
"""The class table that a user gives: which map value and which reference value or name mean the same."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Union

from ..errors import FileNotRead, LulcError
from .class_names import whole_number
from .job import LONGEST_LABEL
from .reference import read_table

#: (map value, reference value or name) of what means the same.
Pairs = tuple[tuple[int, Union[int, str]], ...]

#: Columns of a class table in a file.
MAP, MAP_B = "map", "map_b"
_MOST_ROWS = 10_000
_LARGEST = 4_000_000
_SHOWN = 40
_REMEDY = "Each row is a map value and the reference value or name that means the same, like 1,40 or 1,Forest."


def class_table(cells: Sequence[Any]) -> Pairs:
    """Pairs from the cells of a two-column table, row after row (numbers may come as 3.0 or "3").

    Raises:
        LulcError: an odd number of cells, or a map value that is not a whole number.
    """
    cells = list(cells)
    if len(cells) % 2:
        raise LulcError(f"The class table has {len(cells)} cells, which is not two in each row.", _REMEDY)
    rows = [(cells[i], cells[i + 1]) for i in range(0, len(cells), 2)]
    return _pairs([row for row in rows if not (_empty(row[0]) and _empty(row[1]))], "The class table")


def read_class_table(path: Path, column: str = MAP) -> Pairs:
    """Pairs from a CSV file with the columns `map` and `reference`, as spreadsheets and other tools write it.

    Args:
        path: the file.
        column: `MAP`, or `MAP_B` for the second of two maps, a column that may be missing.

    Raises:
        LulcError: the file cannot be read or lacks the columns.
    """
    what = f"The class table {path}"
    try:
        if path.stat().st_size > _LARGEST:
            raise LulcError(f"{what} has {path.stat().st_size:,} bytes; that is not a class table.")
    except OSError as error:
        raise FileNotRead(f"{what} cannot be read: {error}.", "Check its name and folder.") from error
    table = read_table(str(path), "class table")
    places = {name.lower(): i for i, name in enumerate(table.header)}
    if not {MAP, "reference"} <= set(places):
        columns = ", ".join(repr(name[:_SHOWN]) for name in table.header)
        raise LulcError(
            f"{what} lacks the columns map and reference; its columns are: {columns}.",
            "Its first line is map,reference.",
        )
    wanted = [places[MAP], places["reference"], places.get(MAP_B)]
    cells = [[None if i is None else row[i] for i in wanted] for row in table.rows]
    of_map_b = [(of_b, reference) for _, reference, of_b in cells if not _empty(of_b)]
    # a row of map B and the reference alone says nothing about the map
    of_map = [(own, ref) for own, ref, of_b in cells if not (_empty(own) and (_empty(ref) or not _empty(of_b)))]
    return _pairs(of_map_b if column == MAP_B else of_map, what)


def _empty(cell: Any) -> bool:
    return cell is None or not str(cell).strip()


def _pairs(rows: Sequence[tuple[Any, Any]], what: str) -> Pairs:
    if len(rows) > _MOST_ROWS:
        raise LulcError(f"{what} has {len(rows):,} rows; at most {_MOST_ROWS:,} make sense.")
    pairs = []
    for number, (of_map, of_reference) in enumerate(rows, 1):
        value = whole_number(of_map)
        if value is None:
            raise LulcError(
                f"{what}: the map value {str(of_map)[:_SHOWN]!r} in row {number} is not a whole number.", _REMEDY
            )
        if _empty(of_reference):
            raise LulcError(f"{what}: row {number} (map value {value}) has no reference value.", _REMEDY)
        if len(str(of_reference)) > LONGEST_LABEL:
            raise LulcError(
                f"{what}: the reference value in row {number} has {len(str(of_reference)):,} characters; a name has at"
                f" most {LONGEST_LABEL}.",
                _REMEDY,
            )
        reference = whole_number(of_reference)
        pairs.append((value, str(of_reference).strip() if reference is None else reference))
    return tuple(dict.fromkeys(pairs))
