# SPDX-License-Identifier: GPL-3.0-or-later
"""Training: a step lowers the loss, a stopped run goes on bit for bit, the best check is kept."""

import csv

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed; run make setup-training")

from lulc_plugin.errors import LulcError
from training import progress_line, recipe
from training.networks.network_settings import NetworkSettings, build
from training.prepare.preview import augmented_sheet
from training.train import checkpoint, loop, optimisation, plots
from training.train.__main__ import main
from training.train.batches import Batches, Targets, images_of
from training.train.plots import write_samples
from training.train.training_data import load_training_data

JOINT = [
    {"set": "sure", "samples": 3, "loss": [{"term": "weighted_ce"}, {"term": "dice", "weight": 0.3}]},
    {"set": "coarse", "samples": 2, "weight": 0.5, "loss": [{"term": "coarse"}]},
]


@pytest.fixture
def joint(toy, recipe_file, tmp_path):
    r = recipe.read(recipe_file, {"data": JOINT, "augment.cutmix": 0.5, "augment.picture_jitter": 0.5})
    return r, load_training_data(r, toy, tmp_path / "cache")


def test_one_step_lowers_the_loss(joint):
    r, chips = joint
    torch.manual_seed(0)
    network = build(NetworkSettings.from_table(r.network), 5, 3).train()
    batch = Batches(r, chips.training, [0.0] * 5)(0)
    targets = Targets(chips.training, torch.device("cpu"))
    steps = optimisation.optimiser(network, r)
    losses = []
    for _ in range(3):
        loss = loop.batch_loss(r, network(images_of(batch)), batch, targets, ())
        losses.append(float(loss.detach()))
        steps.zero_grad()
        loss.backward()
        steps.step()
    assert losses[2] < losses[1] < losses[0]


def test_batches_depend_on_seed_and_number_alone(joint):
    r, chips = joint
    one, two = Batches(r, chips.training, [0.0] * 5), Batches(r, chips.training, [0.0] * 5)
    one(0), one(1)
    for a, b in zip(one(7), two(7), strict=True):
        assert all(np.array_equal(x.image, y.image) and np.array_equal(x.labels, y.labels) for x, y in zip(a, b))
    assert not np.array_equal(one(8)[0][0].image, one(7)[0][0].image)


@pytest.mark.parametrize("stop", [2, 3, 4])
def test_a_stopped_run_goes_on_bit_for_bit(joint, tmp_path, stop):
    r, chips = joint
    whole = checkpoint.read(loop.run(r, chips, tmp_path / "whole", "cpu").with_name("last.pt"))
    loop.run(r, chips, tmp_path / "parts", "cpu", stop_at=stop)
    resumed = checkpoint.read(loop.run(r, chips, tmp_path / "parts", "cpu").with_name("last.pt"))
    assert whole["step"] == resumed["step"] == 6
    assert all(torch.equal(whole["weights"][k], resumed["weights"][k]) for k in whole["weights"])
    assert whole["score"] == resumed["score"]


