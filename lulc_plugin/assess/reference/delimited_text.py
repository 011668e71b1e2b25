# SPDX-License-Identifier: GPL-3.0-or-later
"""A table in a text file, as spreadsheets, databases and other tools write it: names of columns, and rows of cells."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TextIO

from ...errors import FileNotRead, LulcError
from .columns import names_for_message

_LARGEST = 200_000_000
_MOST_ROWS = 1_000_000
_MOST_COLUMNS = 1_000
_BYTE_ORDER_MARKS = (
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?', re.IGNORECASE)
#: The first one that the names of the columns have counts.
_SEPARATORS = ("\t", ";", "|", ",")
_COMMENT = "#"


@dataclass(frozen=True)
class TextTable:
    """Names of the columns, the rows that are not empty, the line of the file in which each ends, and the separator."""

    path: str
    header: list[str]
    rows: list[list[str]]
    lines: list[int]
    separator: str


def read_table(path: str, what: str = "reference") -> TextTable:
    """A table in UTF-8, UTF-16 or UTF-32, its columns separated by commas, semicolons, tabs, bars or blanks.

    Lines that begin with # are comments, the first line may name the separator (`sep=;`, for Excel). Cells that stand
    beyond the last column are left out where they are empty; cells that are missing at a row's end are empty.

    Args:
        path: the file.
        what: what messages call it.

    Raises:
        LulcError: it cannot be read, or is no table.
    """
    try:
        if not os.path.isfile(path):
            raise LulcError(f"There is no file {path}.", "Check its name and folder.")
        size = os.path.getsize(path)
        if size > _LARGEST:
            raise LulcError(
                f"The {what} {path} has {size:,} bytes; tables are read up to {_LARGEST:,}.",
                "Leave columns out, or save it as a GeoPackage.",
            )
        with open(path, encoding=_encoding(path), newline="") as stream:
            table = _table(path, _Lines(stream), what)
    except (OSError, UnicodeError, csv.Error) as error:
        raise FileNotRead(f"The {what} {path} cannot be read: {error}.", "Save it as CSV in UTF-8.") from error
    if not table.rows:
        item = "point" if what == "reference" else "row"
        raise LulcError(f"The {what} {path} has no {item}s below its first line.", f"Give one {item} a line.")
    return table


class _Lines:
    """The lines of a file that are no comments, nor empty at its beginning.

    Attributes:
        number: of the line that came last, in the file.
        comment: the last comment before the first line.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._in_quotes = False
        self._begun = False
        self.number = 0
        self.comment = ""

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        for line in self._stream:
            self.number += 1
            text = line.strip()
            if not self._in_quotes and text.startswith(_COMMENT):
                self.comment = self.comment if self._begun else text.lstrip(_COMMENT).strip()
                continue
            if not self._begun and not text:
                continue
            self._begun = True
            self._in_quotes ^= line.count('"') % 2 == 1
            return line
        raise StopIteration


def _encoding(path: str) -> str:
    with open(path, "rb") as stream:
        start = stream.read(200)
    for mark, encoding in _BYTE_ORDER_MARKS:
        if start.startswith(mark):
            return encoding
    if b"\0" in start:  # without a mark: every second byte of Latin letters is 0
        return "utf-16-be" if start[:1] == b"\0" else "utf-16-le"
    return "utf-8-sig"


def _table(path: str, lines: _Lines, what: str) -> TextTable:
    first = next(lines, "")
    named = _SEPARATOR_LINE.fullmatch(first.strip("\r\n"))
    separator = named.group(1) if named else ""
    first = next(lines, "") if named else first
    separator = separator or _separator(first)
    reader = csv.reader(_chained(first, lines), delimiter=separator, skipinitialspace=separator == " ")
    header = [name.strip() for name in next(reader, [])]
    rows: list[list[str]] = []
    numbers: list[int] = []
    of_comment = next(csv.reader([lines.comment], delimiter=separator, skipinitialspace=True), [])
    if len(of_comment) == len(header) > 1 and any(map(_is_number, header)):
        header, first_row = [name.strip() for name in of_comment], header  # as numpy writes the names
        rows.append(first_row)
        numbers.append(lines.number)
    _refuse_header(path, header, what)
    for row in reader:
        if not any(cell.strip() for cell in row):
            continue
        if len(rows) == _MOST_ROWS:
            raise LulcError(f"The {what} {path} has more than {_MOST_ROWS:,} rows.", "Give fewer rows.")
        rows.append(_fitted(path, row, header, lines.number))
        numbers.append(lines.number)
    return TextTable(path, header, rows, numbers, separator)


def _chained(first: str, lines: _Lines) -> Iterator[str]:
    if first:
        yield first
    yield from lines


def _separator(header: str) -> str:
    outside_quotes = re.sub(r'"[^"]*"', "", header)
    for separator in _SEPARATORS:
        if separator in outside_quotes:
            return separator
    return " " if len(outside_quotes.split()) > 2 else ","


def _fitted(path: str, row: list[str], header: Sequence[str], line: int) -> list[str]:
    """A row with as many cells as there are columns.

    Raises:
        LulcError: a cell too many or too few that is not empty, or whose column has a name.
    """
    count = len(header)
    extra, missing = row[count:], header[len(row) :]
    if any(cell.strip() for cell in extra) or any(missing):
        raise LulcError(
            f"Line {line:,} of {path} has {len(row):,} cells, its first line has {count:,} columns.",
            "Correct that line; a cell that holds the separator stands in double quotes.",
        )
    return row[:count] + [""] * len(missing)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _refuse_header(path: str, header: Sequence[str], what: str) -> None:
    if not any(header):
        raise LulcError(
            f"The {what} {path} does not begin with the names of its columns.",
            "Its first line is like x,y,ref_class." if what == "reference" else "Its first line has them.",
        )
    if len(header) > _MOST_COLUMNS:
        raise LulcError(
            f"The {what} {path} has {len(header):,} columns; at most {_MOST_COLUMNS:,} make sense.",
            "Leave out those that are not needed.",
        )
    twice = [name for name in dict.fromkeys(header) if name and header.count(name) > 1]
    if twice:
        raise LulcError(
            f"The {what} {path} has several columns called {names_for_message(twice)}.", "Give each its own name."
        )
