# SPDX-License-Identifier: GPL-3.0-or-later
"""`lulc:accuracyreport` as scripts, dialogs and the real `qgis_process` run it."""

import json
import re
import time
from pathlib import Path

import numpy as np
import pytest
import rasterio
from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsFeature,
    QgsGeometry,
    QgsPalettedRasterRenderer,
    QgsPointXY,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeatureSourceDefinition,
    QgsProcessingFeedback,
    QgsProcessingOutputHtml,
    QgsProcessingParameterDefinition,
    QgsProject,
    QgsRasterLayer,
    QgsVectorFileWriter,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import NULL
from qgis.PyQt.QtGui import QColor
from qgis.PyQt.QtWidgets import QApplication

ALGORITHM = "lulc:accuracyreport"
SIDE = 60
CRS = "EPSG:32723"
MAIN = "MAP REFERENCE_FEATURES FIELD REFERENCE DESIGN".split()
ADVANCED = (
    "BAND REFERENCE_BAND CLASS_TABLE CLASS_TABLE_FILE STRATUM_FIELD STRATA STRATA_BAND CONFIDENCE_LEVEL INTERVAL FPC"
    " POSTSTRATIFY UNKNOWN MISSING_STRATA AREA_UNIT"
).split()
FILES = "OUTPUT_HTML OUTPUT_CSV OUTPUT_JSON DISAGREEMENT".split()
NUMBERS = "OVERALL_ACCURACY KAPPA QUANTITY_DISAGREEMENT ALLOCATION_DISAGREEMENT MACRO_F1 MEAN_IOU N".split()


