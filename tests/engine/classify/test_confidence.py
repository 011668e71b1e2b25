# SPDX-License-Identifier: GPL-3.0-or-later
"""The mean confidence of a map, and the warning where it is lower than on held-out places."""

from __future__ import annotations

import json

import numpy as np
import pytest
import rasterio
import rasterio.shutil

from lulc_plugin import bundled
from lulc_plugin.classify import ClassifyJob, check_layer, confidence
from lulc_plugin.model import Confidence, catalogue
from lulc_plugin.raster import RasterInput

with_network = pytest.mark.skipif(not bundled.model_names(), reason="no network is bundled yet")


def test_mean_confidence_of_a_map(raster, network, classify, tensor_of, land):
    image = land(70, 50)
    image[:, :9] = 0
    net = network("pixel", confidence=Confidence(0.9, 0.2, 7))
    made = classify(raster("a.tif", image, nodata=0), net)
    best = net.run(tensor_of(image)).max(axis=0)[9:]
    assert made.result.confidence == pytest.approx(best.mean(), abs=1e-4)
    assert any("on held-out places 0.900" in line and "0.200" in line for line in made.progress.lines)
    assert made.progress.warnings == []


def test_a_map_less_sure_than_the_held_out_places_is_warned_about(raster, network, classify, land):
    net = network("pixel", confidence=Confidence(0.9999, 0.999, 7))
    made = classify(raster("a.tif", land(70, 50)), net)
    (warning,) = made.progress.warnings
    assert "has not seen land like this" in warning
    assert f"{made.result.confidence:.3f}" in warning and "0.999" in warning
    assert made.result.warnings == (warning,)


def test_without_a_held_out_confidence_only_the_number_is_told(raster, network, classify, land):
    made = classify(raster("a.tif", land(70, 50)), network("pixel"))
    assert any(f"{made.result.confidence:.3f}" in line and "does not tell" in line for line in made.progress.lines)
    assert made.progress.warnings == []


def test_confidence_counts_valid_pixels_only():
    mean = confidence.MeanConfidence()
    assert mean.value is None
    shares = np.random.default_rng(0).dirichlet([1, 1, 1], (40, 30)).transpose(2, 0, 1).astype(np.float32)
    valid = np.zeros((40, 30), bool)
    valid[3:37, 5:] = True
    mean.add(shares[:, :20], valid[:20])
    mean.add(shares[:, 20:], valid[20:])
    assert mean.value == pytest.approx(shares.max(axis=0)[valid].mean())


@with_network
def test_bundled_networks_tell_what_they_saw_and_how_sure_they_were():
    for entry in catalogue.entries():
        assert len(entry.spec.band_statistics) == len(entry.spec.bands)
        if entry.spec.confidence is None:
            assert "aerial" in entry.spec.name  # chosen by a single place
            continue
        assert 0.3 < entry.spec.confidence.q05 < entry.spec.confidence.mean < 1


# ---------------------------------------------------------------- after the run


def tags_of(path):
    with rasterio.open(path) as dataset:
        return dataset.tags()


def unsure(network):
    return network("pixel", confidence=Confidence(0.9999, 0.999, 7))


def doubts(layer, **options):
    findings = check_layer(ClassifyJob(RasterInput(str(layer)), **options)).findings
    return {f.id: f for f in findings if f.id in ("layer.map", "layer.confidence")}


def test_warnings_stand_in_the_metadata_of_the_map(raster, network, classify, land):
    made = classify(raster("a.tif", land(70, 50)), unsure(network))
    tags = tags_of(made.result.output)
    assert json.loads(tags["LULC_WARNINGS"]) == list(made.result.warnings)
    facts = json.loads(tags["LULC_CONFIDENCE"])
    assert facts == {"mean": round(made.result.confidence, 4), "held_out_mean": 0.9999, "held_out_q05": 0.999}
    assert confidence.warning_of_map(tags).startswith("This network has not seen land like this")


def test_warnings_before_the_run_stand_there_as_at_a_shell(raster, network, classify, land):
    made = classify(raster("a.tif", land(70, 50), names=None), network("pixel"))
    tags = tags_of(made.result.output)
    assert any("have no names" in text for text in json.loads(tags["LULC_WARNINGS"]))
    assert "⟦" not in tags["LULC_WARNINGS"] and confidence.warning_of_map(tags) == ""


def test_a_sure_map_has_no_warning_in_it(raster, network, classify, land):
    made = classify(raster("a.tif", land(70, 50)), network("pixel", confidence=Confidence(0.9, 0.2, 7)))
    assert "LULC_WARNINGS" not in tags_of(made.result.output)
    assert json.loads(tags_of(made.result.output)["LULC_CONFIDENCE"])["held_out_q05"] == 0.2


def test_a_check_of_such_a_map_repeats_the_warning(raster, network, classify, land, tmp_path):
    net = unsure(network)
    made = classify(raster("a.tif", land(70, 50)), net)
    found = doubts(made.result.output)
    assert f"{net.spec.name} and the image a.tif" in found["layer.map"].text
    assert f"{made.result.confidence:.3f}" in found["layer.confidence"].text
    # what is made of it carries its metadata along
    rasterio.shutil.copy(made.result.output, tmp_path / "clipped.tif", driver="GTiff")
    assert set(doubts(tmp_path / "clipped.tif")) == {"layer.map", "layer.confidence"}
    with rasterio.open(
        tmp_path / "four.tif", "w", driver="GTiff", count=4, height=70, width=50, dtype="uint16"
    ) as four:
        four.write(land(70, 50))
        four.update_tags(**tags_of(made.result.output))
    assert set(doubts(tmp_path / "four.tif", model_file=net.path)) == {"layer.map", "layer.confidence"}


def test_a_check_of_the_image_repeats_the_warning_of_maps_beside_it(raster, network, classify, land, tmp_path):
    layer, other = raster("a.tif", land(70, 50)), raster("b.tif", land(70, 50))
    (tmp_path / "broken.tif").write_bytes(b"II*\x00")
    assert doubts(layer) == {}
    made = classify(layer, unsure(network), output=str(tmp_path / "a map.tif"))
    found = doubts(layer)["layer.confidence"]
    assert "a map.tif" in found.text and f"{made.result.confidence:.3f}" in found.text
    assert doubts(other) == {}


def test_a_sure_map_beside_the_image_is_not_told(raster, network, classify, land, tmp_path):
    layer = raster("a.tif", land(70, 50))
    classify(layer, network("pixel", confidence=Confidence(0.9, 0.2, 7)), output=str(tmp_path / "map.tif"))
    assert doubts(layer) == {} and set(doubts(tmp_path / "map.tif")) == {"layer.map"}


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "[" * 5000, '{"mean": "x"}', '{"mean": 0.1}',
     '{"mean": NaN, "held_out_q05": 0.5, "held_out_mean": 1}',
     '{"mean": 0.1, "held_out_q05": 7, "held_out_mean": 1}', '{"mean": null, "held_out_q05": 0.5, "held_out_mean": 1}'],
)  # fmt: skip
def test_metadata_that_make_no_sense_say_nothing(text):
    assert confidence.warning_of_map({"LULC_CONFIDENCE": text}) == ""
