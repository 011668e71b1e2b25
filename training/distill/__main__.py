# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m training.distill`: label scenes with a teacher, and train a student on its soft labels."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from lulc_plugin.classify import DEVICES, VALUES
from lulc_plugin.progress import ConsoleProgress

from ..command_line import refusing
from .command import LabelJob, Labelled, check_recipe, label, train_student


def parser() -> argparse.ArgumentParser:
    """The command line."""
    p = argparse.ArgumentParser(prog="python -m training.distill", description=__doc__)
    p.add_argument("teacher", type=Path, help="network (.onnx) with a description beside or inside it")
    p.add_argument("scenes", type=Path, nargs="+", help="rasters, folders of rasters, folders of data sets")
    p.add_argument("--classes", type=Path, metavar="TABLE.toml", help="which class is which; without: equal names")
    p.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="the data set to write")
    p.add_argument("--student", type=Path, metavar="CONFIG.toml", help="train this network afterwards")
    p.add_argument("--run", type=Path, metavar="FOLDER", help="of the student's checkpoints")
    p.add_argument("--with", type=Path, action="append", default=[], dest="others", metavar="TEACHER.onnx",
                   help="a further teacher; the answers are averaged")  # fmt: skip
    p.add_argument("--chip", type=int, default=256, metavar="PX", help="largest side of an image")
    p.add_argument("--val", type=float, default=0.2, metavar="SHARE", help="of the places that validate")
    p.add_argument("--together", type=float, default=100.0, metavar="KM", help="nearer scenes are one place")
    p.add_argument("--values", choices=VALUES, default="auto", help="what the numbers of loose rasters are")
    p.add_argument("--level", default="", metavar="L1C|L2A", help="processing level of loose rasters")
    p.add_argument("--threads", type=int, default=0, metavar="N", help="CPU threads; 0: all")
    p.add_argument("--device", choices=DEVICES, default="cpu", help="where the teacher runs")
    return p


@refusing()
def main(arguments: list[str] | None = None) -> int:
    """Run the command line; the exit status: 0, or 2 after an error that the user can mend."""
    options = parser().parse_args(arguments)
    job = LabelJob(
        teachers=(options.teacher, *options.others), scenes=tuple(options.scenes), out=options.out,
        table=options.classes, chip=options.chip, validation=options.val, together=options.together,
        values=options.values, level=options.level, threads=options.threads, device=options.device,
    )  # fmt: skip
    if options.student is not None:
        check_recipe(options.student, options.out)
    _tell(label(job, ConsoleProgress()), options.out)
    if options.student is not None:
        print(train_student(options.student, options.out, options.run))
    return 0


def _tell(done: Labelled, out: Path) -> None:
    known = max(1, sum(done.counts[1:]))
    every = max(1, sum(done.counts))
    splits = ", ".join(f"{number} {split}" for split, number in sorted(done.splits.items()))
    print(f"{done.images} images ({splits}); {100 * known / every:.1f} % of the pixels have a label")
    for entry, pixels in zip(done.legend.classes, done.counts[1:]):
        print(f"{entry.name:24s} {pixels:12,d} px {100 * pixels / known:6.1f} %")
    print(f"Written: {out}; look at {done.sheet}")


if __name__ == "__main__":
    sys.exit(main())