def mapped():
    """Three strips of the classes 1, 2 and 3."""
    return np.broadcast_to(1 + np.arange(SIDE) // 20, (SIDE, SIDE)).astype(np.uint8)


def truth():
    """The same, but 200 pixels that the map calls 1 are 2, and 40 that it calls 3 are 1."""
    values = mapped().copy()
    values[:10, :20] = 2
    values[-2:, 40:] = 1
    return values


MATRIX = np.array([[1000, 200, 0], [0, 1200, 0], [40, 0, 1160]])
OVERALL = 3360 / 3600


def kappa(matrix):
    p = matrix / matrix.sum()
    expected = (p.sum(axis=0) * p.sum(axis=1)).sum()
    return (np.trace(p) - expected) / (1 - expected)


@pytest.fixture
def files(make_raster):
    """Paths of the map and the reference raster."""
    return make_raster("map.tif", mapped()[None], names=None), make_raster("truth.tif", truth()[None], names=None)


@pytest.fixture
def named_map(files, qgis_new_project):
    """The map as a project layer whose style names the classes."""
    layer = QgsRasterLayer(files[0], "my map")
    entries = [
        QgsPalettedRasterRenderer.Class(value, QColor(colour), name)
        for value, colour, name in ((1, "#419bdf", "Water"), (2, "#397d49", "Trees"), (3, "#b9a88f", "Bare <soil>"))
    ]
    layer.setRenderer(QgsPalettedRasterRenderer(layer.dataProvider(), 1, entries))
    QgsProject.instance().addMapLayer(layer)
    return layer


def centre(row, column):
    return 500005 + 10 * column, 7399995 - 10 * row


def point_rows(step=5):
    """(x, y, map class, true class) on a regular grid of pixels."""
    for row in range(2, SIDE, step):
        for column in range(2, SIDE, step):
            yield (*centre(row, column), int(mapped()[row, column]), int(truth()[row, column]))


@pytest.fixture
def points(qgis_new_project):
    """Points on a grid of pixels, with the true class as `class` and its name as `name`."""
    layer = QgsVectorLayer(f"Point?crs={CRS}&field=class:integer&field=name:string", "points", "memory")
    features = []
    for x, y, _, value in point_rows():
        feature = QgsFeature(layer.fields())
        feature.setGeometry(QgsGeometry.fromPointXY(QgsPointXY(x, y)))
        feature.setAttributes([value, ("water", " Trees", "Bare <soil>")[value - 1]])
        features.append(feature)
    layer.dataProvider().addFeatures(features)
    QgsProject.instance().addMapLayer(layer)
    return layer


def point_matrix(rows):
    matrix = np.zeros((3, 3), int)
    for _, _, i, j in rows:
        matrix[i - 1, j - 1] += 1
    return matrix


@pytest.fixture
def report(provider, tmp_path):
    """`report(MAP=…, …)` → what the algorithm returns, with the JSON file's content as "facts"."""
    import processing

    def run(feedback=None, **values):
        values.setdefault("OUTPUT_JSON", str(tmp_path / "report.json"))
        found = processing.run(ALGORITHM, values, feedback=feedback or QgsProcessingFeedback())
        facts = json.loads(Path(found["OUTPUT_JSON"]).read_text(encoding="utf-8"))
        return {**found, "facts": facts}

    return run


@pytest.fixture
def refusal(report):
    def refused(**values):
        with pytest.raises(QgsProcessingException) as error:
            report(**values)
        assert "Traceback" not in str(error.value)
        return str(error.value)

    return refused


# ---------------------------------------------------------------- definition


@pytest.fixture
def definition(provider):
    from qgis.core import QgsApplication

    return QgsApplication.processingRegistry().createAlgorithmById(ALGORITHM)


def test_names_are_public(definition):
    flag = QgsProcessingParameterDefinition.Flag
    parameters = definition.parameterDefinitions()
    assert [d.name() for d in parameters] == [*MAIN, *ADVANCED, *FILES]
    assert [d.name() for d in parameters if d.flags() & flag.FlagAdvanced] == ADVANCED
    assert [d.name() for d in definition.outputDefinitions()] == [*FILES, *NUMBERS]
    given = [d.name() for d in parameters if not d.flags() & flag.FlagOptional and d.defaultValue() is None]
    assert given == ["MAP"]
    assert not [d.name() for d in parameters if not d.help()]
    assert isinstance(definition.outputDefinition("OUTPUT_HTML"), QgsProcessingOutputHtml)
    created = {d.name(): d.createByDefault() for d in parameters if d.isDestination()}
    assert created == {"OUTPUT_HTML": True, "OUTPUT_CSV": False, "OUTPUT_JSON": False, "DISAGREEMENT": False}
    assert definition.parameterDefinition("FIELD").parentLayerParameterName() == "REFERENCE_FEATURES"
    assert definition.parameterDefinition("DESIGN").usesStaticStrings()


def test_the_designs_are_explained(definition):
    """In the help what matters, in the list in words, in the guide one by one."""
    page = definition.shortHelpString()
    options = definition.parameterDefinition("DESIGN").options()
    assert options == ["auto", "census", "simple", "stratified", "polygons", "descriptive"]
    guide = (Path(__file__).resolve().parents[2] / "docs" / "accuracy.md").read_text(encoding="utf-8")
    assert all(f"| `{option}` |" in guide for option in options)
    assert "hand-picked points get no confidence intervals" in page


# ---------------------------------------------------------------- a raster as reference


def test_a_raster(report, files, tmp_path):
    found = report(
        MAP=files[0], REFERENCE=files[1], OUTPUT_HTML=str(tmp_path / "r.html"), OUTPUT_CSV=str(tmp_path / "r.csv")
    )
    assert found["facts"]["counts"] == MATRIX.tolist()  # rows are the map
    assert found["facts"]["axes"] == {"rows": "map", "columns": "reference"}
    assert found["facts"]["design"]["name"] == "census"
    assert found["OVERALL_ACCURACY"] == pytest.approx(OVERALL, abs=1e-12)
    assert found["KAPPA"] == pytest.approx(kappa(MATRIX), abs=1e-12)
    rows, columns, hits = MATRIX.sum(axis=1), MATRIX.sum(axis=0), np.diag(MATRIX)
    quantity = np.abs(rows - columns).sum() / 2 / 3600
    assert found["QUANTITY_DISAGREEMENT"] == pytest.approx(quantity, abs=1e-12)
    assert found["ALLOCATION_DISAGREEMENT"] == pytest.approx(1 - OVERALL - quantity, abs=1e-12)
    assert found["MACRO_F1"] == pytest.approx(np.mean(2 * hits / (rows + columns)), abs=1e-12)
    assert found["MEAN_IOU"] == pytest.approx(np.mean(hits / (rows + columns - hits)), abs=1e-12)
    assert found["N"] == 3600
    assert "<html" in Path(found["OUTPUT_HTML"]).read_text(encoding="utf-8")
    assert Path(found["OUTPUT_CSV"]).stat().st_size > 500


def test_what_does_not_apply_is_empty(report, make_raster):
    """One class everywhere: there is no Kappa, and no 0 or NaN in its place."""
    path = make_raster("one.tif", np.ones((1, 30, 30), np.uint8), names=None)
    found = report(MAP=path, REFERENCE=path)
    assert found["KAPPA"] is None and found["OVERALL_ACCURACY"] == 1


@pytest.mark.parametrize("nothing", [None, "", NULL])
def test_nothing_given_in_every_way(report, files, nothing):
    names = [
        n for n in (*MAIN, *ADVANCED, "OUTPUT_HTML", "OUTPUT_CSV", "DISAGREEMENT") if n not in ("MAP", "REFERENCE")
    ]
    found = report(MAP=files[0], REFERENCE=files[1], **dict.fromkeys(names, nothing))
    assert found["N"] == 3600 and "OUTPUT_HTML" not in found


def test_numbers_as_text(report, refusal, files):
    texts = {"BAND": "1", "REFERENCE_BAND": "1", "CONFIDENCE_LEVEL": "0.9", "DESIGN": "census"}
    assert report(MAP=files[0], REFERENCE=files[1], **texts)["facts"]["design"]["level"] == 0.9
    assert "value for CONFIDENCE_LEVEL" in refusal(MAP=files[0], REFERENCE=files[1], CONFIDENCE_LEVEL="high")
    assert "The confidence level is 95" in refusal(MAP=files[0], REFERENCE=files[1], CONFIDENCE_LEVEL=95)
    message = refusal(MAP=files[0], REFERENCE=files[1], REFERENCE_BAND=2)
    assert "REFERENCE_BAND: band 2 does not exist" in message


def test_exactly_one_reference(refusal, files, points):
    assert "Give exactly one" in refusal(MAP=files[0])
    assert "Give exactly one" in refusal(MAP=files[0], REFERENCE=files[1], REFERENCE_FEATURES=points, FIELD="class")


def test_a_field_beside_a_raster_is_said_to_do_nothing(report, files):
    feedback = QgsProcessingFeedback()
    report(feedback, MAP=files[0], REFERENCE=files[1], FIELD="class")
    assert "FIELD has no effect: the reference is a raster" in feedback.textLog()


def test_names_come_from_the_layers_style(report, named_map, files):
    found = report(MAP=named_map, REFERENCE=files[1])
    assert [c["name"] for c in found["facts"]["classes"]] == ["Water", "Trees", "Bare <soil>"]
    assert found["facts"]["inputs"]["map"]["name"] == "my map"


# ---------------------------------------------------------------- points and polygons as reference


def test_points(report, files, points):
    found = report(MAP=files[0], REFERENCE_FEATURES=points, FIELD="class")
    assert found["facts"]["counts"] == point_matrix(point_rows()).tolist()
    assert found["N"] == 144
    assert found["facts"]["design"]["name"] == "descriptive"
    assert found["facts"]["overall_accuracy"]["low"] is None
    assert "DESIGN=simple" in found["facts"]["design"]["sentence"]
    found = report(MAP=files[0], REFERENCE_FEATURES=points, FIELD="class", DESIGN="simple")
    assert found["facts"]["overall_accuracy"]["low"] < found["OVERALL_ACCURACY"]


def test_names_of_classes_in_the_field(report, refusal, make_raster, named_map, points):
    found = report(MAP=named_map, REFERENCE_FEATURES=points, FIELD="name")
    assert found["facts"]["counts"] == point_matrix(point_rows()).tolist()
    nameless = make_raster("nameless.tif", mapped()[None], names=None)
    message = refusal(MAP=nameless, REFERENCE_FEATURES=points, FIELD="name")
    assert "Class table" in message and "water" in message


def test_fields_are_listed(refusal, files, points):
    message = refusal(MAP=files[0], REFERENCE_FEATURES=points)
    assert "FIELD is empty" in message and "class, name" in message
    message = refusal(MAP=files[0], REFERENCE_FEATURES=points, FIELD="truth")
    assert '"truth"' in message and "class, name" in message


def test_points_without_a_class_are_counted(report, files, points):
    points.dataProvider().changeAttributeValues({1: {0: None}, 2: {0: None}})
    found = report(MAP=files[0], REFERENCE_FEATURES=points, FIELD="class")
    assert found["N"] == 142 and found["facts"]["units"]["unlabelled"] == 2


def test_a_selection(report, files, points):
    points.selectByIds([1, 2, 3, 4, 5])
    chosen = QgsProcessingFeatureSourceDefinition(points.id(), True)
    found = report(MAP=files[0], REFERENCE_FEATURES=chosen, FIELD="class")
    assert found["N"] == 5
    assert "only the 5 selected" in found["facts"]["inputs"]["reference"]["detail"]


@pytest.fixture
def geopackage(points, tmp_path):
    """The same points in degrees, in a GeoPackage."""
    options = QgsVectorFileWriter.SaveVectorOptions()
    context = QgsProject.instance().transformContext()
    degrees = QgsCoordinateReferenceSystem("EPSG:4326")
    options.ct = QgsCoordinateTransform(points.crs(), degrees, context)
    path = str(tmp_path / "points.gpkg")
    QgsVectorFileWriter.writeAsVectorFormatV3(points, path, context, options)
    return path


def test_a_geopackage_in_another_crs(report, files, geopackage):
    found = report(MAP=files[0], REFERENCE_FEATURES=geopackage, FIELD="class")
    assert found["facts"]["counts"] == point_matrix(point_rows()).tolist()
    assert "4326" in found["facts"]["inputs"]["reference"]["crs"]
    assert found["facts"]["inputs"]["reference"]["path"] == geopackage


def test_a_report_never_replaces_what_it_reads(refusal, files, geopackage, tmp_path):
    table = tmp_path / "table.csv"
    table.write_text("map,reference\n1,1\n")
    for target in (geopackage, files[0], str(table)):
        before = Path(target).read_bytes()
        said = refusal(
            MAP=files[0], REFERENCE_FEATURES=geopackage, FIELD="class", CLASS_TABLE_FILE=str(table), OUTPUT_CSV=target
        )
        assert "OUTPUT_CSV" in said and "it would be lost" in said
        assert Path(target).read_bytes() == before


def test_a_filter(report, files, geopackage):
    layer = QgsVectorLayer(geopackage, "filtered", "ogr")
    assert layer.setSubsetString('"class" = 1')
    QgsProject.instance().addMapLayer(layer)
    found = report(MAP=files[0], REFERENCE_FEATURES=layer.id(), FIELD="class")
    wanted = point_matrix(row for row in point_rows() if row[3] == 1)
    assert found["facts"]["counts"] == wanted.tolist()
    assert '"class" = 1' in found["facts"]["inputs"]["reference"]["detail"]


def test_polygons(report, files, qgis_new_project):
    layer = QgsVectorLayer(f"Polygon?crs={CRS}&field=ref_class:integer", "polygons", "memory")
    for value, first, last in ((2, (0, 0), (9, 19)), (3, (20, 40), (29, 49))):
        left, top = centre(*first)
        right, bottom = centre(*last)
        feature = QgsFeature(layer.fields())
        ring = f"{left - 5} {top + 5},{right + 5} {top + 5},{right + 5} {bottom - 5},{left - 5} {bottom - 5}"
        feature.setGeometry(QgsGeometry.fromWkt(f"POLYGON(({ring},{left - 5} {top + 5}))"))
        feature.setAttributes([value])
        layer.dataProvider().addFeatures([feature])
    QgsProject.instance().addMapLayer(layer)
    found = report(MAP=files[0], REFERENCE_FEATURES=layer)
    assert found["facts"]["counts"] == [[0, 200, 0], [0, 0, 0], [0, 0, 100]]
    assert found["facts"]["design"]["name"] == "descriptive"
    assert any("not independent" in warning for warning in found["facts"]["warnings"])


def test_a_polygon_that_crosses_itself_is_no_reason_to_stop(report, files, qgis_new_project):
    """QGIS stops at such features unless told otherwise; which pixels lie inside is clear all the same."""
    layer = QgsVectorLayer(f"Polygon?crs={CRS}&field=ref_class:integer", "bow tie", "memory")
    feature = QgsFeature(layer.fields())
    x, y = centre(40, 10)
    ring = f"{x - 50} {y - 50},{x + 50} {y + 50},{x + 50} {y - 50},{x - 50} {y + 50},{x - 50} {y - 50}"
    feature.setGeometry(QgsGeometry.fromWkt(f"POLYGON(({ring}))"))
    feature.setAttributes([1])
    layer.dataProvider().addFeatures([feature])
    QgsProject.instance().addMapLayer(layer)
    assert not next(layer.getFeatures()).geometry().isGeosValid()
    assert 30 < report(MAP=files[0], REFERENCE_FEATURES=layer)["N"] < 70


def test_our_own_sample_needs_no_setting(report, files, qgis_new_project):
    fields = "id:integer stratum:integer stratum_px:integer stratum_ha:double ref_class:integer".split()
    uri = f"Point?crs={CRS}" + "".join(f"&field={field}" for field in fields)
    layer = QgsVectorLayer(uri, "sample", "memory")
    features = []
    for number, (x, y, stratum, value) in enumerate(point_rows()):
        if stratum == 3 and number % 2:
            continue  # fewer points in one stratum: raw counts would be wrong
        feature = QgsFeature(layer.fields())
        feature.setGeometry(QgsGeometry.fromPointXY(QgsPointXY(x, y)))
        feature.setAttributes([number, stratum, 1200, 12.0, value])
        features.append(feature)
    layer.dataProvider().addFeatures(features)
    QgsProject.instance().addMapLayer(layer)
    found = report(MAP=files[0], REFERENCE_FEATURES=layer)
    matrix = np.array(found["facts"]["counts"])
    assert found["facts"]["design"]["name"] == "stratified"
    assert found["OVERALL_ACCURACY"] == pytest.approx(np.mean(np.diag(matrix) / matrix.sum(axis=1)), abs=1e-12)
    assert found["facts"]["overall_accuracy"]["low"] is not None
    assert found["N"] == len(features)


def test_from_drawn_points_to_a_report(report, named_map, tmp_path):
    """Draw, label each point, report: nothing has to be set in between."""
    import processing

    path = str(tmp_path / "sample.gpkg")
    processing.run("lulc:samplepoints", {"MAP": named_map, "SIZE": 240, "SEED": 5, "OUTPUT": path})
    layer = QgsVectorLayer(path, "sample", "ogr")
    column = layer.fields().lookupField("ref_class")
    labels = {}
    for feature in layer.getFeatures():
        place = feature.geometry().asPoint()
        row, col = int((7400000 - place.y()) // 10), int((place.x() - 500000) // 10)
        labels[feature.id()] = {column: int(truth()[row, col])}
    assert layer.dataProvider().changeAttributeValues(labels)
    found = report(MAP=named_map, REFERENCE_FEATURES=path)
    assert found["N"] == 240 == len(labels)
    assert found["facts"]["design"]["name"] == "stratified"
    low, high = (found["facts"]["overall_accuracy"][bound] for bound in ("low", "high"))
    assert low < found["OVERALL_ACCURACY"] < high and abs(found["OVERALL_ACCURACY"] - OVERALL) < 0.06


def test_a_picture_without_georeference(report, make_raster, tmp_path):
    """QGIS counts its rows upwards from minus their number, the file downwards from 0."""
    import processing

    path = make_raster("picture.tif", mapped()[None], names=None, crs=None)
    sample = str(tmp_path / "sample.gpkg")
    processing.run("lulc:samplepoints", {"MAP": path, "SIZE": 60, "SEED": 5, "OUTPUT": sample})
    found = report(MAP=path, REFERENCE_FEATURES=sample, FIELD="map_class")
    assert found["N"] == 60 and found["OVERALL_ACCURACY"] == 1


def test_the_crs_of_the_layer_counts(report, files, points):
    """What the user sees: with another CRS the map lies elsewhere, and the report says so."""
    layer = QgsRasterLayer(files[0], "map")
    layer.setCrs(QgsCoordinateReferenceSystem("EPSG:32722"))
    QgsProject.instance().addMapLayer(layer)
    with pytest.raises(QgsProcessingException, match="outside the map"):
        report(MAP=layer, REFERENCE_FEATURES=points, FIELD="class")
    points = QgsVectorLayer(points, "points") if isinstance(points, str) else points
    points.setCrs(layer.crs())
    QgsProject.instance().addMapLayer(points)
    feedback = QgsProcessingFeedback()
    found = report(feedback, MAP=layer, REFERENCE_FEATURES=points, FIELD="class")
    assert found["N"] == 144
    assert "EPSG:32722" in feedback.textLog() and "its file says EPSG:32723" in feedback.textLog()


# ---------------------------------------------------------------- class tables


@pytest.mark.parametrize("table", [[1, 10, 2, 20, 3, 30], [1.0, 10.0, 2.0, 20.0, 3.0, 30.0], "1,10,2,20,3,30"])
def test_a_class_table(report, files, make_raster, table):
    other = make_raster("tens.tif", (truth() * 10)[None], names=None)
    assert report(MAP=files[0], REFERENCE=other, CLASS_TABLE=table)["OVERALL_ACCURACY"] == pytest.approx(OVERALL)


def test_a_class_table_with_names(report, files, points):
    found = report(
        MAP=files[0], REFERENCE_FEATURES=points, FIELD="name", CLASS_TABLE=[1, "WATER", 2, "trees", 3, "bare <soil>"]
    )
    assert found["facts"]["counts"] == point_matrix(point_rows()).tolist()


def test_a_class_table_file(report, refusal, files, make_raster, tmp_path):
    other = make_raster("tens.tif", (truth() * 10)[None], names=None)
    table = tmp_path / "table.csv"
    table.write_text("map,reference\n1,10\n2,20\n3,30\n")
    values = {"MAP": files[0], "REFERENCE": other}
    assert report(CLASS_TABLE_FILE=str(table), **values)["OVERALL_ACCURACY"] == pytest.approx(OVERALL)
    assert "Both CLASS_TABLE and CLASS_TABLE_FILE" in refusal(
        CLASS_TABLE_FILE=str(table), CLASS_TABLE=[1, 10], **values
    )
    table.write_text("a,b\n1,10\n")
    assert "columns map and reference" in refusal(CLASS_TABLE_FILE=str(table), **values)


# ---------------------------------------------------------------- dialogs


def wait_for(done, seconds=30):
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "still not done"
        QApplication.processEvents()


def test_dialog(desktop, definition, named_map, files, tmp_path):
    """Two layers and Run: a report in the results viewer, and the map of disagreement with its legend."""
    from processing.core.ProcessingResults import resultsList
    from processing.gui.AlgorithmDialog import AlgorithmDialog

    before = len(resultsList.getResults())
    window = AlgorithmDialog(definition)
    window.show()
    disagreement = str(tmp_path / "disagreement.tif")
    window.mainWidget().setParameters({"MAP": named_map.id(), "REFERENCE": files[1], "DISAGREEMENT": disagreement})
    window.runButton().click()
    wait_for(window.wasExecuted)
    results = window.results()
    window.close()
    window.deleteLater()
    assert results["OVERALL_ACCURACY"] == pytest.approx(OVERALL)
    (shown,) = resultsList.getResults()[before:]
    assert shown.filename == results["OUTPUT_HTML"] and Path(shown.filename).suffix == ".html"
    (layer,) = QgsProject.instance().mapLayersByName("Disagreement – my map")
    labels = {int(c.value): c.label for c in layer.renderer().classes()}
    with rasterio.open(disagreement) as source:
        values = source.read(1)
    assert np.array_equal(values, (mapped().astype(int) - 1) * 3 + (truth().astype(int) - 1) + 1)
    assert set(labels) == set(np.unique(values).tolist())
    assert "Water" in labels[2] and "Trees" in labels[2]


def test_batch(desktop, definition, files, points, tmp_path):
    """One map against a raster and against points, as two rows."""
    from processing.gui.BatchAlgorithmDialog import BatchAlgorithmDialog

    window = BatchAlgorithmDialog(definition)
    window.show()  # else QGIS deletes it while the last row is at work
    panel = window.mainWidget()
    column = panel.parameter_to_column
    panel.addRow()
    outputs = []
    for row, values in enumerate(({"REFERENCE": files[1]}, {"REFERENCE_FEATURES": points.id(), "FIELD": "class"})):
        for name, value in {"MAP": files[0], **values}.items():
            panel.wrappers[row][column[name]].setWidgetValue(value, QgsProcessingContext())
        outputs.append(tmp_path / f"{row}.json")
        panel.tblParameters.cellWidget(row + 1, column["OUTPUT_JSON"]).setValue(str(outputs[-1]))
    window.runAlgorithm()
    wait_for(window.runButton().isEnabled)  # since 3.24 the rows run in the background
    assert [json.loads(path.read_text())["units"]["compared"] for path in outputs] == [3600, 144]
    window.close()
    window.deleteLater()


# ---------------------------------------------------------------- the real qgis_process


def outputs_of(done):
    return dict(line.split(":\t", 1) for line in done.stdout.splitlines() if ":\t" in line)


def test_class_table_at_a_shell(qgis_process, files, make_raster, tmp_path):
    other = make_raster("tens.tif", (truth() * 10)[None], names=None)
    table = tmp_path / "table.csv"
    table.write_text("map,reference\n1,10\n2,20\n3,30\n")
    html = tmp_path / "report.html"
    for words in (["CLASS_TABLE=1,10,2,20,3,30", f"OUTPUT_HTML={html}"], [f"CLASS_TABLE_FILE={table}"]):
        done = qgis_process("run", ALGORITHM, "--", f"MAP={files[0]}", f"REFERENCE={other}", *words)
        assert done.returncode == 0, done.stdout + done.stderr
        assert float(outputs_of(done)["OVERALL_ACCURACY"]) == pytest.approx(OVERALL, abs=1e-6)
        assert outputs_of(done)["N"] == "3600"
    assert html.exists()


@pytest.mark.parametrize(
    "words, said",
    [
        ([], "Give exactly one"),
        (["REFERENCE_FEATURES={points}"], "its fields are: fid, class, name"),
        (["REFERENCE_FEATURES={points}", "FIELD=kind"], '"kind"; its fields are: fid, class, name'),
        (["REFERENCE={truth}", "CONFIDENCE_LEVEL=95"], "The confidence level is 95"),
        (["REFERENCE={truth}", "OUTPUT_HTML=/nowhere/report.html"], "/nowhere"),
    ],
)
def test_a_users_mistake_at_a_shell(qgis_process, files, geopackage, words, said):
    words = [word.format(points=geopackage, truth=files[1]) for word in words]
    done = qgis_process("run", ALGORITHM, "--", f"MAP={files[0]}", *words)
    everything = done.stdout + done.stderr
    assert done.returncode == 1, everything
    assert said in everything and "Traceback" not in everything


def hiding(package, folder):
    """A folder that hides `package` from whoever has it on PYTHONPATH."""
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(
        "import sys\n"
        "class Hide:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name.partition('.')[0] == {package!r}:\n"
        "            raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, Hide())\n"
    )
    return folder


def test_without_onnxruntime(qgis_process, files, tmp_path):
    """Judging a map needs no network."""
    shadow = hiding("onnxruntime", tmp_path / "shadow")
    done = qgis_process("run", ALGORITHM, "--", f"MAP={files[0]}", f"REFERENCE={files[1]}", shadow=shadow)
    assert done.returncode == 0, done.stdout + done.stderr
    assert float(outputs_of(done)["OVERALL_ACCURACY"]) == pytest.approx(OVERALL, abs=1e-6)


@pytest.mark.parametrize("package, installed", [("rasterio", "rasterio"), ("jinja2", "Jinja2"), ("scipy", "scipy")])
def test_without_a_needed_package(qgis_process, files, tmp_path, package, installed):
    shadow = hiding(package, tmp_path / "shadow")
    done = qgis_process("run", ALGORITHM, "--", f"MAP={files[0]}", f"REFERENCE={files[1]}", shadow=shadow)
    everything = done.stdout + done.stderr
    assert done.returncode == 1
    assert f"{package} cannot be found" in everything and "run Install dependencies" in everything
    assert re.search(rf"pip install --user .*\b{installed}\b", everything)
    assert "Traceback" not in everything
