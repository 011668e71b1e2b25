# SPDX-License-Identifier: GPL-3.0-or-later
"""Estimators and intervals of the sampling designs, against the papers' formulas written out and plain loops."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings, strategies as st
from hypothesis.extra.numpy import arrays

from lulc_plugin.assess import Cause, Reason, accuracy
from lulc_plugin.assess.estimators import StrataSizes, Units, estimation, intervals, kappa, spread_check
from lulc_plugin.assess.estimators.variance import poststratified_factors
from lulc_plugin.errors import LulcError
from lulc_plugin.report.accuracy import correction_sentence

MATRICES = arrays(np.int64, (3, 3), elements=st.integers(0, 40))
SHORT = settings(max_examples=60, deadline=None)


def by_class(matrix, sizes, **kinds):
    """Units and strata of a sample whose strata are the map's classes."""
    matrix = np.asarray(matrix)
    row, column = np.nonzero(matrix)
    names = tuple("ABCDEFGH"[: len(matrix)])
    kinds.setdefault("map_class", tuple(range(len(matrix))))
    return Units(row, row, column, matrix[row, column]), StrataSizes(names, np.array(sizes, float), **kinds)


def all_of(estimates):
    groups = (estimates.users, estimates.producers, estimates.f1, estimates.iou, estimates.area_shares)
    return [estimates.overall, *(e for group in groups for e in group)]


def ses(group):
    return [e.se for e in group]


def close(found, expected, tolerance=1e-10):
    for a, b in zip(found, expected):
        assert (a is None) == (b is None or math.isnan(b)), (found, expected)
        assert a is None or abs(a - b) <= tolerance, (found, expected)


# ---------------------------------------------------------------- intervals


def test_quantiles():
    assert intervals.z(0.95) == pytest.approx(1.959963984540054, abs=1e-14)
    assert intervals.z(0.90) == pytest.approx(1.644853626951, abs=1e-12)
    assert intervals.z(0.99) == pytest.approx(2.575829303549, abs=1e-12)
    assert intervals.t(0.95, 5) == pytest.approx(2.570582, abs=1e-6)
    for level in (0, 1, 1.5, math.nan):
        with pytest.raises(LulcError, match="confidence level"):
            intervals.z(level)


@given(st.integers(1, 500), st.data())
@SHORT
def test_wilson_solves_its_equation(m, data):
    """The bounds are the shares π with |x/m − π| = z √[π(1 − π)/m]."""
    x = data.draw(st.integers(0, m))
    low, high = intervals.wilson(x, m, 0.9)
    assert 0 <= low <= x / m <= high <= 1 and low < high
    for bound in (low, high):
        if 0 < bound < 1:
            gap = intervals.z(0.9) * math.sqrt(bound * (1 - bound) / m)
            assert abs(x / m - bound) == pytest.approx(gap, abs=1e-9)


def test_impossible_counts():
    for x, m in ((3, 2), (-1, 5), (0, 0)):
        for kind in (intervals.wilson, intervals.agresti_coull, intervals.clopper_pearson):
            with pytest.raises(LulcError, match="hits"):
                kind(x, m, 0.95)


# ---------------------------------------------------------------- designs without sampling error


@pytest.mark.parametrize(
    ("maker", "cause"), [(estimation.census, Cause.CENSUS), (estimation.descriptive, Cause.DESCRIPTIVE)]
)
def test_no_interval_without_a_sample(maker, cause):
    found = maker([[50, 3, 0], [2, 40, 0], [0, 0, 0]])
    for estimate in (*all_of(found), found.kappa, *found.kappas):
        assert estimate.se is None and estimate.low is None and estimate.high is None and estimate.method == ""
        assert (estimate.reason == Reason(cause)) == (estimate.value is not None) and estimate.reason
    assert found.users[2].value is None and found.producers[2].value is None
    assert found.overall.value == 90 / 95


def test_pixels_of_unequal_area_weigh_by_area():
    found = estimation.census([[10, 10], [0, 10]], [[300.0, 100.0], [0.0, 100.0]])
    assert found.overall.value == pytest.approx(0.8)
    assert found.counts.tolist() == [[10, 10], [0, 10]]
    assert found.users[0].value == pytest.approx(0.75)
    with pytest.raises(LulcError, match="areas"):
        estimation.census([[1, 2], [3, 4]], [1.0])


