# SPDX-License-Identifier: GPL-3.0-or-later
"""Guided filter: against the formula in float64, what it keeps and what it levels, and parts equal to the whole."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from lulc_plugin.classify import guided_filter as module
from lulc_plugin.classify.guided_filter import Squares, guided_filter
from lulc_plugin.model import Smoothing

EPS = 0.1
CELLS = pytest.mark.parametrize("cell", [1, 2])


def image(shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def box(plane, radius):
    """Sums over squares, which end where the image does."""
    down, across = (abs(np.subtract.outer(np.arange(n), np.arange(n))) <= radius for n in plane.shape)
    return down @ plane @ across


def along(length, squares):
    """Matrices along an axis: from pixels to sums in each cell's square; from cells to their sums at each pixel."""
    pixels, radius, cell = np.arange(length), squares.cells, squares.cell
    cells = np.arange(-1, pixels[-1] // cell + 2)
    near = abs(np.subtract.outer(cells, cells)) <= radius
    centres = cell * cells + (cell - 1) / 2
    between = np.maximum(0, 1 - abs(np.subtract.outer(pixels, centres)) / cell)
    in_cell = np.equal.outer(cells, pixels // cell)
    return near @ in_cell, between, near, in_cell


def by_formula(values, guide, valid, squares):
    """He, Sun, Tang (2013), equations 14, 15 and 19, in float64, with a general solver; at each cell."""
    (rows, rows_between, rows_near, rows_in), (cols, cols_between, cols_near, cols_in) = (
        along(n, squares) for n in valid.shape
    )
    use = valid.astype(float)
    count = np.maximum(rows @ use @ cols.T, 0.5)
    weight = rows_in @ use @ cols_in.T

    def mean(plane):
        return rows @ plane @ cols.T / count

    def spread(function):
        return rows_between @ (rows_near @ (function * weight) @ cols_near.T / count) @ cols_between.T

    bands = np.where(valid, guide, 0).astype(float)
    means = np.array([mean(band) for band in bands])
    covariance = np.array([[mean(a * b) for a in bands] for b in bands])
    covariance -= means[:, None] * means[None, :]
    covariance += squares.eps * np.eye(len(bands))[:, :, None, None]
    out = values.astype(float)
    for i, value in enumerate(np.where(valid, values, 0).astype(float)):
        joint = np.array([mean(band * value) for band in bands]) - means * mean(value)
        slopes = np.linalg.solve(np.moveaxis(covariance, (0, 1), (2, 3)), np.moveaxis(joint, 0, 2)[..., None])
        slopes = np.moveaxis(slopes[..., 0], 2, 0)
        smooth = spread(mean(value) - (slopes * means).sum(axis=0))
        smooth += sum(spread(slope) * band for slope, band in zip(slopes, bands))
        out[i] = np.where(valid, smooth, values[i])
    return out


@pytest.mark.parametrize("bands", [1, 2, 3, 4, 6])
@pytest.mark.parametrize(("radius", "cell"), [(1, 1), (3, 1), (5, 1), (2, 2), (3, 2), (6, 2)])
def test_it_is_the_published_filter(bands, radius, cell):
    values, guide = image((2, 19, 23)), image((bands, 19, 23), 1)
    valid = np.random.default_rng(radius).random((19, 23)) > 0.2
    squares = Squares(radius, EPS, cell)
    found = guided_filter(values, guide, valid, squares)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, by_formula(values, guide, valid, squares), atol=2e-5)


def test_squares_of_cells_are_as_wide_as_whole_cells_can_be():
    assert [Squares(radius, EPS, 2).cells for radius in (2, 3, 4, 9, 15, 16, 17)] == [1, 1, 2, 4, 7, 8, 8]
    assert Squares(7, EPS).cells == 7


def test_cells_change_little_where_squares_are_large():
    """Two kinds of land in irregular patches, noise in guide and values."""
    land = np.where(box(image((1, 150, 160), 3)[0], 5) > 0, 1.0, -1.0)
    values = (land + image((2, 150, 160))).astype(np.float32)
    guide = (land + 0.3 * image((2, 150, 160), 1)).astype(np.float32)
    valid = np.ones(land.shape, bool)
    exact, cells = (guided_filter(values, guide, valid, Squares(16, EPS, cell)) for cell in (1, 2))
    assert np.abs(cells - exact).max() < 0.1
    assert np.abs(cells - exact).mean() < 0.01 < 0.6 < np.abs(values - exact).mean()


def test_radius_0_leaves_everything_as_it_is():
    values = image((3, 5, 7))
    np.testing.assert_array_equal(
        guided_filter(values, image((1, 5, 7)), np.ones((5, 7), bool), Squares(0, EPS)), values
    )


@pytest.mark.parametrize("level", [0, -4.7])
def test_a_constant_guide_gives_the_mean_of_means(level):
    values, valid = image((1, 21, 30)), np.ones((21, 30), bool)
    found = guided_filter(values, np.full((4, 21, 30), level, np.float32), valid, Squares(4, EPS))
    count = box(valid.astype(float), 4)
    np.testing.assert_allclose(found[0], box(box(values[0], 4) / count, 4) / count, atol=1e-4)


@CELLS
def test_a_step_in_guide_and_values_stays_where_it_is(cell):
    """Two kinds of land that meet, noise in the values: the noise goes, the border stays within a pixel."""
    step = np.where(np.arange(60) < 31, -1.0, 1.0).astype(np.float32)
    values = step + 0.7 * image((1, 50, 60))
    guide = np.broadcast_to(step, (1, 50, 60)) + 0.05 * image((1, 50, 60), 1)
    found = guided_filter(values, guide.astype(np.float32), np.ones((50, 60), bool), Squares(8, EPS, cell))[0]
    np.testing.assert_array_equal(found[:, :30] < 0, True)
    np.testing.assert_array_equal(found[:, 32:] > 0, True)
    assert np.abs(found[:, 3:30] + 0.9).max() < 0.35 < np.abs(values[0, :, 3:30] + 0.9).max()


@CELLS
def test_nothing_leaks_from_a_hole_and_nothing_changes_in_it(cell):
    values, guide = image((2, 30, 40)), image((3, 30, 40), 1)
    valid = np.ones((30, 40), bool)
    valid[5:14, 8:25] = False
    clean = guided_filter(values, guide, valid, Squares(3, EPS, cell))
    for poison in (np.nan, np.inf, 1e30, 0):
        values[:, ~valid] = guide[:, ~valid] = poison
        found = guided_filter(values, guide, valid, Squares(3, EPS, cell))
        np.testing.assert_array_equal(found[:, valid], clean[:, valid])
        np.testing.assert_array_equal(found[:, ~valid], values[:, ~valid])


def test_across_a_hole_that_is_wide_enough_nothing_is_mixed():
    values = np.where(np.arange(40) < 20, 0.0, 1.0).astype(np.float32) * np.ones((1, 12, 1), np.float32)
    valid = np.ones((12, 40), bool)
    valid[:, 18:21] = False
    found = guided_filter(values, np.zeros((1, 12, 40), np.float32), valid, Squares(1, EPS))
    np.testing.assert_array_equal(found[0][:, :18], 0)
    np.testing.assert_allclose(found[0][:, 21:], 1, rtol=1e-6)


@pytest.mark.parametrize("shape", [(1, 1), (1, 33), (33, 1), (2, 2)])
@CELLS
def test_images_smaller_than_a_square(shape, cell):
    values, guide, valid = image((2, *shape)), image((2, *shape), 1), np.ones(shape, bool)
    found = guided_filter(values, guide, valid, Squares(16, EPS, cell))
    np.testing.assert_allclose(found, by_formula(values, guide, valid, Squares(16, EPS, cell)), atol=2e-5)


@CELLS
def test_a_single_valid_pixel_and_none(cell):
    values, guide, valid = image((2, 9, 9)), image((1, 9, 9), 1), np.zeros((9, 9), bool)
    np.testing.assert_array_equal(guided_filter(values, guide, valid, Squares(2, EPS, cell)), values)
    for place in ((4, 4), (0, 8), (5, 3)):
        valid[:] = False
        valid[place] = True
        np.testing.assert_allclose(guided_filter(values, guide, valid, Squares(2, EPS, cell)), values, rtol=1e-6)


@CELLS
def test_bands_that_are_equal_and_far_from_zero_are_solved(cell):
    """The covariance is singular but for eps; the guide at the end of its range."""
    values = image((1, 40, 50))
    guide = np.repeat(5 + 1e-3 * image((1, 40, 50), 1), 4, axis=0)
    found = guided_filter(values, guide, np.ones((40, 50), bool), Squares(6, 1e-3, cell))
    assert np.isfinite(found).all()
    assert np.abs(found).max() < 1


def reach_of(radius, cell):
    """What the description says of a radius, were its cells of that size."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lulc_plugin.model.spec._LARGEST_EXACT_RADIUS", radius if cell == 1 else 0)
        return Smoothing(radius).reach


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_part_is_equal_to_the_same_part_of_the_whole(data):
    """Whatever the part, its surroundings and the size of the blocks, bit for bit."""
    cell = data.draw(st.integers(1, 2))
    radius = data.draw(st.integers(cell, 5))
    squares, reach = Squares(radius, EPS, cell), reach_of(radius, cell)
    rows, cols = data.draw(st.integers(1, 40)), data.draw(st.integers(1, 40))
    values, guide = image((2, rows, cols)), image((3, rows, cols), 1)
    valid = np.random.default_rng(2).random((rows, cols)) > 0.1
    whole = guided_filter(values, guide, valid, squares)
    (top, bottom), (left, right) = (
        sorted((data.draw(st.integers(0, n)), data.draw(st.integers(0, n)))) for n in (rows, cols)
    )
    more = reach + data.draw(st.integers(0, 3))
    row0, row1 = max(0, top - more), min(rows, bottom + more)
    col0, col1 = max(0, left - more), min(cols, right + more)
    around = np.s_[..., row0:row1, col0:col1]
    wanted = (slice(top - row0, bottom - row0), slice(left - col0, right - col0))
    sizes = module._BLOCK_CELLS, module._BLOCK_COLS
    try:
        module._BLOCK_CELLS, module._BLOCK_COLS = data.draw(st.integers(1, 900)), data.draw(st.integers(1, 30))
        part = guided_filter(values[around], guide[around], valid[around], squares, wanted, (row0, col0))
    finally:
        module._BLOCK_CELLS, module._BLOCK_COLS = sizes
    np.testing.assert_array_equal(part, whole[:, top:bottom, left:right])
