# SPDX-License-Identifier: GPL-3.0-or-later
"""The real `qgis_process`: numbers are texts there, errors are exit codes, and `canExecute` is not asked."""

import json

import numpy as np
import pytest
from qgis.core import (
    QgsProcessingModelAlgorithm,
    QgsProcessingModelChildAlgorithm,
    QgsProcessingModelChildParameterSource,
    QgsProcessingModelOutput,
    QgsProcessingModelParameter,
    QgsProcessingParameterRasterLayer,
)

ALGORITHM = "lulc:classifylandcover"


@pytest.fixture
def run(qgis_process, network):
    """`run("INPUT=…", …)` runs the algorithm with the tests' network."""

    def run_algorithm(*values, **options):
        return qgis_process("run", ALGORITHM, "--", f"MODEL_FILE={network}", *values, **options)

    return run_algorithm


def test_help(qgis_process):
    done = qgis_process("help", ALGORITHM)
    assert done.returncode == 0
    assert "BANDS=3;2;1;4" in done.stdout


def test_run(run, unnamed_image, tmp_path, read, expected):
    output = tmp_path / "map.tif"
    numbers = ("OVERLAP=8", "WINDOW=64", "BATCH_SIZE=2")
    done = run(f"INPUT={unnamed_image}", "BANDS=3;2;1;4", f"OUTPUT={output}", *numbers)
    assert done.returncode == 0, done.stderr
    assert np.array_equal(read(output), expected(read(unnamed_image, [3, 2, 1, 4])))
    results = dict(line.split(":\t", 1) for line in done.stdout.splitlines() if ":\t" in line)
    assert results["OUTPUT"] == str(output)
    assert results["PIXELS"] == str(150 * 120)
    assert [c["value"] for c in json.loads(results["CLASSES"])] == [10, 20, 40]
    assert "CPU" in results["DEVICE_USED"].upper()


def test_a_choice_by_its_number(run, unnamed_image, tmp_path):
    """`qgis_process help` lists choices with numbers: 0: auto, 1: cpu."""
    output = tmp_path / "map.tif"
    done = run(f"INPUT={unnamed_image}", "BANDS=3;2;1;4", f"OUTPUT={output}", "DEVICE=1", "RESAMPLE=1")
    assert done.returncode == 0 and output.exists(), done.stderr
    done = run(f"INPUT={unnamed_image}", "BANDS=3;2;1;4", f"OUTPUT={tmp_path / 'other.tif'}", "DEVICE=9")
    assert done.returncode == 1 and "DEVICE" in done.stdout + done.stderr


@pytest.mark.parametrize(
    "values, words",
    [
        (["BANDS=3,1"], ["band 0 does not exist", "'BANDS=3;2;1;4'"]),
        ([], [*(f"{n} (unnamed)" for n in range(1, 7)), "'BANDS=3;2;1;4'"]),
        (["BANDS=3;2;1;4", "OVERLAP=much"], ["OVERLAP is 'much'"]),
    ],
)
def test_a_users_mistake(run, unnamed_image, tmp_path, values, words):
    done = run(f"INPUT={unnamed_image}", f"OUTPUT={tmp_path / 'map.tif'}", *values)
    said = done.stdout + done.stderr
    assert done.returncode == 1
    assert all(word in said for word in words), said
    assert "Traceback" not in said
    assert not list(tmp_path.glob("map*"))


def test_without_onnxruntime(run, image, tmp_path):
    """A fresh QGIS does not have it; a finder in front of all others hides it here."""
    shadow = tmp_path / "shadow"
    shadow.mkdir()
    (shadow / "sitecustomize.py").write_text(
        "import sys\n"
        "class Hide:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.partition('.')[0] == 'onnxruntime':\n"
        "            raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, Hide())\n"
    )
    done = run(f"INPUT={image}", f"OUTPUT={tmp_path / 'map.tif'}", shadow=shadow)
    said = done.stdout + done.stderr
    assert done.returncode == 1
    assert "onnxruntime cannot be found" in said and "pip install" in said
    assert "Traceback" not in said


def test_two_step_model(qgis_process, provider, network, unnamed_image, tmp_path, read, expected):
    """Classify, then keep one class: a .model3 as the graphical modeler saves it."""
    source = QgsProcessingModelChildParameterSource
    classify = QgsProcessingModelChildAlgorithm(ALGORITHM)
    classify.setChildId("classify")
    classify.addParameterSources("INPUT", [source.fromModelParameter("image")])
    classify.addParameterSources("MODEL_FILE", [source.fromStaticValue(network)])
    classify.addParameterSources("BANDS", [source.fromStaticValue([3, 2, 1, 4])])
    trees = QgsProcessingModelChildAlgorithm("native:reclassifybytable")
    trees.setChildId("trees")
    trees.addParameterSources("INPUT_RASTER", [source.fromChildOutput("classify", "OUTPUT")])
    trees.addParameterSources("TABLE", [source.fromStaticValue(["10", "10", "0", "20", "20", "1", "40", "40", "0"])])
    trees.addParameterSources("RANGE_BOUNDARIES", [source.fromStaticValue(2)])
    output = QgsProcessingModelOutput("trees", "trees")
    output.setChildOutputName("OUTPUT")
    output.setChildId("trees")
    trees.setModelOutputs({"trees": output})

    model = QgsProcessingModelAlgorithm("trees", "tests")
    model.addModelParameter(QgsProcessingParameterRasterLayer("image", "image"), QgsProcessingModelParameter("image"))
    model.addChildAlgorithm(classify)
    model.addChildAlgorithm(trees)
    path = tmp_path / "trees.model3"
    assert model.toFile(str(path))
    (result,) = (parameter.name() for parameter in model.destinationParameterDefinitions())
    assert result in ("trees:trees", "trees")  # 3.22, later ones

    done = qgis_process("run", str(path), "--", f"image={unnamed_image}", f"{result}={tmp_path / 'trees.tif'}")
    assert done.returncode == 0, done.stderr
    assert "Model: tiny-v1" in done.stdout
    classes = expected(read(unnamed_image, [3, 2, 1, 4]))
    assert np.array_equal(read(tmp_path / "trees.tif") == 1, classes == 20)
