# SPDX-License-Identifier: GPL-3.0-or-later
"""Geometries of QGIS as the engine takes them: GeoJSON-like, in the map's CRS, of any type."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from qgis.core import QgsCoordinateTransform, QgsCsException, QgsGeometry, QgsWkbTypes
from qgis.PyQt.QtGui import QTransform


def shape_on_map(geometry: QgsGeometry, to_map: QgsCoordinateTransform, downwards: bool) -> Mapping[str, Any] | None:
    """GeoJSON-like shape in the map's CRS, empty where there is none; None when it has no place there."""
    if geometry.isNull() or geometry.isEmpty():
        return {"type": "GeometryCollection", "geometries": []}
    if not to_map.isShortCircuited():
        try:
            geometry.transform(to_map)
        except QgsCsException:
            return None
    if downwards:
        geometry.transform(QTransform.fromScale(1, -1))
    return _shape(geometry)


def _shape(geometry: QgsGeometry) -> Mapping[str, Any] | None:
    """A geometry as GeoJSON has it; None when a coordinate is not finite."""
    kind = geometry.type()
    if kind == QgsWkbTypes.GeometryType.PointGeometry:
        return _point_shape(geometry)
    if kind == QgsWkbTypes.GeometryType.PolygonGeometry:
        return _polygon_shape(geometry)
    if kind == QgsWkbTypes.GeometryType.UnknownGeometry:
        members = [_shape(part) for part in geometry.asGeometryCollection() if not part.isEmpty()]
        return None if None in members else {"type": "GeometryCollection", "geometries": members}
    # of what is neither only the name of its type counts
    return {"type": QgsWkbTypes.displayString(geometry.wkbType()), "coordinates": [(0.0, 0.0)]}


def _point_shape(geometry: QgsGeometry) -> Mapping[str, Any] | None:
    """A Point or MultiPoint as GeoJSON has it; None when a coordinate is not finite."""
    points = geometry.asMultiPoint() if geometry.isMultipart() else [geometry.asPoint()]
    pairs = [(point.x(), point.y()) for point in points]
    if not all(math.isfinite(x) and math.isfinite(y) for x, y in pairs):
        return None
    if len(pairs) == 1:
        return {"type": "Point", "coordinates": pairs[0]}
    return {"type": "MultiPoint", "coordinates": pairs}


def _polygon_shape(geometry: QgsGeometry) -> Mapping[str, Any] | None:
    """A Polygon or MultiPolygon as GeoJSON has it, curves in short pieces; None when a coordinate is not finite."""
    polygons = geometry.asMultiPolygon() if geometry.isMultipart() else [geometry.asPolygon()]
    rings = [[[(point.x(), point.y()) for point in ring] for ring in polygon] for polygon in polygons]
    if not all(math.isfinite(x) and math.isfinite(y) for polygon in rings for ring in polygon for x, y in ring):
        return None
    if len(rings) == 1:
        return {"type": "Polygon", "coordinates": rings[0]}
    return {"type": "MultiPolygon", "coordinates": rings}
