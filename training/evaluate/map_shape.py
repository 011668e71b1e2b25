# SPDX-License-Identifier: GPL-3.0-or-later
"""What accuracies of pixels do not show: whether borders lie where they belong, and how much salt and pepper there is.

Borders are compared as Csurka, Larlus, Perronnin 2013, "What is a good evaluation measure for semantic segmentation?"
(BMVC), section 3, does it: class by class, within a tolerance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from ..maps import Groups
from ..sets.chips import Chip

BoolArray = npt.NDArray[np.bool_]
Values = npt.NDArray[np.uint8]

#: A border counts as found this many pixels from where the other one runs, in rows and columns alike.
TOLERANCE = 1
#: Patches of fewer pixels are salt and pepper.
SMALL = 4
_NEAR = np.ones((2 * TOLERANCE + 1, 2 * TOLERANCE + 1), bool)


@dataclass
class MapShape:
    """Borders and small patches of the maps of one set, chip by chip.

    Attributes:
        counted: the values whose borders are compared.
        gsd: size of a pixel in metres, 0 where unknown.
        borders: `(values, 4)`: border pixels of the map, those near a border of the reference, border pixels of the
            reference, those near one of the map.
        patches: connected patches (by edges) with fewer than `SMALL` pixels.
        pixels: valid ones.
    """

    counted: tuple[int, ...]
    gsd: float
    borders: npt.NDArray[np.int64] = field(init=False)
    patches: int = 0
    pixels: int = 0

    def __post_init__(self) -> None:
        self.borders = np.zeros((len(self.counted), 4), np.int64)

    def add(self, classes: Values, chip: Chip, groups: Groups) -> None:
        """Count the map of one chip, `(rows, cols)` class indices."""
        known = (chip.labels > 0) & chip.valid
        mapped, truth = groups.of_map(classes, chip.labels), groups.of_code[chip.labels]
        for i, value in enumerate(self.counted):
            ours, theirs = border(mapped == value, known), border(truth == value, known)
            near_ours, near_theirs = (ndimage.binary_dilation(b, _NEAR) for b in (ours, theirs))
            pairs = (ours, ours & near_theirs, theirs, theirs & near_ours)
            self.borders[i] += [np.count_nonzero(one) for one in pairs]
        self.patches += small_patches(classes, chip.valid)
        self.pixels += int(np.count_nonzero(chip.valid))

    def table(self) -> dict[str, Any]:
        """As `scores.json` keeps it: `None` for what is not defined."""
        km2 = self.pixels * self.gsd**2 / 1e6
        return {"boundary_f1": boundary_f1(self.borders), "small_patches_km2": self.patches / km2 if km2 else None}


def shape_of(maps: Sequence[Values], chips: Sequence[Chip], groups: Groups) -> MapShape:
    """Borders and small patches of maps `(rows, cols)` of class indices, one a chip, all of one set."""
    shape = MapShape(groups.values, chips[0].gsd)
    for classes, chip in zip(maps, chips, strict=True):
        shape.add(classes, chip, groups)
    return shape


def border(inside: BoolArray, known: BoolArray) -> BoolArray:
    """Pixels of a class beside a known pixel of another, by an edge; what lies beside the unknown is no border.

    Args:
        inside: `(rows, cols)` pixels of the class.
        known: `(rows, cols)` pixels that count.
    """
    inside, outside = inside & known, ~inside & known
    beside = np.zeros_like(inside)
    beside[1:] |= outside[:-1]
    beside[:-1] |= outside[1:]
    beside[:, 1:] |= outside[:, :-1]
    beside[:, :-1] |= outside[:, 1:]
    return inside & beside


def boundary_f1(borders: npt.NDArray[np.int64]) -> float | None:
    """Mean over the classes with a border in the reference of F1 of precision and recall of border pixels (equation 2).

    `borders` as `MapShape.borders`; None where the reference has no border.
    """
    there = borders[borders[:, 2] > 0].astype(float)
    if not len(there):
        return None
    precision = there[:, 1] / np.maximum(there[:, 0], 1)
    recall = there[:, 3] / there[:, 2]
    both = precision + recall
    return float(np.divide(2 * precision * recall, both, out=np.zeros_like(both), where=both > 0).mean())


def small_patches(classes: Values, valid: BoolArray, below: int = SMALL) -> int:
    """Patches of one class, connected by edges, with fewer than `below` valid pixels.

    Args:
        classes: `(rows, cols)`.
        valid: `(rows, cols)`; other pixels belong to no patch.
        below: pixels.
    """
    count = 0
    for value in np.unique(classes[valid]):
        labels, _ = ndimage.label((classes == value) & valid)
        sizes = np.bincount(labels.ravel())[1:]
        count += int(np.count_nonzero(sizes < below))
    return count
