# SPDX-License-Identifier: GPL-3.0-or-later
"""Intervals that hold their level: by hand where one stratum or no error makes that possible, then their properties."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra.numpy import arrays
from scipy import special

from lulc_plugin.assess import Cause
from lulc_plugin.assess.estimators import (
    Part,
    StrataSizes,
    Units,
    clopper_pearson_share,
    estimation,
    intervals,
    pairing,
    weighted_sum,
)
from lulc_plugin.assess.sample import allocation

SHORT = settings(max_examples=15, deadline=None)
TAIL = 0.025
FIGURES = ("users", "producers", "f1", "iou", "kappas", "area_shares")


def stratified(matrix, sizes, interval="conservative", nested=True, **options):
    """A sample whose strata are the map's classes; not `nested`: the estimator is not told so."""
    matrix = np.asarray(matrix)
    row, column = np.nonzero(matrix)
    classes = tuple(range(len(matrix))) if nested else None
    strata = StrataSizes(tuple(map(str, range(len(matrix)))), np.array(sizes, float), True, classes)
    units = Units(row, row, column, matrix[row, column])
    return estimation.stratified(units, strata, len(matrix), interval=interval, **options)


def all_of(estimates):
    return [estimates.overall, estimates.kappa, *(e for name in FIGURES for e in getattr(estimates, name))]


def ends(estimate):
    return [estimate.low, estimate.high]


# ---------------------------------------------------------------- by hand


def test_exact_limits_of_fractional_and_infinite_numbers():
    share, units = np.array([[0.0, 1.0, 0.5], [0.8, 0.8, 0.3]]), np.array([[10.0, 2.0, 4.0], [10.0, 12.5, np.inf]])
    low, high = clopper_pearson_share(share, units, 0.95)
    # none of 10: upper limit 1 − .025^(1/10); both of 2: lower limit .025^(1/2); 8 of 10: published .4439, .9748
    assert low[0, 0] == 0 and high[0, 0] == pytest.approx(1 - TAIL**0.1, abs=1e-12)
    assert high[0, 1] == 1 and low[0, 1] == pytest.approx(math.sqrt(TAIL), abs=1e-12)
    assert [low[1, 0], high[1, 0]] == pytest.approx([0.4439045, 0.9747893], abs=1e-7)
    assert [low[1, 2], high[1, 2]] == [0.3, 0.3]
    assert [low[0, 2], high[0, 2]] == pytest.approx(intervals.clopper_pearson(2, 4, 0.95), abs=1e-12)
    # an interval of 12.5 units lies between those of 10 and of 15.625
    assert low[1, 0] < low[1, 1] < intervals.clopper_pearson(12.5, 15.625, 0.95)[0]


def test_one_stratum_is_the_exact_interval():
    bounds = weighted_sum(Part(np.array([0.9]), np.array([1.0])), np.array([20.0]), 0.95)
    assert [bounds.low, bounds.high] == pytest.approx(intervals.clopper_pearson(18, 20, 0.95), abs=1e-12)
    whole = estimation.simple([[18, 0], [2, 0]], interval="conservative")
    assert ends(whole.overall) == pytest.approx(intervals.clopper_pearson(18, 20, 0.95), abs=1e-12)


def test_two_strata_without_an_error():
    """W = ½, ½, two of two right in both: MOVER 1 − √(½² 2 (1 − √.025)²); Korn & Graubard: n = 4, .025^¼."""
    estimates = stratified([[2, 0], [0, 2]], [500, 500])
    mover = 1 - math.sqrt(0.5) * (1 - math.sqrt(TAIL))
    assert ends(estimates.overall) == pytest.approx([min(TAIL**0.25, mover), 1], abs=1e-12)
    assert TAIL**0.25 < mover
    # user's accuracy: both of two, whatever the other stratum is like
    assert all(ends(e) == pytest.approx([math.sqrt(TAIL), 1], abs=1e-12) for e in estimates.users)


