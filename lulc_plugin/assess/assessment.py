# SPDX-License-Identifier: GPL-3.0-or-later
"""One map against one reference, or two maps against the same units: `assess` and `compare`."""

from __future__ import annotations

from ..errors import LulcError
from ..options import option
from ..progress import Progress
from .confusion_matrix import accuracy
from .estimators import Units, pairing
from .job import AssessJob
from .preparation import Preparation, prepare
from .result import Assessment, Cause, ClassArea, Comparison, Estimate, Estimates, Reason

#: Designs whose units do not stand for the area of the map, and why.
_NO_AREAS = {"descriptive": Cause.NO_SAMPLE_OF_MAP, "polygons": Cause.NO_SAMPLE_OF_AREA}


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
    pair = pairing.conservative_differences if options.interval == "conservative" else pairing.differences
    return pair(sample, map_b, units.q, sampling.sizes, sampling.population, options.fpc, options.level)
