# SPDX-License-Identifier: GPL-3.0-or-later
"""Sample points in QGIS: a layer that can be labelled in a form, at once and after it was opened again."""

import json
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import rasterio
from qgis.core import (
    QgsApplication,
    QgsFeature,
    QgsPalettedRasterRenderer,
    QgsProcessingAlgRunnerTask,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingModelAlgorithm,
    QgsProcessingModelChildAlgorithm,
    QgsProcessingModelChildParameterSource,
    QgsProcessingModelOutput,
    QgsProcessingModelParameter,
    QgsProcessingOutputLayerDefinition,
    QgsProcessingParameterRasterLayer,
    QgsProject,
    QgsRasterLayer,
    QgsVectorLayer,
)
from qgis.gui import QgsAttributeForm, QgsGui
from qgis.PyQt.QtGui import QColor
from qgis.PyQt.QtWidgets import QApplication, QComboBox, QLabel

ALGORITHM = "lulc:samplepoints"
FIELDS = [
    "id", "map_class", "map_name", "stratum", "stratum_px", "stratum_ha", "weight", "weighting", "seed", "ref_class",
    "confidence", "comment", "interpreter", "label_date"
]  # fmt: skip
LEGEND = [(10, "Water"), (20, 'Trees & "shrubs" <tall>'), (30, "Ice"), (40, "Boden, nackt – ärmlich")]


