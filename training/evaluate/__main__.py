# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m training.evaluate NETWORK …`: scores, reports and pictures of networks on held-out places."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from ..command_line import refusing


def parser() -> argparse.ArgumentParser:
    """The command line."""
    p = argparse.ArgumentParser(prog="python -m training.evaluate", description=__doc__)
    p.add_argument("networks", nargs="+", type=Path, metavar="NETWORK", help="checkpoint (.pt) or exported (.onnx)")
    p.add_argument("--sets", nargs="+", default=[], metavar="SET[:SPLIT+SPLIT]",
                   help="which sets; by default those of the recipe")  # fmt: skip
    p.add_argument("--splits", default="train,val", help="splits, joined by commas; test only when you mean it")
    p.add_argument("--out", type=Path, help="folder of the results; runs/evaluation-NETWORK by default")
    p.add_argument(
        "--data", type=Path, default=os.environ.get("LULC_DATA"), help="folder of the data sets (or LULC_DATA)"
    )
    p.add_argument("--config", type=Path, help="recipe that says sets and teachers, for exported networks")
    p.add_argument("--cache", type=Path, default=Path("runs/teachers"), help="folder of teachers' answers")
    p.add_argument("--ensemble", action="store_true", help="also the average of all networks")
    p.add_argument("--weights", default="", help="of the networks in the average: 1,1,2")
    p.add_argument("--forest", action="store_true", help="compare with a random forest on the same channels")
    p.add_argument("--robustness", action="store_true", help="score under changed radiometry")
    p.add_argument("--no-smoothing", action="store_true", help="score the probabilities as they leave the network")
    p.add_argument("--choose-smoothing", action="store_true",
                   help="try smoothings on validation splits, write a table, print the one to take")  # fmt: skip
    p.add_argument("--no-calibration", action="store_true", help="leave the temperature out")
    p.add_argument("--chips", type=int, default=12, help="how many chips the contact sheets show")
    p.add_argument("--release", action="store_true",
                   help="everything, with test splits and evaluation-only sets: once a released network")  # fmt: skip
    p.add_argument("--threads", type=int, default=0, help="processor threads; all by default")
    return p


@refusing("training: ")
def main(arguments: list[str] | None = None) -> int:
    """Run the command line; the exit status."""
    options = parser().parse_args(arguments)
    from .command import evaluate

    print(evaluate(options))
    return 0


if __name__ == "__main__":
    sys.exit(main())