# ---------------------------------------------------------------- simple


@given(MATRICES, st.one_of(st.none(), st.integers(0, 2000)))
@SHORT
def test_simple_written_out(matrix, more):
    n = int(matrix.sum())
    assume(n > 1)
    population = None if more is None else n + more + 1
    found = estimation.simple(matrix, population, "always", 0.95)
    assert found.fpc == (population is not None)
    keep = 1 - n / population if population else 1
    row, column, hit = matrix.sum(1), matrix.sum(0), np.diag(matrix)
    with np.errstate(all="ignore"):
        users, producers = hit / row, hit / column
        close([found.overall.se], [math.sqrt(keep * hit.sum() / n * (1 - hit.sum() / n) / (n - 1))])
        close(ses(found.users), np.sqrt(keep * n / (n - 1) * users * (1 - users) / row))
        close(ses(found.producers), np.sqrt(keep * n / (n - 1) * producers * (1 - producers) / column))
        close(ses(found.area_shares), np.sqrt(keep * column / n * (1 - column / n) / (n - 1)))
    inflate = (population - 1) / (population - n) if population else 1
    for k in range(3):
        if row[k]:
            low, high = intervals.wilson(hit[k] * inflate, row[k] * inflate, 0.95)
            close([found.users[k].low, found.users[k].high], [low, high])
            assert found.users[k].method == "wilson"


@given(MATRICES)
@SHORT
def test_one_stratum_is_a_simple_sample(matrix):
    """…up to n/(n − 1) in the variance of kappa, for which simple samples use the published large-sample form."""
    n = int(matrix.sum())
    assume(n > 1)
    row, column = np.nonzero(matrix)
    zeros = np.zeros(len(row), int)
    units = Units(zeros, row, column, matrix[row, column])
    one = estimation.stratified(units, StrataSizes(("all",), np.array([1e6])), 3)
    simple = estimation.simple(matrix)
    for a, b in zip(all_of(one), all_of(simple)):
        close([a.value, a.se], [b.value, math.nan if b.se is None else b.se] if b.value is not None else [math.nan] * 2)
    grown = math.sqrt(n / (n - 1))
    for a, b in zip((one.kappa, *one.kappas), (simple.kappa, *simple.kappas)):
        if a.value is not None:
            close([a.value, a.se], [b.value, b.se * grown], 1e-9)


@given(MATRICES, st.integers(0, 2), st.integers(0, 2))
@SHORT
def test_gradients_are_derivatives(matrix, i, j):
    """More weight in a cell changes kappa as the gradient says (numerically)."""
    p = (matrix + 1.0) / (matrix + 1.0).sum()
    step = 1e-6
    other = p * (1 - step)
    other[i, j] += step
    before, after = accuracy(p), accuracy(other)
    slope = kappa.gradient(p)
    assert (after.kappa - before.kappa) / step == pytest.approx(slope[i, j], rel=1e-3, abs=1e-4)
    a, b, d = p.sum(1), p.sum(0), np.diag(p)
    both, map_only, reference_only, neither = kappa.rest_gradients(a, b, d)
    for k in range(3):
        events = {(True, True): both, (True, False): map_only, (False, True): reference_only}
        event = events.get((i == k, j == k), neither)
        change = (after.classes[k].kappa - before.classes[k].kappa) / step
        assert change == pytest.approx(event[k], rel=1e-3, abs=1e-4)


def test_one_vs_rest_kappa_is_that_of_the_collapsed_matrix():
    matrix = np.array([[65, 4, 22, 24], [6, 81, 5, 8], [0, 11, 85, 19], [4, 7, 3, 90]])
    found = estimation.simple(matrix)
    for k in range(4):
        d, a, b = matrix[k, k], matrix[k].sum(), matrix[:, k].sum()
        two = estimation.simple([[d, a - d], [b - d, matrix.sum() - a - b + d]]).kappa
        one = found.kappas[k]
        close([one.value, one.se, one.low, one.high], [two.value, two.se, two.low, two.high], 1e-12)


def test_one_unit_has_a_score_interval_but_no_error():
    found = estimation.simple([[1, 0], [0, 0]])
    assert found.overall.se is None and found.overall.reason == Reason(Cause.ONE_UNIT)
    close([found.overall.low, found.overall.high], [0.20654931437723745, 1])
    assert found.kappa.value is None and found.notes


