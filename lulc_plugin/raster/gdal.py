# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep rasterio on a PROJ database that its PROJ can read.

A rasterio wheel carries GDAL and PROJ of its own, and their database. Two things go wrong beside QGIS, and both lose
coordinate systems without an error.

QGIS for Windows (and some shells) set `PROJ_DATA` for *their* PROJ; a wheel that follows it finds a database of another
layout. On Linux the programs `qgis` and `qgis_process` link GDAL and PROJ themselves, so that the wheel's calls reach
those of QGIS, while rasterio points them at the wheel's database: where QGIS's PROJ is newer, it refuses that.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

PROBE = 32631  # any code that every database has

#: A wheel's folder → the one that its calls get; looked for once, since all threads share it.
_found: dict[Path, Path] = {}
_looking = Lock()


@contextmanager
def environment() -> Iterator[None]:
    """A GDAL environment in which coordinate systems are found; call it in every thread."""
    import rasterio

    with rasterio.Env(GDAL_PAM_ENABLED="YES"):
        own = Path(rasterio.__file__).parent / "proj_data"
        if (own / "proj.db").is_file():
            from rasterio._env import set_proj_data_search_path

            set_proj_data_search_path(str(database_for(own)))
        yield


def database_for(own: Path) -> Path:
    """The wheel's folder `own`, or another with a PROJ database where PROJ cannot read that one.

    If none can be read it is `own`, and PROJ's messages name it.
    """
    with _looking:
        if own not in _found:
            _found[own] = next((folder for folder in (own, *others()) if readable(folder)), own)
        return _found[own]


def others() -> list[Path]:
    """Folders, other than the wheel's, that have a PROJ database: where the variables point, then the usual places."""
    named = [name for variable in ("PROJ_DATA", "PROJ_LIB") for name in os.environ.get(variable, "").split(os.pathsep)]
    usual = [Path(sys.prefix) / "share" / "proj", Path("/usr/share/proj"), Path("/usr/local/share/proj")]
    folders = [*(Path(name) for name in named if name), *usual]
    return [folder for folder in dict.fromkeys(folders) if (folder / "proj.db").is_file()]


def readable(folder: Path) -> bool:
    """Whether PROJ finds a coordinate system by its code in the database of this folder; the search stays there."""
    from rasterio._env import set_proj_data_search_path
    from rasterio.crs import CRS
    from rasterio.errors import CRSError

    def look() -> bool:
        try:
            CRS.from_epsg(PROBE)
        except CRSError:
            return False
        return True

    set_proj_data_search_path(str(folder))
    with ThreadPoolExecutor(1) as another:  # GDAL remembers, thread by thread, the codes that it has found before
        return another.submit(look).result()
