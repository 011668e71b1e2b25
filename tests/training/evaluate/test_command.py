# SPDX-License-Identifier: GPL-3.0-or-later
"""Evaluation of networks on held-out places: counts, averages, calibration, forests, files. Everything is made up."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed; run make setup-training")
pytest.importorskip("sklearn", reason="scikit-learn is not installed")
pytest.importorskip("matplotlib", reason="matplotlib is not installed")

from lulc_plugin import bundled
from lulc_plugin.errors import LulcError
from lulc_plugin.model import (
    ModelSpec,
    Output,
    Window,
    mlm,
)
from training import maps, recipe as recipes
from training.evaluate import (
    calibration,
    figures,
    held_out,
    network_scores,
    random_forest,
    robustness,
    split_scores,
    summary,
)
from training.evaluate.__main__ import main
from training.evaluate.evaluated_networks import Ensemble, Subject, aligned, common, ensemble, kept, of_recipe, subject
from training.evaluate.random_forest import Forest
from training.evaluate.split_scores import score
from training.evaluate.summary import side_by_side, summary_text
from training.export.export_network import input_of
from training.inputs import make_inputs
from training.maps import Mapper, groups_of, reference_miou
from training.sets.chips import Chip, load, with_samples
from training.sets.description import describe

NAMES = ("Water", "Land", "Town")
SET = """
name = "{name}"
title = "Made up"
credit = "Nobody"
licence = "none"
use = "{use}"
gsd = 10.0
place = "place"
bands = ["red", "nir"]
values = "{values}"
scale = {scale}

