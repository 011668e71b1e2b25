# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep rasterio on its own PROJ database.

A rasterio wheel carries GDAL and PROJ of its own. QGIS for Windows (and some shells) set `PROJ_DATA` for *their* PROJ;
a wheel that follows it finds a database of another layout and loses coordinate systems without an error.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def environment() -> Iterator[None]:
    """A GDAL environment in which a wheel's own PROJ database is searched first; call it in every thread."""
    import rasterio

    with rasterio.Env(GDAL_PAM_ENABLED="YES"):
        own = Path(rasterio.__file__).parent / "proj_data"
        if (own / "proj.db").is_file():
            from rasterio._env import set_proj_data_search_path

            set_proj_data_search_path(str(own))
        yield
