# SPDX-License-Identifier: GPL-3.0-or-later
"""The variance of everything that a probability sample estimates: of units, or of polygons.

Every figure is linearised: its variance is that of a mean of one number per unit (Stehman 2014, equations 2, 25, 28).
For a ratio R = Y/X that number is (y − R x)/X, for a smooth function of the area shares it is its gradient at the
unit's cell. Simple random sampling is one stratum.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from ...errors import LulcError

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

#: A standard error below this is what subtractions leave of 0.
ZERO = 1e-12


@dataclass(frozen=True)
class Entries:
    """Which units concern which class, and how; every other unit has no entry for the class.

    Attributes:
        cell: index into the table of cells `(m,)`.
        group: class index `(m,)`.
        event: what the unit is for that class `(m,)`: a number of bits, bit 0 the first layer, bit 1 the second, …
        groups, events: how many classes and events there are.
    """

    cell: Indices
    group: Indices
    event: Indices
    groups: int
    events: int


def entries(layers: Sequence[Indices], q: int) -> Entries:
    """Entries of cells that have a class index `(n,)` in each layer, for instance map and reference.

    The event of a cell for class k has bit b set where layer b has class k: with map and reference 1 is "only the map",
    2 "only the reference", 3 both. Each cell has one entry for each distinct class it shows.
    """
    cells, groups, events = [], [], []
    for b, values in enumerate(layers):
        first = np.ones(len(values), bool)
        for earlier in layers[:b]:
            first &= earlier != values
        bits = np.zeros(len(values), np.int64)
        for other, shown in enumerate(layers):
            bits |= (shown == values).astype(np.int64) << other
        where = np.flatnonzero(first)
        cells.append(where)
        groups.append(np.asarray(values)[where])
        events.append(bits[where])
    return Entries(np.concatenate(cells), np.concatenate(groups), np.concatenate(events), q, 2 ** len(layers))


class Errors(Protocol):
    """What knows standard errors: a sample of units or of polygons."""

    def error(self, values: Floats) -> float:
        """Standard error of Σ shares · `values`, one value per cell `(n,)` with mean 0 over the shares."""

    def errors(self, concerned: Entries, values: Floats) -> Floats:
        """Standard errors `(q,)` of one figure of each class, from its linearised values `(events, q)`."""


class Sample:
    """Cells of units, each in a stratum.

    Args:
        stratum: stratum index of each cell `(n,)`.
        count: units in each cell `(n,)`.
        weights: W_h, shares of the strata `(H,)`, which sum to 1.
        factors: c_h `(H,)` in V = Σ c_h s²_h; see `stratified_factors` and `poststratified_factors`.
        area: relative pixel area of each cell's units `(n,)` or None: all alike.

    Attributes:
        units: n_h `(H,)`.
        shares: estimated share of the area that each cell stands for `(n,)`; they sum to 1.
        unknown: strata of one unit whose variance would matter `(H,)`; they add nothing to variances, and the caller
            has to say so.
        weights: share of the area in each stratum `(H,)`.
        worth: m_h `(H,)`, W_h²/c_h: how many units drawn with replacement a stratum's are worth; infinite where it is
            known completely.
    """

    def __init__(
        self, stratum: Indices, count: npt.ArrayLike, weights: Floats, factors: Floats, area: Floats | None = None
    ) -> None:
        self._stratum = np.asarray(stratum, np.int64)
        self._count = np.asarray(count, np.float64)
        self._strata = len(weights)
        self.units = sums(self._stratum, self._count, self._strata)
        self._area = None if area is None else np.asarray(area, np.float64)
        alpha = np.ones(len(self._count)) if self._area is None else self._area
        expansion = np.divide(weights, self.units, out=np.zeros(self._strata), where=self.units > 0)
        stands_for = expansion[self._stratum] * self._count * alpha
        total = float(stands_for.sum())
        self.shares: Floats = stands_for / total
        self._scale = alpha / total
        factors = np.asarray(factors, np.float64)
        # units of unequal area are worth fewer, (Σ α)²/Σ α² (Kish 1965)
        self._mass = self._count * alpha
        mass = sums(self._stratum, self._mass, self._strata)
        squares = sums(self._stratum, self._count * alpha**2, self._strata)
        worth = np.divide(mass**2, self.units * squares, out=np.ones(self._strata), where=squares > 0)
        weights = np.asarray(weights, np.float64)
        self.weights = weights if self._area is None else sums(self._stratum, self.shares, self._strata)
        self.worth = worth * np.divide(weights**2, factors, out=np.full(self._strata, np.inf), where=factors > 0)
        self._within = np.divide(1.0, mass, out=np.zeros(self._strata), where=mass > 0)
        self.unknown = (self.units == 1) & (factors > 0)
        # c_h/(n_h − 1): what a sum of squares is multiplied with
        self._per_stratum: Floats = np.where(self.units > 1, factors / np.maximum(self.units - 1, 1), 0.0)

    def matrix(self, rows: Indices, columns: Indices, q: int) -> Floats:
        """Estimated area shares p_ij `(q, q)`."""
        return sums(np.asarray(rows) * q + np.asarray(columns), self.shares, q * q).reshape(q, q)

    def means(self, values: Floats) -> Floats:
        """Mean of `values` `(n,)`, one per cell, within each stratum `(H,)`."""
        found: Floats = sums(self._stratum, self._mass * values, self._strata) * self._within
        return found

    def event_shares(self, concerned: Entries) -> Floats:
        """Share of the units of each stratum with each event for each class `(events, q, H)`; event 0 is left at 0."""
        q, strata = concerned.groups, self._strata
        place = (concerned.event * q + concerned.group) * strata + self._stratum[concerned.cell]
        found = sums(place, self._mass[concerned.cell], concerned.events * q * strata)
        shares: Floats = found.reshape(concerned.events, q, strata) * self._within
        return shares

    def error(self, values: Floats) -> float:
        """Standard error of Σ shares · `values`, one value per cell `(n,)` with mean 0 over the shares."""
        numbers = values * self._scale
        total = sums(self._stratum, self._count * numbers, self._strata)
        mean = np.divide(total, self.units, out=np.zeros(self._strata), where=self.units > 0)
        squares = sums(self._stratum, self._count * (numbers - mean[self._stratum]) ** 2, self._strata)
        return float(_root(np.array([self._per_stratum @ squares]))[0])

    def errors(self, concerned: Entries, values: Floats) -> Floats:
        """Standard errors `(q,)` of one figure of each class.

        Args:
            concerned: which cells concern which class.
            values: linearised value `(events, q)` of a unit, by its event; event 0 is every unit without an entry.
        """
        q, strata = concerned.groups, self._strata
        cell, group = concerned.cell, concerned.group
        place = self._stratum[cell] * q + group
        count, scale = self._count[cell], self._scale[cell]
        others = values[0]
        if self._area is None:
            # a constant added to all units leaves the variance alone: let units without entry be 0, exactly
            numbers = (values[concerned.event, group] - others[group]) * scale
            others = np.zeros(q)
        else:
            numbers = values[concerned.event, group] * scale
        shown = sums(place, count, strata * q).reshape(strata, q)
        total = sums(place, count * numbers, strata * q).reshape(strata, q)
        if np.any(others):
            rest, scaled, squared = self._rest(place, count, scale, q)
            total = total + others * scaled
        else:
            rest, scaled, squared = self.units[:, None] - shown, np.zeros(1), np.zeros(1)
        mean = np.divide(total, self.units[:, None], out=np.zeros((strata, q)), where=self.units[:, None] > 0)
        squares = sums(place, count * (numbers - mean.ravel()[place]) ** 2, strata * q).reshape(strata, q)
        squares = squares + (others**2 * squared - 2 * others * mean * scaled + mean**2 * rest)
        return _root(self._per_stratum @ squares)

    def _rest(self, place: Indices, count: Floats, scale: Floats, q: int) -> tuple[Floats, Floats, Floats]:
        """Number, sum of scales and sum of squared scales of the units without an entry, `(H, q)` each."""
        out = []
        for power in (0, 1, 2):
            whole = sums(self._stratum, self._count * self._scale**power, self._strata)
            shown = sums(place, count * scale**power, self._strata * q).reshape(self._strata, q)
            out.append(whole[:, None] - shown)
        # counts are exact: where no unit is left, the other sums are what subtractions leave of 0
        return out[0], np.where(out[0] > 0, out[1], 0.0), np.where(out[0] > 0, out[2], 0.0)


class ClusterSample:
    """Cells of pixels, each in a polygon drawn at random; it answers what `Sample` answers.

    The pixels of one polygon are alike, so the polygons are the sample, not their pixels:
    V = Σ (y_c − R x_c)²/[(k − 1) k x̄²] over the k polygons (Cochran 1977, section 9A.4; Stehman 1997), for every figure
    through its linearised values. A polygon without a class counts with 0.

    Args:
        cluster: polygon of each cell `(n,)`, any integers.
        count: pixels of each cell `(n,)`.

    Attributes:
        polygons: k.
        shares: share of each cell in all pixels `(n,)`.

    Raises:
        LulcError: no pixel.
    """

    def __init__(self, cluster: Indices, count: npt.ArrayLike) -> None:
        self._count = np.asarray(count, np.float64)
        pixels = float(self._count.sum())
        if not pixels > 0:
            raise LulcError("No pixel of the reference polygons lies on a valid pixel of the map.")
        names = np.unique(np.asarray(cluster)[self._count > 0])
        self._place = np.searchsorted(names, cluster).clip(0, len(names) - 1)
        self.polygons = k = len(names)
        self.shares: Floats = self._count / pixels
        self._factor = k / (k - 1) if k > 1 else np.nan
        self._sizes = sums(self._place, self.shares, k)

    def error(self, values: Floats) -> float:
        """Standard error of Σ shares · `values`, one value per cell `(n,)` with mean 0 over the shares."""
        totals = sums(self._place, self.shares * values, self.polygons)
        return float(_root(np.array([self._factor * (totals @ totals)]))[0])

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
        return _root(self._factor * (sums(pair % q, totals**2, q) + others**2 * without.clip(0)))

    def showing(self, concerned: Entries, events: tuple[int, ...]) -> Indices:
        """In how many polygons each class occurs with one of these events, `(q,)`."""
        q = concerned.groups
        here = np.isin(concerned.event, events) & (self._count[concerned.cell] > 0)
        pair = np.unique(self._place[concerned.cell[here]] * q + concerned.group[here])
        return np.bincount(pair % q, minlength=q)


def stratified_factors(weights: Floats, units: Floats, fractions: Floats) -> Floats:
    """W_h² (1 − f_h)/n_h `(H,)` (Stehman 2014 eq. 25; Cochran 1977); `fractions` f_h are 0 without the correction."""
    factors: Floats = np.divide(
        weights**2 * (1 - fractions).clip(0), units, out=np.zeros(len(weights)), where=units > 0
    )
    return factors


def poststratified_factors(weights: Floats, units: Floats, fraction: float) -> Floats:
    """(1 − f) W_h/n + (1 − W_h)/n² `(H,)`, weights that sum to 1 (Stehman 2013, equation 48)."""
    n = float(units.sum())
    return (1 - fraction) * weights / n + (1 - weights) / n**2


def sums(place: Indices, values: Floats, places: int) -> Floats:
    """Sums of `values` by place `(places,)`."""
    return np.asarray(np.bincount(place, values, minlength=places), np.float64)


def _root(variances: Floats) -> Floats:
    se = np.sqrt(np.where(np.isnan(variances), np.nan, variances.clip(0)))
    return np.where(se < ZERO, 0.0, se)
