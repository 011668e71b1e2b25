# SPDX-License-Identifier: GPL-3.0-or-later
"""Scaling steps against plain NumPy."""

import json

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra.numpy import arrays

from lulc_plugin.errors import LulcError
from lulc_plugin.raster import Channel, Step, apply_steps, parse, prepare, resolve, resolve_all, steps_from_json

X = np.concatenate([np.linspace(-3, 3, 601), np.linspace(0, 12_000, 601)]).reshape(2, 601)

CASES = {
    "offset": (dict(value=3.5), lambda x: x - 3.5),
    "scale": (dict(value=200.0), lambda x: x / 200),
    "clip": (dict(minimum=-1.0, maximum=2.5), lambda x: np.clip(x, -1, 2.5)),
    "min-max": (dict(minimum=100.0, maximum=4100.0), lambda x: (x - 100) / 4000),
    "z-score": (dict(mean=1353.7, stddev=897.3), lambda x: (x - 1353.7) / 897.3),
    "log1p": ({}, lambda x: np.log1p(np.maximum(x, -1 + 2**-24))),
    "sqrt": ({}, lambda x: np.sqrt(np.maximum(x, 0))),
    "sigmoid": ({}, lambda x: 1 / (1 + np.exp(-x))),
}


@pytest.mark.parametrize("op", CASES)
def test_each_op_is_what_numpy_says(op):
    numbers, reference = CASES[op]
    given_array = X.copy()
    out = apply_steps(given_array, (Step.of(op, **numbers),))
    assert out.dtype == np.float32
    np.testing.assert_allclose(out, reference(X), rtol=2e-6, atol=2e-6)
    np.testing.assert_array_equal(given_array, X)


def test_clip_may_have_one_limit_only():
    assert apply_steps(np.array([-5.0, 5.0]), (Step.of("clip", minimum=0),)).tolist() == [0, 5]
    assert apply_steps(np.array([-5.0, 5.0]), (Step.of("clip", maximum=0),)).tolist() == [-5, 0]


@pytest.mark.filterwarnings("error")
def test_extreme_numbers_do_not_warn():
    wide = np.array([-3e38, -1e10, 0, 1e10, 3e38])
    for op, (numbers, _) in CASES.items():
        if op not in ("min-max", "z-score", "scale"):
            assert np.isfinite(apply_steps(wide, (Step.of(op, **numbers),))).all(), op


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "int32", "float32", "float64"])
def test_steps_follow_one_another(dtype):
    """The Dynamic World normalisation of B2."""
    stored = np.arange(0, 250, dtype=dtype)
    steps = steps_from_json(
        [{"op": "scale", "value": 200}, {"op": "log1p"}, {"op": "offset", "value": 1.7417},
         {"op": "scale", "value": 0.40466}, {"op": "offset", "value": 1}, {"op": "sigmoid"}]
    )  # fmt: skip
    x = (np.log1p(stored / 200.0) - 1.7417) / 0.40466 - 1
    np.testing.assert_allclose(apply_steps(stored, steps), 1 / (1 + np.exp(-x)), rtol=1e-5)


AFFINE = st.sampled_from(["offset", "scale", "min-max", "z-score"])
NUMBER = st.floats(-1e4, 1e4, allow_nan=False)


@given(st.lists(st.tuples(AFFINE, st.floats(-100, 100), st.floats(0.5, 300)), max_size=6), st.integers(0, 6))
@settings(max_examples=100, deadline=None)
def test_joined_steps_equal_steps_one_at_a_time(parts, clip_at):
    steps = []
    for i, (op, a, b) in enumerate(parts):
        if i == clip_at:
            steps.append(Step.of("clip", minimum=-50, maximum=5000))
        numbers = {"offset": {"value": a}, "scale": {"value": b}, "min-max": {"minimum": a, "maximum": a + b},
                   "z-score": {"mean": a, "stddev": b}}[op]  # fmt: skip
        steps.append(Step.of(op, **numbers))
    x = np.linspace(-100, 10_000, 500)
    single = x
    for step in steps:
        single = apply_steps(single, (step,)).astype(np.float64)
    # a thousandth of what a network sees as one standard deviation, or of the value
    np.testing.assert_allclose(apply_steps(x, tuple(steps)), single, rtol=1e-3, atol=1e-3)


