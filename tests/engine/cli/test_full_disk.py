# SPDX-License-Identifier: GPL-3.0-or-later
"""A disk without room: an error that says so, no traceback, and nothing left. A limit on file sizes stands for it."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

CHECKOUT = Path(__file__).resolve().parents[3]
LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), int(sys.argv[1])))
from lulc_plugin import cli
sys.exit(cli.main(sys.argv[2:]))
"""
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")


def run(limit, *words):
    command = [sys.executable, "-c", LIMITED, str(limit), *map(str, words)]
    return subprocess.run(command, check=False, cwd=CHECKOUT, capture_output=True, text=True)


@pytest.mark.parametrize("limit", [0, 100, 1000, 3000])
def test_a_map(raster, network, scene, tmp_path, limit):
    """The limits meet the lock, the stream, the copy and the files beside the map."""
    folder = tmp_path / "made"
    folder.mkdir()
    image = raster("a.tif", scene(300, 300))
    ended = run(limit, "classify", image, folder / "map.tif", "--model", network("pixel").path)
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    assert "Error: " in ended.stderr
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("kind", ["html", "csv", "json", "disagreement"])
def test_reports(raster, tmp_path, kind):
    folder = tmp_path / "made"
    folder.mkdir()
    values = (np.arange(10_000).reshape(1, 100, 100) % 7 + 1).astype(np.uint8)
    path = raster("map.tif", values, names=None, nodata=0)
    ending = "tif" if kind == "disagreement" else kind
    ended = run(300, "assess", path, path, "--design", "census", f"--{kind}", folder / f"out.{ending}")
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    assert "cannot be" in ended.stderr
    assert list(folder.iterdir()) == []
