# SPDX-License-Identifier: GPL-3.0-or-later
"""GDAL's cache of decoded blocks, kept small where every block is read once.

GDAL keeps up to 5 % of the machine's memory by default. For a layer that streams by once, filling it costs more time
than decoding (each fresh page is a fault) and makes memory grow with the raster until the limit is reached.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

#: Less than this is not worth the trouble.
_LEAST = 32 << 20

_lock = threading.Lock()
_users = 0
_before = 0


@contextmanager
def limited(size: int) -> Iterator[None]:
    """Hold GDAL's cache at `size` bytes or its present limit, whichever is less; afterwards it is as before.

    The limit is that of the whole process (in QGIS also of QGIS), so it is lowered by whoever comes first and put back
    by whoever leaves last.
    """
    from rasterio._env import get_gdal_config, set_gdal_config

    global _users, _before
    with _lock:
        if _users == 0:
            _before = int(get_gdal_config("GDAL_CACHEMAX"))
        _users += 1
        set_gdal_config("GDAL_CACHEMAX", min(_before, max(_LEAST, size)))
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if _users == 0:
                set_gdal_config("GDAL_CACHEMAX", _before)
