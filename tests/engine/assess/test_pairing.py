# SPDX-License-Identifier: GPL-3.0-or-later
"""Two maps on the same units: tests and paired differences, against plain loops and scipy."""

import math

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy.stats import binom, binomtest

from lulc_plugin.assess import Cause, Difference, Reason
from lulc_plugin.assess.estimators import StrataSizes, Units, estimation, pairing
from lulc_plugin.errors import LulcError

SHORT = settings(max_examples=40, deadline=None)


def units(seed, n=90, q=3):
    random = np.random.default_rng(seed)
    reference = random.integers(0, q, n)
    first = np.where(random.random(n) < 0.7, reference, random.integers(0, q, n))
    second = np.where(random.random(n) < 0.6, first, random.integers(0, q, n))
    return np.arange(n) % 3, first, second, reference, random.integers(1, 3, n)


def simple(first, reference, count):
    """The same as a simple random sample, with the classes of the first map."""
    return Units(np.zeros(len(count), int), first, reference, count)


# ---------------------------------------------------------------- McNemar


@given(st.integers(0, 60), st.integers(0, 60))
@SHORT
def test_mcnemar_exact_is_a_binomial_test(a, b):
    found = pairing.mcnemar(a, b)
    if a + b:
        assert found.p_exact == pytest.approx(binomtest(a, a + b).pvalue, rel=1e-9)
        middle = binom.pmf(min(a, b), a + b, 0.5)
        assert found.p_midp == pytest.approx((1 if a == b else found.p_exact) - middle, abs=1e-9)
    assert found.reported == ("exact" if a + b < 25 else "chi2")
    other = pairing.mcnemar(b, a)
    assert other.p == found.p and other.p_midp == found.p_midp and 0 <= found.p_midp <= found.p_exact
    assert found.z is None or found.z == -other.z


def test_mcnemar_of_many_units():
    found = pairing.mcnemar(np.int64(500_400), np.int64(499_600))
    assert found.p_exact == pytest.approx(found.p, rel=0.01) and type(found.only_a) is int
    with pytest.raises(LulcError):
        pairing.mcnemar(-1, 3)


# ---------------------------------------------------------------- paired differences


def loop(stratum, first, second, reference, count, sizes, area, kind, k, keep):
    """Difference and its error, one unit at a time (section 4 of the reference)."""
    rows = np.repeat(np.arange(len(count)), count)
    h, a, b, r = stratum[rows], first[rows], second[rows], reference[rows]
    weight = np.ones(len(rows)) if area is None else area[rows]
    n = np.bincount(h, minlength=len(sizes))
    stands = (sizes / n)[h] * weight

    def part(m):
        y = (m == r) & ((m == k) if kind != "overall" else True)
        x = {"overall": np.ones(len(m)), "users": m == k, "producers": r == k}[kind] * 1.0
        ratio = (stands @ y) / (stands @ x)
        return ratio, weight * (y - ratio * x) / (stands @ x)

    (one, u), (two, v) = part(a), part(b)
    d = u - v
    variance = sum(sizes[g] ** 2 * keep[g] * d[h == g].var(ddof=1) / n[g] for g in range(len(sizes)))
    return one - two, math.sqrt(variance)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("fpc", ["never", "always"])
def test_differences_against_a_loop(seed, weighted, fpc):
    stratum, first, second, reference, count = units(seed)
    area = np.random.default_rng(seed).uniform(0.5, 1, len(count)) if weighted else None
    sizes = np.array([100.0, 900.0, 4000.0])
    strata = StrataSizes(("a", "b", "c"), sizes)
    found = pairing.differences(Units(stratum, first, reference, count, area), second, 3, strata, fpc=fpc)
    keep = 1 - np.bincount(stratum, count) / sizes if fpc == "always" else np.ones(3)
    families = {"overall": (found.overall,), "users": found.users, "producers": found.producers}
    for kind, family in families.items():
        for k, one in enumerate(family):
            change, error = loop(stratum, first, second, reference, count, sizes, area, kind, k, keep)
            assert one.difference == pytest.approx(change, abs=1e-12) and one.se == pytest.approx(error, abs=1e-10)
            assert one.z == pytest.approx(change / error, abs=1e-8)
            assert (one.low + one.high) / 2 == pytest.approx(change, abs=1e-12)
    assert found.correction.applied == (fpc == "always") and found.correction.rule == fpc


@given(st.integers(0, 10**6))
@SHORT
def test_swapping_the_maps_turns_the_sign(seed):
    _, first, second, reference, count = units(seed)
    one, two = (pairing.differences(simple(a, reference, count), b, 3) for a, b in ((first, second), (second, first)))
    for a, b in zip(
        (one.overall, one.kappa, *one.users, *one.producers), (two.overall, two.kappa, *two.users, *two.producers)
    ):  # noqa: E501
        assert a.difference == pytest.approx(-b.difference, abs=1e-12) and a.se == pytest.approx(b.se, abs=1e-12)
        assert a.p == pytest.approx(b.p, abs=1e-9)


def test_a_paired_error_is_smaller_than_that_of_independent_samples():
    """Most units agree: dropping the covariance would hide real differences (Foody 2004)."""
    _, first, second, reference, count = units(7, 400)
    found = pairing.differences(simple(first, reference, count), second, 3)
    a, b = (estimation.simple(Units(first * 0, m, reference, count), q=3) for m in (first, second))
    assert found.overall.se < math.hypot(a.overall.se, b.overall.se)
    assert found.kappa.se < math.hypot(a.kappa.se, b.kappa.se)


