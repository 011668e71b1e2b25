# SPDX-License-Identifier: GPL-3.0-or-later
"""Reference points from a table (CSV) with a column for each coordinate, for a shell without QGIS or pyogrio."""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...errors import FileNotRead, LulcError, MissingCrs
from ...raster import RasterInput, Source, parse_crs, transform_coordinates
from ..job import FeatureInput, Label
from .columns import features_of, fields_wanted, names_for_message

#: Names of the two columns, in lower case. Degrees are of WGS 84 unless a CRS is named.
_PLANE = (("x", "y"),)
_DEGREES = (("lon", "lat"), ("long", "lat"), ("longitude", "latitude"))
_WGS84 = "EPSG:4326"
_LARGEST = 200_000_000
_MOST_ROWS = 1_000_000
_MOST_COLUMNS = 1_000
_LONGEST_CRS = 10_000
_LONGEST_SHOWN = 40


def is_table(path: str) -> bool:
    """Whether `path` is called a CSV file."""
    return path.lower().endswith(".csv")


def read_points(
    path: str, map_layer: RasterInput | str, field: str = "", stratum_field: str = "", crs: str = ""
) -> FeatureInput:
    """Points of a CSV file (UTF-8; comma, or semicolon where the first line has one) in the CRS of the map.

    Args:
        path: the file. Columns x and y, or lon and lat (long, longitude, latitude), in upper or lower case.
        map_layer: the map, or its path alone.
        field: column of the class; empty: `ref_class`.
        stratum_field: column of the stratum; empty: `stratum` if there is one.
        crs: of the coordinates, such as EPSG:31985; empty: lon and lat are degrees of WGS 84, x and y are refused.

    Raises:
        LulcError: the file cannot be read, lacks a column or a coordinate, or the CRS is missing or not known.
    """
    with Source(map_layer) as source:
        of_map, map_path = source.facts.crs, source.facts.path
    header, rows, lines = _rows(path)
    x_at, y_at, of_points = _coordinate_columns(path, header, crs, of_map)
    label, stratum = fields_wanted(path, header, field, stratum_field)
    xs = np.array([_coordinate(path, line, header[x_at], row[x_at]) for row, line in zip(rows, lines)], np.float64)
    ys = np.array([_coordinate(path, line, header[y_at], row[y_at]) for row, line in zip(rows, lines)], np.float64)
    if of_points is not None and of_points.is_geographic:
        _refuse_beyond_degrees(path, header[x_at], xs, 360, lines)
        _refuse_beyond_degrees(path, header[y_at], ys, 90, lines)
    if (of_points is None) != (of_map is None):
        raise MissingCrs(
            f"{map_path} has no coordinate system, the points of {path} have one.",
            "Give the map its own first, for example with gdal_edit.py -a_srs EPSG:31985.",
        )
    if of_points != of_map:
        xs, ys = transform_coordinates(
            of_points, of_map, xs, ys
        )  # what has no place in the map's system lies outside the map
    columns: dict[str, list[Label]] = {
        name: [row[i].strip() or None for row in rows] for i, name in enumerate(header) if name
    }
    geometries = [{"type": "Point", "coordinates": (float(x), float(y))} for x, y in zip(xs, ys)]
    return FeatureInput(
        features=features_of(geometries, columns, [f"line {line}" for line in lines], label, stratum),
        kind="points",
        name=path.replace("\\", "/").rsplit("/", 1)[-1],
        path=path,
        field=label,
        stratum_field=stratum_field,
        crs=crs or (_WGS84 if of_points is not None else ""),
    )


def _rows(path: str) -> tuple[list[str], list[list[str]], list[int]]:
    """Names of the columns, the rows that are not empty, and the line of the file in which each ends."""
    try:
        if not os.path.isfile(path):
            raise LulcError(f"There is no file {path}.", "Check its name and folder.")
        size = os.path.getsize(path)
        if size > _LARGEST:
            raise LulcError(
                f"The reference {path} has {size:,} bytes; tables are read up to {_LARGEST:,}.",
                "Leave columns out, or save it as a GeoPackage.",
            )
        with open(path, encoding="utf-8-sig", newline="") as stream:
            semicolon = ";" in stream.readline()
            stream.seek(0)
            reader = csv.reader(stream, delimiter=";" if semicolon else ",")
            header = [name.strip() for name in next(reader, [])]
            _refuse_header(path, header)
            rows: list[list[str]] = []
            lines: list[int] = []
            for row in reader:
                if not any(cell.strip() for cell in row):
                    continue
                if len(row) != len(header):
                    raise LulcError(
                        f"Line {reader.line_num:,} of {path} has {len(row):,} cells, its first line has"
                        f" {len(header):,} columns.",
                        "Correct that line; a cell that holds the separator stands in double quotes.",
                    )
                if len(rows) == _MOST_ROWS:
                    raise LulcError(f"The reference {path} has more than {_MOST_ROWS:,} rows.", "Give fewer points.")
                rows.append(row)
                lines.append(reader.line_num)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise FileNotRead(f"The reference {path} cannot be read: {error}.", "Save it as CSV in UTF-8.") from error
    if not rows:
        raise LulcError(f"The reference {path} has no points below its first line.", "Give one point a line.")
    return header, rows, lines


