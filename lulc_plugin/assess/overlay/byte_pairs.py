# SPDX-License-Identifier: GPL-3.0-or-later
"""The common case, made quick: one or two layers of bytes whose value alone says whether they are valid.

A pair of bytes is one 16-bit number, and everything is counted, nodata included; what the numbers mean is asked only
of the finished counts. Where both layers stay below 16 (after adding 1, so that 255 for nodata becomes 0), a pair fits
into one byte, and *two* neighbouring pixels are counted as one 16-bit number: half the counting.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ...raster import PixelAreas, PixelRegion
from .raster_on_map import LayerOnMap
from .tally import Entry

Bytes = npt.NDArray[np.uint8]
#: Pixels counted at a time: their codes stay in a processor's second cache.
_CHUNK = 1 << 18


def fits(layers: Sequence[LayerOnMap], areas: PixelAreas | None) -> bool:
    """Whether `BytePairs` can count these layers."""
    if len(layers) > 2 or not all(getattr(layer, "is_bytes", False) for layer in layers):
        return False
    return areas is None or areas.kind == "ellipsoidal rows"


class BytePairs:
    """Counts of one thread.

    Args:
        layers: one or two that have `read_bytes` and `hidden`.
        areas: of the map's pixels, alike in each row; None: they are all alike, and the areas found are 0.
    """

    def __init__(self, layers: Sequence[Any], areas: PixelAreas | None) -> None:
        self._layers = layers
        self._areas = areas
        self._pairs: npt.NDArray[np.int64] = np.zeros((256, 256), np.int64)
        self._area = np.zeros((256, 256))
        self._doubles: npt.NDArray[np.int64] = np.zeros(1 << 16, np.int64)
        self._buffers = [np.empty(0, np.uint8)] * 2
        self._small: Bytes = np.empty(_CHUNK, np.uint8)
        self._spare: Bytes = np.empty(_CHUNK, np.uint8)
        self._large = np.empty(_CHUNK, np.uint16)

    def add(self, region: PixelRegion) -> None:
        """Read and count a block.

        Raises:
            LulcError: a file is damaged.
        """
        size = region.height * region.width
        read: list[Bytes] = []
        for i, layer in enumerate(self._layers):
            if self._buffers[i].size < size:
                self._buffers[i] = np.empty(size, np.uint8)  # used again and again: fresh memory costs page faults
            block = self._buffers[i][:size]
            layer.read_bytes(region, block.reshape(region.height, region.width))
            read.append(block)
        first, second = read[0], read[-1]
        if self._areas is not None:
            rows = self._areas.groups(region.row0, region.row1, region.col0, region.col1)[2][:, 0]
            for row, area in enumerate(rows.tolist()):
                begin = row * region.width
                self._add_row(first[begin : begin + region.width], second[begin : begin + region.width], area)
            return
        for begin in range(0, size, _CHUNK):
            self._add(first[begin : begin + _CHUNK], second[begin : begin + _CHUNK])

    def _packed(self, a: Bytes, b: Bytes) -> Bytes | None:
        """16 · (a + 1) + (b + 1) in a byte, or None where that does not fit."""
        high, low = self._small[: a.size], self._spare[: a.size]
        np.add(a, 1, out=high)
        np.add(b, 1, out=low)
        if high.max() > 15 or low.max() > 15:
            return None
        np.left_shift(high, 4, out=high)
        return np.bitwise_or(high, low, out=high)

    def _add(self, a: Bytes, b: Bytes) -> None:
        packed = self._packed(a, b)
        if packed is None or packed.size % 2:
            self._pairs += np.bincount(self._wide(a, b), minlength=1 << 16).reshape(256, 256)
        else:
            self._doubles += np.bincount(packed.view(np.uint16), minlength=1 << 16)

    def _wide(self, a: Bytes, b: Bytes) -> npt.NDArray[np.uint16]:
        code = self._large[: a.size]
        np.left_shift(a, 8, out=code, dtype=np.uint16)
        return np.bitwise_or(code, b, out=code)

    def _add_row(self, a: Bytes, b: Bytes, area: float) -> None:
        for begin in range(0, a.size, _CHUNK):
            packed = self._packed(a[begin : begin + _CHUNK], b[begin : begin + _CHUNK])
            if packed is None:
                counts = np.bincount(self._wide(a[begin : begin + _CHUNK], b[begin : begin + _CHUNK]))
                found = np.flatnonzero(counts)
                self._pairs.ravel()[found] += counts[found]
                self._area.ravel()[found] += counts[found] * area
            else:
                counts = _unpacked(np.bincount(packed, minlength=256))
                self._pairs[_NIBBLES] += counts
                self._area[_NIBBLES] += counts * area

    def found(self) -> list[Entry]:
        """Pairs counted since the last call where the first layer is valid."""
        pairs = self._pairs
        # two pixels in each number: the sums over either half are pixels
        twice = self._doubles.reshape(256, 256)
        pairs[_NIBBLES] += _unpacked(twice.sum(axis=0) + twice.sum(axis=1))
        out: dict[tuple[int | None, ...], list[float]] = {}
        hidden = [layer.hidden for layer in self._layers]
        for i, j in np.argwhere(pairs).tolist():
            key = tuple(None if v == h else v for v, h in zip((i, j), hidden))
            if key[0] is not None:
                entry = out.setdefault(key, [0, 0.0])
                entry[0] += int(pairs[i, j])
                entry[1] += float(self._area[i, j])
        for counted in (self._pairs, self._area, self._doubles):
            counted[...] = 0
        return [(key, int(pixels), size) for key, (pixels, size) in out.items()]


#: Values 255, 0, 1, … 14, in the order in which `_packed` numbers them.
_VALUES = np.arange(-1, 15) % 256
_NIBBLES = np.ix_(_VALUES, _VALUES)


def _unpacked(counts: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    return counts.reshape(16, 16)
