# SPDX-License-Identifier: GPL-3.0-or-later
"""The main line: a job becomes a plan, the plan becomes a map."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy_imports import lazy_exports

if TYPE_CHECKING:
    from . import input_scaling as input_scaling
    from .blend import Blender as Blender
    from .job import (
        AUTO as AUTO,
        DEVICES as DEVICES,
        NODATA_POLICIES as NODATA_POLICIES,
        RESAMPLE as RESAMPLE,
        VALUES as VALUES,
        ClassifyJob as ClassifyJob,
        ClassifyResult as ClassifyResult,
    )
    from .layer_check import LayerCheck as LayerCheck, check_layer as check_layer
    from .model_choice import ordered_for as ordered_for
    from .pipeline import classify as classify, run as run
    from .plan import Plan as Plan, Setup as Setup, make_plan as make_plan
    from .repetition import Instead as Instead, Repetition as Repetition, repeat as repeat
    from .smoothing import guide_statistics as guide_statistics, smooth as smooth
    from .window_size import plan_windows as plan_windows
    from .windows import read_windows as read_windows

__getattr__, __all__ = lazy_exports(
    __name__,
    {
        "": ["input_scaling"],
        "blend": ["Blender"],
        "job": ["AUTO", "ClassifyJob", "ClassifyResult", "DEVICES", "NODATA_POLICIES", "RESAMPLE", "VALUES"],
        "layer_check": ["LayerCheck", "check_layer"],
        "model_choice": ["ordered_for"],
        "pipeline": ["classify", "run"],
        "plan": ["Plan", "Setup", "make_plan"],
        "repetition": ["Instead", "Repetition", "repeat"],
        "smoothing": ["guide_statistics", "smooth"],
        "window_size": ["plan_windows"],
        "windows": ["read_windows"],
    },
)
