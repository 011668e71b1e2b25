# SPDX-License-Identifier: GPL-3.0-or-later
"""A matrix as it stands on the page: at most so many classes, the colours of its heat map, pieces that fit on paper.

The heat map has a few steps of two hues, in light and dark, on which the numbers stay readable.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from . import number_format
from .document import MOST_SHOWN, Matrix, Value

OTHER = "(other classes)"
#: Width of a printed table without its first column, and what a character and a cell's sides take; pixels at 7 pt.
_PAPER, _CHARACTER, _SIDES = 540.0, 5.3, 9.0
#: Heads of more columns than these stand upright.
_MOST_LEVEL = 7
#: Steps of colour from 1 (faint) to this; 0 is without colour.
STEPS = 8


@dataclass(frozen=True)
class Cell:
    """Text of a cell, and its class in the style sheet."""

    text: str
    style: str


@dataclass(frozen=True)
class Line:
    """A row of cells."""

    label: str
    colour: str | None
    muted: bool
    total: bool
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class MatrixView:
    """Heads of the class columns and of the margins, lines, and the (first, last) columns of each printed piece."""

    heads: tuple[str, ...]
    margins: tuple[str, ...]
    lines: tuple[Line, ...]
    pieces: tuple[tuple[int, int], ...]
    upright: bool
    note: str


def view(matrix: Matrix) -> MatrixView:
    """What HTML shows of `matrix`."""
    q = len(matrix.order)
    shown = list(range(q)) if q <= MOST_SHOWN else sorted(matrix.order[:MOST_SHOWN])
    hidden = [] if q <= MOST_SHOWN else sorted(matrix.order[MOST_SHOWN:])
    heads = [matrix.columns[k].title for k in shown] + ([OTHER] if hidden else [])
    margins = [c.title for c in matrix.columns[q:]]
    kind = matrix.columns[0].kind
    rows = [matrix.rows[k] for k in shown]
    lines = []
    for position, row in enumerate(rows):
        values = _reduced(row.cells, shown, hidden, q)
        lines.append(Line(row.label, row.colour, row.muted, False, _cells(values, row.cells[q:], kind, position)))
    if hidden:
        summed = [_sum(matrix.rows[k].cells[j] for k in hidden) for j in range(q + 1)]
        blank: list[Value] = [""] * (len(margins) - 1)
        values = _reduced(summed, shown, hidden, q)
        lines.append(Line(OTHER, None, False, False, _cells(values, [summed[q], *blank], kind, len(shown))))
    for row in matrix.rows[q:]:
        own = row.kinds.get(matrix.columns[0].key, kind)
        rest: list[Value] = []
        if hidden:
            rest = [_sum(row.cells[k] for k in hidden)] if row.total else [""]
        texts = [Cell(number_format.cell(v, own), "sum") for v in [*(row.cells[k] for k in shown), *rest]]
        ends = [Cell(number_format.cell(v, own if row.total else "share"), "sum") for v in row.cells[q:]]
        lines.append(Line(row.label, None, False, True, (*texts, *ends)))
    note = (
        f"Shown: the {len(shown)} largest of {q} classes; the rest is summed up. The CSV and the JSON file have all."
        if hidden
        else ""
    )
    return MatrixView(tuple(heads), tuple(margins), tuple(lines), _pieces(lines), len(heads) > _MOST_LEVEL, note)


def _reduced(values: Sequence[Value], shown: Sequence[int], hidden: Sequence[int], q: int) -> list[Value]:
    kept = [values[k] for k in shown]
    return [*kept, _sum(values[k] for k in hidden)] if hidden else kept


def _cells(values: Sequence[Value], margins: Sequence[Value], kind: str, diagonal: int) -> tuple[Cell, ...]:
    total = _number(margins[0])
    cells = []
    for j, value in enumerate(values):
        step = step_of(_number(value) / total) if total else 0
        name = "agreement" if j == diagonal else "error"
        style = f"{name}{step}" if step else "none"
        cells.append(Cell(number_format.cell(value, kind), f"{style} hit" if j == diagonal else style))
    ends = [
        Cell(number_format.cell(margins[0], kind), "sum"),
        *(Cell(number_format.cell(v, "share"), "sum") for v in margins[1:]),
    ]
    return (*cells, *ends)


def _pieces(lines: Sequence[Line]) -> tuple[tuple[int, int], ...]:
    """Columns that fit side by side on paper."""
    columns = len(lines[0].cells)
    longest = max(len(cell.text) for line in lines for cell in line.cells)
    fitting = max(2, int(_PAPER // (longest * _CHARACTER + _SIDES)))
    return tuple((first, min(first + fitting, columns)) for first in range(0, columns, fitting))


def _number(value: Value) -> float:
    return float(value) if isinstance(value, (int, float)) else 0.0


def _sum(values: Iterable[Value]) -> float:
    known: list[float] = [v for v in values if isinstance(v, (int, float))]
    return sum(known)


# ---------------------------------------------------------------- colours of the heat map


@dataclass(frozen=True)
class Palette:
    """Colours of one scheme: background of the page, text, and the strongest step of agreement and of error."""

    page: str
    text: str
    agreement: str
    error: str

    def step(self, kind: str, step: int) -> str:
        """#rrggbb of a step; mixed from the page's colour so that step 0 is the page."""
        share = 0.0 if step == 0 else 0.08 + 0.92 * step / STEPS
        end = self.agreement if kind == "agreement" else self.error
        mixed = (round(a + (b - a) * share) for a, b in zip(_channels(self.page), _channels(end)))
        return "#" + "".join(f"{c:02x}" for c in mixed)


LIGHT = Palette(page="#ffffff", text="#14181b", agreement="#7fc4b6", error="#f0a987")
DARK = Palette(page="#14181b", text="#f1f4f3", agreement="#1f6e62", error="#8b4a2a")


def step_of(share: float) -> int:
    """The step for what a cell is of its row; the root lets small confusions be seen."""
    if share <= 0:
        return 0
    return max(1, min(STEPS, math.ceil(STEPS * math.sqrt(share))))


def style_rules(palette: Palette, prefix: str = "") -> str:
    """CSS rules `.agreement3 {…}` of every step."""
    return "\n".join(
        f"{prefix}td.{kind}{step} {{ background-color: {palette.step(kind, step)}; color: {palette.text}; }}"
        for kind in ("agreement", "error")
        for step in range(1, STEPS + 1)
    )


def contrast(first: str, second: str) -> float:
    """Contrast ratio of two #rrggbb colours, 1 to 21 (WCAG 2.1, definition of contrast ratio)."""
    lighter, darker = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _channels(colour: str) -> Sequence[int]:
    return tuple(int(colour[i : i + 2], 16) for i in (1, 3, 5))


def _luminance(colour: str) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (v / 255 for v in _channels(colour))]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
