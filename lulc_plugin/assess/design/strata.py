# SPDX-License-Identifier: GPL-3.0-or-later
"""The strata of a stratified sample and their sizes: from a raster, from the points themselves, or from the map."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ...errors import LulcError
from ...options import option
from ..class_names import Key, fold
from ..units import Ints, ReferenceUnits, Sizes

#: Relative difference from which on recorded sizes and the map's sizes count as different.
_DIFFERENT = 1e-3
_SHOWN = 10


@dataclass(frozen=True)
class Strata:
    """Sampling strata.

    Attributes:
        keys: of each stratum.
        sizes: of each, in `unit`.
        unit: "px" or "m²".
        unit_index: `(n,)` stratum of each row of the units.
        are_map_classes: every stratum is a class of the map.
        whole: size of what the strata are a part of, in `unit`: the map, or the strata where these are larger.
        complete: strata of which the sample holds every pixel, as far as that is known.
        map_in: the map's classes within each stratum; None where that is not known.
        sizes_from: where the sizes come from, as in `result.Design`.
        warnings: sentences.
    """

    keys: tuple[Key, ...]
    sizes: tuple[float, ...]
    unit: str
    unit_index: Ints
    are_map_classes: bool
    whole: float
    complete: frozenset[Key] = frozenset()
    map_in: Mapping[Key, Sizes] | None = None
    sizes_from: str = ""
    warnings: tuple[str, ...] = field(default_factory=tuple)

    def mapped(self, kept: Sequence[int], raw_units: ReferenceUnits) -> Sizes | None:
        """The map's classes within the strata `kept` (indices); None where that is not known."""
        if self.map_in is None:
            everything = sum(self.sizes[i] for i in kept) >= self.whole * (1 - _DIFFERENT)
            return raw_units.map_sizes if everything else None
        parts = [self.map_in[self.keys[i]] for i in kept if self.keys[i] in self.map_in]
        pixels: dict[Key, int] = {}
        area: dict[Key, float] = {}
        for part in parts:
            for key, number in part.pixels.items():
                pixels[key] = pixels.get(key, 0) + number
            for key, metres in (part.area or {}).items():
                area[key] = area.get(key, 0.0) + metres
        return Sizes(pixels, area if raw_units.map_sizes.area is not None else None)


def strata_of(raw_units: ReferenceUnits, names: Mapping[Key, int]) -> Strata:
    """The strata of the units and how large they are.

    Sizes come from the strata raster, else from the points, else from the map when every stratum is one of
    its classes.

    Args:
        raw_units: the units, in raw values.
        names: class name, folded → map value.

    Raises:
        LulcError: the size of a stratum is not known.
    """
    if raw_units.stratum_source == "raster" and raw_units.stratum_sizes is not None:
        return _counted(
            raw_units,
            raw_units.strata,
            raw_units.stratum,
            raw_units.stratum_sizes,
            "strata raster",
            raw_units.map_in_strata,
        )
    if raw_units.stratum_source == "":
        keys = tuple(sorted(int(v) for v in np.unique(raw_units.values[:, 0])))
        index = np.searchsorted(np.array(keys, np.int64), raw_units.values[:, 0]).astype(np.int64)
        return _of_map(raw_units, keys, index, "map classes")
    return _of_field(raw_units, names)


def _of_map(raw_units: ReferenceUnits, keys: tuple[Key, ...], index: Ints, source: str) -> Strata:
    return _counted(raw_units, keys, index, raw_units.map_sizes, source, _each_itself(raw_units.map_sizes), True)


def _each_itself(sizes: Sizes) -> dict[Key, Sizes]:
    area = sizes.area
    return {key: Sizes({key: n}, None if area is None else {key: area[key]}) for key, n in sizes.pixels.items()}


def _counted(
    raw_units: ReferenceUnits,
    keys: tuple[Key, ...],
    index: Ints,
    sizes: Sizes,
    source: str,
    map_in: Mapping[Key, Sizes],
    are_map_classes: bool = False,
) -> Strata:
    """Strata whose sizes were counted here."""
    by_area = raw_units.stated.area_weighted and sizes.area is not None
    known: Mapping[Key, float] = sizes.area if by_area and sizes.area is not None else sizes.pixels
    unknown = [key for key in keys if key not in known]
    if unknown:
        raise _unknown_sizes(raw_units, unknown)
    seen = set(keys)
    everyone = (*keys, *(key for key in known if key not in seen))
    unit = "m²" if by_area else "px"
    return Strata(
        keys=everyone,
        sizes=tuple(float(known[key]) for key in everyone),
        unit=unit,
        unit_index=index,
        are_map_classes=are_map_classes,
        whole=_map_total(raw_units, unit) or float(sum(known.values())),
        complete=_complete(raw_units, keys, index, sizes.pixels),
        map_in=map_in,
        sizes_from=source,
    )


