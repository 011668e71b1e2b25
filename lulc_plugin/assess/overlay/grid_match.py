# SPDX-License-Identifier: GPL-3.0-or-later
"""The match of two grids: in which cell of a layer the centre of each pixel of a map lies.

`SameCrsGrid` is for two grids of one coordinate system, where an affine transform says it for all pixels at once;
`ReprojectedGrid` transforms the centre of every pixel into the coordinate system of the layer.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from rasterio.warp import transform_bounds

from ...raster import BoolArray, Extent, GeoGrid, PixelRegion, gdal, nearest_turn, transform_coordinates
from ..result import Alignment

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
#: A centre this close before a border (in cells) counts as lying on it, and so belongs to the cell after it: a
#: tie-break that is the same for every pixel, where rounding errors would decide it pixel by pixel.
_ON_BORDER = 1e-6


@dataclass(frozen=True)
class SameCrsGrid:
    """Cell of a layer under each pixel of a map of the same coordinate system, or where both have none.

    Attributes:
        layer: the layer's grid.
        grid: the map's.
    """

    layer: GeoGrid
    grid: GeoGrid

    @cached_property
    def matrix(self) -> tuple[float, float, float, float, float, float]:
        """(a, b, c, d, e, f): map (column, row) → layer (column, row), both with fractions.

        Where x is a longitude, the map is turned round the earth until its middle is next to the layer's.
        """
        a, b, c, d, e, f = self.grid.positions_in(self.layer)
        if self._circle is not None:
            middle = a * self.grid.width / 2 + b * self.grid.height / 2 + c
            c += float(self._turned(np.array(middle)) - middle)
        return a, b, c, d, e, f

    @property
    def _circle(self) -> float | None:
        """Columns of the layer once round the earth; None where x is not a longitude, or the layer is rotated."""
        t, circle = self.layer.transform, self.layer.full_circle
        return None if circle is None or t.b or t.d else circle / abs(t.a)

    def _turned(self, columns: FloatArray) -> FloatArray:
        if self._circle is None:
            return columns
        return nearest_turn(columns, self.layer.width / 2, self._circle, self.layer.width)

    @cached_property
    def axes(self) -> tuple[IntArray, IntArray] | None:
        """Cell row of each map row, cell column of each map column; None when the grids are rotated to each other."""
        a, b, c, d, e, f = self.matrix
        if abs(b) * self.grid.height >= _ON_BORDER or abs(d) * self.grid.width >= _ON_BORDER:
            return None
        rows = _cell(e * (np.arange(self.grid.height) + 0.5) + f)
        columns = a * np.arange(0.5, self.grid.width) + c
        return rows, _cell(self._turned(columns.astype(np.float64)))

    @cached_property
    def is_shift(self) -> bool:
        """Whether each map pixel has a cell of its own, in the same order: a plain window of the layer is it."""
        return self.axes is not None and all(bool((np.diff(cells) == 1).all()) for cells in self.axes)

    @property
    def covers(self) -> bool:
        """Whether every pixel of the map has a cell; only for grids that are not rotated to each other."""
        if self.axes is None:
            return False
        return all(bool(_within(cells, length).all()) for cells, length in zip(self.axes, self.layer.shape))

    @property
    def meets(self) -> bool:
        """Whether any pixel of the map may have a cell."""
        if self.axes is not None:
            return all(bool(_within(cells, length).any()) for cells, length in zip(self.axes, self.layer.shape))
        a, b, c, d, e, f = self.matrix
        corners = [(x, y) for x in (0, self.grid.width) for y in (0, self.grid.height)]
        xs, ys = [a * x + b * y + c for x, y in corners], [d * x + e * y + f for x, y in corners]
        return max(xs) > 0 and min(xs) < self.layer.width and max(ys) > 0 and min(ys) < self.layer.height

    def shifted(self, region: PixelRegion) -> PixelRegion:
        """The region in the layer's own pixels; only where `is_shift`."""
        if self.axes is None:
            return region
        row, col = int(self.axes[0][region.row0]), int(self.axes[1][region.col0])
        return PixelRegion(row, row + region.height, col, col + region.width)

    def indexes(self, region: PixelRegion) -> tuple[IntArray, IntArray]:
        """Cell row and column of each pixel of a region: arrays that broadcast to `(rows, cols)`; may lie outside."""
        if self.axes is not None:
            rows, cols = self.axes
            return rows[region.row0 : region.row1, None], cols[None, region.col0 : region.col1]
        a, b, c, d, e, f = self.matrix
        x = np.arange(region.col0, region.col1)[None, :] + 0.5
        y = np.arange(region.row0, region.row1)[:, None] + 0.5
        return _cell(d * x + e * y + f), _cell(a * x + b * y + c)

    def inside(self, rows: IntArray, cols: IntArray) -> tuple[BoolArray, BoolArray]:
        """Which of the `indexes` lie in the layer."""
        return _within(rows, self.layer.height), _within(cols, self.layer.width)

    def alignment(self, title: str) -> Alignment:
        """How the layer lies on the map's pixels, for the report; `title` is the layer's."""
        sizes, of_map = pixel_size_text(self.layer), pixel_size_text(self.grid)
        if self.is_shift and self.axes is not None:
            row, col = int(self.axes[0][0]), int(self.axes[1][0])
            height, width = self.grid.shape
            a, _, c, _, e, f = self.matrix
            offsets = (c, f, a * width + c - width, e * height + f - height)
            shift = max(abs(v - round(v)) for v in offsets)
            how = "part of grid"
            if shift > 0.01:
                how = "shifted cells"
            elif (row, col) == (0, 0) and self.layer.shape == self.grid.shape:
                how = "same grid"
            return Alignment(
                how,
                title,
                sizes,
                of_map,
                shape=self.layer.shape,
                map_shape=(height, width),
                first=(row, col),
                shift=shift,
            )
        how = "other cells"
        if self.axes is None:
            how = "rotated cells"
        elif self.matrix[4] < 0:
            how = "reversed rows"
        return Alignment(how, title, sizes, of_map)


