# SPDX-License-Identifier: GPL-3.0-or-later
"""Claim: the memory of a run does not grow with the height of the layer.

    PYTHONPATH=. .venv-engine/bin/python benchmarks/memory.py [--columns 20000] [--rows 1000,4000,16000]
        [--model one-layer] [--smoothing auto] [--threads 1]

Makes layers of four bands, uint16, and a map of each in a process of its own. Prints peak memory, and how much of it
lies above what the program had imported. Without `--model` the network is a single convolution, so that the program's
own memory is seen, with the windows and the smoothing of the bundled network. Fails where the peaks of layers of at
least three windows' height are more than 5 % from the middle of the largest and the smallest; windows of a lower layer
are smaller.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import rasterio
from onnx import TensorProto, helper, numpy_helper
from rasterio.transform import from_origin

from lulc_plugin.model import catalogue, mlm

MOST_APART, TALL = 0.05, 3 * 1024
RUN = """
import json, sys
def peak():
    return int(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))) / 1024
from lulc_plugin.telemetry import import_onnxruntime
from lulc_plugin.classify import ClassifyJob, classify
from lulc_plugin.raster import RasterInput
import_onnxruntime()
layer, output, model, smoothing, threads = sys.argv[1:]
which = {"model": model} if model == "auto" else {"model_file": model}
job = ClassifyJob(RasterInput(layer), smoothing=smoothing, device="cpu", threads=int(threads), **which)
start = peak()
result = classify(job, output)
print(json.dumps([start, peak(), result.seconds]))
"""


def make_layer(path: Path, rows: int, columns: int) -> None:
    """Reflectance × 10,000 in four named bands; one random row of blocks again and again."""
    rng = np.random.default_rng(0)
    row = np.repeat(rng.integers(200, 4000, (4, 16, -(-columns // 32)), np.uint16), 32, axis=2)
    block = np.repeat(row, 32, axis=1)[:, :, :columns]
    profile = {"driver": "GTiff", "height": rows, "width": columns, "count": 4, "dtype": "uint16", "crs": "EPSG:32632"}
    place = from_origin(6e5, 5e6, 10, 10)
    with rasterio.open(path, "w", **profile, transform=place, tiled=True, compress="lzw", BIGTIFF="YES") as out:
        for top in range(0, rows, 512):
            height = min(512, rows - top)
            out.write(block[:, :height], window=rasterio.windows.Window(0, top, columns, height))
        for i, name in enumerate(("red", "green", "blue", "nir"), 1):
            out.set_band_description(i, name)


def one_layer(folder: Path) -> Path:
    """A network of one convolution of single pixels, with the description of the bundled one."""
    spec = next(e.spec for e in catalogue.entries() if e.spec is not None and "mobileunet-v2" in e.spec.name)
    channels, classes = len(spec.channels), len(spec.legend.classes)
    weights = np.random.default_rng(0).normal(size=(classes, channels, 1, 1)).astype(np.float32)
    sides = ["n", channels, "h", "w"], ["n", classes, "h", "w"]
    named = zip((spec.input_name, spec.output.name), sides, strict=True)
    ends = [[helper.make_tensor_value_info(name, TensorProto.FLOAT, side)] for name, side in named]
    nodes = [helper.make_node("Conv", [spec.input_name, "weights"], [spec.output.name])]
    graph = helper.make_graph(nodes, "g", *ends, [numpy_helper.from_array(weights, "weights")])
    path = folder / "one-layer-v1.onnx"
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path.write_bytes(model.SerializeToString())
    output = replace(spec.output, activation=("softmax", "argmax"))
    plain = replace(spec, name=path.stem, file_name=path.name, file_size=path.stat().st_size, extra={}, output=output)
    mlm.write(plain, path.with_suffix(".json"))
    return path


def main() -> None:
    """Measure, print, and fail where memory grows."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--columns", type=int, default=20_000)
    parser.add_argument("--rows", default="1000,4000,16000")
    parser.add_argument("--model", default="one-layer")
    parser.add_argument("--smoothing", default="auto")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    peaks = []
    print(f"{options.model}, smoothing {options.smoothing}, {options.threads} threads, CPU")
    print("   columns × rows | peak memory | above the start |  seconds")
    with tempfile.TemporaryDirectory() as folder:
        model = str(one_layer(Path(folder))) if options.model == "one-layer" else options.model
        for rows in (int(text) for text in options.rows.split(",")):
            layer = Path(folder) / "layer.tif"
            make_layer(layer, rows, options.columns)
            command = [sys.executable, "-c", RUN, str(layer), f"{folder}/map.tif", model, options.smoothing]
            done = subprocess.run([*command, str(options.threads)], capture_output=True, text=True)
            if done.returncode:
                sys.exit(done.stderr)
            start, peak, seconds = json.loads(done.stdout)
            if rows >= TALL:
                peaks.append(peak)
            print(f"{options.columns:10,} × {rows:6,} | {peak:7.0f} MiB | {peak - start:11.0f} MiB | {seconds:8.1f}")
    apart = (max(peaks) - min(peaks)) / (max(peaks) + min(peaks)) if peaks else 0
    if apart > MOST_APART:
        sys.exit(f"The peaks are {100 * apart:.0f} % from their middle; {100 * MOST_APART:.0f} % are the most.")


if __name__ == "__main__":
    main()
