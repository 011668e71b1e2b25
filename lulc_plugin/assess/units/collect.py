# SPDX-License-Identifier: GPL-3.0-or-later
"""Put a reference and one or two maps together: the units where all have something to say."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack

import numpy as np

from ...errors import LulcError
from ...progress import Progress
from ...raster import PixelAreas, pixel_areas
from ..classes import Key
from ..job import FeatureInput, RasterInput
from ..overlay import CrossTable, RasterOnMap, cross
from .from_points import collect_points
from .from_polygons import collect_polygons
from .reference_units import (
    NO_STRATUM,
    NOT_ON_SECOND_MAP,
    Ints,
    ReferenceUnits,
    StatedDesign,
    no_unit,
    sizes_by,
    sizes_within,
)


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
            collect_features = collect_points if features.kind == "points" else collect_polygons
            return collect_features(first, maps, features, strata, areas, progress)
        if reference is None:
            raise LulcError("No reference is given.")
        layers = [first, stack.enter_context(RasterOnMap(reference, facts))]
        layers += [stack.enter_context(RasterOnMap(other, facts)) for other in maps[1:]]
        if strata is not None:
            layers.append(stack.enter_context(RasterOnMap(strata, facts)))
        table = cross(layers, facts, areas, progress)
        summaries = (first.summary, *(layer.summary for layer in layers[2 : len(maps) + 1]))
        return _of_raster(table, len(maps), strata is not None, summaries, layers, areas)


def _of_raster(
    table: CrossTable,
    maps: int,
    stratified: bool,
    summaries: tuple,
    layers: Sequence[RasterOnMap],
    areas: PixelAreas | None,
) -> ReferenceUnits:
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
        found, stratum = np.unique(table.values[used, -1], return_inverse=True)
        strata = tuple(int(v) for v in found)
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
        summaries=summaries,
        reference=layers[1].summary,
        alignment=tuple(sentence for layer in layers[1:] for sentence in layer.how),
        area_note="" if areas is None else areas.note,
    )