def test_more_units_than_pixels():
    with pytest.raises(LulcError, match="10 reference units, but the map has 9 pixels"):
        estimation.simple([[5, 1], [0, 4]], 9)


@pytest.mark.parametrize("matrix", [[[0, 0], [0, 0]], [[1, 2]], [[-1, 2], [3, 4]]])
def test_no_matrix(matrix):
    with pytest.raises(LulcError):
        estimation.simple(matrix)


def test_everything_observed():
    strata = by_class([[5, 1], [0, 4]], [6, 4])
    for found in (estimation.simple([[5, 1], [0, 4]], 10), estimation.stratified(*strata, 2)):
        assert found.fpc and all(
            e.se == 0 and e.low is None and e.reason == Reason(Cause.ALL_OBSERVED) for e in all_of(found)
        )


def test_finite_population_in_a_simple_sample():
    """A fifth of the pixels seen: every error shrinks by √0.8, kappas included."""
    small, large = (estimation.simple([[50, 10], [5, 35]], population) for population in (500, None))
    assert small.fpc and not large.fpc
    pairs = zip((*all_of(small), small.kappa, *small.kappas), (*all_of(large), large.kappa, *large.kappas))
    for a, b in pairs:
        assert a.se == pytest.approx(b.se * math.sqrt(0.8)) and a.high - a.low < b.high - b.low
    close([small.overall.low, small.overall.high], intervals.wilson(85 * 499 / 400, 100 * 499 / 400, 0.95))


def test_perfect_agreement_is_not_certainty():
    """20 of 20 right: the interval is Wilson's, never [1, 1]; kappa has none, and says why."""
    found = estimation.simple(np.diag([12, 8]))
    assert found.overall.se == 0
    close([found.overall.low, found.overall.high], [0.8388748419471806, 1])
    assert (found.kappa.value, found.kappa.se, found.kappa.low) == (1, 0, None)
    assert found.kappa.reason == Reason(Cause.NO_VARIATION)


# ---------------------------------------------------------------- stratified


@given(MATRICES, st.tuples(*[st.integers(200, 90_000)] * 3))
@SHORT
def test_strata_as_map_classes_are_olofsson_2014(matrix, sizes):
    """Equations 5, 6, 7 and 10 of Olofsson et al. 2014, written out."""
    matrix = matrix + np.eye(3, dtype=int) * 2
    found = estimation.stratified(*by_class(matrix, sizes), 3, "never")
    n, total = matrix.sum(1).astype(float), np.array(sizes, float)
    w = total / total.sum()
    share = matrix / n[:, None]
    users = np.diag(share)
    of_area = w @ share
    close([found.overall.value, found.overall.se], [w @ users, np.sqrt((w**2 * users * (1 - users) / (n - 1)).sum())])
    close(ses(found.users), np.sqrt(users * (1 - users) / (n - 1)))
    close([e.value for e in found.area_shares], of_area)
    close(ses(found.area_shares), np.sqrt(w**2 @ (share * (1 - share) / (n[:, None] - 1))))
    producers = w * users / of_area
    reference = total @ share
    expected = []
    for j in range(3):
        others = [i for i in range(3) if i != j]
        first = total[j] ** 2 * (1 - producers[j]) ** 2 * users[j] * (1 - users[j]) / (n[j] - 1)
        second = producers[j] ** 2 * sum(total[i] ** 2 * share[i, j] * (1 - share[i, j]) / (n[i] - 1) for i in others)
        expected.append(math.sqrt((first + second) / reference[j] ** 2))
    close([e.value for e in found.producers], producers)
    close(ses(found.producers), expected)


def loop_error(units, sizes, ratio, keep):
    """√V of Σ y/Σ x by the text of section 2.1 and 2.7: one unit at a time."""
    rows = [
        (h, i, j, 1.0 if units.area is None else units.area[c])
        for c, (h, i, j) in enumerate(zip(units.stratum, units.map, units.reference))
        for _ in range(units.count[c])
    ]
    n = np.bincount([r[0] for r in rows], minlength=len(sizes))
    top = sum(sizes[h] / n[h] * a * ratio(i, j)[0] for h, i, j, a in rows)
    bottom = sum(sizes[h] / n[h] * a * ratio(i, j)[1] for h, i, j, a in rows)
    if bottom == 0:
        return None, None
    variance = 0.0
    for h in range(len(sizes)):
        u = np.array([a * (ratio(i, j)[0] - top / bottom * ratio(i, j)[1]) for g, i, j, a in rows if g == h])
        variance += sizes[h] ** 2 * keep[h] * u.var(ddof=1) / n[h]
    return top / bottom, math.sqrt(variance) / bottom


