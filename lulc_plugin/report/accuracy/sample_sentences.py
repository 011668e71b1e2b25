# SPDX-License-Identifier: GPL-3.0-or-later
"""What a report says about the sample: its design, how layers lie on the map, why a figure or a test is missing."""

from __future__ import annotations

from collections.abc import Sequence

from ...assess import (
    CENSUS_FROM,
    Alignment,
    Assessment,
    Cause,
    Comparison,
    Correction,
    Design,
    Estimates,
    Reason,
    partly_described,
)
from ...options import option

_SIZES = {
    "strata raster": "Strata sizes are counted from the strata raster, over the valid pixels of the map.",
    "map classes": "Strata sizes are counted from the map, of which each class is a stratum.",
    "map": "Strata sizes are counted from the map.",
    "points": "Strata sizes come from the points (fields stratum_px, stratum_ha).",
}
#: Where the strata of points come from, and why the sample is taken for a stratified one.
_STRATA = {
    "raster": ("strata from the strata raster", "a raster of strata is given"),
    "field": ("strata from the field of the points", "a field of strata is named"),
    "sample": ("strata from the field of the points", "the points have their strata and the sizes of these"),
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
#: More strata of one unit than these share a sentence.
_MOST_STRATA = 3
_SHOWN_STRATA = 2

_OF_ESTIMATE = {
    Cause.NOT_IN_MAP: "no reference unit lies on this class of the map",
    Cause.NOT_IN_REFERENCE: "no reference unit is of this class",
    Cause.ABSENT: "the class is in neither map nor reference",
    Cause.NO_KAPPA: "kappa is undefined: all units are of one and the same class",
    Cause.NO_CLASS_KAPPA: "undefined: the class is nowhere, or everywhere",
    Cause.CENSUS: "complete comparison: no sampling error",
    Cause.DESCRIPTIVE: "these figures describe the reference units, not the map",
    Cause.ALL_OBSERVED: "no sampling error: every unit was observed",
    Cause.ONE_UNIT: "one reference unit: its variance is unknown; add units",
    Cause.SAMPLE_TOO_SMALL: "too few reference units to say how accurate the map is",
    Cause.NO_VARIATION: "no interval: the figure does not vary within this sample, which says nothing about its error",
    Cause.NO_VARIATION_OF_POLYGONS: "no interval: the figure does not vary between these polygons",
    Cause.NO_SAMPLE_OF_MAP: "the reference is no probability sample of the map",
    Cause.NO_SAMPLE_OF_AREA: "the polygons are no sample of the map's area",
    Cause.STRATUM_DROPPED: "not described: its stratum has no reference unit",
    Cause.NO_PIXEL_AREA: "the size of the map's pixels is not known",
}
_OF_DIFFERENCE = {
    Cause.NO_VALUE: "one of the maps has no value here",
    Cause.CENSUS: "a complete comparison has no sampling error",
    Cause.DESCRIPTIVE: "the units are no probability sample",
    Cause.ALL_OBSERVED: "no sampling error: every unit was observed",
    Cause.ONE_UNIT: "The sample has one reference unit: its variance is unknown.",
    Cause.NO_DIFFERENCE: "no difference in the sample",
    Cause.SAME_DIFFERENCE: "every unit shows the same difference: its error cannot be told from this sample",
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
        why = _why(design)
        return f"Not a probability sample ({why}): these figures describe the reference points, not the map.{advice}"
    source, because = _STRATA[design.stratum_source]
    why = f"assumed because {because}" if design.assumed else "as stated"
    return f"{_SAMPLED[design.name]} of points ({why}); {source}."


def _of_polygons(design: Design) -> str:
    if design.name == "polygons":
        return f"Random sample of {design.polygons:,} polygons, as stated; each polygon is one cluster of pixels."
    return (
        f"Not a probability sample ({_why(design)}): these figures describe the {design.compared:,} reference pixels"
        f" in {design.polygons:,} polygons, not the map."
    )


def _why(design: Design) -> str:
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


# ---------------------------------------------------------------- how layers lie on the map

_CENTRE = "each map pixel takes the value of the cell that contains its centre. The map was not resampled."
_OTHER_CELLS = {
    "other cells": "",
    "rotated cells": ", and the two grids are turned to each other",
    "reversed rows": ", and its rows run the other way",
}


def alignment_sentence(of: Alignment) -> str:
    """How a layer was brought to the map's pixels."""
    if of.how == "points":
        return "Each point has the class of the map pixel in which it falls; the map is not resampled."
    if of.how == "polygons":
        return "A map pixel belongs to a polygon when its centre lies inside; the map is not resampled."
    if of.how == "same grid":
        return f"{of.layer} lies on the map's grid."
    if of.how == "part of grid":
        shape = "{:,} × {:,} instead of {:,} × {:,}".format(*of.shape, *of.map_shape)
        return (
            f"{of.layer} lies on the map's grid; its first pixel is row {-of.first[0]:,}, column {-of.first[1]:,}"
            f" of the map, counted from 0 (rows × columns: {shape} pixels)."
        )
    if of.how == "shifted cells":
        size = f"cells of the same size as the map's pixels ({of.cell}), up to {of.shift:.2g} pixel off"
        return f"{of.layer} has {size}: {_CENTRE}"
    if of.how == "reprojected":
        return (
            f"{of.layer} ({of.crs}, cells of {of.cell}) lies in another coordinate system than the map ({of.map_crs},"
            f" {of.pixel}): the centre of each map pixel was carried over and takes the value of the cell that contains"
            " it (nearest neighbour, exact transformation). The map was not resampled."
        )
    return f"{of.layer} has cells of {of.cell}, the map pixels of {of.pixel}{_OTHER_CELLS[of.how]}: {_CENTRE}"


# ---------------------------------------------------------------- why a figure is missing


def reason_of_estimate(reason: Reason | None) -> str:
    """Why an estimate has no value or no interval; empty where there is no reason."""
    if reason is None:
        return ""
    if reason.cause is Cause.TOO_FEW_POLYGONS:
        return _too_few_polygons(*reason.numbers)
    if reason.cause is Cause.STRATA_OF_ONE_UNIT:
        return "; ".join(_strata_of_one_unit(reason.names))
    return _OF_ESTIMATE[reason.cause]


def reason_of_difference(reason: Reason | None) -> str:
    """Why a paired difference has no value or no interval; empty where there is no reason."""
    if reason is None:
        return ""
    if reason.cause is Cause.TOO_FEW_POLYGONS:
        return _too_few_polygons(*reason.numbers)
    if reason.cause is Cause.STRATA_OF_ONE_UNIT:
        return f"{_capital(reason.names[0])} has one reference unit: its variance is unknown."
    return _OF_DIFFERENCE[reason.cause]


def notes_of(*estimates: Estimates) -> list[str]:
    """What a reader must know of the sample behind `estimates`: whole sentences, each once."""
    notes: list[str] = []
    for reason in (reason for one in estimates for reason in one.notes):
        if reason.cause is Cause.STRATA_OF_ONE_UNIT:
            notes += _strata_of_one_unit(reason.names)
        elif reason.cause is Cause.SAMPLE_TOO_SMALL:
            notes.append(_too_small(*reason.numbers))
        else:
            notes.append(reason_of_estimate(reason))
    return list(dict.fromkeys(f"{_capital(note).rstrip('.')}." for note in notes))


def warnings_of(result: Assessment | Comparison) -> tuple[str, ...]:
    """The warnings of the run and the notes of its estimates, each once."""
    estimates = (result.estimates,) if isinstance(result, Assessment) else (result.a, result.b)
    return tuple(dict.fromkeys((*result.context.warnings, *notes_of(*estimates))))


def _too_few_polygons(there: int, needed: int) -> str:
    polygons = "polygon is" if there == 1 else "polygons are"
    return f"{there} reference {polygons} too few for confidence intervals: {needed} are needed."


def _too_small(there: int, needed: int) -> str:
    return (
        f"{there:,} reference units are too few to say how accurate the map is: the interval of its overall accuracy is"
        f" wider than 30 percentage points. About {needed:,}, shared out as these are, would give ± 10 points"
    )


def _strata_of_one_unit(titles: Sequence[str]) -> list[str]:
    if len(titles) <= _MOST_STRATA:
        rest = "has one reference unit: its variance is unknown; add a unit or merge strata"
        return [f"{title} {rest}" for title in titles]
    shown = f"{', '.join(titles[:_SHOWN_STRATA])}, … ({len(titles)} in all)"
    return [f"{shown} have one reference unit each: their variance is unknown; add units or merge strata"]


def _capital(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"
