# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that `assess` and `compare` share: the reference, its design, and the files to write."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..assess import (
    AREA_UNITS,
    DESIGNS,
    FPC,
    INTERVALS,
    MISSING_STRATA,
    UNKNOWN,
    AssessJob,
    FeatureInput,
    Options,
    Outputs,
    RasterInput,
)
from ..errors import LulcError
from . import layer_options

#: What the argument REFERENCE may be.
REFERENCE = (
    "raster, vector file of points or polygons, or CSV file of points (columns x and y, lon and lat, WKT or GeoJSON)"
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """The shared options."""
    parser.add_argument("--reference-band", type=int, default=1, metavar="N", help="band of a raster reference")
    parser.add_argument("--field", default="", help="field of a vector reference that holds the class (ref_class)")
    parser.add_argument("--layer", metavar="NAME", help="layer of a vector file with several")
    parser.add_argument(
        "--crs",
        default="",
        metavar="EPSG:CODE",
        help="of the columns x and y of a CSV file (lon and lat are degrees of WGS 84 without it), and of rasters and"
        " vector files that name none",
    )
    parser.add_argument(
        "--map-crs", default="", metavar="EPSG:CODE", help="coordinate system of the map, instead of the file's own"
    )
    layer_options.add_nodata(parser, "map")
    parser.add_argument("--stratum-field", default="", help="field that holds the sampling stratum (stratum)")
    parser.add_argument(
        "--class-table",
        type=Path,
        metavar="CSV",
        help="columns map,reference: what means the same; in a comparison map_b, too, where map B has another legend",
    )
    parser.add_argument("--strata", metavar="RASTER", help="sampling strata, when they are not the map's classes")
    parser.add_argument("--strata-band", type=int, default=1, metavar="N", help="band of the strata")
    parser.add_argument("--design", choices=DESIGNS, default="auto", help="how the reference was obtained")
    parser.add_argument("--fpc", choices=FPC, default="auto", help="finite population correction")
    parser.add_argument(
        "--interval",
        choices=INTERVALS,
        default="conservative",
        help="intervals of random samples; standard: as published",
    )
    parser.add_argument("--poststratify", action="store_true", help="use the map's class shares with --design simple")
    parser.add_argument("--unknown", choices=UNKNOWN, default="error", help="reference classes the legend lacks")
    parser.add_argument("--missing-strata", choices=MISSING_STRATA, default="refuse", help="strata without a unit")
    parser.add_argument("--area-unit", choices=tuple(AREA_UNITS), default="ha")
    parser.add_argument("--level", type=float, default=0.95, metavar="SHARE", help="confidence level")
    parser.add_argument("--html", type=Path, metavar="FILE", help="report to read")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="its tables in full precision")
    parser.add_argument("--json", type=Path, metavar="FILE", help="the same for programs")


def job_of(options: argparse.Namespace, *maps: RasterInput) -> AssessJob:
    """What `assess` or `compare` is asked for.

    Raises:
        LulcError: a reference, a class table or a level that cannot be used.
    """
    named = [replace(of_map, crs=options.map_crs, nodata=options.nodata) for of_map in maps]
    used = tuple(_with_crs(of_map, options.crs) for of_map in named)
    needed = used != tuple(named)
    reference, features = reference_of(options, used[0], needed)
    return AssessJob(used, reference, features, options_of(options), outputs_of(options))


def _with_crs(layer: RasterInput, crs: str) -> RasterInput:
    """`layer` in the coordinate system `crs` where neither the user nor its file names one."""
    if not crs or layer.crs:
        return layer
    from ..raster import Source

    with Source(layer) as source:
        return replace(layer, crs=crs) if source.facts.crs is None else layer


def options_of(options: argparse.Namespace) -> Options:
    """The options as the engine has them.

    Raises:
        LulcError: a class table that cannot be read, or a level out of range.
    """
    from ..assess import MAP_B, read_class_table

    table: Path | None = options.class_table
    strata = None if options.strata is None else RasterInput(options.strata, options.strata_band)
    return Options(
        class_table=() if table is None else read_class_table(table),
        class_table_b=() if table is None or not hasattr(options, "map_b") else read_class_table(table, MAP_B),
        class_table_file="" if table is None else str(table),
        strata=strata and _with_crs(strata, options.crs),
        design=options.design,
        fpc=options.fpc,
        interval=options.interval,
        poststratify=options.poststratify,
        unknown=options.unknown,
        missing_strata=options.missing_strata,
        area_unit=options.area_unit,
        level=options.level,
    )


def outputs_of(options: argparse.Namespace) -> Outputs:
    """The files to write."""
    return Outputs(options.html, options.csv, options.json, getattr(options, "disagreement", None))


def reference_of(
    options: argparse.Namespace, of_map: RasterInput, crs_needed: bool
) -> tuple[RasterInput | None, FeatureInput | None]:
    """The reference as a raster, or its features in the map's CRS; `crs_needed`: `--crs` was for the map.

    Raises:
        LulcError: it is neither.
    """
    from ..assess import is_raster, is_table, read_features, read_points

    path = options.reference
    if is_table(path) or (path.lower().endswith(".txt") and not is_raster(path)):
        if options.layer is not None:
            raise LulcError(
                f"--layer {options.layer} is given, but the CSV file {path} has no layers.", "Leave it away."
            )
        return None, read_points(path, of_map, options.field, options.stratum_field, options.crs)
    if is_raster(path):
        of_file = RasterInput(path, options.reference_band)
        reference = _with_crs(of_file, options.crs)
        if options.crs and reference == of_file and not crs_needed:
            raise LulcError(
                f"--crs {options.crs} is for points in a CSV file and rasters that name no coordinate system; {path} is"
                " a raster that names its own.",
                "Leave --crs away; --map-crs sets that of the map.",
            )
        return reference, None
    # features have a coordinate system of their own; --crs was for the map
    crs = "" if crs_needed else options.crs
    return None, read_features(path, of_map, options.field, options.stratum_field, options.layer, crs)


def share(value: Any) -> str:
    """A share for the terminal."""
    return "n/a" if value is None else f"{value:.4f}"


def interval(low: Any, high: Any) -> str:
    """A confidence interval for the terminal, with a blank before it; nothing where there is none."""
    return "" if low is None or high is None else f" [{low:.4f}, {high:.4f}]"
