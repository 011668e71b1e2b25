# SPDX-License-Identifier: GPL-3.0-or-later
"""Forests trained on the training split of each set, once, whatever is compared with them."""

from __future__ import annotations

from collections.abc import Callable

from ..maps import Counts
from ..recipe import Recipe
from ..sets.chips import Chip
from .held_out import Part
from .random_forest import PER_CHIP, Forest


class Baselines:
    """The random forests that a network has to beat: its channels, its sets, its splits.

    Args:
        recipe: says channels, sets and training splits.
        chips: gives the chips of a split, with the recipe's bands and legend.
        per_chip: training pixels of each chip.
    """

    def __init__(self, recipe: Recipe, chips: Callable[[Part], list[Chip]], per_chip: int = PER_CHIP) -> None:
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