def test_a_large_offset_and_a_small_spread_keep_their_precision():
    """16-bit numbers around 30,000 with a spread of 10 (a thermal band): errors stay far below the spread."""
    x = np.arange(29_950, 30_051, dtype=np.uint16)
    out = apply_steps(x, (Step.of("offset", value=30_000), Step.of("scale", value=10)))
    np.testing.assert_allclose(out, (x.astype(float) - 30_000) / 10, atol=2e-3)
    out = apply_steps(x, (Step.of("z-score", mean=30_000, stddev=10),))
    np.testing.assert_allclose(out, (x.astype(float) - 30_000) / 10, atol=2e-3)


# ---------------------------------------------------------------- JSON

FINITE = st.floats(-1e6, 1e6, allow_nan=False)


@st.composite
def any_step(draw):
    op = draw(st.sampled_from([*CASES, "percentile", "moments"]))
    a, b = draw(FINITE), draw(st.floats(0.01, 1e6))
    return {
        "offset": lambda: Step.of(op, value=a),
        "scale": lambda: Step.of(op, value=b),
        "clip": lambda: Step.of(op, minimum=a, maximum=a + b),
        "min-max": lambda: Step.of(op, minimum=a, maximum=a + b),
        "z-score": lambda: Step.of(op, mean=a, stddev=b),
        "percentile": lambda: Step.of(
            op, lower=draw(st.floats(0, 49)), upper=draw(st.floats(50, 100)), clip=draw(st.booleans())
        ),  # noqa: E501
    }.get(op, lambda: Step.of(op))()


@given(st.lists(any_step(), max_size=8))
@settings(max_examples=100, deadline=None)
def test_steps_survive_json(steps):
    text = json.dumps([s.to_json() for s in steps], allow_nan=False)
    assert steps_from_json(json.loads(text)) == tuple(steps)


def test_one_object_is_one_step():
    assert steps_from_json({"op": "scale", "value": 2}) == (Step.of("scale", value=2),)


@pytest.mark.parametrize(
    "data",
    [
        None,
        5,
        "scale",
        [5],
        [None],
        [{}],
        [{"op": 3}],
        [{"op": "eval", "value": 1}],
        [{"op": "scale"}],
        [{"op": "scale", "value": 0}],
        [{"op": "scale", "value": "2"}],
        [{"op": "scale", "value": True}],
        [{"op": "scale", "value": None}],
        [{"op": "scale", "value": [1]}],
        [{"op": "scale", "value": float("nan")}],
        [{"op": "scale", "value": float("inf")}],
        [{"op": "scale", "value": 10**400}],
        [{"op": "offset", "value": 1, "extra": 2}],
        [{"op": "z-score", "mean": 0, "stddev": 0}],
        [{"op": "z-score", "mean": 0, "stddev": -1}],
        [{"op": "min-max", "minimum": 1, "maximum": 1}],
        [{"op": "min-max", "minimum": 2, "maximum": 1}],
        [{"op": "clip", "minimum": 2, "maximum": 1}],
        [{"op": "percentile", "lower": 98, "upper": 2}],
        [{"op": "percentile", "lower": -1, "upper": 50}],
        [{"op": "percentile", "lower": 2, "upper": 101}],
        [{"op": "sqrt"}] * 33,
        {"op": ["scale"], "value": 1},
    ],
)
def test_bad_steps_are_refused(data):
    with pytest.raises(LulcError):
        steps_from_json(data)


# ---------------------------------------------------------------- steps that depend on the layer


def test_percentiles_become_min_max_and_clip():
    sample = np.arange(1001, dtype=np.uint16)
    steps = resolve((Step.of("percentile", lower=2, upper=98), Step.of("scale", value=2)), sample)
    assert steps == (
        Step.of("min-max", minimum=20, maximum=980),
        Step.of("clip", minimum=0, maximum=1),
        Step.of("scale", value=2),
    )
    assert resolve((Step.of("percentile", lower=0, upper=100, clip=False),), sample) == (
        Step.of("min-max", minimum=0, maximum=1000),
    )


def test_moments_become_a_z_score():
    sample = np.random.default_rng(0).normal(50, 5, 1000)
    (step,) = resolve((Step.of("moments"),), sample)
    assert step.op == "z-score"
    assert step["mean"] == pytest.approx(sample.mean(), rel=1e-6)
    assert step["stddev"] == pytest.approx(sample.std(), rel=1e-6)


def test_statistics_are_taken_after_the_steps_before():
    sample = np.arange(1001) * 10.0
    steps = resolve((Step.of("scale", value=10), Step.of("percentile", lower=2, upper=98)), sample)
    assert steps[1] == Step.of("min-max", minimum=20, maximum=980)


