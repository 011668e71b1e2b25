# SPDX-License-Identifier: GPL-3.0-or-later
"""Recipes: what they say is taken, what they misspell is refused with its name."""

import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed; run make setup-training")

from lulc_plugin.errors import LulcError
from training import recipe
from training.train import loop
from training.train.__main__ import changes_of
from training.train.batches import fitting
from training.train.training_data import load_training_data


def test_a_recipe_is_read(recipe_file):
    r = recipe.read(recipe_file)
    assert r.name == "toy" and r.run.steps == 6 and r.legend.names == ("Water", "Trees", "Bare")
    assert [c.name for c in r.inputs.channels] == ["red", "green", "blue", "nir", "NDVI"]
    assert [t.name for t in r.data[0].loss] == ["weighted_ce", "dice"] and r.data[0].loss[1].weight == 0.3
    assert r.checks[0].splits == ("val",)


def test_changes_from_the_command_line(recipe_file):
    changes = changes_of(["run.steps=9", "augment.noise=0.5", "name=other", "network.options={widths=[4, 4, 8]}"])
    r = recipe.read(recipe_file, changes)
    assert r.run.steps == 9 and r.data[0].augment.noise == 0.5 and r.name == "other"
    assert r.network["options"] == {"widths": [4, 4, 8]}


def test_a_base_is_overlaid_table_by_table(recipe_file):
    above = recipe_file.with_name("above.toml")
    above.write_text('base = "toy.toml"\nname = "above"\n[run]\nsteps = 11\n', encoding="utf-8")
    r = recipe.read(above)
    assert (r.name, r.run.steps, r.run.size) == ("above", 11, 32)
    above.write_text('base = "above.toml"\n', encoding="utf-8")
    with pytest.raises(LulcError, match="Does one name itself"):
        recipe.read(above)


def test_options_of_another_architecture_are_not_inherited(recipe_file):
    above = recipe_file.with_name("above.toml")
    above.write_text('base = "toy.toml"\n[network]\narchitecture = "deeplabv3"\n', encoding="utf-8")
    assert "options" in recipe.read(recipe_file).network and "options" not in recipe.read(above).network
    above.write_text(
        'base = "toy.toml"\n[network]\narchitecture = "deeplabv3"\noptions = { width = 16 }\n', encoding="utf-8"
    )
    assert recipe.read(above).network["options"] == {"width": 16}


