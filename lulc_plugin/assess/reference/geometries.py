# SPDX-License-Identifier: GPL-3.0-or-later
"""Geometries of any type as points or polygons of one kind; what is neither is counted and named."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Optional

import numpy as np
import rasterio.warp

from ...errors import LulcError
from ...raster import GeoGrid

#: GeoJSON-like; None: none.
Geometry = Optional[Mapping[str, Any]]
_OF_POINTS = {"Point": False, "MultiPoint": True}
_NO_OTHERS: Counter[str] = Counter()
_OF_POLYGONS = {"Polygon": False, "MultiPolygon": True}


@dataclass(frozen=True)
class OneKind:
    """Geometries of one kind.

    Attributes:
        kind: "points" or "polygons".
        geometries: Point, MultiPoint, Polygon or MultiPolygon; None for features that have none of the kind.
        left_out: what does not count, in sentences.
    """

    kind: str
    geometries: tuple[Geometry, ...]
    left_out: tuple[str, ...]


@dataclass(frozen=True)
class _Pieces:
    """Coordinates of the points and polygons in a geometry, and how many other geometries it has, by type."""

    points: list[Any]
    polygons: list[Any]
    others: Counter[str]


def one_kind(geometries: Sequence[Geometry], name: str) -> OneKind:
    """Features as points or as polygons, whichever more of them are; with as many of both, as polygons.

    A collection gives its polygons, or else its points.

    Args:
        geometries: one a feature; empty ones count as none.
        name: what people call the layer.

    Raises:
        LulcError: there are neither points nor polygons.
    """
    if not geometries:
        raise LulcError(
            f"{name} has 0 features.", "Draw points or polygons with a class first, or give the layer that has them."
        )
    pieces = [_pieces(geometry) for geometry in geometries]
    with_polygons = sum(bool(p.polygons) for p in pieces)
    with_points = sum(bool(p.points) and not p.polygons for p in pieces)
    if not with_polygons and not with_points:
        types = Counter(kind for p in pieces for kind in p.others)
        what = f"geometries of these types: {_counted(types)}" if types else "no geometries"
        raise LulcError(
            f"The reference {name} has {what}; a reference is points or polygons.",
            "Of lines make points along them, or buffers, and give that layer.",
        )
    kind = "polygons" if with_polygons >= with_points else "points"
    make = _polygon if kind == "polygons" else _point
    return OneKind(kind, tuple(make(p) for p in pieces), tuple(_left_out(pieces, kind)))


def first_corners(geometries: Iterable[Geometry], most: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """x and y of the first corner of each geometry, of at most `most` of them."""
    xs, ys = [], []
    for geometry in geometries:
        corner = None if geometry is None else geometry["coordinates"]
        while corner is not None and len(corner) and not isinstance(corner[0], (int, float)):
            corner = corner[0]
        if corner is not None and len(corner) >= 2:
            xs.append(float(corner[0]))
            ys.append(float(corner[1]))
        if len(xs) == most:
            break
    return tuple(xs), tuple(ys)


def in_crs(geometries: Sequence[Geometry], own: Any, grid: GeoGrid) -> tuple[list[Geometry], tuple[str, ...]]:
    """Geometries in the map's coordinate system, and a sentence about those that have no place there.

    Args:
        geometries: of one kind.
        own: their coordinate system, a `rasterio.crs.CRS`, or None where the map has none either.
        grid: the map's.
    """
    if own == grid.crs:
        return list(geometries), ()
    # degrees are only renamed where both count in them; a projection cuts at the other side of its middle
    both = own is not None and own.is_geographic and grid.crs.is_geographic
    circle = None if both else grid.full_circle
    there = [i for i, g in enumerate(geometries) if g is not None]
    try:
        transformed = rasterio.warp.transform_geom(own, grid.crs, [geometries[i] for i in there])
    except Exception:  # GDAL's errors share no public base; one place that the map's CRS lacks stops all
        transformed = [_transformed(geometries[i], own, grid.crs) for i in there]
    out = list(geometries)
    for i, geometry in zip(there, transformed):
        out[i] = geometry if geometry is None or circle is None else joined_across(geometry, circle)
    nowhere = sum(geometry is None for geometry in transformed)
    if not nowhere:
        return out, ()
    return out, (f"{nowhere:,} features have no place in the map's coordinate system and are left out.",)


def joined_across(geometry: Mapping[str, Any], circle: float) -> Mapping[str, Any]:
    """Polygons without the jump from 180 to -180 that a transformation to degrees, or onto a cylinder, makes.

    A ring that goes round a pole does not close then, and is no usable shape.

    Args:
        geometry: Polygon or MultiPolygon; anything else is returned as it is.
        circle: once round the earth in the unit of x.
    """
    several = _OF_POLYGONS.get(geometry["type"])
    if several is None:
        return geometry
    parts = geometry["coordinates"] if several else [geometry["coordinates"]]
    joined = [_next_to(part[0], [_joined(ring, circle) for ring in part], circle) for part in parts if len(part)]
    return {"type": geometry["type"], "coordinates": joined if several else joined[0]}


def _transformed(geometry: Any, own: Any, of_map: Any) -> Geometry:
    """A geometry in the map's CRS, None when it has no place there; a point gets NaN, which lies outside every map."""
    try:
        transformed: Geometry = rasterio.warp.transform_geom(own, of_map, geometry)
        return transformed
    except Exception:  # GDAL's errors share no public base
        return {"type": "Point", "coordinates": (np.nan, np.nan)} if geometry["type"] == "Point" else None


