# SPDX-License-Identifier: GPL-3.0-or-later
"""A number for every pixel of a raster, as good as random, and the pixels of each class with the lowest numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ...errors import LulcError
from ...progress import Progress
from ...raster import PixelAreas, PixelRegion
from ..overlay import RasterOnMap, blocks

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
#: Rows, columns and numbers of pixels.
Draws = tuple[Ints, Ints, Floats]

_PIXELS_AT_A_TIME = 1 << 17
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


class Lottery:
    """Draws pixels of classes without replacement, the same for a seed however the raster is read.

    Each pixel has a number −ln(1 − u) / α, where u in (0, 1) is a hash of the seed and the pixel's place and α its area
    relative to the mean of its class (1 where pixels are alike). The n pixels of a class with the lowest numbers are a
    simple random sample without replacement when pixels are alike; else a sample drawn one after the other with
    probability proportional to area (Efraimidis & Spirakis 2006, algorithm A; the logarithm of their keys). Only pixels
    below a limit are kept, so memory does not grow with the raster.

    Args:
        values: class values, ascending.
        pixels: number of valid pixels of each.
        area: square metres of each, or None when pixels are to be drawn alike.
        seed: any whole number from 0.
    """

    def __init__(self, values: Sequence[int], pixels: Sequence[int], area: Sequence[float] | None, seed: int) -> None:
        self._values = np.asarray(values, np.int64)
        self._pixels = np.asarray(pixels, np.int64)
        self._mean = None if area is None else np.asarray(area, np.float64) / self._pixels
        self._key = int(_mixed(np.array([seed + 1], np.uint64) * _GOLDEN)[0])

    def draw(
        self, layer: RasterOnMap, areas: PixelAreas | None, wanted: Sequence[int], progress: Progress, start: float
    ) -> list[Draws]:
        """The pixels of each class with the lowest numbers, at least `wanted` of each (all, where it has fewer).

        Args:
            layer: the map, open.
            areas: its pixels' areas; looked at only when pixels are drawn by area.
            wanted: number of pixels of each class.
            progress: asked whether to stop; goes from `start` to 100 %.
            start: percent done before.

        Raises:
            LulcError: the layer cannot be read, or has changed since its classes were counted.
            CancelledError: the user stopped.
        """
        reach = np.array([_reach(n, size) for n, size in zip(wanted, self._pixels)])
        while True:
            found = self._pass(layer, areas, reach, progress, start)
            short = [len(draws[0]) < min(n, size) for draws, n, size in zip(found, wanted, self._pixels)]
            if not any(short):
                return found
            # rare, by chance; a sample of the lowest numbers does not depend on how far one looked
            if not np.isfinite(reach[short]).any():
                raise LulcError("The map changed while the sample was drawn.", "Run it again.")
            reach = np.where(short, np.where(reach > 1, np.inf, reach * 4), reach)

    def _pass(
        self, layer: RasterOnMap, areas: PixelAreas | None, reach: Floats, progress: Progress, start: float
    ) -> list[Draws]:
        facts = layer.facts
        parts: list[list[Draws]] = [[] for _ in self._values]
        done = 0
        for block in blocks([layer], facts):
            progress.check()
            values, valid = layer.read(block)
            for region in _slices(block):
                rows = slice(region.row0 - block.row0, region.row1 - block.row0)
                for index, draws in self._lowest(values[rows], valid[rows], region, facts.width, areas, reach):
                    parts[index].append(draws)
            done += block.height * block.width
            progress.report(start + (100 - start) * done / (facts.height * facts.width))
        return [_sorted(kept) for kept in parts]

    def _lowest(
        self,
        values: npt.NDArray[Any],
        valid: npt.NDArray[np.bool_],
        region: PixelRegion,
        width: int,
        areas: PixelAreas | None,
        reach: Floats,
    ) -> Iterator[tuple[int, Draws]]:
        """By class index: the pixels of a region whose number is below their class's reach."""
        if self._mean is None or areas is None:
            area = None
            relative_most = np.ones(len(self._values))
        else:
            area = areas.groups(region.row0, region.row1, region.col0, region.col1)
            relative_most = area[2].max() / self._mean
        place = np.arange(region.row0, region.row1, dtype=np.uint64)[:, None] * np.uint64(width)
        place = place + np.arange(region.col0, region.col1, dtype=np.uint64)
        ticket = _mixed(place * _GOLDEN + np.uint64(self._key))
        # a quick look first: nobody above the highest limit of all is worth another
        limits = _limits(reach * relative_most)
        keep = valid & (ticket <= limits.max())
        r, c = np.nonzero(keep)
        ticket = ticket[r, c]
        index = self._index_of(values[r, c])
        near = ticket <= limits[index]
        r, c, index, ticket = r[near], c[near], index[near], ticket[near]
        number = -np.log1p(-_share(ticket))
        if area is not None and self._mean is not None:
            row_group, col_group, size = area
            # a pixel beyond a pole has no area: it comes last
            number = number * self._mean[index] / np.maximum(size[row_group[r], col_group[c]], 1e-300)
        inside = number < reach[index]
        r, c, index, number = r[inside], c[inside], index[inside], number[inside]
        for i in np.unique(index):
            own = index == i
            yield int(i), (r[own] + region.row0, c[own] + region.col0, number[own])

    def _index_of(self, values: npt.NDArray[Any]) -> Ints:
        whole = np.rint(values).astype(np.int64) if values.dtype.kind == "f" else values.astype(np.int64)
        index = np.minimum(np.searchsorted(self._values, whole), len(self._values) - 1)
        if not np.array_equal(self._values[index], whole):
            raise LulcError("The map changed while the sample was drawn.", "Run it again.")
        return index


def _reach(wanted: int, size: int) -> float:
    """A limit below which at least `wanted` of `size` numbers lie, but for one case in a million."""
    share = (wanted + 6 * math.sqrt(wanted) + 20) / size
    return -math.log1p(-share) if share < 1 else math.inf


def _mixed(state: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """The output function of SplitMix64 (Steele, Lea & Flood 2014): neighbouring states become unrelated numbers."""
    with np.errstate(over="ignore"):
        state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))


def _share(ticket: npt.NDArray[np.uint64]) -> Floats:
    """(0, 1) from 64 bits; both ends excluded."""
    return ((ticket >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53


def _limits(reach: Floats) -> npt.NDArray[np.uint64]:
    """The highest ticket that can have a number below `reach`, rounded upwards."""
    shares = -np.expm1(-reach) * (1 + 1e-9) + 2.0**-52
    limits = np.full(reach.shape, np.iinfo(np.uint64).max, np.uint64)
    low = shares < 1 - 1e-6
    limits[low] = (shares[low] * 2.0**64).astype(np.uint64)
    return limits


def _slices(block: PixelRegion) -> Iterator[PixelRegion]:
    """Parts of a block that fit into a processor's cache."""
    rows = max(1, _PIXELS_AT_A_TIME // block.width)
    for row0 in range(block.row0, block.row1, rows):
        yield PixelRegion(row0, min(block.row1, row0 + rows), block.col0, block.col1)


def _sorted(parts: list[Draws]) -> Draws:
    if not parts:
        return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0)
    rows, cols, numbers = (np.concatenate(column) for column in zip(*parts))
    order = np.lexsort((cols, rows, numbers))
    return rows[order], cols[order], numbers[order]