def test_options_of_the_same_architecture_are_inherited(recipe_file):
    above = recipe_file.with_name("above.toml")
    same = recipe.read(recipe_file).network
    above.write_text(
        f'base = "toy.toml"\n[network]\narchitecture = "{same["architecture"]}"\n'
        'options = { upsampling = "transposed" }\n', encoding="utf-8",
    )  # fmt: skip
    assert recipe.read(above).network["options"] == {**same["options"], "upsampling": "transposed"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ('network={architecture="segnet"}', "segnet"),
        ('network={architecture="unet",widths=[1]}', "widths"),
        ("network.options={widht=[8,16]}", "widht"),
        ("network.options={widths=[8]}", "widths is [8]"),
        ('network={architecture="deeplabv3plus",options={detail="full",decoder=[16]}}', "decoder has 1"),
        ('network={architecture="unet",encoder="resnet18",options={widths=[8,16]}}', "widths"),
        ('network={architecture="mobile_unet",encoder="resnet18"}', "resnet18"),
        ("run.stepz=3", "stepz"),
        ("run.steps=0", "[run] steps is 0"),
        ("run.freeze_steps=5", "nothing pretrained"),
        ('run.steps="many"', "'many'"),
        ("run.score=best", "best"),
        ("augment.nose=1", "nose"),
        ('input.bands=["red","infrared"]', "infrared"),
        ('input.indices=["NDBI"]', "swir16"),
        ('legend="nowhere"', "nowhere"),
        ("optimiser.name=lion", "lion"),
        ('data=[{set="sure",loss=[{term="bce"}]}]', "bce"),
        ('data=[{set="sure",loss=[{term="dice",gamma=2}]}]', "gamma"),
        ('data=[{set="sure",loss=[{term="soft"}],teacher="nobody"}]', "nobody"),
        ('data=[{set="sure",loss=[{term="hardest_classes",classes=["Snow"]}]}]', "Snow"),
        ('check=[{set="sure",splits=["test"]}]', "test split"),
        ('network.pretrained="$LULC_NOWHERE_AT_ALL/x.pt"', "LULC_NOWHERE_AT_ALL"),
        ("run=5", "[run] is 5"),
        ("run.half=1", "true or false"),
        ("run.stepz=3", "Did you mean 'steps'?"),
        ('optimiser.schedule="cosin"', '"cosine" or "plateau" or "constant"'),
        ("run.average=2", "toy.toml: [run] average is 2"),
        (f"run.seed={2**70}", "too large"),
        ("run.average=1.0", "average is 1.0"),
        ('input="red"', "[input]"),
        ("input.bands=[1]", "[input] bands"),
        ('network="unet"', "[network]"),
        ("network.pretrained=5", "[network] pretrained is 5"),
        ("teachers=5", "[teachers]"),
        ("teachers.a=5", "[teachers] is {'a': 5}"),
        ("card=2", "[card]"),
        ("card.date=2024-01-01", "2024-01-01"),
        ("augment=1", "[augment]"),
        ("augment.holes=5", "holes is 5"),
        ("augment.noise=nan", "noise is nan"),
        ("augment.shrink_to=0.5", "shrink_to"),
        ("data=[]", "no [[data]]"),
        ('data={set="sure"}', "[[data]] is"),
        ('check={set="sure"}', "[[check]] is"),
        ('check=[{set="sure",counts="yes"}]', "counts is 'yes'"),
        ('check=[{set="sure",splits=[]}]', "names no split"),
        ('check=[{set="sure",splits=["val","more"]},{set="sure",splits=["more","val"]}]', "Two [[check]]"),
    ],
)
def test_what_cannot_be_is_refused_by_name(recipe_file, change, message):
    with pytest.raises(LulcError) as caught:
        recipe.read(recipe_file, changes_of([change]))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("set=5", "set is 5"),
        ('splits=["train","test"]', "test split must not train"),
        ('samples="two"', "samples is 'two'"),
        ("samples=2.5", "samples is 2.5"),
        ('weight="a"', "weight is 'a'"),
        ("rarity=-1", "rarity is -1. Write a number from 0"),
        ("teacher=5", "teacher is 5"),
        ("missing=5", "missing is 5"),
        ("augment=1", "augment is 1"),
        ('loss="dice"', "loss is 'dice'"),
        ('loss={term="dice"}', "loss is {"),
        ('loss=[{term=["dice"]}]', "['dice'] is unknown"),
        ('loss=[{term="dice",weight="a"}]', "weight of a term is 'a'"),
        ('loss=[{term="focal",power="x"}]', "power is 'x'"),
        ('loss=[{term="weighted_ce",smoothing=2}]', "smoothing is 2"),
        ('loss=[{term="hardest_classes",classes=5}]', "classes is 5"),
    ],
)
def test_a_part_of_the_wrong_kind_is_refused_by_name(recipe_file, change, message):
    data = {"set": "sure", "loss": [{"term": "dice"}], **changes_of([change])}
    with pytest.raises(LulcError) as caught:
        recipe.read(recipe_file, {"data": [data]})
    assert message in str(caught.value)


def test_base_is_a_name(recipe_file):
    above = recipe_file.with_name("above.toml")
    above.write_text("base = 5\n", encoding="utf-8")
    with pytest.raises(LulcError, match="base is 5"):
        recipe.read(above)


def test_one_word_is_a_list_of_one(recipe_file):
    data = {"set": "sure", "splits": "train", "loss": [{"term": "dice"}]}
    assert recipe.read(recipe_file, {"data": [data]}).data[0].splits == ("train",)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"run.size": 45}, "size is 45; this network takes multiples of 32"),
        ({"run.size": 64, "run.large": 100, "run.large_every": 2}, "large is 100"),
        ({"run.size": 32}, "a batch has one sample"),
    ],
)
def test_sizes_that_the_network_cannot_take_are_refused(recipe_file, changes, message):
    data = [{"set": "sure", "samples": 1, "loss": [{"term": "dice"}]}]
    with pytest.raises(LulcError, match=message):
        fitting(recipe.read(recipe_file, {"data": data, **changes}), 32)
    fitting(recipe.read(recipe_file, {"data": data, "run.size": 64}), 32)
    fitting(recipe.read(recipe_file, {"run.size": 32}), 32)


