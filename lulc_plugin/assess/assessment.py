# SPDX-License-Identifier: GPL-3.0-or-later
"""One map against one reference: estimates of its accuracy and of the areas of its classes."""

from __future__ import annotations

from ..errors import LulcError
from ..progress import Progress
from .confusion_matrix import accuracy
from .job import AssessJob
from .preparation import Preparation, prepare
from .result import Assessment, Cause, ClassArea, Estimate, Estimates, Reason

#: Designs whose units do not stand for the area of the map, and why.
_NO_AREAS = {"descriptive": Cause.NO_SAMPLE_OF_MAP, "polygons": Cause.NO_SAMPLE_OF_AREA}


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
        map=prepared.found.summaries[0],
        map_pixels=prepared.found.map_sizes.total_pixels,
        map_area=prepared.found.map_sizes.total_area,
        estimates=estimates,
        sample=accuracy(estimates.counts),
        areas=_areas(prepared, estimates),
        context=prepared.context(),
        of_map=prepared.matching.of_map,
        of_reference=prepared.matching.of_reference,
    )


def _areas(prepared: Preparation, estimates: Estimates) -> tuple[ClassArea, ...]:
    found, matching, sampling = prepared.found, prepared.matching, prepared.sampling
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
