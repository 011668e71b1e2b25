# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m training.prepare decode` and `encode`: masks of colours to class values, and back."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from rasterio.errors import RasterioError

from lulc_plugin.errors import LulcError
from lulc_plugin.raster import open_dataset

from .class_table import UNKNOWN, ClassTable, Labels, read_classes
from .colours import encode
from .masks import MaskFile, MaskOptions, said as said_of, whole_mask
from .scenes import files_in


def add_to(commands: Any) -> None:
    """Describe both commands to argparse."""
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


def _decode(said: argparse.Namespace) -> int:
    table = read_classes(said.legend)
    for path in files_in(said.masks, "mask"):
        mask = MaskFile(path, table, MaskOptions("auto", said.snap))
        labels, decoding = whole_mask(mask)
        _save(said.out / f"{path.stem}.png", labels[None], None)
        print(f"{path.name}: {mask.kind}, {said_of(decoding, mask.kind)}")
    return 0


def _encode(said: argparse.Namespace) -> int:
    table = read_classes(said.legend)
    for path in files_in(said.masks, "mask"):
        labels, _ = whole_mask(MaskFile(path, table, MaskOptions("values")))
        if said.palette:
            _save(said.out / f"{path.stem}.png", labels[None], table)
        else:
            _save(said.out / f"{path.stem}.png", encode(labels, table), None)
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
