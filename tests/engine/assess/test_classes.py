# SPDX-License-Identifier: GPL-3.0-or-later
"""Which map value and which reference label are one class; class tables; names that a file tells."""

from pathlib import Path

import numpy as np
import pytest
import rasterio

from lulc_plugin.assess import class_table, key_of, read_class_table
from lulc_plugin.assess.classes import LEFT_OUT, match
from lulc_plugin.errors import LulcError
from lulc_plugin.legend import Legend, LegendClass
from lulc_plugin.raster import read_categories
from lulc_plugin.raster.map_files import category_names

LEGEND = (LegendClass(1, "Water", "#0000FF"), LegendClass(2, "Trees", "#00FF00"), LegendClass(5, "Built-up", "#FF0000"))


@pytest.mark.parametrize(
    "label, key",
    [(3, 3), (3.0, 3), ("3", 3), (" 3.0 ", 3), ("Trees ", "Trees"), (2.5, "2.5"), (None, None), ("", None), ("  ", None),  # noqa: E501
     (float("nan"), None), (0, 0), ("0", 0), (np.int16(4), 4)],
)  # fmt: skip
def test_labels_have_one_form(label, key):
    assert key_of(label) == key


def test_names_match_without_regard_to_case_and_spaces():
    found = match([1, 2], LEGEND, ["water", "TREES", "built-up"])
    assert [c.name for c in found.classes] == ["Water", "Trees", "Built-up"]
    assert found.of_reference == {"water": 0, "TREES": 1, "built-up": 2}
    assert found.unknown == ()


def test_classes_are_the_sorted_union_of_legend_map_and_reference():
    found = match([5, 7], LEGEND, [1, 9, 3])
    assert [c.value for c in found.classes] == [1, 2, 3, 5, 7, 9]
    assert [c.known for c in found.classes] == [True, True, False, True, True, False]
    assert found.classes[5].label == "9 (not in legend)"
    assert found.classes[0].label == "Water (1)"
    assert found.unknown == (3, 9)
    assert "3, 9" in found.warnings[0] and "count as errors" in found.warnings[0]


def test_unknown_classes_can_be_left_out_or_stop():
    found = match([1], LEGEND, [1, 9], unknown="exclude")
    assert found.of_reference == {1: 0, 9: LEFT_OUT}
    assert [c.value for c in found.classes] == [1, 2, 5]
    with pytest.raises(LulcError, match="1 of the 2 reference classes is not in the map's legend: 9"):
        match([1], LEGEND, [1, 9], unknown="stop")


def test_texts_that_match_nothing_are_refused_with_both_sides():
    with pytest.raises(
        LulcError, match=r"None of the 2 .*forest, sea. The map has: 1 Water, 2 Trees, 5 Built-up.*class_table"
    ):
        match([1], LEGEND, ["sea", "forest"])


def test_numbers_that_match_nothing_are_counted_as_errors():
    found = match([1, 2], (), [11, 12])
    assert [c.value for c in found.classes] == [1, 2, 11, 12]
    assert "None of the reference classes (11, 12) is one of the map" in found.warnings[0]


def test_table_translates_and_merges():
    table = class_table(["1.0", "10", 2.0, "forest", 5, "forest"])
    assert table == ((1, 10), (2, "forest"), (5, "forest"))
    found = match([1, 2, 5], LEGEND, [10, "Forest"], table=table)
    assert [(c.value, c.name) for c in found.classes] == [(1, "Water"), (2, "forest")]
    assert found.of_map == {1: 0, 2: 1, 5: 1}
    assert found.of_reference == {10: 0, "Forest": 1}


def test_several_reference_classes_can_be_one_map_class():
    found = match([1, 2], LEGEND, [10, 11, 20], table=((1, 10), (1, 11), (2, 20)))
    assert found.of_reference == {10: 0, 11: 0, 20: 1}
    assert found.classes[0].name == "Water"


def test_labels_that_a_table_lacks():
    """A table that only says what differs is enough, but a map value that it has is not matched again."""
    found = match([1, 2], LEGEND, [10, 2, "built-up"], table=((1, 10),))
    assert found.of_reference[2] == found.of_map[2]
    assert found.of_reference["built-up"] == found.of_map[5]
    assert any("no row for the reference classes 2, built-up" in w for w in found.warnings)
    found = match([1, 2], LEGEND, [10, 2], table=((1, 10), (2, 20)))
    assert found.of_reference[2] != found.of_map[2]
    assert found.unknown == (2,)
    unknown = found.classes[found.of_reference[2]]
    assert not unknown.known and unknown.value is None and "reference" in unknown.name


