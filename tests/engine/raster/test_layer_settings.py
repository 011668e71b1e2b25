# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user sets for a layer counts instead of what its file says: in the map, the sample, the report, the check."""

import json
import time

import numpy as np
import pytest
import rasterio
import rasterio.shutil
from affine import Affine
from rasterio.control import GroundControlPoint
from rasterio.rpc import RPC

from lulc_plugin import cli
from lulc_plugin.assess import AssessJob, SampleJob, assess, draw
from lulc_plugin.classify import ClassifyJob, check_layer, classify
from lulc_plugin.errors import LulcError
from lulc_plugin.progress import Progress
from lulc_plugin.raster import NodataSetting, RasterInput, Source, open_dataset

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


# ---------------------------------------------------------------- nodata


def test_values_and_ranges_that_are_set_are_no_data(raster):
    values = np.arange(12, dtype=np.float32).reshape(1, 3, 4) / 10
    path = raster("a.tif", values, nodata=0.5, names=None)
    region = Source(path).facts.region
    for setting, empty in (
        (NodataSetting(((0.1, 0.3), (0.9, 0.9))), {1, 2, 3, 5, 9}),
        (NodataSetting(((0.1, 0.1),), of_file=False), {1}),
        (NodataSetting(of_file=False), set()),
    ):
        with Source(RasterInput(path, nodata=(setting,))) as source:
            _, valid = source.read([1], region)
            assert set(np.flatnonzero(~valid[0].ravel())) == empty
            assert source.facts.settings


def test_a_band_has_its_own_setting(raster):
    path = raster("a.tif", np.ones((2, 3, 4), np.uint8), nodata=0, names=None)
    layer = RasterInput(path, nodata=(NodataSetting(), NodataSetting(((1, 1),))))
    with Source(layer) as source:
        _, valid = source.read([1, 2], source.facts.region)
    assert valid[0].all() and not valid[1].any()


def test_a_mask_counts_whatever_is_set(raster):
    mask = np.full((3, 4), 255, np.uint8)
    mask[0] = 0
    path = raster("a.tif", np.ones((1, 3, 4), np.uint8), mask=mask, names=None)
    with Source(RasterInput(path, nodata=(NodataSetting(of_file=False),))) as source:
        _, valid = source.read([1], source.facts.region)
    assert not valid[0, 0].any() and valid[0, 1:].all()


