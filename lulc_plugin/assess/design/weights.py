# SPDX-License-Identifier: GPL-3.0-or-later
"""From the units, their classes and the design to estimates: which estimator, with which sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...errors import LulcError
from ...legend import LegendClass
from ...options import option
from ..class_names import Key, fold
from ..classes import LEFT_OUT, Matching
from ..estimators import StrataSizes, Units, estimation, spread_check
from ..job import Options
from ..result import Design, Estimates, Stratum
from ..units import Ints, ReferenceUnits, Sizes
from .strata import Strata, map_value, moved_units, strata_of

#: From this ratio of the largest to the smallest pixel on, units are weighted with their pixel's area.
UNEQUAL_FROM = 1.05
#: Share of the map from which on it is described as a whole.
ALL_OF_IT = 0.999
_SUSPICIOUS = 1e-3
_FEW = 30


@dataclass(frozen=True)
class CodedUnits:
    """Reference units as class indices.

    Attributes:
        maps: `(n, maps)` class index on each map.
        reference: `(n,)` class index.
        raw_units: the same rows in raw values.
        left_out: units with a reference class that was to be left out.
        q: number of classes.
    """

    maps: Ints
    reference: Ints
    raw_units: ReferenceUnits
    left_out: int
    q: int

    def counts(self, which: int = 0) -> Ints:
        """`(q, q)` units of one map, rows map, columns reference."""
        out = np.zeros((self.q, self.q), np.int64)
        np.add.at(out, (self.maps[:, which], self.reference), self.raw_units.count)
        return out

    def areas(self, which: int = 0) -> npt.NDArray[np.float64]:
        """`(q, q)` m² of the units of one map."""
        out = np.zeros((self.q, self.q))
        each = 1.0 if self.raw_units.area is None else self.raw_units.area
        np.add.at(out, (self.maps[:, which], self.reference), self.raw_units.count * each)
        return out


@dataclass(frozen=True)
class Sampling:
    """What the estimators of one design need besides the classes; the pairing of two maps uses the same.

    Attributes:
        stratum: `(n,)` stratum of each row; all 0 without strata.
        sizes: strata and their sizes, None unless stratified.
        area: `(n,)` relative pixel area of each row, None where all count alike.
        population: units in the map, None when unknown.
        mapped: the map's classes in the part that is described, None when they are not known.
        described: share of the map that the estimates describe.
        dropped: names of the strata that were dropped because no unit is there.
        dropped_values: map values whose stratum was dropped.
        sizes_from: where the sizes come from, as in `result.Design`.
        strata: for the report.
        warnings: sentences.
    """

    stratum: Ints
    sizes: StrataSizes | None
    area: npt.NDArray[np.float64] | None
    population: float | None
    mapped: Sizes | None = None
    described: float = 1.0
    dropped: tuple[str, ...] = ()
    dropped_values: frozenset[int] = frozenset()
    sizes_from: str = ""
    strata: tuple[Stratum, ...] = ()
    warnings: tuple[str, ...] = ()


def encode(raw_units: ReferenceUnits, matching: Matching) -> CodedUnits:
    """Class indices of the units; units whose reference class is to be left out are counted and dropped.

    Raises:
        LulcError: nothing is left.
    """
    of_label = np.array([matching.of_reference[key] for key in raw_units.labels], np.int64)
    reference = of_label[raw_units.label]
    sides = (matching.of_map, matching.of_second)[: raw_units.values.shape[1]]
    maps = np.stack([_indices(raw_units.values[:, i], of_values) for i, of_values in enumerate(sides)], axis=1)
    keep = reference != LEFT_OUT
    left_out = int(raw_units.count[~keep].sum())
    if not keep.any():
        raise LulcError(
            f"No reference unit is left: all {left_out:,} have classes that the map's legend does not have.",
            f"Say in {option('class_table')} what means the same, or choose {option('unknown', 'error')}.",
        )
    return CodedUnits(maps[keep], reference[keep], raw_units.rows(keep), left_out, len(matching.classes))


def _indices(values: Ints, of_values: Mapping[int, int]) -> Ints:
    """Class index of each map value."""
    known = np.array(sorted(of_values), np.int64)
    index = np.array([of_values[int(value)] for value in known], np.int64)
    indices: Ints = index[np.searchsorted(known, values)]
    return indices


def sampling_of(
    units: CodedUnits, matching: Matching, design: Design, options: Options, legend: Sequence[LegendClass]
) -> Sampling:
    """Strata, weights and population of a design.

    Raises:
        LulcError: strata without a size.
    """
    raw_units = units.raw_units
    area = None
    unequal = raw_units.area_ratio > UNEQUAL_FROM and design.name != "polygons"
    if raw_units.area is not None and unequal and not raw_units.stated.area_weighted:
        area = raw_units.area / float(np.average(raw_units.area, weights=raw_units.count))
    population = float(raw_units.map_sizes.total_pixels)
    if design.name != "stratified":
        return Sampling(np.zeros(len(raw_units.count), np.int64), None, area, population, mapped=raw_units.map_sizes)
    names = {fold(c.name): c.value for c in legend}
    strata = strata_of(raw_units, names)
    numbers = np.bincount(strata.unit_index, raw_units.count, len(strata.keys)).astype(np.int64)
    empty = [i for i, size in enumerate(strata.sizes) if size > 0 and not numbers[i]]
    # with "refuse" they keep their weight, and the estimator refuses them
    dropped = empty if options.missing_strata == "restrict" else []
    # a stratum without pixels and without units is only a name
    kept = [i for i in range(len(strata.keys)) if i not in set(dropped) and (strata.sizes[i] > 0 or numbers[i])]
    labels = _labels(strata, legend)
    described = sum(strata.sizes[i] for i in kept) / strata.whole
    described = 1.0 if described >= ALL_OF_IT else described
    place = np.full(len(strata.keys), -1, np.int64)
    place[kept] = np.arange(len(kept))
    total = sum(strata.sizes[i] for i in kept)
    keys = [strata.keys[i] for i in dropped] if strata.are_map_classes else []
    table = tuple(
        Stratum(labels[i], strata.sizes[i], strata.sizes[i] / total, int(numbers[i]), strata.unit) for i in kept
    )
    return Sampling(
        stratum=place[strata.unit_index],
        sizes=StrataSizes(
            names=tuple(stratum.name for stratum in table),
            sizes=np.array([stratum.size for stratum in table], float),
            are_counts=strata.unit == "px",
            map_class=_class_indices(strata, kept, matching, names),
            complete=tuple(strata.keys[i] in strata.complete for i in kept),
        ),
        area=area,
        population=population,
        mapped=strata.mapped(kept, raw_units),
        described=described,
        dropped=tuple(labels[i] for i in dropped),
        dropped_values=frozenset(key for key in keys if isinstance(key, int)),
        sizes_from=strata.sizes_from,
        strata=table,
        warnings=(*strata.warnings, *_moved(raw_units, strata, names), *_few(table, options.interval)),
    )


def partly_described(described: float, dropped: Sequence[str]) -> str:
    """A sentence where the figures describe a part of the map only, 0..1; else empty."""
    if described >= ALL_OF_IT:
        return ""
    why = f"without a reference unit: {', '.join(dropped)}" if dropped else "the rest lies in none of the strata"
    return f"These figures describe {100 * described:.1f} % of the map ({why})."


def _moved(raw_units: ReferenceUnits, strata: Strata, names: Mapping[Key, int]) -> tuple[str, ...]:
    own = strata.are_map_classes or raw_units.stratum_source == "sample"
    moved = moved_units(raw_units, strata, names) if own else 0
    if not moved:
        return ()
    return (
        f"{moved:,} of {raw_units.compared:,} units lie on another map class than the stratum they were drawn from (the"
        " map was edited, or made again, after sampling). Their own strata are used (Stehman 2014).",
    )


def _few(strata: Sequence[Stratum], interval: str) -> tuple[str, ...]:
    few = [f"{stratum.name} ({stratum.units})" for stratum in strata if 0 < stratum.units < _FEW]
    how = "wide" if interval == "conservative" else "rough"
    return (f"Strata with fewer than {_FEW} units, whose intervals are {how}: {', '.join(few)}.",) if few else ()


def _class_indices(
    strata: Strata, kept: Sequence[int], matching: Matching, names: Mapping[Key, int]
) -> tuple[int | None, ...] | None:
    """Class index of each stratum when strata are map classes: then a user's accuracy is its stratum's own."""
    if not strata.are_map_classes:
        return None
    values = [map_value(strata.keys[i], names, matching.of_map) for i in kept]
    return tuple(None if value is None else matching.of_map.get(value) for value in values)


def _labels(strata: Strata, legend: Sequence[LegendClass]) -> list[str]:
    names = {c.value: c.name for c in legend} if strata.are_map_classes else {}
    return [f"{names[key]} ({key})" if isinstance(key, int) and key in names else str(key) for key in strata.keys]


def estimate(
    units: CodedUnits,
    sampling: Sampling,
    design: Design,
    options: Options,
    shares_of_map: npt.NDArray[np.float64],
    names: Sequence[str],
    which: int = 0,
) -> Estimates:
    """Estimates of one map by the estimator of its design.

    Args:
        units: units as class indices.
        sampling: from `sampling_of`.
        design: the design.
        options: fpc, interval, level.
        shares_of_map: `(q,)` share of each class in the map, for post-stratification.
        names: of the classes, for messages.
        which: 0 or 1, the map.
    """
    counts = units.counts(which)
    if design.name in ("census", "descriptive"):
        areas = units.areas(which)
        shares = areas / areas.sum() if sampling.area is not None else None
        maker = estimation.census if design.name == "census" else estimation.descriptive
        return maker(counts, shares)
    if design.name == "polygons":
        cluster = units.raw_units.cluster
        if cluster is None:
            raise LulcError(f"{option('design', 'polygons')} wants polygons as reference.")
        return estimation.polygons(
            cluster, units.maps[:, which], units.reference, units.raw_units.count, units.q, options.level
        )
    sample = Units(sampling.stratum, units.maps[:, which], units.reference, units.raw_units.count, sampling.area)
    if design.name == "simple":
        population, fpc, level = sampling.population, options.fpc, options.level
        if options.poststratify:
            return estimation.poststratified(
                sample,
                shares_of_map,
                names=names,
                population=population,
                fpc=fpc,
                interval=options.interval,
                level=level,
            )
        return estimation.simple(
            sample, q=units.q, population=population, fpc=fpc, level=level, interval=options.interval
        )
    if sampling.sizes is None:
        raise LulcError(f"{option('design', 'stratified')} wants strata.")
    return estimation.stratified(
        sample, sampling.sizes, units.q, fpc=options.fpc, interval=options.interval, level=options.level
    )


def spread_warning(units: CodedUnits, shares_of_map: npt.NDArray[np.float64], names: Sequence[str]) -> str:
    """A sentence if units declared a simple sample are not spread over the classes as the map is; else empty."""
    rows = units.counts().sum(axis=1)
    _, _, p = spread_check(rows, shares_of_map)
    if p >= _SUSPICIOUS:
        return ""
    of_sample = rows / rows.sum()
    worst = int(np.argmax(np.abs(of_sample - shares_of_map)))
    return (
        f"{option('design', 'simple')} is declared, but the units are not spread over the classes like the map is"
        f" ({names[worst]}:"
        f" {100 * shares_of_map[worst]:.0f} % of the map, {100 * of_sample[worst]:.0f} % of the units; p < 0.001). This"
        " looks like a stratified sample; treated as a simple one, its overall accuracy is biased."
    )
