# SPDX-License-Identifier: GPL-3.0-or-later
"""Pixels of one size from pixels of another: means, interpolation, validity, and what lies at the rim."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from lulc_plugin.raster import AxisScale, PixelRegion, Resampling, resample
from lulc_plugin.raster.resampling import resampling_weights


def dense(made, length):
    """The weights as a matrix `(new, old)`."""
    out = np.zeros((len(made.index), length))
    for row, (index, weights) in enumerate(zip(made.index, made.weights)):
        np.add.at(out[row], index, weights)
    return out


def whole(scale):
    return scale.model_pixels(0, scale.count)


def coarse(values, factor, valid=None, nodata=None):
    """The whole of `(rows, cols)` at another pixel size."""
    rows, cols = (AxisScale(n, factor) for n in values.shape)
    valid = np.ones(values.shape, bool) if valid is None else valid
    made, ok = resample(values[None], valid, whole(rows), whole(cols), 0, 0)
    return made[0], ok


ratios = st.one_of(st.just(1.0), st.floats(0.24, 4.2), st.sampled_from([0.25, 0.5, 1.5, 2.0, 2.5, 4.0, 10.0]))


@given(st.integers(1, 90), ratios)
@settings(max_examples=150, deadline=None)
def test_taps_are_means_of_what_lies_inside(length, ratio):
    count = AxisScale(length, ratio).count
    made = resampling_weights(0, count, ratio, length)
    matrix = dense(made, length)
    assert matrix.min() >= 0
    assert matrix.sum(axis=1) == pytest.approx(1, abs=1e-6)
    assert made.index.min() >= 0 and made.index.max() < length
    assert (np.diff(made.index[:, -1]) >= 0).all() and (np.diff(made.index[:, 0]) >= 0).all()
    # a straight line stays one away from the rim, but for pixels that are cut in two
    line = matrix @ np.arange(length)
    centre = (np.arange(count) + 0.5) * ratio - 0.5
    reach = ratio / 2 + 1
    inner = (centre > reach) & (centre < length - 1 - reach)
    assert line[inner] == pytest.approx(centre[inner], abs=1e-4 if ratio <= 1.5 or ratio % 1 == 0 else 0.13)


@given(st.integers(1, 90), ratios, st.data())
@settings(max_examples=60, deadline=None)
def test_a_part_of_the_taps_is_the_taps_of_the_part(length, ratio, data):
    count = AxisScale(length, ratio).count
    first = data.draw(st.integers(0, count - 1))
    stop = data.draw(st.integers(first + 1, count))
    one, other = (
        resampling_weights(0, count, ratio, length).part(first, stop),
        resampling_weights(first, stop, ratio, length),
    )
    assert (one.index == other.index).all() and (one.weights == other.weights).all()


def test_exact_weights():
    assert dense(resampling_weights(0, 2, 2.5, 5), 5) == pytest.approx(
        np.array([[0.4, 0.4, 0.2, 0, 0], [0, 0, 0.2, 0.4, 0.4]])
    )
    assert dense(resampling_weights(0, 4, 0.5, 2), 2) == pytest.approx(
        np.array([[1, 0], [0.75, 0.25], [0.25, 0.75], [0, 1]])
    )
    # one and a half is still interpolated, at centres 0.25 and 1.75
    assert dense(resampling_weights(0, 2, 1.5, 3), 3) == pytest.approx(np.array([[0.75, 0.25, 0], [0, 0.25, 0.75]]))
    # the last pixel hangs over the end and is the mean of what is there
    assert dense(resampling_weights(0, 2, 4, 5), 5) == pytest.approx(np.array([[0.25] * 4 + [0], [0] * 4 + [1]]))


def test_both_ways_share_their_corners():
    scale = AxisScale(10, 4)
    assert scale.count == 3
    assert AxisScale(10, 2.5000000001).count == 4
    back = scale.layer_pixels(0, 10)
    # layer pixel 1 has its centre at 1.5 / 4 of the first model pixel, before that one's centre
    assert dense(back, 3)[1] == pytest.approx([1, 0, 0])
    assert dense(back, 3)[4] == pytest.approx([0.375, 0.625, 0])


def test_a_checkerboard_is_grey():
    board = np.indices((40, 40)).sum(axis=0) % 2 * 200
    for factor in (2, 4, 10):
        made, ok = coarse(board.astype(np.uint8), factor)
        assert (made == 100).all() and ok.all()


def test_means_agree_with_plain_ones():
    values = np.random.default_rng(1).integers(0, 65536, (36, 48)).astype(np.uint16)
    made, _ = coarse(values, 4)
    assert made == pytest.approx(values.reshape(9, 4, 12, 4).mean(axis=(1, 3)), rel=1e-6)


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "int32", "float32", "float64"])
def test_what_is_stored_at_invalid_pixels_does_not_leak(dtype):
    values = np.full((12, 12), 50).astype(dtype)
    valid = np.ones(values.shape, bool)
    valid[3:6, 2:7] = False
    values[~valid] = np.nan if dtype.startswith("float") else np.iinfo(dtype).max
    for factor in (4, 1.3, 0.5):
        made, ok = coarse(values, factor, valid)
        assert made[ok] == pytest.approx(50, abs=1e-4)
        assert (made[~ok] == 0).all()


def test_more_than_half_must_be_valid():
    valid = np.ones((4, 8), bool)
    valid[:2, :4] = False
    valid[:, 4:6] = False
    valid[0, 6] = False
    _, ok = coarse(np.ones((4, 8), np.uint8), 4, valid)
    assert ok.tolist() == [[False, False]]
    valid[0, 0] = True
    _, ok = coarse(np.ones((4, 8), np.uint8), 4, valid)
    assert ok.tolist() == [[True, False]]


def test_validity_of_each_band():
    values = np.stack([np.full((4, 4), 10), np.full((4, 4), 20)]).astype(np.uint8)
    valid = np.ones(values.shape, bool)
    valid[1] = False
    scale = whole(AxisScale(4, 2))
    made, ok = resample(values, valid, scale, scale, 0, 0)
    assert ok[0].all() and not ok[1].any()
    assert (made[0] == 10).all() and (made[1] == 0).all()


@given(st.integers(1, 60), ratios, st.data())
@settings(max_examples=60, deadline=None)
def test_pixels_do_not_depend_on_what_is_computed_beside_them(length, ratio, data):
    scale = AxisScale(length, ratio)
    random = np.random.default_rng(length)
    values = random.normal(0, 1, (2, length, 7)).astype(np.float32)
    all_of_it = whole(scale).rows(values, 0)
    first = data.draw(st.integers(0, scale.count - 1))
    stop = data.draw(st.integers(first + 1, scale.count))
    part = scale.model_pixels(first, stop)
    cut = values[:, part.low : part.high, 2:5]
    assert (part.rows(cut, part.low) == all_of_it[:, first:stop, 2:5]).all()
    turned = part.cols(cut.swapaxes(1, 2), part.low).swapaxes(1, 2)
    assert (turned == all_of_it[:, first:stop, 2:5]).all()


def test_the_model_pixels_of_a_region():
    resampling = Resampling(AxisScale(100, 4), AxisScale(100, 0.5))
    # row 39 lies in model pixel 9 and is interpolated between 9 and 10
    assert resampling.model_region(PixelRegion(16, 40, 10, 20)) == PixelRegion(3, 11, 20, 41)
    assert resampling.model_region(PixelRegion(0, 100, 0, 100)) == PixelRegion(0, 25, 0, 200)
