# SPDX-License-Identifier: GPL-3.0-or-later
"""A raster that shows which class was mapped as which.

Its value is from_index · K + to_index + 1, 0 where nothing was compared.
"""

from __future__ import annotations

import colorsys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import provenance
from ..errors import LulcError
from ..legend import LONGEST_NAME, Legend, LegendClass
from ..options import option
from ..progress import Progress
from ..raster import InputFiles, LayerFacts, MapWriter, PixelRegion
from .class_names import key_of
from .classes import LEFT_OUT
from .job import AssessJob, ReferenceFeature
from .overlay import PolygonsOnMap, RasterOnMap
from .result import AssessedClass, Assessment
from .units import single_points

#: K² + 1 values have to fit into uint16.
MOST_CLASSES = 255
Indices = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Reader = Callable[[PixelRegion], tuple[Indices, Mask]]

_STRIP = 512
_AGREES = "#E6E6E6"


def legend_of(result: Assessment) -> Legend:
    """Legend of the disagreement raster: the pairs that occur; agreement is grey.

    Raises:
        LulcError: more than 255 classes.
    """
    k = len(result.classes)
    if k > MOST_CLASSES:
        raise LulcError(
            f"A disagreement raster holds at most {MOST_CLASSES} classes; there are {k}.",
            f"Leave {option('disagreement')} empty.",
        )
    pairs = np.argwhere(result.estimates.counts > 0)
    classes = [
        LegendClass(
            int(i) * k + int(j) + 1,
            _name(result.classes[i], result.classes[j], i == j),
            _colour(result.classes[i].colour, i, j, k),
        )
        for i, j in pairs
    ]
    return Legend.of(classes, nodata=0)


def _name(of_map: AssessedClass, of_reference: AssessedClass, same: bool) -> str:
    if same:
        return f"{of_map.name}: agrees"[:LONGEST_NAME]
    half = LONGEST_NAME // 2 - 12
    return f"map {of_map.name[:half]}, reference {of_reference.name[:half]}"


def _colour(of_map: str | None, i: int, j: int, k: int) -> str:
    if i == j:
        return _AGREES
    hue, saturation = i / k, 0.75
    if of_map is not None:
        own, _, strength = colorsys.rgb_to_hls(*(int(of_map[n : n + 2], 16) / 255 for n in (1, 3, 5)))
        if strength > 0.1:  # a grey one would look like agreement
            # the hue is that of the map's class: what the map wrongly calls water stays blue
            hue, saturation = own, strength
    # lightness from the reference's class: neighbours in the legend stay apart
    red, green, blue = colorsys.hls_to_rgb(hue, 0.3 + 0.4 * j / max(1, k - 1), saturation)
    return f"#{round(255 * red):02X}{round(255 * green):02X}{round(255 * blue):02X}"


def write_disagreement(job: AssessJob, result: Assessment, progress: Progress, read: InputFiles | None = None) -> None:
    """Write the raster on the map's grid, in a second walk over the layers; not if what was `read` has changed.

    Raises:
        LulcError: too many classes, or a disk that cannot be written.
        CancelledError: the user stopped.
    """
    path = job.outputs.disagreement
    if path is None:
        return
    legend = legend_of(result)
    k = len(result.classes)
    with ExitStack() as stack:
        first = stack.enter_context(RasterOnMap(job.maps[0]))
        facts = first.facts
        reference = _reference_on(job, result, facts, stack)
        writer = stack.enter_context(
            MapWriter(path, (facts.height, facts.width), facts.transform, facts.crs, legend, "disagreement", "uint16")
        )
        of_map = Lookup(result.of_map)
        wanted = job.options.strata if result.estimates.design == "stratified" else None
        strata = None if wanted is None else stack.enter_context(RasterOnMap(wanted, facts))
        for row in range(0, facts.height, _STRIP):
            progress.check()
            region = PixelRegion(row, min(row + _STRIP, facts.height), 0, facts.width)
            values, valid = first.read(region)
            labels, known = reference(region)
            if strata is not None:
                known = known & strata.read(region)[1]
            pairs = of_map.index(values) * k + labels + 1
            writer.write(row, np.where(valid & known & (labels >= 0), pairs, 0).astype(np.uint16))
        tags = {
            "map": result.map.name,
            "reference": result.context.reference.name,
            "versions": provenance.versions(),
        }
        if read is not None:
            read.check()
        writer.finish(provenance.tags(tags), progress)


class Lookup:
    """Index of the class of each value; values that it does not know have the index -1."""

    def __init__(self, index: Mapping[Any, int]) -> None:
        numbers = sorted(value for value in index if isinstance(value, int))
        self._values = np.array(numbers, np.int64)
        self._index = np.array([index[value] for value in numbers], np.int64)

    def index(self, values: npt.NDArray[Any]) -> Indices:
        """Indices of `values`, any shape."""
        if not len(self._values):
            return np.full(values.shape, LEFT_OUT, np.int64)
        place = np.minimum(np.searchsorted(self._values, values), len(self._values) - 1)
        return np.where(self._values[place] == values, self._index[place], LEFT_OUT)


def _reference_on(job: AssessJob, result: Assessment, facts: LayerFacts, stack: ExitStack) -> Reader:
    """A function that gives class indices of the reference in a region, and where it has any."""
    if job.reference is not None:
        layer = stack.enter_context(RasterOnMap(job.reference, facts))
        lookup = Lookup(result.of_reference)

        def read_raster(region: PixelRegion) -> tuple[Indices, Mask]:
            values, known = layer.read(region)
            return lookup.index(values), known

        return read_raster
    if job.features is None:
        raise LulcError("No reference is given.")
    units = [(f, result.of_reference.get(key_of(f.label), LEFT_OUT)) for f in job.features.features]
    used = [(feature, index) for feature, index in units if index != LEFT_OUT]
    features, indices = [feature for feature, _ in used], [index for _, index in used]
    if job.features.kind == "polygons":
        return PolygonsOnMap(features, indices, facts).labels.read
    return _points_on(features, indices, facts)


def _points_on(features: Sequence[ReferenceFeature], indices: Sequence[int], facts: LayerFacts) -> Reader:
    points, xs, ys = single_points(features)
    of_feature = {id(feature): index for feature, index in zip(features, indices)}
    classes = np.array([of_feature[id(point)] for point in points], np.int64)
    rows, cols = facts.grid.pixels(xs, ys)

    def read_points(region: PixelRegion) -> tuple[Indices, Mask]:
        out = np.full((region.height, region.width), LEFT_OUT, np.int64)
        here = (rows >= region.row0) & (rows < region.row1) & (cols >= region.col0) & (cols < region.col1)
        out[rows[here] - region.row0, cols[here] - region.col0] = classes[here]
        return out, out != LEFT_OUT

    return read_points
