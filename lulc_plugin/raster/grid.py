# SPDX-License-Identifier: GPL-3.0-or-later
"""The one grid of windows over a raster, and the tapers that join them.

Along each axis windows of one size start at multiples of one stride, the first at the raster's own edge; what hangs over
the far end is reflected. Neighbours overlap by 2 · `half` pixels and meet in the middle of it. The outermost pixels
of a window that has a neighbour there lack context and count for nothing: only `fade` pixels on either side of the middle,
one window fades out as the other fades in. The weights of all windows sum to 1 everywhere.
Stride, `half` and size are multiples of what the model declares, so every window starts at a multiple of it. The grid is
that of the whole raster whatever part of it is wanted; a part of the map is therefore equal to the same part of the
whole.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..errors import LulcError


@dataclass(frozen=True)
class Axis:
    """Windows along one axis of `length` pixels; window k covers `[k·stride, k·stride + window)`."""

    length: int
    window: int
    stride: int
    half: int
    count: int

    def start(self, k: int) -> int:
        """First pixel of window k."""
        return k * self.stride

    def indexes(self, k: int) -> npt.NDArray[np.intp]:
        """The raster's pixel for each pixel of window k, reflected at the end (without repeating the edge)."""
        return reflect(np.arange(self.start(k), self.start(k) + self.window), self.length)

    @property
    def fade(self) -> int:
        """Pixels on either side of the border between two windows in which both have a say."""
        return min(self.half // 4, self.stride // 2)

    @property
    def trim(self) -> int:
        """Pixels that count for nothing at an end of a window where it has a neighbour."""
        return self.half - self.fade

    def kept(self, k: int) -> slice:
        """The pixels of window k that count."""
        return slice(self.trim if k > 0 else 0, self.window - (self.trim if k < self.count - 1 else 0))

    def touching(self, low: int, high: int) -> range:
        """Windows whose weight is positive somewhere in pixels `low:high`."""
        first = (low - self.window + self.trim) // self.stride + 1
        last = -((self.trim - high) // self.stride) - 1
        return range(min(max(0, first), self.count - 1), min(max(0, last), self.count - 1) + 1)

    def taper(self, k: int) -> npt.NDArray[np.float32]:
        """Weight of each kept pixel of window k: 1, and a sin² fade towards each neighbour."""
        kept = self.kept(k)
        weights = np.ones(kept.stop - kept.start, np.float64)
        zone = 2 * self.fade
        if zone:
            fade = np.sin(np.pi / 2 * (np.arange(zone) + 0.5) / zone) ** 2
            if k > 0:
                weights[:zone] = fade
            if k < self.count - 1:
                weights[-zone:] = fade[::-1]
        return weights.astype(np.float32)


@dataclass(frozen=True)
class Grid:
    """Windows over a raster: rows × columns of two axes."""

    rows: Axis
    cols: Axis


def reflect(indexes: npt.NDArray[np.intp], length: int) -> npt.NDArray[np.intp]:
    """Fold pixel indexes of any size into `0..length − 1`, mirrored at the first and last pixel."""
    if length == 1:
        return np.zeros_like(indexes)
    period = 2 * (length - 1)
    folded = np.abs(indexes) % period
    return np.where(folded < length, folded, period - folded)


def plan_axis(length: int, window: int, overlap: int, multiple: int, minimum: int = 1) -> Axis:
    """Spread windows evenly over `length` pixels.

    Args:
        length: pixels of the raster along the axis.
        window: largest window; rounded down to `multiple`.
        overlap: pixels that neighbours share; rounded up to twice `multiple`, unless 0.
        multiple: windows start at multiples of it and are multiples of it long.
        minimum: smallest window.

    Raises:
        LulcError: the overlap leaves no room for a stride.
    """
    size = max(multiple, window // multiple * multiple)
    half = _round_up(math.ceil(overlap / 2), multiple)
    if size - 2 * half < multiple:
        raise LulcError(
            f"An overlap of {2 * half} pixels leaves nothing of a window of {size} pixels.",
            f"Choose an overlap of at most {(size - multiple) // 2 // multiple * multiple * 2} pixels,"
            " or a larger window.",
        )
    smallest = _round_up(minimum, multiple)
    if length <= size:
        alone = max(_round_up(length, multiple), smallest)
        return Axis(length, alone, alone, half, 1)
    count = math.ceil((length - 2 * half) / (size - 2 * half))
    stride = max(_round_up(math.ceil((length - 2 * half) / count), multiple), smallest - 2 * half)
    return Axis(length, stride + 2 * half, stride, half, math.ceil((length - 2 * half) / stride))


def _round_up(number: int, multiple: int) -> int:
    return math.ceil(number / multiple) * multiple


def plan_grid(height: int, width: int, window: int, overlap: int, multiple: int, minimum: int = 1) -> Grid:
    """The grid of windows over a raster of `height` rows and `width` columns; see `plan_axis`."""
    return Grid(
        plan_axis(height, window, overlap, multiple, minimum),
        plan_axis(width, window, overlap, multiple, minimum),
    )