@given(st.integers(0, 10**6), st.booleans(), st.booleans())
@settings(max_examples=25, deadline=None)
def test_general_strata_against_a_loop(seed, fpc, weighted):
    """Strata that are not map classes, with and without pixel areas, with and without the correction."""
    random = np.random.default_rng(seed)
    stratum = np.repeat([0, 1, 2], 12)
    here, there = random.integers(0, 3, 36), random.integers(0, 3, 36)
    there = np.where(random.random(36) < 0.6, here, there)
    area = random.uniform(0.4, 1, 36) if weighted else None
    units = Units(stratum, here, there, random.integers(1, 4, 36), area)
    sizes = np.array([60.0, 400.0, 9000.0])
    found = estimation.stratified(units, StrataSizes(("a", "b", "c"), sizes), 3, "always" if fpc else "never")
    n = np.bincount(stratum, units.count)
    keep = 1 - n / sizes if fpc else np.ones(3)
    close([found.overall.value, found.overall.se], loop_error(units, sizes, lambda i, j: (i == j, 1), keep), 1e-9)
    for k in range(3):
        kinds = {
            "users": lambda i, j, k=k: (i == k and j == k, i == k),
            "producers": lambda i, j, k=k: (i == k and j == k, j == k),
            "f1": lambda i, j, k=k: (2 * (i == k and j == k), int(i == k) + int(j == k)),
            "iou": lambda i, j, k=k: (i == k and j == k, i == k or j == k),
            "area_shares": lambda i, j, k=k: (j == k, 1),
        }
        for name, ratio in kinds.items():
            one = getattr(found, name)[k]
            value, error = loop_error(units, sizes, ratio, keep)
            if value is None:
                assert one.value is None
            else:
                close([one.value, one.se], [value, error], 1e-7 if weighted and error < 1e-6 else 1e-9)


DESIGNS = ["simple", "stratified", "poststratified", "weighted", "polygons"]


@given(arrays(np.int64, (3, 3), elements=st.sampled_from([0, 0, 3, 40])), st.sampled_from(["standard", "wilson"]))
@pytest.mark.parametrize("design", DESIGNS)
@SHORT
def test_no_interval_claims_certainty(design, matrix, interval):
    """Every interval has a width, holds its value and stays in its range; where there is none, a reason is given."""
    assume(matrix.sum() > 0)
    units, _ = by_class(matrix, [0, 0, 0])
    if design == "simple":
        found = estimation.simple(matrix)
    elif design == "stratified":
        sizes = np.where(matrix.sum(1) > 0, [5000, 200, 7000], 0)
        found = estimation.stratified(*by_class(matrix, sizes), 3, "auto", interval)
    elif design == "poststratified":
        found = estimation.poststratified(matrix, np.where(matrix.sum(1) > 0, [0.3, 0.2, 0.5], 0), interval=interval)
    elif design == "weighted":
        weighted = [np.repeat(v, 2) for v in (units.stratum, units.map, units.reference, units.count)]
        found = estimation.simple(Units(*weighted, np.tile([1, 0.7], len(units.map))), q=3)
    else:
        where = np.arange(12).repeat(len(units.map))
        columns = (np.tile(v, 12) for v in (units.map, units.reference))
        count = np.tile(units.count, 12) + where % 5
        found = estimation.polygons(where, *columns, count, 3)
    for e in all_of(found):
        if e.low is None:
            assert e.high is None and e.reason and not e.method
        else:
            assert 0 <= e.low <= e.value + 1e-12 and e.value - 1e-12 <= e.high <= 1 and e.high - e.low > 1e-6
            assert e.method in ("normal", "wilson", "wilson-effective", "t")
    for e in (found.kappa, *found.kappas):
        assert e.reason if e.low is None else -1 <= e.low and e.low + 1e-6 < e.high <= 1


