# SPDX-License-Identifier: GPL-3.0-or-later
"""Vector references without QGIS, and the commands `assess` and `compare` at a shell."""

import json
import sys

import numpy as np
import pytest
from rasterio.errors import RasterioError
from rasterio.transform import from_origin

from lulc_plugin import cli
from lulc_plugin.assess import is_raster, read_features
from lulc_plugin.errors import LulcError
from lulc_plugin.raster import open_dataset


@pytest.fixture
def class_map(tmp_path):
    path = tmp_path / "map.tif"
    values = np.repeat(np.array([[1] * 8 + [2] * 2], np.uint8), 10, axis=0)
    with open_dataset(path, "w", driver="GTiff", height=10, width=10, count=1, dtype="uint8", crs="EPSG:32633",
                      transform=from_origin(500000, 5000000, 10, 10), nodata=0) as made:  # fmt: skip
        made.write(values, 1)
    return str(path)


def geojson(path, features, crs="urn:ogc:def:crs:EPSG::32633"):
    content = {"type": "FeatureCollection", "features": features}
    if crs:
        content["crs"] = {"type": "name", "properties": {"name": crs}}
    path.write_text(json.dumps(content))
    return str(path)


def point(row, col, **properties):
    place = {"type": "Point", "coordinates": [500005 + 10 * col, 4999995 - 10 * row]}
    return {"type": "Feature", "geometry": place, "properties": properties}


@pytest.fixture
def points(tmp_path):
    made = [point(r, c, id=f"p{r}{c}", ref_class=1 if c < 8 else 2, stratum=1 if c < 8 else 2,
                  stratum_px=80 if c < 8 else 20) for r in range(10) for c in (0, 5, 9)]  # fmt: skip
    made[0]["properties"]["ref_class"] = None
    return geojson(tmp_path / "points.geojson", made)


def test_points_with_their_strata(class_map, points):
    found = read_features(points, class_map)
    assert (found.kind, found.field, found.stratum_field, len(found.features)) == ("points", "ref_class", "", 30)
    assert found.path == points and found.name == "points.geojson"
    assert found.features[0].label is None
    first = found.features[1]
    assert (first.label, first.stratum, first.stratum_px, first.id) == (1, 1, 80, "p05")
    assert first.geometry["coordinates"] == pytest.approx((500055, 4999995))


def test_another_coordinate_system(class_map, tmp_path):
    lonlat = {"type": "Point", "coordinates": [15.00006, 45.15]}
    feature = {"type": "Feature", "geometry": lonlat, "properties": {"c": "water"}}
    found = read_features(geojson(tmp_path / "p.geojson", [feature], None), class_map, "c")
    x, y = found.features[0].geometry["coordinates"][:2]
    assert x == pytest.approx(500004.7, abs=0.3) and 4999000 < y < 5001000
    assert found.features[0].label == "water"


def test_fields_that_are_not_there(class_map, points):
    with pytest.raises(LulcError, match="no field 'klass'; its fields are: id, ref_class, stratum, stratum_px"):
        read_features(points, class_map, "klass")
    with pytest.raises(LulcError, match="no field 'zone'"):
        read_features(points, class_map, stratum_field="zone")


def test_capitals_of_a_field_do_not_matter(class_map, tmp_path):
    found = read_features(geojson(tmp_path / "p.geojson", [point(0, 0, REF_CLASS=2, Zone=1)]), class_map, "", "zone")
    assert (found.field, found.features[0].label, found.features[0].stratum) == ("REF_CLASS", 2, 1)
    path = geojson(tmp_path / "q.geojson", [point(0, 0, REF_CLASS=2, Ref_Class=1)])
    with pytest.raises(LulcError, match="no field 'ref_class'"):
        read_features(path, class_map)


def test_lines_are_refused(class_map, tmp_path):
    line = {"type": "LineString", "coordinates": [[500000, 4999990], [500050, 4999990]]}
    path = geojson(tmp_path / "l.geojson", [{"type": "Feature", "geometry": line, "properties": {"ref_class": 1}}])
    with pytest.raises(LulcError, match="LineString"):
        read_features(path, class_map)


