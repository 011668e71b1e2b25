# SPDX-License-Identifier: GPL-3.0-or-later
"""Reference points and polygons from a vector file, for a shell without QGIS; the only module that needs pyogrio."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import rasterio.warp
from rasterio.crs import CRS
from rasterio.errors import RasterioError

from ..errors import LulcError
from ..raster.source import open_dataset
from .job import FeatureInput, Label, ReferenceFeature

#: Field of the class when none is named.
USUAL_FIELD = "ref_class"
_KINDS = {"Point": "points", "MultiPoint": "points", "Polygon": "polygons", "MultiPolygon": "polygons"}


def is_raster(path: str) -> bool:
    """Whether GDAL opens `path` as a raster."""
    try:
        with open_dataset(path):
            return True
    except (RasterioError, OSError):
        return False


def read_features(
    path: str, map_path: str, field: str = "", stratum_field: str = "", layer: str | None = None
) -> FeatureInput:
    """Features of a vector file in the CRS of the map.

    Args:
        path: what OGR reads: GeoPackage, Shapefile, GeoJSON, ….
        map_path: the map.
        field: field of the class; empty: `ref_class`.
        stratum_field: field of the stratum; empty: `stratum` if there is one. Sizes of strata belong to `stratum`.
        layer: layer of the file; None: the first.

    Raises:
        LulcError: pyogrio is missing, the file cannot be read, has no such field, or holds lines.
    """
    try:
        import pyogrio
        import shapely
    except ImportError as error:
        raise LulcError(
            f"{path} is no raster, and for vector files the Python package {error.name} is missing.",
            "Run: python -m pip install pyogrio shapely.",
        ) from error
    try:
        meta, ids, shapes, columns = pyogrio.raw.read(path, layer=layer, force_2d=True, return_fids=True)
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, ValueError, OSError) as error:
        raise LulcError(f"The reference {path} cannot be read: {error}.") from error
    if shapes is None:
        raise LulcError(f"The reference {path} has no geometries.")
    values = dict(zip(map(str, meta["fields"]), columns))
    field = _field(path, list(values), field)
    stratum = stratum_field or ("stratum" if "stratum" in values else "")
    if stratum and stratum not in values:
        raise _no_field(path, stratum, list(values), "Name the field that holds the strata.")
    owns_sizes = "stratum" not in values or stratum == "stratum"
    geometries = [None if shape is None else shapely.from_wkb(shape).__geo_interface__ for shape in shapes]
    geometries = _in_crs_of(map_path, geometries, meta["crs"], path)
    kinds = {_KINDS.get(g["type"]) for g in geometries if g is not None}
    if len(kinds) != 1 or None in kinds:
        found = ", ".join(sorted({g["type"] for g in geometries if g is not None})) or "none"
        raise LulcError(f"The reference {path} has geometries of these types: {found}.", "Give points or polygons.")
    number = len(geometries)
    labels, strata = _plain(values[field]), _plain(values[stratum]) if stratum else [None] * number
    names, pixels, hectares, weighting = (
        _plain(values[name]) if name in values and (owns_sizes or name == "id") else [None] * number
        for name in ("id", "stratum_px", "stratum_ha", "weighting")
    )
    features = [
        ReferenceFeature(
            geometry=geometry,
            label=labels[i],
            id=str(ids[i] if names[i] is None else names[i]),
            stratum=strata[i],
            stratum_px=_number(pixels[i]),
            stratum_ha=_number(hectares[i]),
            weighting=str(weighting[i] or ""),
        )
        for i, geometry in enumerate(geometries)
        if geometry is not None
    ]
    without = number - len(features)
    return FeatureInput(
        features=features,
        kind=kinds.pop() or "",
        name=path.replace("\\", "/").rsplit("/", 1)[-1],
        path=path,
        field=field,
        stratum_field=stratum_field,
        crs=str(meta["crs"] or ""),
        note=f"{without:,} features without a geometry" if without else "",
    )


def _field(path: str, fields: Sequence[str], wanted: str) -> str:
    name = wanted or USUAL_FIELD
    if name not in fields:
        raise _no_field(path, name, fields)
    return name


def _no_field(
    path: str, name: str, fields: Sequence[str], remedy: str = "Name the field that holds the class."
) -> LulcError:
    return LulcError(
        f"The reference {path} has no field {name!r}; its fields are: {', '.join(fields) or 'none'}.",
        remedy,
    )


def _in_crs_of(map_path: str, geometries: list[Any], crs: str | None, path: str) -> list[Any]:
    with open_dataset(map_path) as dataset:
        of_map = dataset.crs or None
    if crs is None and of_map is None:
        return geometries
    if crs is None or of_map is None:
        lacking = path if crs is None else map_path
        raise LulcError(f"{lacking} has no coordinate system, the other layer has one.", "Give it one first.")
    theirs = CRS.from_user_input(crs)
    if theirs == of_map:
        return geometries
    there = [i for i, g in enumerate(geometries) if g is not None]
    moved = rasterio.warp.transform_geom(theirs, of_map, [geometries[i] for i in there])
    out = list(geometries)
    for i, geometry in zip(there, moved):
        out[i] = geometry
    return out


def _plain(column: Any) -> list[Label]:
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


def _number(value: Label) -> float | None:
    try:
        return None if value is None else float(value)
    except ValueError:
        return None
