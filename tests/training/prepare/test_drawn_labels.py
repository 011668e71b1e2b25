# SPDX-License-Identifier: GPL-3.0-or-later
"""Polygons and points become labels at the pixels of an image."""

import json

import numpy as np
import pytest

pytest.importorskip("cv2", reason="OpenCV is not installed; run make setup-training")
pytest.importorskip("rasterio", reason="rasterio is not installed")
pytest.importorskip("pyogrio", reason="pyogrio is not installed")
pytest.importorskip("shapely", reason="shapely is not installed")

from rasterio.transform import Affine
from rasterio.warp import transform_geom

from lulc_plugin.errors import LulcError
from lulc_plugin.raster import PixelRegion, Source, open_dataset
from training.prepare.class_table import read_classes
from training.prepare.drawn_labels import drawn

WHOLE, PART = PixelRegion(0, 40, 0, 50), PixelRegion(5, 25, 10, 40)


@pytest.fixture
def setting(tmp_path):
    """An image of 40 x 50 pixels of 10 m in UTM 33N, and a legend of two classes."""
    path = tmp_path / "image.tif"
    profile = {"driver": "GTiff", "count": 1, "height": 40, "width": 50, "dtype": "uint8", "crs": "EPSG:32633"}
    with open_dataset(path, "w", transform=Affine(10, 0, 500_000, 0, -10, 5_000_000), **profile) as dataset:
        dataset.write(np.ones((1, 40, 50), np.uint8))
    (tmp_path / "l.json").write_text(
        json.dumps({"classes": [{"value": 1, "name": "Water"}, {"value": 2, "name": "Trees"}]})
    )
    with Source(str(path)) as source:
        return tmp_path, path, source.facts, read_classes(tmp_path / "l.json")


def box(row0, row1, col0, col1):
    x0, x1, y0, y1 = 500_000 + 10 * col0, 500_000 + 10 * col1, 5_000_000 - 10 * row0, 5_000_000 - 10 * row1
    return {"type": "Polygon", "coordinates": [[[x0, y0], [x1, y0], [x1, y1], [x0, y1], [x0, y0]]]}


def point(row, col):
    return {"type": "Point", "coordinates": [500_000 + 10 * col, 5_000_000 - 10 * row]}


def geojson(path, shapes):
    """Features in degrees, as GeoJSON wants them: they have to be brought to the image's plane."""
    features = [
        {
            "type": "Feature",
            "properties": {"class": label},
            "geometry": transform_geom("EPSG:32633", "EPSG:4326", shape, precision=9),
        }
        for shape, label in shapes
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


def test_polygons_in_another_coordinate_system(setting):
    folder, path, facts, table = setting
    shapes = [(box(2, 12, 3, 20), "trees"), (box(10, 30, 15, 45), "1"), (box(35, 38, 0, 4), None)]
    layer = drawn(geojson(folder / "p.geojson", shapes), path, facts, table, "class")
    expected = np.zeros((40, 50), np.uint8)
    expected[2:12, 3:20] = 2
    expected[10:30, 15:45] = 1
    expected[10:12, 15:20] = 0  # polygons of two classes: unknown
    assert (layer.read(WHOLE) == expected).all()
    assert (layer.read(PART) == expected[5:25, 10:40]).all()
    assert "10 in polygons of different classes" in layer.summary_line()


def test_points_label_single_pixels(setting):
    folder, path, facts, table = setting
    shapes = [(point(3.5, 4.5), 2), (point(3.2, 4.9), 2), (point(20.1, 30.9), 1), (point(8.5, 8.5), 1)]
    shapes += [(point(8.6, 8.6), 2), (point(90, 90), 1)]
    layer = drawn(geojson(folder / "p.geojson", shapes), path, facts, table, "class")
    expected = np.zeros((40, 50), np.uint8)
    expected[3, 4], expected[20, 30] = 2, 1
    assert (layer.read(WHOLE) == expected).all() and (layer.read(PART) == expected[5:25, 10:40]).all()
    assert (
        "1 points outside" in layer.summary_line()
        and "1 pixels with points of different classes" in layer.summary_line()
    )


def test_points_of_a_table(setting):
    folder, path, facts, table = setting
    by_pixel = folder / "pixels.csv"
    by_pixel.write_text("file,row,col,class\nimage.tif,3,4,Trees\nother.tif,5,5,Water\nimage,39,49,Water\n")
    labels = drawn(by_pixel, path, facts, table, "class").read(WHOLE)
    assert np.argwhere(labels).tolist() == [[3, 4], [39, 49]] and labels[39, 49] == 1
    lon, lat = transform_geom("EPSG:32633", "EPSG:4326", point(20.5, 10.5))["coordinates"]
    by_place = folder / "places.csv"
    by_place.write_text(f"x,y,crs,class\n{lon},{lat},EPSG:4326,Water\n")
    assert np.argwhere(drawn(by_place, path, facts, table, "class").read(WHOLE)).tolist() == [[20, 10]]


def test_a_folder_has_one_file_an_image(setting):
    folder, path, facts, table = setting
    (folder / "drawn").mkdir()
    assert drawn(folder / "drawn", path, facts, table, "class") is None
    geojson(folder / "drawn" / "image.geojson", [(box(0, 5, 0, 5), 1)])
    assert np.count_nonzero(drawn(folder / "drawn", path, facts, table, "class").read(WHOLE)) == 25


def test_unknown_class_and_missing_columns_are_told(setting):
    folder, path, facts, table = setting
    with pytest.raises(LulcError, match="desert"):
        drawn(geojson(folder / "p.geojson", [(box(0, 5, 0, 5), "desert")]), path, facts, table, "class")
    (folder / "p.csv").write_text("a,b\n1,2\n")
    with pytest.raises(LulcError, match="a, b"):
        drawn(folder / "p.csv", path, facts, table, "class")
    (folder / "p.csv").write_text("x,y,class\n1,north,Water\n")
    with pytest.raises(LulcError, match="not a number"):
        drawn(folder / "p.csv", path, facts, table, "class")
