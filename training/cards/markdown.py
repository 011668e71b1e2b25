# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers, tables and lists as Markdown."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def number(value: float | None) -> str:
    """Three decimals, a dash for what is not defined."""
    return "–" if value is None or not np.isfinite(value) else f"{value:.3f}"


def count(value: float) -> str:
    """A whole number with blanks between thousands."""
    return f"{round(value):,}".replace(",", " ")


def cell(text: object) -> str:
    """Text that does not end a cell."""
    return str(text).replace("|", "\\|").replace("\n", " ")


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table; the first column is text, the others stand to the right."""
    lines = ["| " + " | ".join(map(cell, header)) + " |", "|---|" + "---:|" * (len(header) - 1)]
    return "\n".join([*lines, *("| " + " | ".join(map(cell, row)) + " |" for row in rows)])


def texts(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table of text."""
    lines = ["| " + " | ".join(map(cell, header)) + " |", "|" + "---|" * len(header)]
    return "\n".join([*lines, *("| " + " | ".join(map(cell, row)) + " |" for row in rows)])


def bullets(items: Sequence[str]) -> str:
    """A list."""
    return "\n".join(f"- {item}" for item in items)


def joined(names: Sequence[str], word: str = "and") -> str:
    """red, green and blue."""
    return f"{', '.join(names[:-1])} {word} {names[-1]}" if len(names) > 1 else "".join(names)
