# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of an architecture: from a table of a recipe to a checked dataclass, wrong ones refused by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeVar

from lulc_plugin.errors import LulcError

T = TypeVar("T")


def read_options(kind: type[T], given: Mapping[str, Any], architecture: str) -> T:
    """Build the options dataclass `kind`, whose defaults also say which type an option has.

    Lists become tuples. Whole numbers must not be negative, those inside lists not 0; shares lie in [0, 1).

    Raises:
        LulcError: an unknown name, or a value of another type.
    """
    known = {field.name: field.default for field in fields(kind)}  # type: ignore[arg-type]
    values: dict[str, Any] = {}
    for name, value in given.items():
        if name not in known:
            raise LulcError(
                f"The network {architecture} has no option “{name}”.",
                f"It has: {', '.join(sorted(known)) or 'none'}.",
            )
        values[name] = _checked(name, value, known[name], architecture)
    return kind(**values)


def one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    """Refuse a word that is not among the allowed ones.

    Raises:
        LulcError: it is not.
    """
    if value not in allowed:
        raise LulcError(f"The network's option {name} is “{value}”.", f"It may be {', '.join(allowed)}.")


def at_least(name: str, value: int, least: int) -> None:
    """Refuse a number that is too small.

    Raises:
        LulcError: it is.
    """
    if value < least:
        raise LulcError(f"The network's option {name} is {value}.", f"It must be at least {least}.")


def of_length(name: str, value: tuple[int, ...], least: int, most: int) -> None:
    """Refuse a list that is too short or too long.

    Raises:
        LulcError: it is.
    """
    if not least <= len(value) <= most:
        wanted = str(least) if least == most else f"{least} to {most}"
        raise LulcError(f"The network's option {name} has {len(value)} numbers.", f"Give {wanted}.")


def _checked(name: str, value: Any, default: Any, architecture: str) -> Any:
    where = f"The option {name} of the network {architecture}"
    if isinstance(default, bool):
        if not isinstance(value, bool):
            raise LulcError(f"{where} is {value!r}.", "Write true or false.")
        return value
    if isinstance(default, str):
        if not isinstance(value, str):
            raise LulcError(f"{where} is {value!r}.", f'Write a word, for example "{default}".')
        return value
    if isinstance(default, tuple):
        if not isinstance(value, (list, tuple)) or not all(_is_count(v) for v in value):
            raise LulcError(f"{where} is {value!r}.", f"Write a list of positive whole numbers, as {list(default)}.")
        return tuple(value)
    if isinstance(default, float):
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 1:
            raise LulcError(f"{where} is {value!r}.", f"Write a number from 0 to below 1, for example {default}.")
        return float(value)
    if not _is_count(value) and (value != 0 or isinstance(value, bool)):
        raise LulcError(f"{where} is {value!r}.", f"Write a whole number, for example {default}.")
    return value


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
