# SPDX-License-Identifier: GPL-3.0-or-later
"""How the reference was sampled, in sentences: the design, the finite population correction, why no test is printed."""

from __future__ import annotations

from ...assess import CENSUS_FROM, Assessment, Comparison, Correction, Design, partly_described
from ...options import option

_SIZES = {
    "strata raster": "Strata sizes are counted from the strata raster, over the valid pixels of the map.",
    "map classes": "Strata sizes are counted from the map, of which each class is a stratum.",
    "map": "Strata sizes are counted from the map.",
    "points": "Strata sizes are those that the points carry (fields stratum_px, stratum_ha).",
}
#: Where the strata of points come from, and why the sample is taken for a stratified one.
_STRATA = {
    "raster": ("strata from the strata raster", "a raster of strata is given"),
    "field": ("strata from the field of the points", "a field of strata is named"),
    "sample": ("strata from the field of the points", "the points carry their strata and the sizes of these"),
    "": ("strata are the map classes", ""),
}
_SAMPLED = {"simple": "Simple random or systematic sample", "stratified": "Stratified random sample"}
#: Why a design has no McNemar test.
_NO_MCNEMAR = {
    "stratified": "McNemar's test is not printed: the sample is stratified, and on raw counts the test would"
    " compare the sampling rates of the strata. The weighted paired differences take its place.",
    "census": "McNemar's test is not printed: in a complete comparison there is no sampling error, and any"
    " difference of so many pixels would be significant.",
    "polygons": "McNemar's test is not printed: pixels of one polygon are not independent.",
    "descriptive": "McNemar's test is not printed: the units are no probability sample.",
}


def design_sentence(result: Assessment | Comparison) -> str:
    """The design in words, what was assumed and why: the second line of the report; options as marks of `option`."""
    design = result.context.design
    estimates = result.estimates if isinstance(result, Assessment) else result.a
    of_kind = {"raster": _of_raster, "points": _of_points, "polygons": _of_polygons}[design.kind]
    sentences = (
        partly_described(design.described, design.dropped),
        of_kind(design),
        _SIZES.get(design.sizes_from, ""),
        "Post-stratified by the map's class shares." if estimates.post_stratified else "",
        "Pixels differ in area, so each unit counts with the area of its pixel." if design.by_pixel_area else "",
    )
    return " ".join(filter(None, sentences))


def _of_raster(design: Design) -> str:
    covered = _percent(design.coverage)
    if design.name == "census":
        stated = "" if design.assumed else ", as stated"
        why = f" (assumed because it covers at least {_percent(CENSUS_FROM)})" if design.assumed else ""
        return (
            f"Complete comparison{stated}: the reference raster has a class on {covered} of the valid map pixels{why}."
        )
    if design.name == "descriptive":
        why = f" (assumed because its coverage is below {_percent(CENSUS_FROM)})" if design.assumed else ", as stated"
        return (
            f"No probability sample{why}: the reference raster covers {covered} of the map. These figures describe the"
            " reference pixels, not the map."
        )
    return f"{_SAMPLED[design.name]} of pixels, as stated (the reference raster covers {covered} of the map)."


def _of_points(design: Design) -> str:
    if design.name == "simple":
        return f"{_SAMPLED[design.name]} of points, as stated."
    if design.name == "descriptive":
        advice = f" Choose {option('design', 'simple')} if they were drawn at random." if design.assumed else ""
        why = _reason(design)
        return f"Not a probability sample ({why}): these figures describe the reference points, not the map.{advice}"
    source, because = _STRATA[design.stratum_source]
    why = f"assumed because {because}" if design.assumed else "as stated"
    return f"{_SAMPLED[design.name]} of points ({why}); {source}."


def _of_polygons(design: Design) -> str:
    if design.name == "polygons":
        return f"Random sample of {design.polygons:,} polygons, as stated; each polygon is one cluster of pixels."
    return (
        f"Not a probability sample ({_reason(design)}): these figures describe the {design.compared:,} reference pixels"
        f" in {design.polygons:,} polygons, not the map."
    )


def _reason(design: Design) -> str:
    return f"assumed because nothing says how the {design.kind} were chosen" if design.assumed else "as stated"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %" if round(100 * share, 1) != round(100 * share) else f"{100 * share:.0f} %"


def correction_sentence(correction: Correction | None) -> str:
    """The rule about the finite population correction that was used; empty without a sample."""
    if correction is None:
        return ""
    if correction.fraction is None:
        areas = "sizes are areas or shares, not numbers of pixels"
        return f"No finite population correction ({areas if correction.sizes == 'areas' else 'the size is unknown'})."
    largest = f"largest sampling fraction {correction.fraction:.2%}"
    if correction.rule != "auto":
        applied = "Finite population correction applied" if correction.applied else "No finite population correction"
        return f"{applied}, as asked for ({largest})."
    if correction.applied:
        return f"Finite population correction applied: {largest}, more than 5 %."
    return f"No finite population correction: {largest}, not more than 5 %."


def mcnemar_note(result: Comparison) -> str:
    """Why there is no McNemar test; empty where there is one."""
    return "" if result.mcnemar is not None else _NO_MCNEMAR.get(result.context.design.name, "")
