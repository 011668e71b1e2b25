# SPDX-License-Identifier: GPL-3.0-or-later
"""Two maps judged on the same units: McNemar's test and paired differences.

Both maps are right and wrong at much the same units, so their figures are correlated; a test that takes them for
independent (the z-test of two kappas) misses real differences (Foody 2004).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ...errors import LulcError
from ..confusion_matrix import accuracy
from ..result import Cause, Correction, Difference, Estimate, Estimates, McNemar, Reason
from . import conservative, kappa
from .estimation import FEWEST, class_of_strata, too_few
from .figures import linearised, values_of
from .intervals import t, z
from .sample_units import StrataSizes, Units, correction, units_of_strata
from .variance import ZERO, ClusterSample, Sample, entries, stratified_factors, sums
from .weighted_sums import Bounds

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

#: From this number of discordant units on the chi-square form is reported.
EXACT_BELOW = 25


@dataclass(frozen=True)
class Differences:
    """Map A minus map B; per-class tuples follow the order of the classes.

    Attributes:
        overall, kappa, users, producers: paired differences.
        correction: the finite population correction.
    """

    overall: Difference
    kappa: Difference
    users: tuple[Difference, ...]
    producers: tuple[Difference, ...]
    correction: Correction | None = None


def mcnemar(only_a: int, only_b: int) -> McNemar:
    """McNemar's test (1947) for units of a simple random sample that only one of two maps has right.

    χ² = (a − b)²/(a + b) with one degree of freedom; corrected (|a − b| − 1)²/(a + b), 0 when equal; exact
    p = min(1, 2 P[Bin(a + b, ½) ≤ min]); mid-p = exact − P[Bin = min], or 1 − P[Bin = min] when equal (Fagerland,
    Lydersen & Laake 2013). Reported: exact below 25 discordant units, else the uncorrected χ².

    Raises:
        LulcError: negative numbers.
    """
    if only_a < 0 or only_b < 0:
        raise LulcError(f"There are no {min(only_a, only_b)} units.")
    n, least = only_a + only_b, min(only_a, only_b)
    if n == 0:
        return McNemar(0, 0, None, None, 1.0, None, 1.0, 1.0, 1.0, "exact")
    score = (only_a - only_b) / math.sqrt(n)
    corrected = max(abs(only_a - only_b) - 1, 0) ** 2 / n
    at_least = math.exp(math.lgamma(n + 1) - math.lgamma(least + 1) - math.lgamma(n - least + 1) - n * math.log(2))
    from scipy import special  # only here, see intervals.z

    exact = min(1.0, 2 * float(special.bdtr(least, n, 0.5)))
    return McNemar(
        only_a=int(only_a),
        only_b=int(only_b),
        z=score,
        chi2=score**2,
        p=_two_sided(score),
        chi2_corrected=corrected,
        p_corrected=_two_sided(math.sqrt(corrected)),
        p_exact=exact,
        p_midp=1 - at_least if only_a == only_b else exact - at_least,
        reported="exact" if n < EXACT_BELOW else "chi2",
    )


def differences(
    units: Units,
    map_b: Indices,
    q: int,
    sizes: StrataSizes | None = None,
    population: float | None = None,
    fpc: str = "auto",
    level: float = 0.95,
) -> Differences:
    """Paired differences A − B of a simple (`sizes` None) or stratified sample, with intervals ± z · SE.

    Per unit: for overall accuracy [A right] − [B right]; for user's accuracy (y_A − R_A x_A)/X_A − (y_B − R_B x_B)/X_B;
    producer's the same with x the reference class; for kappa the difference of the gradients. The variance is that of
    the unit's number by `variance.Sample`; two-sided normal p, Holm's adjustment over the classes of a family.

    Args:
        units: the sample, with the classes of map A; strata are ignored without `sizes`.
        map_b: class indices `(n,)` on map B.
        q: number of classes.
        sizes: the strata; None for a simple random sample.
        population: number of units that could have been drawn, for the correction of a simple sample.
        fpc: rule of `job.FPC`.
        level: confidence level.

    Raises:
        LulcError: no unit; sizes and units do not belong together.
    """
    sample, rule = _sampled(units, sizes, population, fpc)
    test = _test(sample, sizes, level)
    return replace(_paired(sample, (units.map, map_b), units.reference, q, test), correction=rule)


def conservative_differences(
    units: Units,
    map_b: Indices,
    q: int,
    sizes: StrataSizes | None = None,
    population: float | None = None,
    fpc: str = "auto",
    level: float = 0.95,
) -> Differences:
    """The same with conservative intervals (see `weighted_sums`), also where no unit shows a difference.

    z and p are those of the normal interval with the same bound on the side of 0, so that p and interval agree.
    """
    sample, rule = _sampled(units, sizes, population, fpc)
    test = _test(sample, sizes, level)
    bounds = None
    if not test.exact and test.unknown is None:
        nested = None if sizes is None else class_of_strata(units, sizes)
        maps = np.asarray(units.map), np.asarray(map_b)
        first, second = (accuracy(sample.matrix(m, units.reference, q)) for m in maps)
        bounds = conservative.differences(sample, maps, units.reference, (first, second), nested, level)
    return replace(_paired(sample, (units.map, map_b), units.reference, q, test, bounds), correction=rule)


def _sampled(units: Units, sizes: StrataSizes | None, population: float | None, fpc: str) -> tuple[Sample, Correction]:
    n = float(np.asarray(units.count, np.float64).sum())
    if n <= 0:
        raise LulcError("The two maps and the reference share no valid unit.")
    if sizes is None:
        if population is not None and n > population:
            raise LulcError(f"There are {n:g} reference units, but the map has {population:g} pixels.")
        place: Indices = np.zeros(len(units.count), np.int64)
        rule = correction(fpc, n, population)
        per_stratum, weights = np.array([n]), np.ones(1)
        fractions = np.array([n / population if rule.applied and population else 0.0])
    else:
        place = np.asarray(units.stratum)
        per_stratum = units_of_strata(units, sizes)
        known = np.asarray(sizes.sizes, np.float64)
        rule = correction(fpc, per_stratum, known, sizes.are_counts)
        fractions = np.divide(per_stratum, known, out=np.zeros(len(known)), where=known > 0) * rule.applied
        weights = known / known.sum()
    factors = stratified_factors(weights, per_stratum, fractions)
    return Sample(place, units.count, weights, factors, units.area), rule


def _test(sample: Sample, sizes: StrataSizes | None, level: float) -> _Test:
    complete = bool(np.all(np.isinf(sample.worth)))
    return _Test(z(level), _two_sided, _single_units(sample, sizes), complete)


def _single_units(sample: Sample, sizes: StrataSizes | None) -> Reason | None:
    """Strata of one unit whose variance would matter; None where there are none."""
    if not np.any(sample.unknown):
        return None
    if sizes is None:
        return Reason(Cause.ONE_UNIT)
    return Reason(Cause.STRATA_OF_ONE_UNIT, names=tuple(sizes.title(int(h)) for h in np.flatnonzero(sample.unknown)))


def cluster_differences(
    cluster: Indices,
    map_a: Indices,
    map_b: Indices,
    reference: Indices,
    count: npt.ArrayLike,
    q: int,
    level: float = 0.95,
) -> Differences:
    """Paired differences A − B on polygons drawn at random: errors between polygons, t in place of the normal.

    Args:
        cluster: polygon of each cell `(n,)`, any integers.
        map_a, map_b, reference: class indices `(n,)`.
        count: pixels in each cell `(n,)`.
        q: number of classes.
        level: confidence level.

    Raises:
        LulcError: no pixel.
    """
    sample = ClusterSample(cluster, count)
    k = sample.polygons

    def p_of(score: float) -> float:
        from scipy import special

        return 2 * float(special.stdtr(k - 1, -abs(score)))

    test = _Test(t(level, max(k - 1, 1)), p_of, too_few(k) if k < FEWEST else None, False)
    return _paired(sample, (map_a, map_b), reference, q, test)


@dataclass(frozen=True)
class _Test:
    """How an error becomes an interval and a p: `quantile` of the distribution and its two-sided `p_of` a score.

    `unknown` says why no difference has an interval; None where they have. `exact`: every unit was observed.
    """

    quantile: float
    p_of: Callable[[float], float]
    unknown: Reason | None
    exact: bool


def _paired(
    sample: Sample | ClusterSample,
    of_maps: tuple[Indices, Indices],
    reference: Indices,
    q: int,
    test: _Test,
    bounds: Mapping[str, Bounds] | None = None,
) -> Differences:
    maps = [np.asarray(m) for m in of_maps]
    reference = np.asarray(reference)
    shares = [sums(m * q + reference, sample.shares, q * q).reshape(q, q) for m in maps]
    points = [accuracy(p) for p in shares]
    a, b = (values_of(p) for p in points)
    right = [(m == reference).astype(np.float64) - point.overall for m, point in zip(maps, points)]
    slopes = [kappa.gradient(p) for p in shares]
    kappa_se = np.nan
    if slopes[0] is not None and slopes[1] is not None:
        kappa_se = sample.error(slopes[0][maps[0], reference] - slopes[1][maps[1], reference])
    concerned = entries((*maps, reference), q)
    tables = [linearised(point, bit, 4, 8) for point, bit in zip(points, (1, 2))]
    users_se, producers_se = (sample.errors(concerned, tables[0][f] - tables[1][f]) for f in ("users", "producers"))

    def given(name: str) -> list[tuple[float, float] | None]:
        if bounds is None or name not in bounds:
            return [None] * q
        return list(zip(np.atleast_1d(bounds[name].low).tolist(), np.atleast_1d(bounds[name].high).tolist()))

    def family(name: str, first: Floats, second: Floats, se: Floats) -> tuple[Difference, ...]:
        return holm([_difference(*of_class, test) for of_class in zip(first, second, se, given(name))])

    overall_se = sample.error(right[0] - right[1])
    return Differences(
        overall=_difference(a.overall, b.overall, overall_se, given("overall")[0], test),
        kappa=_difference(a.kappa, b.kappa, kappa_se, given("kappa")[0], test),
        users=family("users", a.users, b.users, users_se),
        producers=family("producers", a.producers, b.producers, producers_se),
    )


def bare_differences(a: Estimates, b: Estimates, cause: Cause) -> Differences:
    """Differences of two estimates without errors, for designs that have none; `cause` says why."""

    def build(first: Estimate, second: Estimate) -> Difference:
        if first.value is None or second.value is None:
            return Difference(
                first.value, second.value, None, None, None, None, None, None, reason=Reason(Cause.NO_VALUE)
            )
        change = first.value - second.value
        return Difference(first.value, second.value, change, None, None, None, None, None, reason=Reason(cause))

    return Differences(
        build(a.overall, b.overall),
        build(a.kappa, b.kappa),
        tuple(map(build, a.users, b.users)),
        tuple(map(build, a.producers, b.producers)),
    )


def holm(family: Sequence[Difference]) -> tuple[Difference, ...]:
    """The same differences with p adjusted for their number (Holm 1979), over those that have a p."""
    tested = sorted((d.p, i) for i, d in enumerate(family) if d.p is not None)
    out, largest = list(family), 0.0
    for rank, (p, i) in enumerate(tested):
        largest = max(largest, min(1.0, (len(tested) - rank) * p))
        out[i] = replace(family[i], p_holm=largest)
    return tuple(out)


def independent_kappa_z(matrix1: npt.ArrayLike, matrix2: npt.ArrayLike) -> tuple[float, float]:
    """z and two-sided p of two kappas from **independent** simple random samples; wrong for two maps on one sample.

    (κ1 − κ2)/√(V1 + V2) with the variances of Fleiss, Cohen & Everitt (1969).

    Raises:
        LulcError: a kappa is undefined or has no variance.
    """
    figures, variances = [], []
    for matrix in (matrix1, matrix2):
        counts = np.asarray(matrix, np.float64)
        point = accuracy(counts)
        spread = kappa.variance(counts / counts.sum(), float(counts.sum()))
        if point.kappa is None or spread is None:
            raise LulcError("Kappa is undefined: all units of a matrix are of one and the same class.")
        figures.append(point.kappa)
        variances.append(spread)
    if sum(variances) <= 0:
        raise LulcError("Neither kappa has a variance: they cannot be compared.")
    score = (figures[0] - figures[1]) / math.sqrt(sum(variances))
    return score, _two_sided(score)


def _difference(a: float, b: float, se: float, bounds: tuple[float, float] | None, test: _Test) -> Difference:
    first, second = (None if np.isnan(v) else float(v) for v in (a, b))
    if first is None or second is None:
        return _no_difference(first, second)
    change = first - second
    if test.exact:
        return Difference(first, second, change, 0.0, None, None, None, None, reason=Reason(Cause.ALL_OBSERVED))
    if test.unknown is not None or np.isnan(se):
        return Difference(first, second, change, None, None, None, None, None, reason=test.unknown)
    if bounds is not None:
        return _within_bounds(Difference(first, second, change, float(se), None, None, *bounds), test.quantile)
    if se == 0:
        if abs(change) < ZERO:
            return Difference(first, second, 0.0, 0.0, None, None, 0.0, 0.0, reason=Reason(Cause.NO_DIFFERENCE))
        return Difference(first, second, change, 0.0, None, None, None, None, reason=Reason(Cause.SAME_DIFFERENCE))
    score, half = change / float(se), test.quantile * float(se)
    return Difference(first, second, change, float(se), score, test.p_of(score), change - half, change + half)


def _within_bounds(of: Difference, quantile: float) -> Difference:
    """With the z and p of a normal interval that has the same bound on the side of 0."""
    change, low, high = of.difference, of.low, of.high
    if change is None or low is None or high is None:
        return of
    if abs(change) < ZERO:
        return replace(of, difference=0.0, z=0.0, p=1.0)
    half = change - low if change > 0 else high - change
    score = quantile * change / half
    return replace(of, z=score, p=_two_sided(score))


def _no_difference(a: float | None, b: float | None) -> Difference:
    return Difference(a, b, None, None, None, None, None, None, reason=Reason(Cause.NO_VALUE))


def _two_sided(score: float) -> float:
    return math.erfc(abs(score) / math.sqrt(2))
