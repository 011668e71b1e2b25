# SPDX-License-Identifier: GPL-3.0-or-later
"""A minimum distance between the points of a sample: distances on the ground, and a draw that keeps them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from rasterio.crs import CRS
from rasterio.errors import CRSError
from rasterio.warp import transform

from ...errors import LulcError, MissingCrs
from ...progress import Progress
from ...raster import LayerFacts, ellipsoid_of, gdal
from .map_classes import MapClasses
from .random_order import RandomOrder, RankedPixels

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

#: Distances in the map's plane are believed while they differ by less than this from those on the ellipsoid.
_TRUSTED = 0.005
#: Metres over which both are compared: long enough for the millimetres of inverse projections not to matter.
_STEP = 1000.0
#: Candidates at first for each point; at most for each class; and for all classes together.
_TRIED_FIRST, _TRIED_MOST, _TRIED_IN_ALL = 8, 200_000, 20_000_000
#: Classes that an error names.
_SHOWN = 10


class Ruler:
    """Measures distances between points of a map in metres.

    In the map's plane where that is right to 0.5 % (at the centre, corners and edge middles of the map, in four
    directions); else along the ellipsoid. Equal-area systems may have right areas and wrong distances.

    Attributes:
        planar: whether distances are those in the map's plane.

    Raises:
        LulcError: the map has no coordinate system, hence no metres.
    """

    def __init__(self, facts: LayerFacts) -> None:
        crs = facts.crs
        if crs is None or facts.transform.is_identity or not (crs.is_projected or crs.is_geographic):
            raise MissingCrs(
                f"The layer {facts.name} has no coordinate system in which metres could be measured.",
                "Assign its coordinate system, or draw the sample without a minimum distance.",
            )
        self._crs = crs
        self._unit = _metres(crs) if crs.is_projected else 0.0
        self.planar = bool(crs.is_projected) and self._distortion(facts) <= _TRUSTED

    def positions(self, x: Floats, y: Floats) -> Floats:
        """Places in metres so that straight lines between them measure distances.

        Planar, or geocentric coordinates on the system's ellipsoid: X = ν cos φ cos λ, Y = ν cos φ sin λ,
        Z = (1 − e²) ν sin φ, ν = a/√(1 − e² sin² φ) (EPSG Guidance Note 7-2, method 9602).

        Args:
            x: abscissae in the map's system, `(n,)`.
            y: ordinates.

        Returns:
            `(n, 2)` or `(n, 3)`.

        Raises:
            LulcError: a point has no place on the globe.
        """
        if self.planar:
            return np.stack([x, y], axis=1) * self._unit
        places = self._geocentric(x, y)
        if not np.isfinite(places).all():
            raise LulcError(
                "Parts of the map lie outside the range of its coordinate system: distances cannot be measured there.",
                "Draw the sample without a minimum distance, or reproject the map.",
            )
        return places

    def straight(self, distance: float) -> float:
        """Length of the straight line between two `positions` that are `distance` metres apart on the ground.

        On the globe 2 a sin(distance / 2 a), right to 1 mm in 10 km and 1 m in 100 km.
        """
        if self.planar:
            return distance
        a = ellipsoid_of(self._crs)[0]
        return 2 * a * math.sin(min(distance / (2 * a), math.pi / 2))

    def _geocentric(self, x: Floats, y: Floats) -> Floats:
        a, flattening = ellipsoid_of(self._crs)
        own = CRS.from_proj4(f"+proj=longlat +a={a!r} +f={flattening!r} +no_defs")
        with gdal.environment():
            lon, lat = (np.asarray(v, np.float64) for v in transform(self._crs, own, x, y)[:2])
        known = np.isfinite(lon) & np.isfinite(lat)
        lon, lat = (np.radians(np.where(known, v, np.nan)) for v in (lon, lat))
        e2 = flattening * (2 - flattening)
        normal = a / np.sqrt(1 - e2 * np.sin(lat) ** 2)
        flat = normal * np.cos(lat)
        return np.stack([flat * np.cos(lon), flat * np.sin(lon), (1 - e2) * normal * np.sin(lat)], axis=1)

    def _distortion(self, facts: LayerFacts) -> float:
        """Largest relative difference between planar and ellipsoidal distances; infinite where nothing is known."""
        rows, cols = (v.ravel() for v in np.meshgrid(*(np.linspace(0, s, 3) for s in (facts.height, facts.width))))
        x, y = facts.grid.coordinates(rows, cols)
        half = _STEP / self._unit / 2
        worst = []
        for u, v in ((1.0, 0.0), (0.0, 1.0), (math.sqrt(0.5), math.sqrt(0.5)), (math.sqrt(0.5), -math.sqrt(0.5))):
            ends = (self._geocentric(x + s * half * u, y + s * half * v) for s in (-1, 1))
            length = np.linalg.norm(next(ends) - next(ends), axis=1)
            worst.append(np.abs(length / _STEP - 1)[np.isfinite(length)])
        differences = np.concatenate(worst)
        return float(differences.max()) if differences.size else math.inf


class Spacing:
    """Accepts points one after the other if each is far enough from all that were accepted before.

    Accepted points lie in a grid of cells as wide as the distance, so only the cells around a point are looked at and
    the work grows with the number of points, not with its square.

    Args:
        distance: least distance between two positions.
    """

    def __init__(self, distance: float) -> None:
        # slightly less: two pixels exactly the distance apart may both stay, whatever the rounding of coordinates
        self._least = (distance * (1 - 1e-9)) ** 2
        self._cell = distance
        self._cells: dict[tuple[int, ...], list[list[float]]] = {}

    def accept(self, positions: Floats, wanted: int) -> list[int]:
        """Indexes of the first `wanted` (or fewer) of `positions` `(n, dimensions)` that keep the distance."""
        taken: list[int] = []
        around = tuple(itertools.product((-1, 0, 1), repeat=positions.shape[1]))
        cells = np.floor(positions / self._cell).astype(np.int64).tolist()
        for index, (position, cell) in enumerate(zip(positions.tolist(), cells)):
            if len(taken) == wanted:
                break
            if self._is_free(position, cell, around):
                self._cells.setdefault(tuple(cell), []).append(position)
                taken.append(index)
        return taken

    def _is_free(self, position: list[float], cell: list[int], around: tuple[tuple[int, ...], ...]) -> bool:
        for step in around:
            for other in self._cells.get(tuple(map(int.__add__, cell, step)), ()):
                if sum((p - o) ** 2 for p, o in zip(position, other)) < self._least:
                    return False
        return True


def _metres(crs: Any) -> float:
    try:
        return float(crs.linear_units_factor[1])
    except CRSError:  # it names no unit; metres are then the best guess
        return 1.0


def draw_apart(
    order: RandomOrder,
    classes: MapClasses,
    points: Sequence[int],
    ruler: Ruler,
    distance: float,
    progress: Progress,
    start: float,
) -> list[RankedPixels]:
    """Draw points that are at least `distance` metres apart.

    Candidates are taken in random order if they are far enough from all that were accepted before, in the class with
    the fewest pixels first. The map is read again for more of them where those of a class do not do.

    Args:
        order: random order of the map's pixels.
        classes: the map's classes.
        points: wanted of each.
        ruler: measures on this map.
        distance: metres.
        progress: asked whether to stop; goes from `start` to 100 %.
        start: percent done before.

    Raises:
        LulcError: the distance leaves too few points.
        CancelledError: the user stopped.
    """
    pixels = np.asarray(classes.pixels)
    wanted = np.asarray(points)
    most = np.minimum(pixels, np.maximum(_TRIED_FIRST * wanted, min(_TRIED_MOST, _TRIED_IN_ALL // len(pixels))))
    tried = np.minimum(most, _TRIED_FIRST * wanted + 1000)
    while True:
        candidates = order.lowest(tried.tolist(), progress, start)
        spacing = Spacing(ruler.straight(distance))
        chosen: list[RankedPixels] = [candidates[0]] * len(candidates)
        for i in np.argsort(pixels, kind="stable"):
            progress.check()
            row, col, number = (column[: tried[i]] for column in candidates[i])
            accepted = spacing.accept(ruler.positions(*order.grid.centres(row, col)), int(wanted[i]))
            chosen[i] = (row[accepted], col[accepted], number[accepted])
        short = [i for i, c in enumerate(chosen) if len(c[0]) < wanted[i]]
        if not short:
            return chosen
        if all(tried[i] == most[i] for i in short):
            possible = {i: len(chosen[i][0]) for i in short}
            raise _too_far(distance, classes, possible, wanted, tried)
        tried[short] = np.minimum(most[short], tried[short] * 20)
        start = 100.0


def _too_far(distance: float, classes: MapClasses, possible: Mapping[int, int], wanted: Ints, tried: Ints) -> LulcError:
    """The error for classes with too few points; `possible` has the number of each, by class index."""
    lacking = [
        f"class {classes.label(i)}: {number} of {wanted[i]} points possible at {distance:g} m"
        + ("" if tried[i] == classes.pixels[i] else f" ({tried[i]:,} of its {classes.pixels[i]:,} pixels tried)")
        for i, number in list(possible.items())[:_SHOWN]
    ]
    more = f"; and {len(possible) - _SHOWN} more classes" if len(possible) > _SHOWN else ""
    return LulcError(
        f"The points cannot be kept apart: {'; '.join(lacking)}{more}.",
        "Choose a smaller minimum distance, a smaller sample, or another allocation.",
    )
