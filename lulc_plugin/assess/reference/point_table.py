# SPDX-License-Identifier: GPL-3.0-or-later
"""Reference points, or polygons, from a table in a text file, for a shell without QGIS or pyogrio."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...errors import LulcError, MissingCrs
from ...raster import LayerFacts, RasterInput, Source, parse_crs, transform_coordinates
from ..job import FeatureInput, Label, Places
from .columns import USED_FIELDS, features_of, fields_wanted
from .coordinate_columns import (
    WGS84,
    PlaceColumns,
    coordinate,
    find_place_columns,
    geometries_of,
    plain_number,
)
from .delimited_text import TextTable, read_table
from .geometries import Geometry, in_crs, one_kind
from .places import explain, missing_crs, places_of

_LONGEST_CRS = 10_000


def is_table(path: str) -> bool:
    """Whether `path` is called a CSV file."""
    return path.lower().endswith((".csv", ".tsv"))


def read_points(
    path: str, map_layer: RasterInput | str, field: str = "", stratum_field: str = "", crs: str = ""
) -> FeatureInput:
    """Points of a table in the CRS of the map, see `delimited_text`; polygons where it has geometries as text.

    Args:
        path: the file. Columns x and y, or lon and lat, by the names of many tools (`coordinate_columns`), or one of
            geometries as WKT or GeoJSON.
        map_layer: the map, or its path alone.
        field: column of the class; empty: `ref_class`.
        stratum_field: column of the stratum; empty: `stratum` if there is one.
        crs: of the coordinates, such as EPSG:31985; empty: lon, lat and GeoJSON are degrees of WGS 84, x and y are
            refused unless another column names their system.

    Raises:
        LulcError: the file cannot be read, lacks a column or a coordinate, or the CRS is missing or not known.
    """
    with Source(map_layer) as source:
        facts = source.facts
    table = read_table(path)
    columns = find_place_columns(table, plane_first=bool(crs))
    if columns.names_geometry:
        geometries, said = geometries_of(table, columns.x)
    else:
        geometries, said = _points(table, columns), WGS84 if columns.degrees else columns.crs
    label, stratum = fields_wanted(path, table.header, field, stratum_field)
    used = _used_crs(table, columns, crs, said)
    of_points = _crs(used) if used else None
    found = one_kind(geometries, path)
    places = places_of(found.geometries, used)
    if of_points is not None and of_points.is_geographic:
        _refuse_beyond_degrees(table, columns, geometries)
    if of_points is None and facts.crs is not None:
        raise _no_crs(table, columns, places, facts)
    if of_points is not None and facts.crs is None:
        raise missing_crs(_file_name(path), places, map_layer)
    on_map, nowhere = _on_map(found.geometries, found.kind, of_points, facts)
    values = {name: _cells(table, name, name in (label, stratum, *USED_FIELDS)) for name in table.header if name}
    return FeatureInput(
        features=features_of(on_map, values, [f"line {line}" for line in table.lines], label, stratum),
        kind=found.kind,
        name=_file_name(path),
        path=path,
        field=label,
        stratum_field=stratum_field,
        crs=used,
        warnings=(*found.left_out, *nowhere),
        places=places,
    )


def _cells(table: TextTable, name: str, used: bool) -> Sequence[Label]:
    """What a column holds, numbers as Python writes them; nothing where it is not used: a table may be large."""
    if not used:
        return ()
    column = table.header.index(name)
    return [plain_number(row[column], table.separator).strip() or None for row in table.rows]


def _points(table: TextTable, columns: PlaceColumns) -> list[Geometry]:
    """A point for each row; None where both coordinates are empty."""
    points: list[Geometry] = []
    for i, row in enumerate(table.rows):
        if not row[columns.x].strip() and not row[columns.y].strip():
            points.append(None)
            continue
        points.append(
            {"type": "Point", "coordinates": (coordinate(table, i, columns.x), coordinate(table, i, columns.y))}
        )
    return points


def _on_map(
    geometries: Sequence[Geometry], kind: str, of_points: Any, facts: LayerFacts
) -> tuple[Sequence[Geometry], tuple[str, ...]]:
    """Geometries in the map's coordinate system; what has no place there lies outside the map, or is left out."""
    if of_points == facts.crs:
        return geometries, ()
    there = [i for i, g in enumerate(geometries) if g is not None]
    pairs = [geometries[i]["coordinates"] for i in there]  # type: ignore[index]
    if kind != "points" or any(len(pair) != 2 or not isinstance(pair[0], float) for pair in pairs):
        return in_crs(geometries, of_points, facts.grid)
    # one call for all points: a table may have a million
    xs, ys = transform_coordinates(of_points, facts.crs, *np.array(pairs, np.float64).T)
    out = list(geometries)
    for i, x, y in zip(there, xs, ys):
        out[i] = {"type": "Point", "coordinates": (float(x), float(y))}
    return out, ()


def _used_crs(table: TextTable, columns: PlaceColumns, crs: str, said: str) -> str:
    """The coordinate system of the coordinates: `crs` of the user, or what the columns say; empty: unknown.

    Raises:
        LulcError: `crs` contradicts the columns.
    """
    if not crs:
        return said
    names = f"columns {table.header[columns.x]} and {table.header[columns.y]}"
    if columns.names_geometry:
        names = f"geometries in the column {table.header[columns.x]}"
    if (columns.degrees or (columns.names_geometry and said == WGS84)) and not _crs(crs).is_geographic:
        raise LulcError(
            f"The {names} of {table.path} are degrees, {crs} is not.",
            "Leave --crs away, or call the columns x and y if they are not degrees.",
        )
    return crs


def _no_crs(table: TextTable, columns: PlaceColumns, places: Places, facts: LayerFacts) -> MissingCrs:
    names = f"columns {table.header[columns.x]} and {table.header[columns.y]}"
    if columns.names_geometry:
        names = f"geometries in the column {table.header[columns.x]}"
    where, remedy = explain(_file_name(table.path), places, facts)
    return MissingCrs(
        f"The {names} of {table.path} have no coordinate system. {where}",
        remedy or "Say which: --crs EPSG:31985, for example; lon and lat in degrees need none.",
    )


def _file_name(path: str) -> str:
    return path.replace("\\", "/").rsplit("/", 1)[-1]


def _crs(text: str) -> Any:
    if len(text) > _LONGEST_CRS:
        raise LulcError(f"The coordinate system has {len(text):,} characters.", "Give a code such as EPSG:32722.")
    return parse_crs(text)


def _refuse_beyond_degrees(table: TextTable, columns: PlaceColumns, geometries: Sequence[Geometry]) -> None:
    if columns.names_geometry:
        return
    for line, point in zip(table.lines, geometries):
        if point is None:
            continue
        for column, value, most in zip((columns.x, columns.y), point["coordinates"], (360, 90)):
            if abs(value) > most:
                swapped = all(abs(v) <= limit for v, limit in zip(point["coordinates"], (90, 360)))
                raise LulcError(
                    f"Line {line:,} of {table.path}: {table.header[column]} is {value:.10g}, which is not a number of"
                    f" degrees from -{most:g} to {most:g}.",
                    "Longitude and latitude are swapped: exchange the names of the two columns."
                    if swapped
                    else "If the coordinates are not degrees, call the columns x and y and name their coordinate system"
                    " with --crs, for example --crs EPSG:31985. If they are, x is the longitude.",
                )
