# SPDX-License-Identifier: GPL-3.0-or-later
"""A network with optional bands: exported, calibrated, scored and described by pattern."""

import json
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed; run make setup-training")
pytest.importorskip("onnx", reason="onnx is not installed")
pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
pytest.importorskip("PIL", reason="Pillow is not installed")

from lulc_plugin.errors import LulcError
from lulc_plugin.model import catalogue
from training import recipe, release
from training.evaluate.evaluated_networks import subject
from training.export import margin, onnx_graph, onnx_session, parity
from training.inputs import ABSENT
from training.networks.network_settings import NetworkSettings, build
from training.sets.chips import load
from training.sets.description import describe
from training.train import checkpoint

RGB = ["red", "green", "blue"]
CHANGES = {
    "input": {"bands": [*RGB, "nir"], "optional": ["nir"], "patterns": [[*RGB, "nir"], RGB], "ways": ["reflectance"]},
    "network": {
        "architecture": "slim_unet",
        "options": {"indices": ["NDVI"], "decoder": [8, 8, 8, 8], "detail": 4, "convs": 0, "last": 7},
    },
    "card": {"gsd": 10, "gsd_range": [5, 20], "imagery": "toy scenes", "limits": ["None."], "description": "A toy."},
    "smoothing": {"radius": 2, "bands": RGB},
}


@pytest.fixture
def saved(toy, recipe_file, tmp_path, monkeypatch):
    """A checkpoint with random weights, and a bench that measures little."""
    monkeypatch.setattr(margin, "SIDE", 64)
    monkeypatch.setattr(margin, "DISTANCES", (0, 8, 16))
    monkeypatch.setattr(onnx_session, "speed", lambda *_, **__: 1.25)
    made = recipe.read(recipe_file, CHANGES)
    torch.manual_seed(0)
    network = build(NetworkSettings.from_table(made.network), 4, 3)
    with torch.no_grad():
        network.head.weight -= network.head.weight.mean(dim=1, keepdim=True)
        network.head.bias.zero_()
    path = tmp_path / "run" / "best.pt"
    path.parent.mkdir()
    state = {
        "weights": network.state_dict(), "fill": [0.0] * 4, "recipe": dict(made.table), "folder": str(tmp_path),
        "step": 3, "score": 0.5, "seconds": 12.0, "data": "d", "revision": "r",
    }  # fmt: skip
    checkpoint.save(state, path)
    return path


def test_a_rehearsal_describes_each_pattern(saved, toy, tmp_path, capsys):
    arguments = [str(saved), "--rehearse", "--data", str(toy), "--cache", str(tmp_path / "c"), "--no-forest"]
    assert release.main(arguments) == 0, capsys.readouterr().err
    network = tmp_path / "run" / "rehearsal" / "toy.onnx"
    spec = catalogue.load(network).spec
    assert spec.band_names == (*RGB, "nir") and spec.band_patterns.fill == ABSENT
    small, large = spec.band_patterns.patterns
    assert small.bands == tuple(RGB) and large.bands == (*RGB, "nir")
    ((name, score),) = large.scores.items()
    # all bands is what the set has, so it is the score of the whole network
    assert name == spec.scores[0].dataset and score.miou == spec.scores[0].miou
    assert small.scores[name].oa is not None and small.scores[name] != score
    assert [e["bands"] for e in spec.extra["lulc:calibration"]["by_pattern"]] == [RGB, [*RGB, "nir"]]
    scores = json.loads((tmp_path / "run" / "rehearsal" / "scores.json").read_text())
    assert [e["bands"] for e in scores["patterns"]] == [RGB, [*RGB, "nir"]]
    assert scores["patterns"][1]["sets"]["sure/val"]["places"] == scores["sets"]["sure/val"]["places"]
    assert "red+green+blue:" in capsys.readouterr().out
    same_without_near_infrared(saved, network, toy)


def same_without_near_infrared(saved, network, toy):
    """The file maps a chip of a set that lacks the band as the checkpoint does where it is hidden."""
    file, run = subject(network, 1), subject(saved)
    (whole, *_) = load(describe(toy, "sure"), {"val"}, file.bands, file.legend.names)
    lacks = replace(whole, present=(True, True, True, False), values=whole.values * [[[1]], [[1]], [[1]], [[0]]])
    classes = file.answers.shares(lacks, context=16).argmax(axis=0)
    hidden = replace(run.answers, shown=tuple(RGB)).shares(whole, context=16).argmax(axis=0)
    shown = run.answers.shares(whole, context=16).argmax(axis=0)
    assert (classes == hidden).mean() > 0.998 and (classes == shown).mean() < 0.998


def test_a_temperature_for_each_pattern(saved, rng, tmp_path):
    network, _, _ = checkpoint.load(saved)
    path = tmp_path / "n.onnx"
    temperatures = {(False,): 2.0, (True,): 0.5}
    onnx_graph.export(network, 0.5, 4, path, "single", False, temperatures)
    opened = onnx_session.session(path)
    image = rng.uniform(-1, 1, (2, 4, 32, 32)).astype(np.float32)
    image[1, 3] = ABSENT
    with torch.inference_mode():
        scores = network(torch.from_numpy(image))
    wanted = torch.cat([(scores[:1] / 0.5), (scores[1:] / 2.0)]).softmax(dim=1).numpy()
    np.testing.assert_allclose(opened.run(None, {"image": image})[0], wanted, atol=2e-5)
    by_torch = parity.by_torch(network, 0.5, False, temperatures)
    np.testing.assert_allclose(by_torch(image[1])[0], wanted[1], atol=2e-5)
    with pytest.raises(LulcError, match="temperature 0"):
        onnx_graph.export(network, 0.5, 4, path, "single", False, {(True,): 0.0})
