# SPDX-License-Identifier: GPL-3.0-or-later
"""Claim: own classes of 200 samples on 4096 × 4096 pixels are trained in less than a minute on two cores.

    PYTHONPATH=. .venv-engine/bin/python benchmarks/own_classes_time.py [--size 4096] [--samples 200] [--runs 3]

Makes one reflectance layer with six classes, trains, and classifies it with the trained network and with the network
that it builds on, with and without smoothing; several times each in turn, each in a process of its own. `train`
compares all ways, as a user's run does; `fit` takes pixel features and network together, whatever is best here, and
the map is of that. The table has medians of wall time, processor time and peak memory, and the ratio to the base
network. Walls count on an idle machine only.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import rasterio
from throughput import make_layer

CLASSES = 6
RUN = """
import json, sys, time
from lulc_plugin.adapt import AdaptJob, adapt
from lulc_plugin.assess import read_points
from lulc_plugin.classify import ClassifyJob, classify
from lulc_plugin.raster import RasterInput
what, layer, samples, model, smoothing, output, base = sys.argv[1:]
started = time.perf_counter(), time.process_time()
if what in ("train", "fit"):
    image = RasterInput(layer)
    ways = () if what == "train" else ("both",)
    job = AdaptJob(image, read_points(samples, image, "class", crs="EPSG:32632"), smoothing=smoothing, ways=ways)
    found = adapt(job, model)
    said = f"{found.count} samples, {found.method}; {', '.join(found.networks) or 'no network'}"
else:
    options = {"model_file": model} if what == "own" else {"model": base}
    classify(ClassifyJob(RasterInput(layer), smoothing=smoothing, device="cpu", **options), output)
    said = what
wall, cpu = time.perf_counter() - started[0], time.process_time() - started[1]
peak = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps([said, wall, cpu, int(peak) / 1024]))
"""
STEPS = (("train", "auto"), ("fit", "none"), ("base", "none"), ("own", "none"), ("base", "8"), ("own", "8"))


def write_samples(layer: Path, target: Path, count: int) -> None:
    """Points of six classes by steps of near infrared against red, which noise blurs, spread over the layer."""
    generator = np.random.default_rng(1)
    with rasterio.open(layer) as source:
        red, nir = (source.read(band).astype(np.float32) for band in (1, 4))
        index = (nir - red) / (nir + red)
        rows, cols = generator.integers(0, min(source.shape), (2, 50 * count))
        limits = np.quantile(index[rows, cols], np.arange(1, CLASSES) / CLASSES)
        labels = np.searchsorted(limits, index[rows, cols])
        lines = ["x,y,class"]
        for label in range(CLASSES):
            for place in np.flatnonzero(labels == label)[: -(-count // CLASSES)]:
                x, y = source.xy(rows[place], cols[place])
                lines.append(f"{x},{y},class {label + 1}")
    target.write_text("\n".join(lines), encoding="utf-8")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", type=int, default=4096)
    parser.add_argument("--samples", type=int, default=200)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--base", default="optical-rgbn-10to30m-mobileunet-v2")
    options = parser.parse_args()
    found: dict[tuple[str, str], list[list]] = {step: [] for step in STEPS}
    with tempfile.TemporaryDirectory() as folder:
        layer, samples, model = (f"{folder}/{name}" for name in ("layer.tif", "samples.csv", "own.onnx"))
        make_layer(Path(layer), options.size)
        write_samples(Path(layer), Path(samples), options.samples)
        for _ in range(options.runs):
            for what, smoothing in STEPS:
                words = [what, layer, samples, model, smoothing, f"{folder}/map.tif", options.base]
                done = subprocess.run([sys.executable, "-c", RUN, *words], capture_output=True, text=True)
                if done.returncode:
                    sys.exit(done.stderr)
                found[what, smoothing].append(json.loads(done.stdout.splitlines()[-1]))
    print(f"{options.size} × {options.size} pixels, {os.cpu_count()} threads, CPU, medians of {options.runs}")
    print(f"trained: {found['train', 'auto'][0][0]}")
    print("step           | smoothing | wall time | processor time | peak memory | processor time / base network's")
    for (what, smoothing), runs in found.items():
        wall, cpu, peak = (statistics.median(run[i] for run in runs) for i in (1, 2, 3))
        ratio = ""
        if what == "own":
            pairs = zip(runs, found["base", smoothing])
            ratio = f"{statistics.median(own[2] / base[2] for own, base in pairs):.2f}"
        print(f"{what:14} | {smoothing:>9} | {wall:7.1f} s | {cpu:12.1f} s | {peak:7.0f} MiB | {ratio}")


if __name__ == "__main__":
    main()
