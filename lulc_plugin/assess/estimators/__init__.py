# SPDX-License-Identifier: GPL-3.0-or-later
"""What a sampling design makes of counts: estimates, standard errors, intervals, paired differences."""

from . import estimation, pairing
from .conservative import MapEvents
from .estimation import units_needed
from .intervals import clopper_pearson_share
from .sample_units import StrataSizes, Units, correction, spread_check
from .weighted_sums import Part, weighted_sum

__all__ = [
    "MapEvents",
    "Part",
    "StrataSizes",
    "Units",
    "clopper_pearson_share",
    "correction",
    "estimation",
    "pairing",
    "spread_check",
    "units_needed",
    "weighted_sum",
]
