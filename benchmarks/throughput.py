# SPDX-License-Identifier: GPL-3.0-or-later
"""Claim: the whole line (read, scale, infer, blend, write, COG) runs close to the speed of the bare network.

    PYTHONPATH=. .venv-engine/bin/python benchmarks/throughput.py [--size 4096] [--runs 3] [--windows 512,1024]

Makes one reflectance layer, then in turn runs the bare network on windows of the same size and the whole line, several
times each, and prints medians and their ratio. Only the ratios of one run count; other work on the machine blurs them.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import rasterio
from rasterio.transform import from_origin

from lulc_plugin.classify.job import ClassifyJob
from lulc_plugin.classify.pipeline import classify
from lulc_plugin.model import catalogue
from lulc_plugin.model.runtime import Network


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


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", type=int, default=4096)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--windows", default="512,1024")
    options = parser.parse_args()
    entry = catalogue.entries()[0]
    with tempfile.TemporaryDirectory() as folder:
        layer = Path(folder) / "layer.tif"
        make_layer(layer, options.size)
        for window in (int(w) for w in options.windows.split(",")):
            network = Network(entry.path, entry.spec)
            batch = np.zeros((1, len(entry.spec.channels), window, window), np.float32)
            network.probabilities(batch)
            bare, whole, inside = [], [], []
            for _ in range(options.runs):
                started = time.perf_counter()
                count = max(1, options.size**2 // window**2 // 2)
                for _ in range(count):
                    network.probabilities(batch)
                bare.append(count * window**2 / 1e6 / (time.perf_counter() - started))
                result = classify(ClassifyJob(str(layer), str(Path(folder) / "map.tif"), window=window))
                whole.append(options.size**2 / 1e6 / result.seconds)
                inside.append(result.network_seconds / result.seconds)
            b, w, share = (statistics.median(v) for v in (bare, whole, inside))
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            print(
                f"{entry.spec.name}, window {window}: bare {b:.2f} Mpx/s, whole line {w:.2f} Mpx/s of the layer"
                f" ({100 * w / b:.0f} %), {100 * share:.0f} % of the time inside the network, peak {peak:.0f} MiB"
            )


if __name__ == "__main__":
    main()