def test_dagger_uses_the_units_behind_the_figure():
    """Where the error is 0 the score interval stands in, on n_i. for UA, reference units for PA, n for OA."""
    found = estimation.stratified(*by_class([[20, 0], [3, 17]], [1000, 9000]), 2)
    close([found.users[0].low, found.users[0].high], intervals.wilson(20, 20, 0.95))
    close([found.producers[1].low, found.producers[1].high], intervals.wilson(17, 17, 0.95))
    assert found.users[0].method == found.producers[1].method == "wilson" and found.users[1].method == "normal"
    perfect = estimation.stratified(*by_class(np.diag([20, 30]), [1000, 9000]), 2, interval="wilson")
    close([perfect.overall.low, perfect.overall.high], intervals.wilson(50, 50, 0.95))
    close([perfect.iou[0].low], [intervals.wilson(20, 20, 0.95)[0]])
    low = intervals.wilson(20, 20, 0.95)[0]
    close([perfect.f1[0].low], [2 * low / (1 + low)])
    # the area share is 0.1 in any such sample: no width, so no interval
    assert perfect.area_shares[0].value == pytest.approx(0.1) and perfect.area_shares[0].low is None
    assert perfect.area_shares[0].reason == Reason(Cause.NO_VARIATION)


def test_a_stratum_of_one_unit():
    """Its class is unknown, what does not need it is not (mapaccuracy puts 0 there: intervals too narrow)."""
    units, strata = by_class([[1, 0], [3, 17]], [1000, 9000])
    found = estimation.stratified(units, strata, 2)
    assert ses(found.users)[0] is None and found.users[1].se == pytest.approx(0.08191780219091253)
    assert found.overall.se is None and found.kappa.se is None and found.kappa.low is None
    assert found.notes == (found.overall.reason,) == (Reason(Cause.STRATA_OF_ONE_UNIT, names=("class A",)),)
    # strata that are not map classes: every class may be in that stratum
    other = estimation.stratified(units, StrataSizes(("x", "y"), strata.sizes), 2)
    assert ses(other.users) == [None, None] and other.notes[0].names == ("stratum x",)
    # so it is where the map was edited after the points were drawn
    columns = (units.stratum, units.map, units.reference, units.count)
    moved = Units(*(np.append(column, new) for column, new in zip(columns, (1, 0, 0, 1))))
    edited = estimation.stratified(moved, strata, 2)
    assert ses(edited.users) == [None, None]
    # a stratum of one pixel that was observed has no variance at all
    whole = estimation.stratified(*by_class([[1, 0], [3, 17]], [1, 9000]), 2, "always")
    assert whole.overall.se > 0 and not whole.notes and whole.users[0].reason == Reason(Cause.ALL_OBSERVED)


def test_many_strata_of_one_unit_share_a_reason():
    found = estimation.stratified(*by_class(np.eye(6, dtype=int), [10] * 6, map_class=None), 6, "never")
    assert len(found.notes) == 1 and len(found.notes[0].names) == 6


@pytest.mark.parametrize(
    ("matrix", "sizes", "words"),
    [
        ([[5, 1], [0, 0]], [100, 300], r"1 of 2 strata have no reference unit \(B; 75.0 % of the area\)"),
        ([[5, 1], [1, 4]], [100, 0], "size of class B is 0, but 5"),
        ([[5, 1], [1, 4]], [100, 4], "5 reference units in class B, which has 4 pixels"),
        ([[5, 1], [1, 4]], [100, math.nan], "size of class B is unknown"),
        ([[5, 1], [1, 4]], [-3, 50], "size of class A is unknown"),
    ],
)  # fmt: skip
def test_sizes_and_units_that_do_not_belong_together(matrix, sizes, words):
    with pytest.raises(LulcError, match=words):
        estimation.stratified(*by_class(matrix, sizes), 2)


def test_one_unit_leaves_the_other_strata_empty():
    with pytest.raises(LulcError, match="1 of 2 strata have no reference unit"):
        estimation.stratified(*by_class([[1, 0], [0, 0]], [100, 100]), 2)


def test_sizes_as_shares_are_smaller_than_units():
    units, strata = by_class([[5, 1], [1, 4]], [0.3, 0.7], are_counts=False)
    found = estimation.stratified(units, strata, 2, "always")
    assert not found.fpc and found.correction.sizes == "areas"


def test_empty_strata_without_size_do_not_matter():
    units, strata = by_class([[5, 1, 0], [0, 0, 0], [1, 0, 9]], [100, 0, 900])
    assert estimation.stratified(units, strata, 3).overall.value == pytest.approx(0.1 * 5 / 6 + 0.9 * 0.9)


