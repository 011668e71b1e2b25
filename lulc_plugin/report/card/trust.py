# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a network is to be trusted: its scores on held-out places, and what its confidence is worth."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ...model import ModelSpec
from .. import number_format
from ..document import Column, Row, Table
from ..plain_values import plain_text
from . import phrases, score_tables
from .card_parts import CardSection, Part

#: Data sets whose classes and matrix are shown; the rest stands in the summary only.
_MOST_SHOWN = 8


def sections(spec: ModelSpec) -> tuple[CardSection, ...]:
    """The sections of the card: scores, and calibration where the description has it."""
    sure = _calibration(spec)
    return (_scores(spec),) if sure is None else (_scores(spec), sure)


def _scores(spec: ModelSpec) -> CardSection:
    title = "How good it is"
    if not spec.scores:
        nothing = "The description has no scores. Assess the map with points of your own before you use it."
        return CardSection("accuracy", title, (nothing,))
    parts: list[Part] = [score_tables.summary(spec)]
    shown = [s for s in score_tables.in_order(spec.scores) if score_tables.held_out(s)][:_MOST_SHOWN]
    for i, scores in enumerate(shown):
        tables = (score_tables.of_classes(spec, scores, f"classes{i}"), score_tables.matrix(spec, scores, f"matrix{i}"))
        parts += [table for table in tables if table is not None]
    said = (
        "Scores hold for the places they were measured at. How good your map is only an assessment with reference"
        " points of your own area tells (Accuracy report)."
    )
    return CardSection("accuracy", title, (said,), tuple(parts))


def _calibration(spec: ModelSpec) -> CardSection | None:
    sentences: list[str] = []
    parts: list[Part] = []
    found = spec.extra.get("lulc:calibration")
    if isinstance(found, Mapping):
        if _is_share(found.get("temperature"), 100):
            sentences.append(f"Scores were divided by a temperature of {phrases.number(found['temperature'])}.")
        before, after = found.get("expected_error_before"), found.get("expected_error_after")
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            both = [k for k in before if _is_share(before[k]) and _is_share(after.get(k))][:_MOST_SHOWN]
            rows = tuple(Row(plain_text(k), (float(before[k]), float(after[k]))) for k in both)
            columns = (Column("before", "Before", "share"), Column("after", "After", "share"))
            caption = "How far confidence lies from the share of right pixels, on average; 0 is best."
            if rows:
                parts.append(Table("calibration", "Expected calibration error", caption, "Data set", columns, rows))
    if spec.confidence is not None:
        usual = spec.confidence
        over = f" over {usual.places} places" if usual.places else ""
        sentences.append(
            f"On held-out images the mean confidence is {number_format.percent(usual.mean)};"
            f" the 5\u00a0% quantile{over} is {number_format.percent(usual.q05)}."
            " Classify land cover warns when a map stays below it: such land was not in the training."
        )
    if not sentences and not parts:
        return None
    return CardSection("confidence", "What its confidence is worth", tuple(sentences), tuple(parts))


def _is_share(value: Any, most: float = 1) -> bool:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return number and math.isfinite(value) and 0 <= value <= most
