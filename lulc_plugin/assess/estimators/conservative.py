# SPDX-License-Identifier: GPL-3.0-or-later
"""Conservative intervals of every figure of a sample, and of the differences of two maps (see `weighted_sums`)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ..confusion_matrix import Accuracy
from . import kappa
from .figures import linearised, values_of
from .variance import Entries, Sample, entries, sums
from .weighted_sums import (
    Bounds,
    Part,
    difference_of_pairs,
    difference_of_sums,
    effective_units,
    normal_bounds,
    one_minus_ratio,
    share_of,
    spread_of_number,
    weighted_sum,
)

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class MapEvents:
    """What the units of each stratum are for each class of a map; `...` may be many samples at once.

    Attributes:
        weights, units: W_h and m_h of the strata `(H,)`, see `weighted_sums.weighted_sum`.
        only_map, only_reference, both: share of the units of each stratum that are the class only on the map, only in
            the reference, on both `(..., q, H)`.
        rows, columns: estimated share of the area of each class on the map, in the reference `(..., q)`.
        product: mean of column share of a unit's map class · row share of its reference class `(..., H)`.
        nested: `(q, H)` whether each stratum holds only units of that map class; None where strata are not the map's
            classes. What cannot occur in a stratum must not widen an interval.
        level: confidence level.
    """

    weights: Floats
    units: Floats
    only_map: Floats
    only_reference: Floats
    both: Floats
    rows: Floats
    columns: Floats
    product: Floats
    nested: Flags | None
    level: float

    def bounds(self) -> dict[str, Bounds]:
        """Bounds of every figure of `figures.Values`, by its name; `(...)` or `(..., q)`."""
        iou = share_of(
            Part(self.both, self._own), Part(self.only_map + self.only_reference, self.weights), self.units, self.level
        )
        return {
            **self.shares(),
            "overall": weighted_sum(Part(self.both.sum(axis=-2), self.weights), self.units, self.level),
            "areas": weighted_sum(Part(self.both + self.only_reference, self.weights), self.units, self.level),
            "iou": iou,
            # F1 = 2 IoU/(1 + IoU)
            "f1": replace(iou, low=2 * iou.low / (1 + iou.low), high=2 * iou.high / (1 + iou.high)),
            "kappa": self.kappa(),
            "kappas": self._kappas(),
        }

    @property
    def _own(self) -> Floats:
        """Weights of the strata where a unit can be the class on the map `(H,)` or `(q, H)`."""
        return self.weights if self.nested is None else self.nested * self.weights

    def shares(self) -> dict[str, Bounds]:
        """Bounds of user's and producer's accuracies."""
        others = self.weights if self.nested is None else ~self.nested * self.weights
        hits = Part(self.both, self._own)
        return {
            "users": share_of(hits, Part(self.only_map, self._own), self.units, self.level),
            "producers": share_of(hits, Part(self.only_reference, others), self.units, self.level),
        }

    def kappa(self) -> Bounds:
        """1 − D/E: disagreement over that expected by chance, which depends on the class shares of both sides.

        One more unit with map class i and reference class j moves E by −(b_i + a_j).
        """
        a, b = self.rows[..., None], self.columns[..., None]
        right = self.both.sum(axis=-2)
        on_map, in_reference = self.only_map + self.both, self.only_reference + self.both
        number = (on_map * b + in_reference * a).sum(axis=-2)
        square = (on_map * b**2 + in_reference * a**2).sum(axis=-2) + 2 * self.product
        where_wrong = (self.only_map * b + self.only_reference * a).sum(axis=-2)
        if self.nested is None:
            first = b.min(axis=-2), b.max(axis=-2)
        else:
            first = ((self.nested * b).sum(axis=-2),) * 2
        lowest, highest = first[0] + a.min(axis=-2), first[1] + a.max(axis=-2)
        chance = (self.rows * (1 - self.columns)).sum(axis=-1)
        moments = (-number, square, -where_wrong)
        return self._one_minus_ratio(1 - right, chance, moments, (-highest, -lowest))

    def _kappas(self) -> Bounds:
        """The same of each class against the rest."""
        a, b = self.rows[..., None], self.columns[..., None]
        by_map, by_reference = 1 - 2 * b, 1 - 2 * a
        by_both = by_map + by_reference
        number = self.only_map * by_map + self.only_reference * by_reference
        square = self.only_map * by_map**2 + self.only_reference * by_reference**2 + self.both * by_both**2
        if self.nested is None:
            possible = np.stack(np.broadcast_arrays(0 * a, by_map, by_reference, by_both))
            ends = possible.min(axis=0), possible.max(axis=0)
        else:
            # in a stratum of the class every unit has the map's part of the number, elsewhere none
            start = np.where(self.nested, by_map, 0.0)
            ends = np.minimum(start, start + by_reference), np.maximum(start, start + by_reference)
        chance = (a * (1 - b) + b * (1 - a))[..., 0]
        moments = (number + self.both * by_both, square, number)
        return self._one_minus_ratio(self.only_map + self.only_reference, chance, moments, ends)

    def _one_minus_ratio(
        self, wrong: Floats, chance: Floats, moments: tuple[Floats, Floats, Floats], ends: tuple[Floats, Floats]
    ) -> Bounds:
        """1 − D/E from the share of wrong units, E, and the number per unit that moves E.

        Args:
            wrong: `(..., H)`.
            chance: E `(...)`.
            moments: means of the number, of its square, of its product with [unit is wrong] `(..., H)`.
            ends: what the number can be.
        """
        number, square, product = moments
        errors = weighted_sum(Part(wrong, self.weights), self.units, self.level)
        spread = spread_of_number(number, square, *ends, self.units)
        variance = (self.weights**2 * spread / self.units).sum(axis=-1)
        covariance = (self.weights**2 * (product - number * wrong) / self.units).sum(axis=-1)
        expected = normal_bounds(chance, variance, self.level, 0.0, 1.0)
        # a covariance that hangs on the stratum with the fewest units is not trusted, however many the others have
        fewest = float(self.units[self.weights > 0].min())
        return one_minus_ratio(errors, expected, covariance, fewest)


def events_of(
    sample: Sample, map_class: Indices, reference: Indices, point: Accuracy, nested: Indices | None, level: float
) -> MapEvents:
    """The events of the units of `sample`.

    Args:
        sample: the units.
        map_class, reference: class indices `(n,)` of its cells.
        point: figures of the map.
        nested: class of each stratum `(H,)` where each holds only units of that map class, else None.
        level: confidence level.
    """
    q = len(point.classes)
    rows, columns = np.array([c.map_share for c in point.classes]), values_of(point).areas
    _, only_map, only_reference, both = sample.event_shares(entries((map_class, reference), q))
    return MapEvents(
        weights=sample.weights,
        units=sample.worth,
        only_map=only_map,
        only_reference=only_reference,
        both=both,
        rows=rows,
        columns=columns,
        product=sample.means(columns[map_class] * rows[reference]),
        nested=None if nested is None else np.arange(q)[:, None] == nested,
        level=level,
    )


def differences(
    sample: Sample,
    maps: tuple[Indices, Indices],
    reference: Indices,
    points: tuple[Accuracy, Accuracy],
    nested: Indices | None,
    level: float,
) -> dict[str, Bounds]:
    """Bounds of map A − map B: overall accuracy, kappa, user's and producer's accuracies, by their names.

    Args:
        sample: the units.
        maps: class indices `(n,)` on the two maps.
        reference: class indices `(n,)`.
        points: figures of the two maps.
        nested: class of map A of each stratum `(H,)`, or None.
        level: confidence level.
    """
    q = len(points[0].classes)
    one, two = (
        events_of(sample, m, reference, point, of_strata, level)
        for m, point, of_strata in zip(maps, points, (nested, None))
    )
    right = [m == reference for m in maps]
    only = [sample.means((right[i] & ~right[1 - i]).astype(np.float64)) for i in (0, 1)]
    parts = [Part(share, sample.weights) for share in only]
    effective = effective_units(sample.weights, sample.worth)
    slopes = [kappa.gradient(_shares(sample, m, reference, q)) for m in maps]
    out = {"overall": difference_of_sums(parts[0], parts[1], sample.worth, level)}
    if slopes[0] is not None and slopes[1] is not None:
        first, second = (slope[m, reference] for slope, m in zip(slopes, maps) if slope is not None)
        shared = _covariance(sample.error(first), sample.error(second), sample.error(first - second))
        out["kappa"] = difference_of_pairs(one.kappa(), two.kappa(), np.asarray(shared), effective)
    concerned = entries((*maps, reference), q)
    tables = [linearised(point, bit, 4, 8) for point, bit in zip(points, (1, 2))]
    ours, theirs = one.shares(), two.shares()
    for name in ("users", "producers"):
        shared = _class_covariance(sample, concerned, tables[0][name], tables[1][name])
        out[name] = difference_of_pairs(ours[name], theirs[name], shared, effective)
    return out


def _shares(sample: Sample, rows: Indices, columns: Indices, q: int) -> Floats:
    return sums(rows * q + columns, sample.shares, q * q).reshape(q, q)


def _class_covariance(sample: Sample, concerned: Entries, first: Floats, second: Floats) -> Floats:
    a, b, both = (sample.errors(concerned, table) for table in (first, second, first - second))
    return _covariance(a, b, both)


def _covariance(a: float | Floats, b: float | Floats, difference: float | Floats) -> Floats:
    """Of two figures, from their standard errors and that of their difference."""
    out: Floats = (np.asarray(a) ** 2 + np.asarray(b) ** 2 - np.asarray(difference) ** 2) / 2
    return out
