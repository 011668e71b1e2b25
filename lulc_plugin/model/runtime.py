# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a network: an onnxruntime session that checks what it gets and what it gives."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import LulcError
from .spec import ModelSpec

FloatArray = npt.NDArray[np.float32]


class Network:
    """One loaded network.

    Args:
        path: the `.onnx` file.
        spec: its description.
        threads: CPU threads, 0 for all cores.

    Attributes:
        device: where it runs, as the session reports it.
        seconds: time spent inside the network so far.
        pixels: window pixels it has seen so far.

    Raises:
        LulcError: the file is no network, or not the one that `spec` describes.
    """

    def __init__(self, path: Path, spec: ModelSpec, threads: int = 0) -> None:
        import onnxruntime as ort

        options = ort.SessionOptions()
        options.intra_op_num_threads = threads or (os.cpu_count() or 1)
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session = ort.InferenceSession(str(path), sess_options=options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime has no common base class for its errors
            reason = str(error).splitlines()[0][:300]
            raise LulcError(
                f"{path.name} cannot be loaded as a network: {reason}.", "Is it a whole .onnx file?"
            ) from error
        self._spec = spec
        self._check_shapes(path.name)
        provider = self._session.get_providers()[0].replace("ExecutionProvider", "")
        self.device = f"{provider} ({options.intra_op_num_threads} threads)" if provider == "CPU" else provider
        self.seconds = 0.0
        self.pixels = 0

    def _check_shapes(self, file_name: str) -> None:
        spec = self._spec
        inputs = self._session.get_inputs()
        if len(inputs) != 1:
            raise LulcError(f"{file_name} has {len(inputs)} inputs; only networks with one can be run.")
        if inputs[0].name != spec.input_name:
            raise LulcError(
                f"The input of {file_name} is called {inputs[0].name!r}, its description says {spec.input_name!r}."
            )
        if inputs[0].type != "tensor(float)":
            raise LulcError(f"The input of {file_name} is {inputs[0].type}; only tensor(float) can be fed.")
        shape = inputs[0].shape
        if len(shape) != 4 or (isinstance(shape[1], int) and shape[1] != len(spec.channels)):
            raise LulcError(
                f"The input of {file_name} has the shape {shape}; its description names {len(spec.channels)} channels."
            )
        for length in shape[2:]:
            if isinstance(length, int) and length != spec.window.size:
                raise LulcError(
                    f"{file_name} takes windows of {shape[2]} × {shape[3]} pixels only, its description says"
                    f" {spec.window.size}."
                )
        outputs = {o.name: o for o in self._session.get_outputs()}
        if spec.output.name not in outputs:
            raise LulcError(f"{file_name} has no output {spec.output.name!r}; it has {', '.join(outputs)}.")
        out = outputs[spec.output.name].shape
        if len(out) != 4 or (isinstance(out[1], int) and out[1] != len(spec.legend.classes)):
            raise LulcError(
                f"The output {spec.output.name!r} of {file_name} has the shape {out}; its description names"
                f" {len(spec.legend.classes)} classes."
            )

    @property
    def fixed_window(self) -> int | None:
        """The only height and width the graph takes, None when they are free."""
        length = self._session.get_inputs()[0].shape[2]
        return length if isinstance(length, int) else None

    @property
    def fixed_batch(self) -> int | None:
        """The only batch size the graph takes, None when it is free."""
        batch = self._session.get_inputs()[0].shape[0]
        return batch if isinstance(batch, int) else None

    def probabilities(self, batch: FloatArray) -> FloatArray:
        """Class probabilities.

        Args:
            batch: `(n, channels, rows, cols)`.

        Returns:
            `(n, classes, rows, cols)`.

        Raises:
            LulcError: the network fails, changes the size, or returns numbers that are not finite.
        """
        started = time.perf_counter()
        try:
            scores = self._session.run([self._spec.output.name], {self._spec.input_name: batch})[0]
        except Exception as error:  # see __init__
            reason = str(error).splitlines()[0][:300]
            raise LulcError(
                f"The network failed on a window of {batch.shape[2]} × {batch.shape[3]} pixels: {reason}.",
                "If memory is short, choose a smaller window.",
            ) from error
        self.seconds += time.perf_counter() - started
        self.pixels += batch.shape[0] * batch.shape[2] * batch.shape[3]
        wanted = (batch.shape[0], len(self._spec.legend.classes), *batch.shape[2:])
        if scores.shape != wanted:
            raise LulcError(f"The network returned the shape {scores.shape} instead of {wanted}.")
        if not np.isfinite(scores.sum(dtype=np.float64)):
            raise LulcError("The network returned numbers that are not finite.", "The model file seems to be damaged.")
        return _activate(np.asarray(scores, np.float32), self._spec.output.activation)


def _activate(scores: FloatArray, activation: tuple[str, ...]) -> FloatArray:
    first: Any = activation[0] if activation else "argmax"
    if first == "softmax":
        exponent = np.exp(scores - scores.max(axis=1, keepdims=True))
        return exponent / exponent.sum(axis=1, keepdims=True)
    if first == "sigmoid":
        with np.errstate(over="ignore"):
            return np.float32(1) / (np.float32(1) + np.exp(-scores))
    return scores
