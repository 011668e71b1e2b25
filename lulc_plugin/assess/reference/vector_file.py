# SPDX-License-Identifier: GPL-3.0-or-later
"""Reference points and polygons from a vector file, for a shell without QGIS; the only module that needs pyogrio."""

from __future__ import annotations

from typing import Any

import numpy as np
from rasterio.crs import CRS
from rasterio.errors import CRSError, RasterioError

from ...errors import FileNotRead, LulcError
from ...raster import RasterInput, Source, crs_name, names_network, open_dataset, parse_crs, refuse_network
from ..job import FeatureInput, Label
from .columns import features_of, fields_wanted, names_for_message
from .geometries import OneKind, in_crs, one_kind
from .places import missing_crs, places_of

#: What a GeoPackage calls the coordinate system of a layer without one.
_NO_CRS = "Undefined "


def is_raster(path: str) -> bool:
    """Whether GDAL opens `path` as a raster."""
    try:
        with open_dataset(path):
            return True
    except (RasterioError, OSError):
        return False


def read_features(
    path: str,
    map_layer: RasterInput | str,
    field: str = "",
    stratum_field: str = "",
    layer: str | None = None,
    crs: str = "",
) -> FeatureInput:
    """Features of a vector file in the CRS of the map.

    Args:
        path: what OGR reads: GeoPackage, Shapefile, GeoJSON, ….
        map_layer: the map, or its path alone.
        field: field of the class; empty: `ref_class`.
        stratum_field: field of the stratum; empty: `stratum` if there is one. Sizes of strata belong to `stratum`.
        layer: layer of the file; None: the only one with geometries.
        crs: the CRS of a file that names none; refused where the file names another one.

    Raises:
        LulcError: pyogrio is missing, the file cannot be read, has no such field, several layers, or holds lines.
    """
    meta, ids, found, columns = _read(path, layer)
    _refuse_another_crs(path, crs, meta["crs"])
    values = dict(zip(map(str, meta["fields"]), map(_python_values, columns)))
    label, stratum = fields_wanted(path, list(values), field, stratum_field)
    of_file = _crs_of(meta["crs"])
    of_file, named = (parse_crs(crs), crs) if of_file is None else (of_file, str(meta["crs"]))
    places = places_of(found.geometries, named)
    name = path.replace("\\", "/").rsplit("/", 1)[-1]
    with Source(map_layer) as source:
        facts = source.facts
    if (of_file is None) != (facts.crs is None):
        raise missing_crs(name, places, map_layer)
    geometries, nowhere = in_crs(found.geometries, of_file, facts.grid)
    return FeatureInput(
        features=features_of(geometries, values, ids, label, stratum),
        kind=found.kind,
        name=name,
        path=path,
        field=label,
        stratum_field=stratum_field,
        crs=named,
        warnings=(*found.left_out, *nowhere),
        places=places,
    )


def _read(path: str, layer: str | None) -> tuple[Any, Any, OneKind, Any]:
    """What pyogrio says of a layer, the ids of its features, their geometries, and its columns."""
    try:
        import pyogrio
        import shapely  # noqa: F401
    except ImportError as error:
        raise LulcError(
            f"{path} is not a raster, and for vector files the Python package {error.name} is missing.",
            "Run: python -m pip install pyogrio shapely. Points in a CSV file (columns x and y, or lon and lat) need"
            " neither.",
        ) from error
    refuse_network(path)
    try:
        layer = _layer(path, pyogrio.list_layers(path), layer)
        meta, ids, shapes, columns = pyogrio.raw.read(path, layer=layer, force_2d=True, return_fids=True)
    except LulcError:
        raise
    except Exception as error:  # damaged files meet errors of pyogrio of any kind, an UnboundLocalError among them
        raise FileNotRead(
            f"The reference {path} cannot be read: {str(error).rstrip('.')}.",
            "Give a raster, a vector file such as a GeoPackage, or points in a file that ends in .csv.",
        ) from error
    return meta, ids, one_kind(_geometries(path, shapes), path), columns


def _crs_of(text: str | None) -> CRS | None:
    crs = CRS.from_user_input(text) if text else None
    return None if crs is None or crs_name(crs).startswith(_NO_CRS) else crs


def _geometries(path: str, shapes: Any) -> list[Any]:
    """GeoJSON-like geometries of WKB; None stays None.

    Raises:
        LulcError: one of them is damaged, such as a ring that is not closed.
    """
    import shapely

    geometries: list[Any] = []
    for i, shape in enumerate(shapes):
        try:
            geometries.append(None if shape is None else shapely.from_wkb(shape).__geo_interface__)
        except (shapely.errors.ShapelyError, NotImplementedError, ValueError) as error:
            raise LulcError(
                f"The geometry of feature {i + 1:,} of {path} cannot be read: {error}.",
                "Repair it in QGIS with the tool Fix geometries, or delete it.",
            ) from error
    return geometries


def _layer(path: str, layers: Any, wanted: str | None) -> str:
    """The layer to read; tables without geometries, such as QGIS's `layer_styles`, are none.

    Args:
        path: the file, for errors.
        layers: `(n, 2)` names and types of geometry as pyogrio lists them.
        wanted: what the user named; None: nothing.
    """
    names = [str(name) for name, kind in layers if kind is not None]
    if wanted is not None:
        if wanted not in names:
            raise LulcError(
                f"The reference {path} has no layer {wanted!r} with geometries; it has: {names_for_message(names)}.",
                "Choose one of them with --layer NAME.",
            )
        return wanted
    if not names:
        raise LulcError(
            f"The reference {path} has no geometries.",
            "Give points or polygons. A table of points is read when its name ends in .csv and it has columns x and y"
            " (with --crs), or lon and lat.",
        )
    if len(names) > 1:
        raise LulcError(
            f"The reference {path} has {len(names)} layers with geometries: {names_for_message(names)}.",
            "Choose one with --layer NAME.",
        )
    return names[0]


def _refuse_another_crs(path: str, given: str, of_file: str | None) -> None:
    if given and _crs_of(of_file) is not None and not _same_crs(given, str(of_file)):
        raise LulcError(
            f"--crs {given} is for files that name no coordinate system; {path} says itself that it is in {of_file}.",
            "Leave --crs away.",
        )


def _same_crs(given: str, of_file: str) -> bool:
    try:
        return bool(not names_network(given) and CRS.from_user_input(given) == CRS.from_user_input(of_file))
    except (CRSError, ValueError):
        return False


def _python_values(column: Any) -> list[Label]:
    """Values of a column as Python's own, missing ones as None."""
    out: list[Label] = []
    for value in column:
        if value is None or (isinstance(value, (float, np.floating)) and np.isnan(value)):
            out.append(None)
        elif isinstance(value, np.generic):
            out.append(value.item())
        else:
            out.append(value)
    return out
