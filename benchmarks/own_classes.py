# SPDX-License-Identifier: GPL-3.0-or-later
"""Own classes against the classic ways: accuracy of maps by the number of samples of each class.

    PYTHONPATH=. .venv-engine/bin/python benchmarks/own_classes.py DATA results.csv [--sets europe …] [--draws 10]
    PYTHONPATH=. .venv-engine/bin/python benchmarks/own_classes_table.py results.csv --figure docs/own-classes.svg

Chips of a labelled set are laid out as one scene with gaps without data. In each draw half of the chips give the
points, the same number of each class, and the maps are compared with the labels of the other half. Where there are
polygons only, half of the polygons of each class give the points and the others are the reference.

The features of a scene are read once, by the engine and in its windows; validation, choice, classifiers and smoothing
are the engine's, too. So a map here differs from that of `adapt` and `classify` only in how windows are joined, and in
that features are standardised on all chips; `--whole` makes each map in that way, to compare. Rows are added to the CSV
as they are made, and a second run goes on where the first ended.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import rasterio
from own_classes_others import OTHERS, predicted
from own_classes_scenes import SETS, Halves, SampleSet, Scene, draw_samples, halve, make_scene

from lulc_plugin.adapt import (
    RADII,
    AdaptJob,
    Candidate,
    FeatureReader,
    Features,
    LayerInputs,
    Outcome,
    SamplePixels,
    Window,
    adapt,
    candidates_of,
    choose,
    count_of,
    describe_layer,
    find_networks,
    guide_of,
    make_folds,
    own_planes,
    patch_samples,
    predictor,
    validate,
)
from lulc_plugin.assess import FeatureInput, ReferenceFeature
from lulc_plugin.classify import ClassifyJob, classify, smooth
from lulc_plugin.legend import Legend, LegendClass
from lulc_plugin.model import Smoothing
from lulc_plugin.progress import Progress
from lulc_plugin.raster import RasterInput, Source, gdal, probe_layer

#: Around each image in memory: what smoothing with the largest radius looks at, even.
AROUND = 2 * max(RADII) + 4
#: Side of the windows that features are read in, and what the reader adds around them.
CORE, MARGIN = 128, 96
#: Pixels that stand for the scene.
SCENE_PIXELS = 8000
BASE = "base map"
#: name → (networks, candidates, whether radii are compared); no candidates: all that the engine has.
WAYS = {
    "forest on the bands": ("none", ("forest",), False),
    "forest on windows": ("none", ("windows",), False),
    "ours, no network": ("none", (), True),
    "ours": ("auto", (), True),
    "ours, all networks": ("all", (), True),
}
FIELDS = ("set", "draw", "size", "way", "method", "radius", "expected", "oa", "miou", "seconds")


@dataclass(frozen=True)
class Ground:
    """What is read of a scene once.

    Attributes:
        scene: the scene.
        inputs: with all networks that suit it.
        guide: how to smooth; None where no band can be a guide.
        windows: of each image of the scene, with `AROUND` invalid pixels around it.
        pixels: `(m, features)` that stand for the scene.
        legend: the classes.
        counts: networks (`none`, `auto`, `all`) → number of features.
    """

    scene: Scene
    inputs: LayerInputs
    guide: Smoothing | None
    windows: tuple[Window, ...]
    pixels: npt.NDArray[np.float64]
    legend: Legend
    counts: dict[str, int]

    @property
    def reach(self) -> int:
        """Pixels around a sample that smoothing needs."""
        return 2 * max(RADII) + 2

    def features(self, samples: SamplePixels, networks: str, seed: int) -> Features:
        """The features of samples, as the engine's reader gives them."""
        count = self.counts[networks]
        size = 2 * count * (2 * self.reach + 2) ** 2
        kept = set() if self.guide is None else set(
            patch_samples(samples.labels, len(self.legend.classes), size, seed).tolist()
        )  # fmt: skip
        plain, coarse, patches = np.zeros((len(samples), count)), np.zeros((len(samples), count)), {}
        for index, (row, col) in enumerate(zip(samples.rows.tolist(), samples.cols.tolist())):
            for window, (top, left, height, width) in zip(self.windows, self.scene.images):
                if top <= row < top + height and left <= col < left + width:
                    at = row - top + AROUND, col - left + AROUND
                    plain[index] = window.features[(slice(count), *at)]
                    coarse[index] = window.square(*at)[:count].mean(axis=(1, 2), dtype=np.float64)
                    if index in kept:
                        patch = window.patch(*at, self.reach)
                        patches[index] = replace(patch, features=patch.features[:count])
        return Features(samples, plain, coarse, patches, self.pixels[:, :count])


