# SPDX-License-Identifier: GPL-3.0-or-later
"""The one grid of windows over a raster, and the tapers that join them.

Along each axis the raster is cut into `count` equal cores of `core` pixels. A window is a core with `half` pixels more
on both sides; what hangs over the raster is reflected. Neighbouring windows share a zone of 2 · `half` pixels around
the border of their cores. A window's outermost `half` / 2 pixels, where the network lacks context, count for nothing
there; in the rest of the zone one window fades out as the other fades in. The weights of all windows sum to 1.
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

    def touching(self, low: int, high: int) -> range:
        """Windows whose weight is positive somewhere in pixels `low:high`."""
        first = max(0, (low - self.half) // self.core)
        last = min(self.count - 1, (high - 1 + self.half) // self.core)
        return range(first, last + 1)

    def taper(self, k: int) -> npt.NDArray[np.float32]:
        """Weight of each pixel of window k: 1 in its own part, 0 · sin² fade · 1 where a neighbour shares pixels."""
        weights = np.ones(self.window, np.float64)
        zone = 2 * self.half
        if zone:
            rim = self.half // 2
            steps = np.clip((np.arange(zone) - rim + 0.5) / (zone - 2 * rim), 0, 1)
            fade = np.sin(np.pi / 2 * steps) ** 2
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
        LulcError: more than half of the window would be overlap.
    """
    size = max(multiple, window // multiple * multiple)
    half = math.ceil(overlap / 2 / multiple) * multiple
    if 4 * half > size:
        raise LulcError(
            f"An overlap of {2 * half} pixels is more than half of the window of {size} pixels.",
            f"Choose an overlap of at most {size // 4 // multiple * multiple * 2} pixels, or a larger window.",
        )
    count = math.ceil(length / (size - 2 * half))
    core = math.ceil(math.ceil(length / count) / multiple) * multiple
    if count > 1:
        # cores narrower than the fading zone would make three windows meet
        core = max(core, 2 * half)
        count = math.ceil(length / core)
    missing = minimum - (core + 2 * half)
    if missing > 0:
        core += math.ceil(missing / multiple) * multiple
        count = math.ceil(length / core)
    return Axis(length, core, half, count)


def plan_grid(height: int, width: int, window: int, overlap: int, multiple: int, minimum: int = 1) -> Grid:
    """The grid of windows over a raster of `height` rows and `width` columns; see `plan_axis`."""
    return Grid(
        plan_axis(height, window, overlap, multiple, minimum),
        plan_axis(width, window, overlap, multiple, minimum),
    )
