# SPDX-License-Identifier: GPL-3.0-or-later
"""What an assessment of one map and a comparison of two have in common: everything before the first estimate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timezone
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import provenance
from ..legend import LegendClass
from ..options import option
from ..progress import Progress
from ..raster import read_categories
from .classes import Matching, match
from .design import (
    CodedUnits,
    Sampling,
    design_of,
    design_warnings,
    encode,
    estimate,
    partly_described,
    sampling_of,
    spread_warning,
)
from .job import AssessJob, FeatureInput, Options, RasterInput
from .result import Context, Design, Estimates
from .units import ReferenceUnits, Sizes, collect_units

Shares = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Preparation:
    """The units of a job with their classes, and how they were sampled.

    Attributes:
        job: what was asked for.
        found: all reference units on the map or the maps.
        matching: which values and labels are the same class.
        units: the units as class indices.
        design, sampling: how they were drawn, strata and weights.
        map_shares: `(q,)` share of each class in the first map.
        warnings: sentences.
    """

    job: AssessJob
    found: ReferenceUnits
    matching: Matching
    units: CodedUnits
    design: Design
    sampling: Sampling
    map_shares: Shares
    warnings: tuple[str, ...]

    def estimates(self, which: int = 0) -> Estimates:
        """Estimates of the map with this index."""
        names = [c.label for c in self.matching.classes]
        return estimate(self.units, self.sampling, self.design, self.job.options, self.map_shares, names, which)

    def context(self) -> Context:
        """What a result says besides its figures."""
        found, options = self.found, self.job.options
        excluded = list(found.excluded)
        if self.units.left_out:
            excluded.append(("with a reference class that the legend does not have", self.units.left_out))
        per_label = np.bincount(found.label, found.count, len(found.labels)).astype(np.int64)
        by_label = dict(zip(found.labels, map(int, per_label)))
        return Context(
            reference=found.reference,
            design=self.design,
            alignment=found.alignment,
            units="points" if found.kind == "points" else "pixels",
            compared=self.units.found.compared,
            excluded=tuple(excluded),
            unlabelled=found.unlabelled,
            unknown=tuple((key, by_label[key]) for key in self.matching.unknown),
            warnings=tuple(dict.fromkeys(w for w in self.warnings if w)),
            area_unit=options.area_unit,
            level=options.level,
            interval=options.interval,
            area_note=found.area_note,
            strata=self.sampling.strata,
            parameters=_parameters(self.job),
            versions=provenance.versions(),
            date=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        )


def prepare(job: AssessJob, progress: Progress) -> Preparation:
    """Collect the reference units on the maps of `job`, match the classes, and find out how the units were sampled.

    Raises:
        LulcError: input that cannot be used.
        CancelledError: the user stopped.
    """
    options = job.options
    strata = _strata_in_use(options, job.features)
    found = collect_units(job.maps, job.reference, job.features, strata, progress)
    legends = [_legend_of(layer) for layer in job.maps]
    legend, conflicts = _one_legend(legends[0], legends[-1])
    reference_legend = () if job.reference is None else _legend_of(job.reference)
    values = {*found.map_sizes.pixels, *map(int, np.unique(found.values))}
    matching = match(values, legend, found.labels, reference_legend, options.class_table, options.unknown)
    units = encode(found, matching)
    design = design_of(units.found, options.design)
    sampling = sampling_of(units, matching, design, options, legends[0])
    design = replace(
        design,
        sizes_from=sampling.sizes_from,
        described=sampling.described,
        dropped=sampling.dropped,
        by_pixel_area=sampling.area is not None,
    )
    # units drawn by area are spread as the areas of the classes are, not as their pixels
    map_shares = _map_shares(found.map_sizes, matching, sampling.area is not None or found.stated.area_weighted)
    names = [c.label for c in matching.classes]
    warnings = (
        *conflicts,
        *_contradictions(units, design, options, map_shares, names),
        *design_warnings(design),
        partly_described(sampling.described, sampling.dropped),
        *sampling.warnings,
        *matching.warnings,
        *found.warnings,
    )
    return Preparation(job, found, matching, units, design, sampling, map_shares, warnings)


def _strata_in_use(options: Options, features: FeatureInput | None) -> RasterInput | None:
    """The raster of strata if the design is going to use it; units without a stratum must not be lost to others."""
    points = features is not None and features.kind == "points"
    used = options.design == "stratified" or (options.design == "auto" and points)
    return options.strata if used else None


def _legend_of(layer: RasterInput) -> tuple[LegendClass, ...]:
    """Names of a layer's values: those the user sees, else those of the file."""
    return layer.classes or read_categories(layer.path, layer.band)


def _one_legend(a: Sequence[LegendClass], b: Sequence[LegendClass]) -> tuple[tuple[LegendClass, ...], list[str]]:
    """One legend of two maps, and sentences about values that they name differently."""
    names = {c.value: c for c in a}
    conflicts = [
        f'Value {c.value} is "{names[c.value].name}" in the first map and "{c.name}" in the second; they are compared'
        " as one class."
        for c in b
        if c.value in names and names[c.value].name.strip().casefold() != c.name.strip().casefold()
    ]
    return (*a, *(c for c in b if c.value not in names)), conflicts


def _map_shares(sizes: Sizes, matching: Matching, by_area: bool) -> Shares:
    """`(q,)` share of each class in the whole valid map, by area or by pixels."""
    source = sizes.area if by_area and sizes.area is not None else sizes.pixels
    out = np.zeros(len(matching.classes))
    for value, size in source.items():
        out[matching.of_map[int(value)]] += float(size)
    shares: Shares = out / out.sum()
    return shares


def _contradictions(
    units: CodedUnits, design: Design, options: Options, map_shares: Shares, names: Sequence[str]
) -> tuple[str, ...]:
    """Sentences about a declared design that the units contradict, and about options that have no effect."""
    out = []
    if design.name == "simple":
        if units.found.stated.sizes:
            out.append(
                f"{option('design', 'simple')} is declared, but the points carry the strata of a stratified sample"
                f" (stratum, stratum_px): choose {option('design', 'auto')} or stratified unless you know better."
            )
        out.append("" if options.poststratify else spread_warning(units, map_shares, names))
    if options.poststratify and design.name != "simple":
        out.append(_no_effect(option("poststratify"), design, "simple"))
    if options.strata is not None and design.name != "stratified":
        out.append(_no_effect(option("strata"), design, "stratified"))
    if options.interval != "standard" and design.name != "stratified" and not options.poststratify:
        out.append(_no_effect(option("interval", options.interval), design))
    return tuple(filter(None, out))


def _no_effect(what: str, design: Design, of_design: str = "") -> str:
    where = f"; it belongs to {option('design', of_design)}" if of_design else ""
    return f"{what} has no effect with {option('design', design.name)}{where}."


def _parameters(job: AssessJob) -> dict[str, Any]:
    """What the user chose, for the record; paths and names are in the layers' own tables."""
    options = asdict(job.options)
    strata = job.options.strata
    options["strata"] = None if strata is None else f"{strata.title}, band {strata.band}"
    options["class_table_file"] = job.options.class_table_file or None
    options["class_table"] = [f"{of_map} = {of_reference}" for of_map, of_reference in job.options.class_table]
    if job.features is not None:
        options["field"] = job.features.field
        options["stratum_field"] = job.features.stratum_field or None
    return options
