# SPDX-License-Identifier: GPL-3.0-or-later
"""One map against one reference: collect the units, match the classes, estimate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
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
from .confusion_matrix import accuracy
from .design import Coded, Design, Sampling, code, design_of, estimate, sampling_of, spread_warning
from .job import AssessJob, FeatureInput, Options, RasterInput
from .result import Assessment, ClassArea, Context, Estimate, Estimates
from .units import ReferenceUnits, Sizes, collect_units

Shares = npt.NDArray[np.float64]

_DROPPED = "not described: its stratum has no reference unit"
#: Designs whose units do not stand for the area of the map, and why.
_NO_AREAS = {
    "descriptive": "the reference is no probability sample of the map",
    "polygons": "the polygons are no sample of the map's area",
}


def assess(job: AssessJob, progress: Progress) -> Assessment:
    """Compare a map with its reference; `report.accuracy.assess_and_report` also writes the files.

    Raises:
        LulcError: input that cannot be used.
        CancelledError: the user stopped.
    """
    options = job.options
    strata = strata_wanted(options, job.features)
    found = collect_units((job.map,), job.reference, job.features, strata, progress)
    legend = legend_of(job.map)
    reference_legend = () if job.reference is None else legend_of(job.reference)
    matching = match(
        found.map_sizes.pixels, legend, found.labels, reference_legend, options.class_table, options.unknown
    )
    coded = code(found, matching)
    design = design_of(coded.found, options.design)
    sampling = sampling_of(coded, matching, design, options, legend)
    mapped = mapped_shares(found.map_sizes, matching, sampling.area is not None or found.stated.area_weighted)
    names = [c.label for c in matching.classes]
    estimates = estimate(coded, sampling, design, options, mapped, names)
    warnings = [*design.warnings, *sampling.warnings, *matching.warnings, *found.warnings, *estimates.notes]
    warnings = [*doubts(coded, design, options, mapped, names), *warnings]
    result = Assessment(
        classes=matching.classes,
        map=found.summaries[0],
        map_pixels=found.map_sizes.total_pixels,
        map_area=found.map_sizes.total_area,
        estimates=estimates,
        sample=accuracy(estimates.counts),
        areas=_areas(found, matching, estimates, sampling, coded),
        context=context_of(found, matching, coded, design, sampling, options, estimates, warnings, parameters_of(job)),
        of_map=matching.of_map,
        of_reference=matching.of_reference,
    )
    _log(result, progress)
    return result


def strata_wanted(options: Options, features: FeatureInput | None) -> RasterInput | None:
    """The raster of strata if the design is going to use it; units without a stratum must not be lost to others."""
    points = features is not None and features.kind == "points"
    used = options.design == "stratified" or (options.design == "auto" and points)
    return options.strata if used else None


def legend_of(layer: RasterInput) -> tuple[LegendClass, ...]:
    """Names of a layer's values: those the user sees, else those of the file."""
    return layer.classes or read_categories(layer.path, layer.band)


def mapped_shares(sizes: Sizes, matching: Matching, by_area: bool) -> Shares:
    """`(q,)` share of each class in the whole valid map, by area or by pixels."""
    source = sizes.area if by_area and sizes.area is not None else sizes.pixels
    out = np.zeros(len(matching.classes))
    for value, size in source.items():
        out[matching.of_map[int(value)]] += float(size)
    return out / out.sum()


def context_of(
    found: ReferenceUnits,
    matching: Matching,
    coded: Coded,
    design: Design,
    sampling: Sampling,
    options: Options,
    estimates: Estimates,
    warnings: Sequence[str],
    parameters: Mapping[str, Any],
) -> Context:
    """What an assessment and a comparison have in common."""
    excluded = list(found.excluded)
    if coded.left_out:
        excluded.append(("with a reference class that the legend does not have", coded.left_out))
    per_label = np.bincount(found.label, found.count, len(found.labels)).astype(np.int64)
    by_label = dict(zip(found.labels, map(int, per_label)))
    sentence = " ".join((*filter(None, (sampling.lead,)), design.sentence, *sampling.sentences))
    if estimates.post_stratified:
        sentence += " Post-stratified by the map's class shares."
    if sampling.area is not None:
        sentence += " Pixels differ in area, so each unit counts with the area of its pixel."
    return Context(
        reference=found.reference,
        design_sentence=sentence,
        fpc_sentence=estimates.fpc_sentence,
        alignment=found.alignment,
        units="points" if found.kind == "points" else "pixels",
        compared=coded.found.compared,
        excluded=tuple(excluded),
        unlabelled=found.unlabelled,
        unknown=tuple((key, by_label[key]) for key in matching.unknown),
        warnings=tuple(dict.fromkeys(w for w in warnings if w)),
        area_unit=options.area_unit,
        level=options.level,
        interval=options.interval,
        area_note=found.area_note,
        strata=sampling.strata,
        parameters=parameters,
        versions=provenance.versions(),
        date=datetime.now(timezone.utc).isoformat(timespec="seconds"),
    )


