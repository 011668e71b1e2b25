# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands together: remedies are options of the command, a result is printed once, help, version."""

import io
import re

import numpy as np
import pytest

from lulc_plugin import cli
from lulc_plugin.options import option
from lulc_plugin.progress import ConsoleProgress
from lulc_plugin.raster import open_dataset


@pytest.fixture
def unnamed(tmp_path):
    path = tmp_path / "in.tif"
    with open_dataset(path, "w", driver="GTiff", height=40, width=40, count=6, dtype="uint8") as made:
        made.write(np.random.default_rng(1).integers(1, 255, (6, 40, 40), dtype=np.uint8))
    return str(path)


@pytest.fixture
def class_map(tmp_path):
    path = tmp_path / "map.tif"
    with open_dataset(path, "w", driver="GTiff", height=20, width=20, count=1, dtype="uint8", crs="EPSG:32633") as made:
        made.write(np.repeat(np.array([[1] * 12 + [2] * 8], np.uint8), 20, axis=0), 1)
    return str(path)


@pytest.mark.parametrize("bands", [[], ["--bands", "9,2,1,4"]])
def test_bands(unnamed, tmp_path, capsys, bands):
    assert cli.main(["classify", unnamed, str(tmp_path / "out.tif"), *bands]) == 1
    error = capsys.readouterr().err
    assert "--bands 3,2,1,4" in error
    assert not re.search("BANDS|Set Bands|semicolon|QGIS", error), error


@pytest.mark.parametrize("option", ["--html", "--csv", "--json", "--disagreement"])
def test_outputs(class_map, capsys, tmp_path, option):
    assert cli.main(["assess", class_map, class_map, option, str(tmp_path / "nodir" / "x.tif")]) == 1
    error = capsys.readouterr().err
    assert f"Error: {option}: the folder " in error and "OUTPUT" not in error


def test_warnings_and_the_result_once(class_map, tmp_path, capsys):
    points = tmp_path / "p.csv"
    points.write_text("x,y,ref_class\n" + "".join(f"{i}.5,-3.5,1\n" for i in range(20)))
    with open_dataset(class_map, "r+") as made:
        made.transform = type(made.transform)(1, 0, 0, 0, -1, 0)
    for command in (["assess", class_map], ["compare", class_map, class_map]):
        assert cli.main([*command, str(points), "--crs", "EPSG:32633"]) == 0
        said = capsys.readouterr()
        both = said.out + said.err
        assert both.count("Not a probability sample") == 1
        assert len(re.findall("overall accuracy", both, re.I)) == 1
        assert len(re.findall("kappa", both, re.I)) == 1
        assert "Warning: " in said.err and "--design simple" in said.err
        assert "DESIGN" not in both
        assert "the map is not resampled" in said.err


def test_a_run_in_the_shells_words():
    stream = io.StringIO()
    progress = ConsoleProgress(stream)
    progress.log(f"{option('extent')} is large")
    progress.warn(f"set {option('bands')}")
    progress.conclude("the result")
    assert stream.getvalue() == "--extent is large\nWarning: set --bands\n"


# ---------------------------------------------------------------- check, help, version


def test_a_check_that_fails(unnamed, capsys):
    assert cli.main(["check", unnamed]) == 1
    out = capsys.readouterr().out
    assert "FAIL  " in out and "--bands 3,2,1,4" in out and "BANDS" not in out
    assert cli.main(["check", unnamed, "--json"]) == 1
    assert '"error"' in capsys.readouterr().out


@pytest.mark.parametrize(
    "started, name",
    [("/opt/bin/lulc", "lulc"), ("lulc.exe", "lulc"), ("lulc_plugin/__main__.py", "python -m lulc_plugin")],
)
def test_its_own_name(monkeypatch, capsys, started, name):
    monkeypatch.setattr("sys.argv", [started])
    for words in (["--help"], ["check", "--help"]):
        with pytest.raises(SystemExit) as caught:
            cli.main(words)
        assert caught.value.code == 0
        out = capsys.readouterr().out
        assert out.startswith(f"usage: {name} ")
    assert "1 after a FAIL" in out


def test_version(capsys):
    from lulc_plugin.provenance import plugin_version

    with pytest.raises(SystemExit) as caught:
        cli.main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"{plugin_version()}\n"
