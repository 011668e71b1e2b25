# SPDX-License-Identifier: GPL-3.0-or-later
"""The pixel grid of a raster: its size, and where its pixels lie in a coordinate system.

A *position* is a row and a column with fractions, counted from the outer corner of the first pixel: (0, 0) is that
corner, (0.5, 0.5) the centre of the first pixel. *Coordinates* are x and y in the grid's coordinate system. Everything
that turns one into the other is here, for grids that are rotated, sheared or south-up, too.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
from rasterio.crs import CRS

from . import gdal
from .transform_points import transform_coordinates

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
#: (xmin, ymin, xmax, ymax)
Extent = tuple[float, float, float, float]
#: Share of a pixel by which an extent may overlap it without asking for it, and by which a point on the grid's outer
#: edge may miss it: coordinates are often rounded.
_SLACK = 1e-3
#: Projections in which x goes with the longitude, as WKT calls them.
_CYLINDERS = {
    "Mercator_1SP",
    "Mercator_2SP",
    "Equirectangular",
    "Plate_Carree",
    "Cylindrical_Equal_Area",
    "Miller_Cylindrical",
}


@dataclass(frozen=True)
class PixelRegion:
    """A rectangle of pixels: rows `row0:row1`, columns `col0:col1`."""

    row0: int
    row1: int
    col0: int
    col1: int

    @property
    def height(self) -> int:
        """Rows."""
        return self.row1 - self.row0

    @property
    def width(self) -> int:
        """Columns."""
        return self.col1 - self.col0


@dataclass(frozen=True)
class GeoGrid:
    """Coordinate system, affine transform and shape of a raster.

    Attributes:
        crs: a `rasterio.crs.CRS`, or None.
        transform: `affine.Affine`: (column, row) → (x, y).
        shape: rows and columns.
    """

    crs: Any
    transform: Any
    shape: tuple[int, int]

    @property
    def height(self) -> int:
        """Rows."""
        return self.shape[0]

    @property
    def width(self) -> int:
        """Columns."""
        return self.shape[1]

    @property
    def region(self) -> PixelRegion:
        """All pixels."""
        return PixelRegion(0, self.height, 0, self.width)

    @property
    def is_georeferenced(self) -> bool:
        """Whether the grid lies anywhere on the earth: it has a coordinate system and a transform of its own."""
        return self.crs is not None and not self.transform.is_identity

    @property
    def pixel_sides(self) -> tuple[float, float]:
        """Height and width of a pixel in the unit of the coordinate system."""
        t = self.transform
        return math.hypot(t.b, t.e), math.hypot(t.a, t.d)

    @property
    def extent(self) -> Extent:
        """Smallest box around the grid, in its own coordinate system."""
        corners = [self.coordinates(r, c) for c in (0, self.width) for r in (0, self.height)]
        xs, ys = zip(*corners)
        return min(xs), min(ys), max(xs), max(ys)

    @property
    def full_circle(self) -> float | None:
        """What is added to x once round the earth; None where x does not go with the longitude."""
        return circle_of(self.crs)

    def turned(self, x: npt.ArrayLike) -> FloatArray:
        """Abscissae `(n,)` as this grid counts them: longitudes from -180, from 0 or across 180 are the same places."""
        longitudes = np.asarray(x, np.float64)
        if self.full_circle is None:
            return longitudes
        west, _, east, _ = self.extent
        return nearest_turn(longitudes, (west + east) / 2, self.full_circle, east - west)

    def coordinates(self, rows: Any, cols: Any) -> tuple[Any, Any]:
        """x and y of positions: numbers, or arrays that broadcast to each other."""
        t = self.transform
        return t.a * cols + t.b * rows + t.c, t.d * cols + t.e * rows + t.f

    def centres(self, rows: Any, cols: Any) -> tuple[Any, Any]:
        """x and y of the centres of pixels: whole numbers, or arrays of them that broadcast to each other."""
        return self.coordinates(rows + 0.5, cols + 0.5)

    def positions(self, x: npt.ArrayLike, y: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
        """Rows and columns with fractions of coordinates `(n,)`; not finite where the coordinates are not."""
        t = self.transform
        # from the origin: coordinates are large, distances to it smaller, and its own pixel comes out exact
        dx, dy = np.asarray(x, np.float64) - t.c, np.asarray(y, np.float64) - t.f
        determinant = t.a * t.e - t.b * t.d
        with np.errstate(invalid="ignore", over="ignore"):
            cols = (t.e * dx - t.b * dy) / determinant if t.b or t.d else dx / t.a
            rows = (t.a * dy - t.d * dx) / determinant if t.b or t.d else dy / t.e
        return rows, cols

    def pixels(self, x: npt.ArrayLike, y: npt.ArrayLike) -> tuple[IntArray, IntArray]:
        """Row and column of the pixel in which each point falls `(n,)`.

        A point on the border of two pixels falls in the one with the larger row or column, one on the grid's outer edge
        in the pixel that has this edge. Points outside, and those whose coordinates are not finite, get −1, −1.

        Args:
            x: abscissae `(n,)` in the grid's coordinate system.
            y: ordinates `(n,)`.
        """
        row, col = self.positions(self.turned(x), y)
        with np.errstate(invalid="ignore", over="ignore"):
            inside = (row >= -_SLACK) & (row <= self.height + _SLACK)
            inside &= (col >= -_SLACK) & (col <= self.width + _SLACK)
        return _cells(row, self.height, inside), _cells(col, self.width, inside)

    def positions_in(self, other: GeoGrid) -> tuple[float, float, float, float, float, float]:
        """(a, b, c, d, e, f) of the affine transform from this grid's (column, row) to those of another grid.

        Both have the same coordinate system, or none.
        """
        inverse, t = ~other.transform, self.transform
        # subtract the origins before multiplying: coordinates are large, differences between neighbours small
        dx, dy = t.c - other.transform.c, t.f - other.transform.f
        return (
            inverse.a * t.a + inverse.b * t.d,
            inverse.a * t.b + inverse.b * t.e,
            inverse.a * dx + inverse.b * dy,
            inverse.d * t.a + inverse.e * t.d,
            inverse.d * t.b + inverse.e * t.e,
            inverse.d * dx + inverse.e * dy,
        )

    def region_of(self, extent: Extent) -> PixelRegion:
        """Pixels that an extent in the grid's coordinate system touches, cut to the grid; without any where none is.

        An overlap of less than a thousandth of a pixel does not count: dialogs show few decimals.
        """
        xmin, ymin, xmax, ymax = extent
        inverse = ~self.transform
        corners = [(x, y) for x in (xmin, xmax) for y in (ymin, ymax)]
        rows = [inverse.d * x + inverse.e * y + inverse.f for x, y in corners]
        cols = [inverse.a * x + inverse.b * y + inverse.c for x, y in corners]
        return PixelRegion(*_touched(rows, self.height), *_touched(cols, self.width))

    def transform_of(self, region: PixelRegion) -> Any:
        """Affine transform of a region of the grid."""
        t = self.transform
        x, y = self.coordinates(region.row0, region.col0)
        # written out because affine 3 wants another operator than affine 2
        return type(t)(t.a, t.b, x, t.d, t.e, y)


def circle_of(crs: Any) -> float | None:
    """What is added to x once round the earth, in degrees or in a projection on a cylinder; None in any other."""
    if crs is None:
        return None
    if crs.is_geographic:
        return 2 * math.pi / float(crs.units_factor[1])
    wkt = crs.to_wkt()
    projection = re.search(r'PROJECTION\["(\w+)"', wkt)
    return _circle_on_cylinder(wkt) if projection is not None and projection.group(1) in _CYLINDERS else None


@lru_cache(maxsize=64)
def _circle_on_cylinder(wkt: str) -> float | None:
    """360 times the width of a degree on the equator, of one that the projection does not cut."""
    x, _ = transform_coordinates(CRS.from_epsg(4326), CRS.from_wkt(wkt), [0, 1, 90, 91], [0, 0, 0, 0])
    width = min(abs(x[1] - x[0]), abs(x[3] - x[2]))
    return 360 * float(width) if math.isfinite(width) else None


def nearest_turn(x: FloatArray, middle: float, circle: float, width: float) -> FloatArray:
    """Abscissae on a circle, at most half a turn from the middle of something `width` wide, or within it."""
    reach = max(circle, width) / 2
    with np.errstate(invalid="ignore"):
        away = x - middle
        return np.where(np.abs(away) > reach, x - circle * np.rint(away / circle), x)


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


def crs_code(crs: Any) -> str:
    """The code to give to GDAL's programs; `EPSG:CODE` where a coordinate system has none."""
    with gdal.environment():
        authority = None if crs is None else crs.to_authority()
    return ":".join(authority) if authority else "EPSG:CODE"


def is_local(crs: Any) -> bool:
    """Whether a coordinate system is a local (engineering) one: lengths without a place on the earth."""
    return crs is not None and str(crs.to_wkt()).lstrip().startswith(("LOCAL_CS", "ENGCRS", "ENGINEERINGCRS"))


def _cells(positions: FloatArray, length: int, inside: npt.NDArray[np.bool_]) -> IntArray:
    """Index of the pixel at each position, also where it lies on the outer edge; -1 outside."""
    cells: IntArray = np.floor(np.where(inside, positions, 0)).astype(np.int64)
    return np.where(inside, cells.clip(0, length - 1), -1)


def _touched(ends: Sequence[float], length: int) -> tuple[int, int]:
    """First and last + 1 of the pixels between the outermost of `ends`, cut to `0..length`; empty where none is."""
    low, high = max(-1.0, min(ends)), min(length + 1.0, max(ends))
    if not low < high:
        return 0, 0
    first, last = math.floor(low + _SLACK), math.ceil(high - _SLACK)
    if first >= last:
        first, last = math.floor((low + high) / 2), math.floor((low + high) / 2) + 1
    return max(0, first), min(length, last)
