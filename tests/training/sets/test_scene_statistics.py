# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures are stretched by the percentiles of their whole scene, in training as in the map: scores are the map's."""

import json
import re
from dataclasses import dataclass

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed; run make setup-training")
pytest.importorskip("matplotlib", reason="matplotlib is not installed")
pytest.importorskip("onnx", reason="onnx is not installed")
rasterio = pytest.importorskip("rasterio", reason="rasterio is not installed")

from rasterio.transform import from_origin
from torch import nn

from lulc_plugin.assess import ConfusionMatrix
from lulc_plugin.classify import ClassifyJob, classify
from lulc_plugin.errors import LulcError
from lulc_plugin.progress import Progress
from lulc_plugin.raster import RasterInput, statistics
from training.evaluate.__main__ import main as evaluate
from training.export.__main__ import main as export
from training.inputs import make_inputs
from training.networks import registry
from training.networks.network import Network
from training.prepare.__main__ import main as prepare
from training.sets.chips import load
from training.sets.description import describe
from training.sets.scene_statistics import percentiles_of, scene_statistics
from training.train.__main__ import main as train

RECIPE = """
name = "two"
[legend]
nodata = 0
classes = [{value = 1, name = "Water", colour = "#419BDF"}, {value = 2, name = "Trees", colour = "#397D49"},
           {value = 3, name = "Bare", colour = "#B9A88F"}]
[input]
bands = ["red", "green", "blue"]
ways = ["picture"]
[network]
architecture = "by_pixel"
[run]
steps = 8
size = 32
check_every = 8
average = 0.0
[optimiser]
rate = 0.05
warm_up = 1
[augment]
jitter = 0.0
[[data]]
set = "mine"
loss = [{ term = "partial_ce" }]
[[check]]
set = "mine"
[card]
title = "By pixel"
gsd = 1.0
gsd_range = [1.0, 1.0]
imagery = "made up"
description = "For a test."
limits = ["None."]
"""


@dataclass(frozen=True)
class NoOptions:
    """It has none."""


class ByPixel(Network):
    """Sees one pixel: no border of a chip or a window can matter."""

    def __init__(self, channels, classes, options):
        super().__init__()
        self.multiple, self.feature_count = 1, 8
        self.inside, self.head = nn.Conv2d(channels, 8, 1), nn.Conv2d(8, classes, 1)

    def features(self, x):
        return self.inside(x).relu()


@pytest.fixture
def prepared(tmp_path, rng, monkeypatch):
    """Two scenes, dark left and bright right, of another light each; the set `mine` of chips, one scene a split."""
    monkeypatch.setattr(registry, "_ADDED", dict(registry._ADDED))
    registry.architecture("by_pixel", title="By pixel", options=NoOptions)(ByPixel)
    for k, name in enumerate(("one", "two")):
        labels = np.repeat([1, 2, 3], 43)[None, :128] + np.zeros((64, 1), int)
        mean = np.array([[0, 20, 60, 140], [0, 40, 90, 120], [0, 60, 30, 80]])[:, labels] + 15 * k
        values = np.clip(mean + rng.normal(0, 12, mean.shape), 1, 255).astype(np.uint8)
        place = {"crs": "EPSG:32633", "transform": from_origin(500_000 + 10_000 * k, 5_000_000, 1, 1)}
        for folder, pixels in (("images", values), ("masks", labels[None].astype(np.uint8))):
            (tmp_path / folder).mkdir(exist_ok=True)
            with rasterio.open(
                tmp_path / folder / f"{name}.tif", "w", driver="GTiff", count=len(pixels), height=64, width=128,
                dtype="uint8", **place,
            ) as dataset:  # fmt: skip
                dataset.write(pixels)
    names = ("Water", "Trees", "Bare")
    (tmp_path / "c.json").write_text(
        json.dumps({"classes": [{"value": i + 1, "name": n} for i, n in enumerate(names)]})
    )
    (tmp_path / "groups.csv").write_text("file,group,split\none,one,train\ntwo,two,val\n")
    line = ["chips", "images", "--masks", "masks", "--legend", "c.json", "--groups", "groups.csv", "--out", "mine"]
    monkeypatch.chdir(tmp_path)
    status = prepare([*line, "--size", "64", "--previews", "0", "--shares", "train=1,val=1", "--licence", "CC0-1.0",
                      "--credit", "nobody"])  # fmt: skip
    assert status == 0
    (tmp_path / "two.toml").write_text(RECIPE)
    return tmp_path


