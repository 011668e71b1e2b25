# SPDX-License-Identifier: GPL-3.0-or-later
"""The bundled network on the demo's Landsat 7 scene: no seams, halves that fit the whole, honest errors.

The scene comes with `make setup` and the network with the checkout; without one of them these tests skip.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.windows import Window

from lulc_plugin import bundled
from lulc_plugin.classify import ClassifyJob, classify, make_plan
from lulc_plugin.classify.plan import Setup
from lulc_plugin.errors import LulcError
from lulc_plugin.raster import Axis, RasterInput, apply_steps

BANDS = (3, 2, 1, 4)
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
SCENE = CACHE / "landcover_classifier" / "scenes" / "L7_ETMs.tif"

pytestmark = [
    pytest.mark.skipif(not SCENE.is_file(), reason="the demo's scene is not there; run make setup"),
    pytest.mark.skipif(not bundled.model_names(), reason="no network is bundled yet"),
]


def labels(path: Path, **options: object) -> np.ndarray:
    """The map of a raster, `(rows, cols)`."""
    out = options.pop("out")
    classify(ClassifyJob(RasterInput(str(path), bands=BANDS), **options), out)
    with rasterio.open(out) as made:
        return made.read(1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def whole(folder: Path) -> np.ndarray:
    return labels(SCENE, out=folder / "whole.tif")


def agreement(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.mean(a == b))


def setup_of(folder: Path, **options: int) -> Setup:
    """What the plan decides for the scene."""
    return make_plan(ClassifyJob(RasterInput(str(SCENE), bands=BANDS), **options)).ready()[0]


def border_density_ratio(made: np.ndarray, axis: Axis) -> float:
    """Class edges per pixel pair on the borders between windows, over those elsewhere."""

    def across(classes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        edge = classes[:, 1:] != classes[:, :-1]
        on_border = np.zeros(edge.shape[1], bool)
        on_border[[axis.border(k) - 1 for k in range(axis.count - 1)]] = True
        return edge[:, on_border], edge[:, ~on_border]

    on, off = zip(across(made), across(made.T))
    return float(np.concatenate([e.ravel() for e in on]).mean() / np.concatenate([e.ravel() for e in off]).mean())


def test_windows_of_256_and_1024_give_the_same_map_without_seams(folder: Path) -> None:
    large = labels(SCENE, out=folder / "w1024.tif", window=1024)
    small = labels(SCENE, out=folder / "w256.tif", window=256)
    axis = setup_of(folder, window=256).grid.cols
    assert axis.count > 1
    assert agreement(small, large) >= 0.99
    assert border_density_ratio(small, axis) <= 1.1


def test_the_seam_test_fails_without_overlap(folder: Path) -> None:
    # smoothing would hide most of what the blending of windows repairs
    large = labels(SCENE, out=folder / "w1024b.tif", window=1024, smoothing="none")
    bare = labels(SCENE, out=folder / "w256_0.tif", window=256, overlap=0, smoothing="none")
    assert agreement(bare, large) < 0.99
    assert border_density_ratio(bare, setup_of(folder, window=256, overlap=0).grid.cols) > 1.1


def cut(target: Path, columns: slice, values: np.ndarray | None = None) -> Path:
    """The scene's (or other) values of some columns as a layer of their own."""
    with rasterio.open(SCENE) as scene:
        data = scene.read() if values is None else values
        data = data[:, :, columns]
        profile = scene.profile | {
            "width": data.shape[2],
            "count": len(data),
            "dtype": data.dtype,
            "transform": scene.window_transform(Window(columns.start or 0, 0, data.shape[2], data.shape[1])),
        }
    for key in ("blockxsize", "blockysize", "tiled"):
        profile.pop(key, None)
    with rasterio.open(target, "w", **profile) as out:
        out.write(data)
    return target


def halves_agreement(
    folder: Path, name: str, values: np.ndarray | None, all_of_it: np.ndarray, **options: str
) -> float:
    middle = all_of_it.shape[1] // 2
    left = cut(folder / f"{name}_left.tif", slice(0, middle), values)
    right = cut(folder / f"{name}_right.tif", slice(middle, all_of_it.shape[1]), values)
    made = [labels(p, out=p.with_name(p.stem + "_map.tif"), **options) for p in (left, right)]
    return agreement(np.concatenate(made, axis=1), all_of_it)


def test_two_halves_of_a_picture_agree_with_the_whole(folder: Path, whole: np.ndarray) -> None:
    assert halves_agreement(folder, "picture", None, whole, statistics_from=RasterInput(str(SCENE))) >= 0.95


def test_two_halves_in_reflectance_agree_with_the_whole(folder: Path) -> None:
    # the picture brought to reflectance × 10,000 by the plan's own steps, then taken as it is
    setup = setup_of(folder)
    with rasterio.open(SCENE) as scene:
        stored = scene.read()
    for number, steps in zip(setup.match.numbers, setup.band_steps):
        stored = stored.astype("float32") if stored.dtype == np.uint8 else stored
        stored[number - 1] = apply_steps(stored[number - 1], steps) * 10_000
    reflectance = np.clip(np.rint(stored), 0, 65535).astype("uint16")
    layer = cut(folder / "reflectance.tif", slice(0, reflectance.shape[2]), reflectance)
    all_of_it = labels(layer, out=folder / "reflectance_map.tif")
    assert halves_agreement(folder, "reflectance", reflectance, all_of_it) >= 0.95


def test_without_bands_the_error_names_the_six_bands_and_the_remedy(folder: Path) -> None:
    with pytest.raises(LulcError) as caught:
        make_plan(ClassifyJob(RasterInput(str(SCENE)))).ready()
    text = str(caught.value)
    for i in range(1, 7):
        assert f"{i} (unnamed)" in text
    assert "bands=(3, 2, 1, 4)" in text


def test_the_demo_scene_is_read_as_a_picture(folder: Path) -> None:
    planned = make_plan(ClassifyJob(RasterInput(str(SCENE), bands=BANDS)))
    assert planned.ready()[0].form.unit == "dn"
    assert any("8-bit" in note for note in planned.decisions)
