# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m training.band_statistics --data DATA`: what the released network saw and how sure it was, for its sidecar.

Writes into `models/NAME.json`:

- `lulc:band_statistics`: mean, standard deviation, 2nd and 98th percentile of each band, as reflectance, over the
  training places of HLS (the only ones with labels whose reflectance nobody changed);
- `lulc:confidence`: mean of the winning probability on the validation places of HLS, made by the engine as a user would
  make it, and the 5 % quantile of the places' means.

The network's own file is not touched. With `--rates` it then tells how often the engine's test of the order of bands
warns: for bands in the right order (it should not) and in wrong ones, on every image of every set.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lulc_plugin.classify.job import ClassifyJob
from lulc_plugin.classify.pipeline import classify
from lulc_plugin.model import catalogue
from lulc_plugin.raster import bandorder

from . import data
from .channels import BANDS, NAMES

HLS_BANDS = (4, 3, 2, 5)
#: Name → positions of red, green, blue, nir that lie where red, green, blue, nir are expected.
ORDERS = {
    "red, green, blue, nir (right)": (0, 1, 2, 3),
    "blue, green, red, nir": (2, 1, 0, 3),
    "nir, red, green, blue": (3, 0, 1, 2),
    "nir, blue, green, red": (3, 2, 1, 0),
    "red, blue, green, nir": (0, 2, 1, 3),
    "green, red, blue, nir": (1, 0, 2, 3),
}


def statistics(root: Path) -> list[dict[str, Any]]:
    """One entry a band, over all pixels of the training places of HLS."""
    pixels = np.concatenate([c.values[:, c.valid] for c in data.hls(root, ("train",))], axis=1).astype(np.float64)
    low, high = np.percentile(pixels, [2, 98], axis=1)
    numbers = {"mean": pixels.mean(axis=1), "stddev": pixels.std(axis=1), "low": low, "high": high}
    return [
        {"name": name, **{key: round(float(values[i]), 5) for key, values in numbers.items()}}
        for i, name in enumerate(NAMES)
    ]


def confidences(root: Path, network: Path, values: str = "auto", split: str = "val") -> dict[str, tuple[float, int]]:
    """Place → mean winning probability and number of pixels, over the images of a split of HLS, through the engine."""
    folder = root / data.HLS
    sums: dict[str, tuple[float, int]] = {}
    with tempfile.TemporaryDirectory() as made:
        for row in data.read_split(folder):
            if row["split"] != split:
                continue
            result = classify(
                ClassifyJob(
                    str(folder / "images" / row["file"]),
                    str(Path(made) / "map.tif"),
                    model_file=str(network),
                    bands=HLS_BANDS,
                    values=values,
                )
            )
            total, pixels = sums.get(row["group"], (0.0, 0))
            sums[row["group"]] = (total + (result.confidence or 0) * result.valid_pixels, pixels + result.valid_pixels)
    return {place: (total / pixels, pixels) for place, (total, pixels) in sums.items()}


def summary(places: dict[str, tuple[float, int]]) -> dict[str, Any]:
    """Mean over all pixels and 5 % quantile over the places."""
    means = np.array([mean for mean, _ in places.values()])
    pixels = np.array([count for _, count in places.values()])
    return {
        "mean": round(float(np.average(means, weights=pixels)), 4),
        "q05": round(float(np.quantile(means, 0.05)), 4),
        "places": len(means),
    }


def add(root: Path, network: Path) -> None:
    """Measure and write both into the sidecar of `network`."""
    path = network.with_suffix(".json")
    item = json.loads(path.read_text(encoding="utf-8"))
    # the maps of this run must not be judged by an older measurement
    item["properties"].pop("lulc:confidence", None)
    item["properties"]["lulc:band_statistics"] = statistics(root)
    item["properties"]["lulc:confidence"] = summary(confidences(root, network))
    path.write_text(json.dumps(item, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")


def images(root: Path) -> Iterator[tuple[str, npt.NDArray[np.float32]]]:
    """Every image as (set, `(4, pixels)` reflectance), those for training, choosing and evaluation only."""
    for split in ("train", "val"):
        for chip in data.hls(root, (split,)):
            yield f"{data.HLS} {split}", chip.values.reshape(4, -1)
    for chip in data.europe(root):
        yield data.EUROPE, chip.values.reshape(4, -1)
    for source in (data.L2A, data.FOREST, data.OSCD):
        for _, dn in data.unlabelled(root, source, ("train", "val", "unlabelled")):
            yield source, data.rgbn(dn).reshape(4, -1)


def rates(root: Path, network: Path) -> dict[str, dict[str, tuple[int, int, int, int]]]:
    """Order → set → (warned, right order named, cannot tell, images)."""
    seen = catalogue.load(network).spec.band_statistics
    usual = [bandorder.Usual(s.mean, s.low, s.high) for s in seen]
    names = [b.common_name or "" for b in BANDS]
    found: dict[str, dict[str, tuple[int, int, int, int]]] = {name: {} for name in ORDERS}
    for source, values in images(root):
        for name, order in ORDERS.items():
            result = bandorder.compare(values[list(order)], names, usual)
            truth = tuple(int(i) for i in np.argsort(order))
            warned = result is not None and result.suspicious
            named = warned and result is not None and result.positions == truth
            before = found[name].get(source, (0, 0, 0, 0))
            now = (int(warned), int(named), int(result is None), 1)
            found[name][source] = tuple(a + b for a, b in zip(before, now, strict=True))  # type: ignore[assignment]
    return found


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; the exit status."""
    p = argparse.ArgumentParser(prog="python -m training.band_statistics", description=__doc__)
    p.add_argument("--data", type=Path, default=os.environ.get("LULC_DATA"), help="folder of the data sets")
    p.add_argument("--network", type=Path, default=Path("models/optical-rgbn-10to30m-mobileunet-v1.onnx"))
    p.add_argument("--rates", action="store_true", help="tell how often the order of bands is warned about")
    p.add_argument("--only-rates", action="store_true", help="measure nothing, write nothing")
    options = p.parse_args(arguments)
    if options.data is None:
        p.error("name the folder of the data sets with --data or LULC_DATA")
    if not options.only_rates:
        add(options.data, options.network)
    if options.rates or options.only_rates:
        for order, sets in rates(options.data, options.network).items():
            print(order)
            for name, (warned, named, silent, count) in sets.items():
                print(f"  {name}: warned {warned} of {count}, named the order {named}, cannot tell {silent}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
