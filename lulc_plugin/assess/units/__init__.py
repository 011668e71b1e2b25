# SPDX-License-Identifier: GPL-3.0-or-later
"""The units of a reference (points, polygons, pixels) with the labels they have on the map."""

from .collect import gather
from .from_points import exploded
from .reference_units import Found, Ints, Sizes

__all__ = [
    "Found",
    "Ints",
    "Sizes",
    "exploded",
    "gather",
]