def test_names_that_are_numbers():
    """CORINE: class 1 is called 111."""
    legend = (LegendClass(1, "111", "#000000"), LegendClass(2, "112", "#000000"), LegendClass(3, "1", "#000000"))
    found = match([1, 2, 3], legend, [key_of("111"), key_of("112")])
    assert found.of_reference == {111: 0, 112: 1} and not found.unknown
    assert match([1, 2, 3], legend, [1]).of_reference == {1: 0}  # a value goes before a name


def test_names_that_contradict_each_other_are_told():
    found = match([1, 2], LEGEND, [1, 2], (LegendClass(1, "water", "#000000"), LegendClass(2, "Wheat", "#000000")))
    assert len(found.warnings) == 1
    assert 'Value 2 is "Trees" in the map and "Wheat" in the reference' in found.warnings[0]


def test_a_name_of_two_classes_is_refused():
    legend = (*LEGEND, LegendClass(6, "trees", "#000000"))
    with pytest.raises(LulcError, match="2 classes of the map"):
        match([1], legend, ["Trees"])
    match([1], legend, [1, 2])  # nobody asks for the name


@pytest.mark.parametrize(
    "cells, words",
    [
        ([1, 2, 3], "3 cells"),
        ([1.5, 2], "1.5"),
        (["x", 2], "'x'"),
        ([1, None], "no reference value"),
        ([1, " "], "no ref"),
    ],
)
def test_bad_tables(cells, words):
    with pytest.raises(LulcError, match=words):
        class_table(cells)


def test_empty_rows_of_the_dialog_are_skipped():
    assert class_table([None, None, 1, 2, "", ""]) == ((1, 2),)


@pytest.mark.parametrize(
    "text", ["map,reference\n1,10\n2,forest\n", "\ufeffMap;Reference;note\n1;10;x\n\n2;forest;y\n"]
)
def test_table_from_a_file(tmp_path, text):
    path = tmp_path / "table.csv"
    path.write_text(text, encoding="utf-8")
    assert read_class_table(path) == ((1, 10), (2, "forest"))


def test_bad_table_files(tmp_path):
    path = tmp_path / "table.csv"
    with pytest.raises(LulcError, match="cannot be read"):
        read_class_table(path)
    path.write_text("a,b\n1,2\n")
    with pytest.raises(LulcError, match="lacks the columns map and reference; its columns are: 'a', 'b'"):
        read_class_table(path)
    path.write_bytes(b"map,reference\n1,\xff\n")
    with pytest.raises(LulcError, match="UTF-8"):
        read_class_table(path)


# ---------------------------------------------------------------- names in files


def raster(folder: Path, tags=None, colours=None):
    path = folder / "map.tif"
    with rasterio.open(path, "w", driver="GTiff", width=2, height=2, count=1, dtype="uint8", crs="EPSG:32633",
                       transform=rasterio.Affine(10, 0, 0, 0, -10, 0)) as made:  # fmt: skip
        made.write(np.ones((1, 2, 2), np.uint8))
        if colours:
            made.write_colormap(1, colours)
        made.update_tags(**(tags or {}))
    return path


def test_names_from_our_own_metadata(tmp_path):
    path = raster(tmp_path, {"LULC_CLASSES": '{"1": "Water", "2": "Trees"}'}, {1: (1, 2, 255), 2: (0, 255, 0)})
    assert read_categories(str(path)) == (LegendClass(1, "Water", "#0102FF"), LegendClass(2, "Trees", "#00FF00"))


def test_names_from_gdals_side_file(tmp_path):
    path = raster(tmp_path)
    legend = Legend.of((LegendClass(1, 'A & "B" <c>', "#000000"), LegendClass(3, "Ü", "#000000")))
    path.with_name("map.tif.aux.xml").write_text(category_names(legend), encoding="utf-8")
    assert [(c.value, c.name) for c in read_categories(str(path))] == [(1, 'A & "B" <c>'), (3, "Ü")]


@pytest.mark.parametrize(
    "tags", [{}, {"LULC_CLASSES": "{"}, {"LULC_CLASSES": "[1]"}, {"LULC_CLASSES": '{"-1": "x", "2": ""}'}]
)
def test_no_names(tmp_path, tags):
    assert read_categories(str(raster(tmp_path, tags))) == ()
    assert read_categories(str(tmp_path / "map.tif"), 2) == ()
