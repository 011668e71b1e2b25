# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that `classify` and `check` share: a layer and how a network is to take it; and lists of numbers."""

from __future__ import annotations

import argparse
import os
from typing import Any

from .. import bundled
from ..classify import AUTO, NODATA_POLICIES, RESAMPLE, VALUES
from ..raster import NodataSetting, RasterInput


def add_options(parser: argparse.ArgumentParser) -> None:
    """The shared options."""
    parser.add_argument(
        "--model",
        default=AUTO,
        metavar="NAME|FILE",
        help=f"auto, an .onnx file, or: {', '.join(bundled.model_names())}",
    )
    parser.add_argument(
        "--bands",
        type=integers,
        default=(),
        metavar="3,2,1,4",
        help="band numbers in the order of the model's bands, as many as it has or as one of the choices on its card",
    )
    parser.add_argument(
        "--extent", type=four_numbers, metavar="XMIN,YMIN,XMAX,YMAX", help="part of the layer, in its coordinate system"
    )
    parser.add_argument(
        "--crs", default="", metavar="EPSG:CODE", help="coordinate system of the layer, instead of the file's own"
    )
    add_nodata(parser, "layer")
    parser.add_argument("--values", choices=VALUES, default=AUTO, help="what the stored numbers are")
    parser.add_argument(
        "--nodata-policy",
        choices=NODATA_POLICIES,
        default=NODATA_POLICIES[0],
        help="a pixel is nodata when any or when all of its bands are",
    )
    parser.add_argument(
        "--resample", choices=RESAMPLE, default=AUTO, help="pixels of another size than the model's: resampled or not"
    )


def add_nodata(parser: argparse.ArgumentParser, of_what: str) -> None:
    """The option `--nodata`."""
    parser.add_argument(
        "--nodata",
        type=nodata_setting,
        default=(),
        metavar="0,9000:9999",
        help=f"values and ranges of the {of_what} that stand for no data beside the file's own; with none among them"
        " the file's own does not count (negative ones as --nodata=-9999)",
    )


def job_fields(options: argparse.Namespace) -> dict[str, Any]:
    """The shared fields of a `ClassifyJob`."""
    is_file = names_a_file(options.model)
    return {
        "layer": RasterInput(options.input, bands=options.bands, crs=options.crs, nodata=options.nodata),
        "model": AUTO if is_file else options.model,
        "model_file": options.model if is_file else None,
        "extent": options.extent,
        "values": options.values,
        "nodata_policy": options.nodata_policy,
        "resample": options.resample,
    }


def names_a_file(model: str) -> bool:
    """Whether `--model` is a file and not the name of a network, also a file of a kind that cannot be run."""
    return model.lower().endswith(".onnx") or os.path.dirname(model) != "" or os.path.isfile(model)


def integers(text: str) -> tuple[int, ...]:
    """`3,2,1,4` or `3;2;1;4`, for argparse."""
    try:
        return tuple(int(part) for part in text.replace(";", ",").split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of whole numbers such as 3,2,1,4") from None


def nodata_setting(text: str) -> tuple[NodataSetting, ...]:
    """`0,9000:9999` or `none,0`, for argparse."""
    parts = [part.strip() for part in text.split(",")]
    try:
        ends = [[float(end) for end in part.split(":")] for part in parts if part != "none"]
    except ValueError:
        ends = [[]]
    if not all(len(pair) in (1, 2) and pair[0] <= pair[-1] for pair in ends):
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of numbers or ranges such as 0,9000:9999") from None
    return (NodataSetting(tuple((pair[0], pair[-1]) for pair in ends), "none" not in parts),)


def four_numbers(text: str) -> tuple[float, ...]:
    """`xmin,ymin,xmax,ymax`, for argparse."""
    try:
        numbers = tuple(float(part) for part in text.split(","))
    except ValueError:
        numbers = ()
    if len(numbers) != 4:
        raise argparse.ArgumentTypeError(f"{text!r} is not four numbers xmin,ymin,xmax,ymax")
    return numbers
