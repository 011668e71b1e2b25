# SPDX-License-Identifier: GPL-3.0-or-later
"""What the user sets for a raster layer in QGIS counts in every algorithm, whatever its file says."""

import json

import numpy as np
import pytest
import rasterio
from osgeo import gdal
from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsPalettedRasterRenderer,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProject,
    QgsRasterLayer,
    QgsRasterRange,
    QgsVectorLayer,
)

SET = "EPSG:25832"


@pytest.fixture
def run(provider, qgis_new_project, tmp_path):
    """`run("samplepoints", MAP=…)` → results and the log."""
    import processing

    def call(name, **values):
        feedback = QgsProcessingFeedback()
        return processing.run(f"lulc:{name}", values, feedback=feedback), feedback.textLog()

    return call


@pytest.fixture
def layer_of(qgis_new_project):
    """`layer_of(path, crs)` → a layer of the project whose CRS the user set."""

    def make(path, crs=SET):
        layer = QgsRasterLayer(path, "my layer")
        if crs:
            layer.setCrs(QgsCoordinateReferenceSystem(crs))
        QgsProject.instance().addMapLayer(layer)
        return layer

    return make


@pytest.fixture
def class_map(make_raster):
    """`class_map(name, crs)` → path of a map of three classes in strips of 20 m."""
    values = np.broadcast_to(1 + np.arange(60) // 2 % 3, (60, 60)).astype(np.uint8)
    return lambda name="map.tif", crs=23032: make_raster(name, values[None], names=None, crs=crs)


# ---------------------------------------------------------------- coordinate system


@pytest.mark.parametrize("in_file", [23032, None])
def test_perfect_labels_are_perfect(run, layer_of, class_map, tmp_path, in_file):
    """The sample and the report use one CRS: the layer's."""
    if in_file is None:
        path = str(tmp_path / "map.asc")
        with rasterio.open(class_map()) as made:
            rows = "\n".join(" ".join(map(str, row)) for row in made.read(1))
        head = "ncols 60\nnrows 60\nxllcorner 500000\nyllcorner 7399400\ncellsize 10\n"
        (tmp_path / "map.asc").write_text(head + rows + "\n")
    else:
        path = class_map()
    layer = layer_of(path)
    sample = str(tmp_path / "sample.gpkg")
    _, log = run("samplepoints", MAP=layer, SIZE=60, SEED=1, OUTPUT=sample)
    assert SET in log and ("names none" if in_file is None else "its file says EPSG:23032") in log
    points = QgsVectorLayer(sample, "sample")
    assert points.crs().authid() == SET
    found, log = run("accuracyreport", MAP=layer, REFERENCE_FEATURES=sample, FIELD="map_class")
    assert found["N"] == 60 and found["OVERALL_ACCURACY"] == 1
    assert SET in log


def test_raster_reference_strata_and_second_map(run, layer_of, class_map, tmp_path):
    layer, truth = layer_of(class_map()), class_map("truth.tif", 25832)
    output = str(tmp_path / "report.json")
    found, _ = run("accuracyreport", MAP=layer, REFERENCE=truth, OUTPUT_JSON=output)
    assert found["OVERALL_ACCURACY"] == 1
    assert SET in json.dumps(json.loads((tmp_path / "report.json").read_text()))
    found, _ = run("accuracyreport", MAP=truth, REFERENCE=layer, STRATA=layer, DESIGN="stratified")
    assert found["OVERALL_ACCURACY"] == 1
    found, _ = run("comparemaps", MAP_A=truth, MAP_B=layer, REFERENCE=truth)
    assert found["DIFFERENCE"] == 0


@pytest.mark.parametrize("in_file", [23032, None])
def test_a_map_has_the_crs_of_the_layer(run, layer_of, make_raster, network, tmp_path, in_file):
    path = make_raster("image.tif", crs=in_file)
    if in_file is None:
        (tmp_path / "image.tfw").write_text("10\n0\n0\n-10\n500005\n7399995\n")
    layer, output = layer_of(path), str(tmp_path / "map.tif")
    bands = {} if in_file else {"BANDS": [1, 2, 3, 4]}
    found, log = run("classifylandcover", INPUT=layer, MODEL_FILE=network, OUTPUT=output, **bands)
    assert SET in log and all(entry["hectares"] is not None for entry in json.loads(found["CLASSES"]))
    with rasterio.open(output) as made:
        assert made.crs == rasterio.crs.CRS.from_string(SET)
        assert any(SET in text for text in made.tags().values())
    found, _ = run("checklayer", INPUT=layer, MODEL_FILE=network, **bands)
    assert "layer.settings" in found["FINDINGS"] and SET in found["FINDINGS"]


# ---------------------------------------------------------------- nodata


def test_values_that_are_set_as_no_data(run, layer_of, class_map, tmp_path):
    """'Additional no data value' of the layer's properties."""
    layer = layer_of(class_map(), None)
    layer.dataProvider().setUserNoDataValue(1, [QgsRasterRange(1, 1)])
    sample = str(tmp_path / "sample.gpkg")
    _, log = run("samplepoints", MAP=layer, SIZE=60, SEED=1, OUTPUT=sample)
    assert {f["map_class"] for f in QgsVectorLayer(sample, "sample").getFeatures()} == {2, 3}
    assert "1 count as no data" in log
    found, _ = run("accuracyreport", MAP=layer, REFERENCE=class_map("truth.tif"))
    assert found["N"] == 2400
    found, _ = run("accuracyreport", MAP=class_map("truth.tif"), REFERENCE=layer)
    assert found["N"] == 2400


def test_a_map_has_the_nodata_of_the_layer(run, layer_of, make_raster, network, tmp_path):
    path, output = make_raster("image.tif", nodata=0), str(tmp_path / "map.tif")
    with rasterio.open(path, "r+") as image:
        values = image.read()
        values[:, :10], values[:, 10:30] = 0, 1
        image.write(values)
    layer = layer_of(path, None)
    for band in range(1, 5):
        layer.dataProvider().setUserNoDataValue(band, [QgsRasterRange(0.5, 1.5)])
        layer.dataProvider().setUseSourceNoDataValue(band, False)
    _, log = run("classifylandcover", INPUT=layer, MODEL_FILE=network, OUTPUT=output)
    with rasterio.open(output) as made:
        valid = made.read_masks(1) > 0
    assert valid[:10].all() and not valid[10:30].any() and valid[30:].all()
    assert "nodata value 0" in log and "0.5 to 1.5" in log


@pytest.mark.parametrize(
    ("bounds", "empty"), [("IncludeMinAndMax", 3), ("IncludeMax", 2), ("IncludeMin", 2), ("Exclusive", 1)]
)
def test_ends_of_a_range(layer_of, plugin, class_map, bounds, empty):
    layer = layer_of(class_map(), None)
    kind = getattr(QgsRasterRange.BoundsType, bounds)
    layer.dataProvider().setUserNoDataValue(1, [QgsRasterRange(1, 3, kind)])
    (setting,) = plugin("algorithms.bridge.layers").raster_input(layer, 1).nodata
    assert sum(low <= value <= high for low, high in setting.ranges for value in (1, 2, 3)) == empty


def test_a_layer_with_nothing_set_is_as_its_file(layer_of, plugin, class_map, make_raster):
    layers = plugin("algorithms.bridge.layers")
    for path in (class_map(), make_raster("image.tif", nodata=0)):
        found = layers.raster_input(layer_of(path, None), 1)
        assert (found.crs, found.nodata) == ("", ())


# ---------------------------------------------------------------- files that are no raster yet


def test_ground_control_points_are_refused(run, layer_of, make_raster, tmp_path):
    """QGIS shows such a file in its place; its pixels have none."""
    bare, path = make_raster("bare.tif", crs=None), str(tmp_path / "gcps.tif")
    corners = [(0, 0), (150, 0), (0, 120), (150, 120)]
    points = [gdal.GCP(500000 + 10 * col, 7400000 - 10 * row, 0, col, row) for col, row in corners]
    gdal.Translate(path, bare, GCPs=points, outputSRS="EPSG:32723")
    with pytest.raises(QgsProcessingException, match="gdalwarp -t_srs EPSG:32723"):
        run("classifylandcover", INPUT=layer_of(path, None), OUTPUT=str(tmp_path / "out.tif"))


@pytest.fixture
def several(class_map, tmp_path):
    """A file of two rasters for each driver that is here: name → path."""

    def make(driver):
        path = str(tmp_path / f"several.{({'GPKG': 'gpkg', 'netCDF': 'nc', 'HDF5': 'h5'})[driver]}")
        if gdal.GetDriverByName(driver) is None:
            pytest.skip(f"this GDAL has no driver {driver}")
        if driver == "GPKG":
            for table, more in (("first", []), ("second", ["APPEND_SUBDATASET=YES"])):
                gdal.Translate(path, class_map(), format=driver, creationOptions=[f"RASTER_TABLE={table}", *more])
        else:
            with rasterio.open(class_map()) as made:
                values = made.read(1)
            two = gdal.GetDriverByName("GTiff").Create(str(tmp_path / "two.tif"), 60, 60, 2, gdal.GDT_Byte)
            two.SetGeoTransform((-46, 0.001, 0, -23, 0, -0.001))
            two.SetProjection(rasterio.crs.CRS.from_epsg(4326).to_wkt())
            for band in (1, 2):
                two.GetRasterBand(band).WriteArray(values)
            del two
            # netCDF 4 is HDF5, which GDAL takes by the ending
            gdal.Translate(path, str(tmp_path / "two.tif"), format="netCDF", creationOptions=["FORMAT=NC4"])
        return path

    return make


RASTERS = [
    ("classifylandcover", "INPUT", {}),
    ("classifylandcover", "STATISTICS_FROM", {"INPUT": "map"}),
    ("checklayer", "INPUT", {}),
    ("samplepoints", "MAP", {"SIZE": 9}),
    ("accuracyreport", "MAP", {"REFERENCE": "map"}),
    ("accuracyreport", "REFERENCE", {"MAP": "map"}),
    ("accuracyreport", "STRATA", {"MAP": "map", "REFERENCE": "map"}),
    ("comparemaps", "MAP_B", {"MAP_A": "map", "REFERENCE": "map"}),
]


@pytest.mark.parametrize(("name", "parameter", "others"), RASTERS)
@pytest.mark.parametrize("driver", ["GPKG", "netCDF", "HDF5"])
def test_a_file_of_several_rasters_is_listed(run, several, class_map, driver, name, parameter, others):
    path = several(driver)
    others = {key: class_map("other.tif") if value == "map" else value for key, value in others.items()}
    for value in (path, QgsRasterLayer(path, "several", "gdal")):
        with pytest.raises(QgsProcessingException) as caught:
            run(name, **{parameter: value, **others})
        said = str(caught.value)
        assert "holds 2 rasters" in said and path in said and "Choose one, and give it as" in said


@pytest.mark.parametrize("driver", ["GPKG", "netCDF", "HDF5"])
def test_the_string_that_is_listed_can_be_given(run, several, driver):
    with pytest.raises(QgsProcessingException) as caught:
        run("samplepoints", MAP=several(driver), SIZE=9)
    string = str(caught.value).split("give it as ")[1].split(", ")[0]
    found, _ = run("samplepoints", MAP=string, SIZE=9, OUTPUT="memory:")
    assert found["N"] == 9
    found, _ = run("accuracyreport", MAP=string, REFERENCE=string)
    assert found["OVERALL_ACCURACY"] == 1


# ---------------------------------------------------------------- the band that is shown


def test_the_band_that_the_layer_shows(run, layer_of, make_raster, class_map):
    """A stack of maps, the second one shown."""
    with rasterio.open(class_map()) as made:
        second = made.read(1)
    layer = layer_of(make_raster("stack.tif", np.stack([np.full_like(second, 9), second]), names=None, crs=23032), None)
    truth = class_map("truth.tif")
    assert run("accuracyreport", MAP=layer, REFERENCE=truth)[0]["OVERALL_ACCURACY"] == 0
    layer.setRenderer(QgsPalettedRasterRenderer(layer.dataProvider(), 2, []))
    assert run("accuracyreport", MAP=layer, REFERENCE=truth)[0]["OVERALL_ACCURACY"] == 1
    assert run("accuracyreport", MAP=truth, REFERENCE=layer)[0]["OVERALL_ACCURACY"] == 1
    assert run("comparemaps", MAP_A=truth, MAP_B=layer, REFERENCE=truth)[0]["DIFFERENCE"] == 0
    assert run("accuracyreport", MAP=layer, BAND=1, REFERENCE=truth)[0]["OVERALL_ACCURACY"] == 0
    found, _ = run("samplepoints", MAP=layer, SIZE=30, OUTPUT="memory:")
    assert {f["map_class"] for f in found["OUTPUT"].getFeatures()} == {1, 2, 3}