def test_producers_accuracy_without_an_omission():
    """Y = W_1 · 1 ≥ W_1 .025^½, Z = W_2 · 0 ≤ W_2 (1 − .025^½): odds √(y (2Y − y))/z, y and z the limits."""
    estimates = stratified([[2, 0], [0, 2]], [900, 100])
    y, z = 0.9 * math.sqrt(TAIL), 0.1 * (1 - math.sqrt(TAIL))
    odds = math.sqrt(y * (2 * 0.9 - y)) / z
    assert ends(estimates.producers[0]) == pytest.approx([odds / (1 + odds), 1], abs=1e-12)
    # the small class may really be mostly what the large one hides
    assert estimates.producers[1].low < 0.1


def test_f1_takes_the_bounds_of_iou():
    estimates = stratified([[20, 5], [3, 30]], [700, 300])
    for f1, iou in zip(estimates.f1, estimates.iou):
        assert ends(f1) == pytest.approx([2 * v / (1 + v) for v in ends(iou)], abs=1e-12)


def test_the_sample_of_the_issue_is_too_small():
    """12 points, two a class, all right but one: no longer "99.2 % [98.0, 100]"."""
    matrix = np.diag([2] * 6)
    matrix[5] = [1, 0, 0, 0, 0, 1]
    sizes = [6000, 2000, 1000, 500, 400, 100]
    estimates, published = stratified(matrix, sizes), stratified(matrix, sizes, "standard")
    assert published.overall.value > 0.99 and published.overall.low > 0.98
    assert estimates.overall.value == published.overall.value
    assert estimates.overall.low < 0.5 and estimates.overall.high == pytest.approx(1, abs=1e-3)
    (note,) = estimates.notes
    assert note.cause is Cause.SAMPLE_TOO_SMALL and note.numbers[0] == 12 and note.numbers[1] > 50
    assert published.notes == ()
    large = stratified(matrix * 50, sizes)
    assert large.notes == ()


def test_units_needed():
    # ± 20 % from 50 units: four times as many for ± 10 %
    assert estimation.units_needed(50, 0.4) == 200
    assert estimation.units_needed(50, 0.3) is None


def test_what_the_sampler_predicts_is_what_the_report_gives():
    """Found accuracies as expected: the same interval, to the last digit."""
    weights, points = (0.7, 0.2, 0.1), (20, 10, 10)
    low, high = allocation.expected_interval(weights, (0.9, 0.8, 0.7), points, (700, 200, 100))
    estimates = stratified([[18, 2, 0], [1, 8, 1], [0, 3, 7]], [700, 200, 100])
    assert estimates.overall.value == pytest.approx(0.7 * 0.9 + 0.2 * 0.8 + 0.1 * 0.7)
    assert ends(estimates.overall) == pytest.approx([low, high], abs=1e-12)
    # 10 of 100 are in the sample: the correction counts in both
    without = allocation.expected_interval(weights, (0.9, 0.8, 0.7), points)
    assert without[0] < low and high < without[1]


# ---------------------------------------------------------------- properties


MATRICES = arrays(np.int64, (3, 3), elements=st.integers(0, 30))


def two_each(matrix):
    return matrix + 2 * np.eye(3, dtype=np.int64)


@given(MATRICES, st.tuples(*[st.integers(1000, 10**6)] * 3), st.booleans())
@SHORT
def test_bounds_lie_around_the_estimate_within_what_is_possible(matrix, sizes, nested):
    for estimates in (
        stratified(two_each(matrix), sizes, nested=nested),
        estimation.simple(two_each(matrix), interval="conservative"),
        estimation.poststratified(two_each(matrix), sizes, interval="conservative"),
    ):
        for e in all_of(estimates):
            lowest = -1 if e in (estimates.kappa, *estimates.kappas) else 0
            assert e.value is not None and lowest <= e.low <= e.value <= e.high <= 1
            assert e.high - e.low > 0 and e.method == "conservative"


