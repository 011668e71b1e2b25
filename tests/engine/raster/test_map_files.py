# SPDX-License-Identifier: GPL-3.0-or-later
"""A map is never shown with the names or the style of another one, wherever a run is stopped."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine

from lulc_plugin import unfinished
from lulc_plugin.errors import FileNotWritten, LulcError
from lulc_plugin.legend import Legend, LegendClass
from lulc_plugin.progress import Progress
from lulc_plugin.raster import MapWriter, check_target, map_files

CHECKOUT = Path(__file__).resolve().parents[3]
UTM = Affine(30, 0, 500_000, 0, -30, 9_120_000)
BESIDE = {"map.tif", "map.tif.aux.xml", "map.qml"}
OLD = Legend.of([LegendClass(1, "Building", "#FF0000")])
NEW = Legend.of([LegendClass(1, "Water", "#0000FF")])


def listing(folder):
    return {p.name for p in folder.iterdir()}


def write_map(path, legend, progress=None):
    with MapWriter(path, (20, 30), UTM, None, legend, "x") as writer:
        writer.write(0, np.ones((20, 30), np.uint8))
        writer.finish({"LULC_WHICH": legend.classes[0].name}, progress or Progress())


def which(path):
    """Name of the class in the raster itself."""
    with rasterio.open(path) as opened:
        return opened.tags()["LULC_WHICH"]


def names_beside(folder):
    """Names of classes that the files beside the map tell."""
    texts = [(folder / n).read_text() for n in ("map.tif.aux.xml", "map.qml") if (folder / n).is_file()]
    return {name for name in ("Building", "Water") for text in texts if name in text}


RENAMES = 9  # more than a replaced map with names, style, overviews and a mask takes


@pytest.mark.parametrize("done", [False, True], ids=["instead of the rename", "after the rename"])
@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
@pytest.mark.parametrize("at", range(RENAMES))
def test_an_error_at_each_rename(tmp_path, monkeypatch, at, error, done):
    write_map(tmp_path / "map.tif", OLD)
    for ending in (".ovr", ".msk"):
        (tmp_path / f"map.tif{ending}").write_text("old")
    replace, calls = os.replace, []

    def failing(source, target):
        calls.append(target)
        if len(calls) == at + 1:
            if done:
                replace(source, target)
            raise error("on purpose")
        replace(source, target)

    monkeypatch.setattr(map_files.os, "replace", failing)
    failed = False
    try:
        write_map(tmp_path / "map.tif", NEW)
    except (FileNotWritten, KeyboardInterrupt):
        failed = True
    assert failed == (at < 7)
    assert names_beside(tmp_path) <= {which(tmp_path / "map.tif")}
    assert {name for name in listing(tmp_path) if name.startswith(".")} == set()
    if which(tmp_path / "map.tif") == "Building" and not done:
        assert listing(tmp_path) == BESIDE | {"map.tif.ovr", "map.tif.msk"}


KILLED = """
import os, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
sys.path.insert(0, str(Path(sys.argv[1]) / "tests" / "engine" / "raster"))
import test_map_files as tests
replace, calls = os.replace, []
def killing(source, target):
    calls.append(target)
    if len(calls) == int(sys.argv[3]):
        os._exit(9)
    replace(source, target)
tests.map_files.os.replace = killing
tests.write_map(Path(sys.argv[2]) / "map.tif", tests.NEW)
"""


@pytest.mark.parametrize("at", range(1, 6))
def test_a_kill_at_each_rename(tmp_path, at):
    write_map(tmp_path / "map.tif", OLD)
    code = subprocess.run([sys.executable, "-c", KILLED, str(CHECKOUT), str(tmp_path), str(at)], check=False).returncode
    assert code == 9
    assert names_beside(tmp_path) <= {which(tmp_path / "map.tif")}
    assert which(tmp_path / "map.tif") == ("Building" if at <= 3 else "Water")
    write_map(tmp_path / "map.tif", NEW)
    assert listing(tmp_path) == BESIDE
    assert names_beside(tmp_path) == {"Water"}


def test_an_interrupt_while_the_names_change_ends_with_a_whole_map(tmp_path, monkeypatch):
    """Ctrl-C reaches the main thread only; what it waits for is done first, and is told of as written."""
    import _thread

    replace = os.replace

    def interrupting(source, target):
        if str(target).endswith("map.tif"):
            _thread.interrupt_main()
        replace(source, target)

    monkeypatch.setattr(map_files.os, "replace", interrupting)
    unfinished.forget_written()
    with pytest.raises(KeyboardInterrupt):
        write_map(tmp_path / "map.tif", NEW)
    assert listing(tmp_path) == BESIDE
    assert unfinished.written() == (tmp_path / "map.tif",)


# ---------------------------------------------------------------- whose style it is


def test_a_style_of_the_user_is_kept_and_told(tmp_path, recorder):
    write_map(tmp_path / "map.tif", OLD)
    (tmp_path / "map.qml").write_text("<qgis>my colours</qgis>")
    (tmp_path / "map.qml.bak").write_text("an older one")
    progress = recorder()
    write_map(tmp_path / "map.tif", NEW, progress)
    assert (tmp_path / "map.qml.bak2").read_text() == "<qgis>my colours</qgis>"
    assert (tmp_path / "map.qml.bak").read_text() == "an older one"
    assert "Water" in (tmp_path / "map.qml").read_text()
    assert any("map.qml.bak2" in line for line in progress.warnings)


def test_a_style_of_the_user_stays_when_the_map_cannot_be_renamed(tmp_path, monkeypatch):
    (tmp_path / "map.qml").write_text("<qgis>my colours</qgis>")
    replace = os.replace

    def refusing(source, target):
        if str(target).endswith("map.tif"):
            raise PermissionError("it is open")
        replace(source, target)

    monkeypatch.setattr(map_files.os, "replace", refusing)
    with pytest.raises(FileNotWritten, match="it is open"):
        write_map(tmp_path / "map.tif", NEW)
    assert listing(tmp_path) == {"map.qml"}
    assert (tmp_path / "map.qml").read_text() == "<qgis>my colours</qgis>"


@pytest.mark.parametrize("other", ["map.jp2", "map.vrt", "map.gpkg", "map.tiff"])
def test_the_style_of_another_layer_is_not_taken(tmp_path, other):
    (tmp_path / other).write_text("another layer")
    check_target(tmp_path / "map.tif")
    (tmp_path / "map.qml").write_text("<qgis>its colours</qgis>")
    with pytest.raises(LulcError, match=other):
        check_target(tmp_path / "map.tif")


def test_the_style_of_another_map_of_ours_is_not_taken(tmp_path):
    write_map(tmp_path / "map.tiff", OLD)
    with pytest.raises(LulcError, match=r"map\.tiff"):
        check_target(tmp_path / "map.tif")
    check_target(tmp_path / "map.tiff")
    (tmp_path / "map.tiff").rename(tmp_path / "map.tif")
    check_target(tmp_path / "map.tif")


@pytest.mark.parametrize("name", ["a--b.tif", "k\u00e4rtchen \u6c34 & co.tif", "a b>.tif"])
def test_a_style_says_whose_it_is(tmp_path, name):
    import xml.etree.ElementTree as ET

    write_map(tmp_path / name, OLD)
    style = (tmp_path / name).with_suffix(".qml")
    assert map_files._owner(style) == name
    ET.parse(style)


def test_a_folder_where_a_side_file_has_to_be_is_refused(tmp_path):
    (tmp_path / "map.tif.aux.xml").mkdir()
    with pytest.raises(LulcError, match="is a folder"):
        check_target(tmp_path / "map.tif")
