# SPDX-License-Identifier: GPL-3.0-or-later
"""Claim: the whole line (read, scale, infer, blend, write, COG) takes little longer than the bare `session.run`.

    PYTHONPATH=. .venv-engine/bin/python benchmarks/throughput.py [--size 4096] [--runs 3] [--windows 256,512,1024]

Makes one reflectance layer. For each window size it feeds the very windows of the plan to a bare onnxruntime session,
counting only the time inside `run`, and then makes the map; several times each in turn. The table has medians. Only the
ratios of one run count; other work on the machine blurs them.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import rasterio
from rasterio.transform import from_origin

from lulc_plugin.classify import ClassifyJob, Plan, make_plan, read_windows, run
from lulc_plugin.model import catalogue
from lulc_plugin.progress import Progress
from lulc_plugin.raster import RasterInput
from lulc_plugin.telemetry import import_onnxruntime


def make_layer(path: Path, size: int) -> None:
    """A smooth field with texture, uint16 reflectance × 10,000, four named bands, 10 m."""
    rng = np.random.default_rng(0)
    coarse = rng.uniform(200, 3500, (4, size // 64 + 1, size // 64 + 1))
    field = np.kron(coarse, np.ones((1, 64, 64)))[:, :size, :size] + rng.normal(0, 120, (4, size, size))
    profile = {"driver": "GTiff", "height": size, "width": size, "count": 4, "dtype": "uint16", "crs": "EPSG:32632"}
    with rasterio.open(
        path, "w", **profile, transform=from_origin(6e5, 5e6, 10, 10), tiled=True, compress="deflate"
    ) as out:
        out.write(np.clip(field, 1, 10000).astype("uint16"))
        for i, name in enumerate(("red", "green", "blue", "nir"), 1):
            out.set_band_description(i, name)


def bare_seconds(planned: Plan) -> float:
    """Time inside `session.run` for all windows of a plan, one after the other."""
    setup, _ = planned.ready()
    ort = import_onnxruntime()
    options = ort.SessionOptions()
    options.intra_op_num_threads = os.cpu_count() or 1
    session = ort.InferenceSession(str(setup.entry.path), sess_options=options, providers=["CPUExecutionProvider"])
    total = 0.0
    for window in read_windows(setup, "any"):
        if window.tensor is not None:
            fed = {setup.spec.input_name: window.tensor[None]}
            started = time.perf_counter()
            session.run([setup.spec.output.name], fed)
            total += time.perf_counter() - started
    return total


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", type=int, default=4096)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--windows", default="256,512,1024")
    options = parser.parse_args()
    print(f"{catalogue.entries()[0].spec.name}, {options.size} × {options.size} pixels, {os.cpu_count()} threads, CPU")
    print("asked | windows             | bare run | whole line | ratio | Mpx/s of the layer | peak memory")
    with tempfile.TemporaryDirectory() as folder:
        layer = Path(folder) / "layer.tif"
        make_layer(layer, options.size)
        for window in (int(w) for w in options.windows.split(",")):
            job = ClassifyJob(RasterInput(str(layer)), window=window, device="cpu")
            planned = make_plan(job)
            bare, whole = [], []
            for _ in range(options.runs):
                bare.append(bare_seconds(planned))
                whole.append(run(make_plan(job), Path(folder) / "map.tif", Progress()).seconds)
            b, w = statistics.median(bare), statistics.median(whole)
            grid = planned.ready()[0].grid
            rows, cols = grid.rows, grid.cols
            layout = f"{rows.count} × {cols.count} of {rows.window} × {cols.window}"
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            speed = options.size**2 / 1e6 / w
            print(
                f"{window:5d} | {layout:19s} | {b:6.1f} s | {w:8.1f} s | {w / b:5.2f} | {speed:18.2f} | {peak:7.0f} MiB"
            )


if __name__ == "__main__":
    main()
