# SPDX-License-Identifier: GPL-3.0-or-later
"""The page and the schema of recipe keys are those of the code, and the schema takes every recipe of the bench."""

import json
from pathlib import Path

import pytest
import tomllib

pytest.importorskip("torch", reason="PyTorch is not installed; run make setup-training")

from training import recipe, recipe_reference

CONFIGS = sorted((Path(recipe_reference.__file__).parent / "configs").rglob("*.toml"))


def test_page_and_schema_are_those_of_the_code():
    hint = "run python -m training.recipe_reference"
    assert recipe_reference.PAGE.read_text(encoding="utf-8") == recipe_reference.page(), hint
    assert json.loads(recipe_reference.SCHEMA.read_text(encoding="utf-8")) == json.loads(
        json.dumps(recipe_reference.schema())
    ), hint


def test_the_file_has_the_tables_that_are_read():
    read = {f.name for f in recipe_reference.fields(recipe._Tables)}
    assert {f.name for f in recipe_reference.fields(recipe_reference.RecipeFile)} == {*read, "base"}


def test_every_key_of_a_dataclass_is_said_in_words():
    for heading, kind in recipe_reference.TABLES.items():
        said = recipe_reference.words_of(kind)
        lacking = [f.name for f in recipe_reference.fields(kind) if f.init and f.name not in said]
        assert not lacking, heading


@pytest.fixture(scope="module")
def validator():
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    return jsonschema.Draft7Validator(recipe_reference.schema())


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_the_schema_takes_the_recipes(path, validator):
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    assert [error.message[:200] for error in validator.iter_errors(table)] == []


@pytest.mark.parametrize(
    "text",
    [
        "[run]\nstepz = 3",
        "[run]\nsteps = 0",
        "[network]\narchitecture = 'segnet'",
        "[[data]]\nset = 'x'\nloss = [{term='dicee'}]",
        "[[data]]\nset = 'x'\nloss = [{term='dice', gamma=2.0}]",
        "nose = 1",
    ],
)
def test_the_schema_refuses_what_the_bench_refuses(text, validator):
    assert list(validator.iter_errors(tomllib.loads(text)))