def test_values_are_those_of_each_map():
    stratum, first, second, reference, count = units(3)
    strata = StrataSizes(("a", "b", "c"), np.array([500.0, 800.0, 9000.0]))
    found = pairing.differences(Units(stratum, first, reference, count), second, 3, strata)
    for which, mapped in (("a", first), ("b", second)):
        alone = estimation.stratified(Units(stratum, mapped, reference, count), strata, 3)
        assert getattr(found.overall, which) == pytest.approx(alone.overall.value, abs=1e-12)
        assert getattr(found.kappa, which) == pytest.approx(alone.kappa.value, abs=1e-12)
        for k in range(3):
            assert getattr(found.users[k], which) == pytest.approx(alone.users[k].value, abs=1e-12)
            assert getattr(found.producers[k], which) == pytest.approx(alone.producers[k].value, abs=1e-12)


def test_equal_maps():
    _, first, _, reference, count = units(1)
    found = pairing.differences(simple(first, reference, count), first, 3)
    for one in (found.overall, found.kappa, *found.users, *found.producers):
        assert (one.difference, one.se, one.z, one.p, one.low, one.high) == (0, 0, None, None, 0, 0)
        assert one.reason == Reason(Cause.NO_DIFFERENCE) and one.p_holm is None


def test_one_map_always_right_the_other_never():
    """The same difference at every unit is no proof of a difference without error."""
    reference = np.array([0, 1, 0, 1])
    found = pairing.differences(simple(reference, reference, np.ones(4, int)), 1 - reference, 2)
    assert found.overall.difference == 1 and found.overall.p is None and found.overall.low is None
    assert found.overall.reason == Reason(Cause.SAME_DIFFERENCE)


def test_a_class_that_one_map_lacks():
    reference, first = np.array([0, 0, 1, 1, 2, 2]), np.array([0, 0, 1, 1, 2, 0])
    found = pairing.differences(simple(first, reference, np.ones(6, int)), np.where(first == 2, 1, first), 4)
    assert found.users[2].a == 1 and found.users[2].b is None and found.users[2].difference is None
    assert (
        found.users[2].reason == Reason(Cause.NO_VALUE)
        and found.users[3].a is None
        and found.producers[2].difference == pytest.approx(0.5)
    )


def test_a_stratum_of_one_unit():
    strata = StrataSizes(("north", "south"), np.array([50.0, 50.0]))
    m = np.array([0, 0, 1, 1])
    sample = Units(np.array([0, 1, 1, 1]), m, np.array([0, 0, 1, 1]), np.ones(4, int))
    found = pairing.differences(sample, np.array([0, 1, 1, 0]), 2, strata)
    assert found.overall.difference is not None and found.overall.se is None and found.overall.p is None
    assert found.overall.reason == Reason(Cause.STRATA_OF_ONE_UNIT, names=("stratum north",))


def test_everything_observed():
    _, first, second, reference, count = units(2)
    found = pairing.differences(simple(first, reference, count), second, 3, None, float(count.sum()))
    assert (
        found.correction.applied
        and found.overall.se == 0
        and found.overall.p is None
        and found.overall.reason == Reason(Cause.ALL_OBSERVED)
    )
    with pytest.raises(LulcError, match="but the map has 5 pixels"):
        pairing.differences(simple(first, reference, count), second, 3, None, 5.0)
    with pytest.raises(LulcError, match="no valid unit"):
        pairing.differences(Units(*[np.zeros(0, int)] * 4), np.zeros(0, int), 3)


def test_polygons_of_one_pixel_are_a_simple_sample():
    _, first, second, reference, _ = units(4, 200)
    ones = np.ones(200, int)
    by_unit = pairing.differences(simple(first, reference, ones), second, 3)
    found = pairing.cluster_differences(np.arange(200) + 5, first, second, reference, ones, 3)
    for a, b in zip((found.overall, found.kappa, *found.users), (by_unit.overall, by_unit.kappa, *by_unit.users)):
        assert a.difference == pytest.approx(b.difference) and a.se == pytest.approx(b.se)
        assert a.p > b.p  # t has heavier tails
    few = pairing.cluster_differences(np.arange(200) % 9, first, second, reference, ones, 3)
    assert few.overall.difference is not None and few.overall.se is None and few.overall.reason.numbers == (9, 10)


def test_differences_without_a_sample():
    a, b = estimation.census([[8, 2], [1, 9]]), estimation.census([[9, 1], [0, 0]])
    found = pairing.bare_differences(a, b, Cause.CENSUS)
    assert found.overall.difference == pytest.approx(17 / 20 - 0.9) and found.overall.p is None
    assert found.overall.reason == Reason(Cause.CENSUS) and found.users[1].difference is None


def test_holm():
    family = [Difference(0, 0, 0, 1, 0, p, 0, 0) for p in (0.01, 0.04, None, 0.03, 0.9)]
    found = [d.p_holm for d in pairing.holm(family)]
    assert found[2] is None
    assert [v for v in found if v is not None] == pytest.approx([0.04, 0.09, 0.09, 0.9])


def test_kappas_of_independent_samples_need_variance():
    with pytest.raises(LulcError, match="undefined"):
        pairing.independent_kappa_z([[5]], [[1, 2], [3, 4]])
    with pytest.raises(LulcError, match="variance"):
        pairing.independent_kappa_z([[5, 0], [0, 5]], [[2, 0], [0, 4]])
