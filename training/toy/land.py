# SPDX-License-Identifier: GPL-3.0-or-later
"""Made-up land: lakes, woods, villages and fields, and what a satellite would see of them under the light of one day.

Single pixels are not enough: gardens in villages look like lush fields, red roofs like bare ones. What is around them
tells.
"""

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
    surface = np.fft.irfft2(noise * weight, s=(wide, wide))[:size, :size]
    return (surface - surface.mean()) / surface.std()


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


BANDS = ("blue", "green", "red", "nir")
#: Stored number of reflectance 1.
SCALE = 10_000
_WATER = np.array([0.055, 0.060, 0.042, 0.022])
_TREES = np.array([0.026, 0.048, 0.032, 0.310])
_BARE, _LUSH = np.array([0.085, 0.115, 0.160, 0.235]), np.array([0.035, 0.075, 0.045, 0.420])
#: Grey roofs, red roofs, asphalt, gardens; and how often each occurs.
_TOWN = np.array(
    [[0.19, 0.20, 0.21, 0.25], [0.09, 0.11, 0.17, 0.23], [0.09, 0.10, 0.11, 0.14], [0.04, 0.07, 0.05, 0.33]]
)
_TOWN_SHARES = (0.3, 0.2, 0.25, 0.25)


def reflectance(rng: np.random.Generator, land: Land) -> npt.NDArray[np.uint16]:
    """Surface reflectance × 10,000, `(4, rows, cols)` in the order of BANDS; 0 does not occur."""
    size = land.classes.shape[0]
    lushness = rng.beta(0.8, 0.8, land.fields.max() + 1)[land.fields][..., None]
    seen = _BARE + (_LUSH - _BARE) * lushness
    seen = seen * (1 + 0.06 * smooth(rng, size, 3)[..., None])
    houses = rng.choice(len(_TOWN), p=_TOWN_SHARES, size=(size // 2 + 1, size // 2 + 1))
    town = _TOWN[houses.repeat(2, axis=0).repeat(2, axis=1)[:size, :size]]
    crowns = _TREES * (1 + 0.22 * smooth(rng, size, 1.5)[..., None])
    waves = _WATER * (1 + 0.10 * smooth(rng, size, 6)[..., None])
    for value, look in ((BUILT_UP, town), (TREES, crowns), (WATER, waves)):
        seen = np.where((land.classes == value)[..., None], look, seen)
    light = rng.uniform(0.88, 1.12)
    haze = rng.uniform(0, 0.012) * np.array([1.0, 0.7, 0.5, 0.2])
    seen = light * seen + haze + rng.normal(0, 0.006, seen.shape)
    return np.clip(np.rint(seen * SCALE), 1, 65535).astype(np.uint16).transpose(2, 0, 1)
