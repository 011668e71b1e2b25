# SPDX-License-Identifier: GPL-3.0-or-later
"""Map against reference: matrices and the statistics that follow from them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy_imports import lazy_exports

if TYPE_CHECKING:
    from .assessment import assess as assess, compare as compare
    from .class_names import key_of as key_of
    from .class_pairs import MAP_B as MAP_B, class_table as class_table, read_class_table as read_class_table
    from .confusion_matrix import (
        Accuracy as Accuracy,
        ClassAccuracy as ClassAccuracy,
        ConfusionMatrix as ConfusionMatrix,
        accuracy as accuracy,
    )
    from .design import CENSUS_FROM as CENSUS_FROM, partly_described as partly_described
    from .disagreement import legend_of as legend_of, write_disagreement as write_disagreement
    from .estimators import (
        MapEvents as MapEvents,
        Part as Part,
        StrataSizes as StrataSizes,
        Units as Units,
        clopper_pearson_share as clopper_pearson_share,
        estimation as estimation,
        pairing as pairing,
        weighted_sum as weighted_sum,
    )
    from .job import (
        AREA_UNITS as AREA_UNITS,
        DESIGNS as DESIGNS,
        FPC as FPC,
        INTERVALS as INTERVALS,
        MISSING_STRATA as MISSING_STRATA,
        UNKNOWN as UNKNOWN,
        AssessJob as AssessJob,
        FeatureInput as FeatureInput,
        Label as Label,
        Options as Options,
        Outputs as Outputs,
        Places as Places,
        RasterInput as RasterInput,
        ReferenceFeature as ReferenceFeature,
        one_reference as one_reference,
    )
    from .overlay.crossing import blocks as blocks, cross as cross
    from .overlay.polygons_on_map import PolygonsOnMap as PolygonsOnMap
    from .overlay.raster_on_map import RasterOnMap as RasterOnMap
    from .reference.geometries import joined_across as joined_across, one_kind as one_kind
    from .reference.places import missing_crs as missing_crs, without_a_place as without_a_place
    from .reference.point_table import is_table as is_table, read_points as read_points
    from .reference.vector_file import is_raster as is_raster, read_features as read_features
    from .result import (
        Alignment as Alignment,
        AssessedClass as AssessedClass,
        Assessment as Assessment,
        Cause as Cause,
        ClassArea as ClassArea,
        Comparison as Comparison,
        Context as Context,
        Correction as Correction,
        Design as Design,
        Difference as Difference,
        Estimate as Estimate,
        Estimates as Estimates,
        LayerSummary as LayerSummary,
        Reason as Reason,
        Stratum as Stratum,
    )
    from .sample.job import Sample as Sample, SampleJob as SampleJob, expected_from_text as expected_from_text
    from .sample.selection import draw as draw
    from .units.from_points import single_points as single_points

__getattr__, __all__ = lazy_exports(
    __name__,
    {
        "assessment": ["assess", "compare"],
        "class_names": ["key_of"],
        "class_pairs": ["MAP_B", "class_table", "read_class_table"],
        "confusion_matrix": ["Accuracy", "ClassAccuracy", "ConfusionMatrix", "accuracy"],
        "design": ["CENSUS_FROM", "partly_described"],
        "disagreement": ["legend_of", "write_disagreement"],
        "estimators": [
            "MapEvents",
            "Part",
            "StrataSizes",
            "Units",
            "clopper_pearson_share",
            "estimation",
            "pairing",
            "weighted_sum",
        ],
        "job": [
            "AREA_UNITS",
            "AssessJob",
            "DESIGNS",
            "FPC",
            "FeatureInput",
            "INTERVALS",
            "Label",
            "MISSING_STRATA",
            "Options",
            "Outputs",
            "Places",
            "RasterInput",
            "ReferenceFeature",
            "UNKNOWN",
            "one_reference",
        ],
        "overlay.crossing": ["blocks", "cross"],
        "overlay.polygons_on_map": ["PolygonsOnMap"],
        "overlay.raster_on_map": ["RasterOnMap"],
        "reference.geometries": ["joined_across", "one_kind"],
        "reference.places": ["missing_crs", "without_a_place"],
        "reference.point_table": ["is_table", "read_points"],
        "reference.vector_file": ["is_raster", "read_features"],
        "result": [
            "Alignment",
            "AssessedClass",
            "Assessment",
            "Cause",
            "ClassArea",
            "Comparison",
            "Context",
            "Correction",
            "Design",
            "Difference",
            "Estimate",
            "Estimates",
            "LayerSummary",
            "Reason",
            "Stratum",
        ],
        "sample.job": ["Sample", "SampleJob", "expected_from_text"],
        "sample.selection": ["draw"],
        "units.from_points": ["single_points"],
    },
)
