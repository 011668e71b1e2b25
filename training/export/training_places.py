# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the training images lie, for the map on a network's card."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Any

from ..sets.chips import rows_of
from ..sets.description import SetDescription


def training_places(description: SetDescription, splits: Collection[str]) -> dict[str, Any]:
    """`{"set": title, "places": [[longitude, latitude], …]}` of the rows that train, once a tenth of a degree.

    A set whose images have lost their coordinates has an empty list: the card says so instead of guessing.
    """
    rows = [row for row in rows_of(description) if row["split"] in splits]
    found = {place for row in rows if (place := _place(row)) is not None}
    return {"set": description.title or description.name, "places": [list(p) for p in sorted(found)]}


def _place(row: dict[str, str]) -> tuple[float, float] | None:
    try:
        lon, lat = float(row.get("lon") or "nan"), float(row.get("lat") or "nan")
    except ValueError:
        return None
    inside = math.isfinite(lon) and math.isfinite(lat) and abs(lon) <= 180 and abs(lat) <= 90
    return (round(lon, 1), round(lat, 1)) if inside else None
