# SPDX-License-Identifier: GPL-3.0-or-later
"""The check of a graph against its description: what the graph says counts, and where they differ is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import LulcError
from ..spec import ModelSpec
from . import probabilities
from .onnx_file import NodeArg, Session

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
        LulcError: they are not of the same network, or it cannot be run here; with both numbers.
    """
    warnings: list[str] = []
    inputs = session.get_inputs()
    if len(inputs) != 1:
        raise LulcError(f"{name} has {len(inputs)} inputs; only networks with one can be run.")
    entry = inputs[0]
    if entry.name != spec.input_name:
        warnings.append(f"The input of {name} is called {entry.name!r}, its description says {spec.input_name!r}.")
    _check_input(name, entry, spec)
    outputs = {o.name: o for o in session.get_outputs()}
    output = spec.output.name
    if output not in outputs:
        if len(outputs) > 1:
            raise LulcError(f"{name} has no output {output!r}; it has {', '.join(outputs)}.")
        output = next(iter(outputs))
        warnings.append(f"The output of {name} is called {output!r}, its description says {spec.output.name!r}.")
    _check_output(name, outputs[output], spec, axes(entry.shape, spec.layout))
    kind = np.dtype(_TYPES[entry.type])
    whole = f"{name} takes whole numbers ({kind}): scaled values are rounded and cut to its range"
    return CheckedGraph(entry.name, kind, output, (whole,) if kind.kind in "iu" else (), tuple(warnings))


def _check_input(name: str, entry: NodeArg, spec: ModelSpec) -> None:
    if entry.type not in _TYPES:
        raise LulcError(f"The input of {name} is {entry.type}; it can be fed with {', '.join(_TYPES)}.")
    shape, depth = entry.shape, len(spec.channels)
    axis, other = (3, 1) if spec.layout == "NHWC" else (1, 3)
    turned = len(shape) == 4 and shape[other] == depth and shape[axis] != depth
    if len(shape) != 4 or turned or (isinstance(shape[axis], int) and shape[axis] != depth):
        raise LulcError(
            f"The input of {name} has the shape {shape}; its description ({spec.layout}) names {depth} channels.",
            "Its axes seem to be in the other order: correct dim_order in the description." if turned else "",
        )
    rows, cols = axes(shape, spec.layout)
    if isinstance(rows, int) and isinstance(cols, int) and rows != cols:
        raise LulcError(
            f"{name} takes windows of {rows} × {cols} pixels only; windows here are squares.",
            "Export the network with free height and width, or with a square window.",
        )
    for length in (rows, cols):
        if isinstance(length, int) and length != spec.window.size:
            raise LulcError(
                f"{name} takes windows of {rows} × {cols} pixels only, its description says {spec.window.size}."
            )


def _check_output(name: str, entry: NodeArg, spec: ModelSpec, size: tuple[Any, Any]) -> None:
    shape = entry.shape
    if entry.type not in _SCORES:
        raise LulcError(
            f"The output {entry.name!r} of {name} is {entry.type}: finished labels, not a score for each class.",
            "Export the network without its last step (argmax).",
        )
    if spec.output.plane and spec.output.activation[:1] == ("softmax",):
        raise LulcError(
            f"{name} returns a single plane; a softmax over it would be 1 everywhere.",
            "Set the activation in its description to sigmoid.",
        )
    axis, wanted = 3 if spec.layout == "NHWC" else 1, probabilities.channels_of(spec)
    bare = spec.output.plane and len(shape) == 3
    if not bare and (len(shape) != 4 or (isinstance(shape[axis], int) and shape[axis] != wanted)):
        raise LulcError(
            f"The output {entry.name!r} of {name} has the shape {shape}; its description ({spec.layout}) names"
            f" {len(spec.legend.classes)} classes."
        )
    result = tuple(shape[1:3]) if bare else axes(shape, spec.layout)
    if all(isinstance(length, int) for length in (*size, *result)):
        probabilities.spread((size[0], size[1]), (result[0], result[1]), spec)


def axes(shape: Any, layout: str) -> tuple[Any, Any]:
    """Height and width in a shape of four axes."""
    return (shape[1], shape[2]) if layout == "NHWC" else (shape[2], shape[3])
