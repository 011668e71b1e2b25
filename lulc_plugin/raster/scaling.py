# SPDX-License-Identifier: GPL-3.0-or-later
"""From stored pixel values to a network's input: steps of a closed set, derived channels, fill.

Training and inference call the same functions, so a network sees in QGIS what it saw when it learned.
A model's scaling is a list of `Step`s for each channel. Steps that depend on the layer (`percentile`, `moments`) are
turned into fixed ones by `resolve`, once, from a sample of the whole layer; what remains is plain arithmetic.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import LulcError
from .indices import Expression

FloatArray = npt.NDArray[np.float32]
BoolArray = npt.NDArray[np.bool_]

# op → (required numbers, optional numbers with defaults)
_OPS: dict[str, tuple[tuple[str, ...], dict[str, float]]] = {
    "offset": (("value",), {}),
    "scale": (("value",), {}),
    "clip": ((), {"minimum": -math.inf, "maximum": math.inf}),
    "min-max": (("minimum", "maximum"), {}),
    "z-score": (("mean", "stddev"), {}),
    "log1p": ((), {}),
    "sqrt": ((), {}),
    "signed-square": ((), {}),
    "sigmoid": ((), {}),
    "percentile": (("lower", "upper"), {"clip": 1.0}),
    "moments": ((), {}),
}
LAYER_OPS = frozenset({"percentile", "moments"})
_MOST_STEPS = 32
#: What values are multiplied by lies between 1 / this and this: beyond it float32 has 0 or infinity only.
_LARGEST_FACTOR = 1e30


@dataclass(frozen=True)
class Step:
    """One arithmetic step: `op` of the closed set and its numbers, name → value."""

    op: str
    numbers: tuple[tuple[str, float], ...] = ()

    def __post_init__(self) -> None:
        if self.op not in _OPS:
            raise LulcError(f"Scaling step {self.op[:50]!r} is unknown; known are {', '.join(sorted(_OPS))}.")
        self._check_names()
        for name, value in self.numbers:
            if not math.isfinite(value):
                shown = "NaN, not a number" if math.isnan(value) else f"{value}"
                raise LulcError(f"Scaling step {self.op!r}: {name} is {shown}.")
        self._check_ranges()

    def _check_names(self) -> None:
        required, optional = _OPS[self.op]
        given = dict(self.numbers)
        for name in required:
            if name not in given:
                raise LulcError(f"Scaling step {self.op!r} needs {name!r}.")
        for name in given:
            if name not in required and name not in optional:
                raise LulcError(f"Scaling step {self.op!r} has no parameter {name[:50]!r}.")

    def _check_ranges(self) -> None:
        if self.op == "scale" and self["value"] == 0:
            raise LulcError("Scaling step 'scale' divides by 0.")
        if self.op == "z-score" and self["stddev"] <= 0:
            raise LulcError(f"Scaling step 'z-score' has the standard deviation {self['stddev']}.")
        if self.op in {"clip", "min-max"}:
            low, high = self["minimum"], self["maximum"]
            if not low < high:
                raise LulcError(f"Scaling step {self.op!r}: minimum {low} is not below maximum {high}.")
        if self.op == "percentile" and not 0 <= self["lower"] < self["upper"] <= 100:
            raise LulcError(f"Percentiles {self['lower']} and {self['upper']} are not 0 ≤ lower < upper ≤ 100.")
        self._check_factor()

    def _check_factor(self) -> None:
        """Refuse a divisor that makes 0 or infinity of every value."""
        divisor = {
            "scale": lambda: self["value"],
            "z-score": lambda: self["stddev"],
            "min-max": lambda: self["maximum"] - self["minimum"],
        }.get(self.op, lambda: 1.0)()
        if not 1 / _LARGEST_FACTOR <= abs(divisor) <= _LARGEST_FACTOR:
            raise LulcError(
                f"Scaling step {self.op!r} divides by {divisor:g}; {1 / _LARGEST_FACTOR:g} to {_LARGEST_FACTOR:g} can"
                " be."
            )
        shift = self["mean"] if self.op == "z-score" else self["minimum"] if self.op == "min-max" else 0.0
        if abs(shift) / abs(divisor) > _LARGEST_FACTOR:
            raise LulcError(f"Scaling step {self.op!r} subtracts {shift:g} / {divisor:g}, too large a number.")

    def __getitem__(self, name: str) -> float:
        return dict(self.numbers).get(name, _OPS[self.op][1].get(name, math.nan))

    @staticmethod
    def of(op: str, **numbers: float) -> Step:
        """`Step.of("clip", minimum=0, maximum=1)`."""
        return Step(op, tuple((k, float(v)) for k, v in numbers.items()))

    def to_json(self) -> dict[str, Any]:
        """Plain object, the reverse of `steps_from_json` for one step."""
        out: dict[str, Any] = {"op": self.op}
        for name, value in self.numbers:
            out[name] = bool(value) if (self.op, name) == ("percentile", "clip") else value
        return out


Steps = tuple[Step, ...]


def steps_from_json(data: Any) -> Steps:
    """Steps of a JSON list (or of one object), each `{"op": …, …}`.

    Raises:
        LulcError: not such a list, an unknown step, a missing or impossible number.
    """
    entries = [data] if isinstance(data, Mapping) else data
    if not isinstance(entries, Sequence) or isinstance(entries, str) or len(entries) > _MOST_STEPS:
        raise LulcError(f"A scaling is a list of at most {_MOST_STEPS} steps.")
    steps = []
    for entry in entries:
        if not isinstance(entry, Mapping) or not isinstance(entry.get("op"), str):
            raise LulcError('Each scaling step is an object with an "op".')
        numbers = []
        for name, value in entry.items():
            if name == "op":
                continue
            if not isinstance(value, (int, float)) or (isinstance(value, bool) and name != "clip"):
                raise LulcError(f"Scaling step {entry['op']!r}: {name[:50]} is {str(value)[:50]!r}, not a number.")
            try:
                numbers.append((str(name), float(value)))
            except OverflowError:
                raise LulcError(f"Scaling step {entry['op']!r}: {name} is too large a number.") from None
        steps.append(Step(entry["op"], tuple(numbers)))
    return tuple(steps)


def apply_steps(values: npt.NDArray[Any], steps: Steps) -> FloatArray:
    """The values after all steps, float32, in a new array of the same shape.

    Neighbouring steps that only multiply and add are done as one.

    Raises:
        LulcError: a step that depends on the layer was not resolved first.
    """
    x = np.array(values, dtype=np.float32)
    factor, addend = 1.0, 0.0
    for step in steps:
        if step.op in _AFFINE:
            a, b = _AFFINE[step.op](step)
            factor, addend = factor * a, addend * a + b
            continue
        _multiply_add(x, factor, addend)
        factor, addend = 1.0, 0.0
        if step.op == "clip":
            np.clip(x, np.float32(step["minimum"]), np.float32(step["maximum"]), out=x)
        elif step.op == "log1p":
            np.maximum(x, np.nextafter(np.float32(-1), np.float32(0)), out=x)
            np.log1p(x, out=x)
        elif step.op == "sqrt":
            np.maximum(x, 0, out=x)
            np.sqrt(x, out=x)
        elif step.op == "signed-square":
            x *= np.abs(x)
        elif step.op == "sigmoid":
            # exp of a large number overflows to inf and 1/inf is the right 0
            with np.errstate(over="ignore"):
                x = np.float32(1) / (np.float32(1) + np.exp(-x))
        else:
            raise LulcError(f"Scaling step {step.op!r} depends on the layer and was not resolved.")
    _multiply_add(x, factor, addend)
    return x


#: op → (factor, addend) of x · factor + addend
_AFFINE: dict[str, Callable[[Step], tuple[float, float]]] = {
    "offset": lambda s: (1.0, -s["value"]),
    "scale": lambda s: (1 / s["value"], 0.0),
    "min-max": lambda s: (1 / (s["maximum"] - s["minimum"]), -s["minimum"] / (s["maximum"] - s["minimum"])),
    "z-score": lambda s: (1 / s["stddev"], -s["mean"] / s["stddev"]),
}


def _multiply_add(x: FloatArray, factor: float, addend: float) -> None:
    if factor != 1:
        x *= np.float32(factor)
    if addend != 0:
        x += np.float32(addend)


def limits_of(steps: Steps) -> tuple[float, float]:
    """Between which numbers all values lie after some steps, whatever they were before; infinite without a limit."""
    low, high = -math.inf, math.inf
    for step in steps:
        if step.op in _AFFINE:
            factor, addend = _AFFINE[step.op](step)
            low, high = sorted((low * factor + addend, high * factor + addend))
        elif step.op == "clip":
            low, high = (min(max(end, step["minimum"]), step["maximum"]) for end in (low, high))
        elif step.op == "log1p":
            low, high = (math.log1p(max(end, -1 + 1e-7)) for end in (low, high))
        elif step.op == "sqrt":
            low, high = (math.sqrt(max(end, 0.0)) for end in (low, high))
        elif step.op == "signed-square":
            low, high = low * abs(low), high * abs(high)
        elif step.op == "sigmoid" or (step.op == "percentile" and step["clip"]):
            low, high = 0.0, 1.0
        else:
            low, high = -math.inf, math.inf
    return low, high


def resolve(steps: Steps, sample: npt.NDArray[Any]) -> Steps:
    """Steps without `percentile` and `moments`: those become fixed steps from a sample of the whole layer.

    Args:
        steps: steps of one channel or band.
        sample: its valid stored values (any number of dimensions).

    Raises:
        LulcError: the sample is empty.
    """
    if not any(step.op in LAYER_OPS for step in steps):
        return steps
    if sample.size == 0:
        raise LulcError("The layer has no valid pixel to take statistics from.", "Check its nodata value and mask.")
    out: list[Step] = []
    for step in steps:
        if step.op not in LAYER_OPS:
            out.append(step)
            continue
        x = apply_steps(sample, tuple(out))
        if step.op == "percentile":
            low, high = (float(v) for v in np.percentile(x, [step["lower"], step["upper"]]))
            # a layer of one value has no range; any positive one keeps its values finite
            high = high if high > low else low + 1.0
            out.append(Step.of("min-max", minimum=low, maximum=high))
            if step["clip"]:
                out.append(Step.of("clip", minimum=0, maximum=1))
        else:
            spread = float(x.std(dtype=np.float64))
            out.append(Step.of("z-score", mean=float(x.mean(dtype=np.float64)), stddev=spread or 1.0))
    return tuple(out)


@dataclass(frozen=True)
class Channel:
    """One input channel of a network: a band, or an expression over bands, and its scaling.

    `band` is the position in the model's list of source bands, or None when `expression` is given.
    """

    name: str
    band: int | None
    expression: Expression | None
    steps: Steps = ()


def resolve_all(
    band_names: Sequence[str],
    band_steps: Sequence[Steps],
    channels: Sequence[Channel],
    sample: npt.NDArray[Any],
) -> tuple[tuple[Steps, ...], tuple[Channel, ...]]:
    """`resolve` for every band and channel of a model.

    Args:
        band_names: names of the source bands, for expressions.
        band_steps: steps of each source band.
        channels: the model's channels.
        sample: `(bands, pixels)` stored values, pixels that are valid in all bands.

    Raises:
        LulcError: something depends on the layer and the sample is empty.
    """
    resolved = tuple(resolve(steps, sample[i]) for i, steps in enumerate(band_steps))
    if not any(step.op in LAYER_OPS for channel in channels for step in channel.steps):
        return resolved, tuple(channels)
    bands = [apply_steps(sample[i], steps) for i, steps in enumerate(resolved)]
    named = dict(zip(band_names, bands))
    return resolved, tuple(replace(c, steps=resolve(c.steps, _source_of(c, bands, named))) for c in channels)


def _source_of(channel: Channel, bands: Sequence[FloatArray], named: Mapping[str, FloatArray]) -> FloatArray:
    return bands[channel.band or 0] if channel.expression is None else channel.expression.evaluate(named)


def band_values(values: npt.NDArray[Any], valid: BoolArray, band_steps: Sequence[Steps]) -> list[FloatArray]:
    """Source bands in the unit that the channels want, float32; what is stored at invalid pixels has no influence.

    Args:
        values: `(bands, rows, cols)` stored values, any number type.
        valid: `(rows, cols)` or `(bands, rows, cols)`; elsewhere stands what 0 becomes.
        band_steps: resolved steps of each band.
    """
    # zero first, so that NaN or a huge fill value cannot warn, overflow or leak
    clean = values if valid.all() else np.where(valid, values, values.dtype.type(0))
    return [apply_steps(clean[i], steps) for i, steps in enumerate(band_steps)]


def prepare(
    values: npt.NDArray[Any],
    valid: BoolArray,
    band_names: Sequence[str],
    band_steps: Sequence[Steps],
    channels: Sequence[Channel],
    fill: Sequence[float],
) -> FloatArray:
    """The network's input for one window.

    Args:
        values: `(bands, rows, cols)` stored values in the order of the model's source bands, any number type.
        valid: `(rows, cols)`, False where the pixel must not be looked at; or `(bands, rows, cols)`, where a channel is
            filled only if a band it is made of is invalid.
        band_names: names of the source bands, for expressions.
        band_steps: resolved steps that bring each source band to the unit the channels want.
        channels: the network's channels in order; their steps are resolved.
        fill: value of each channel, in network units, at invalid pixels.

    Returns:
        `(channels, rows, cols)` float32. What is stored at invalid pixels has no influence on it.
    """
    out = np.empty((len(channels), *values.shape[1:]), np.float32)
    # a few rows at a time stay in the processor's cache through all steps
    for row in range(0, values.shape[1], _ROWS_AT_ONCE):
        rows = np.s_[..., row : row + _ROWS_AT_ONCE, :]
        _prepare_rows(values[rows], valid[rows], band_names, band_steps, channels, fill, out[rows])
    return out


_ROWS_AT_ONCE = 32


def _prepare_rows(
    values: npt.NDArray[Any],
    valid: BoolArray,
    band_names: Sequence[str],
    band_steps: Sequence[Steps],
    channels: Sequence[Channel],
    fill: Sequence[float],
    out: FloatArray,
) -> None:
    every = bool(valid.all())
    bands = band_values(values, valid, band_steps)
    named = dict(zip(band_names, bands))
    for i, channel in enumerate(channels):
        out[i] = apply_steps(_source_of(channel, bands, named), channel.steps)
        if not every:
            out[i][~_channel_valid(channel, valid, band_names)] = np.float32(fill[i])


def _channel_valid(channel: Channel, valid: BoolArray, band_names: Sequence[str]) -> BoolArray:
    if valid.ndim == 2:
        return valid
    if channel.expression is None:
        return np.asarray(valid[channel.band or 0])
    used = [band_names.index(name) for name in channel.expression.names]
    return np.asarray(np.logical_and.reduce(valid[used], axis=0))
