# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m lulc_plugin suggest IN OUT`: places where a label would help most, as points in a CSV file."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ..errors import LulcError
from ..progress import ConsoleProgress
from ..raster import RasterInput
from . import layer_options


def add_to(commands: Any) -> None:
    """Describe the command to argparse."""
    suggest = commands.add_parser("suggest", help="places where a label would help own classes most")
    suggest.set_defaults(command=_suggest)
    suggest.add_argument("input", metavar="IN", help="raster to classify; with --confidence a class map")
    suggest.add_argument("output", metavar="OUT", help="points to write, .csv with the columns x, y and ref_class")
    layer_options.add_options(suggest)
    suggest.add_argument("--confidence", default="", metavar="RASTER", help="confidence of the map IN; no network runs")
    suggest.add_argument("--count", type=int, default=20, metavar="N", help="number of points (20)")
    suggest.add_argument("--samples", default="", metavar="FILE", help="what is labelled already: points or polygons")
    suggest.add_argument("--field", default="", help="field of the samples that holds the class (ref_class)")
    suggest.add_argument("--seed", type=int, default=0, metavar="N", help="of the choice among equals")
    suggest.add_argument("--threads", type=int, default=0, metavar="N", help="CPU threads; 0: all")


def _suggest(options: argparse.Namespace) -> int:
    from ..environment import require

    require()
    from ..adapt import SuggestJob, suggest
    from ..assess import is_table, read_features, read_points
    from ..atomic_write import write_whole
    from ..classify import ClassifyJob
    from ..raster import refuse_overwriting
    from ..report.csv_lines import csv_line

    if not options.output.lower().endswith(".csv"):
        raise LulcError(f"{options.output} does not end in .csv.", "Points are written as a CSV file here.")
    refuse_overwriting((Path(options.output),), (options.input, options.confidence, options.samples))
    layer = RasterInput(options.input, crs=options.crs, nodata=options.nodata)
    samples = None
    if options.samples:
        table = is_table(options.samples)
        samples = (read_points if table else read_features)(options.samples, layer, options.field)
    of_map = bool(options.confidence)
    job = SuggestJob(
        None if of_map else ClassifyJob(**layer_options.job_fields(options), threads=options.threads),
        layer if of_map else None,
        RasterInput(options.confidence) if of_map else None,
        options.count,
        samples,
        options.seed,
    )
    places, _ = suggest(job, ConsoleProgress())
    lines = [csv_line(["id", "x", "y", "map_class", "map_name", "margin", "ref_class"])]
    for number, place in enumerate(places, 1):
        lines.append(csv_line([number, place.x, place.y, place.value, place.name, round(place.margin, 4), None]))
    write_whole(Path(options.output), "".join(lines).encode("utf-8"))
    print(f"{len(places)} places to label, for training only: they are no sample to assess a map with.")
    return 0
