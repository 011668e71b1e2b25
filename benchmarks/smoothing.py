# SPDX-License-Identifier: GPL-3.0-or-later
"""Claim: smoothing along the edges of the image takes less than a quarter of what the network takes, in flat memory.

    PYTHONPATH=. .venv-engine/bin/python benchmarks/smoothing.py [--size 4096] [--runs 3] [--radii none,8,16]
        [--threads 2]

Makes one reflectance layer, and its map with each radius in turn, several times, each in a process of its own. The
table has medians of wall time, of the part of it inside the network, of processor time and of peak memory. How much
more is taken than without, in hundredths of the network's time without, is the median over the rounds: each compares
runs that followed one another. On a machine with other work processor seconds count, and they too grow where caches are
shared. The program fails where a radius takes more than a quarter more wall time.
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

#: Percent of the network's wall time that smoothing may take.
MOST = 25
RUN = """
import json, resource, sys, time
from lulc_plugin.classify import ClassifyJob, classify
from lulc_plugin.raster import RasterInput
layer, output, smoothing, model, threads = sys.argv[1:]
started = time.perf_counter(), time.process_time()
job = ClassifyJob(RasterInput(layer), model=model, smoothing=smoothing, device="cpu", threads=int(threads))
result = classify(job, output)
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
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    radii = options.radii.split(",")
    found: dict[str, list[list[float]]] = {radius: [] for radius in radii}
    with tempfile.TemporaryDirectory() as folder:
        layer = Path(folder) / "layer.tif"
        make_layer(layer, options.size)
        for _ in range(options.runs):
            for radius in radii:
                command = [sys.executable, "-c", RUN, str(layer), f"{folder}/map.tif", radius, options.model]
                command.append(str(options.threads))
                done = subprocess.run(command, capture_output=True, text=True, check=True)
                found[radius].append(json.loads(done.stdout))
    print(f"{options.model}, {options.size} × {options.size} pixels, {options.threads} threads, CPU")
    print("radius | wall time | of that network | processor time | peak memory | more wall | more processor time")
    without = found[radii[0]]
    too_long = []
    for radius, runs in found.items():
        wall, cpu, network, peak = (statistics.median(column) for column in zip(*runs, strict=True))
        pairs = list(zip(runs, without, strict=True))
        more = statistics.median(100 * (run[0] - bare[0]) / bare[2] for run, bare in pairs)
        more_cpu = statistics.median(run[1] - bare[1] for run, bare in pairs)
        if more > MOST:
            too_long.append(f"radius {radius} takes {more:.0f} % of the network's time, more than {MOST} %")
        print(
            f"{radius:>6} | {wall:7.1f} s | {network:13.1f} s | {cpu:12.1f} s | {peak:7.0f} MiB | {more:7.0f} % |"
            f" {more_cpu:5.1f} s, {1e6 * more_cpu / options.size**2:.2f} µs a pixel"
        )
    if too_long:
        sys.exit("; ".join(too_long))


if __name__ == "__main__":
    main()
