# SPDX-License-Identifier: GPL-3.0-or-later
"""Untrusted JSON: parsed with limits; its values of the right kind and size, or a `LulcError` that names the field."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any

from ...errors import LulcError
from ...legend import visible_text

_LARGEST = 1e18
#: Functions that walk a tree call themselves once a level, and QGIS has used part of Python's 1000 calls already.
_DEEPEST = 64
_MOST_DIGITS = 20


def parse(text: str, kept: frozenset[str]) -> Any:
    """The tree of a JSON text, with None where a number is missing.

    NaN and Infinity are not JSON, but many programs write them there.

    Args:
        text: what was read.
        kept: keys whose objects and lists keep their NaN, where NaN is reported to the user.

    Raises:
        ValueError: not JSON, or an unpaired surrogate, which cannot be encoded.
    """
    tree = load(text, parse_constant=lambda word: math.nan if word == "NaN" else None)
    tree = without_nan(tree, kept)
    json.dumps(tree, ensure_ascii=False).encode("utf-8")
    return tree


def load(text: str, parse_constant: Callable[[str], Any] = float) -> Any:
    """The tree of a JSON text from a file that nobody vouches for.

    Args:
        text: what was read.
        parse_constant: what stands for `NaN` and `Infinity`, which are not JSON but are written.

    Raises:
        ValueError: not JSON, or lists and objects nested deeper than 64.
    """
    too_deep = f"it is nested deeper than {_DEEPEST} levels"
    try:
        tree = json.loads(text, parse_constant=parse_constant, parse_int=_whole)
    except RecursionError:
        raise ValueError(too_deep) from None
    level, depth = [tree], 0
    while level:
        if depth > _DEEPEST:
            raise ValueError(too_deep)
        depth += 1
        inner: list[Any] = []
        for node in level:
            if isinstance(node, (dict, list)):
                inner.extend(node.values() if isinstance(node, dict) else node)
        level = inner
    return tree


def _whole(digits: str) -> int | float:
    """A whole number; beyond 64 bits as a float, which no arithmetic and no screen chokes on."""
    return int(digits) if len(digits) < _MOST_DIGITS else float(digits)


def without_nan(node: Any, kept: frozenset[str] = frozenset()) -> Any:
    """A JSON tree with None for NaN, but for objects and lists under the keys `kept`."""
    if isinstance(node, dict):
        return {
            key: value if key in kept and isinstance(value, (dict, list)) else without_nan(value, kept)
            for key, value in node.items()
        }
    if isinstance(node, list):
        return [without_nan(value, kept) for value in node]
    return None if isinstance(node, float) and math.isnan(node) else node


def entries(data: Mapping[str, Any], key: str, most: int, required: bool = True) -> list[Mapping[str, Any]]:
    """The list of objects `data[key]`; empty when it is missing and not required.

    Raises:
        LulcError: something else stands there, or more than `most` entries.
    """
    value = data.get(key)
    if value is None and not required:
        return []
    if not isinstance(value, list) or len(value) > most or (required and not value):
        raise LulcError(f"{key!r} is not a list of 1 to {most} entries.")
    if not all(isinstance(v, Mapping) for v in value):
        raise LulcError(f"{key!r} has an entry that is not an object.")
    return value


def text(value: Any, what: str, most: int = 1000) -> str:
    """`value` if it is a text of at most `most` characters, without characters that nobody sees.

    Raises:
        LulcError: it is not.
    """
    if not isinstance(value, str) or len(value) > most:
        raise LulcError(f"{what} is not a text of at most {most} characters.")
    # control characters break a GeoTIFF's metadata
    return visible_text(value)


def short_text(value: Any, most: int = 1000) -> str:
    """`value` as the text of a field that is only shown: cut to `most` characters, nothing unseen in it."""
    return visible_text(str(value or "")[:most])


def optional_text(value: Any, what: str) -> str | None:
    """The same, None for None."""
    return None if value is None else text(value, what)


def mapping(value: Any, what: str) -> Mapping[str, Any]:
    """`value` if it is an object; an empty one for None.

    Raises:
        LulcError: it is something else.
    """
    if value is not None and not isinstance(value, Mapping):
        raise LulcError(f"{what!r} is not an object.")
    return value or {}


def number(value: Any, what: str) -> float | None:
    """`value` as a float, None for None.

    Raises:
        LulcError: it is not a number between ±1e18.
    """
    if value is None:
        return None
    if not is_number(value) or not -_LARGEST <= value <= _LARGEST:
        raise LulcError(f"{what} is {str(value)[:30]}, not a number this program can use.")
    return float(value)


def is_number(value: Any) -> bool:
    """Whether `value` is a number; true and false are not."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def finite_numbers(value: Any, count: int) -> tuple[float, ...] | None:
    """`value` if it is a list of `count` finite numbers, else None."""
    if not isinstance(value, list) or len(value) != count:
        return None
    if not all(is_number(v) and -_LARGEST <= v <= _LARGEST and math.isfinite(v) for v in value):
        return None
    return tuple(float(v) for v in value)
