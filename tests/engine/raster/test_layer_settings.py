# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user sets for a layer counts instead of what its file says: in the map, the sample, the report, the check."""

import json

import numpy as np
import pytest
import rasterio

from lulc_plugin import cli
from lulc_plugin.assess import AssessJob, SampleJob, assess, draw
from lulc_plugin.classify import ClassifyJob, check_layer, classify
from lulc_plugin.errors import LulcError
from lulc_plugin.progress import Progress
from lulc_plugin.raster import RasterInput, Source, open_dataset

#: The file of the tests says the first one; the user sets the second.
IN_FILE, SET = "EPSG:23032", "EPSG:25832"


@pytest.fixture
def class_map(raster):
    """`class_map(name, crs)` → path of 60 × 60 pixels with the classes 1, 2 and 3 in strips of 2 pixels."""
    values = np.broadcast_to(1 + np.arange(60) // 2 % 3, (60, 60)).astype(np.uint8)
    return lambda name="map.tif", crs=IN_FILE: raster(name, values[None], crs=crs, names=None)


# ---------------------------------------------------------------- coordinate system


@pytest.mark.parametrize("text", [SET, rasterio.crs.CRS.from_string(SET).to_wkt()], ids=["code", "wkt"])
@pytest.mark.parametrize("in_file", [IN_FILE, None])
def test_the_crs_that_is_set_is_the_layers(class_map, text, in_file):
    with Source(RasterInput(class_map(crs=in_file), crs=text)) as source:
        assert source.facts.crs == rasterio.crs.CRS.from_string(SET)
        assert source.facts.gsd == pytest.approx(30, rel=0.01)
        (sentence,) = source.facts.settings
    assert SET in sentence and (in_file or "names none") in sentence


def test_the_same_crs_is_no_setting(class_map):
    with Source(RasterInput(class_map(), crs=IN_FILE)) as source:
        assert source.facts.settings == ()


def test_an_unknown_crs_is_refused(class_map):
    with pytest.raises(LulcError, match="EPSG:99999999"):
        Source(RasterInput(class_map(), crs="EPSG:99999999"))


def test_a_map_is_written_in_the_crs_that_is_set(raster, network, scene, tmp_path):
    path = raster("image.tif", scene(60, 60), crs=None)
    job = ClassifyJob(RasterInput(path, crs=SET), model_file=str(network("pixel").path))
    made = classify(job, str(tmp_path / "map.tif"))
    assert sum(c.area for c in made.classes) == pytest.approx(60 * 60 * 900, rel=0.01)
    with open_dataset(tmp_path / "map.tif") as written:
        assert written.crs == rasterio.crs.CRS.from_string(SET)
        assert any(SET in text for text in written.tags().values())
    assert any(f.id == "layer.settings" and SET in f.text for f in check_layer(job).findings)


def test_a_reference_in_the_crs_that_is_set(class_map):
    """A shift of about 100 m between the two systems is three strips of 60 m: every pixel would be wrong."""
    of_map, truth = RasterInput(class_map(), crs=SET), RasterInput(class_map("truth.tif", SET))
    found = assess(AssessJob((of_map,), truth), Progress())
    assert found.estimates.overall.value == 1
    assert SET in " ".join(found.context.warnings) and SET in found.map.crs
    moved = assess(AssessJob((RasterInput(of_map.path),), truth), Progress())
    assert moved.estimates.overall.value < 0.9


def test_the_crs_of_a_reference_is_set(class_map):
    """The other way round, through GDAL's warper: the file of the reference is wrong."""
    of_map, wrong = RasterInput(class_map("right.tif", "EPSG:4258"), crs=SET), class_map("truth.tif")
    found = assess(AssessJob((of_map,), RasterInput(wrong, crs=SET)), Progress())
    assert found.estimates.overall.value == 1 and SET in found.context.reference.crs


def test_a_reprojected_reference_in_the_crs_that_is_set(class_map, tmp_path):
    """The reference's file names none; what is set puts it where the map is."""
    of_map, truth = RasterInput(class_map(crs=SET)), class_map("truth.tif", None)
    found = assess(AssessJob((of_map,), RasterInput(truth, crs=IN_FILE)), Progress())
    same = assess(AssessJob((of_map,), RasterInput(class_map("said.tif", IN_FILE))), Progress())
    assert found.estimates.overall.value == same.estimates.overall.value < 0.9


def test_a_sample_is_drawn_in_the_crs_that_is_set(class_map):
    sample = draw(SampleJob(RasterInput(class_map(), crs=SET), size=30, seed=1), Progress())
    assert sample.crs == rasterio.crs.CRS.from_string(SET)
    assert any(SET in note and IN_FILE in note for note in sample.notes)


# ---------------------------------------------------------------- at the shell


def test_crs_at_the_shell(class_map, tmp_path, capsys):
    """--crs is that of points in a CSV file and of rasters that name none; --map-crs overrides the map's own."""
    without, points = class_map("without.tif", None), tmp_path / "points.csv"
    points.write_text("x,y,ref_class\n" + "".join(f"{500015 + 60 * i},9119985,{1 + i % 3}\n" for i in range(30)))
    for command in (
        [without, str(points), "--crs", SET],
        [without, class_map("truth.tif", SET), "--crs", SET],
        [class_map("truth.tif", SET), without, "--crs", SET],
        [class_map(), class_map("truth.tif", SET), "--map-crs", SET],
    ):
        assert cli.main(["assess", *command]) == 0
        assert "overall accuracy 1.0000" in capsys.readouterr().out
    assert cli.main(["assess", class_map("truth.tif", SET), class_map("truth.tif", SET), "--crs", SET]) == 1
    assert "--map-crs" in capsys.readouterr().err


def test_crs_of_a_check(raster, scene, capsys):
    assert cli.main(["check", raster("image.tif", scene(60, 60), crs=None), "--json", "--crs", SET]) in (0, 1)
    findings = json.loads(capsys.readouterr().out)["findings"]
    assert any(f["id"] == "layer.settings" and SET in f["text"] for f in findings)
