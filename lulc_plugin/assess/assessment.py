# SPDX-License-Identifier: GPL-3.0-or-later
"""One map against one reference, or two maps against the same units: `prepare`, `assess` and `compare`.

`prepare` is everything before the first estimate; both jobs share it, so that every difference of two maps is a paired
one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timezone
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import provenance
from ..errors import LulcError
from ..legend import LegendClass
from ..options import option
from ..progress import Progress
from ..raster import check_class_raster, classes_of, settings_of
from .class_sentences import UnknownLabels, listed
from .classes import Matching, SecondMap, match
from .confusion_matrix import accuracy
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
from .estimators import Units, pairing
from .job import AssessJob, FeatureInput, Options, RasterInput
from .result import Assessment, Cause, ClassArea, Comparison, Context, Design, Estimate, Estimates, Reason
from .units import ReferenceUnits, Sizes, collect_units
from .unnamed_values import UnnamedValues, unnamed_values

#: Classes that a layer names.
Names = Sequence[LegendClass]
Shares = npt.NDArray[np.float64]
#: Designs whose units do not stand for the area of the map, and why.
_NO_AREAS = {"descriptive": Cause.NO_SAMPLE_OF_MAP, "polygons": Cause.NO_SAMPLE_OF_AREA}


@dataclass(frozen=True)
class Preparation:
    """The units of a job with their classes, and how they were sampled.

    Attributes:
        job: what was asked for.
        raw_units: all reference units on the map or the maps, in raw values.
        matching: which values and labels are the same class.
        units: those that have a class on both sides, as class indices.
        design, sampling: how they were drawn, strata and weights.
        map_shares: `(q,)` share of each class in the first map.
        warnings: sentences.
    """

    job: AssessJob
    raw_units: ReferenceUnits
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
        raw_units, options = self.raw_units, self.job.options
        excluded = list(raw_units.excluded)
        if self.units.left_out:
            excluded.append(("with a reference class that the legend does not have", self.units.left_out))
        per_label = np.bincount(raw_units.label, raw_units.count, len(raw_units.labels)).astype(np.int64)
        by_label = dict(zip(raw_units.labels, map(int, per_label)))
        return Context(
            reference=raw_units.reference,
            design=self.design,
            alignment=raw_units.alignment,
            units="points" if raw_units.kind == "points" else "pixels",
            compared=self.units.raw_units.compared,
            excluded=tuple(excluded),
            unlabelled=raw_units.unlabelled,
            unknown=tuple((key, by_label[key]) for key in self.matching.unknown),
            warnings=tuple(dict.fromkeys(w for w in self.warnings if w)),
            area_unit=options.area_unit,
            level=options.level,
            interval=options.interval,
            area_measurement=raw_units.area_measurement,
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
    strata = _strata_in_use(job.options, job.features)
    layers = (*job.maps, *(layer for layer in (job.reference, strata) if layer is not None))
    said = [sentence for layer in layers for sentence in check_class_raster(layer)]
    raw_units = collect_units(job.maps, job.reference, job.features, strata, progress)
    legends = tuple(classes_of(layer) for layer in layers[: len(job.maps) + (job.reference is not None)])
    prepared = _with_classes(job, raw_units, legends)
    warnings = (
        *settings_of(*job.maps, job.reference, strata),
        *said,
        *_unmatched(prepared, legends),
        *prepared.warnings,
    )
    return replace(prepared, warnings=warnings)


def _with_classes(job: AssessJob, raw_units: ReferenceUnits, legends: Sequence[Names]) -> Preparation:
    """Units with their classes, and how they were sampled; `legends` are of the maps and of a reference raster.

    Raises:
        LulcError: classes that cannot be matched, or units that do not fit the design.
    """
    options, maps = job.options, len(job.maps)
    second = None
    if maps == 2:
        second = SecondMap(map(int, np.unique(raw_units.values[:, 1])), legends[1], options.class_table_b)
    values = {*raw_units.map_sizes.pixels, *map(int, np.unique(raw_units.values[:, 0]))}
    of_reference = () if job.reference is None else legends[maps]
    matching = match(values, legends[0], raw_units.labels, of_reference, options.class_table, options.unknown, second)
    units = encode(raw_units, matching)
    design = design_of(units.raw_units, options.design)
    sampling = sampling_of(units, matching, design, options, legends[0])
    design = replace(
        design,
        sizes_from=sampling.sizes_from,
        described=sampling.described,
        dropped=sampling.dropped,
        by_pixel_area=sampling.area is not None,
    )
    # units drawn by area are spread as the areas of the classes are, not as their pixels
    map_shares = _map_shares(raw_units.map_sizes, matching, sampling.area is not None or raw_units.stated.area_weighted)
    names = [c.label for c in matching.classes]
    warnings = (
        *_contradictions(units, design, options, map_shares, names),
        *design_warnings(design),
        partly_described(sampling.described, sampling.dropped),
        *sampling.warnings,
        *matching.warnings,
        *raw_units.warnings,
    )
    return Preparation(job, raw_units, matching, units, design, sampling, map_shares, warnings)


def _strata_in_use(options: Options, features: FeatureInput | None) -> RasterInput | None:
    """The raster of strata if the design is going to use it; units without a stratum must not be lost to others."""
    points = features is not None and features.kind == "points"
    used = options.design == "stratified" or (options.design == "auto" and points)
    return options.strata if used else None


def _unmatched(prepared: Preparation, legends: Sequence[Names]) -> list[str]:
    """Sentences about values and labels that no legend has: how many units have them, and the figures without them.

    Raises:
        LulcError: a map has no class that the other one or the reference has.
    """
    job, matching, raw_units = prepared.job, prepared.matching, prepared.raw_units
    per_label = np.bincount(raw_units.label, raw_units.count, len(raw_units.labels)).astype(np.int64)
    by_label = dict(zip(raw_units.labels, map(int, per_label)))
    without: list[float | None] = []
    if matching.unknown and job.options.unknown == "error" and len(matching.unknown) < len(by_label):
        exclude = replace(job, options=replace(job.options, unknown="exclude"))
        without = _overall(exclude, raw_units, legends)
    labels = UnknownLabels(
        counts={label: by_label[label] for label in matching.unknown},
        labels=len(by_label),
        compared=raw_units.compared,
        units="points" if raw_units.kind == "points" else "pixels",
        has_table=bool(job.options.class_table),
        names={c.value: c.name for c in legends[-1]} if job.reference is not None else {},
        offers=matching.offers,
        unknown=job.options.unknown,
        without=without,
    )
    sentences = labels.sentences()
    for which in range(len(job.maps)):
        unnamed = _unnamed(prepared, legends, which)
        if unnamed is not None:
            there = np.isin(raw_units.values[:, which], list(unnamed.shares))
            rest: list[float | None] = []
            if there.any() and not there.all():
                rest = _overall(job, raw_units.without(there, () if which else unnamed.shares), legends)
            on_them = int(raw_units.count[there].sum())
            sentences.append(unnamed.sentence(on_them, labels.units, rest[which] if rest else None))
    return sentences + _foreign_classes(prepared)


def _unnamed(prepared: Preparation, legends: Sequence[Names], which: int) -> UnnamedValues | None:
    """Values of a map that nothing names; of a second map only those at the units are known."""
    raw_units, options = prepared.raw_units, prepared.job.options
    sizes: Mapping[Any, int] = raw_units.map_sizes.pixels
    if which:
        values, place = np.unique(raw_units.values[:, which], return_inverse=True)
        counts = np.bincount(place.ravel(), raw_units.count)
        sizes = dict(zip(map(int, values), map(int, counts)))
    tables = (*options.class_table, *options.class_table_b)
    known = {*raw_units.labels, *(value for value, _ in tables)}
    return unnamed_values(prepared.job.maps[which], sizes, legends[which], known)


def _overall(job: AssessJob, raw_units: ReferenceUnits, legends: Sequence[Names]) -> list[float | None]:
    """Overall accuracy of each map with these units; empty where they allow none."""
    try:
        prepared = _with_classes(job, raw_units, legends)
        return [prepared.estimates(which).overall.value for which in range(len(job.maps))]
    except LulcError:  # a stratum without units, for example
        return []


def _foreign_classes(prepared: Preparation) -> list[str]:
    """A sentence about classes that only the second of two maps has.

    Raises:
        LulcError: a map has no class that the other one or the reference has; it could not be right anywhere.
    """
    raw_units, matching, maps = prepared.raw_units, prepared.matching, prepared.job.maps
    if len(maps) == 1:
        return []
    classes = [c.label for c in matching.classes]
    labels = {place for label, place in matching.of_reference.items() if label not in matching.unknown}
    sides = (matching.of_map, matching.of_second)
    for which, name in enumerate(("class_table", "class_table_b")):
        own = {sides[which][int(value)] for value in np.unique(raw_units.values[:, which])}
        others = labels | set(sides[1 - which].values())
        if not own & others:
            raise LulcError(
                f"No class of map {'AB'[which]} ({maps[which].title}: {listed([classes[i] for i in sorted(own)])}) is"
                f" one of map {'BA'[which]} or of the reference ({listed([classes[i] for i in sorted(others)])}): its"
                " legend is another one.",
                f"Say in {option(name)} which value of it and which reference value or name mean the same.",
            )
    alone = matching.only_second
    if not alone:
        return []
    number = int(raw_units.count[np.isin(raw_units.values[:, 1], alone)].sum())
    shown = listed([classes[matching.of_second[value]] for value in alone])
    return [
        f"Map B ({maps[1].title}) has classes that neither map A nor the reference has: {shown}; {number:,} of"
        f" {raw_units.compared:,} units lie there and count as its errors. If its legend is another one, give"
        f" {option('class_table_b')}."
    ]


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
        if units.raw_units.stated.sizes:
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
    for name in ("class_table", "class_table_b"):
        options[name] = [f"{of_map} = {of_reference}" for of_map, of_reference in options[name]]
    if len(job.maps) == 1:
        del options["class_table_b"]
    if job.features is not None:
        options["field"] = job.features.field
        options["stratum_field"] = job.features.stratum_field or None
    return options


# ---------------------------------------------------------------- one map


def assess(job: AssessJob, progress: Progress) -> Assessment:
    """Compare a map with its reference; `report.accuracy.assess_and_report` also writes the files.

    Raises:
        LulcError: input that cannot be used, or two maps.
        CancelledError: the user stopped.
    """
    if len(job.maps) != 1:
        raise LulcError(f"An assessment is of one map; there are {len(job.maps)}.", "Compare them instead.")
    prepared = prepare(job, progress)
    estimates = prepared.estimates()
    return Assessment(
        classes=prepared.matching.classes,
        map=prepared.raw_units.summaries[0],
        map_pixels=prepared.raw_units.map_sizes.total_pixels,
        map_area=prepared.raw_units.map_sizes.total_area,
        estimates=estimates,
        sample=accuracy(estimates.counts),
        areas=_areas(prepared, estimates),
        context=prepared.context(),
        of_map=prepared.matching.of_map,
        of_reference=prepared.matching.of_reference,
    )


def _areas(prepared: Preparation, estimates: Estimates) -> tuple[ClassArea, ...]:
    raw_units, matching, sampling = prepared.raw_units, prepared.matching, prepared.sampling
    q = len(matching.classes)
    pixels = [0] * q
    metres = [0.0] * q
    # mapped and adjusted areas belong to the same part of the map
    sizes = sampling.mapped or raw_units.map_sizes
    known = sizes.area
    for value, number in sizes.pixels.items():
        pixels[matching.of_map[int(value)]] += number
        if known is not None:
            metres[matching.of_map[int(value)]] += known[value]
    total = raw_units.map_sizes.total_area
    share_of = metres if known is not None else [float(p) for p in pixels]
    whole = sum(share_of)
    shown = known is not None and sampling.mapped is not None
    dropped = {matching.of_map[value] for value in sampling.dropped_values if value in matching.of_map}
    described = None if total is None else total * sampling.described
    if estimates.design == "census" and total is not None:
        described = float(prepared.units.areas().sum())
    out = []
    for k in range(q):
        cause = _NO_AREAS.get(estimates.design)
        if cause is None and k in dropped and not pixels[k] and not estimates.counts[:, k].any():
            cause = Cause.STRATUM_DROPPED
        adjusted = (
            _scaled(estimates.area_shares[k], described) if cause is None else Estimate(None, reason=Reason(cause))
        )
        out.append(ClassArea(pixels[k], metres[k] if shown else None, share_of[k] / whole, adjusted))
    return tuple(out)


def _scaled(share: Estimate, area: float | None) -> Estimate:
    if area is None or share.value is None:
        return Estimate(None, reason=share.reason or (Reason(Cause.NO_PIXEL_AREA) if area is None else None))
    se, low, high = (None if v is None else v * area for v in (share.se, share.low, share.high))
    return Estimate(share.value * area, se, low, high, share.method, share.reason)


# ---------------------------------------------------------------- two maps


def compare(job: AssessJob, progress: Progress) -> Comparison:
    """Compare two maps on the units where both have a class; `report.accuracy.compare_and_report` also writes files.

    The first map's pixels are the grid; points are read on each map at the pixel they fall in.

    Raises:
        LulcError: input that cannot be used, or only one map.
        CancelledError: the user stopped.
    """
    if len(job.maps) != 2:
        raise LulcError("A comparison is of two maps; there is one.", "Assess it instead.")
    if job.options.poststratify:
        raise LulcError(
            f"{option('poststratify')} does not go with a comparison: each map would have its own weights.",
            "Switch it off.",
        )
    prepared = prepare(job, progress)
    a, b = prepared.estimates(0), prepared.estimates(1)
    units = prepared.units
    right = [units.maps[:, which] == units.reference for which in (0, 1)]
    count = units.raw_units.count
    both, only_a, only_b, neither = (
        int(count[rows].sum())
        for rows in (right[0] & right[1], right[0] & ~right[1], ~right[0] & right[1], ~right[0] & ~right[1])
    )
    paired = _differences(prepared, a, b)
    return Comparison(
        classes=prepared.matching.classes,
        map_a=prepared.raw_units.summaries[0],
        map_b=prepared.raw_units.summaries[1],
        a=a,
        b=b,
        both=both,
        only_a=only_a,
        only_b=only_b,
        neither=neither,
        overall=paired.overall,
        kappa=paired.kappa,
        users=paired.users,
        producers=paired.producers,
        mcnemar=pairing.mcnemar(only_a, only_b) if prepared.design.name == "simple" else None,
        context=prepared.context(),
    )


def _differences(prepared: Preparation, a: Estimates, b: Estimates) -> pairing.Differences:
    units, sampling, options = prepared.units, prepared.sampling, prepared.job.options
    map_a, map_b, count = units.maps[:, 0], units.maps[:, 1], units.raw_units.count
    if prepared.design.name == "polygons" and units.raw_units.cluster is not None:
        return pairing.cluster_differences(
            units.raw_units.cluster, map_a, map_b, units.reference, count, units.q, options.level
        )
    if prepared.design.name not in ("simple", "stratified"):
        cause = Cause.CENSUS if prepared.design.name == "census" else Cause.DESCRIPTIVE
        return pairing.bare_differences(a, b, cause)
    sample = Units(sampling.stratum, map_a, units.reference, count, sampling.area)
    return pairing.differences(sample, map_b, units.q, sampling.sizes, sampling.population, options.fpc, options.level)
