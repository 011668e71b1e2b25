# SPDX-License-Identifier: GPL-3.0-or-later
"""The script behind `make test-seeds` has each row of the README's table, and options that exist."""

import importlib.util
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def seeds():
    spec = importlib.util.spec_from_file_location("seed_table", ROOT / "scripts" / "seed_table.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["seed_table"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["seed_table"]


def test_rows_are_those_of_the_table(seeds):
    assert len(seeds.abilities()) > 20
    assert set(seeds.ROWS) == set(seeds.abilities())


def test_every_row_shows_something(seeds):
    for ability, row in seeds.ROWS.items():
        assert row.commands or row.files, ability
        for command in row.commands:
            assert "{out}" not in command.format(out="x") and "{{" not in command.format(out="x"), ability


def test_a_row_that_fails_says_so(seeds, tmp_path, monkeypatch):
    # a command of Python itself: the packages of the bench may be missing where the tests run
    monkeypatch.setattr(seeds, "FOLDER", tmp_path)
    result, reason = seeds.outcome("x", seeds.Row(("json.tool {out}/nowhere",)))
    assert result == "FAILED" and "nowhere" in reason
    excused = seeds.Row(("json.tool {out}/nowhere",), excuse="No such file")
    assert seeds.outcome("x", excused)[0] == "partly skipped"
    assert seeds.outcome("x", seeds.Row((), ("gone.txt",))) == ("FAILED", "not written: gone.txt")
