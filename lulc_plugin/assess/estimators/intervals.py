# SPDX-License-Identifier: GPL-3.0-or-later
"""Confidence intervals of proportions, and of anything with a standard error."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ...errors import LulcError

Floats = npt.NDArray[np.float64]

#: Fewer hits than this are what rounding leaves of none.
_NOTHING = 1e-9


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
    tail = (1 - _checked(level)) / 2
    from scipy import special

    low = 0.0 if x <= 0 else float(special.betaincinv(x, m - x + 1, tail))
    high = 1.0 if x >= m else float(special.betaincinv(x + 1, m - x, 1 - tail))
    return low, high


def clopper_pearson_share(p: Floats, m: Floats, level: float) -> tuple[Floats, Floats]:
    """Clopper & Pearson's limits of shares `p` of `m` units, arrays alike.

    `m` may be fractional: an effective sample size (Korn & Graubard 1998). Where `m` is infinite the limits are the
    share itself. Equal pairs are computed once: tables of many classes are mostly zeros.
    """
    from scipy import special

    tail = (1 - _checked(level)) / 2
    p, m = np.broadcast_arrays(np.asarray(p, np.float64), np.asarray(m, np.float64))
    both = np.empty(p.shape, np.complex128)
    both.real, both.imag = p, m
    pairs, place = np.unique(both.ravel(), return_inverse=True)
    share, units = pairs.real, pairs.imag
    whole = np.isinf(units)
    n = np.where(whole, 1.0, units)
    hits = share * n
    # what a sum of shares leaves of 0 or of all is none, or all
    none, every = hits < _NOTHING, n - hits < _NOTHING
    with np.errstate(invalid="ignore"):
        low = np.where(none, 0.0, special.betaincinv(np.maximum(hits, _NOTHING), n - hits + 1, tail))
        high = np.where(every, 1.0, special.betaincinv(hits + 1, np.maximum(n - hits, _NOTHING), 1 - tail))
    low, high = np.where(whole, share, low), np.where(whole, share, high)
    place = place.reshape(p.shape)
    return low[place], high[place]


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
