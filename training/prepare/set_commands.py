# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m training.prepare` overlap, statistics, preview: looks at a data set; decode, encode: masks of colours."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from rasterio.errors import RasterioError

from lulc_plugin.errors import LulcError
from lulc_plugin.progress import ConsoleProgress
from lulc_plugin.raster import open_dataset

from ..sets.description import SetDescription, describe
from . import overlap, statistics
from .class_table import UNKNOWN, ClassTable, Labels, read_classes
from .data_set import describe_ground
from .masks import MaskFile, MaskOptions, describe_decoding, encode, whole_mask
from .preview import contact_sheet
from .scenes import files_in
from .split_leaks import check_set


def add_to(commands: Any) -> None:
    """Describe the commands to argparse."""
    _add_overlap(commands)
    _add_looks(commands)
    _add_mask_commands(commands)


def _add_looks(commands: Any) -> None:
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


def _statistics(options: argparse.Namespace) -> int:
    measured = statistics.set_statistics(_described(options.set), ConsoleProgress())
    if options.json is not None:
        statistics.write_statistics(measured, options.json)
    print(statistics.statistics_table(measured))
    return 0


def _preview(options: argparse.Namespace) -> int:
    shown = contact_sheet(_described(options.set), options.out, options.count, options.seed)
    print(f"{shown} chips on {options.out}")
    return 0


def _add_mask_commands(commands: Any) -> None:
    p = commands.add_parser("decode", help="masks of colours (RGB or palette) to PNGs of class values")
    p.set_defaults(command=_decode)
    _common(p)
    p.add_argument(
        "--snap", type=float, default=0.0, metavar="DISTANCE",
        help="take colours as far as this in RGB for the nearest class (0: exact only; 60 is usual after JPEG)",
    )  # fmt: skip
    p = commands.add_parser("encode", help="masks of class values to PNGs of colours")
    p.set_defaults(command=_encode)
    _common(p)
    p.add_argument("--palette", action="store_true", help="PNGs of class values with a palette instead of RGB")


def _common(p: argparse.ArgumentParser) -> None:
    p.add_argument("masks", nargs="+", type=Path, metavar="MASKS", help="folders or files")
    p.add_argument("--legend", type=Path, required=True, metavar="FILE", help="JSON with the classes and their colours")
    p.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="where the PNGs go")


def _decode(options: argparse.Namespace) -> int:
    table = read_classes(options.legend)
    for path in files_in(options.masks, "mask"):
        mask = MaskFile(path, table, MaskOptions("auto", options.snap))
        labels, decoding = whole_mask(mask)
        _save(options.out / f"{path.stem}.png", labels[None], None)
        print(f"{path.name}: {mask.kind}, {describe_decoding(decoding, mask.kind)}")
    return 0


def _encode(options: argparse.Namespace) -> int:
    table = read_classes(options.legend)
    for path in files_in(options.masks, "mask"):
        labels, _ = whole_mask(MaskFile(path, table, MaskOptions("values")))
        if options.palette:
            _save(options.out / f"{path.stem}.png", labels[None], table)
        else:
            _save(options.out / f"{path.stem}.png", encode(labels, table), None)
        print(f"{path.name}: {np.count_nonzero(labels) / labels.size:.1%} labelled")
    return 0


def _save(path: Path, values: Labels, palette: ClassTable | None) -> None:
    count, height, width = values.shape
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open_dataset(path, "w", driver="PNG", count=count, height=height, width=width, dtype="uint8") as dataset:
            dataset.write(values)
            if palette is not None:
                unknown = palette.ignored[0].rgb if palette.ignored else (0, 0, 0)
                dataset.write_colormap(1, {UNKNOWN: (*unknown, 255), **palette.legend.colour_table()})
    except (RasterioError, OSError) as error:
        raise LulcError(f"{path} cannot be written: {error}.", "Give another --out.") from error


_SHOWN = 40


def _add_overlap(commands: Any) -> None:
    p = commands.add_parser(
        "overlap",
        help="search a data set for ground that is in two places",
        description=f"{overlap.__doc__}\nThe exit status is 1 where common ground lies in different splits.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    p.set_defaults(command=_overlap)
    p.add_argument("sets", nargs="+", type=Path, metavar="FOLDER", help="data sets")
    p.add_argument(
        "--place",
        metavar="COLUMN",
        help="column of split.csv to take as the place; - : every file is a place of its own",
    )


def _overlap(options: argparse.Namespace) -> int:
    leaking = False
    for folder in options.sets:
        description = describe(folder.resolve().parent, folder.resolve().name)
        if options.place is not None:
            description = replace(description, place="" if options.place == "-" else options.place)
        overlaps = check_set(description, ConsoleProgress())
        leaks = overlaps.leaks
        print(
            f"{folder}: {len(overlaps.images)} images, {len(overlaps.grounds)} pairs of different places share ground"
        )
        for ground in overlaps.grounds[:_SHOWN]:
            print(f"  {'LEAK: ' if ground in leaks else ''}{describe_ground(ground, overlaps.names)}")
        for leak in overlaps.within[:_SHOWN]:
            print(f"  LEAK: {leak.first} and {leak.second} overlap by {leak.pixels:,} pixels in their scene")
        hidden = max(0, len(overlaps.grounds) - _SHOWN) + max(0, len(overlaps.within) - _SHOWN)
        if hidden:
            print(f"  and {hidden} more")
        if leaks or overlaps.within:
            leaking = True
            print(f"  {len(leaks) + len(overlaps.within)} of them lie in different splits: scores would be too good."
                  " Put both into one split.")  # fmt: skip
        elif overlaps.grounds:
            print("  All of them lie within one split; make each pair one place before splitting anew.")
    return 1 if leaking else 0