def test_no_batch_that_the_network_cannot_take_is_trained(recipe_file, toy, tmp_path):
    r = recipe.read(recipe_file, {"run.size": 45})
    with pytest.raises(LulcError, match="size is 45"):
        loop.run(r, load_training_data(r, toy, tmp_path), tmp_path / "run", "cpu", quiet=True)


def test_large_windows_are_no_smaller_than_usual_ones(recipe_file):
    with pytest.raises(LulcError, match="large is 0"):
        recipe.read(recipe_file, {"run.large_every": 2, "run.large": 0})


@pytest.mark.parametrize(
    ("given", "located"),
    [
        ("", ""),
        ("imagenet", "imagenet"),
        ("hub:owner/name/w.safetensors", "hub:owner/name/w.safetensors"),
        ("package:name/w.pt", "package:name/w.pt"),
        ("w.safetensors", "/r/w.safetensors"),
        ("../w.pt", "/r/../w.pt"),
        ("/w/w.pt", "/w/w.pt"),
        ("$LULC_WEIGHTS/w.pt", "/v/w.pt"),
    ],
)
def test_where_weights_lie(monkeypatch, given, located):
    monkeypatch.setenv("LULC_WEIGHTS", "/v")
    assert Path(recipe.located(given, Path("/r"))) == Path(located)


def test_a_checkpoint_needs_neither_the_legend_file_nor_the_first_weights(recipe_file, monkeypatch):
    legend = recipe_file.with_name("mine.json")
    first = recipe.read(recipe_file).legend
    legend.write_text(json.dumps(first.to_json()), encoding="utf-8")
    monkeypatch.setenv("LULC_WEIGHTS", "/v")
    r = recipe.read(recipe_file, {"legend": "mine.json", "network.pretrained": "$LULC_WEIGHTS/w.pt"})
    legend.unlink()
    monkeypatch.delenv("LULC_WEIGHTS")
    again = recipe.parse(r.table, r.folder, trained=True)
    assert again.legend == first and again.table == r.table
    with pytest.raises(LulcError, match="LULC_WEIGHTS"):
        recipe.parse(r.table, r.folder)


@pytest.fixture
def named_folders(monkeypatch):
    for name in ("LULC_WEIGHTS", "LULC_TEACHERS"):
        monkeypatch.setenv(name, "/nowhere")


def test_every_recipe_of_the_bench_is_sound(named_folders):
    files = sorted((recipe.LEGENDS.parents[1] / "training" / "configs").rglob("*.toml"))
    assert len(files) >= 5
    for path in files:
        assert recipe.read(path).data


def test_no_recipe_names_an_evaluation_set(named_folders):
    for path in (recipe.LEGENDS.parents[1] / "training" / "configs").rglob("*.toml"):
        r = recipe.read(path)
        assert not {"s2_europe_rgbn16", "deepglobe_mini"} & {d.set for d in (*r.data, *r.checks)}


def test_a_smoothing_is_completed(recipe_file):
    assert recipe.read(recipe_file).smoothing is None
    found = recipe.read(recipe_file, {"smoothing": {"radius": 8, "weight": 0.5}}).smoothing
    assert (found.radius, found.eps, found.weight, found.bands) == (8, 0.1, 0.5, ("red", "green", "blue", "nir"))
    # red usually lies between .02 and .22
    assert found.mean[0] == pytest.approx(np.log(0.02 * 0.22) / 2, abs=1e-3)
    assert found.stddev[0] == pytest.approx(np.log(11) / 4.1075, abs=1e-3)
    given = {"radius": 2, "bands": ["nir"], "mean": [-1.0], "stddev": [0.5]}
    assert recipe.read(recipe_file, {"smoothing": given}).smoothing.mean == (-1.0,)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"radius": 200}, "200"), ({"radius": 8, "bands": ["swir16"]}, "swir16"), ({"eps": 0.1}, "radius"),
        ({"radius": 8, "weigth": 1}, "weight"),
    ],
)  # fmt: skip
def test_a_wrong_smoothing_is_refused(recipe_file, table, message):
    with pytest.raises(LulcError) as caught:
        recipe.read(recipe_file, {"smoothing": table})
    assert message in f"{caught.value}"
