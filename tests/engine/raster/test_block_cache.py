# SPDX-License-Identifier: GPL-3.0-or-later
"""GDAL's cache stays small while layers stream by, and is as before afterwards (in QGIS it is QGIS's, too)."""

import numpy as np
import pytest
from rasterio._env import get_gdal_config, set_gdal_config

from lulc_plugin.assess import RasterInput, RasterOnMap, cross
from lulc_plugin.errors import LulcError
from lulc_plugin.progress import Progress
from lulc_plugin.raster import block_cache

MEGABYTE = 1 << 20


@pytest.fixture
def limit():
    """The limit in megabytes, 500 at first."""
    before = get_gdal_config("GDAL_CACHEMAX")
    set_gdal_config("GDAL_CACHEMAX", 500 * MEGABYTE)
    yield lambda: get_gdal_config("GDAL_CACHEMAX") / MEGABYTE
    set_gdal_config("GDAL_CACHEMAX", before)


def test_lowered_and_put_back(limit):
    with block_cache.limited(100 * MEGABYTE):
        assert limit() == 100
    assert limit() == 500


def test_put_back_after_an_error(limit):
    with pytest.raises(LulcError), block_cache.limited(100 * MEGABYTE):
        raise LulcError("no")
    assert limit() == 500


def test_never_raised(limit):
    set_gdal_config("GDAL_CACHEMAX", 20 * MEGABYTE)
    with block_cache.limited(100 * MEGABYTE):
        assert limit() == 20
    assert limit() == 20


def test_two_at_a_time(limit):
    """The second must not take the first one's limit for the usual one."""
    first, second = block_cache.limited(100 * MEGABYTE), block_cache.limited(80 * MEGABYTE)
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert limit() < 500, "the second still counts"
    second.__exit__(None, None, None)
    assert limit() == 500


def test_while_counting(limit, raster):
    """Without it a report on a large map takes 5 % of the machine's memory."""
    seen = []

    class Watch(Progress):
        @property
        def cancelled(self):
            seen.append(limit())
            return False

    path = raster("m.tif", np.ones((1, 300, 300), "uint8"))
    with RasterOnMap(RasterInput(path)) as layer:
        cross([layer], layer.facts, None, Watch())
    assert seen and max(seen) <= 64
    assert limit() == 500
