# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m lulc_plugin adapt IN SAMPLES OUT`: train classes of one's own from samples."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ..options import SHELL
from ..progress import ConsoleProgress
from ..raster import RasterInput
from . import layer_options
from .reference_options import share


def add_to(commands: Any) -> None:
    """Describe the command to argparse."""
    adapt = commands.add_parser("adapt", help="train classes of one's own from points or polygons")
    adapt.set_defaults(command=_adapt)
    adapt.add_argument("input", metavar="IN", help="raster with any bands")
    adapt.add_argument("samples", metavar="SAMPLES", help="points or polygons: a vector file, or points in a CSV file")
    adapt.add_argument("output", metavar="OUT", help="network to write, .onnx")
    adapt.add_argument("--field", default="", help="field of the samples that holds the class (ref_class)")
    adapt.add_argument("--layer", metavar="NAME", help="layer of a vector file with several")
    adapt.add_argument("--network", default="auto", metavar="NAME", help="auto, all, none, or names with commas")
    adapt.add_argument("--model", default="", metavar="FILE", help="an .onnx file as the network")
    adapt.add_argument(
        "--bands", type=layer_options.integers, default=(), metavar="3,2,1,4", help="band numbers for the network"
    )
    adapt.add_argument(
        "--crs", default="", metavar="EPSG:CODE", help="coordinate system of the raster, instead of the file's own"
    )
    layer_options.add_nodata(adapt, "raster")
    adapt.add_argument("--smoothing", default="auto", metavar="PX", help="auto, none, or a radius in pixels")
    adapt.add_argument(
        "--max-pixels-per-class", type=int, default=500, metavar="N", help="samples of a class at most (500)"
    )
    adapt.add_argument("--seed", type=int, default=0, metavar="N", help="of all random choices")
    adapt.add_argument("--threads", type=int, default=0, metavar="N", help="CPU threads; 0: all")
    adapt.add_argument("--html", type=Path, metavar="FILE", help="report to read")


def _adapt(options: argparse.Namespace) -> int:
    from ..environment import require

    require()
    from ..adapt import AdaptJob, adapt
    from ..assess import is_table, read_features, read_points

    if options.html:
        from ..report import own_classes

        own_classes.check_target(options.html, options.input, options.samples)
    layer = RasterInput(options.input, bands=options.bands, crs=options.crs, nodata=options.nodata)
    if is_table(options.samples):
        samples = read_points(options.samples, layer, options.field)
    else:
        samples = read_features(options.samples, layer, options.field, layer=options.layer)
    job = AdaptJob(
        layer,
        samples,
        network=options.network,
        model_file=options.model,
        most_pixels=options.max_pixels_per_class,
        smoothing=options.smoothing,
        seed=options.seed,
        threads=options.threads,
    )
    progress = ConsoleProgress()
    result = adapt(job, options.output, progress)
    if options.html:
        own_classes.write(result, options.html, SHELL)
    for warning in result.warnings:
        progress.warn(warning)
    figures = f"overall accuracy {share(result.overall_accuracy)}, macro F1 {share(result.macro_f1)}"
    print(f"{result.method}: {figures}, by cross-validation of the samples")
    for one in result.classes:
        print(f"{one.value:5d}  {one.name:24s} {one.samples:8,d} samples   F1 {share(one.f1)}")
    return 0
