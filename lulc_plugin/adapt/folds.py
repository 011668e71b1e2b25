# SPDX-License-Identifier: GPL-3.0-or-later
"""Spatial blocks and folds: which samples are left out together when accuracy is estimated.

Neighbouring pixels are alike. If a sample were predicted from its neighbour, accuracy would look better than it is for
the rest of the map (Roberts et al. 2017, "Cross-validation strategies for data with temporal, spatial, hierarchical,
or phylogenetic structure", Ecography 40, 913–929). So samples are left out by blocks of the layer, whole polygons
at a time, or by groups that the user names.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .linear import Ints
from .sample_pixels import SamplePixels

#: Parts that validation is done in, where there are as many blocks.
FOLDS = 5
#: Blocks along the longer side of what the samples cover, first try; halved while a class lies in a single block.
_BLOCKS = 6
_HALVINGS = 4


@dataclass(frozen=True)
class Folds:
    """Which samples are left out together.

    Attributes:
        fold: of each sample, `(n,)`.
        block: of each sample, `(n,)`.
        count: number of folds.
        side: of a block in pixels; 0 where the user's groups are the blocks.
        alone: classes that lie in a single block: their accuracy cannot be estimated.
    """

    fold: Ints
    block: Ints
    count: int
    side: int
    alone: tuple[int, ...]


def make_folds(samples: SamplePixels, classes: int, groups: Sequence[object] | None = None) -> Folds:
    """Divide samples into folds so that each class is in as many of them as can be.

    Args:
        samples: the samples.
        classes: number of classes.
        groups: of each feature, as the user named them; None: spatial blocks.
    """
    if groups is not None:
        of_feature = [str(group) for group in groups]
        _, block = np.unique([of_feature[feature] for feature in samples.features], return_inverse=True)
        block, side = block.reshape(-1).astype(np.int64), 0
    else:
        block, side = _spatial_blocks(samples, classes)
    alone = tuple(label for label in range(classes) if len(np.unique(block[samples.labels == label])) < 2)
    count = min(FOLDS, len(np.unique(block)))
    return Folds(_balanced(block, samples.labels, classes, count), block, count, side, alone)


def _spatial_blocks(samples: SamplePixels, classes: int) -> tuple[Ints, int]:
    """Squares of the layer, as large as leaves every class in two of them; a polygon is where its middle is."""
    top, left = int(samples.rows.min()), int(samples.cols.min())
    longest = max(int(samples.rows.max()) - top, int(samples.cols.max()) - left) + 1
    rows, cols = _middles(samples)
    side = max(1, -(-longest // _BLOCKS))
    block = np.zeros(len(samples), np.int64)
    for _ in range(_HALVINGS + 1):
        across = longest // side + 1
        square = (rows - top) // side * across + (cols - left) // side
        block = np.unique(square, return_inverse=True)[1].reshape(-1).astype(np.int64)
        if all(len(np.unique(block[samples.labels == label])) > 1 for label in range(classes)) or side == 1:
            break
        side = max(1, side // 2)
    return block, side


def _middles(samples: SamplePixels) -> tuple[Ints, Ints]:
    """Row and column of the middle of each sample's feature."""
    _, place = np.unique(samples.features, return_inverse=True)
    place = place.reshape(-1)
    counts = np.bincount(place)
    rows = np.bincount(place, samples.rows) / counts
    cols = np.bincount(place, samples.cols) / counts
    return rows[place].astype(np.int64), cols[place].astype(np.int64)


def _balanced(block: Ints, labels: Ints, classes: int, count: int) -> Ints:
    """A fold for each block, the largest blocks first, each where its classes are fewest so far."""
    blocks = int(block.max()) + 1
    held = np.zeros((blocks, classes))
    np.add.at(held, (block, labels), 1)
    # a rare class counts as much as a frequent one
    held /= np.maximum(1, held.sum(axis=0))
    fold_of = np.zeros(blocks, np.int64)
    filled = np.zeros((count, classes))
    for one in np.argsort(-held.max(axis=1), kind="stable"):
        cost = (filled * held[one]).sum(axis=1) + 1e-6 * filled.sum(axis=1)
        fold_of[one] = int(np.argmin(cost))
        filled[fold_of[one]] += held[one]
    return fold_of[block]
