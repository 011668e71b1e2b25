# SPDX-License-Identifier: GPL-3.0-or-later
"""Other days, sensors and processing levels: changes of reflectance."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ..inputs import BANDS
from .strength import Strength

FloatArray = npt.NDArray[np.float32]

#: Gain and added reflectance that bring L2A roughly to L1C, by band: path radiance, strongest in blue. Blue to red edge
#: 1 were fitted by eye: with them a teacher made for L1C draws fields, towns and sea on L2A. The others are estimates.
L1C_LIKE: dict[str, tuple[float, float]] = {
    "coastal": (0.80, 0.100),
    "blue": (0.85, 0.070),
    "green": (0.90, 0.040),
    "red": (0.94, 0.020),
    "rededge071": (0.95, 0.015),
    "rededge075": (0.96, 0.008),
    "rededge078": (0.97, 0.006),
    "nir": (0.97, 0.005),
    "nir08": (0.97, 0.005),
}
#: How much of haze each band sees, blue being 1.2; Rayleigh scattering falls with the wavelength.
HAZE: dict[str, float] = {
    "coastal": 1.4,
    "blue": 1.2,
    "green": 0.8,
    "red": 0.5,
    "rededge071": 0.4,
    "rededge075": 0.3,
    "rededge078": 0.25,
    "nir": 0.2,
    "nir08": 0.2,
}


#: Bands whose centres are no farther apart (micrometres) may see a little of each other.
_NEIGHBOURS = 0.12


def changed(
    values: FloatArray, bands: Sequence[str], level: str, strength: Strength, rng: np.random.Generator
) -> FloatArray:
    """Reflectance `(bands, rows, cols)` as another day, sensor or processing level might have given it."""
    x = values
    if rng.random() < strength.level_shift:
        part = rng.uniform(0.3, 1.1)
        x = to_surface(x, bands, part) if level == "L1C" else to_top(x, bands, part)
    if rng.random() < strength.jitter:
        x = jittered(x, bands, strength, rng)
    if rng.random() < strength.offset:
        x = x + np.float32(rng.uniform(0.0, 0.1))
    return x.astype(np.float32)


def to_top(values: FloatArray, bands: Sequence[str], part: float = 1.0) -> FloatArray:
    """Surface reflectance moved towards the top of the atmosphere; `part` 1 is all the way."""
    gain, add = _level(bands, part)
    return values * gain + add


def to_surface(values: FloatArray, bands: Sequence[str], part: float = 1.0) -> FloatArray:
    """The reverse of `to_top`."""
    gain, add = _level(bands, part)
    return (values - add) / gain


def hazy(values: FloatArray, bands: Sequence[str], amount: float) -> FloatArray:
    """Values with haze of `amount` reflectance (1.2 times that in blue)."""
    return values + (amount * _column([HAZE.get(b, 0.05) for b in bands]))


def _level(bands: Sequence[str], part: float) -> tuple[FloatArray, FloatArray]:
    pairs = [L1C_LIKE.get(b, (1.0, 0.0)) for b in bands]
    gain = _column([1 + part * (g - 1) for g, _ in pairs])
    return gain, _column([part * a for _, a in pairs])


def _column(numbers: Sequence[float] | npt.NDArray[np.float64]) -> FloatArray:
    return np.asarray(numbers, np.float32)[:, None, None]


def jittered(x: FloatArray, bands: Sequence[str], strength: Strength, rng: np.random.Generator) -> FloatArray:
    """Other gains, haze, neighbouring bands mixed, and in half of the cases another gamma."""
    count = len(bands)
    gains = math.exp(rng.uniform(-strength.gain, strength.gain)) * rng.normal(1, strength.band_gain, count)
    haze = rng.uniform(-0.4, 1.0) * strength.haze / 1.2
    mix = np.diag(gains)
    # another sensor's band sees a little of its neighbours in wavelength
    order = sorted(range(count), key=lambda i: BANDS[bands[i]].centre)
    for a, b in zip(order, order[1:], strict=False):
        # a twentieth of near infrared would drown what red tells of plants
        if BANDS[bands[b]].centre - BANDS[bands[a]].centre > _NEIGHBOURS:
            continue
        for to, of in ((a, b), (b, a)):
            share = abs(rng.normal(0, 0.05))
            mix[to, of] += share * gains[of]
            mix[to, to] -= share * gains[to]
    add = haze * np.array([HAZE.get(b, 0.05) for b in bands])
    out = (mix.astype(np.float32) @ x.reshape(count, -1)).reshape(x.shape) + _column(add)
    if rng.random() < 0.5:
        power, pivot = math.exp(rng.uniform(-0.2, 0.2)), np.float32(0.15)
        out = pivot * (np.maximum(out, 0) / pivot) ** np.float32(power)
    return out
