# SPDX-License-Identifier: GPL-3.0-or-later
"""How a network wants its numbers, from a few words of a closed set; nothing in them is evaluated."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import LulcError
from ...options import option
from ...raster import Step, Steps, apply_steps, resolve, steps_from_json
from ..spec import UNITS, InputForm

REMEDY = (
    "Write one of: none (stored numbers as they are), 0-1 (reflectance, or pictures divided by 255), 255, 10000,"
    " scale 3000, z-score M1,M2,…/S1,S2,… (means / standard deviations of the channels), imagenet, or a JSON list of"
    ' steps like [{"op": "scale", "value": 3000}, {"op": "clip", "minimum": 0, "maximum": 1}].'
)
NOT_GIVEN = (
    f"{option('scaling')} was not given: the network gets the numbers as they are stored; a wrong scaling gives a wrong"
    " map without an error"
)
#: unit → what its numbers usually reach
_REACH = {"reflectance": 1.0, "dn": 10_000.0, "byte": 255.0}
#: fewer different numbers than this are left of an image only by mistake
_FEWEST = 32
#: stored numbers of satellites that are divided by so much are reflectance × 10,000
_SMALLEST_DN_DIVISOR = 1000.0
_DN_SCALE = 0.0001
_LONGEST = 100_000
_IMAGENET = ((0.485, 0.229), (0.456, 0.224), (0.406, 0.225))
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"


@dataclass(frozen=True)
class Scaling:
    """Ways in, steps of each channel, and what turns a stored number into reflectance (None where unknown)."""

    forms: tuple[InputForm, ...]
    channel_steps: tuple[Steps, ...]
    dn_scale: float | None = None


def read_scaling(text: str, count: int) -> Scaling:
    """Understand what was said about the scaling of `count` channels.

    Raises:
        LulcError: other words, or another number of channels.
    """
    text = text.strip()
    if len(text) > _LONGEST:
        raise LulcError(
            f"The scaling is a text of {len(text):,} characters; {_LONGEST:,} are enough for anyone.", REMEDY
        )
    words = re.sub(r"\s+", " ", text.lower())
    if words in ("", "none"):
        return _plain("dn", "stored numbers", (), count)
    if text[:1] in "[{":
        return _of_json(text, count)
    if words in ("0-1", "0–1", "0..1", "0 to 1", "reflectance"):
        by_255 = ((Step.of("scale", value=255),),) * count
        forms = (
            InputForm("reflectance", "reflectance", ((),) * count, "0 to 1"),
            InputForm("picture", "byte", by_255, "8-bit numbers divided by 255"),
        )
        return Scaling(forms, ((),) * count)
    if words == "imagenet":
        if count != 3:
            raise LulcError(f"The ImageNet scaling is for 3 channels (red, green, blue), not for {count}.", REMEDY)
        steps = tuple(
            (Step.of("scale", value=255), Step.of("z-score", mean=mean, stddev=stddev)) for mean, stddev in _IMAGENET
        )
        return Scaling(_forms("byte", "divided by 255, ImageNet's mean and standard deviation", count), steps)
    found = re.fullmatch(rf"(?:scale |/ ?)?({_NUMBER})", words)
    if found:
        return _divided(float(found.group(1)), count)
    found = re.fullmatch(r"z-?score:? (.*)/(.*)", words)
    if found:
        return _standardised(found.group(1), found.group(2), count)
    raise LulcError(f"The scaling {text[:80]!r} is not understood.", REMEDY)


def few_left(scaling: Scaling, kind: np.dtype[Any]) -> tuple[int, float, float] | None:
    """How many numbers the usual values of its unit become in a network's whole numbers, and their range before that.

    None where enough are left.
    """
    usual = np.linspace(0, _REACH[scaling.forms[0].unit], 10_001)
    limits = np.iinfo(kind)
    for form, steps in zip(scaling.forms[0].band_steps, scaling.channel_steps):
        scaled = apply_steps(usual, resolve((*form, *steps), usual))
        count = len(np.unique(np.clip(np.rint(scaled), limits.min, limits.max)))
        if count < _FEWEST:
            return count, float(scaled.min()), float(scaled.max())
    return None


def _plain(unit: str, name: str, steps: Steps, count: int, dn_scale: float | None = None) -> Scaling:
    return Scaling(_forms(unit, name, count), (steps,) * count, dn_scale)


def _forms(unit: str, name: str, count: int) -> tuple[InputForm, ...]:
    return (InputForm(name, unit, ((),) * count),)


def _divided(divisor: float, count: int) -> Scaling:
    if not 0 < divisor < 1e12:
        raise LulcError(f"Numbers cannot be divided by {divisor:g}.", REMEDY)
    steps = () if divisor == 1 else (Step.of("scale", value=divisor),)
    if divisor == 255:
        return _plain("byte", "divided by 255", steps, count)
    scale = _DN_SCALE if divisor >= _SMALLEST_DN_DIVISOR else None
    return _plain("dn", f"divided by {divisor:g}", steps, count, scale)


def _standardised(means: str, spreads: str, count: int) -> Scaling:
    numbers = [_numbers(means, count, "mean"), _numbers(spreads, count, "standard deviation")]
    if min(numbers[1]) <= 0:
        raise LulcError(f"A standard deviation is {min(numbers[1]):g}; it must be above 0.", REMEDY)
    steps = tuple((Step.of("z-score", mean=m, stddev=s),) for m, s in zip(*numbers))
    name = "z-score of the channels' mean and standard deviation"
    # means tell the unit: reflectance lies below 1, pictures below 255, stored numbers of satellites above
    largest = max(map(abs, numbers[0]))
    if largest <= 1.5 and max(numbers[1]) <= 1.5:
        by_255 = ((Step.of("scale", value=255),),) * count
        forms = (
            InputForm(name, "reflectance", ((),) * count, "0 to 1"),
            InputForm("picture", "byte", by_255, "8-bit numbers divided by 255"),
        )
        return Scaling(forms, steps)
    if largest <= 255:
        return Scaling(_forms("byte", name, count), steps)
    return Scaling(_forms("dn", name, count), steps, _DN_SCALE)


def _numbers(text: str, count: int, what: str) -> tuple[float, ...]:
    parts = [part for part in re.split(r"[,; ]+", text.strip()) if part]
    if not all(re.fullmatch(_NUMBER, part) for part in parts) or len(parts) not in (1, count):
        raise LulcError(
            f"The scaling gives {len(parts)} times a {what} ({text.strip()[:60]}) for {count} channels.", REMEDY
        )
    numbers = tuple(float(part) for part in parts)
    return numbers * count if len(numbers) == 1 else numbers


def _of_json(text: str, count: int) -> Scaling:
    """A list of steps for all channels, a list of such lists, or an object with `unit` and `steps`."""
    try:
        data: Any = json.loads(text, parse_constant=float)
    except (ValueError, RecursionError) as error:
        raise LulcError(f"The scaling is no JSON: {error}.", REMEDY) from error
    unit = "dn"
    if isinstance(data, Mapping) and "op" not in data:
        unit = str(data.get("unit") or unit)
        if unit not in UNITS:
            raise LulcError(f"The unit {unit[:50]!r} is none of {', '.join(UNITS)}.", REMEDY)
        data = data.get("steps")
    if isinstance(data, list) and data and all(isinstance(entry, list) for entry in data):
        if len(data) != count:
            raise LulcError(f"The scaling has steps for {len(data)} channels; the network takes {count}.", REMEDY)
        return Scaling(_forms(unit, "as described", count), tuple(steps_from_json(entry) for entry in data))
    return _plain(unit, "as described", steps_from_json(data if data is not None else []), count)
