# SPDX-License-Identifier: GPL-3.0-or-later
"""Features that lie beside the map: both places are told, and what would put them right."""

import numpy as np
import pytest
from rasterio.transform import from_origin
from rasterio.warp import transform

from lulc_plugin.assess import AssessJob, RasterInput, assess, read_points
from lulc_plugin.errors import LulcError, MissingCrs
from lulc_plugin.progress import Progress

UTM = "EPSG:32722"
WEST, NORTH = 330000, 7497000


@pytest.fixture
def class_map(raster):
    def make(crs=UTM, name="map.tif"):
        place = from_origin(WEST, NORTH, 10, 10)
        return raster(name, np.ones((1, 20, 30), np.uint8), nodata=0, crs=crs, transform=place)

    return make


EASTING = WEST + 5 + 10.0 * np.arange(12)
NORTHING = NORTH - 5 - 10.0 * np.arange(12)
LON, LAT = (np.array(v) for v in transform(UTM, "EPSG:4326", EASTING, NORTHING))


@pytest.fixture
def table(tmp_path):
    def write(xs, ys, header="x,y,ref_class"):
        path = tmp_path / "points.csv"
        rows = [f"{x!r},{y!r},1" for x, y in zip(map(float, xs), map(float, ys))]
        path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
        return str(path)

    return write


def refusal(path, points, crs="", error=LulcError):
    with pytest.raises(error) as caught:
        features = read_points(points, path, crs=crs)
        assess(AssessJob((RasterInput(path),), features=features), Progress())
    assert len(str(caught.value)) < 900
    return str(caught.value)


@pytest.mark.parametrize(
    ("xs", "ys", "header", "crs", "words"),
    [
        (LAT, LON, "lon,lat,ref_class", "", "x and y are swapped"),
        (NORTHING, EASTING, "x,y,ref_class", UTM, "x and y are swapped"),
        (LON, LAT, "x,y,ref_class", UTM, "They are degrees of EPSG:4326: set EPSG:4326"),
        (LAT, LON, "x,y,ref_class", UTM, "They are degrees of EPSG:4326 with x and y swapped"),
        (EASTING, NORTHING, "x,y,ref_class", "EPSG:32622", "They are coordinates of EPSG:32722"),
        (EASTING, NORTHING, "x,y,ref_class", "EPSG:3857", "They are coordinates of EPSG:32722"),
        (NORTHING, EASTING, "x,y,ref_class", "EPSG:3857", "They are coordinates of EPSG:32722 with x and y swapped"),
        (EASTING + 5000, NORTHING, "x,y,ref_class", UTM, "Check that both layers show the same place"),
    ],
)
def test_points_beside_the_map(class_map, table, xs, ys, header, crs, words):
    said = refusal(class_map(), table(xs, ys, header), crs)
    assert "0 of 12: 12 outside the map" in said and words in said
    assert f"map.tif {WEST}, {NORTH - 200}, {WEST + 300}, {NORTH} in EPSG:32722" in said
    assert (
        f"points.csv covers {min(xs):.8g}, {min(ys):.8g}, {max(xs):.8g}, {max(ys):.8g} in {crs or 'EPSG:4326'}" in said
    )


def test_most_points_beside_the_map(class_map, table):
    path = class_map()
    far = np.where(np.arange(12) < 8, 90_000, 0)
    features = read_points(table(EASTING + far, NORTHING), path, crs=UTM)
    result = assess(AssessJob((RasterInput(path),), features=features), Progress())
    (said,) = [w for w in result.context.warnings if "outside the map" in w]
    assert "8 of 12 points with a class" in said and "420075" in said


def test_without_a_crs(class_map, table):
    said = refusal(class_map(None), table(LON, LAT, "lon,lat,ref_class"), "", MissingCrs)
    assert said.startswith("map.tif has no coordinate system") and "--map-crs" in said
    said = refusal(class_map(None), table(EASTING, NORTHING), UTM, MissingCrs)
    assert "The map is in EPSG:32722" in said
    said = refusal(class_map(), table(EASTING, NORTHING), "", MissingCrs)
    assert "columns x and y" in said and "--crs EPSG:32722" in said
    said = refusal(class_map(), table(LON, LAT), "", MissingCrs)
    assert "--crs EPSG:4326" in said
    said = refusal(class_map(), table(LAT, LON), "", MissingCrs)
    assert "--crs EPSG:4326" in said and "swapped" in said


def test_the_zone_of_a_map_without_a_crs(class_map, table):
    said = refusal(class_map(None), table(LON, LAT, "lon,lat,ref_class"), "", MissingCrs)
    assert "The map is in EPSG:32722, as it seems" in said and "--map-crs EPSG:32722" in said