@given(MATRICES, st.tuples(*[st.integers(10**5, 10**7)] * 3))
@SHORT
def test_more_points_narrow_every_interval(matrix, sizes):
    few, many = (stratified(two_each(matrix) * k, sizes, fpc="never") for k in (1, 10))
    for a, b in zip(all_of(few), all_of(many)):
        assert b.high - b.low < a.high - a.low + 1e-9


@given(MATRICES, st.tuples(*[st.integers(10**7, 10**9)] * 3))
@SHORT
def test_large_samples_come_close_to_the_published_intervals(matrix, sizes):
    matrix = (two_each(matrix) + 1) * 2000
    published, ours = (stratified(matrix, sizes, how, fpc="never") for how in ("standard", "conservative"))
    for a, b in zip([published.overall, *published.users], [ours.overall, *ours.users]):
        assert b.high - b.low == pytest.approx(a.high - a.low, rel=0.1)
        assert b.se == a.se


@given(MATRICES, st.permutations(range(3)))
@SHORT
def test_the_order_of_the_classes_does_not_matter(matrix, order):
    matrix, sizes = two_each(matrix), np.array([9000, 3000, 500])
    first, second = stratified(matrix, sizes), stratified(matrix[np.ix_(order, order)], sizes[list(order)])
    assert ends(first.overall) == pytest.approx(ends(second.overall), abs=1e-9)
    assert ends(first.kappa) == pytest.approx(ends(second.kappa), abs=1e-9)
    for name in FIGURES:
        for new, old in enumerate(order):
            assert ends(getattr(second, name)[new]) == pytest.approx(ends(getattr(first, name)[old]), abs=1e-9)


def test_coverage_where_the_published_interval_fails():
    """Six classes of very different size, two points each, .9 right: estimate ± z · SE holds in two of three."""
    random = np.random.default_rng(3)
    weights = np.array([0.6, 0.2, 0.1, 0.05, 0.03, 0.02])
    right = random.binomial(2, 0.9, (4000, 6)) / 2
    bounds = weighted_sum(Part(right, weights), np.full(6, 2.0), 0.95)
    assert np.mean((bounds.low <= 0.9) & (0.9 <= bounds.high)) >= 0.93
    half = 1.96 * np.sqrt((weights**2 * right * (1 - right)).sum(axis=1))
    assert np.mean(np.abs(right @ weights - 0.9) <= half) < 0.7


# ---------------------------------------------------------------- what is known, what is not there


def test_a_stratum_that_is_wholly_observed_has_no_error():
    estimates = stratified([[8, 2], [1, 9]], [10, 1000])
    assert estimates.users[0].low is None and estimates.users[0].reason.cause is Cause.ALL_OBSERVED
    assert ends(estimates.users[1]) == pytest.approx(
        [float(v) for v in clopper_pearson_share(np.array(0.9), np.array(10 / (1 - 0.01)), 0.95)], abs=1e-12
    )
    everything = stratified([[8, 2], [1, 9]], [10, 10])
    assert everything.overall.low is None and everything.overall.reason.cause is Cause.ALL_OBSERVED


def test_one_unit_in_a_stratum_still_has_no_interval():
    estimates = stratified([[1, 0], [2, 8]], [500, 500])
    assert estimates.overall.low is None and estimates.overall.reason.cause is Cause.STRATA_OF_ONE_UNIT
    assert estimates.users[1].low is not None


def test_absent_classes_have_no_value_and_no_interval():
    matrix = np.array([[9, 1, 0, 0], [2, 8, 0, 0], [1, 2, 0, 0], [0, 0, 0, 0]])
    row, column = np.nonzero(matrix)
    strata = StrataSizes(("a", "b", "c"), np.array([500.0, 300, 200]), True, (0, 1, 2))
    found = estimation.stratified(Units(row, row, column, matrix[row, column]), strata, 4, interval="conservative")
    assert found.producers[2].value is None and found.producers[2].low is None
    assert found.users[2].value == 0 and found.users[2].high < 0.75
    assert found.f1[3].value is None and found.area_shares[3].low == 0


