# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m lulc_plugin check IN`: look at a layer before a map is made of it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from .. import bundled
from ..classify.job import AUTO, NO_OUTPUT, RESAMPLE, VALUES, ClassifyJob
from ..progress import Progress
from .lists import four_numbers, integers, names_a_file


def add_to(commands: Any) -> None:
    """Describe the command to argparse."""
    parser = commands.add_parser("check", help="look at a raster before a map is made of it")
    parser.set_defaults(command=_check)
    parser.add_argument("input", metavar="IN", help="raster to look at")
    parser.add_argument(
        "--model",
        default=AUTO,
        metavar="NAME|FILE",
        help=f"auto, an .onnx file, or: {', '.join(bundled.model_names())}",
    )
    parser.add_argument(
        "--bands", type=integers, default=(), metavar="3,2,1,4", help="band numbers in the order of the model's bands"
    )
    parser.add_argument(
        "--extent", type=four_numbers, metavar="XMIN,YMIN,XMAX,YMAX", help="part of the layer, in its coordinate system"
    )
    parser.add_argument("--values", choices=VALUES, default=AUTO, help="what the stored numbers are")
    parser.add_argument(
        "--resample", choices=RESAMPLE, default=AUTO, help="pixels of another size than the model's: resampled or not"
    )
    parser.add_argument("--html", metavar="FILE", help="write the same as a page")
    parser.add_argument("--json", action="store_true", help="print JSON instead of lines")


def _check(options: argparse.Namespace) -> int:
    from ..dependencies import require

    require()
    from ..classify.layercheck import check_layer

    is_file = names_a_file(options.model)
    job = ClassifyJob(
        input=options.input,
        output=NO_OUTPUT,
        model=AUTO if is_file else options.model,
        model_file=options.model if is_file else None,
        bands=options.bands,
        extent=options.extent,
        values=options.values,
        resample=options.resample,
    )
    found = check_layer(job, Progress())
    if options.html or options.json:
        require(("jinja2",))
        from ..report import layercheck

        if options.html:
            layercheck.write_check(Path(options.html), found)
        if options.json:
            print(layercheck.check_json(found))
            return 0
    for _, line in found.lines():
        print(line)
    return 0
