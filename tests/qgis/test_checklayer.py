# SPDX-License-Identifier: GPL-3.0-or-later
"""`lulc:checklayer` in QGIS and in `qgis_process`: the findings as lines, page, JSON and numbers."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from qgis.core import QgsApplication, QgsProcessingException, QgsProcessingFeedback, QgsProcessingParameterDefinition

ALGORITHM = "lulc:checklayer"
PUBLIC = (
    "INPUT MODEL BANDS EXTENT OUTPUT_HTML MODEL_FILE VALUES RESAMPLE NODATA_POLICY STATISTICS_FROM OUTPUT_JSON".split()
)


class Lines(QgsProcessingFeedback):
    """Keeps what it is told."""

    def __init__(self):
        super().__init__(False)
        self.infos, self.warnings = [], []

    def pushInfo(self, text):
        self.infos.append(text)

    def pushWarning(self, text):
        self.warnings.append(text)


@pytest.fixture
def check(provider, network):
    """`check(INPUT=…, …)` → (results, feedback); the tests' network unless MODEL is given."""
    import processing

    def run(**values):
        feedback = Lines()
        if "MODEL" not in values:
            values.setdefault("MODEL_FILE", network)
        return processing.run(ALGORITHM, values, feedback=feedback), feedback

    return run


def test_names_are_public(provider):
    algorithm = QgsApplication.processingRegistry().createAlgorithmById(ALGORITHM)
    assert [d.name() for d in algorithm.parameterDefinitions()] == PUBLIC
    assert {d.name() for d in algorithm.outputDefinitions()} == {
        "FINDINGS",
        "ERRORS",
        "WARNINGS",
        "OUTPUT_HTML",
        "OUTPUT_JSON",
    }
    optional = QgsProcessingParameterDefinition.Flag.FlagOptional
    asked = [
        d.name() for d in algorithm.parameterDefinitions() if not d.flags() & optional and d.defaultValue() is None
    ]
    assert asked == ["INPUT"]
    assert [d.name() for d in algorithm.parameterDefinitions() if not d.help()] == []
    assert algorithm.group() == "Classification"
    page = algorithm.shortHelpString()
    assert "FAIL" in page and "Limits" in page


def test_a_layer_in_order(check, image, tmp_path):
    page = tmp_path / "check.html"
    results, feedback = check(INPUT=image, OUTPUT_HTML=str(page))
    assert (results["ERRORS"], results["WARNINGS"]) == (0, 0), feedback.warnings
    assert feedback.warnings == []
    assert any(line.startswith("PASS  Bands: by wavelength") or line.startswith("PASS  Bands: by name") for line in
               feedback.infos)  # fmt: skip
    assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    found = json.loads(results["FINDINGS"])
    assert found["layer"] == "scene.tif" and found["model"] == "tiny-v1"
    assert len(results["FINDINGS"]) < 1500, "it ends a log"


def test_all_findings_in_a_file(check, image, tmp_path):
    whole = tmp_path / "check.json"
    results, _ = check(INPUT=image, OUTPUT_JSON=str(whole))
    assert results["OUTPUT_JSON"] == str(whole)
    brief, found = json.loads(results["FINDINGS"]), json.loads(whole.read_text(encoding="utf-8"))
    assert [f for f in found["findings"] if f["level"] != "pass"] == brief["findings"]
    assert {f["level"] for f in found["findings"]} > {f["level"] for f in brief["findings"]}
    assert all(model["reason"] for model in found["models"] if not model["fits"])


def test_a_failed_check_is_a_check(check, unnamed_image):
    results, feedback = check(INPUT=unnamed_image)
    assert results["ERRORS"] == 1
    (failed,) = [line for line in feedback.warnings if line.startswith("FAIL  ")]
    assert "6 (unnamed)" in failed and "'BANDS=3;2;1;4'" in failed
    assert any(line.startswith("PASS  Pixels without data") for line in feedback.infos)
    assert "OUTPUT_HTML" not in results


def test_it_ends_in_the_network_that_fits(check, image, plugin):
    _, feedback = check(INPUT=image, MODEL="auto")
    names = [e.spec.name for e in plugin("lulc_plugin.model.catalogue").entries()]
    # processing.run adds a line of its own
    last = [line for line in feedback.infos if not line.startswith("Results:")][-1]
    assert last.startswith(f"{names[0]} fits this layer")
    assert "aerial" not in last
    assert any(line.startswith("RESAMPLED  aerial") for line in feedback.infos)


