# SPDX-License-Identifier: GPL-3.0-or-later
"""The one grid of windows over a raster, and the weights that blend them.

Along each axis windows of one size start at multiples of one stride, counted from `rim` pixels before the raster; the
last is pulled back to end as far beyond it. What lies beyond the raster is reflected.
Neighbours overlap by 2 · `half` pixels or more and meet in the middle of it. The outermost pixels of a window that has
a neighbour there lack context and count for nothing. Within `blend_half_width` pixels on either side of the
middle, the weight of one window falls as that of the other rises. The weights of all windows sum to 1 everywhere.
Stride, `half` and size are multiples of what the model declares, so every window starts at a multiple of it. The grid
is that of the whole raster whatever part of it is wanted; a part of the map is therefore equal to the same part of
the whole.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..errors import LulcError


@dataclass(frozen=True)
class Axis:
    """Windows along one axis of `length` pixels; window k covers `[starts[k], starts[k] + window)`.

    Neighbours share at least 2 · `half` pixels.
    """

    length: int
    window: int
    half: int
    starts: tuple[int, ...]

    @property
    def count(self) -> int:
        """Number of windows."""
        return len(self.starts)

    @property
    def stride(self) -> int:
        """Pixels from one window to the next; the last one may be nearer."""
        return self.window - 2 * self.half if self.count > 1 else self.window

    def indexes(self, k: int) -> npt.NDArray[np.intp]:
        """The raster's pixel for each pixel of window k, reflected at the ends (without repeating the edge)."""
        return reflect(np.arange(self.starts[k], self.starts[k] + self.window), self.length)

    def border(self, k: int) -> int:
        """The pixel from which window k + 1 has more say than window k: the middle of what they share."""
        return (self.starts[k] + self.window + self.starts[k + 1]) // 2

    @property
    def blend_half_width(self) -> int:
        """Pixels on either side of a border in which both windows count."""
        return min(self.half, self.stride) // 4

    def kept(self, k: int) -> slice:
        """The pixels of window k that count; for the last window up to its end, which lies beyond the raster."""
        first = self.border(k - 1) - self.blend_half_width - self.starts[k] if k > 0 else -self.starts[0]
        stop = self.border(k) + self.blend_half_width - self.starts[k] if k < self.count - 1 else self.window
        return slice(first, stop)

    def touching(self, low: int, high: int) -> range:
        """Windows whose weight is positive somewhere in pixels `low:high`."""
        there = [
            k
            for k, start in enumerate(self.starts)
            if start + self.kept(k).start < high and start + self.kept(k).stop > low
        ]
        return range(there[0], there[-1] + 1)

    def blend_weights(self, k: int) -> npt.NDArray[np.float32]:
        """Weight of each kept pixel of window k: 1, and falling as sin² towards each neighbour."""
        kept = self.kept(k)
        weights = np.ones(kept.stop - kept.start, np.float64)
        zone = 2 * self.blend_half_width
        if zone:
            rise = np.sin(np.pi / 2 * (np.arange(zone) + 0.5) / zone) ** 2
            if k > 0:
                weights[:zone] = rise
            if k < self.count - 1:
                weights[-zone:] = rise[::-1]
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


def plan_axis(length: int, window: int, overlap: int, multiple: int, minimum: int = 1, rim: int = 0) -> Axis:
    """Spread windows evenly over `length` pixels.

    Args:
        length: pixels of the raster along the axis.
        window: largest window; rounded down to `multiple`.
        overlap: pixels that neighbours share; rounded up to twice `multiple`, unless 0.
        multiple: windows start at multiples of it and are multiples of it long.
        minimum: smallest window.
        rim: pixels reflected at either end of the raster; rounded down to `multiple`.

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
    rim = min(rim, size // 4) // multiple * multiple
    whole = _round_up(rim + length + rim, multiple)
    if whole <= size:
        return Axis(length, max(whole, smallest), half, (-rim,))
    count = math.ceil((whole - 2 * half) / (size - 2 * half))
    stride = max(_round_up(math.ceil((whole - 2 * half) / count), multiple), smallest - 2 * half)
    count = math.ceil((whole - 2 * half) / stride)
    last = max(0, whole - stride - 2 * half)
    return Axis(length, stride + 2 * half, half, tuple(min(k * stride, last) - rim for k in range(count)))


def _round_up(number: int, multiple: int) -> int:
    return math.ceil(number / multiple) * multiple


def plan_grid(
    height: int, width: int, window: int, overlap: int, multiple: int, minimum: int = 1, rim: int = 0
) -> Grid:
    """The grid of windows over a raster of `height` rows and `width` columns; see `plan_axis`."""
    return Grid(
        plan_axis(height, window, overlap, multiple, minimum, rim),
        plan_axis(width, window, overlap, multiple, minimum, rim),
    )
