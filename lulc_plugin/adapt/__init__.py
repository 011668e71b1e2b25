# SPDX-License-Identifier: GPL-3.0-or-later
"""Classes of one's own: trained from a few samples, on any layer, into a network like any other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy_imports import lazy_exports

if TYPE_CHECKING:
    from .candidates import (
        RADII as RADII,
        Candidate as Candidate,
        Outcome as Outcome,
        candidates_of as candidates_of,
        patch_samples as patch_samples,
        predictor as predictor,
        validate as validate,
    )
    from .feature_reader import FeatureReader as FeatureReader, Features as Features, Window as Window
    from .features import count_of as count_of
    from .folds import make_folds as make_folds
    from .job import AdaptJob as AdaptJob, AdaptResult as AdaptResult, Suspect as Suspect
    from .layer_inputs import (
        LayerInputs as LayerInputs,
        describe_layer as describe_layer,
        find_networks as find_networks,
    )
    from .sample_pixels import (
        ClassStyle as ClassStyle,
        SamplePixels as SamplePixels,
        classes_of_rows as classes_of_rows,
    )
    from .suggestions import Suggestion as Suggestion, SuggestJob as SuggestJob, suggest as suggest
    from .training import adapt as adapt, choose as choose, guide_of as guide_of, own_planes as own_planes

__getattr__, __all__ = lazy_exports(
    __name__,
    {
        "candidates": ["RADII", "Candidate", "Outcome", "candidates_of", "patch_samples", "predictor", "validate"],
        "feature_reader": ["FeatureReader", "Features", "Window"],
        "features": ["count_of"],
        "folds": ["make_folds"],
        "job": ["AdaptJob", "AdaptResult", "Suspect"],
        "layer_inputs": ["LayerInputs", "describe_layer", "find_networks"],
        "sample_pixels": ["ClassStyle", "SamplePixels", "classes_of_rows"],
        "suggestions": ["SuggestJob", "Suggestion", "suggest"],
        "training": ["adapt", "choose", "guide_of", "own_planes"],
    },
)
