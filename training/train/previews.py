# SPDX-License-Identifier: GPL-3.0-or-later
"""What the augmentations make of the chips, as a picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..prepare.preview import augmented_sheet
from ..recipe import Recipe
from .batches import Batches, channel_means
from .training_data import Material


def previews(recipe: Recipe, material: Material, folder: Path, count: int = 24) -> Path:
    """Write `samples.png`: the first samples of the run as a network sees them, with their labels."""
    folder.mkdir(parents=True, exist_ok=True)
    batches = Batches(recipe, material.training, channel_means(recipe, material.training))
    pairs, number = [], 0
    while len(pairs) < count:
        for samples in batches(number):
            pairs += [(shown(recipe, s.image), s.labels) for s in samples]
        number += 1
    path = folder / "samples.png"
    augmented_sheet(pairs[:count], path)
    return path


def shown(recipe: Recipe, image: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """A network input as red, green and blue 0..1, `(rows, cols, 3)`; grey where the network has no such bands."""
    names = recipe.inputs.names
    at = [names.index(b) for b in ("red", "green", "blue")] if {"red", "green", "blue"} <= set(names) else [0, 0, 0]
    # channels run from -1 to 1 over 0 to 1.2 times the divisor; natural scenes lie in the lower half
    return np.clip((image[at] + 1) * 1.1, 0, 1).transpose(1, 2, 0)
