# SPDX-License-Identifier: GPL-3.0-or-later
"""Confidence intervals of proportions, and of anything with a standard error."""

from __future__ import annotations

from math import lgamma
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from ...errors import LulcError

Floats = npt.NDArray[np.float64]

#: Of fewer hits than this the lower limit is below 1e-30.
_NOTHING = 0.05
#: A beta quantile takes about 8 steps; its fraction as many terms as the root of the larger parameter.
_MOST_STEPS, _MOST_TERMS = 100, 5_000


def z(level: float) -> float:
    """Quantile Φ⁻¹(½ + level/2) of the normal distribution: 1.959963984540054 for 0.95."""
    from scipy import special  # only here: scipy takes long to load, and a census needs none of it

    return float(special.ndtri(0.5 + _checked(level) / 2))


def t(level: float, freedom: int) -> float:
    """The same quantile of Student's t with `freedom` degrees of freedom."""
    from scipy import special

    return float(special.stdtrit(freedom, 0.5 + _checked(level) / 2))


def wilson(x: float, m: float, level: float) -> tuple[float, float]:
    """Score interval (Wilson 1927) of `x` hits among `m` units, 0 ≤ x ≤ m, m > 0.

    Raises:
        LulcError: no such number of hits.
    """
    _check_counts(x, m)
    low, high = wilson_share(np.array([x / m]), np.array([float(m)]), level)
    return float(low[0]), float(high[0])


def wilson_share(p: Floats, m: Floats, level: float) -> tuple[Floats, Floats]:
    """Score intervals of shares `p` `(q,)` of `m` `(q,)` units; `m` may be fractional (an effective sample size).

    centre (p + z²/2m)/(1 + z²/m), half width z/(1 + z²/m) · √[p(1 − p)/m + z²/4m²] (Wilson 1927; Brown, Cai & DasGupta
    2001). NaN in, NaN out; where `m` is 0 the bounds are NaN. At p = 0 and 1 the bound is exactly 0 or 1.
    """
    p, m = np.asarray(p, np.float64), np.asarray(m, np.float64)
    square = z(level) ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        m = np.where(m > 0, m, np.nan)
        centre = (p + square / (2 * m)) / (1 + square / m)
        half = np.sqrt(square) / (1 + square / m) * np.sqrt(p * (1 - p) / m + square / (4 * m**2))
    low, high = (centre - half).clip(0, 1), (centre + half).clip(0, 1)
    return np.where(p <= 0, np.where(np.isnan(low), low, 0.0), low), np.where(
        p >= 1, np.where(np.isnan(high), high, 1.0), high
    )


def agresti_coull(x: float, m: float, level: float) -> tuple[float, float]:
    """Agresti & Coull's interval, clipped to 0..1: Wilson's centre, a normal half width.

    Raises:
        LulcError: no such number of hits.
    """
    _check_counts(x, m)
    square = z(level) ** 2
    share = (x + square / 2) / (m + square)
    return normal(share, float(np.sqrt(share * (1 - share) / (m + square))), level)


def clopper_pearson(x: float, m: float, level: float) -> tuple[float, float]:
    """Clopper & Pearson's "exact" interval from quantiles of the beta distribution; never too short.

    Raises:
        LulcError: no such number of hits.
    """
    _check_counts(x, m)
    low, high = clopper_pearson_share(np.array(x / m), np.array(float(m)), level)
    return float(low), float(high)


def clopper_pearson_share(p: Floats, m: Floats, level: float) -> tuple[Floats, Floats]:
    """Clopper & Pearson's limits of shares `p` of `m` units, arrays alike.

    `m` may be fractional: an effective sample size (Korn & Graubard 1998). Where `m` is infinite the limits are the
    share itself. Equal pairs are computed once: tables of many classes are mostly zeros.
    """
    tail = (1 - _checked(level)) / 2
    p, m = np.broadcast_arrays(np.asarray(p, np.float64), np.asarray(m, np.float64))
    both = np.empty(p.shape, np.complex128)
    both.real, both.imag = p, m
    pairs, place = np.unique(both.ravel(), return_inverse=True)
    share, units = pairs.real, pairs.imag
    low, high = share.copy(), share.copy()
    counted = np.isfinite(units)
    n = np.where(counted, units, 1.0)
    none, every = counted & (share * n < _NOTHING), counted & ((1 - share) * n < _NOTHING)
    low[none], high[every] = 0.0, 1.0
    some, rest = counted & ~none, counted & ~every
    low[some] = beta_quantile(share[some] * units[some], (1 - share[some]) * units[some] + 1, tail)
    high[rest] = beta_quantile(share[rest] * units[rest] + 1, (1 - share[rest]) * units[rest], 1 - tail)
    place = place.reshape(p.shape)
    return low[place], high[place]


