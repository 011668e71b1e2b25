# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures of an assessment with their standard errors, and the intervals that follow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..confusion_matrix import Accuracy, accuracy
from ..result import Cause, Estimate, Estimates, Reason
from . import kappa
from .intervals import wilson_share, z
from .variance import ZERO, Errors, entries
from .weighted_sums import Bounds

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Values:
    """Figures or their standard errors; NaN where there is none. Arrays `(q,)`."""

    overall: float
    kappa: float
    users: Floats
    producers: Floats
    f1: Floats
    iou: Floats
    kappas: Floats
    areas: Floats


@dataclass(frozen=True)
class IntervalRule:
    """How the bounds of a sample's figures are made.

    Attributes:
        method: "normal", "wilson" (score interval on counts), "wilson-effective" or "conservative".
        level: confidence level.
        unknown: why standard errors are missing; None where they are known.
        inflate: what numbers of units are multiplied with in score intervals: (N − 1)/(N − n) with the finite
            population correction.
        exact: every unit of the population was observed.
        exact_users: classes `(q,)` whose part of the map was observed completely; None: as `exact`.
        bounds: with "conservative" the bounds of every figure of `Values`, by its name.
    """

    method: str
    level: float
    unknown: Reason | None = None
    inflate: float = 1.0
    exact: bool = False
    exact_users: Flags | None = None
    bounds: Mapping[str, Bounds] | None = None


def values_of(point: Accuracy) -> Values:
    """The figures of `point` as arrays."""

    def column(name: str) -> Floats:
        return np.array([np.nan if getattr(c, name) is None else getattr(c, name) for c in point.classes], float)

    return Values(
        point.overall, np.nan if point.kappa is None else point.kappa, column("users"), column("producers"),
        column("f1"), column("iou"), column("kappa"), column("reference_share"),
    )  # fmt: skip


def linearised(point: Accuracy, map_bit: int = 1, reference_bit: int = 2, events: int = 4) -> dict[str, Floats]:
    """Linearised values `(events, q)` of each per-class figure, by the event of a unit (see `variance.entries`).

    (y − R x)/X with y and x of Stehman (2014) and the shares in place of Y and X; for kappa the gradient. Other bits of
    the event (a second map) do not matter. NaN becomes 0: such a figure has no value anyway.
    """
    figures = values_of(point)
    a = np.array([c.map_share for c in point.classes])
    b = figures.areas
    d = np.nan_to_num(figures.users) * a
    union = a + b - d
    with np.errstate(divide="ignore", invalid="ignore"):
        nothing = np.zeros(len(a))
        # for each figure: neither, map only, reference only, both
        cells: dict[str, Sequence[Floats]] = {
            "users": (nothing, -figures.users / a, nothing, (1 - figures.users) / a),
            "producers": (nothing, nothing, -figures.producers / b, (1 - figures.producers) / b),
            "f1": (nothing, -figures.f1 / (a + b), -figures.f1 / (a + b), 2 * (1 - figures.f1) / (a + b)),
            "iou": (nothing, -figures.iou / union, -figures.iou / union, (1 - figures.iou) / union),
            "areas": (-b, -b, 1 - b, 1 - b),
        }
    both, map_only, reference_only, neither = kappa.rest_gradients(a, b, d)
    cells["kappas"] = (neither, map_only, reference_only, both)
    which = [bool(e & map_bit) + 2 * bool(e & reference_bit) for e in range(events)]
    return {name: np.nan_to_num(np.array(of_cell)[which]) for name, of_cell in cells.items()}


def sampling_errors(
    sample: Errors, map_class: npt.NDArray[np.int64], reference: npt.NDArray[np.int64], shares: Floats, point: Accuracy
) -> Values:
    """Standard errors of all figures by the variance of `sample`, for cells with these class indices `(n,)`."""
    q = len(shares)
    concerned = entries((map_class, reference), q)
    errors = {name: sample.errors(concerned, table) for name, table in linearised(point).items()}
    figures = values_of(point)
    slope = kappa.gradient(shares)
    return Values(
        overall=sample.error((map_class == reference) - point.overall),
        kappa=np.nan if slope is None else sample.error(slope[map_class, reference]),
        **{name: np.where(np.isnan(getattr(figures, name)), np.nan, se) for name, se in errors.items()},
    )


