# SPDX-License-Identifier: GPL-3.0-or-later
"""How sure a network is on held-out places: the engine warns when a map stays below that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..maps import Mapper
from ..sets.chips import Chip

#: A quantile of fewer places says nothing.
_FEWEST = 3


def of_places(mapper: Mapper, sets: Mapping[str, Sequence[Chip]]) -> dict[str, tuple[float, int]]:
    """Place → mean winning probability and number of valid pixels, over held-out chips mapped as the engine does."""
    sums: dict[str, tuple[float, int]] = {}
    for name, chips in sets.items():
        for chip in chips:
            winning = mapper.shares(chip).max(axis=0)[chip.valid]
            total, pixels = sums.get(f"{name}/{chip.place}", (0.0, 0))
            sums[f"{name}/{chip.place}"] = (total + float(winning.sum(dtype=np.float64)), pixels + winning.size)
    return {place: (total / pixels, pixels) for place, (total, pixels) in sums.items() if pixels}


def summary(places: Mapping[str, tuple[float, int]]) -> dict[str, Any]:
    """Mean over all pixels and 5 % quantile over the places; empty where these are too few to have one."""
    if len(places) < _FEWEST:
        return {}
    means = np.array([mean for mean, _ in places.values()])
    pixels = np.array([count for _, count in places.values()])
    return {
        "mean": round(float(np.average(means, weights=pixels)), 4),
        "q05": round(float(np.quantile(means, 0.05)), 4),
        "places": len(means),
    }
