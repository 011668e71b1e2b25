# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m training`: train, evaluate and export the bundled network."""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import replace
from pathlib import Path


def parser() -> argparse.ArgumentParser:
    """The command line; the defaults are what the shipped network was made with."""
    p = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    p.add_argument("--data", type=Path, default=os.environ.get("LULC_DATA"), help="folder of the data sets")
    p.add_argument("--encoder", type=Path, help="MobileNetV2 weights (safetensors)")
    p.add_argument("--teacher", type=Path, help="Dynamic World network (ONNX, plain numbers in)")
    p.add_argument("--run", type=Path, default=Path("runs/rgbn"), help="folder of checkpoints and logs")
    p.add_argument("--steps", type=int, help="steps of the first stage instead of the recipe's")
    p.add_argument("--finish", type=int, help="steps of the second stage instead of the recipe's; 0 leaves it out")
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--only", choices=("train", "release"), help="leave out the other half")
    p.add_argument("--name", default="optical-rgbn-10to30m-mobileunet-v1", help="name of the released network")
    p.add_argument("--models", type=Path, default=Path("models"), help="folder of released networks")
    p.add_argument("--checkpoint", type=Path, help="checkpoint to release; the best of the last stage by default")
    p.add_argument("--rehearse", action="store_true", help="release on validation places, to try the export")
    return p


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; the exit status."""
    options = parser().parse_args(arguments)
    if options.data is None:
        parser().error("name the folder of the data sets with --data or LULC_DATA")
    from . import train

    cache = options.run.parent / "teacher"
    base = replace(train.BASE, seed=options.seed, steps=options.steps or train.BASE.steps)
    finish = replace(train.FINISH, seed=options.seed)
    if options.finish is not None:
        finish = replace(finish, steps=options.finish)
    if options.only != "release":
        chips = train.bench(options.data, options.teacher, cache)
        best = train.run(chips, options.encoder, options.run, base)
        if finish.steps:
            best = train.run(chips, None, options.run / "finish", finish, start_from=best)
        print(best)
    if options.only != "train":
        from .release import release

        last = options.run / "finish" if finish.steps else options.run
        checkpoint = options.checkpoint or last / "best.pt"
        target = options.models / f"{options.name}.onnx"
        release(options.data, options.teacher, cache, checkpoint, target, options.rehearse)
    return 0


if __name__ == "__main__":
    sys.exit(main())