def test_a_layer_of_one_value_stays_finite():
    sample = np.full(50, 7.0)
    for op in (Step.of("percentile", lower=2, upper=98), Step.of("moments")):
        assert np.isfinite(apply_steps(sample, resolve((op,), sample))).all()


def test_fixed_steps_need_no_sample_but_the_others_do():
    empty = np.empty(0)
    fixed = (Step.of("scale", value=2),)
    assert resolve(fixed, empty) == fixed
    with pytest.raises(LulcError, match="no valid pixel"):
        resolve((Step.of("moments"),), empty)
    with pytest.raises(LulcError, match="not resolved"):
        apply_steps(np.ones(3), (Step.of("moments"),))


def test_channels_are_resolved_on_scaled_bands():
    names = ("nir", "red")
    sample = np.array([[10.0, 20, 30, 40], [10, 10, 10, 10]])
    channels = (Channel("NDVI", None, parse("(nir - red) / (nir + red)", names), (Step.of("moments"),)),)
    _, (channel,) = resolve_all(names, ((Step.of("scale", value=10),),) * 2, channels, sample)
    ndvi = (sample[0] - sample[1]) / (sample[0] + sample[1])
    assert channel.steps[0]["mean"] == pytest.approx(ndvi.mean(), rel=1e-6)


# ---------------------------------------------------------------- a window for the network


@given(
    arrays(np.float32, (2, 40, 9), elements=st.floats(0, 1000, width=32)),
    arrays(bool, (40, 9)),
    st.sampled_from([np.nan, np.inf, -np.inf, 3.4e38, 0, -9999]),
)
@settings(max_examples=60, deadline=None)
def test_what_is_stored_at_invalid_pixels_has_no_influence(values, valid, junk):
    names = ("nir", "red")
    channels = (
        Channel("nir", 0, None, (Step.of("z-score", mean=3, stddev=2),)),
        Channel("NDVI", None, parse("(nir - red) / (nir + red)", names), ()),
    )
    steps = ((Step.of("sqrt"),), (Step.of("log1p"),))
    fill = (0.5, -2.0)
    clean = prepare(values, valid, names, steps, channels, fill)
    dirty = values.copy()
    dirty[:, ~valid] = junk
    with np.errstate(all="raise"):
        np.testing.assert_array_equal(prepare(dirty, valid, names, steps, channels, fill), clean)
    for channel, number in zip(clean, fill):
        assert (channel[~valid] == number).all()
    whole = np.sqrt(values[0]), np.log1p(values[1])
    np.testing.assert_allclose(clean[0][valid], ((whole[0] - 3) / 2)[valid], rtol=1e-5, atol=1e-5)


def test_a_channel_is_filled_only_where_a_band_it_is_made_of_is_invalid():
    names = ("a", "b", "c")
    values = np.ones((3, 1, 3), np.float32)
    valid = np.array([[[False, True, True]], [[True, False, True]], [[True, True, False]]])
    channels = (Channel("a", 0, None), Channel("sum", None, parse("a + b", names)), Channel("c", 2, None))
    out = prepare(values, valid, names, ((),) * 3, channels, (9, 8, 7))
    assert out[:, 0].tolist() == [[9, 1, 1], [8, 8, 2], [1, 1, 7]]


@pytest.mark.parametrize("rows", [1, 31, 32, 33, 100])
def test_rows_are_prepared_alike_whatever_the_height(rows):
    values = np.random.default_rng(1).integers(0, 3000, (1, rows, 7)).astype(np.uint16)
    valid = np.random.default_rng(2).random((rows, 7)) > 0.3
    channels = (Channel("a", 0, None, (Step.of("log1p"), Step.of("z-score", mean=6, stddev=2))),)
    out = prepare(values, valid, ("a",), ((),), channels, (0,))
    single = np.concatenate(
        [prepare(values[:, [r]], valid[[r]], ("a",), ((),), channels, (0,)) for r in range(rows)], axis=1
    )
    np.testing.assert_array_equal(out, single)


def test_a_signed_square_keeps_the_sign():
    steps = (Step.of("scale", value=127.5), Step.of("signed-square"))
    np.testing.assert_allclose(apply_steps(np.array([-127.5, -51, 0, 51]), steps), [-1, -0.16, 0, 0.16], atol=1e-6)
    from lulc_plugin.raster.scaling import limits_of

    assert limits_of((Step.of("clip", minimum=-2, maximum=3), Step.of("signed-square"))) == (-4, 9)
