# SPDX-License-Identifier: GPL-3.0-or-later
"""The mean confidence of a map, and the warning where it is lower than on held-out places."""

from __future__ import annotations

import numpy as np
import pytest

from lulc_plugin import bundled
from lulc_plugin.classify import confidence
from lulc_plugin.model import Confidence, catalogue

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
