# SPDX-License-Identifier: GPL-3.0-or-later
"""The example chain of the graphical modeler, Classify land cover → Accuracy report, as it is shipped."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsPointXY,
    QgsProcessingModelAlgorithm,
    QgsProject,
)

CHECKOUT = Path(__file__).resolve().parents[2]
CHAINS = CHECKOUT / "resources" / "chains"
CHAIN = CHAINS / "classify_and_assess.model3"


@pytest.fixture
def script():
    spec = importlib.util.spec_from_file_location("make_chains", CHECKOUT / "scripts" / "make_chains.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def content(model):
    """All of a model but the names of its results, which newer QGIS makes up in another way."""
    found = model.toVariant()
    found.pop("internal_version", None)
    if not found.get("outputGroup"):
        found["outputGroup"] = None  # NULL or an empty text
    definitions = found["parameterDefinitions"].values()
    for definition in definitions:
        if "_modelChildId" in definition["metadata"]:
            definition["name"] = None
    found["parameterDefinitions"] = sorted(definitions, key=lambda definition: definition["description"])
    return found


@pytest.mark.parametrize("name", ["classify_and_assess", "own_classes"])
def test_the_file_is_what_the_script_writes(provider, script, tmp_path, name):
    """Else the shipped chain misses what has changed in the algorithms."""
    assert {path.stem for path in CHAINS.glob("*.model3")} == set(script.CHAINS)
    fresh, shipped = QgsProcessingModelAlgorithm(), QgsProcessingModelAlgorithm()
    assert script.CHAINS[name]().toFile(str(tmp_path / "fresh.model3"))
    assert fresh.fromFile(str(tmp_path / "fresh.model3")) and shipped.fromFile(str(CHAINS / f"{name}.model3"))
    assert content(shipped) == content(fresh)


def test_the_choices_of_design_are_those_of_the_algorithm(script, plugin):
    assert script.DESIGNS == list(plugin("lulc_plugin.assess.job").DESIGNS)


@pytest.mark.parametrize("name", ["classify_and_assess", "own_classes"])
def test_the_chain_is_valid(provider, name):
    model = QgsProcessingModelAlgorithm()
    assert model.fromFile(str(CHAINS / f"{name}.model3"))
    assert all(child.algorithm() is not None for child in model.childAlgorithms().values())
    for name in model.childAlgorithms():
        ready, problems = model.validateChildAlgorithm(name)
        assert ready, problems


def test_the_chain_runs(qgis_process, image, make_raster, tmp_path):
    """With the bundled network on a small image; the reference is a raster whose classes have other numbers."""
    reference = np.full((1, 120, 150), 70, np.uint8)
    reference[:, :, :50] = 10
    path = make_raster("reference.tif", reference, names=None)
    table = tmp_path / "table.csv"
    table.write_text("map,reference\n1,10\n2,70\n3,70\n4,70\n5,70\n6,70\n")
    report, land_cover = tmp_path / "report.html", tmp_path / "land cover.tif"
    done = qgis_process(
        "run",
        str(CHAIN),
        "--",
        f"INPUT={image}",
        f"REFERENCE={path}",
        f"CLASS_TABLE_FILE={table}",
        f"assess:Report={report}",
        f"classify:Land cover={land_cover}",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert land_cover.exists()
    page = report.read_text(encoding="utf-8")
    assert "<html" in page and "Water" in page and "Complete comparison" in page
    assert str(report) in done.stdout


def test_the_chain_with_points(qgis_process, image, tmp_path):
    """Two points in degrees; the west of the image is water, its middle is not."""
    to_degrees = QgsCoordinateTransform(
        QgsCoordinateReferenceSystem("EPSG:32723"), QgsCoordinateReferenceSystem("EPSG:4326"), QgsProject.instance()
    )
    features = []
    for kind, x in (("water", 500100), ("trees", 500750)):
        place = to_degrees.transform(QgsPointXY(x, 7399400))
        geometry = {"type": "Point", "coordinates": [place.x(), place.y()]}
        features.append({"type": "Feature", "properties": {"kind": kind}, "geometry": geometry})
    points = tmp_path / "points.geojson"
    points.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    report = tmp_path / "report.html"
    words = (f"INPUT={image}", f"REFERENCE_FEATURES={points}", "FIELD=kind", "DESIGN=descriptive")
    outputs = (f"assess:Report={report}", f"classify:Land cover={tmp_path / 'map.tif'}")
    done = qgis_process("run", str(CHAIN), "--", *words, *outputs)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 points compared" in done.stdout
    assert "Not a probability sample" in report.read_text(encoding="utf-8")


def test_two_references_in_the_chain_are_refused(qgis_process, image, tmp_path):
    points = tmp_path / "points.geojson"
    place = {"type": "Point", "coordinates": [-45.0, -23.5]}
    feature = {"type": "Feature", "properties": {"class": 1}, "geometry": place}
    points.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    words = (f"INPUT={image}", f"REFERENCE={image}", f"REFERENCE_FEATURES={points}")
    outputs = (f"assess:Report={tmp_path / 'r.html'}", f"classify:Land cover={tmp_path / 'map.tif'}")
    done = qgis_process("run", str(CHAIN), "--", *words, *outputs)
    said = done.stdout + done.stderr
    assert done.returncode == 1
    assert "Give exactly one" in said and "Traceback" not in said


def test_own_classes_in_a_chain(qgis_process, image, write_points, tmp_path):
    entries = [("west", x, y) for x in (0.05, 0.1, 0.15) for y in (0.2, 0.5, 0.8)]
    entries += [("middle", x, y) for x in (0.45, 0.5, 0.55) for y in (0.2, 0.5, 0.8)]
    points = write_points(str(tmp_path / "points.geojson"), image, entries, "kind")
    outputs = {
        "train:Network": tmp_path / "own.onnx", "train:Report": tmp_path / "own.html",
        "classify:Land cover": tmp_path / "map.tif", "suggest:Suggested samples": tmp_path / "more.gpkg",
    }  # fmt: skip
    words = [f"{name}={path}" for name, path in outputs.items()]
    done = qgis_process(
        "run", str(CHAINS / "own_classes.model3"), "--", f"INPUT={image}", f"SAMPLES={points}", "FIELD=kind", *words
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert all(path.exists() for path in outputs.values())
