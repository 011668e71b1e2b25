# SPDX-License-Identifier: GPL-3.0-or-later
"""Reference polygons at the pixels of a map: a pixel belongs to a polygon when its centre lies inside."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from rasterio.features import rasterize

from ...raster import BoolArray, LayerFacts, PixelRegion
from ..job import ReferenceFeature

IntArray = npt.NDArray[np.int64]
Owners = npt.NDArray[np.int32]
#: Side of what is burned at once to learn why a polygon has no pixel.
_PIECE = 1024


class PolygonsOnMap:
    """Polygons as two layers for `crossing.cross`: `labels` and `ids`, valid inside polygons.

    A pixel in several polygons of one class belongs to the first of them; one in polygons of different classes is not
    valid and counts as a conflict.

    Args:
        features: Polygon and MultiPolygon features in the map's coordinate system.
        labels: class index of each feature, from 0.
        facts: of the map.

    Attributes:
        labels: layer of class indexes.
        ids: layer of positions in `features`.
        unusable: ids of features without a usable shape: empty, fewer than three corners, or with coordinates that are
            not numbers.
    """

    def __init__(self, features: Sequence[ReferenceFeature], labels: Sequence[int], facts: LayerFacts) -> None:
        self._grid = facts.grid
        unusable, shapes, owners, boxes = [], [], [], []
        for i, feature in enumerate(features):
            parts = list(_parts(feature.geometry))
            rings = [_usable(part) for part in parts]
            if not parts or any(ring is None for ring in rings):
                unusable.append(feature.id)
                continue
            for part, ring in zip(parts, rings):
                if ring is None:
                    continue
                for turn in self._turns(ring):
                    # parts are burned one by one: GDAL takes what two parts of one feature share for a hole
                    shapes.append({"type": "Polygon", "coordinates": _moved(part, turn)})
                    owners.append(i)
                    boxes.append(self._box(ring + (turn, 0)))
        self.unusable = tuple(unusable)
        self._shapes = shapes
        self._owners = np.array(owners, np.int32)
        self._boxes = np.array(boxes, np.float64).reshape(-1, 4)
        self._label_of = np.append(np.asarray(labels, np.int64), -1)  # the last stands for "no polygon"
        # by class, then by position: the last shape of a burn wins, so burning backwards leaves the lowest class's
        # first feature, burning forwards the highest class; where the two differ, classes conflict
        self._order = np.lexsort((self._owners, self._label_of[self._owners]))
        self._counted: dict[PixelRegion, tuple[int, int]] = {}
        self._lock = threading.Lock()
        self._last = threading.local()
        self.labels = _Layer(self, "reference classes", labels=True)
        self.ids = _Layer(self, "reference polygons", labels=False)

    @property
    def conflicts(self) -> int:
        """Pixels in polygons of different classes, in the regions read so far."""
        with self._lock:
            return sum(conflicts for _, conflicts in self._counted.values())

    @property
    def pixels(self) -> int:
        """Pixels in polygons, whatever the map says there, in the regions read so far; without conflicts."""
        with self._lock:
            return sum(pixels for pixels, _ in self._counted.values())

    def _box(self, ring: npt.NDArray[np.float64]) -> tuple[float, float, float, float]:
        """First row, last row, first column, last column that a ring touches, with fractions."""
        rows, cols = self._grid.positions(ring[:, 0], ring[:, 1])
        return rows.min(), rows.max(), cols.min(), cols.max()

    def _turns(self, ring: npt.NDArray[np.float64]) -> list[float]:
        """What to add to x so that a ring lies on the map: 0, or whole circles where x is a longitude."""
        circle = self._grid.full_circle
        west, east = ring[:, 0].min(), ring[:, 0].max()
        if circle is None or east - west > circle:
            return [0.0]
        first, _, last, _ = self._grid.extent
        turns = range(math.ceil((first - east) / circle), math.floor((last - west) / circle) + 1)
        return [turn * circle for turn in turns] or [0.0]

    def owners(self, region: PixelRegion) -> Owners:
        """Position in `features` of the polygon at each pixel `(rows, cols)`; −1 where there is none, or a conflict."""
        kept: tuple[PixelRegion, Owners] | None = getattr(self._last, "kept", None)
        if kept is None or kept[0] != region:
            kept = self._last.kept = (region, self._burned(region))
        return kept[1]

    def fate_of(self, position: int) -> str:
        """Why a feature, by its position in `features`, has no pixel in a cross table.

        Returns:
            "outside" the map, "small": it holds no centre of a pixel, "under": all its pixels belong to others of its
            class, "conflict": other classes claim them all, "nodata": the map has no value there; "unusable".
        """
        shapes = np.flatnonzero(self._owners == position)
        found = "outside" if shapes.size else "unusable"
        for shape in shapes:
            for region in self._regions_of(shape):
                mine = self._burn(region, np.array([shape])) >= 0
                found = "small" if found == "outside" else found
                if mine.any():
                    owner = self._claimed(region)[0][mine]
                    if (owner == position).any():
                        return "nodata"
                    found = "under" if (owner >= 0).any() or found == "under" else "conflict"
        return found

    def _regions_of(self, shape: int) -> Iterator[PixelRegion]:
        """The part of the map on which a shape may lie, in pieces."""
        row0, row1, col0, col1 = self._boxes[shape]
        rows = range(max(0, math.floor(row0)), min(self._grid.height, math.ceil(row1)), _PIECE)
        cols = range(max(0, math.floor(col0)), min(self._grid.width, math.ceil(col1)), _PIECE)
        for row in rows:
            for col in cols:
                yield PixelRegion(row, min(row + _PIECE, rows.stop), col, min(col + _PIECE, cols.stop))

    def _burned(self, region: PixelRegion) -> Owners:
        owner, conflicts = self._claimed(region)
        with self._lock:
            self._counted[region] = (int(np.count_nonzero(owner >= 0)), conflicts)
        return owner

    def _claimed(self, region: PixelRegion) -> tuple[Owners, int]:
        """Position of the polygon at each pixel as `owners` has it, and the pixels in conflict."""
        b = self._boxes
        near = (b[:, 0] < region.row1) & (b[:, 1] > region.row0) & (b[:, 2] < region.col1) & (b[:, 3] > region.col0)
        order = self._order[near[self._order]]
        conflicts = 0
        if not order.size:
            owner: Owners = np.full((region.height, region.width), -1, np.int32)
        else:
            owner = self._burn(region, order[::-1])
            if len(np.unique(self._label_of[self._owners[order]])) > 1:
                highest = self._burn(region, order)
                conflict = self._label_of[owner] != self._label_of[highest]
                conflicts = int(np.count_nonzero(conflict))
                owner[conflict] = -1
        return owner, conflicts

    def _burn(self, region: PixelRegion, order: npt.NDArray[np.intp]) -> Owners:
        burned: Owners = rasterize(
            [(self._shapes[i], int(self._owners[i])) for i in order],
            out_shape=(region.height, region.width),
            fill=-1,
            transform=self._grid.transform_of(region),
            all_touched=False,
            dtype="int32",
        )
        return burned

    def label_of(self, owners: Owners) -> IntArray:
        """Class index of features by position; −1 for −1."""
        return self._label_of[owners]


class _Layer:
    """One side of `PolygonsOnMap`, as `crossing.cross` reads it; may be read by several threads."""

    unlimited = True

    def __init__(self, polygons: PolygonsOnMap, title: str, labels: bool) -> None:
        self._polygons = polygons
        self._labels = labels
        self._title = title

    @property
    def title(self) -> str:
        """What it is called."""
        return self._title

    def read(self, region: PixelRegion) -> tuple[IntArray, BoolArray]:
        """Index at each pixel of a region `(rows, cols)`, and whether there is one."""
        owners = self._polygons.owners(region)
        return self._polygons.label_of(owners) if self._labels else owners.astype(np.int64), owners >= 0

    def reopened(self) -> _Layer:
        """Itself: polygons are not a file."""
        return self

    def close(self) -> None:
        """Nothing to close."""


def _parts(geometry: Mapping[str, Any]) -> Iterator[Any]:
    """Coordinates of each polygon of a Polygon or MultiPolygon."""
    coordinates = geometry.get("coordinates") or ()
    if geometry.get("type") == "MultiPolygon":
        yield from coordinates
    elif geometry.get("type") == "Polygon" and len(coordinates):
        yield coordinates


def _moved(part: Any, turn: float) -> Any:
    """A polygon's rings with `turn` added to x."""
    return [[(p[0] + turn, p[1]) for p in ring] for ring in part] if turn else part


def _usable(part: Any) -> npt.NDArray[np.float64] | None:
    """The outer ring `(n, 2)` of a polygon that can be burned; None otherwise."""
    outer = None
    for ring in part:
        try:
            points = np.array([(p[0], p[1]) for p in ring], np.float64)
        except (TypeError, ValueError, IndexError):
            return None
        if len(points) < 4 and not (len(points) == 3 and (points[0] != points[-1]).any()):
            return None
        if not np.isfinite(points).all() or len(np.unique(points, axis=0)) < 3:
            return None
        outer = points if outer is None else outer
    return outer
