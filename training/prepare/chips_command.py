# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m training.prepare chips`: scenes with labels to a data set."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lulc_plugin.errors import LulcError
from lulc_plugin.progress import ConsoleProgress

from . import data_set, masks, presets, statistics
from .chip_writer import EDGES, ChipOptions, Tiling
from .scenes import Patterns
from .set_files import Credits

_ABOUT = """\
Cuts scenes into chips and writes a data set that training can use: images/, labels/, split.csv, set.toml, classes.json,
stats.json, preview.png, recipe.toml (a network to begin with) and prepare.json (what was done). Every pixel of a scene
is in a chip, unless you say otherwise, and then the numbers are printed. Chips are split by place, never by pixel.
Options may stand in a file, one a line as --size=256, given as @FILE.

Labels are one of
  --masks     rasters with the images' names: class values, RGB colours or palettes of the legend's colours
  --mask      a pattern, beside --image, where names differ: --image '*_sat.jpg' --mask '*_mask.png'
  --preset    a published data set as it is delivered: patterns, classes, bands, licence, credit
  --polygons  a vector file (or a folder with one file an image): a pixel whose centre lies inside has the class
  --points    a vector file, or a CSV table with class and x,y[,crs] or file,row,col: single labelled pixels
Without any the set is unlabelled (for a teacher).

A place is one of
  a scene                       unless you say otherwise
  --place-pattern 'tile[0-9]+'  scenes whose names agree in this part
  --groups FILE                 CSV with file,group and perhaps split, where you know best
  --block 1024                  a block of a scene; for few, large scenes
"""


def add_to(commands: Any) -> None:
    """Describe the command to argparse."""
    p = commands.add_parser(
        "chips",
        help="cut scenes and their labels into a data set",
        description=_ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        fromfile_prefix_chars="@",
    )
    p.set_defaults(command=_run)
    p.add_argument(
        "images", nargs="+", type=Path, metavar="IMAGES", help="folders or files: GeoTIFF, PNG, JPEG, VRT, …"
    )
    p.add_argument(
        "--preset", choices=presets.NAMES, help="what is known of a published data set; other options go first"
    )
    p.add_argument("--image", default="", metavar="PATTERN", help="which files of the folders are images: '*_sat.jpg'")
    p.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="the data set; must not exist yet")
    _add_labels(p)
    _add_chips(p)
    _add_places(p)
    _add_description(p)


def _add_labels(p: argparse.ArgumentParser) -> None:
    labels = p.add_argument_group("labels")
    labels.add_argument(
        "--legend", type=Path, metavar="FILE",
        help='JSON: {"classes": [{"value", "name", "colour"}, …]}, or a table (.csv): name,r,g,b',
    )  # fmt: skip
    labels.add_argument("--masks", nargs="+", type=Path, default=[], metavar="MASKS", help="folders or files")
    labels.add_argument(
        "--mask", default="", metavar="PATTERN", help="name of the mask: stars stand for the same as those of --image"
    )
    labels.add_argument("--mask-kind", choices=masks.KINDS, default="auto", help="auto: by bands and palette")
    labels.add_argument(
        "--snap", type=float, default=0.0, metavar="DISTANCE",
        help="take colours as far as this in RGB for the nearest class; 0 (default): exact colours only;"
        " 60 is usual for masks that were saved as JPEG",
    )  # fmt: skip
    labels.add_argument(
        "--max-lost", type=float, default=0.05, metavar="SHARE",
        help="refuse masks of which more has colours or values of no class, and splits that leave more without a"
        " training place, 0 to 1 (default 0.05)",
    )  # fmt: skip
    labels.add_argument("--polygons", type=Path, metavar="FILE", help="vector file of polygons, or a folder of them")
    labels.add_argument("--points", type=Path, metavar="FILE", help="vector file or CSV of points, or a folder of them")
    labels.add_argument("--field", default="class", help="field or column of the class (default: class)")


def _add_chips(p: argparse.ArgumentParser) -> None:
    chips = p.add_argument_group("chips")
    chips.add_argument("--size", type=int, default=256, metavar="PIXELS", help="rows and columns (default 256)")
    chips.add_argument(
        "--stride", type=int, default=0, metavar="PIXELS", help="less than the size: overlap (default: size)"
    )
    chips.add_argument(
        "--edges", choices=EDGES, default="shift",
        help="shift: the last chip is moved inwards; smaller: it is cut. Where chips overlap outside train, each pixel"
        " has its label in one of them",
    )  # fmt: skip
    chips.add_argument(
        "--min-labelled", type=float, default=0.0, metavar="SHARE", help="leave out chips with less, 0 to 1 (default 0)"
    )
    chips.add_argument("--sparse", type=int, default=0, metavar="N", help="keep N random labelled pixels a chip")
    chips.add_argument("--balanced", action="store_true", help="with --sparse: classes take turns")
    chips.add_argument(
        "--sparse-splits",
        default="train",
        metavar="SPLITS",
        help="where --sparse acts (default train; val,test stay whole)",
    )


