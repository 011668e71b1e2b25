# SPDX-License-Identifier: GPL-3.0-or-later
"""Release: from a checkpoint to a network that the engine runs, with its card; weights never change under a name."""

import json
import shutil
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed; run make setup-training")
pytest.importorskip("onnx", reason="onnx is not installed")
pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
pytest.importorskip("PIL", reason="Pillow is not installed")

from lulc_plugin.errors import LulcError
from lulc_plugin.model import catalogue
from training import recipe, release, rescore
from training.evaluate.summary import measures, total
from training.export import card_table, credits, margin, onnx_session, parity
from training.export.source import open_source
from training.networks.network_settings import NetworkSettings, build
from training.train import checkpoint

CARD = {
    "gsd": 10, "gsd_range": [5, 20], "imagery": "toy scenes", "limits": ["Water has IoU {iou Water sure} only."],
    "description": "A toy.",
}  # fmt: skip


@pytest.fixture
def saved(toy, recipe_file, tmp_path, monkeypatch):
    """A checkpoint with random weights, and a bench that measures little."""
    monkeypatch.setattr(margin, "SIDE", 64)
    monkeypatch.setattr(margin, "DISTANCES", (0, 8, 16))
    monkeypatch.setattr(onnx_session, "speed", lambda *_, **__: 1.25)
    made = recipe.read(recipe_file, {"card": CARD})
    torch.manual_seed(0)
    network = build(NetworkSettings.from_table(made.network), 5, 3)
    with torch.no_grad():
        # features are positive: classes whose weights sum to 0 all win somewhere
        network.head.weight -= network.head.weight.mean(dim=1, keepdim=True)
        network.head.bias.zero_()
    path = tmp_path / "run" / "best.pt"
    path.parent.mkdir()
    state = {
        "weights": network.state_dict(), "fill": [0.0] * 5, "recipe": dict(made.table), "folder": str(tmp_path),
        "step": 3, "score": 0.5, "seconds": 12.0, "data": "d", "revision": "r",
    }  # fmt: skip
    checkpoint.save(state, path)
    return path


def rehearse(saved, toy, tmp_path, *more):
    return release.main(
        [str(saved), "--rehearse", "--data", str(toy), "--cache", str(tmp_path / "c"), "--no-forest", *more]
    )


def test_a_rehearsal_makes_a_network_that_the_engine_runs(saved, toy, tmp_path, capsys):
    assert rehearse(saved, toy, tmp_path) == 0, capsys.readouterr().err
    network = tmp_path / "run" / "rehearsal" / "toy.onnx"
    spec = catalogue.load(network).spec
    assert spec.speed == 1.25 and spec.gsd_range == (5, 20) and spec.training.sets[0].license == "CC0"
    # a single validation place says nothing of how sure the network is elsewhere
    assert spec.confidence is None and len(spec.band_statistics) == 4
    assert spec.scores[0].split == "val" and "lulc:training_places" in spec.extra
    assert spec.extra["lulc:training_run"]["revision"] == "r"
    network.with_suffix(".json").unlink()
    inside = catalogue.load(network).spec
    assert inside.name == "toy" and inside.fill == spec.fill and inside.sha256 == "" and inside.window == spec.window
    card = network.with_suffix(".md").read_text(encoding="utf-8")
    for words in ("A rehearsal", "## Known limits", "Water has IoU 0.", "Toy sure", "CC0", "## Window border"):
        assert words in card
    assert spec.sha256 in card and "{" not in card.split("## How it was made")[0] and str(tmp_path) not in card
    assert "](toy.jpg)" in card and "no limits" not in card and spec.extra["lulc:parity"]["same"] > 0.9
    assert spec.extra["lulc:making"][0].startswith("Trained to step 3 of ")
    assert spec.extra["lulc:window_border"]["distances"] == [0, 8, 16]
    assert "given by hand" not in spec.extra["lulc:calibration"]["method"][0]
    assert "lulc:limits" in inside.extra and "lulc:picture" not in inside.extra
    assert network.with_suffix(".jpg").stat().st_size < 250_000
    # the sets that nobody may choose by stay closed
    scores = json.loads((tmp_path / "run" / "rehearsal" / "scores.json").read_text())
    assert {k.partition("/")[2] for k in scores["sets"]} == {"val"}


