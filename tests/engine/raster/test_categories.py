# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of classes from wherever a file keeps them; side files may be anybody's."""

import time

import numpy as np
import pytest
import rasterio
import rasterio.shutil

from lulc_plugin.legend import Legend, LegendClass
from lulc_plugin.raster import RasterInput, classes_of, read_categories


@pytest.fixture
def named(raster, tmp_path):
    """`named(text, band)`: names that a side file with this text gives to a band."""

    def read(text, band=1):
        layer = raster("a.tif", np.ones((2, 5, 5), np.uint8), names=None)
        (tmp_path / "a.tif.aux.xml").write_text(text, encoding="utf-8")
        return {c.value: c.name for c in read_categories(layer, band)}

    return read


def band(number, body):
    return f"<PAMRasterBand {number}><CategoryNames>{body}</CategoryNames></PAMRasterBand>"


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ("<Category>water</Category><Category>a &lt; b</Category>", {0: "water", 1: "a < b"}),
        ("<Category/>\n  <Category />\n <Category>rock</Category>", {2: "rock"}),
        ("<Category></Category><Category>rock</Category>", {1: "rock"}),
        ("", {}),
    ],
)
def test_names(named, body, names):
    assert named("<PAMDataset>" + band('band="1"', body) + "</PAMDataset>") == names


def test_the_names_of_the_band_that_is_asked_for(named):
    text = band('band="1"', "<Category>one</Category>") + band('name="x" band="2" ', "<Category>two</Category>")
    assert named(f"<PAMDataset>{text}</PAMDataset>", 1) == {0: "one"}
    assert named(f"<PAMDataset>{text}</PAMDataset>", 2) == {0: "two"}


HOSTILE = {
    "bands without end": '<VRTRasterBand band="1">',
    "bands without a number": "<VRTRasterBand ",
    "numbers of many digits": '<VRTRasterBand band="' + "9" * 5000 + '"></VRTRasterBand>',
    "fields without end": "<FieldDefn><Name>",
    "rows": "<Row><F>1</F>",
    "names without end": "<CategoryNames>",
    "classes without end": "<Category>",
    "blanks": " " * 1000,
    "classes with blanks": "<Category" + " " * 1000,
    "ampersands": "&" * 1000,
}


@pytest.mark.parametrize("inside", [False, True])
@pytest.mark.parametrize("kind", HOSTILE)
def test_a_large_hostile_description_takes_no_long_time(kind, inside):
    """GDAL is left out: it is the engine's own reading that is measured."""
    from lulc_plugin.raster import categories

    text = HOSTILE[kind] * (7_900_000 // len(HOSTILE[kind]))
    tags = ("CategoryNames", "GDALRasterAttributeTable") if inside else ("", "")
    for tag in tags:
        start, end = (f'<VRTRasterBand band="1"><{tag}>', f"</{tag}></VRTRasterBand>") if tag else ("", "")
        began = time.perf_counter()
        categories._gdal_names(start + text + end, 1)
        assert time.perf_counter() - began < 5


# ---------------------------------------------------------------- from wherever the file keeps them

CLASSES = np.array([[[1, 2], [3, 1]]], np.uint8)
STYLE = Legend.of((LegendClass(1, "Water", "#0000FF"), LegendClass(2, "Trees", "#00FF00"))).qml()
TABLE = (
    '<PAMDataset><PAMRasterBand band="1"><GDALRasterAttributeTable tableType="thematic">'
    '<FieldDefn index="0"><Name>Value</Name><Type>0</Type><Usage>5</Usage></FieldDefn>'
    '<FieldDefn index="1"><Name>Count</Name><Type>0</Type><Usage>1</Usage></FieldDefn>'
    '<FieldDefn index="2"><Name>Class_Name</Name><Type>2</Type><Usage>2</Usage></FieldDefn>'
    '<Row index="0"><F>1</F><F>9</F><F>Water</F></Row><Row index="1"><F>2</F><F>8</F><F>Trees</F></Row>'
    "</GDALRasterAttributeTable></PAMRasterBand></PAMDataset>"
)
NAMES = {1: "Water", 2: "Trees"}


@pytest.mark.parametrize(
    ("side", "text"),
    [
        ("map.qml", STYLE),
        ("map.tif.aux.xml", TABLE),
        ("map.clr", "1 0 0 255 Water\n2 0 255 0 Trees\n"),
    ],
)
def test_side_files(raster, tmp_path, side, text):
    path = raster("map.tif", CLASSES, names=None)
    (tmp_path / side).write_text(text, encoding="utf-8")
    assert {c.value: c.name for c in read_categories(path)} == NAMES


@pytest.mark.parametrize("driver", ["ENVI", "VRT"])
def test_formats_with_names_of_their_own(raster, tmp_path, driver):
    """ENVI's header has them, and a VRT."""
    path = raster("map.tif", CLASSES, names=None)
    body = band('band="1"', "<Category/><Category>Water</Category><Category>Trees</Category>")
    (tmp_path / "map.tif.aux.xml").write_text(f"<PAMDataset>{body}</PAMDataset>")
    copy = str(tmp_path / "copy")
    rasterio.shutil.copy(path, copy, driver=driver)
    (tmp_path / "copy.aux.xml").unlink(missing_ok=True)
    assert {c.value: c.name for c in read_categories(copy)} == NAMES


@pytest.mark.parametrize(
    ("of_band", "tags", "names"),
    [
        ({"flag_values": "{1,2,-66}", "flag_meanings": "Water Trees Urban_areas"}, {}, {**NAMES, 190: "Urban areas"}),
        ({"flag_values": "1b, 2b", "flag_meanings": "Water Trees"}, {}, NAMES),
        ({"flag_values": "1, 2, 3", "flag_meanings": "Water Trees"}, {}, {}),
        ({}, {"legend": "1  Water\n2  Trees"}, NAMES),
        ({}, {"legend": "see the manual\n1  Water"}, {}),
    ],
)
def test_tags_of_conventions(raster, of_band, tags, names):
    path = raster("map.tif", CLASSES, names=None)
    with rasterio.open(path, "r+") as made:
        made.update_tags(1, **of_band)
        made.update_tags(**tags)
    assert {c.value: c.name for c in read_categories(path)} == names


def test_the_style_that_a_user_saved_goes_first(raster, tmp_path):
    path = raster("map.tif", CLASSES, names=None)
    (tmp_path / "map.tif.aux.xml").write_text(TABLE)
    (tmp_path / "map.qml").write_text(STYLE.replace("Water", "Sea"), encoding="utf-8")
    assert read_categories(path)[0].name == "Sea"
    (tmp_path / "map.qml").write_text(STYLE.replace("Water", "1").replace("Trees", "2"), encoding="utf-8")
    assert read_categories(path)[0].name == "Water"  # numbers are no names


def test_numbers_that_a_user_sees_are_named_by_the_file(raster, tmp_path):
    path = raster("map.tif", CLASSES, names=None)
    seen = (LegendClass(1, "1", "#112233"), LegendClass(2, "Wood", "#445566"))
    assert classes_of(RasterInput(path, classes=seen)) == seen
    (tmp_path / "map.tif.aux.xml").write_text(TABLE)
    assert classes_of(RasterInput(path, classes=seen)) == (LegendClass(1, "Water", "#112233"), seen[1])
    assert {c.value: c.name for c in classes_of(RasterInput(path))} == NAMES
