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
    assert layer.name() == "Land cover – scene"
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
        assert only_layer(project).name() == "Land cover – scene"
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
    assert shown(project.mapLayersByName("Land cover – Märchenwald")[0]) == LEGEND


# ---------------------------------------------------------------- its place, its origin


def names_in(root):
    return [node.name() for node in root.children()]


def test_the_map_is_in_front_with_an_open_legend(provider, project, image, network, tmp_path):
    import processing

    below = QgsRasterLayer(image, "brazil")
    project.addMapLayer(below)
    root = project.layerTreeRoot()
    project.addMapLayer(QgsRasterLayer(image, "above"), False)
    group = root.insertGroup(0, "mine")
    group.addLayer(project.mapLayersByName("above")[0])
    values = {"INPUT": below.id(), "MODEL_FILE": network}
    for name in ("first", "second"):
        processing.runAndLoadResults("lulc:classifylandcover", {**values, "OUTPUT": str(tmp_path / f"{name}.tif")})
    assert names_in(root) == ["Land cover – brazil", "Land cover – brazil", "mine", "brazil"]
    assert all(node.isExpanded() for node in root.children()[:2])
    assert Path(root.children()[0].layer().source()).name == "second.tif", "the newest"
    assert len(project.mapLayers()) == 4, "none was lost when it moved"


def test_above_an_image_that_lies_in_front(plugin, project, image):
    """Where QGIS put the new layer below others, in a group, or where it belongs already."""
    bring = plugin("algorithms.bridge.loadedlayers").bring_to_front
    root = project.layerTreeRoot()
    layers = [QgsRasterLayer(image, name) for name in ("a", "b", "c")]
    group = root.addGroup("group")
    for layer in layers[:2]:
        project.addMapLayer(layer, False)
        root.addLayer(layer)
    project.addMapLayer(layers[2], False)
    group.addLayer(layers[2])
    for layer, wanted in (
        (layers[2], ["c", "group", "a", "b"]),
        (layers[1], ["b", "c", "group", "a"]),
        (layers[1], ["b", "c", "group", "a"]),
    ):
        bring(layer, project)
        assert names_in(root) == wanted and len(project.mapLayers()) == 3


def test_a_group_of_results_is_kept(plugin, project, image):
    from processing.core.ProcessingConfig import ProcessingConfig

    bring = plugin("algorithms.bridge.loadedlayers").bring_to_front
    before = ProcessingConfig.getSetting(ProcessingConfig.RESULTS_GROUP_NAME)
    ProcessingConfig.setSettingValue(ProcessingConfig.RESULTS_GROUP_NAME, "results")
    try:
        group = project.layerTreeRoot().addGroup("results")
        for name in ("old", "new"):
            project.addMapLayer(QgsRasterLayer(image, name), False)
            group.addLayer(project.mapLayersByName(name)[0])
        bring(project.mapLayersByName("new")[0], project)
        assert names_in(group) == ["new", "old"] and names_in(project.layerTreeRoot()) == ["results"]
    finally:
        ProcessingConfig.setSettingValue(ProcessingConfig.RESULTS_GROUP_NAME, before)


def test_its_metadata_tell_where_it_comes_from(provider, project, make_raster, network, tmp_path):
    import processing

    image = make_raster("S2A_MSIL2A_20230615T132231_N0509.tif")
    processing.runAndLoadResults(
        "lulc:classifylandcover", {"INPUT": image, "MODEL_FILE": network, "OUTPUT": str(tmp_path / "map.tif")}
    )
    layer = only_layer(project)
    found = layer.metadata()
    assert found.title() == layer.name() == "Land cover – S2A_MSIL2A_20230615T132231_N0509"
    assert "tiny-v1" in found.abstract() and "tiny-v1" in found.keywords()["land cover"]
    assert "tiny-v1" in found.history()[0]
    (when,) = found.extent().temporalExtents()
    assert when.begin().toString("yyyy-MM-dd") == "2023-06-15"
    (where,) = found.extent().spatialExtents()
    assert where.bounds.xMinimum() == layer.extent().xMinimum() and where.extentCrs == layer.crs()


def test_the_name_that_a_model_gives_counts(plugin, provider, project, image, network, tmp_path):
    from qgis.core import QgsProcessingContext

    loaded = plugin("algorithms.bridge.loadedlayers")
    context = QgsProcessingContext()
    for given, wanted in (("Land cover", "Land cover – x"), ("", "Land cover – x"), ("Map 2024", "Map 2024")):
        context.setLayersToLoadOnCompletion({"a.tif": QgsProcessingContext.LayerDetails(given, project, "OUTPUT")})
        loaded.appear_as(context, "a.tif", "Land cover", "Land cover – x", lambda layer: None)
        assert context.layerToLoadOnCompletionDetails("a.tif").name == wanted


# ---------------------------------------------------------------- the log


class Lines(QgsProcessingFeedback):
    """What a log shows, line by line."""

    def __init__(self):
        super().__init__(False)
        self.lines = []

    def pushInfo(self, text):
        self.lines.append(text)

    pushConsoleInfo = pushWarning = pushInfo


def test_the_log_begins_with_the_result(provider, classify, image):
    feedback = Lines()
    classify(feedback, INPUT=image)
    first, head, *rows = [line.replace("\N{NO-BREAK SPACE}", " ") for line in feedback.lines]
    assert first.startswith("Land cover of scene: 180 ha, most of it ") and first.endswith(" (33 %).")
    assert head.split() == ["class", "hectares", "percent"]
    table = rows[:3]
    assert len({len(line) for line in (head, *table)}) == 1, "columns under each other"
    assert [row.split()[-2:] for row in table] == [["60.0", "33.3"]] * 3
    assert any(line.startswith("Model: tiny-v1") for line in rows[3:]), "details follow"


def test_the_details_are_there_when_a_run_fails(plugin):
    feedback = Lines()
    progress = plugin("algorithms.bridge.feedback").FeedbackProgress(feedback, "x")
    with pytest.raises(ValueError), progress.details_after():
        progress.log("a detail")
        progress.warn("a warning")
        assert feedback.lines == ["a warning"]
        raise ValueError
    assert feedback.lines == ["a warning", "a detail"]


def test_a_temporary_map_says_how_to_keep_it(provider, classify, image):
    feedback = Lines()
    classify(feedback, INPUT=image, OUTPUT="TEMPORARY_OUTPUT")
    assert any("temporary file" in line and "Land cover" in line for line in feedback.lines)
