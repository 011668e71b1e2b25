# SPDX-License-Identifier: GPL-3.0-or-later
"""What a report consists of, before it is HTML or CSV: sections of sentences, tables and charts in full precision.

Its values are such as JSON, HTML and CSV can hold: `plain` makes them. Standard library only.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from numbers import Integral, Real
from typing import Any, Optional, Union

from ..legend import visible_text

#: Head of an estimate above which stands what it is an estimate of.
VALUE = "value"
#: Classes on a page of bars or in a matrix; more than these are in the CSV and the JSON file only.
MOST_SHOWN = 30
#: First head of a matrix.
STUB = "Map (rows) / Reference (columns)"
#: None is "not applicable".
Value = Optional[Union[int, float, str]]


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        key: where its numbers lie in the JSON object, below the row's entry: `users_accuracy.low`.
        title: head of the column.
        kind: how a number is printed: see `number_format.cell`.
        group: head above several columns; empty: none.
        optional: left out where no row has a value (intervals of a census).
    """

    key: str
    title: str
    kind: str
    group: str = ""
    optional: bool = False

    @property
    def full_title(self) -> str:
        """The title with its group, for files without a second line of heads."""
        return f"{self.group}, {self.title}" if self.group else self.title


@dataclass(frozen=True)
class Row:
    """A row: its head and one cell a column.

    Attributes:
        label: text of the head.
        cells: values in the order of the columns.
        colour: #RRGGBB of the class or None.
        muted: greyed (a class that occurs on neither side).
        total: a sum, set off by a rule.
        marked: keys of the columns whose interval was made in another way (†).
        kinds: how single cells are printed when not as their column: key → kind.
    """

    label: str
    cells: tuple[Value, ...]
    colour: str | None = None
    muted: bool = False
    total: bool = False
    marked: frozenset[str] = frozenset()
    kinds: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes:
        id: stable name; also the anchor in the HTML.
        title: what it shows.
        caption: how to read it.
        stub: head of the column of row heads.
        columns, rows: the contents.
        notes: footnotes.
        csv_caption: the caption where numbers are not percentages but shares; empty: as `caption`.
    """

    id: str
    title: str
    caption: str
    stub: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
    csv_caption: str = ""

    def without_empty_columns(self) -> Table:
        """The same table without optional columns that hold nothing."""
        keep = [
            i for i, c in enumerate(self.columns) if not c.optional or any(r.cells[i] is not None for r in self.rows)
        ]
        if len(keep) == len(self.columns):
            return self
        rows = tuple(replace(r, cells=tuple(r.cells[i] for i in keep)) for r in self.rows)
        columns = [self.columns[i] for i in keep]
        groups = [c.group for c in columns]
        # a value that lost its bounds needs no second head
        alone = (c.title == VALUE and groups.count(c.group) == 1 for c in columns)
        columns = [replace(c, title=c.group, group="") if only else c for c, only in zip(columns, alone)]
        return replace(self, columns=tuple(columns), rows=rows)


@dataclass(frozen=True)
class Matrix(Table):
    """A square table, map in rows and reference in columns, shown as a heat map.

    Its rows and columns are the classes, and after them totals and accuracies. `order` has the indices of the classes,
    the largest first: where they are too many for a page, HTML shows the first of them.
    """

    order: tuple[int, ...] = ()


@dataclass(frozen=True)
class Bar:
    """One bar on a scale of 0..1: its value, and the ends of the interval; `text` is the number as printed."""

    label: str
    style: str
    value: float | None
    low: float | None
    high: float | None
    text: str


@dataclass(frozen=True)
class BarGroup:
    """The bars of a class."""

    label: str
    colour: str | None
    bars: tuple[Bar, ...]


@dataclass(frozen=True)
class Chart:
    """Bars with whiskers; `ticks` are (position 0..1, text), `stub` is the head of the column of labels."""

    id: str
    title: str
    caption: str
    groups: tuple[BarGroup, ...]
    ticks: tuple[tuple[float, str], ...]
    stub: str = "Class"


@dataclass(frozen=True)
class Figure:
    """A headline number."""

    label: str
    value: str
    detail: str


@dataclass(frozen=True)
class Section:
    """A heading with what stands below it, in this order: sentences, tables and charts."""

    id: str
    title: str
    sentences: tuple[str, ...] = ()
    parts: tuple[Table | Chart, ...] = ()


@dataclass(frozen=True)
class Document:
    """A whole report; `kind` stands above its title."""

    title: str
    design: str
    about: tuple[tuple[str, str], ...]
    summary: tuple[str, ...]
    figures: tuple[Figure, ...]
    caveat: str
    warnings: tuple[str, ...]
    sections: tuple[Section, ...]
    kind: str = "Accuracy report"

    @property
    def tables(self) -> tuple[Table, ...]:
        """All tables in their order."""
        return tuple(part for section in self.sections for part in section.parts if isinstance(part, Table))


def look_up(entry: Any, key: str) -> Any:
    """The value under a dotted key; None when a part of the way is None."""
    for part in key.split("."):
        if entry is None:
            return None
        entry = entry[part]
    return entry


def cells(entry: Any, columns: Sequence[Column]) -> tuple[Value, ...]:
    """The cells of a row that `entry`, a part of the JSON object, makes."""
    return tuple(look_up(entry, column.key) for column in columns)


# ---------------------------------------------------------------- values


def number(value: Any) -> float | None:
    """A finite Python float, or None: NaN and infinity have no place in JSON and would be no figure either."""
    if value is None:
        return None
    value = float(value)
    return value if math.isfinite(value) else None


def plain_text(text: Any) -> str:
    """Text without control characters and halves of characters, which neither HTML nor UTF-8 can hold.

    Nor has it characters that nobody sees and that turn or hide what follows: a number behind a name would be turned.
    """
    return visible_text("".join(map(_printable, str(text))))


def _printable(c: str) -> str:
    if "\ud800" <= c <= "\udfff":
        return "\ufffd"
    return " " if (c < " " and c not in "\t\n") or "\x7f" <= c <= "\x9f" else c


def plain(value: Any) -> Any:
    """Any value of a record as JSON: numbers, texts, lists and mappings of them; everything else as its text."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return number(value)
    if isinstance(value, Mapping):
        return {plain_text(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    return plain_text(value)
