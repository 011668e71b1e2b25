# SPDX-License-Identifier: GPL-3.0-or-later
"""DATA.md speaks of every set that a recipe names, with the licence that its description has; the splits are there."""

import csv
import re
from pathlib import Path

import pytest
import tomllib

BENCH = Path(__file__).parents[2] / "training"
PAGE = (BENCH / "DATA.md").read_text(encoding="utf-8")
SETS = sorted((BENCH / "sets").glob("*.toml"))
CSVS = sorted((BENCH / "sets" / "splits").glob("*.csv"))


def rows(path):
    with open(path, newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


#: Sets that commands of the bench write: made-up land, and what a teacher labelled.
MADE = {"toy", "s2_labelled"}


def test_every_set_of_a_recipe_is_there():
    named = set()
    for path in (BENCH / "configs").rglob("*.toml"):
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        named |= {part["set"] for key in ("data", "check") for part in table.get(key, ())}
    named -= MADE
    assert named <= {path.stem for path in SETS}
    assert {path.stem for path in CSVS} == named


@pytest.mark.parametrize("path", SETS, ids=lambda path: path.stem)
def test_the_page_says_what_the_description_says(path):
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    (section,) = re.findall(rf"^## {path.stem}\b.*?(?=^## )", PAGE, re.MULTILINE | re.DOTALL)
    repository = re.match(r"https://github\.com/(.+)", table.get("url", ""))
    if repository:
        assert repository[1] in section
    licence = table["licence"].replace("CC-BY-4.0", "CC BY 4.0")
    for word in ("MIT", "CC0", "CDLA-Permissive-1.0", "CC BY 4.0"):
        if word in licence:
            assert word in section
    if "none stated" in licence:
        assert "none" in section or "No licence" in section


@pytest.mark.parametrize("path", CSVS, ids=lambda path: path.stem)
def test_splits_are_by_place(path):
    table = tomllib.loads((BENCH / "sets" / f"{path.stem}.toml").read_text(encoding="utf-8"))
    listed_rows = rows(path)
    assert f"| {len(listed_rows)} of" in PAGE
    column = table.get("place", "")
    if column:
        splits = {}
        for row in listed_rows:
            splits.setdefault(row[column], set()).add(row["split"])
        assert all(len(names) == 1 for names in splits.values())
    assert len({row["file"] for row in listed_rows}) == len(listed_rows)