def test_what_a_run_leaves(joint, tmp_path):
    r, chips = joint
    best = loop.run(r, chips, tmp_path / "run", "cpu")
    network, again, state = checkpoint.load(best)
    assert again.name == "toy" and state["recipe"]["run"]["steps"] == 6 and state["data"] == chips.fingerprint
    assert state["revision"] and len(state["fill"]) == 5 and not network.training
    with open(tmp_path / "run" / "curves.csv", encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    assert [row["step"] for row in rows] == ["3", "6"] and float(rows[1]["val_miou"]) >= 0
    scores = [float(row["score"]) for row in rows]
    assert state["score"] == max(scores)
    assert (tmp_path / "run" / "curves.png").stat().st_size > 5000
    assert "score" in (tmp_path / "run" / "log.txt").read_text()


def test_another_recipe_or_other_data_is_not_resumed(joint, toy, recipe_file, tmp_path):
    r, chips = joint
    loop.run(r, chips, tmp_path / "run", "cpu", stop_at=1)
    other = recipe.read(recipe_file, {"data": JOINT, "optimiser.rate": 0.1})
    with pytest.raises(LulcError, match="another recipe"):
        loop.run(other, chips, tmp_path / "run", "cpu")
    chips.training[0][0].labels[:] = 0
    with pytest.raises(LulcError, match="other data"):
        loop.run(r, chips, tmp_path / "run", "cpu")


def test_a_frozen_encoder_stays_as_it_is(toy, recipe_file, tmp_path):
    table = {"network": {"architecture": "mobile_unet", "options": {"cut": "1/16"}}, "run.size": 64}
    r = recipe.read(recipe_file, table)
    network = build(NetworkSettings.from_table(r.network), 5, 3)
    network.train()
    optimisation.freeze(network, True)
    assert not any(p.requires_grad for p in network.pretrained_parameters())
    assert not any(m.training for m in network.encoder_module().modules())
    optimisation.freeze(network, False)
    assert all(p.requires_grad for p in network.pretrained_parameters())


def test_early_stop_and_plateau(joint, recipe_file, tmp_path, monkeypatch):
    _, chips = joint
    changes = {
        "data": JOINT, "run.steps": 40, "run.check_every": 1, "run.patience": 4, "optimiser.rate": 0.0,
        "optimiser.pretrained_rate": 0.0, "optimiser.schedule": "plateau", "optimiser.wait": 2, "run.average": 0.0,
    }  # fmt: skip
    r = recipe.read(recipe_file, changes)
    # a score that never rises
    looked = loop.validate
    monkeypatch.setattr(
        loop, "validate", lambda *a: type(looked(*a))(0.5, [], looked(*a).held_out, looked(*a).seen, (0,))
    )
    loop.run(r, chips, tmp_path / "run", "cpu")
    state = checkpoint.read(tmp_path / "run" / "resume.pt")["state"]
    assert state["step"] == 5 and state["best_step"] == 1 and state["plateau"] == 0.25


def test_sgd_and_a_constant_rate(joint, recipe_file, tmp_path):
    _, chips = joint
    changes = {"data": JOINT, "run.steps": 2, "optimiser.name": "sgd", "optimiser.schedule": "constant"}
    assert loop.run(recipe.read(recipe_file, changes), chips, tmp_path / "run", "cpu").is_file()


def test_the_command_and_its_refusals(toy, recipe_file, tmp_path, capsys):
    line = [str(recipe_file), "--data", str(toy), "--run", str(tmp_path / "run"), "--cache", str(tmp_path / "c")]
    assert main([*line, "--stop-at", "2"]) == 0
    assert main(line) == 2 and "--resume" in capsys.readouterr().err
    assert main([*line, "--resume"]) == 0
    assert main([str(tmp_path / "none.toml"), "--data", str(toy)]) == 2
    assert "no recipe" in capsys.readouterr().err
    assert main([*line, "--device", "cuda", "--resume"]) == 2 or torch.cuda.is_available()


def test_a_checkpoint_is_not_executed(tmp_path):
    path = tmp_path / "bad.pt"
    torch.save({"weights": print}, path)
    with pytest.raises(LulcError, match="not a checkpoint"):
        checkpoint.read(path)
    path.write_bytes(b"nothing")
    with pytest.raises(LulcError, match="not a checkpoint"):
        checkpoint.read(path)


def test_previews_are_pictures(joint, tmp_path, monkeypatch):
    r, chips = joint
    given = []
    monkeypatch.setattr(plots, "augmented_sheet", lambda *a: given.append(a) or augmented_sheet(*a))
    path = write_samples(r, chips, tmp_path / "run")
    assert path.read_bytes()[:4] == b"\x89PNG" and path.stat().st_size > 10_000
    (samples, _, legend) = given[0]
    assert legend == {"Water": (0x41, 0x9B, 0xDF), "Trees": (0x39, 0x7D, 0x49), "Bare": (0xB9, 0xA8, 0x8F)}
    seen = {tuple(np.round(255 * c).astype(int)) for _, labels in samples for c in labels.reshape(-1, 3)}
    # `not water` may be two classes: the middle of their colours
    assert {legend["Water"], legend["Trees"], (121, 146, 108)} <= seen


def test_a_run_that_had_lost_patience_does_not_go_on(joint, recipe_file, tmp_path):
    _, chips = joint
    changes = {"data": JOINT, "run.steps": 30, "run.check_every": 1, "run.patience": 1, "optimiser.rate": 0.0}
    r = recipe.read(recipe_file, {**changes, "optimiser.pretrained_rate": 0.0, "run.average": 0.0})
    loop.run(r, chips, tmp_path / "run", "cpu")
    before = checkpoint.read(tmp_path / "run" / "resume.pt")["state"]["step"]
    loop.run(r, chips, tmp_path / "run", "cpu")
    assert checkpoint.read(tmp_path / "run" / "resume.pt")["state"]["step"] == before < 30


def test_a_loss_that_is_no_number_stops_the_run(joint, tmp_path):
    r, chips = joint
    for part in chips.training:
        for chip in part:
            chip.values[:] = np.nan
    with pytest.raises(LulcError, match="not numbers"):
        loop.run(r, chips, tmp_path / "run", "cpu")
    assert not (tmp_path / "run" / "best.pt").exists()


def test_fixed_normalisation_keeps_its_statistics(toy, recipe_file):
    network = build(NetworkSettings("mobile_unet", options={"cut": "1/16"}), 5, 3).train()
    optimisation.fix_norm(network)
    before = {k: v.clone() for k, v in network.state_dict().items() if "running" in k}
    network(torch.randn(2, 5, 64, 64))
    after = network.state_dict()
    assert before and all(torch.equal(v, after[k]) for k, v in before.items())


def test_normalisation_is_fixed_from_a_step_on(joint, toy, recipe_file, tmp_path):
    def statistics(stop, **run):
        r = recipe.read(recipe_file, {"data": JOINT, **{f"run.{k}": v for k, v in run.items()}})
        folder = tmp_path / f"{stop} {run}"
        loop.run(r, joint[1], folder, "cpu", stop_at=stop)
        kept = checkpoint.read(folder / "resume.pt")["network"]
        return torch.cat([v.ravel() for k, v in kept.items() if "running" in k])

    def as_begun(values):
        return bool(((values == 0) | (values == 1)).all())

    assert as_begun(statistics(2, fixed_norm=True))
    one = statistics(1, fixed_norm=True, fixed_norm_from=1)
    assert not as_begun(one) and torch.equal(one, statistics(3, fixed_norm=True, fixed_norm_from=1))
    assert not torch.equal(one, statistics(3))


def test_unknown_devices_are_refused():
    with pytest.raises(LulcError, match="'xpu'"):
        loop.chosen_device("xpu")


def test_a_run_is_watched_between_its_checks(toy, recipe_file, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(progress_line, "PAUSE", 0.0)
    changes = {"run.steps": 10, "run.check_every": 10, "optimiser.warm_up": 1}
    whole = recipe.read(recipe_file, changes)
    chips = load_training_data(whole, toy, tmp_path)
    loop.run(whole, chips, tmp_path / "run", "cpu", stop_at=5)
    shown = capsys.readouterr().err.splitlines()
    assert sum("step" in text and "loss" in text and "/10" in text for text in shown) == 5
    loop.run(whole, chips, tmp_path / "run", "cpu")
    with open(tmp_path / "run" / "steps.csv", newline="", encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    # five looks a check, also over a stop
    assert [row["step"] for row in rows] == ["2", "4", "6", "8", "10"]
    assert all(0 < float(row["val_loss"]) < 5 and 0 <= float(row["val_miou"]) <= 1 for row in rows)
    events = list((tmp_path / "run" / "events").iterdir())
    assert len(events) == 2 and all(b"steps/val_loss" in path.read_bytes() for path in events)
    assert b"checks/score" in max(events, key=lambda path: path.stat().st_mtime_ns).read_bytes()


def test_a_set_without_a_band_is_told_what_helps(toy, recipe_file):
    wider = {"input.bands": ["red", "green", "blue", "nir", "swir16"]}
    with pytest.raises(LulcError, match="no band swir16") as caught:
        load_training_data(recipe.read(recipe_file, wider), toy, toy / "cache")
    assert 'bands = ["red", "green", "blue", "nir"]' in caught.value.remedy and "missing" not in caught.value.remedy
    # where another set has the band, this one may do without
    described = toy / "coarse" / "set.toml"
    described.write_text(described.read_text().replace("'nir']", "'nir', 'swir16']"))
    beside = {"data": [{"set": name, "loss": [{"term": "coarse"}]} for name in ("sure", "coarse")]}
    with pytest.raises(LulcError, match="sure has no band swir16") as caught:
        load_training_data(recipe.read(recipe_file, {**wider, **beside}), toy, toy / "cache")
    assert 'missing = "fill"' in caught.value.remedy
