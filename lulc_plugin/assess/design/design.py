# SPDX-License-Identifier: GPL-3.0-or-later
"""How the reference was sampled: the design as stated, or as it follows from the reference, and its checks."""

from __future__ import annotations

from ...errors import LulcError
from ...options import option
from ..result import Design
from ..units import ReferenceUnits

#: From this share of the valid map pixels on, a reference raster is a complete comparison.
CENSUS_FROM = 0.95


def design_of(raw_units: ReferenceUnits, wanted: str) -> Design:
    """The design to estimate with.

    Args:
        raw_units: the reference units on the map, in raw values.
        wanted: the option `design` as the user gave it.

    Raises:
        LulcError: a design that the reference cannot have.
    """
    name = _automatic(raw_units) if wanted == "auto" else wanted
    _refuse_impossible(raw_units, name)
    return Design(
        name=name,
        assumed=wanted == "auto",
        kind=raw_units.kind,
        coverage=coverage(raw_units),
        compared=raw_units.compared,
        polygons=0 if raw_units.cluster is None else len(set(raw_units.cluster.tolist())),
        stratum_source=raw_units.stratum_source,
    )


def coverage(raw_units: ReferenceUnits) -> float:
    """Share of the valid map pixels that have a reference, 0..1."""
    total = raw_units.map_sizes.total_pixels
    return raw_units.compared / total if total else 0.0


def _automatic(raw_units: ReferenceUnits) -> str:
    if raw_units.kind == "raster":
        return "census" if coverage(raw_units) >= CENSUS_FROM else "descriptive"
    if raw_units.kind == "points" and raw_units.stratum_source:
        return "stratified"
    return "descriptive"


def _refuse_impossible(raw_units: ReferenceUnits, name: str) -> None:
    what = {"raster": "a raster", "points": "points", "polygons": "polygons"}[raw_units.kind]
    possible = {
        "raster": ("auto", "census", "simple", "stratified", "descriptive"),
        "points": ("auto", "simple", "stratified", "descriptive"),
        "polygons": ("auto", "polygons", "descriptive"),
    }[raw_units.kind]
    if name not in possible:
        because = " Pixels inside a polygon are not independent of each other." if raw_units.kind == "polygons" else ""
        raise LulcError(
            f"{option('design', name)} does not go with {what} as reference.{because}",
            f"Choose one of: {', '.join(possible)}.",
        )
    covered, total = coverage(raw_units), raw_units.map_sizes.total_pixels
    if name == "census" and covered < CENSUS_FROM:
        raise LulcError(
            f"{option('design')} is census, but the reference covers only {_percent(covered)} of the valid map"
            f" pixels ({raw_units.compared:,} of {total:,}; {_percent(CENSUS_FROM)} are needed).",
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
        f"Pixels of one polygon are not independent: {design.compared:,} pixels in {design.polygons:,} polygons contain"
        f" roughly the information of {design.polygons:,} units, not of {design.compared:,}. No interval here is based"
        " on pixel counts."
    )
    if design.name == "descriptive" and design.assumed:
        warning += f" If the polygons were drawn at random, choose {option('design', 'polygons')}."
    return (warning,)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %" if round(100 * share, 1) != round(100 * share) else f"{100 * share:.0f} %"
