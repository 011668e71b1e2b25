# SPDX-License-Identifier: GPL-3.0-or-later
"""Guided filter: against the formula in float64, what it keeps and what it levels, and parts equal to the whole."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from lulc_plugin.classify import guided_filter as module
from lulc_plugin.classify.guided_filter import guided_filter

EPS = 0.1


def image(shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def box(plane, radius):
    """Sums over squares, which end where the image does."""
    down, across = (abs(np.subtract.outer(np.arange(n), np.arange(n))) <= radius for n in plane.shape)
    return down @ plane @ across


def by_formula(values, guide, valid, radius, eps):
    """He, Sun, Tang (2013), equations 14, 15 and 19, in float64, with a general solver."""
    use = valid.astype(float)
    count = np.maximum(box(use, radius), 0.5)
    bands = np.where(valid, guide, 0).astype(float)
    means = np.array([box(band, radius) / count for band in bands])
    covariance = np.array([[box(a * b, radius) / count for a in bands] for b in bands])
    covariance -= means[:, None] * means[None, :]
    covariance += eps * np.eye(len(bands))[:, :, None, None]
    out = values.astype(float)
    for i, value in enumerate(np.where(valid, values, 0).astype(float)):
        mean = box(value, radius) / count
        joint = np.array([box(band * value, radius) / count for band in bands]) - means * mean
        slopes = np.linalg.solve(np.moveaxis(covariance, (0, 1), (2, 3)), np.moveaxis(joint, 0, 2)[..., None])
        slopes = np.moveaxis(slopes[..., 0], 2, 0)
        offset = mean - (slopes * means).sum(axis=0)
        smooth = box(offset * use, radius) / count
        smooth += sum(box(slope * use, radius) / count * band for slope, band in zip(slopes, bands))
        out[i] = np.where(valid, smooth, values[i])
    return out


@pytest.mark.parametrize("bands", [1, 2, 3, 4, 6])
@pytest.mark.parametrize("radius", [1, 3, 5])
def test_it_is_the_published_filter(bands, radius):
    values, guide = image((2, 19, 23)), image((bands, 19, 23), 1)
    valid = np.random.default_rng(radius).random((19, 23)) > 0.2
    found = guided_filter(values, guide, valid, radius, EPS)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, by_formula(values, guide, valid, radius, EPS), atol=2e-5)


def test_radius_0_leaves_everything_as_it_is():
    values = image((3, 5, 7))
    np.testing.assert_array_equal(guided_filter(values, image((1, 5, 7)), np.ones((5, 7), bool), 0, EPS), values)


@pytest.mark.parametrize("level", [0, -4.7])
def test_a_constant_guide_gives_the_mean_of_means(level):
    values, valid = image((1, 21, 30)), np.ones((21, 30), bool)
    found = guided_filter(values, np.full((4, 21, 30), level, np.float32), valid, 4, EPS)
    count = box(valid.astype(float), 4)
    np.testing.assert_allclose(found[0], box(box(values[0], 4) / count, 4) / count, atol=1e-4)


def test_a_step_in_guide_and_values_stays_where_it_is():
    """Two kinds of land that meet, noise in the values: the noise goes, the border stays within a pixel."""
    step = np.where(np.arange(60) < 31, -1.0, 1.0).astype(np.float32)
    values = step + 0.7 * image((1, 50, 60))
    guide = np.broadcast_to(step, (1, 50, 60)) + 0.05 * image((1, 50, 60), 1)
    found = guided_filter(values, guide.astype(np.float32), np.ones((50, 60), bool), 8, EPS)[0]
    np.testing.assert_array_equal(found[:, :30] < 0, True)
    np.testing.assert_array_equal(found[:, 32:] > 0, True)
    assert np.abs(found[:, 3:30] + 0.9).max() < 0.35 < np.abs(values[0, :, 3:30] + 0.9).max()


def test_nothing_leaks_from_a_hole_and_nothing_changes_in_it():
    values, guide = image((2, 30, 40)), image((3, 30, 40), 1)
    valid = np.ones((30, 40), bool)
    valid[5:14, 8:25] = False
    clean = guided_filter(values, guide, valid, 3, EPS)
    for poison in (np.nan, np.inf, 1e30, 0):
        values[:, ~valid] = guide[:, ~valid] = poison
        found = guided_filter(values, guide, valid, 3, EPS)
        np.testing.assert_array_equal(found[:, valid], clean[:, valid])
        np.testing.assert_array_equal(found[:, ~valid], values[:, ~valid])


def test_across_a_hole_that_is_wide_enough_nothing_is_mixed():
    values = np.where(np.arange(40) < 20, 0.0, 1.0).astype(np.float32) * np.ones((1, 12, 1), np.float32)
    valid = np.ones((12, 40), bool)
    valid[:, 18:21] = False
    found = guided_filter(values, np.zeros((1, 12, 40), np.float32), valid, 1, EPS)
    np.testing.assert_array_equal(found[0][:, :18], 0)
    np.testing.assert_allclose(found[0][:, 21:], 1, rtol=1e-6)


@pytest.mark.parametrize("shape", [(1, 1), (1, 33), (33, 1), (2, 2)])
def test_images_smaller_than_a_square(shape):
    values, guide, valid = image((2, *shape)), image((2, *shape), 1), np.ones(shape, bool)
    found = guided_filter(values, guide, valid, 16, EPS)
    np.testing.assert_allclose(found, by_formula(values, guide, valid, 16, EPS), atol=2e-5)


def test_a_single_valid_pixel_and_none():
    values, guide, valid = image((2, 9, 9)), image((1, 9, 9), 1), np.zeros((9, 9), bool)
    np.testing.assert_array_equal(guided_filter(values, guide, valid, 2, EPS), values)
    valid[4, 4] = True
    np.testing.assert_allclose(guided_filter(values, guide, valid, 2, EPS), values, rtol=1e-6)


def test_bands_that_are_equal_and_far_from_zero_are_solved():
    """The covariance is singular but for eps; the guide at the end of its range."""
    values = image((1, 40, 50))
    guide = np.repeat(5 + 1e-3 * image((1, 40, 50), 1), 4, axis=0)
    found = guided_filter(values, guide, np.ones((40, 50), bool), 6, 1e-3)
    assert np.isfinite(found).all()
    assert np.abs(found).max() < 1


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_a_part_is_equal_to_the_same_part_of_the_whole(data):
    """Whatever the part, its surroundings and the size of the blocks, bit for bit."""
    radius = data.draw(st.integers(1, 4))
    rows, cols = data.draw(st.integers(1, 40)), data.draw(st.integers(1, 40))
    values, guide = image((2, rows, cols)), image((3, rows, cols), 1)
    valid = np.random.default_rng(2).random((rows, cols)) > 0.1
    whole = guided_filter(values, guide, valid, radius, EPS)
    (top, bottom), (left, right) = (
        sorted((data.draw(st.integers(0, n)), data.draw(st.integers(0, n)))) for n in (rows, cols)
    )
    more = 2 * radius + data.draw(st.integers(0, 3))
    row0, row1 = max(0, top - more), min(rows, bottom + more)
    col0, col1 = max(0, left - more), min(cols, right + more)
    around = np.s_[..., row0:row1, col0:col1]
    wanted = (slice(top - row0, bottom - row0), slice(left - col0, right - col0))
    sizes = module._BLOCK_ROWS, module._BLOCK_COLS
    try:
        module._BLOCK_ROWS, module._BLOCK_COLS = data.draw(st.integers(1, 30)), data.draw(st.integers(1, 30))
        part = guided_filter(values[around], guide[around], valid[around], radius, EPS, wanted)
    finally:
        module._BLOCK_ROWS, module._BLOCK_COLS = sizes
    np.testing.assert_array_equal(part, whole[:, top:bottom, left:right])
