# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of classes from tables beside a raster: GDAL's raster attribute table, and Esri's value attribute table.

Both are untrusted: nothing is parsed as XML, and every count is bounded.
"""

from __future__ import annotations

import html
import os
import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_MOST_ROWS = 65536
_MOST_COLUMNS = 256
_LARGEST_DBF = 64_000_000
#: What GDAL says of a column: names of classes, and the values that they stand for (`GDALRATFieldUsage`).
_NAME, _VALUES = "2", ("5", "3")
_TEXT = "2"
#: Columns that hold names, in lower case and without "_" and blanks, the most likely first.
_NAMES = ("classname", "classnames", "name", "class", "label", "category", "landcover", "description", "legend", "type")
_VALUE_NAMES = ("value", "code", "classvalue", "gridcode", "id")
_FIRST = re.compile(r'\bRow0Min="(\d{1,5})(?:\.0*)?" BinSize="1(?:\.0*)?"')
_LONGEST_TAG = 1000
_WHOLE = re.compile(r"\s*([0-9]{1,5})(?:\.0*)?\s*\Z")


@dataclass(frozen=True)
class Column:
    """A column of a table: its name, whether it holds texts, what GDAL says it is for, and its cells."""

    name: str
    is_text: bool
    usage: str
    cells: Sequence[str]

    @property
    def plain_name(self) -> str:
        """The name as it is compared."""
        return re.sub(r"[\s_.-]", "", self.name.lower())


def names_in(columns: Sequence[Column]) -> dict[int, str]:
    """Value → name; empty where no column holds texts: numbers, such as counts of pixels, are no names."""
    names = _name_column(columns)
    if names is None:
        return {}
    values = _value_column(columns)
    rows = range(len(names.cells)) if values is None else [_whole(cell) for cell in values.cells]
    found: dict[int, str] = {}
    for value, name in zip(rows, names.cells):
        if value is not None and name.strip():
            found.setdefault(value, name.strip())
    return found


def _name_column(columns: Sequence[Column]) -> Column | None:
    texts = [column for column in columns if column.is_text and any(cell.strip() for cell in column.cells)]
    for column in texts:
        if column.usage == _NAME:
            return column
    ranked = {name: rank for rank, name in enumerate(_NAMES)}
    known = [column for column in texts if column.plain_name in ranked]
    if known:
        return min(known, key=lambda column: ranked[column.plain_name])
    return texts[0] if texts else None


def _value_column(columns: Sequence[Column]) -> Column | None:
    for usage in _VALUES:
        for column in columns:
            if column.usage == usage:
                return column
    for name in _VALUE_NAMES:
        for column in columns:
            if column.plain_name == name and not column.is_text:
                return column
    return None


def _whole(cell: str) -> int | None:
    written = _WHOLE.match(cell)
    return int(written[1]) if written else None


def columns_of_xml(block: str) -> list[Column]:
    """Columns of `<GDALRasterAttributeTable>` within what GDAL writes about a band; empty without."""
    start, end = block.find("<GDALRasterAttributeTable"), block.find("</GDALRasterAttributeTable>")
    if start < 0 or end < start:
        return []
    head, *rows = block[start:end].split("<Row")
    fields = [field.partition("</FieldDefn>")[0] for field in head.split("<FieldDefn")[1 : _MOST_COLUMNS + 1]]
    cells: list[list[str]] = [[] for _ in fields]
    for row in rows[:_MOST_ROWS]:
        in_row = [piece.partition("</F>")[0] for piece in row.replace("<F/>", "<F></F>").split("<F>")[1:]]
        for column, cell in zip(cells, (*in_row, *[""] * len(fields))):
            column.append(html.unescape(cell))
    columns = [
        Column(html.unescape(_inside(field, "Name")), _inside(field, "Type") == _TEXT, _inside(field, "Usage"), column)
        for field, column in zip(fields, cells)
    ]
    first = _FIRST.search(head[:_LONGEST_TAG].partition(">")[0])
    if first is not None and _value_column(columns) is None:  # rows count from another value than 0
        values = [str(int(first[1]) + i) for i in range(min(len(rows), _MOST_ROWS))]
        columns.append(Column("", False, _VALUES[0], values))
    return columns


def _inside(text: str, tag: str) -> str:
    return text.partition(f"<{tag}>")[2].partition(f"</{tag}>")[0].strip()


def columns_of_dbf(path: Path) -> list[Column]:
    """Columns of a dBASE file; empty where it is none.

    Raises:
        OSError: it cannot be read.
    """
    if not os.path.isfile(path) or not 65 <= path.stat().st_size <= _LARGEST_DBF:
        return []
    data = path.read_bytes()
    rows, first, width = struct.unpack_from("<IHH", data, 4)
    if not 33 <= first <= len(data) or not width:
        return []
    rows = min(rows, _MOST_ROWS, (len(data) - first) // width)
    records = [data[first + i * width : first + (i + 1) * width] for i in range(rows)]
    records = [record for record in records if record[:1] != b"*"]  # deleted ones
    columns, at = [], 1
    for place in range(32, min(first - 1, 32 * (_MOST_COLUMNS + 1)), 32):
        if data[place : place + 1] == b"\r" or place + 32 > len(data):
            break
        name = _text([data[place : place + 11].partition(b"\0")[0]])[0]
        length = data[place + 16]
        cells = _text([record[at : at + length].strip(b" \0") for record in records])
        columns.append(Column(name, data[place + 11 : place + 12] == b"C", "", cells))
        at += length
    return columns


def _text(cells: Sequence[bytes]) -> list[str]:
    """Texts of a column: UTF-8, or the code page of western Europe, which is what such files are in if nobody says."""
    try:
        return [cell.decode("utf-8") for cell in cells]
    except UnicodeDecodeError:
        return [cell.decode("cp1252", "replace") for cell in cells]
