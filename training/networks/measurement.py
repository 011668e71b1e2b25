# SPDX-License-Identifier: GPL-3.0-or-later
"""Size, theoretical reach and speed of the architectures, as a table."""

from __future__ import annotations

import copy
import tempfile
import time
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from lulc_plugin.telemetry import import_onnxruntime

from .network import Network
from .network_settings import NetworkSettings, build

WINDOW = 512


@dataclass(frozen=True)
class Measured:
    """One row of the table.

    Args:
        name: architecture, encoder and options.
        parameters: number of trained parameters.
        megabytes: estimated size of the file with float16 weights (10^6 bytes); the graph adds some 0.05.
        reach: pixels to the farthest one that can influence a pixel; None: the whole window.
        two_threads: 10^6 pixels a second through onnxruntime on the CPU with two threads.
        one_thread: the same with one.
    """

    name: str
    parameters: int
    megabytes: float
    reach: int | None
    two_threads: float
    one_thread: float


def parameter_count(network: nn.Module) -> int:
    """Number of trained parameters."""
    return sum(p.numel() for p in network.parameters())


def float16_megabytes(network: nn.Module) -> float:
    """Estimated size of the weights as float16, in 10^6 bytes."""
    return 2e-6 * parameter_count(network)


def to_onnx(network: Network, channels: int, path: Path) -> None:
    """Write the bare graph (scores only, float32, batch and size free, opset 17) to measure it."""
    size = 2 * network.multiple
    free = {0: "batch", 2: "rows", 3: "cols"}
    with warnings.catch_warnings():
        # the tracer warns of every comparison of shapes inside the libraries
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network.eval(),
            (torch.zeros(1, channels, size, size),),
            str(path),
            dynamo=False,
            opset_version=17,
            input_names=["x"],
            output_names=["y"],
            dynamic_axes={"x": free, "y": free},
        )


def speed(path: Path, channels: int, threads: int, repeats: int = 5, window: int = WINDOW) -> float:
    """10^6 pixels a second of an ONNX file on the CPU, one float32 window at a time, best of `repeats`."""
    onnxruntime = import_onnxruntime()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    x = np.random.default_rng(0).normal(0, 0.5, (1, channels, window, window)).astype(np.float32)
    feed = {session.get_inputs()[0].name: x}
    session.run(None, feed)
    best = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        session.run(None, feed)
        best = min(best, time.perf_counter() - start)
    return window**2 / best / 1e6


def measure(settings: NetworkSettings, channels: int, classes: int, repeats: int = 5, window: int = WINDOW) -> Measured:
    """Build a network with random weights and measure it."""
    network = build(settings, channels, classes)
    words = [settings.architecture, settings.encoder, *(f"{k} {v}" for k, v in settings.options.items())]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.onnx"
        to_onnx(network, channels, path)
        two, one = (speed(path, channels, threads, repeats, window) for threads in (2, 1))
    return Measured(
        ", ".join(word for word in words if word),
        parameter_count(network),
        float16_megabytes(network),
        reach(network),
        two,
        one,
    )


def table(rows: Iterable[Measured]) -> str:
    """The rows as a Markdown table."""
    lines = [
        "| network | M parameters | fp16 MB | reach, px | Mpx/s, 2 threads | 1 thread |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        far = "window" if row.reach is None else str(row.reach)
        lines.append(
            f"| {row.name} | {row.parameters / 1e6:.2f} | {row.megabytes:.2f} | {far} "
            f"| {row.two_threads:.1f} | {row.one_thread:.1f} |"
        )
    return "\n".join(lines)


_LARGEST = 8192
_OPAQUE = (nn.modules.batchnorm._BatchNorm, nn.LayerNorm, nn.GroupNorm, nn.Dropout, nn.Dropout2d)


def reach(network: Network) -> int | None:
    """Pixels from a pixel to the farthest one that can influence it, along the columns; None where that is the window.

    Theoretical: in a copy every filter is made positive, and activations, norms and dropout are taken out (maxima
    become means), so that the gradient of an output pixel is above zero wherever any path leads. The copy looks at a
    strip of one cell's height, since the reach along columns does not depend on it. Every pixel across a coarsest cell
    is looked at, since their reaches differ. The effective reach of a trained network is much smaller: measure that on
    images.
    """
    probe = _transparent(network)
    cell, width = network.multiple, 512
    while width <= _LARGEST:
        x = torch.ones(1, probe.image_channels, cell, width, dtype=torch.float64, requires_grad=True)
        y = probe(x)[0, 0, cell // 2]
        start = width // 2 // cell * cell
        farthest = 0
        for column in range(start, start + cell):
            (gradient,) = torch.autograd.grad(y[column], x, retain_graph=True)
            felt = gradient[0].abs().amax(dim=(0, 1)).nonzero().flatten()
            if felt[0] == 0 or felt[-1] == width - 1:
                break
            farthest = max(farthest, column - int(felt[0]), int(felt[-1]) - column)
        else:
            return farthest
        width *= 2
    return None


def _transparent(network: Network) -> Network:
    probe = copy.deepcopy(network).double().eval().requires_grad_(False)
    for module in list(probe.modules()):
        for name, child in list(module.named_children()):
            if type(child).__module__ == "torch.nn.modules.activation" or isinstance(child, _OPAQUE):
                setattr(module, name, nn.Identity())
            elif isinstance(child, nn.MaxPool2d):
                setattr(module, name, nn.AvgPool2d(child.kernel_size, child.stride, child.padding))
    with torch.no_grad():
        for name, parameter in probe.named_parameters():
            # means of what a filter sees, so that numbers neither grow nor vanish over many layers
            share = 1 / parameter[0].numel() if parameter.dim() > 1 else 1
            parameter.fill_(0 if name.endswith("bias") else share)
    return probe
