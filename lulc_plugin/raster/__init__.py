# SPDX-License-Identifier: GPL-3.0-or-later
"""Pixels in, pixels out: layers, bands, scaling, windows and the finished file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy_imports import lazy_exports

if TYPE_CHECKING:
    from . import (
        areas as areas,
        band_names as band_names,
        band_order as band_order,
        bands as bands,
        gdal as gdal,
        statistics as statistics,
        value_kind as value_kind,
    )
    from .areas import AreaMeasurement as AreaMeasurement, PixelAreas as PixelAreas, pixel_areas as pixel_areas
    from .band_names import common_name as common_name
    from .band_sets import match_most as match_most
    from .bands import BandMatch as BandMatch, BandsNotFound as BandsNotFound, LayerBand as LayerBand
    from .categories import classes_of as classes_of, read_categories as read_categories
    from .class_raster import check_class_raster as check_class_raster
    from .ellipsoid import ellipsoid_of as ellipsoid_of
    from .geogrid import (
        Extent as Extent,
        GeoGrid as GeoGrid,
        PixelRegion as PixelRegion,
        circle_of as circle_of,
        crs_name as crs_name,
        is_local as is_local,
        nearest_turn as nearest_turn,
    )
    from .indices import INDICES as INDICES, Expression as Expression, parse as parse
    from .input_files import (
        InputFiles as InputFiles,
        digest_of as digest_of,
        files_behind as files_behind,
        refuse_overwriting as refuse_overwriting,
    )
    from .map_files import set_style_aside as set_style_aside
    from .nodata import BoolArray as BoolArray, usable as usable
    from .output import MapWriter as MapWriter, check_target as check_target
    from .raster_input import NodataSetting as NodataSetting, RasterInput as RasterInput, file_title as file_title
    from .read_errors import not_opened as not_opened, refuse_missing_sources as refuse_missing_sources
    from .reprojected_band import ReprojectedBand as ReprojectedBand
    from .resampling import (
        AxisScale as AxisScale,
        Resampling as Resampling,
        ResamplingWeights as ResamplingWeights,
        resample as resample,
    )
    from .scaling import (
        LAYER_OPS as LAYER_OPS,
        Channel as Channel,
        Step as Step,
        Steps as Steps,
        apply_steps as apply_steps,
        band_values as band_values,
        limits_of as limits_of,
        prepare as prepare,
        resolve as resolve,
        resolve_all as resolve_all,
        steps_from_json as steps_from_json,
    )
    from .source import (
        LayerFacts as LayerFacts,
        Source as Source,
        open_dataset as open_dataset,
        parse_crs as parse_crs,
        settings_of as settings_of,
    )
    from .statistics import (
        Survey as Survey,
        probe_layer as probe_layer,
        sample_array as sample_array,
        survey_layer as survey_layer,
    )
    from .transform_points import transform_coordinates as transform_coordinates
    from .usable_grid import several_rasters as several_rasters
    from .value_kind import PICTURE as PICTURE, interpret_values as interpret_values
    from .virtual_files import names_network as names_network, refuse_network as refuse_network
    from .window_grid import (
        Axis as Axis,
        Grid as Grid,
        plan_axis as plan_axis,
        plan_grid as plan_grid,
        reflect as reflect,
    )

__getattr__, __all__ = lazy_exports(
    __name__,
    {
        "": ["areas", "band_names", "band_order", "bands", "gdal", "statistics", "value_kind"],
        "areas": ["AreaMeasurement", "PixelAreas", "pixel_areas"],
        "band_names": ["common_name"],
        "band_sets": ["match_most"],
        "bands": ["BandMatch", "BandsNotFound", "LayerBand"],
        "categories": ["classes_of", "read_categories"],
        "class_raster": ["check_class_raster"],
        "ellipsoid": ["ellipsoid_of"],
        "geogrid": ["Extent", "GeoGrid", "PixelRegion", "circle_of", "crs_name", "is_local", "nearest_turn"],
        "input_files": ["InputFiles", "digest_of", "files_behind", "refuse_overwriting"],
        "indices": ["Expression", "INDICES", "parse"],
        "map_files": ["set_style_aside"],
        "nodata": ["BoolArray", "usable"],
        "output": ["MapWriter", "check_target"],
        "raster_input": ["NodataSetting", "RasterInput", "file_title"],
        "read_errors": ["not_opened", "refuse_missing_sources"],
        "reprojected_band": ["ReprojectedBand"],
        "resampling": ["AxisScale", "Resampling", "ResamplingWeights", "resample"],
        "scaling": [
            "Channel",
            "LAYER_OPS",
            "Step",
            "Steps",
            "apply_steps",
            "band_values",
            "limits_of",
            "prepare",
            "resolve",
            "resolve_all",
            "steps_from_json",
        ],
        "source": ["LayerFacts", "Source", "open_dataset", "parse_crs", "settings_of"],
        "statistics": ["Survey", "probe_layer", "sample_array", "survey_layer"],
        "transform_points": ["transform_coordinates"],
        "virtual_files": ["names_network", "refuse_network"],
        "usable_grid": ["several_rasters"],
        "value_kind": ["PICTURE", "interpret_values"],
        "window_grid": ["Axis", "Grid", "plan_axis", "plan_grid", "reflect"],
    },
)
