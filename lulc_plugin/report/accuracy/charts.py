# SPDX-License-Identifier: GPL-3.0-or-later
"""Bars of user's and producer's accuracy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .. import number_format
from ..document import MOST_SHOWN, Bar, BarGroup, Chart

Facts = Mapping[str, Any]


def largest_classes(facts: Facts) -> tuple[int, ...]:
    """Indices of the classes to show, in their order: all that occur, at most the `MOST_SHOWN` largest."""
    shares = facts["area_shares"]
    columns = [sum(column) for column in zip(*shares)]
    size = [sum(row) + column for row, column in zip(shares, columns)]
    ranked = sorted((k for k in range(len(shares)) if size[k] > 0), key=lambda k: (-size[k], k))
    return tuple(sorted(ranked[:MOST_SHOWN]))


def accuracy_chart(facts: Facts, chosen: tuple[int, ...]) -> Chart:
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


def _bar(label: str, style: str, estimate: Facts) -> Bar:
    value = estimate["value"]
    return Bar(label, style, value, estimate["low"], estimate["high"], number_format.cell(value, "share"))
