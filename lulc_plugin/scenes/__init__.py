# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of satellites and other layers become one image."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy_imports import lazy_exports

if TYPE_CHECKING:
    from .job import RESAMPLING as RESAMPLING, StackJob as StackJob, StackResult as StackResult
    from .stack import stack_layers as stack_layers

__getattr__, __all__ = lazy_exports(
    __name__,
    {
        "job": ["RESAMPLING", "StackJob", "StackResult"],
        "stack": ["stack_layers"],
    },
)
