# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m lulc_plugin stack OUT LAYER …`: put all bands of several rasters into one image."""

from __future__ import annotations

import argparse
from typing import Any

from ..progress import ConsoleProgress
from ..raster import RasterInput
from ..scenes import RESAMPLING


def add_to(commands: Any) -> None:
    """Describe the command to argparse."""
    stack = commands.add_parser("stack", help="put all bands of several rasters into one image")
    stack.set_defaults(command=_stack)
    stack.add_argument("output", metavar="OUT", help=".vrt, which refers to the layers, or .tif, which holds them")
    stack.add_argument("layers", metavar="LAYER", nargs="+", help="rasters with any bands, grid and coordinate system")
    stack.add_argument("--grid", metavar="RASTER", help="raster whose pixels the stack has; the first layer without it")
    stack.add_argument(
        "--resampling",
        choices=RESAMPLING,
        default=RESAMPLING[0],
        help="auto: mean of finer pixels, bilinear between coarser ones, nearest for class maps",
    )


def _stack(options: argparse.Namespace) -> int:
    from ..environment import require

    require(("numpy", "rasterio"))
    from ..scenes import StackJob, stack_layers

    grid = RasterInput(options.grid) if options.grid else None
    job = StackJob(tuple(RasterInput(path) for path in options.layers), grid, options.resampling)
    result = stack_layers(job, options.output, ConsoleProgress())
    for number, band in enumerate(result.bands, 1):
        print(
            f"{number:4d}  {band.name:32s} {band.dtype:8s} band {band.band} of {band.layer}  {band.resampled}".rstrip()
        )
    return 0
