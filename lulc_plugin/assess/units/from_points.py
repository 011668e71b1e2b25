# SPDX-License-Identifier: GPL-3.0-or-later
"""Reference units from points: each has the class of the map pixel in which it falls."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import LulcError
from ...progress import Progress
from ...raster import BoolArray, LayerFacts, PixelAreas, RasterInput
from ..class_names import Key, key_of
from ..job import FeatureInput, ReferenceFeature
from ..overlay import NODATA, OK, RasterOnMap, cross, values_at
from ..reference import where_they_lie
from ..result import Alignment, LayerSummary
from .reference_units import (
    NO_STRATUM,
    NOT_ON_SECOND_MAP,
    ON_NODATA,
    OUTSIDE,
    Floats,
    Ints,
    ReferenceUnits,
    StatedDesign,
    alignments,
    feature_summary,
    no_unit,
    sizes_by,
    sizes_within,
)

#: Square metres.
_HECTARE = 10_000.0
#: Points that a message names.
_IDS_SHOWN = 20
#: From this share of labelled points outside the map on, the report says where they lie.
_MANY_OUTSIDE = 0.5
#: From this share of points without a class on, the report warns.
MANY_UNLABELLED = 0.05


@dataclass(frozen=True)
class _Readings:
    """What maps and strata say at each reference point; arrays are `(n,)`.

    Attributes:
        points: the feature of each.
        labels: class that the reference gives, None where it gives none.
        rows, cols: pixel of the first map, −1 outside.
        values: `(n, maps)` map values.
        status: what became of the point on the first map: `OK`, `OUTSIDE` or `NODATA`.
        on_others: whether it lies on a valid pixel of all other maps.
        strata: stratum, None where there is none.
        stratum_source: see `ReferenceUnits.stratum_source`.
    """

    points: Sequence[ReferenceFeature]
    labels: Sequence[Key | None]
    rows: Ints
    cols: Ints
    values: Ints
    status: Ints
    on_others: BoolArray
    strata: Sequence[Key | None]
    stratum_source: str

    @property
    def labelled(self) -> BoolArray:
        """Whether the reference gives a class."""
        return np.array([label is not None for label in self.labels], bool)

    @property
    def has_stratum(self) -> BoolArray:
        """Whether there is a stratum; True throughout where nothing is stratified."""
        return np.array([stratum is not None for stratum in self.strata], bool) | (self.stratum_source == "")

    @property
    def used(self) -> BoolArray:
        """Whether the point counts."""
        used: BoolArray = self.labelled & (self.status == OK) & self.on_others & self.has_stratum
        return used

    @property
    def excluded(self) -> list[tuple[str, int]]:
        """Labelled points that do not count, by reason."""
        labelled, on_map, on_others = self.labelled, self.status == OK, self.on_others
        return [
            (OUTSIDE, _count(labelled & ~on_map & (self.status != NODATA))),
            (ON_NODATA, _count(labelled & (self.status == NODATA))),
            (NOT_ON_SECOND_MAP, _count(labelled & on_map & ~on_others)),
            (NO_STRATUM, _count(labelled & on_map & on_others & ~self.has_stratum)),
        ]


def collect_points(
    first: RasterOnMap,
    maps: Sequence[RasterInput],
    features: FeatureInput,
    strata: RasterInput | None,
    areas: PixelAreas | None,
    progress: Progress,
) -> ReferenceUnits:
    """Map values, labels and strata of reference points; each is read on every map at the pixel it falls in.

    Raises:
        LulcError: no labelled point on a valid pixel, or stratum sizes that contradict each other.
    """
    points, xs, ys = single_points(features.features)
    if not points:
        raise LulcError(f"The reference {features.name} has no points.", "Check its selection and filter.")
    with ExitStack() as stack:
        layers = [first]
        if strata is not None:
            layers.append(stack.enter_context(RasterOnMap(strata, first.facts)))
        table = cross(layers, first.facts, areas, progress)
        aligned = alignments(layers)
    readings = _read(first.facts, maps, features, strata, points, xs, ys)
    _refuse_useless(features, readings, first.facts)
    _log_left_out(readings, progress)
    used = np.flatnonzero(readings.used)
    labels = list(dict.fromkeys(readings.labels[i] for i in used))
    strata_known = list(dict.fromkeys(key for key in readings.strata if key is not None))
    return ReferenceUnits(
        kind="points",
        values=readings.values[used],
        label=_places([readings.labels[i] for i in used], labels),
        labels=tuple(key for key in labels if key is not None),
        stratum=_places([readings.strata[i] for i in used], strata_known),
        strata=tuple(strata_known),
        stratum_source=readings.stratum_source,
        count=np.ones(len(used), np.int64),
        area=None if areas is None else areas.at(readings.rows[used], readings.cols[used]),
        cluster=None,
        map_sizes=sizes_by(table, 0),
        stratum_sizes=None if strata is None else sizes_by(table, 1),
        stated=_stated_design(readings),
        map_in_strata={} if strata is None else sizes_within(table, 0, 1),
        area_ratio=1.0 if areas is None else areas.ratio,
        excluded=tuple(entry for entry in readings.excluded if entry[1]),
        unlabelled=_count(~readings.labelled),
        summaries=(first.summary, *_other_summaries(maps)),
        reference=feature_summary(features, len(points)),
        alignment=(Alignment("points"), *aligned),
        area_measurement=None if areas is None else areas.measurement,
        warnings=(
            *features.warnings,
            *_mostly_outside(features, readings, first.facts),
            *_non_response(features, readings),
            *_copies(readings, xs, ys),
            *_points_in_one_pixel(readings),
        ),
    )


def single_points(features: Sequence[ReferenceFeature]) -> tuple[list[ReferenceFeature], Floats, Floats]:
    """One entry a point: a feature of several points counts several times."""
    points: list[ReferenceFeature] = []
    xs: list[float] = []
    ys: list[float] = []
    for feature in features:
        coordinates: Any = feature.geometry.get("coordinates") or ()
        several: Any = coordinates if feature.geometry.get("type") == "MultiPoint" else (coordinates,)
        for place in several:
            if len(place) >= 2:
                points.append(feature)
                xs.append(float(place[0]))
                ys.append(float(place[1]))
    return points, np.array(xs, float), np.array(ys, float)


def _read(
    facts: LayerFacts,
    maps: Sequence[RasterInput],
    features: FeatureInput,
    strata: RasterInput | None,
    points: Sequence[ReferenceFeature],
    xs: Floats,
    ys: Floats,
) -> _Readings:
    """Read maps and strata at points whose coordinates are in the system of the first map (`facts`)."""
    first_values, status = values_at(maps[0], xs, ys, facts.crs)
    values = [first_values]
    on_others = np.ones(len(points), bool)
    for other in maps[1:]:
        other_values, other_status = values_at(other, xs, ys, facts.crs)
        values.append(other_values)
        on_others &= other_status == OK
    rows, cols = facts.grid.pixels(xs, ys)
    if strata is None:
        stratum_keys, source = _own_strata(points, features)
    else:
        # at the centre of the map's pixel, as the strata's sizes are counted
        stratum_values, stratum_status = values_at(strata, *facts.grid.centres(rows, cols), facts.crs)
        stratum_keys = [int(v) if s == OK else None for v, s in zip(stratum_values, stratum_status)]
        source = "raster"
    return _Readings(
        points=points,
        labels=[key_of(p.label) for p in points],
        rows=rows,
        cols=cols,
        values=np.stack(values, axis=1).astype(np.int64),
        status=status,
        on_others=on_others,
        strata=stratum_keys,
        stratum_source=source,
    )


def _own_strata(points: Sequence[ReferenceFeature], features: FeatureInput) -> tuple[list[Key | None], str]:
    """Strata that the points have themselves, and where they come from, see `ReferenceUnits.stratum_source`."""
    keys = [key_of(p.stratum) for p in points]
    if features.stratum_field:
        return keys, "field"
    # a field named stratum is not enough: samples of this program carry the sizes of their strata, too
    with_sizes = any(p.stratum_px is not None or p.stratum_ha is not None for p in points)
    return (keys, "sample") if with_sizes else ([None] * len(points), "")


def _refuse_useless(features: FeatureInput, readings: _Readings, facts: LayerFacts) -> None:
    """Refuse points of which none has a class, or none that has one lies on the maps.

    Raises:
        LulcError: there is no point to count.
    """
    total, unlabelled = len(readings.points), _count(~readings.labelled)
    if unlabelled == total:
        raise LulcError(
            f"None of the {total:,} points of {features.name} has a class in the field {features.field}.",
            "Label them first: say in that field what is really there, as a value or a name.",
        )
    if not readings.used.any():
        reasons = [("without a class", unlabelled), *readings.excluded]
        raise no_unit("point", total, reasons, where_they_lie(features.name, features.places, facts))


def _stated_design(readings: _Readings) -> StatedDesign:
    """Stratum sizes in the fields of the points, from all of them, labelled or not.

    Raises:
        LulcError: points of one stratum have different sizes.
    """
    by_area = any(p.weighting == "area" for p in readings.points)
    if readings.stratum_source in ("raster", ""):
        return StatedDesign(area_weighted=by_area)
    pixels: dict[Key, float] = {}
    hectares: dict[Key, float] = {}
    for point, key in zip(readings.points, readings.strata):
        if key is None:
            continue
        for sizes, size, field in (
            (pixels, point.stratum_px, "stratum_px"),
            (hectares, point.stratum_ha, "stratum_ha"),
        ):
            if size is None or not math.isfinite(size):
                continue
            if sizes.setdefault(key, size) != size:
                raise LulcError(
                    f"Points of stratum {key} have different sizes in {field}: {sizes[key]:,.10g} and {size:,.10g}.",
                    "All points of one stratum have the size of that stratum; correct the field.",
                )
    everyone = {key for key in readings.strata if key is not None}
    if everyone and set(pixels) == everyone and not by_area:
        return StatedDesign(pixels, "px", False)
    if everyone and set(hectares) == everyone:
        in_metres = {key: size * _HECTARE for key, size in hectares.items()}
        return StatedDesign(in_metres, "m²", by_area, pixels if set(pixels) == everyone else {})
    return StatedDesign({}, "px", by_area)


def _mostly_outside(features: FeatureInput, readings: _Readings, facts: LayerFacts) -> list[str]:
    labelled, outside = _count(readings.labelled), readings.excluded[0][1]
    if outside <= _MANY_OUTSIDE * labelled:
        return []
    where, remedy = where_they_lie(features.name, features.places, facts)
    return [f"{outside:,} of {labelled:,} points with a class lie outside the map. {where} {remedy}".rstrip()]


def _non_response(features: FeatureInput, readings: _Readings) -> list[str]:
    total, unlabelled = len(readings.points), _count(~readings.labelled)
    if unlabelled <= MANY_UNLABELLED * total:
        return []
    return [
        f"{unlabelled:,} of {total:,} points have no class in the field {features.field}. If those that are"
        " missing differ from the others, the figures are biased (non-response)."
    ]


def _copies(readings: _Readings, xs: Floats, ys: Floats) -> list[str]:
    """Points that are in the reference twice."""
    first: set[tuple[float, float, Key | None]] = set()
    copies = []
    for i in np.flatnonzero(readings.used):
        place = (float(xs[i]), float(ys[i]), readings.labels[i])
        if place in first:
            copies.append(readings.points[i].id)
        first.add(place)
    if not copies:
        return []
    more = f" and {len(copies) - _IDS_SHOWN} more" if len(copies) > _IDS_SHOWN else ""
    return [
        f"{len(copies):,} points are copies of others, at the same place and of the same class (ids"
        f" {', '.join(copies[:_IDS_SHOWN])}{more}). All count, which makes intervals too narrow: remove them (QGIS:"
        " Delete duplicate geometries), unless the sample was drawn with replacement."
    ]


def _points_in_one_pixel(readings: _Readings) -> list[str]:
    pixels: dict[tuple[int, int], list[int]] = {}
    for i in np.flatnonzero(readings.used):
        pixels.setdefault((int(readings.rows[i]), int(readings.cols[i])), []).append(int(i))
    shared = [members for members in pixels.values() if len(members) > 1]
    if not shared:
        return []
    out = [f"{sum(map(len, shared)):,} points share {len(shared):,} map pixels with other points; all are counted."]
    conflicting = [members for members in shared if len({readings.labels[i] for i in members}) > 1]
    if conflicting:
        shown = "; ".join(
            ", ".join(f"point {readings.points[i].id}: {readings.labels[i]}" for i in members)
            for members in conflicting[:_IDS_SHOWN]
        )
        more = f" and {len(conflicting) - _IDS_SHOWN} more" if len(conflicting) > _IDS_SHOWN else ""
        out.append(f"{len(conflicting):,} map pixels have points of different classes ({shown}{more}).")
    return out


def _log_left_out(readings: _Readings, progress: Progress) -> None:
    ids = [readings.points[i].id for i in np.flatnonzero(readings.labelled & ~readings.used)]
    if ids:
        more = f" and {len(ids) - _IDS_SHOWN} more" if len(ids) > _IDS_SHOWN else ""
        progress.warn(f"{len(ids):,} labelled points are left out, ids {', '.join(ids[:_IDS_SHOWN])}{more}")


def _other_summaries(maps: Sequence[RasterInput]) -> list[LayerSummary]:
    out = []
    for other in maps[1:]:
        with RasterOnMap(other) as layer:
            out.append(layer.summary)
    return out


def _places(keys: Sequence[Key | None], order: Sequence[Key | None]) -> Ints:
    index = {key: i for i, key in enumerate(order)}
    return np.array([-1 if key is None else index[key] for key in keys], np.int64)


def _count(mask: BoolArray) -> int:
    return int(np.count_nonzero(mask))
