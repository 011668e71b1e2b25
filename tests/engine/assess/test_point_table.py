# SPDX-License-Identifier: GPL-3.0-or-later
"""Reference points from a CSV file, without QGIS and without pyogrio."""

import json
import sys

import numpy as np
import pytest
from rasterio.transform import from_origin
from rasterio.warp import transform

from lulc_plugin import cli
from lulc_plugin.assess import is_table, read_points
from lulc_plugin.assess.reference import point_table
from lulc_plugin.errors import LulcError
from lulc_plugin.raster import open_dataset

UTM = "EPSG:32633"


def raster(path, crs):
    values = np.repeat(np.array([[1] * 8 + [2] * 2], np.uint8), 10, axis=0)
    with open_dataset(path, "w", driver="GTiff", height=10, width=10, count=1, dtype="uint8", crs=crs,
                      transform=from_origin(500000, 5000000, 10, 10), nodata=0) as made:  # fmt: skip
        made.write(values, 1)
    return str(path)


@pytest.fixture
def class_map(tmp_path):
    return raster(tmp_path / "map.tif", UTM)


@pytest.fixture(autouse=True)
def nothing_but_rasterio(monkeypatch):
    """What a table needs is there without the packages for vector files."""
    monkeypatch.setitem(sys.modules, "pyogrio", None)
    monkeypatch.setitem(sys.modules, "shapely", None)


@pytest.fixture
def table(tmp_path):
    def write(*lines, name="points.csv", encoding="utf-8"):
        path = tmp_path / name
        path.write_text("\n".join(lines) + "\n", encoding=encoding)
        return str(path)

    return write


PLACES = [(500005 + 10 * c, 4999995 - 10 * r) for r in range(10) for c in (0, 5, 9)]
PLAIN = ["id,x,y,ref_class", *(f"p{i},{x},{y},{1 if x < 500080 else 2}" for i, (x, y) in enumerate(PLACES))]


def test_points(class_map, table):
    path = table(*PLAIN)
    found = read_points(path, class_map, crs=UTM)
    assert (found.kind, found.field, found.name, found.path) == ("points", "ref_class", "points.csv", path)
    assert found.crs == UTM
    assert [f.geometry["coordinates"] for f in found.features] == PLACES
    assert (found.features[2].id, found.features[2].label, found.features[2].stratum) == ("p2", "2", None)


@pytest.mark.parametrize(
    "header", ["lon,lat,ref_class", "LONGITUDE,Latitude,ref_class", "Long , LAT,ref_class", "Lon;Lat;ref_class"]
)
@pytest.mark.parametrize("crs", ["", "EPSG:4326"])
def test_degrees_by_name(class_map, table, header, crs):
    cut = ";" if ";" in header else ","
    lon, lat = transform(UTM, "EPSG:4326", *zip(*PLACES))
    path = table(header, *(f"{x}{cut}{y}{cut}1" for x, y in zip(lon, lat)))
    found = read_points(path, class_map, crs=crs)
    assert found.crs == "EPSG:4326"
    np.testing.assert_allclose([f.geometry["coordinates"] for f in found.features], PLACES, atol=1e-3)


def test_x_and_y_come_first_when_a_crs_is_named(class_map, table):
    path = table("lon,lat,X,Y,ref_class", "0,0,500005,4999995,1")
    assert read_points(path, class_map, crs=UTM).features[0].geometry["coordinates"] == (500005, 4999995)
    assert read_points(path, class_map).features[0].geometry["coordinates"][0] < 0


def test_what_spreadsheets_write(class_map, tmp_path):
    path = tmp_path / "Points.CSV"
    text = '\ufeff"x";"y";"ref_class";"note"\r\n500005;4999995;"Wasser; tief";"a\r\nb"\r\n\r\n;;;\r\n'
    path.write_bytes(text.encode())
    (only,) = read_points(str(path), class_map, crs=UTM).features
    assert (only.label, only.id) == ("Wasser; tief", "line 3")


