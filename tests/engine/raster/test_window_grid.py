# SPDX-License-Identifier: GPL-3.0-or-later
"""The grid of windows and its blend weights."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from lulc_plugin.errors import LulcError
from lulc_plugin.raster import Axis, plan_axis, plan_grid
from lulc_plugin.raster.window_grid import reflect

LENGTHS = st.integers(1, 700)
MULTIPLES = st.sampled_from([1, 2, 4, 8, 32])


@st.composite
def axes(draw):
    """An axis that the planner accepts, with what it was asked for."""
    length, multiple = draw(LENGTHS), draw(MULTIPLES)
    window = draw(st.integers(multiple, 300))
    most = window // multiple // 4 * multiple * 2
    overlap = draw(st.integers(0, most))
    minimum = draw(st.sampled_from([1, multiple, 2 * multiple, 64]))
    rim = draw(st.integers(0, 100))
    return plan_axis(length, window, overlap, multiple, minimum, rim), multiple, window, overlap, minimum


@given(axes())
@settings(max_examples=300, deadline=None)
def test_weights_of_all_windows_sum_to_one_at_every_pixel(drawn):
    axis, *_ = drawn
    total = np.zeros(axis.starts[-1] + axis.window)
    for k in range(axis.count):
        kept = axis.kept(k)
        total[axis.starts[k] + kept.start : axis.starts[k] + kept.stop] += axis.blend_weights(k)
    assert total.size >= axis.length
    np.testing.assert_allclose(total[: axis.length], 1, atol=1e-6)


@given(axes())
@settings(max_examples=300, deadline=None)
def test_windows_are_aligned_and_large_enough(drawn):
    axis, multiple, window, overlap, minimum = drawn
    assert axis.window % multiple == 0
    assert axis.window >= minimum
    assert 2 * axis.half >= overlap
    assert axis.window <= max(window, minimum + multiple)
    for k in range(axis.count):
        assert axis.starts[k] % multiple == 0
    # no window lies wholly outside
    assert axis.starts[axis.count - 1] + axis.kept(axis.count - 1).start < axis.length
    assert axis.starts[axis.count - 1] + axis.window >= axis.length
    # only the rim and what is missing to the multiple hangs over
    rim = -axis.starts[0]
    assert axis.count == 1 or axis.starts[-1] + axis.window - axis.length < multiple + rim
    # what is reflected at the rim does not count
    assert rim == axis.kept(0).start


@given(axes())
@settings(max_examples=200, deadline=None)
def test_at_most_two_windows_share_a_pixel(drawn):
    axis, *_ = drawn
    if axis.count > 1:
        borders = [axis.border(k) for k in range(axis.count - 1)]
        assert min(np.diff(borders), default=axis.length) >= 2 * axis.blend_half_width


@given(axes(), st.data())
@settings(max_examples=200, deadline=None)
def test_touching_windows_are_exactly_those_that_reach_the_pixels(drawn, data):
    axis, *_ = drawn
    low = data.draw(st.integers(0, axis.length - 1))
    high = data.draw(st.integers(low + 1, axis.length))
    ends = [(axis.starts[k] + axis.kept(k).start, axis.starts[k] + axis.kept(k).stop) for k in range(axis.count)]
    reaching = [k for k, (first, stop) in enumerate(ends) if first < high and stop > low]
    assert list(axis.touching(low, high)) == reaching


@given(st.integers(1, 50), st.integers(-500, 500), st.integers(1, 300))
@settings(max_examples=300, deadline=None)
def test_reflection_equals_numpy_and_never_leaves_the_raster(length, start, count):
    folded = reflect(np.arange(start, start + count), length)
    assert folded.min() >= 0
    assert folded.max() < length
    before = max(0, -start)
    after = max(0, start + count - length)
    if before + after == 0:
        padded = np.arange(length)
    else:
        padded = np.pad(np.arange(length), (before, after), mode="reflect" if length > 1 else "edge")
    np.testing.assert_array_equal(folded, padded[start + before : start + before + count])


def test_reflection_does_not_repeat_the_edge():
    assert reflect(np.arange(-3, 7), 4).tolist() == [3, 2, 1, 0, 1, 2, 3, 2, 1, 0]


def test_the_border_of_a_window_has_no_say_beside_a_neighbour():
    axis = plan_axis(1000, 256, 64, 4)
    assert axis.half == 32
    # three quarters of the context are left to every pixel that counts
    assert axis.blend_half_width == 8
    assert axis.kept(1) == slice(24, axis.window - 24)
    # at the raster's own ends there is no neighbour to blend with
    assert axis.blend_weights(0)[0] == 1
    assert axis.blend_weights(1)[0] < 0.01
    assert axis.blend_weights(axis.count - 1)[-1] == 1


def test_an_overlap_may_be_larger_than_the_stride():
    axis = plan_axis(1000, 256, 192, 32)
    assert (axis.stride, axis.half, axis.window, axis.starts[0]) == (64, 96, 256, 0)
    assert axis.blend_half_width <= axis.stride // 2


@pytest.mark.parametrize(
    ("length", "count"), [(1, 1), (63, 1), (64, 1), (65, 2), (128, 2), (129, 3)]
)  # fmt: skip
def test_without_overlap_a_window_is_its_core(length, count):
    axis = plan_axis(length, 64, 0, 4)
    assert axis.count == count
    assert axis.window == axis.stride <= 64


@pytest.mark.parametrize(("length", "window"), [(256, 256), (255, 256), (192, 192), (1, 32)])
def test_a_raster_no_larger_than_a_window_is_one_window(length, window):
    axis = plan_axis(length, 256, 64, 32)
    assert (axis.count, axis.window) == (1, window)


def test_a_small_raster_gets_a_reflected_rim():
    axis = plan_axis(128, 1024, 192, 32, rim=45)
    assert (axis.count, axis.window, axis.starts) == (1, 192, (-32,))
    assert axis.kept(0) == slice(32, 192)


def test_too_much_overlap_is_refused_with_numbers():
    with pytest.raises(LulcError, match=r"overlap of 256 pixels.*256") as caught:
        plan_axis(1000, 256, 256, 32)
    assert "192" in caught.value.remedy


def test_rows_and_columns_are_planned_apart():
    grid = plan_grid(1, 5000, 256, 64, 32, 64)
    assert grid.rows.count == 1
    assert grid.rows.window >= 64
    assert grid.cols.count == -(-(5000 - 64) // grid.cols.stride)


def test_indexes_follow_the_raster_and_reflect():
    axis = Axis(length=10, window=8, half=2, starts=(0, 4))
    assert axis.indexes(0).tolist() == [0, 1, 2, 3, 4, 5, 6, 7]
    assert axis.indexes(1).tolist() == [4, 5, 6, 7, 8, 9, 8, 7]


def test_strides_of_one_and_of_two_windows():
    """Two windows already overlap; the zone in which they blend is measured by their stride."""
    assert Axis(20, 24, 8, (0,)).stride == 24
    assert Axis(32, 24, 8, (0, 8)).stride == 8
    assert Axis(32, 24, 8, (0, 8)).blend_half_width == 2


@pytest.mark.parametrize("plan", [plan_axis, lambda length, *rest: plan_grid(9, length, *rest).cols])
def test_without_a_minimum_and_a_rim(plan):
    axis = plan(1, 8, 0, 1)
    assert (axis.window, axis.starts) == (1, (0,))


@pytest.mark.parametrize("window, rim", [(60, 15), (64, 16), (68, 17)])
def test_a_rim_is_at_most_a_quarter_of_a_window(window, rim):
    assert plan_axis(1000, window, 8, 1, rim=500).starts[0] == -rim


def test_there_are_no_more_windows_than_needed():
    assert plan_axis(10, 4, 0, 1).starts == (0, 4, 6)
    assert plan_axis(100, 32, 8, 2).starts == (0, 24, 48, 68)
