# SPDX-License-Identifier: GPL-3.0-or-later
"""Which scenes are one place, and which places validate: scenes that lie near each other never part."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np

_EARTH_KM = 6371.0
VALIDATION = "val"


def joined(centres: Sequence[tuple[float, float] | None], kilometres: float) -> list[int]:
    """A number for each scene; scenes with a chain of neighbours nearer than `kilometres` have the same one.

    Args:
        centres: longitude and latitude in degrees; None stands alone.
        kilometres: along the great circle (haversine formula) on a sphere.
    """
    group = list(range(len(centres)))
    for i, here in enumerate(centres):
        for j, there in enumerate(centres[:i]):
            if here is not None and there is not None and _distance(here, there) < kilometres:
                old, new = group[i], group[j]
                group = [new if g == old else g for g in group]
    return group


def _distance(a: tuple[float, float], b: tuple[float, float]) -> float:
    lon_a, lat_a, lon_b, lat_b = np.radians([*a, *b])
    half = np.sin((lat_b - lat_a) / 2) ** 2 + np.cos(lat_a) * np.cos(lat_b) * np.sin((lon_b - lon_a) / 2) ** 2
    return float(2 * _EARTH_KM * np.arcsin(np.sqrt(min(1.0, half))))


def validating(pieces: Mapping[str, int], share: float) -> set[str]:
    """Places that validate: in an order by chance that never changes, until they have `share` of all images.

    At least one, where there are two places or more and `share` is not 0; never all.

    Args:
        pieces: place → number of images.
        share: 0 to 1.
    """
    order = sorted(pieces, key=lambda place: hashlib.sha256(place.encode()).hexdigest())
    chosen: set[str] = set()
    while share > 0 and len(chosen) < len(order) - 1:
        if chosen and sum(pieces[p] for p in chosen) >= share * sum(pieces.values()):
            break
        chosen.add(order[len(chosen)])
    return chosen
