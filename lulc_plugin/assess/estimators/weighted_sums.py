# SPDX-License-Identifier: GPL-3.0-or-later
"""Conservative intervals: of shares that are weighted over strata, of their ratios, and of differences.

Estimate ± z · SE is far too short in small samples: where a stratum shows no error its variance counts as 0. The
intervals here are built from exact binomial limits (Clopper & Pearson 1934), one step on the other:

- a weighted sum Σ W_h p_h takes on each side the wider of two bounds: Korn & Graubard's (1998), the exact limit of
  the effective sample size, with the variance of p̃ = (x + 1)/(n + 2), and that of MOVER, Σ W_h p_h ± √Σ W_h² (distance
  to the exact limit of the stratum)² (Zou & Donner 2008). Either alone fails for some samples;
- a share Y/(Y + Z) of two disjoint sums joins their bounds, and so does a ratio (Donner & Zou 2012, MOVER-R);
- a difference joins the bounds of its parts (Zou & Donner 2008).

`benchmarks/interval_coverage.py` finds how often they hold the true value. All arrays have the strata last.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .intervals import clopper_pearson_share, z

Floats = npt.NDArray[np.float64]

#: Units by which an estimated correlation of two parts is drawn to the value that makes the interval widest: in a small
#: sample it is chance.
_DOUBT = 8.0
_TINY = 1e-300


@dataclass(frozen=True)
class Bounds:
    """Figures with the bounds of their intervals and a variance that small samples do not understate; `(...)` each."""

    value: Floats
    low: Floats
    high: Floats
    variance: Floats


@dataclass(frozen=True)
class Part:
    """The units of an event: their share in each stratum.

    Attributes:
        shares: p_h `(..., H)`, 0..1.
        weights: W_h `(..., H)`, or `(H,)`; 0 in strata where the event cannot occur.
    """

    shares: Floats
    weights: Floats


def weighted_sum(part: Part, units: Floats, level: float) -> Bounds:
    """Σ W_h p_h.

    Args:
        part: shares and weights of the event.
        units: m_h `(H,)`, number of units of each stratum, W_h² over the factor of its variance; infinite where the
            stratum is known completely.
        level: confidence level.
    """
    p, w = np.broadcast_arrays(np.asarray(part.shares, np.float64), np.asarray(part.weights, np.float64))
    whole = w.sum(axis=-1)
    w = w / np.where(whole > 0, whole, 1.0)[..., None]
    value = (w * p).sum(axis=-1)
    low_h, high_h = clopper_pearson_share(np.where(w > 0, p, 0.0), np.broadcast_to(units, p.shape), level)
    below = np.sqrt((w**2 * (p - low_h) ** 2).sum(axis=-1))
    above = np.sqrt((w**2 * (high_h - p) ** 2).sum(axis=-1))
    smooth = _smoothed(p, units)
    variance = (w**2 * smooth * (1 - smooth) / units).sum(axis=-1)
    centre = (w * smooth).sum(axis=-1)
    with np.errstate(divide="ignore"):
        effective = np.where(variance > 0, centre * (1 - centre) / np.where(variance > 0, variance, 1.0), np.inf)
    low, high = clopper_pearson_share(value, effective, level)
    return Bounds(
        whole * value,
        whole * np.minimum(low, value - below).clip(0, 1),
        whole * np.maximum(high, value + above).clip(0, 1),
        whole**2 * variance,
    )


def share_of(hits: Part, misses: Part, units: Floats, level: float) -> Bounds:
    """Y/(Y + Z) for the weighted sums Y of hits and Z of misses, which no unit is both; NaN where both are 0.

    In one stratum that holds nothing else it is the exact interval of Clopper & Pearson.
    """
    y, other = weighted_sum(hits, units, level), weighted_sum(misses, units, level)
    shared = _shared(hits, misses, units)
    together = shared / np.sqrt(np.maximum(y.variance * other.variance, _TINY))
    together = together.clip(0, 1)
    odds = _lower_ratio(y.value, other.value, y.value - y.low, other.high - other.value, together)
    inverse = _lower_ratio(other.value, y.value, other.value - other.low, y.high - y.value, together)
    total = y.value + other.value
    with np.errstate(divide="ignore", invalid="ignore"):
        value = y.value / total
        spread = (1 - value) ** 2 * y.variance + value**2 * other.variance + 2 * value * (1 - value) * shared
        variance = spread / total**2
    known = total > 0
    low, high = np.where(known, odds / (1 + odds), np.nan), np.where(known, 1 / (1 + inverse), np.nan)
    # exactly at the ends
    return Bounds(value, np.where(value == 0, 0.0, low), np.where(value == 1, 1.0, high), variance)


def one_minus_ratio(errors: Bounds, chance: Bounds, covariance: Floats, effective: float | Floats) -> Bounds:
    """1 − D/E, for kappa: D disagreement, E disagreement expected by chance; −1..1, NaN where E is 0.

    Args:
        errors, chance: D and E.
        covariance: of the two, as estimated.
        effective: number of units, to judge how far the covariance can be trusted.
    """
    d, e = errors, chance
    opposed = -covariance / np.sqrt(np.maximum(d.variance * e.variance, _TINY))
    doubt = _DOUBT / effective
    opposed = (opposed.clip(-1, 1) + doubt) / (1 + doubt)
    inverse = _lower_ratio(e.value, d.value, e.value - e.low, d.high - d.value, opposed)
    lower = _lower_ratio(d.value, e.value, d.value - d.low, e.high - e.value, opposed)
    known = e.value > 0
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = d.value / e.value
        low = np.where(known, 1 - 1 / inverse, np.nan)
        variance = (d.variance + ratio**2 * e.variance) / e.value**2
    high = np.where(known, 1 - lower, np.nan)
    value = np.where(known, 1 - ratio, np.nan)
    return Bounds(value, low.clip(-1, 1), np.where(d.value == 0, value, high.clip(-1, 1)), variance)


def difference_of_sums(first: Part, second: Part, units: Floats, level: float) -> Bounds:
    """Y − Z of two sums that share no unit: how much of the area only one of two maps has right."""
    y, other = weighted_sum(first, units, level), weighted_sum(second, units, level)
    shared = _shared(first, second, units)
    together = -(shared / np.sqrt(np.maximum(y.variance * other.variance, _TINY))).clip(0, 1)
    return _joined(y, other, together)


def difference_of_pairs(a: Bounds, b: Bounds, covariance: Floats, effective: float | Floats) -> Bounds:
    """A − B of two figures from the same units, with the covariance that was estimated from `effective` units."""
    with np.errstate(invalid="ignore"):
        together = (covariance / np.sqrt(np.maximum(a.variance * b.variance, _TINY))).clip(-1, 1)
    doubt = _DOUBT / effective
    return _joined(a, b, (together - doubt) / (1 + doubt))


def effective_units(weights: Floats, units: Floats) -> float:
    """1/Σ (W_h²/m_h): units of a simple random sample as precise as this one where all strata are alike."""
    inverse = float((weights**2 / units).sum())
    return 1 / inverse if inverse > 0 else np.inf


def spread_of_number(mean: Floats, square: Floats, lowest: Floats, highest: Floats, units: Floats) -> Floats:
    """Variance within strata of a number per unit, with one more unit at either end of its range.

    For a number that is 0 or 1 it is p̃ (1 − p̃) with p̃ = (x + 1)/(n + 2).

    Args:
        mean, square: means of the number and of its square `(..., H)`.
        lowest, highest: what the number can be.
        units: m_h `(H,)`.
    """
    with np.errstate(invalid="ignore"):
        share = np.where(np.isinf(units), 1.0, units / (units + 2))
    rest = (1 - share) / 2
    first = share * mean + rest * (lowest + highest)
    second = share * square + rest * (lowest**2 + highest**2)
    out: Floats = (second - first**2).clip(0)
    return out


def normal_bounds(value: Floats, variance: Floats, level: float, lowest: float, highest: float) -> Bounds:
    """`value` ± z √`variance`, cut to what is possible."""
    half = z(level) * np.sqrt(variance)
    return Bounds(value, (value - half).clip(lowest), (value + half).clip(None, highest), variance)


def _smoothed(p: Floats, units: Floats) -> Floats:
    """(x + 1)/(n + 2); an infinite number of units leaves the share as it is."""
    with np.errstate(invalid="ignore"):
        share = np.where(np.isinf(units), 1.0, units / (units + 2))
    out: Floats = share * p + (1 - share) / 2
    return out


def _shared(first: Part, second: Part, units: Floats) -> Floats:
    """− covariance of two sums that no unit belongs to both of, Σ W_h² p̃_h q̃_h/m_h."""
    product = first.weights * second.weights * _smoothed(first.shares, units) * _smoothed(second.shares, units)
    out: Floats = (product / units).sum(axis=-1)
    return out


def _lower_ratio(y: Floats, x: Floats, below: Floats, above: Floats, opposed: Floats) -> Floats:
    """Lower bound ω of Y/X: the smaller root of (y − ω x)² = below² + ω² above² + 2 · opposed · ω · below · above.

    Args:
        y, x: the two values.
        below: distance from y to its lower bound.
        above: distance from x to its upper bound.
        opposed: − correlation of the two.
    """
    a, b, c = x**2 - above**2, y * x + opposed * below * above, (y**2 - below**2).clip(0)
    root = np.sqrt((b**2 - a * c).clip(0))
    out: Floats = c / np.maximum(b + root, _TINY)
    return out


def _joined(a: Bounds, b: Bounds, together: Floats) -> Bounds:
    """A − B, with the correlation `together`."""
    change = a.value - b.value

    def distance(first: Floats, second: Floats) -> Floats:
        out: Floats = np.sqrt((first**2 + second**2 - 2 * together * first * second).clip(0))
        return out

    low = change - distance(a.value - a.low, b.high - b.value)
    high = change + distance(a.high - a.value, b.value - b.low)
    variance = (a.variance + b.variance - 2 * together * np.sqrt(a.variance * b.variance)).clip(0)
    return Bounds(change, low, high, variance)
