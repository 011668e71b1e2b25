# SPDX-License-Identifier: GPL-3.0-or-later
"""The check of the installation, above all where something is missing or broken."""

import json

import pytest
from qgis.core import QgsApplication, QgsProcessingFeedback, QgsSettings

CHECK = "lulc:checkinstallation"
HIDE = """
import sys
class Hide:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {names}:
            raise {error}
sys.meta_path.insert(0, Hide())
"""


def results_of(done):
    return dict(line.split(":\t", 1) for line in done.stdout.splitlines() if ":\t" in line)


def findings_of(report):
    return {finding["title"]: finding for finding in json.loads(report)["findings"]}


@pytest.fixture
def shadow(tmp_path):
    """`shadow("onnxruntime")` → a folder whose sitecustomize hides the package."""

    def make(*names, error="ModuleNotFoundError(name)"):
        folder = tmp_path / "shadow"
        folder.mkdir()
        (folder / "sitecustomize.py").write_text(HIDE.format(names=names, error=error))
        return folder

    return make


def test_all_in_order(provider, tmp_path):
    import processing

    QgsSettings().setValue("landcover_classifier/models_folder", str(tmp_path / "own"))
    feedback = QgsProcessingFeedback()
    output = tmp_path / "check.html"
    try:
        result = processing.run(CHECK, {"OUTPUT_HTML": str(output)}, feedback=feedback)
    finally:
        QgsSettings().remove("landcover_classifier/models_folder")
    found = findings_of(result["REPORT"])
    assert result["FAILED"] == 0, result["REPORT"]
    for title in ("QGIS", "GDAL of QGIS", "numpy", "rasterio", "PROJ", "A run on cpu", "Folder of your networks"):
        assert found[title]["level"] == "OK", found[title]
    assert str(tmp_path / "own") in found["Folder of your networks"]["detail"]
    assert not (tmp_path / "own").exists()
    assert found["numpy"]["detail"] in output.read_text(encoding="utf-8")
    assert "OK    numpy" in feedback.textLog()


def test_nothing_is_required(provider, plugin, monkeypatch):
    dependencies = plugin("lulc_plugin.environment.packages")
    monkeypatch.setattr(dependencies, "look_up", lambda name: dependencies.Package(name, None, None))
    algorithm = QgsApplication.processingRegistry().createAlgorithmById(CHECK)
    assert algorithm.canExecute() == (True, "")


def test_an_own_network_that_is_broken(provider, tmp_path):
    import processing

    (tmp_path / "broken.onnx").write_bytes(b"no network")
    QgsSettings().setValue("landcover_classifier/models_folder", str(tmp_path))
    try:
        result = processing.run(CHECK, {}, feedback=QgsProcessingFeedback())
    finally:
        QgsSettings().remove("landcover_classifier/models_folder")
    finding = findings_of(result["REPORT"])["broken"]
    assert finding["level"] == "WARN" and finding["remedy"] and "yours" in finding["detail"]
    assert result["WARNINGS"] == 1 and result["FAILED"] == 0


def test_without_onnxruntime(qgis_process, shadow):
    done = qgis_process("run", CHECK, shadow=shadow("onnxruntime"))
    said = done.stdout + done.stderr
    assert done.returncode == 0 and "Traceback" not in said, said
    found = findings_of(results_of(done)["REPORT"])
    assert found["onnxruntime"]["level"] == "FAIL" and "pip install" in found["onnxruntime"]["remedy"]
    assert found["numpy"]["level"] == found["Coordinate systems"]["level"] == "OK"
    assert found["Devices"]["level"] == "WARN" and "onnxruntime" in found["Devices"]["detail"]
    assert "FAIL  onnxruntime" in said


def test_without_anything(qgis_process, shadow, tmp_path):
    """Not even numpy, and Jinja2 neither: the page is written all the same."""
    output = tmp_path / "check.html"
    names = ("onnxruntime", "rasterio", "numpy", "scipy", "jinja2")
    done = qgis_process("run", CHECK, "--", f"OUTPUT_HTML={output}", shadow=shadow(*names))
    # QGIS's own Processing plugin complains about numpy with a traceback; none may go through ours
    assert done.returncode == 0 and "landcover_classifier/" not in done.stderr, done.stderr
    results = results_of(done)
    found = findings_of(results["REPORT"])
    assert int(results["FAILED"]) == len(names)
    assert all(found[name]["level"] == "FAIL" for name in names)
    # numpy first, and with QGIS; a pip that is not told which numpy to keep would bring another
    assert all("numpy comes with QGIS" in found[name]["remedy"] for name in names)
    assert not any("pip install" in found[name]["remedy"] for name in names)
    page = output.read_text(encoding="utf-8")
    assert page.count('class="level error"') == len(names) and "Temporary files" in page


def test_a_package_that_does_not_load(qgis_process, tmp_path):
    """As on a Windows without the C++ runtime: it is there, and importing it fails."""
    package = tmp_path / "shadow" / "onnxruntime"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise ImportError('DLL load failed: module not found')\n")
    done = qgis_process("run", CHECK, shadow=tmp_path / "shadow")
    said = done.stdout + done.stderr
    assert done.returncode == 0 and "Traceback" not in said, said
    finding = findings_of(results_of(done)["REPORT"])["onnxruntime"]
    assert finding["level"] == "FAIL" and "cannot be loaded: ImportError: DLL load failed" in finding["detail"]
    assert finding["remedy"]


def test_a_page_that_cannot_be_written(qgis_process):
    done = qgis_process("run", CHECK, "--", "OUTPUT_HTML=/nowhere/check.html")
    said = done.stdout + done.stderr
    assert done.returncode == 1 and "/nowhere/check.html" in said and "Traceback" not in said
