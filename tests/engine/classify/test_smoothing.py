# SPDX-License-Identifier: GPL-3.0-or-later
"""Smoothing of probabilities: what is filtered, what guides, and what comes out."""

import numpy as np
import pytest

from lulc_plugin.classify import smooth
from lulc_plugin.classify.guided_filter import Squares, guided_filter
from lulc_plugin.classify.smoothing import from_log_ratios, guide_statistics, log_ratios, standardised_guide
from lulc_plugin.model import Smoothing


def softmax(logarithms):
    exponents = np.exp(logarithms - logarithms.max(axis=0))
    return exponents / exponents.sum(axis=0)


def probabilities(classes=4, shape=(30, 26), seed=0):
    return softmax(np.random.default_rng(seed).normal(size=(classes, *shape))).astype(np.float32)


def reflectance(bands=3, shape=(30, 26), seed=1):
    return np.random.default_rng(seed).uniform(0.02, 0.5, (bands, *shape)).astype(np.float32)


SMOOTHING = Smoothing(3, 0.1, ("a", "b", "c"), 0.0, (-1.5, -1.6, -1.7), (0.7, 0.8, 0.9))


@pytest.mark.parametrize("weight", [0, 0.5])
def test_the_logarithms_of_all_classes_are_filtered(weight):
    """Ratios to the first class are what is filtered: the result is the same."""
    before, bands = probabilities(), reflectance()
    valid = np.random.default_rng(2).random(before.shape[1:]) > 0.1
    found = smooth(before, bands, valid, Smoothing(3, 0.1, SMOOTHING.bands, weight, SMOOTHING.mean, SMOOTHING.stddev))
    guide = (np.log(bands) - np.reshape(SMOOTHING.mean, (3, 1, 1))) / np.reshape(SMOOTHING.stddev, (3, 1, 1))
    logarithms = np.log(before)
    filtered = guided_filter(logarithms, guide.astype(np.float32), valid, Squares(3, 0.1))
    expected = softmax((filtered + weight * logarithms) / (1 + weight))
    np.testing.assert_allclose(found[:, valid], expected[:, valid], atol=1e-5)
    np.testing.assert_allclose(found[:, ~valid], before[:, ~valid], atol=1e-6)
    np.testing.assert_allclose(found.sum(axis=0), 1, atol=1e-6)


def test_probabilities_that_are_the_same_everywhere_stay():
    before = np.broadcast_to(np.float32([0.2, 0.5, 0.3])[:, None, None], (3, 20, 20))
    for weight in (0, 0.5, 3):
        found = smooth(before, reflectance(3, (20, 20)), np.ones((20, 20), bool), Smoothing(2, weight=weight))
        np.testing.assert_allclose(found, before, atol=1e-5)


def test_ratios_there_and_back():
    before = probabilities(6)
    ratios = log_ratios(before)
    np.testing.assert_allclose(from_log_ratios(ratios, 0 * ratios, 0), before, atol=1e-6)
    np.testing.assert_allclose(from_log_ratios(2 * ratios, 0 * ratios, 1), before, atol=1e-6)
    certain = np.zeros((3, 1, 2), np.float32)
    certain[1] = 1
    ratios = log_ratios(certain)
    np.testing.assert_allclose(from_log_ratios(ratios, ratios, 0.5)[:, 0, 0], [1e-4, 1, 1e-4], atol=3e-4)
    # one class alone is certain
    none = log_ratios(certain[:1])
    np.testing.assert_array_equal(from_log_ratios(none, none, 0.5), np.ones((1, 1, 2)))


def test_the_guide_is_standardised_and_ends_at_five_standard_deviations():
    bands = np.array([[[np.exp(-2), np.exp(-1), 0, -3, np.nan, np.inf, 1e38]]])
    guide = standardised_guide(bands, (-2.0,), (0.5,))
    np.testing.assert_allclose(guide, [[[0, 2, -5, -5, -5, 5, 5]]], atol=1e-6)
    assert guide.dtype == np.float32


def test_a_guide_of_bands_as_they_are():
    bands = np.array([[[-20.0, -10, 0, np.nan]]])
    guide = standardised_guide(bands, (-10.0,), (5.0,), logarithm=False)
    np.testing.assert_allclose(guide, [[[-2, 0, 2, 2]]], atol=1e-6)
    ((middle,), (spread,)) = guide_statistics([np.random.default_rng(0).normal(-12, 4, 20_000)], logarithm=False)
    assert middle == pytest.approx(-12, abs=0.1) and spread == pytest.approx(4, rel=0.05)
    assert guide_statistics(np.full((1, 9), -3.0), logarithm=False) == ((-3,), (1,))


def test_decibels_hold_an_edge_that_their_logarithm_would_not():
    """Two fields of −18 and −8 dB: noisy probabilities are averaged within each, and not across."""
    random = np.random.default_rng(1)
    bands = np.full((1, 40, 40), -18.0)
    bands[:, :, 20:] = -8
    first = np.clip(np.where(bands[0] < -10, 0.65, 0.35) + random.normal(0, 0.2, (40, 40)), 0.01, 0.99)
    before = np.stack([first, 1 - first]).astype(np.float32)
    valid = np.ones((40, 40), bool)
    wrong = {}
    for logarithm in (True, False):
        found = smooth(before, bands, valid, Smoothing(8, weight=0, logarithm=logarithm))
        wrong[logarithm] = np.count_nonzero((found[0] > found[1]) != (bands[0] < -10))
    assert wrong[False] == 0 < wrong[True]


def test_statistics_of_a_layer_are_robust():
    values = np.exp(np.random.default_rng(0).normal(-2, 0.5, (1, 20_000)))
    values[0, :600] = 0
    ((middle,), (spread,)) = guide_statistics(values)
    assert middle == pytest.approx(-2, abs=0.05)
    assert spread == pytest.approx(0.5, rel=0.1)


def test_statistics_of_a_constant_band_and_of_nothing():
    assert guide_statistics(np.ones((2, 50))) == ((0, 0), (1, 1))
    assert guide_statistics(np.ones((1, 0))) == ((0,), (1,))


def test_without_statistics_those_of_the_valid_pixels_count():
    before, bands = probabilities(), reflectance()
    valid = np.ones(before.shape[1:], bool)
    valid[:10] = False
    bands[:, :10] = 7
    mean, stddev = guide_statistics(bands[:, valid])
    expected = smooth(before, bands, valid, Smoothing(3, 0.1, ("a", "b", "c"), 0, mean, stddev))
    np.testing.assert_array_equal(smooth(before, bands, valid, Smoothing(3, 0.1, weight=0)), expected)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1)])
def test_small_images_have_no_nan(shape):
    before = probabilities(3, shape)
    found = smooth(before, np.zeros((4, *shape)), np.ones(shape, bool), Smoothing(16))
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found.sum(axis=0), 1, atol=1e-6)
