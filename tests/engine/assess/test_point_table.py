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
from lulc_plugin.assess.reference import delimited_text
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
    with pytest.raises(LulcError, match="bare.tif has no coordinate system, .*points.csv has one"):
        read_points(path, bare, crs=UTM)


@pytest.mark.parametrize(
    "lines, crs, message",
    [
        (["x,y,ref_class", "1,2,3"], "", r"columns x and y of .*points.csv have no coordinate system.*--crs EPSG:"),
        (["right,up,ref_class", "1,2,3"], UTM, "its columns are: right, up, ref_class.*Call the columns"),
        (["x,north,ref_class", "1,2,3"], "", "no columns x and y, nor lon and lat"),
        (["x,y,klass", "1,2,3"], UTM, "no field 'ref_class'; its fields are: x, y, klass.*field=NAME"),
        (["lon,lat,ref_class", "1,2,3"], UTM, "columns lon and lat of .* are degrees, EPSG:32633 is not"),
        (["x,y,ref_class", "1,2,3"], "EPSG:999999", "'EPSG:999999' is not a coordinate system"),
        (["x,y,ref_class", "1,2,3"], "nonsense", "'nonsense' is not a coordinate system"),
        (["x,y,ref_class", "1,2,3"], "x" * 20_000, "20,000 characters"),
        (["x,y,ref_class", "1,2,3", "one,2,3"], UTM, "Line 3 of .*points.csv: x is 'one', which is not a number"),
        (["x,y,ref_class", "1,2,3", "", "1,nan,3"], UTM, "Line 4 of .*: y is 'nan'"),
        (["x,y,ref_class", "inf,2,3"], UTM, "Line 2 of .*: x is 'inf'"),
        (["x,y,ref_class", ",2,3"], UTM, "Line 2 of .*: x is ''"),
        (["x,y,ref_class", '"500005,5",4999995,3'], UTM, "x is '500005,5'.*with a decimal point"),
        (["lat,lon,ref_class", "45°9'N,15°E,3"], "", "is not a number.*degrees with decimals, with a minus"),
        (["lon,lat,ref_class", "-22,149,3"], "", "lat is 149, .*Longitude and latitude are swapped"),
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
    monkeypatch.setattr(delimited_text, "_MOST_ROWS", 30)
    assert len(read_points(table(*PLAIN), class_map, crs=UTM).features) == 30
    with pytest.raises(LulcError, match="more than 30 rows"):
        read_points(table(*PLAIN, "p31,1,1,1"), class_map, crs=UTM)
    monkeypatch.setattr(delimited_text, "_LARGEST", 100)
    with pytest.raises(LulcError, match="bytes; tables are read up to 100"):
        read_points(table(*PLAIN), class_map, crs=UTM)


def test_names():
    assert is_table("a/Points.CSV") and not is_table("points.gpkg")


# ---------------------------------------------------------------- tables of other tools


X, Y = 500005.0, 4999995.0
(LON,), (LAT,) = transform(UTM, "EPSG:4326", [X], [Y])
WKB = "0101000000" + np.array([X, Y], "<f8").tobytes().hex().upper()
EWKB = "0101000020" + np.array([32633], "<u4").tobytes().hex() + WKB[10:]


@pytest.mark.parametrize(
    ("text", "crs"),
    [
        (f"sep=;\nx;y;ref_class\n{X};{Y};1\n", UTM),
        (f"SEP=\t\nx\ty\tref_class\n{X}\t{Y}\t1\n", UTM),
        (f'"sep=|"\nx|y|ref_class\n{X}|{Y}|1\n', UTM),
        (f"x;y;ref_class;;\n{X:.3f};{Y:.3f};1;;\n".replace(".", ","), UTM),
        ("x;y;ref_class\n500 005,0;4\u00a0999\u202f995,00;1\n", UTM),
        (f"x\ty\tref_class\n{X}\t{Y}\t1\n", UTM),
        (f"x   y   ref_class\n{X}   {Y}   1\n", UTM),
        (f"x|y|ref_class\n{X}|{Y}|1\n", UTM),
        (f"\n# made by hand\n\n#\nx,y,ref_class\n{X},{Y},1\n# the end\n", UTM),
        (f"# x,y,ref_class\n{X},{Y},1\n", UTM),
        (f"#x;y;ref_class\n{X};{Y};1\n", UTM),
        (f"x,y,ref_class,\n{X},{Y},1\n", UTM),
        (f"x,y,ref_class\n{X},{Y},1,,\n", UTM),
        (f"OBJECTID,POINT_X,POINT_Y,ref_class\n1,{X},{Y},1\n", UTM),
        (f"fid,xcoord,ycoord,ref_class\n1,{X},{Y},1\n", UTM),
        (f"ref_class,X_UTM,Y_UTM\n1,{X},{Y}\n", UTM),
        (f"Easting,Northing,ref_class\n{X},{Y},1\n", UTM),
        (f"plotid,sampleid,lon,lat,sample_geom,ref_class\n7,8,{LON},{LAT},POINT({LON} {LAT}),1\n", ""),
        (f"plotid,center_lon,center_lat,ref_class\n7,{LON},{LAT},1\n", ""),
        (f"id,location_srs,location_x,location_y,ref_class\n7,EPSG:4326,{LON},{LAT},1\n", ""),
        (f"id,x,y,epsg,ref_class\n7,{X},{Y},32633,1\n", ""),
        (f"decimalLatitude,decimalLongitude,ref_class\n{LAT},{LON},1\n", ""),
        (f"_geolocation_latitude,_geolocation_longitude,ref_class\n{LAT},{LON},1\n", ""),
        (f"GPS_LAT,GPS_LONG,ref_class\n{LAT},{LON},1\n", ""),
        (f"WKT,id,ref_class\nPOINT ({X} {Y}),1,1\n", UTM),
        (f"wkt_geom\tref_class\nPointZM ({X} {Y} 3 4)\t1\n", UTM),
        (f"geom,ref_class\nSRID=32633;POINT({X} {Y}),1\n", ""),
        (f"geom,ref_class\n{WKB},1\n", UTM),
        (f"geom,ref_class\n{EWKB},1\n", ""),
        (f'system:index,ref_class,.geo\n0000,1,"{{""type"":""Point"",""coordinates"":[{LON},{LAT}]}}"\n', ""),
        (f'ref_class;geojson\n1;"{{""type"":""Feature"",""geometry"":{{""type"":""Point"",""coordinates"":[{LON},{LAT},7]'
         '}}"\n', ""),
    ],
)  # fmt: skip
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_tables_of_other_tools(class_map, tmp_path, text, crs, encoding):
    path = tmp_path / "points.csv"
    path.write_bytes(text.replace("\n", "\r\n").encode(encoding))
    found = read_points(str(path), class_map, crs=crs)
    (feature,) = found.features
    assert (found.kind, feature.label, found.warnings) == ("points", "1", ())
    assert feature.geometry["coordinates"][:2] == pytest.approx((X, Y), abs=0.01)


def test_polygons_and_others_as_text(class_map, table):
    square = "500000 5000000, 500020 5000000, 500020 4999980, 500000 5000000"
    path = table(
        "ref_class\tWKT", f"1\tPOLYGON (({square}))", f"2\tMULTIPOLYGON Z ((({square})))", "3\tPOLYGON EMPTY", "4\t",
        f"5\tGEOMETRYCOLLECTION (LINESTRING (0 0, 1 1), POLYGON (({square})))", "6\tMULTIPOINT ((1 2), (3 4))",
    )  # fmt: skip
    found = read_points(path, class_map, crs=UTM)
    assert found.kind == "polygons" and [f.label for f in found.features] == ["1", "2", "5"]
    said = " ".join(found.warnings)
    for words in ("2 of 6 features have no geometry", "1 of 6 features are points", "beside their polygons"):
        assert words in said


def test_rows_without_a_place_are_counted(class_map, table):
    found = read_points(table("x,y,ref_class", f"{X},{Y},1", ",,2", " , ,3"), class_map, crs=UTM)
    assert len(found.features) == 1 and "2 of 3 features have no geometry" in found.warnings[0]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["WKT,ref_class", "POINT (1 2),1", "POINT (1),2"], "Line 3 of .*: WKT is 'POINT .1.', which is not a"),
        (["WKT,ref_class", "POINT (1 2),1", "CIRCULARSTRING (1 2),2"], "Line 3 .*type CIRCULARSTRING are not read"),
        (["WKT,ref_class", "POINT (1 2),1", "POINT (1 nan),2"], "Line 3 .*not a geometry"),
        (["WKT;ref_class", "POINT (1 2);1", "POLYGON " + "(" * 5000 + ")" * 5000 + ";1"], "Line 3 .*not a geometry"),
        (["a;ref_class;b", "POINT (1 2);1;POINT (1 2)"], "several columns of geometries: a, b"),
        (["geom;ref_class", "SRID=32633;POINT (1 2);1"], "Line 2 of .* cells"),
        (["geom,ref_class", "SRID=32633;POINT (1 2),1", "SRID=32634;POINT (1 2),1"], "several coordinate systems"),
        (["GPS_LAT,GPS_LONG,TH_LAT,TH_LONG,ref_class", "1,2,3,4,5"], "GPS_LONG and GPS_LAT; TH_LONG and TH_LAT"),
        (["geom;ref_class", '{"type":"Point","coordinates":["a","b"]};1'], "Line 2 .*not a geometry"),
        (["geom,ref_class", WKB[:-2] + ",1"], "Line 2 .*cut off"),
    ],
)  # fmt: skip
def test_geometries_that_cannot_be_read(class_map, table, lines, message):
    with pytest.raises(LulcError, match=message) as caught:
        read_points(table(*lines), class_map, crs="" if "TH_LAT" in lines[0] else UTM)
    assert caught.value.remedy and len(str(caught.value)) < 700


def test_geojson_is_in_degrees(class_map, table):
    with pytest.raises(LulcError, match=r"geometries in the column .geo of .* are degrees, EPSG:32633 is not"):
        read_points(table(".geo;ref_class", '{"type":"Point","coordinates":[15,45]};1'), class_map, crs=UTM)


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
    [([], f"shell: --crs {UTM}"), (["--crs", UTM, "--layer", "a"], "--layer a is given, but the CSV file")],
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
