# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of the bench share. Each file skips itself, saying so, where PyTorch is missing."""

import csv
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    """Networks as small as these only lose time when threads wait for each other."""
    if find_spec("torch"):
        import torch

        torch.set_num_threads(1)


SET = """
name = "{name}"
title = "Toy {name}"
credit = "nobody"
licence = "CC0"
gsd = 10.0
place = "group"
bands = {bands}
values = "{values}"
scale = {scale}
{more}
"""
LABELS = """
[labels]
band = 1
[labels.classes]
{classes}
"""


@pytest.fixture
def rng() -> np.random.Generator:
    """A seeded source of chance."""
    return np.random.default_rng(7)


def write_raster(path: Path, values: np.ndarray) -> None:
    """A small GeoTIFF without a georeference."""
    rasterio = pytest.importorskip("rasterio", reason="rasterio is not installed")
    path.parent.mkdir(parents=True, exist_ok=True)
    count, height, width = values.shape
    profile = {"driver": "GTiff", "count": count, "height": height, "width": width, "dtype": values.dtype}
    with rasterio.open(path, "w", **profile) as dataset:
        dataset.write(values)


BANDS = ("red", "green", "blue", "nir")


def make_set(root: Path, name: str, rows, classes="", values="reflectance", bands=BANDS, more=""):
    """A set of a few images; `rows` are (file, group, split, numbers, labels or None)."""
    folder = root / name
    folder.mkdir(parents=True)
    scale = 0.0001 if values == "reflectance" else 1.0
    text = SET.format(name=name, bands=list(bands), values=values, scale=scale, more=more)
    (folder / "set.toml").write_text(text + (LABELS.format(classes=classes) if classes else ""), encoding="utf-8")
    with open(folder / "split.csv", "w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle)
        writer.writerow(("file", "group", "split", "plus1000_offset"))
        for file, group, split, numbers, labels in rows:
            writer.writerow((file, group, split, "no"))
            write_raster(folder / "images" / file, numbers)
            if labels is not None:
                write_raster(folder / "labels" / file, labels[None].astype(np.uint8))
    return folder


@pytest.fixture(name="make_set")
def set_maker():
    """`make_set`, for tests that describe a set of their own."""
    return make_set


def scene(rng: np.random.Generator, size: int = 64):
    """Water and trees side by side, wavy border: numbers `(4, size, size)` × 10 000 and stored labels 1 and 2."""
    edge = size // 2 + (8 * np.sin(np.arange(size) / 7 + rng.uniform(0, 6))).astype(int)
    water = np.arange(size)[None, :] < edge[:, None]
    blue, green = (np.array(n)[:, None, None] for n in ([300, 500, 600, 200], [300, 600, 300, 3000]))
    mean = np.where(water[None], blue, green)
    return np.maximum(mean + rng.normal(0, 60, mean.shape), 0).astype(np.uint16), np.where(water, 1, 2)


@pytest.fixture
def toy(tmp_path: Path, rng: np.random.Generator) -> Path:
    """A data folder: `sure` (two classes), `coarse` pictures (not water = two classes), `plain` without labels."""
    root = tmp_path / "data"
    rows = []
    for i in range(6):
        numbers, labels = scene(rng)
        rows.append((f"s{i}.tif", f"g{i // 2}", ("train", "train", "val")[i // 2], numbers, labels))
    make_set(root, "sure", rows, '1 = ["Water"]\n2 = ["Trees"]')
    rows = []
    for i in range(4):
        numbers, labels = scene(rng)
        split = ("train", "train", "train", "val")[i]
        rows.append((f"c{i}.tif", f"p{i}", split, (numbers // 16).astype(np.uint8), labels))
    make_set(root, "coarse", rows, '1 = ["Water"]\n2 = ["Trees", "Bare"]', values="picture")
    numbers, _ = scene(rng, 80)
    make_set(root, "plain", [("u0.tif", "u", "unlabelled", numbers, None)], more='offset_column = "plus1000_offset"')
    kept = [("k0.tif", "k", "train", *scene(rng))]
    make_set(root, "kept", kept, '1 = ["Water"]\n2 = ["Trees"]', more='use = "evaluation"')
    return root


@pytest.fixture
def torn(toy: Path, rng: np.random.Generator) -> Path:
    """The toy data with a set whose one place both trains and is checked."""
    make_set(toy, "torn", [("a.tif", "g", "train", *scene(rng)), ("b.tif", "g", "val", *scene(rng))], '1 = ["Water"]')
    return toy


RECIPE = """
name = "toy"
[legend]
nodata = 0
classes = [
  {value = 1, name = "Water", colour = "#419BDF"},
  {value = 2, name = "Trees", colour = "#397D49"},
  {value = 3, name = "Bare", colour = "#B9A88F"},
]
[input]
bands = ["red", "green", "blue", "nir"]
indices = ["NDVI"]
ways = ["reflectance", "picture"]
[network]
architecture = "unet_small"
options = { widths = [8, 8, 16] }
[run]
steps = 6
size = 32
check_every = 3
half = false
[optimiser]
warm_up = 2
[[data]]
set = "sure"
samples = 4
loss = [{ term = "weighted_ce", smoothing = 0.05 }, { term = "dice", weight = 0.3 }]
[[check]]
set = "sure"
"""


@pytest.fixture
def recipe_file(tmp_path: Path) -> Path:
    """A recipe on the toy sets, for a network of a few thousand parameters."""
    path = tmp_path / "toy.toml"
    path.write_text(RECIPE, encoding="utf-8")
    return path
