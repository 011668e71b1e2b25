# SPDX-License-Identifier: GPL-3.0-or-later
"""How kappa reacts to one more unit in a cell, and what follows: its variance.

The gradient is g_ij = ∂κ/∂p_ij = [i = j]/(1 − p_e) − (1 − p_o)(b_i + a_j)/(1 − p_e)², a row shares, b column shares.
**b_i + a_j: the column share of the row's class and the row share of the column's class** (p_e = Σ a_k b_k). GRASS
r.kappa and Congalton & Green use a_i + b_j; simulations contradict them.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def gradient(shares: Floats) -> Floats | None:
    """∂κ/∂p_ij `(q, q)` at `shares` `(q, q)`, less its mean Σ p g; None where kappa is undefined (p_e = 1)."""
    rows, columns = shares.sum(axis=1), shares.sum(axis=0)
    # Σ a (1 − b): no digits are lost when p_e is nearly 1
    chance = float(rows @ (columns.sum() - columns).clip(0))
    if np.count_nonzero(rows + columns) < 2 or chance <= 0:
        return None
    errors = float(shares.sum() - np.trace(shares))
    slope: Floats = np.eye(len(shares)) / chance - errors * (columns[:, None] + rows[None, :]) / chance**2
    centred: Floats = slope - float((shares * slope).sum())
    return centred


def rest_gradients(rows: Floats, columns: Floats, hits: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """∂κ_k/∂p of each class against the rest, for the four cells of its collapsed 2 × 2 matrix.

    Args:
        rows, columns, hits: shares `(q,)` of each class in the map, in the reference, in both.

    Returns:
        Four arrays `(q,)`, less their mean: both are the class, only the map is, only the reference is, neither is.
        NaN where the kappa is undefined.
    """
    chance = rows * (1 - columns) + columns * (1 - rows)
    defined = (rows + columns > 0) & (chance > 1e-15)
    chance = np.where(defined, chance, np.nan)
    errors = rows + columns - 2 * hits
    steep = errors / chance**2
    both = 1 / chance - steep * (columns + rows)
    map_only = -steep * (columns + 1 - rows)
    reference_only = -steep * (1 - columns + rows)
    neither = 1 / chance - steep * (2 - columns - rows)
    slopes = (both, map_only, reference_only, neither)
    mean = np.sum([share * slope for share, slope in zip(_cells(rows, columns, hits), slopes)], axis=0)
    return both - mean, map_only - mean, reference_only - mean, neither - mean


def variance(shares: Floats, n: float) -> float | None:
    """Variance of kappa in a simple random sample of `n` units (Fleiss, Cohen & Everitt 1969; what SAS prints).

    Σ p g² − (Σ p g)², over n: the delta method on multinomial counts, the same as their formula written out.
    """
    slope = gradient(shares)
    return None if slope is None else float((shares * slope**2).sum()) / n


def rest_variances(rows: Floats, columns: Floats, hits: Floats, n: float) -> Floats:
    """The same for each class against the rest, `(q,)`; NaN where undefined."""
    slopes = rest_gradients(rows, columns, hits)
    squares: Floats = np.sum([share * slope**2 for share, slope in zip(_cells(rows, columns, hits), slopes)], axis=0)
    return squares / n


def _cells(rows: Floats, columns: Floats, hits: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Shares of the collapsed 2 × 2 matrices: in both, only in the map, only in the reference, in neither.

    What a subtraction leaves of 0 would become a standard error of 1e-9, and an interval that claims certainty.
    """
    neither = 1 - rows - columns + hits
    both, map_only, reference_only, neither = (
        np.where(share > 1e-14, share, 0.0) for share in (hits, rows - hits, columns - hits, neither)
    )
    return both, map_only, reference_only, neither


def null_variance(shares: Floats, n: float) -> float | None:
    """Variance of kappa if its true value were 0, for a test of that only: Stata's `kap` prints it.

    [p_e + p_e² − Σ a b (a + b)] / [n (1 − p_e)²] (Fleiss, Cohen & Everitt 1969).
    """
    rows, columns = shares.sum(axis=1), shares.sum(axis=0)
    expected = float(rows @ columns)
    if np.count_nonzero(rows + columns) < 2 or expected >= 1:
        return None
    return (expected + expected**2 - float((rows * columns * (rows + columns)).sum())) / (n * (1 - expected) ** 2)
