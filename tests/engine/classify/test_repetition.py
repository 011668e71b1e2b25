# SPDX-License-Identifier: GPL-3.0-or-later
"""A map is made again from its own metadata, bit for bit, or it is said what is missing or has changed."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import rasterio

from lulc_plugin import provenance
from lulc_plugin.classify import ClassifyJob, Instead, classify as run_classify, repeat
from lulc_plugin.errors import LulcError
from lulc_plugin.model import mlm
from lulc_plugin.raster import NodataSetting, RasterInput, Step


def pixels(path):
    with rasterio.open(path) as opened:
        return opened.read(1)


@pytest.fixture
def made(raster, network, classify, scene):
    """A map of a network of one's own; the layer is `in.tif`."""
    return classify(raster("in.tif", scene(90, 80)), network("context"))


def refused(made, *words, **instead):
    with pytest.raises(LulcError) as caught:
        repeat(str(made.path), made.path.parent / "again.tif", Instead(**instead))
    message = str(caught.value)
    for word in words:
        assert word in message, message
    assert sorted(p.name for p in made.path.parent.glob("*")) == ["map.qml", "map.tif", "map.tif.aux.xml"]
    return message


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"extent": (500300, 9118000, 501500, 9119000)},
        {"bands": (3, 2, 1, 4)},
        {"overlap": 24, "window": 48, "batch_size": 3},
        {"nodata_policy": "all", "values": "picture"},
        {"values": "picture", "statistics_from": "other.tif"},
        {"smoothing": "5", "extent": (500300, 9118000, 501500, 9119000)},
    ],
    ids=lambda options: "-".join(options) or "plain",
)
def test_the_same_map_again(options, raster, network, classify, scene, tmp_path):
    image = scene(90, 80)
    image[0, 20:30, 20:30] = 0
    layer = raster("in.tif", image, nodata=0)
    options = dict(options)
    if "statistics_from" in options:
        options["statistics_from"] = raster("other.tif", scene(70, 70, seed=5))
    first = classify(layer, network("context"), **options)
    out = tmp_path / "again.tif"
    again = repeat(str(first.path), out)
    assert again.different == 0 and again.pixels == first.values.size and not again.changed
    np.testing.assert_array_equal(pixels(out), first.values)
    assert run_twice(out, tmp_path) == 0


def run_twice(path, tmp_path):
    """A repetition can be repeated; without a name nothing stays."""
    before = sorted(tmp_path.rglob("*"))
    different = repeat(str(path)).different
    assert sorted(tmp_path.rglob("*")) == before
    return different


def test_pictures_with_statistics_of_the_layer(raster, network, classify, scene, tmp_path):
    layer = raster("in.tif", scene(90, 80, dtype="uint8"))
    first = classify(layer, network("context"), extent=(500300, 9118000, 501500, 9119000))
    assert any("Scaling measured on" in line for line in first.progress.lines)
    again = repeat(str(first.path), tmp_path / "again.tif")
    assert again.different == 0
    np.testing.assert_array_equal(pixels(tmp_path / "again.tif"), first.values)


def test_what_was_set_for_the_layer(raster, network, scene, tmp_path):
    layer = RasterInput(
        raster("in.tif", scene(60, 60), crs=None), crs="EPSG:32725", nodata=(NodataSetting(((0.0, 1400.0),), False),)
    )
    run_classify(ClassifyJob(layer, model_file=network().path, threads=1), tmp_path / "map.tif")
    assert (pixels(tmp_path / "map.tif") == 0).any()
    assert repeat(str(tmp_path / "map.tif"), tmp_path / "again.tif").different == 0
    with rasterio.open(tmp_path / "again.tif") as opened:
        assert opened.crs.to_epsg() == 32725


def test_a_folder_that_was_moved(made, tmp_path):
    moved = tmp_path / "moved"
    moved.mkdir()
    for name in ("in.tif", "networks", made.path.parent.name):
        shutil.move(tmp_path / name, moved / name)
    assert repeat(str(moved / made.path.parent.name / "map.tif")).different == 0


def test_everything_beside_the_map(made, tmp_path):
    shutil.move(tmp_path / "in.tif", made.path.parent / "in.tif")
    for file in (tmp_path / "networks").glob("*"):
        shutil.move(file, made.path.parent / file.name)
    assert repeat(str(made.path)).different == 0


def test_a_network_of_the_users_folder(made, tmp_path, monkeypatch):
    (tmp_path / "networks").rename(tmp_path / "own")
    refused(made, "The network context-v1.onnx", "is not found")
    monkeypatch.setenv("LULC_MODELS", str(tmp_path / "own"))
    assert repeat(str(made.path)).different == 0


def test_all_that_is_missing_is_told_at_once(made, tmp_path):
    (tmp_path / "in.tif").rename(tmp_path / "elsewhere.tif")
    net = tmp_path / "networks" / "context-v1.onnx"
    digest = provenance.file_digest(net)
    (tmp_path / "networks").rename(tmp_path / "hidden")
    refused(made, "The layer in.tif", "The network context-v1.onnx", digest)
    found = Instead(layer=str(tmp_path / "elsewhere.tif"), model_file=str(tmp_path / "hidden" / "context-v1.onnx"))
    assert repeat(str(made.path), None, found).different == 0