def _refuse_header(path: str, header: Sequence[str]) -> None:
    if not any(header):
        raise LulcError(
            f"The reference {path} does not begin with the names of its columns.",
            "Its first line is like x,y,ref_class.",
        )
    if len(header) > _MOST_COLUMNS:
        raise LulcError(
            f"The reference {path} has {len(header):,} columns; at most {_MOST_COLUMNS:,} make sense.",
            "Leave out those that are not needed.",
        )
    twice = [name for name in dict.fromkeys(header) if name and header.count(name) > 1]
    if twice:
        raise LulcError(
            f"The reference {path} has several columns called {names_for_message(twice)}.", "Give each its own name."
        )


def _coordinate_columns(path: str, header: Sequence[str], crs: str, of_map: Any) -> tuple[int, int, Any]:
    """Columns of the two coordinates, and their CRS; None only where the map has none either."""
    known = _crs(crs) if crs else None
    plane, degrees = _pair(path, header, _PLANE), _pair(path, header, _DEGREES)
    if known is None:
        if degrees is not None:
            return (*degrees, _crs(_WGS84))
        if plane is not None and of_map is None:
            return (*plane, None)
        if plane is not None:
            raise MissingCrs(
                f"The columns {header[plane[0]]} and {header[plane[1]]} of {path} have no coordinate system.",
                "Say which: --crs EPSG:31985, for example; lon and lat in degrees need none.",
            )
    elif plane is not None:
        return (*plane, known)
    elif degrees is not None:
        if not known.is_geographic:
            raise LulcError(
                f"The columns {header[degrees[0]]} and {header[degrees[1]]} of {path} are degrees, {crs} is not.",
                "Leave --crs away, or call the columns x and y if they are not degrees.",
            )
        return (*degrees, known)
    raise LulcError(
        f"The reference {path} has no columns x and y, nor lon and lat; its columns are: {names_for_message(header)}.",
        "Call the columns of the coordinates x and y (with --crs, for example --crs EPSG:31985), or lon and lat if they"
        " are degrees. The first line has the names, separated by commas or semicolons.",
    )


def _pair(path: str, header: Sequence[str], pairs: Sequence[tuple[str, str]]) -> tuple[int, int] | None:
    small = [name.lower() for name in header]
    for names in pairs:
        if all(name in small for name in names):
            for name in names:
                if small.count(name) > 1:
                    raise LulcError(
                        f"The reference {path} has several columns called {name}, in upper and lower case.",
                        "Rename those that are not the coordinates.",
                    )
            return small.index(names[0]), small.index(names[1])
    return None


def _crs(text: str) -> Any:
    if len(text) > _LONGEST_CRS:
        raise LulcError(f"The coordinate system has {len(text):,} characters.", "Give a code such as EPSG:32722.")
    return parse_crs(text)


def _coordinate(path: str, line: int, column: str, cell: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        comma = " with a decimal point" if "," in cell else ""
        raise LulcError(
            f"Line {line:,} of {path}: {column} is {_quoted(cell)}, which is not a number.",
            f"Write a number{comma}, or take the line out.",
        )
    return value


def _refuse_beyond_degrees(path: str, column: str, values: Any, most: float, lines: Sequence[int]) -> None:
    wrong = np.flatnonzero(np.abs(values) > most)
    if wrong.size:
        raise LulcError(
            f"Line {lines[int(wrong[0])]:,} of {path}: {column} is {values[wrong[0]]:.10g}, which is not a number of"
            f" degrees from -{most:g} to {most:g}.",
            "If the coordinates are not degrees, call the columns x and y and name their coordinate system with --crs,"
            " for example --crs EPSG:31985. If they are, x is the longitude.",
        )


def _quoted(text: str) -> str:
    return ascii(text if len(text) <= _LONGEST_SHOWN else text[:_LONGEST_SHOWN] + "...")
