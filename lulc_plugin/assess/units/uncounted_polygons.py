# SPDX-License-Identifier: GPL-3.0-or-later
"""Reference polygons that count for nothing, and what each of them is: told by kind, with their number and ids."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ..job import ReferenceFeature
from ..overlay import PolygonsOnMap
from .reference_units import Ints

#: `PolygonsOnMap.fate_of` → what such polygons are.
_FATES = {
    "outside": "lie outside the map",
    "small": "hold no centre of a map pixel (smaller or narrower than a pixel)",
    "under": "lie wholly under other polygons of their class, which have all their pixels",
    "conflict": "share all their pixels with polygons of another class",
    "nodata": "lie on nodata of the map",
    "unusable": "have no usable shape (fewer than three corners, or corners that are no numbers)",
}
_IDS_SHOWN = 5
#: Polygons that are looked at one by one.
_MOST = 5000


def uncounted(
    polygons: PolygonsOnMap, labelled: Sequence[ReferenceFeature], classes: Sequence[int], seen: Ints
) -> list[str]:
    """Sentences about polygons without a pixel of their own, and about copies.

    Args:
        polygons: all that have a class, on the map.
        labelled: the same as features.
        classes: index of the class of each.
        seen: positions of those that have pixels.
    """
    sentences = []
    unseen = sorted(set(range(len(labelled))) - set(map(int, seen)))
    fates: dict[str, list[str]] = {fate: [] for fate in _FATES}
    for i in unseen[:_MOST]:
        fates[polygons.fate_of(i)].append(labelled[i].id)
    for fate, ids in fates.items():
        if ids:
            sentences.append(
                f"{len(ids):,} of {len(labelled):,} polygons {_FATES[fate]}, and count for nothing ({_ids(ids)})."
            )
    if len(unseen) > _MOST:
        sentences.append(f"{len(unseen) - _MOST:,} more polygons count for nothing; why was not looked at.")
    copies = _copies(labelled, classes)
    if copies:
        sentences.append(f"{len(copies):,} of {len(labelled):,} polygons are copies of others ({_ids(copies)}).")
    return sentences


def _copies(labelled: Sequence[ReferenceFeature], classes: Sequence[int]) -> list[str]:
    """Ids of polygons that have the corners and the class of one before them."""
    often: Counter[int] = Counter()
    ids = []
    for feature, of_class in zip(labelled, classes):
        key = hash((of_class, str(feature.geometry.get("coordinates"))))
        if often[key]:
            ids.append(feature.id)
        often[key] += 1
    return ids


def _ids(ids: Sequence[str]) -> str:
    more = f" and {len(ids) - _IDS_SHOWN:,} more" if len(ids) > _IDS_SHOWN else ""
    return ("id " if len(ids) == 1 else "ids ") + ", ".join(ids[:_IDS_SHOWN]) + more
