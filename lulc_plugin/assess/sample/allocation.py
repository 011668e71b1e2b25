# SPDX-License-Identifier: GPL-3.0-or-later
"""How many reference points a map needs, and how many of them each class gets: numbers only, no pixels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from ...errors import LulcError
from ..estimators import Part, correction, weighted_sum

ALLOCATIONS = ("olofsson", "proportional", "equal", "neyman")
#: A class below this share of the map is rare (Olofsson et al. 2014, section 5.1.2).
RARE_SHARE = 0.05
#: Points of a rare class unless the user says otherwise (the paper: 50 to 100).
RARE_POINTS = 75
#: A variance needs two units.
FEWEST = 2
#: Below this many points a class's user's accuracy is hardly worth printing.
FEW = 30

Floats = npt.NDArray[np.float64]
#: Rounding errors of shares are smaller; one point is far larger.
_NOISE = 1e-9


@dataclass(frozen=True)
class SampleSize:
    """A number of points, and the formula's own number before it was rounded up."""

    points: int
    unrounded: float


@dataclass(frozen=True)
class Allocation:
    """Points of each stratum; `raised` when they are more than were asked for."""

    points: tuple[int, ...]
    asked: int

    @property
    def total(self) -> int:
        """All points."""
        return sum(self.points)

    @property
    def raised(self) -> bool:
        """Whether the rule needed more points than were asked for."""
        return self.total > self.asked


def standard_error(half_width: float, level: float) -> float:
    """The standard error whose confidence interval at `level` (0..1) is ± `half_width`.

    Raises:
        LulcError: a number outside its range.
    """
    if not 0 < half_width < 1:
        raise LulcError(
            f"The half-width of the confidence interval is {half_width:g}.",
            "Give a share between 0 and 1, such as 0.03 for ± 3 %.",
        )
    if not 0.5 <= level < 1:
        raise LulcError(f"The confidence level is {level:g}.", "Give a share such as 0.95, from 0.5 to 0.9999.")
    return half_width / z_of(level)


def z_of(level: float) -> float:
    """Half the width of a two-sided normal interval in standard errors, Φ⁻¹(0.5 + level/2)."""
    return NormalDist().inv_cdf(0.5 + level / 2)


def sample_size_stratified(
    weights: Sequence[float], expected_users: Sequence[float], target_se: float, population: float | None = None
) -> SampleSize:
    """Points for a wanted standard error of overall accuracy, by Neyman allocation.

    n = (Σ W_h S_h)² / [S(O)² + (1/N) Σ W_h S_h²], S_h = √(U_h (1 − U_h)): Cochran 1977, eq. 5.25; without the term of
    N it is Olofsson et al. 2014, eq. 13.

    Args:
        weights: share of the map in each stratum, adding up to 1.
        expected_users: user's accuracy expected in each stratum, between 0 and 1.
        target_se: wanted standard error S(O), a share.
        population: number N of units in the map; None: without limit.

    Raises:
        LulcError: a number outside its range.
    """
    if not 0 < target_se < 1:
        raise LulcError(f"The wanted standard error is {target_se:g}.", "Give a share between 0 and 1, such as 0.015.")
    w, u = _shares(weights), _expected(expected_users, len(weights))
    spread = float(w @ np.sqrt(u * (1 - u)))
    finite = 0.0 if population is None else float(w @ (u * (1 - u))) / population
    unrounded = spread**2 / (target_se**2 + finite)
    return SampleSize(max(1, math.ceil(unrounded - _NOISE)), unrounded)


def allocate(
    n: int,
    rule: str,
    weights: Sequence[float],
    sizes: Sequence[int] | None = None,
    expected_users: Sequence[float] | None = None,
    min_per_class: int | None = None,
) -> Allocation:
    """Share `n` points out to the strata.

    `proportional` ∝ W_h; `equal` n/H; `neyman` ∝ W_h S_h; `olofsson` (Olofsson et al. 2014, section 5.1.2): classes
    below 5 % of the map get a fixed number, the others share the rest ∝ W_h. Rounded by the largest remainder (ties:
    the larger allocation weight, then the first stratum). No stratum gets more than it has; what is left over goes to
    the others. When the usual 75 points of each rare class are more than `n` leaves room for, a rare class gets an
    equal share, n/H. When numbers that were given are, the sample is raised: with `olofsson` the common classes keep
    what `n` points would have given them.

    Args:
        n: points wanted.
        rule: one of `ALLOCATIONS`.
        weights: share of the map in each stratum, adding up to 1.
        sizes: units in each stratum; None: without limit.
        expected_users: for `neyman`: user's accuracy expected in each stratum.
        min_per_class: `olofsson`: points of each rare class (None: 75); other rules: fewest points of any class
            (None: 2).

    Raises:
        LulcError: impossible numbers.
    """
    w = _shares(weights)
    count = len(w)
    most = np.full(count, np.inf) if sizes is None else np.asarray(sizes, np.float64)
    if len(most) != count or np.any(most < 1):
        raise LulcError(f"{count} strata with the sizes {list(most)}.", "Each stratum needs at least one unit.")
    if min_per_class is not None and min_per_class < FEWEST:
        raise LulcError(
            f"The minimum per class is {min_per_class}.", f"At least {FEWEST} points are needed to estimate an error."
        )
    needed = float(np.minimum(FEWEST, most).sum())
    if n < needed:
        raise LulcError(
            f"{n} points are too few for {count} classes.",
            f"Each class needs at least {FEWEST} points: ask for {int(needed)} or more.",
        )
    if n > most.sum():
        raise LulcError(f"{n} points are more than the {int(most.sum())} valid pixels of the map.", "Ask for fewer.")
    share = _rule_weights(rule, w, expected_users)
    least = np.minimum(FEWEST if min_per_class is None or rule == "olofsson" else min_per_class, most)
    cap = most
    if rule == "olofsson":
        rare = w < RARE_SHARE
        fixed = _of_rare(n, rare, least, most, min_per_class)
        least, cap = np.where(rare, fixed, least), np.where(rare, fixed, most)
        if cap.sum() < n:  # the common classes cannot take the rest (or there are none)
            cap = most
        if fixed[rare].sum() > n:
            kept = np.clip(np.ceil(n * w - _NOISE), least, most)[~rare].sum()
            return Allocation(_rounded(_bounded(fixed[rare].sum() + kept, share, least, cap), share), n)
    total = max(float(n), float(least.sum()))
    return Allocation(_rounded(_bounded(total, share, least, cap), share), n)


