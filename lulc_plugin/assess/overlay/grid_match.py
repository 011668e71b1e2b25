# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the pixels of a map lie in another raster of the same coordinate system, by the two affine transforms."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from rasterio.warp import transform_bounds

from ...raster import BoolArray, LayerFacts, PixelRegion, gdal, transform_coordinates

IntArray = npt.NDArray[np.int64]
#: A centre this close before a border (in cells) counts as lying on it, and so belongs to the cell after it: rounding
#: must not throw the dice pixel by pixel where centres lie on borders.
_ON_BORDER = 1e-6


@dataclass(frozen=True)
class SameCrsGrid:
    """Cell of the layer under each pixel of the map.

    Attributes:
        matrix: (a, b, c, d, e, f): map (column, row) → layer (column, row), both with fractions.
        rows, cols: cell row of each map row, cell column of each map column; None when the grids are turned to each
            other.
        shape: rows and columns of the layer.
        map_shape: rows and columns of the map.
        sizes: pixel sizes of layer and map, in words.
    """

    matrix: tuple[float, float, float, float, float, float]
    rows: IntArray | None
    cols: IntArray | None
    shape: tuple[int, int]
    map_shape: tuple[int, int]
    sizes: tuple[str, str]

    @classmethod
    def of(cls, layer: LayerFacts, grid: LayerFacts) -> SameCrsGrid:
        """Lay a layer under a map; both have the same coordinate system, or none."""
        matrix = grid.grid.positions_in(layer.grid)
        a, b, c, d, e, f = matrix
        rows = cols = None
        if abs(b) * grid.height < _ON_BORDER and abs(d) * grid.width < _ON_BORDER:
            cols = _floor(a * (np.arange(grid.width) + 0.5) + c)
            rows = _floor(e * (np.arange(grid.height) + 0.5) + f)
        return cls(
            matrix,
            rows,
            cols,
            (layer.height, layer.width),
            (grid.height, grid.width),
            (pixel_size(layer), pixel_size(grid)),
        )

    @cached_property
    def is_shift(self) -> bool:
        """Whether each map pixel has a cell of its own, in the same order: a plain window of the layer is it."""
        if self.rows is None or self.cols is None:
            return False
        return bool((np.diff(self.rows) == 1).all() and (np.diff(self.cols) == 1).all())

    @property
    def covers(self) -> bool:
        """Whether every pixel of the map has a cell; only for grids that are not turned."""
        if self.rows is None or self.cols is None:
            return False
        rows, cols = (self.rows.min(), self.rows.max()), (self.cols.min(), self.cols.max())
        return bool(rows[0] >= 0 and cols[0] >= 0 and rows[1] < self.shape[0] and cols[1] < self.shape[1])

    @property
    def meets(self) -> bool:
        """Whether any pixel of the map may have a cell."""
        if self.rows is not None and self.cols is not None:
            return bool(_within(self.rows, self.shape[0]).any() and _within(self.cols, self.shape[1]).any())
        a, b, c, d, e, f = self.matrix
        corners = [(x, y) for x in (0, self.map_shape[1]) for y in (0, self.map_shape[0])]
        xs, ys = [a * x + b * y + c for x, y in corners], [d * x + e * y + f for x, y in corners]
        return max(xs) > 0 and min(xs) < self.shape[1] and max(ys) > 0 and min(ys) < self.shape[0]

    def shifted(self, region: PixelRegion) -> PixelRegion:
        """The region in the layer's own pixels; only where `is_shift`."""
        if self.rows is None or self.cols is None:
            return region
        row, col = int(self.rows[region.row0]), int(self.cols[region.col0])
        return PixelRegion(row, row + region.height, col, col + region.width)

    def indexes(self, region: PixelRegion) -> tuple[IntArray, IntArray]:
        """Cell row and column of each pixel of a region: arrays that broadcast to `(rows, cols)`; may lie outside."""
        if self.rows is not None and self.cols is not None:
            return self.rows[region.row0 : region.row1, None], self.cols[None, region.col0 : region.col1]
        a, b, c, d, e, f = self.matrix
        x = np.arange(region.col0, region.col1)[None, :] + 0.5
        y = np.arange(region.row0, region.row1)[:, None] + 0.5
        return _floor(d * x + e * y + f), _floor(a * x + b * y + c)

    def inside(self, rows: IntArray, cols: IntArray) -> tuple[BoolArray, BoolArray]:
        """Which of the `indexes` lie in the layer."""
        return _within(rows, self.shape[0]), _within(cols, self.shape[1])

    def sentence(self, title: str) -> str:
        """What was done, for the report."""
        theirs, ours = self.sizes
        if self.is_shift and self.rows is not None and self.cols is not None:
            row, col = int(self.rows[0]), int(self.cols[0])
            a, _, c, _, e, f = self.matrix
            ends = (c, f, a * self.map_shape[1] + c - self.map_shape[1], e * self.map_shape[0] + f - self.map_shape[0])
            off = max(abs(v - round(v)) for v in ends)
            if off > 0.01:
                return (
                    f"{title} has cells of the same size as the map's pixels ({theirs}), up to {off:.2g} pixel off:"
                    " each map pixel takes the value of the cell that contains its centre. The map was not resampled."
                )
            if (row, col) == (0, 0) and self.shape == self.map_shape:
                return f"{title} lies on the map's grid."
            size = f"{self.shape[0]:,} × {self.shape[1]:,} instead of {self.map_shape[0]:,} × {self.map_shape[1]:,}"
            return (
                f"{title} lies on the map's grid; its first pixel is row {-row:,}, column {-col:,} of the map, counted"
                f" from 0 (rows × columns: {size} pixels)."
            )
        turned = ", and the two grids are turned to each other" if self.rows is None else ""
        if not turned and self.matrix[4] < 0:
            turned = ", and its rows run the other way"
        return (
            f"{title} has cells of {theirs}, the map pixels of {ours}{turned}: each map pixel takes the value of the"
            " cell that contains its centre. The map was not resampled."
        )