def test_a_network_is_reproduced_from_its_recipe(saved, toy, recipe_file, tmp_path, capsys, monkeypatch):
    card = "\n".join(f"{key} = {json.dumps(value)}" for key, value in CARD.items())
    recipe_file.write_text(f"{recipe_file.read_text()}[card]\n{card}\n")
    known = release.RESULTS / "aerial-rgb-1to4m-mobileunet-v1.json"
    monkeypatch.setattr(release, "RESULTS", tmp_path / "results")
    (tmp_path / "results").mkdir()
    entry = next(iter(json.loads(known.read_text())["sets"].values()))
    (tmp_path / "results" / "toy.json").write_text(json.dumps({"sets": {"sure/val": entry}}))
    again = ["--reproduce", str(recipe_file), "--run", str(tmp_path / "again"), "--data", str(toy)]
    assert release.main([*again, "--cache", str(tmp_path), "--rehearse", "--no-forest"]) == 0, capsys.readouterr().err
    kept = tmp_path / "again" / "reproduced"
    assert (kept / "toy.onnx").is_file() and "A rehearsal" in (kept / "toy.md").read_text(encoding="utf-8")
    (line,) = [text for text in capsys.readouterr().out.splitlines() if text.startswith("| sure/val")]
    figures = [float(cell) for cell in line.split("|")[2:-1]]
    assert len(figures) == 4 and figures[0] == round(measures(total(entry))["OA"], 3)
    assert line in (kept / "reproduced.md").read_text(encoding="utf-8")
    # nothing of the released ones has changed
    assert [path.name for path in (tmp_path / "results").iterdir()] == ["toy.json"]


def facts_of(name, digest, checkpoint_digest):
    from training.export.facts import Facts

    return Facts(
        name, "2026-11-21T00:00:00Z", checkpoint_digest, "half", 1, 4, 8, 9, (0.0,), {"temperature": 1.0}, {}, (), 1.0,
        {"pixels": 0}, (), (), {}, (), {}, 10, digest,
    )  # fmt: skip


def test_weights_never_change_under_a_name(tmp_path):
    from lulc_plugin import provenance

    target = tmp_path / "models" / "n-v1.onnx"
    target.parent.mkdir()
    target.write_bytes(b"one network")
    where = release.Places(target, tmp_path / "release", tmp_path / "n.jpg", tmp_path / "results")
    with pytest.raises(LulcError, match="other weights") as caught:
        release.kept_facts(where, "c", False)
    assert "--name" in caught.value.remedy
    where.kept.mkdir()
    digest = provenance.file_digest(target)
    facts_of("n-v1", digest, "c").save(where.facts)
    assert release.kept_facts(where, "c", False).digest == digest
    with pytest.raises(LulcError, match="another checkpoint"):
        release.kept_facts(where, "other", False)
    other = release.Places(tmp_path / "models" / "n-v2.onnx", where.kept, where.picture, where.results)
    with pytest.raises(LulcError, match="released as n-v1"):
        release.kept_facts(other, "c", False)
    target.write_bytes(b"changed")
    with pytest.raises(LulcError, match="other weights"):
        release.kept_facts(where, "c", False)


def test_kept_scores_of_another_checkpoint_are_refused(saved, toy, tmp_path):
    source = open_source(saved, toy, tmp_path / "c")
    where = release.Places(tmp_path / "n.onnx", tmp_path / "release", tmp_path / "n.jpg", tmp_path / "results")
    where.kept.mkdir()
    where.scores.write_text(json.dumps({"checkpoint": "other"}))
    with pytest.raises(LulcError, match="opened once"):
        release._scores(source, where, facts_of("n", "", "c"), False, False)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--card", "nowhere.toml"], "cannot be read"),
        (["--data", "nowhere"], "no data set"),
    ],
)
def test_what_is_missing_is_reported(saved, toy, tmp_path, capsys, more, message):
    assert rehearse(saved, toy, tmp_path, *more) == 2
    assert message in capsys.readouterr().err


def test_a_release_without_forest_and_one_without_checkpoint_are_refused(capsys, tmp_path):
    assert release.main([str(tmp_path / "best.pt"), "--no-forest", "--data", str(tmp_path)]) == 2
    assert "forest" in capsys.readouterr().err
    assert release.main([]) == 2 and "checkpoint" in capsys.readouterr().err


