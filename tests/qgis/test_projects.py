# SPDX-License-Identifier: GPL-3.0-or-later
"""Layers of a project with settings that no file holds, through the real `qgis_process`."""

import json

import numpy as np
import pytest
import rasterio
from osgeo import gdal
from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsFeature,
    QgsGeometry,
    QgsPointXY,
    QgsProject,
    QgsRasterLayer,
    QgsRasterRange,
    QgsVectorFileWriter,
    QgsVectorLayer,
    QgsVectorLayerJoinInfo,
)

CRS = "EPSG:32723"
#: North-west corner of the map, and its pixel.
WEST, NORTH, PIXEL = 500000, 7400000, 10
CLASSES = 1 + np.arange(60) // 2 % 3


@pytest.fixture
def truth(make_raster):
    """A map of three classes in strips of 20 m."""
    return make_raster("map.tif", np.broadcast_to(CLASSES, (60, 60)).astype(np.uint8)[None], names=None)


@pytest.fixture
def saved(tmp_path):
    """`saved(layer, …)` → path of a project with these layers."""

    def write(*layers):
        project = QgsProject()
        project.setCrs(QgsCoordinateReferenceSystem(CRS))
        for layer in layers:
            assert layer.isValid(), layer.name()
            project.addMapLayer(layer)
        path = str(tmp_path / "project.qgz")
        assert project.write(path)
        return path

    return write


@pytest.fixture
def run(qgis_process, tmp_path):
    """`run(project, "MAP=map", …)` → the accuracy report, and all that was said."""

    def call(project, *values):
        report = tmp_path / "report.json"
        done = qgis_process(
            "run", "lulc:accuracyreport", f"--PROJECT_PATH={project}", "--", *values, f"OUTPUT_JSON={report}"
        )
        said = done.stdout + done.stderr
        # QGIS 3.22 dies after its work where a project holds a vector file, with native:buffer as with any other
        died_later = done.returncode < 0 and report.exists()
        assert "Traceback" not in said and (done.returncode == 0 or died_later), said
        return json.loads(report.read_text()), said

    return call


@pytest.fixture
def points(tmp_path):
    """A GeoPackage of 40 points with the field `klass`: the class of the map, save that every fourth is 9."""
    layer = QgsVectorLayer(f"Point?crs={CRS}&field=number:integer&field=klass:integer", "points", "memory")
    features = []
    for i in range(40):
        feature = QgsFeature(layer.fields())
        x, y = WEST + PIXEL * (i + 0.5), NORTH - PIXEL * (i + 0.5)
        feature.setGeometry(QgsGeometry.fromPointXY(QgsPointXY(x, y)))
        feature.setAttributes([i, 9 if i % 4 == 3 else int(CLASSES[i])])
        features.append(feature)
    layer.dataProvider().addFeatures(features)
    path = str(tmp_path / "points.gpkg")
    options = QgsVectorFileWriter.SaveVectorOptions()
    QgsVectorFileWriter.writeAsVectorFormatV3(layer, path, QgsProject.instance().transformContext(), options)
    return path


def test_a_crs_that_only_the_project_has(run, saved, truth, points, tmp_path):
    """Case 11: a grid in text without a coordinate system."""
    path = tmp_path / "bare.asc"
    with rasterio.open(truth) as made:
        rows = "\n".join(" ".join(map(str, row)) for row in made.read(1))
    path.write_text(f"ncols 60\nnrows 60\nxllcorner {WEST}\nyllcorner {NORTH - 600}\ncellsize {PIXEL}\n{rows}\n")
    layer = QgsRasterLayer(str(path), "bare")
    layer.setCrs(QgsCoordinateReferenceSystem(CRS))
    report, said = run(saved(layer), "MAP=bare", f"REFERENCE_FEATURES={points}", "FIELD=klass")
    assert report["overall_accuracy"]["value"] == 0.75 and CRS in said


def test_nodata_that_only_the_project_has(run, saved, truth):
    """Case 12: class 1 is 'additional no data'; the tick of another layer is taken away."""
    layer = QgsRasterLayer(truth, "without 1")
    layer.dataProvider().setUserNoDataValue(1, [QgsRasterRange(1, 1)])
    report, _ = run(saved(layer), "MAP=without 1", f"REFERENCE={truth}")
    assert report["units"]["compared"] == 2400


def test_ground_control_points_of_a_project(qgis_process, saved, truth, tmp_path):
    """Case 27: QGIS shows such a file in its place."""
    bare, path = str(tmp_path / "bare.tif"), str(tmp_path / "gcps.tif")
    with rasterio.open(truth) as made:
        values = made.read()
    with rasterio.open(bare, "w", driver="GTiff", height=60, width=60, count=1, dtype="uint8") as image:
        image.write(values)
    ends = [(0, 0), (60, 0), (0, 60), (60, 60)]
    corners = [gdal.GCP(WEST + PIXEL * col, NORTH - PIXEL * row, 0, col, row) for col, row in ends]
    gdal.Translate(path, bare, GCPs=corners, outputSRS=CRS)
    project = saved(QgsRasterLayer(path, "gcps"))
    done = qgis_process(
        "run", "lulc:accuracyreport", f"--PROJECT_PATH={project}", "--", "MAP=gcps", f"REFERENCE={truth}"
    )
    said = done.stdout + done.stderr
    assert done.returncode == 1 and f"gdalwarp -t_srs {CRS}" in said and "Traceback" not in said


def test_a_variable_of_a_project(run, saved, truth, tmp_path):
    """Case 14: one raster of several in a file."""
    path = str(tmp_path / "several.gpkg")
    for table, more in (("first", []), ("second", ["APPEND_SUBDATASET=YES"])):
        gdal.Translate(path, truth, format="GPKG", creationOptions=[f"RASTER_TABLE={table}", *more])
    project = saved(QgsRasterLayer(f"GPKG:{path}:second", "second"))
    report, _ = run(project, "MAP=second", f"REFERENCE={truth}")
    assert report["overall_accuracy"]["value"] == 1


def test_a_joined_field_and_a_filter_of_the_project(run, saved, truth, points, tmp_path):
    table = tmp_path / "labels.csv"
    table.write_text("number,label\n" + "".join(f"{i},{CLASSES[i]}\n" for i in range(40)))
    labels = QgsVectorLayer(f"file://{table}?delimiter=,&detectTypes=yes&geomType=none", "labels", "delimitedtext")
    places = QgsVectorLayer(points, "places", "ogr")
    join = QgsVectorLayerJoinInfo()
    join.setJoinLayer(labels)
    join.setJoinLayerId(labels.id())
    join.setJoinFieldName("number")
    join.setTargetFieldName("number")
    join.setPrefix("of_")
    assert places.addJoin(join)
    assert places.setSubsetString('"klass" < 9')
    project = saved(labels, places)
    report, _ = run(project, f"MAP={truth}", "REFERENCE_FEATURES=places", "FIELD=of_label")
    assert report["units"]["compared"] == 30 and report["overall_accuracy"]["value"] == 1
    assert 'filter of the layer: "klass" < 9' in json.dumps(report).replace('\\"', '"')
