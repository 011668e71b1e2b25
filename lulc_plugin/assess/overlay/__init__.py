# SPDX-License-Identifier: GPL-3.0-or-later
"""Rasters, polygons and points at the pixels of a map, and the cross table counted over them."""

from .crossing import BLOCK_PIXELS, CrossTable, blocks, cross
from .grid_match import extent_in
from .polygons_on_map import PolygonsOnMap
from .raster_on_map import NODATA, OK, OUTSIDE, RasterOnMap, values_at

__all__ = [
    "BLOCK_PIXELS",
    "CrossTable",
    "NODATA",
    "OK",
    "OUTSIDE",
    "PolygonsOnMap",
    "RasterOnMap",
    "blocks",
    "cross",
    "extent_in",
    "values_at",
]
