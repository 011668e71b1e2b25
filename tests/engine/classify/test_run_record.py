# SPDX-License-Identifier: GPL-3.0-or-later
"""What a map says of its run: every option, what it was made of, and nothing that should stay private."""

import json
import math
import os
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
import rasterio

from lulc_plugin.classify import ClassifyJob, run_record
from lulc_plugin.errors import LulcError
from lulc_plugin.options import OPTIONS
from lulc_plugin.raster import NodataSetting, RasterInput

#: A value for each field of a job that is not its default, plain ones only.
OTHERS = {
    "extent": (1.0, 2.5, 3.0, 4.0), "overlap": 16, "window": 64, "batch_size": 3, "nodata_policy": "all",
    "values": "picture", "resample": "never", "device": "cpu", "provider": "", "model": "x",
    "model_file": "nets/own.onnx", "smoothing": "7",
}  # fmt: skip


def tags_of(path):
    with rasterio.open(path) as opened:
        return opened.tags()


def record(path, options):
    with rasterio.open(path, "w", driver="GTiff", width=2, height=2, count=1, dtype="uint8") as out:
        out.write(np.ones((1, 2, 2), np.uint8))
        out.update_tags(LULC_OPTIONS=options if isinstance(options, str) else json.dumps(options))
    return str(path)


LAYER = {"path": "a.tif", "bands": []}


def test_every_option_is_recorded_and_read_again(raster, network, classify, scene, tmp_path):
    layer = raster("in.tif", scene(90, 80))
    made = classify(layer, network(), nodata_policy="all", overlap=16, window=48, batch_size=2, resample="never",
                    values="reflectance", extent=(500300, 9117600, 502100, 9119700), statistics_from=layer,
                    bands=(1, 2, 3, 4), smoothing="3")  # fmt: skip
    recorded = json.loads(tags_of(made.path)["LULC_OPTIONS"])
    expected = {field.name for field in fields(ClassifyJob)} - {"threads", "models_folder"}
    assert set(recorded) == expected
    job = run_record.read_record(str(made.path)).job
    assert job == ClassifyJob(
        RasterInput("../in.tif", bands=(1, 2, 3, 4)), model_file="../networks/pixel-v1.onnx",
        extent=(500300, 9117600, 502100, 9119700), overlap=16, window=48, batch_size=2, nodata_policy="all",
        statistics_from=RasterInput("../in.tif"), values="reflectance", resample="never", device="cpu",
        smoothing="3",
    )  # fmt: skip


@pytest.mark.parametrize("name", sorted({f.name for f in fields(ClassifyJob)} - {"layer", "statistics_from"}))
def test_a_new_option_is_recorded_by_itself(name, tmp_path):
    """Each field of a job but those of no effect comes back from the metadata; a field of another kind fails here."""
    default = {f.name: f.default for f in fields(ClassifyJob)}[name]
    other = OTHERS.get(name, 1 if isinstance(default, (int, float)) else "x")
    path = record(tmp_path / "map.tif", {"layer": LAYER, name: other})
    if name in ("threads", "models_folder"):
        with pytest.raises(LulcError, match="no option"):
            run_record.read_record(path)
    else:
        assert getattr(run_record.read_record(path).job, name) == other


def test_settings_of_a_layer_are_recorded(raster, network, scene, tmp_path):
    from lulc_plugin.classify import classify

    setting = NodataSetting(((-math.inf, 0.0), (65535.0, 65535.0), (60000.0, math.inf)), False)
    layer = RasterInput(raster("in.tif", scene(40, 40), crs=None), crs="EPSG:32725", nodata=(setting,))
    classify(ClassifyJob(layer, model_file=network().path, threads=1), tmp_path / "map.tif")
    read = run_record.read_record(str(tmp_path / "map.tif")).job.layer
    assert read == replace(layer, path="in.tif")
    json.loads(tags_of(tmp_path / "map.tif")["LULC_OPTIONS"], parse_constant=pytest.fail)


def test_two_descriptions_of_one_network_have_other_tags(raster, network, classify, scene):
    """Channel scaling, description and input are known by the metadata of the map alone."""
    from lulc_plugin.model import mlm
    from lulc_plugin.raster import Step

    layer = raster("in.tif", scene(60, 60))
    net = network("pixel")
    first = tags_of(classify(layer, net).path)
    channels = tuple(replace(c, steps=(Step.of("z-score", mean=0.25, stddev=0.1),)) for c in net.spec.channels)
    mlm.write(replace(net.spec, channels=channels), Path(net.path).with_suffix(".json"))
    second = tags_of(classify(layer, net).path)
    differing = {key for key in first if first[key] != second[key]}
    assert differing - {"LULC_CONFIDENCE"} == {"LULC_DESCRIPTION_SHA256", "LULC_CHANNEL_SCALING"}
    assert "z-score 0.25 … 0.1" in second["LULC_CHANNEL_SCALING"]
    assert first["LULC_MODEL_FILE"] == "pixel-v1.onnx" and first["LULC_DESCRIPTION_FILE"] == "pixel-v1.json"
    assert first["LULC_INPUT_DIGEST"].startswith(f"{os.path.getsize(layer)} bytes ")


