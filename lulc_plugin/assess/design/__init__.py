# SPDX-License-Identifier: GPL-3.0-or-later
"""How the reference was sampled: design, strata and their sizes, weights."""

from .design import Design, design_of
from .weights import CodedUnits, Sampling, encode, estimate, sampling_of, spread_warning

__all__ = [
    "CodedUnits",
    "Design",
    "Sampling",
    "encode",
    "design_of",
    "estimate",
    "sampling_of",
    "spread_warning",
]
