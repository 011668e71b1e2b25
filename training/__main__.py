# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m training`: train, evaluate and export the bundled network."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path


def parser() -> argparse.ArgumentParser:
    """The command line."""
    p = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    p.add_argument("--data", type=Path, default=os.environ.get("LULC_DATA"), help="folder of the data sets")
    p.add_argument("--encoder", type=Path, help="MobileNetV2 weights (safetensors)")
    p.add_argument("--teacher", type=Path, help="Dynamic World network (ONNX, plain numbers in)")
    p.add_argument("--run", type=Path, default=Path("runs/rgbn"), help="folder of checkpoints and logs")
    p.add_argument("--steps", type=int, default=2500)
    p.add_argument("--rate", type=float, default=2e-3, help="learning rate of the decoder; the encoder's is 0.3 of it")
    p.add_argument("--start-from", type=Path, help="checkpoint of an earlier run to begin with")
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--only", choices=("train", "release"), help="leave out the other half")
    p.add_argument("--pictures", type=float, default=0.3, help="share of reflectance samples shown as pictures")
    p.add_argument("--scenes", type=float, default=0.0, help="share of those stretched as part of several places")
    p.add_argument("--average", type=float, default=0.995, help="how much the averaged weights keep at a step")
    p.add_argument("--large-every", type=int, default=4, help="every so many steps the windows are 256 pixels wide")
    p.add_argument("--surrounded", type=float, default=0.0, help="share of large windows that are one chip, reflected")
    p.add_argument("--name", default="optical-rgbn-10to30m-mobileunet-v1", help="name of the released network")
    p.add_argument("--models", type=Path, default=Path("models"), help="folder of released networks")
    p.add_argument("--checkpoint", type=Path, help="checkpoint to release; the best of --run by default")
    p.add_argument("--rehearse", action="store_true", help="release on validation places, to try the export")
    return p


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; the exit status."""
    options = parser().parse_args(arguments)
    if options.data is None:
        parser().error("name the folder of the data sets with --data or LULC_DATA")
    from . import train

    if options.only != "release":
        chips = train.bench(options.data, options.teacher, options.run.parent / "teacher")
        recipe = train.Recipe(
            steps=options.steps,
            seed=options.seed,
            pictures=options.pictures,
            scenes=options.scenes,
            average=options.average,
            large_every=options.large_every,
            surrounded=options.surrounded,
            decoder_rate=options.rate,
            encoder_rate=0.3 * options.rate,
        )
        print(train.run(chips, options.encoder, options.run, recipe, options.start_from))
    if options.only != "train":
        from .release import release

        checkpoint = options.checkpoint or options.run / "best.pt"
        target = options.models / f"{options.name}.onnx"
        cache = options.run.parent / "teacher"
        release(options.data, options.teacher, cache, checkpoint, target, options.rehearse)
    return 0


if __name__ == "__main__":
    sys.exit(main())