def _of_rare(n: int, rare: npt.NDArray[np.bool_], least: Floats, most: Floats, min_per_class: int | None) -> Floats:
    """Points of each class if it is rare; see `allocate`."""
    fixed: Floats = np.minimum(min_per_class or RARE_POINTS, most)
    if min_per_class is None and np.where(rare, fixed, least).sum() > n:
        fixed = np.minimum(max(FEWEST, n // len(most)), most)  # nobody asked for 75, but somebody for n points
    return fixed


def expected_se_users(expected_users: Sequence[float], points: Sequence[int]) -> tuple[float, ...]:
    """Expected standard error of each user's accuracy, √[U_h (1 − U_h)/n_h]."""
    u = _expected(expected_users, len(points))
    return tuple(float(v) for v in np.sqrt(u * (1 - u) / np.asarray(points, np.float64)))


def expected_se_overall(weights: Sequence[float], expected_users: Sequence[float], points: Sequence[int]) -> float:
    """Expected standard error of overall accuracy, √Σ W_h² U_h (1 − U_h)/n_h (Cochran 1977, eq. 5.6)."""
    each = np.asarray(expected_se_users(expected_users, points))
    return float(math.sqrt(np.sum((_shares(weights) * each) ** 2)))


def expected_interval(
    weights: Sequence[float],
    expected_users: Sequence[float],
    points: Sequence[int],
    sizes: Sequence[int] | None = None,
    level: float = 0.95,
) -> tuple[float, float]:
    """The conservative interval that the accuracy report gives for overall accuracy if the map is as expected.

    Args:
        weights: share of the map in each stratum, adding up to 1.
        expected_users: user's accuracy expected in each stratum.
        points: points of each stratum.
        sizes: units in each stratum; None: without limit.
        level: confidence level.
    """
    n = np.asarray(points, np.float64)
    fractions: Floats = np.zeros(len(n))
    if sizes is not None and correction("auto", n, sizes).applied:
        fractions = n / np.asarray(sizes, np.float64)
    worth = np.divide(n, 1 - fractions, out=np.full(len(n), np.inf), where=fractions < 1)
    bounds = weighted_sum(Part(_expected(expected_users, len(n)), _shares(weights)), worth, level)
    return float(bounds.low), float(bounds.high)


def _shares(weights: Sequence[float]) -> Floats:
    w = np.asarray(weights, np.float64)
    if w.ndim != 1 or not w.size or not np.all(w > 0) or abs(float(w.sum()) - 1) > 1e-6:
        raise LulcError(f"The shares of the strata add up to {float(w.sum()):g}.", "They are positive and add up to 1.")
    return w


def _expected(users: Sequence[float], count: int) -> Floats:
    u = np.asarray(users, np.float64)
    if u.shape != (count,):
        raise LulcError(f"There are {u.size} expected accuracies for {count} classes.", "Give one for each class.")
    wrong = u[~((u > 0) & (u < 1))]
    if wrong.size:
        raise LulcError(
            f"An expected user's accuracy is {wrong[0]:g}.",
            "Give shares between 0 and 1, without both ends, such as 0.8.",
        )
    return u


def _rule_weights(rule: str, w: Floats, expected_users: Sequence[float] | None) -> Floats:
    if rule in ("olofsson", "proportional"):
        return w
    if rule == "equal":
        return np.ones_like(w)
    if rule == "neyman":
        if expected_users is None:
            raise LulcError("The allocation neyman needs expected accuracies.", "Give one for each class.")
        u = _expected(expected_users, len(w))
        spread: Floats = w * np.sqrt(u * (1 - u))
        return spread
    raise LulcError(f"The allocation is {rule!r}.", f"It is one of {', '.join(ALLOCATIONS)}.")


def _bounded(total: float, share: Floats, least: Floats, most: Floats) -> Floats:
    """Numbers `clip(λ · share, least, most)` with the one λ at which they add up to `total`."""
    ends = np.concatenate((least / share, most / share))
    bends = np.unique(ends[np.isfinite(ends)])
    sums = np.array([np.clip(bend * share, least, most).sum() for bend in bends])
    after = int(np.searchsorted(sums, total))
    low = bends[max(0, after - 1)]
    # between two bends only those free to grow change, each by its share
    free = (least / share <= low) & (low < most / share)
    growth = float(share[free].sum())
    step = (total - float(np.clip(low * share, least, most).sum())) / growth if growth else 0.0
    numbers: Floats = np.clip((low + step) * share, least, most)
    return numbers


def _rounded(exact: Floats, share: Floats) -> tuple[int, ...]:
    """Whole numbers with the same sum, by the largest remainder."""
    base = np.floor(exact + _NOISE)
    left = round(float(exact.sum() - base.sum()))
    remainder = np.round(exact - base, 9)
    order = np.lexsort((np.arange(len(exact)), -share, -remainder))
    base[order[:left]] += 1
    return tuple(int(v) for v in base)
