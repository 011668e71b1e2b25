# SPDX-License-Identifier: GPL-3.0-or-later
"""Own classes in QGIS: stack, digitise, train, classify, suggest, and train again."""

import json
from pathlib import Path

import numpy as np
import processing
import pytest
from qgis.core import (
    QgsCategorizedSymbolRenderer,
    QgsFeature,
    QgsProcessingException,
    QgsProcessingFeatureSourceDefinition,
    QgsProject,
    QgsRasterLayer,
    QgsRendererCategory,
    QgsSymbol,
    QgsVectorLayer,
)
from qgis.PyQt.QtGui import QColor

TRAIN, SUGGEST, STACK = "lulc:trainfrompoints", "lulc:suggestsamples", "lulc:stacklayers"
#: left half dark, right half bright
PLACES = [("dark", x, y) for x in (0.1, 0.25, 0.4) for y in (0.15, 0.5, 0.85)] + [
    ("bright", x, y) for x in (0.6, 0.75, 0.9) for y in (0.15, 0.5, 0.85)
]


@pytest.fixture
def image(make_raster):
    random = np.random.default_rng(0)
    level = np.where(np.arange(120) < 60, 500, 2500)
    values = np.clip(level + random.normal(0, 90, (4, 60, 120)), 1, 9999).astype(np.uint16)
    return make_raster("image.tif", values)


@pytest.fixture
def samples(image, write_points, tmp_path):
    return write_points(str(tmp_path / "samples.geojson"), image, PLACES, "kind")


@pytest.fixture
def train(provider, image, samples, tmp_path):
    """`train(SEED=1, …)` → results of Train classes from points, without a network."""

    def run(**values):
        given = {
            "INPUT": image, "SAMPLES": samples, "FIELD": "kind", "NETWORK": "none", "SMOOTHING": "none",
            "OUTPUT_MODEL": str(tmp_path / "own.onnx"),
        }  # fmt: skip
        return processing.run(TRAIN, {**given, **values})

    return run


def test_train_then_classify(train, image, tmp_path):
    results = train(OUTPUT_HTML=str(tmp_path / "own.html"))
    assert results["OVERALL_ACCURACY"] == 1 and results["MACRO_F1"] == 1 and results["N"] == 18
    assert [c["name"] for c in json.loads(results["CLASSES"])] == ["bright", "dark"]
    assert "Report of own classes" in (tmp_path / "own.html").read_text()
    made = processing.run(
        "lulc:classifylandcover",
        {"INPUT": image, "MODEL": "auto", "MODEL_FILE": results["OUTPUT_MODEL"], "OUTPUT": str(tmp_path / "map.tif")},
    )
    layer = QgsRasterLayer(made["OUTPUT"])
    provider = layer.dataProvider()
    block = provider.block(1, layer.extent(), layer.width(), layer.height())
    row = [int(block.value(30, col)) for col in range(layer.width())]
    assert set(row[:55]) == {2} and set(row[65:]) == {1}


def test_the_layers_style_gives_names_and_colours(train, samples):
    layer = QgsVectorLayer(samples, "points")
    categories = []
    for value, label, colour in (("dark", "Dark land", "#101010"), ("bright", "Bright land", "#fefefe")):
        symbol = QgsSymbol.defaultSymbol(layer.geometryType())
        symbol.setColor(QColor(colour))
        categories.append(QgsRendererCategory(value, symbol, label))
    layer.setRenderer(QgsCategorizedSymbolRenderer("kind", categories))
    QgsProject.instance().addMapLayer(layer)
    results = train(SAMPLES=layer)
    assert [(c["name"], c["colour"]) for c in json.loads(results["CLASSES"])] == [
        ("Bright land", "#FEFEFE"), ("Dark land", "#101010"),
    ]  # fmt: skip
    given = train(SAMPLES=layer, CLASS_COLORS=["dark", "Night", "#000001", "bright", "Day", "#FFFFF0"])
    assert [c["name"] for c in json.loads(given["CLASSES"])] == ["Day", "Night"]


def test_a_selection_counts(train, samples):
    layer = QgsVectorLayer(samples, "points")
    QgsProject.instance().addMapLayer(layer)
    layer.selectByIds([f.id() for f in list(layer.getFeatures())[3:15]])
    chosen = QgsProcessingFeatureSourceDefinition(layer.id(), selectedFeaturesOnly=True)
    assert train(SAMPLES=chosen)["N"] == 12
    layer.removeSelection()
    with pytest.raises(QgsProcessingException):
        train(SAMPLES=chosen)


def test_contradictory_samples_are_a_layer(train, image, write_points, tmp_path):
    wrong = [("bright" if i == 4 else name, x, y) for i, (name, x, y) in enumerate(PLACES)]
    write_points(str(tmp_path / "wrong.geojson"), image, wrong, "kind")
    results = train(SAMPLES=str(tmp_path / "wrong.geojson"), OUTPUT_SUSPECTS=str(tmp_path / "suspects.gpkg"))
    layer = QgsVectorLayer(results["OUTPUT_SUSPECTS"])
    (first, *_) = layer.getFeatures()
    assert (first["sample_says"], first["others_say"]) == ("bright", "dark") and first["confidence"] > 0.6


