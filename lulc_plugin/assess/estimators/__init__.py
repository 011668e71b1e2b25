# SPDX-License-Identifier: GPL-3.0-or-later
"""What a sampling design makes of counts: estimates, standard errors, intervals, paired differences."""

from . import estimation, pairing
from .sample_units import StrataSizes, Units, spread_check

__all__ = [
    "StrataSizes",
    "Units",
    "estimation",
    "pairing",
    "spread_check",
]
