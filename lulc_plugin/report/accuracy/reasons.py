# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a figure has no value, no standard error or no interval, in words: the text of every `assess.Reason`."""

from __future__ import annotations

from collections.abc import Sequence

from ...assess import Assessment, Cause, Comparison, Estimates, Reason

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


def _strata_of_one_unit(titles: Sequence[str]) -> list[str]:
    if len(titles) <= _MOST_STRATA:
        rest = "has one reference unit: its variance is unknown; add a unit or merge strata"
        return [f"{title} {rest}" for title in titles]
    shown = f"{', '.join(titles[:_SHOWN_STRATA])}, … ({len(titles)} in all)"
    return [f"{shown} have one reference unit each: their variance is unknown; add units or merge strata"]


def _capital(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"