@pytest.mark.parametrize(
    ("values", "what"),
    [
        ({"FIELD": "no"}, "no"),
        ({"SMOOTHING": "200"}, "200"),
        ({"CLASS_COLORS": ["a", "b"]}, "2 cells"),
        ({"OUTPUT_MODEL": "/nowhere/own.onnx"}, "nowhere"),
    ],
)
def test_refusals(train, values, what):
    with pytest.raises(QgsProcessingException, match=what):
        train(**values)


def test_suggest_and_train_again(train, image, samples, tmp_path):
    model = train()["OUTPUT_MODEL"]
    results = processing.run(
        SUGGEST,
        {
            "INPUT": image, "MODEL": "auto", "MODEL_FILE": model, "N": 5, "SAMPLES": samples, "FIELD": "kind",
            "OUTPUT": str(tmp_path / "more.gpkg"),
        },
    )  # fmt: skip
    layer = QgsVectorLayer(results["OUTPUT"])
    features = list(layer.getFeatures())
    assert results["COUNT"] == len(features) == 5
    assert all(f["map_name"] in ("dark", "bright") and not f["ref_class"] for f in features)
    # the samples' classes are words, so those of the form are, too: pasted to the samples, they are the same classes
    place = layer.fields().indexOf("ref_class")
    choices = layer.editorWidgetSetup(place).config()["map"]
    assert choices == [{"bright": "bright"}, {"dark": "dark"}]
    before = QgsVectorLayer(samples)
    joint = QgsVectorLayer(f"Point?crs={before.crs().authid()}&field=ref_class:string", "all", "memory")
    for feature, name in [(f, f["map_name"]) for f in features] + [(f, f["kind"]) for f in before.getFeatures()]:
        copy = QgsFeature(joint.fields())
        copy.setGeometry(feature.geometry())
        copy["ref_class"] = name
        assert joint.dataProvider().addFeature(copy)
    again = train(SAMPLES=joint, FIELD="", OUTPUT_MODEL=str(tmp_path / "again.onnx"))
    assert again["N"] == joint.featureCount() and len(json.loads(again["CLASSES"])) == 2


def test_the_samples_are_not_written_over(train, image, samples, tmp_path):
    before = Path(samples).read_bytes()
    model = train()["OUTPUT_MODEL"]
    given = {"INPUT": image, "MODEL": "auto", "MODEL_FILE": model, "N": 2, "SAMPLES": samples, "FIELD": "kind"}
    with pytest.raises(QgsProcessingException, match="would be lost"):
        processing.run(SUGGEST, {**given, "OUTPUT": samples})
    with pytest.raises(QgsProcessingException, match="would be lost"):
        train(OUTPUT_SUSPECTS=samples)
    with pytest.raises(QgsProcessingException, match="would be lost"):
        train(OUTPUT_HTML=samples)
    assert Path(samples).read_bytes() == before


def test_suggest_for_a_map_with_its_confidence(provider, make_raster, tmp_path):
    values = np.where(np.arange(128) < 64, 1, 2)[None, None, :].repeat(64, axis=1).astype(np.uint8)
    confidence = np.full((1, 64, 128), 0.9, np.float32)
    confidence[0, 40:60, 70:100] = 0.2
    of_map, sure = make_raster("m.tif", values, names=None, nodata=0), make_raster("c.tif", confidence, names=None)
    results = processing.run(
        SUGGEST, {"MODEL": "auto", "MAP": of_map, "CONFIDENCE": sure, "N": 1, "OUTPUT": str(tmp_path / "p.gpkg")}
    )
    layer = QgsVectorLayer(results["OUTPUT"])
    (point,) = layer.getFeatures()
    grid = QgsRasterLayer(of_map).extent()
    place = point.geometry().asPoint()
    col, row = (place.x() - grid.xMinimum()) / grid.width() * 128, (grid.yMaximum() - place.y()) / grid.height() * 64
    assert 70 <= col < 100 and 40 <= row < 60 and point["map_class"] == 2
    with pytest.raises(QgsProcessingException, match="CONFIDENCE"):
        processing.run(SUGGEST, {"MODEL": "auto", "MAP": of_map, "N": 1, "OUTPUT": "memory:"})
    with pytest.raises(QgsProcessingException, match="INPUT"):
        processing.run(SUGGEST, {"MODEL": "auto", "N": 1, "OUTPUT": "memory:"})


@pytest.mark.parametrize("ending", ["vrt", "tif"])
def test_stack(provider, image, make_raster, tmp_path, ending):
    dem = make_raster("dem.tif", np.arange(7200, dtype=np.float32).reshape(1, 60, 120), names=None)
    results = processing.run(STACK, {"LAYERS": [image, dem], "OUTPUT": str(tmp_path / f"stack.{ending}")})
    layer = QgsRasterLayer(results["OUTPUT"])
    assert layer.isValid() and layer.bandCount() == results["BANDS"] == 5
    assert layer.bandName(5).endswith("dem")
    assert Path(results["OUTPUT"]).exists()


def test_no_layer_to_stack(provider, tmp_path):
    with pytest.raises(QgsProcessingException):
        processing.run(STACK, {"LAYERS": [], "OUTPUT": str(tmp_path / "s.vrt")})
