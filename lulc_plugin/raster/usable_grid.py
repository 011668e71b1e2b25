# SPDX-License-Identifier: GPL-3.0-or-later
"""Open files that are no raster yet: several variables in one file, or pixels that lie nowhere in a coordinate system.

Pixels without any georeference are welcome as they are; a coordinate system beside them would put them at 0, 0.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ..errors import LulcError
from .geogrid import crs_code

_SHOWN = 10


def refuse_unusable(dataset: Any, path: str, crs: Any) -> None:
    """Refuse a file whose pixels cannot be used as they are.

    Args:
        dataset: the file, open in rasterio.
        path: file or GDAL dataset name.
        crs: the coordinate system of the file, or the one that the user set; None: neither.

    Raises:
        LulcError: it holds several rasters and none of its own, or a coordinate system without a place for its pixels.
    """
    if not dataset.count:
        raise several_rasters(path, list(dataset.subdatasets))
    numbers = dataset.transform[:6]
    if not all(map(math.isfinite, numbers)) or numbers[0] * numbers[4] == numbers[1] * numbers[3]:
        raise LulcError(
            f"The pixels of {path} have no area: its geotransform is {', '.join(f'{n:g}' for n in numbers)}.",
            "Correct it, for example with gdal_edit.py -a_ullr XMIN YMAX XMAX YMIN.",
        )
    if not dataset.transform.is_identity:
        return
    points, crs_of_points = dataset.gcps
    if points:
        target = crs_code(crs_of_points or crs)
        raise _without_grid(path, f"{len(points):,} ground control points", f"-t_srs {target}")
    if dataset.rpcs is not None:
        raise _without_grid(path, "rational polynomial coefficients (RPC)", f"-rpc -t_srs {crs_code(crs)}")
    if crs is not None:
        code = crs_code(crs)
        what = f"a coordinate system ({code}) but no place in it: its pixels count from 0"
        when = " after you gave it ground control points (QGIS: Raster, Georeferencer)"
        raise _without_grid(path, what, f"-t_srs {code}", when)


def several_rasters(path: str, names: Sequence[str]) -> LulcError:
    """The error for a file that holds several rasters, or none; `names` are what GDAL calls them."""
    if not names:
        return LulcError(f"The layer {path} has no bands.", "Give a raster with at least one band.")
    # the variable is what people see in QGIS; the whole string is what GDAL opens
    variables = ", ".join(name.rsplit(":", 1)[-1] for name in names[:_SHOWN])
    strings = ", ".join(_string(name, path) for name in names[:_SHOWN])
    more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    return LulcError(
        f"The file {path} holds {len(names):,} rasters: {variables}{more}.",
        f"Choose one, and give it as {strings}{more}.",
    )


def _string(name: str, path: str) -> str:
    """A subdataset as GDAL and QGIS write it: `NETCDF:"FILE":VARIABLE`; rasterio leaves the quotes out.

    GDAL puts none around a GeoPackage, and QGIS opens it only so.
    """
    driver, _, rest = name.partition(":")
    if driver.upper() != "GPKG" and rest.startswith(path + ":"):
        return f'{driver.upper()}:"{path}":{rest[len(path) + 1 :]}'
    return name


def _without_grid(path: str, what: str, options: str, when: str = "") -> LulcError:
    return LulcError(
        f"The layer {path} has {what}, not a grid: no pixel of it has a place yet.",
        f"Bring it to a grid first{when}: gdalwarp {options} IN OUT.tif.",
    )