def _add_places(p: argparse.ArgumentParser) -> None:
    where = p.add_argument_group("places and splits")
    where.add_argument("--block", type=int, default=0, metavar="PIXELS", help="places are blocks of this side")
    where.add_argument("--groups", type=Path, metavar="CSV", help="places from a table: file,group[,split]")
    where.add_argument("--place-pattern", default="", metavar="REGEX", help="places from names")
    where.add_argument("--shares", default="", metavar="SHARES", help="default train=0.7,val=0.15,test=0.15")
    where.add_argument("--seed", type=int, default=0, help="of the split and of --sparse (default 0)")
    where.add_argument(
        "--overlap", choices=data_set.OVERLAPS, default="check",
        help="ground that two places share: check (default) reports it, with status 1 if it leaks between splits,"
        " join makes the two one place, skip does not search",
    )  # fmt: skip


def _add_description(p: argparse.ArgumentParser) -> None:
    numbers = p.add_argument_group("numbers")
    numbers.add_argument("--bands", default="", metavar="NAMES", help="in file order: blue,green,red,nir,…")
    numbers.add_argument("--values", choices=("auto", "reflectance", "picture"), default="auto")
    numbers.add_argument("--scale", type=float, metavar="NUMBER", help="stored number x scale + offset = reflectance")
    numbers.add_argument("--offset", type=float, default=0.0, metavar="NUMBER")
    numbers.add_argument("--gsd", type=float, metavar="METRES", help="pixel size, where the files do not tell")
    about = p.add_argument_group("description")
    about.add_argument("--name", default="", help="default: the folder's name")
    about.add_argument("--title", default="")
    about.add_argument("--credit", default="", help="who is to be named where the data was used")
    about.add_argument("--licence", default="")
    about.add_argument("--previews", type=int, default=12, metavar="N", help="chips on preview.png; 0: none")


def job_of(options: argparse.Namespace) -> data_set.PrepareJob:
    """The job that the options describe.

    Raises:
        LulcError: they contradict each other.
    """
    splits = _fill_in(options) if options.preset else {}
    if options.polygons and options.points:
        raise LulcError("Polygons and points are both given.", "Give one of --polygons and --points.")
    return data_set.PrepareJob(
        images=tuple(options.images),
        out=options.out,
        labels=data_set.LabelOptions(
            options.legend,
            tuple(options.masks),
            masks.MaskOptions(options.mask_kind, options.snap),
            options.polygons or options.points,
            options.field,
            Patterns(options.image, options.mask),
            options.max_lost,
        ),
        chips=ChipOptions(
            Tiling(options.size, options.stride, options.edges),
            options.min_labelled,
            options.sparse,
            options.balanced,
            tuple(s.strip() for s in options.sparse_splits.split(",")),
            options.seed,
        ),
        places=data_set.PlaceOptions(
            options.block, options.groups, options.place_pattern, options.shares, options.seed, options.overlap, splits
        ),
        numbers=data_set.NumberOptions(
            tuple(b.strip() for b in options.bands.split(",") if b.strip()),
            options.values,
            options.scale,
            options.offset,
            options.gsd,
        ),
        credits=Credits(options.name or options.out.name, options.title, options.credit, options.licence),
        previews=options.previews,
    )


def _fill_in(options: argparse.Namespace) -> Mapping[str, str]:
    """Put what a preset knows where nothing else is said; its splits, where places are not defined otherwise."""
    preset = presets.read_preset(options.preset)
    own = bool(options.block or options.groups or options.place_pattern)
    if not any(source.is_dir() and next(source.glob(options.image or preset.image), None) for source in options.images):
        raise LulcError(
            f"No image of {preset.title} is in {', '.join(map(str, options.images))}: none fits"
            f" {options.image or preset.image!r}.",
            f"Give {preset.give}.",
        )
    for name, value in preset.options.items():
        if getattr(options, name) in ("", None, "auto", 0.0) and not (own and name == "place_pattern"):
            setattr(options, name, value)
    if options.masks or options.polygons or options.points:
        options.mask = ""
    options.legend = options.legend or presets.legend_of(options.preset)
    return {} if own else preset.splits


def _run(options: argparse.Namespace) -> int:
    prepared = data_set.prepare(job_of(options), ConsoleProgress())
    print(statistics.statistics_table(prepared.statistics))
    look = f"; look at {prepared.folder / 'preview.png'}" if options.previews else ""
    print(f"\nwritten to {prepared.folder}{look}")
    if (prepared.folder / "recipe.toml").is_file():
        print(f"train on it: python -m training.train {prepared.folder / 'recipe.toml'}")
    if prepared.leaks:
        print(f"\nLEAK: {len(prepared.leaks)} pairs of places in different splits show the same ground:")
        for leak in prepared.leaks[:20]:
            print(f"  {leak.first} and {leak.second}: {leak.pixels:,} pixels")
        print("Scores on this split would be too good. Prepare again with --overlap join, or correct --groups.")
        return 1
    return 0
