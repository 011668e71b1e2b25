# SPDX-License-Identifier: GPL-3.0-or-later
"""What covers made-up land: lakes, woods, villages, and fields between them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

#: Class values and names of the toy's legend.
WATER, TREES, CROPLAND, BUILT_UP = 1, 2, 3, 4
NAMES = {WATER: "Water", TREES: "Trees", CROPLAND: "Cropland", BUILT_UP: "Built-up"}
COLOURS = {WATER: "#419BDF", TREES: "#397D49", CROPLAND: "#E49635", BUILT_UP: "#C4281B"}
#: Pixels a side of a field, roughly.
_FIELD = 22

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Land:
    """A square of land.

    Attributes:
        classes: `(rows, cols)` class values.
        fields: `(rows, cols)` number of the field that a pixel would lie in, whatever covers it.
    """

    classes: npt.NDArray[np.uint8]
    fields: npt.NDArray[np.int64]


def smooth(rng: np.random.Generator, size: int, width: float) -> Floats:
    """A random surface `(size, size)` with hills about `width` pixels wide; mean 0, standard deviation 1.

    It is made larger and cut, so that its borders do not continue each other.
    """
    wide = size + int(4 * width)
    frequency = np.hypot(np.fft.fftfreq(wide)[:, None], np.fft.rfftfreq(wide)[None, :])
    weight = np.exp(-2 * (np.pi * width * frequency / 2) ** 2)
    noise = np.fft.rfft2(rng.standard_normal((wide, wide)))
    found = np.fft.irfft2(noise * weight, s=(wide, wide))[:size, :size]
    return (found - found.mean()) / found.std()


def draw_land(rng: np.random.Generator, size: int) -> Land:
    """Random land of `size` × `size` pixels in which every class occurs."""
    fields = _fields(rng, size)
    classes = np.full((size, size), CROPLAND, np.uint8)
    woods = smooth(rng, size, 14)
    classes[woods > np.quantile(woods, 0.68)] = TREES
    villages = smooth(rng, size, 20) + 0.25 * smooth(rng, size, 4)
    classes[villages > np.quantile(villages, 0.84)] = BUILT_UP
    low = smooth(rng, size, 24) + 0.15 * smooth(rng, size, 5)
    classes[low < np.quantile(low, 0.2)] = WATER
    return Land(classes, fields)


def _fields(rng: np.random.Generator, size: int) -> npt.NDArray[np.int64]:
    """Pixels belong to the nearest of random centres; one axis is stretched, as fields are long and narrow."""
    count = max(4, (size // _FIELD) ** 2)
    centres = rng.uniform(0, size, (count, 2))
    angle = rng.uniform(0, np.pi)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [2 * np.sin(angle), 2 * np.cos(angle)]])
    rows, cols = np.mgrid[0:size, 0:size]
    places = np.stack([rows.ravel(), cols.ravel()], axis=1) @ turn.T
    distance = ((places[:, None, :] - (centres @ turn.T)[None, :, :]) ** 2).sum(axis=2)
    return distance.argmin(axis=1).reshape(size, size)
