# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of classify share: an image of land, and what a network saw of such."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from lulc_plugin.model import BandStatistics


@pytest.fixture(scope="session")
def land() -> Callable[..., np.ndarray]:
    """`land(rows, cols, seed)`: fields, forest and some water, red, green, blue, nir as reflectance × 10,000."""

    def make(rows: int = 200, cols: int = 200, seed: int = 0) -> np.ndarray:
        random = np.random.default_rng(seed)
        cover = random.integers(0, 3, (rows // 20 + 1, cols // 20 + 1)).repeat(20, 0).repeat(20, 1)[:rows, :cols]
        spectra = np.array([[1500, 1100, 700, 2600], [350, 500, 250, 3000], [300, 400, 350, 150]])
        values = spectra[cover].transpose(2, 0, 1) * random.normal(1, 0.15, (1, rows, cols))
        return np.clip(values + random.normal(0, 30, values.shape), 30, 9000).astype(np.uint16)

    return make


@pytest.fixture(scope="session")
def seen() -> tuple[BandStatistics, ...]:
    """What a network saw of red, green, blue, nir."""
    return (
        BandStatistics(0.109, 0.068, 0.016, 0.266),
        BandStatistics(0.085, 0.044, 0.020, 0.177),
        BandStatistics(0.050, 0.031, 0.008, 0.111),
        BandStatistics(0.233, 0.099, 0.034, 0.414),
    )
