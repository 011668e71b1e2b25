# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m training.export CHECKPOINT --out NAME.onnx`: a trained network as a file that anyone can run."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from lulc_plugin.errors import LulcError

from ..command_line import refusing


def parser() -> argparse.ArgumentParser:
    """The command line."""
    p = argparse.ArgumentParser(
        prog="python -m training.export",
        description="Write a checkpoint as ONNX with its description (NAME.json, also inside the file), and measure "
        "it: parity with PyTorch, sizes, speed, how far from a window's border the map depends on what lies beyond.",
    )
    p.add_argument("checkpoint", type=Path, metavar="CHECKPOINT", help="best.pt of a run")
    p.add_argument("--out", type=Path, required=True, metavar="NAME.onnx", help="file to write")
    add_options(p)
    p.add_argument("--temperature", type=float, help="of the softmax; fitted on the validation sets by default")
    p.add_argument("--precision", default="half", help="of the larger filters in the file: half (default) or single")
    p.add_argument(
        "--features",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="an output with the features of each pixel; by default where they are at most 32",
    )
    p.add_argument("--variants", default="", metavar="fp16,int8,int8dynamic,deepness", help="further files beside it")
    return p


def add_options(p: argparse.ArgumentParser) -> None:
    """The options that a release has, too."""
    known = os.environ.get("LULC_DATA")
    p.add_argument("--data", type=Path, default=known, help="folder of the data sets (or LULC_DATA)")
    p.add_argument("--cache", type=Path, default=Path("runs/teachers"), help="folder of teachers' answers")
    p.add_argument(
        "--card", type=Path, metavar="CONFIG.toml", help="take [card] and [smoothing] from this recipe instead"
    )


@refusing()
def main(arguments: list[str] | None = None) -> int:
    """Run the command line; the exit status."""
    options = parser().parse_args(arguments)
    run(options)
    return 0


def run(options: argparse.Namespace) -> None:
    """Do what the command line says.

    Raises:
        LulcError: anything the user can mend.
    """
    from .export_network import ExportOptions, describe_inside, export_checkpoint, make_variants
    from .source import open_source
    from .variants import checked

    if options.out.suffix != ".onnx":
        raise LulcError(f"{options.out} does not end in .onnx.", "Name the file to write, such as models/NAME.onnx.")
    choices = ExportOptions(options.temperature, options.precision, options.features, checked(options.variants))
    source = open_source(options.checkpoint, options.data, options.cache, options.card)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    # a file that is refused replaces no good one of that name
    with tempfile.TemporaryDirectory(prefix=".export-", dir=options.out.parent) as folder:
        made = Path(folder) / options.out.name
        facts, data = export_checkpoint(source, made, choices)
        facts = describe_inside(facts, source.recipe, source.root, made)
        facts = replace(facts, variants=make_variants(source, facts, made, choices.variants, data))
        facts.save(made.with_suffix(".facts.json"))
        for path in sorted(Path(folder).iterdir()):
            path.replace(options.out.with_name(path.name))
    print(f"{options.out}: {facts.file_size / 1e6:.2f} MB, sha256 {facts.digest}")


if __name__ == "__main__":
    sys.exit(main())
