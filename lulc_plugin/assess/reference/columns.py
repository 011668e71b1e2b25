# SPDX-License-Identifier: GPL-3.0-or-later
"""What the columns of a reference file say about its units: class, id, stratum and its size."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ...errors import LulcError
from ...options import option
from ..job import Label, ReferenceFeature

#: Field of the class when none is named.
USUAL_FIELD = "ref_class"
_STRATUM = "stratum"
_SIZES = ("stratum_px", "stratum_ha", "weighting")
#: Fields that count by their names, beside those of class and stratum.
USED_FIELDS = ("id", _STRATUM, *_SIZES)
_MOST_SHOWN = 30
_LONGEST_SHOWN = 40


def fields_wanted(path: str, there: Sequence[str], field: str = "", stratum_field: str = "") -> tuple[str, str]:
    """Names of the field of the class and of that of the stratum (empty: none).

    Args:
        path: the file, for errors.
        there: its fields; capitals do not matter where no two differ only in them.
        field: field of the class; empty: `ref_class`.
        stratum_field: field of the stratum; empty: `stratum` if there is one.

    Raises:
        LulcError: the file has no such field.
    """
    name = _as_written(field or USUAL_FIELD, there)
    stratum_field = _as_written(stratum_field, there)
    if name not in there:
        raise _no_field(path, name, there, f"Name the field that holds the class: {option('field', 'NAME')}.")
    if stratum_field and stratum_field not in there:
        raise _no_field(
            path, stratum_field, there, f"Name the field that holds the strata: {option('stratum_field', 'NAME')}."
        )
    return name, stratum_field or (_STRATUM if _STRATUM in there else "")


def _as_written(name: str, there: Sequence[str]) -> str:
    """The field that is called so but for capitals; `name` itself where none or several are."""
    alike = [other for other in there if other.lower() == name.lower()]
    return alike[0] if name not in there and len(alike) == 1 else name


def features_of(
    geometries: Sequence[Mapping[str, Any] | None],
    columns: Mapping[str, Sequence[Label]],
    ids: Sequence[Any],
    field: str,
    stratum: str,
) -> list[ReferenceFeature]:
    """Reference units; what has no geometry is left out.

    Args:
        geometries: GeoJSON-like, in the map's CRS; None: none.
        columns: field → values, each as long as `geometries`.
        ids: how a unit is called when there is no field `id`.
        field: of the class.
        stratum: of the stratum; empty: none. The sizes of strata belong to the field `stratum` where there is one.
    """
    nothing: Sequence[Label] = [None] * len(geometries)
    owns_sizes = _STRATUM not in columns or stratum == _STRATUM
    names = columns.get("id", nothing)
    labels, strata = columns[field], columns[stratum] if stratum else nothing
    pixels, hectares, weighting = (columns.get(name, nothing) if owns_sizes else nothing for name in _SIZES)
    return [
        ReferenceFeature(
            geometry=geometry,
            label=labels[i],
            id=str(ids[i] if names[i] is None else names[i]),
            stratum=strata[i],
            stratum_px=_number(pixels[i]),
            stratum_ha=_number(hectares[i]),
            weighting=str(weighting[i] or ""),
        )
        for i, geometry in enumerate(geometries)
        if geometry is not None
    ]


def names_for_message(names: Iterable[str]) -> str:
    """Names from a file for a message: not too many, not too long, nothing that moves a terminal's cursor."""
    names = list(names)
    shown = [name[:_LONGEST_SHOWN] if name.isprintable() else ascii(name[:_LONGEST_SHOWN]) for name in names]
    more = f" and {len(names) - _MOST_SHOWN:,} more" if len(names) > _MOST_SHOWN else ""
    return (", ".join(shown[:_MOST_SHOWN]) or "none") + more


def _no_field(path: str, name: str, there: Sequence[str], remedy: str) -> LulcError:
    return LulcError(f"The reference {path} has no field {name!r}; its fields are: {names_for_message(there)}.", remedy)


def _number(value: Label) -> float | None:
    if isinstance(value, str) and "_" in value:  # Python reads 1_000 as a number
        return None
    try:
        return None if value is None else float(value)
    except ValueError:
        return None
