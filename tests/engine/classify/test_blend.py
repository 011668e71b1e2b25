# SPDX-License-Identifier: GPL-3.0-or-later
"""Joining windows: sums of weighted probabilities, the most probable class, and what a part of the raster needs."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from lulc_plugin.classify import Blender
from lulc_plugin.classify.blend import most_probable_class
from lulc_plugin.raster import Grid, plan_axis


@pytest.mark.parametrize("classes", [1, 2, 9, 254, 255, 256, 300])
def test_winners_are_those_of_argmax_also_at_ties(classes):
    random = np.random.default_rng(classes)
    values = random.integers(0, max(2, classes // 3), (classes, 37, 23)).astype(np.float32)
    found = most_probable_class(values)
    np.testing.assert_array_equal(found, values.argmax(axis=0))
    # there is room for one more value, which stands for nodata
    assert np.iinfo(found.dtype).max >= classes
    assert found.dtype == (np.uint8 if classes <= 255 else np.uint16)


def test_winners_of_nothing():
    assert most_probable_class(np.zeros((3, 0, 5), np.float32)).shape == (0, 5)
    assert (most_probable_class(np.zeros((3, 4, 5), np.float32)) == 0).all()


def blended(grid, field, rows, cols, classes=2, skip=()):
    """What the blender finishes when every window holds its part of `field` (classes, height, width; endless)."""
    height, width = grid.rows.length, grid.cols.length
    out = np.full((classes, height, width), np.nan, np.float32)
    row_range, col_range = grid.rows.touching(*rows), grid.cols.touching(*cols)
    blender = Blender(grid, classes, col_range, row_range[-1])
    for r in row_range:
        for c in col_range:
            part = field[:, grid.rows.indexes(r)[:, None], grid.cols.indexes(c)[None, :]].astype(np.float32)
            done = blender.add(r, c, None if (r, c) in skip else part.copy())
            block = done.probabilities
            assert block.shape[1:] == tuple(s.stop - s.start for s in done.inner)
            for i in range(block.shape[1]):
                for j in range(block.shape[2]):
                    y, x = done.row + i, done.col + j
                    if rows[0] <= y < rows[1] and cols[0] <= x < cols[1]:
                        assert np.isnan(out[0, y, x]), "finished twice"
                        out[:, y, x] = block[:, i, j]
    return out


AXIS = st.builds(
    lambda length, core, half: plan_axis(length, core + 2 * half, 2 * half, 1),
    st.integers(1, 40), st.integers(1, 12), st.integers(0, 14),
)  # fmt: skip


@given(AXIS, AXIS, st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_every_pixel_is_finished_once_and_is_what_all_windows_say(rows, cols, seed):
    field = np.random.default_rng(seed).random((2, rows.length, cols.length))
    out = blended(Grid(rows, cols), field, (0, rows.length), (0, cols.length))
    np.testing.assert_allclose(out, field, atol=1e-5)


@given(AXIS, AXIS, st.data())
@settings(max_examples=60, deadline=None)
def test_a_part_is_bit_for_bit_that_part_of_the_whole(rows, cols, data):
    field = np.random.default_rng(3).random((2, rows.length, cols.length))
    row0 = data.draw(st.integers(0, rows.length - 1))
    row1 = data.draw(st.integers(row0 + 1, rows.length))
    col0 = data.draw(st.integers(0, cols.length - 1))
    col1 = data.draw(st.integers(col0 + 1, cols.length))
    grid = Grid(rows, cols)
    whole = blended(grid, field, (0, rows.length), (0, cols.length))
    part = blended(grid, field, (row0, row1), (col0, col1))
    np.testing.assert_array_equal(part[:, row0:row1, col0:col1], whole[:, row0:row1, col0:col1])


def test_a_window_without_a_valid_pixel_adds_nothing():
    grid = Grid(plan_axis(24, 16, 8, 2), plan_axis(24, 16, 8, 2))
    field = np.ones((2, 24, 24))
    full = blended(grid, field, (0, 24), (0, 24))
    holed = blended(grid, field, (0, 24), (0, 24), skip={(1, 1)})
    np.testing.assert_allclose(full, 1, atol=1e-6)
    assert holed.min() == 0
    assert holed.max() == pytest.approx(1)
    # what only the last window of a row and column has a say in
    inner = slice(grid.rows.starts[1] + grid.rows.kept(1).start + 2 * grid.rows.blend_half_width, 24)
    assert inner.start < inner.stop
    assert (holed[:, inner, inner] == 0).all()


@pytest.mark.parametrize("classes", [1, 3, 9])
@pytest.mark.parametrize("length", [20, 40])
def test_a_window_without_a_valid_pixel_has_all_classes(classes, length):
    """Whatever the height of the zone that is kept for the row below."""
    grid = Grid(plan_axis(length, 24, 8, 1), plan_axis(length, 24, 8, 1))
    blender = Blender(grid, classes, range(grid.cols.count), grid.rows.count - 1)
    for r in range(grid.rows.count):
        for c in range(grid.cols.count):
            probabilities = blender.add(r, c, None).probabilities
            assert len(probabilities) == classes and not probabilities.any()
