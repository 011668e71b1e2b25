# SPDX-License-Identifier: GPL-3.0-or-later
"""What a report says of labels that no map class has, of values without a name, and of maps with another legend."""

import json

import numpy as np
import pytest
import rasterio
import rasterio.shutil
from rasterio.transform import from_origin

from lulc_plugin.assess import (
    AssessJob,
    FeatureInput,
    Options,
    Outputs,
    RasterInput,
    ReferenceFeature,
    SampleJob,
    assess,
    compare,
    draw,
)
from lulc_plugin.errors import LulcError
from lulc_plugin.options import QGIS, SHELL
from lulc_plugin.progress import Progress
from lulc_plugin.report.accuracy import assess_and_report, compare_and_report, json_object

GRID = {
    "driver": "GTiff",
    "height": 10,
    "width": 10,
    "crs": "EPSG:32633",
    "transform": from_origin(500000, 5000000, 10, 10),
}
NAMES = {1: "Water", 2: "Trees", 3: "Built-up"}
MAP = np.repeat(np.array([[1, 1, 1, 1, 2, 2, 2, 2, 3, 3]], np.uint8), 10, axis=0)


@pytest.fixture
def make(tmp_path):
    """`make(values, name, names, nodata)` writes a class raster of 10 m and returns it as an input."""

    def write(values, name="map.tif", names=NAMES, nodata=None):
        path = tmp_path / name
        with rasterio.open(path, "w", **GRID, count=1, dtype=values.dtype, nodata=nodata) as made:
            made.write(values, 1)
            if names:
                made.update_tags(LULC_CLASSES=json.dumps({str(k): v for k, v in names.items()}))
        return RasterInput(str(path))

    return write


def points(label_of):
    """A point on each pixel; `label_of(row, col)` is its label."""
    features = [
        ReferenceFeature(
            {"type": "Point", "coordinates": (500005 + 10 * c, 4999995 - 10 * r)}, label_of(r, c), f"{r}{c}"
        )
        for r in range(10)
        for c in range(10)
    ]
    return FeatureInput(features, "points", "points", "ref_class")


def said(result, words, door=SHELL):
    """The one warning that has these words."""
    found = [warning for warning in json_object(result, door)["warnings"] if words in warning]
    assert len(found) == 1, json_object(result, door)["warnings"]
    return found[0]


def run(maps, features=None, reference=None, **options):
    maps = maps if isinstance(maps, tuple) else (maps,)
    job = AssessJob(maps, reference, features, Options(**options))
    return (assess if len(maps) == 1 else compare)(job, Progress())


def right_but_for(mark, rows):
    return points(lambda r, c: mark if r < rows else NAMES[MAP[r, c]] if isinstance(mark, str) else int(MAP[r, c]))


@pytest.mark.parametrize("mark", [-1, -9999, 255, "NULL", "n/a", "nan", "None", "<NULL>", "No data"])
def test_points_that_are_not_labelled_yet(make, mark):
    result = run(make(MAP), right_but_for(mark, 3))
    text = said(result, "not labelled yet?")
    assert text.startswith(f"30 of 100 points have {mark}, which no map class has")
    assert "(--unknown error)" in text and "without them (--unknown exclude) overall accuracy is 1.0000" in text
    assert result.estimates.overall.value == pytest.approx(0.7)
    assert "UNKNOWN=exclude" in said(result, "not labelled yet?", QGIS)
    excluded = run(make(MAP), right_but_for(mark, 3), unknown="exclude")
    assert excluded.estimates.overall.value == 1 and "left out" in said(excluded, "not labelled yet?")


def test_several_marks_and_a_class_that_is_missing(make):
    labels = {0: "NA", 1: "null", 2: "Tree", 3: "Ice"}
    result = run(make(MAP), points(lambda r, c: labels.get(r, NAMES[MAP[r, c]])))
    text = said(result, "not labelled yet?")
    assert "20 of 100 points have NA (10), null (10), which no map class has" in text
    assert "2 of 7 reference classes are not in the map's legend: Ice (10 points), Tree (10 points)" in text
    assert 'Did you mean "Trees" for "Tree"?' in text and "overall accuracy is 1.0000" in text