def of_map(path, reference):
    """Confusion matrix of a map against the mask of its scene."""
    matrix = ConfusionMatrix((1, 2, 3))
    with rasterio.open(path) as made, rasterio.open(reference) as true:
        matrix.add(made.read(1), true.read(1), np.ones(made.shape, bool))
    return matrix.counts


def evaluated(folder, name):
    """Confusion matrix of the validation chips, by `training.evaluate`."""
    assert evaluate(["run/best.pt", "--data", ".", "--splits", "val", "--out", name, "--no-calibration"]) == 0
    table = json.loads(next((folder / name).glob("*/scores.json")).read_text())
    return np.array(table["sets"]["mine/val"]["places"]["two"])


def test_the_score_of_a_scene_is_that_of_its_map(prepared):
    assert train(["two.toml", "--data", ".", "--run", "run"]) == 0
    assert export(["run/best.pt", "--data", ".", "--out", "by-pixel-v1.onnx"]) == 0
    classify(ClassifyJob(RasterInput("images/two.tif"), model_file="by-pixel-v1.onnx"), "map.tif", Progress())
    mapped = of_map("map.tif", "masks/two.tif")
    assert mapped.sum() == 64 * 128
    assert np.array_equal(evaluated(prepared, "scores"), mapped)


def test_percentiles_are_those_that_the_engine_measures(prepared):
    known = scene_statistics(describe(prepared, "mine"))
    assert set(known) == {"one", "two"} and known["two"].shape == (3, 201)
    inputs = make_inputs(("red", "green", "blue"), ways=("picture",))
    chip = load(describe(prepared, "mine"), ("val",), inputs.names, ("Water", "Trees", "Bare"))[0]
    with statistics_source(prepared / "images" / "two.tif") as source:
        whole = statistics.sample_layer(source, (1, 2, 3), Progress())
    zeros = (0.0,) * 3
    seen = inputs.of(chip.values, chip.valid, True, zeros, chip.whole)
    assert np.array_equal(seen, inputs.of(chip.values, chip.valid, True, zeros, whole))
    assert not np.array_equal(seen, inputs.of(chip.values, chip.valid, True, zeros))
    toml = prepared / "mine" / "set.toml"
    toml.write_text(re.sub("scene_statistics.*", "", toml.read_text()))
    with pytest.warns(UserWarning, match="mine does not say which scenes"):
        assert load(describe(prepared, "mine"), ("val",), ("red",), ("Water", "Trees", "Bare"))[0].whole is None


def statistics_source(path):
    from lulc_plugin.raster import Source

    return Source(str(path))


def test_percentiles_of_percentiles_are_the_same(rng):
    sample = rng.integers(0, 60_000, (2, 5_000)).astype(np.uint16)
    table = percentiles_of(sample)
    at = (0.5, 2, 98, 99.5)
    assert np.percentile(table, at, axis=1) == pytest.approx(np.percentile(sample, at, axis=1), rel=1e-6)


@pytest.mark.parametrize("content", [None, b"nothing", "other bands"])
def test_statistics_that_cannot_be_used(prepared, content):
    path = prepared / "mine" / "scenes.npz"
    if content is None:
        path.unlink()
    elif content == "other bands":
        np.savez(path, scenes=np.array(["two"]), percentiles=np.zeros((1, 2, 201), np.float32))
    else:
        path.write_bytes(content)
    with pytest.raises(LulcError, match="scenes.npz"):
        load(describe(prepared, "mine"), ("val",), ("red",), ("Water", "Trees", "Bare"))
