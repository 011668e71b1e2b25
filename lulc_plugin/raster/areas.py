# SPDX-License-Identifier: GPL-3.0-or-later
"""How large a pixel is on the ground."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import numpy.typing as npt

FloatRows = npt.NDArray[np.float64]

_ELLIPSOID = re.compile(r'(?:SPHEROID|ELLIPSOID)\["[^"]*",\s*([0-9.eE+-]+)\s*,\s*([0-9.eE+-]+)')
_WGS84 = (6378137.0, 298.257223563)
_MERCATOR = ("Popular Visualisation Pseudo Mercator", "Mercator_1SP", "Mercator_Auxiliary_Sphere", "Mercator_2SP")


def row_areas(transform: Any, crs: Any, height: int, width: int) -> FloatRows | None:
    """Area of one pixel in each row, square metres.

    Projected: |determinant| of the transform in square metres (Mercator: times cos² of the latitude, spherical).
    Geographic: area of the latitude band on the CRS's ellipsoid (Snyder 1987, eq. 3-12) times the pixel's share of it;
    for a rotated raster the latitude of the row's centre is used.

    Args:
        transform: affine transform of the raster.
        crs: its `rasterio.crs.CRS`, or None.

    Returns:
        `(rows,)` float64, or None when the pixel size is unknown.
    """
    if crs is None or transform.is_identity:
        return None
    size = abs(transform.determinant)
    rows = np.arange(height) + 0.5
    y = transform.d * width / 2 + transform.e * rows + transform.f
    if crs.is_geographic:
        a, flattening = _ellipsoid(crs)
        half = abs(transform.e) / 2 if transform.e else math.sqrt(size) / 2
        angle = _radians(crs)
        north, south = (np.clip(v * angle, -math.pi / 2, math.pi / 2) for v in (y + half, y - half))
        band = a * a * (_authalic(north, flattening) - _authalic(south, flattening))
        return np.abs(band * (size / (2 * half) * angle))
    if crs.is_projected:
        factor = _metres(crs)
        area = np.full(height, size * factor * factor)
        if _is_mercator(crs):
            latitude = 2 * np.arctan(np.exp(y * factor / _ellipsoid(crs)[0])) - math.pi / 2
            area *= np.cos(latitude) ** 2
        return area
    return None


def gsd(transform: Any, crs: Any, height: int, width: int) -> float | None:
    """Ground sampling distance in metres at the raster's centre: the side of a square as large as a pixel."""
    areas = row_areas(transform, crs, height, width)
    return None if areas is None else float(math.sqrt(areas[height // 2]))


def _metres(crs: Any) -> float:
    try:
        return float(crs.linear_units_factor[1])
    except Exception:  # rasterio raises CRSError where a CRS names no unit; metres are then the best guess
        return 1.0


def _radians(crs: Any) -> float:
    """Radians in one unit of a geographic system: degrees, rarely grads."""
    try:
        return float(crs.units_factor[1])
    except Exception:  # as above
        return math.pi / 180


def _is_mercator(crs: Any) -> bool:
    wkt = crs.to_wkt()
    return any(f'"{name}"' in wkt for name in _MERCATOR)


def _ellipsoid(crs: Any) -> tuple[float, float]:
    """Semi-major axis in metres and flattening."""
    found = _ELLIPSOID.search(crs.to_wkt())
    a, inverse = (float(found.group(1)), float(found.group(2))) if found else _WGS84
    return a, (1 / inverse if inverse else 0.0)


def _authalic(latitude: FloatRows, flattening: float) -> FloatRows:
    """q/2 of Snyder 1987, eq. 3-12: area between equator and latitude for one radian of longitude, over a²."""
    e2 = flattening * (2 - flattening)
    if e2 <= 0:
        return np.sin(latitude)
    e = math.sqrt(e2)
    s = np.sin(latitude)
    return (1 - e2) / 2 * (s / (1 - e2 * s * s) + np.arctanh(e * s) / e)
