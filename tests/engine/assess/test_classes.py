# SPDX-License-Identifier: GPL-3.0-or-later
"""Which map value and which reference label are one class; class tables; names that a file tells."""

from pathlib import Path

import numpy as np
import pytest
import rasterio

from lulc_plugin.assess import MAP_B, class_table, key_of, read_class_table
from lulc_plugin.assess.classes import LEFT_OUT, SecondMap, match
from lulc_plugin.errors import LulcError
from lulc_plugin.legend import Legend, LegendClass
from lulc_plugin.raster import read_categories
from lulc_plugin.raster.map_files import category_names

LEGEND = (LegendClass(1, "Water", "#0000FF"), LegendClass(2, "Trees", "#00FF00"), LegendClass(5, "Built-up", "#FF0000"))


@pytest.mark.parametrize(
    "label, key",
    [(3, 3), (3.0, 3), ("3", 3), (" 3.0 ", 3), ("Trees ", "Trees"), (2.5, "2.5"), (None, None), ("", None), ("  ", None),  # noqa: E501
     (float("nan"), None), ("\u200b", None), ("\u00a0", None), (0, 0), ("0", 0), (np.int16(4), 4)],
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
    assert found.unknown == (11, 12)


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
    "text",
    [
        "map,reference\n1,10\n2,forest\n",
        "\ufeffMap;Reference;note\n1;10;x\n\n2;forest;y\n",
        "sep=;\nmap;reference\n1;10\n2;forest\n",
        "# of the survey\nmap\treference\n1\t10\n2\tforest\n",
        "map,reference,,\n1,10,,\n2,forest,,\n",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_table_from_a_file(tmp_path, text, encoding):
    path = tmp_path / "table.csv"
    path.write_text(text.lstrip("\ufeff") if encoding == "utf-16" else text, encoding=encoding)
    assert read_class_table(path) == ((1, 10), (2, "forest"))


def test_table_of_two_maps_from_a_file(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("map,reference,map_b\n1,10,100\n,forest,200\n2,20,\n")
    assert read_class_table(path) == ((1, 10), (2, 20))
    assert read_class_table(path, MAP_B) == ((100, 10), (200, "forest"))
    path.write_text("map,reference\n1,10\n")
    assert read_class_table(path, MAP_B) == ()


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


def test_names_that_are_nearly_those_of_the_map_are_told():
    found = match([1, 2, 5], LEGEND, ["Built up", "trees", "TreÃ©s", "5 built-up"])
    assert found.of_reference == {"Built up": 2, "trees": 1, "5 built-up": 2, "TreÃ©s": 3}
    assert found.unknown == ("TreÃ©s",)
    assert '"5 built-up" = "Built-up", "Built up" = "Built-up"' in found.warnings[0]


def test_a_wrong_encoding_is_told_with_the_one_to_set():
    legend = (*LEGEND, LegendClass(6, "Forêt", "#000000"))
    found = match([1, 6], legend, ["Water", "ForÃªt"])
    assert found.of_reference == {"Water": 0, "ForÃªt": 3} and not found.unknown
    assert '"ForÃªt" is "Forêt"' in found.warnings[0] and "encoding to UTF-8" in found.warnings[0]
    found = match([1], (LegendClass(1, "ForÃªt", "#000000"),), ["Forêt"])
    assert found.of_reference == {"Forêt": 0} and "names of the map's classes" in found.warnings[0]


def test_a_refusal_offers_what_may_be_meant():
    with pytest.raises(LulcError, match='Did you mean "Trees" for "Tree", "Water" for "Watr"') as caught:
        match([1, 2], LEGEND, ["Tree", "Watr", "W\ufffdlder"])
    assert '"W\ufffdlder" looks like' in caught.value.problem and "windows-1252" in caught.value.problem


@pytest.mark.parametrize("label", ["1_1", "1.10", "1e1"])
def test_codes_that_look_like_numbers_are_texts(label):
    found = match([1, 10, 11], (), [1, key_of(label)])
    assert found.unknown == (label,)


# ---------------------------------------------------------------- other legends with the same names

OTHERS = tuple(LegendClass(10 * c.value, c.name.upper(), "#000000") for c in LEGEND)


def test_the_same_names_with_other_values_are_joined():
    found = match([1, 2, 5], LEGEND, [10, 20, 50], OTHERS)
    assert found.of_reference == {10: 0, 20: 1, 50: 2} and not found.unknown
    assert "10 = Water (1), 20 = Trees (2), 50 = Built-up (5)" in found.warnings[0] and len(found.warnings) == 1


def test_where_names_say_other_values_a_value_alone_is_nothing():
    """Value 2 is Trees in the map; the reference's Trees are 1, and its 2 is something else."""
    reference = (LegendClass(1, "Trees", "#000000"), LegendClass(2, "Wheat", "#000000"))
    found = match([1, 2, 5], LEGEND, [1, 2, 5], reference)
    assert found.of_reference[1] == found.of_map[2]
    assert found.unknown == (2, 5)
    assert found.classes[found.of_reference[2]].name == "Wheat (2 of the reference)"


def test_names_that_are_numbers_or_stand_twice_join_nothing():
    found = match([1, 2], LEGEND, [10, 20], (LegendClass(10, "10", "#000000"),))
    assert found.unknown == (10, 20)
    twice = (*LEGEND, LegendClass(6, "trees", "#000000"))
    assert match([2, 6], twice, [20], (LegendClass(20, "Trees", "#000000"),)).unknown == (20,)


def test_a_table_goes_before_names():
    found = match([1, 2, 5], LEGEND, [10, 20, 50], OTHERS, table=((5, 20),))
    assert found.of_reference == {10: found.of_map[1], 20: found.of_map[5], 50: found.of_reference[50]}
    assert found.unknown == (50,)  # its name is that of a value that the table ties to something else


def test_a_table_may_call_the_classes_of_a_reference_raster_by_name():
    reference = (LegendClass(10, "Tree cover", "#000000"), LegendClass(5, "Houses", "#000000"))
    found = match([1, 2, 5], LEGEND, [1, 5, 10], reference, table=((2, "tree-cover"), (2, "Tree cover")))
    assert found.of_reference == {1: found.of_map[1], 5: found.of_map[5], 10: found.of_map[2]} and not found.unknown


def test_names_of_a_table_are_compared_as_those_of_a_legend():
    found = match([1, 2], (), ["Shrub_and_grass", "built up"], table=((1, "Shrub & grass"), (2, "Built–up")))
    assert found.of_reference == {"Shrub_and_grass": 0, "built up": 1}
    found = match([1, 2], (), ["built up", "Shrubs & grass"], table=((1, "Shrub & grass"), (2, "Built–up")))
    assert found.offers == {"Shrubs & grass": ["shrub & grass"]}


def test_values_within_the_names_of_another_legend():
    reference = (LegendClass(10, "10 - Trees", "#000000"), LegendClass(20, "20: water", "#000000"))
    found = match([1, 2], LEGEND, [10, 20], reference)
    assert found.of_reference == {10: 1, 20: 0}


# ---------------------------------------------------------------- two maps


def test_two_maps_of_one_legend():
    found = match([1, 2], LEGEND, [1, 2, 5], second=SecondMap([2, 5], LEGEND))
    assert found.of_second == found.of_map == {1: 0, 2: 1, 5: 2}
    assert found.only_second == () and found.warnings == ()


def test_the_second_map_has_the_same_names_for_other_values():
    found = match([1, 2, 5], LEGEND, ["water", 2], second=SecondMap([10, 50], OTHERS))
    assert found.of_second == {10: 0, 20: 1, 50: 2} and len(found.classes) == 3
    assert "The two maps have the same class names for other values" in found.warnings[0]


def test_classes_of_the_second_map_alone():
    found = match([1, 2], LEGEND, [1, 2, 7], second=SecondMap([1, 7, 8], (LegendClass(7, "Ice", "#000000"),)))
    assert found.of_second[7] == found.of_reference[7] and found.classes[found.of_second[7]].name == "Ice"
    assert found.only_second == (8,) and not found.unknown
    assert match([1], LEGEND, ["ice"], second=SecondMap([7], (LegendClass(7, "Ice", "#000000"),))).unknown == ()


def test_a_table_for_the_second_map():
    found = match([1, 2, 5], LEGEND, [1, 2, 5], second=SecondMap([10, 20], (), ((10, 1), (20, 2), (20, "built-up"))))
    assert [c.name for c in found.classes] == ["Water", "Trees + Built-up"]  # the second map does not tell them apart
    assert found.of_second == {10: 0, 20: 1} and found.of_reference == {1: 0, 2: 1, 5: 1}


def test_tables_for_both_maps():
    second = SecondMap([7, 8], (), ((7, "forest"), (8, "mud")))
    found = match([1, 2], (), ["forest", "sea", "mud"], table=((1, "sea"), (2, "forest")), second=second)
    assert found.of_second[7] == found.of_map[2] == found.of_reference["forest"]
    assert found.of_second[8] == found.of_reference["mud"] and not found.unknown


def test_names_of_the_same_value_that_contradict_each_other_in_two_maps():
    found = match([1, 2], LEGEND, [1], second=SecondMap([1, 2], (LegendClass(2, "Wheat", "#000000"),)))
    assert 'Value 2 is "Trees" in the first map and "Wheat" in the second' in found.warnings[0]
    assert found.of_second[2] == found.of_map[2]


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