def assemble(
    design: str, counts: npt.NDArray[np.int64], shares: Floats, point: Accuracy, errors: Values, rule: IntervalRule
) -> Estimates:
    """Figures with standard errors and intervals.

    Score intervals use the units behind a figure: all units for overall accuracy and area shares, those on the map
    class for user's accuracy, those of the reference class for producer's accuracy, the union for IoU; F1 =
    2 IoU/(1 + IoU) takes IoU's bounds. Where a standard error is 0 because the figure is 0 or 1, the score interval
    stands in ("wilson"): an interval of no width would claim certainty.
    """
    figures = values_of(point)
    total, rows, columns = float(counts.sum()), counts.sum(axis=1), counts.sum(axis=0)
    union = rows + columns - np.diag(counts)
    q = len(counts)
    everything = np.full(q, rule.exact)

    def build(
        name: str, values: Floats, se: Floats, m: npt.ArrayLike, absent: Cause, exact: Flags
    ) -> tuple[Estimate, ...]:
        size = np.asarray(m, np.float64) * rule.inflate
        if rule.bounds is not None:
            bounds = _given(rule.bounds[name], values, se, rule.method)
        elif name == "f1":
            bounds = _f1_bounds(figures, errors, size, rule)
        elif name in ("kappa", "kappas"):
            bounds = _bounds(values, se, np.full(len(values), np.nan), IntervalRule("normal", rule.level), -1.0)
        else:
            bounds = _bounds(values, se, size, rule)
        rows_of = zip(values, se, zip(*bounds), exact)
        return tuple(_estimate(*of_class, absent, rule.unknown) for of_class in rows_of)

    whole = np.array([rule.exact])
    exact_users = everything if rule.exact_users is None else rule.exact_users
    return Estimates(
        design=design,
        counts=counts,
        shares=shares,
        point=point,
        overall=build("overall", np.array([figures.overall]), np.array([errors.overall]), total, Cause.ABSENT, whole)[
            0
        ],
        kappa=build("kappa", np.array([figures.kappa]), np.array([errors.kappa]), total, Cause.NO_KAPPA, whole)[0],
        users=build("users", figures.users, errors.users, rows, Cause.NOT_IN_MAP, exact_users),
        producers=build("producers", figures.producers, errors.producers, columns, Cause.NOT_IN_REFERENCE, everything),
        f1=build("f1", figures.f1, errors.f1, union, Cause.ABSENT, everything),
        iou=build("iou", figures.iou, errors.iou, union, Cause.ABSENT, everything),
        kappas=build("kappas", figures.kappas, errors.kappas, total, Cause.NO_CLASS_KAPPA, everything),
        area_shares=build("areas", figures.areas, errors.areas, np.full(q, total), Cause.ABSENT, everything),
    )


def bare(design: str, counts: npt.NDArray[np.int64], shares: Floats, cause: Cause) -> Estimates:
    """The figures alone; `cause` says why there is no interval."""
    point = accuracy(shares)
    figures = values_of(point)

    def build(values: Floats, absent: Cause = Cause.ABSENT) -> tuple[Estimate, ...]:
        return tuple(
            Estimate(None, reason=Reason(absent)) if np.isnan(v) else Estimate(float(v), reason=Reason(cause))
            for v in values
        )

    return Estimates(
        design, counts, shares, point,
        overall=build(np.array([figures.overall]))[0],
        kappa=build(np.array([figures.kappa]), Cause.NO_KAPPA)[0],
        users=build(figures.users, Cause.NOT_IN_MAP),
        producers=build(figures.producers, Cause.NOT_IN_REFERENCE),
        f1=build(figures.f1),
        iou=build(figures.iou),
        kappas=build(figures.kappas, Cause.NO_CLASS_KAPPA),
        area_shares=build(figures.areas),
    )  # fmt: skip


def _estimate(
    value: float, se: float, bounds: tuple[float, float, str], exact: bool, absent: Cause, unknown: Reason | None
) -> Estimate:
    low, high, method = bounds
    if np.isnan(value):
        return Estimate(None, reason=Reason(absent))
    error = None if np.isnan(se) else float(se)
    if exact:
        return Estimate(float(value), 0.0, reason=Reason(Cause.ALL_OBSERVED))
    if np.isnan(low):
        return Estimate(float(value), error, reason=unknown if error is None else Reason(Cause.NO_VARIATION))
    return Estimate(float(value), error, float(low), float(high), method, unknown if error is None else None)


def _given(bounds: Bounds, values: Floats, se: Floats, method: str) -> tuple[Floats, Floats, list[str]]:
    """Bounds `(q,)` that were made before; none where the standard error is not known."""
    unknown = np.isnan(se) | np.isnan(values)
    # the last digit of a figure depends on the order of its sum
    low = np.where(unknown, np.nan, np.minimum(bounds.low, values))
    high = np.where(unknown, np.nan, np.maximum(bounds.high, values))
    return low, high, [method] * len(se)


def _bounds(
    values: Floats, se: Floats, m: Floats, rule: IntervalRule, lowest: float = 0.0
) -> tuple[Floats, Floats, list[str]]:
    """Bounds `(q,)` and how each was made; NaN where there are none."""
    level = rule.level
    if rule.method == "wilson":
        low, high = wilson_share(values, m, level)
        return low, high, [rule.method] * len(values)
    if rule.method == "wilson-effective":
        with np.errstate(divide="ignore", invalid="ignore"):
            low, high = wilson_share(values, values * (1 - values) / se**2, level)
    else:
        half = z(level) * se
        low, high = (values - half).clip(lowest), (values + half).clip(None, 1.0)
    flat = se == 0
    sure = flat & ((values < ZERO) | (values > 1 - ZERO))
    score_low, score_high = wilson_share(np.where(sure, np.round(values), np.nan), m, level)
    low = np.where(flat, score_low, low)
    high = np.where(flat, score_high, high)
    return low, high, ["wilson" if s else rule.method for s in sure]


def _f1_bounds(figures: Values, errors: Values, m: Floats, rule: IntervalRule) -> tuple[Floats, Floats, list[str]]:
    low, high, methods = _bounds(figures.iou, errors.iou, m, rule)
    low, high = 2 * low / (1 + low), 2 * high / (1 + high)
    if rule.method == "normal":
        # the published form where it has a width; IoU's score interval where it has none
        own_low, own_high, _ = _bounds(figures.f1, errors.f1, m, rule)
        flat = errors.f1 == 0
        low, high = np.where(flat, low, own_low), np.where(flat, high, own_high)
    return low, high, methods
