# SPDX-License-Identifier: GPL-3.0-or-later
"""The forests of scikit-learn, on features that are computed without the plugin: a check of the bench itself."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import rasterio

#: Sides of the windows whose means and deviations they see beside bands and indices.
OTHERS = {"scikit-learn on the bands": (), "scikit-learn on windows": (3, 7, 15)}
_PAIRS = (("nir", "red"), ("green", "nir"), ("green", "swir16"), ("swir16", "nir"))


@cache
def other_features(path: Path, windows: Sequence[int]) -> npt.NDArray[np.float32]:
    """`(features, rows, cols)`: bands, the indices that they allow, and means and deviations in windows."""
    from scipy.ndimage import uniform_filter

    with rasterio.open(path) as source:
        bands = source.read().astype(np.float32)
        names = dict(zip(source.descriptions, bands))
    features = [*bands]
    for first, second in _PAIRS:
        if first in names and second in names:
            one, other = names[first], names[second]
            features.append((one - other) / np.where(one + other == 0, 1, one + other))
    for side in windows:
        for band in bands:
            mean = uniform_filter(band.astype(np.float64), side)
            variance = uniform_filter(band.astype(np.float64) ** 2, side) - mean**2
            features += [mean.astype(np.float32), np.sqrt(np.maximum(variance, 0)).astype(np.float32)]
    return np.stack(features)


def predicted(
    path: Path, samples: npt.NDArray[np.int64], tested: npt.NDArray[np.bool_], way: str, seed: int
) -> npt.NDArray[np.int64]:
    """The place of the class of each tested pixel.

    Args:
        path: of the scene.
        samples: row, column, and place of the class.
        tested: `(rows, cols)`.
        way: one of `OTHERS`.
        seed: of the forest.
    """
    from sklearn.ensemble import RandomForestClassifier

    features = other_features(path, OTHERS[way])
    rows, cols, labels = samples.T
    forest = RandomForestClassifier(100, class_weight="balanced", random_state=seed, n_jobs=1)
    forest.fit(features[:, rows, cols].T, labels)
    found: npt.NDArray[np.int64] = forest.predict(features[:, tested].T)
    return found