@dataclass(frozen=True)
class ReprojectedGrid:
    """The same for a layer in another coordinate system: the centre of every pixel is transformed, one by one.

    Slower than `ReprojectedBand`, and used instead of it where a layer has an alpha band or longitudes beyond 180°.
    """

    layer: GeoGrid
    grid: GeoGrid
    is_shift = False
    covers = False

    def indexes(self, region: PixelRegion) -> tuple[IntArray, IntArray]:
        """Cell row and column of each pixel of a region `(rows, cols)`; may lie outside."""
        rows = np.arange(region.row0, region.row1)[:, None]
        cols = np.arange(region.col0, region.col1)[None, :]
        x, y = np.broadcast_arrays(*self.grid.centres(rows, cols))
        there = transform_coordinates(self.grid.crs, self.layer.crs, x.ravel(), y.ravel())
        nowhere = -1e15  # far outside every layer
        positions = self.layer.positions(self.layer.turned(there[0]), there[1])
        row, col = (np.nan_to_num(v, nan=nowhere).reshape(x.shape) for v in positions)
        return _cell(row), _cell(col)

    def inside(self, rows: IntArray, cols: IntArray) -> tuple[BoolArray, BoolArray]:
        """Which of the `indexes` lie in the layer."""
        return _within(rows, self.layer.height), _within(cols, self.layer.width)

    def shifted(self, region: PixelRegion) -> PixelRegion:
        """Never asked: `is_shift` is False."""
        return region


def beyond_180(grid: GeoGrid) -> bool:
    """Whether a grid has longitudes beyond 180°, which transformations take for those on the other side."""
    if grid.full_circle is None:
        return False
    west, _, east, _ = grid.extent
    return max(-west, east) > grid.full_circle / 2 + _ON_BORDER


def _cell(position: npt.NDArray[np.floating[Any]]) -> IntArray:
    """Index of the cell in which each position lies."""
    # how far outside does not matter, but int64 must not overflow
    return np.floor(np.clip(position, -1e15, 1e15) + _ON_BORDER).astype(np.int64)


def _within(indexes: IntArray, length: int) -> BoolArray:
    return (indexes >= 0) & (indexes < length)


def pixel_size_text(grid: GeoGrid) -> str:
    """Width × height of a pixel in the unit of the coordinate system, in words."""
    height, width = grid.pixel_sides
    if grid.crs is None:
        unit = ""
    elif grid.crs.is_geographic:
        unit = "°" if abs(grid.crs.units_factor[1] - math.pi / 180) < 1e-9 else f" {grid.crs.units_factor[0]}"
    else:
        unit = " m" if grid.crs.linear_units in ("metre", "meter", "m") else f" {grid.crs.linear_units}"
    return f"{width:.8g} × {height:.8g}{unit}"


def extent_in(grid: GeoGrid, crs: Any) -> Extent | None:
    """Smallest box around a grid in a coordinate system; None if there is none."""
    box = grid.extent
    if crs is None or grid.crs is None or grid.crs == crs:
        return box
    try:
        with gdal.environment():
            west, south, east, north = transform_bounds(grid.crs, crs, *box)
    except Exception:  # GDAL's errors share no public base
        return None
    if not all(map(math.isfinite, (west, south, east, north))) or west > east:  # across the antimeridian
        return None
    return west, south, east, north
