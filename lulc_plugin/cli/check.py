# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m lulc_plugin check IN`: look at a layer before a map is made of it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ..classify.job import NO_OUTPUT, ClassifyJob
from ..progress import Progress
from . import layeroptions
from .wording import at_a_shell


def add_to(commands: Any) -> None:
    """Describe the command to argparse."""
    parser = commands.add_parser(
        "check", help="look at a raster before a map is made of it", epilog="Exit status: 0, or 1 after a FAIL."
    )
    parser.set_defaults(command=_check)
    parser.add_argument("input", metavar="IN", help="raster to look at")
    layeroptions.add_options(parser)
    parser.add_argument("--html", metavar="FILE", help="write the same as a page")
    parser.add_argument("--json", action="store_true", help="print JSON instead of lines")


def _check(options: argparse.Namespace) -> int:
    from ..dependencies import require

    require()
    from ..classify.findings import ERROR
    from ..classify.layercheck import check_layer

    job = ClassifyJob(
        input=options.input,
        output=NO_OUTPUT,
        **layeroptions.said(options),
    )
    found = check_layer(job, Progress())
    if options.html or options.json:
        require(("jinja2",))
        from ..report import layercheck

        if options.html:
            layercheck.write_check(Path(options.html), found)
        if options.json:
            print(layercheck.check_json(found))
    if not options.json:
        for _, line in found.lines():
            print(at_a_shell(line))
    return 1 if found.count(ERROR) else 0
