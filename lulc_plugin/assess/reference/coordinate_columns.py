# SPDX-License-Identifier: GPL-3.0-or-later
"""Which columns of a table say where its features lie, by the names that tools give them, and what they say."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from ...errors import LulcError
from .columns import names_for_message
from .delimited_text import TextTable
from .geometries import Geometry
from .geometry_text import geometry_of_text, is_geometry_text

WGS84 = "EPSG:4326"
#: Word for x → words for y, in lower case. Degrees are of WGS 84 unless a coordinate system is named.
_DEGREES: dict[str, tuple[str, ...]] = {
    "lon": ("lat",),
    "long": ("lat",),
    "lng": ("lat",),
    "longitude": ("latitude", "lat"),
    "longitud": ("latitud",),
}
_PLANE: dict[str, tuple[str, ...]] = {
    "x": ("y",),
    "xcoord": ("ycoord",),
    "coordx": ("coordy",),
    "easting": ("northing",),
    "east": ("north",),
    "rechtswert": ("hochwert",),
}
_CRS_WORDS = {"srs", "crs", "srid", "epsg"}
_LONGEST_SHOWN = 40
_COMMA = re.compile(r"\s*[+-]?\d+,\d+\s*")
_GROUPED = re.compile(r"\s*[+-]?\d{1,3}(?:[ \u00a0\u202f'’]\d{3})+(?:[.,]\d+)?\s*")
_ANGLE = re.compile(r"[°º'\"NSEWnsew]")


@dataclass(frozen=True)
class PlaceColumns:
    """The columns of the coordinates.

    Attributes:
        x, y: their positions; equal: that one holds whole geometries.
        degrees: whether their names say that they are degrees.
        crs: what another column says about their coordinate system; empty: nothing.
    """

    x: int
    y: int
    degrees: bool
    crs: str = ""

    @property
    def names_geometry(self) -> bool:
        """Whether one column holds whole geometries."""
        return self.x == self.y


def find_place_columns(table: TextTable, plane_first: bool) -> PlaceColumns:
    """The columns of the coordinates: a pair of usual names, else one of geometries as text.

    Args:
        table: the table.
        plane_first: whether x and y come before longitude and latitude, where there are both.

    Raises:
        LulcError: there are none, or several.
    """
    words = [_words(name) for name in table.header]
    kinds = ((_PLANE, False), (_DEGREES, True))
    for pairs, degrees in kinds if plane_first else kinds[::-1]:
        found = _pair(table, words, pairs)
        if found is not None:
            return PlaceColumns(*found, degrees, _crs_column(table, words, words[found[0]]))
    column = _geometry_column(table)
    if column is not None:
        return PlaceColumns(column, column, False)
    raise LulcError(
        f"The reference {table.path} has no columns x and y, nor lon and lat, nor one of geometries (WKT, GeoJSON); its"
        f" columns are: {names_for_message(table.header)}.",
        "Call the columns of the coordinates x and y (with --crs, for example --crs EPSG:31985), or lon and lat if they"
        " are degrees. The first line has the names, separated by commas, semicolons or tabs.",
    )


def coordinate(table: TextTable, row: int, column: int) -> float:
    """The number in a cell.

    Raises:
        LulcError: it is none.
    """
    cell = table.rows[row][column]
    try:
        value = float(cell)
    except ValueError:
        value = _as_written_elsewhere(cell, table.separator)
    if not math.isfinite(value):
        how = " with a decimal point" if "," in cell else ""
        how = " of degrees with decimals, with a minus for south and west" if _ANGLE.search(cell) else how
        raise LulcError(
            f"{_cell(table, row, column)}, which is not a number.",
            f"Write a number{how}, or take the line out.",
        )
    return value


def plain_number(cell: str, separator: str) -> str:
    """A number with a decimal comma, or with blanks between thousands, as Python writes it; other texts as they are."""
    if cell.isalnum():  # a table may have millions of cells
        return cell
    if _GROUPED.fullmatch(cell):
        cell = re.sub(r"[ \u00a0\u202f'’]", "", cell.strip())
    return cell.replace(",", ".") if separator != "," and _COMMA.fullmatch(cell) else cell


def _as_written_elsewhere(cell: str, separator: str) -> float:
    """A number with a decimal comma or grouped thousands; NaN for what is none."""
    try:
        return float(plain_number(cell, separator))
    except ValueError:
        return math.nan


def geometries_of(table: TextTable, column: int) -> tuple[list[Geometry], str]:
    """The geometries in a column, and the coordinate system that they name; empty: none.

    Raises:
        LulcError: a cell is no geometry, or they name several systems.
    """
    geometries: list[Geometry] = []
    codes: set[str] = set()
    for row, cells in enumerate(table.rows):
        if not cells[column].strip():
            geometries.append(None)
            continue
        try:
            geometry, code = geometry_of_text(cells[column])
        except (ValueError, RecursionError) as error:
            raise LulcError(
                f"{_cell(table, row, column)}, which is not a geometry ({str(error)[:80]}).",
                "Write it as WKT, such as POINT (330110 7497285), or as GeoJSON; or take the line out.",
            ) from error
        geometries.append(geometry)
        codes.add(code)
    if len(codes) > 1:
        raise LulcError(
            f"The geometries of {table.path} are in several coordinate systems: {', '.join(sorted(codes)[:5])}.",
            "Bring them to one.",
        )
    return geometries, codes.pop() if codes else ""


def _words(name: str) -> tuple[str, ...]:
    """`decimalLongitude` and `GPS_LONG` → their words, in lower case."""
    parted = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return tuple(re.findall(r"[^\W_]+", parted.lower()))


def _pair(
    table: TextTable, words: Sequence[tuple[str, ...]], pairs: dict[str, tuple[str, ...]]
) -> tuple[int, int] | None:
    found: dict[tuple[str, ...], tuple[int, int]] = {}
    for x, of_x in enumerate(words):
        for place, word in enumerate(of_x):
            for other in pairs.get(word, ()):
                of_y = (*of_x[:place], other, *of_x[place + 1 :])
                if of_y not in words:
                    continue
                for name in (of_x, of_y):
                    if words.count(name) > 1:
                        raise LulcError(
                            f"The reference {table.path} has several columns called {'_'.join(name)}, in upper and"
                            " lower case.",
                            "Rename those that are not the coordinates.",
                        )
                found[of_x] = (x, words.index(of_y))
    plain = [found[(word,)] for word in pairs if (word,) in found]
    if plain or not found:
        return plain[0] if plain else None
    if len(found) > 1:
        names = "; ".join(f"{table.header[x]} and {table.header[y]}" for x, y in found.values())
        raise LulcError(
            f"The reference {table.path} has several pairs of columns that may be the coordinates: {names[:300]}.",
            "Call those that count x and y, or lon and lat.",
        )
    return next(iter(found.values()))


def _crs_column(table: TextTable, words: Sequence[tuple[str, ...]], of_x: tuple[str, ...]) -> str:
    """The one value of a column such as `location_srs` or `epsg`; empty where there is none."""
    for column, name in enumerate(words):
        if len(name) and name[-1] in _CRS_WORDS and name[:-1] in ((), of_x[:-1]):
            values = {row[column].strip() for row in table.rows} - {""}
            if len(values) == 1:
                value = values.pop()
                return f"EPSG:{value}" if value.isdecimal() else value
    return ""


def _geometry_column(table: TextTable) -> int | None:
    found = []
    for column in range(len(table.header)):
        cell = next((row[column] for row in table.rows if row[column].strip()), "")
        if is_geometry_text(cell):
            found.append(column)
    if len(found) > 1:
        names = names_for_message([table.header[column] for column in found])
        raise LulcError(
            f"The reference {table.path} has several columns of geometries: {names}.",
            "Leave one of them, or add columns x and y.",
        )
    return found[0] if found else None


def _cell(table: TextTable, row: int, column: int) -> str:
    text = table.rows[row][column]
    shown = ascii(text if len(text) <= _LONGEST_SHOWN else text[:_LONGEST_SHOWN] + "...")
    return f"Line {table.lines[row]:,} of {table.path}: {table.header[column]} is {shown}"