def _complete(
    raw_units: ReferenceUnits, keys: Sequence[Key], index: Ints, pixels: Mapping[Key, float]
) -> frozenset[Key]:
    units = np.bincount(index, raw_units.count, len(keys))
    return frozenset(key for key, n in zip(keys, units) if key in pixels and n == pixels[key])


def _of_field(raw_units: ReferenceUnits, names: Mapping[Key, int]) -> Strata:
    of_map = raw_units.map_sizes.pixels
    values = {key: map_value(key, names, of_map) for key in raw_units.strata}
    all_map_classes = all(value in of_map for value in values.values())
    stated = raw_units.stated
    if not stated.sizes:
        if not all_map_classes:
            raise _unknown_sizes(raw_units, [key for key, value in values.items() if value not in of_map])
        renamed = tuple(value for value in values.values() if value is not None)  # all are, see above
        return _of_map(raw_units, renamed, raw_units.stratum, "map")
    keys = list(raw_units.strata)
    sizes = [float(stated.sizes[key]) for key in keys]
    warnings = []
    total = _map_total(raw_units, stated.unit)
    of_unit: Mapping[Key, float] = of_map if stated.unit == "px" else raw_units.map_sizes.area or {}
    if all_map_classes and total is not None:
        # a class of which no point is in the layer at all: its points were deleted, or filtered away
        absent = {key: float(of_unit[key]) for key in of_unit if key not in set(values.values())}
        if absent and sum(sizes) + sum(absent.values()) <= total * (1 + _DIFFERENT):
            keys += list(absent)
            sizes += list(absent.values())
    recorded = sum(sizes)
    if total is not None and abs(recorded - total) > _DIFFERENT * total:
        unit = "pixels" if stated.unit == "px" else "m²"
        warnings.append(
            f"The strata of the sample add up to {recorded:,.0f} {unit}, the valid map has {total:,.0f}: the sample was"
            " drawn on another map or extent. Its own sizes are used."
        )
    return Strata(
        keys=tuple(keys),
        sizes=tuple(sizes),
        unit=stated.unit,
        unit_index=raw_units.stratum,
        are_map_classes=all_map_classes,
        whole=max(recorded, total or 0.0),
        complete=_complete(
            raw_units, raw_units.strata, raw_units.stratum, stated.pixels or _pixels(stated.unit, stated.sizes)
        ),
        map_in=_same_map(keys, sizes, {**values, **dict(zip(keys, keys))}, of_unit, raw_units),
        sizes_from="points",
        warnings=tuple(warnings),
    )


def _pixels(unit: str, sizes: Mapping[Key, float]) -> Mapping[Key, float]:
    return sizes if unit == "px" else {}


def _same_map(
    keys: Sequence[Key],
    sizes: Sequence[float],
    values: Mapping[Key, Key | None],
    of_unit: Mapping[Key, float],
    raw_units: ReferenceUnits,
) -> Mapping[Key, Sizes] | None:
    """The map's classes within strata that are just these classes, of the size they still have; else None."""
    own = _each_itself(raw_units.map_sizes)
    out: dict[Key, Sizes] = {}
    for key, size in zip(keys, sizes):
        value = values[key]
        if value is None or value not in own or abs(of_unit.get(value, 0.0) - size) > _DIFFERENT * size:
            return None
        out[key] = own[value]
    return out


def moved_units(raw_units: ReferenceUnits, strata: Strata, names: Mapping[Key, int]) -> int:
    """Units that lie on another map class than the one that was their stratum."""
    values = [map_value(key, names, raw_units.map_sizes.pixels) for key in strata.keys]
    rows = zip(strata.unit_index, raw_units.values[:, 0], raw_units.count)
    return int(sum(count for stratum, now, count in rows if values[stratum] != now))


def map_value(key: Key, names: Mapping[Key, int], values: Container[Key]) -> int | None:
    """The map value that a stratum's key means, by number or by name; None when it is not a map class."""
    if isinstance(key, str):
        return names.get(fold(key))
    return key if key in values else names.get(str(key), key)


def _map_total(raw_units: ReferenceUnits, unit: str) -> float | None:
    return float(raw_units.map_sizes.total_pixels) if unit == "px" else raw_units.map_sizes.total_area


def _unknown_sizes(raw_units: ReferenceUnits, keys: Sequence[Key]) -> LulcError:
    shown = ", ".join(map(str, keys[:_SHOWN])) + (f" and {len(keys) - _SHOWN} more" if len(keys) > _SHOWN else "")
    where = "the strata raster" if raw_units.stratum_source == "raster" else "the field of the strata"
    what = "size of 1 stratum" if len(keys) == 1 else f"sizes of {len(keys)} strata"
    return LulcError(
        f"The {what} in {where} {'is' if len(keys) == 1 else 'are'} not known: {shown}.",
        f"Give the raster from which the points were drawn as {option('strata')}, or add a field stratum_px (pixels)"
        " or stratum_ha (hectares) to the points; raw counts of a stratified sample would be wrong. If the map's"
        " classes were the strata, name no field for them.",
    )
