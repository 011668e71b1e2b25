# SPDX-License-Identifier: GPL-3.0-or-later
"""The notebooks run from the first cell to the last, on less land and with fewer steps than a reader takes."""

import json
import os
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="PyTorch is not installed; run make setup-training")
pytest.importorskip("cv2", reason="OpenCV is not installed; run make setup-training")

NOTEBOOK = Path(__file__).parents[2] / "training" / "notebooks" / "first_network.ipynb"
SHORTER = {
    "--scenes 10 --size 256": "--scenes 4 --size 128",
    "STEPS = 160": "STEPS = 4",
    "--set run.steps={STEPS}": "--set run.steps={STEPS} --set run.check_every=4 --set optimiser.warm_up=1 --threads 1",
}


@pytest.fixture
def notebook():
    return json.loads(NOTEBOOK.read_text(encoding="utf-8"))


def test_the_form_is_jupyters(notebook):
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    assert len({cell["id"] for cell in notebook["cells"]}) == len(notebook["cells"])
    for cell in notebook["cells"]:
        assert cell["cell_type"] in ("code", "markdown") and isinstance(cell["source"], list)
        # what a reader's run leaves is not kept
        assert cell["cell_type"] == "markdown" or (cell["outputs"], cell["execution_count"]) == ([], None)


def test_it_runs(notebook, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(os.getcwd())
    text = "\n".join("".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code")
    for long, short in SHORTER.items():
        assert long in text
        text = text.replace(long, short)
    text = text.replace('Path("toy-notebook")', f"Path({str(tmp_path / 'toy')!r})")
    monkeypatch.chdir(NOTEBOOK.parent)
    exec(compile(text, str(NOTEBOOK), "exec"), {"__name__": "__main__"})
    shown = capsys.readouterr().out
    assert "macro F1" in shown and "val_loss" in shown
    assert (tmp_path / "toy" / "map.tif").is_file() and "verall accuracy" in shown
