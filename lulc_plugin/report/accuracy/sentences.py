# SPDX-License-Identifier: GPL-3.0-or-later
"""The summary of a report in plain words."""

from __future__ import annotations

from .. import number_format
from .facts import AssessmentFacts, ClassFacts, EstimateFacts

KAPPA_CAVEAT = (
    "Kappa corrects agreement for a chance agreement that is not the reference for a map's quality "
    "(Pontius & Millones 2011; Foody 2020). It is here because reviewers ask for it."
)
NO_KAPPA_TEST = (
    "The two Kappas are not compared by a z-test: both maps were judged on the same sample, so the two values are not "
    "independent, and the test would miss real differences (Foody 2004)."
)
#: Why a design has no intervals, where its estimates do not say so themselves.
NO_INTERVAL = {
    "census": "There are no confidence intervals: this is a complete comparison, without sampling error.",
    "descriptive": "There are no confidence intervals: these figures describe the reference units, not the map.",
}


def interval(estimate: EstimateFacts, level: float) -> str:
    """(95 % interval 92.8 to 96.5 %), or nothing."""
    if estimate["low"] is None or estimate["high"] is None:
        return ""
    return f" ({number_format.level(level)} interval {number_format.percent_range(estimate['low'], estimate['high'])})"


def agreement(facts: AssessmentFacts) -> tuple[str, ...]:
    """What map and reference agree on, and Kappa."""
    design, units = facts["design"], facts["units"]
    overall, kappa = facts["overall_accuracy"], facts["kappa"]
    share = number_format.percent(overall["value"]) if overall["value"] is not None else number_format.NOT_APPLICABLE
    compared = f"{number_format.count(units['compared'])} {units['counted']}"
    if design["name"] in ("simple", "stratified"):
        first = f"The map agrees with the reference on an estimated {share} of the area"
    elif design["name"] == "census":
        first = f"The map agrees with the reference on {share} of the compared area ({compared})"
    elif design["name"] == "polygons":
        first = f"The map agrees with the reference at an estimated {share} of the {units['counted']} in polygons"
    else:
        first = f"The map agrees with the reference at {share} of the {compared} that could be compared"
    sentences = [f"{first}{interval(overall, design['level'])}."]
    if kappa["value"] is None:
        # the note itself begins with "kappa is undefined"
        sentences.append(_stop(kappa["note"][:1].upper() + kappa["note"][1:] or "Kappa is not applicable"))
    else:
        bounds = ""
        if kappa["low"] is not None and kappa["high"] is not None:
            bounds = f" ({number_format.share(kappa['low'])} to {number_format.share(kappa['high'])})"
        sentences.append(f"Kappa is {number_format.share(kappa['value'])}{bounds}.")
    return tuple(sentences)


def classes(facts: AssessmentFacts) -> tuple[str, ...]:
    """The best and the weakest class by F1, and what the weakest is confused with."""
    ranked = sorted(
        ((entry["f1"]["value"], k) for k, entry in enumerate(facts["classes"]) if entry["f1"]["value"] is not None),
        key=lambda pair: (-pair[0], pair[1]),
    )
    if not ranked:
        return ()
    if len(ranked) == 1:
        return ("Only one class occurs: there is nothing to confuse.",)
    (best, first), (worst, last) = ranked[0], ranked[-1]
    if worst == 1.0:
        return ("Every class is mapped without an error at these reference units.",)
    if best == worst:
        return (f"All classes are mapped equally well (F1\u00a0{number_format.share(best)}).",)
    sentence = (
        f"Best mapped: {name_of(facts['classes'][first])} (F1\u00a0{number_format.share(best)}); "
        f"weakest: {name_of(facts['classes'][last])} (F1\u00a0{number_format.share(worst)})"
    )
    partner = confused_with(facts["area_shares"], last)
    if partner is not None:
        sentence += f", most often confused with {name_of(facts['classes'][partner])}"
    return (f"{sentence}.",)


def name_of(entry: ClassFacts) -> str:
    """What a sentence calls a class: its name; with its mark when the legend does not have it."""
    return str(entry["name"] if entry["in_legend"] else entry["label"])


def confused_with(shares: list[list[float]], k: int) -> int | None:
    """The class that shares most wrong area with class `k`; None when it has none."""
    both = [0.0 if j == k else shares[k][j] + shares[j][k] for j in range(len(shares))]
    most = max(both)
    return both.index(most) if most > 0 else None


def disagreement(facts: AssessmentFacts) -> tuple[str, ...]:
    """How the disagreement divides into amount and place."""
    parts = facts["disagreement"]
    if not parts["total"]:
        return ()
    return (
        f"The {number_format.percent(parts['total'])} that disagree are "
        f"{number_format.percent(parts['quantity'])} quantity "
        f"(classes mapped too large or too small) and {number_format.percent(parts['allocation'])} allocation "
        "(right amount, wrong place).",
    )


def areas(facts: AssessmentFacts, decimals: int) -> tuple[str, ...]:
    """Where the mapped area is outside the interval of the error-adjusted one."""
    known = []
    for entry in facts["classes"]:
        mapped, adjusted = entry["area"]["mapped"], entry["area"]["adjusted"]
        value, low, high = adjusted["value"], adjusted["low"], adjusted["high"]
        if mapped is not None and value is not None and low is not None and high is not None:
            known.append((entry, mapped, value, low, high))
    if not known:
        return ()
    unit = facts["areas"]["unit"]
    outside = [of_class for of_class in known if not of_class[3] <= of_class[1] <= of_class[4]]
    if not outside:
        return ("For no class does the mapped area lie outside the interval of the error-adjusted area.",)
    entry, mapped, value, low, high = max(outside, key=lambda of_class: abs(of_class[2] - of_class[1]))
    others = f" ({len(outside)} classes lie outside theirs)" if len(outside) > 1 else ""
    return (
        f"Adjusted for the errors found, {name_of(entry)} covers {number_format.area(value, decimals, unit)} "
        f"({number_format.area(low, decimals, unit)} to {number_format.area(high, decimals, unit)}); "
        f"the map shows {number_format.area(mapped, decimals, unit)}{others}.",
    )


def no_intervals(overall: EstimateFacts, design: str) -> tuple[str, ...]:
    """Why there are no intervals, when there are none."""
    if overall["low"] is not None:
        return ()
    if design in NO_INTERVAL:
        return (NO_INTERVAL[design],)
    return (_stop(f"There is no confidence interval: {overall['note'] or 'the sample does not allow one'}"),)


def _stop(text: str) -> str:
    return text if text.endswith(".") else f"{text}."
