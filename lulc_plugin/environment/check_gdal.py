# SPDX-License-Identifier: GPL-3.0-or-later
"""GDAL and PROJ as rasterio has them: which ones, whose database, and whether they do their work."""

from __future__ import annotations

import math
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path

from ..findings import ERROR, PASS, WARNING, Finding

_VARIABLES = ("PROJ_DATA", "PROJ_LIB", "GDAL_DATA", "GDAL_DRIVER_PATH")
_REINSTALL = (
    "Install rasterio again, with the Python of QGIS: python -m pip install --force-reinstall --no-deps rasterio."
)


def check_gdal() -> Iterator[Finding]:
    """GDAL, the PROJ database, coordinate systems at work, and a Cloud Optimized GeoTIFF written and read back."""
    import rasterio

    own = Path(rasterio.__file__).parent / "proj_data"
    is_own = os.path.isfile(own / "proj.db")
    origin = "rasterio's own (a wheel)" if is_own else "shared with other programs"
    yield Finding("gdal.version", PASS, "GDAL", f"{rasterio.__gdal_version__}, {origin}")
    yield _database(own if is_own else None)
    yield _coordinates()
    yield _cog()


def _database(own: Path | None) -> Finding:
    """Whose PROJ database is used, and which others lie in the way."""
    import rasterio

    proj = str(getattr(rasterio, "__proj_version__", "of unknown version"))
    variables = {name: os.environ[name] for name in _VARIABLES if os.environ.get(name)}
    elsewhere = "; ".join(f"{name}={value}" for name, value in variables.items()) or "no variable points elsewhere"
    if own is None:
        return Finding("gdal.proj", PASS, "PROJ", f"{proj}, database of the system or of QGIS; {elsewhere}")
    text = f"{proj}, own database {own} (layout {_layout(own) or 'unknown'})"
    folders = [value for name, value in variables.items() if name.startswith("PROJ")]
    foreign = [folder for folder in folders if os.path.isfile(Path(folder) / "proj.db")]
    if foreign:
        other = f"{foreign[0]} (layout {_layout(Path(foreign[0])) or 'unknown'})"
        text += f". {elsewhere}: that is another program's database, {other}; this plugin keeps rasterio on its own"
    return Finding("gdal.proj", PASS, "PROJ", f"{text}.")


def _layout(folder: Path) -> str:
    """Layout of a PROJ database, empty where it does not say: PROJ refuses one older than itself."""
    try:
        place = (folder / "proj.db").resolve().as_uri()
        connection = sqlite3.connect(f"{place}?mode=ro&immutable=1", uri=True)
        try:
            rows = connection.execute("select key, value from metadata where key like 'DATABASE.LAYOUT.VERSION.%'")
            parts = dict(rows)
        finally:
            connection.close()
    except (sqlite3.Error, ValueError, OSError):
        return ""
    keys = ("DATABASE.LAYOUT.VERSION.MAJOR", "DATABASE.LAYOUT.VERSION.MINOR")
    return ".".join(str(parts[key]) for key in keys if key in parts)


def _coordinates() -> Finding:
    """A coordinate system is looked up and used: the central meridian at the equator lies at (500 000, 10 000 000)."""
    from rasterio.crs import CRS
    from rasterio.warp import transform

    from ..raster import gdal

    id, title = "gdal.coordinates", "Coordinate systems"
    try:
        with gdal.environment():
            system = CRS.from_epsg(32725)
            east, north = transform(CRS.from_epsg(4326), system, [-33.0], [0.0])
            code = CRS.from_wkt(system.to_wkt()).to_epsg()
    except Exception as error:  # rasterio's errors have no common base class
        text = f"EPSG:32725 cannot be used: {str(error).splitlines()[0][:300] if str(error) else error!r}"
        return Finding(id, ERROR, title, f"{text.rstrip('.')}.", _proj_remedy())
    metres_off = math.hypot(east[0] - 500_000, north[0] - 10_000_000)
    if not metres_off < 0.01:
        text = f"a point lands {metres_off:,.2f} m from where it belongs (EPSG:32725)."
        return Finding(id, ERROR, title, text, _proj_remedy())
    if code != 32725:
        return Finding(id, WARNING, title, f"EPSG:32725 is not recognised after a copy ({code}).", _proj_remedy())
    return Finding(id, PASS, title, "EPSG:32725 looked up, used and recognised")


def _proj_remedy() -> str:
    variables = [name for name in ("PROJ_DATA", "PROJ_LIB") if os.environ.get(name)]
    if variables:
        return f"Start QGIS without the environment variable {' and '.join(variables)}, or: {_REINSTALL}"
    return _REINSTALL


def _cog() -> Finding:
    """A map of 300 × 300 pixels is written as the plugin writes its own, and read back."""
    import numpy as np
    import rasterio
    import rasterio.shutil
    from affine import Affine

    from ..raster import gdal

    id, title = "gdal.cog", "Cloud Optimized GeoTIFF"
    values = (np.arange(90_000, dtype=np.uint32) % 7).astype(np.uint8).reshape(1, 300, 300)
    try:
        with tempfile.TemporaryDirectory(prefix="lulc-check-") as folder, gdal.environment():
            plain, cog = str(Path(folder, "plain.tif")), str(Path(folder, "cog.tif"))
            with rasterio.open(
                plain, "w", driver="GTiff", count=1, height=300, width=300, dtype="uint8", nodata=0,
                crs="EPSG:32725", transform=Affine(30, 0, 500_000, 0, -30, 9_120_000),
            ) as target:  # fmt: skip
                target.write(values)
            rasterio.shutil.copy(plain, cog, driver="COG")
            with rasterio.open(cog) as source:
                same = bool(np.array_equal(source.read(), values)) and source.crs is not None
    except Exception as error:  # rasterio's errors have no common base class
        text = f"cannot be written: {str(error).splitlines()[0][:300] if str(error) else error!r}"
        return Finding(id, ERROR, title, f"{text.rstrip('.')}.", f"It needs GDAL 3.1 or newer. {_REINSTALL}")
    if not same:
        return Finding(id, ERROR, title, "what was read back is not what was written.", _REINSTALL)
    return Finding(id, PASS, title, "written and read back")
