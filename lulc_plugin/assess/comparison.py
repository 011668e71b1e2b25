# SPDX-License-Identifier: GPL-3.0-or-later
"""Two maps against one reference: the same units, so every difference is a paired one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..errors import LulcError
from ..legend import LegendClass
from ..options import option
from ..progress import Progress
from .assessment import context_of, doubts, legend_of, mapped_shares, parameters_of, strata_wanted
from .classes import match
from .design import Coded, Design, Sampling, code, design_of, estimate, sampling_of
from .estimators import Units, pairing
from .job import CompareJob, Options
from .result import Comparison, Estimates, McNemar
from .units import collect_units


def compare(job: CompareJob, progress: Progress) -> Comparison:
    """Compare two maps on the units where both have a class; `report.accuracy.compare_and_report` also writes files.

    The first map's pixels are the grid; points are read on each map at the pixel they fall in.

    Raises:
        LulcError: input that cannot be used.
        CancelledError: the user stopped.
    """
    options = job.options
    if options.poststratify:
        raise LulcError(
            f"{option('poststratify')} does not go with a comparison: each map would have its own weights.",
            "Switch it off.",
        )
    strata = strata_wanted(options, job.features)
    found = collect_units((job.map_a, job.map_b), job.reference, job.features, strata, progress)
    legend_a, legend_b = legend_of(job.map_a), legend_of(job.map_b)
    legend, quarrels = _joined(legend_a, legend_b)
    reference_legend = () if job.reference is None else legend_of(job.reference)
    values = {*found.map_sizes.pixels, *map(int, np.unique(found.values))}
    matching = match(values, legend, found.labels, reference_legend, options.class_table, options.unknown)
    coded = code(found, matching)
    design = design_of(coded.found, options.design)
    sampling = sampling_of(coded, matching, design, options, legend_a)
    mapped = mapped_shares(found.map_sizes, matching, sampling.area is not None)
    names = [c.label for c in matching.classes]
    a, b = (estimate(coded, sampling, design, options, mapped, names, which) for which in (0, 1))
    right = [coded.maps[:, which] == coded.reference for which in (0, 1)]
    count = coded.found.count
    both, only_a, only_b, neither = (
        int(count[rows].sum())
        for rows in (right[0] & right[1], right[0] & ~right[1], ~right[0] & right[1], ~right[0] & ~right[1])
    )
    test, note = _mcnemar(design, only_a, only_b)
    paired = _differences(coded, sampling, design, a, b, options)
    warnings = [
        *quarrels, *doubts(coded, design, options, mapped, names), *design.warnings, *sampling.warnings,
        *matching.warnings, *found.warnings, *a.notes, *b.notes,
    ]  # fmt: skip
    result = Comparison(
        classes=matching.classes,
        map_a=found.summaries[0],
        map_b=found.summaries[1],
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
        mcnemar=test,
        mcnemar_note=note,
        context=context_of(found, matching, coded, design, sampling, options, a, warnings, parameters_of(job)),
    )
    _log(result, progress)
    return result


def _joined(a: Sequence[LegendClass], b: Sequence[LegendClass]) -> tuple[tuple[LegendClass, ...], list[str]]:
    """One legend of two maps, and sentences about values that they name differently."""
    names = {c.value: c for c in a}
    quarrels = [
        f'Value {c.value} is "{names[c.value].name}" in the first map and "{c.name}" in the second; they are compared'
        " as one class."
        for c in b
        if c.value in names and names[c.value].name.strip().casefold() != c.name.strip().casefold()
    ]
    return (*a, *(c for c in b if c.value not in names)), quarrels


def _differences(
    coded: Coded, sampling: Sampling, design: Design, a: Estimates, b: Estimates, options: Options
) -> pairing.Differences:
    if design.name == "polygons" and coded.found.cluster is not None:
        a_class, b_class = coded.maps[:, 0], coded.maps[:, 1]
        return pairing.cluster_differences(
            coded.found.cluster, a_class, b_class, coded.reference, coded.found.count, coded.q, options.level
        )
    if design.name not in ("simple", "stratified"):
        reasons = {
            "census": "a complete comparison has no sampling error",
            "descriptive": "the units are no probability sample",
        }
        return pairing.bare_differences(a, b, reasons[design.name])
    units = Units(sampling.stratum, coded.maps[:, 0], coded.reference, coded.found.count, sampling.area)
    return pairing.differences(
        units, coded.maps[:, 1], coded.q, sampling.sizes, sampling.population, options.fpc, options.level
    )


def _mcnemar(design: Design, only_a: int, only_b: int) -> tuple[McNemar | None, str]:
    if design.name == "simple":
        return pairing.mcnemar(only_a, only_b), ""
    reason = {
        "stratified": "McNemar's test is not printed: the sample is stratified, and on raw counts the test would"
        " compare the sampling rates of the strata. The weighted paired differences take its place.",
        "census": "McNemar's test is not printed: in a complete comparison there is no sampling error, and any"
        " difference of so many pixels would be significant.",
        "polygons": "McNemar's test is not printed: pixels of one polygon are not independent.",
        "descriptive": "McNemar's test is not printed: the units are no probability sample.",
    }
    return None, reason[design.name]


def _log(result: Comparison, progress: Progress) -> None:
    progress.conclude(result.context.design_sentence)
    for sentence in result.context.alignment:
        progress.log(sentence)
    for warning in result.context.warnings:
        progress.warn(warning)
    for name, d in (("Overall accuracy", result.overall), ("Kappa", result.kappa)):
        a, b, difference, low, high = (
            "n/a" if v is None else f"{v:.4f}" for v in (d.a, d.b, d.difference, d.low, d.high)
        )
        interval = "" if d.low is None else f" [{low}, {high}]"
        progress.conclude(f"{name}: first map {a}, second map {b}, difference {difference}{interval}")
