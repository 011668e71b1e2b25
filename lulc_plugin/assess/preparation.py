# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything before the first estimate: units of one map or two, their classes, how they were sampled, and what to say.

One map and two are prepared alike, so that every difference of two maps is a paired one.
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
from .class_names import is_no_class
from .class_sentences import UnknownLabels, listed
from .classes import Matching, SecondMap, match
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
from .unnamed_values import looks_like_a_picture, unnamed_values

#: Classes that a layer names.
Names = Sequence[LegendClass]
Shares = npt.NDArray[np.float64]
#: Different labels that a field of classes may have, as many as values of a raster; and how many an error shows.
_MOST_LABELS, _EXAMPLES = 1000, 5


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
        without_unknown: see `Context`.
    """

    job: AssessJob
    raw_units: ReferenceUnits
    matching: Matching
    units: CodedUnits
    design: Design
    sampling: Sampling
    map_shares: Shares
    warnings: tuple[str, ...]
    without_unknown: tuple[float | None, ...] = ()

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
            without_unknown=self.without_unknown,
            class_values=self.matching.class_values(),
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
    _refuse_no_classes(raw_units, job.features)
    legends = tuple(classes_of(layer) for layer in layers[: len(job.maps) + (job.reference is not None)])
    prepared = _with_classes(job, raw_units, legends)
    prepared = replace(prepared, without_unknown=_without_unknown(prepared, legends))
    warnings = (
        *settings_of(*job.maps, job.reference, strata),
        *said,
        *_unmatched(prepared, legends),
        *prepared.warnings,
    )
    return replace(prepared, warnings=warnings)


def _refuse_no_classes(raw_units: ReferenceUnits, features: FeatureInput | None) -> None:
    """Refuse a field of ids or remarks: the matrix would have a row for each.

    Raises:
        LulcError: it has more different values than a legend has classes.
    """
    if features is None or len(raw_units.labels) <= _MOST_LABELS:
        return
    raise LulcError(
        f"The field {features.field} of {features.name} has {len(raw_units.labels):,} different values"
        f" ({listed(raw_units.labels[:_EXAMPLES])}, …): that is no field of classes.",
        f"Name the field that holds the class in {option('field')}.",
    )


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
    labels = UnknownLabels(
        counts={label: by_label[label] for label in matching.unknown},
        labels=len(by_label),
        compared=raw_units.compared,
        units="points" if raw_units.kind == "points" else "pixels",
        has_table=bool(job.options.class_table),
        names={c.value: c.name for c in legends[-1]} if job.reference is not None else {},
        offers=matching.offers,
        unknown=job.options.unknown,
        without=prepared.without_unknown,
    )
    sentences = labels.sentences()
    for which in range(len(job.maps)):
        sentences += _unnamed(prepared, legends, which, labels.units)
    return sentences + _foreign_classes(prepared, legends)


def _without_unknown(prepared: Preparation, legends: Sequence[Names]) -> tuple[float | None, ...]:
    """Overall accuracy of each map without the units whose label no class has; empty where that says nothing."""
    job, unknown = prepared.job, prepared.matching.unknown
    if not unknown or job.options.unknown != "error" or len(unknown) == len(prepared.raw_units.labels):
        return ()
    exclude = replace(job, options=replace(job.options, unknown="exclude"))
    return tuple(_overall(exclude, prepared.raw_units, legends))


def _unnamed(prepared: Preparation, legends: Sequence[Names], which: int, units: str) -> list[str]:
    """Sentences about values of a map that nothing names; of a second map only those at the units are known."""
    job, raw_units = prepared.job, prepared.raw_units
    layer, legend, values = job.maps[which], legends[which], raw_units.values[:, which]
    sizes: Mapping[Any, int] = raw_units.map_sizes.pixels
    if which:
        seen, place = np.unique(values, return_inverse=True)
        sizes = dict(zip(map(int, seen), map(int, np.bincount(place.ravel(), raw_units.count))))
    sentences = looks_like_a_picture(layer, len(sizes), legend, len(raw_units.labels))
    tables = (*job.options.class_table, *job.options.class_table_b)
    known = {*raw_units.labels, *(value for value, _ in tables)}
    unnamed = unnamed_values(layer, sizes, legend, known, bool(which))
    if unnamed is None:
        return sentences
    there = np.isin(values, unnamed.marks)
    without: list[float | None] = []
    if there.any() and not there.all():
        without = _overall(job, raw_units.without(there, () if which else unnamed.marks), legends)
    on_marks = int(raw_units.count[there].sum())
    return [*sentences, unnamed.sentence(on_marks, units, without[which] if without else None)]


def _overall(job: AssessJob, raw_units: ReferenceUnits, legends: Sequence[Names]) -> list[float | None]:
    """Overall accuracy of each map with these units; empty where they allow none."""
    try:
        prepared = _with_classes(job, raw_units, legends)
        return [prepared.estimates(which).overall.value for which in range(len(job.maps))]
    except LulcError:  # a stratum without units, for example
        return []


def _foreign_classes(prepared: Preparation, legends: Sequence[Names]) -> list[str]:
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
    named = {c.value for c in legends[1]}
    told = {value for value in matching.only_second if named and value not in named and is_no_class(value)}
    alone = [value for value in matching.only_second if value not in told]
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
    if options.interval == "wilson" and design.name != "stratified" and not options.poststratify:
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
