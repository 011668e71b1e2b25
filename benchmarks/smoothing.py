# SPDX-License-Identifier: GPL-3.0-or-later
"""Claim: smoothing along the edges of the image takes less than a quarter of what the network takes, in flat memory.

    PYTHONPATH=. .venv-engine/bin/python benchmarks/smoothing.py [--size 4096] [--runs 3] [--radii none,8,16]

Makes one reflectance layer, and its map with each radius in turn, several times, each in a process of its own. The
table has medians of wall time, processor time and peak memory, and how much more time is taken than without. On a
machine with other work the processor seconds count, and they too grow where caches are shared.
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

from throughput import make_layer

RUN = """
import json, resource, sys, time
from lulc_plugin.classify import ClassifyJob, classify
from lulc_plugin.raster import RasterInput
layer, output, smoothing, model = sys.argv[1:]
started = time.perf_counter(), time.process_time()
result = classify(ClassifyJob(RasterInput(layer), model=model, smoothing=smoothing, device="cpu"), output)
wall, cpu = time.perf_counter() - started[0], time.process_time() - started[1]
peak = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps([wall, cpu, result.network_seconds, int(peak) / 1024]))
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", type=int, default=4096)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--radii", default="none,8,16")
    parser.add_argument("--model", default="auto")
    options = parser.parse_args()
    radii = options.radii.split(",")
    found: dict[str, list[list[float]]] = {radius: [] for radius in radii}
    with tempfile.TemporaryDirectory() as folder:
        layer = Path(folder) / "layer.tif"
        make_layer(layer, options.size)
        for _ in range(options.runs):
            for radius in radii:
                command = [sys.executable, "-c", RUN, str(layer), f"{folder}/map.tif", radius, options.model]
                done = subprocess.run(command, capture_output=True, text=True, check=True)
                found[radius].append(json.loads(done.stdout))
    print(f"{options.model}, {options.size} × {options.size} pixels, {os.cpu_count()} threads, CPU")
    print("radius | wall time | of that network | processor time | peak memory | processor time more than without")
    first = statistics.median(run[1] for run in found[radii[0]])
    for radius, runs in found.items():
        wall, cpu, network, peak = (statistics.median(column) for column in zip(*runs, strict=True))
        print(
            f"{radius:>6} | {wall:7.1f} s | {network:13.1f} s | {cpu:12.1f} s | {peak:7.0f} MiB |"
            f" {cpu - first:5.1f} s, {1e6 * (cpu - first) / options.size**2:.2f} µs a pixel"
        )


if __name__ == "__main__":
    main()
