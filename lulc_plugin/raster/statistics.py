# SPDX-License-Identifier: GPL-3.0-or-later
"""The pixels that a layer's statistics are made of: one regular grid, used by training and inference alike."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..progress import Progress
from .geogrid import PixelRegion
from .nodata import UnmarkedNodata, UnmarkedNodataCount, usable, without
from .source import Source

#: At most this many pixels of a layer enter its statistics.
MOST_PIXELS = 4_000_000
_STRIP_VALUES = 16_000_000
#: Pixels of a layer (140,000 × 140,000) up to which all of it is read for statistics; of larger ones, squares are.
MOST_READ = 20_000_000_000
#: Squares along each axis of a larger layer, and their pixels along each side: together `MOST_PIXELS`; fewer where the
#: blocks of the file in which they lie would have more than so many values.
_SQUARES = 62
_FEWEST_SQUARES = 16
_SQUARE = 32
_BLOCK_VALUES = 4_000_000_000


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


def sample_layer(
    source: Source, bands: Sequence[int], progress: Progress, most: int = MOST_PIXELS, most_read: int = MOST_READ
) -> npt.NDArray[Any]:
    """The valid sampled pixels of a layer on disk, read a strip at a time at full resolution.

    Overviews are not used: they are averages, and their percentiles are not the layer's. Of a layer beyond `most_read`,
    small squares spread over it are read: to read all of it would take days.

    Args:
        source: the open layer.
        bands: band numbers.
        progress: asked whether to stop.
        most: upper limit of sampled pixels.
        most_read: pixels of the largest layer that is read as a whole.

    Returns:
        `(bands, pixels)` stored values of pixels that are valid in all of the bands; the same that `sample_array`
        gives for a layer in memory.
    """
    height, width = source.facts.height, source.facts.width
    if height * width > most_read:
        squares = _squares(source.facts.region, _count_squares(source, bands), _SQUARE)
        sampled = []
        for square in squares:
            progress.check()
            values, valid = source.read(bands, square)
            sampled.append(values[:, usable(valid, "any")])
        return np.concatenate(sampled, axis=1)
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


@dataclass(frozen=True)
class Survey:
    """What a few squares of a region hold, or all of a small one.

    Attributes:
        values: one array of stored values a band; only pixels that are valid in all of them and not
            `unmarked_nodata` in all.
        probe: the same of the squares alone, as `probe_layer` gives them.
        pixels: pixels looked at.
        valid: those of them that are valid, by the nodata policy.
        valid_in_all, valid_in_some: those that are valid in all bands, and in at least one.
        zeros: those of the valid ones that are stored as exactly 0 in every band.
        rim_pixels: pixels looked at on the region's outermost rows and columns.
        rim_zeros: those of them that are valid and 0 in every band.
        complete: every pixel of the region was looked at.
        unmarked_nodata: a value other than 0 that seems to stand for no data although it is not marked; None without.
    """

    values: list[npt.NDArray[Any]]
    probe: list[npt.NDArray[Any]]
    pixels: int
    valid: int
    zeros: int
    rim_pixels: int
    rim_zeros: int
    complete: bool
    unmarked_nodata: UnmarkedNodata | None = None
    valid_in_all: int = 0
    valid_in_some: int = 0


class _PixelCount:
    """Values and counts of pieces of a region."""

    def __init__(self, region: PixelRegion, policy: str) -> None:
        self._region = region
        self._policy = policy
        self.parts: list[npt.NDArray[Any]] = []
        self.pixels = self.valid = self.zeros = self.rim_pixels = self.rim_zeros = 0
        self.valid_in_all = self.valid_in_some = 0
        self._unmarked = UnmarkedNodataCount()

    def add(self, piece: PixelRegion, values: npt.NDArray[Any], valid: npt.NDArray[np.bool_]) -> None:
        """Count `values` and `valid`, `(bands, rows, cols)`."""
        everywhere = usable(valid, "any")
        empty = everywhere & (values == 0).all(axis=0)
        on_rim = _is_on_rim(piece, self._region)
        self.parts.append(values[:, everywhere])
        self.pixels += everywhere.size
        self.valid_in_all += int(everywhere.sum())
        self.valid_in_some += int(usable(valid, "all").sum())
        self.valid = self.valid_in_all if self._policy == "any" else self.valid_in_some
        self.zeros += int(empty.sum())
        self.rim_pixels += int(on_rim.sum())
        self.rim_zeros += int((empty & on_rim).sum())
        self._unmarked.add(values, everywhere, on_rim)

    @property
    def unmarked_nodata(self) -> UnmarkedNodata | None:
        """The most common unmarked nodata value of the pieces counted so far."""
        return self._unmarked.most_common(self.pixels, self.rim_pixels)


def survey_layer(
    source: Source,
    bands: Sequence[int],
    progress: Progress,
    region: PixelRegion | None = None,
    policy: str = "any",
    across: int = 8,
    size: int = 64,
) -> Survey:
    """Look at a few small squares spread over a region: what kind of numbers it holds, and how much of it is empty.

    A region of no more pixels than the squares have is looked at as a whole. Where none of the squares meets a valid
    pixel the whole region is searched, or more squares of one beyond `MOST_READ`.

    Args:
        source: the open layer.
        bands: band numbers.
        progress: asked whether to stop.
        region: the pixels to look at; None: the whole layer.
        policy: nodata policy, `any` or `all`, by which pixels are counted as valid.
        across: squares along each axis.
        size: height and width of a square, pixels.
    """
    region = region or source.facts.region
    squares = _PixelCount(region, policy)
    for square in _squares(region, across, size):
        progress.check()
        squares.add(square, *source.read(bands, square))
    probe = list(np.concatenate(squares.parts, axis=1))
    counted, complete = squares, squares.pixels == region.height * region.width
    if not complete and region.height * region.width <= (across * size) ** 2:
        counted, complete = _PixelCount(region, policy), True
        counted.add(region, *source.read(bands, region))
    elif not complete and not probe[0].size and region.height * region.width > MOST_READ and size != _SQUARE:
        return survey_layer(source, bands, progress, region, policy, _count_squares(source, bands), _SQUARE)
    elif not complete and not probe[0].size and region.height * region.width <= MOST_READ:
        return _survey_all(source, bands, progress, region, policy, (across * size) ** 2)
    unmarked = counted.unmarked_nodata
    probe = without(probe, unmarked)
    values = without(list(np.concatenate(counted.parts, axis=1)), unmarked)
    return Survey(
        values,
        probe if probe[0].size else values,
        counted.pixels,
        counted.valid,
        counted.zeros,
        counted.rim_pixels,
        counted.rim_zeros,
        complete,
        unmarked,
        counted.valid_in_all,
        counted.valid_in_some,
    )


def _is_on_rim(square: PixelRegion, region: PixelRegion) -> npt.NDArray[np.bool_]:
    """`(rows, cols)` of the pixels of a square that lie on the outermost rows or columns of a region."""
    rows, cols = np.arange(square.row0, square.row1), np.arange(square.col0, square.col1)
    on_row = (rows == region.row0) | (rows == region.row1 - 1)
    on_col = (cols == region.col0) | (cols == region.col1 - 1)
    return np.asarray(on_row[:, None] | on_col[None, :])


def _survey_all(
    source: Source, bands: Sequence[int], progress: Progress, region: PixelRegion, policy: str, most: int
) -> Survey:
    """Every pixel of a region, a strip at a time; of the valid ones about `most` are kept."""
    step = grid_step(region.height, region.width, most)
    rows = region.row0 + np.arange(_grid_start(region.height, step), region.height, step)
    cols = slice(_grid_start(region.width, step), None, step)
    strip = max(1, _STRIP_VALUES // max(1, region.width * len(bands)))
    parts = []
    in_all = in_some = 0
    for row0 in range(region.row0, region.row1, strip):
        progress.check()
        piece = PixelRegion(row0, min(region.row1, row0 + strip), region.col0, region.col1)
        values, valid = source.read(bands, piece)
        in_all += int(usable(valid, "any").sum())
        in_some += int(usable(valid, "all").sum())
        wanted = rows[(rows >= piece.row0) & (rows < piece.row1)] - piece.row0
        keep = usable(valid[:, wanted, cols], "any")
        parts.append(values[:, wanted, cols][:, keep])
    sampled = list(np.concatenate(parts, axis=1))
    kept = in_all if policy == "any" else in_some
    pixels = region.height * region.width
    return Survey(sampled, sampled, pixels, kept, 0, 0, 0, True, None, in_all, in_some)


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
        One array of stored values a band; only pixels that are valid in all of them, without unmarked nodata.
    """
    return survey_layer(source, bands, progress, across=across, size=size).probe


def _count_squares(source: Source, bands: Sequence[int]) -> int:
    """Squares along each axis of a layer that is too large to be read."""
    rows, cols = source.block(bands[0])
    values = math.ceil(_SQUARE / rows) * math.ceil(_SQUARE / cols) * rows * cols * len(bands)
    return max(_FEWEST_SQUARES, min(_SQUARES, math.isqrt(_BLOCK_VALUES // values)))


def _squares(region: PixelRegion, across: int, size: int) -> Iterator[PixelRegion]:
    """Small squares spread over a region, row by row."""
    for row0 in _spread(region.height, across, size):
        for col0 in _spread(region.width, across, size):
            yield PixelRegion(
                region.row0 + row0,
                region.row0 + min(region.height, row0 + size),
                region.col0 + col0,
                region.col0 + min(region.width, col0 + size),
            )


def _spread(length: int, count: int, size: int) -> list[int]:
    """First pixels of at most `count` stretches of `size` pixels, evenly over `length` and without overlap."""
    count = max(1, min(count, length // size))
    return [int(v) for v in np.linspace(0, max(0, length - size), count)]