[labels]
band = 1
[labels.classes]
1 = ["Water"]
2 = {second}
3 = ["Town"]
"""
RECIPE = {
    "name": "tiny",
    "legend": {
        "nodata": 0,
        "classes": [
            {"value": k + 1, "name": n, "colour": c}
            for k, (n, c) in enumerate(zip(NAMES, ("#0000FF", "#00FF00", "#FF0000"), strict=True))
        ],
    },
    "input": {"bands": ["red", "nir"], "ways": ["reflectance", "picture"]},
    "network": {"architecture": "unet_small"},
    "data": [{"set": "sure", "samples": 1, "loss": [{"term": "weighted_ce"}]}],
    "check": [{"set": "sure"}, {"set": "coarse"}],
}


@dataclass(frozen=True)
class Rule:
    """Answers by the brightness of a band, so sure of it that the rest share `1 - confidence`."""

    confidence: float = 0.8
    band: int = 1

    def shares(self, chip, context=None, picture=None, layer_sample=None):
        x = chip.values[self.band] / (255 if chip.picture else 1)
        best = np.digitize(x, (0.15, 0.4))
        out = np.full((3, *x.shape), (1 - self.confidence) / 2, np.float32)
        np.put_along_axis(out, best[None], self.confidence, axis=0)
        return out


def chips_of(rng, count=4, coarse=False, noise=0.0, split="val"):
    """Chips whose second band tells the class; with `coarse`, code 4 is Land or Town."""
    allowed = np.zeros((5 if coarse else 4, 3), bool)
    allowed[1:4] = np.eye(3, dtype=bool)
    if coarse:
        allowed[4, 1:] = True
    chips = []
    for i in range(count):
        truth = rng.integers(0, 3, (8, 8)).repeat(5, axis=0).repeat(5, axis=1)
        values = np.stack([np.full(truth.shape, 0.1), np.array([0.05, 0.3, 0.6])[truth]]).astype(np.float32)
        values += rng.normal(0, 0.004, values.shape).astype(np.float32)
        labels = (truth + 1).astype(np.uint8)
        labels[rng.random(labels.shape) < noise] = 1
        if coarse:
            labels[labels > 1] = 4
        labels[:2] = 0
        chips.append(
            Chip("made", f"c{i}.tif", f"p{i // 2}", split, values, np.ones(truth.shape, bool), labels, allowed,
                 present=(True, True))
        )  # fmt: skip
    return with_samples(chips)


@pytest.fixture
def folder(tmp_path: Path, rng: np.random.Generator) -> Path:
    """Two sets on disk, one sure and of reflectance, one coarse and of pictures, and one for evaluation only."""
    rasterio = pytest.importorskip("rasterio", reason="rasterio is not installed")
    from rasterio.errors import NotGeoreferencedWarning

    def written(path: Path, values: np.ndarray) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        profile = {"driver": "GTiff", "count": len(values), "height": 40, "width": 40, "dtype": values.dtype}
        with pytest.warns(NotGeoreferencedWarning), rasterio.open(path, "w", **profile) as dataset:
            dataset.write(values)

    for name, use, picture in (("sure", "train", False), ("coarse", "train", True), ("kept", "evaluation", False)):
        text = SET.format(
            name=name, use=use, values="picture" if picture else "reflectance", scale=1.0 if picture else 0.0001,
            second='["Land", "Town"]' if picture else '["Land"]',
        )  # fmt: skip
        made = chips_of(rng, 6)
        rows = ["file,place,split"]
        for k, chip in enumerate(made):
            stored = (chip.values * 255).astype(np.uint8) if picture else (chip.values * 10000).astype(np.int16)
            written(tmp_path / name / "images" / chip.name, stored)
            written(tmp_path / name / "labels" / chip.name, chip.labels[None])
            rows.append(f"{chip.name},{chip.place},{('train', 'val', 'test')[k // 2]}")
        (tmp_path / name / "split.csv").write_text("\n".join(rows))
        (tmp_path / name / "set.toml").write_text(text)
    return tmp_path


def parsed():
    return recipes.parse(RECIPE, Path("."))


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """A network with random weights, as `training.train` would save it."""
    from training.networks.network_settings import NetworkSettings, build
    from training.train.checkpoint import save

    torch.manual_seed(0)
    network = build(NetworkSettings("unet_small"), 2, 3)
    path = tmp_path / "runs" / "tiny" / "best.pt"
    path.parent.mkdir(parents=True)
    save({"weights": network.state_dict(), "fill": [0.0, 0.0], "recipe": RECIPE, "folder": ".", "step": 1}, path)
    return path


# ---------------------------------------------------------------- counting


def part_of(folder, name="sure", split="val"):
    return held_out.Part(describe(folder, name), split, (split,))


def test_a_right_map_scores_one_and_places_add_up(rng, folder):
    chips = chips_of(rng)
    scored = score(Rule(), part_of(folder), chips, parsed().legend, surrounded=True, pictures=True)
    assert set(scored.places) == {"p0", "p1"} and scored.names == NAMES
    assert reference_miou(scored.total) == 1.0
    assert scored.total.sum() == sum(np.count_nonzero(c.labels) for c in chips)
    assert scored.pictures is not None and scored.surrounded is not None
    table = json.loads(json.dumps(scored.table()))
    assert table["counted"] == [1, 2, 3] and np.array(table["places"]["p0"]).shape == (3, 3)


def test_coarse_labels_are_counted_as_groups(rng, folder):
    chips = chips_of(rng, coarse=True)
    scored = score(Rule(), part_of(folder), chips, parsed().legend)
    assert scored.names == ("Water", "Land / Town")
    assert reference_miou(scored.total) == 1.0


def test_labels_that_overlap_are_met_by_whatever_they_allow(rng, folder, tmp_path):
    """Land and Town have labels of their own, and some pixels are one of both."""
    chips, allowed = chips_of(rng), np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 1, 1]], bool)
    for chip in chips:
        unsure = (chip.labels > 1) & (rng.random(chip.labels.shape) < 0.5)
        chip.labels, chip.allowed = np.where(unsure, 4, chip.labels).astype(np.uint8), allowed
    right, legend = score(Rule(), part_of(folder), chips, parsed().legend), parsed().legend
    assert right.names == (*NAMES, "Land / Town") and np.trace(right.total) == right.total.sum() > 0
    result = split_scores.write_report(right, chips, legend, "net", tmp_path / "a.html")
    np.testing.assert_array_equal(result.estimates.counts, right.total)
    sure = calibration.sampled("made/val", Rule(0.97), chips)
    assert calibration.expected_error(sure, 1.0) == pytest.approx(0.03, abs=1e-3)
    # a class that the label does not allow stays wrong, and one is not right for the other
    town = replace(chips[0], labels=np.full_like(chips[0].labels, 3))
    wrong = score(Rule(), part_of(folder), [town], legend).total
    assert 0 < np.trace(wrong) == np.count_nonzero(chips[0].values[1] > 0.4) < wrong.sum()
    forest = Forest(make_inputs(("red", "nir")), chips_of(rng), per_chip=200)
    assert np.trace(sum(forest.place_matrices(chips).values())) > 0.99 * right.total.sum()


def test_an_ensemble_averages_with_its_weights(rng):
    chip = chips_of(rng, 1)[0]
    a, b = Rule(0.9, band=1), Rule(0.6, band=0)
    got = Ensemble((a, b), (1.0, 3.0)).shares(chip)
    np.testing.assert_allclose(got, 0.25 * a.shares(chip) + 0.75 * b.shares(chip), rtol=1e-6)
    legend = parsed().legend
    one = Subject("a", a, ("red", "nir"), legend, ("reflectance",))
    with pytest.raises(LulcError, match="1, -2"):
        ensemble([one, one], (1, -2))
    with pytest.raises(LulcError, match="two networks"):
        ensemble([one])


def test_networks_with_other_bands_and_class_order_are_aligned(rng):
    legend = parsed().legend
    other = replace(legend, classes=legend.classes[::-1])

    class Backwards:
        def shares(self, chip, context=None, picture=None, layer_sample=None):
            assert chip.values.shape[0] == 1 and chip.layer.shape[0] == 1
            return Rule(band=0).shares(chip)[::-1]

    first = Subject("a", Rule(), ("red", "nir"), legend, ("reflectance",))
    second = Subject("b", Backwards(), ("nir",), other, ("reflectance",))
    bands, names = common([first, second])
    assert bands == ("red", "nir") and names == legend
    chip = chips_of(rng, 1)[0]
    np.testing.assert_array_equal(aligned(second, bands, names).answers.shares(chip), Rule().shares(chip))
    strange = replace(legend, classes=legend.classes[:2])
    with pytest.raises(LulcError, match="different classes"):
        common([first, Subject("c", Rule(), ("red",), strange, ("reflectance",))])


# ---------------------------------------------------------------- calibration


def test_an_unsure_network_is_made_surer(rng):
    chips = chips_of(rng, 6)
    item = calibration.sampled("made/val", Rule(0.6), chips)
    fitted = calibration.calibrate([item])
    assert fitted.temperature < 0.5 and fitted.after["made/val"] < fitted.before["made/val"]
    assert fitted.before["made/val"] == pytest.approx(0.4, abs=1e-3)


def test_the_temperature_is_the_best_of_all_tried(rng):
    chips = chips_of(rng, 6, noise=0.4)
    items = [calibration.sampled("a", Rule(0.97), chips), calibration.sampled("b", Rule(0.5), chips)]
    tried = np.exp(np.linspace(np.log(calibration.LOWEST), np.log(calibration.HIGHEST), calibration.TRIED))
    costs = [np.mean([calibration.nll(i, t) for i in items]) for t in tried]
    assert calibration.calibrate(items).temperature == pytest.approx(tried[int(np.argmin(costs))], abs=1e-3)
    assert 1.0 < calibration.calibrate(items[:1]).temperature


def test_coarse_labels_count_by_summed_probabilities(rng):
    item = calibration.sampled("made/val", Rule(0.6), chips_of(rng, coarse=True))
    counted = item.counted(1.0)
    assert counted.shape[1] == 2
    np.testing.assert_allclose(counted.sum(axis=1), 1, rtol=1e-5)
    land = item.may_be.sum(axis=1) == 2
    assert calibration.nll(item, 1.0) == pytest.approx(-np.mean(np.where(land, np.log(0.8), np.log(0.6))), abs=1e-4)
    with pytest.raises(LulcError, match="no labelled pixel"):
        calibration.sampled("x", Rule(), [replace(c, labels=0 * c.labels) for c in chips_of(rng)])


# ---------------------------------------------------------------- forest, radiometry


def test_a_forest_learns_the_labels_and_is_counted_like_the_network(rng):
    fed = make_inputs(("red", "nir"))
    for coarse in (False, True):
        forest = Forest(fed, chips_of(rng, coarse=coarse), per_chip=200)
        chips = chips_of(rng, coarse=coarse)
        by_place = forest.place_matrices(chips)
        total = sum(by_place.values())
        assert len(total) == len(groups_of(chips).values)
        assert total.sum() == sum(np.count_nonzero(c.labels) for c in chips)
        assert reference_miou(total) > 0.8


def test_forests_are_trained_once_and_only_on_training_splits(rng):
    asked = []

    def chips(part):
        asked.append(part.split)
        return chips_of(rng, split=part.split)

    recipe = parsed()
    baselines = random_forest.Baselines(recipe, chips, per_chip=50)
    description = replace_name("sure")
    part = held_out.Part(description, "val", ("val",))
    first = baselines.matrices(part)
    assert asked == ["train", "val"] and baselines.matrices(part) is first
    assert baselines.matrices(held_out.Part(replace_name("other"), "val", ("val",))) is None


def replace_name(name):
    from training.sets.description import SetDescription

    return SetDescription(Path("."), name, "", "", "", ("red", "nir"), "reflectance")


def test_radiometric_changes_are_what_they_say(rng, tmp_path):
    chip = chips_of(rng, 1)[0]
    changes = robustness.changes(("red", "nir"), "")
    np.testing.assert_allclose(changes["offset +1000"](chip.values), chip.values + 0.1, rtol=1e-5)
    np.testing.assert_allclose(changes["gain -20 %"](chip.values), 0.8 * chip.values, rtol=1e-5)
    back = robustness.changes(("red", "nir"), "L1C")["L1C to L2A"](changes["L2A to L1C"](chip.values))
    np.testing.assert_allclose(back, chip.values, atol=1e-5)
    assert (changes["haze 0.03"](chip.values) - chip.values)[0] == pytest.approx(0.015, abs=1e-5)
    counts = robustness.matrices(Rule(), [chip], ("red", "nir"), False, np.eye(3, dtype=int))
    assert robustness.PICTURES not in counts and list(counts)[0] == robustness.AS_IT_IS
    assert reference_miou(counts["as it is"]) == 1.0 > reference_miou(counts["offset +1000"])
    figures.robustness_chart({"net": {"made/val": counts}}, tmp_path / "chart.png")
    assert (tmp_path / "chart.png").stat().st_size > 5000
    seen = []

    class Watching(Rule):
        def shares(self, chip, context=None, picture=None, layer_sample=None):
            if picture:
                seen.append((chip.values.max(), layer_sample.max(), len(np.unique(chip.values)) <= 256))
            return super().shares(chip)

    robustness.matrices(Watching(), [chip], ("red", "nir"), True, np.eye(3, dtype=int))
    assert seen == [(255.0, 255.0, True)]


# ---------------------------------------------------------------- which splits are opened


def test_test_splits_and_kept_sets_are_opened_only_on_release(folder):
    recipe = parsed()
    rehearsed = network_scores.release_parts(recipe, folder, rehearsal=True)
    assert [p.key for p in rehearsed] == ["sure/val", "coarse/val"]
    final = network_scores.release_parts(recipe, folder, rehearsal=False)
    assert [p.key for p in final] == ["sure/val", "sure/test", "coarse/val", "coarse/test", "kept/all"]
    assert final[-1].splits == ("test", "train", "val")
    with pytest.raises(LulcError, match="kept for the evaluation"):
        held_out.named(["kept"], folder, ("val",), recipe, released=False)
    with pytest.raises(LulcError, match="nothere"):
        held_out.named(["sure:nothere"], folder, ("val",), recipe, released=False)
    assert [p.key for p in held_out.named(["kept"], folder, ("val",), recipe, released=True)] == ["kept/all"]
    assert [p.key for p in held_out.named(["sure:train+val"], folder, (), recipe, False)] == ["sure/train", "sure/val"]


@pytest.mark.parametrize("table", [{"data": [{**RECIPE["data"][0], "splits": ["train", "late"]}]},
                                   {"check": [{"set": "sure", "splits": ["late"]}]}])  # fmt: skip
def test_places_that_trained_are_not_tested(folder, checkpoint, tmp_path, capsys, table):
    recipe = recipes.parse(RECIPE | table, Path("."))
    network_scores.release_parts(recipe, folder, rehearsal=False)
    rows = (folder / "sure" / "split.csv").read_text()
    # an image of a test place, p2, comes into a split that the recipe uses
    (folder / "sure" / "split.csv").write_text(rows.replace("c4.tif,p2,test", "c4.tif,p2,late"))
    with pytest.raises(LulcError, match="p2") as caught:
        network_scores.release_parts(recipe, folder, rehearsal=False)
    assert "sure/test" in caught.value.problem
    state = torch.load(checkpoint, weights_only=True)
    torch.save(state | {"recipe": RECIPE | table}, checkpoint)
    arguments = [str(checkpoint), "--data", str(folder), "--cache", str(tmp_path), "--out", str(tmp_path / "o")]
    assert main([*arguments, "--sets", "sure:test"]) == 2
    assert "p2" in capsys.readouterr().err


def test_release_scores_hold_what_the_card_needs(folder):
    recipe, lines = parsed(), []
    one = of_recipe("net", Rule(), recipe)
    table, _ = network_scores.release_scores(one, recipe, folder, folder, say=lines.append)
    again, results = network_scores.release_scores(
        one, recipe, folder, folder, rehearsal=True, with_forest=False, say=lines.append
    )
    assert [r.part.key for r in results] == list(again["sets"])
    again["compared"]["net"] = network_scores.compared(again, table)
    assert not again["forest"]
    assert set(table["sets"]) == {"sure/val", "sure/test", "coarse/val", "coarse/test", "kept/all"}
    assert table["sets"]["kept/all"]["evaluation_only"] and table["sets"]["kept/all"]["surrounded"] is None
    assert table["sets"]["sure/test"]["surrounded"] and table["sets"]["sure/test"]["pictures"]
    assert table["sets"]["coarse/test"]["pictures"] is None
    assert table["sets"]["sure/val"]["surrounded"] is None
    assert set(table["forest"]) == {"sure/test"} and len(table["forest"]["sure/test"]["difference"]) == 3
    assert set(table["robustness"]) == {"sure/test"}
    assert "test" not in "".join(again["sets"]) and again["rehearsal"]
    assert again["compared"]["net"]["sure/val"] == [0.0, None, None]
    json.dumps(table)
    text = summary_text([table])
    assert "sure/test: changed radiometry" in text and "## Against others" in text


# ---------------------------------------------------------------- files


def test_the_engines_report_says_the_same(rng, folder, tmp_path):
    chips = chips_of(rng, noise=0.3)
    chips[0] = replace(chips[0], valid=chips[0].valid & (np.arange(40) > 5))
    scored = score(Rule(), part_of(folder), chips, parsed().legend)
    result = split_scores.write_report(scored, chips, parsed().legend, "net", tmp_path / "a.html")
    np.testing.assert_array_equal(result.estimates.counts, scored.total)
    assert "Map by net" in (tmp_path / "a.html").read_text(encoding="utf-8")
    chips = chips_of(rng, coarse=True)
    scored = score(Rule(), part_of(folder), chips, parsed().legend)
    result = split_scores.write_report(scored, chips, parsed().legend, "net", tmp_path / "b.html")
    np.testing.assert_array_equal(result.estimates.counts, scored.total)


def test_sheets_show_the_best_and_the_worst(rng, folder, tmp_path):
    from matplotlib.image import imread

    chips = chips_of(rng, 6)
    chips[4].labels[2:] = 1
    scored = score(Rule(), part_of(folder), chips, parsed().legend)
    assert figures.spread(scored, chips, 3)[-1] == 4
    path = tmp_path / "sheet.png"
    assert figures.sheet({"net": scored}, chips, ("red", "nir"), parsed().legend, path, count=3) == 3
    assert imread(path).std() > 0.1
    assert figures.sheet({"a": scored, "b": scored}, chips, ("red", "nir"), parsed().legend, path, chosen=[0, 4]) == 2
    wrong = figures.errors(scored.maps[4], chips[4], np.eye(3, dtype=np.float32))
    np.testing.assert_array_equal(wrong[:2], 1)
    assert (wrong[(scored.maps[4] == 1) & (chips[4].labels > 0)] == (0, 1, 0)).all()


def test_the_command_writes_tables_reports_and_pictures(folder, checkpoint, tmp_path, capsys, monkeypatch):
    asked, written = [], []
    ask, write = maps.probabilities, summary.write
    monkeypatch.setattr(maps, "probabilities", lambda *given: asked.append(1) or ask(*given))
    monkeypatch.setattr(summary, "write", lambda tables, place: written.append(len(tables)) or write(tables, place))
    out = tmp_path / "out"
    copy = checkpoint.parents[1] / "other" / "best.pt"
    copy.parent.mkdir()
    copy.write_bytes(checkpoint.read_bytes())
    arguments = [str(checkpoint), str(copy), "--ensemble", "--data", str(folder), "--out", str(out)]
    assert main([*arguments, "--cache", str(tmp_path), "--sets", "sure:train+val", "coarse:val", "--chips", "1"]) == 0
    assert "test split" not in capsys.readouterr().out
    for name in ("summary.md", "places.csv", "classes.csv", "sheet-sure-val.png"):
        assert (out / name).stat().st_size > 100, name
    for name in ("scores.json", "sure-val.html", "reliability.png", "sheet-coarse-val.png"):
        assert (out / "tiny" / name).stat().st_size > 100, name
    assert not (out / "sheet-sure-train.png").exists()
    with open(out / "scores.csv", newline="", encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    assert {(r["set"], r["split"]) for r in rows} == {("sure", "train"), ("sure", "val"), ("coarse", "val")}
    # maps, calibration, average and sheets ask each of the two networks once a chip
    assert len(asked) == sum(int(r["chips"]) for r in rows if not r["network"].startswith("ensemble"))
    # tables grow with every split, and stand as a whole at the end
    assert written == [1, 1, 1, 2, 2, 2, 3, 3, 3, 3]
    assert all(0 <= float(r["macro P"]) <= 1 and 0 <= float(r["macro R"]) <= 1 for r in rows)
    assert "| F1 | IoU | Kappa |" in (out / "summary.md").read_text(encoding="utf-8")
    by_name = {r["network"]: r["mIoU"] for r in rows if r["set"] == "sure" and r["split"] == "val"}
    # the same network twice and their average are one and the same
    assert set(by_name) == {"tiny", "other", "ensemble of 2"} and len(set(by_name.values())) == 1
    table = json.loads((out / "other" / "scores.json").read_text())
    assert table["compared"]["tiny"]["sure/val"] == [0.0, None, None]
    assert "OA train | OA val" in side_by_side([table])


def test_a_release_opens_everything_and_says_so(folder, checkpoint, tmp_path, capsys):
    out = tmp_path / "out"
    arguments = [
        str(checkpoint),
        "--release",
        "--no-calibration",
        "--data",
        str(folder),
        "--out",
        str(out),
        "--chips",
        "1",
    ]
    assert main([*arguments, "--cache", str(tmp_path), "--splits", "val", "--sets", "sure", "kept"]) == 0
    assert "once for each released network" in capsys.readouterr().out
    table = json.loads((out / "tiny" / "scores.json").read_text())
    assert set(table["sets"]) == {"sure/val", "sure/test", "kept/all"} and table["calibration"] is None
    assert set(table["forest"]) == set(table["robustness"]) == {"sure/test"}
    assert (out / "robustness.png").is_file() and "Against others" in (out / "summary.md").read_text()


def test_what_a_user_does_wrong_is_reported(folder, checkpoint, tmp_path, capsys):
    base = ["--data", str(folder), "--out", str(tmp_path / "o")]
    for arguments, word in (
        ([str(tmp_path / "x.txt"), *base], "not a network"),
        ([str(checkpoint), "--weights", "1,2", *base], "--ensemble"),
        ([str(checkpoint), str(checkpoint), "--ensemble", "--weights", "1,b", *base], "not numbers"),
        ([str(checkpoint), "--splits", "nothing", *base], "nothing"),
        ([str(checkpoint), "--sets", "kept", *base], "--release"),
    ):
        assert main(arguments) == 2
        assert word in capsys.readouterr().err


def test_an_exported_network_is_run_as_its_description_says(rng, tmp_path):
    onnx = pytest.importorskip("onnx", reason="onnx is not installed")
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    fed, legend = make_inputs(("nir", "red"), (), ("reflectance", "picture")), parsed().legend
    weights = rng.normal(0, 3, (3, 2)).astype(np.float32)
    helper = onnx.helper
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["image", "weights"], ["scores"]),
            helper.make_node("Softmax", ["scores"], ["probabilities"], axis=1),
        ],
        "made up",
        [helper.make_tensor_value_info("image", 1, ["n", 2, "h", "w"])],
        [helper.make_tensor_value_info("probabilities", 1, ["n", 3, "h", "w"])],
        [onnx.numpy_helper.from_array(weights[:, :, None, None], "weights")],
    )
    path = tmp_path / "net.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    backwards = replace(legend, classes=legend.classes[::-1])
    mlm.write(
        ModelSpec("net", "Net", "none", fed.bands, fed.channels, fed.forms, (0.0, 0.0), "image",
                  Output("probabilities", ("argmax",)), backwards, Window(64, 32, 32, margin=0)),
        path.with_suffix(".json"),
    )  # fmt: skip

    def predict(images):
        scores = np.einsum("kc,ncij->nkij", weights, images)
        grown = np.exp(scores - scores.max(axis=1, keepdims=True))
        return grown / grown.sum(axis=1, keepdims=True)

    one = subject(path)
    assert one.name == "net" and one.takes(picture=True) and one.bands == ("nir", "red")
    here = Subject("here", Mapper(predict, fed, (0.0, 0.0)), ("nir", "red"), backwards, one.ways)
    chips = chips_of(rng, 2)
    chips[0].valid[30:, :9] = False
    for chip in chips:
        there, direct = (aligned(s, ("red", "nir"), legend).answers for s in (one, here))
        for more in ({}, {"context": 16}, {"picture": True, "layer_sample": chip.pool}):
            np.testing.assert_allclose(there.shares(chip, **more), direct.shares(chip, **more), atol=1e-5)
    # a band that the set lacks is filled in by both; a part of a picture is stretched like the whole of it
    lacking = replace(chips[1], present=(True, False))
    part = replace(chips[1], picture=True, one_layer=True, layer=3 * chips[1].layer)
    for chip in (lacking, part):
        there, direct = (aligned(s, ("red", "nir"), legend).answers for s in (one, here))
        np.testing.assert_allclose(there.shares(chip), direct.shares(chip), atol=1e-5)
        usual = replace(chip, present=(True, True), one_layer=False)
        assert np.abs(there.shares(chip) - there.shares(usual)).max() > 0.01


def test_parts_of_one_picture_are_judged_as_they_trained(folder):
    """Every chip of such a set is stretched by the sample of all of them."""
    path = folder / "coarse" / "set.toml"
    path.write_text(path.read_text().replace("[labels]", "one_layer = true\n\n[labels]", 1))
    chips = load(describe(folder, "coarse"), ("train",), ("red", "nir"), NAMES)
    chips[0].values[1] *= 0.5
    fed, fill, seen = make_inputs(("red", "nir"), (), ("picture",)), (0.0, 0.0), []

    def predict(images):
        seen.append(images[0])
        return np.zeros((1, 3, *images.shape[2:]), np.float32)

    trained = fed.of(chips[0].values, chips[0].valid, True, fill, chips[0].layer)
    assert np.abs(trained - fed.of(chips[0].values, chips[0].valid, True, fill)).max() > 0.1
    Mapper(predict, fed, fill, Window(40, 8, 8, margin=0)).shares(chips[0])
    np.testing.assert_array_equal(seen[0], trained)
    np.testing.assert_array_equal(input_of(replace(parsed(), inputs=fed), chips[0], fill), trained)


@pytest.mark.parametrize("name", ["optical-rgbn-10to30m-unet-v1"])
def test_kept_answers_are_those_of_the_network(rng, tmp_path, name):
    one = subject(bundled.folder("models") / f"{name}.onnx", threads=1)
    again = kept(one, tmp_path / "a")
    (chip,) = chips_of(rng, 1)
    chip = replace(chip, values=np.repeat(chip.values[:1], 4, axis=0), present=(True,) * 4, layer=chip.layer[[0] * 4],
                   pool=chip.pool[[0] * 4])  # fmt: skip
    for kind in ("answers", "unsmoothed", "answers"):
        np.testing.assert_array_equal(getattr(again, kind).shares(chip), getattr(one, kind).shares(chip))
    # a changed copy is another chip
    darker = replace(chip, values=chip.values / 2)
    np.testing.assert_array_equal(again.answers.shares(darker), one.answers.shares(darker))
    assert len(list((tmp_path / "a").iterdir())) == 1
