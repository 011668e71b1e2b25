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
from contextlib import contextmanager
from pathlib import Path

PROBE = 32631  # any code that every database has


@contextmanager
def environment() -> Iterator[None]:
    """A GDAL environment in which coordinate systems are found; call it in every thread."""
    import rasterio

    with rasterio.Env(GDAL_PAM_ENABLED="YES"):
        own = Path(rasterio.__file__).parent / "proj_data"
        if (own / "proj.db").is_file():
            use_readable(own)
        yield


def use_readable(own: Path) -> None:
    """Search PROJ's database in the wheel's folder `own`, or, where PROJ cannot read that one, in others.

    If none can be read, the search stays at `own`, and PROJ's messages name it.
    """
    from rasterio._env import set_proj_data_search_path

    for folder in (own, *others()):
        set_proj_data_search_path(str(folder))
        if readable():
            return
    set_proj_data_search_path(str(own))


def others() -> list[Path]:
    """Folders, other than the wheel's, that have a PROJ database: where the variables point, then the usual places."""
    named = [name for variable in ("PROJ_DATA", "PROJ_LIB") for name in os.environ.get(variable, "").split(os.pathsep)]
    usual = [Path(sys.prefix) / "share" / "proj", Path("/usr/share/proj"), Path("/usr/local/share/proj")]
    folders = [*(Path(name) for name in named if name), *usual]
    return [folder for folder in dict.fromkeys(folders) if (folder / "proj.db").is_file()]


def readable() -> bool:
    """Whether PROJ finds a coordinate system by its code."""
    from rasterio.crs import CRS
    from rasterio.errors import CRSError

    try:
        CRS.from_epsg(PROBE)
    except CRSError:
        return False
    return True
