# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands of the bench's README exist, with the options that they are shown with."""

import contextlib
import importlib
import io
import re
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="PyTorch is not installed; run make setup-training")

TEXT = (Path(__file__).parents[2] / "training" / "README.md").read_text(encoding="utf-8")
SHOWN = re.findall(r"python -m (lulc_plugin|training\.\w+)([^`#\n|]*)", TEXT.replace("\\\n", " "))


def helped(module: str, words: list[str]) -> str:
    """The help of a command, or of the subcommand that the first word names."""
    if module == "lulc_plugin":
        from lulc_plugin.cli import main
    else:
        main = importlib.import_module(module if module == "training.release" else f"{module}.__main__").main
    subcommand = words[:1] if module in ("lulc_plugin", "training.prepare") else []
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.suppress(SystemExit):
        main([*subcommand, "--help"])
    return out.getvalue()


@pytest.mark.parametrize(("module", "rest"), SHOWN, ids=[" ".join(s).strip() for s in SHOWN])
def test_commands_have_the_options_that_they_are_shown_with(module, rest):
    known = set(re.findall(r"--[a-z][a-z-]*", helped(module, rest.split())))
    assert known
    assert set(re.findall(r"--[a-z][a-z-]*", rest)) <= known


def test_the_set_of_the_example_can_be_exported():
    (line,) = [rest for module, rest in SHOWN if module == "training.prepare" and "--masks" in rest]
    assert "--licence" in line and "--credit" in line
