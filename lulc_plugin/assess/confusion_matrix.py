# SPDX-License-Identifier: GPL-3.0-or-later
"""The confusion matrix (rows map, columns reference), counted a piece at a time, and the accuracy that follows from it.

`None` stands for "not applicable" (a class that occurs on neither side); means skip it. Every ratio is taken from sums
of the matrix and every product from shares, so counts of whole continents neither overflow nor lose digits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Optional

import numpy as np
import numpy.typing as npt

from ..errors import LulcError

Floats = npt.NDArray[np.float64]
Figure = Optional[float]


class ConfusionMatrix:
    """Counts of (map class, reference class); **rows are the map, columns the reference**, everywhere.

    Args:
        values: the class values, in the order of rows and columns. Pixels with any other value on either side are
            counted in `outside` and otherwise left out.
    """

    def __init__(self, values: Sequence[int]) -> None:
        if len(set(values)) != len(values) or not values:
            raise LulcError(f"The class values {list(values)} are empty or not all different.")
        self.values = tuple(int(v) for v in values)
        self.counts: npt.NDArray[np.int64] = np.zeros((len(values), len(values)), np.int64)
        self.outside = 0
        order = np.argsort(self.values)
        self._sorted = np.asarray(self.values)[order]
        self._order = order

    def _index(self, classes: npt.NDArray[Any]) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.bool_]]:
        place = np.minimum(np.searchsorted(self._sorted, classes), len(self.values) - 1)
        return self._order[place], self._sorted[place] == classes

    def add(
        self,
        map_classes: npt.NDArray[Any],
        reference_classes: npt.NDArray[Any],
        valid: npt.NDArray[np.bool_] | None = None,
    ) -> None:
        """Count units of two arrays of the same shape, only where `valid` if given.

        Raises:
            LulcError: the shapes differ.
        """
        if np.shape(map_classes) != np.shape(reference_classes):
            raise LulcError(
                f"Map and reference differ in shape: {np.shape(map_classes)} and {np.shape(reference_classes)}."
            )
        m: npt.NDArray[Any] = np.ravel(map_classes)
        r: npt.NDArray[Any] = np.ravel(reference_classes)
        if valid is not None:
            keep = np.ravel(valid)
            m, r = m[keep], r[keep]
        mi, m_known = self._index(m)
        ri, r_known = self._index(r)
        known = m_known & r_known
        self.outside += int(known.size - np.count_nonzero(known))
        q = len(self.values)
        self.counts += np.bincount(mi[known] * q + ri[known], minlength=q * q).reshape(q, q)


@dataclass(frozen=True)
class ClassAccuracy:
    """One class; shares 0..1.

    Attributes:
        mapped, reference: row and column totals of the matrix.
        users, producers: user's accuracy (precision) and producer's accuracy (recall).
        f1, iou: F1 (Dice) and intersection over union (Jaccard).
        kappa: kappa of the class against the rest.
        kappa_users, kappa_producers: conditional kappa of the map's and of the reference's class.
        map_share, reference_share: the totals as shares of the whole.
        quantity, allocation: the two parts of this class's difference; `allocation` is `exchange` + `shift`.
    """

    mapped: float
    reference: float
    users: float | None
    producers: float | None
    f1: float | None
    iou: float | None
    kappa: float | None
    kappa_users: float | None
    kappa_producers: float | None
    map_share: float
    reference_share: float
    quantity: float
    allocation: float
    exchange: float
    shift: float


@dataclass(frozen=True)
class Means:
    """Means over the classes where a figure applies; `…_classes` is how many those are."""

    users: float | None
    producers: float | None
    f1: float | None
    iou: float | None
    kappa: float | None
    users_classes: int
    producers_classes: int
    f1_classes: int
    iou_classes: int
    kappa_classes: int


@dataclass(frozen=True)
class Accuracy:
    """Everything that follows from the matrix alone; shares 0..1.

    Attributes:
        total: sum of the matrix.
        overall, expected, kappa: observed and expected agreement, Cohen's kappa.
        classes: figures of each class.
        macro_f1, miou: the same as `macro.f1` and `macro.iou`.
        mcc: Matthews correlation coefficient of many classes.
        quantity, allocation, exchange, shift: parts of the difference 1 − `overall`.
        balanced: mean producer's accuracy over the classes of the reference.
        macro, weighted: means, unweighted and by share of the reference.
    """

    total: float
    overall: float
    expected: float
    kappa: float | None
    classes: tuple[ClassAccuracy, ...]
    macro_f1: float | None
    miou: float | None
    mcc: float | None
    quantity: float
    allocation: float
    exchange: float
    shift: float
    balanced: float | None
    macro: Means
    weighted: Means


def accuracy(matrix: npt.ArrayLike) -> Accuracy:
    """Accuracy from a square matrix `(q, q)` of counts (or area shares) whose rows are the map.

    With shares p, row shares a, column shares b, agreement d: overall accuracy Σ d; expected agreement p_e = Σ a_k b_k;
    kappa (OA − p_e)/(1 − p_e) (Cohen 1960), `None` when p_e = 1; user's d/a, producer's d/b; F1 2d/(a + b);
    IoU d/(a + b − d); kappa of one class against the rest 2(d − ab)/(a + b − 2ab); conditional kappa (d − ab)/(a − ab)
    and (d − ab)/(b − ab); multiclass MCC (OA − p_e)/√[(1 − Σ a²)(1 − Σ b²)] (Gorodkin 2004); quantity |a − b| and
    allocation 2 min(a − d, b − d) (Pontius & Millones 2011); exchange 2 Σ_j min(p_kj, p_jk) and shift, the rest of
    allocation (Pontius & Santacruz 2014); totals are half the sums over the classes.

    Raises:
        LulcError: not square, negative, or empty.
    """
    exact, values = _checked(matrix)
    row_sums, column_sums, diagonal = exact.sum(axis=1), exact.sum(axis=0), np.diag(exact)
    rows, columns, hits = (np.asarray(v, np.float64) for v in (row_sums, column_sums, diagonal))
    total = float(row_sums.sum())
    map_only, reference_only = (np.asarray(v - diagonal, np.float64).clip(0) for v in (row_sums, column_sums))
    not_mapped, not_reference = (
        np.asarray(row_sums.sum() - v, np.float64).clip(0) / total for v in (row_sums, column_sums)
    )
    a, b, d, p = rows / total, columns / total, hits / total, values / total
    errors = float(map_only.sum()) / total
    # 1 − p_e and similar differences as sums of positive terms: no digits are lost when one class fills the map
    chance = float(a @ not_reference)
    users, producers = _ratio(hits, rows), _ratio(hits, columns)
    f1 = _ratio(2 * hits, rows + columns)
    iou = _ratio(hits, rows + reference_only)
    # where only one class occurs, chance explains all agreement: not applicable
    kappa = _chance_corrected((map_only + reference_only) / total, a * not_reference + b * not_mapped)
    kappa_users = _chance_corrected(_ratio(map_only, rows), not_reference)
    kappa_producers = _chance_corrected(_ratio(reference_only, columns), not_mapped)
    quantity = np.abs(np.asarray(row_sums - column_sums, np.float64)) / total
    allocation = 2 * np.minimum(map_only, reference_only) / total
    exchange = 2 * (np.minimum(p, p.T).sum(axis=1) - d).clip(0)
    shift = _clean(allocation - exchange)
    spread = float(a @ not_mapped) * float(b @ not_reference)
    sums = [v.tolist() for v in (rows, columns)]
    figures = [_optional(v) for v in (users, producers, f1, iou, kappa, kappa_users, kappa_producers)]
    parts = [v.tolist() for v in (a, b, quantity, allocation, exchange, shift)]
    per_class = tuple(ClassAccuracy(*of_class) for of_class in zip(*sums, *figures, *parts))
    macro = _means((users, producers, f1, iou, kappa), np.ones(len(p)))
    return Accuracy(
        total=total,
        overall=float(hits.sum()) / total if errors > 0 else 1.0,
        expected=float(a @ b),
        kappa=1 - errors / chance if chance > 0 else None,
        classes=per_class,
        macro_f1=macro.f1,
        miou=macro.iou,
        mcc=(chance - errors) / float(np.sqrt(spread)) if _varied(rows) and _varied(columns) else None,
        quantity=float(quantity.sum()) / 2,
        allocation=float(allocation.sum()) / 2,
        exchange=float(exchange.sum()) / 2,
        shift=float(shift.sum()) / 2,
        balanced=macro.producers,
        macro=macro,
        weighted=_means((users, producers, f1, iou, kappa), b),
    )


def _checked(matrix: npt.ArrayLike) -> tuple[npt.NDArray[Any], Floats]:
    """The matrix for exact sums, and as floats.

    Raises:
        LulcError: not square, negative, or empty.
    """
    given = np.asarray(matrix)
    if given.ndim != 2 or given.shape[0] != given.shape[1]:
        raise LulcError(f"A confusion matrix is square; this one is {given.shape}.")
    values = given.astype(np.float64)
    if not np.all(np.isfinite(values)) or np.any(values < 0):
        raise LulcError("A confusion matrix holds no negative or missing numbers.")
    if values.sum() <= 0:
        raise LulcError("The confusion matrix is empty: map and reference share no valid unit.")
    # beyond 2^53 a float64 skips integers: sum in Python's own
    return (given.astype(object) if given.dtype.kind in "iuO" and values.sum() >= 2**53 else values), values


def _varied(totals: Floats) -> bool:
    return np.count_nonzero(totals) > 1


def _ratio(part: Floats, whole: Floats) -> Floats:
    """`part / whole`, NaN where there is nothing to divide by."""
    shares: Floats = np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)
    return shares


def _chance_corrected(error: Floats, chance: Floats) -> Floats:
    """1 − error/chance, NaN where it does not apply: another way to write (agreement − expected)/(1 − expected)."""
    shares: Floats = 1 - np.divide(error, chance, out=np.full(len(error), np.nan), where=chance > 0)
    return shares


def _clean(values: Floats) -> Floats:
    """Without the last bits that a subtraction left, on either side of 0."""
    return np.where(values > 1e-14, values, 0.0)


def _optional(values: Floats) -> list[Figure]:
    return [None if np.isnan(v) else float(v) for v in values]


def _means(figures: Sequence[Floats], weights: Floats) -> Means:
    """Weighted means of five figures over the classes where they apply."""
    means: list[Figure] = []
    numbers = []
    for values in figures:
        known = ~np.isnan(values) & (weights > 0)
        weight = float(weights[known].sum())
        means.append(float(weights[known] @ values[known]) / weight if weight > 0 else None)
        numbers.append(int(np.count_nonzero(known)))
    return Means(means[0], means[1], means[2], means[3], means[4], *numbers)