def _joined(ring: Any, circle: float) -> list[tuple[float, float]]:
    xs = np.array([p[0] for p in ring], np.float64)
    with np.errstate(invalid="ignore"):
        turns = np.cumsum(np.rint(np.diff(xs, prepend=xs[:1]) / circle)) * circle
    if turns[-1]:
        return [(np.nan, np.nan)] * len(ring)  # it goes round a pole, or has corners that are no numbers
    return [(float(x), float(p[1])) for x, p in zip(xs - turns, ring)]


def _next_to(outer: Any, rings: list[list[tuple[float, float]]], circle: float) -> list[list[tuple[float, float]]]:
    """Holes on the side of 180 degrees on which the outer ring begins."""
    west = float(outer[0][0])
    moved = []
    for ring in rings:
        turn = circle * np.rint((ring[0][0] - west) / circle) if np.isfinite(ring[0][0] - west) else 0.0
        moved.append([(x - turn, y) for x, y in ring])
    return moved


def _pieces(geometry: Geometry) -> _Pieces:
    if geometry is not None and geometry.get("type") == "Point" and len(geometry.get("coordinates") or ()) >= 2:
        return _Pieces([geometry["coordinates"]], [], _NO_OTHERS)  # most layers are many of these
    found = _Pieces([], [], Counter())
    waiting = [geometry]
    while waiting:
        piece = waiting.pop()
        if piece is None:
            continue
        kind, coordinates = str(piece.get("type")), piece.get("coordinates")
        if kind == "GeometryCollection":
            waiting.extend(reversed(list(piece.get("geometries") or ())))
        elif coordinates is None or not len(coordinates):
            continue
        elif kind in _OF_POINTS:
            found.points.extend(p for p in (coordinates if _OF_POINTS[kind] else [coordinates]) if len(p) >= 2)
        elif kind in _OF_POLYGONS:
            found.polygons.extend(p for p in (coordinates if _OF_POLYGONS[kind] else [coordinates]) if len(p))
        else:
            found.others[kind] += 1
    return found


def _point(pieces: _Pieces) -> Geometry:
    if not pieces.points or pieces.polygons:
        return None
    pairs = [(float(p[0]), float(p[1])) for p in pieces.points]
    if len(pairs) == 1:
        return {"type": "Point", "coordinates": pairs[0]}
    return {"type": "MultiPoint", "coordinates": pairs}


def _polygon(pieces: _Pieces) -> Geometry:
    if not pieces.polygons:
        return None
    if len(pieces.polygons) == 1:
        return {"type": "Polygon", "coordinates": pieces.polygons[0]}
    return {"type": "MultiPolygon", "coordinates": pieces.polygons}


def _left_out(pieces: Sequence[_Pieces], kind: str) -> Iterable[str]:
    """Sentences about what does not count."""
    total = len(pieces)
    nothing = [p for p in pieces if not (p.points or p.polygons or p.others)]
    if nothing:
        yield f"{len(nothing):,} of {total:,} features have no geometry and are left out."
    neither = [p for p in pieces if p.others and not (p.points or p.polygons)]
    if neither:
        types = _counted(sum((p.others for p in neither), Counter()))
        yield f"{len(neither):,} of {total:,} features are neither points nor polygons and are left out ({types})."
    other = [p for p in pieces if (p.points or p.polygons) and bool(p.polygons) != (kind == "polygons")]
    if other:
        what = "points" if kind == "polygons" else "polygons"
        yield f"{len(other):,} of {total:,} features are {what} among {kind} and are left out."
    mixed = [
        p for p in pieces if p not in other and (p.points or p.polygons) and (p.others or (p.points and p.polygons))
    ]
    if mixed:
        extras: Counter[str] = sum((p.others for p in mixed), Counter())
        extras["Point"] += sum(len(p.points) for p in mixed if p.polygons)
        yield (
            f"{len(mixed):,} of {total:,} features have other geometries beside their {kind}, which do not count"
            f" ({_counted(+extras)})."
        )


def _counted(types: Mapping[str, int]) -> str:
    return ", ".join(f"{number:,} {kind}" for kind, number in sorted(types.items())) or "none"
