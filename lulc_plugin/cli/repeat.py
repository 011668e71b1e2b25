# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m lulc_plugin repeat MAP [OUT]`: make a map again from its own metadata, and compare the two."""

from __future__ import annotations

import argparse
from typing import Any

from ..classify import DEVICES
from ..progress import ConsoleProgress


def add_to(commands: Any) -> None:
    """Describe the command to argparse."""
    parser = commands.add_parser(
        "repeat",
        help="make a map again from its own metadata, and compare the two",
        description="Makes a map again from what its metadata say: layer, network, description, options. They are"
        " compared by digests first; where something is missing or has changed, it is told and nothing is run.",
        epilog="Exit status: 0 where every pixel has the same class again, else 1.",
    )
    parser.set_defaults(command=_repeat)
    parser.add_argument("map", metavar="MAP", help="map that classify, or the plugin in QGIS, has made")
    parser.add_argument(
        "output", metavar="OUT", nargs="?", help="new map to write, .tif; without it the new map is only compared"
    )
    parser.add_argument("--input", default="", metavar="RASTER", help="where the classified raster is now")
    parser.add_argument("--model", default="", metavar="FILE", help="where the network of your own is now, .onnx")
    parser.add_argument("--statistics-from", default="", metavar="RASTER", help="where the raster of statistics is now")
    parser.add_argument("--threads", type=int, default=0, metavar="N", help="CPU threads; 0: all")
    parser.add_argument("--device", choices=DEVICES, default="", help="where the network runs, instead of where it ran")
    parser.add_argument(
        "--provider", default="", metavar="NAME[;OPTION=VALUE…]", help="provider of onnxruntime, where it had one"
    )
    parser.add_argument(
        "--anyway", action="store_true", help="run although something has changed, to see what comes of it"
    )


def _repeat(options: argparse.Namespace) -> int:
    from ..environment import require

    require()
    from ..classify import Instead, repeat

    instead = Instead(
        layer=options.input,
        model_file=options.model,
        statistics_from=options.statistics_from,
        device=options.device,
        provider=options.provider,
        threads=options.threads,
        anyway=options.anyway,
    )
    made = repeat(options.map, options.output, instead, ConsoleProgress())
    if made.different:
        share = 100 * made.different / made.pixels
        print(f"different: {made.different:,d} of {made.pixels:,d} pixels have another class ({share:.3g} %)")
        if not made.changed:
            print(
                "Layer, network, description, options and versions are the same: the map was edited, or this processor"
                " rounds otherwise."
            )
        return 1
    print(f"the same: all {made.pixels:,d} pixels have the class that they had")
    return 0