def test_the_figure_without_them_follows_the_design(make):
    """Stratified by class: the counts alone would give another figure."""
    wrong = {(5, 0): "Trees", (6, 8): "Water", (7, 8): "Water", (8, 8): "Trees"}
    features = points(lambda r, c: wrong.get((r, c), "NA" if r == 0 else NAMES[MAP[r, c]]))
    text = said(run(make(MAP), features, design="stratified"), "not labelled yet?")
    expected = run(make(MAP), features, design="stratified", unknown="exclude").estimates.overall.value
    assert f"overall accuracy is {expected:.4f}" in text


def test_no_figure_where_a_design_allows_none_without_them(make):
    features = points(lambda r, c: "NA" if c > 7 else NAMES[MAP[r, c]])
    assert "overall accuracy" not in said(run(make(MAP), features, design="stratified"), "not labelled yet?")


def test_undeclared_nodata_of_a_reference_raster(make):
    reference = MAP.astype(np.int16)
    reference[:2] = -9999
    text = said(run(make(MAP), reference=make(reference, "r.tif", None)), "no data?")
    assert "20 of 100 pixels have -9999" in text and "gdal_edit.py -a_nodata -9999" in text


def test_two_figures_of_two_maps(make):
    other = MAP.copy()
    other[9] = 3
    result = run((make(MAP), make(other, "b.tif")), right_but_for("NULL", 5), design="simple")
    assert "overall accuracy is 1.0000 of map A and 0.8400 of map B" in said(result, "not labelled yet?")


# ---------------------------------------------------------------- values without a name


def holed(value, dtype=np.uint8):
    values = MAP.astype(dtype)
    values[:2, :5] = value
    return values


@pytest.mark.parametrize(("value", "dtype"), [(0, np.uint8), (255, np.uint8), (-9999, np.int16)])
def test_zeros_without_a_name(make, value, dtype):
    layer = make(holed(value, dtype))
    text = said(run(layer, points(lambda r, c: int(MAP[r, c]))), "no name")
    assert f"Value {value} (10 % of the map) of map.tif has no name: no data?" in text
    assert "10 points lie there and count as errors; without them overall accuracy is 1.0000" in text
    assert f"gdal_edit.py -a_nodata {value} {layer.path}" in text and f"--nodata={value}" in text
    warnings = draw(SampleJob(layer, size=30, seed=1), Progress()).warnings
    assert any(
        f"Value {value} (10 % of the map)" in warning and "of the points lie there" in warning for warning in warnings
    )


def test_zeros_are_no_stratum_without_them(make):
    """The figure without zeros leaves their area out as well."""
    features = points(lambda r, c: int(MAP[r, c]) if c < 9 else 1)
    text = said(run(make(holed(0)), features, design="stratified"), "no name")
    cut = run(make(holed(0), "cut.tif", nodata=0), features, design="stratified")
    assert f"overall accuracy is {cut.estimates.overall.value:.4f}" in text


def test_a_class_that_the_legend_forgot_is_no_nodata(make):
    text = said(run(make(holed(7)), points(lambda r, c: int(MAP[r, c]))), "no name")
    assert text == "Value 7 (10 % of the map) of map.tif has no name."


def test_a_forgotten_class_beside_zeros(make):
    """The figure leaves out what is no class, and only that."""
    values = holed(0)
    values[5, 0] = 7
    text = said(run(make(values), points(lambda r, c: int(MAP[r, c]))), "no name")
    assert "Values 0 (10 % of the map), 7 (1 % of the map)" in text
    assert "10 points lie on 0 and count as errors; without them overall accuracy is 0.9889" in text


def test_nodata_that_is_taken_already(make):
    text = said(run(make(holed(0), nodata=255), points(lambda r, c: int(MAP[r, c]))), "no name")
    assert "gdal_edit" not in text and "--nodata=0" in text


