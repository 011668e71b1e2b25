# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m lulc_plugin assess MAP REFERENCE`: how accurate a map is."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ..assess import RasterInput
from ..environment import FOR_ACCURACY, require
from ..options import SHELL, render
from ..progress import ConsoleProgress
from . import reference_options


def add_to(commands: Any) -> None:
    """Describe the command to argparse."""
    parser = commands.add_parser("assess", help="compare a map with a reference: accuracy and areas")
    parser.set_defaults(command=_assess)
    parser.add_argument("map", metavar="MAP", help="class map, a raster")
    parser.add_argument("reference", metavar="REFERENCE", help=reference_options.REFERENCE)
    parser.add_argument("--band", type=int, default=1, metavar="N", help="band of the map")
    reference_options.add_options(parser)
    parser.add_argument("--disagreement", type=Path, metavar="FILE", help="raster of what was taken for what")


def _assess(options: argparse.Namespace) -> int:
    require(FOR_ACCURACY)
    from ..report.accuracy import assess_and_report, design_sentence

    job = reference_options.job_of(options, RasterInput(options.map, options.band))
    result = assess_and_report(job, ConsoleProgress())
    print(render(design_sentence(result), SHELL))
    print(f"units {result.context.compared:,}")
    for name, estimate in (("overall accuracy", result.estimates.overall), ("kappa", result.estimates.kappa)):
        print(
            f"{name} {reference_options.share(estimate.value)}{reference_options.interval(estimate.low, estimate.high)}"
        )
    for of_class, users, producers in zip(result.classes, result.estimates.users, result.estimates.producers):
        ua, pa = reference_options.share(users.value), reference_options.share(producers.value)
        print(f"{of_class.label:30s} user's accuracy {ua}  producer's accuracy {pa}")
    return 0
