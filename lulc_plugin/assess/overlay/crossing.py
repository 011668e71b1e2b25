# SPDX-License-Identifier: GPL-3.0-or-later
"""The cross table of layers on one grid, counted block by block."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...progress import Progress
from ...raster import BoolArray, LayerFacts, PixelAreas, PixelRegion, gdal
from .counting import BytePairs, Tally, are_byte_pairs, combinations
from .raster_on_map import LayerOnMap

#: Pixels of a block: large enough that calls cost nothing, small enough for memory.
BLOCK_PIXELS = 1 << 22
#: Pieces of a file up to this side are read whole.
_WIDEST = 4096
#: More threads than this read no faster.
_MOST_THREADS = 8
#: Percent of the whole job that counting is.
_PERCENT = 90.0


@dataclass(frozen=True)
class CrossTable:
    """Distinct combinations of k layers over the pixels where the first one is valid.

    Attributes:
        values: `(n, k)` int64; 0 where not valid.
        valid: `(n, k)`; the first column is True throughout.
        pixels: `(n,)` int64, how many pixels have the combination.
        area: `(n,)` float64, their area in square metres; None when pixel areas are unknown.
    """

    values: npt.NDArray[np.int64]
    valid: BoolArray
    pixels: npt.NDArray[np.int64]
    area: npt.NDArray[np.float64] | None


def cross(
    layers: Sequence[LayerOnMap],
    facts: LayerFacts,
    areas: PixelAreas | None,
    progress: Progress,
    most: int = 1000,
    threads: int | None = None,
    block: int = BLOCK_PIXELS,
) -> CrossTable:
    """Count how often each combination of values occurs.

    Args:
        layers: the map first; all are read on the map's grid.
        facts: the map's.
        areas: of the map's pixels, or None.
        progress: asked at every block whether to stop; gets 0 to 90 %.
        most: distinct values that a layer may have; one with an attribute `unlimited` that is true may have more.
        threads: None: as many as there are processors, 8 at most.
        block: pixels read at a time.

    Returns:
        combinations in ascending order; the same numbers whatever the number of threads.

    Raises:
        LulcError: a layer has more than `most` distinct values, or cannot be read.
        CancelledError: the user stopped.
    """
    uneven = areas if areas is not None and areas.kind != "planar" else None
    tally = Tally([layer.title for layer in layers], [getattr(x, "unlimited", False) for x in layers], most)
    regions = list(blocks(layers, facts, block))
    count = max(1, min(len(regions), threads or min(os.cpu_count() or 1, _MOST_THREADS)))
    with ExitStack() as stack:
        cache = _cache_size(layers, regions, count)
        if cache:
            stack.enter_context(gdal.limited_cache(cache))
        _count_in_threads(layers, uneven, tally, _RegionQueue(regions, progress), count)
    values, valid, pixels, area = tally.table()
    if areas is None:
        return CrossTable(values, valid, pixels, None)
    return CrossTable(values, valid, pixels, area if uneven else pixels * areas.at(0, 0))


def _cache_size(layers: Sequence[LayerOnMap], regions: Sequence[PixelRegion], threads: int) -> int | None:
    """Bytes for GDAL: two blocks of each layer for each thread; None where a layer may need older blocks again."""
    each = [getattr(layer, "stream_bytes", 0) for layer in layers]
    if None in each:
        return None
    return 2 * threads * sum(each) * max(r.height * r.width for r in regions)


def _count_in_threads(
    layers: Sequence[LayerOnMap], uneven: PixelAreas | None, tally: Tally, queue: _RegionQueue, count: int
) -> None:
    """Count in `count` threads, of which this is one.

    Raises:
        LulcError: what went wrong first in any of them.
        CancelledError: the user stopped.
    """
    threads = [
        threading.Thread(target=_count_in_own_thread, args=(layers, uneven, tally, queue), daemon=True)
        for _ in range(count - 1)
    ]
    for thread in threads:
        thread.start()
    try:
        _count(layers, uneven, tally, queue)
    except BaseException as error:
        queue.stop(error)
    for thread in threads:
        thread.join()
    if queue.error is not None:
        raise queue.error


def blocks(layers: Sequence[LayerOnMap], facts: LayerFacts, block: int = BLOCK_PIXELS) -> Iterator[PixelRegion]:
    """Regions that cover the map once, row by row of its file's own pieces, so that each piece is decoded once.

    Args:
        layers: all that are read together.
        facts: the map's.
        block: pixels of a region, at most (but never less than a piece).
    """
    heights, widths = zip(*(getattr(layer, "block", (1, 1)) for layer in layers))
    height = _multiple(max(heights), facts.height)
    width = facts.width
    if height * width > block and max(widths) <= _WIDEST:
        width = min(width, max(1, block // height // max(widths)) * max(widths))
    height = min(facts.height, max(1, block // (height * width)) * height)
    for row in range(0, facts.height, height):
        for col in range(0, facts.width, width):
            yield PixelRegion(row, min(row + height, facts.height), col, min(col + width, facts.width))


def _multiple(block: int, length: int) -> int:
    """A file that is one single piece is not read in one."""
    return min(length, block if block <= _WIDEST else 256)


class _RegionQueue:
    """Regions still to be counted, for several threads; the first error stops all."""

    def __init__(self, regions: Sequence[PixelRegion], progress: Progress) -> None:
        self._regions = iter(regions)
        self._progress = progress
        self._total = sum(r.height * r.width for r in regions)
        self._done = 0
        self._lock = threading.Lock()
        self.error: BaseException | None = None

    def stop(self, error: BaseException) -> None:
        """Remember the first error; nobody gets another region."""
        with self._lock:
            self.error = self.error or error

    def __iter__(self) -> Iterator[PixelRegion]:
        while True:
            self._progress.check()
            with self._lock:
                region = None if self.error is not None else next(self._regions, None)
            if region is None:
                return
            yield region
            with self._lock:
                self._done += region.height * region.width
                done = self._done
            self._progress.report(_PERCENT * done / self._total)


def _count_in_own_thread(
    layers: Sequence[LayerOnMap], uneven: PixelAreas | None, tally: Tally, queue: _RegionQueue
) -> None:
    """A thread: the same layers with handles of its own."""
    own: list[LayerOnMap] = []
    try:
        with gdal.environment():
            own.extend(layer.reopened() for layer in layers)
            _count(own, uneven, tally, queue)
    except BaseException as error:  # raised by the thread that waits
        queue.stop(error)
    finally:
        for layer in own:
            layer.close()


def _count(layers: Sequence[LayerOnMap], uneven: PixelAreas | None, tally: Tally, queue: _RegionQueue) -> None:
    """Count what `queue` hands out; `uneven`: areas of the pixels if they differ."""
    if are_byte_pairs(layers, uneven):
        pairs = BytePairs(layers, uneven)
        for region in queue:
            pairs.add(region)
            if uneven is not None:  # block by block: the same sums whichever thread counts a block
                tally.add_all(pairs.take_entries())
        tally.add_all(pairs.take_entries())
        return
    for region in queue:
        tally.add_all(combinations(layers, uneven, region, tally))
