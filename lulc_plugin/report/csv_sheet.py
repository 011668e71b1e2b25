# SPDX-License-Identifier: GPL-3.0-or-later
"""The document as CSV: the same tables one after the other, in full precision."""

from __future__ import annotations

import csv
import io

from .document import Document, Table, Value

# What a spreadsheet takes for the start of a formula, also in its wide forms (OWASP: CSV injection).
_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")


def sheet(document: Document) -> str:
    """The text of the CSV file; lines end with a line feed and a carriage return, "not applicable" is empty."""
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow(["Report", _text(document.title)])
    writer.writerow(["Design", _text(document.design)])
    for sentence in document.summary:
        writer.writerow(["Summary", _text(sentence)])
    writer.writerow(["Kappa", _text(document.caveat)])
    for warning in document.warnings:
        writer.writerow(["Warning", _text(warning)])
    for section in document.sections:
        for sentence in section.sentences:
            writer.writerow([section.title, _text(sentence)])
    for table in document.tables:
        writer.writerow([])
        _write(writer, table)
    return stream.getvalue()


def _write(writer: object, table: Table) -> None:
    write = writer.writerow  # type: ignore[attr-defined]
    write(["Table", table.id, _text(table.title)])
    caption = table.csv_caption or table.caption
    if caption:
        write(["Caption", _text(caption)])
    for note in table.notes:
        write(["Note", _text(note)])
    write([_text(table.stub), *(_text(column.full_title) for column in table.columns)])
    for row in table.rows:
        write([_text(row.label), *(_cell(value) for value in row.cells)])


def _cell(value: Value) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return _text(value)
    return repr(value)


def _text(text: str) -> str:
    """A text that no spreadsheet runs as a formula."""
    start = text.lstrip()
    return f"'{text}" if start.startswith(_FORMULA) or text[:1] in ("\t", "\r", "\n") else text
