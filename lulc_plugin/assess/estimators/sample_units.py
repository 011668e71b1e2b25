# SPDX-License-Identifier: GPL-3.0-or-later
"""The units of a reference sample: the sizes of their strata, the finite population correction, their spread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...errors import LulcError
from ...options import option
from ..job import FPC
from ..result import Correction

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

#: Share of a stratum in the sample above which the finite population correction matters ("auto").
LARGE_FRACTION = 0.05


@dataclass(frozen=True)
class Units:
    """A table of cells: how many units have this stratum, map class and reference class.

    Attributes:
        stratum, map, reference: indices `(n,)`.
        count: units in each cell `(n,)`.
        area: relative pixel area of each cell's units `(n,)`, for units drawn uniformly by pixel on a grid whose pixels
            differ in size; None: all alike.
    """

    stratum: Indices
    map: Indices
    reference: Indices
    count: Indices
    area: Floats | None = None

    def counts(self, q: int) -> Indices:
        """Confusion matrix `(q, q)` of the bare counts."""
        return cross(self.map, self.reference, self.count, q)


@dataclass(frozen=True)
class StrataSizes:
    """Sizes of the strata.

    Attributes:
        names: what people call them.
        sizes: N_h `(H,)`: pixels, areas or shares.
        are_counts: whether they are numbers of sampling units (pixels); only then is there a finite population.
        map_class: class index of each stratum when the strata are map classes, else None.
        complete: strata of which the sample is known to hold every unit, whatever the sizes count; None: not known.
    """

    names: tuple[str, ...]
    sizes: Floats
    are_counts: bool = True
    map_class: tuple[int | None, ...] | None = None
    complete: tuple[bool, ...] | None = None

    def title(self, h: int) -> str:
        """`class Forest` or `stratum north`."""
        of_map = self.map_class is not None and self.map_class[h] is not None
        return f"{'class' if of_map else 'stratum'} {self.names[h]}"


def cross(rows: Indices, columns: Indices, count: npt.ArrayLike, q: int) -> Indices:
    """Table `(q, q)` of integer counts."""
    rows, columns, numbers = np.asarray(rows), np.asarray(columns), np.asarray(count)
    for name, values in (("map", rows), ("reference", columns)):
        if values.size and (values.min() < 0 or values.max() >= q):
            raise ValueError(f"{name} class indices are {values.min()}..{values.max()}, with {q} classes")
    table = np.zeros((q, q), np.int64)
    np.add.at(table, (rows, columns), numbers.astype(np.int64))
    return table


def correction(rule: str, units: npt.ArrayLike, sizes: npt.ArrayLike | None, are_counts: bool = True) -> Correction:
    """The finite population correction by `rule` ("auto", "always", "never").

    "auto" applies it in every stratum once some stratum's sampling fraction n_h/N_h is above 5 %; sizes that are areas
    or shares never have it.

    Args:
        rule: one of `job.FPC`.
        units: n_h of each stratum.
        sizes: N_h of each stratum; None when the population is unknown.
        are_counts: whether sizes are numbers of sampling units.
    """
    if rule not in FPC:
        raise LulcError(f"{option('fpc')} is {rule!r}.", f"It is one of {', '.join(FPC)}.")
    if sizes is None or not are_counts:
        return Correction(False, rule, sizes="unknown" if sizes is None else "areas")
    n, population = np.atleast_1d(np.asarray(units, float)), np.atleast_1d(np.asarray(sizes, float))
    fraction = float(np.max(np.divide(n, population, out=np.zeros(len(n)), where=population > 0), initial=0.0))
    return Correction(rule == "always" or (rule == "auto" and fraction > LARGE_FRACTION), rule, fraction)


def units_of_strata(units: Units, strata: StrataSizes) -> Floats:
    """n_h `(H,)`, checked against the sizes.

    Raises:
        LulcError: a size is unknown or negative, there are more units than the stratum has, units in an empty stratum,
            or no unit in a stratum that has a size.
    """
    sizes = np.asarray(strata.sizes, np.float64)
    if len(sizes) != len(strata.names) or (units.stratum.size and int(np.max(units.stratum)) >= len(sizes)):
        raise ValueError(f"{len(strata.names)} strata, {len(sizes)} sizes, and a stratum index beyond them")
    n = _units_by_stratum(units, len(sizes))
    for h in range(len(sizes)):
        title = strata.title(h)
        if not np.isfinite(sizes[h]) or sizes[h] < 0:
            raise LulcError(
                f"The size of {title} is unknown ({sizes[h]:g}).",
                "Stratified estimates need the size of each stratum: give"
                f" {option('strata')}, or a field stratum_px or stratum_ha.",
            )
        if sizes[h] == 0 and n[h] > 0:
            raise LulcError(
                f"The size of {title} is 0, but {n[h]:g} reference units are in it.",
                "The sizes and the reference units do not belong together.",
            )
        if strata.are_counts and n[h] > sizes[h] * (1 + 1e-12):
            raise LulcError(
                f"There are {n[h]:g} reference units in {title}, which has {sizes[h]:g} pixels.",
                "The sizes and the reference units do not belong together.",
            )
    missing = [h for h in range(len(sizes)) if sizes[h] > 0 and n[h] == 0]
    if missing and n.sum() > 0:
        lost = ", ".join(strata.names[h] for h in missing)
        share = float(sizes[missing].sum() / sizes.sum())
        raise LulcError(
            f"{len(missing)} of {np.count_nonzero((sizes > 0) | (n > 0))} strata have no reference unit ({lost};"
            f" {100 * share:.1f} % of the area): nothing can be said about the whole map.",
            "Add reference units there, or choose"
            f" {option('missing_strata', 'restrict')} to describe the rest of the map only.",
        )
    if not n.sum() > 0:
        raise LulcError("There is no reference unit in any stratum.")
    return n


def spread_check(row_counts: npt.ArrayLike, map_shares: npt.ArrayLike) -> tuple[float, int, float]:
    """Pearson's X² = Σ (n_i. − n W_i)²/(n W_i) of the units on each class of the map.

    Args:
        row_counts: units on each class of the map `(q,)`.
        map_shares: W_i `(q,)`, on any scale.

    Returns:
        X², degrees of freedom (classes of the map less one), p.

    Raises:
        LulcError: units lie on a class that the map does not have.
    """
    rows, weights = np.asarray(row_counts, np.float64), np.asarray(map_shares, np.float64)
    here = weights > 0
    if np.any(rows[~here] > 0):
        raise LulcError(f"{rows[~here].sum():g} reference units lie on classes that the map does not have.")
    freedom = max(int(np.count_nonzero(here)) - 1, 0)
    expected = rows.sum() * weights[here] / max(float(weights.sum()), 1e-300)
    if rows.sum() == 0 or freedom == 0:
        return 0.0, freedom, 1.0
    x2 = float(((rows[here] - expected) ** 2 / expected).sum())
    from scipy import special  # only here, see intervals.z

    return x2, freedom, float(special.chdtrc(freedom, x2))


def _units_by_stratum(units: Units, strata: int) -> Floats:
    numbers = np.bincount(units.stratum, np.asarray(units.count, np.float64), minlength=strata)
    return np.asarray(numbers, np.float64)


def listed(names: Sequence[str], most: int = 5) -> str:
    """`a, b, c` or `a, b, … (12 in all)`."""
    if len(names) <= most:
        return ", ".join(names)
    return f"{', '.join(names[:most])}, … ({len(names)} in all)"
