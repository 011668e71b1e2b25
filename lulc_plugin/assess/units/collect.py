# SPDX-License-Identifier: GPL-3.0-or-later
"""Collecting the reference units of one or two maps: pixels of a raster, pixels within polygons, or points."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack

import numpy as np

from ...errors import LulcError
from ...progress import Progress
from ...raster import PixelAreas, RasterInput, pixel_areas
from ..class_names import Key, key_of
from ..job import FeatureInput, ReferenceFeature
from ..overlay import CrossTable, PolygonsOnMap, RasterOnMap, cross
from ..reference import where_they_lie
from ..result import Alignment
from .from_points import MANY_UNLABELLED, collect_points
from .reference_units import (
    NO_STRATUM,
    NOT_ON_SECOND_MAP,
    Ints,
    ReferenceUnits,
    StatedDesign,
    alignments,
    feature_summary,
    no_unit,
    sizes_by,
    sizes_within,
)
from .uncounted_polygons import uncounted


def collect_units(
    maps: Sequence[RasterInput],
    reference: RasterInput | None,
    features: FeatureInput | None,
    strata: RasterInput | None,
    progress: Progress,
) -> ReferenceUnits:
    """Find the reference units on the maps.

    Args:
        maps: one or two; the first one's pixels are the grid.
        reference, features: exactly one of them.
        strata: raster of the sampling strata, or None.
        progress: asked whether to stop; gets 0 to 90 %.

    Raises:
        LulcError: layers that do not fit, no unit in common.
        CancelledError: the user stopped.
    """
    with ExitStack() as stack:
        first = stack.enter_context(RasterOnMap(maps[0]))
        facts = first.facts
        areas = pixel_areas(facts.grid)
        if features is not None:
            if features.kind == "points":
                return collect_points(first, maps, features, strata, areas, progress)
            return _of_polygons(first, maps, features, areas, progress)
        if reference is None:
            raise LulcError("No reference is given.")
        layers = [first, stack.enter_context(RasterOnMap(reference, facts))]
        layers += [stack.enter_context(RasterOnMap(other, facts)) for other in maps[1:]]
        if strata is not None:
            layers.append(stack.enter_context(RasterOnMap(strata, facts)))
        table = cross(layers, facts, areas, progress)
        return _of_raster(layers, len(maps), strata is not None, areas, table)


def _of_raster(
    layers: Sequence[RasterOnMap], maps: int, stratified: bool, areas: PixelAreas | None, table: CrossTable
) -> ReferenceUnits:
    """Units of a raster reference.

    Args:
        layers: first map, reference, other maps, strata.
        maps: number of maps.
        stratified: whether the last layer has the strata.
        areas: of the first map's pixels.
        table: cross table of the layers.

    Raises:
        LulcError: no pixel has a class in all of them.
    """
    label_known = table.valid[:, 1]
    in_maps = table.valid[:, 2 : maps + 1].all(axis=1)
    in_strata = table.valid[:, -1] if stratified else np.ones(len(table.pixels), bool)
    used = label_known & in_maps & in_strata
    excluded = [
        (NOT_ON_SECOND_MAP, int(table.pixels[label_known & ~in_maps].sum())),
        (NO_STRATUM, int(table.pixels[label_known & in_maps & ~in_strata].sum())),
    ]
    if not used.any():
        raise no_unit(
            "pixel",
            int(table.pixels.sum()),
            [("without a reference value", int(table.pixels[~label_known].sum())), *excluded],
        )
    labels, label = np.unique(table.values[used, 1], return_inverse=True)
    strata: tuple[Key, ...] = ()
    stratum: Ints = np.full(int(used.sum()), -1, np.int64)
    if stratified:
        keys, stratum = np.unique(table.values[used, -1], return_inverse=True)
        strata = tuple(int(v) for v in keys)
    pixels = table.pixels[used]
    return ReferenceUnits(
        kind="raster",
        values=table.values[used][:, [0, *range(2, maps + 1)]],
        label=label.astype(np.int64).ravel(),
        labels=tuple(int(v) for v in labels),
        stratum=stratum.astype(np.int64).ravel(),
        strata=strata,
        stratum_source="raster" if stratified else "",
        count=pixels,
        area=None if table.area is None else table.area[used] / pixels,
        cluster=None,
        map_sizes=sizes_by(table, 0),
        stratum_sizes=sizes_by(table, -1) if stratified else None,
        map_in_strata=sizes_within(table, 0, table.values.shape[1] - 1) if stratified else {},
        stated=StatedDesign(),
        area_ratio=1.0 if areas is None else areas.ratio,
        excluded=tuple(entry for entry in excluded if entry[1]),
        unlabelled=0,
        summaries=(layers[0].summary, *(layer.summary for layer in layers[2 : maps + 1])),
        reference=layers[1].summary,
        alignment=alignments(layers),
        area_measurement=None if areas is None else areas.measurement,
    )


def _of_polygons(
    first: RasterOnMap,
    maps: Sequence[RasterInput],
    features: FeatureInput,
    areas: PixelAreas | None,
    progress: Progress,
) -> ReferenceUnits:
    """Map values under the pixels whose centres lie in reference polygons.

    Raises:
        LulcError: no labelled polygon covers the centre of a valid pixel.
    """
    labelled, labels, index = _labelled(features)
    with ExitStack() as stack:
        polygons = PolygonsOnMap(labelled, index, first.facts)
        others = [stack.enter_context(RasterOnMap(other, first.facts)) for other in maps[1:]]
        table = cross([first, polygons.labels, polygons.ids, *others], first.facts, areas, progress)
        summaries = (first.summary, *(layer.summary for layer in others))
        aligned = alignments(others)

    in_polygon = table.valid[:, 1]
    in_maps = table.valid[:, 3:].all(axis=1)
    used = in_polygon & in_maps
    excluded = [
        (NOT_ON_SECOND_MAP, int(table.pixels[in_polygon & ~in_maps].sum())),
        ("in polygons of different classes (map nodata included)", polygons.conflicts),
    ]
    if not used.any():
        raise _no_pixel(polygons, features, labelled, index, first, excluded)
    pixels = table.pixels[used]
    return ReferenceUnits(
        kind="polygons",
        values=table.values[used][:, [0, *range(3, table.values.shape[1])]],
        label=table.values[used, 1],
        labels=labels,
        stratum=np.full(len(pixels), -1, np.int64),
        strata=(),
        stratum_source="",
        count=pixels,
        area=None if table.area is None else table.area[used] / pixels,
        cluster=table.values[used, 2],
        map_sizes=sizes_by(table, 0),
        stratum_sizes=None,
        stated=StatedDesign(),
        area_ratio=1.0 if areas is None else areas.ratio,
        excluded=tuple(entry for entry in excluded if entry[1]),
        unlabelled=len(features.features) - len(labelled),
        summaries=summaries,
        reference=feature_summary(features, len(features.features)),
        alignment=(Alignment("polygons"), *aligned),
        area_measurement=None if areas is None else areas.measurement,
        warnings=(
            *features.warnings,
            *uncounted(polygons, labelled, index, np.unique(table.values[used, 2])),
            *_non_response(features, len(labelled)),
        ),
    )


def _labelled(features: FeatureInput) -> tuple[list[ReferenceFeature], tuple[Key, ...], list[int]]:
    """Polygons that have a class, the distinct classes, and the index of each polygon's class.

    Raises:
        LulcError: no polygon has one.
    """
    keyed = [(feature, key) for feature, key in ((f, key_of(f.label)) for f in features.features) if key is not None]
    if not keyed:
        raise LulcError(
            f"None of the {len(features.features):,} polygons of {features.name} has a class in the field"
            f" {features.field}.",
            "Check the field, the selection and the filter.",
        )
    labels = tuple(dict.fromkeys(key for _, key in keyed))
    place = {key: i for i, key in enumerate(labels)}
    return [feature for feature, _ in keyed], labels, [place[key] for _, key in keyed]


def _no_pixel(
    polygons: PolygonsOnMap,
    features: FeatureInput,
    labelled: Sequence[ReferenceFeature],
    index: Sequence[int],
    first: RasterOnMap,
    excluded: Sequence[tuple[str, int]],
) -> LulcError:
    place, remedy = where_they_lie(features.name, features.places, first.facts) if not polygons.pixels else ("", "")
    what = " ".join([*uncounted(polygons, labelled, index, np.zeros(0, np.int64)), place]).strip()
    return no_unit("pixel", polygons.pixels, [("on nodata of the map", polygons.pixels), *excluded], (what, remedy))


def _non_response(features: FeatureInput, labelled: int) -> list[str]:
    total = len(features.features)
    if total - labelled <= MANY_UNLABELLED * total:
        return []
    return [f"{total - labelled:,} of {total:,} polygons have no class in the field {features.field} and do not count."]
