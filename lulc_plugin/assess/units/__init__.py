# SPDX-License-Identifier: GPL-3.0-or-later
"""The units of a reference (points, polygons, pixels) with the labels they have on the map."""

from .collect import collect_units
from .from_points import single_points
from .reference_units import Ints, ReferenceUnits, Sizes

__all__ = [
    "ReferenceUnits",
    "Ints",
    "Sizes",
    "single_points",
    "collect_units",
]