def test_unnamed_bands_are_told_once_with_the_way_out(check, unnamed_image):
    results, feedback = check(INPUT=unnamed_image, MODEL="auto")
    assert results["ERRORS"] == 1
    said = feedback.infos[:-1] + feedback.warnings  # the last line repeats the results
    (failed,) = [line for line in said if "6 (unnamed)" in line and not line.startswith("Results:")]
    assert failed.startswith("FAIL  Model and bands: None of the networks at hand fits")
    assert failed.count("6 (unnamed)") == failed.count("'BANDS=3;2;1;4'") == 1
    assert results["FINDINGS"].count("6 (unnamed)") == 1


def test_a_wrong_order_of_bands(check, make_raster, image, read):
    red, green, blue, nir = read(image, None)
    # bare soil, trees and water again, but most of it land
    layer = make_raster("bgrn.tif", np.stack([blue, green, red, nir])[:, :, 50:], names=None)
    results, feedback = check(INPUT=layer, MODEL="auto")
    (refused,) = [line for line in feedback.warnings if line.startswith("FAIL  Order of bands")]
    assert "the model saw" in refused and "'BANDS=3;2;1;4'" in refused
    assert results["ERRORS"] == 1
    right, feedback = check(INPUT=layer, MODEL="auto", BANDS=[3, 2, 1, 4])
    assert [line for line in feedback.warnings if "Order of bands" in line] == []


def test_extent_in_another_system(check, make_raster, read, image):
    values = read(image, None).copy()
    values[:, :, :40] = 0
    layer = make_raster("part.tif", values, nodata=0)
    results, feedback = check(INPUT=layer, EXTENT="500000,500390,7398900,7400000 [EPSG:32723]")
    assert results["ERRORS"] == 1
    assert any("in the extent" in line for line in feedback.warnings)


def test_a_network_that_is_not_the_one_described(check, image, network, plugin, tmp_path):
    """A graph of three classes whose description names two."""
    path = tmp_path / "other.onnx"
    path.write_bytes(Path(network).read_bytes())
    spec = plugin("lulc_plugin.model.catalogue").load(Path(network)).spec
    legend = plugin("lulc_plugin.legend").Legend.of(spec.legend.classes[:2])
    plugin("lulc_plugin.model.mlm").write(replace(spec, legend=legend, file_size=None), path.with_suffix(".json"))
    results, feedback = check(INPUT=image, MODEL_FILE=str(path))
    assert results["ERRORS"] == 1
    (failed,) = [line for line in feedback.warnings if line.startswith("FAIL  ")]
    assert failed.startswith("FAIL  Network: ") and "3" in failed and "2 classes" in failed


def test_mistakes_are_errors_without_traceback(check, image, tmp_path):
    with pytest.raises(QgsProcessingException):
        check(INPUT=str(tmp_path / "none.tif"))
    with pytest.raises(QgsProcessingException, match="cannot be written"):
        check(INPUT=image, OUTPUT_HTML=str(tmp_path / "no" / "folder" / "x.html"))


def test_the_image_itself_is_not_replaced(check, image, tmp_path):
    target = tmp_path / "link.html"
    target.symlink_to(image)
    before = target.read_bytes()
    with pytest.raises(QgsProcessingException, match="that this run reads"):
        check(INPUT=image, OUTPUT_HTML=str(target))
    assert target.read_bytes() == before


def test_in_qgis_process(qgis_process, unnamed_image, network, tmp_path):
    page = tmp_path / "check.html"
    done = qgis_process(
        "run", ALGORITHM, "--", f"INPUT={unnamed_image}", f"MODEL_FILE={network}", f"OUTPUT_HTML={page}"
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert "FAIL  Model and bands" in said and "Traceback" not in said
    assert page.is_file()
    results = dict(line.split(":\t", 1) for line in done.stdout.splitlines() if ":\t" in line)
    assert results["ERRORS"] == "1"
    assert json.loads(results["FINDINGS"])["findings"]
    assert qgis_process("help", ALGORITHM).returncode == 0
