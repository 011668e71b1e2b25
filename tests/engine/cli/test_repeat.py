# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m lulc_plugin repeat MAP [OUT]`."""

import pytest
import rasterio

from lulc_plugin import cli


@pytest.fixture
def made(raster, network, classify, scene):
    return classify(raster("in.tif", scene(60, 60)), network())


def test_the_same_again(made, tmp_path, capsys):
    out = tmp_path / "again.tif"
    assert cli.main(["repeat", str(made.path), str(out), "--threads", "1"]) == 0
    assert "the same: all 3,600 pixels" in capsys.readouterr().out
    assert out.is_file()


def test_other_pixels_are_counted(made, tmp_path, capsys):
    with rasterio.open(made.path, "r+", IGNORE_COG_LAYOUT_BREAK="YES") as opened:
        values = opened.read(1)
        values[0, 0] = 0
        opened.write(values, 1)
    assert cli.main(["repeat", str(made.path)]) == 1
    said = capsys.readouterr()
    assert "different: 1 of 3,600 pixels" in said.out and "edited" in said.out
    assert "only compared, and is removed" in said.err


def test_what_has_changed_names_the_options_of_the_shell(made, raster, scene, tmp_path, capsys):
    raster("in.tif", scene(60, 60, seed=3))
    assert cli.main(["repeat", str(made.path)]) == 1
    assert "--anyway" in capsys.readouterr().err
    assert cli.main(["repeat", str(made.path), "--anyway"]) == 1
    (tmp_path / "in.tif").rename(tmp_path / "b.tif")
    assert cli.main(["repeat", str(made.path)]) == 1
    said = capsys.readouterr().err
    assert "--input" in said and "--statistics-from" in said and "--model" in said
