# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables of TOML files as dataclasses: each field's type says what its key may hold, and anything else is refused.

msgspec converts the values. A refusal names the key, what stands there, and what is allowed.
"""

from __future__ import annotations

import difflib
import sys
import types
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, fields
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta

from lulc_plugin.errors import LulcError

T = TypeVar("T")
_LARGEST = sys.float_info.max
#: What a checkpoint and PyTorch's random numbers hold.
_LARGEST_COUNT = 2**63 - 1

Table = Mapping[str, Any]
Tables = tuple[Table, ...]
#: A list of texts; one text alone is a list of one.
Words = tuple[str, ...]
Count = Annotated[int, Meta(ge=0, le=_LARGEST_COUNT)]
Number = Annotated[float, Meta(ge=-_LARGEST, le=_LARGEST)]
NotNegative = Annotated[float, Meta(ge=0, le=_LARGEST)]
Share = Annotated[float, Meta(ge=0, le=1)]
_TYPES = {bool: "true or false", int: "a whole number", float: "a number", str: "text in quotes"}


def read(kind: type[T], given: Any, where: str, base: T | None = None, **ready: Any) -> T:
    """A dataclass from a table.

    Args:
        kind: its fields are the keys that the table may have; those without a default must be there.
        given: the table.
        where: the table's name, for messages; empty: the file as a whole.
        base: has the values of the keys that the table lacks; the defaults of `kind` where None.
        ready: values of keys that are made already, instead of those in the table.

    Raises:
        LulcError: no table, a missing or unknown key, or a value of another type or beyond its bounds.
    """
    table = convert(given, Table, where or "The file")
    members = {f.name: f for f in fields(kind) if f.init}  # type: ignore[arg-type]
    refuse_unknown(table, members, where or "The file")
    hints = get_type_hints(kind, include_extras=True)
    values = {} if base is None else {name: getattr(base, name) for name in members}
    for name, member in members.items():
        if name in ready:
            values[name] = ready[name]
        elif name in table:
            values[name] = convert(table[name], hints[name], _label(where, name, hints[name]))
        elif name not in values and member.default is MISSING and member.default_factory is MISSING:
            raise LulcError(f"{where or 'The file'} does not say {name!r}.")
    return kind(**values)


def _label(where: str, key: str, hint: Any) -> str:
    """How a message names a key: as `[key]` or `[[key]]` where it is a table of the file itself."""
    if where:
        return f"{where} {key}"
    if hint == Tables:
        return f"[[{key}]]"
    return f"[{key}]" if get_origin(hint) is get_origin(Table) else key


def convert(value: Any, hint: Any, where: str) -> Any:
    """A value of the type that `hint` names; a whole number will do for a number, a list for a tuple.

    Raises:
        LulcError: another type, or beyond the bounds that `hint` has.
    """
    if isinstance(value, int) and abs(value) > _LARGEST_COUNT:
        raise LulcError(f"{where} is {value}, which is too large.")
    try:
        return msgspec.convert((value,) if hint == Words and isinstance(value, str) else value, hint)
    except msgspec.ValidationError as error:
        inside = str(error).partition(" - at ")[0] if isinstance(value, (dict, list, tuple)) else ""
        detail = f" ({inside})" if inside else ""
        raise LulcError(f"{where} is {value!r}{detail}.", f"Write {allowed(hint)}.") from None


def refuse_unknown(given: Iterable[str], known: Iterable[str], where: str) -> None:
    """Refuse a key that is not known.

    Raises:
        LulcError: there is one.
    """
    keys = list(known)
    for key in given:
        if key not in keys:
            near = difflib.get_close_matches(key, keys, 1)
            meant = f" Did you mean {near[0]!r}?" if near else ""
            raise LulcError(f"{where} has no {key!r}.{meant}", f"It has {', '.join(keys) or 'no keys'}.")


def allowed(hint: Any) -> str:
    """What a type lets through, in words."""
    origin, inside = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return allowed(inside[0]) + "".join(_bounds(meta) for meta in inside[1:] if isinstance(meta, Meta))
    if origin is Literal:
        return " or ".join(f'"{choice}"' if isinstance(choice, str) else str(choice) for choice in inside)
    if origin in (Union, types.UnionType):
        return " or ".join(allowed(one) for one in inside if one is not type(None))
    if origin is tuple:
        if inside[-1] is not Ellipsis:
            return f"a list of {len(inside)}: {', '.join(map(allowed, inside))}"
        if inside[0] == Table:
            return "a list of tables: [[…]], or [{…}, {…}]"
        return f"a list, each {allowed(inside[0])}"
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return "a table" if inside[-1] is Any else f"a table, each {allowed(inside[-1])}"
    return _TYPES.get(hint, "a table")


def _bounds(meta: Meta) -> str:
    limits = [
        (word, bound)
        for word, bound in (
            ("from", meta.ge), ("above", meta.gt), ("to", meta.le), ("below", meta.lt),
            ("in multiples of", meta.multiple_of),
            ("at least so many:", meta.min_length), ("at most so many:", meta.max_length),
        )
        if bound is not None and abs(bound) not in (_LARGEST, _LARGEST_COUNT)
    ]  # fmt: skip
    return "".join(f" {word} {bound:g}" for word, bound in limits)