@pytest.mark.parametrize(
    "card", [{"colour": "red"}, {"gsd_range": [30, 10]}, {"limits": "one"}, {"title": 3}, {"gsd": -1}]
)
def test_wrong_words_are_refused_before_anything_is_measured(recipe_file, card):
    with pytest.raises(LulcError, match=r"\[card\]"):
        card_table.of(recipe.read(recipe_file, {"card": card}))


def test_words_that_are_left_out_have_sober_ones(recipe_file):
    made = card_table.of(recipe.read(recipe_file))
    assert made.architecture == "U-Net (small)" and made.title.startswith("Land cover, 3 classes, from red, green")


def test_a_set_without_licence_is_refused(recipe_file, toy):
    text = (toy / "sure" / "set.toml").read_text().replace('licence = "CC0"', "")
    (toy / "sure" / "set.toml").write_text(text)
    counts = [{"set": "sure", "images": 1, "pixels": 2, "teacher": []}]
    with pytest.raises(LulcError, match="licence"):
        credits.training_sets(recipe.read(recipe_file), toy, counts)


def exported(saved, toy, tmp_path, *more):
    from training.export.__main__ import main

    out = tmp_path / "out" / "net.onnx"
    return main([str(saved), "--out", str(out), "--data", str(toy), "--cache", str(tmp_path / "c"), *more]), out


def test_terms_are_asked_for_before_anything_is_measured(saved, toy, tmp_path, capsys, monkeypatch):
    text = (toy / "sure" / "set.toml").read_text().replace('licence = "CC0"', "")
    (toy / "sure" / "set.toml").write_text(text)
    monkeypatch.setattr("training.export.export_network.export_checkpoint", None)
    status, out = exported(saved, toy, tmp_path)
    assert status == 2 and "licence" in capsys.readouterr().err and not out.parent.exists()


def test_a_file_that_is_refused_replaces_no_good_one(saved, toy, tmp_path, capsys, monkeypatch):
    status, out = exported(saved, toy, tmp_path, "--temperature", "1")
    assert status == 0, capsys.readouterr().err
    names = {"net.onnx", "net.json", "net.facts.json"}
    assert {p.name for p in out.parent.iterdir()} == names and catalogue.load(out).spec.name == "net"
    good = out.read_bytes()
    monkeypatch.setattr(parity.require_same, "__defaults__", (2.0,))
    status, _ = exported(saved, toy, tmp_path, "--temperature", "2")
    assert status == 2 and "not the network" in capsys.readouterr().err
    assert out.read_bytes() == good and {p.name for p in out.parent.iterdir()} == names


def test_the_form_for_deepness_is_written_beside_the_network(saved, toy, tmp_path, capsys):
    status, out = exported(saved, toy, tmp_path, "--temperature", "1", "--variants", "deepness")
    shown = capsys.readouterr()
    assert status == 0, shown.err
    assert out.with_name("net-deepness.onnx").is_file() and "net-deepness.onnx: " in shown.out


def test_a_run_without_checks_is_measured_on_what_it_trained_on(saved, toy, tmp_path, capsys):
    state = checkpoint.read(saved)
    checkpoint.save(state | {"recipe": {k: v for k, v in state["recipe"].items() if k != "check"}}, saved)
    assert exported(saved, toy, tmp_path)[0] == 2
    assert "--temperature 1" in capsys.readouterr().err
    status, out = exported(saved, toy, tmp_path, "--temperature", "1")
    printed = capsys.readouterr()
    assert status == 0, printed.err
    assert "measured on training images" in printed.out and out.is_file()


def test_weights_of_unknown_origin_are_refused(recipe_file):
    assert credits.encoder(recipe.read(recipe_file)) is None
    known = recipe.read(recipe_file, {"network.pretrained": "x/mobilenetv2_imagenet.safetensors"})
    assert "ImageNet" in credits.encoder(known)
    with pytest.raises(LulcError, match="come from"):
        credits.encoder(recipe.read(recipe_file, {"network.pretrained": "x/found_somewhere.pt"}))


def test_the_table_lists_networks_of_a_folder(capsys):
    models = Path(__file__).parents[2] / "models"
    assert release.main(["--table", "--models", str(models)]) == 0
    text = capsys.readouterr().out
    assert "| imagery | bands | pixels | network |" in text and "](models/optical-rgbn" in text
    assert release.main(["--table", "--models", str(Path(__file__).parent)]) == 2