@pytest.mark.parametrize(
    ("values", "names", "label", "nodata"),
    [
        (holed(0), {**NAMES, 0: "Nothing"}, lambda r, c: 1, None),
        (holed(0), NAMES, lambda r, c: int(holed(0)[r, c]), None),
        (holed(0), NAMES, lambda r, c: 1, 0),
        ((MAP == 1).astype(np.uint8), None, lambda r, c: 1, None),
        (holed(9), None, lambda r, c: 1, None),
        (holed(0), None, lambda r, c: 1, 255),
    ],
    ids=[
        "named",
        "in the reference",
        "nodata",
        "one class and the rest",
        "nothing is named",
        "nodata is another value",
    ],
)
def test_values_that_need_no_word(make, values, names, label, nodata):
    result = run(make(values, names=names, nodata=nodata), points(label))
    assert not [w for w in result.context.warnings if "no name" in w]


def test_zeros_of_a_map_without_names_and_of_a_second_map(make):
    for value, dtype in ((0, np.uint8), (255, np.uint8), (-9999, np.int16)):
        layer = make(holed(value, dtype), names=None)
        assert f"Value {value} (10 %" in said(run(layer, points(lambda r, c: int(MAP[r, c]))), "no name")
    result = run((make(MAP), make(holed(0), "b.tif")), points(lambda r, c: int(MAP[r, c])), design="simple")
    assert "Value 0 (10 % of the points) of b.tif" in said(result, "no name")


def test_a_field_of_ids_is_refused(make):
    features = [
        ReferenceFeature({"type": "Point", "coordinates": (500005 + 10 * (i % 10), 4999995)}, f"plot {i}", str(i))
        for i in range(1001)
    ]
    with pytest.raises(LulcError, match=r"field plot_no of points has 1,001 different values \(plot 0, .*no field of"):
        run(make(MAP), FeatureInput(features, "points", "points", "plot_no"))


# ---------------------------------------------------------------- another legend of the second map


def test_a_second_map_of_another_legend_is_refused(make):
    maps = (make(MAP), make(MAP * 10, "b.tif", None))
    with pytest.raises(LulcError, match=r"No class of map B \(b.tif: 10, 20, 30\).*class_table_b"):
        run(maps, right_but_for(1, 0), design="simple")
    with pytest.raises(LulcError, match=r"No class of map A \(b.tif: 10, 20, 30\).*Say in class_table which"):
        run(maps[::-1], right_but_for(1, 0), design="simple")
    table = tuple((10 * value, value) for value in NAMES)
    result = run(maps, right_but_for(1, 0), design="simple", class_table_b=table)
    assert result.a.overall.value == result.b.overall.value == 1
    assert json_object(result)["parameters"]["class_table_b"] == ["10 = 1", "20 = 2", "30 = 3"]


def test_zeros_of_a_second_map_are_told_once(make):
    result = run((make(MAP), make(holed(0), "b.tif")), right_but_for(1, 0), design="simple")
    assert not [w for w in result.context.warnings if "neither map A" in w]
    result = run((make(MAP), make(holed(0), "b.tif", {**NAMES, 0: "Nothing"})), right_but_for(1, 0), design="simple")
    assert "Nothing (0); 10 of 100 units" in said(result, "neither map A")


@pytest.mark.parametrize(("of_map", "of_reference"), [(190, -66), (-66, 190)])
def test_bytes_that_one_file_reads_with_a_sign(make, of_map, of_reference):
    """No data is not what they are."""
    layer = make(np.where(MAP == 3, np.int16(of_map), MAP), names=None)
    reference = make(np.where(MAP == 3, np.int16(of_reference), MAP), "r.tif", None)
    text = said(run(layer, reference=reference), "not in the map's legend")
    assert f'{of_reference} (20 pixels). Did you mean "{of_map}" for "{of_reference}"?' in text
    assert not [w for w in run(layer, reference=reference).context.warnings if "no data?" in w]


