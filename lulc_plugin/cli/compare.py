# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m lulc_plugin compare MAP_A MAP_B REFERENCE`: which of two maps is more accurate."""

from __future__ import annotations

import argparse
from typing import Any

from ..assess import RasterInput
from ..environment import FOR_ACCURACY, require
from ..options import SHELL, render
from ..progress import ConsoleProgress
from . import reference_options


def add_to(commands: Any) -> None:
    """Describe the command to argparse."""
    parser = commands.add_parser("compare", help="compare two maps with one reference")
    parser.set_defaults(command=_compare)
    parser.add_argument("map_a", metavar="MAP_A", help="class map, a raster; its pixels are the grid")
    parser.add_argument("map_b", metavar="MAP_B", help="the other class map")
    parser.add_argument("reference", metavar="REFERENCE", help=reference_options.REFERENCE)
    parser.add_argument("--band-a", type=int, default=1, metavar="N", help="band of the first map")
    parser.add_argument("--band-b", type=int, default=1, metavar="N", help="band of the second map")
    reference_options.add_options(parser)


def _compare(options: argparse.Namespace) -> int:
    require(FOR_ACCURACY)
    from ..report.accuracy import compare_and_report, design_sentence

    maps = (RasterInput(options.map_a, options.band_a), RasterInput(options.map_b, options.band_b))
    job = reference_options.job_of(options, *maps)
    result = compare_and_report(job, ConsoleProgress())
    print(render(design_sentence(result), SHELL))
    print(f"units {result.context.compared:,}")
    for name, difference in (("overall accuracy", result.overall), ("kappa", result.kappa)):
        a, b, d = (reference_options.share(v) for v in (difference.a, difference.b, difference.difference))
        print(f"{name}: A {a}, B {b}, A − B {d}{reference_options.interval(difference.low, difference.high)}")
    return 0
