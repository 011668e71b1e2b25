# SPDX-License-Identifier: GPL-3.0-or-later
"""A bare network, a few words, and it makes a map."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from qgis.core import QgsProcessingException, QgsProcessingFeedback

SHARED = Path(__file__).resolve().parents[3] / "shared"
DESCRIBE = "lulc:describemodel"
CELLS = [10, "Water", "#419BDF", 20, "Trees", "#397D49", 40, "Bare soil", ""]


@pytest.fixture
def bare(network, tmp_path):
    """The tests' network without its description."""
    path = tmp_path / "bare-v1.onnx"
    shutil.copyfile(network, path)
    return path


@pytest.fixture
def describe(provider, bare):
    """`describe(…)` describes the bare network; what is not said is said right."""
    import processing

    def run(**values):
        feedback = values.pop("feedback", None) or QgsProcessingFeedback()
        said = {"MODEL_FILE": str(bare), "BAND_NAMES": "red,green,blue,nir", "SCALING": "10000", "GSD": 10}
        said.update({"CLASS_TABLE": CELLS} if "CLASS_TABLE_FILE" not in values else {})
        said.update(values)
        return processing.run(DESCRIBE, {k: v for k, v in said.items() if v is not None}, feedback=feedback)

    return run


def test_describe_then_classify(describe, classify, bare, image, read, expected):
    with pytest.raises(QgsProcessingException, match="Describe model"):
        classify(INPUT=image, MODEL_FILE=str(bare))
    result = describe()
    assert result == {"OUTPUT": str(bare.with_suffix(".json"))}
    made = classify(INPUT=image, MODEL_FILE=str(bare))
    assert np.array_equal(read(made["OUTPUT"]), expected(read(image, [1, 2, 3, 4])))
    assert [(c["value"], c["name"]) for c in json.loads(made["CLASSES"])] == [
        (10, "Water"), (20, "Trees"), (40, "Bare soil")
    ]  # fmt: skip


def test_smoothing_is_asked_for(describe, classify, bare, image):
    describe()
    assert "lulc:smoothing" not in json.loads(bare.with_suffix(".json").read_text())["properties"]
    describe(SMOOTHING=8, OUTPUT=str(bare.with_suffix(".json")))
    said = json.loads(bare.with_suffix(".json").read_text())["properties"]["lulc:smoothing"]
    assert said == {"radius": 8, "eps": 0.1, "weight": 0.5}
    feedback = QgsProcessingFeedback()
    classify(feedback, INPUT=image, MODEL_FILE=str(bare))
    assert "radius 8 pixels, guided by red, green, blue, nir" in feedback.textLog()


def test_bands_are_found_by_what_was_said(describe, classify, bare, make_raster, read, expected):
    """The layer has them in another order, with names."""
    describe()
    red, green, blue, nir = read(make_raster("a.tif"), [1, 2, 3, 4])
    turned = make_raster("b.tif", np.stack([nir, blue, green, red]), names=("nir", "blue", "green", "red"))
    made = classify(INPUT=turned, MODEL_FILE=str(bare))
    assert np.array_equal(read(made["OUTPUT"]), expected(np.stack([red, green, blue, nir])))


@pytest.mark.parametrize("delimiter", [",", ";"])
def test_classes_from_a_file(describe, bare, tmp_path, delimiter):
    rows = ["value,name,colour", "10,Água,#419BDF", "20,Mata,", "40,Solo,#B9A88F"]
    (tmp_path / "classes.csv").write_text("\n".join(rows).replace(",", delimiter), encoding="utf-8")
    describe(CLASS_TABLE_FILE=str(tmp_path / "classes.csv"))
    item = json.loads(bare.with_suffix(".json").read_text(encoding="utf-8"))
    (output, *_) = item["properties"]["mlm:output"]
    assert [c["description"] for c in output["classification:classes"]] == ["Água", "Mata", "Solo"]
    assert [c["value"] for c in output["classification:classes"]] == [10, 20, 40]


@pytest.mark.parametrize(
    "cells",
    [
        CELLS,
        [10, "Water", 20, "Trees", 40, "Bare soil"],
        "10,Water,20,Trees,40,Bare soil",
        "10,Water,#419BDF,20,Trees,#397D49,40,Bare soil,#B9A88F",
    ],
)
def test_a_table_with_and_without_colours(describe, bare, cells):
    describe(CLASS_TABLE=cells)
    item = json.loads(bare.with_suffix(".json").read_text(encoding="utf-8"))
    classes = item["properties"]["mlm:output"][0]["classification:classes"]
    assert [(c["value"], c["description"]) for c in classes] == [(10, "Water"), (20, "Trees"), (40, "Bare soil")]


def test_what_is_there_is_not_replaced_unless_named(describe, bare):
    describe()
    beside = bare.with_suffix(".json")
    kept = beside.read_text()
    with pytest.raises(QgsProcessingException, match="exists already"):
        describe(GSD=20)
    assert beside.read_text() == kept
    describe(GSD=20, OUTPUT=str(beside))
    assert json.loads(beside.read_text())["properties"]["gsd"] == 20


@pytest.mark.parametrize("linked", [False, True])
def test_the_network_itself_is_not_replaced(describe, bare, tmp_path, linked):
    before, target = bare.read_bytes(), bare
    if linked:
        target = tmp_path / "link.json"
        target.symlink_to(bare)
    with pytest.raises(QgsProcessingException, match="that this run reads"):
        describe(OUTPUT=str(target))
    assert bare.read_bytes() == before


