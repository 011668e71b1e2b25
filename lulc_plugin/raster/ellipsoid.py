# SPDX-License-Identifier: GPL-3.0-or-later
"""What a unit square of a coordinate system covers on its ellipsoid."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import numpy.typing as npt
from rasterio.crs import CRS

from .transform_points import transform_coordinates

FloatArray = npt.NDArray[np.float64]

_ELLIPSOID = re.compile(r'(?:SPHEROID|ELLIPSOID)\["[^"]*",\s*([0-9.eE+-]+)\s*,\s*([0-9.eE+-]+)')
_WGS84 = (6378137.0, 298.257223563)
#: Side in metres of the square that is transformed to the ellipsoid: PROJ's inverse projections are good to about 1 mm,
#: which is too coarse for a pixel of 10 m; curvature adds (side / radius)² / 24.
_SIDE = 2000.0


class EllipsoidAreas:
    """The ellipsoid under a coordinate system.

    Attributes:
        planar: planar square metres in a square of one unit; 0 for a geographic system.
        cylindrical: whether areas depend on y only, in closed form (geographic, Web Mercator).
    """

    def __init__(self, crs: Any) -> None:
        self.a, self.flattening = ellipsoid_of(crs)
        self._geographic = bool(crs.is_geographic)
        self._web = not self._geographic and _is_web_mercator(crs)
        self._unit = _radians(crs) if self._geographic else _metres(crs)
        self.planar = 0.0 if self._geographic else self._unit**2
        self.cylindrical = self._geographic or self._web
        self._crs = crs

    def bands(self, y0: FloatArray, y1: FloatArray) -> FloatArray:
        """Square metres between two ordinates for one unit of x; exact, cylindrical systems only.

        Area of the latitude band on the ellipsoid (Snyder 1987, eq. 3-12).
        """
        south, north = self._latitude(y0), self._latitude(y1)
        width = self._unit if self._geographic else self._unit / self.a
        q = _authalic(north, self.flattening) - _authalic(south, self.flattening)
        return np.asarray(np.abs(self.a**2 * width * q))

    def density(self, x: FloatArray, y: FloatArray, side: float) -> FloatArray:
        """Square metres on the ellipsoid in one square unit at points `(n,)`.

        Args:
            x: abscissae in the system's unit.
            y: ordinates.
            side: how long a pixel is, in the system's unit; a larger square is taken if that is more precise.

        Returns:
            `(n,)`; 0 beyond a pole, NaN where the system has no inverse.
        """
        if self.cylindrical:
            latitude = self._latitude(y)
            e2 = self.flattening * (2 - self.flattening)
            s, c = np.sin(latitude), np.cos(latitude)
            cell = self.a**2 * (1 - e2) * c / (1 - e2 * s * s) ** 2  # m² in a radian × radian
            if self._web:
                return np.asarray(cell * c * (self._unit / self.a) ** 2)
            return np.where(np.abs(y * self._unit) < math.pi / 2, cell * self._unit**2, 0.0)
        half = max(side, _SIDE / self._unit) / 2
        corners = [self._geocentric(x + half * u, y + half * v) for u, v in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
        # the area of a quadrilateral is half the cross product of its diagonals; in space it knows no poles or seams
        area = np.linalg.norm(np.cross(corners[2] - corners[0], corners[3] - corners[1]), axis=1) / 2
        return np.asarray(area / (2 * half) ** 2)

    def length(self, x: float, y: float, dx: float, dy: float) -> float:
        """Metres on the ellipsoid from a point along a short vector; 0 or NaN where nothing is known.

        Args:
            x: abscissa of the vector's middle in the system's unit.
            y: its ordinate.
            dx: how far the vector goes along x.
            dy: how far along y.
        """
        if self.cylindrical:
            latitude = float(self._latitude(np.array([y]))[0])
            e2 = self.flattening * (2 - self.flattening)
            curved = 1 - e2 * math.sin(latitude) ** 2
            parallel = self.a * math.cos(latitude) / math.sqrt(curved)  # metres in a radian of longitude
            meridian = self.a * (1 - e2) / curved**1.5  # metres in a radian of latitude
            if self._web:
                return math.hypot(dx * parallel, dy * meridian * math.cos(latitude)) * self._unit / self.a
            return math.hypot(dx * parallel, dy * meridian) * self._unit
        longer = max(1.0, _SIDE / self._unit / math.hypot(dx, dy))
        half_x, half_y = dx * longer / 2, dy * longer / 2
        ends = self._geocentric(np.array([x - half_x, x + half_x]), np.array([y - half_y, y + half_y]))
        return float(np.linalg.norm(ends[1] - ends[0])) / longer

    def _latitude(self, y: FloatArray) -> FloatArray:
        if self._geographic:
            return np.clip(np.asarray(y, np.float64) * self._unit, -math.pi / 2, math.pi / 2)
        # Web Mercator takes geodetic latitudes for those of a sphere of radius a (EPSG 1024)
        spherical = 2 * np.arctan(np.exp(np.asarray(y, np.float64) * self._unit / self.a)) - math.pi / 2
        return np.asarray(spherical)

    def _geocentric(self, x: FloatArray, y: FloatArray) -> FloatArray:
        """Points on the ellipsoid `(n, 3)`, metres; NaN where the system has no inverse."""
        own = CRS.from_proj4(f"+proj=longlat +a={self.a!r} +f={self.flattening!r} +no_defs")
        lon, lat = (np.radians(v) for v in transform_coordinates(self._crs, own, x, y))
        e2 = self.flattening * (2 - self.flattening)
        normal = self.a / np.sqrt(1 - e2 * np.sin(lat) ** 2)
        flat = normal * np.cos(lat)
        return np.stack([flat * np.cos(lon), flat * np.sin(lon), normal * (1 - e2) * np.sin(lat)], axis=1)


def ground_of(crs: Any) -> EllipsoidAreas | None:
    """The ellipsoid under a `rasterio.crs.CRS`; None for local and engineering systems."""
    return EllipsoidAreas(crs) if crs.is_geographic or crs.is_projected else None


def ellipsoid_of(crs: Any) -> tuple[float, float]:
    """Semi-major axis in metres and flattening; WGS 84 if the system names none."""
    match = _ELLIPSOID.search(crs.to_wkt())
    a, inverse = (float(match.group(1)), float(match.group(2))) if match else _WGS84
    return a, (1 / inverse if inverse else 0.0)


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


def _is_web_mercator(crs: Any) -> bool:
    wkt = crs.to_wkt()
    named = '"Popular Visualisation Pseudo Mercator"' in wkt or '"Mercator_Auxiliary_Sphere"' in wkt
    return named or ('"Mercator_1SP"' in wkt and "+b=6378137 " in wkt and "+nadgrids=@null" in wkt)


def _authalic(latitude: FloatArray, flattening: float) -> FloatArray:
    """q/2 of Snyder 1987, eq. 3-12: area between equator and latitude for one radian of longitude, over a²."""
    e2 = flattening * (2 - flattening)
    if e2 <= 0:
        return np.sin(latitude)
    e = math.sqrt(e2)
    s = np.sin(latitude)
    return np.asarray((1 - e2) / 2 * (s / (1 - e2 * s * s) + np.arctanh(e * s) / e))
