# SPDX-License-Identifier: GPL-3.0-or-later
"""What the network sees in training is what the engine will show it."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is not installed; run make setup-training")

from lulc_plugin.raster.sampling import sample_array
from lulc_plugin.raster.scaling import prepare, resolve
from training.channels import CHANNELS, NAMES, PICTURE, REFLECTANCE, USUAL, network_input

FILL = [0.1] * len(CHANNELS)


def test_reflectance_by_hand():
    values = np.array([0.03, 0.06, 0.09, 0.48], np.float32).reshape(4, 1, 1)
    got = network_input(values, np.ones((1, 1), bool), REFLECTANCE, FILL)[:, 0, 0]
    ndvi, ndwi = (0.48 - 0.03) / 0.51, (0.06 - 0.48) / 0.54
    savi = 1.5 * 0.45 / 1.01
    want = [(0.1 - 0.6) / 0.6, (0.2 - 0.6) / 0.6, (0.3 - 0.6) / 0.6, (0.8 - 0.6) / 0.6, ndvi, ndwi, savi]
    np.testing.assert_allclose(got, want, atol=1e-6)


def test_all_channels_lie_within_one(rng):
    values = rng.normal(0.2, 2.0, (4, 20, 20)).astype(np.float32)
    got = network_input(values, np.ones((20, 20), bool), REFLECTANCE, FILL)
    assert np.abs(got).max() <= 1 + 1e-6


def test_picture_is_what_the_engine_makes_of_it(rng):
    values = rng.integers(0, 200, (4, 40, 50)).astype(np.uint8)
    valid = rng.random((40, 50)) > 0.1
    sample = sample_array(values, valid)
    steps = [resolve(s, sample[i]) for i, s in enumerate(PICTURE.band_steps)]
    want = prepare(values, valid, NAMES, steps, CHANNELS, FILL)
    np.testing.assert_array_equal(network_input(values, valid, PICTURE, FILL), want)
    assert (want[:, ~valid] == np.float32(0.1)).all()


def test_percentiles_land_on_the_usual_range(rng):
    values = rng.integers(10, 220, (4, 100, 100)).astype(np.float32)
    valid = np.ones((100, 100), bool)
    red = network_input(values, valid, PICTURE, FILL)[0] * 0.6 + 0.6
    low, high = np.percentile(red * 0.3, [2, 98])
    np.testing.assert_allclose([low, high], USUAL["red"], atol=2e-3)


def test_a_picture_may_be_stretched_anyhow(rng):
    values = rng.integers(10, 220, (4, 60, 60)).astype(np.float32)
    valid = np.ones((60, 60), bool)
    first = network_input(values, valid, PICTURE, FILL)
    second = network_input(values * 3 + 17, valid, PICTURE, FILL)
    np.testing.assert_allclose(first, second, atol=1e-4)
