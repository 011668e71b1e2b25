# SPDX-License-Identifier: GPL-3.0-or-later
"""A smoothing is taken that gains somewhere and costs nobody much."""

import csv
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is not installed; run make setup-training")

from lulc_plugin.errors import LulcError
from lulc_plugin.model import Smoothing
from training import recipe as recipes
from training.evaluate import smoothing_choice
from training.evaluate.evaluated_networks import Subject
from training.evaluate.smoothing_choice import Trial, best

A, B = Smoothing(4), Smoothing(8)


def trial(key, smoothing, miou, iou=(0.5, 0.5), patches=10.0, overall=0.7):
    return Trial(key, smoothing, overall, miou, iou, {"boundary_f1": 0.3, "small_patches_km2": patches})


def of_two_sets(**second):
    """Two sets, without, with A (+.01 on both), and with B (+.02 on the first and what is given on the second)."""
    usual = {"miou": 0.62, **second}
    return [
        trial("s", None, 0.6), trial("t", None, 0.6), trial("s", A, 0.61), trial("t", A, 0.61),
        trial("s", B, 0.62), trial("t", B, usual.pop("miou"), **usual),
    ]  # fmt: skip


def test_the_largest_gain_is_taken():
    assert best(of_two_sets()) == B


@pytest.mark.parametrize(
    "second",
    [
        {"miou": 0.599},
        {"iou": (0.5, 0.479)},
        {"iou": (0.5, 0.47)},
        {"patches": 20.1},
        {"overall": 0.699},
    ],
)
def test_what_costs_one_set_too_much_is_not_taken(second):
    assert best(of_two_sets(**second)) == A


@pytest.mark.parametrize("second", [{"iou": (0.5, 0.481)}, {"patches": 19.9}, {"iou": (0.5, None)}])
def test_small_costs_and_classes_that_are_not_there_do_not_matter(second):
    assert best(of_two_sets(**second)) == B


def test_a_gain_within_noise_is_none():
    assert best([trial("s", None, 0.6), trial("s", A, 0.6015)]) is None
    assert best([trial("s", None, 0.6), trial("s", A, 0.55)]) is None
    assert "No smoothing" in smoothing_choice.words(None)
    assert smoothing_choice.words(Smoothing(8, 0.1, (), 0.5)) == "[smoothing]\nradius = 8\neps = 0.1\nweight = 0.5"


class Noisy:
    """Says the class of the brightest band, and something else at random in one pixel of seven."""

    def shares(self, chip, context=None, picture=None, layer_sample=None):
        rng = np.random.default_rng(3)
        water = chip.values[3] < 0.15
        flipped = water ^ (rng.random(water.shape) < 0.15)
        return np.stack([np.where(flipped, 0.7, 0.2), np.where(flipped, 0.2, 0.7), np.full(water.shape, 0.1)]).astype(
            np.float32
        )

    def guide(self, names, chip):
        return chip.values


def test_a_grid_is_tried_on_what_the_recipe_checks(toy, recipe_file, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(smoothing_choice, "RADII", (4,))
    monkeypatch.setattr(smoothing_choice, "WEIGHTS", (0.0, 1.0))
    recipe = recipes.read(recipe_file)
    one = Subject("noisy", Noisy(), recipe.inputs.names, recipe.legend, ("reflectance", "picture"), recipe)
    table = smoothing_choice.choose([one], recipe, toy, tmp_path / "c", tmp_path / "out")
    with open(table, newline="", encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    assert len(rows) == 7 and rows[-1]["radius"] == "none" and {r["set"] for r in rows} == {"noisy sure/val"}
    assert all(float(r["OA"]) > float(rows[-1]["OA"]) + 0.01 for r in rows[:-1] if r["weight"] == "0.0")
    assert "[smoothing]\nradius = 4" in capsys.readouterr().out


def test_a_recipe_without_checks_cannot_choose(toy, recipe_file):
    text = recipe_file.read_text(encoding="utf-8")
    recipe_file.write_text(text[: text.index("[[check]]")], encoding="utf-8")
    with pytest.raises(LulcError, match="no \\[\\[check\\]\\]"):
        smoothing_choice.parts_of(recipes.read(Path(recipe_file)), toy)
