# SPDX-License-Identifier: GPL-3.0-or-later
"""Values of a TOML table: of the kind that is wanted, or refused with their name."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import fields
from typing import Any, TypeVar

from lulc_plugin.errors import LulcError

T = TypeVar("T")
#: What a checkpoint and PyTorch's random numbers hold.
_LARGEST = 2**63 - 1
_WORDS = {bool: "true or false", int: "a whole number", float: "a number", str: "text in quotes"}


def table(value: Any, where: str) -> Mapping[str, Any]:
    """A table.

    Raises:
        LulcError: something else.
    """
    if not isinstance(value, Mapping):
        raise LulcError(f"{where} is {value!r}; a table is wanted.")
    return value


def tables(value: Any, where: str) -> tuple[Mapping[str, Any], ...]:
    """A list of tables.

    Raises:
        LulcError: one table alone, or something else.
    """
    if not isinstance(value, (list, tuple)) or not all(isinstance(v, Mapping) for v in value):
        raise LulcError(f"{where} is {value!r}; a list of tables is wanted.", "Write [[…]], or [{…}, {…}].")
    return tuple(value)


def words(value: Any, where: str) -> tuple[str, ...]:
    """A list of texts; one text alone is a list of one.

    Raises:
        LulcError: something else.
    """
    found = (value,) if isinstance(value, str) else value
    if not isinstance(found, (list, tuple)) or not all(isinstance(v, str) for v in found):
        raise LulcError(f"{where} is {value!r}; a list of texts is wanted.", 'Write ["…", "…"].')
    return tuple(found)


def like(usual: T, value: Any, where: str) -> T:
    """A value of the kind of `usual` (bool, int, float or str); a whole number will do for a float.

    Raises:
        LulcError: another kind, no number (NaN) or one beyond all bounds.
    """
    kind = type(usual)
    known = isinstance(value, int) and not isinstance(value, bool) if kind in (int, float) else isinstance(value, kind)
    if not known and not (kind is float and isinstance(value, float) and math.isfinite(value)):
        raise LulcError(f"{where} is {value!r}; {_WORDS[kind]} is wanted.")
    if isinstance(value, int) and abs(value) > _LARGEST:
        raise LulcError(f"{where} is {value}, which is too large.")
    return kind(value)  # type: ignore[call-arg]


def positive(usual: T, value: Any, where: str, most: float = math.inf) -> T:
    """As `like`, and no number below 0 or above `most`.

    Raises:
        LulcError: as `like`, or such a number.
    """
    found = like(usual, value, where)
    if isinstance(found, (int, float)) and found < 0:
        raise LulcError(f"{where} is {found}, less than 0.")
    if isinstance(found, (int, float)) and found > most:
        raise LulcError(f"{where} is {found}, more than {most:g}.")
    return found


def filled(kind: type[T], given: Any, where: str) -> T:
    """A dataclass whose defaults say which keys a table may have and of which kind they are; no number below 0.

    Raises:
        LulcError: no table, an unknown key, a value of another kind.
    """
    known = {f.name: f.default for f in fields(kind)}  # type: ignore[arg-type]
    no_others(table(given, where), known, where)
    return kind(**{key: positive(known[key], value, f"{where} {key}") for key, value in given.items()})


def no_others(given: Mapping[str, Any], known: Collection[str], where: str) -> None:
    """Refuse unknown keys.

    Raises:
        LulcError: there is one.
    """
    for key in given:
        if key not in known:
            raise LulcError(f"{where} has no {key!r}; it has {', '.join(known)}.")