def test_cards_are_written_anew(tmp_path):
    models = Path(__file__).parents[2] / "models"
    name = "aerial-rgb-1to4m-mobileunet-v1"
    for suffix in (".onnx", ".json"):
        shutil.copy(models / f"{name}{suffix}", tmp_path)
    assert release.main(["--cards", "--models", str(tmp_path)]) == 0
    assert (tmp_path / f"{name}.md").read_text(encoding="utf-8") == (models / f"{name}.md").read_text(encoding="utf-8")


@pytest.fixture
def released(saved, toy, recipe_file, tmp_path):
    """A rehearsed network without smoothing, its scores, and a folder with its recipe, which smooths now."""
    assert rehearse(saved, toy, tmp_path) == 0
    folder = tmp_path / "run" / "rehearsal"
    configs = tmp_path / "configs"
    configs.mkdir()
    text = recipe_file.read_text(encoding="utf-8")
    (configs / "toy.toml").write_text(
        f"{text}\n[smoothing]\nradius = 3\nweight = 0.5\n[card]\nlimits = ['Water has IoU {{iou Water sure}} only.']\n",
        encoding="utf-8",
    )  # fmt: skip
    scores = json.loads((folder / "scores.json").read_text())
    del scores["smoothing"]
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "toy.json").write_text(json.dumps(scores))
    return folder / "toy.onnx"


def again(network, toy, tmp_path):
    return rescore.main(
        [str(network), "--data", str(toy), "--cache", str(tmp_path / "c"), "--configs", str(tmp_path / "configs"),
         "--results", str(tmp_path / "results"), "--pictures", str(tmp_path / "pictures")]
    )  # fmt: skip


def test_a_released_network_is_scored_again(released, toy, tmp_path, capsys):
    before, bytes_before = catalogue.load(released).spec, released.read_bytes()
    assert before.smoothing is None
    assert again(released, toy, tmp_path) == 0, capsys.readouterr().err
    spec = catalogue.load(released).spec
    assert released.read_bytes() == bytes_before and spec.smoothing.radius == 3 and spec.sha256 == before.sha256
    assert spec.training == before.training and spec.extra["lulc:making"] == before.extra["lulc:making"]
    scores = json.loads((tmp_path / "results" / "toy.json").read_text())
    entry = scores["sets"]["sure/val"]
    assert scores["smoothing"]["radius"] == 3 and entry["unsmoothed"]["places"] != entry["places"]
    assert "without smoothing" in [v["name"] for v in spec.scores[0].extra["variants"]]
    assert "those it was fitted to" in spec.extra["lulc:calibration"]["method"][1]
    assert "without smoothing" in released.with_suffix(".md").read_text(encoding="utf-8")
    # a second time nothing is mapped
    (tmp_path / "data" / "sure").rename(tmp_path / "elsewhere")
    scores["created"] = "kept"
    (tmp_path / "results" / "toy.json").write_text(json.dumps(scores))
    assert again(released, toy, tmp_path) == 0, capsys.readouterr().err
    assert json.loads((tmp_path / "results" / "toy.json").read_text())["created"] == "kept"


def test_words_and_confidence_of_a_network_without_smoothing(released, toy, tmp_path, capsys, monkeypatch):
    """Its maps are as they were: no test split is opened, only what the recipe says and its confidence are new."""
    config = tmp_path / "configs" / "toy.toml"
    text = config.read_text(encoding="utf-8").partition("[smoothing]")[0]
    config.write_text(f"{text}\n[card]\ntitle = 'One town'\nauto = false\n", encoding="utf-8")
    before = json.loads((tmp_path / "results" / "toy.json").read_text())
    monkeypatch.setattr("training.export.data_summary._FEWEST", 1)  # the toy has too few chips for a quantile
    assert again(released, toy, tmp_path) == 0, capsys.readouterr().err
    spec, after = catalogue.load(released).spec, json.loads((tmp_path / "results" / "toy.json").read_text())
    assert (spec.title, spec.unasked, spec.smoothing) == ("One town", False, None)
    assert "never chosen by" in released.with_suffix(".md").read_text(encoding="utf-8")
    assert after["sets"] == before["sets"] and after["created"] == before["created"]
    assert after["confidence"]["places"] >= 1 and "confidence" not in before
    assert spec.confidence.q05 == after["confidence"]["q05"] < 1
    config.write_text(f"{text}\n[card]\nauto = 'no'\n", encoding="utf-8")
    assert again(released, toy, tmp_path) == 2 and "auto is 'no'" in capsys.readouterr().err


