# SPDX-License-Identifier: GPL-3.0-or-later
"""Two maps against one reference: the same units, so every difference is a paired one."""

from __future__ import annotations

from ..errors import LulcError
from ..options import option
from ..progress import Progress
from .design import Design
from .estimators import Units, pairing
from .job import AssessJob
from .preparation import Preparation, prepare
from .result import Comparison, Estimates, McNemar


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
    count = units.found.count
    both, only_a, only_b, neither = (
        int(count[rows].sum())
        for rows in (right[0] & right[1], right[0] & ~right[1], ~right[0] & right[1], ~right[0] & ~right[1])
    )
    test, note = _mcnemar(prepared.design, only_a, only_b)
    paired = _differences(prepared, a, b)
    result = Comparison(
        classes=prepared.matching.classes,
        map_a=prepared.found.summaries[0],
        map_b=prepared.found.summaries[1],
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
        context=prepared.context(a, b),
    )
    _log(result, progress)
    return result


def _differences(prepared: Preparation, a: Estimates, b: Estimates) -> pairing.Differences:
    units, sampling, options = prepared.units, prepared.sampling, prepared.job.options
    map_a, map_b, count = units.maps[:, 0], units.maps[:, 1], units.found.count
    if prepared.design.name == "polygons" and units.found.cluster is not None:
        return pairing.cluster_differences(
            units.found.cluster, map_a, map_b, units.reference, count, units.q, options.level
        )
    if prepared.design.name not in ("simple", "stratified"):
        reasons = {
            "census": "a complete comparison has no sampling error",
            "descriptive": "the units are no probability sample",
        }
        return pairing.bare_differences(a, b, reasons[prepared.design.name])
    sample = Units(sampling.stratum, map_a, units.reference, count, sampling.area)
    return pairing.differences(sample, map_b, units.q, sampling.sizes, sampling.population, options.fpc, options.level)


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
