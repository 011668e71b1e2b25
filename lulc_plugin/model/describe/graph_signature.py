# SPDX-License-Identifier: GPL-3.0-or-later
"""What a graph says about itself: inputs, outputs, metadata. Nothing is run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...environment import packages
from ...errors import LulcError
from ..runtime import onnx_file

#: protobuf, the format of .onnx files, ends there
LARGEST_FILE = 2_000_000_000
_LARGEST_METADATA = 4_000_000


@dataclass(frozen=True)
class Port:
    """An input or output: `kind` as onnxruntime writes it (`tensor(float)`); free lengths of `shape` are None."""

    name: str
    kind: str
    shape: tuple[int | None, ...]

    @property
    def words(self) -> str:
        """`'image' 1 × 3 × free × free`."""
        return f"{self.name!r} {' × '.join('free' if n is None else str(n) for n in self.shape)}"


@dataclass(frozen=True)
class Signature:
    """Inputs and outputs in the graph's order, and its metadata, key → text."""

    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    metadata: Mapping[str, str]

    @property
    def image(self) -> Port:
        """The only input.

        Raises:
            LulcError: there are several, or it is no stack of images.
        """
        if len(self.inputs) != 1:
            raise LulcError(f"The network has {len(self.inputs)} inputs; only networks with one can be run.")
        if len(self.inputs[0].shape) != 4:
            raise LulcError(
                f"The network's input {self.inputs[0].words} has {len(self.inputs[0].shape)} axes, not the four of a"
                " stack of images (batch, bands, height, width).",
                "Only networks that take images can make a map.",
            )
        return self.inputs[0]


def open_session(path: Path) -> Any:
    """An onnxruntime session on one CPU thread, made quickly and for short use.

    Raises:
        LulcError: the file cannot be loaded as a network, or onnxruntime is missing.
    """
    packages.require(("onnxruntime",))  # a network with its description beside it needs no session before it runs
    import onnxruntime as ort

    size = path.stat().st_size
    if size > LARGEST_FILE:
        raise LulcError(f"{path.name} has {size:,} bytes; an .onnx file cannot have more than {LARGEST_FILE:,}.")
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    try:
        return ort.InferenceSession(str(path), sess_options=options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime has no common base class for its errors
        raise onnx_file.cannot_load(path, error) from error


def signature_of(session: Any) -> Signature:
    """The signature of an open session."""
    metadata = session.get_modelmeta().custom_metadata_map
    return Signature(
        tuple(_port(p) for p in session.get_inputs()),
        tuple(_port(p) for p in session.get_outputs()),
        {str(k): str(v)[:_LARGEST_METADATA] for k, v in metadata.items()},
    )


def _port(port: Any) -> Port:
    lengths = (length if isinstance(length, int) and length > 0 else None for length in port.shape)
    return Port(str(port.name), str(port.type), tuple(lengths))
