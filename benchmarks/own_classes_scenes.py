# SPDX-License-Identifier: GPL-3.0-or-later
"""The scenes of `own_classes.py`: labelled sets laid out as one image each, and the samples that are drawn of them.

The sets are for evaluation only; nothing here trains a network that is shipped. Chips of India were stretched one by
one to 8 bits, so numbers of different chips of it cannot be compared: a hard case for every way.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import rasterio
import rasterio.features
from rasterio.transform import from_origin
from rasterio.warp import transform_geom

GAP = 64
CRS = "EPSG:32632"
#: Pixels of each class that each half of a draw has at least.
LEAST = 100


@dataclass(frozen=True)
class SampleSet:
    """A labelled set.

    Attributes:
        folder: of its files.
        classes: value → name.
        splits: that are used; empty where polygons are the labels.
        pixel: side of a pixel in metres.
        bands: names in the file → names in the scene; those without are left out. Empty: all as they are.
        values: number type.
        base: class of a bundled network → class of the set, where a network knows them.
        image, polygons: of a scene with polygons.
    """

    folder: str
    classes: Mapping[int, str]
    splits: tuple[str, ...] = ()
    pixel: float = 10
    bands: Mapping[str, str] = field(default_factory=dict)
    values: str = "uint16"
    base: Mapping[str, str] = field(default_factory=dict)
    image: str = ""
    polygons: str = ""


_HLS = {1: "trees", 2: "shrub and grass", 3: "cropland", 4: "built-up", 5: "bare", 6: "water"}
_RGBN = {"red": "red", "green": "green", "blue": "blue", "nir": "nir"}
_HLS_TEST = SampleSet("hls7_worldcover", _HLS, ("test",), 30, _RGBN, "int16", {name: name for name in _HLS.values()})
SETS = {
    "europe": SampleSet(
        "s2_europe_rgbn16",
        {2: "artificial", 3: "cultivated", 4: "broadleaf", 5: "coniferous", 6: "herbaceous", 9: "water"},
        ("train", "val"),
    ),
    "hls": _HLS_TEST,
    "hls7": SampleSet(
        "hls7_worldcover", _HLS, ("test",), 30, {**_RGBN, "coastal": "coastal", "swir1": "swir16", "swir2": "swir22"},
        "int16", _HLS_TEST.base,
    ),  # fmt: skip
    "india": SampleSet(
        "s2_india_rgbn", {1: "built-up", 2: "vegetation", 3: "water"}, ("test",), 10, _RGBN, "uint8",
        {"water": "water", "trees": "vegetation", "shrub and grass": "vegetation", "cropland": "vegetation",
         "built-up": "built-up"},
    ),  # fmt: skip
    "amazon-s2": SampleSet(
        "amazon_samples", {1: "forest", 2: "village", 3: "water", 4: "dryout"},
        image="sen2.tif", polygons="sen2_polygons.geojson",
    ),  # fmt: skip
    "amazon-tm": SampleSet(
        "amazon_samples", {1: "forest", 2: "cleared", 3: "water", 4: "fallen_dry"},
        image="lsat.tif", polygons="lsat_polygons.geojson",
    ),  # fmt: skip
}  # fmt: skip


@dataclass(frozen=True)
class Scene:
    """An image with labels.

    Attributes:
        path: of the image.
        labels: `(rows, cols)`, 0 where nothing is known.
        part: `(rows, cols)` index of the chip or polygon, −1 elsewhere.
        images: row, column, height and width of each chip, or of the one scene.
        polygons: whether the parts are polygons.
    """

    path: Path
    labels: npt.NDArray[np.uint8]
    part: npt.NDArray[np.int64]
    images: tuple[tuple[int, int, int, int], ...]
    polygons: bool


def make_scene(of_set: SampleSet, data: Path, target: Path) -> Scene:
    """The scene of a set; of chips one is written to `target`."""
    return _with_polygons(of_set, data) if of_set.polygons else _lay_out(of_set, data, target)


def _with_polygons(of_set: SampleSet, data: Path) -> Scene:
    path = data / of_set.folder / of_set.image
    collection = json.loads((data / of_set.folder / of_set.polygons).read_text(encoding="utf-8"))
    own_crs = collection.get("crs", {}).get("properties", {}).get("name", "EPSG:4326")
    values = {name: value for value, name in of_set.classes.items()}
    with rasterio.open(path) as source:
        shape, transform = source.shape, source.transform
        labels, part = np.zeros(shape, np.uint8), np.full(shape, -1)
        for place, feature in enumerate(collection["features"]):
            geometry = transform_geom(own_crs, source.crs, feature["geometry"])
            inside = rasterio.features.rasterize([geometry], shape, transform=transform) > 0
            labels[inside], part[inside] = values[feature["properties"]["class"]], place
    return Scene(path, labels, part, ((0, 0, *shape),), True)


def _lay_out(of_set: SampleSet, data: Path, target: Path) -> Scene:
    folder = data / of_set.folder
    with (folder / "split.csv").open(encoding="utf-8") as stream:
        files = sorted(row["file"] for row in csv.DictReader(stream) if row["split"] in of_set.splits)
    images, labels = [], []
    names: Sequence[str] = ()
    for file in files:
        with rasterio.open(folder / "images" / file) as image, rasterio.open(folder / "labels" / file) as label:
            names = of_set.bands or image.descriptions
            images.append(image.read([image.descriptions.index(name) + 1 for name in names]))
            labels.append(label.read(1))
    count, height, width = images[0].shape
    across = int(np.ceil(np.sqrt(len(files))))
    shape = (-(-len(files) // across) * (height + GAP) + GAP, across * (width + GAP) + GAP)
    nodata = 0 if of_set.values.startswith("u") else -9999
    whole = np.full((count, *shape), nodata, of_set.values)
    known, part = np.zeros(shape, np.uint8), np.full(shape, -1)
    places = []
    for place, (image, label) in enumerate(zip(images, labels)):
        row, col = (GAP + (place // across) * (height + GAP), GAP + (place % across) * (width + GAP))
        there = (slice(row, row + height), slice(col, col + width))
        whole[(slice(None), *there)], part[there] = image, place
        known[there] = np.where(np.isin(label, list(of_set.classes)), label, 0)
        places.append((row, col, height, width))
    profile: dict[str, Any] = {
        "driver": "GTiff", "width": shape[1], "height": shape[0], "count": count, "dtype": of_set.values, "crs": CRS,
        "transform": from_origin(5e5, 5e6, of_set.pixel, of_set.pixel), "nodata": nodata, "tiled": True,
    }  # fmt: skip
    with rasterio.open(target, "w", **profile) as out:
        out.write(whole)
        for band, name in enumerate(names, 1):
            out.set_band_description(band, of_set.bands.get(name, name))
    return Scene(target, known, part, tuple(places), False)


@dataclass(frozen=True)
class Halves:
    """`(rows, cols)`: the pixels that samples come from, and those that are compared."""

    training: npt.NDArray[np.bool_]
    testing: npt.NDArray[np.bool_]


def halve(scene: Scene, of_set: SampleSet, draw: int) -> Halves:
    """Half of the chips, or of the polygons of each class; both halves have every class."""
    generator = np.random.default_rng(1000 + draw)
    known = scene.labels > 0
    while True:
        if scene.polygons:
            chosen = []
            for value in of_set.classes:
                own = generator.permutation(np.unique(scene.part[scene.labels == value]))
                chosen += own[: -(-len(own) // 2)].tolist()
        else:
            chosen = generator.permutation(len(scene.images))[::2].tolist()
        training = np.isin(scene.part, chosen) & known
        halves = Halves(training, known & ~training)
        counts = [
            np.count_nonzero(half & (scene.labels == v)) for half in (training, halves.testing) for v in of_set.classes
        ]
        if scene.polygons or min(counts) >= LEAST:
            return halves


def draw_samples(
    scene: Scene, of_set: SampleSet, training: npt.NDArray[np.bool_], size: int, draw: int
) -> npt.NDArray[np.int64]:
    """`size` pixels of each class, from its chips or polygons in turn: row, column, and place of the class.

    The samples of a size are the first of those of a larger one.
    """
    generator = np.random.default_rng(2000 + draw)
    found = []
    for place, value in enumerate(of_set.classes):
        rows, cols = np.nonzero((scene.labels == value) & training)
        mixed = generator.permutation(len(rows))
        parts = scene.part[rows[mixed], cols[mixed]]
        turn = np.empty(len(mixed), np.int64)
        for part in np.unique(parts):
            turn[parts == part] = np.arange(np.count_nonzero(parts == part))
        first = mixed[np.argsort(turn, kind="stable")[:size]]
        found.append(np.stack([rows[first], cols[first], np.full(len(first), place)], axis=1))
    return np.concatenate(found)
