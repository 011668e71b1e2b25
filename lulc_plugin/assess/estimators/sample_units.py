# SPDX-License-Identifier: GPL-3.0-or-later
"""The units of a reference sample, the sizes of the strata they stand for, and the finite population correction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ...errors import LulcError
from ...options import option
from ..job import FPC

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


@dataclass(frozen=True)
class Correction:
    """Whether the finite population correction (1 − n/N) is applied, and why, in a sentence."""

    applied: bool
    sentence: str


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
        known = "sizes are areas or shares, not numbers of pixels" if sizes is not None else "the size is unknown"
        return Correction(False, f"No finite population correction ({known}).")
    n, population = np.atleast_1d(np.asarray(units, float)), np.atleast_1d(np.asarray(sizes, float))
    fraction = float(np.max(np.divide(n, population, out=np.zeros(len(n)), where=population > 0), initial=0.0))
    largest = f"largest sampling fraction {fraction:.2%}"
    if rule == "always":
        return Correction(True, f"Finite population correction applied, as asked for ({largest}).")
    if rule == "never":
        return Correction(False, f"No finite population correction, as asked for ({largest}).")
    if fraction > LARGE_FRACTION:
        return Correction(True, f"Finite population correction applied: {largest}, more than 5 %.")
    return Correction(False, f"No finite population correction: {largest}, not more than 5 %.")


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
    if missing:
        share = float(sizes[missing].sum() / sizes.sum())
        raise LulcError(
            f"No reference unit in {listed([strata.title(h) for h in missing])} ({share:.1%} of the whole): "
            "accuracy and areas cannot be estimated for the whole map.",
            f"Add units there, or choose {option('missing_strata', 'restrict')} to describe the rest of the map.",
        )
    if not n.sum() > 0:
        raise LulcError("There is no reference unit in any stratum.")
    return n


def restrict(units: Units, strata: StrataSizes) -> tuple[Units, StrataSizes, tuple[str, ...], float]:
    """Without the strata that have a size but no unit.

    Returns:
        Units and strata that remain, names of the strata that were dropped, and the share of the whole that is kept.

    Raises:
        LulcError: no stratum has a unit.
    """
    sizes = np.asarray(strata.sizes, np.float64)
    n = _units_by_stratum(units, len(sizes))
    keep = (n > 0) | (sizes == 0)
    if not np.any(n > 0):
        raise LulcError("There is no reference unit in any stratum.")
    index = np.cumsum(keep) - 1
    kept = [h for h in range(len(sizes)) if keep[h]]
    classes = None if strata.map_class is None else tuple(strata.map_class[h] for h in kept)
    whole = None if strata.complete is None else tuple(strata.complete[h] for h in kept)
    remaining = StrataSizes(tuple(strata.names[h] for h in kept), sizes[keep], strata.are_counts, classes, whole)
    dropped = tuple(strata.names[h] for h in range(len(sizes)) if not keep[h])
    share = float(sizes[keep].sum() / sizes.sum()) if sizes.sum() > 0 else 1.0
    return replace(units, stratum=index[units.stratum]), remaining, dropped, share


def _units_by_stratum(units: Units, strata: int) -> Floats:
    numbers = np.bincount(units.stratum, np.asarray(units.count, np.float64), minlength=strata)
    return np.asarray(numbers, np.float64)


def listed(names: Sequence[str], most: int = 5) -> str:
    """`a, b, c` or `a, b, … (12 in all)`."""
    if len(names) <= most:
        return ", ".join(names)
    return f"{', '.join(names[:most])}, … ({len(names)} in all)"