@pytest.mark.parametrize("dtype", ["uint8", "int16", "int64"])
def test_maps_and_references_without_a_class_that_is_set(class_map, raster, dtype):
    """Through the fast way of bytes, the slow one, and (the reference) GDAL's warper."""
    values = np.broadcast_to(1 + np.arange(60) // 2 % 3, (60, 60)).astype(dtype)
    path = raster("typed.tif", values[None], crs=SET, names=None, nodata=2)
    third = NodataSetting(((1, 1),))
    for layer, pixels in (
        (RasterInput(path), 2400),
        (RasterInput(path, nodata=(third,)), 1200),
        (RasterInput(path, nodata=(NodataSetting(of_file=False),)), 3600),
        (RasterInput(path, nodata=(NodataSetting(((1, 1),), False),)), 2400),
    ):
        plain = RasterInput(class_map("plain.tif", SET))
        assert assess(AssessJob((layer,), plain), Progress()).context.compared == pixels
        assert assess(AssessJob((plain,), layer), Progress()).context.compared == pixels
        degrees = RasterInput(class_map("degrees.tif", "EPSG:25833"), crs=SET)
        assert assess(AssessJob((degrees,), layer), Progress()).context.compared == pixels
    found = assess(AssessJob((RasterInput(path, nodata=(third,)),), plain), Progress())
    assert found.map.nodata == "2, 1" and "1 count as no data" in " ".join(found.context.warnings)


def test_a_warped_reference_without_a_class_that_is_set(class_map, raster):
    values = np.broadcast_to(1 + np.arange(60) // 2 % 3, (60, 60)).astype(np.uint8)
    truth = raster("truth.tif", values[None], crs=IN_FILE, names=None, nodata=2)
    of_map = RasterInput(class_map("plain.tif", SET))
    compared = [
        assess(AssessJob((of_map,), RasterInput(truth, nodata=nodata)), Progress()).context.compared
        for nodata in ((), (NodataSetting(((1, 1),)),), (NodataSetting(of_file=False),))
    ]
    assert compared[1] == pytest.approx(compared[2] / 3, rel=0.1)
    assert compared[0] == pytest.approx(compared[2] * 2 / 3, rel=0.1)


def test_no_point_is_drawn_where_nodata_is_set(class_map):
    layer = RasterInput(class_map(), nodata=(NodataSetting(((1, 1),)),))
    sample = draw(SampleJob(layer, size=30, seed=1), Progress())
    assert set(sample.map_class) == {2, 3} and any("no data" in note for note in sample.notes)


def test_a_map_is_empty_where_nodata_is_set(raster, network, scene, tmp_path):
    image = scene(60, 60)
    image[:, :20], image[:, 40:] = 1, 0
    path = raster("image.tif", image, nodata=0)
    for setting, rows in ((NodataSetting(((1, 1),)), (20, 40)), (NodataSetting(((1, 1),), False), (20, 60))):
        job = ClassifyJob(RasterInput(path, nodata=(setting,)), model_file=str(network("pixel").path))
        classify(job, str(tmp_path / "map.tif"))
        with open_dataset(tmp_path / "map.tif") as written:
            valid = written.read_masks(1) > 0
            assert any("as set for the layer" in text for text in written.tags().values())
        assert valid[slice(*rows)].all() and valid.sum() == 60 * (rows[1] - rows[0])
    assert any(f.id == "layer.settings" for f in check_layer(job).findings)


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


def test_nodata_at_the_shell(class_map, capsys):
    for words, units in (("1", 2400), ("1:2", 1200), ("none,3", 2400)):
        assert cli.main(["assess", class_map(), class_map("truth.tif"), "--nodata", words]) == 0
        assert f"units {units:,}" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        cli.main(["assess", class_map(), class_map(), "--nodata", "1:"])
    assert "0,9000:9999" in capsys.readouterr().err


# ---------------------------------------------------------------- files that are no raster yet


def test_ground_control_points_are_refused(raster, scene):
    path = raster("gcps.tif", scene(20, 30), transform=Affine.identity(), crs=None)
    corners = [(0, 0, 330105, 7497675), (0, 30, 330405, 7497675), (20, 0, 330105, 7497475), (20, 30, 330405, 7497475)]
    with open_dataset(path, "r+") as made:
        made.gcps = ([GroundControlPoint(*corner) for corner in corners], rasterio.crs.CRS.from_string("EPSG:32722"))
    with pytest.raises(LulcError, match=r"gdalwarp -t_srs EPSG:32722") as caught:
        Source(path)
    assert "4 ground control points" in caught.value.problem


def test_rational_polynomials_are_refused(raster, scene):
    path = raster("rpc.tif", scene(20, 30), transform=Affine.identity(), crs=None)
    one, many = 1.0, [1.0] + [0.0] * 19
    with open_dataset(path, "r+") as made:
        made.rpcs = RPC(one, one, one, one, many, many, one, one, one, one, many, many, one, one)
    with pytest.raises(LulcError, match=r"gdalwarp -rpc -t_srs EPSG:"):
        Source(path)


@pytest.mark.parametrize(("in_file", "is_set"), [(IN_FILE, ""), (None, IN_FILE)])
def test_a_crs_without_a_place_is_refused(raster, scene, in_file, is_set):
    path = raster("image.tif", scene(20, 30), transform=Affine.identity(), crs=in_file)
    with pytest.raises(LulcError, match=f"gdalwarp -t_srs {IN_FILE}"):
        Source(RasterInput(path, crs=is_set))


def test_a_picture_without_georeference_is_welcome(raster, scene):
    with Source(raster("picture.tif", scene(20, 30), transform=Affine.identity(), crs=None)) as source:
        assert source.facts.crs is None


@pytest.fixture
def two_rasters(raster):
    """Path of a GeoPackage with the rasters `A` and `B`."""
    one = np.ones((1, 20, 20), np.uint8)
    path = raster("a.tif", one, crs="EPSG:32722", names=None).replace("a.tif", "two.gpkg")
    for table, more in (("A", {}), ("B", {"APPEND_SUBDATASET": "YES"})):
        rasterio.shutil.copy(path.replace("two.gpkg", "a.tif"), path, driver="GPKG", RASTER_TABLE=table, **more)
    return path


@pytest.mark.parametrize("command", ["classify", "check", "assess", "compare"])
def test_a_file_of_several_rasters_names_them(two_rasters, class_map, tmp_path, capsys, command):
    more = {
        "classify": [str(tmp_path / "map.tif")],
        "check": [],
        "assess": [class_map()],
        "compare": [class_map(), class_map("truth.tif")],
    }[command]
    assert cli.main([command, two_rasters, *more]) == 1
    error = capsys.readouterr().err
    assert f"GPKG:{two_rasters}:A" in error and "2 rasters: A, B" in error


def test_a_reference_of_several_rasters_names_them(two_rasters, class_map, capsys):
    assert cli.main(["assess", class_map(), two_rasters]) == 1
    assert f"GPKG:{two_rasters}:B" in capsys.readouterr().err


def stack(tmp_path, bands):
    """A virtual file of many bands, each a line of text."""
    lines = "".join(f'<VRTRasterBand dataType="Byte" band="{i}"/>' for i in range(1, bands + 1))
    head = "<SRS>EPSG:32725</SRS><GeoTransform>500000,30,0,9120000,0,-30</GeoTransform>"
    path = tmp_path / "stack.vrt"
    path.write_text(f'<VRTDataset rasterXSize="8" rasterYSize="8">{head}{lines}</VRTDataset>')
    return str(path)


def test_a_layer_of_very_many_bands_is_refused(tmp_path):
    with pytest.raises(LulcError, match="has 12,000 bands; up to 10,000"):
        Source(stack(tmp_path, 12_000))


def test_listing_the_bands_of_a_layer_is_linear(tmp_path):
    """The lists that rasterio makes of all bands are asked for once, not once a band."""
    begin = time.process_time()
    with Source(stack(tmp_path, 3000)) as source:
        assert len(source.facts.bands) == 3000
    assert time.process_time() - begin < 6
