# SPDX-License-Identifier: GPL-3.0-or-later
"""What a network saw of each band, so that the engine can tell bands in a wrong order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..sets.chips import Chip

_MOST = 4_000_000


def chosen(sets: Sequence[Sequence[Chip]], picture: bool) -> list[Chip]:
    """Chips of the training data whose values nobody changed and which have every band.

    Args:
        sets: training chips of each data set, in the order of the recipe.
        picture: the first way in takes pictures, so they count; else only reflectance does.

    Returns:
        chips of the first set that has labels of its own, or else of the first that will do; empty if none does.
    """
    fitting = [chips for chips in sets if chips[0].picture == picture and all(chips[0].present)]
    labelled = [chips for chips in fitting if any(c.labels.any() and c.soft is None for c in chips)]
    return list((labelled or fitting or [[]])[0])


def statistics(chips: Sequence[Chip], names: Sequence[str]) -> list[dict[str, Any]]:
    """Mean, standard deviation, 2nd and 98th percentile of each band, as reflectance or stored numbers of pictures."""
    if not chips:
        return []
    step = max(1, sum(c.valid.size for c in chips) // _MOST)
    pixels = np.concatenate([c.values[:, c.valid][:, ::step] for c in chips], axis=1).astype(np.float64)
    low, high = np.percentile(pixels, [2, 98], axis=1)
    numbers = {"mean": pixels.mean(axis=1), "stddev": pixels.std(axis=1), "low": low, "high": high}
    return [
        {"name": name, **{key: round(float(values[i]), 5) for key, values in numbers.items()}}
        for i, name in enumerate(names)
    ]
