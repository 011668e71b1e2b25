# SPDX-License-Identifier: GPL-3.0-or-later
"""What a reference says about a map, design by design: figures, standard errors, intervals.

A census and units that are not a probability sample have no sampling error to speak of; simple, stratified and
post-stratified samples share `variance.Sample`; polygons drawn at random are clusters of pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Union

import numpy as np
import numpy.typing as npt

from ...errors import LulcError
from ...options import option
from ..confusion_matrix import Accuracy, accuracy
from ..job import INTERVALS
from ..result import Cause, Estimate, Estimates, Reason
from . import kappa
from .conservative import events_of
from .figures import IntervalRule, Values, assemble, bare, sampling_errors, values_of
from .intervals import t, wilson
from .sample_units import StrataSizes, Units, correction, cross, listed, units_of_strata
from .variance import ZERO, ClusterSample, Sample, entries, poststratified_factors, stratified_factors

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]
CountsOrUnits = Union[npt.ArrayLike, Units]

#: Fewer polygons than this get no interval.
FEWEST = 10
#: An interval of overall accuracy wider than this says hardly more than a guess: "between 60 and 90 %".
TOO_WIDE = 0.3
#: Half-width that a sample should have; what is asked for where it is too small.
ENOUGH = 0.1


def census(counts: npt.ArrayLike, shares: npt.ArrayLike | None = None) -> Estimates:
    """Every pixel was compared: figures without intervals.

    Args:
        counts: `(q, q)` pixels, rows map.
        shares: `(q, q)` areas of the same cells on any scale, where pixels differ in size; None: pixels are alike.
    """
    return _without_error("census", counts, shares, Cause.CENSUS)


def descriptive(counts: npt.ArrayLike, shares: npt.ArrayLike | None = None) -> Estimates:
    """Units that nobody drew at random: figures that describe these units, without intervals."""
    return _without_error("descriptive", counts, shares, Cause.DESCRIPTIVE)


def _without_error(design: str, counts: npt.ArrayLike, shares: npt.ArrayLike | None, cause: Cause) -> Estimates:
    table = np.asarray(counts)
    weights = np.asarray(table if shares is None else shares, np.float64)
    if weights.shape != table.shape:
        raise LulcError(f"The table of counts is {table.shape}, that of areas {weights.shape}.")
    estimates = bare(design, table.astype(np.int64), weights / max(float(weights.sum()), 1e-300), cause)
    # counts are exact where shares are rounded
    return replace(estimates, point=accuracy(table)) if shares is None else estimates


def simple(
    sample: CountsOrUnits,
    population: float | None = None,
    fpc: str = "auto",
    level: float = 0.95,
    q: int | None = None,
    interval: str = "standard",
) -> Estimates:
    """A simple random or systematic sample.

    Standard errors (OA: √[(1 − f) OA (1 − OA)/(n − 1)]; UA: √[(1 − f) n/(n − 1) · UA (1 − UA)/n_i.]) by
    `variance.Sample`, kappa's by Fleiss, Cohen & Everitt (1969); score intervals (Wilson 1927), with m (N − 1)/(N − n)
    in place of m under the finite population correction. With `Units.area` every unit counts by the area of its pixel:
    ratio estimates with normal intervals.

    Args:
        sample: `(q, q)` counts, or units (their strata are ignored).
        population: number of units (pixels) that could have been drawn; None: unknown.
        fpc: rule of `job.FPC`.
        level: confidence level.
        q: number of classes; needed with units.
        interval: "conservative" (see `weighted_sums`); all others of `job.INTERVALS` are the score intervals.

    Raises:
        LulcError: no unit, or more units than the population.
    """
    units, counts = _units_and_counts(sample, q)
    n = float(counts.sum())
    if population is not None and n > population:
        raise LulcError(
            f"There are {n:g} reference units, but the map has {population:g} pixels.",
            f"Several points may lie in one pixel: remove duplicates, or choose {option('design', 'descriptive')}.",
        )
    rule = correction(fpc, n, population)
    fraction = n / population if rule.applied and population else 0.0
    everywhere = np.zeros(len(units.map), np.int64)
    drawn = Sample(everywhere, units.count, np.ones(1), np.array([(1 - fraction) / n]), units.area)
    alike = units.area is None
    shares = counts / n if alike else drawn.matrix(units.map, units.reference, len(counts))
    point = accuracy(counts if alike else shares)
    errors = sampling_errors(drawn, units.map, units.reference, shares, point)
    if alike:
        errors = _with_kappas(errors, point, shares, n, fraction)
    unknown = Reason(Cause.ONE_UNIT) if n == 1 else None
    if unknown is not None:
        errors = _unknown(errors)
    complete = rule.applied and fraction >= 1
    inflate = (population - 1) / (population - n) if population and rule.applied and not complete else 1.0
    method = method_of(interval) if interval == "conservative" else ("wilson" if alike else "normal")
    bounds = IntervalRule(method, level, unknown, inflate, complete)
    if method == "conservative":
        events = events_of(drawn, units.map, units.reference, point, None, level)
        bounds = replace(bounds, bounds=events.bounds())
    estimates = assemble("simple", counts, shares, point, errors, bounds)
    return replace(estimates, correction=rule, notes=_notes(estimates, unknown))


def _with_kappas(errors: Values, point: Accuracy, shares: Floats, n: float, fraction: float) -> Values:
    """With the standard errors of kappas by Fleiss, Cohen & Everitt."""
    classes = point.classes
    rows, columns = np.array([c.map_share for c in classes]), np.array([c.reference_share for c in classes])
    variance = kappa.variance(shares, n)
    return replace(
        errors,
        kappa=np.nan if variance is None else _root((1 - fraction) * variance),
        kappas=_roots((1 - fraction) * kappa.rest_variances(rows, columns, np.diag(shares), n)),
    )


def poststratified(
    sample: CountsOrUnits,
    map_shares: npt.ArrayLike,
    population: float | None = None,
    fpc: str = "auto",
    level: float = 0.95,
    interval: str = "standard",
    names: Sequence[str] = (),
) -> Estimates:
    """A simple random sample, weighted by what is known of the map: the share W_i of each of its classes.

    p_ij = W_i n_ij/n_i., V = (1 − f)/n Σ W_h s²_h + (1/n²) Σ (1 − W_h) s²_h with s²_h = n_h p (1 − p)/(n_h − 1)
    (Stehman 2013, equation 48), for every figure through its linearised values.

    Args:
        sample: `(q, q)` counts, or units without `area`.
        map_shares: W_i `(q,)`, on any scale.
        population, fpc, level: as in `simple`.
        interval: as in `stratified`.
        names: class names for messages.

    Raises:
        LulcError: a class of the map has fewer than two units, or units lie on a class that the map does not have.
    """
    weights = np.asarray(map_shares, np.float64)
    units, counts = _units_and_counts(sample, len(weights))
    if units.area is not None:
        raise LulcError(
            "Post-stratification is not offered where points were drawn pixel by pixel and pixels differ in size.",
            f"Switch {option('poststratify')} off.",
        )
    called = list(names) or [str(k + 1) for k in range(len(weights))]
    rows = counts.sum(axis=1)
    nowhere = [f"{called[k]} ({rows[k]:g})" for k in range(len(weights)) if rows[k] > 0 and not weights[k] > 0]
    if nowhere:
        raise LulcError(f"Reference units lie on classes that the map does not have: {listed(nowhere)}.")
    few = [f"{called[k]} has {rows[k]:g}" for k in range(len(weights)) if weights[k] > 0 and rows[k] < 2]
    if few:
        raise LulcError(
            f"Post-stratification needs two reference units on each class of the map; {listed(few)}.",
            f"Switch {option('poststratify')} off, merge classes, or add units.",
        )
    n = float(counts.sum())
    rule = correction(fpc, n, population)
    fraction = n / population if rule.applied and population else 0.0
    weights = weights / weights.sum()
    drawn = Sample(units.map, units.count, weights, poststratified_factors(weights, rows, fraction))
    nested = np.arange(len(weights))
    bounds = IntervalRule(method_of(interval), level, exact=fraction >= 1)
    estimates = _from_sample("simple", drawn, units, counts, bounds, nested=nested)
    return replace(estimates, correction=rule, post_stratified=True, notes=_notes(estimates, None))


def stratified(
    units: Units,
    strata: StrataSizes,
    q: int,
    fpc: str = "auto",
    interval: str = "standard",
    level: float = 0.95,
) -> Estimates:
    """A sample drawn stratum by stratum (Olofsson et al. 2014; Stehman 2014 where strata are not the map's classes).

    Args:
        units: the sample.
        strata: sizes of the strata; one that has a size has units, too.
        q: number of classes.
        fpc: rule of `job.FPC`.
        interval: "standard" (estimate ± z · SE, clipped), "wilson" (score intervals with the effective sample size) or
            "conservative" (see `weighted_sums`).
        level: confidence level.

    Raises:
        LulcError: sizes and units do not belong together; a stratum has no unit.
    """
    n = units_of_strata(units, strata)
    sizes = np.asarray(strata.sizes, np.float64)
    rule = correction(fpc, n, sizes, strata.are_counts)
    fractions = np.divide(n, sizes, out=np.zeros(len(n)), where=sizes > 0) if rule.applied else np.zeros(len(n))
    if strata.complete is not None and fpc != "never":
        # sizes by area are not counts, but a stratum that is wholly in the sample has no sampling error all the same
        fractions = np.where(strata.complete, 1.0, fractions)
    weights = sizes / sizes.sum()
    factors = stratified_factors(weights, n, fractions)
    drawn = Sample(units.stratum, units.count, weights, factors, units.area)
    counts = units.counts(q)
    single = np.flatnonzero(drawn.unknown)
    titles = tuple(strata.title(int(h)) for h in single)
    unknown = Reason(Cause.STRATA_OF_ONE_UNIT, names=titles) if titles else None
    nested = class_of_strata(units, strata)
    bounds = IntervalRule(
        method_of(interval),
        level,
        unknown,
        exact=not np.any(factors > 0),
        exact_users=None if nested is None else ~np.isin(np.arange(q), nested[factors > 0]),
    )
    known_users = None if nested is None else ~np.isin(np.arange(q), nested[single])
    estimates = _from_sample("stratified", drawn, units, counts, bounds, known_users, nested)
    return replace(estimates, correction=rule, notes=_notes(estimates, unknown))


def polygons(
    cluster: Indices,
    map_class: Indices,
    reference: Indices,
    count: npt.ArrayLike,
    q: int,
    level: float = 0.95,
) -> Estimates:
    """Figures of all pixels, with errors between polygons (see `variance.ClusterSample`) and t intervals.

    An interval, R ± t_{k−1} √V, is given from 10 polygons on; for a class, from 10 polygons on that show it in the
    figure's denominator (the map class for user's accuracy, and so on), because one polygon alone would have an error
    of 0. Where every pixel is right (or wrong) the score interval of as many units as polygons stands in.

    Args:
        cluster: polygon of each cell `(n,)`, any integers.
        map_class, reference: class indices `(n,)`.
        count: pixels of each cell `(n,)`.
        q: number of classes.
        level: confidence level.

    Raises:
        LulcError: no pixel.
    """
    map_class, reference = np.asarray(map_class), np.asarray(reference)
    sample = ClusterSample(cluster, count)
    counts = cross(map_class, reference, count, q)
    n, k = float(counts.sum()), sample.polygons
    shares, point = counts / n, accuracy(counts)
    figures, errors = values_of(point), sampling_errors(sample, map_class, reference, shares, point)
    concerned = entries((map_class, reference), q)
    either, whole = sample.showing(concerned, (1, 2, 3)), np.full(q, k)

    def build(
        values: npt.ArrayLike, se: npt.ArrayLike, number: npt.ArrayLike, absent: Cause, lowest: float = 0.0
    ) -> tuple[Estimate, ...]:
        rows = zip(*(np.atleast_1d(np.asarray(v, np.float64)) for v in (values, se, number)))
        return tuple(
            _between_polygons(value, error, int(shown), k, level, absent, lowest) for value, error, shown in rows
        )

    independent = point.overall * (1 - point.overall) / (n - 1) if n > 1 else 0.0
    estimates = Estimates(
        design="polygons",
        counts=counts,
        shares=shares,
        point=point,
        overall=build(figures.overall, errors.overall, k, Cause.ABSENT)[0],
        kappa=build(figures.kappa, errors.kappa, k, Cause.NO_KAPPA, -1.0)[0],
        users=build(figures.users, errors.users, sample.showing(concerned, (1, 3)), Cause.NOT_IN_MAP),
        producers=build(figures.producers, errors.producers, sample.showing(concerned, (2, 3)), Cause.NOT_IN_REFERENCE),
        f1=build(figures.f1, errors.f1, either, Cause.ABSENT),
        iou=build(figures.iou, errors.iou, either, Cause.ABSENT),
        kappas=build(figures.kappas, errors.kappas, either, Cause.NO_CLASS_KAPPA, -1.0),
        area_shares=build(figures.areas, errors.areas, whole, Cause.ABSENT),
        design_effect=errors.overall**2 / independent if independent > 0 and not np.isnan(errors.overall) else None,
    )
    return replace(estimates, notes=(too_few(k),)) if k < FEWEST else estimates


def too_few(k: int) -> Reason:
    """The reason why `k` polygons get no interval."""
    return Reason(Cause.TOO_FEW_POLYGONS, (k, FEWEST))


def _between_polygons(
    value: float, se: float, shown: int, k: int, level: float, absent: Cause, lowest: float
) -> Estimate:
    if np.isnan(value):
        return Estimate(None, reason=Reason(absent))
    value = float(value)
    if shown < 2 or np.isnan(se):
        return Estimate(value, reason=too_few(shown))
    if shown < FEWEST:
        return Estimate(value, float(se), reason=too_few(shown))
    if se > 0:
        half = t(level, k - 1) * float(se)
        return Estimate(value, float(se), max(lowest, value - half), min(1.0, value + half), "t")
    if lowest == 0 and (value < ZERO or value > 1 - ZERO):
        return Estimate(value, 0.0, *wilson(round(value) * shown, shown, level), "wilson")
    return Estimate(value, 0.0, reason=Reason(Cause.NO_VARIATION_OF_POLYGONS))


def _notes(estimates: Estimates, unknown: Reason | None) -> tuple[Reason, ...]:
    """What must be said of the whole sample: why errors are unknown, and that it is too small for a claim."""
    overall = estimates.overall
    if unknown is not None:
        return (unknown,)
    if overall.method != "conservative" or overall.low is None or overall.high is None:
        return ()
    n = int(estimates.counts.sum())
    needed = units_needed(n, overall.high - overall.low)
    return () if needed is None else (Reason(Cause.SAMPLE_TOO_SMALL, (n, needed)),)


def units_needed(n: int, width: float) -> int | None:
    """How many units would give ± 10 %, where the interval of overall accuracy is too wide for a claim; else None.

    Args:
        n: units there are.
        width: of the interval of overall accuracy that they give.
    """
    if width <= TOO_WIDE:
        return None
    # widths shrink with the root of the number; to the next ten, because it is a rough one
    return 10 * int(np.ceil(n * (width / (2 * ENOUGH)) ** 2 / 10))


def _from_sample(
    design: str,
    sample: Sample,
    units: Units,
    counts: Indices,
    bounds: IntervalRule,
    known_users: npt.NDArray[np.bool_] | None = None,
    nested: Indices | None = None,
) -> Estimates:
    """Estimates by the variance of `sample`; user's accuracies of `known_users` have an error whatever is unknown.

    `nested`: class of each stratum `(H,)`, see `class_of_strata`.
    """
    shares = sample.matrix(units.map, units.reference, len(counts))
    point = accuracy(shares)
    errors = sampling_errors(sample, units.map, units.reference, shares, point)
    if bounds.unknown is not None:
        errors = _unknown(errors, known_users)
    if bounds.method == "conservative":
        events = events_of(sample, units.map, units.reference, point, nested, bounds.level)
        bounds = replace(bounds, bounds=events.bounds())
    return assemble(design, counts, shares, point, errors, bounds)


def class_of_strata(units: Units, strata: StrataSizes) -> Indices | None:
    """Class index of each stratum `(H,)` if each holds units of that map class only, else None.

    Then a user's accuracy depends on its own stratum alone, whatever other strata lack.
    """
    if strata.map_class is None or any(k is None for k in strata.map_class):
        return None
    classes = np.array([-1 if k is None else k for k in strata.map_class], np.int64)
    return classes if np.array_equal(classes[units.stratum], units.map) else None


def _units_and_counts(sample: CountsOrUnits, q: int | None) -> tuple[Units, Indices]:
    if isinstance(sample, Units):
        if q is None:
            raise ValueError("units need q, the number of classes")
        units, counts = sample, cross(sample.map, sample.reference, sample.count, q)
    else:
        counts = np.asarray(sample, np.int64)
        accuracy(counts)  # refuses what is not a matrix
        rows, columns = np.nonzero(counts)
        units = Units(np.zeros(len(rows), np.int64), rows, columns, counts[rows, columns])
    if not counts.sum() > 0:
        raise LulcError("The confusion matrix is empty: map and reference share no valid unit.")
    return units, counts


def _unknown(errors: Values, users: npt.NDArray[np.bool_] | None = None) -> Values:
    nothing = np.full(len(errors.users), np.nan)
    kept = nothing if users is None else np.where(users, errors.users, np.nan)
    return Values(np.nan, np.nan, kept, *[nothing] * 5)


def method_of(interval: str) -> str:
    """How intervals are made with this choice of `job.INTERVALS`.

    Raises:
        LulcError: no such choice.
    """
    if interval not in INTERVALS:
        raise LulcError(f"{option('interval')} is {interval!r}.", f"It is one of {', '.join(INTERVALS)}.")
    return {"standard": "normal", "wilson": "wilson-effective"}.get(interval, interval)


def _roots(variances: Floats) -> Floats:
    se = np.sqrt(variances.clip(0))
    return np.where(se < ZERO, 0.0, se)


def _root(variance: float) -> float:
    return float(_roots(np.array([variance]))[0])
