# SPDX-License-Identifier: GPL-3.0-or-later
"""Confidence: the mean of a map against that on held-out places, which tells whether a network has seen such land."""

from __future__ import annotations

import json
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from ..legend import visible_text
from ..model import ModelSpec
from ..provenance import PREFIX

_ROWS_AT_ONCE = 16
_ROUNDING = 1e-3
_LONGEST_TAG = 1000
_LONGEST_NAME = 100


class MeanConfidence:
    """Mean of the winning probability over the valid pixels of a map, block by block."""

    def __init__(self) -> None:
        self._sum = 0.0
        self._pixels = 0

    def add(self, probabilities: npt.NDArray[np.float32], valid: npt.NDArray[np.bool_]) -> None:
        """Count a block.

        Args:
            probabilities: `(classes, rows, cols)`.
            valid: `(rows, cols)`, False where the map has no class.
        """
        # a few rows at a time stay in the processor's cache
        for row in range(0, len(valid), _ROWS_AT_ONCE):
            rows = slice(row, row + _ROWS_AT_ONCE)
            best = probabilities[:, rows].max(axis=0)
            self._sum += float(best.sum(where=valid[rows], dtype=np.float64))
        self._pixels += int(valid.sum())

    @property
    def value(self) -> float | None:
        """The mean, None before a valid pixel was counted."""
        return self._sum / self._pixels if self._pixels else None


def valid_confidence(value: float | None, is_probability: bool) -> float | None:
    """`value`, or None where it is not a confidence: the scores were not probabilities, or it lies outside 0..1."""
    if value is None or not is_probability or not -_ROUNDING <= value <= 1 + _ROUNDING:
        return None
    return min(1.0, max(0.0, value))


def compare_confidence(spec: ModelSpec, confidence: float | None, probable: bool = True) -> tuple[str, str]:
    """A line for the log with both numbers, and a warning, empty unless the map is less sure than held-out places were.

    Args:
        spec: the network, with its held-out confidence if its makers measured it.
        confidence: mean confidence of the map, None when it has no valid pixel.
        probable: whether the network's scores were probabilities.
    """
    if confidence is None:
        return "Mean confidence of the map: none, no pixel has a class", ""
    known = valid_confidence(confidence, probable)
    if known is None:
        return f"Mean confidence of the map: not meaningful, the scores of {spec.name} are not probabilities", ""
    confidence = known
    usual = spec.confidence
    if usual is None:
        return f"Mean confidence of the map {confidence:.3f}; {spec.name} does not tell that of held-out places", ""
    line = (
        f"Mean confidence of the map {confidence:.3f}; on held-out places {usual.mean:.3f}, on one in twenty of them"
        f" below {usual.q05:.3f}"
    )
    return line, "" if confidence >= usual.q05 else _unseen(confidence, spec.name, usual.q05, usual.mean)


def _unseen(confidence: float, model: str, low: float, mean: float) -> str:
    return (
        f"This network has not seen land like this: the mean confidence of the map is {confidence:.3f}, less than on"
        f" 95 % of the held-out places of {model} ({low:.3f}; their mean {mean:.3f}). Check the bands"
        " and what the values are, and look at the map where you know the ground before you use it."
    )


# ---------------------------------------------------------------- in the metadata of a map


def confidence_facts(spec: ModelSpec, confidence: float | None, probable: bool) -> dict[str, float]:
    """What a map's metadata say of its confidence, beside that of held-out places; empty where it is not known."""
    known = valid_confidence(confidence, probable)
    if known is None:
        return {}
    usual = spec.confidence
    held_out = {} if usual is None else {"held_out_mean": usual.mean, "held_out_q05": usual.q05}
    return {"mean": round(known, 4), **held_out}


def warning_of_map(tags: Mapping[str, str]) -> str:
    """The warning that a map's run ended with, out of its metadata; empty where there was none.

    Args:
        tags: of a file from anywhere; what is odd in them says nothing.
    """
    try:
        facts = json.loads(tags.get(f"{PREFIX}CONFIDENCE", "")[:_LONGEST_TAG])
        mean, low, usual = (float(facts[key]) for key in ("mean", "held_out_q05", "held_out_mean"))
    except (ValueError, TypeError, KeyError, RecursionError):
        return ""
    if not 0 <= mean < low <= 1:
        return ""
    return _unseen(mean, visible_text(tags.get(f"{PREFIX}MODEL", "")[:_LONGEST_NAME]) or "its network", low, usual)
