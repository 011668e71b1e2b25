# SPDX-License-Identifier: GPL-3.0-or-later
"""A few labelled pixels of a densely labelled chip, as if somebody had clicked them."""

from __future__ import annotations

import zlib

import numpy as np

from .class_table import UNKNOWN, Labels


def thinned(labels: Labels, number: int, name: str, seed: int, balanced: bool = False) -> Labels:
    """Labels of which `number` pixels, drawn at random without replacement, are kept; the others become unknown.

    Args:
        labels: `(rows, cols)`, 0 = unknown.
        number: how many to keep; a chip with fewer keeps all.
        name: of the chip; with `seed` it decides what is drawn.
        seed: of the draw.
        balanced: as many of each class as there are, instead of by their shares of the area.
    """
    chance = np.random.default_rng([seed, zlib.crc32(name.encode())])
    flat = labels.ravel()
    labelled = np.flatnonzero(flat != UNKNOWN)
    order = chance.permutation(labelled)
    if balanced:
        # the k-th pixel of every class comes before the k+1-th of any: classes take turns until they are used up
        turn = np.zeros(len(order), np.int64)
        for value in np.unique(flat[order]):
            mine = flat[order] == value
            turn[mine] = np.arange(np.count_nonzero(mine))
        order = order[np.argsort(turn, kind="stable")]
    kept = np.zeros_like(flat)
    chosen = order[:number]
    kept[chosen] = flat[chosen]
    return kept.reshape(labels.shape)
