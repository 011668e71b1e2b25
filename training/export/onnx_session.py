# SPDX-License-Identifier: GPL-3.0-or-later
"""The exported file on the CPU: probabilities, sizes that it takes, and how fast it is."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lulc_plugin.errors import LulcError
from lulc_plugin.telemetry import import_onnxruntime

from ..maps import Predictor
from .onnx_graph import INPUT, OUTPUT

FloatArray = npt.NDArray[np.float32]


def session(path: Path, threads: int = 2, spin: bool = False) -> Any:
    """An onnxruntime session of a file on the CPU; `spin`: idle threads wait busily, quicker on a machine at rest."""
    onnxruntime = import_onnxruntime()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "1" if spin else "0")
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def predictor(path: Path, threads: int = 2) -> Predictor:
    """Class probabilities by onnxruntime."""
    opened = session(path, threads)

    def predict(images: FloatArray) -> FloatArray:
        return opened.run([OUTPUT], {INPUT: images})[0]

    return predict


def check_sizes(path: Path, channels: int, multiple: int) -> list[str]:
    """Sizes and batches that were tried; every output had the height and width of its input.

    Raises:
        LulcError: an output has another size, or numbers that are none.
    """
    opened, tried = session(path), []
    rng = np.random.default_rng(0)
    for batch, rows, cols in ((1, 2, 2), (1, 3, 5), (2, 4, 4), (3, 5, 2), (1, 512 // multiple, 480 // multiple)):
        shape = (batch, channels, rows * multiple, cols * multiple)
        image = rng.normal(0, 0.5, shape).astype(np.float32)
        for output in opened.run(None, {INPUT: image}):
            if (output.shape[0], *output.shape[2:]) != (batch, *shape[2:]) or not np.isfinite(output).all():
                raise LulcError(
                    f"The exported network makes {output.shape} of an input {shape}, or numbers that are none.",
                    "This architecture cannot be exported with free sizes.",
                )
        tried.append(f"{batch} x {shape[2]} x {shape[3]}")
    return tried


def busy() -> str:
    """A warning where other programs keep the processors busy, so that a speed is too low; empty where not."""
    load, cores = os.getloadavg()[0], os.cpu_count() or 1
    if load <= cores / 2:
        return ""
    return f"the machine is busy (load {load:.1f} on {cores} cores), so the speed is too low"


def speed(path: Path, channels: int, threads: int = 2, window: int = 512, repeats: int = 8) -> float:
    """10^6 pixels a second, one window at a time, best of `repeats`."""
    opened = session(path, threads, spin=True)
    image = np.random.default_rng(0).normal(0, 0.5, (1, channels, window, window)).astype(np.float32)
    opened.run(None, {INPUT: image})
    best = float("inf")
    for _ in range(repeats):
        began = time.perf_counter()
        opened.run(None, {INPUT: image})
        best = min(best, time.perf_counter() - began)
    return round(window**2 / best / 1e6, 2)
