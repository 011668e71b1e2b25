# SPDX-License-Identifier: GPL-3.0-or-later
"""Reference polygons on one or two maps: their pixels, each polygon a cluster."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack

import numpy as np

from ...errors import LulcError
from ...progress import Progress
from ...raster import PixelAreas
from ..classes import Key, key_of
from ..job import FeatureInput, RasterInput
from ..overlay import PolygonsOnMap, RasterOnMap, cross
from ..result import LayerSummary
from .reference_units import NOT_ON_SECOND_MAP, ReferenceUnits, StatedDesign, no_unit, sizes_by


def collect_polygons(
    first: RasterOnMap,
    maps: Sequence[RasterInput],
    features: FeatureInput,
    strata: RasterInput | None,  # no design of polygons has any
    areas: PixelAreas | None,
    progress: Progress,
) -> ReferenceUnits:
    """Map values under the pixels whose centres lie in reference polygons.

    Raises:
        LulcError: no labelled polygon covers the centre of a valid pixel.
    """
    facts = first.facts
    labelled = [f for f in features.features if key_of(f.label) is not None]
    unlabelled = len(features.features) - len(labelled)
    if not labelled:
        raise LulcError(
            f"None of the {len(features.features):,} polygons of {features.name} has a class in the field"
            f" {features.field}.",
            "Check the field, the selection and the filter.",
        )
    keys = [key for key in map(key_of, (f.label for f in labelled)) if key is not None]
    labels: list[Key] = list(dict.fromkeys(keys))
    place = {key: i for i, key in enumerate(labels)}
    index = [place[key] for key in keys]
    with ExitStack() as stack:
        polygons = PolygonsOnMap(labelled, index, facts)
        others = [stack.enter_context(RasterOnMap(other, facts)) for other in maps[1:]]
        table = cross([first, polygons.labels, polygons.ids, *others], facts, areas, progress)
        summaries = (first.summary, *(layer.summary for layer in others))
        how = tuple(sentence for layer in others for sentence in layer.how)

    in_polygon = table.valid[:, 1]
    in_maps = table.valid[:, 3:].all(axis=1)
    used = in_polygon & in_maps
    excluded = [
        (NOT_ON_SECOND_MAP, int(table.pixels[in_polygon & ~in_maps].sum())),
        ("in polygons of different classes (map nodata included)", polygons.conflicts),
    ]
    if not used.any():
        raise no_unit("pixel", polygons.pixels, [("on nodata of the map", polygons.pixels), *excluded])
    pixels = table.pixels[used]
    warnings = []
    if polygons.unusable:
        shown = ", ".join(polygons.unusable[:20])
        warnings.append(f"{len(polygons.unusable):,} polygons have no usable shape and are left out (ids {shown}).")
    seen = len(np.unique(table.values[used, 2]))
    without = len(labelled) - len(polygons.unusable) - seen
    if without > 0:
        warnings.append(
            f"{without:,} of {len(labelled):,} polygons hold no centre of a valid map pixel (too small, or outside the"
            " map) and count for nothing."
        )
    return ReferenceUnits(
        kind="polygons",
        values=table.values[used][:, [0, *range(3, table.values.shape[1])]],
        label=table.values[used, 1],
        labels=tuple(labels),
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
        unlabelled=unlabelled,
        summaries=summaries,
        reference=LayerSummary(
            name=features.name,
            path=features.path,
            kind="polygons",
            crs=features.crs,
            detail=f"{len(features.features):,} polygons, class in the field {features.field}"
            + (f"; {features.note}" if features.note else ""),
        ),
        alignment=("A map pixel belongs to a polygon when its centre lies inside; the map is not resampled.", *how),
        area_note="" if areas is None else areas.note,
        warnings=tuple(warnings),
    )
