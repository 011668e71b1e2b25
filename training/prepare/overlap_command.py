# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m training.prepare overlap`: does a data set show the same ground in two places, or in two splits?"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

from lulc_plugin.progress import ConsoleProgress

from ..sets.description import describe
from . import overlap
from .data_set import describe_ground
from .split_leaks import check_set

_SHOWN = 40


def add_to(commands: Any) -> None:
    """Describe the command to argparse."""
    p = commands.add_parser(
        "overlap",
        help="search a data set for ground that is in two places",
        description=f"{overlap.__doc__}\nThe exit status is 1 where common ground lies in different splits.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    p.set_defaults(command=_run)
    p.add_argument("sets", nargs="+", type=Path, metavar="FOLDER", help="data sets")
    p.add_argument(
        "--place",
        metavar="COLUMN",
        help="column of split.csv to take as the place; - : every file is a place of its own",
    )


def _run(said: argparse.Namespace) -> int:
    leaking = False
    for folder in said.sets:
        description = describe(folder.resolve().parent, folder.resolve().name)
        if said.place is not None:
            description = replace(description, place="" if said.place == "-" else said.place)
        found = check_set(description, ConsoleProgress())
        leaks = found.leaks
        print(f"{folder}: {len(found.images)} images, {len(found.grounds)} pairs of different places share ground")
        for ground in found.grounds[:_SHOWN]:
            print(f"  {'LEAK: ' if ground in leaks else ''}{describe_ground(ground, found.names)}")
        for leak in found.within[:_SHOWN]:
            print(f"  LEAK: {leak.first} and {leak.second} overlap by {leak.pixels:,} pixels in their scene")
        hidden = max(0, len(found.grounds) - _SHOWN) + max(0, len(found.within) - _SHOWN)
        if hidden:
            print(f"  and {hidden} more")
        if leaks or found.within:
            leaking = True
            print(f"  {len(leaks) + len(found.within)} of them lie in different splits: scores would be too good."
                  " Put both into one split.")  # fmt: skip
        elif found.grounds:
            print("  All of them lie within one split; make each pair one place before splitting anew.")
    return 1 if leaking else 0
