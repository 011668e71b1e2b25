# SPDX-License-Identifier: GPL-3.0-or-later
"""Bars of the accuracies and of the areas of the classes."""

from __future__ import annotations

from .. import number_format
from ..document import MOST_SHOWN, Bar, BarGroup, Chart
from .class_tables import decimals_of
from .facts import AssessmentFacts, EstimateFacts, MapFacts


def largest_classes(facts: MapFacts) -> tuple[int, ...]:
    """Indices of the classes to show, in their order: all that occur, at most the `MOST_SHOWN` largest."""
    shares = facts["area_shares"]
    columns = [sum(column) for column in zip(*shares)]
    size = [sum(row) + column for row, column in zip(shares, columns)]
    ranked = sorted((k for k in range(len(shares)) if size[k] > 0), key=lambda k: (-size[k], k))
    return tuple(sorted(ranked[:MOST_SHOWN]))


def accuracy_chart(facts: AssessmentFacts, chosen: tuple[int, ...]) -> Chart:
    """User's and producer's accuracy of the `chosen` classes."""
    entries = [facts["classes"][k] for k in chosen]
    groups = tuple(
        BarGroup(
            entry["label"],
            entry["colour"],
            (
                _bar("user's", "strong", entry["users_accuracy"]),
                _bar("producer's", "plain", entry["producers_accuracy"]),
            ),
        )
        for entry in entries
    )
    with_whiskers = any(entry["users_accuracy"]["low"] is not None for entry in entries)
    hidden = len(facts["classes"]) - len(chosen)
    captions = []
    if with_whiskers:
        captions.append(f"Whiskers: {number_format.level(facts['design']['level'])} confidence interval.")
    if hidden:
        which = "the largest" if len(chosen) == MOST_SHOWN else "those that occur"
        captions.append(f"Shown: {len(chosen)} of {len(facts['classes'])} classes, {which}.")
    return Chart(
        "accuracy_chart",
        "User's and producer's accuracy",
        " ".join(captions),
        groups,
        ((0.0, "0"), (0.25, "0.25"), (0.5, "0.5"), (0.75, "0.75"), (1.0, "1")),
    )


def _bar(label: str, style: str, estimate: EstimateFacts) -> Bar:
    value = estimate["value"]
    return Bar(label, style, value, estimate["low"], estimate["high"], number_format.cell(value, "share"))


def area_chart(facts: AssessmentFacts, chosen: tuple[int, ...]) -> Chart | None:
    """Bars of both areas of the `chosen` classes; None when no area is known."""
    unit, decimals = facts["areas"]["unit"], decimals_of(facts)
    entries = [facts["classes"][k] for k in chosen]
    ends = [e["area"]["adjusted"]["high"] or e["area"]["adjusted"]["value"] or 0.0 for e in entries]
    largest = max([*ends, *((e["area"]["mapped"] or 0.0) for e in entries)], default=0.0)
    if largest <= 0:
        return None
    top = _round_up(largest)
    groups = []
    for entry in entries:
        mapped, adjusted = entry["area"]["mapped"], entry["area"]["adjusted"]
        bars = [_area_bar("mapped", "plain", mapped, None, None, top, decimals)]
        if adjusted["value"] is not None:
            bars.append(
                _area_bar("adjusted", "strong", adjusted["value"], adjusted["low"], adjusted["high"], top, decimals)
            )
        groups.append(BarGroup(entry["label"], entry["colour"], tuple(bars)))
    return Chart(
        "areas_chart",
        f"Mapped and error-adjusted area ({number_format.UNIT_NAMES[unit]})",
        "Whiskers: confidence interval." if any(e["area"]["adjusted"]["low"] is not None for e in entries) else "",
        tuple(groups),
        tuple((i / 4, _tick(top * i / 4)) for i in range(5)),
    )


def _area_bar(
    label: str, style: str, value: float | None, low: float | None, high: float | None, top: float, decimals: int
) -> Bar:
    def on_scale(area: float | None) -> float | None:
        return None if area is None else area / top

    return Bar(
        label, style, on_scale(value), on_scale(low), on_scale(high), number_format.cell(value, f"area{decimals}")
    )


def _round_up(value: float) -> float:
    """The next number of the form 1, 2, 4, 8 (times a power of ten), so that quarters of the scale are round."""
    power = 1.0
    while power * 10 < value:
        power *= 10
    while power >= value:
        power /= 10
    return next(power * step for step in (1.2, 1.6, 2, 2.4, 3.2, 4, 6, 8, 10, 12) if power * step >= value)


def _tick(value: float) -> str:
    return number_format.count(value) if value >= 10 or value == 0 else f"{value:.3g}"
