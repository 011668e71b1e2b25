# SPDX-License-Identifier: GPL-3.0-or-later
"""Recipes: what they say is taken, what they misspell is refused with its name."""

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed; run make setup-training")

from lulc_plugin.errors import LulcError  # noqa: E402
from training import recipe  # noqa: E402
from training.train.__main__ import changes_of  # noqa: E402


def test_a_recipe_is_read(recipe_file):
    r = recipe.read(recipe_file)
    assert r.name == "toy" and r.run.steps == 6 and r.legend.names == ("Water", "Trees", "Bare")
    assert [c.name for c in r.inputs.channels] == ["red", "green", "blue", "nir", "NDVI"]
    assert [t.name for t in r.data[0].loss] == ["weighted_ce", "dice"] and r.data[0].loss[1].weight == 0.3
    assert r.checks[0].splits == ("val",)


def test_changes_from_the_command_line(recipe_file):
    changes = changes_of(["run.steps=9", "augment.noise=0.5", "name=other", 'network.options={widths=[4, 4, 8]}'])
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


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("run.stepz=3", "stepz"),
        ("run.steps=0", "steps 0"),
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
    ],
)
def test_what_cannot_be_is_refused_by_name(recipe_file, change, said):
    with pytest.raises(LulcError) as caught:
        recipe.read(recipe_file, changes_of([change]))
    assert said in str(caught.value)


def test_every_recipe_of_the_bench_is_sound(monkeypatch):
    monkeypatch.setenv("LULC_WEIGHTS", "/nowhere")
    files = sorted((recipe.LEGENDS.parents[1] / "training" / "configs").rglob("*.toml"))
    assert len(files) >= 5
    for path in files:
        assert recipe.read(path).data


def test_no_recipe_names_an_evaluation_set(monkeypatch):
    monkeypatch.setenv("LULC_WEIGHTS", "/nowhere")
    for path in (recipe.LEGENDS.parents[1] / "training" / "configs").rglob("*.toml"):
        r = recipe.read(path)
        assert not {"s2_europe_rgbn16", "deepglobe_mini"} & {d.set for d in (*r.data, *r.checks)}
