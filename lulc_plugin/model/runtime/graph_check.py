# SPDX-License-Identifier: GPL-3.0-or-later
"""The check of a graph, and of what it returns, against its description; where they differ the graph counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ...errors import ModelUnusable
from ...legend import visible_text
from ...options import command
from ..spec import LARGEST_ARRAY, ModelSpec
from .onnx_file import NodeArg, Session, check_batch

#: What a graph may take, and what it is fed with.
_TYPES: dict[str, Any] = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(double)": np.float64,
    "tensor(uint8)": np.uint8,
    "tensor(int8)": np.int8,
    "tensor(uint16)": np.uint16,
    "tensor(int16)": np.int16,
    "tensor(int32)": np.int32,
}
#: one pixel of a result stands for at most so many of the window, along each axis
_MOST_TIMES_SMALLER = 32
#: how far probabilities, and their sums, may be off: numbers of 16 bits are not more exact
_RANGE_ROUNDING = 1e-3
_SUM_ROUNDING = 0.01
_LONGEST_SHOWN = 100
_DESCRIBE = f"It is another network, or was described wrongly: describe it anew with {command('describemodel')}."
_EXPORT = "Export the network so that its result is as large as its input."
_SCORES = ("tensor(float)", "tensor(float16)", "tensor(double)")


@dataclass(frozen=True)
class CheckedGraph:
    """Where a graph takes windows and gives scores, as compared with its description.

    Attributes:
        input_name: name of the input.
        input_type: number type it is fed with.
        output_name: name of the output with the scores.
        notes: for the log.
        warnings: what the user should not overlook.
    """

    input_name: str
    input_type: np.dtype[Any]
    output_name: str
    notes: tuple[str, ...]
    warnings: tuple[str, ...]


def check_graph(session: Session, name: str, spec: ModelSpec) -> CheckedGraph:
    """Compare an open session with a description.

    Args:
        session: onnxruntime's.
        name: of the file, for errors.
        spec: the description.

    Raises:
        ModelUnusable: they are not of the same network, or it cannot be run here; with both numbers.
    """
    warnings: list[str] = []
    inputs = session.get_inputs()
    if len(inputs) != 1:
        raise ModelUnusable(
            f"{name} has {len(inputs)} inputs; only networks with one can be run.",
            "Export it with the image as its only input.",
        )
    entry = inputs[0]
    if entry.name != spec.input_name:
        warnings.append(
            f"The input of {name} is called {entry.name[:_LONGEST_SHOWN]!r}, its description says"
            f" {spec.input_name[:_LONGEST_SHOWN]!r}."
        )
    _check_input(name, entry, spec)
    outputs = {o.name: o for o in session.get_outputs()}
    output = spec.output.name
    if output not in outputs:
        if len(outputs) > 1:
            raise ModelUnusable(
                f"{name} has no output {output[:_LONGEST_SHOWN]!r}; it has {visible_text(', '.join(outputs))[:300]}.",
                "Correct the output's name in the description.",
            )
        output = next(iter(outputs))
        warnings.append(
            f"The output of {name} is called {output[:_LONGEST_SHOWN]!r}, its description says"
            f" {spec.output.name[:_LONGEST_SHOWN]!r}."
        )
    _check_output(name, outputs[output], spec, axes(entry.shape, spec.layout))
    kind = np.dtype(_TYPES[entry.type])
    whole = f"{name} takes whole numbers ({kind}): scaled values are rounded and cut to its range"
    return CheckedGraph(entry.name, kind, output, (whole,) if kind.kind in "iu" else (), tuple(warnings))


def _check_input(name: str, entry: NodeArg, spec: ModelSpec) -> None:
    if entry.type not in _TYPES:
        raise ModelUnusable(
            f"The input of {name} is {entry.type}; it can be fed with {', '.join(_TYPES)}.",
            "Export it with an input of 32-bit numbers.",
        )
    shape, depth = entry.shape, len(spec.channels)
    axis, other = (3, 1) if spec.layout == "NHWC" else (1, 3)
    turned = len(shape) == 4 and shape[other] == depth and shape[axis] != depth
    if len(shape) != 4 or turned or (isinstance(shape[axis], int) and shape[axis] != depth):
        raise ModelUnusable(
            f"The input of {name} has the shape {shape[:8]}; its description ({spec.layout}) names {depth} channels.",
            "Its axes seem to be in the other order: correct dim_order in the description." if turned else "",
        )
    check_batch(f"{entry.name[:_LONGEST_SHOWN]!r}", shape[0])
    batch = shape[0] if isinstance(shape[0], int) else 1
    numbers = batch * spec.window.size**2 * max(depth, len(spec.legend.classes))
    if numbers > LARGEST_ARRAY:
        raise ModelUnusable(
            f"{name} takes {batch} windows of {spec.window.size} × {spec.window.size} pixels at once, {numbers:,}"
            f" numbers; at most {LARGEST_ARRAY:,} can be fed.",
            "Export it with a free batch size, or with smaller windows.",
        )
    rows, cols = axes(shape, spec.layout)
    if isinstance(rows, int) and isinstance(cols, int) and rows != cols:
        raise ModelUnusable(
            f"{name} takes windows of {rows} × {cols} pixels only; windows here are squares.",
            "Export the network with free height and width, or with a square window.",
        )
    for length in (rows, cols):
        if isinstance(length, int) and length != spec.window.size:
            raise ModelUnusable(
                f"{name} takes windows of {rows} × {cols} pixels only, its description says {spec.window.size}.",
                "Correct the size of lulc:window in the description.",
            )


def _check_output(name: str, entry: NodeArg, spec: ModelSpec, size: tuple[Any, Any]) -> None:
    shape = entry.shape
    if entry.type not in _SCORES:
        raise ModelUnusable(
            f"The output {entry.name[:_LONGEST_SHOWN]!r} of {name} is {entry.type}: finished labels, not a score"
            " for each class.",
            "Export the network without its last step (argmax).",
        )
    if spec.output.plane and spec.output.activation[:1] == ("softmax",):
        raise ModelUnusable(
            f"{name} returns a single plane; a softmax over it would be 1 everywhere.",
            "Set the activation in its description to sigmoid.",
        )
    axis, wanted = 3 if spec.layout == "NHWC" else 1, channels_of(spec)
    bare = spec.output.plane and len(shape) == 3
    if not bare and (len(shape) != 4 or (isinstance(shape[axis], int) and shape[axis] != wanted)):
        raise ModelUnusable(
            f"The output {entry.name[:_LONGEST_SHOWN]!r} of {name} has the shape {shape[:8]}; its description"
            f" ({spec.layout}) names {len(spec.legend.classes)} classes.",
            _DESCRIBE,
        )
    result = tuple(shape[1:3]) if bare else axes(shape, spec.layout)
    if all(isinstance(length, int) for length in (*size, *result)):
        spread((size[0], size[1]), (result[0], result[1]), spec)


def axes(shape: Any, layout: str) -> tuple[Any, Any]:
    """Height and width in a shape of four axes."""
    return (shape[1], shape[2]) if layout == "NHWC" else (shape[2], shape[3])


# ---------------------------------------------------------------- what it returns


def channels_of(spec: ModelSpec) -> int:
    """Planes of scores that the graph returns: one a class, or a single one for two classes."""
    return 1 if spec.output.plane else len(spec.legend.classes)


def spread(size: tuple[int, int], result: tuple[int, int], spec: ModelSpec) -> int:
    """How many window pixels, along each axis, one pixel of the result stands for.

    Args:
        size: rows and columns of the window.
        result: rows and columns that the graph returns for it.
        spec: the network; `spec.output.cut` pixels a side may be missing.

    Raises:
        ModelUnusable: the result cannot be laid over the window.
    """
    cut = spec.output.cut
    words = f"The network returns {result[0]} × {result[1]} pixels for a window of {size[0]} × {size[1]}"
    if result == (size[0] - 2 * cut, size[1] - 2 * cut):
        return 1
    times = round(size[0] / result[0]) if result[0] else 0
    if not cut and 2 <= times <= _MOST_TIMES_SMALLER and all(abs(r * times - s) < times for r, s in zip(result, size)):
        if spec.window.multiple % times:
            raise ModelUnusable(
                f"{words}, one for every {times} × {times}; its windows must then begin at multiples of {times}, but"
                f" its description says {spec.window.multiple}.",
                f"Set the multiple of lulc:window in the description to {times}.",
            )
        if (result[0] * times, result[1] * times) == size:
            return times
    missing = (size[0] - result[0], size[1] - result[1])
    if missing[0] != missing[1] or missing[0] < 0:
        raise ModelUnusable(f"{words}; that is neither the window's middle nor a whole fraction of it.", _EXPORT)
    if missing[0] % 2:
        raise ModelUnusable(f"{words}; an odd number of pixels is missing, so that the result is not centred.", _EXPORT)
    raise ModelUnusable(
        f"{words}: {missing[0] // 2} pixels are missing on each side; its description says {cut}.",
        "Give the shapes of input and output in the description with the sizes of one window.",
    )


def planes(raw: npt.NDArray[Any], spec: ModelSpec) -> npt.NDArray[Any]:
    """What the graph returned as `(n, planes, rows, cols)`, whatever the order of its axes.

    Raises:
        ModelUnusable: not the planes that the description names.
    """
    count = channels_of(spec)
    if spec.output.plane and raw.ndim == 3:
        return raw[:, None]
    axis = 3 if spec.layout == "NHWC" else 1
    if raw.ndim != 4 or raw.shape[axis] != count:
        raise ModelUnusable(
            f"The network returned the shape {raw.shape}; its description ({spec.layout}) names"
            f" {count} {'class' if count == 1 else 'classes'}.",
            _DESCRIBE,
        )
    return np.ascontiguousarray(np.moveaxis(raw, 3, 1)) if axis == 3 else raw


def no_probabilities(raw: npt.NDArray[Any], spec: ModelSpec) -> str:
    """Why the scores of a graph, which are taken as they are, are not probabilities; empty where they are.

    Args:
        raw: what the graph returned; `probabilities` took it.
        spec: the network; with a softmax or a sigmoid they always are.
    """
    if spec.output.activation and spec.output.activation[0] != "argmax":
        return ""
    scores = planes(raw, spec)
    if not scores.size:
        return ""
    low, high = float(scores.min()), float(scores.max())
    if low < -_RANGE_ROUNDING or high > 1 + _RANGE_ROUNDING:
        return f"they run from {low:.3g} to {high:.3g}"
    if spec.output.plane:
        return ""
    sums = scores.sum(axis=1, dtype=np.float32)
    least, most = float(sums.min()), float(sums.max())
    if least < 1 - _SUM_ROUNDING or most > 1 + _SUM_ROUNDING:
        return f"the sums of a pixel's scores run from {least:.3g} to {most:.3g}"
    return ""