# ---------------------------------------------------------------- finite population


@pytest.mark.parametrize(
    ("rule", "n", "sizes", "counts", "applied", "words"),
    [
        ("auto", [10, 10], [1000, 300], True, False, "not more than 5 %"),
        ("auto", [10, 20], [1000, 300], True, True, "more than 5 %"),
        ("always", [1, 1], [1000, 3000], True, True, "as asked"),
        ("never", [900, 1], [1000, 3000], True, False, "as asked"),
        ("always", [1, 1], [0.5, 0.5], False, False, "areas or shares"),
        ("always", [5], None, True, False, "unknown"),
    ],
)  # fmt: skip
def test_finite_population_rule(rule, n, sizes, counts, applied, words):
    found = estimation.correction(rule, n, sizes, counts)
    assert found.applied == applied and words in correction_sentence(found)
    with pytest.raises(LulcError, match="fpc is 'sometimes'"):
        estimation.correction("sometimes", n, sizes, counts)


def test_finite_population_shrinks_every_stratum():
    units, strata = by_class([[15, 5], [4, 16]], [100, 40_000])
    infinite, finite = (estimation.stratified(units, strata, 2, fpc) for fpc in ("never", "auto"))
    assert finite.fpc and not infinite.fpc
    assert finite.users[0].se == pytest.approx(infinite.users[0].se * math.sqrt(0.8))
    assert finite.users[1].se == pytest.approx(infinite.users[1].se * math.sqrt(1 - 20 / 40_000))


def test_unknown_interval():
    with pytest.raises(LulcError, match="interval is 'exact'"):
        estimation.stratified(*by_class([[5, 1], [1, 4]], [100, 100]), 2, "auto", "exact")


def test_null_variance_of_equal_shares():
    """Map and reference with the same shares: p_e = .5, so (p_e + p_e² − Σ a b (a + b)) / (n (1 − p_e)²) = 1/n."""
    assert kappa.null_variance(np.array([[0.4, 0.1], [0.1, 0.4]]), 50) == pytest.approx(1 / 50)
    assert kappa.null_variance(np.array([[1.0, 0.0], [0.0, 0.0]]), 50) is None


# ---------------------------------------------------------------- post-stratified


def test_poststratified_needs_two_units_in_each_class():
    with pytest.raises(LulcError, match="water has 1") as error:
        estimation.poststratified([[1, 0], [2, 9]], [0.2, 0.8], names=("water", "land"))
    assert "poststratify" in str(error.value)
    with pytest.raises(LulcError, match="water has 0"):
        estimation.poststratified([[0, 0], [2, 9]], [0.2, 0.8], names=("water", "land"))
    with pytest.raises(LulcError, match=r"classes that the map does not have: water \(3\)"):
        estimation.poststratified([[3, 0], [2, 9]], [0, 1], names=("water", "land"))
    with pytest.raises(LulcError, match="differ in size"):
        estimation.poststratified(Units(*[np.array([0, 1])] * 3, np.array([3, 3]), np.array([1.0, 0.5])), [1, 1])
    assert estimation.poststratified([[2, 0], [2, 9]], [0.2, 0.8]).overall.value == pytest.approx(0.2 + 0.8 * 9 / 11)


def test_poststratified_says_so():
    found = estimation.poststratified([[30, 2], [3, 40]], [1, 3])
    assert found.post_stratified and found.design == "simple" and found.overall.method == "normal"
    assert found.overall.value == pytest.approx(0.25 * 30 / 32 + 0.75 * 40 / 43)
    effective = estimation.poststratified([[30, 2], [3, 40]], [1, 3], interval="wilson")
    assert effective.overall.method == "wilson-effective" and effective.overall.low != found.overall.low
    value, se = effective.overall.value, effective.overall.se
    close(
        [effective.overall.low, effective.overall.high],
        intervals.wilson_share(value, value * (1 - value) / se**2, 0.95),
    )


# ---------------------------------------------------------------- polygons


def polygons(seed, k=14, q=3, pixels=30):
    random = np.random.default_rng(seed)
    cluster = np.repeat(np.arange(100, 100 + k), pixels)
    reference = np.repeat(random.integers(0, q, k), pixels)
    mapped = np.where(random.random(k * pixels) < 0.7, reference, random.integers(0, q, k * pixels))
    keep = random.random(k * pixels) < random.uniform(0.3, 1, k)[cluster - 100]
    return cluster[keep], mapped[keep], reference[keep], np.ones(int(keep.sum()), int)


