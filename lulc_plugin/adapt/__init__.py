# SPDX-License-Identifier: GPL-3.0-or-later
"""Classes of one's own: trained from a few samples, on any layer, into a network like any other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy_imports import lazy_exports

if TYPE_CHECKING:
    from .job import AdaptJob as AdaptJob, AdaptResult as AdaptResult, Suspect as Suspect
    from .sample_pixels import ClassStyle as ClassStyle, classes_of_rows as classes_of_rows
    from .suggestions import Suggestion as Suggestion, SuggestJob as SuggestJob, suggest as suggest
    from .training import adapt as adapt

__getattr__, __all__ = lazy_exports(
    __name__,
    {
        "job": ["AdaptJob", "AdaptResult", "Suspect"],
        "sample_pixels": ["ClassStyle", "classes_of_rows"],
        "suggestions": ["SuggestJob", "Suggestion", "suggest"],
        "training": ["adapt"],
    },
)
