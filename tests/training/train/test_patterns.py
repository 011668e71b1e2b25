# SPDX-License-Identifier: GPL-3.0-or-later
"""Optional bands in training: which patterns a sample shows, checks by pattern; a second head for training alone."""

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed; run make setup-training")

from lulc_plugin.errors import LulcError
from training import recipe
from training.inputs import ABSENT, make_inputs
from training.train import checkpoint, loop, training_data
from training.train.batches import Batches
from training.train.training_data import load_training_data
from training.train.validation import mapper

RGB = ["red", "green", "blue"]
INPUT = {
    "bands": [*RGB, "nir", "swir16"], "optional": ["nir", "swir16"], "ways": ["reflectance", "picture"],
    "patterns": [[*RGB, "nir", "swir16"], [*RGB, "nir"], RGB],
}  # fmt: skip
NETWORK = {
    "architecture": "slim_unet",
    "options": {"indices": ["NDVI"], "decoder": [8, 8, 8, 8], "detail": 4, "convs": 1, "last": 7},
}
DATA = [
    {"set": "sure", "samples": 3, "loss": [{"term": "weighted_ce"}]},
    {"set": "coarse", "samples": 2, "weight": 0.5, "loss": [{"term": "coarse"}]},
]


@pytest.fixture
def optional(toy, recipe_file, tmp_path):
    changes = {"data": DATA, "input": INPUT, "network": NETWORK, "augment.holes": 0.5}
    r = recipe.read(recipe_file, changes)
    return r, load_training_data(r, toy, tmp_path / "cache")


def test_patterns_stand_smallest_first_in_the_order_of_the_bands():
    inputs = make_inputs(INPUT["bands"], (), ("reflectance",), INPUT["optional"], [["swir16", *RGB, "nir"], RGB])
    assert inputs.patterns == (tuple(RGB), ("red", "green", "blue", "nir", "swir16"))
    assert inputs.patterns_of([*RGB, "nir"]) == (tuple(RGB),)
    assert make_inputs(RGB).patterns_of(RGB) == (tuple(RGB),)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"patterns": []}, "need each other"),
        ({"patterns": [RGB, ["red"]]}, "does not fit: green"),
        ({"patterns": [RGB, [*RGB, "coastal"]]}, "does not fit: coastal"),
        ({"patterns": [[*RGB, "nir"]]}, "No pattern is red, green, blue alone"),
        ({"optional": ["coastal"]}, "'coastal'"),
        ({"indices": ["NDVI"]}, "NDVI and optional"),
    ],
)
def test_patterns_that_fit_nothing_are_refused(recipe_file, change, words):
    with pytest.raises(LulcError, match=words):
        recipe.read(recipe_file, {"input": {**INPUT, **change}, "network": NETWORK})


def test_a_network_without_such_an_option_is_refused(recipe_file):
    with pytest.raises(LulcError, match="bands"):
        recipe.read(recipe_file, {"input": INPUT})


def test_samples_show_each_pattern_that_their_set_has(optional):
    r, chips = optional
    batches = Batches(r, chips.training, [0.0] * 5)
    seen: dict[str, set[tuple[bool, ...]]] = {"sure": set(), "coarse": set()}
    for number in range(12):
        for name, samples in zip(seen, batches(number), strict=True):
            for one in samples:
                whole = (one.image == ABSENT).all(axis=(1, 2))
                # a band is absent everywhere or nowhere, whatever is hidden or noisy
                assert np.array_equal(whole, (one.image == ABSENT).any(axis=(1, 2)))
                seen[name].add(tuple(~whole[3:]))
    # neither set has swir16
    assert seen == {"sure": {(False, False), (True, False)}, "coarse": {(False, False), (True, False)}}


def test_odds_of_the_patterns(optional):
    r, chips = optional
    r = recipe.parse({**r.table, "run": {**r.table["run"], "pattern_odds": [0, 1, 0]}}, r.folder)
    images = [one.image for part in Batches(r, chips.training, [0.0] * 5)(0) for one in part]
    assert all((image[3] != ABSENT).all() and (image[4] == ABSENT).all() for image in images)


def test_a_map_with_fewer_bands_does_not_look_at_the_others(optional):
    r, chips = optional
    network = loop.build(loop.NetworkSettings.from_table(r.network), 5, 3).eval()
    maps = mapper(r, network, [0.0] * 5)
    chip = chips.training[0][0]
    rgb, other = replace(maps, shown=tuple(RGB)), replace(chip, values=chip.values.copy())
    other.values[3] *= 2
    np.testing.assert_array_equal(rgb.shares(chip), rgb.shares(other))
    assert not np.array_equal(maps.shares(chip), maps.shares(other))


def test_a_run_is_checked_by_pattern(optional, tmp_path):
    r, chips = optional
    loop.run(r, chips, tmp_path / "run", "cpu", quiet=True)
    log = (tmp_path / "run" / "log.txt").read_text(encoding="utf-8")
    assert "sure val red+green+blue:" in log and "sure val red+green+blue+nir:" in log and "swir16:" not in log


def test_the_second_head_learns_and_stays_behind(toy, recipe_file, tmp_path, monkeypatch):
    """Soft labels of two further classes stand behind those of the legend; the checkpoint has its own head alone."""

    def answers(recipe, description, splits, teachers, names, cache):
        images = list(training_data.images(description, splits, description.bands))
        soft = np.zeros((len(names), 64, 64), np.float16)
        soft[0] = 1
        known = np.zeros((64, 64), bool)
        known[8:] = True
        return [(soft, known) for _ in images]

    monkeypatch.setattr(training_data, "_answers", answers)
    data = [{**DATA[0], "teacher": ["any"], "second": True}]
    second = {"classes": ["Sea", "Lake"], "teacher": ["any"], "weight": 1.0}
    changes = {"data": data, "second": second, "teachers.any": {"file": "x.onnx"}, "run.steps": 3, "augment.holes": 0}
    r = recipe.read(recipe_file, changes)
    chips = load_training_data(r, toy, tmp_path / "cache")
    soft = chips.training[0][0].soft
    assert soft.shape == (5, 64, 64) and soft[3, 8:].all() and not soft[3, :8].any() and not soft[4].any()
    batch = Batches(r, chips.training, [0.0] * 5)(0)
    target = loop.Targets(chips.training, torch.device("cpu")).second(0, batch[0])
    assert target.soft.shape[1] == 2 and torch.equal(target.known, target.soft[:, 0] > 0.5)
    trainer = loop.Trainer(r, chips, tmp_path / "run", torch.device("cpu"))
    (tmp_path / "run").mkdir()
    before = trainer._network.second.bias.detach().clone()
    trainer.step(batch)
    assert trainer._network.second.bias.detach()[0] > before[0]
    trainer.check(0.0, print)
    assert not any(key.startswith("second") for key in checkpoint.read(tmp_path / "run" / "last.pt")["weights"])
    checkpoint.load(tmp_path / "run" / "last.pt")


def test_a_second_head_without_its_table_is_refused(recipe_file):
    with pytest.raises(LulcError, match=r"no \[second\]"):
        recipe.read(recipe_file, {"data": [{**DATA[0], "second": True}]})