def test_strata_and_empty_classes(class_map, table):
    path = table("x,y,klass,stratum,stratum_px", "500005,4999995,1,1,80", "500095,4999995,,2,20")
    found = read_points(path, class_map, "klass", crs=UTM)
    assert [(f.label, f.stratum, f.stratum_px) for f in found.features] == [("1", "1", 80), (None, "2", 20)]


def test_a_point_without_a_place_in_the_crs_of_the_map_does_not_affect_others(class_map, table):
    path = table("x,y,ref_class", "4e8,9e8,1", "15.00006,45.15,1")
    path_degrees = table("lon,lat,ref_class", "-165,-90,1", "15.00006,45.15,1", name="d.csv")
    with pytest.raises(LulcError, match="not a number of degrees"):
        read_points(path, class_map, crs="EPSG:4326")
    _, good = read_points(path_degrees, class_map).features
    assert good.geometry["coordinates"][0] == pytest.approx(500004.7, abs=0.3)


def test_a_map_without_a_crs(tmp_path, table):
    bare = raster(tmp_path / "bare.tif", None)
    path = table("x,y,ref_class", "500005,4999995,1")
    found = read_points(path, bare)
    assert found.crs == "" and found.features[0].geometry["coordinates"] == (500005, 4999995)
    with pytest.raises(LulcError, match="bare.tif has no coordinate system, the points"):
        read_points(path, bare, crs=UTM)


@pytest.mark.parametrize(
    "lines, crs, message",
    [
        (["x,y,ref_class", "1,2,3"], "", r"columns x and y of .*points.csv have no coordinate system.*--crs EPSG:"),
        (["east,north,ref_class", "1,2,3"], UTM, "its columns are: east, north, ref_class.*Call the columns"),
        (["x,north,ref_class", "1,2,3"], "", "no columns x and y, nor lon and lat"),
        (["x,y,klass", "1,2,3"], UTM, "no field 'ref_class'; its fields are: x, y, klass.*--field"),
        (["lon,lat,ref_class", "1,2,3"], UTM, "columns lon and lat of .* are degrees, EPSG:32633 is not"),
        (["x,y,ref_class", "1,2,3"], "EPSG:999999", "'EPSG:999999' is not a coordinate system"),
        (["x,y,ref_class", "1,2,3"], "nonsense", "'nonsense' is not a coordinate system"),
        (["x,y,ref_class", "1,2,3"], "x" * 20_000, "20,000 characters"),
        (["x,y,ref_class", "1,2,3", "one,2,3"], UTM, "Line 3 of .*points.csv: x is 'one', which is not a number"),
        (["x,y,ref_class", "1,2,3", "", "1,nan,3"], UTM, "Line 4 of .*: y is 'nan'"),
        (["x,y,ref_class", "inf,2,3"], UTM, "Line 2 of .*: x is 'inf'"),
        (["x,y,ref_class", ",2,3"], UTM, "Line 2 of .*: x is ''"),
        (["x;y;ref_class", "500005,5;4999995;3"], UTM, "x is '500005,5'.*with a decimal point"),
        (["x,y,ref_class", "500005,5,4999995,3"], UTM, "Line 2 of .* has 4 cells, its first line has 3"),
        (["x,y,ref_class", "1,2"], UTM, "Line 2 of .* has 2 cells"),
        (["lon,lat,ref_class", "500005,5,3"], "", "Line 2 of .*: lon is 500005, which is not a number of degrees"),
        (["lon,lat,ref_class", "5,1,3", "8,95,3"], "", "Line 3 of .*: lat is 95, which"),
        (["x,y,ref_class"], UTM, "no points below its first line"),
        ([""], UTM, "does not begin with the names of its columns"),
        (["x,y,y,ref_class", "1,2,2,3"], UTM, "several columns called y"),
        (["x,y,Y,ref_class", "1,2,2,3"], UTM, "several columns called y, in upper and lower case"),
        (["x,y,\x1b[2Jred", "1,2,3"], UTM, r"x, y, '\\x1b\[2Jred'"),
        ([",".join(f"c{i}" for i in range(1001))], UTM, "1,001 columns"),
        ([",".join(f"c{i}" for i in range(100)), ",".join("1" * 100)], UTM, "c29 and 70 more"),
        (["x,y,ref_class", '1,2,"' + "a" * 200_000 + '"'], UTM, "cannot be read: field larger than"),
    ],
)
def test_refusals(class_map, table, lines, crs, message):
    with pytest.raises(LulcError, match=message) as caught:
        read_points(table(*lines), class_map, crs=crs)
    assert caught.value.remedy and len(str(caught.value)) < 1200


