# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m training.prepare statistics` and `preview`: a look at a data set that exists."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from lulc_plugin.progress import ConsoleProgress

from ..sets.description import SetDescription, describe
from . import statistics
from .preview import contact_sheet


def add_to(commands: Any) -> None:
    """Describe both commands to argparse."""
    p = commands.add_parser("statistics", help="class shares and band values of each split of a data set")
    p.set_defaults(command=_statistics)
    p.add_argument("set", type=Path, metavar="FOLDER", help="data set")
    p.add_argument("--json", type=Path, metavar="FILE", help="write them there, too")
    p = commands.add_parser("preview", help="a PNG of chips: image, mask, and both on each other")
    p.set_defaults(command=_preview)
    p.add_argument("set", type=Path, metavar="FOLDER", help="data set")
    p.add_argument("--out", type=Path, required=True, metavar="PNG")
    p.add_argument("--count", type=int, default=12, metavar="N", help="how many chips (default 12)")
    p.add_argument("--seed", type=int, default=0, help="which ones")


def _described(folder: Path) -> SetDescription:
    return describe(folder.resolve().parent, folder.resolve().name)


def _statistics(said: argparse.Namespace) -> int:
    found = statistics.statistics(_described(said.set), ConsoleProgress())
    if said.json is not None:
        statistics.write_statistics(found, said.json)
    print(statistics.said(found))
    return 0


def _preview(said: argparse.Namespace) -> int:
    shown = contact_sheet(_described(said.set), said.out, said.count, said.seed)
    print(f"{shown} chips on {said.out}")
    return 0
