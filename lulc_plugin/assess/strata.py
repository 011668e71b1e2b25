# SPDX-License-Identifier: GPL-3.0-or-later
"""The strata of a stratified sample and their sizes: from a raster, from the points themselves, or from the map."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..errors import LulcError
from .classes import Key
from .found import Found, Ints, Sizes

#: Relative difference from which on recorded sizes and the map are said to differ.
_DIFFERENT = 1e-3
_SHOWN = 10


@dataclass(frozen=True)
class Strata:
    """Sampling strata.

    Attributes:
        keys: of each stratum.
        sizes: of each, in `unit`.
        unit: "px" or "m²".
        unit_index: `(n,)` stratum of each row of the found units.
        are_map_classes: every stratum is a class of the map.
        sentence: where the sizes come from.
        warnings: sentences.
    """

    keys: tuple[Key, ...]
    sizes: tuple[float, ...]
    unit: str
    unit_index: Ints
    are_map_classes: bool
    sentence: str
    warnings: tuple[str, ...] = ()


def strata_of(found: Found, names: Mapping[str, int]) -> Strata:
    """The strata of the units and how large they are.

    Sizes come from the strata raster, else from what the points carry, else from the map when every stratum is one of
    its classes.

    Args:
        found: the units.
        names: class name, case-folded → map value.

    Raises:
        LulcError: the size of a stratum is not known.
    """
    if found.stratum_source == "raster" and found.stratum_sizes is not None:
        return _with_sizes(found, found.strata, found.stratum, found.stratum_sizes, "the strata raster")
    if found.stratum_source == "":
        keys = tuple(sorted(int(v) for v in np.unique(found.values[:, 0])))
        index = np.searchsorted(np.array(keys, np.int64), found.values[:, 0]).astype(np.int64)
        return _with_sizes(found, keys, index, found.map_sizes, "the map, of which each class is a stratum", True)
    return _from_field(found, names)


def _with_sizes(
    found: Found, keys: tuple[Key, ...], index: Ints, sizes: Sizes, source: str, are_map_classes: bool = False
) -> Strata:
    by_area = found.claims.area_weighted and sizes.area is not None
    known: Mapping[Key, float] = sizes.area if by_area and sizes.area is not None else sizes.pixels  # type: ignore[assignment]
    everyone = (*keys, *(key for key in known if key not in set(keys)))
    unknown = [key for key in keys if key not in known]
    if unknown:
        raise _unknown_sizes(unknown)
    return Strata(
        keys=everyone,
        sizes=tuple(float(known[key]) for key in everyone),
        unit="m²" if by_area else "px",
        unit_index=index,
        are_map_classes=are_map_classes,
        sentence=f"Strata sizes are counted from {source}.",
    )


def _from_field(found: Found, names: Mapping[str, int]) -> Strata:
    values = {key: map_value(key, names) for key in found.strata}
    of_map = found.map_sizes.pixels
    all_map_classes = all(value in of_map for value in values.values())
    claims = found.claims
    if not claims.sizes:
        if not all_map_classes:
            raise _unknown_sizes([key for key, value in values.items() if value not in of_map])
        renamed = tuple(int(values[key]) for key in found.strata)  # type: ignore[arg-type]
        return _with_sizes(found, renamed, found.stratum, found.map_sizes, "the map", True)
    keys = list(found.strata)
    sizes = [float(claims.sizes[key]) for key in keys]
    warnings = []
    total = _map_total(found, claims.unit)
    said = sum(sizes)
    if all_map_classes and total is not None:
        # a class of which no point is in the layer at all: its points were deleted, or filtered away
        area = found.map_sizes.area or {}
        of_unit: Mapping[Key, float] = of_map if claims.unit == "px" else area  # type: ignore[assignment]
        absent = {key: float(of_unit[key]) for key in of_unit if key not in set(values.values())}
        if absent and said + sum(absent.values()) <= total * (1 + _DIFFERENT):
            keys += list(absent)
            sizes += list(absent.values())
            said += sum(absent.values())
    if total is not None and abs(said - total) > _DIFFERENT * total:
        unit = "pixels" if claims.unit == "px" else "m²"
        warnings.append(
            f"The strata of the sample add up to {said:,.0f} {unit}, the valid map has {total:,.0f}: the sample was"
            " drawn on another map or extent. Its own sizes are used."
        )
    return Strata(
        keys=tuple(keys),
        sizes=tuple(sizes),
        unit=claims.unit,
        unit_index=found.stratum,
        are_map_classes=all_map_classes,
        sentence="Strata sizes are those that the points carry (fields stratum_px, stratum_ha).",
        warnings=tuple(warnings),
    )


def moved_units(found: Found, strata: Strata, names: Mapping[str, int]) -> int:
    """Units whose stratum is a map class but not the class the map has there now."""
    values = [map_value(key, names) for key in strata.keys]
    rows = zip(strata.unit_index, found.values[:, 0], found.count)
    return int(sum(count for stratum, now, count in rows if values[stratum] != now))


def map_value(key: Key, names: Mapping[str, int]) -> int | None:
    """The map value that a stratum's key means, by number or by case-folded name; None when it is no map class."""
    return names.get(key.casefold()) if isinstance(key, str) else key


def _map_total(found: Found, unit: str) -> float | None:
    return float(found.map_sizes.total_pixels) if unit == "px" else found.map_sizes.total_area


def _unknown_sizes(keys: list[Key]) -> LulcError:
    shown = ", ".join(map(str, keys[:_SHOWN])) + (f" and {len(keys) - _SHOWN} more" if len(keys) > _SHOWN else "")
    return LulcError(
        f"The size of {len(keys)} strata is not known: {shown}.",
        "Give the raster from which the points were drawn as STRATA, or add a field stratum_px (pixels) or stratum_ha"
        " (hectares) to the points; raw counts of a stratified sample would be wrong.",
    )
