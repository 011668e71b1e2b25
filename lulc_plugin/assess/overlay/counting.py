# SPDX-License-Identifier: GPL-3.0-or-later
"""Counting how often each combination of values occurs in a block of layers.

There are two ways. `BytePairs` is quick: one or two layers of bytes whose value alone says whether they are valid. A
pair of bytes is one 16-bit number, and everything is counted, nodata included; what the numbers mean is asked only of
the finished counts. Where both layers stay below 16 (after adding 1, so that 255 for nodata becomes 0), a pair fits
into one byte, and *two* neighbouring pixels are counted as one 16-bit number: half the counting. `combinations` takes
any layers. Both give their counts to a `Tally`, which adds up what several threads count.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable, Sequence
from typing import Any, Optional

import numpy as np
import numpy.typing as npt

from ...errors import LulcError
from ...raster import BoolArray, PixelAreas, PixelRegion
from .raster_on_map import LayerOnMap

Codes = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]
#: Value of each layer at a pixel; None where it has none.
Key = tuple[Optional[int], ...]
#: A combination, how many pixels have it, and their area.
Entry = tuple[Key, int, float]
#: Values that an error shows.
_EXAMPLES = 5
#: `BytePairs`: pixels counted at a time; their codes stay in a processor's second cache.
_BYTES_AT_A_TIME = 1 << 18
#: `combinations`: pixels coded at a time, for the same reason.
_PIXELS_AT_A_TIME = 1 << 17
#: `combinations`: values that lie closer together than this are counted by table, others are sorted.
_SPAN = 1 << 16
#: `combinations`: bins of a count beyond which sorting is cheaper.
_BINS = 1 << 20
#: Values 255, 0, 1, … 14, in the order in which `_packed` numbers them.
_NIBBLE_VALUES = np.arange(-1, 15) % 256
_NIBBLE_PAIRS = np.ix_(_NIBBLE_VALUES, _NIBBLE_VALUES)


class Tally:
    """Pixels and area of each combination.

    Args:
        titles: what people call the layers.
        unlimited: which layers may have any number of values.
        most: distinct values that the others may have.
    """

    def __init__(self, titles: Sequence[str], unlimited: Sequence[bool], most: int) -> None:
        self._titles = titles
        self._most = most
        self._seen: list[set[int] | None] = [None if free else set() for free in unlimited]
        self._entries: dict[Key, list[float]] = {}
        self._pixels: dict[Key, int] = {}
        self._lock = threading.Lock()

    def record_values(self, values: Sequence[Iterable[int]]) -> None:
        """Record the distinct values of each layer in a block.

        Raises:
            LulcError: a layer has too many by now.
        """
        with self._lock:
            for title, seen, new in zip(self._titles, self._seen, values):
                if seen is None:
                    continue
                seen.update(new)
                if len(seen) > self._most:
                    first = ", ".join(map(str, sorted(seen)[:_EXAMPLES]))
                    raise LulcError(
                        f"{title} has more than {self._most:,} distinct values (first: {first}): this looks like a"
                        " continuous raster, not a class map.",
                        "Choose a layer of classes, or another band.",
                    )

    def add_all(self, entries: Iterable[Entry]) -> None:
        """Add combinations of one block or of many."""
        with self._lock:
            for key, pixels, area in entries:
                self._pixels[key] = self._pixels.get(key, 0) + pixels
                self._entries.setdefault(key, []).append(area)

    def table(self) -> tuple[npt.NDArray[np.int64], BoolArray, npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        """Values `(n, k)`, valid `(n, k)`, pixels `(n,)`, area `(n,)`; ascending, what is not valid last."""
        keys = sorted(self._pixels, key=lambda key: [(v is None, v or 0) for v in key])
        k = len(self._titles)
        values = np.array([[v or 0 for v in key] for key in keys], np.int64).reshape(-1, k)
        valid = np.array([[v is not None for v in key] for key in keys], bool).reshape(-1, k)
        # areas are summed exactly, so that the order in which threads finish does not show
        area = np.array([math.fsum(self._entries[key]) for key in keys], np.float64)
        return values, valid, np.array([self._pixels[key] for key in keys], np.int64), area


def are_byte_pairs(layers: Sequence[LayerOnMap], areas: PixelAreas | None) -> bool:
    """Whether `BytePairs` can count these layers."""
    if len(layers) > 2 or not all(getattr(layer, "is_bytes", False) for layer in layers):
        return False
    return areas is None or areas.kind == "ellipsoidal rows"


class BytePairs:
    """Counts of one thread.

    Args:
        layers: one or two that have `read_bytes` and `nodata_byte`.
        areas: of the map's pixels, alike in each row; None: they are all alike, and the areas counted are 0.
    """

    def __init__(self, layers: Sequence[Any], areas: PixelAreas | None) -> None:
        self._layers = layers
        self._areas = areas
        self._pairs: npt.NDArray[np.int64] = np.zeros((256, 256), np.int64)
        self._area = np.zeros((256, 256))
        self._doubles: npt.NDArray[np.int64] = np.zeros(1 << 16, np.int64)
        self._buffers = [np.empty(0, np.uint8)] * 2
        self._small: Bytes = np.empty(_BYTES_AT_A_TIME, np.uint8)
        self._spare: Bytes = np.empty(_BYTES_AT_A_TIME, np.uint8)
        self._large = np.empty(_BYTES_AT_A_TIME, np.uint16)

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
        for begin in range(0, size, _BYTES_AT_A_TIME):
            self._add(first[begin : begin + _BYTES_AT_A_TIME], second[begin : begin + _BYTES_AT_A_TIME])

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
        for begin in range(0, a.size, _BYTES_AT_A_TIME):
            packed = self._packed(a[begin : begin + _BYTES_AT_A_TIME], b[begin : begin + _BYTES_AT_A_TIME])
            if packed is None:
                counts = np.bincount(
                    self._wide(a[begin : begin + _BYTES_AT_A_TIME], b[begin : begin + _BYTES_AT_A_TIME])
                )
                codes = np.flatnonzero(counts)
                self._pairs.ravel()[codes] += counts[codes]
                self._area.ravel()[codes] += counts[codes] * area
            else:
                counts = _unpacked(np.bincount(packed, minlength=256))
                self._pairs[_NIBBLE_PAIRS] += counts
                self._area[_NIBBLE_PAIRS] += counts * area

    def take_entries(self) -> list[Entry]:
        """Pairs counted since the last call where the first layer is valid; counting begins at 0 again."""
        pairs = self._pairs
        # two pixels in each number: the sums over either half are pixels
        twice = self._doubles.reshape(256, 256)
        pairs[_NIBBLE_PAIRS] += _unpacked(twice.sum(axis=0) + twice.sum(axis=1))
        out: dict[tuple[int | None, ...], list[float]] = {}
        nodata = [layer.nodata_byte for layer in self._layers]
        for i, j in np.argwhere(pairs).tolist():
            key = tuple(None if v == h else v for v, h in zip((i, j), nodata))
            if key[0] is not None:
                entry = out.setdefault(key, [0, 0.0])
                entry[0] += int(pairs[i, j])
                entry[1] += float(self._area[i, j])
        for counted in (self._pairs, self._area, self._doubles):
            counted[...] = 0
        return [(key, int(pixels), size) for key, (pixels, size) in out.items()]


def _unpacked(counts: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    return counts.reshape(16, 16)


def combinations(
    layers: Sequence[LayerOnMap], areas: PixelAreas | None, region: PixelRegion, tally: Tally
) -> list[Entry]:
    """Read a block of all layers and count.

    Args:
        layers: the map first.
        areas: of the map's pixels if they differ; None: the areas returned are 0.
        region: the block.
        tally: is given the values that occur.

    Raises:
        LulcError: a layer has too many distinct values, or cannot be read.
    """
    read: list[tuple[npt.NDArray[Any], BoolArray]] = []
    for layer in layers:
        read.append(layer.read(region))
        if not read[0][1].any():
            return []  # nothing of the map here: nothing else is read
    groups = None if areas is None else areas.groups(region.row0, region.row1, region.col0, region.col1)
    out: list[Entry] = []
    rows = max(1, _PIXELS_AT_A_TIME // region.width)
    for row in range(0, region.height, rows):
        part = slice(row, row + rows)
        of_part = groups
        if groups is not None:
            first, last = groups[0][part][0], groups[0][part][-1]
            of_part = groups[0][part] - first, groups[1], groups[2][first : last + 1]
        out += _counted([compact(values[part], valid[part]) for values, valid in read], of_part, tally)
    return out


def _counted(
    coded: list[tuple[Codes, Codes]], groups: tuple[Codes, Codes, npt.NDArray[np.float64]] | None, tally: Tally
) -> list[Entry]:
    """Combinations of coded layers in a piece of a block; `groups`: see `PixelAreas.groups`."""
    tally.record_values([known.tolist() for known, _ in coded])
    if not coded[0][0].size:
        return []
    code: Codes = coded[0][1]
    combos = len(coded[0][0]) + 1
    for known, index in coded[1:]:
        if known.size:
            code = code * (len(known) + 1) + index
            combos *= len(known) + 1
    if groups is None:
        group_areas = np.zeros(1)
    else:
        rows, cols, per_group = groups
        group_areas = per_group.ravel()
        if group_areas.size > 1:
            code = code + combos * (rows[:, None] * per_group.shape[1] + cols[None, :])
    codes, counts = count_codes(code.ravel(), combos * group_areas.size)
    group_sums = counts * group_areas[codes // combos]
    codes, back = np.unique(codes % combos, return_inverse=True)
    back = back.ravel()
    pixels = np.bincount(back, weights=counts).astype(np.int64)  # exact: a block has far fewer than 2⁵³ pixels
    area = np.bincount(back, weights=group_sums)
    keys: list[list[int | None]] = []
    for known, _ in reversed(coded):
        if not known.size:
            keys.append([None] * len(codes))
            continue
        place = codes % (len(known) + 1)
        codes = codes // (len(known) + 1)
        keys.append([None if p == 0 else v for p, v in zip(place.tolist(), known[place - 1].tolist())])
    return [
        (key, n, a) for key, n, a in zip(zip(*reversed(keys)), pixels.tolist(), area.tolist()) if key[0] is not None
    ]


def compact(values: npt.NDArray[Any], valid: BoolArray) -> tuple[Codes, Codes]:
    """Distinct valid values, ascending, and the place of each pixel's value among them from 1; 0 where not valid."""
    everywhere = bool(valid.all())
    if not everywhere and not valid.any():
        return np.zeros(0, np.int64), np.zeros(valid.shape, np.int64)
    low, high = int(values.min()), int(values.max())
    if high - low >= _SPAN and not everywhere:
        some = values[valid]  # a nodata value far from the classes
        low, high = int(some.min()), int(some.max())
    if high - low < _SPAN:
        place = values.astype(np.int64)
        place -= low - 1
        if not everywhere:
            np.copyto(place, 0, where=~valid)
        table = np.bincount(place.ravel(), minlength=high - low + 2)
        table[0] = 0
        present = np.flatnonzero(table)
        table[present] = np.arange(1, len(present) + 1)
        return present + (low - 1), table[place]
    known, inverse = np.unique(values[valid].astype(np.int64), return_inverse=True)
    index = np.zeros(values.shape, np.int64)
    index[valid] = inverse.ravel() + 1
    return known, index


def count_codes(codes: Codes, bins: int) -> tuple[Codes, Codes]:
    """Distinct codes (0 … bins − 1) and how often each occurs."""
    if bins <= max(_BINS, 2 * codes.size):
        counts = np.bincount(codes, minlength=bins)
        present = np.flatnonzero(counts)
        return present, counts[present]
    present, counts = np.unique(codes, return_counts=True)
    return present, counts