def beta_quantile(a: Floats, b: Floats, share: float) -> Floats:
    """x at which the beta distribution with a, b > 0 `(n,)` has `share` of its mass below.

    By scipy, which is faster in tables of many classes; a sample must be drawn without scipy, too.
    """
    try:
        from scipy import special
    except ImportError:
        return beta_quantile_by_steps(a, b, share)
    return np.asarray(special.betaincinv(a, b, share), np.float64)


def beta_quantile_by_steps(a: Floats, b: Floats, share: float) -> Floats:
    """The same without scipy.

    Newton's steps within a bracket that is halved where one leads out of it, on the incomplete beta function by its
    continued fraction (DLMF 8.17.22).
    """
    log_beta = np.array([lgamma(i) + lgamma(j) - lgamma(i + j) for i, j in zip(a.tolist(), b.tolist())])
    spread = np.sqrt(a * b / (a + b + 1)) / (a + b)
    x = np.clip(a / (a + b) + NormalDist().inv_cdf(share) * spread, 1e-3, 1 - 1e-3)
    low, high = np.zeros(len(a)), np.ones(len(a))
    left = np.arange(len(a))
    for _ in range(_MOST_STEPS):
        i, j, now, of_both = a[left], b[left], x[left], log_beta[left]
        below = _incomplete_beta(i, j, now, of_both)
        low[left], high[left] = (
            np.where(below < share, now, low[left]),
            np.where(below < share, high[left], now),
        )
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            density = np.exp((i - 1) * np.log(now) + (j - 1) * np.log1p(-now) - of_both)
            proposed = now - (below - share) / density
        inside = (proposed > low[left]) & (proposed < high[left])
        x[left] = np.where(inside, proposed, (low[left] + high[left]) / 2)
        left = left[np.abs(x[left] - now) > 1e-15 + 1e-13 * now]
        if not len(left):
            break
    return x


def _incomplete_beta(a: Floats, b: Floats, x: Floats, log_beta: Floats) -> Floats:
    """Mass of the beta distributions below `x`; all `(n,)`."""
    turned = x > (a + 1) / (a + b + 2)
    p, q, y = np.where(turned, b, a), np.where(turned, a, b), np.where(turned, 1 - x, x)
    with np.errstate(divide="ignore"):
        front = np.exp(p * np.log(y) + q * np.log1p(-y) - log_beta) / p
    # Lentz's way to sum the fraction from the front
    c, d = np.ones_like(y), 1 / _not_zero(1 - (p + q) * y / (p + 1))
    value = d.copy()
    for k in range(1, _MOST_TERMS):
        for factor in (
            k * (q - k) * y / ((p + 2 * k - 1) * (p + 2 * k)),
            -(p + k) * (p + q + k) * y / ((p + 2 * k) * (p + 2 * k + 1)),
        ):
            d = 1 / _not_zero(1 + factor * d)
            c = _not_zero(1 + factor / c)
            change = c * d
            value *= change
        if not np.any(np.abs(change - 1) > 1e-14):
            break
    mass = front * value
    out: Floats = np.where(turned, 1 - mass, mass)
    return out


def _not_zero(values: Floats) -> Floats:
    out: Floats = np.where(np.abs(values) < 1e-300, 1e-300, values)
    return out


def normal(value: float, se: float, level: float, low: float = 0.0, high: float = 1.0) -> tuple[float, float]:
    """`value` ± z · `se`, clipped to `low`..`high`."""
    half = z(level) * se
    return max(low, value - half), min(high, value + half)


def _check_counts(x: float, m: float) -> None:
    if not 0 <= x <= m or m <= 0:
        raise LulcError(f"There are no {x:g} hits among {m:g} units.")


def _checked(level: float) -> float:
    if not 0 < level < 1:
        raise LulcError(f"The confidence level is {level:g}.", "Give a share such as 0.95.")
    return level