def test_units_of_unequal_area_are_worth_fewer():
    zeros = np.zeros(4, int)
    units = Units(zeros, zeros, np.array([0, 0, 1, 1]), np.array([40, 40, 5, 5]), np.array([1.5, 0.5, 1.5, 0.5]))
    weighted = estimation.simple(units, q=2, interval="conservative").overall
    alike = estimation.simple(replace(units, area=None), q=2, interval="conservative").overall
    assert weighted.low < alike.low and weighted.high > alike.high


# ---------------------------------------------------------------- two maps


def paired(of_b, make=pairing.conservative_differences, sizes=(600, 400)):
    """Strata and map A: two classes, ten points each, all of map A right; `of_b`: errors of map B in each."""
    stratum, b = np.array([0, 0, 1, 1]), np.array([0, 1, 1, 0])
    count = np.array([10 - of_b[0], of_b[0], 10 - of_b[1], of_b[1]])
    kept = count > 0
    strata = None if sizes is None else StrataSizes(("a", "b"), np.array(sizes, float), False, (0, 1))
    units = Units(stratum[kept], stratum[kept], stratum[kept], count[kept])
    return make(units, b[kept], 2, strata)


def test_no_difference_in_the_sample_is_no_proof_of_none():
    published, ours = paired((0, 0), pairing.differences), paired((0, 0))
    assert published.overall.low == published.overall.high == 0
    assert ours.overall.difference == 0 and ours.overall.p == 1
    assert ours.overall.low == pytest.approx(-ours.overall.high) and ours.overall.high > 0.1
    assert ours.users[0].low < 0 < ours.users[0].high


@pytest.mark.parametrize("of_b", [(0, 1), (2, 1), (5, 4), (9, 9)])
def test_p_and_interval_agree(of_b):
    found = paired(of_b)
    for one in (found.overall, found.kappa, *found.users, *found.producers):
        assert -2 <= one.low <= one.difference <= one.high <= 2
        assert (one.p < 0.05) == (one.low > 0 or one.high < 0)
        assert math.copysign(1, one.z) == math.copysign(1, one.difference)
    assert found.overall.se == paired(of_b, pairing.differences).overall.se


def test_a_difference_in_one_stratum_only_is_the_exact_interval():
    """Only map B is wrong, at 3 of 20 units: [P01] is known by its exact limits, nobody saw [P10]."""
    found = paired((2, 1), sizes=None).overall
    low, high = intervals.clopper_pearson(3, 20, 0.95)
    none = 1 - TAIL ** (1 / 20)
    together = math.sqrt(1 / 22 * 4 / 22 / (21 / 22 * 18 / 22))
    first, second = 0.15 - low, none
    assert found.difference == pytest.approx(0.15)
    assert found.low == pytest.approx(0.15 - math.sqrt(first**2 + second**2 + 2 * together * first * second), abs=1e-12)
    assert found.high == pytest.approx(high, abs=1e-12)


# ---------------------------------------------------------------- quantiles of the beta distribution


def test_beta_quantiles_by_hand_and_beside_scipy():
    # Beta(1, n): 1 − (1 − share)^(1/n); Beta(n, 1): share^(1/n); Beta(2, 2): 3x² − 2x³ = share
    ones = np.array([1.0, 5.0]), np.array([10.0, 1.0])
    assert intervals.beta_quantile_by_steps(*ones, 0.025) == pytest.approx([1 - 0.975**0.1, 0.025**0.2], abs=1e-13)
    assert intervals.beta_quantile_by_steps(np.array([2.0]), np.array([2.0]), 0.15625) == pytest.approx(
        [0.25], abs=1e-13
    )
    random = np.random.default_rng(1)
    a, b = 10 ** random.uniform(-1.3, 5, (2, 60))
    for share in (0.005, 0.025, 0.975):
        assert intervals.beta_quantile_by_steps(a, b, share) == pytest.approx(
            special.betaincinv(a, b, share), abs=1e-11
        )
