# SPDX-License-Identifier: GPL-3.0-or-later
"""Which range of numbers a network expects, read from what it saw or from its own scaling."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..model import InputForm, ModelSpec
from ..options import option
from ..raster import LAYER_OPS, Step, Steps

#: Reflectance above this is cloud, glint, or not reflectance.
_BRIGHT = 1.6
_SPREADS = 3.0


@dataclass(frozen=True)
class Expected:
    """Numbers a network expects, in the unit of a form.

    Attributes:
        low, high: the range.
        too_high: a 98th percentile above it is suspicious.
        too_low: a 98th percentile below it is suspicious.
        strict: every number above `high` is suspicious, and the largest is what is compared with `too_low`.
        words: the range in words.
        remedy: what to do about other numbers.
    """

    low: float
    high: float
    too_high: float
    too_low: float
    strict: bool
    words: str
    remedy: str


_BYTES = Expected(
    0, 255, 255, 2, True, "the model expects 0–255",
    "Bring the layer to 8 bits first, for example with gdal_translate -ot Byte -scale.",
)  # fmt: skip


def expected_of(spec: ModelSpec, form: InputForm) -> Expected | None:
    """The numbers that `form` expects before any of its own steps; None when it takes any."""
    if any(step.op in LAYER_OPS for steps in form.band_steps for step in steps):
        return None
    seen = spec.band_statistics if form is spec.forms[0] else ()
    if form.unit == "reflectance":
        low = min((s.low for s in seen), default=0.0)
        high = max((s.high for s in seen), default=1.0)
        return Expected(
            low, high, _BRIGHT, 0.08 * high if seen else 0.005, False,
            f"the model saw {low:.3g} to {high:.3g}" if seen else "the model expects reflectance, 0 to 1",
            f"Check what the numbers are: set {option('values')}, or declare the layer's scale and offset"
            " (gdal_edit.py -scale … -offset …).",
        )  # fmt: skip
    scaled = _scaled_ranges(spec, form)
    bytes_only = all(band.data_type == "uint8" for band in spec.bands) or set(scaled) == {(0.0, 255.0)}
    if form.unit == "byte" or bytes_only:
        return _BYTES
    most = _most(spec, form)
    # a division does not bring numbers to 0 to 1 where the graph takes whole ones
    ranges = [(s.low, s.high) for s in seen] or (scaled if most is None else [])
    usual = _usual(ranges) if ranges else None
    if most is None or (usual is not None and usual.too_high <= most):
        return usual
    words = f"the network takes numbers of the type {spec.input_type}, which here end at {most:,.6g}"
    remedy = "Bring the layer to that range first, for example with gdal_translate -scale."
    if usual is None:
        return Expected(0, most, most, 0, True, words, remedy)
    # what lies above is cut, however much of it there is
    return replace(usual, high=most, too_high=most, strict=True, words=f"{usual.words}, and {words}")


def _usual(ranges: list[tuple[float, float]]) -> Expected:
    """What imagery in some ranges, one a band, may look like."""
    low, high = min(r[0] for r in ranges), max(r[1] for r in ranges)
    # a lake alone may reach a thirtieth; 8-bit numbers stay below a quarter of every 16-bit range
    return Expected(
        low, high, 3 * high, high / 30 if high < 1000 else max(255.0, high / 30), False,
        f"the model expects about {max(0.0, low):,.6g} to {high:,.6g}",
        "Bring the layer to the numbers of the model's training imagery, for example with gdal_translate -scale.",
    )  # fmt: skip


def _most(spec: ModelSpec, form: InputForm) -> float | None:
    """The largest number that a graph for whole numbers can be given; None for others, or where it cannot be said."""
    if not spec.input_type:
        return None
    found = []
    for channel in spec.channels:
        if channel.expression is not None:
            return None
        most = float(np.iinfo(spec.input_type).max)
        for step in reversed((*form.band_steps[channel.band or 0], *channel.steps)):
            if step.op == "scale" and step["value"] > 0:
                most *= step["value"]
            elif step.op == "offset":
                most += step["value"]
            else:
                return None
        found.append(most)
    return min(found)


def _scaled_ranges(spec: ModelSpec, form: InputForm) -> list[tuple[float, float]]:
    found = []
    for channel in spec.channels:
        if channel.expression is None:
            one = _linear_range((*form.band_steps[channel.band or 0], *channel.steps))
            if one is None:
                return []
            found.append(one)
    return found


def _linear_range(steps: Steps) -> tuple[float, float] | None:
    """Numbers that steps bring to their usual range; None where the steps do not say or are not linear."""
    factor, addend = 1.0, 0.0
    divided: tuple[float, float] | None = None
    told: tuple[float, float] | None = None
    for step in steps:
        here = _range_of(step)
        if told is None and here is not None and factor > 0:
            told = (here[0] - addend) / factor, (here[1] - addend) / factor
        if step.op == "scale" and step["value"] > 0:
            if divided is None and factor == 1 and step["value"] >= 2:
                divided = (0 - addend, step["value"] - addend)
            factor, addend = factor / step["value"], addend / step["value"]
        elif step.op == "offset":
            addend -= step["value"]
        elif step.op in ("log1p", "sqrt", "sigmoid") or step.op in LAYER_OPS:
            return None if told is None else told
        elif step.op not in ("clip",):
            break
    return divided or told


def _range_of(step: Step) -> tuple[float, float] | None:
    """What a step expects; for a z-score three standard deviations about the mean."""
    if step.op == "min-max":
        return step["minimum"], step["maximum"]
    if step.op == "z-score":
        return step["mean"] - _SPREADS * step["stddev"], step["mean"] + _SPREADS * step["stddev"]
    return None