def test_a_file_that_is_not_there(class_map, tmp_path):
    assert is_raster(class_map) and not is_raster(str(tmp_path / "none.gpkg"))
    with pytest.raises(LulcError, match="cannot be read"):
        read_features(str(tmp_path / "none.gpkg"), class_map)


def test_without_pyogrio(class_map, points, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyogrio", None)
    with pytest.raises(LulcError, match="pip install pyogrio shapely"):
        read_features(points, class_map)


@pytest.fixture
def layers(tmp_path):
    """`layers(name=rows, …)` makes a GeoPackage; a layer without geometries is what QGIS calls `layer_styles`."""
    pyogrio, shapely = pytest.importorskip("pyogrio"), pytest.importorskip("shapely")

    def make(*names, styles=True):
        path = tmp_path / "several.gpkg"
        for k, name in enumerate(names):
            shapes = shapely.to_wkb([shapely.Point(500005 + 10 * c, 4999995 - 10 * k) for c in (0, 9)])
            pyogrio.raw.write(path, shapes, [np.array([1, 2])], np.array(["ref_class"]), layer=name,
                              geometry_type="Point", crs="EPSG:32633", append=k > 0)  # fmt: skip
        if styles:
            pyogrio.raw.write(path, None, [np.array(["a"], object)], np.array(["styleName"]), layer="layer_styles",
                              geometry_type=None, append=bool(names))  # fmt: skip
        return str(path)

    return make


def test_styles_beside_the_points_are_no_second_layer(class_map, layers, recwarn, capsys):
    path = layers("points")
    assert len(read_features(path, class_map).features) == 2
    assert cli.main(["assess", class_map, path]) == 0
    assert "layer_styles" not in capsys.readouterr().err
    assert not [w for w in recwarn if "layer" in str(w.message)]


def test_several_layers_are_named(class_map, layers):
    path = layers("north", "south")
    with pytest.raises(LulcError, match="2 layers with geometries: north, south. Choose one with --layer"):
        read_features(path, class_map)
    found = read_features(path, class_map, layer="south").features
    assert found[0].geometry["coordinates"][1] == pytest.approx(4999985)
    for wrong in ("west", "layer_styles"):
        with pytest.raises(LulcError, match=f"no layer '{wrong}' with geometries; it has: north, south"):
            read_features(path, class_map, layer=wrong)


def test_no_geometries(class_map, layers):
    with pytest.raises(LulcError, match="has no geometries. Give points or polygons.*ends in .csv"):
        read_features(layers(), class_map)


def test_a_crs_that_the_file_contradicts(class_map, points):
    assert read_features(points, class_map, crs="EPSG:32633").features
    with pytest.raises(LulcError, match="says itself that it is in .*Leave --crs away"):
        read_features(points, class_map, crs="EPSG:4326")


@pytest.mark.parametrize("ending", ["shp", "gpkg", "fgb"])
def test_a_file_without_a_crs(class_map, tmp_path, ending):
    """Also a GeoPackage, which calls that an undefined system."""
    pyogrio, shapely = pytest.importorskip("pyogrio"), pytest.importorskip("shapely")
    path = str(tmp_path / f"bare.{ending}")
    shapes = shapely.to_wkb([shapely.Point(500005 + 10 * c, 4999995) for c in (0, 9)])
    pyogrio.raw.write(path, shapes, [np.array([1, 2])], np.array(["ref_class"]), geometry_type="Point", crs=None)
    with pytest.raises(LulcError, match="bare.* has no coordinate system.*They are coordinates of EPSG:32633"):
        read_features(path, class_map)
    found = read_features(path, class_map, crs="EPSG:32633")
    places = {f.geometry["coordinates"] for f in found.features}
    assert places == {(500005, 4999995), (500095, 4999995)} and found.crs == "EPSG:32633"


def test_points_without_a_place_in_the_crs_of_the_map(class_map, tmp_path):
    pole, good = {"type": "Point", "coordinates": [1e20, 1e20]}, {"type": "Point", "coordinates": [15.00006, 45.15]}
    made = [{"type": "Feature", "geometry": g, "properties": {"ref_class": 1}} for g in (pole, good)]
    first, second = read_features(geojson(tmp_path / "p.geojson", made, None), class_map).features
    assert np.isnan(first.geometry["coordinates"]).all()
    assert second.geometry["coordinates"][0] == pytest.approx(500004.7, abs=0.3)
    ring = [[1e20, 1e20], [1e20, 2e20], [2e20, 2e20], [1e20, 1e20]]
    for feature in made:
        feature["geometry"] = {"type": "Polygon", "coordinates": [ring]}
    made[0]["geometry"]["coordinates"] = [[[15, 45], [15.1, 45], [15.1, 45.1], [15, 45]]]
    found = read_features(geojson(tmp_path / "q.geojson", made, None), class_map)
    assert len(found.features) == 1 and "1 features have no place in the map's" in found.warnings[0]


def test_a_map_that_is_not_there(tmp_path, points):
    with pytest.raises(LulcError, match="gone.tif cannot be opened"):
        read_features(points, str(tmp_path / "gone.tif"))


# ---------------------------------------------------------------- the commands


def test_assess(class_map, points, tmp_path, capsys):
    names = {kind: tmp_path / f"report.{kind}" for kind in ("html", "csv", "json")}
    wanted = [word for kind, path in names.items() for word in (f"--{kind}", str(path))]
    assert cli.main(["assess", class_map, points, *wanted]) == 0
    message = capsys.readouterr().out
    assert "Stratified random sample of points" in message and "overall accuracy 1.0000" in message
    assert json.loads(names["json"].read_text())["overall_accuracy"]["value"] == 1
    assert all(path.stat().st_size > 500 for path in names.values())


def test_assess_with_a_raster(class_map, capsys):
    assert cli.main(["assess", class_map, class_map]) == 0
    assert "units 100" in capsys.readouterr().out


def test_compare(class_map, points, tmp_path, capsys):
    assert cli.main(["compare", class_map, class_map, points, "--json", str(tmp_path / "c.json")]) == 0
    assert "A − B 0.0000" in capsys.readouterr().out
    assert json.loads((tmp_path / "c.json").read_text())


@pytest.mark.parametrize(
    "words, message",
    [
        (["--field", "nothing"], "no field 'nothing'"),
        (["--design", "census"], "does not go with points"),
        (["--level", "95"], "confidence level is 95"),
        (["--html", "/nowhere/at/all/r.html"], "/nowhere/at/all"),
        (["--class-table", "missing.csv"], "missing.csv"),
        (["--band", "3"], "band 3"),
    ],
)
def test_errors_are_one_line(class_map, points, words, message, capsys):
    assert cli.main(["assess", class_map, points, *words]) == 1
    error = capsys.readouterr().err
    assert error.startswith("Error: ") or "\nError: " in error
    assert message in error and "Traceback" not in error


def test_a_ring_that_is_not_closed_is_named(class_map, tmp_path):
    ring = [[500005, 4999995], [500055, 4999995], [500055, 4999905]]
    made = [
        {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [r]}, "properties": {"ref_class": 1}}
        for r in (ring + ring[:1], ring)
    ]
    with pytest.raises(LulcError, match="feature 2 of .*open.geojson"):
        read_features(geojson(tmp_path / "open.geojson", made), class_map)


def test_any_error_of_the_reader_is_told(class_map, points, monkeypatch):
    """pyogrio meets a damaged .prj with an UnboundLocalError."""
    import pyogrio

    def fail(*_, **__):
        raise UnboundLocalError("local variable 'wkt' referenced before assignment")

    monkeypatch.setattr(pyogrio.raw, "read", fail)
    with pytest.raises(LulcError, match="wkt"):
        read_features(points, class_map)


def test_what_gdal_says_may_be_no_utf8(class_map, tmp_path):
    path = tmp_path / "bad.vrt"
    path.write_bytes(b"<VRTDataset rasterXSize='2' rasterYSize='2'><\xff\xfe></VRTDataset>")
    assert not is_raster(str(path))
    with pytest.raises(RasterioError):
        open_dataset(path)
