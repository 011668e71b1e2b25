# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m training.experiments NAME`: train the runs of an experiment that are missing, and print its table."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from lulc_plugin.errors import LulcError

from ..command_line import refusing
from .plans import PLANS


def parser() -> argparse.ArgumentParser:
    """The command line."""
    p = argparse.ArgumentParser(prog="python -m training.experiments", description=__doc__)
    p.add_argument("name", choices=sorted(PLANS), help="; ".join(f"{k}: {v.question}" for k, v in PLANS.items()))
    p.add_argument("--data", type=Path, default=os.getenv("LULC_DATA"), help="folder of the data sets, or LULC_DATA")
    p.add_argument("--runs", type=Path, default=Path("runs/experiments"), help="folder of the runs")
    p.add_argument("--cache", type=Path, default=Path("runs/teachers"), help="folder of teachers' answers")
    p.add_argument("--only", default="", help="only the variant of this name")
    p.add_argument("--threads", type=int, default=0, help="processor threads; all by default")
    p.add_argument("--table", action="store_true", help="train nothing, print what is there")
    return p


@refusing("experiments: ")
def main(arguments: list[str] | None = None) -> int:
    """Run the command line; the exit status."""
    options = parser().parse_args(arguments)
    print(PLANS[options.name].question, experiment(options), sep="\n\n")
    return 0


def experiment(options: argparse.Namespace) -> str:
    """Do what the command line says; the table.

    Raises:
        LulcError: the data is not there, or nothing was trained yet.
    """
    from . import runner

    plan, path = PLANS[options.name], runner.RESULTS / f"{options.name}.json"
    if not options.table:
        import torch

        if options.data is None:
            raise LulcError("The folder of the data sets is not known.", "Name it with --data or LULC_DATA.")
        if options.threads:
            torch.set_num_threads(options.threads)
        runner.run(options.name, plan, options.data, options.runs, options.cache, options.only)
    if not path.is_file():
        raise LulcError(f"Nothing was trained for {options.name} yet.", "Leave out --table.")
    if options.name == "sparse":
        runner.sparse_figure(path, plan, runner.FIGURES / "sparse-labels.png")
    return runner.table(path, plan)


if __name__ == "__main__":
    sys.exit(main())