@pytest.mark.parametrize("seed", range(4))
def test_clusters_against_a_loop(seed):
    cluster, mapped, reference, count = polygons(seed)
    found = estimation.polygons(cluster, mapped, reference, count, 3)
    names = np.unique(cluster)
    k = len(names)

    def error(y, x):
        total = np.array([[y[cluster == c].sum(), x[cluster == c].sum()] for c in names])
        ratio = total[:, 0].sum() / total[:, 1].sum()
        spread = ((total[:, 0] - ratio * total[:, 1]) ** 2).sum()
        return ratio, math.sqrt(spread / ((k - 1) * k)) / total[:, 1].mean()

    one = np.ones(len(cluster))
    close([found.overall.value, found.overall.se], error(mapped == reference, one))
    for c in range(3):
        here, there = mapped == c, reference == c
        close([found.users[c].value, found.users[c].se], error(here & there, here))
        close([found.producers[c].value, found.producers[c].se], error(here & there, there))
        close([found.f1[c].value, found.f1[c].se], error(2 * (here & there), here * 1 + there))
        close([found.iou[c].value, found.iou[c].se], error(here & there, here | there))
        close([found.area_shares[c].value, found.area_shares[c].se], error(there, one), 1e-9)
    low = found.overall.value - intervals.t(0.95, k - 1) * found.overall.se
    assert found.overall.method == "t" and found.overall.low == pytest.approx(max(0, low))
    naive = found.overall.value * (1 - found.overall.value) / (len(cluster) - 1)
    assert found.design_effect == pytest.approx(found.overall.se**2 / naive)


@given(MATRICES)
@SHORT
def test_polygons_of_one_pixel_are_a_simple_sample(matrix):
    n = int(matrix.sum())
    assume(n > 10)
    row, column = (np.repeat(v, matrix.ravel()) for v in np.divmod(np.arange(9), 3))
    found = estimation.polygons(np.arange(n), row, column, np.ones(n, int), 3)
    simple = estimation.simple(matrix)
    for a, b in zip(all_of(found), all_of(simple)):
        if a.se is not None:
            close([a.value, a.se], [b.value, b.se], 1e-7)
    close([found.overall.se], [simple.overall.se])
    if simple.kappa.value is not None:
        close([found.kappa.se], [simple.kappa.se * math.sqrt(n / (n - 1))], 1e-8)
    if found.design_effect is not None:
        assert found.design_effect == pytest.approx(1)


def test_a_class_in_few_polygons_has_no_interval():
    """Its single polygon varies around itself by 0: that is no precision."""
    cluster = np.repeat(np.arange(12), 10)
    reference = np.repeat([0] * 11 + [1], 10)
    mapped = np.where(np.arange(120) % 10 == 0, 1 - reference, reference)
    mapped[:5] = 1
    found = estimation.polygons(cluster, mapped, reference, np.ones(120, int), 2)
    assert found.producers[0].method == "t"
    assert found.producers[1].value is not None and found.producers[1].se is None and found.producers[1].low is None
    assert found.producers[1].reason == Reason(Cause.TOO_FEW_POLYGONS, (1, 10))


def test_a_class_in_five_polygons_of_many():
    cluster = np.repeat(np.arange(15), 10)
    reference = np.repeat([0] * 10 + [1] * 5, 10)
    mapped = np.where(np.random.default_rng(0).random(150) < 0.2, 1 - reference, reference)
    found = estimation.polygons(cluster, mapped, reference, np.ones(150, int), 2)
    assert found.producers[0].method == "t" and found.overall.method == "t"
    assert found.producers[1].se > 0 and found.producers[1].low is None
    assert found.producers[1].reason == Reason(Cause.TOO_FEW_POLYGONS, (5, 10))


def test_polygons_that_are_all_right():
    cluster, zeros = np.repeat(np.arange(15), 40), np.zeros(600, int)
    found = estimation.polygons(cluster, zeros, zeros, np.ones(600, int), 2)
    close([found.overall.low, found.overall.high], intervals.wilson(15, 15, 0.95))
    assert found.overall.method == "wilson" and found.design_effect is None


