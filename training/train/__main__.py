# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m training.train CONFIG.toml`: train a network as a recipe says, or go on with a stopped run."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tomllib

from lulc_plugin.errors import LulcError

from ..command_line import refusing


def parser() -> argparse.ArgumentParser:
    """The command line."""
    p = argparse.ArgumentParser(prog="python -m training.train", description=__doc__)
    p.add_argument("config", type=Path, metavar="CONFIG.toml", help="the recipe")
    p.add_argument("--data", type=Path, default=os.getenv("LULC_DATA"), help="folder of the data sets, or LULC_DATA")
    p.add_argument("--run", type=Path, help="folder of checkpoints, log and curves; runs/NAME-sSEED by default")
    p.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change the recipe: run.steps=500")
    p.add_argument("--device", default="auto", help="cpu, cuda or auto")
    p.add_argument("--threads", type=int, default=0, help="processor threads; all by default")
    p.add_argument("--cache", type=Path, default=Path("runs/teachers"), help="folder of teachers' answers")
    p.add_argument("--memory", type=float, metavar="GB", help="of chips that stay in memory; half of the machine's")
    p.add_argument(
        "--resume",
        action="store_true",
        help="go on with the run, perhaps with more steps",
    )
    p.add_argument("--stop-at", type=int, help="stop after this step; --resume goes on")
    p.add_argument("--previews", action="store_true", help="write samples.png, what the augmentations make, and stop")
    return p


def changes_of(entries: Sequence[str]) -> dict[str, Any]:
    """`run.steps=500` → {"run.steps": 500}; values as in TOML, other text as it stands.

    Raises:
        LulcError: an entry without `=`.
    """
    changes: dict[str, Any] = {}
    for entry in entries:
        key, sign, value = entry.partition("=")
        if not sign:
            raise LulcError(f"--set {entry} has no '='.", "Write --set run.steps=500.")
        try:
            changes[key.strip()] = tomllib.loads(f"x = {value}")["x"]
        except tomllib.TOMLDecodeError:
            changes[key.strip()] = value
    return changes


def train(options: argparse.Namespace) -> Path:
    """Do what the command line says; the best checkpoint.

    Raises:
        LulcError: anything the user can mend.
    """
    from .. import recipe as recipes

    recipe = recipes.read(options.config, changes_of(options.set))
    root = recipes.data_folder(options.data, recipe.folder)
    folder = options.run or Path("runs") / f"{recipe.name}-s{recipe.run.seed}"
    if (folder / "resume.pt").exists() and not options.resume:
        raise LulcError(f"{folder} holds a run already.", "Add --resume to go on with it, or give another --run.")

    import torch

    from ..sets.chip_files import MEMORY
    from . import loop
    from .training_data import load_training_data

    if options.threads:
        torch.set_num_threads(options.threads)
    if options.memory is not None:
        if not options.memory >= 0:
            raise LulcError(f"--memory is {options.memory:g} GB.", "Give a number from 0 on.")
        MEMORY.limit = int(options.memory * 1e9)
    chips = load_training_data(recipe, root, options.cache)
    if options.previews:
        from .plots import write_samples

        return write_samples(recipe, chips, folder)
    return loop.run(recipe, chips, folder, options.device, options.stop_at)


@refusing("training: ", stopped="stopped; --resume goes on from the last check")
def main(arguments: list[str] | None = None) -> int:
    """Run the command line; the exit status."""
    print(train(parser().parse_args(arguments)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