def test_a_layer_that_has_changed(made, tmp_path):
    with rasterio.open(tmp_path / "in.tif", "r+") as opened:
        values = opened.read()
        values[:, 40:50, 40:60] = values[:, 10:20, 10:30]
        opened.write(values)
    refused(made, "The layer in.tif is not the same", "bytes")
    again = repeat(str(made.path), None, Instead(anyway=True))
    assert 0 < again.different < made.values.size
    assert len(again.changed) == 1


def test_a_description_that_has_changed(made, network, tmp_path):
    spec = replace(
        mlm.read(tmp_path / "networks" / "context-v1.json"),
        forms=(
            replace(
                mlm.read(tmp_path / "networks" / "context-v1.json").forms[0],
                band_steps=((Step.of("scale", value=1.3),),) * 4,
            ),
        ),
    )
    mlm.write(spec, tmp_path / "networks" / "context-v1.json")
    refused(made, "The description of context-v1.onnx is not the same")
    again = repeat(str(made.path), None, Instead(anyway=True))
    assert again.different > 0
    assert any(sentence.startswith("Scaling: then ") for sentence in again.changed)


def test_a_network_that_has_changed(made, network, tmp_path):
    network("context", seed=7)
    message = refused(made, "The network context-v1.onnx is not the same")
    assert provenance.file_digest(tmp_path / "networks" / "context-v1.onnx") in message


def test_weights_in_a_second_file_that_have_changed(made, tmp_path, classify):
    """The file of the network stays as it is, byte for byte."""
    net = tmp_path / "networks" / "context-v1.onnx"
    model = onnx.load(net)
    onnx.save(model, net, save_as_external_data=True, location="weights.bin", size_threshold=64)
    first = classify(str(tmp_path / "in.tif"), None, model_file=str(net))
    assert repeat(str(first.path)).different == 0
    weights = np.fromfile(net.with_name("weights.bin"), np.float32)
    (weights * 1.5).tofile(net.with_name("weights.bin"))
    message = refused(first, "The weights file of context-v1.onnx is not the same")
    assert "The network" not in message


def test_statistics_that_have_changed(raster, network, classify, scene, tmp_path):
    other = raster("other.tif", scene(70, 70, seed=5))
    made = classify(raster("in.tif", scene(60, 60)), network("context"), values="picture", statistics_from=other)
    raster("other.tif", scene(70, 70, seed=6))
    refused(made, "The layer other.tif is not the same")
    Path(other).unlink()
    refused(made, "The layer of the statistics other.tif", "is not found")


def test_other_versions_are_told_and_do_not_stop(made):
    retag(made.path, LULC_VERSIONS=json.dumps({**provenance.versions(), "onnxruntime": "0.9", "numpy": None}))
    again = repeat(str(made.path))
    assert again.different == 0
    assert len(again.changed) == 2
    assert any(sentence.startswith("onnxruntime 0.9 made it") for sentence in again.changed)


def test_a_map_that_was_edited(made):
    with rasterio.open(made.path, "r+", IGNORE_COG_LAYOUT_BREAK="YES") as opened:
        values = opened.read(1)
        values[3, 4:9] = np.where(values[3, 4:9] == 1, 2, 1)
        opened.write(values, 1)
    again = repeat(str(made.path))
    assert again.different == 5 and not again.changed


def retag(path, **tags):
    with rasterio.open(path, "r+", IGNORE_COG_LAYOUT_BREAK="YES") as opened:
        opened.update_tags(**tags)


def options_of(path):
    with rasterio.open(path) as opened:
        return json.loads(opened.tags()["LULC_OPTIONS"])


@pytest.mark.parametrize(
    "path", ["https://localhost:1/a.tif", "/vsicurl/http://localhost:1/a.tif", "WMS:http://localhost:1/?x", "ADDRESS"]
)
def test_no_address_in_a_map_is_opened(made, path, monkeypatch):
    options = options_of(made.path)
    options["layer"]["path"] = path
    retag(made.path, LULC_OPTIONS=json.dumps(options))
    refused(made, "is not found")


def test_no_provider_is_taken_from_a_map(made):
    """Options of a provider may name a library to load."""
    options = {**options_of(made.path), "provider": "qnn;backend_path=evil.so", "device": "auto"}
    retag(made.path, LULC_OPTIONS=json.dumps(options))
    refused(made, "qnn;backend_path=evil.so", "given by you")
    assert repeat(str(made.path), None, Instead(provider="cpu")).different == 0


def test_the_map_is_not_written_over(made, tmp_path):
    for target in (made.path, tmp_path / "in.tif"):
        with pytest.raises(LulcError, match="would be lost"):
            repeat(str(made.path), target)
    with pytest.raises(LulcError, match="tpu"):
        repeat(str(made.path), None, Instead(device="tpu"))
