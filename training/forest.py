# SPDX-License-Identifier: GPL-3.0-or-later
"""The baseline: a random forest on single pixels and their 3x3 surroundings, on the same channels and splits."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from sklearn.ensemble import RandomForestClassifier

from .channels import NAMES
from .data import INDIA, Chip
from .evaluate import chip_matrix

_TREES = 100


def pixel_features(image: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Features `(pixels, features)` of a network input: its channels, 3x3 mean and standard deviation of the bands."""
    bands = image[: len(NAMES)]
    size = (1, 3, 3)
    mean = ndimage.uniform_filter(bands, size, mode="reflect")
    square = ndimage.uniform_filter(bands * bands, size, mode="reflect")
    spread = np.sqrt(np.maximum(square - mean * mean, 0))
    return np.concatenate([image, mean, spread]).reshape(len(image) + 2 * len(bands), -1).T


def fitted(chips: Sequence[Chip], fill: Sequence[float], per_chip: int = 2000, seed: int = 0) -> RandomForestClassifier:
    """A forest on at most `per_chip` labelled pixels of each training chip."""
    rng = np.random.default_rng(seed)
    xs, ys = [], []
    for chip in chips:
        labels = chip.labels.ravel()
        at = np.flatnonzero(labels)
        at = rng.permutation(at)[:per_chip]
        xs.append(pixel_features(chip.network_input(fill))[at])
        ys.append(labels[at])
    forest = RandomForestClassifier(
        _TREES, class_weight="balanced", min_samples_leaf=2, n_jobs=-1, random_state=seed
    )
    return forest.fit(np.concatenate(xs), np.concatenate(ys))


def place_matrices(
    forest: RandomForestClassifier, chips: Sequence[Chip], fill: Sequence[float]
) -> dict[str, npt.NDArray[np.int64]]:
    """Place → confusion matrix of the forest's maps (in groups for the Indian set)."""
    found: dict[str, npt.NDArray[np.int64]] = {}
    for chip in chips:
        classes = forest.predict(pixel_features(chip.network_input(fill))).reshape(chip.valid.shape).astype(np.uint8)
        if chip.source == INDIA:
            # the forest knows groups; any class of a group stands for it
            classes = np.array([0, 5, 2, 1], np.uint8)[classes]
        found[chip.place] = found.get(chip.place, 0) + chip_matrix(classes, chip)
    return found
