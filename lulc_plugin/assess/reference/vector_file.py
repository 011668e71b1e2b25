# SPDX-License-Identifier: GPL-3.0-or-later
"""Reference points and polygons from a vector file, for a shell without QGIS; the only module that needs pyogrio."""

from __future__ import annotations

from typing import Any

import numpy as np
import rasterio.warp
from rasterio.crs import CRS
from rasterio.errors import CRSError, RasterioError

from ...errors import FileNotRead, LulcError, MissingCrs
from ...raster import RasterInput, Source, names_network, open_dataset, refuse_network
from ..job import FeatureInput, Label
from .columns import features_of, fields_wanted, names_for_message

_KINDS = {"Point": "points", "MultiPoint": "points", "Polygon": "polygons", "MultiPolygon": "polygons"}


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
        crs: what the user says about the CRS; such a file has its own, so anything else is refused.

    Raises:
        LulcError: pyogrio is missing, the file cannot be read, has no such field, several layers, or holds lines.
    """
    try:
        import pyogrio
        import shapely
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
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, ValueError, OSError) as error:
        raise FileNotRead(
            f"The reference {path} cannot be read: {str(error).rstrip('.')}.",
            "Give a raster, a vector file such as a GeoPackage, or points in a file that ends in .csv.",
        ) from error
    _refuse_another_crs(path, crs, meta["crs"])
    values = dict(zip(map(str, meta["fields"]), map(_python_values, columns)))
    label, stratum = fields_wanted(path, list(values), field, stratum_field)
    geometries = [None if shape is None else shapely.from_wkb(shape).__geo_interface__ for shape in shapes]
    geometries = _in_crs_of(map_layer, geometries, meta["crs"], path)
    kind = _kind_of(path, geometries)
    features = features_of(geometries, values, ids, label, stratum)
    without = len(geometries) - len(features)
    return FeatureInput(
        features=features,
        kind=kind,
        name=path.replace("\\", "/").rsplit("/", 1)[-1],
        path=path,
        field=label,
        stratum_field=stratum_field,
        crs=str(meta["crs"] or ""),
        note=f"{without:,} features without a geometry" if without else "",
    )


def _kind_of(path: str, geometries: list[Any]) -> str:
    """`points` or `polygons`."""
    kinds = {_KINDS.get(g["type"]) for g in geometries if g is not None}
    if len(kinds) != 1 or None in kinds:
        types = ", ".join(sorted({g["type"] for g in geometries if g is not None})) or "none"
        raise LulcError(f"The reference {path} has geometries of these types: {types}.", "Give points or polygons.")
    return kinds.pop() or ""


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
    if given and (of_file is None or not _same_crs(given, of_file)):
        own = f"says itself that it is in {of_file}" if of_file else "does not say which it has"
        raise LulcError(
            f"--crs {given} is for points in a CSV file; {path} {own}.",
            "Leave --crs away." if of_file else f"Give it one: ogr2ogr -a_srs {given} OUT.gpkg IN.",
        )


def _same_crs(given: str, of_file: str) -> bool:
    try:
        return bool(not names_network(given) and CRS.from_user_input(given) == CRS.from_user_input(of_file))
    except (CRSError, ValueError):
        return False


def _in_crs_of(map_layer: RasterInput | str, geometries: list[Any], crs: str | None, path: str) -> list[Any]:
    with Source(map_layer) as source:
        of_map, map_path = source.facts.crs, source.facts.path
    if crs is None and of_map is None:
        return geometries
    if crs is None or of_map is None:
        without = path if crs is None else map_path
        raise MissingCrs(f"{without} has no coordinate system, the other layer has one.", "Give it one first.")
    of_file = CRS.from_user_input(crs)
    if of_file == of_map:
        return geometries
    there = [i for i, g in enumerate(geometries) if g is not None]
    try:
        transformed = rasterio.warp.transform_geom(of_file, of_map, [geometries[i] for i in there])
    except Exception:  # GDAL's errors share no public base; one place that the map's CRS lacks stops all
        transformed = [_transformed(geometries[i], of_file, of_map, f"Feature {i + 1:,} of {path}") for i in there]
    out = list(geometries)
    for i, geometry in zip(there, transformed):
        out[i] = geometry
    return out


def _transformed(geometry: Any, of_file: CRS, of_map: CRS, what: str) -> Any:
    """A geometry in the map's CRS; a point that has no place there gets NaN, which lies outside every map."""
    try:
        return rasterio.warp.transform_geom(of_file, of_map, geometry)
    except Exception as error:
        if geometry["type"] == "Point":
            return {"type": "Point", "coordinates": (np.nan, np.nan)}
        raise LulcError(
            f"{what} cannot be brought into the coordinate system of the map: {error}.",
            "Check its coordinates and the coordinate system of the file.",
        ) from error


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
