# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m training.toy OUT_FOLDER`: made-up scenes and a data set, where no data is at hand."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path

from lulc_plugin.progress import ConsoleProgress

from ..command_line import refusing

_NEXT = """\
Train, export and classify ({scene} is in no data set):
  python -m training.train training/configs/toy.toml --data {folder} --run {folder}/run --threads 1
  python -m training.export {folder}/run/best.pt --data {folder} --out {folder}/toy-v1.onnx
  python -m lulc_plugin classify {scene} {folder}/map.tif --model {folder}/toy-v1.onnx
  python -m lulc_plugin assess {folder}/map.tif {reference}"""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    p = argparse.ArgumentParser(
        prog="python -m training.toy",
        description="Draws land that nobody ever saw (lakes, woods, fields, villages), writes scenes with their true "
        "labels, and prepares the data set `toy` from them, so that a fresh clone can train, export and classify.",
    )
    p.add_argument("folder", type=Path, metavar="OUT_FOLDER", help="must not exist yet")
    p.add_argument("--scenes", type=int, default=10, help="in the data set, each a place of its own (default 10)")
    p.add_argument("--size", type=int, default=256, metavar="PIXELS", help="rows and columns of a scene (default 256)")
    p.add_argument("--seed", type=int, default=0, help="of everything random (default 0)")
    return p


@refusing()
def main(arguments: list[str] | None = None) -> int:
    """Run the command line; the exit status."""
    options = parser().parse_args(arguments)
    from .toy_set import make_toy

    toy = make_toy(options.folder, options.seed, options.scenes, options.size, ConsoleProgress())
    paths = {"folder": toy.folder, "scene": toy.scene, "reference": toy.reference}
    print(_NEXT.format(**{name: shlex.quote(str(path)) for name, path in paths.items()}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