def parameters_of(job: Any) -> dict[str, Any]:
    """What the user said, for the record; paths and names are in the layers' own tables."""
    options = asdict(job.options)
    strata = job.options.strata
    options["strata"] = None if strata is None else f"{strata.title}, band {strata.band}"
    options["class_table_file"] = job.options.class_table_file or None
    options["class_table"] = [f"{of_map} = {of_reference}" for of_map, of_reference in job.options.class_table]
    if job.features is not None:
        options["field"] = job.features.field
        options["stratum_field"] = job.features.stratum_field or None
    return options


def _areas(
    found: ReferenceUnits, matching: Matching, estimates: Estimates, sampling: Sampling, coded: Coded
) -> tuple[ClassArea, ...]:
    q = len(matching.classes)
    pixels = [0] * q
    metres = [0.0] * q
    # mapped and adjusted areas belong to the same part of the map
    sizes = sampling.mapped or found.map_sizes
    known = sizes.area
    for value, number in sizes.pixels.items():
        pixels[matching.of_map[int(value)]] += number
        if known is not None:
            metres[matching.of_map[int(value)]] += known[value]
    total = found.map_sizes.total_area
    share_of = metres if known is not None else [float(p) for p in pixels]
    whole = sum(share_of)
    shown = known is not None and sampling.mapped is not None
    dropped = {matching.of_map[value] for value in sampling.dropped if value in matching.of_map}
    described = None if total is None else total * sampling.described
    if estimates.design == "census" and total is not None:
        described = float(coded.areas().sum())
    silent = _NO_AREAS.get(estimates.design, "")
    out = []
    for k in range(q):
        reason = silent or (_DROPPED if k in dropped and not pixels[k] and not estimates.counts[:, k].any() else "")
        adjusted = Estimate(None, note=reason) if reason else _scaled(estimates.area_shares[k], described)
        out.append(ClassArea(pixels[k], metres[k] if shown else None, share_of[k] / whole, adjusted))
    return tuple(out)


def doubts(coded: Coded, design: Design, options: Options, mapped: Shares, names: Sequence[str]) -> tuple[str, ...]:
    """Sentences about a declared design that the units contradict, and about options that have no effect."""
    found, out = coded.found, []
    if design.name == "simple":
        if found.stated.sizes:
            out.append(
                f"{option('design', 'simple')} is declared, but the points carry the strata of a stratified sample"
                f" (stratum, stratum_px): choose {option('design', 'auto')} or stratified unless you know better."
            )
        out.append("" if options.poststratify else spread_warning(coded, mapped, names))
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


def _scaled(share: Estimate, area: float | None) -> Estimate:
    if area is None or share.value is None:
        note = share.note or ("" if area is not None else "the size of the map's pixels is not known")
        return Estimate(None, note=note)
    se, low, high = (None if v is None else v * area for v in (share.se, share.low, share.high))
    return Estimate(share.value * area, se, low, high, share.method, share.note)


def _log(result: Assessment, progress: Progress) -> None:
    context, estimates = result.context, result.estimates
    progress.conclude(context.design_sentence)
    for sentence in context.alignment:
        progress.log(sentence)
    for reason, number in context.excluded:
        progress.log(f"{number:,} {context.units} left out: {reason}")
    for warning in context.warnings:
        progress.warn(warning)
    progress.conclude(
        f"{context.compared:,} {context.units} compared. Overall accuracy {_said(estimates.overall)},"
        f" kappa {_said(estimates.kappa)}"
    )


def _said(estimate: Estimate) -> str:
    if estimate.value is None:
        return f"n/a ({estimate.note})" if estimate.note else "n/a"
    if estimate.low is None or estimate.high is None:
        return f"{estimate.value:.4f}"
    return f"{estimate.value:.4f} [{estimate.low:.4f}, {estimate.high:.4f}]"