def test_another_place_is_pointed_out(describe, bare, tmp_path):
    feedback = QgsProcessingFeedback()
    (tmp_path / "elsewhere").mkdir()
    result = describe(OUTPUT=str(tmp_path / "elsewhere" / "x.json"), feedback=feedback)
    assert result["OUTPUT"].endswith("x.json")
    assert str(bare.with_suffix(".json")) in feedback.textLog()


def test_a_band_that_nobody_knows(describe):
    feedback = QgsProcessingFeedback()
    describe(BAND_NAMES="red,green,blue,purple", feedback=feedback)
    assert "Nothing is known of the band(s) purple" in feedback.textLog()


@pytest.mark.parametrize("said", [None, "", "none", "10000"])
def test_a_scaling_that_was_not_given_is_told(describe, said):
    feedback = QgsProcessingFeedback()
    describe(SCALING=said, feedback=feedback)
    assert ("Scaling was not given" in feedback.textLog()) == (not said)


def test_an_activation_that_the_network_speaks_against_is_told(describe):
    feedback = QgsProcessingFeedback()
    describe(ACTIVATION="softmax", feedback=feedback)
    assert "ACTIVATION=softmax says raw scores come out" in feedback.textLog()


@pytest.mark.parametrize(
    "values, words",
    [
        ({"BAND_NAMES": "red,green,blue"}, ["3 bands", "4"]),
        ({"CLASS_TABLE": [10, "Water", "", 20, "Trees", ""]}, ["2 classes", "3"]),
        ({"CLASS_TABLE": None}, ["classes are missing"]),
        ({"CLASS_TABLE": ["x", "Water", ""]}, ["'x'", "not a whole number"]),
        ({"CLASS_TABLE": [10, "Water", "#12", 20, "Trees", "", 40, "Soil", ""]}, ["#12"]),
        ({"SCALING": "__import__('os').system('x')"}, ["not understood", "z-score"]),
        ({"GSD": "wide"}, ["GSD"]),
        ({"SMOOTHING": 65}, ["SMOOTHING"]),
        ({"SMOOTHING": 2.5}, ["SMOOTHING", "not a whole number"]),
        ({"CLASS_TABLE_FILE": "/nowhere/classes.csv"}, ["/nowhere/classes.csv"]),
        ({"CLASS_TABLE": CELLS, "CLASS_TABLE_FILE": "/nowhere/classes.csv"}, ["Both"]),
        ({"OUTPUT": "/nowhere/at/all.json"}, ["/nowhere/at/all.json"]),
    ],
)
def test_a_users_mistake(describe, bare, values, words):
    with pytest.raises(QgsProcessingException) as error:
        describe(**values)
    assert all(word in str(error.value) for word in words), error.value
    assert not bare.with_suffix(".json").exists()


def test_a_graph_of_another_plugin(provider, make_raster, tmp_path, read):
    """One plane of scores, sigmoid(red - 0.5) of pictures divided by 255: the map can be computed by hand."""
    import processing

    theirs = SHARED / "weights" / "third_party" / "one_output_sigmoid_red_detector.onnx"
    if not theirs.is_file():
        pytest.skip(f"{theirs} is not there")
    network = tmp_path / "red-v1.onnx"
    shutil.copyfile(theirs, network)
    values = np.random.default_rng(1).integers(1, 256, (3, 600, 700)).astype(np.uint8)
    image = make_raster("picture.tif", values, names=("red", "green", "blue"))
    said = {"BAND_NAMES": "red,green,blue", "CLASS_TABLE": [1, "Red", "#FF0000"], "SCALING": "255"}
    processing.run(DESCRIBE, {"MODEL_FILE": str(network), **said})
    made = processing.run(
        "lulc:classifylandcover",
        {"INPUT": image, "MODEL_FILE": str(network), "OUTPUT": str(tmp_path / "map.tif")},
    )
    assert np.array_equal(read(made["OUTPUT"]), (values[0] > 127).astype(np.uint8))
    assert [c["name"] for c in json.loads(made["CLASSES"])] == ["background", "Red"]


def test_at_a_shell(qgis_process, bare, image, tmp_path, read, expected):
    (tmp_path / "classes.csv").write_text("10,Water\n20,Trees\n40,Bare soil\n")
    said = [f"MODEL_FILE={bare}", "BAND_NAMES=red,green,blue,nir", f"CLASS_TABLE_FILE={tmp_path / 'classes.csv'}"]
    done = qgis_process("run", DESCRIBE, "--", *said, "SCALING=10000", "GSD=10")
    assert done.returncode == 0, done.stderr
    output = tmp_path / "map.tif"
    done = qgis_process(
        "run", "lulc:classifylandcover", "--", f"INPUT={image}", f"MODEL_FILE={bare}", f"OUTPUT={output}"
    )
    assert done.returncode == 0, done.stderr
    assert np.array_equal(read(output), expected(read(image, [1, 2, 3, 4])))
    done = qgis_process("run", DESCRIBE, "--", f"MODEL_FILE={image}", *said[1:])
    words = done.stdout + done.stderr
    assert done.returncode == 1 and "is not an .onnx file" in words and "Traceback" not in words


def test_choices_are_those_of_the_engine(plugin):
    engine = plugin("lulc_plugin.model.describe.description").ACTIVATIONS
    assert plugin("algorithms.describemodel").ACTIVATIONS == engine
