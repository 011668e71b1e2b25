# SPDX-License-Identifier: GPL-3.0-or-later
"""Reference points on one or two maps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np

from ...errors import LulcError
from ...progress import Progress
from ...raster import LayerFacts, PixelAreas
from ..classes import Key, key_of
from ..job import FeatureInput, RasterInput, ReferenceFeature
from ..overlay import NODATA, OK, RasterOnMap, cross, values_at
from ..result import LayerSummary
from .reference_units import (
    NO_STRATUM,
    NOT_ON_SECOND_MAP,
    ON_NODATA,
    OUTSIDE,
    Floats,
    Ints,
    ReferenceUnits,
    StatedDesign,
    no_unit,
    sizes_by,
    sizes_within,
)

_HECTARE = 10_000.0
_IDS_SHOWN = 20
_MANY_UNLABELLED = 0.05


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
    facts = first.facts
    points, xs, ys = single_points(features.features)
    if not points:
        raise LulcError(f"The reference {features.name} has no points.", "Check its selection and filter.")
    warnings: list[str] = []
    strata_raster = None
    with ExitStack() as stack:
        layers = [first]
        if strata is not None:
            strata_raster = stack.enter_context(RasterOnMap(strata, facts))
            layers.append(strata_raster)
        table = cross(layers, facts, areas, progress)

    keys = [key_of(p.label) for p in points]
    labelled = np.array([key is not None for key in keys], bool)
    first_values, status = values_at(maps[0], xs, ys, facts.crs)
    values = [first_values]
    on_second = np.ones(len(points), bool)
    for other in maps[1:]:
        other_values, other_status = values_at(other, xs, ys, facts.crs)
        values.append(other_values)
        on_second &= other_status == OK
    rows, cols = facts.grid.pixels(xs, ys)
    stratum_keys, source = _strata(points, features, strata, facts, rows, cols, status)
    has_stratum = np.array([key is not None for key in stratum_keys], bool) | (source == "")

    on_map = status == OK
    used = labelled & on_map & on_second & has_stratum
    excluded = [
        (OUTSIDE, _count(labelled & ~on_map & (status != NODATA))),
        (ON_NODATA, _count(labelled & (status == NODATA))),
        (NOT_ON_SECOND_MAP, _count(labelled & on_map & ~on_second)),
        (NO_STRATUM, _count(labelled & on_map & on_second & ~has_stratum)),
    ]
    unlabelled = _count(~labelled)
    if unlabelled == len(points):
        raise LulcError(
            f"None of the {len(points):,} points of {features.name} has a class in the field {features.field}.",
            "Label them first: say in that field what is really there, as a value or a name.",
        )
    if not used.any():
        raise no_unit("point", len(points), [("without a class", unlabelled), *excluded])
    _log_left_out(points, labelled & ~used, progress)
    if unlabelled > _MANY_UNLABELLED * len(points):
        warnings.append(
            f"{unlabelled:,} of {len(points):,} points have no class in the field {features.field}. If those that are"
            " missing differ from the others, the figures are biased (non-response)."
        )
    warnings += _same_pixel(points, keys, rows, cols, used)
    chosen = np.flatnonzero(used)
    labels = list(dict.fromkeys(keys[i] for i in chosen))
    strata_known = list(dict.fromkeys(key for key in stratum_keys if key is not None))
    return ReferenceUnits(
        kind="points",
        values=np.stack(values, axis=1)[used].astype(np.int64),
        label=_places([keys[i] for i in chosen], labels),
        labels=tuple(key for key in labels if key is not None),
        stratum=_places([stratum_keys[i] for i in chosen], strata_known),
        strata=tuple(strata_known),
        stratum_source=source,
        count=np.ones(len(chosen), np.int64),
        area=None if areas is None else areas.at(rows[used], cols[used]),
        cluster=None,
        map_sizes=sizes_by(table, 0),
        stratum_sizes=None if strata_raster is None else sizes_by(table, 1),
        stated=_stated_design(points, stratum_keys, source),
        map_in_strata={} if strata_raster is None else sizes_within(table, 0, 1),
        area_ratio=1.0 if areas is None else areas.ratio,
        excluded=tuple(entry for entry in excluded if entry[1]),
        unlabelled=unlabelled,
        summaries=(first.summary, *_other_summaries(maps)),
        reference=LayerSummary(
            name=features.name,
            path=features.path,
            kind="points",
            crs=features.crs,
            detail=f"{len(points):,} points, class in the field {features.field}"
            + (f"; {features.note}" if features.note else ""),
        ),
        alignment=(
            "Each point has the class of the map pixel in which it falls; the map is not resampled.",
            *(() if strata_raster is None else strata_raster.how),
        ),
        area_note="" if areas is None else areas.note,
        warnings=tuple(warnings),
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


def _strata(
    points: Sequence[ReferenceFeature],
    features: FeatureInput,
    strata: RasterInput | None,
    facts: LayerFacts,
    rows: Ints,
    cols: Ints,
    status: Ints,
) -> tuple[list[Key | None], str]:
    """Stratum of each point and where it comes from, see `ReferenceUnits.stratum_source`."""
    if strata is None:
        found = [key_of(p.stratum) for p in points]
        if features.stratum_field:
            return found, "field"
        # a field that happens to be called stratum is not enough: our own samples carry sizes, too
        ours = any(p.stratum_px is not None or p.stratum_ha is not None for p in points)
        return (found, "sample") if ours else ([None] * len(points), "")
    # at the centre of the map's pixel, as the strata's sizes are counted
    x, y = facts.grid.centres(rows, cols)
    values, stratum_status = values_at(strata, x, y, facts.crs)
    return [int(v) if s == OK else None for v, s in zip(values, stratum_status)], "raster"


def _stated_design(points: Sequence[ReferenceFeature], strata: Sequence[Key | None], source: str) -> StatedDesign:
    """Stratum sizes that the points carry, from all of them, labelled or not."""
    by_area = any(p.weighting == "area" for p in points)
    if source in ("raster", ""):
        return StatedDesign(area_weighted=by_area)
    pixels: dict[Key, float] = {}
    hectares: dict[Key, float] = {}
    for point, key in zip(points, strata):
        if key is None:
            continue
        for known, size, what in ((pixels, point.stratum_px, "stratum_px"), (hectares, point.stratum_ha, "stratum_ha")):
            if size is None or not math.isfinite(size):
                continue
            if known.setdefault(key, size) != size:
                raise LulcError(
                    f"Points of stratum {key} have different sizes in {what}: {known[key]:,.10g} and {size:,.10g}.",
                    "All points of one stratum carry the size of that stratum; correct the field.",
                )
    everyone = {key for key in strata if key is not None}
    if everyone and set(pixels) == everyone and not by_area:
        return StatedDesign(pixels, "px", False)
    if everyone and set(hectares) == everyone:
        in_metres = {key: size * _HECTARE for key, size in hectares.items()}
        return StatedDesign(in_metres, "m²", by_area, pixels if set(pixels) == everyone else {})
    return StatedDesign({}, "px", by_area)


def _same_pixel(
    points: Sequence[ReferenceFeature], keys: Sequence[Key | None], rows: Ints, cols: Ints, used: Ints
) -> list[str]:
    places: dict[tuple[int, int], list[int]] = {}
    for i in np.flatnonzero(used):
        places.setdefault((int(rows[i]), int(cols[i])), []).append(int(i))
    shared = [members for members in places.values() if len(members) > 1]
    if not shared:
        return []
    out = [f"{sum(map(len, shared)):,} points share {len(shared):,} map pixels with other points; all are counted."]
    quarrels = [m for m in shared if len({keys[i] for i in m}) > 1]
    if quarrels:
        shown = "; ".join(
            ", ".join(f"point {points[i].id}: {keys[i]}" for i in members) for members in quarrels[:_IDS_SHOWN]
        )
        more = f" and {len(quarrels) - _IDS_SHOWN} more" if len(quarrels) > _IDS_SHOWN else ""
        out.append(f"{len(quarrels):,} map pixels have points of different classes ({shown}{more}).")
    return out


def _log_left_out(points: Sequence[ReferenceFeature], left_out: Ints, progress: Progress) -> None:
    ids = [points[i].id for i in np.flatnonzero(left_out)]
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


def _count(mask: Ints) -> int:
    return int(np.count_nonzero(mask))
