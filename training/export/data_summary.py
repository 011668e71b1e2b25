# SPDX-License-Identifier: GPL-3.0-or-later
"""What the sidecar says of the data: band statistics, sureness on held-out places, where the training images lie."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from ..maps import Mapper
from ..sets.chips import Chip, rows_of
from ..sets.description import SetDescription

_MOST = 4_000_000


def chips_to_measure(sets: Sequence[Sequence[Chip]], picture: bool) -> Sequence[Chip]:
    """Chips of the training data whose values nobody changed and which have every band.

    Args:
        sets: training chips of each data set, in the order of the recipe.
        picture: the first way in takes pictures, so they count; else only reflectance does.

    Returns:
        chips of the first set that has labels of its own, or else of the first that will do; empty if none does.
    """
    fitting = [chips for chips in sets if chips[0].picture == picture and all(chips[0].present)]
    labelled = [chips for chips in fitting if any(c.labels.any() and c.soft is None for c in chips)]
    return (labelled or fitting or [[]])[0]


def band_statistics(chips: Sequence[Chip], names: Sequence[str]) -> list[dict[str, Any]]:
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


#: A quantile of fewer places says nothing.
_FEWEST = 3


def place_confidence(mapper: Mapper, sets: Mapping[str, Sequence[Chip]]) -> dict[str, tuple[float, int]]:
    """Place → mean winning probability and number of valid pixels, over held-out chips mapped as the engine does.

    Where places are too few to have a quantile, each chip is one.
    """
    few = len({(name, chip.place) for name, chips in sets.items() for chip in chips}) < _FEWEST
    sums: dict[str, tuple[float, int]] = {}
    for name, chips in sets.items():
        for chip in chips:
            winning = mapper.shares(chip).max(axis=0)[chip.valid]
            place = f"{name}/{chip.name if few else chip.place}"
            total, pixels = sums.get(place, (0.0, 0))
            sums[place] = (total + float(winning.sum(dtype=np.float64)), pixels + winning.size)
    return {place: (total / pixels, pixels) for place, (total, pixels) in sums.items() if pixels}


def confidence_summary(places: Mapping[str, tuple[float, int]]) -> dict[str, Any]:
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


def training_places(description: SetDescription, splits: Collection[str]) -> dict[str, Any]:
    """`{"set": title, "places": [[longitude, latitude], …]}` of the rows that train, once a tenth of a degree.

    A set whose images have lost their coordinates has an empty list: the card says so instead of guessing.
    """
    rows = [row for row in rows_of(description) if row["split"] in splits]
    places = {place for row in rows if (place := _place(row)) is not None}
    return {"set": description.title or description.name, "places": [list(p) for p in sorted(places)]}


def _place(row: dict[str, str]) -> tuple[float, float] | None:
    try:
        lon, lat = float(row.get("lon") or "nan"), float(row.get("lat") or "nan")
    except ValueError:
        return None
    inside = math.isfinite(lon) and math.isfinite(lat) and abs(lon) <= 180 and abs(lat) <= 90
    return (round(lon, 1), round(lat, 1)) if inside else None
