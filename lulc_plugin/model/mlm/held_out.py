# SPDX-License-Identifier: GPL-3.0-or-later
"""Held-out confidence and patterns of bands: `lulc:confidence` and `lulc:band_patterns`, read and written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...errors import LulcError
from ..band_patterns import MOST_PATTERNS, MOST_SETS, BandPattern, BandPatterns, Confidence, PatternScore
from . import json_values
from .model_input import MOST_BANDS

_PATTERNS = "lulc:band_patterns"


def read_confidence(data: Any, where: str = "lulc:confidence") -> Confidence | None:
    """Held-out confidence, None when it is not given.

    Raises:
        LulcError: no numbers from 0 to 1.
    """
    if data is None:
        return None
    data = json_values.mapping(data, where)
    mean, low = (
        json_values.number(data.get("mean"), "mean confidence"),
        json_values.number(data.get("q05"), "5 % quantile of confidence"),
    )
    if mean is None or low is None or not (0 <= low <= 1 and 0 <= mean <= 1):
        raise LulcError(f"{where!r} has no mean and q05 from 0 to 1.")
    return Confidence(mean, low, int(json_values.number(data.get("places"), "places") or 0))


def confidence_to_json(confidence: Confidence) -> dict[str, Any]:
    """The reverse of `read_confidence`."""
    return {"mean": confidence.mean, "q05": confidence.q05, "places": confidence.places}


def read_patterns(properties: Mapping[str, Any], band_names: Sequence[str]) -> BandPatterns | None:
    """`lulc:band_patterns`, None when it is not given.

    Args:
        properties: of the description.
        band_names: of the network's bands; a pattern's own are put in their order.

    Raises:
        LulcError: something in it is missing, of the wrong kind, or outside its limits.
    """
    if properties.get(_PATTERNS) is None:
        return None
    data = json_values.mapping(properties[_PATTERNS], _PATTERNS)
    fill = json_values.number(data.get("fill"), f"The fill of {_PATTERNS!r}")
    if fill is None:
        raise LulcError(f"{_PATTERNS!r} has no fill, the number that the channels of absent bands hold.")
    patterns = json_values.entries(data, "patterns", MOST_PATTERNS)
    return BandPatterns(fill, tuple(_pattern(entry, band_names) for entry in patterns))


def _pattern(data: Mapping[str, Any], band_names: Sequence[str]) -> BandPattern:
    names = data.get("bands")
    if not isinstance(names, list) or not 1 <= len(names) <= MOST_BANDS:
        raise LulcError(f"An entry of {_PATTERNS!r} has no list of 1 to {MOST_BANDS} bands.")
    names = [json_values.text(name, f"A band of {_PATTERNS!r}") for name in names]
    order = {name: i for i, name in enumerate(band_names)}
    names.sort(key=lambda name: order.get(name, len(order)))
    scores = json_values.mapping(data.get("scores"), f"scores of {_PATTERNS}")
    if len(scores) > MOST_SETS:
        raise LulcError(f"An entry of {_PATTERNS!r} has scores on {len(scores)} test sets; {MOST_SETS} are the most.")
    return BandPattern(
        tuple(names),
        {json_values.text(name, "the name of a test set"): _score(score) for name, score in scores.items()},
        read_confidence(data.get("confidence"), f"confidence of {_PATTERNS}"),
    )


def _score(data: Any) -> PatternScore:
    numbers = json_values.mapping(data, f"A score of {_PATTERNS}")
    oa, miou = (json_values.number(numbers.get(key), f"{key} of {_PATTERNS!r}") for key in ("oa", "miou"))
    for key, number in (("oa", oa), ("miou", miou)):
        if number is not None and not 0 <= number <= 1:
            raise LulcError(f"{_PATTERNS!r} has the {key} {number:g}, which is not from 0 to 1.")
    return PatternScore(oa, miou)


def patterns_to_json(patterns: BandPatterns) -> dict[str, Any]:
    """The reverse of `read_patterns`; what is not known is left out."""
    return {"fill": patterns.fill, "patterns": [_pattern_to_json(pattern) for pattern in patterns.patterns]}


def _pattern_to_json(pattern: BandPattern) -> dict[str, Any]:
    out: dict[str, Any] = {"bands": list(pattern.bands)}
    if pattern.scores:
        out["scores"] = {
            name: {key: number for key, number in (("oa", score.oa), ("miou", score.miou)) if number is not None}
            for name, score in pattern.scores.items()
        }
    if pattern.confidence is not None:
        out["confidence"] = confidence_to_json(pattern.confidence)
    return out
