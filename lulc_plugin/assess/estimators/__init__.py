# SPDX-License-Identifier: GPL-3.0-or-later
"""What a sampling design makes of counts: estimates, standard errors, intervals, paired differences."""

from . import estimation, pairing
from .clusters import cluster_estimates

__all__ = [
    "cluster_estimates",
    "estimation",
    "pairing",
]
