# SPDX-License-Identifier: GPL-3.0-or-later
"""What a network cannot do (`lulc:limits`): the recipe's sentences with numbers put in, and those that scores give."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from lulc_plugin.assess import accuracy
from lulc_plugin.errors import LulcError

from ..evaluate.robustness import PICTURES
from ..maps import reference_miou
from . import score_details

_OF_CLASS = {"iou": "iou", "users": "users", "producers": "producers", "f1": "f1"}
_OF_SET = ("oa", "kappa", "miou")
_HOLE = re.compile(r"\{([a-z0-9]+) ([^{}]+)\}")


def filled(sentence: str, scores: Mapping[str, Any]) -> str:
    """`{iou Water SET}` → its number on the set's kept split; "not measured" where the set was not scored.

    Raises:
        LulcError: an unknown measure, or a class that the set does not count.
    """
    return _HOLE.sub(lambda hole: _value(hole.group(1), hole.group(2).strip(), scores), sentence)


def number(value: float | None) -> str:
    """Three decimals, a dash for what is not defined."""
    return "–" if value is None or not np.isfinite(value) else f"{value:.3f}"


def _value(measure: str, words: str, scores: Mapping[str, Any]) -> str:
    name, _, set_name = words.rpartition(" ")
    if measure not in _OF_CLASS and measure not in _OF_SET:
        raise LulcError(
            f"[card] limits: {{{measure} {words}}} is not a measure.",
            f"Known are {', '.join((*_OF_CLASS, *_OF_SET))}: {{iou Water SET}}, {{oa SET}}.",
        )
    key = key_of(set_name, scores)
    if key is None:
        return "not measured"
    entry = scores["sets"][key]
    counts = score_details.pooled(entry["places"])
    result = accuracy(counts)
    if measure in _OF_SET:
        return number({"oa": result.overall, "kappa": result.kappa, "miou": reference_miou(counts)}[measure])
    if name not in entry["names"]:
        raise LulcError(
            f"[card] limits: {set_name} counts no class {name!r}.", f"It counts {', '.join(entry['names'])}."
        )
    return number(getattr(result.classes[entry["names"].index(name)], _OF_CLASS[measure]))


def key_of(set_name: str, scores: Mapping[str, Any]) -> str | None:
    """The split of a set that says most: kept for the test, never trained on, then validation."""
    keys = [k for k in score_details.in_order(scores) if k.partition("/")[0] == set_name]
    return keys[0] if keys else None


def from_scores(scores: Mapping[str, Any]) -> list[str]:
    """Limits of every network: weakest classes, worst places, the change of light that costs most."""
    sentences = []
    for key in score_details.main_sets(scores):
        entry = scores["sets"][key]
        result = accuracy(score_details.pooled(entry["places"]))
        weak = sorted((c.iou, n) for c, n in zip(result.classes, entry["names"], strict=True) if c.reference)[:2]
        lowest = " and ".join(f"{n} ({number(iou)})" for iou, n in weak)
        text = f"{entry['title']}: lowest IoU: {lowest}"
        worst = score_details.worst_place(scores, key)
        if worst:
            text += f"; worst place {worst[0]} (mostly {worst[2]}), overall accuracy {number(worst[1])}"
        sentences.append(f"{text}.")
        changed = scores["robustness"].get(key, {})
        # pictures are another way in, with rows of their own
        changed = {c: m for c, m in changed.items() if c != PICTURES}
        if len(changed) > 1:
            usual = reference_miou(_matrix(next(iter(changed.values()))))
            drops = sorted((reference_miou(_matrix(m)) - usual, c) for c, m in changed.items())
            sentences.append(
                f"Other radiometry costs most as “{drops[0][1]}”: mean IoU {usual + drops[0][0]:.3f} instead of"
                f" {usual:.3f} ({entry['title']})."
            )
    return sentences


def _matrix(plain: Sequence[Sequence[int]]) -> npt.NDArray[np.int64]:
    return np.array(plain, np.int64)
