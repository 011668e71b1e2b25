# SPDX-License-Identifier: GPL-3.0-or-later
"""The one grid of windows over a raster, and the tapers that join them.

Along each axis the raster is cut into `count` equal cores of `core` pixels. A window is a core with `half` pixels of
context on both sides; what hangs over the raster is reflected. The outermost pixels of a window, where the network
lacks context, count for nothing: only `fade` pixels on either side of the border between two cores, one window fades
out as the other fades in. The weights of all windows sum to 1 everywhere.
`core` and `half` are multiples of what the model declares, so every window starts at a multiple of it. The grid is that
of the whole raster whatever part of it is wanted; a part of the map is therefore equal to the same part of the whole.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..errors import LulcError


@dataclass(frozen=True)
class Axis:
    """Windows along one axis of `length` pixels; window k covers `[k·core − half, k·core + core + half)`."""

    length: int
    core: int
    half: int
    count: int

    @property
    def window(self) -> int:
        """Pixels of a window."""
        return self.core + 2 * self.half

    def start(self, k: int) -> int:
        """First pixel of window k; negative where it hangs over."""
        return k * self.core - self.half

    def indexes(self, k: int) -> npt.NDArray[np.intp]:
        """The raster's pixel for each pixel of window k, reflected at the ends (without repeating the edge)."""
        return reflect(np.arange(self.start(k), self.start(k) + self.window), self.length)

    @property
    def fade(self) -> int:
        """Pixels on either side of a border between cores in which two windows share the say."""
        return min(self.half // 4, self.core // 2)

    @property
    def trim(self) -> int:
        """Pixels at either end of a window that count for nothing."""
        return self.half - self.fade

    @property
    def kept(self) -> int:
        """Pixels of a window that count: its core and the fading zones."""
        return self.core + 2 * self.fade

    def touching(self, low: int, high: int) -> range:
        """Windows whose weight is positive somewhere in pixels `low:high`."""
        first = max(0, (low - self.fade) // self.core)
        last = min(self.count - 1, (high - 1 + self.fade) // self.core)
        return range(first, last + 1)

    def taper(self, k: int) -> npt.NDArray[np.float32]:
        """Weight of each of the `kept` pixels of window k: 1, and a sin² fade towards each neighbour."""
        weights = np.ones(self.kept, np.float64)
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
        LulcError: the overlap leaves no core.
    """
    size = max(multiple, window // multiple * multiple)
    half = math.ceil(overlap / 2 / multiple) * multiple
    if size - 2 * half < multiple:
        raise LulcError(
            f"An overlap of {2 * half} pixels leaves nothing of a window of {size} pixels.",
            f"Choose an overlap of at most {(size - multiple) // 2 // multiple * multiple * 2} pixels,"
            " or a larger window.",
        )
    count = math.ceil(length / (size - 2 * half))
    core = math.ceil(math.ceil(length / count) / multiple) * multiple
    missing = minimum - (core + 2 * half)
    if missing > 0:
        core += math.ceil(missing / multiple) * multiple
    return Axis(length, core, half, math.ceil(length / core))


def plan_grid(height: int, width: int, window: int, overlap: int, multiple: int, minimum: int = 1) -> Grid:
    """The grid of windows over a raster of `height` rows and `width` columns; see `plan_axis`."""
    return Grid(
        plan_axis(height, window, overlap, multiple, minimum),
        plan_axis(width, window, overlap, multiple, minimum),
    )
