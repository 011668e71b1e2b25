# SPDX-License-Identifier: GPL-3.0-or-later
"""Classes of one's own on the demo's scene: three maps, and how they agree with points that were read by eye.

    PYTHONPATH=. .venv-engine/bin/python scripts/demo_own.py SCENE FOLDER

Eleven classes, twenty points each, digitised from the picture (tests/data/olinda_samples.csv). The maps: `own.tif`,
`forest.tif` by a forest on the bands, the classic way, and `network.tif` by the bundled network with its own classes.
The accuracy is at tests/data/olinda_points.csv, a random sample that has nothing to do with the training points, after
the eleven classes have become the six of these points.
"""

from __future__ import annotations

import csv
import json
import sys
import time
from pathlib import Path

import numpy as np
import rasterio

from lulc_plugin.adapt import AdaptJob, ClassStyle, adapt
from lulc_plugin.assess import read_points
from lulc_plugin.classify import ClassifyJob, classify
from lulc_plugin.options import SHELL
from lulc_plugin.progress import Progress
from lulc_plugin.raster import RasterInput
from lulc_plugin.report import own_classes

DATA = Path(__file__).resolve().parent.parent / "tests" / "data"
CRS = "EPSG:31985"
#: red, green, blue, near infrared
BANDS = (3, 2, 1, 4)
#: class → colour, and the class of the reference that it is a part of
CLASSES = {
    "sea": ("#3E8FD0", "Water"),
    "river and lagoon": ("#174A8C", "Water"),
    "beach": ("#FFE9A8", "Bare"),
    "bare soil": ("#D8A45B", "Bare"),
    "large roofs": ("#8E44AD", "Built-up"),
    "dense built-up": ("#C4281B", "Built-up"),
    "hillside settlement": ("#F0907A", "Built-up"),
    "forest": ("#1B5E2A", "Trees"),
    "mangrove": ("#12908E", "Trees"),
    "shrubland": ("#A9B84A", "Shrub and grass"),
    "meadow": ("#7BD35C", "Shrub and grass"),
}


def agreement(path: Path) -> tuple[int, int, int, int]:
    """Points of the reference that agree, and all; the same of those that were clear to the eye."""
    with rasterio.open(path) as source:
        names = {int(value): name for value, name in json.loads(source.tags()["LULC_CLASSES"]).items()}
        values = source.read(1)
    with (DATA / "olinda_points.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    mapped = [names[int(values[int(row["row"]), int(row["col"])])] for row in rows]
    right = np.array([CLASSES.get(name, ("", name))[1] == row["class_name"] for name, row in zip(mapped, rows)])
    clear = np.array([row["confidence"] != "unclear" for row in rows])
    return int(right.sum()), len(right), int(right[clear].sum()), int(clear.sum())


def main(scene: str, folder: Path) -> None:
    """Make the maps and print what they agree with."""
    layer = RasterInput(scene, bands=BANDS)
    samples = read_points(str(DATA / "olinda_samples.csv"), layer, "class", crs=CRS)
    colours = tuple(ClassStyle(name, name, colour) for name, (colour, _) in CLASSES.items())
    for name, ways, smoothing in (("own", (), "auto"), ("forest", ("forest",), "none")):
        started = time.perf_counter()
        job = AdaptJob(layer, samples, colours=colours, ways=ways, smoothing=smoothing)
        result = adapt(job, folder / f"{name}.onnx", Progress())
        trained = time.perf_counter() - started
        classify(ClassifyJob(RasterInput(scene), model_file=result.model), folder / f"{name}.tif", Progress())
        print(f"{name}: {result.method}; mean F1 of the samples {result.macro_f1:.3f}")
        print(f"  trained in {trained:.1f} s, map in {time.perf_counter() - started - trained:.1f} s")
        if name == "own":
            for one in result.classes:
                print(f"  {one.name:20s} F1 {one.f1:.2f}")
            own_classes.write(result, folder / "own.html", SHELL)
    classify(ClassifyJob(layer), folder / "network.tif", Progress())
    for name in ("own", "forest", "network"):
        right, count, clear_right, clear = agreement(folder / f"{name}.tif")
        print(
            f"{name}.tif: {right} of {count} points as read by eye ({100 * right / count:.1f} %),"
            f" {clear_right} of the {clear} clear ones ({100 * clear_right / clear:.1f} %)"
        )


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
