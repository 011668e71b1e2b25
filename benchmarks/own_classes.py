# SPDX-License-Identifier: GPL-3.0-or-later
"""Own classes against the classic ways: accuracy of maps by the number of samples of each class.

Chips of a labelled set are laid out as one scene with gaps without data. In each draw half of the chips give the
points, the same number of each class, and the maps are compared with the labels of the other half. Every way goes
through `adapt` and `classify`, as a user's would. The forests of scikit-learn stand beside our own, where it is
installed: on the same points, and on features that are computed without the plugin.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import rasterio
from rasterio.transform import from_origin

from lulc_plugin.adapt import AdaptJob, adapt
from lulc_plugin.assess import FeatureInput, ReferenceFeature
from lulc_plugin.classify import ClassifyJob, classify
from lulc_plugin.progress import Progress
from lulc_plugin.raster import RasterInput

GAP = 64
CRS = "EPSG:32632"


@dataclass(frozen=True)
class SampleSet:
    """A labelled set: folder, its classes (value → name), splits that may be used, bands in the file and their use."""

    folder: str
    classes: dict[int, str]
    splits: tuple[str, ...]
    pixel: float
    names: dict[str, str]
    values: str


SETS = {
    "europe": SampleSet(
        "s2_europe_rgbn16",
        {2: "artificial", 3: "cultivated", 4: "broadleaf", 5: "coniferous", 6: "herbaceous", 9: "water"},
        ("train", "val"),
        10,
        {},
        "uint16",
    ),
    "hls": SampleSet(
        "hls7_worldcover",
        {1: "water", 2: "trees", 3: "shrub and grass", 4: "cropland", 5: "built-up", 6: "bare"},
        ("test",),
        30,
        {"swir1": "swir16", "swir2": "swir22"},
        "int16",
    ),
    "india": SampleSet("s2_india_rgbn", {1: "built-up", 2: "vegetation", 3: "water"}, ("test",), 10, {}, "uint8"),
}
#: name → (ways, networks, smoothing)
WAYS = {
    "forest on the bands": (("forest",), "none", "none"),
    "forest on windows": (("windows",), "none", "none"),
    "ours, no network": ((), "none", "auto"),
    "ours": ((), "auto", "auto"),
    "ours, all networks": ((), "all", "auto"),
    "both, r 16": (("both",), "auto", "16"),
    "both, none": (("both",), "auto", "none"),
}
#: Forests of scikit-learn: sides of the windows whose means and deviations they see beside bands and indices.
OTHERS = {"scikit-learn on the bands": (), "scikit-learn on windows": (3, 7, 15)}


@dataclass(frozen=True)
class Scene:
    """Chips in one file: `labels` with 0 where nothing is known, `chip` the index of the chip, −1 in gaps."""

    path: Path
    labels: npt.NDArray[np.uint8]
    chip: npt.NDArray[np.int64]
    chips: int


def lay_out(of_set: SampleSet, data: Path, target: Path) -> Scene:
    """Write the chips of a set as one scene."""
    folder = data / of_set.folder
    with (folder / "split.csv").open() as stream:
        files = [row["file"] for row in csv.DictReader(stream) if row["split"] in of_set.splits]
    files = sorted(f for f in files if (folder / "labels" / f).exists())
    images, labels, names = [], [], ()
    for file in files:
        with rasterio.open(folder / "images" / file) as image, rasterio.open(folder / "labels" / file) as label:
            images.append(image.read())
            labels.append(label.read(1))
            names = image.descriptions
    count, height, width = images[0].shape
    across = int(np.ceil(np.sqrt(len(files))))
    down = -(-len(files) // across)
    shape = (down * (height + GAP) + GAP, across * (width + GAP) + GAP)
    nodata = 0 if of_set.values.startswith("u") else -9999
    whole = np.full((count, *shape), nodata, of_set.values)
    known, chip = np.zeros(shape, np.uint8), np.full(shape, -1)
    for place, (image, label) in enumerate(zip(images, labels)):
        row, col = (GAP + (place // across) * (height + GAP), GAP + (place % across) * (width + GAP))
        there = (slice(row, row + height), slice(col, col + width))
        whole[(slice(None), *there)], known[there], chip[there] = image, label, place
    with rasterio.open(
        target, "w", "GTiff", shape[1], shape[0], count, CRS, from_origin(5e5, 5e6, of_set.pixel, of_set.pixel),
        of_set.values, nodata, tiled=True,
    ) as out:  # fmt: skip
        out.write(whole)
        for band, name in enumerate(names, 1):
            out.set_band_description(band, of_set.names.get(name, name))
    return Scene(target, known, chip, len(files))


def draw_points(scene: Scene, of_set: SampleSet, size: int, draw: int) -> tuple[FeatureInput, npt.NDArray[np.bool_]]:
    """`size` points of each class from half of the chips in turn, and the pixels to test on."""
    generator = np.random.default_rng(1000 + draw)
    order = generator.permutation(scene.chips)
    training, testing = order[::2], order[1::2]
    features = []
    for value, name in of_set.classes.items():
        rows, cols = np.nonzero((scene.labels == value) & np.isin(scene.chip, training))
        mixed = generator.permutation(len(rows))
        chips = scene.chip[rows[mixed], cols[mixed]]
        turn = np.empty(len(mixed), np.int64)
        for chip in np.unique(chips):
            turn[chips == chip] = np.arange(np.count_nonzero(chips == chip))
        for place in mixed[np.argsort(turn, kind="stable")[:size]]:
            x, y = 5e5 + (cols[place] + 0.5) * of_set.pixel, 5e6 - (rows[place] + 0.5) * of_set.pixel
            geometry = {"type": "Point", "coordinates": (x, y)}
            features.append(ReferenceFeature(geometry, name, str(len(features))))
    tested = np.isin(scene.chip, testing) & np.isin(scene.labels, list(of_set.classes))
    return FeatureInput(features, "points", "points", "class"), tested


def own_map(path: Path, of_set: SampleSet) -> npt.NDArray[np.uint8]:
    """A map of own classes, with the values that the set gives them."""
    with rasterio.open(path) as source:
        values = source.read(1)
        codes = json.loads(source.tags()["LULC_CLASSES"])
    value_of = {name: value for value, name in of_set.classes.items()}
    table = np.zeros(256, np.uint8)
    for own, name in codes.items():
        table[int(own)] = value_of[name]
    return table[values]


def scores(
    values: npt.NDArray[np.uint8], scene: Scene, of_set: SampleSet, tested: npt.NDArray[np.bool_]
) -> tuple[float, float]:
    """Overall accuracy and mean IoU of a map, in percent."""
    reference, mapped = scene.labels[tested], values[tested]
    right, ious = 0, []
    for value in of_set.classes:
        is_class, called = reference == value, mapped == value
        right += int(np.count_nonzero(is_class & called))
        if is_class.any():
            ious.append(np.count_nonzero(is_class & called) / np.count_nonzero(is_class | called))
    return 100 * right / len(reference), 100 * float(np.mean(ious))


def other_features(scene: Scene, windows: Sequence[int]) -> npt.NDArray[np.float32]:
    """`(features, rows, cols)`: bands, the indices that they allow, and means and deviations in windows."""
    from scipy.ndimage import uniform_filter

    with rasterio.open(scene.path) as source:
        bands = source.read().astype(np.float32)
        names = dict(zip(source.descriptions, bands))
    pairs = (("nir", "red"), ("green", "nir"), ("green", "swir16"), ("swir16", "nir"))
    features = [*bands]
    for first, second in pairs:
        if first in names and second in names:
            one, other = names[first], names[second]
            features.append((one - other) / np.where(one + other == 0, 1, one + other))
    for side in windows:
        for band in bands:
            mean = uniform_filter(band.astype(np.float64), side)
            variance = uniform_filter(band.astype(np.float64) ** 2, side) - mean**2
            features += [mean.astype(np.float32), np.sqrt(np.maximum(variance, 0)).astype(np.float32)]
    return np.stack(features)


def make_other(
    scene: Scene, of_set: SampleSet, points: FeatureInput, tested: npt.NDArray[np.bool_], way: str, seed: int
) -> tuple[npt.NDArray[np.uint8], dict[str, object]]:
    """Values of the classes where `tested`, by a forest of scikit-learn, and what it took."""
    from sklearn.ensemble import RandomForestClassifier

    started = time.process_time()
    features = other_features(scene, OTHERS[way])
    value_of = {name: value for value, name in of_set.classes.items()}
    places = np.array([f.geometry["coordinates"] for f in points.features])
    rows, cols = ((5e6 - places[:, 1]) // of_set.pixel).astype(int), ((places[:, 0] - 5e5) // of_set.pixel).astype(int)
    forest = RandomForestClassifier(100, class_weight="balanced", random_state=seed, n_jobs=1)
    forest.fit(features[:, rows, cols].T, [value_of[f.label] for f in points.features])
    trained = time.process_time() - started
    values = np.zeros(tested.shape, np.uint8)
    values[tested] = forest.predict(features[:, tested].T)
    return values, {"method": way, "train_s": trained, "map_s": time.process_time() - started - trained}


def make_own(
    scene: Scene, of_set: SampleSet, points: FeatureInput, tested: npt.NDArray[np.bool_], way: str, seed: int
) -> tuple[npt.NDArray[np.uint8], dict[str, object]]:
    """A map through `adapt` and `classify` with the values of the set, and what it took."""
    ways, network, smoothing = WAYS[way]
    layer = RasterInput(str(scene.path))
    model, target = scene.path.with_name("own.onnx"), scene.path.with_name("map.tif")
    started = time.process_time()
    job = AdaptJob(layer, points, network=network, smoothing=smoothing, ways=ways, seed=seed)
    method = adapt(job, model, Progress()).method
    trained = time.process_time() - started
    classify(ClassifyJob(layer, model_file=str(model)), target, Progress())
    facts = {"method": method, "train_s": trained, "map_s": time.process_time() - started - trained}
    return own_map(target, of_set), facts


def run(options: argparse.Namespace) -> Iterator[dict[str, object]]:
    """One row a set, draw, size and way."""
    for name in options.sets:
        of_set = SETS[name]
        with tempfile.TemporaryDirectory() as folder:
            scene = lay_out(of_set, options.data, Path(folder) / "scene.tif")
            for draw in range(options.draws):
                for size in options.sizes:
                    points, tested = draw_points(scene, of_set, size, draw)
                    for way in options.ways:
                        make = make_other if way in OTHERS else make_own
                        values, facts = make(scene, of_set, points, tested, way, draw)
                        accuracy, iou = scores(values, scene, of_set, tested)
                        yield {
                            "set": name, "draw": draw, "size": size, "way": way,
                            "oa": accuracy, "miou": iou, **facts,
                        }  # fmt: skip


def main(arguments: Sequence[str]) -> None:
    """Print the rows as CSV, then the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="folder of the sets")
    parser.add_argument("--sets", nargs="+", default=list(SETS))
    parser.add_argument("--sizes", nargs="+", type=int, default=[5, 10, 20, 50, 100])
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--ways", nargs="+", default=[*list(WAYS)[:5], *OTHERS])
    parser.add_argument("--csv", type=Path)
    options = parser.parse_args(arguments)
    rows = []
    for row in run(options):
        rows.append(row)
        print(*(f"{v:.2f}" if isinstance(v, float) else v for v in row.values()), sep=",", flush=True)
    if options.csv:
        with options.csv.open("w", newline="") as stream:
            writer = csv.DictWriter(stream, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)


if __name__ == "__main__":
    main(sys.argv[1:])