def test_few_polygons():
    cluster, mapped, reference, count = polygons(1, k=9)
    found = estimation.polygons(cluster, mapped, reference, count, 3)
    assert found.overall.se is not None and all(e.low is None for e in all_of(found))
    assert found.notes == (Reason(Cause.TOO_FEW_POLYGONS, (9, 10)),)
    one = estimation.polygons(np.zeros(4, int), np.zeros(4, int), np.array([0, 0, 0, 1]), np.ones(4, int), 2)
    assert one.overall.value == 0.75 and one.overall.se is None and one.overall.reason
    with pytest.raises(LulcError, match="No pixel"):
        estimation.polygons(*[np.zeros(0, int)] * 4, 2)


# ---------------------------------------------------------------- is it a simple sample?


def test_spread_check():
    x2, freedom, p = spread_check([75, 75, 165, 325], [200_000, 150_000, 3_200_000, 6_450_000])
    assert x2 == pytest.approx(774.1997108163761) and freedom == 3 and p < 1e-100
    x2, freedom, p = spread_check([50, 30, 20, 0], [0.5, 0.3, 0.2, 0])
    assert (x2, freedom, p) == (pytest.approx(0, abs=1e-20), 2, 1)
    assert spread_check([7], [1]) == (0, 0, 1)
    with pytest.raises(LulcError, match="4 reference units"):
        spread_check([50, 4], [1, 0])


def test_a_thousand_classes_take_seconds():
    random = np.random.default_rng(0)
    row = random.integers(0, 1000, 50_000)
    column = np.where(random.random(50_000) < 0.8, row, random.integers(0, 1000, 50_000))
    units = Units(row, row, column, np.ones(50_000, int))
    sizes = StrataSizes(tuple(map(str, range(1000))), np.full(1000, 5e4), True, tuple(range(1000)))
    found = estimation.stratified(units, sizes, 1000)
    assert len(found.users) == 1000 and found.kappa.se > 0


def test_a_stratum_that_is_wholly_in_the_sample_has_no_error():
    """One pixel, sizes by area: a stratum of one unit whose variance is not unknown but 0."""
    units = estimation.Units(np.array([0, 0, 1]), np.array([0, 0, 1]), np.array([0, 1, 1]), np.array([18, 2, 1]))
    sizes = (("a", "b"), np.array([99.9, 0.1]), False, (0, 1))
    unknown = estimation.stratified(units, estimation.StrataSizes(*sizes), 2)
    assert unknown.overall.se is None and unknown.notes
    known = estimation.stratified(units, estimation.StrataSizes(*sizes, complete=(False, True)), 2)
    assert known.overall.se == pytest.approx(0.999 * np.sqrt(0.9 * 0.1 / 19)) and not known.notes
    never = estimation.stratified(units, estimation.StrataSizes(*sizes, complete=(False, True)), 2, fpc="never")
    assert never.overall.se is None


def test_factors_of_poststratification():
    """Stehman 2013, equation 48, written out."""
    found = poststratified_factors(np.array([0.25, 0.75]), np.array([4.0, 12.0]), 0.1)
    n = 16
    rows = [(0.9 * w / n + (1 - w) / n**2) for w in (0.25, 0.75)]
    np.testing.assert_allclose(found, rows, rtol=1e-12)


def test_limits_by_hand():
    """Agresti & Coull's formula, and the closed forms of the beta distribution where there are some."""
    low, high = intervals.agresti_coull(3, 10, 0.95)
    z2 = 1.959963984540054**2
    p = (3 + z2 / 2) / (10 + z2)
    half = math.sqrt(z2 * p * (1 - p) / (10 + z2))
    assert (low, high) == pytest.approx((p - half, p + half), rel=1e-12)
    assert intervals.clopper_pearson(0, 10, 0.95) == pytest.approx((0, 1 - 0.025 ** (1 / 10)), rel=1e-9)
    assert intervals.clopper_pearson(10, 10, 0.95) == pytest.approx((0.025 ** (1 / 10), 1), rel=1e-9)
    assert intervals.clopper_pearson(1, 2, 0.95) == pytest.approx((1 - math.sqrt(0.975), math.sqrt(0.975)), rel=1e-9)
    assert intervals.normal(0.99, 0.02, 0.95) == pytest.approx((0.99 - 0.02 * math.sqrt(z2), 1.0))
    assert intervals.normal(0.01, 0.02, 0.95) == pytest.approx((0.0, 0.01 + 0.02 * math.sqrt(z2)))
