# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts of strangers in messages: short, and without what moves a cursor, hides or turns."""

import io

import pytest

from lulc_plugin import cli
from lulc_plugin.assess import ReferenceFeature, read_class_table
from lulc_plugin.errors import LulcError
from lulc_plugin.options import PYTHON, QGIS, SHELL
from lulc_plugin.progress import ConsoleProgress
from lulc_plugin.visible_text import visible_text

LONG = "L" * 100_000
POINT = {"type": "Point", "coordinates": (0, 0)}
UNSEEN = "\x1b[31m\u202e\u2066\u200b\x07\x7f\ufeff"


@pytest.mark.parametrize("door", [QGIS, SHELL, PYTHON])
def test_no_message_is_endless(door):
    error = LulcError(f"The label {LONG} is wrong.", "Mend it.")
    assert len(error.shown_at(door)) < 4000
    assert error.shown_at(door).endswith("Mend it.")


def test_labels_of_a_reference_are_names():
    ReferenceFeature(POINT, "n" * 200, "1", "s" * 200)
    for label, stratum in ((LONG, None), ("a", LONG), ("n" * 201, None)):
        with pytest.raises(LulcError, match="reference unit 17.* has (100,000|201) characters") as caught:
            ReferenceFeature(POINT, label, "17", stratum)
        assert len(str(caught.value)) < 400
    with pytest.raises(LulcError, match="100,000 characters"):
        ReferenceFeature(POINT, LONG, LONG)


@pytest.mark.parametrize(
    "text", [f"map,reference\n1,{LONG}\n", f"map,reference\n{LONG},Water\n", f"{LONG},reference\n1,2\n"]
)
def test_cells_of_a_class_table_are_names(tmp_path, text):
    (tmp_path / "table.csv").write_text(text)
    with pytest.raises(LulcError) as caught:
        read_class_table(tmp_path / "table.csv")
    assert len(str(caught.value)) < 500


def test_a_byte_order_mark_in_a_class_table(tmp_path):
    (tmp_path / "table.csv").write_text("map,reference\n1,Water\n", encoding="utf-8-sig")
    assert read_class_table(tmp_path / "table.csv") == ((1, "Water"),)


def test_nothing_moves_the_cursor_of_a_terminal(capsys, raster, scene, tmp_path):
    stream = io.StringIO()
    shown = ConsoleProgress(stream)
    shown.log(f"layer {UNSEEN}")
    shown.warn(UNSEEN)
    path = raster("in.tif", scene(30, 30), names=tuple(f"{UNSEEN}{i}" for i in range(4)))
    cli.main(["check", path])
    cli.main(["check", path, "--json"])
    cli.main(["classify", path, str(tmp_path / f"{UNSEEN}.tif"), "--model", f"{UNSEEN}.onnx"])
    said = capsys.readouterr()
    for text in (stream.getvalue(), said.out, said.err):
        assert len(text) > 20 and visible_text(text) == text


@pytest.mark.parametrize("text", ["Ünïcode ελληνικά 森林", "پوشش\u200cگیاهی", "क्\u200dष", "a\tb\nc", "👩\u200d🌾"])
def test_texts_in_every_script_stay(text):
    assert visible_text(text) == text


def test_names_of_bands_are_short(raster, scene, capsys):
    path = raster("in.tif", scene(30, 30), names=tuple(f"{LONG}{i}" for i in range(4)))
    for words in (["check", path], ["check", path, "--json"], ["classify", path, "out.tif"]):
        assert cli.main(words) == 1 or words[0] == "check"
        said = capsys.readouterr()
        assert len(said.out) + len(said.err) < 8000


def test_a_name_that_is_too_long_for_a_file(raster, scene, capsys, tmp_path):
    path = raster("in.tif", scene(30, 30))
    assert cli.main(["classify", path, str(tmp_path / ("x" * 300 + ".tif"))]) == 1
    assert cli.main(["classify", path, str(tmp_path / "a\0b.tif")]) == 1
    for option in ("--html", "--csv", "--json", "--disagreement"):
        assert cli.main(["assess", path, path, option, str(tmp_path / ("x" * 300 + ".tif"))]) == 1
    assert capsys.readouterr().err.count("cannot be a file") == 6
