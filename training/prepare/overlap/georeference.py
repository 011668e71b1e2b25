# SPDX-License-Identifier: GPL-3.0-or-later
"""Ground that two images share because their georeferences say so; turned and scaled images too."""

from __future__ import annotations

import numpy as np
from rasterio.errors import RasterioError
from rasterio.warp import transform_bounds
from scipy.spatial import cKDTree

from lulc_plugin.raster import GeoGrid

from .grey_images import Picture
from .ground import SharedGround, whole

_GEOGRAPHIC = "EPSG:4326"
#: Common strips narrower than this are rounding, pixels.
_SLACK = 0.5


def shared_by_georeference(images: list[Picture]) -> list[SharedGround]:
    """Pairs of images of different places whose pixels lie on the same ground.

    Between two coordinate systems, or where an image is turned, the common part is that of the bounding boxes: a little
    too large.
    """
    placed = [i for i, image in enumerate(images) if image.crs is not None]
    if len(placed) < 2:
        return []
    boxes = np.array([_degrees(images[i]) for i in placed])
    known = np.isfinite(boxes).all(axis=1)
    placed, boxes = [i for i, ok in zip(placed, known) if ok], boxes[known]
    if len(placed) < 2:
        return []
    # boxes can only meet where their centres are no farther apart than two of the largest half-diagonals
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    reach = float(np.hypot(*(boxes[:, 2:] - boxes[:, :2]).T).max())
    out = []
    for one, other in sorted(cKDTree(centres).query_pairs(reach)):
        first, second = placed[one], placed[other]
        if images[first].place != images[second].place:
            ground = _shared(images, first, second)
            if ground is not None:
                out.append(ground)
    return out


def _degrees(image: Picture) -> tuple[float, ...]:
    try:
        return transform_bounds(image.crs, _GEOGRAPHIC, *_bounds(image))
    except RasterioError:
        # a plane without a way to degrees (a local grid): nothing is known about where it lies
        return (np.nan,) * 4


def _bounds(image: Picture) -> tuple[float, float, float, float]:
    return GeoGrid(image.crs, image.transform, (image.height, image.width)).extent


def _shared(images: list[Picture], first: int, second: int) -> SharedGround | None:
    a, b = images[first], images[second]
    theirs = _bounds(b) if a.crs == b.crs else transform_bounds(b.crs, a.crs, *_bounds(b))
    west, south, east, north = theirs
    # not GeoGrid.positions: it rounds otherwise, and a shift of half a pixel could become another one
    inverse = ~a.transform
    corners = [(x, y) for x in (west, east) for y in (south, north)]
    cols = [inverse.a * x + inverse.b * y + inverse.c for x, y in corners]
    rows = [inverse.d * x + inverse.e * y + inverse.f for x, y in corners]
    height = min(a.height, max(rows)) - max(0.0, min(rows))
    width = min(a.width, max(cols)) - max(0.0, min(cols))
    if height < _SLACK or width < _SLACK:
        return None
    pixels = round(height * width)
    area = (max(rows) - min(rows)) * (max(cols) - min(cols))
    shift = (round(min(rows)), round(min(cols))) if _same_pixels(a, b) else None
    return SharedGround(
        first, second, shift, pixels, pixels / whole(a).pixels, min(1.0, pixels / area), 1.0, "georeference"
    )


def _same_pixels(a: Picture, b: Picture) -> bool:
    """Whether a pixel of the one is one of the other but for where it lies."""
    if a.crs != b.crs:
        return False
    ours, theirs = ([getattr(p.transform, name) for name in "abde"] for p in (a, b))
    largest = max(map(abs, ours))
    # over a thousand pixels this is a tenth of one
    return all(abs(x - y) < 1e-4 * largest for x, y in zip(ours, theirs)) and ours[0] > 0 > ours[3]
