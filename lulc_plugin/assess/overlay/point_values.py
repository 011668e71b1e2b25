# SPDX-License-Identifier: GPL-3.0-or-later
"""Raster values at points: those of the pixel in which each point falls."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ...errors import LulcError
from ...raster import LayerFacts, PixelRegion, transform_coordinates
from ..job import RasterInput
from .grid_match import crs_name
from .raster_on_map import RasterOnMap

IntArray = npt.NDArray[np.int64]

#: What became of a point.
OK, OUTSIDE, NODATA = 0, 1, 2
#: Largest side of what is read at once around points that share a piece of the file.
_SIDE = 1024


def values_at(layer: RasterInput, xs: npt.ArrayLike, ys: npt.ArrayLike, crs: Any) -> tuple[IntArray, IntArray]:
    """Class values of a raster at points.

    Points are read by the pieces in which the file is stored, so memory does not grow with the raster.

    Args:
        layer: which band of which file.
        xs: abscissae `(n,)`.
        ys: ordinates `(n,)`.
        crs: coordinate system of the points, a `rasterio.crs.CRS`, or None: the layer's.

    Returns:
        values `(n,)`, 0 where there is none, and status `(n,)`: `OK`, `OUTSIDE` or `NODATA`.

    Raises:
        LulcError: the layer cannot be read, holds other than whole numbers at a point, or only one of layer and points
            has a coordinate system.
    """
    with RasterOnMap(layer) as raster:
        facts = raster.facts
        x, y = _carried(np.asarray(xs, np.float64), np.asarray(ys, np.float64), crs, facts, layer.title)
        rows, cols = facts.grid.pixels(x, y)
        values = np.zeros(len(x), np.int64)
        status = np.full(len(x), OUTSIDE, np.int64)
        there = np.flatnonzero(rows >= 0)
        block_rows, block_cols = (min(side, _SIDE) for side in raster.block)
        if block_rows < 16:  # strips of few rows: a window over several costs no more calls than rows
            block_rows = 64
        places = (rows[there] // block_rows) * (facts.width // block_cols + 1) + cols[there] // block_cols
        order = np.argsort(places, kind="stable")
        starts = np.flatnonzero(np.diff(places[order], prepend=-1))
        for members in np.split(there[order], starts[1:]):
            if not members.size:
                continue
            r, c = rows[members], cols[members]
            region = PixelRegion(int(r.min()), int(r.max()) + 1, int(c.min()), int(c.max()) + 1)
            found, valid = raster.read(region)
            known = valid[r - region.row0, c - region.col0]
            values[members] = np.where(known, found[r - region.row0, c - region.col0], 0)
            status[members] = np.where(known, OK, NODATA)
    return values, status


def _carried(
    x: npt.NDArray[np.float64], y: npt.NDArray[np.float64], crs: Any, facts: LayerFacts, title: str
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Points in the layer's coordinate system; NaN where there is no such place."""
    if crs is None or facts.crs == crs or not len(x):
        return x, y
    if facts.crs is None:
        raise LulcError(
            f"{title} has no coordinate system, the points have {crs_name(crs)}.",
            f"Assign {title} its coordinate system.",
        )
    return transform_coordinates(crs, facts.crs, x, y)
