# SPDX-License-Identifier: GPL-3.0-or-later
"""Values of a result as JSON, HTML and CSV can hold them. Standard library only; numpy's numbers are numbers, too."""

from __future__ import annotations

import math
from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any


def number(value: Any) -> float | None:
    """A finite Python float, or None: NaN and infinity have no place in JSON and would be no figure either."""
    if value is None:
        return None
    value = float(value)
    return value if math.isfinite(value) else None


def plain_text(text: Any) -> str:
    """Text without control characters and halves of characters, which neither HTML nor UTF-8 can hold."""
    return "".join(
        "\ufffd" if "\ud800" <= c <= "\udfff" else " " if (c < " " and c not in "\t\n") or "\x7f" <= c <= "\x9f" else c
        for c in str(text)
    )


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
