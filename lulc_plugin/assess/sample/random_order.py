# SPDX-License-Identifier: GPL-3.0-or-later
"""A random order of the pixels of a map, made by a hash of each pixel's place: the same however the map is read."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ...errors import LulcError
from ...progress import Progress
from ...raster import GeoGrid, PixelAreas, PixelRegion
from ..overlay import BLOCK_PIXELS, RasterOnMap, blocks
from .map_classes import MapClasses

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
#: Rows, columns and random numbers of pixels, by ascending number.
RankedPixels = tuple[Ints, Ints, Floats]

#: Pixels hashed at a time: they stay in a processor's cache.
_PIXELS_AT_A_TIME = 1 << 17
#: 2⁶⁴ over the golden ratio, the step of SplitMix64.
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


class RandomOrder:
    """The pixels of each class of a map in random order: the same for a seed, however the raster is read.

    Each pixel has a number −ln(1 − u) / α, where u in (0, 1) is a hash of the seed and the pixel's place and α its area
    relative to the mean of its class (1 where pixels are alike). The n pixels of a class with the lowest numbers are a
    simple random sample without replacement when pixels are alike; else a sample drawn one after the other with
    probability proportional to area (Efraimidis & Spirakis 2006, algorithm A; the logarithm of their keys). Only pixels
    below a limit are kept, so memory does not grow with the raster.

    Args:
        layer: the map, open.
        classes: its classes.
        areas: areas of its pixels, if they are to be drawn with probability proportional to area; None: all alike.
        seed: any whole number from 0.
        block: pixels read at a time.
    """

    def __init__(
        self, layer: RasterOnMap, classes: MapClasses, areas: PixelAreas | None, seed: int, block: int = BLOCK_PIXELS
    ) -> None:
        self._layer = layer
        self._block = block
        self._values = np.asarray(classes.values, np.int64)
        self._pixels = np.asarray(classes.pixels, np.int64)
        self._areas = areas
        by_area = areas is not None and classes.area is not None
        self._mean = np.asarray(classes.area, np.float64) / self._pixels if by_area else None
        self._key = int(_splitmix64(np.array([seed + 1], np.uint64) * _GOLDEN)[0])

    @property
    def grid(self) -> GeoGrid:
        """The map's pixels."""
        return self._layer.facts.grid

    def lowest(self, wanted: Sequence[int], progress: Progress, start: float) -> list[RankedPixels]:
        """The pixels of each class with the lowest numbers, at least `wanted` of each (all, where it has fewer).

        Args:
            wanted: number of pixels of each class.
            progress: asked whether to stop; goes from `start` to 100 %.
            start: percent done before.

        Raises:
            LulcError: the layer cannot be read, or has changed since its classes were counted.
            CancelledError: the user stopped.
        """
        limits = np.array([_number_limit(n, size) for n, size in zip(wanted, self._pixels)])
        while True:
            ranked = self._below(limits, progress, start)
            short = [len(pixels[0]) < min(n, size) for pixels, n, size in zip(ranked, wanted, self._pixels)]
            if not any(short):
                return ranked
            # rare, by chance; which numbers are the lowest does not depend on the limit
            if not np.isfinite(limits[short]).any():
                raise LulcError("The map changed while the sample was drawn.", "Run it again.")
            limits = np.where(short, np.where(limits > 1, np.inf, limits * 4), limits)

    def _below(self, limits: Floats, progress: Progress, start: float) -> list[RankedPixels]:
        """All pixels whose number is below the limit of their class."""
        grid = self.grid
        parts: list[list[RankedPixels]] = [[] for _ in self._values]
        done = 0
        for block in blocks([self._layer], self._layer.facts, self._block):
            progress.check()
            values, valid = self._layer.read(block)
            for region in _slices(block):
                rows = slice(region.row0 - block.row0, region.row1 - block.row0)
                for index, pixels in self._below_in(region, values[rows], valid[rows], limits):
                    parts[index].append(pixels)
            done += block.height * block.width
            progress.report(start + (100 - start) * done / (grid.height * grid.width))
        return [_sorted(kept) for kept in parts]

    def _below_in(
        self, region: PixelRegion, values: npt.NDArray[Any], valid: npt.NDArray[np.bool_], limits: Floats
    ) -> Iterator[tuple[int, RankedPixels]]:
        """By class index: the pixels of a region whose number is below the limit of their class."""
        if self._mean is None or self._areas is None:
            area = None
            relative_most = np.ones(len(self._values))
        else:
            area = self._areas.groups(region.row0, region.row1, region.col0, region.col1)
            relative_most = area[2].max() / self._mean
        width = self.grid.width
        place = np.arange(region.row0, region.row1, dtype=np.uint64)[:, None] * np.uint64(width)
        place = place + np.arange(region.col0, region.col1, dtype=np.uint64)
        hashes = _splitmix64(place * _GOLDEN + np.uint64(self._key))
        # a quick look first: a hash above the highest limit of all classes cannot belong to a number below one
        highest = _hash_limits(limits * relative_most)
        keep = valid & (hashes <= highest.max())
        r, c = np.nonzero(keep)
        hashes = hashes[r, c]
        index = self._index_of(values[r, c])
        near = hashes <= highest[index]
        r, c, index, hashes = r[near], c[near], index[near], hashes[near]
        number = -np.log1p(-_uniform(hashes))
        if area is not None and self._mean is not None:
            row_group, col_group, size = area
            # a pixel beyond a pole has no area: it comes last
            number = number * self._mean[index] / np.maximum(size[row_group[r], col_group[c]], 1e-300)
        inside = number < limits[index]
        r, c, index, number = r[inside], c[inside], index[inside], number[inside]
        for i in np.unique(index):
            own = index == i
            yield int(i), (r[own] + region.row0, c[own] + region.col0, number[own])

    def _index_of(self, values: npt.NDArray[Any]) -> Ints:
        """Index of the class of each value."""
        whole = np.rint(values).astype(np.int64) if values.dtype.kind == "f" else values.astype(np.int64)
        index = np.minimum(np.searchsorted(self._values, whole), len(self._values) - 1)
        if not np.array_equal(self._values[index], whole):
            raise LulcError("The map changed while the sample was drawn.", "Run it again.")
        return index


