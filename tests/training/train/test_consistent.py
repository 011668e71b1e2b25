# SPDX-License-Identifier: GPL-3.0-or-later
"""[consistent]: networks are asked about each sample as it is, with all bands of its set, whatever it then shows."""

from types import SimpleNamespace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed; run make setup-training")

from lulc_plugin.errors import LulcError
from training import recipe
from training.train import consistent, loop
from training.train.batches import Batches
from training.train.training_data import load_training_data

RGB = ["red", "green", "blue"]
CHANGES = {
    "input": {
        "bands": [*RGB, "nir", "swir16"], "optional": ["nir", "swir16"], "ways": ["reflectance", "picture"],
        "patterns": [RGB, [*RGB, "nir"]],
    },
    "network": {
        "architecture": "slim_unet", "options": {"decoder": [8, 8, 8, 8], "detail": 4, "convs": 0, "last": 7},
    },
    "teachers.wise": {"file": "wise.onnx"},
    "consistent": {"teacher": "wise"},
    "augment.noise": 0.0,
    "augment.holes": 0.0,
}  # fmt: skip


class Wise:
    """Says Water where near infrared is below 0.1, else Trees; its classes stand in another order."""

    classes = ("Trees", "Water")
    bands = ("nir", "red")
    spec = SimpleNamespace(name="wise")

    def __init__(self, path, threads):
        assert path.name == "wise.onnx"

    def on_reflectance(self, images, names):
        for image in images:
            water = (image[names.index("nir")] < 0.1).astype(np.float32)
            yield np.stack([1 - water, water])


@pytest.fixture
def wise(monkeypatch):
    monkeypatch.setattr(consistent, "Teacher", Wise)


def test_the_answer_is_of_the_sample_before_a_band_is_hidden(toy, recipe_file, tmp_path, wise):
    r = recipe.read(recipe_file, {**CHANGES, "run.pattern_odds": [1, 0]})
    chips = load_training_data(r, toy, tmp_path / "cache")
    batches = Batches(r, chips.training, [0.0] * 5)
    (samples,) = batches(0)
    assert batches.asked_bands == {"nir", "red"} and len(samples) == 4
    for one in samples:
        # near infrared is hidden from the student, and was not from the network
        assert one.shown == tuple(RGB) and (one.image[3] == -2).all()
        assert one.asked.shape == (3, 32, 32) and not one.asked[2].any()
        # of this set the labels are just that
        assert ((one.asked[0] == 1) == (one.labels == 1))[one.labels > 0].mean() > 0.9


def test_the_loss_and_what_lies_beyond():
    scores = torch.zeros(3, 2, 4, 4)
    water = np.stack([np.ones((4, 4), np.float32), np.zeros((4, 4), np.float32)])

    def one(shown, asked=water):
        return SimpleNamespace(asked=asked, shown=shown)

    both = [one(("red", "nir")), one(("red", "nir", "swir16")), one(("red",), None)]
    loss = consistent.consistent_loss(scores, both, {"red", "nir"}, 0.5)
    assert float(loss) == pytest.approx(np.log(2) * (1 + 0.5) / 2)
    scores[:, 0] = 5
    assert float(consistent.consistent_loss(scores, both, {"red", "nir"}, 0.5)) < 0.01
    assert float(consistent.consistent_loss(scores, both[2:], {"red"}, 0.5)) == 0


def test_a_step_follows_the_networks(toy, recipe_file, tmp_path, wise):
    unlabelled = [{"set": "sure", "samples": 4, "loss": [{"term": "partial_ce", "weight": 0.0}]}]
    r = recipe.read(recipe_file, {**CHANGES, "data": unlabelled, "optimiser.rate": 0.01, "run.average": 0.0})
    chips = load_training_data(r, toy, tmp_path / "cache")
    (tmp_path / "run").mkdir()
    trainer = loop.Trainer(r, chips, tmp_path / "run", torch.device("cpu"))
    batch = trainer.batches(0)
    for _ in range(6):
        trainer.step(batch)
    assert trainer.state.losses[-1] < 0.9 * trainer.state.losses[0]


def test_a_band_that_the_network_never_sees_is_refused(recipe_file, wise, monkeypatch):
    monkeypatch.setattr(Wise, "bands", ("nir", "coastal"))
    with pytest.raises(LulcError, match="wise needs the band coastal"):
        consistent.Consistent(recipe.read(recipe_file, CHANGES))


def test_an_unknown_teacher_is_refused(recipe_file):
    with pytest.raises(LulcError, match=r"\[consistent\]: there is no \[teachers.nobody\]"):
        recipe.read(recipe_file, {**CHANGES, "consistent": {"teacher": "nobody"}})
