# SPDX-License-Identifier: GPL-3.0-or-later
"""How the reference was sampled: what the user says, what the layer says, and whether the two can be believed."""

from __future__ import annotations

from dataclasses import dataclass

from ...errors import LulcError
from ...options import option
from ..units import ReferenceUnits

#: From this share of the valid map pixels on, a reference raster is a complete comparison.
CENSUS_FROM = 0.95


@dataclass(frozen=True)
class Design:
    """`name` is one of `job.DESIGNS` without "auto"; `sentence` says it in words, with what was assumed and why."""

    name: str
    sentence: str
    warnings: tuple[str, ...] = ()


def design_of(found: ReferenceUnits, wanted: str) -> Design:
    """The design to estimate with.

    Args:
        found: the reference units on the map.
        wanted: DESIGN as the user gave it.

    Raises:
        LulcError: a design that the reference cannot have.
    """
    name = _automatic(found) if wanted == "auto" else wanted
    _refuse_impossible(found, name)
    why = "assumed because " if wanted == "auto" else ""
    return {"raster": _of_raster, "points": _of_points, "polygons": _of_polygons}[found.kind](found, name, why)


def coverage(found: ReferenceUnits) -> float:
    """Share of the valid map pixels that have a reference, 0..1."""
    total = found.map_sizes.total_pixels
    return found.compared / total if total else 0.0


def _automatic(found: ReferenceUnits) -> str:
    if found.kind == "raster":
        return "census" if coverage(found) >= CENSUS_FROM else "descriptive"
    if found.kind == "points" and found.stratum_source:
        return "stratified"
    return "descriptive"


def _refuse_impossible(found: ReferenceUnits, name: str) -> None:
    what = {"raster": "a raster", "points": "points", "polygons": "polygons"}[found.kind]
    possible = {
        "raster": ("auto", "census", "simple", "stratified", "descriptive"),
        "points": ("auto", "simple", "stratified", "descriptive"),
        "polygons": ("auto", "polygons", "descriptive"),
    }[found.kind]
    if name not in possible:
        because = " Pixels inside a polygon are not independent of each other." if found.kind == "polygons" else ""
        raise LulcError(
            f"{option('design', name)} does not go with {what} as reference.{because}",
            f"Choose one of: {', '.join(possible)}.",
        )
    if name == "census" and coverage(found) < CENSUS_FROM:
        raise LulcError(
            f"{option('design')} is census, but the reference covers only {_percent(coverage(found))} of the valid map"
            f" pixels ({found.compared:,} of {found.map_sizes.total_pixels:,}; {_percent(CENSUS_FROM)} are needed).",
            "Choose simple or stratified if these pixels were drawn at random, otherwise descriptive.",
        )


def _of_raster(found: ReferenceUnits, name: str, why: str) -> Design:
    covered = _percent(coverage(found))
    if name == "census":
        return Design(
            name,
            f"Complete comparison: the reference raster has a class on {covered} of the valid map pixels"
            f" ({why}it covers at least {_percent(CENSUS_FROM)})."
            if why
            else f"Complete comparison, as stated: the reference raster has a class on {covered} of the valid map"
            " pixels.",
            (
                "The reference is a raster that covers the map, not a probability sample: every figure is exact for"
                " this reference, and no design-based interval is printed. How well the reference itself agrees with"
                " the ground is not part of these figures.",
            ),
        )
    if name == "descriptive":
        reason = f" ({why}its coverage is below {_percent(CENSUS_FROM)})" if why else ", as stated"
        return Design(
            name,
            f"No probability sample{reason}: the reference raster covers {covered} of the map. These figures describe"
            " the reference pixels, not the map.",
            (
                f"The reference covers {covered} of the map and is not stated to be a random sample: no confidence"
                f" intervals. If its pixels were drawn at random, choose {option('design', 'simple')} or stratified.",
            ),
        )
    warnings: tuple[str, ...] = ()
    if coverage(found) >= CENSUS_FROM:
        warnings = (
            f"The reference raster covers {covered} of the map: a reference like that is no probability sample, and its"
            f" intervals mean little. Choose {option('design', 'census')}.",
        )
    sentence = f"{_SAMPLED[name]} of pixels, as stated (the reference raster covers {covered} of the map)."
    return Design(name, sentence, warnings)


_SAMPLED = {"simple": "Simple random or systematic sample", "stratified": "Stratified random sample"}


def _of_points(found: ReferenceUnits, name: str, why: str) -> Design:
    if name == "descriptive":
        reason = f"{why}nothing says how the points were chosen" if why else "as stated"
        advice = (
            f"No confidence intervals: choose {option('design', 'simple')} if they were drawn at random, or"
            f" {option('design', 'stratified')} if they were drawn at random within each map class."
        )
        return Design(
            name,
            f"Not a probability sample ({reason}): these figures describe the reference points, not the map."
            + (f" Choose {option('design', 'simple')} if they were drawn at random." if why else ""),
            (advice,) if why else (),
        )
    if name == "simple":
        return Design(name, "Simple random or systematic sample of points, as stated.")
    source, because = {
        "raster": ("strata from the strata raster", "a raster of strata is given"),
        "field": ("strata from the field of the points", "a field of strata is named"),
        "sample": ("strata from the field of the points", "the points carry their strata and the sizes of these"),
        "": ("strata are the map classes", ""),
    }[found.stratum_source]
    reason = f"{why}{because}" if why else "as stated"
    return Design(name, f"Stratified random sample of points ({reason}); {source}.")


def _of_polygons(found: ReferenceUnits, name: str, why: str) -> Design:
    number = len(set(found.cluster.tolist())) if found.cluster is not None else 0
    warning = (
        f"Pixels of one polygon are not independent: {found.compared:,} pixels in {number:,} polygons carry roughly the"
        f" information of {number:,} units, not of {found.compared:,}. No interval here is based on pixel counts."
    )
    if name == "polygons":
        return Design(
            name, f"Random sample of {number:,} polygons, as stated; each polygon is one cluster of pixels.", (warning,)
        )
    reason = f"{why}nothing says how the polygons were chosen" if why else "as stated"
    return Design(
        name,
        f"Not a probability sample ({reason}): these figures describe the {found.compared:,} reference pixels in"
        f" {number:,} polygons, not the map.",
        (warning + (f" If the polygons were drawn at random, choose {option('design', 'polygons')}." if why else ""),),
    )


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %" if round(100 * share, 1) != round(100 * share) else f"{100 * share:.0f} %"