def _number_limit(wanted: int, size: int) -> float:
    """A limit below which at least `wanted` of `size` numbers lie, but for one case in a million."""
    share = (wanted + 6 * math.sqrt(wanted) + 20) / size
    return -math.log1p(-share) if share < 1 else math.inf


def _splitmix64(state: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """The output function of SplitMix64 (Steele, Lea & Flood 2014): neighbouring states become unrelated numbers."""
    with np.errstate(over="ignore"):
        state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))


def _uniform(hashes: npt.NDArray[np.uint64]) -> Floats:
    """(0, 1) from 64 bits; both ends excluded."""
    return ((hashes >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53


def _hash_limits(limits: Floats) -> npt.NDArray[np.uint64]:
    """The highest hash that can have a number below each limit, rounded upwards."""
    shares = -np.expm1(-limits) * (1 + 1e-9) + 2.0**-52
    highest = np.full(limits.shape, np.iinfo(np.uint64).max, np.uint64)
    low = shares < 1 - 1e-6
    highest[low] = (shares[low] * 2.0**64).astype(np.uint64)
    return highest


def _slices(block: PixelRegion) -> Iterator[PixelRegion]:
    """Parts of a block that fit into a processor's cache."""
    rows = max(1, _PIXELS_AT_A_TIME // block.width)
    for row0 in range(block.row0, block.row1, rows):
        yield PixelRegion(row0, min(block.row1, row0 + rows), block.col0, block.col1)


def _sorted(parts: list[RankedPixels]) -> RankedPixels:
    if not parts:
        return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0)
    rows, cols, numbers = (np.concatenate(column) for column in zip(*parts))
    order = np.lexsort((cols, rows, numbers))
    return rows[order], cols[order], numbers[order]