def test_files_that_cannot_be_read(class_map, tmp_path, table, monkeypatch):
    with pytest.raises(LulcError, match="There is no file .*none.csv"):
        read_points(str(tmp_path / "none.csv"), class_map, crs=UTM)
    with pytest.raises(LulcError, match="cannot be read: 'utf-8' codec.*CSV in UTF-8"):
        read_points(table("x,y,ref_class", "1,2,Wälder", encoding="latin-1"), class_map, crs=UTM)
    with pytest.raises(LulcError, match="gone.tif cannot be opened"):
        read_points(table(*PLAIN), str(tmp_path / "gone.tif"), crs=UTM)
    monkeypatch.setattr(point_table, "_MOST_ROWS", 30)
    assert len(read_points(table(*PLAIN), class_map, crs=UTM).features) == 30
    with pytest.raises(LulcError, match="more than 30 rows"):
        read_points(table(*PLAIN, "p31,1,1,1"), class_map, crs=UTM)
    monkeypatch.setattr(point_table, "_LARGEST", 100)
    with pytest.raises(LulcError, match="bytes; tables are read up to 100"):
        read_points(table(*PLAIN), class_map, crs=UTM)


def test_names():
    assert is_table("a/Points.CSV") and not is_table("points.gpkg")


# ---------------------------------------------------------------- the commands


def test_assess(class_map, table, tmp_path, capsys):
    facts = tmp_path / "report.json"
    words = ["--crs", UTM, "--design", "simple", "--json", str(facts)]
    assert cli.main(["assess", class_map, table(*PLAIN), *words]) == 0
    assert "overall accuracy 1.0000 [" in capsys.readouterr().out
    made = json.loads(facts.read_text())
    assert made["overall_accuracy"]["value"] == 1


def test_compare(class_map, table, capsys):
    assert cli.main(["compare", class_map, class_map, table(*PLAIN), "--crs", UTM]) == 0
    assert "A − B 0.0000" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words, message",
    [([], "Say which: --crs EPSG:31985"), (["--crs", UTM, "--layer", "a"], "--layer a is given, but the CSV file")],
)
def test_errors_are_one_line(class_map, table, words, message, capsys):
    assert cli.main(["assess", class_map, table(*PLAIN), *words]) == 1
    error = capsys.readouterr().err
    assert message in error and "Traceback" not in error


def test_a_crs_for_a_raster_is_refused(class_map, capsys):
    assert cli.main(["assess", class_map, class_map, "--crs", UTM]) == 1
    assert "is a raster" in capsys.readouterr().err


def test_the_points_of_the_demo(tmp_path, capsys):
    """The line in README reads the file that comes along."""
    from pathlib import Path

    points = Path(__file__).resolve().parents[2] / "data" / "olinda_points.csv"
    path = tmp_path / "map.tif"
    with open_dataset(path, "w", driver="GTiff", height=352, width=349, count=1, dtype="uint8", crs="EPSG:31985",
                      transform=from_origin(288776.25, 9120760.75, 28.5, 28.5)) as made:  # fmt: skip
        made.write(np.ones((352, 349), np.uint8), 1)
    assert cli.main(["assess", str(path), str(points), "--crs", "EPSG:31985", "--design", "simple"]) == 0
    out = capsys.readouterr().out
    with open(points, encoding="utf-8") as lines:
        water = sum(line.split(",")[5] == "1" for line in lines)
    assert "units 180" in out and f"overall accuracy {water / 180:.4f} [" in out
