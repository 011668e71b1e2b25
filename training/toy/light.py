# SPDX-License-Identifier: GPL-3.0-or-later
"""What a satellite would see of made-up land: reflectance in four bands, under the light of one day.

Single pixels are not enough: gardens in villages look like lush fields, red roofs like bare ones. What is around them
tells.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .land import BUILT_UP, TREES, WATER, Land, smooth

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