def read_ground(scene: Scene, of_set: SampleSet) -> Ground:
    """Read the features of a scene."""
    layer = RasterInput(str(scene.path))
    with Source(layer) as source:
        facts = source.facts
        sample = np.stack(probe_layer(source, [band.number for band in facts.bands], Progress())).astype(np.float64)
    inputs = describe_layer(facts, sample, *find_networks(layer, "all", "", "", Progress()))
    guide = guide_of(inputs, sample)
    order = [inputs.names.index(name) for name in guide.bands] if guide is not None else []
    with FeatureReader(layer, inputs, 1) as reader:
        windows = tuple(_window(reader, place, order) for place in scene.images)
    inside = [(w.features[:, w.valid], np.count_nonzero(w.valid)) for w in windows]
    step = max(1, sum(count for _, count in inside) // SCENE_PIXELS)
    pixels = np.concatenate([features[:, ::step].T for features, _ in inside]).astype(np.float64)
    own = count_of(len(inputs.pixel_names), inputs.windowed, ())
    parts = [use.part for use in inputs.networks]
    counts = {
        name: count_of(len(inputs.pixel_names), inputs.windowed, some)
        for name, some in (("none", ()), ("auto", parts[:1]), ("all", parts))
    }
    print(f"# {own} pixel features; networks: {', '.join(u.entry.spec.name for u in inputs.networks)}; {counts}")
    legend = Legend.of([LegendClass(value, name, "#808080") for value, name in of_set.classes.items()])
    return Ground(scene, inputs, guide, windows, pixels, legend, counts)


def _window(reader: FeatureReader, place: tuple[int, int, int, int], order: Sequence[int]) -> Window:
    """All of an image, from windows of the reader."""
    top, left, height, width = place
    around = (height + 2 * AROUND, width + 2 * AROUND)
    features = np.zeros((reader.count, *around), np.float16)
    guide, valid = np.zeros((len(order), *around), np.float32), np.zeros(around, bool)
    for row in range(0, height, CORE):
        for col in range(0, width, CORE):
            read = reader.window(top + row, left + col, order)
            tall, wide = min(CORE, height - row), min(CORE, width - col)
            own = (slice(MARGIN, MARGIN + tall), slice(MARGIN, MARGIN + wide))
            there = (slice(AROUND + row, AROUND + row + tall), slice(AROUND + col, AROUND + col + wide))
            features[(slice(None), *there)] = read.features[(slice(None), *own)]
            guide[(slice(None), *there)], valid[there] = read.guide[(slice(None), *own)], read.valid[own]
    return Window(features, guide, valid)


class Draw:
    """The samples of one draw and size, and how each way does on them; what ways share is computed once."""

    def __init__(self, ground: Ground, of_set: SampleSet, halves: Halves, size: int, draw: int) -> None:
        self._ground, self._halves, self._seed = ground, halves, draw
        rows, cols, labels = draw_samples(ground.scene, of_set, halves.training, size, draw).T
        self.samples = SamplePixels(rows, cols, labels, np.arange(len(rows)))
        groups = ground.scene.part[rows, cols].tolist() if ground.scene.polygons else None
        self._folds = make_folds(self.samples, len(of_set.classes), groups)
        self._compared: dict[object, list[Outcome]] = {}
        self._features: dict[str, Features] = {}
        self.groups = groups

    def outcome(self, way: str) -> tuple[Outcome, Features]:
        """What is chosen."""
        networks, allowed, smoothed = WAYS[way]
        ground = self._ground
        if networks not in self._features:
            self._features[networks] = ground.features(self.samples, networks, self._seed)
        features = self._features[networks]
        pixel = ground.counts["none"]
        planes = own_planes(ground.inputs, ground.legend, pixel) if networks != "none" else None
        bands = len(ground.inputs.pixel_names)
        candidates = candidates_of(features, pixel, bands, planes, self._seed, allowed)
        if not smoothed:
            (candidate,) = candidates
            return Outcome(candidate, 0, np.zeros((0, 0)), np.zeros(0, np.int64), np.nan, np.nan, np.nan), features
        radii = () if ground.guide is None else RADII
        return choose(candidates, radii, self._comparing(features))[0], features

    def _comparing(self, features: Features) -> Callable[[Candidate, Sequence[int]], list[Outcome]]:
        def compare(candidate: Candidate, radii: Sequence[int]) -> list[Outcome]:
            key = (candidate.id, len(candidate.columns), tuple(radii))
            if key not in self._compared:
                guide = self._ground.guide if any(radii) else None
                self._compared[key] = validate(candidate, features, self._folds, radii, guide, Progress())
            return self._compared[key]

        return compare

    def scores(self, outcome: Outcome, features: Features) -> tuple[float, float]:
        """Overall accuracy and mean IoU of the map, in percent."""
        ground, classes = self._ground, len(self._ground.legend.classes)
        predict = predictor(outcome.candidate, features, np.arange(len(self.samples)), classes)
        read = predict.image_reader()
        matrix = np.zeros((classes, classes), np.int64)
        for window, (top, left, height, width) in zip(ground.windows, ground.scene.images):
            place = (slice(top, top + height), slice(left, left + width))
            # whole squares of 2 pixels, which the forest looks at
            inside = tuple(slice(AROUND, AROUND + side + side % 2) for side in (height, width))
            tested = self._halves.testing[place] & window.valid[inside][:height, :width]
            if not tested.any():
                continue
            found = read(window.features[(slice(len(features.plain[0])), *inside)].astype(np.float32))
            if outcome.radius and ground.guide is not None:
                guide = window.guide[(slice(None), *inside)]
                found = smooth(found, guide, window.valid[inside], replace(ground.guide, radius=outcome.radius))
            values = np.array([c.value for c in ground.legend.classes])
            mapped = values[found[:, :height, :width].argmax(axis=0)]
            matrix += _matrix(ground.scene.labels[place][tested], mapped[tested], values)
        return figures(matrix)


def _matrix(reference: npt.NDArray[np.integer], mapped: npt.NDArray[np.integer], values: Sequence[int]) -> npt.NDArray:
    """Pixels, class of the reference in rows, of the map in columns; a further column for any other value."""
    return np.array([[np.count_nonzero(mapped[reference == row] == col) for col in values] for row in values])


def figures(matrix: npt.NDArray[np.integer]) -> tuple[float, float]:
    """Overall accuracy and mean IoU in percent, over the classes of the reference."""
    right = np.diag(matrix)
    return 100 * right.sum() / matrix.sum(), 100 * float(np.mean(right / (matrix.sum(0) + matrix.sum(1) - right)))


def other_scores(
    ground: Ground, of_set: SampleSet, halves: Halves, size: int, draw: int, way: str
) -> tuple[float, float]:
    """Overall accuracy and mean IoU of a forest of scikit-learn, in percent."""
    samples = draw_samples(ground.scene, of_set, halves.training, size, draw)
    found = predicted(ground.scene.path, samples, halves.testing, way, draw)
    values = [c.value for c in ground.legend.classes]
    return figures(_matrix(ground.scene.labels[halves.testing], np.array(values)[found], values))


def map_scores(path: Path, ground: Ground, halves: Halves, names: dict[str, str]) -> tuple[float, float]:
    """Overall accuracy and mean IoU of a map in a file, whose classes have other names."""
    with rasterio.open(path) as source:
        mapped = source.read(1)
        codes = json.loads(source.tags()["LULC_CLASSES"])
    own = {c.name: c.value for c in ground.legend.classes}
    translated = np.zeros_like(mapped)
    for value, name in codes.items():
        translated[mapped == int(value)] = own.get(names.get(name.casefold(), ""), 0)
    tested = halves.testing
    reference, found = ground.scene.labels[tested], translated[tested]
    right, ious = 0, []
    for value in own.values():
        both = np.count_nonzero((reference == value) & (found == value))
        right += both
        ious.append(both / np.count_nonzero((reference == value) | (found == value)))
    return 100 * right / len(reference), 100 * float(np.mean(ious))


def whole_line(draw: Draw, way: str, ground: Ground, halves: Halves, folder: Path, seed: int) -> tuple[float, float]:
    """The same with `adapt` and `classify`, as a user's run."""
    networks, allowed, smoothed = WAYS[way]
    with rasterio.open(ground.scene.path) as source:
        xs, ys = source.xy(draw.samples.rows, draw.samples.cols)
    names = ground.legend.names
    points = [
        ReferenceFeature({"type": "Point", "coordinates": (x, y)}, names[label], str(place))
        for place, (x, y, label) in enumerate(zip(xs, ys, draw.samples.labels.tolist()))
    ]
    layer, model = RasterInput(str(ground.scene.path)), folder / "own.onnx"
    job = AdaptJob(
        layer, FeatureInput(points, "points", "points", "class"), network=networks, groups=draw.groups or (),
        smoothing="auto" if smoothed else "none", ways=allowed, seed=seed, threads=1,
    )  # fmt: skip
    result = adapt(job, model, Progress())
    classify(ClassifyJob(layer, model_file=str(model)), folder / "own.tif", Progress())
    print(f"# whole line: {result.method}")
    return map_scores(folder / "own.tif", ground, halves, {name: name for name in names})


Row = dict[str, object]


def run(options: argparse.Namespace, done: set[tuple[str, ...]]) -> Iterator[Row]:
    """One row a set, draw, size and way that is not done."""
    for name in options.sets:
        of_set = SETS[name]
        missing = [
            (draw, size)
            for draw in range(options.draws)
            for size in options.sizes
            if any((name, str(draw), str(size), way) not in done for way in options.ways)
        ]
        if missing:
            with tempfile.TemporaryDirectory() as folder, gdal.environment():
                scene = make_scene(of_set, options.data, Path(folder) / "scene.tif")
                ground = read_ground(scene, of_set)
                print(f"# {name}: features read after {time.process_time():.0f} s of processor time", flush=True)
                yield from _base_rows(name, of_set, ground, options, done, Path(folder))
                for draw, size in missing:
                    yield from _rows(name, ground, draw, size, options, done, Path(folder))


def _base_rows(
    name: str, of_set: SampleSet, ground: Ground, options: argparse.Namespace, done: set, folder: Path
) -> Iterator[Row]:
    """The map of the best network that fits, where it knows the classes: it needs no samples."""
    draws = [draw for draw in range(options.draws) if (name, str(draw), "0", BASE) not in done]
    if not of_set.base or BASE not in options.ways or not draws:
        return
    result = classify(ClassifyJob(RasterInput(str(ground.scene.path))), folder / "base.tif", Progress())
    for draw in draws:
        accuracy, iou = map_scores(folder / "base.tif", ground, halve(ground.scene, of_set, draw), dict(of_set.base))
        yield dict(zip(FIELDS, (name, draw, 0, BASE, Path(result.output).stem, "", "", accuracy, iou, 0.0)))


def _rows(
    name: str, ground: Ground, draw: int, size: int, options: argparse.Namespace, done: set, folder: Path
) -> Iterator[Row]:
    of_set = SETS[name]
    halves = halve(ground.scene, of_set, draw)
    one = Draw(ground, of_set, halves, size, draw)
    known: dict[object, tuple[float, float]] = {}
    for way in options.ways:
        if way == BASE or (name, str(draw), str(size), way) in done:
            continue
        started = time.process_time()
        if way in OTHERS:
            scores = other_scores(ground, of_set, halves, size, draw, way)
            yield dict(zip(FIELDS, (name, draw, size, way, "", "", "", *scores, time.process_time() - started)))
            continue
        outcome, features = one.outcome(way)
        key = (outcome.candidate.id, len(outcome.candidate.columns), outcome.radius)
        if key not in known:
            known[key] = one.scores(outcome, features)
        accuracy, iou = known[key]
        seconds = time.process_time() - started
        method, radius, expected = outcome.candidate.id, outcome.radius, 100 * outcome.score
        yield dict(zip(FIELDS, (name, draw, size, way, method, radius, expected, accuracy, iou, seconds)))
        if options.whole:
            print("# whole line:", *whole_line(one, way, ground, halves, folder, draw), flush=True)


def main(arguments: Sequence[str]) -> None:
    """Add rows to the CSV."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder of the sets")
    parser.add_argument("csv", type=Path, help="gets the rows; those that it has are not computed again")
    parser.add_argument("--sets", nargs="+", default=list(SETS), choices=list(SETS))
    parser.add_argument("--sizes", nargs="+", type=int, default=[5, 10, 20, 50, 100])
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--ways", nargs="+", default=[*WAYS, BASE], choices=[*WAYS, BASE, *OTHERS])
    parser.add_argument("--whole", action="store_true", help="also by `adapt` and `classify`, to compare; slow")
    options = parser.parse_args(arguments)
    done: set[tuple[str, ...]] = set()
    if options.csv.exists():
        with options.csv.open(newline="", encoding="utf-8") as stream:
            done = {tuple(row[field] for field in FIELDS[:4]) for row in csv.DictReader(stream)}
    with options.csv.open("a", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, FIELDS)
        if not done:
            writer.writeheader()
        for row in run(options, done):
            short = {key: f"{value:.3f}" if isinstance(value, float) else value for key, value in row.items()}
            writer.writerow(short)
            stream.flush()
            print(*short.values(), sep=",", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
