# SPDX-License-Identifier: GPL-3.0-or-later
"""Polygons as reference: the pixels of one polygon are alike, so the polygons are the sample, not their pixels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ...errors import LulcError
from ..matrix_statistics import accuracy
from ..result import Estimate, Estimates
from .figures import ABSENT, NO_CLASS_KAPPA, NO_KAPPA, NOT_IN_MAP, NOT_IN_REFERENCE, sampling_errors, values_of
from .intervals import t, wilson
from .sample_units import correction, cross
from .variance import ZERO, Entries, entries, sums

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

#: Fewer polygons than this carry no interval.
FEWEST = 10
NO_SPREAD = "no interval: the figure does not vary between these polygons"


class ClusterSample:
    """Cells of pixels, each in a polygon; the same questions as `sampling.Sample` answers.

    V = (1 − f) Σ (y_c − R x_c)²/[(k − 1) k x̄²] over the k polygons (Cochran 1977, section 9A.4; Stehman 1997), for
    every figure through its linearised values. A polygon without a class counts with 0.

    Args:
        cluster: polygon of each cell `(n,)`, any integers.
        count: pixels of each cell `(n,)`.
        total: polygons that could have been drawn; None: unknown.
        fpc: rule of `job.FPC`.

    Attributes:
        polygons: k.
        shares: share of each cell in all pixels `(n,)`.
        correction: whether (1 − f) is applied.

    Raises:
        LulcError: no pixel, or more polygons than `total`.
    """

    def __init__(self, cluster: Indices, count: npt.ArrayLike, total: int | None = None, fpc: str = "auto") -> None:
        self._count = np.asarray(count, np.float64)
        pixels = float(self._count.sum())
        if not pixels > 0:
            raise LulcError("No pixel of the reference polygons lies on a valid pixel of the map.")
        names = np.unique(np.asarray(cluster)[self._count > 0])
        self._place = np.searchsorted(names, cluster).clip(0, len(names) - 1)
        self.polygons = k = len(names)
        if total is not None and k > total:
            raise LulcError(f"There are {k} reference polygons, but only {total} could have been drawn.")
        self.correction = correction(fpc, k, total)
        self.shares: Floats = self._count / pixels
        keep = 1 - k / total if total and self.correction.applied else 1.0
        self._factor = keep * k / (k - 1) if k > 1 else np.nan
        self._sizes = sums(self._place, self.shares, k)

    def error(self, values: Floats) -> float:
        """Standard error of Σ shares · `values`, one value per cell `(n,)` with mean 0 over the shares."""
        totals = sums(self._place, self.shares * values, self.polygons)
        return float(self._roots(np.array([totals @ totals]))[0])

    def errors(self, concerned: Entries, values: Floats) -> Floats:
        """Standard errors `(q,)` of one figure of each class, from its linearised values `(events, q)`."""
        q = concerned.groups
        pair, index = np.unique(self._place[concerned.cell] * q + concerned.group, return_inverse=True)
        others = values[0]
        numbers = self.shares[concerned.cell] * (values[concerned.event, concerned.group] - others[concerned.group])
        elsewhere = others[pair % q] * self._sizes[pair // q]
        totals = sums(index, numbers, len(pair)) + elsewhere
        shown = sums(pair % q, self._sizes[pair // q] ** 2, q)
        everywhere = np.bincount(pair % q, minlength=q) == self.polygons
        without = np.where(everywhere, 0.0, float(self._sizes @ self._sizes) - shown)
        return self._roots(sums(pair % q, totals**2, q) + others**2 * without.clip(0))

    def showing(self, concerned: Entries, events: tuple[int, ...]) -> Indices:
        """In how many polygons each class occurs with one of these events, `(q,)`."""
        q = concerned.groups
        here = np.isin(concerned.event, events) & (self._count[concerned.cell] > 0)
        pair = np.unique(self._place[concerned.cell[here]] * q + concerned.group[here])
        return np.bincount(pair % q, minlength=q)

    def _roots(self, squares: Floats) -> Floats:
        se = np.sqrt(self._factor * squares)
        return np.where(se < ZERO, 0.0, se)


def cluster_estimates(
    cluster: Indices,
    map_class: Indices,
    reference: Indices,
    count: npt.ArrayLike,
    q: int,
    level: float = 0.95,
    total_clusters: int | None = None,
    fpc: str = "auto",
) -> Estimates:
    """Figures of all pixels, with errors between polygons drawn at random (see `ClusterSample`) and t intervals.

    An interval, R ± t_{k−1} √V, is given from 10 polygons on; for a class, from 10 polygons on that show it in the
    figure's denominator (the map class for user's accuracy, and so on), because one polygon alone would have an error
    of 0. Where every pixel is right (or wrong) the score interval of as many units as polygons stands in.

    Args:
        cluster: polygon of each cell `(n,)`, any integers.
        map_class, reference: class indices `(n,)`.
        count: pixels of each cell `(n,)`.
        q: number of classes.
        level: confidence level.
        total_clusters: polygons that could have been drawn; None: unknown, no finite population correction.
        fpc: rule of `job.FPC`.

    Raises:
        LulcError: no pixel, or more polygons than `total_clusters`.
    """
    map_class, reference = np.asarray(map_class), np.asarray(reference)
    sample = ClusterSample(cluster, count, total_clusters, fpc)
    counts = cross(map_class, reference, count, q)
    n, k = float(counts.sum()), sample.polygons
    shares, point = counts / n, accuracy(counts)
    figures, errors = values_of(point), sampling_errors(sample, map_class, reference, shares, point)
    concerned = entries((map_class, reference), q)
    either, whole = sample.showing(concerned, (1, 2, 3)), np.full(q, k)

    def build(
        values: npt.ArrayLike, se: npt.ArrayLike, number: npt.ArrayLike, absent: str, lowest: float = 0.0
    ) -> tuple[Estimate, ...]:
        rows = zip(*(np.atleast_1d(np.asarray(v, np.float64)) for v in (values, se, number)))
        return tuple(_estimate(value, error, int(shown), k, level, absent, lowest) for value, error, shown in rows)

    independent = point.overall * (1 - point.overall) / (n - 1) if n > 1 else 0.0
    estimates = Estimates(
        design="polygons",
        counts=counts,
        shares=shares,
        point=point,
        overall=build(figures.overall, errors.overall, k, "")[0],
        kappa=build(figures.kappa, errors.kappa, k, NO_KAPPA, -1.0)[0],
        users=build(figures.users, errors.users, sample.showing(concerned, (1, 3)), NOT_IN_MAP),
        producers=build(figures.producers, errors.producers, sample.showing(concerned, (2, 3)), NOT_IN_REFERENCE),
        f1=build(figures.f1, errors.f1, either, ABSENT),
        iou=build(figures.iou, errors.iou, either, ABSENT),
        kappas=build(figures.kappas, errors.kappas, either, NO_CLASS_KAPPA, -1.0),
        area_shares=build(figures.areas, errors.areas, whole, ""),
        fpc=sample.correction.applied,
        fpc_sentence=sample.correction.sentence if total_clusters else "",
        design_effect=errors.overall**2 / independent if independent > 0 and not np.isnan(errors.overall) else None,
    )
    return replace(estimates, notes=(too_few(k),)) if k < FEWEST else estimates


def too_few(k: int) -> str:
    """The sentence for `k` polygons that carry no interval."""
    return f"{k} reference polygon{' is' if k == 1 else 's are'} too few for confidence intervals: {FEWEST} are needed."


def _estimate(value: float, se: float, shown: int, k: int, level: float, absent: str, lowest: float) -> Estimate:
    if np.isnan(value):
        return Estimate(None, note=absent)
    value = float(value)
    if shown < 2 or np.isnan(se):
        return Estimate(value, note=too_few(shown))
    if shown < FEWEST:
        return Estimate(value, float(se), note=too_few(shown))
    if se > 0:
        half = t(level, k - 1) * float(se)
        return Estimate(value, float(se), max(lowest, value - half), min(1.0, value + half), "t")
    if lowest == 0 and (value < ZERO or value > 1 - ZERO):
        return Estimate(value, 0.0, *wilson(round(value) * shown, shown, level), "wilson")
    return Estimate(value, 0.0, note=NO_SPREAD)
