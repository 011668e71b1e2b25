# SPDX-License-Identifier: GPL-3.0-or-later
"""Names and numbers of classes as people write them, in the form in which they are compared."""

from __future__ import annotations

from typing import Any, Union

from .job import Label

#: A label in the one form in which labels are compared: a whole number, or a text without spaces around it.
Key = Union[int, str]


def key_of(label: Label) -> Key | None:
    """The comparable form of a label; None when there is none (NULL, empty text)."""
    if label is None or isinstance(label, float) and label != label:
        return None
    number = whole_number(label)
    if number is not None:
        return number
    return str(label).strip() or None


def whole_number(value: Any) -> int | None:
    """`value` as a whole number if it is one, also as 3.0, "3" or "3.0"; else None."""
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return int(number) if number.is_integer() else None
