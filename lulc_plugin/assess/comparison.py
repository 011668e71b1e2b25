# SPDX-License-Identifier: GPL-3.0-or-later
"""Two maps against one reference: the same units, so every difference is a paired one."""

from __future__ import annotations

from ..errors import LulcError
from ..options import option
from ..progress import Progress
from .estimators import Units, pairing
from .job import AssessJob
from .preparation import Preparation, prepare
from .result import Cause, Comparison, Estimates


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
    paired = _differences(prepared, a, b)
    return Comparison(
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
        mcnemar=pairing.mcnemar(only_a, only_b) if prepared.design.name == "simple" else None,
        context=prepared.context(),
    )


def _differences(prepared: Preparation, a: Estimates, b: Estimates) -> pairing.Differences:
    units, sampling, options = prepared.units, prepared.sampling, prepared.job.options
    map_a, map_b, count = units.maps[:, 0], units.maps[:, 1], units.found.count
    if prepared.design.name == "polygons" and units.found.cluster is not None:
        return pairing.cluster_differences(
            units.found.cluster, map_a, map_b, units.reference, count, units.q, options.level
        )
    if prepared.design.name not in ("simple", "stratified"):
        cause = Cause.CENSUS if prepared.design.name == "census" else Cause.DESCRIPTIVE
        return pairing.bare_differences(a, b, cause)
    sample = Units(sampling.stratum, map_a, units.reference, count, sampling.area)
    return pairing.differences(sample, map_b, units.q, sampling.sizes, sampling.population, options.fpc, options.level)
