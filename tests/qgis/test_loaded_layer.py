# SPDX-License-Identifier: GPL-3.0-or-later
"""What the user sees: the map as a layer with its name, classes and colours, and only these."""

import time
from pathlib import Path

import pytest
from qgis.core import (
    QgsApplication,
    QgsProcessingAlgRunnerTask,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingOutputLayerDefinition,
    QgsProject,
    QgsRasterLayer,
    QgsSettings,
)
from qgis.PyQt.QtCore import QThread
from qgis.PyQt.QtGui import QColor
from qgis.PyQt.QtWidgets import QApplication
from qgis.PyQt.QtXml import QDomDocument

LEGEND = [
    (10, "Water", "#ff419bdf"),
    (20, 'Trees & "shrubs" <tall>', "#ff397d49"),
    (40, "Boden, nackt – ärmlich", "#ffb9a88f"),
]


def shown(layer):
    """Value, label and colour of the classes in a layer's legend."""
    renderer = layer.renderer()
    assert renderer.type() == "paletted", renderer.type()
    assert renderer.opacity() == 1 and layer.opacity() == 1
    return [(c.value, c.label, c.color.name(QColor.NameFormat.HexArgb)) for c in renderer.classes()]


def as_xml(layer):
    """Everything QGIS knows about a layer's renderer."""
    document = QDomDocument()
    root = document.createElement("pipe")
    document.appendChild(root)
    layer.renderer().writeXml(document, root)
    return document.toString()


@pytest.fixture
def project(qgis_new_project):
    return QgsProject.instance()


def only_layer(project):
    (layer,) = project.mapLayers().values()
    return layer


def test_styled_and_named(provider, project, image, network, tmp_path):
    import processing

    processing.runAndLoadResults(
        "lulc:classifylandcover",
        {"INPUT": image, "MODEL_FILE": network, "OUTPUT": str(tmp_path / "map.tif")},
    )
    layer = only_layer(project)
    assert layer.name() == "Land cover of scene (tiny-v1)"
    assert shown(layer) == LEGEND
    assert layer.dataProvider().sourceNoDataValue(1) == 0


def test_the_name_stays_when_qgis_prefers_file_names(provider, project, image, network):
    """With that setting QGIS 3.22 names a layer after its file, except in the temporary folder."""
    import processing

    QgsSettings().setValue("Processing/Configuration/PREFER_FILENAME_AS_LAYER_NAME", True)
    folder = Path(QgsApplication.qgisSettingsDirPath()) / "not-temporary"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        values = {"INPUT": image, "MODEL_FILE": network, "OUTPUT": str(folder / "map.tif")}
        processing.runAndLoadResults("lulc:classifylandcover", values)
        assert only_layer(project).name() == "Land cover of scene (tiny-v1)"
    finally:
        QgsSettings().remove("Processing/Configuration/PREFER_FILENAME_AS_LAYER_NAME")


def test_the_file_alone_looks_the_same(provider, project, image, classify, tmp_path):
    """Dropped into QGIS later, the map is styled by the .qml that the engine wrote."""
    path = classify(INPUT=image)["OUTPUT"]
    layer = QgsRasterLayer(path, "dropped")
    assert layer.isValid()
    assert shown(layer) == LEGEND


def test_the_engines_qml_is_the_style_of_the_loaded_layer(plugin, provider, project, image, classify):
    layers, legends = plugin("algorithms.bridge.layers"), plugin("lulc_plugin.legend")
    path = classify(INPUT=image)["OUTPUT"]
    legend = legends.Legend.of(tuple(legends.LegendClass(v, n, "#" + c[3:].upper()) for v, n, c in LEGEND))
    style = Path(path).with_suffix(".qml").read_text(encoding="utf-8").splitlines()
    assert [line for line in style if not line.startswith("<!--")] == legend.qml().splitlines()

    by_qml, by_hand = QgsRasterLayer(path, "a"), QgsRasterLayer(path, "b")
    message, ok = by_qml.loadNamedStyle(str(Path(path).with_suffix(".qml")))
    assert ok, message
    by_hand.setRenderer(layers.paletted_renderer(by_hand, legend))
    assert shown(by_qml) == shown(by_hand) == LEGEND
    assert as_xml(by_qml) == as_xml(by_hand)
    assert (by_qml.blendMode(), by_qml.opacity()) == (by_hand.blendMode(), by_hand.opacity())


def test_pixels_are_drawn_in_their_colours(provider, project, image, classify, read):
    path = classify(INPUT=image)["OUTPUT"]
    layer = QgsRasterLayer(path, "dropped")
    block = layer.renderer().block(1, layer.extent(), layer.width(), layer.height())
    classes = read(path)
    colours = {value: colour for value, _, colour in LEGEND}
    for row, column in ((5, 5), (60, 75), (110, 140)):
        assert block.color(row, column) != 0
        red, green, blue = (block.color(row, column) >> shift & 255 for shift in (16, 8, 0))
        assert f"#ff{red:02x}{green:02x}{blue:02x}" == colours[classes[row, column]]


def test_in_a_task(provider, algorithm, project, image, network, tmp_path, monkeypatch, plugin):
    """As the dialog does it: the engine works in another thread, the layer is styled in the main one."""
    from processing.gui.Postprocessing import handleAlgorithmResults

    threads = []
    module = plugin("lulc_plugin.classify.pipeline")
    run = module.run
    monkeypatch.setattr(module, "run", lambda *a: (threads.append(QThread.currentThread()), run(*a))[1])
    context, feedback = QgsProcessingContext(), QgsProcessingFeedback()
    context.setProject(project)
    project.addMapLayer(QgsRasterLayer(image, "Märchenwald"))
    output = QgsProcessingOutputLayerDefinition(str(tmp_path / "map.tif"), project)
    values = {"INPUT": "Märchenwald", "MODEL_FILE": network, "OUTPUT": output}
    finished = []
    task = QgsProcessingAlgRunnerTask(algorithm, values, context, feedback)
    task.executed.connect(lambda ok, results: finished.append((ok, results)))
    QgsApplication.taskManager().addTask(task)
    end = time.monotonic() + 30
    while not finished and time.monotonic() < end:
        QApplication.processEvents()
    ((ok, results),) = finished
    assert ok, feedback.textLog()
    assert results["PIXELS"] == 150 * 120
    assert threads and threads[0] is not QApplication.instance().thread()
    assert handleAlgorithmResults(algorithm, context, feedback, False)
    assert shown(project.mapLayersByName("Land cover of Märchenwald (tiny-v1)")[0]) == LEGEND