@dataclass(frozen=True)
class ReprojectedGrid:
    """The same for a layer in another coordinate system: every centre is carried over, one by one.

    Slower than `reprojected_band.ReprojectedBand`, which it stands in for where a layer has an alpha band.
    """

    layer: LayerFacts
    grid: LayerFacts
    is_shift = False
    covers = False

    def indexes(self, region: PixelRegion) -> tuple[IntArray, IntArray]:
        """Cell row and column of each pixel of a region `(rows, cols)`; may lie outside."""
        rows = np.arange(region.row0, region.row1)[:, None]
        cols = np.arange(region.col0, region.col1)[None, :]
        x, y = np.broadcast_arrays(*self.grid.grid.centres(rows, cols))
        found = self.layer.grid.positions(*transform_coordinates(self.grid.crs, self.layer.crs, x.ravel(), y.ravel()))
        rows, cols = (_floor(np.nan_to_num(v, nan=-1e15)).reshape(x.shape) for v in found)
        return rows, cols

    def inside(self, rows: IntArray, cols: IntArray) -> tuple[BoolArray, BoolArray]:
        """Which of the `indexes` lie in the layer."""
        return _within(rows, self.layer.height), _within(cols, self.layer.width)

    def shifted(self, region: PixelRegion) -> PixelRegion:
        """Never asked: `is_shift` is False."""
        return region


def _floor(position: npt.NDArray[np.floating[Any]]) -> IntArray:
    # far outside is outside, wherever; int64 must not overflow
    return np.floor(np.clip(position, -1e15, 1e15) + _ON_BORDER).astype(np.int64)


def _within(indexes: IntArray, length: int) -> BoolArray:
    return (indexes >= 0) & (indexes < length)


def crs_name(crs: Any) -> str:
    """What people call a coordinate system: authority code and name."""
    if crs is None:
        return "no coordinate system"
    named = re.match(r'\s*\w+\["([^"]*)"', crs.to_wkt())
    name = named.group(1) if named else ""
    with gdal.environment():
        authority = crs.to_authority()
    code = ":".join(authority) if authority else ""
    return f"{code} ({name})" if code and name else code or name or "an unnamed coordinate system"


def pixel_size(facts: LayerFacts) -> str:
    """Width × height of a pixel in the unit of the coordinate system, in words."""
    height, width = facts.grid.pixel_sides
    if facts.crs is None:
        unit = ""
    elif facts.crs.is_geographic:
        unit = "°" if abs(facts.crs.units_factor[1] - math.pi / 180) < 1e-9 else f" {facts.crs.units_factor[0]}"
    else:
        unit = " m" if facts.crs.linear_units in ("metre", "meter", "m") else f" {facts.crs.linear_units}"
    return f"{width:.8g} × {height:.8g}{unit}"


def extent_of(facts: LayerFacts, crs: Any) -> tuple[float, float, float, float] | None:
    """Smallest box (xmin, ymin, xmax, ymax) around a layer in a coordinate system; None if there is none."""
    box = facts.grid.extent
    if crs is None or facts.crs is None or facts.crs == crs:
        return box
    try:
        with gdal.environment():
            west, south, east, north = transform_bounds(facts.crs, crs, *box)
    except Exception:  # GDAL's errors share no public base
        return None
    if not all(map(math.isfinite, (west, south, east, north))) or west > east:  # across the antimeridian
        return None
    return west, south, east, north