def classes(height=120, width=150):
    """Water 4 %, trees 60 %, soil the rest, and a rim without a class."""
    values = np.full((height, width), 40, np.uint8)
    values[:, : width * 6 // 10] = 20
    values[30:60, 20:45] = 10
    values[:4] = 0
    return values


@pytest.fixture
def map_path(make_raster):
    return make_raster("map.tif", classes()[None], names=None, nodata=0)


@pytest.fixture
def map_layer(map_path):
    """The map as a person has it in QGIS: with a style that also names ice, which the map does not have."""
    layer = QgsRasterLayer(map_path, "Märchenwald")
    entries = [QgsPalettedRasterRenderer.Class(value, QColor("#123456"), name) for value, name in LEGEND]
    layer.setRenderer(QgsPalettedRasterRenderer(layer.dataProvider(), 1, entries))
    return layer


class Feedback(QgsProcessingFeedback):
    def __init__(self):
        super().__init__(False)
        self.lines, self.warnings = [], []

    def pushInfo(self, text):
        self.lines.append(text)

    pushConsoleInfo = pushInfo

    def pushWarning(self, text):
        self.warnings.append(text)


@pytest.fixture
def sample(provider, tmp_path):
    """`sample(MAP=…, …)` runs the algorithm as a script would; returns results and feedback."""
    import processing

    def run(**values):
        values.setdefault("OUTPUT", str(tmp_path / "points.gpkg"))
        values.setdefault("SEED", 7)
        feedback = Feedback()
        return processing.run(ALGORITHM, values, feedback=feedback), feedback

    return run


def points_of(result):
    layer = result if isinstance(result, QgsVectorLayer) else QgsVectorLayer(result, "points")
    assert layer.isValid()
    return layer


def choices(layer):
    """(value, name) that the widget of `ref_class` offers, in its order."""
    setup = layer.editorWidgetSetup(layer.fields().indexOf("ref_class"))
    assert setup.type() == "ValueMap", setup.type()
    return [(int(value), name) for entry in setup.config()["map"] for name, value in entry.items()]


def test_fields_and_places(sample, map_layer):
    results, feedback = sample(MAP=map_layer, SIZE=200)
    layer = points_of(results["OUTPUT"])
    values = classes()
    assert [n for n in layer.fields().names() if n != "fid"] == FIELDS
    assert layer.crs() == map_layer.crs()
    assert results["N"] == layer.featureCount() == 200
    names, sizes = dict(LEGEND), Counter(values[values > 0].tolist())
    taken = Counter(f["stratum"] for f in layer.getFeatures())
    for feature in layer.getFeatures():
        point = feature.geometry().asPoint()
        column, row = (point.x() - 500000) / 10, (7400000 - point.y()) / 10
        assert column % 1 == pytest.approx(0.5) and row % 1 == pytest.approx(0.5)
        value = values[int(row), int(column)]
        assert feature["map_class"] == feature["stratum"] == value
        assert feature["map_name"] == names[value]
        assert feature["stratum_px"] == sizes[value]
        assert feature["stratum_ha"] == pytest.approx(sizes[value] / 100)
        assert feature["weight"] == pytest.approx(sizes[value] / taken[value])
        assert (feature["weighting"], feature["seed"]) == ("pixel", 7)
        assert feature["ref_class"] is None or feature["ref_class"].isNull()
    assert sorted(f["id"] for f in layer.getFeatures()) == list(range(1, 201))
    assert taken[10] == 75  # 4 % of the map


def test_the_log_shows_the_allocation(sample, map_layer):
    results, feedback = sample(MAP=map_layer, SIZE=200)
    lines = [line.replace("\N{NO-BREAK SPACE}", " ") for line in feedback.lines]
    said = "\n".join(lines)
    assert "expected SE of UA" in said and "Seed: 7" in said
    assert lines[0].startswith("200 points.") and "± 7 percentage points (at 95 %)" in lines[0]
    table = lines[1:5]
    assert len({len(line) for line in table}) == 1, "columns under each other"
    water = next(line for line in table if line.startswith("Water  "))
    assert " 75 " in water and f"{np.sqrt(0.16 / 75):.4f}" in water
    assert f"{results['EXPECTED_SE']:.6f}" in said
    # W and n of the three classes, √Σ W² U (1 − U) / n
    points = Counter(f["stratum"] for f in points_of(results["OUTPUT"]).getFeatures())
    values = classes()
    share = {v: (values == v).sum() / (values > 0).sum() for v in (10, 20, 40)}
    expected = np.sqrt(sum(share[v] ** 2 * 0.16 / points[v] for v in share))
    assert results["EXPECTED_SE"] == pytest.approx(expected)


@pytest.mark.parametrize("name", ["points.gpkg", "points.geojson", "points.shp"])
def test_the_form_survives_opening_the_file_again(sample, map_layer, tmp_path, name):
    results, feedback = sample(MAP=map_layer, SIZE=60, ALLOCATION="equal", OUTPUT=str(tmp_path / name))
    layer = QgsVectorLayer(str(tmp_path / name), "opened again")
    assert choices(layer) == LEGEND
    assert not [line for line in feedback.warnings if "form" in line]
    form = layer.editFormConfig()
    assert not form.readOnly(layer.fields().indexOf("ref_class"))
    assert form.readOnly(layer.fields().indexOf("map_class"))


def test_a_class_is_chosen_by_name(sample, map_layer, tmp_path, qgis_new_project):
    """The form shows a list of names; choosing one writes its value into the file."""
    QgsGui.editorWidgetRegistry().initEditors()
    results, _ = sample(MAP=map_layer, SIZE=60)
    layer = QgsVectorLayer(results["OUTPUT"], "points")
    QgsProject.instance().addMapLayer(layer)
    assert layer.startEditing()
    feature = QgsFeature(next(layer.getFeatures()))
    form = QgsAttributeForm(layer, feature)
    boxes = [box for box in form.findChildren(QComboBox) if box.findText("Ice") >= 0 and box.isVisibleTo(form)]
    assert len(boxes) == 1
    labels = [label.text() for label in form.findChildren(QLabel) if label.isVisibleTo(form)]
    assert "id" in labels and "Reference class" in labels
    assert "map_class" not in labels and "map_name" not in labels  # it would sway who labels
    box = boxes[0]
    assert [box.itemText(i) for i in range(box.count()) if box.itemText(i) in dict(LEGEND).values()] == [
        name for _, name in LEGEND
    ]
    box.setCurrentIndex(box.findText("Ice"))
    assert form.save()
    assert layer.commitChanges(), layer.commitErrors()
    again = QgsVectorLayer(results["OUTPUT"], "again")
    assert again.getFeature(feature.id())["ref_class"] == 30


def test_a_temporary_layer_has_the_form(sample, map_layer):
    results, _ = sample(MAP=map_layer, SIZE=60, OUTPUT="TEMPORARY_OUTPUT")
    assert choices(results["OUTPUT"]) == LEGEND


@pytest.mark.parametrize("output", ["TEMPORARY_OUTPUT", "file"])
def test_loaded_into_the_project(provider, map_layer, qgis_new_project, tmp_path, output):
    import processing

    output = str(tmp_path / "points.gpkg") if output == "file" else output
    processing.runAndLoadResults(ALGORITHM, {"MAP": map_layer, "SIZE": 60, "OUTPUT": output})
    (layer,) = QgsProject.instance().mapLayers().values()
    assert layer.name() == "Sample points – Märchenwald"
    assert choices(layer) == LEGEND
    for rule in layer.renderer().rootRule().children():
        assert rule.symbol().color().alpha() == 0  # the pixel under the point can be seen


@pytest.mark.parametrize("output", ["TEMPORARY_OUTPUT", "file"])
def test_in_a_task(provider, map_layer, qgis_new_project, tmp_path, output):
    """As the dialog does it: the points are drawn and the form is made in another thread."""
    from processing.gui.Postprocessing import handleAlgorithmResults

    project = QgsProject.instance()
    project.addMapLayer(map_layer)
    context, feedback = QgsProcessingContext(), Feedback()
    context.setProject(project)
    sink = QgsProcessingOutputLayerDefinition(
        str(tmp_path / "points.gpkg") if output == "file" else "TEMPORARY_OUTPUT", project
    )
    algorithm = QgsApplication.processingRegistry().createAlgorithmById(ALGORITHM)
    values = {"MAP": "Märchenwald", "SIZE": 60, "OUTPUT": sink}
    finished = []
    task = QgsProcessingAlgRunnerTask(algorithm, values, context, feedback)
    task.executed.connect(lambda ok, results: finished.append((ok, results)))
    QgsApplication.taskManager().addTask(task)
    end = time.monotonic() + 30
    while not finished and time.monotonic() < end:
        QApplication.processEvents()
    ((ok, _),) = finished
    assert ok, feedback.lines
    assert handleAlgorithmResults(algorithm, context, feedback, False)
    (layer,) = project.mapLayersByName("Sample points – Märchenwald")
    assert layer.thread() is QApplication.instance().thread()
    assert choices(layer) == LEGEND


@pytest.mark.parametrize("crs", [32723, 4326])
def test_the_report_understands_the_points(sample, make_raster, tmp_path, crs):
    """Labelled and given to the accuracy report, without any other setting: a stratified sample, weighted rightly."""
    import processing

    degrees = rasterio.transform.from_origin(-40, 60, 0.4, 0.4)
    path = make_raster(
        "map.tif", classes()[None], names=None, nodata=0, crs=crs, transform=degrees if crs == 4326 else None
    )
    results, _ = sample(MAP=path, SIZE=200)
    layer = points_of(results["OUTPUT"])
    assert layer.startEditing()
    field = layer.fields().indexOf("ref_class")
    right, strata = Counter(), {}
    for feature in layer.getFeatures():
        wrong = feature["id"] % 5 == 0 and feature["map_class"] == 20
        layer.changeAttributeValue(feature.id(), field, 40 if wrong else feature["map_class"])
        right[feature["stratum"]] += not wrong
        size = feature["stratum_ha"] if crs == 4326 else feature["stratum_px"]
        strata[feature["stratum"]] = size
        assert feature["weighting"] == ("area" if crs == 4326 else "pixel")
    assert layer.commitChanges()
    points = Counter(f["stratum"] for f in layer.getFeatures())
    report = tmp_path / "report.json"
    found = processing.run(
        "lulc:accuracyreport", {"MAP": path, "REFERENCE_FEATURES": layer, "OUTPUT_JSON": str(report)}
    )
    expected = sum(size * right[value] / points[value] for value, size in strata.items()) / sum(strata.values())
    assert found["OVERALL_ACCURACY"] == pytest.approx(expected, rel=1e-9)
    assert found["OVERALL_ACCURACY"] != pytest.approx(sum(right.values()) / sum(points.values()), rel=1e-3)
    assert json.loads(report.read_text(encoding="utf-8"))["design"]["name"] == "stratified"


def test_without_a_style_the_names_of_the_file_are_used(sample, image, classify):
    """The map of Classify land cover, given as a path: its classes have names in the file."""
    path = classify(INPUT=image)["OUTPUT"]
    results, _ = sample(MAP=path, SIZE=60)
    assert choices(points_of(results["OUTPUT"])) == [entry for entry in LEGEND if entry[0] != 30]


def test_same_names_get_their_values(sample, map_path):
    layer = QgsRasterLayer(map_path, "map")
    entries = [QgsPalettedRasterRenderer.Class(v, QColor("#123456"), n) for v, n in ((10, "a"), (20, "b"), (40, "b"))]
    layer.setRenderer(QgsPalettedRasterRenderer(layer.dataProvider(), 1, entries))
    results, _ = sample(MAP=layer, SIZE=60)
    assert choices(points_of(results["OUTPUT"])) == [(10, "a"), (20, "b (20)"), (40, "b (40)")]


def test_same_seed_same_points(sample, map_path):
    def run(seed):
        layer = sample(MAP=map_path, SIZE=60, SEED=seed, OUTPUT="TEMPORARY_OUTPUT")[0]["OUTPUT"]
        return [(f["id"], f.geometry().asWkt()) for f in layer.getFeatures()]

    assert run(7) == run("7") != run(8)


def test_without_a_seed_one_is_drawn_and_said(sample, map_path):
    results, feedback = sample(MAP=map_path, SIZE=60, SEED=None)
    (seed,) = {f["seed"] for f in points_of(results["OUTPUT"]).getFeatures()}
    assert f"Seed: {seed}." in "\n".join(feedback.lines)


def test_a_picture_without_georeference(sample, make_raster, map_path):
    """QGIS shows it with y from 0 downwards; the points must lie on it."""
    path = make_raster("plain.tif", classes()[None], names=None, nodata=0, crs=None)
    results, _ = sample(MAP=path, SIZE=60)
    values = classes()
    for feature in points_of(results["OUTPUT"]).getFeatures():
        point = feature.geometry().asPoint()
        assert values[int(-point.y()), int(point.x())] == feature["map_class"]
        assert feature["stratum_ha"] is None or feature["stratum_ha"].isNull()


@pytest.mark.parametrize(
    "values, words",
    [
        ({"SIZE": 5}, ["5 points", "3 classes"]),
        ({"EXPECTED_USERS_ACCURACY": "0.8;0.9"}, ["2 expected", "10, 20, 40"]),
        ({"EXPECTED_USERS_ACCURACY": "good"}, ["'good'", "0.7;0.6;0.9"]),
        ({"SIZE": 100, "MIN_DISTANCE": 900}, ["class 10 (Water)", "points possible at 900 m"]),
        ({"BAND": 2}, ["BAND", "band 2"]),
        ({"SEED": "x"}, ["SEED", "'x'"]),
    ],
)
def test_a_users_mistake(sample, map_layer, tmp_path, values, words):
    with pytest.raises(QgsProcessingException) as error:
        sample(MAP=map_layer, **values)
    assert all(word in str(error.value) for word in words), str(error.value)
    assert not (tmp_path / "points.gpkg").exists()


def test_a_folder_that_is_not_there(provider, map_layer, tmp_path):
    import processing

    with pytest.raises(QgsProcessingException, match="OUTPUT: the folder .*nowhere does not exist"):
        processing.run(ALGORITHM, {"MAP": map_layer, "OUTPUT": str(tmp_path / "nowhere" / "points.gpkg")})


def test_the_map_itself_is_refused(sample, map_path, tmp_path):
    """Also as a tile of the virtual raster that is read."""
    before = Path(map_path).read_bytes()
    virtual = tmp_path / "map.vrt"
    from osgeo import gdal

    gdal.Translate(str(virtual), map_path, format="VRT").FlushCache()
    for given in (map_path, str(virtual)):
        with pytest.raises(QgsProcessingException, match="that this run reads"):
            sample(MAP=given, OUTPUT=map_path)
    assert Path(map_path).read_bytes() == before


def test_the_style_of_the_map_is_not_replaced_by_the_form(sample, map_path):
    style, points = Path(map_path).with_suffix(".qml"), Path(map_path).with_suffix(".geojson")
    style.write_text("<qgis>the map's</qgis>")
    _, feedback = sample(MAP=map_path, SIZE=60, OUTPUT=str(points))
    assert style.read_text() == "<qgis>the map's</qgis>"
    assert any("form for labelling could not be saved" in line and style.name in line for line in feedback.warnings)


def test_new_points_do_not_get_the_form_of_older_ones(sample, map_layer, tmp_path):
    points = tmp_path / "points.geojson"
    (tmp_path / "points.qml").write_text("<qgis>another form</qgis>")
    _, feedback = sample(MAP=map_layer, SIZE=60, OUTPUT=str(points))
    assert (tmp_path / "points.qml.bak").read_text() == "<qgis>another form</qgis>"
    assert choices(QgsVectorLayer(str(points), "points")) == LEGEND
    assert any("points.qml.bak" in line for line in feedback.warnings)


def test_a_cancel_leaves_no_half_sample(provider, map_layer, tmp_path):
    """Once the layer is begun it is written to its end."""
    import processing

    feedback = Feedback()
    log = feedback.pushInfo

    def cancelling(text):
        log(text)
        if "Seed" in text:  # the last line before the points
            feedback.cancel()

    feedback.pushInfo = cancelling
    with pytest.raises(QgsProcessingException):
        processing.run(
            ALGORITHM, {"MAP": map_layer, "SIZE": 60, "OUTPUT": str(tmp_path / "points.gpkg")}, feedback=feedback
        )
    assert not (tmp_path / "points.gpkg").exists()


def test_an_image_is_refused(sample, make_raster):
    path = make_raster("image.tif", np.arange(18000, dtype=np.uint16).reshape(1, 120, 150), names=None)
    with pytest.raises(QgsProcessingException, match="class map"):
        sample(MAP=path)


def test_parameters_as_promised(provider):
    algorithm = provider.algorithm("samplepoints")
    named = {p.name(): p for p in algorithm.parameterDefinitions()}
    assert set(named) == {
        "MAP", "BAND", "SIZE", "HALF_WIDTH", "CONFIDENCE_LEVEL", "EXPECTED_USERS_ACCURACY", "ALLOCATION",
        "MIN_PER_CLASS", "MIN_DISTANCE", "SEED", "OUTPUT",
    }  # fmt: skip
    assert named["ALLOCATION"].usesStaticStrings()
    assert named["ALLOCATION"].options() == ["olofsson", "proportional", "equal", "neyman"]
    assert (algorithm.groupId(), algorithm.group()) == ("accuracy", "Accuracy")
    assert {o.name() for o in algorithm.outputDefinitions()} == {"OUTPUT", "N", "EXPECTED_SE"}
    assert "onnxruntime" not in algorithm.REQUIRES


def test_allocations_are_those_of_the_engine(plugin):
    assert plugin("algorithms.samplepoints").ALLOCATIONS == plugin("lulc_plugin.assess.sample.allocation").ALLOCATIONS


def test_only_map_is_needed(provider, map_path, tmp_path):
    """Defaults: ± 3 % at 95 % with an expected 0.8, as the dialog shows them."""
    import processing

    results = processing.run(ALGORITHM, {"MAP": map_path, "OUTPUT": str(tmp_path / "points.gpkg")})
    population = int((classes() > 0).sum())
    n = 0.16 / ((0.03 / 1.959963984540054) ** 2 + 0.16 / population)
    assert results["N"] == int(np.ceil(n))


def test_qgis_process(qgis_process, map_path, tmp_path):
    """Numbers are texts there."""
    words = ["SIZE=90", "HALF_WIDTH=0.02", "EXPECTED_USERS_ACCURACY=10=0.7;20=0.6;40=0.9", "ALLOCATION=neyman",
             "MIN_PER_CLASS=12", "MIN_DISTANCE=30", "SEED=5"]  # fmt: skip
    output = tmp_path / "points.gpkg"
    done = qgis_process("run", ALGORITHM, "--", f"MAP={map_path}", f"OUTPUT={output}", *words)
    assert done.returncode == 0, done.stderr
    results = dict(line.split(":\t", 1) for line in done.stdout.splitlines() if ":\t" in line)
    assert results["N"] == "90" and 0 < float(results["EXPECTED_SE"]) < 0.1
    layer = QgsVectorLayer(str(output), "points")
    taken = Counter(f["stratum"] for f in layer.getFeatures())
    assert taken[10] == 12 and sum(taken.values()) == 90
    assert choices(layer) == [(10, "10"), (20, "20"), (40, "40")]


def test_help_in_qgis_process(qgis_process):
    done = qgis_process("help", ALGORITHM)
    assert done.returncode == 0 and "EXPECTED_USERS_ACCURACY" in done.stdout


def test_as_a_step_of_a_model(qgis_process, provider, map_path, tmp_path):
    """Sample points, then a buffer around each."""
    source = QgsProcessingModelChildParameterSource
    points = QgsProcessingModelChildAlgorithm(ALGORITHM)
    points.setChildId("points")
    points.addParameterSources("MAP", [source.fromModelParameter("map")])
    points.addParameterSources("SIZE", [source.fromStaticValue(60)])
    points.addParameterSources("SEED", [source.fromStaticValue(3)])
    buffer = QgsProcessingModelChildAlgorithm("native:buffer")
    buffer.setChildId("buffer")
    buffer.addParameterSources("INPUT", [source.fromChildOutput("points", "OUTPUT")])
    buffer.addParameterSources("DISTANCE", [source.fromStaticValue(10)])
    output = QgsProcessingModelOutput("circles", "circles")
    output.setChildOutputName("OUTPUT")
    output.setChildId("buffer")
    buffer.setModelOutputs({"circles": output})
    model = QgsProcessingModelAlgorithm("circles", "tests")
    model.addModelParameter(QgsProcessingParameterRasterLayer("map", "map"), QgsProcessingModelParameter("map"))
    model.addChildAlgorithm(points)
    model.addChildAlgorithm(buffer)
    path = tmp_path / "circles.model3"
    assert model.toFile(str(path))
    (result,) = (parameter.name() for parameter in model.destinationParameterDefinitions())
    done = qgis_process("run", str(path), "--", f"map={map_path}", f"{result}={tmp_path / 'circles.gpkg'}")
    assert done.returncode == 0, done.stderr
    assert QgsVectorLayer(str(tmp_path / "circles.gpkg"), "circles").featureCount() >= 60


def test_batch(provider, map_path, tmp_path):
    """The same context for several runs, as the batch dialog does it."""
    context, feedback = QgsProcessingContext(), Feedback()
    for size in (60, 90):
        algorithm = QgsApplication.processingRegistry().createAlgorithmById(ALGORITHM)
        values = {"MAP": map_path, "SIZE": size, "OUTPUT": str(tmp_path / f"{size}.gpkg")}
        results, ok = algorithm.run(values, context, feedback)
        assert ok and results["N"] >= size
