# SPDX-License-Identifier: GPL-3.0-or-later
"""A Keras `.h5` by the lines of training/keras.md: convert, describe, classify, compare with Keras's own classes."""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", (ROOT / "training" / "keras.md").read_text(encoding="utf-8"), re.DOTALL)
LINES = [text.strip() for language, text in BLOCKS if language == "sh"]
BANDS = ("B02", "B03", "B04", "B05", "B06", "B07", "B08", "B11", "B12")
SIDE = 64

#: a small U-Net with a sharp last layer, so that untrained weights give several classes
BUILD = """
import keras, numpy as np
from keras import layers
keras.utils.set_random_seed(5)
image = layers.Input((64, 64, 16))
fine = layers.Conv2D(8, 3, padding="same", activation="relu")(image)
coarse = layers.Conv2D(16, 3, padding="same", activation="relu")(layers.MaxPooling2D()(fine))
joined = layers.Concatenate()([layers.Conv2DTranspose(8, 2, strides=2, padding="same")(coarse), fine])
model = keras.Model(image, layers.Conv2D(5, 1, activation="softmax")(joined))
kernel, bias = model.layers[-1].get_weights()
model.layers[-1].set_weights([kernel * 20, bias])
model.save("m.h5")
np.save("scores.npy", keras.models.load_model("m.h5", compile=False).predict(np.load("x.npy")[None], verbose=0)[0])
"""


def run(command: str | list[str], folder: Path, **variables: str) -> None:
    """A command in `folder`, with this Python as `python`; fails with what it printed."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **variables}
    shell = isinstance(command, str)
    done = subprocess.run(command, cwd=folder, env=environment, shell=shell, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


def channels(stored: np.ndarray) -> np.ndarray:
    """Reflectance of nine bands and seven indices `(height, width, 16)`, written out once more by hand."""
    blue, green, red, edge1, edge2, edge3, nir, swir1, swir2 = (stored * 0.0001).astype(np.float32)
    indices = (
        (nir - red) / (nir + red),
        (green - nir) / (green + nir),
        (green - swir1) / (green + swir1),
        (swir1 - nir) / (swir1 + nir),
        2.5 * (nir - red) / (nir + 6 * red - 7.5 * blue + 1),
        1.5 * (nir - red) / (nir + red + 0.5),
        (swir1 + red - nir - blue) / (swir1 + red + nir + blue),
    )
    return np.stack((blue, green, red, edge1, edge2, edge3, nir, swir1, swir2, *indices), axis=-1).astype(np.float32)


def write_chip(path: Path, stored: np.ndarray) -> None:
    """A georeferenced chip of 10 m whose bands are named as Sentinel-2's."""
    import rasterio
    from rasterio.transform import from_origin

    profile = {"driver": "GTiff", "count": len(BANDS), "height": SIDE, "width": SIDE, "dtype": "uint16"}
    place = {"crs": "EPSG:32633", "transform": from_origin(500000, 5000000, 10, 10)}
    with rasterio.open(path, "w", **profile, **place) as dataset:
        dataset.write(stored)
        dataset.descriptions = BANDS


def block(language: str) -> str:
    """The only block of training/keras.md in `language`."""
    (text,) = (text for written, text in BLOCKS if written == language)
    return text


def test_the_lines_import_what_is_there() -> None:
    lines = [line for line in block("python").splitlines() if line.startswith("from lulc_plugin")]
    assert lines
    for line in lines:
        _, module, _, names = line.split(maxsplit=3)
        assert all(hasattr(importlib.import_module(module), name.strip()) for name in names.split(",")), line


@pytest.mark.parametrize("backend", ["tensorflow", "torch"])
def test_converted_network_maps_as_keras_does(tmp_path: Path, rng: np.random.Generator, backend: str) -> None:
    line = LINES[0] if backend == "tensorflow" else LINES[1]
    exporter = "tf2onnx" if backend == "tensorflow" else "onnx"
    for module in ("keras", "h5py", backend, exporter, "rasterio", "onnxruntime"):
        if not find_spec(module):
            pytest.skip(f"{module} is not installed")
    import rasterio

    fields = rng.integers(200, 4000, (len(BANDS), SIDE // 8, SIDE // 8)).repeat(8, 1).repeat(8, 2)
    stored = (fields + rng.integers(0, 200, fields.shape)).astype(np.uint16)
    write_chip(tmp_path / "chip.tif", stored)
    np.save(tmp_path / "x.npy", channels(stored))
    run([sys.executable, "-c", BUILD], tmp_path, KERAS_BACKEND=backend)

    run(re.sub(r"\bpython\b", sys.executable, line, count=1), tmp_path)
    (tmp_path / "classes.csv").write_text(block("csv"), encoding="utf-8")
    run([sys.executable, "-c", block("python")], tmp_path)
    run(re.sub(r"\bpython\b", sys.executable, LINES[-1], count=1), tmp_path)

    scores = np.load(tmp_path / "scores.npy")
    second, first = np.sort(scores, axis=-1)[..., -2:].transpose(2, 0, 1)
    with rasterio.open(tmp_path / "map.tif") as dataset:
        classes = dataset.read(1)
    assert len(np.unique(classes)) > 2
    assert (classes == 1 + scores.argmax(axis=-1))[first - second > 1e-5].all()
