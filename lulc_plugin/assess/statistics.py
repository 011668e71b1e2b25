# SPDX-License-Identifier: GPL-3.0-or-later
"""Accuracy statistics of a confusion matrix (rows map, columns reference).

`None` stands for "not applicable" (a class that occurs on neither side); means skip it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..errors import LulcError


@dataclass(frozen=True)
class ClassAccuracy:
    """One class; shares 0..1. `mapped` and `reference` are the row and column totals of the matrix."""

    mapped: float
    reference: float
    users: float | None
    producers: float | None
    f1: float | None
    iou: float | None
    kappa: float | None


@dataclass(frozen=True)
class Accuracy:
    """Everything that follows from the matrix alone; shares 0..1."""

    total: float
    overall: float
    kappa: float | None
    classes: tuple[ClassAccuracy, ...]
    macro_f1: float | None
    miou: float | None


def _ratio(part: float, whole: float) -> float | None:
    return float(part / whole) if whole > 0 else None


def _mean(values: Iterable[float | None]) -> float | None:
    known = [v for v in values if v is not None]
    return float(np.mean(known)) if known else None


def accuracy(matrix: npt.ArrayLike) -> Accuracy:
    """Accuracy from a square matrix of counts (or area shares) whose rows are the map.

    Overall accuracy Σ p_kk; Cohen's kappa (OA − p_e)/(1 − p_e) with p_e = Σ p_k. p_.k (Cohen 1960), `None` when
    p_e = 1; user's accuracy p_kk/p_k., producer's p_kk/p_.k; F1 2 p_kk/(p_k. + p_.k); IoU p_kk/(p_k. + p_.k − p_kk);
    kappa of one class against the rest 2(d − ab)/(a + b − 2ab). `macro_f1` and `miou` are unweighted means over the
    classes that occur in map or reference.

    Raises:
        LulcError: not square, negative, or empty.
    """
    counts = np.asarray(matrix, np.float64)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1]:
        raise LulcError(f"A confusion matrix is square; this one is {counts.shape}.")
    if not np.all(np.isfinite(counts)) or np.any(counts < 0):
        raise LulcError("A confusion matrix holds no negative or missing numbers.")
    total = float(counts.sum())
    if total <= 0:
        raise LulcError("The confusion matrix is empty: map and reference share no valid unit.")
    p = counts / total
    rows, columns, hits = p.sum(axis=1), p.sum(axis=0), np.diag(p)
    overall = float(hits.sum())
    expected = float(rows @ columns)
    classes = []
    for k in range(len(p)):
        a, b, d = float(rows[k]), float(columns[k]), float(hits[k])
        classes.append(
            ClassAccuracy(
                mapped=float(counts[k].sum()),
                reference=float(counts[:, k].sum()),
                users=_ratio(d, a),
                producers=_ratio(d, b),
                f1=_ratio(2 * d, a + b),
                iou=_ratio(d, a + b - d),
                kappa=2 * (d - a * b) / (a + b - 2 * a * b) if a + b - 2 * a * b > 0 else None,
            )
        )
    return Accuracy(
        total=total,
        overall=overall,
        kappa=(overall - expected) / (1 - expected) if expected < 1 else None,
        classes=tuple(classes),
        macro_f1=_mean(c.f1 for c in classes),
        miou=_mean(c.iou for c in classes),
    )
