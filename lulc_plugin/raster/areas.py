# SPDX-License-Identifier: GPL-3.0-or-later
"""How large a pixel is on the ground."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from . import ellipsoid
from .geogrid import GeoGrid

FloatRows = npt.NDArray[np.float64]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

#: Planar areas are believed up to this deviation from those on the ellipsoid.
TRUSTED = 0.01
#: How much the area may change across a tile inside which it is taken for constant.
_TILE_CHANGE = 0.002


@dataclass(frozen=True)
class AreaMeasurement:
    """How the areas of pixels were measured.

    Attributes:
        kind: `planar`, `ellipsoidal rows` or `ellipsoidal tiles`.
        planar: area of a pixel in the plane, in square metres; counts for the kind `planar` only.
        deviation: as in `PixelAreas`.
        tile: edge of a tile in pixels.
        ratio: as in `PixelAreas`.
        span: smallest and largest area of a row's pixels in square metres; None where there are none.
    """

    kind: str
    planar: float
    deviation: float | None
    tile: int
    ratio: float
    span: tuple[float, float] | None

    @property
    def sentence(self) -> str:
        """The same in words, for a report or a log."""
        if self.kind == "planar":
            area = f"Pixel areas are planar: {self.planar:,.10g} m² each"
            if self.deviation is None:
                return f"{area}; they could not be compared with areas on the ellipsoid."
            return f"{area}; areas on the ellipsoid differ by at most {100 * self.deviation:.2g} %."
        if self.kind == "ellipsoidal rows":
            span = "" if self.span is None else f" ({self.span[0]:,.6g} to {self.span[1]:,.6g} m²)"
            how = f"Pixel areas are those on the ellipsoid, row by row{span}"
        else:
            how = (
                f"Pixel areas are those on the ellipsoid, in tiles of {self.tile} pixels"
                f" (largest / smallest: {self.ratio:.4g})"
            )
        if self.deviation is None:
            return f"{how}: the coordinate system is in degrees."
        return f"{how}: planar areas of this coordinate system are wrong by up to {100 * self.deviation:.3g} %."


class PixelAreas:
    """Areas of the pixels of one raster, square metres; made by `pixel_areas`.

    Attributes:
        kind: "planar" (all pixels alike), "ellipsoidal rows" (exact, one value a row) or "ellipsoidal tiles" (one value
            for a tile across which the area changes by 0.2 % or less).
        deviation: largest |planar / ellipsoidal − 1| over centre, corners and edge middles; None for geographic
            systems, and where the ellipsoidal area is unknown.
        ratio: largest over smallest pixel area in the extent.
        measurement: how the areas were measured.
    """

    def __init__(self, grid: GeoGrid, ground: ellipsoid.EllipsoidAreas) -> None:
        self._grid = grid
        self._ground = ground
        self._height, self._width = height, width = grid.shape
        transform = grid.transform
        self._square = abs(transform.determinant)
        self._planar = self._square * ground.planar
        self._rows: FloatRows | None = None
        self._tile = 0
        self.deviation = self._deviation()
        straight = abs(transform.b) * height < 1e-6 * abs(transform.a) and abs(transform.d) * width < 1e-6 * abs(
            transform.e
        )
        known_false = self.deviation is not None and self.deviation > TRUSTED
        if ground.planar and not known_false and not ground.cylindrical:
            self.kind, self.ratio = "planar", 1.0
        elif ground.cylindrical and straight:
            self.kind = "ellipsoidal rows"
            edges = transform.f + transform.e * np.arange(height + 1)
            self._rows = ground.bands(edges[:-1], edges[1:]) * abs(transform.a)
            some = self._rows[self._rows > 0]
            self.ratio = float(some.max() / some.min()) if some.size else 1.0
        else:
            self.kind = "ellipsoidal tiles"
            self._tile, self.ratio = self._smoothness()
        self.measurement = self._measurement()

    def _true(self, rows: FloatArray, cols: FloatArray) -> FloatArray:
        """Ellipsoidal area of pixels whose centres lie at fractional positions (0.5 is the first pixel's centre)."""
        x, y = self._grid.coordinates(rows, cols)
        area: FloatArray = self._ground.density(x, y, math.sqrt(self._square)) * self._square
        return area

    def _lattice(self, n: int) -> FloatArray:
        """`(n, n)` ellipsoidal areas from corner to corner; NaN where nothing is known."""
        rows, cols = (0.5 + np.linspace(0, size - 1, n) for size in (self._height, self._width))
        r, c = np.meshgrid(rows, cols, indexing="ij")
        return self._true(r.ravel(), c.ravel()).reshape(n, n)

    def _deviation(self) -> float | None:
        if not self._ground.planar:
            return None
        true = self._lattice(3)
        known = np.isfinite(true) & (true > 0)
        return float(np.abs(self._planar / true[known] - 1).max()) if known.any() else None

    def _smoothness(self) -> tuple[int, float]:
        """Edge of a tile in pixels, and the ratio of the largest to the smallest area."""
        n = 17
        area = self._lattice(n)
        area[~(area > 0)] = np.nan
        known = area[np.isfinite(area)]
        if not known.size:
            return 64, 1.0
        log = np.log(area)
        steps = [np.abs(np.diff(log, axis=k)) * (n - 1) / size for k, size in enumerate((self._height, self._width))]
        steepest = max(float(np.nanmax(s)) if np.isfinite(s).any() else 0.0 for s in steps)
        tile = int(min(256.0, max(4.0, _TILE_CHANGE / max(steepest, 1e-12))))
        return tile, float(known.max() / known.min())

    def groups(self, row0: int, row1: int, col0: int, col1: int) -> tuple[IntArray, IntArray, FloatArray]:
        """Pixels of a region by equal area.

        Returns:
            group of each row `(rows,)`, group of each column `(cols,)`, both from 0, and the area of a pixel in each
            group `(row groups, column groups)`.
        """
        rows, cols = np.arange(row0, row1), np.arange(col0, col1)
        if self.kind == "planar":
            return np.zeros_like(rows), np.zeros_like(cols), np.full((1, 1), self._planar)
        if self._rows is not None:
            return rows - row0, np.zeros_like(cols), self._rows[row0:row1, None]
        t = self._tile
        centres = []
        for first, stop, size in ((row0, row1, self._height), (col0, col1, self._width)):
            starts = np.arange(first // t, (stop - 1) // t + 1) * t
            centres.append((starts + np.minimum(starts + t, size)) / 2)
        r, c = np.meshgrid(*centres, indexing="ij")
        area = np.nan_to_num(self._true(r.ravel(), c.ravel())).reshape(r.shape)
        return rows // t - row0 // t, cols // t - col0 // t, area

    def at(self, rows: npt.ArrayLike, cols: npt.ArrayLike) -> FloatArray:
        """Area of single pixels, square metres; `rows` and `cols` are pixel indexes inside the raster, `(n,)`."""
        r, c = np.asarray(rows), np.asarray(cols)
        if self.kind == "planar":
            return np.full(r.shape, self._planar)
        if self._rows is not None:
            return np.asarray(self._rows[r])
        area: FloatArray = np.nan_to_num(self._true(np.ravel(r) + 0.5, np.ravel(c) + 0.5)).reshape(r.shape)
        return area

    def _measurement(self) -> AreaMeasurement:
        known = np.empty(0) if self._rows is None else self._rows[self._rows > 0]
        span = (float(known.min()), float(known.max())) if known.size else None
        return AreaMeasurement(self.kind, self._planar, self.deviation, self._tile, self.ratio, span)


def pixel_areas(grid: GeoGrid) -> PixelAreas | None:
    """How large the pixels of a raster are.

    Geographic systems: exact area of each row on the system's own ellipsoid. Projected systems: |determinant| of the
    transform × (metres in a unit)², unless it deviates from the area on the ellipsoid by more than 1 % somewhere. Web
    Mercator: always the exact area of each row.

    Returns:
        None when the pixel size is unknown.
    """
    ground = _ground(grid)
    return None if ground is None else PixelAreas(grid, ground)


def row_areas(grid: GeoGrid) -> FloatRows | None:
    """Area of one pixel in each row, square metres: that in the middle column, as `pixel_areas` has it.

    Returns:
        `(rows,)` float64, or None when the pixel size is unknown.
    """
    areas = pixel_areas(grid)
    return None if areas is None else areas.at(np.arange(grid.height), np.full(grid.height, grid.width // 2))


def gsd(grid: GeoGrid) -> float | None:
    """Ground sampling distance in metres at the raster's centre: the side of a square as large as a pixel."""
    return _gsd(grid, grid.crs.to_wkt()) if grid.is_georeferenced else None


@lru_cache(maxsize=64)
def _gsd(grid: GeoGrid, wkt: str) -> float | None:
    """`wkt` keeps apart what compares as equal although it is written differently."""
    ground = _ground(grid)
    if ground is None:
        return None
    t = grid.transform
    square = abs(t.a * t.e - t.b * t.d)
    x, y = grid.centres(grid.height // 2, grid.width // 2)
    true = float(ground.density(np.array([x]), np.array([y]), math.sqrt(square))[0]) * square
    planar = square * ground.planar
    if planar and not ground.cylindrical and not (true > 0 and abs(planar / true - 1) > TRUSTED):
        true = planar
    return math.sqrt(true) if true > 0 else None


def pixel_size(grid: GeoGrid) -> tuple[float, float] | None:
    """Height and width in metres of the pixel at the raster's centre, on the ellipsoid; None when unknown.

    In a projected system planar lengths are believed up to 1 % of deviation, as areas are.
    """
    ground = _ground(grid)
    if ground is None:
        return None
    t = grid.transform
    x, y = grid.centres(grid.height // 2, grid.width // 2)
    sides = []
    for dx, dy in ((t.b, t.e), (t.a, t.d)):
        true, planar = ground.length(x, y, dx, dy), math.hypot(dx, dy) * math.sqrt(ground.planar)
        if planar and not ground.cylindrical and not (true > 0 and abs(planar / true - 1) > TRUSTED):
            true = planar
        sides.append(true)
    return (sides[0], sides[1]) if all(side > 0 for side in sides) else None


def _ground(grid: GeoGrid) -> ellipsoid.EllipsoidAreas | None:
    return ellipsoid.ground_of(grid.crs) if grid.is_georeferenced else None
