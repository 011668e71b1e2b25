# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m lulc_plugin classify IN OUT`: make a map."""

from __future__ import annotations

import argparse
from typing import Any

from ..classify import AUTO, DEVICES, ClassifyJob
from ..progress import ConsoleProgress
from ..raster import RasterInput
from . import layer_options


def add_to(commands: Any) -> None:
    """Describe the command to argparse."""
    classify = commands.add_parser("classify", help="make a land cover map of a raster")
    classify.set_defaults(command=_classify)
    classify.add_argument("input", metavar="IN", help="raster to classify")
    classify.add_argument("output", metavar="OUT", help="map to write, .tif")
    layer_options.add_options(classify)
    classify.add_argument("--overlap", type=int, metavar="PX", help="pixels shared by neighbouring windows")
    classify.add_argument("--window", type=int, metavar="PX", help="height and width of a window")
    classify.add_argument("--batch-size", type=int, default=0, metavar="N", help="windows a run; 0: automatic")
    classify.add_argument("--statistics-from", metavar="RASTER", help="raster whose statistics fix the scaling")
    classify.add_argument(
        "--smoothing",
        default=AUTO,
        metavar="auto|none|PX",
        help="how far the map follows the edges of the image: as the model asks for, not at all, or a radius in pixels",
    )
    classify.add_argument("--threads", type=int, default=0, metavar="N", help="CPU threads; 0: all")
    classify.add_argument("--device", choices=DEVICES, default=AUTO, help="where the network runs")
    classify.add_argument(
        "--provider",
        default="",
        metavar="NAME[;OPTION=VALUE…]",
        help="any onnxruntime provider instead of a device, e.g. 'dml' or 'openvino;device_type=GPU'; untested",
    )


def _classify(options: argparse.Namespace) -> int:
    job = ClassifyJob(
        **layer_options.job_fields(options),
        overlap=options.overlap,
        window=options.window,
        batch_size=options.batch_size,
        statistics_from=RasterInput(options.statistics_from) if options.statistics_from else None,
        threads=options.threads,
        device=options.device,
        provider=options.provider,
        smoothing=options.smoothing,
    )
    from ..environment import require

    require()
    from ..classify import classify

    result = classify(job, options.output, ConsoleProgress())
    for entry in result.classes_json():
        hectares = "" if entry["hectares"] is None else f"{entry['hectares']:14,.1f} ha"
        print(f"{entry['value']:5d}  {entry['name']:24s} {entry['pixels']:12,d} px {hectares}")
    return 0