def test_a_second_map_with_classes_of_its_own(make):
    other = MAP.copy()
    other[9] = 7
    result = run((make(MAP), make(other, "b.tif", {**NAMES, 7: "Ice"})), right_but_for(1, 0), design="simple")
    assert "neither map A nor the reference has: Ice (7); 10 of 100 units" in said(result, "Map B (b.tif)")


# ---------------------------------------------------------------- pictures, compression


def test_pictures_of_maps_are_refused_wherever_a_class_map_is_taken(make, tmp_path):
    colours = np.array([(0, 0, 0), (65, 155, 223), (57, 125, 73), (196, 40, 27)], np.uint8)[MAP].transpose(2, 0, 1)
    with rasterio.open(tmp_path / "drawn.tif", "w", **GRID, count=3, dtype="uint8", photometric="RGB") as made:
        made.write(colours)
    drawn = RasterInput(str(tmp_path / "drawn.tif"))
    features = right_but_for(1, 0)
    for broken in (
        lambda: run(drawn, features),
        lambda: run((make(MAP), drawn), features, design="simple"),
        lambda: run(make(MAP), reference=drawn),
        lambda: run(make(MAP), features, design="stratified", strata=drawn),
        lambda: draw(SampleJob(drawn, size=10), Progress()),
    ):
        with pytest.raises(LulcError, match="picture of a map .3 bands"):
            broken()


def test_a_picture_with_a_palette_is_told(make):
    picture = np.random.default_rng(2).integers(1, 200, (10, 10)).astype(np.uint8)
    layer = make(picture, "palette.tif", None)
    text = said(run(layer, right_but_for(1, 0)), "a picture with a palette")
    assert f"{len(np.unique(picture))} different values without a name, the reference 3" in text
    assert any(
        "a picture with a palette" in warning for warning in draw(SampleJob(layer, size=98), Progress()).warnings
    )


def test_lossy_compression_is_told(make, tmp_path):
    rasterio.shutil.copy(make(MAP).path, str(tmp_path / "packed.tif"), driver="GTiff", COMPRESS="JPEG")
    packed = RasterInput(str(tmp_path / "packed.tif"))
    assert "(JPEG)" in said(run(packed, right_but_for(1, 0)), "compression that changes values")
    assert any("(JPEG)" in warning for warning in draw(SampleJob(packed, size=30, seed=1), Progress()).warnings)


# ---------------------------------------------------------------- the record of what was taken for one class


def test_a_report_shows_what_was_taken_for_one_class(make, tmp_path):
    other = make(np.array([0, 20, 10, 30], np.uint8)[MAP], "b.tif", {10: "trees", 20: "water", 30: "Built–up"})
    outputs = Outputs(csv=tmp_path / "report.csv", json=tmp_path / "report.json")
    job = AssessJob((make(MAP), other), None, right_but_for("NA", 2), Options(design="simple"), outputs)
    assert compare_and_report(job, Progress()).b.overall.value == pytest.approx(0.8)
    facts = json.loads(outputs.json.read_text(encoding="utf-8"))
    assert facts["class_values"][:3] == [
        {"label": "Water (1)", "map": [1], "map_b": [20], "reference": ["Water"]},
        {"label": "Trees (2)", "map": [2], "map_b": [10], "reference": ["Trees"]},
        {"label": "Built-up (3)", "map": [3], "map_b": [30], "reference": ["Built-up"]},
    ]
    assert facts["units"]["overall_accuracy_without_unknown"] == [1, 1]
    assert "Trees (2),2,10,Trees" in outputs.csv.read_text(encoding="utf-8-sig")


def test_a_report_of_one_legend_has_no_such_table(make, tmp_path):
    outputs = Outputs(csv=tmp_path / "report.csv")
    assess_and_report(AssessJob((make(MAP),), None, right_but_for(1, 0), Options(), outputs), Progress())
    assert "class_values" not in outputs.csv.read_text(encoding="utf-8-sig")
