# SPDX-License-Identifier: GPL-3.0-or-later
"""Where features lie and where the map lies, for messages; and what misplaced features look like.

Axes that are swapped, degrees taken for metres, and a wrong coordinate system are tried: what puts most of the
features on the map is named as the remedy.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ...errors import LulcError, MissingCrs
from ...raster import LayerFacts, RasterInput, Source, crs_name, parse_crs, transform_coordinates
from ..job import Places
from ..overlay import extent_in
from .geometries import Geometry, first_corners

FloatArray = npt.NDArray[np.float64]
#: Features whose place is looked at.
_MOST = 1000
#: Share of the features that has to lie on the map for an explanation to be offered.
_ENOUGH = 0.5
_WGS84 = "EPSG:4326"
_SWAP = "exchange them (QGIS: Swap X and Y coordinates; in a table, the names of the two columns)"


def places_of(geometries: Sequence[Geometry], crs: str) -> Places:
    """Where geometries lie, in their own coordinate system; see `Places`."""
    xs, ys = first_corners(geometries, _MOST)
    return Places(crs, xs, ys)


def missing_crs(name: str, places: Places, map_layer: RasterInput | str) -> MissingCrs:
    """The error when only one of map and features has a coordinate system.

    Args:
        name: what the features are called.
        places: theirs; without a `crs` where they are the ones that have none.
        map_layer: the map, or its path alone.
    """
    with Source(map_layer) as source:
        facts = source.facts
    without, other = (name, facts.name) if facts.crs is not None else (facts.name, name)
    where, remedy = explain(name, places, facts)
    usual = f"Give {without} its own first (QGIS: Layer CRS, in the layer's menu; a shell: --crs EPSG:CODE)."
    if facts.crs is None:
        usual = f"Give {without} its own first (QGIS: Layer CRS, in the layer's menu; a shell: --map-crs EPSG:CODE)."
    return MissingCrs(f"{without} has no coordinate system, {other} has one. {where}", remedy or usual)


def without_a_place(problem: str, name: str, places: Places, map_layer: RasterInput | str) -> LulcError:
    """The error when no feature has a place in the map's coordinate system: where both lie, what would put it right.

    Args:
        problem: what is wrong, as a sentence.
        name: what the features are called.
        places: theirs.
        map_layer: the map, or its path alone.
    """
    with Source(map_layer) as source:
        where, remedy = where_they_lie(name, places, source.facts)
    return LulcError(f"{problem} {where}".rstrip(), remedy or "Check the coordinate system of the features.")


def explain(name: str, places: Places, facts: LayerFacts) -> tuple[str, str]:
    """Where features and map lie, as a sentence, and what would put the features on the map; the latter may be empty.

    Args:
        name: what the features are called.
        places: theirs.
        facts: of the map.
    """
    own = parse_crs(places.crs)
    xs, ys = np.array(places.x, np.float64), np.array(places.y, np.float64)
    finite = np.isfinite(xs) & np.isfinite(ys)
    xs, ys = xs[finite], ys[finite]
    if not xs.size:
        return f"No place of {name} is a number.", ""
    box = (xs.min(), ys.min(), xs.max(), ys.max())
    of_map = extent_in(facts.grid, own) if own is not None and facts.crs is not None else None
    there = f", which is {_numbers(of_map)} there" if of_map is not None and own != facts.crs else ""
    where = (
        f"{name} covers {_numbers(box)} {_in(own)}, {facts.name} {_numbers(facts.grid.extent)} {_in(facts.crs)}{there}"
        " (xmin, ymin, xmax, ymax)."
    )
    return where, _remedy(xs, ys, own, facts)


def where_they_lie(name: str, places: Places | None, facts: LayerFacts) -> tuple[str, str]:
    """`explain` for features whose places are known; else two empty texts."""
    try:
        return ("", "") if places is None else explain(name, places, facts)
    except LulcError:
        return "", ""  # a coordinate system of the layer that only its own program knows


def _remedy(xs: FloatArray, ys: FloatArray, own: Any, facts: LayerFacts) -> str:
    for x, y, crs, text in _explanations(xs, ys, own, facts.crs):
        if facts.crs is not None and crs != facts.crs:
            x, y = transform_coordinates(crs, facts.crs, x, y)
        rows, _ = facts.grid.pixels(x, y)
        if np.count_nonzero(rows >= 0) >= _ENOUGH * len(xs):
            return text
    return ""


def _explanations(xs: FloatArray, ys: FloatArray, own: Any, of_map: Any) -> Iterator[tuple[Any, Any, Any, str]]:
    """Coordinates, their system, and what to do if that is right."""
    if own is not None and of_map is None:
        for crs in (own, _utm_zone(xs, ys, own)):
            name = _code(crs)
            text = f"The map is in {name}, as it seems: give it that (QGIS: Layer CRS; a shell: --map-crs {name})."
            yield (*transform_coordinates(own, crs, xs, ys), crs, text)
        return
    if own is not None or of_map is None:
        yield ys, xs, own, f"x and y are swapped: {_SWAP}."
    for crs in (of_map, parse_crs(_WGS84)):
        if crs is None or crs == own:
            continue
        name = _code(crs)
        kind = "degrees" if crs.is_geographic else "coordinates"
        set_it = f"set {name} as their coordinate system (QGIS: Layer CRS; a shell: --crs {name})"
        yield xs, ys, crs, f"They are {kind} of {name}: {set_it}."
        yield ys, xs, crs, f"They are {kind} of {name} with x and y swapped: {_SWAP}, and {set_it}."


def _utm_zone(xs: FloatArray, ys: FloatArray, own: Any) -> Any:
    """The UTM zone (WGS 84) in which places lie."""
    lon, lat = transform_coordinates(own, parse_crs(_WGS84), xs, ys)
    middle = float(np.nanmedian(lon)) if np.isfinite(lon).any() else 0.0
    zone = int((middle + 180) // 6) % 60 + 1
    return parse_crs(f"EPSG:{32600 + zone + (100 if np.nanmedian(lat) < 0 else 0)}")


def _in(crs: Any) -> str:
    return "without a coordinate system" if crs is None else f"in {crs_name(crs)}"


def _code(crs: Any) -> str:
    return crs_name(crs).split(" (")[0]


def _numbers(box: Sequence[float]) -> str:
    return ", ".join(f"{value:.8g}" for value in box)
