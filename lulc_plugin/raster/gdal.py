# SPDX-License-Identifier: GPL-3.0-or-later
"""GDAL and PROJ of the process: the PROJ database that is used, and GDAL's cache of decoded blocks.

A rasterio wheel contains GDAL and PROJ of its own, and their database. Two things go wrong beside QGIS, and both lose
coordinate systems without an error.

QGIS for Windows (and some shells) set `PROJ_DATA` for *their* PROJ; a wheel that follows it finds a database of another
layout. On Linux the programs `qgis` and `qgis_process` link GDAL and PROJ themselves, so that the wheel's calls reach
those of QGIS, while rasterio points them at the wheel's database: where QGIS's PROJ is newer, it refuses that.

GDAL's cache takes up to 5 % of the machine's memory by default. For a layer of which every block is read once, filling
it costs more time than decoding (each fresh page is a fault) and makes memory grow with the raster.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import rasterio

# Private: rasterio has no public call that reads or puts back the limit of the cache, or names PROJ's folder. These are
# what its own `Env` calls, in 1.3 and 1.4 alike, and no other module of the engine may use them.
from rasterio._env import get_gdal_config, set_gdal_config, set_proj_data_search_path
from rasterio.crs import CRS
from rasterio.errors import CRSError

_ANY_EPSG_CODE = 32631  # every PROJ database has it
#: Bytes; a smaller cache is not worth the trouble.
_SMALLEST_CACHE = 32 << 20

#: A wheel's folder → the one whose database PROJ can read; looked for once, since all threads share it.
_databases: dict[Path, Path] = {}
_database_lock = threading.Lock()

_cache_lock = threading.Lock()
_cache_users = 0
_cache_limit_before = 0


@contextmanager
def environment() -> Iterator[None]:
    """A GDAL environment in which coordinate systems are found; call it in every thread."""
    with rasterio.Env(GDAL_PAM_ENABLED="YES"):
        own = Path(rasterio.__file__).parent / "proj_data"
        if os.path.isfile(own / "proj.db"):
            set_proj_data_search_path(str(database_for(own)))
        yield


def database_for(own: Path) -> Path:
    """The wheel's folder `own`, or another with a PROJ database where PROJ cannot read that one.

    If none can be read it is `own`, and PROJ's messages name it.
    """
    with _database_lock:
        if own not in _databases:
            _databases[own] = next((folder for folder in (own, *other_databases()) if readable(folder)), own)
        return _databases[own]


def other_databases() -> list[Path]:
    """Folders, other than the wheel's, that have a PROJ database: where the variables point, then the usual places."""
    named = [name for variable in ("PROJ_DATA", "PROJ_LIB") for name in os.environ.get(variable, "").split(os.pathsep)]
    usual = [Path(sys.prefix) / "share" / "proj", Path("/usr/share/proj"), Path("/usr/local/share/proj")]
    folders = [*(Path(name) for name in named if name), *usual]
    return [folder for folder in dict.fromkeys(folders) if os.path.isfile(folder / "proj.db")]


def readable(folder: Path) -> bool:
    """Whether PROJ finds a coordinate system by its code in the database of this folder; the search stays there."""

    def find_code() -> bool:
        try:
            CRS.from_epsg(_ANY_EPSG_CODE)
        except CRSError:
            return False
        return True

    set_proj_data_search_path(str(folder))
    with ThreadPoolExecutor(1) as another:  # GDAL remembers, thread by thread, the codes that it has found before
        return another.submit(find_code).result()


@contextmanager
def limited_cache(size: int) -> Iterator[None]:
    """Hold GDAL's block cache at `size` bytes or its present limit, whichever is less; afterwards it is as before.

    The limit is that of the whole process (in QGIS also of QGIS), so it is lowered by whoever comes first and put back
    by whoever leaves last.
    """
    global _cache_users, _cache_limit_before
    with _cache_lock:
        if _cache_users == 0:
            _cache_limit_before = int(get_gdal_config("GDAL_CACHEMAX"))
        _cache_users += 1
        set_gdal_config("GDAL_CACHEMAX", min(_cache_limit_before, max(_SMALLEST_CACHE, size)))
    try:
        yield
    finally:
        with _cache_lock:
            _cache_users -= 1
            if _cache_users == 0:
                set_gdal_config("GDAL_CACHEMAX", _cache_limit_before)