def test_both_doors_are_told_how(raster, network, classify, scene):
    layer = raster("my in.tif", scene(60, 60))
    made = classify(layer, network(), bands=(3, 2, 1, 4), overlap=16, extent=(500300, 9118500, 501000, 9119700.5))
    tags = tags_of(made.path)
    assert tags["LULC_REPEAT"] == "python -m lulc_plugin repeat map.tif"
    line = tags["LULC_REPEAT_IN_QGIS"]
    assert line.startswith("qgis_process run lulc:classifylandcover -- 'INPUT=../my in.tif' 'BANDS=3;2;1;4' ")
    for word in ("MODEL_FILE=../networks/pixel-v1.onnx", "OVERLAP=16", "OUTPUT=map.tif",
                 "EXTENT=500300,501000,9118500,9119700.5"):  # fmt: skip
        assert word in line
    assert f"To make it again: python -m lulc_plugin repeat {made.path}" in made.progress.lines
    assert {f.name for f in fields(ClassifyJob)} - set(OPTIONS) == {"threads", "models_folder"}


@pytest.mark.parametrize(
    "path, kept",
    [
        ("/vsicurl/https://user:word@host/x.tif?sig=KEY", "ADDRESS"),
        ("https://host/x.tif?sig=KEY", "ADDRESS"),
        ('NETCDF:"a.nc":v', 'NETCDF:"a.nc":v'),
        ("/vsizip/a.zip/b.tif", "/vsizip/a.zip/b.tif"),
    ],
)
def test_no_address_and_no_key_gets_into_a_map(path, kept, tmp_path):
    assert run_record._portable(path, tmp_path) == kept
    assert "KEY" not in RasterInput(path).title and "word" not in RasterInput(path).title


def test_files_are_named_as_they_lie_from_the_map(tmp_path):
    image = tmp_path / "scenes" / "a.tif"
    image.parent.mkdir()
    image.write_bytes(b"")
    assert run_record._portable(str(image), tmp_path / "maps") == "../scenes/a.tif"
    assert run_record._portable(str(image), image.parent) == "a.tif"
    assert run_record._portable(str(image), Path("/nowhere/else")) == str(image)


@pytest.mark.parametrize(
    "options, why",
    [
        ("{", "Expecting"),
        ("[" * 100_000, ""),
        ("[]", "not an object"),
        ("{}", "no layer"),
        ({"layer": None}, "no layer"),
        ({"layer": "a.tif"}, "not an object"),
        ({"layer": {"path": 3, "bands": []}}, "not a text"),
        ({"layer": {"path": "a\0b", "bands": []}}, "not a text"),
        ({"layer": {"path": "a", "bands": ["1"]}}, "whole numbers"),
        ({"layer": {"path": "a", "bands": [True]}}, "whole numbers"),
        ({"layer": {**LAYER, "nodata": [3]}}, "nodata"),
        ({"layer": {**LAYER, "nodata": 3}}, ""),
        ({"layer": {**LAYER, "nodata": [{"ranges": [[1]]}]}}, "two numbers"),
        ({"layer": LAYER, "extent": [1, 2, 3]}, "4 numbers"),
        ({"layer": LAYER, "extent": [1, 2, 3, "x"]}, "4 numbers"),
        ({"layer": LAYER, "overlap": "16"}, "overlap"),
        ({"layer": LAYER, "overlap": 1.5}, "whole number"),
        ({"layer": LAYER, "overlap": True}, "overlap"),
        ({"layer": LAYER, "overlap": 10**400}, "overlap"),
        ({"layer": LAYER, "batch_size": None}, "batch_size"),
        ({"layer": LAYER, "values": "radiance"}, "radiance"),
        ({"layer": LAYER, "of_tomorrow": 1}, "of_tomorrow"),
        ({"layer": LAYER, "model": 1}, "not a text"),
    ],
)
def test_metadata_of_a_map_are_untrusted(options, why, tmp_path):
    path = record(tmp_path / "map.tif", options)
    with pytest.raises(LulcError) as caught:
        run_record.read_record(path)
    assert why in str(caught.value) and len(str(caught.value)) < 1000


def test_a_map_that_says_nothing(raster, scene, tmp_path):
    with pytest.raises(LulcError, match="does not say how it was made"):
        run_record.read_record(raster("in.tif", scene(20, 20)))
    path = raster("old.tif", scene(20, 20))
    with rasterio.open(path, "r+") as opened:
        opened.update_tags(LULC_MODEL="m-v1")
    with pytest.raises(LulcError, match="older version.*m-v1"):
        run_record.read_record(path)
    with pytest.raises(LulcError, match="cannot be opened"):
        run_record.read_record(str(tmp_path / "none.tif"))
