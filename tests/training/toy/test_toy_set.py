# SPDX-License-Identifier: GPL-3.0-or-later
"""A clean clone without any data: the toy trains, is exported, and maps a scene that was in no data set."""

import csv
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import rasterio

pytest.importorskip("cv2", reason="OpenCV is not installed; run make setup-training")

from lulc_plugin.errors import LulcError
from lulc_plugin.progress import Progress
from lulc_plugin.raster import Source
from training.toy import __main__ as command, land
from training.toy.toy_set import make_toy

ROOT = Path(__file__).parents[3]
RECIPE = ROOT / "training" / "configs" / "toy.toml"


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    """Six scenes of 128 pixels."""
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    return make_toy(tmp_path_factory.mktemp("toy") / "data", seed=0, scenes=6, size=128, progress=Progress())


def read(path, band=1):
    with rasterio.open(path) as source:
        return source.read(band)


# ---------------------------------------------------------------- the land


@pytest.mark.parametrize("seed", range(6))
def test_every_class_occurs(seed):
    drawn = land.draw_land(np.random.default_rng(seed), 128)
    shares = [np.mean(drawn.classes == value) for value in land.NAMES]
    assert min(shares) > 0.04 and sum(shares) == pytest.approx(1)


def test_borders_do_not_continue_each_other():
    """A surface from a Fourier transform repeats itself: scenes side by side would be one."""
    surface = land.smooth(np.random.default_rng(1), 128, 20)
    across, inside = np.abs(surface[:, 0] - surface[:, -1]).mean(), np.abs(surface[:, 1] - surface[:, 0]).mean()
    assert across > 5 * inside


def test_a_pixel_alone_does_not_tell():
    """Gardens look like fields, red roofs like bare ones: the nearest class mean errs on both, a network need not."""
    rng = np.random.default_rng(3)
    drawn = land.draw_land(rng, 192)
    pixels = land.reflectance(rng, drawn).reshape(4, -1).T.astype(float)
    truth = drawn.classes.ravel()
    means = np.stack([pixels[truth == value].mean(axis=0) for value in land.NAMES])
    guess = np.array(list(land.NAMES))[((pixels[:, None] - means) ** 2).sum(axis=2).argmin(axis=1)]
    assert np.mean(guess[truth == land.WATER] == land.WATER) > 0.9
    assert np.mean(guess[truth == land.CROPLAND] == land.CROPLAND) < 0.85
    assert np.mean(guess[truth == land.BUILT_UP] == land.BUILT_UP) < 0.85


# ---------------------------------------------------------------- the files


def test_the_set_is_split_by_place(toy):
    with open(toy.data / "split.csv", newline="", encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    splits = {}
    for row in rows:
        splits.setdefault(row["place"], set()).add(row["split"])
    assert len(splits) == 6 and all(len(members) == 1 for members in splits.values())
    assert {split for members in splits.values() for split in members} == {"train", "val", "test"}
    assert "toy-0" not in str(rows)  # the scene that is kept apart


def test_the_scene_says_what_it_is(toy):
    with Source(str(toy.scene)) as source:
        facts = source.facts
    assert [band.name for band in facts.bands] == ["blue", "green", "red", "nir"]
    assert {band.scale for band in facts.bands} == {0.0001} and facts.gsd == pytest.approx(10, rel=0.01)
    assert set(np.unique(read(toy.reference))) == set(land.NAMES)


def test_the_same_seed_gives_the_same_pixels(toy, tmp_path):
    again = make_toy(tmp_path / "again", seed=0, scenes=6, size=128, progress=Progress())
    other = make_toy(tmp_path / "other", seed=1, scenes=6, size=128, progress=Progress())
    assert np.array_equal(read(again.scene), read(toy.scene))
    assert not np.array_equal(read(other.scene), read(toy.scene))


def test_nothing_is_overwritten(tmp_path, capsys):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "work.txt").write_text("years of work")
    assert command.main([str(tmp_path / "mine")]) == 2
    assert "exists already" in capsys.readouterr().err
    with pytest.raises(LulcError, match="at least 4 scenes"):
        make_toy(tmp_path / "few", seed=0, scenes=3, size=128, progress=Progress())
    assert command.main([str(tmp_path / "few"), "--seed", "-1"]) == 2
    assert "The seed is -1" in capsys.readouterr().err
    assert not (tmp_path / "few").exists()


# ---------------------------------------------------------------- learning


@pytest.fixture(scope="module")
def trained(toy, tmp_path_factory):
    """Folder of a short run of the recipe: the same network, smaller samples."""
    pytest.importorskip("torch", reason="PyTorch is not installed; run make setup-training")
    from training import recipe
    from training.train import loop
    from training.train.training_data import load_training_data

    folder = tmp_path_factory.mktemp("run")
    short = recipe.read(RECIPE, {"run.steps": 60, "run.check_every": 20, "run.size": 48, "optimiser.warm_up": 5})
    loop.run(short, load_training_data(short, toy.folder, folder / "cache"), folder, "cpu", quiet=True)
    return folder


def test_it_learns(trained):
    with open(trained / "curves.csv", newline="", encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    losses = [float(row["val_loss"]) for row in rows]
    assert losses[-1] < 0.75 * losses[0]
    # calling everything cropland scores about 0.12
    score = max(float(row["score"]) for row in rows)
    assert score > 0.65, rows


def test_exported_and_used_at_a_shell(trained, toy, tmp_path):
    """The commands that `python -m training.toy` prints, on the short run."""
    from training.export.__main__ import main as export

    network = tmp_path / "toy-v1.onnx"
    assert export([str(trained / "best.pt"), "--data", str(toy.folder), "--out", str(network)]) == 0
    map_file = tmp_path / "map.tif"
    done = subprocess.run(
        [sys.executable, "-m", "lulc_plugin", "classify", str(toy.scene), str(map_file), "--model", str(network)],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "made-up land" in done.stderr
    assert np.mean(read(map_file) == read(toy.reference)) > 0.75


def test_the_commands_in_the_readme_are_those_printed(toy, tmp_path, capsys):
    assert command.main([str(tmp_path / "toy"), "--scenes", "4", "--size", "128"]) == 0
    printed = re.findall(r"python -m (\S+)", capsys.readouterr().out)
    text = (ROOT / "training" / "README.md").read_text(encoding="utf-8")
    section = text.split("\n## 2. ")[1].split("\n## 4. ")[0]
    assert re.findall(r"python -m (\S+)", section)[1:] == printed
