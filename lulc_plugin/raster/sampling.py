# SPDX-License-Identifier: GPL-3.0-or-later
"""Which pixels of a whole layer speak for it: one regular grid, used by training and inference alike."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ..progress import Progress
from .source import PixelRegion, Source, usable

#: At most this many pixels of a layer enter its statistics.
MOST_PIXELS = 4_000_000
_STRIP_VALUES = 16_000_000


def grid_step(height: int, width: int, most: int = MOST_PIXELS) -> int:
    """Distance in pixels, the same in rows and columns, of the coarsest needed sampling grid (1 = every pixel).

    The grid starts at row and column `step // 2`, or in the middle of a layer that is narrower than a step.
    """
    step = max(1, math.ceil(math.sqrt(height * width / most)))
    while math.ceil(height / step) * math.ceil(width / step) > most:
        step += 1
    return step


def _grid_start(length: int, step: int) -> int:
    return min(step, length) // 2


def sample_array(values: npt.NDArray[Any], valid: npt.NDArray[np.bool_], most: int = MOST_PIXELS) -> npt.NDArray[Any]:
    """The valid sampled pixels of a layer that is in memory.

    Args:
        values: `(bands, rows, cols)`.
        valid: `(rows, cols)`.
        most: upper limit of sampled pixels.

    Returns:
        `(bands, pixels)` of the same number type.
    """
    step = grid_step(valid.shape[0], valid.shape[1], most)
    rows, cols = (slice(_grid_start(length, step), None, step) for length in valid.shape)
    return values[:, rows, cols][:, valid[rows, cols]]


def sample_layer(source: Source, bands: Sequence[int], progress: Progress, most: int = MOST_PIXELS) -> npt.NDArray[Any]:
    """The valid sampled pixels of a layer on disk, read a strip at a time at full resolution.

    Overviews are not used: they are averages, and their percentiles are not the layer's.

    Args:
        source: the open layer.
        bands: band numbers.
        progress: asked whether to stop.
        most: upper limit of sampled pixels.

    Returns:
        `(bands, pixels)` stored values of pixels that are valid in all of the bands; the same that `sample_array`
        gives for a layer in memory.
    """
    height, width = source.facts.height, source.facts.width
    step = grid_step(height, width, most)
    rows = np.arange(_grid_start(height, step), height, step)
    cols = slice(_grid_start(width, step), None, step)
    strip = max(1, _STRIP_VALUES // max(1, width * len(bands)))
    parts = []
    for row0 in range(0, height, strip):
        progress.check()
        row1 = min(height, row0 + strip)
        wanted = rows[(rows >= row0) & (rows < row1)] - row0
        if wanted.size:
            values, valid = source.read(bands, PixelRegion(row0, row1, 0, width))
            keep = usable(valid[:, wanted, cols], "any")
            parts.append(values[:, wanted, cols][:, keep])
    return np.concatenate(parts, axis=1)


def probe_layer(
    source: Source, bands: Sequence[int], progress: Progress, across: int = 8, size: int = 64
) -> list[npt.NDArray[Any]]:
    """Valid values of a few small squares spread over the layer: enough to see what kind of numbers it holds.

    Where none of the squares meets a valid pixel the whole layer is searched.

    Args:
        source: the open layer.
        bands: band numbers.
        progress: asked whether to stop.
        across: squares along each axis.
        size: height and width of a square, pixels.

    Returns:
        One array of stored values a band; only pixels that are valid in all of them.
    """
    parts = []
    for row0 in _spread(source.facts.height, across, size):
        for col0 in _spread(source.facts.width, across, size):
            region = PixelRegion(
                row0, min(source.facts.height, row0 + size), col0, min(source.facts.width, col0 + size)
            )
            values, valid = source.read(bands, region)
            parts.append(values[:, usable(valid, "any")])
    found = np.concatenate(parts, axis=1)
    if not found.size:
        found = sample_layer(source, bands, progress, (across * size) ** 2)
    return list(found)


def _spread(length: int, count: int, size: int) -> list[int]:
    """First pixels of at most `count` stretches of `size` pixels, evenly over `length` and without overlap."""
    count = max(1, min(count, length // size))
    return [int(v) for v in np.linspace(0, max(0, length - size), count)]