def test_test_splits_are_opened_with_one_smoothing(released, toy, tmp_path, capsys):
    assert again(released, toy, tmp_path) == 0
    config = tmp_path / "configs" / "toy.toml"
    config.write_text(config.read_text().replace("radius = 3", "radius = 5"))
    assert again(released, toy, tmp_path) == 2
    message = capsys.readouterr().err
    assert "radius 3" in message and "radius 5" in message and "once" in message


def test_a_network_is_not_scored_again_by_another_recipe(released, toy, tmp_path, capsys):
    config = tmp_path / "configs" / "toy.toml"
    config.write_text(config.read_text().replace('indices = ["NDVI"]', 'indices = ["NDWI"]'))
    assert again(released, toy, tmp_path) == 2 and "fed otherwise" in capsys.readouterr().err
    config.unlink()
    assert again(released, toy, tmp_path) == 2 and "no recipe named 'toy'" in capsys.readouterr().err


def test_scores_are_those_of_the_maps_that_users_get(released, toy, tmp_path):
    """The bench's two ways of mapping a chip, and the engine's map of the same file, are one."""
    import numpy as np
    import rasterio

    from lulc_plugin.classify import ClassifyJob, classify
    from lulc_plugin.raster import RasterInput
    from training.evaluate.evaluated_networks import subject
    from training.sets.chips import load
    from training.sets.description import describe

    assert again(released, toy, tmp_path) == 0
    one = subject(released)
    (chip,) = [c for c in load(describe(toy, "sure"), ("val",), one.bands, one.legend.names) if c.name == "s4.tif"]
    image = toy / "sure" / "images" / "s4.tif"
    job = ClassifyJob(RasterInput(str(image), bands=(1, 2, 3, 4)), model_file=str(released), values="reflectance")
    classify(job, tmp_path / "map.tif")
    with rasterio.open(tmp_path / "map.tif") as dataset:
        mapped = dataset.read(1)
    shares, bare = one.answers.shares(chip), one.unsmoothed.shares(chip)
    assert np.array_equal(shares.argmax(axis=0) + 1, mapped)
    assert (bare.argmax(axis=0) + 1 != mapped).any()
    found = rescore.Released(released, one.answers.spec, rescore.recipe_of("toy", tmp_path / "configs"), {}, toy,
                             tmp_path, tmp_path)  # fmt: skip
    np.testing.assert_allclose(found.mapper.shares(chip), shares, atol=1e-5)


def test_the_table_has_two_lines_a_set(released, toy, tmp_path, capsys):
    assert again(released, toy, tmp_path) == 0
    capsys.readouterr()
    assert rescore.main(["--table", "--results", str(tmp_path / "results")]) == 0
    lines = capsys.readouterr().out.splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("| sure val | no | "))
    assert lines[0] == "## toy" and lines[at + 1].startswith("|  | **yes** | ")
    assert rescore.main([]) == 2 and "--table" in capsys.readouterr().err


def test_evaluation_may_leave_smoothing_out(released, toy, tmp_path, capsys):
    from training.evaluate.__main__ import main

    assert again(released, toy, tmp_path) == 0
    usual = [str(released), "--sets", "sure:val", "--data", str(toy), "--no-calibration"]
    assert main([*usual, "--out", str(tmp_path / "with")]) == 0
    assert main([*usual, "--out", str(tmp_path / "bare"), "--no-smoothing"]) == 0
    found = [
        json.loads((tmp_path / k / "toy" / "scores.json").read_text())["sets"]["sure/val"] for k in ("with", "bare")
    ]
    assert found[0]["unsmoothed"]["places"] == found[1]["places"] != found[0]["places"]
    assert found[1]["unsmoothed"] is None
    assert (tmp_path / "with" / "toy" / "smoothing-sheet-sure-val.png").is_file()
    summary = (tmp_path / "with" / "summary.md").read_text(encoding="utf-8")
    assert "without smoothing" in summary and "F1 of borders" in summary
