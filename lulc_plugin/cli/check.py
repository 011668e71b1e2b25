# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m lulc_plugin check IN`: look at a layer before a map is made of it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ..classify import ClassifyJob
from ..options import SHELL, render
from ..progress import Progress
from . import layer_options


def add_to(commands: Any) -> None:
    """Describe the command to argparse."""
    parser = commands.add_parser(
        "check", help="look at a raster before a map is made of it", epilog="Exit status: 0, or 1 after a FAIL."
    )
    parser.set_defaults(command=_check)
    parser.add_argument("input", metavar="IN", help="raster to look at")
    layer_options.add_options(parser)
    parser.add_argument("--html", metavar="FILE", help="write the same as a page")
    parser.add_argument("--json", action="store_true", help="print JSON instead of lines")


def _check(options: argparse.Namespace) -> int:
    from ..environment import require

    require()
    from ..classify import check_layer
    from ..findings import ERROR

    job = ClassifyJob(**layer_options.job_fields(options))
    if options.html:
        from ..raster import refuse_overwriting

        refuse_overwriting((Path(options.html),), (options.input, job.model_file or ""), "--html")
    check = check_layer(job, Progress())
    if options.html or options.json:
        from ..report import check_page

        if options.html:
            check_page.write_check(Path(options.html), check, SHELL)
        if options.json:
            print(check_page.check_json(check, SHELL))
    if not options.json:
        for _, line in check.lines():
            print(render(line, SHELL))
    return 1 if check.count(ERROR) else 0
