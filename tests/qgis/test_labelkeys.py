# SPDX-License-Identifier: GPL-3.0-or-later
"""Labelling a sample: a form that does not show the map's class, and keys that label a point and go on."""

import json

import pytest
from qgis.core import QgsFeature, QgsGeometry, QgsPointXY, QgsProject, QgsRectangle, QgsVectorLayer

CLASSES = [(10, "Water"), (20, "Trees"), (40, "Bare")]


@pytest.fixture
def layer(plugin, qgis_new_project, tmp_path, qgis_app):
    """Four points of a sample in a GeoPackage, not in the order of their numbers."""
    from qgis.core import QgsCoordinateTransformContext, QgsVectorFileWriter

    memory = QgsVectorLayer(
        "Point?crs=EPSG:32723&field=id:integer&field=map_class:integer&field=map_name:string(20)"
        "&field=ref_class:integer&field=confidence:string(10)&field=comment:string(80)"
        "&field=interpreter:string(40)&field=label_date:string(20)",
        "points",
        "memory",
    )
    features = []
    for number in (3, 1, 4, 2):
        feature = QgsFeature(memory.fields())
        feature.setGeometry(QgsGeometry.fromPointXY(QgsPointXY(500000 + 100 * number, 7400000)))
        feature.setAttributes([number, 20, "Trees", None, None, None, None, None])
        features.append(feature)
    memory.dataProvider().addFeatures(features)
    path = str(tmp_path / "points.gpkg")
    options = QgsVectorFileWriter.SaveVectorOptions()
    QgsVectorFileWriter.writeAsVectorFormatV3(memory, path, QgsCoordinateTransformContext(), options)
    found = QgsVectorLayer(path, "points", "ogr")
    labelling = plugin("algorithms.bridge.labelling")
    labelling.set_form(found, CLASSES, labelling.Pixel(10, 20, 10))
    QgsProject.instance().addMapLayer(found)
    return found


@pytest.fixture
def keys(plugin, qgis_iface, layer):
    found = plugin("algorithms.bridge.labelkeys").LabelKeys(qgis_iface)
    qgis_iface.setActiveLayer(layer)
    found._layer_changed(layer)
    canvas = qgis_iface.mapCanvas()
    canvas.resize(400, 300)
    canvas.setDestinationCrs(layer.crs())
    canvas.setExtent(QgsRectangle(500000, 7399900, 500300, 7400100))
    yield found
    found.remove()


def labels(layer):
    """Number → label, confidence and interpreter of each point, as they are in the file."""
    again = QgsVectorLayer(layer.source(), "again", "ogr")
    return {
        f["id"]: (f["ref_class"] or None, f["confidence"] or None, bool(f["label_date"])) for f in again.getFeatures()
    }


# ---------------------------------------------------------------- blind


def test_the_form_shows_nothing_of_the_map(layer):
    form = layer.editFormConfig()
    shown = [child.name() for child in form.invisibleRootContainer().children()]
    assert shown == ["id", "ref_class", "confidence", "comment"]
    assert layer.displayExpression() == '"id"' and not layer.mapTipTemplate()
    columns = {c.name: c.hidden for c in layer.attributeTableConfig().columns() if c.name}
    assert {name for name, hidden in columns.items() if not hidden} == {
        "id", "ref_class", "confidence", "comment", "interpreter", "label_date"
    }  # fmt: skip


def test_identify_does_not_show_it_either(layer, qgis_iface):
    """QGIS leaves fields with a hidden widget out of what Identify and forms show."""
    hidden = [f.name() for i, f in enumerate(layer.fields()) if layer.editorWidgetSetup(i).type() == "Hidden"]
    assert {"map_class", "map_name"} <= set(hidden)
    assert not {"id", "ref_class", "confidence", "comment"} & set(hidden)


def test_it_is_kept_in_the_file(layer, plugin):
    labelling = plugin("algorithms.bridge.labelling")
    assert labelling._keep(layer) == ""
    again = QgsVectorLayer(layer.source(), "again", "ogr")
    assert again.displayExpression() == '"id"'
    assert again.editorWidgetSetup(again.fields().indexOf("map_name")).type() == "Hidden"
    assert json.loads(again.customProperty(labelling.LABELLED)) == [10, 20, 40], "the keys work when it is opened again"


def test_open_and_done_points_differ_and_show_their_pixel(layer):
    rules = layer.renderer().rootRule().children()
    assert [rule.label() for rule in rules] == ["open", "done"]
    assert rules[0].symbol().color() != rules[1].symbol().symbolLayer(1).color() or rules[0].filterExpression()
    for rule in rules:
        outline = rule.symbol().symbolLayer(1)
        assert outline.layerType() == "GeometryGenerator"
        from qgis.core import QgsExpression, QgsExpressionContext

        context = QgsExpressionContext()
        context.setFeature(next(layer.getFeatures()))
        box = QgsExpression(outline.geometryExpression()).evaluate(context).boundingBox()
        assert (box.width(), box.height()) == (10, 20)


# ---------------------------------------------------------------- keys


def test_keys_label_and_go_on_at_the_same_scale(keys, layer, qgis_iface):
    canvas = qgis_iface.mapCanvas()
    scale = canvas.scale()
    keys.go_on()
    assert [f["id"] for f in layer.selectedFeatures()] == [1]
    keys.give(2)
    assert labels(layer)[1] == (20, "sure", True), "saved at once"
    assert [f["id"] for f in layer.selectedFeatures()] == [2]
    assert canvas.scale() == pytest.approx(scale)
    assert canvas.center().x() == pytest.approx(500200)
    keys.go_on()
    assert [f["id"] for f in layer.selectedFeatures()] == [3], "without an answer"
    keys.give(1)
    keys.unsure()
    assert labels(layer)[3] == (10, "unsure", True)
    keys.give(3)
    assert [f["id"] for f in layer.selectedFeatures()] == [2], "from the beginning again"
    keys.give(3)
    assert layer.selectedFeatureCount() == 0
    assert labels(layer) == {
        1: (20, "sure", True), 2: (40, "sure", True), 3: (10, "unsure", True), 4: (40, "sure", True)
    }  # fmt: skip


def test_keys_that_mean_nothing_change_nothing(keys, layer):
    keys.go_on()
    keys.give(9)
    keys.unsure()
    assert {found[0] for found in labels(layer).values()} == {None}


def test_keys_belong_to_the_layer(keys, layer, qgis_iface, image):
    from qgis.core import QgsRasterLayer

    other = QgsRasterLayer(image, "image")
    QgsProject.instance().addMapLayer(other)
    keys._layer_changed(other)
    assert not any(key.isEnabled() for key in keys._keys)
    keys._layer_changed(layer)
    assert all(key.isEnabled() for key in keys._keys) and len(keys._keys) == 11


def test_a_strange_project_breaks_nothing(keys, layer, plugin):
    module = plugin("algorithms.bridge.labelkeys")
    for text in ("[", "{}", "[null, {}]", "1"):
        layer.setCustomProperty("landcover_classifier/labelled", text)
        assert module._values(layer) == []
        keys.give(1)
    assert {found[0] for found in labels(layer).values()} == {None}
