# SPDX-License-Identifier: GPL-3.0-or-later
"""How the reference was sampled: design, strata and their sizes, weights."""

from .design import CENSUS_FROM, design_of, design_warnings
from .weights import CodedUnits, Sampling, encode, estimate, partly_described, sampling_of, spread_warning

__all__ = [
    "CENSUS_FROM",
    "CodedUnits",
    "Sampling",
    "encode",
    "design_of",
    "design_warnings",
    "estimate",
    "partly_described",
    "sampling_of",
    "spread_warning",
]
