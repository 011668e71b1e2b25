# SPDX-License-Identifier: GPL-3.0-or-later
"""Geometries written as text in a cell: WKT (also PostGIS's, with SRID), GeoJSON, and points as hexadecimal WKB."""

from __future__ import annotations

import json
import math
import re
import struct
from collections.abc import Iterator
from typing import Any

from .geometries import Geometry

_WKT = re.compile(
    r"\s*(?:SRID=(?P<srid>\d{1,6})\s*;)?\s*(?P<type>[A-Z]+?)\s*(?:ZM|Z|M)?\s*(?P<body>EMPTY|\(.*\))\s*",
    re.IGNORECASE | re.DOTALL,
)
#: Type in WKT → in GeoJSON, and how many brackets too many its coordinates have.
_TYPES = {
    "POINT": ("Point", 1),
    "MULTIPOINT": ("MultiPoint", 0),
    "LINESTRING": ("LineString", 0),
    "MULTILINESTRING": ("MultiLineString", 0),
    "POLYGON": ("Polygon", 0),
    "MULTIPOLYGON": ("MultiPolygon", 0),
}
_HEX = re.compile(r"0[01][0-9A-Fa-f]{32,}")
_WKB_POINT = 1
_EWKB_SRID = 0x20000000
_DEEPEST = 8


def is_geometry_text(cell: str) -> bool:
    """Whether a cell looks like a geometry."""
    text = cell.strip()
    if text.startswith("{"):
        return '"coordinates"' in text or '"geometr' in text
    found = _WKT.fullmatch(text)
    if found is not None:
        kind = found["type"].upper()
        return kind in _TYPES or kind == "GEOMETRYCOLLECTION"
    return _HEX.fullmatch(text) is not None and _wkb_type(text) == _WKB_POINT


def geometry_of_text(cell: str) -> tuple[Geometry, str]:
    """The geometry in a cell (None: an empty one), and its coordinate system as a code; empty: not said.

    Raises:
        ValueError: the text is no geometry.
    """
    text = cell.strip()
    if text.startswith("{"):
        return _of_geojson(json.loads(text)), "EPSG:4326"
    if _HEX.fullmatch(text):
        return _of_wkb(text)
    found = _WKT.fullmatch(text)
    if found is None:
        raise ValueError("neither WKT nor GeoJSON")
    code = f"EPSG:{int(found['srid'])}" if found["srid"] and int(found["srid"]) else ""
    return _of_wkt(found["type"].upper(), found["body"]), code


def _of_wkt(kind: str, body: str, depth: int = 0) -> Geometry:
    if body.upper() == "EMPTY":
        return None
    if kind == "GEOMETRYCOLLECTION":
        if depth > _DEEPEST:
            raise ValueError("too many collections in collections")
        geometries = []
        for text in _members(body[1:-1]):
            found = _WKT.fullmatch(text)
            if found is None:
                raise ValueError("a member of the collection is no geometry")
            geometries.append(_of_wkt(found["type"].upper(), found["body"], depth + 1))
        return {"type": "GeometryCollection", "geometries": geometries}
    if kind not in _TYPES:
        raise ValueError(f"geometries of the type {kind} are not read")
    name, inner = _TYPES[kind]
    brackets = re.sub(r"[^(),]+", _numbers, body).replace("(", "[").replace(")", "]")
    coordinates = _checked(json.loads(brackets))
    if inner:
        coordinates = coordinates[0]
    elif name == "MultiPoint":
        coordinates = [point[0] if isinstance(point[0], list) else point for point in coordinates]
    return {"type": name, "coordinates": coordinates}


def _members(text: str) -> Iterator[str]:
    """The geometries of a collection."""
    depth, start = 0, 0
    for i, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if letter == "," and not depth:
            yield text[start:i]
            start = i + 1
    yield text[start:]


def _numbers(found: re.Match[str]) -> str:
    words = found.group().split()
    return "[" + ",".join(repr(float(word)) for word in words) + "]" if words else ""


def _of_geojson(value: Any) -> Geometry:
    if isinstance(value, dict) and value.get("type") == "Feature":
        value = value.get("geometry")
    if value is None:
        return None
    kind = value.get("type") if isinstance(value, dict) else None
    if kind == "GeometryCollection":
        return {"type": kind, "geometries": [_of_geojson(member) for member in value.get("geometries") or ()]}
    if kind not in {name for name, _ in _TYPES.values()}:
        raise ValueError("no geometry of GeoJSON")
    return {"type": kind, "coordinates": _checked(value.get("coordinates") or [])}


def _checked(coordinates: Any) -> Any:
    """Coordinates in which everything is a list, or a number.

    Raises:
        ValueError: something is not.
    """
    waiting = [coordinates]
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            if value and not isinstance(value[0], list) and len(value) < 2:
                raise ValueError("a place needs two coordinates")
            waiting.extend(value)
        elif isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            raise ValueError(f"{value!r} is not a number")
    return coordinates


def _wkb_type(text: str) -> int:
    (code,) = struct.unpack("<I" if text[1] == "1" else ">I", bytes.fromhex(text[2:10]))
    return int(code & 0x0FFFFFFF) % 1000


def _of_wkb(text: str) -> tuple[Geometry, str]:
    order = "<" if text[1] == "1" else ">"
    data = bytes.fromhex(text[2:])
    (code,) = struct.unpack_from(order + "I", data)
    if _wkb_type(text) != _WKB_POINT:
        raise ValueError("only points are read as WKB; ST_AsText writes the others as WKT")
    srid, start = 0, 4
    if code & _EWKB_SRID:
        (srid,) = struct.unpack_from(order + "I", data, 4)
        start = 8
    try:
        x, y = struct.unpack_from(order + "2d", data, start)
    except struct.error as error:
        raise ValueError("the WKB is cut off") from error
    empty = math.isnan(x) and math.isnan(y)
    return (None if empty else {"type": "Point", "coordinates": _checked([x, y])}), f"EPSG:{srid}" if srid else ""
