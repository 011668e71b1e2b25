# SPDX-License-Identifier: GPL-3.0-or-later
"""Layers in which geometries of several types are mixed: what counts, and what is said of the rest."""

import json
import re

import numpy as np
import pytest
from rasterio.transform import from_origin

from lulc_plugin.assess import AssessJob, RasterInput, assess, read_features
from lulc_plugin.assess.reference.geometries import joined_across, one_kind
from lulc_plugin.errors import LulcError
from lulc_plugin.progress import Progress

RING = [[0, 0], [4, 0], [4, 4], [0, 0]]
POINT = {"type": "Point", "coordinates": [1, 2]}
LINE = {"type": "LineString", "coordinates": [[0, 0], [1, 1]]}
POLYGON = {"type": "Polygon", "coordinates": [RING]}
EMPTY = {"type": "MultiPolygon", "coordinates": []}


def collection(*parts):
    return {"type": "GeometryCollection", "geometries": list(parts)}


def test_a_collection_gives_its_polygons():
    """As Fix geometries leaves it."""
    found = one_kind([POLYGON, collection(POLYGON, LINE, POINT, collection(POLYGON, LINE))], "p")
    assert found.kind == "polygons"
    assert found.geometries[1] == {"type": "MultiPolygon", "coordinates": [[RING], [RING]]}
    assert found.left_out == (
        "1 of 2 features have other geometries beside their polygons, which do not count (2 LineString, 1 Point).",
    )


@pytest.mark.parametrize(
    ("geometries", "kind", "places", "words"),
    [
        ([POLYGON, None, EMPTY, collection()], "polygons", 1, "3 of 4 features have no geometry"),
        ([POLYGON, POLYGON, POINT], "polygons", 2, "1 of 3 features are points among polygons"),
        ([POINT, POINT, POLYGON], "points", 2, "1 of 3 features are polygons among points"),
        ([POINT, POLYGON], "polygons", 1, "1 of 2 features are points among polygons"),
        ([POINT, LINE, collection(LINE)], "points", 1, r"2 of 3 features are neither .*\(2 LineString\)"),
        ([collection(POINT), POINT, collection(POINT, LINE)], "points", 3, r"beside their points.*\(1 LineString\)"),
        ([collection(POINT, POINT)], "points", 1, None),
        ([{"type": "MultiPolygon", "coordinates": [[RING], []]}], "polygons", 1, None),
        ([{"type": "Point", "coordinates": [1, 2, 3, 4]}], "points", 1, None),
    ],
)
def test_what_counts_and_what_is_told(geometries, kind, places, words):
    found = one_kind(geometries, "reference")
    assert (found.kind, sum(g is not None for g in found.geometries)) == (kind, places)
    assert len(found.geometries) == len(geometries) and len(found.left_out) == (words is not None)
    assert words is None or re.search(words, found.left_out[0])


def test_nothing_to_compare_with():
    with pytest.raises(LulcError, match="2 LineString; a reference is points or polygons"):
        one_kind([LINE, None, collection(LINE)], "roads")
    with pytest.raises(LulcError, match="has no geometries"):
        one_kind([None, EMPTY], "table")


def test_rings_across_180_degrees():
    ring = [(179, 0), (-179, 0), (-179, 1), (179, 1), (179, 0)]
    hole = [(-179.5, 0.2), (-179.4, 0.2), (-179.4, 0.4), (-179.5, 0.2)]
    outer, inner = joined_across({"type": "Polygon", "coordinates": [ring, hole]}, 360)["coordinates"]
    assert [x for x, _ in outer] == [179, 181, 181, 179, 179]
    assert [x for x, _ in inner] == [180.5, pytest.approx(180.6), pytest.approx(180.6), 180.5]
    pole = [(0, 80), (120, 80), (-120, 80), (0, 80)]
    (around,) = joined_across({"type": "Polygon", "coordinates": [pole]}, 360)["coordinates"]
    assert np.isnan(around).all()
    assert joined_across(POINT, 360) is POINT


@pytest.fixture
def class_map(raster):
    """Classes 1 and 2 in two halves, 10 × 10 pixels of 10 m."""
    values = np.repeat(np.array([[1] * 5 + [2] * 5], np.uint8), 10, axis=0)
    return lambda **more: raster("map.tif", values[None], nodata=0, **more)


def test_mixed_layers_are_assessed(class_map, tmp_path):
    pytest.importorskip("pyogrio")
    path = class_map(crs="EPSG:32633", transform=from_origin(500000, 5000000, 10, 10))

    def square(col, wide=20):
        x, y = 500000 + 10 * col, 4999990
        return {"type": "Polygon", "coordinates": [[[x, y], [x + wide, y], [x + wide, y - 20], [x, y - 20], [x, y]]]}

    line = {"type": "LineString", "coordinates": [[500000, 4999990], [500020, 4999990]]}
    rows = [(collection(square(0), line), 1), (square(6), 2), (None, 1), (line, 2)]
    made = [{"type": "Feature", "geometry": g, "properties": {"ref_class": c}} for g, c in rows]
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32633"}}
    (tmp_path / "mixed.geojson").write_text(
        json.dumps({"type": "FeatureCollection", "features": made, "crs": crs}), encoding="utf-8"
    )
    features = read_features(str(tmp_path / "mixed.geojson"), path)
    result = assess(AssessJob((RasterInput(path),), features=features), Progress())
    assert result.context.compared == 8 and result.estimates.overall.value == 1
    said = " ".join(result.context.warnings)
    assert "1 of 4 features have no geometry" in said and "1 of 4 features are neither" in said
    assert "1 of 4 features have other geometries beside their polygons" in said


@pytest.mark.parametrize("crs", ["EPSG:32760", "EPSG:4326"])
def test_polygons_on_a_map_in_web_mercator_across_180(class_map, tmp_path, crs):
    pyogrio, shapely = pytest.importorskip("pyogrio"), pytest.importorskip("shapely")
    path = class_map(crs="EPSG:3857", transform=from_origin(19_926_000, -1_600_000, 20_000, 20_000))
    box = (812000, 8250000, 862000, 8350000) if crs == "EPSG:32760" else (179.9, -15.8, 180.4, -14.9)
    shapes = shapely.to_wkb([shapely.box(*box)])
    pyogrio.raw.write(tmp_path / "p.gpkg", shapes, [np.array([2])], np.array(["ref_class"]), geometry_type="Polygon",
                      crs=crs)  # fmt: skip
    features = read_features(str(tmp_path / "p.gpkg"), path)
    result = assess(AssessJob((RasterInput(path),), features=features), Progress())
    assert 8 <= result.context.compared <= 15


def test_polygons_in_metres_on_a_map_in_degrees_across_180(class_map, tmp_path):
    pyogrio, shapely = pytest.importorskip("pyogrio"), pytest.importorskip("shapely")
    path = class_map(crs="EPSG:4326", transform=from_origin(179, -15, 0.2, 0.2))
    # UTM zone 60 south: 180 degrees lie at 822,000 m
    shapes = shapely.to_wkb([shapely.box(812000, 8200000, 842000, 8300000)])
    pyogrio.raw.write(tmp_path / "p.gpkg", shapes, [np.array([2])], np.array(["ref_class"]), geometry_type="Polygon",
                      crs="EPSG:32760")  # fmt: skip
    features = read_features(str(tmp_path / "p.gpkg"), path)
    result = assess(AssessJob((RasterInput(path),), features=features), Progress())
    assert result.context.compared == 4
