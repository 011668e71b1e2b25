# SPDX-License-Identifier: GPL-3.0-or-later
"""How the reference was sampled: what the user says, what the layer says, and whether the two can be believed."""

from __future__ import annotations

from ...errors import LulcError
from ...options import option
from ..result import Design
from ..units import ReferenceUnits

#: From this share of the valid map pixels on, a reference raster is a complete comparison.
CENSUS_FROM = 0.95


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
    return Design(
        name=name,
        assumed=wanted == "auto",
        kind=found.kind,
        coverage=coverage(found),
        compared=found.compared,
        polygons=0 if found.cluster is None else len(set(found.cluster.tolist())),
        stratum_source=found.stratum_source,
    )


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


def design_warnings(design: Design) -> tuple[str, ...]:
    """What a reader must not overlook about a design, in sentences."""
    return {"raster": _of_raster, "points": _of_points, "polygons": _of_polygons}[design.kind](design)


def _of_raster(design: Design) -> tuple[str, ...]:
    covered = _percent(design.coverage)
    if design.name == "census":
        return (
            "The reference is a raster that covers the map, not a probability sample: every figure is exact for this"
            " reference, and no design-based interval is printed. How well the reference itself agrees with the ground"
            " is not part of these figures.",
        )
    if design.name == "descriptive":
        return (
            f"The reference covers {covered} of the map and is not stated to be a random sample: no confidence"
            f" intervals. If its pixels were drawn at random, choose {option('design', 'simple')} or stratified.",
        )
    if design.coverage >= CENSUS_FROM:
        return (
            f"The reference raster covers {covered} of the map: a reference like that is no probability sample, and its"
            f" intervals mean little. Choose {option('design', 'census')}.",
        )
    return ()


def _of_points(design: Design) -> tuple[str, ...]:
    if design.name != "descriptive" or not design.assumed:
        return ()
    return (
        f"No confidence intervals: choose {option('design', 'simple')} if they were drawn at random, or"
        f" {option('design', 'stratified')} if they were drawn at random within each map class.",
    )


def _of_polygons(design: Design) -> tuple[str, ...]:
    warning = (
        f"Pixels of one polygon are not independent: {design.compared:,} pixels in {design.polygons:,} polygons carry"
        f" roughly the information of {design.polygons:,} units, not of {design.compared:,}. No interval here is based"
        " on pixel counts."
    )
    if design.name == "descriptive" and design.assumed:
        warning += f" If the polygons were drawn at random, choose {option('design', 'polygons')}."
    return (warning,)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %" if round(100 * share, 1) != round(100 * share) else f"{100 * share:.0f} %"
