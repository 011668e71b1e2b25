# SPDX-License-Identifier: GPL-3.0-or-later
"""The arrows between the rooms of the bench point one way."""

import ast
from pathlib import Path

import pytest

BENCH = Path(__file__).parents[2] / "training"
FILES = sorted(BENCH.rglob("*.py"))
GROUND = {"progress_line", "recipe", "toml_tables", "inputs", "sets", "augment", "losses", "maps"}
ARROWS = {
    "inputs": {"toml_tables"},
    "toml_tables": set(),
    "command_line": set(),
    "progress_line": set(),
    "losses": {"toml_tables"},
    "networks": {"inputs", "toml_tables"},
    "sets": {"toml_tables"},
    "maps": {"inputs", "sets"},
    "augment": {"inputs", "sets", "toml_tables"},
    "teachers": {"augment", "inputs", "toml_tables"},
    "recipe": {"inputs", "augment", "losses", "networks", "toml_tables"},
    "prepare": {"sets", "toml_tables"},
    "train": GROUND | {"networks", "teachers", "prepare"},
    "distill": {"sets", "teachers", "recipe", "train"},
    "evaluate": GROUND | {"teachers", "train", "prepare"},
    "export": GROUND | {"networks", "train", "evaluate"},
    "cards": GROUND | {"train", "evaluate", "export"},
    "experiments": GROUND | {"networks", "train"},
    "rescore": GROUND | {"evaluate", "export", "release"},
    "release": GROUND | {"evaluate", "export", "cards", "train"},
    "toy": {"prepare"},
    "recipe_reference": GROUND | {"networks", "teachers", "export"},
    "__main__": set(),
    "__init__": set(),
}


def room(path):
    parts = path.relative_to(BENCH).with_suffix("").parts
    return parts[0]


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(BENCH)))
def test_arrows(path):
    here = path.relative_to(BENCH).parent.parts
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            assert not any(alias.name.split(".")[0] in ("qgis", "training", "algorithms") for alias in node.names)
        if not isinstance(node, ast.ImportFrom):
            continue
        if node.level == 0:
            assert node.module.split(".")[0] not in ("qgis", "training", "algorithms")
            continue
        base = (*here[: len(here) - node.level + 1], *(node.module.split(".") if node.module else ()))
        targets = [base[0]] if base else [alias.name for alias in node.names]
        for target in targets:
            assert target in {room(path), "command_line"} | ARROWS[room(path)], f"{room(path)} → {target}"


def test_file_names_occur_once():
    names = [p.name for p in FILES if p.name not in ("__init__.py", "__main__.py", "command.py")]
    assert sorted(names) == sorted(set(names))


def test_first_lines():
    assert len(FILES) > 60
    for path in FILES:
        assert path.read_text(encoding="utf-8").startswith('# SPDX-License-Identifier: GPL-3.0-or-later\n"""')
