# SPDX-License-Identifier: GPL-3.0-or-later
"""QGIS geometries as GeoJSON-like mappings, in two dimensions."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from qgis.core import QgsGeometry


def point_shape(geometry: QgsGeometry) -> Mapping[str, Any] | None:
    """A Point or MultiPoint as GeoJSON has it; None when a coordinate is not finite."""
    points = geometry.asMultiPoint() if geometry.isMultipart() else [geometry.asPoint()]
    pairs = [(point.x(), point.y()) for point in points]
    if not all(math.isfinite(x) and math.isfinite(y) for x, y in pairs):
        return None
    if len(pairs) == 1:
        return {"type": "Point", "coordinates": pairs[0]}
    return {"type": "MultiPoint", "coordinates": pairs}


def polygon_shape(geometry: QgsGeometry) -> Mapping[str, Any] | None:
    """A Polygon or MultiPolygon as GeoJSON has it, curves in short pieces; None when a coordinate is not finite."""
    polygons = geometry.asMultiPolygon() if geometry.isMultipart() else [geometry.asPolygon()]
    rings = [[[(point.x(), point.y()) for point in ring] for ring in polygon] for polygon in polygons]
    if not all(math.isfinite(x) and math.isfinite(y) for polygon in rings for ring in polygon for x, y in ring):
        return None
    if len(rings) == 1:
        return {"type": "Polygon", "coordinates": rings[0]}
    return {"type": "MultiPolygon", "coordinates": rings}
