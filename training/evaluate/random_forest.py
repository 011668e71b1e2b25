# SPDX-License-Identifier: GPL-3.0-or-later
"""The baseline: random forests on single pixels and their 3x3 surroundings, on the same channels and splits."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from sklearn.ensemble import RandomForestClassifier

from lulc_plugin.errors import LulcError

from ..inputs import Inputs
from ..maps import Counts, groups_of, value_matrix
from ..recipe import Recipe
from ..sets.chips import Chip
from .held_out import Part

TREES = 100
PER_CHIP = 2000


def pixel_features(image: npt.NDArray[np.float32], bands: int) -> npt.NDArray[np.float32]:
    """Features `(pixels, features)` of a network input whose first `bands` channels are bands.

    Its channels, and 3x3 mean and standard deviation of the bands.
    """
    own = image[:bands]
    size = (1, 3, 3)
    mean = ndimage.uniform_filter(own, size, mode="reflect")
    square = ndimage.uniform_filter(own * own, size, mode="reflect")
    spread = np.sqrt(np.maximum(square - mean * mean, 0))
    return np.concatenate([image, mean, spread]).reshape(len(image) + 2 * bands, -1).T


class Forest:
    """A forest on at most `per_chip` labelled pixels of each training chip, the labels weighing alike.

    It learns the labels as they are; where they are coarse it knows no finer classes.

    Args:
        inputs: the channels, those of the network it is compared with.
        chips: training chips of one set.
        per_chip: pixels.
        seed: of the draw and of the trees.

    Raises:
        LulcError: no pixel is labelled.
    """

    def __init__(self, inputs: Inputs, chips: Sequence[Chip], per_chip: int = PER_CHIP, seed: int = 0) -> None:
        self._inputs = inputs
        rng = np.random.default_rng(seed)
        xs, ys = [], []
        for chip in chips:
            labels = chip.labels.ravel()
            at = rng.permutation(np.flatnonzero((chip.labels > 0) & chip.valid))[:per_chip]
            if at.size:
                xs.append(self._features(chip)[at])
                ys.append(labels[at])
        if not xs:
            raise LulcError(f"{chips[0].source} has no labelled training pixel; a forest cannot learn from it.")
        forest = RandomForestClassifier(
            TREES, class_weight="balanced", min_samples_leaf=2, n_jobs=-1, random_state=seed
        )
        self._forest = forest.fit(np.concatenate(xs), np.concatenate(ys))

    def _features(self, chip: Chip) -> npt.NDArray[np.float32]:
        zeros = (0.0,) * len(self._inputs.channels)
        image = self._inputs.of(chip.values, chip.band_valid, chip.picture, zeros, chip.whole)
        return pixel_features(image, len(self._inputs.bands))

    def codes(self, chip: Chip) -> npt.NDArray[np.uint8]:
        """Label codes `(rows, cols)` of a chip."""
        return self._forest.predict(self._features(chip)).reshape(chip.valid.shape).astype(np.uint8)

    def place_matrices(self, chips: Sequence[Chip]) -> dict[str, Counts]:
        """Place → confusion matrix of its maps, counted as those of the network."""
        groups = groups_of(chips)
        classes = chips[0].allowed.shape[1]
        # a code that these chips do not have is counted as its class is
        values = groups.of_code.copy()
        for code in range(1, classes + 1):
            values[code] = values[code] or groups.of_class[code - 1]
        by_place: dict[str, Counts] = {}
        for chip in chips:
            codes = self.codes(chip)
            # where labels overlap, a narrower one than the reference's is right
            met = (groups.allowed[codes] <= groups.allowed[chip.labels]).all(axis=-1)
            counted = np.where(met, groups.of_code[chip.labels], values[codes])
            by_place[chip.place] = by_place.get(chip.place, 0) + value_matrix(counted, chip, groups)
        return by_place


class Baselines:
    """The random forests that a network has to beat: its channels, its sets, its splits.

    Args:
        recipe: says channels, sets and training splits.
        chips: gives the chips of a split, with the recipe's bands and legend.
        per_chip: training pixels of each chip.
    """

    def __init__(self, recipe: Recipe, chips: Callable[[Part], Sequence[Chip]], per_chip: int = PER_CHIP) -> None:
        self._recipe, self._chips, self._per_chip = recipe, chips, per_chip
        self._forests: dict[str, Forest] = {}
        self._found: dict[str, dict[str, Counts]] = {}

    def matrices(self, part: Part) -> dict[str, Counts] | None:
        """Place → matrix of the forest's maps of a split; None for sets that the recipe does not train on."""
        trained = [d for d in self._recipe.data if d.set == part.description.name]
        if not trained:
            return None
        if part.key not in self._found:
            splits = trained[0].splits
            if part.description.name not in self._forests:
                material = self._chips(Part(part.description, "+".join(splits), splits, part.teachers))
                self._forests[part.description.name] = Forest(self._recipe.inputs, material, self._per_chip)
            self._found[part.key] = self._forests[part.description.name].place_matrices(self._chips(part))
        return self._found[part.key]
