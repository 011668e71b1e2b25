# SPDX-License-Identifier: GPL-3.0-or-later
"""A newcomer without an image: load the sample, classify it, see a map."""

import json
from pathlib import Path

import pytest
from qgis.core import QgsApplication, QgsProcessingException, QgsProcessingFeedback, QgsProject

SAMPLE = "lulc:loadsample"
NAME = "Sample: Sentinel-2, Brazil"


@pytest.fixture
def load(provider):
    import processing

    def run(output, feedback=None):
        return processing.run(SAMPLE, {"OUTPUT": str(output)}, feedback=feedback or QgsProcessingFeedback())["OUTPUT"]

    return run


@pytest.fixture
def original(plugin):
    return plugin("algorithms.loadsample").SAMPLE


def test_a_copy_and_what_to_do_next(load, original, tmp_path):
    feedback = QgsProcessingFeedback()
    output = load(tmp_path / "sample.tif", feedback)
    assert Path(output).read_bytes() == original.read_bytes()
    assert [p.name for p in tmp_path.iterdir()] == ["sample.tif"]
    assert "Classify land cover" in feedback.textLog() and "Copernicus" in feedback.textLog()


def test_temporary(load, original):
    output = Path(load("TEMPORARY_OUTPUT"))
    assert output.read_bytes() == original.read_bytes()
    assert original.parents[2] not in output.resolve().parents


def test_it_runs_without_packages(provider, plugin, monkeypatch):
    dependencies = plugin("lulc_plugin.environment.packages")
    monkeypatch.setattr(dependencies, "look_up", lambda name: dependencies.Package(name, None, None))
    algorithm = QgsApplication.processingRegistry().createAlgorithmById(SAMPLE)
    assert algorithm.canExecute()[0]


def test_the_layer(provider, qgis_new_project, tmp_path):
    """In true colour, under its name, from the copy: an update of the plugin would pull the original away."""
    import processing

    processing.runAndLoadResults(SAMPLE, {"OUTPUT": str(tmp_path / "mine.tif")})
    (layer,) = QgsProject.instance().mapLayersByName(NAME)
    assert Path(layer.source()) == tmp_path / "mine.tif"
    renderer = layer.renderer()
    assert renderer.type() == "multibandcolor"
    assert (renderer.redBand(), renderer.greenBand(), renderer.blueBand()) == (3, 2, 1)
    # stretched within the image's own reflectance: without that, it would be nearly black
    assert 0 <= renderer.redContrastEnhancement().minimumValue() < 0.1
    assert 0.1 < renderer.redContrastEnhancement().maximumValue() < 0.4
    assert [layer.bandName(b) for b in range(1, 6)] == [
        f"Band {b}: {name}" for b, name in enumerate(("blue", "green", "red", "nir", "swir16"), start=1)
    ]


def test_classify_makes_a_map_of_it(load, classify, tmp_path, read):
    output = load(tmp_path / "sample.tif")
    feedback = QgsProcessingFeedback()
    result = classify(feedback, INPUT=output, MODEL="auto")
    shares = {c["name"]: c["pixels"] / result["PIXELS"] for c in json.loads(result["CLASSES"])}
    assert result["PIXELS"] == 256 * 160
    assert 0.02 < shares["Water"] < 0.06 and 0.1 < shares["Trees"] < 0.35 and shares["Cropland"] > 0.4
    assert shares["Built-up"] < 0.05
    assert "Bands by wavelength" in feedback.textLog()
    assert "Warning" not in feedback.textLog() and "has not seen" not in feedback.textLog()


def test_again_to_the_same_place(load, tmp_path):
    """A layer of it may be open, with statistics that QGIS has written beside it."""
    first = Path(load(tmp_path / "sample.tif"))
    (tmp_path / "sample.tif.aux.xml").write_text("<PAMDataset/>")
    before = first.stat().st_mtime_ns
    load(first)
    assert first.stat().st_mtime_ns == before


def refused(load, output):
    with pytest.raises(QgsProcessingException) as error:
        load(output)
    assert "Traceback" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("ending", [".aux.xml", ".msk", ".ovr"])
def test_an_older_raster_is_replaced_but_not_its_company(load, original, tmp_path, ending):
    target, beside = tmp_path / "old.tif", tmp_path / f"old.tif{ending}"
    target.write_bytes(b"an older raster")
    beside.write_text("<PAMDataset/>")
    assert f"old.tif{ending} belongs to another raster" in refused(load, target)
    assert target.read_bytes() == b"an older raster" and beside.read_text() == "<PAMDataset/>"
    beside.unlink()
    assert Path(load(target)).read_bytes() == original.read_bytes()


def test_a_style_of_another_raster_is_not_taken_for_the_samples(load, original, tmp_path):
    (tmp_path / "old.qml").write_text("<qgis/>")
    assert "old.qml belongs to another raster" in refused(load, tmp_path / "old.tif")
    assert not (tmp_path / "old.tif").exists()


def test_places_that_do_not_do(load, original, tmp_path):
    assert "GeoTIFF" in refused(load, tmp_path / "sample.png")
    assert "does not exist" in refused(load, tmp_path / "no" / "sample.tif")
    before = original.read_bytes(), original.stat().st_mtime_ns
    assert "plugin's own folder" in refused(load, original)
    assert "plugin's own folder" in refused(load, original.with_name("other.tif"))
    for place in (original.parents[2], original.parents[2] / "models"):
        assert "plugin's own folder" in refused(load, place / "other.tif")
    assert (original.read_bytes(), original.stat().st_mtime_ns) == before
    (tmp_path / "sample.tif").mkdir()
    assert "cannot be written" in refused(load, tmp_path / "sample.tif")
    assert [p.name for p in tmp_path.iterdir()] == ["sample.tif"]


def test_in_qgis_process(qgis_process, original, tmp_path):
    output = tmp_path / "sample.tif"
    done = qgis_process("run", SAMPLE, "--", f"OUTPUT={output}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert output.read_bytes() == original.read_bytes()
