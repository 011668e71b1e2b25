# SPDX-License-Identifier: GPL-3.0-or-later
"""What an .onnx file says about itself: before it is loaded its versions and input types, opened its signature.

A list of networks must not open a session of each, and a file that is too new cannot be opened: for these, a few
fields of the protobuf message that an .onnx file is are read here, and the weights are skipped. Whatever does not look
like such a file gives nothing, because onnxruntime decides on that.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from ...environment import packages
from ...errors import LulcError, ModelUnusable
from ...telemetry import import_onnxruntime

#: First release of onnxruntime that reads a file format (IR) and an operator set. From 1.19 on, and for 1.15, seen by
#: trying; the others as its documentation has them.
RELEASES = (
    ("1.7", 7, 13),
    ("1.8", 7, 14),
    ("1.10", 8, 15),
    ("1.11", 8, 16),
    ("1.12", 8, 17),
    ("1.14", 8, 18),
    ("1.15", 9, 19),
    ("1.17", 9, 20),
    ("1.18", 10, 21),
    ("1.21", 10, 22),
    ("1.23", 11, 23),
    ("1.24", 13, 25),
    ("1.25", 13, 26),
)
#: protobuf, the format of .onnx files, ends there
LARGEST_FILE = 2_000_000_000
_LARGEST_METADATA = 4_000_000
_IR, _GRAPH, _OPSET = 1, 7, 8
_INPUT = 11
_LARGEST_FIELD = 1_000_000
_MOST_INPUTS = 64
#: Whole numbers among TensorProto.DataType.
_WHOLE = {2: "uint8", 3: "int8", 4: "uint16", 5: "int16", 6: "int32"}


@dataclass(frozen=True)
class GraphFile:
    """Versions and inputs of a file.

    Attributes:
        ir: version of the file format, 0 when it does not say.
        opset: version of the standard operators, 0 when it does not say.
        input_types: name of each input → type where it takes whole numbers, such as `uint8`; empty for other types.
    """

    ir: int
    opset: int
    input_types: Mapping[str, str]


def read(path: Path) -> GraphFile | None:
    """What the file at `path` says; None where it cannot be read or is no such file."""
    try:
        with path.open("rb") as stream:
            return _model(stream, path.stat().st_size)
    except (OSError, _NotProtobuf, UnicodeDecodeError):
        return None


def input_type(path: Path, input_name: str) -> str:
    """The whole-number type that the graph's input takes, such as `uint8`; empty for others or where it is unknown.

    Args:
        path: the `.onnx` file.
        input_name: name of the input; where there is no such one, the only input.
    """
    file = read(path)
    if file is None:
        return ""
    name = next(iter(file.input_types)) if len(file.input_types) == 1 else input_name
    return file.input_types.get(name, "")


def cannot_load(path: Path, error: Exception) -> ModelUnusable:
    """What to tell the user when onnxruntime refuses the file at `path` with `error`."""
    file = read(path)
    installed = str(import_onnxruntime().__version__)
    if file is not None:
        needed = needed_release(file.ir, file.opset)
        words = f"{path.name} is written in ONNX operator set {file.opset} (file format {file.ir})"
        if needed is None:
            return ModelUnusable(
                f"{words}, which is newer than all that this program knows of; onnxruntime {installed} is installed.",
                "Install the newest onnxruntime, or export the network again with operator set 17.",
            )
        if _numbers(needed) > _numbers(installed):
            return ModelUnusable(
                f"{words}; that needs onnxruntime {needed} or newer, installed is {installed}.",
                f"Run: python -m pip install 'onnxruntime>={needed}', or export the network again with an older"
                " operator set.",
            )
    unknown = "NOT_IMPLEMENTED" in str(error)
    return ModelUnusable(
        f"{path.name} cannot be loaded as a network: {reason(error)}.",
        "The installed onnxruntime has no code for one of its operations; export the network with 32-bit numbers."
        if unknown
        else "Is it a whole .onnx file?",
    )


def needed_release(ir: int, opset: int) -> str | None:
    """The first onnxruntime that reads such a file, None where no release known here does."""
    return next((name for name, most_ir, most_opset in RELEASES if ir <= most_ir and opset <= most_opset), None)


def reason(error: Exception) -> str:
    """The first line of what onnxruntime says, without a full stop and not too long."""
    lines = str(error).strip().splitlines()
    return (lines[0] if lines else type(error).__name__)[:300].rstrip(" .")


def _numbers(version: str) -> tuple[int, ...]:
    """`1.24.1` → (1, 24); anything odd counts as 0."""
    return tuple(int(part) if part.isdigit() else 0 for part in version.split(".")[:2])


# ---------------------------------------------------------------- opened


class NodeArg(Protocol):
    """What is used of onnxruntime's `NodeArg`: an input or output; a free axis of `shape` is a text or None."""

    name: str
    type: str
    shape: Sequence[Any]


class Session(Protocol):
    """What is used here of onnxruntime's `InferenceSession`, which has no types."""

    def get_inputs(self) -> Sequence[NodeArg]:
        """Inputs of the graph."""

    def get_outputs(self) -> Sequence[NodeArg]:
        """Outputs of the graph."""

    def get_modelmeta(self) -> Any:
        """Metadata of the file."""

    def get_providers(self) -> Sequence[str]:
        """Execution providers, the preferred one first."""

    def get_session_options(self) -> Any:
        """Options it was made with."""

    def run(self, output_names: Sequence[str], inputs: Mapping[str, Any], run_options: Any = None) -> Sequence[Any]:
        """Outputs for the inputs."""

    def end_profiling(self) -> str:
        """Stop profiling; returns the profile's path."""


@dataclass(frozen=True)
class GraphTensor:
    """An input or output: `type` as onnxruntime writes it (`tensor(float)`); free lengths of `shape` are None."""

    name: str
    type: str
    shape: tuple[int | None, ...]

    @property
    def words(self) -> str:
        """`'image' 1 × 3 × free × free`."""
        return f"{self.name!r} {' × '.join('free' if n is None else str(n) for n in self.shape)}"


@dataclass(frozen=True)
class GraphSignature:
    """Inputs and outputs in the graph's order, and its metadata, key → text."""

    inputs: tuple[GraphTensor, ...]
    outputs: tuple[GraphTensor, ...]
    metadata: Mapping[str, str]

    @property
    def image(self) -> GraphTensor:
        """The only input.

        Raises:
            ModelUnusable: there are several, or it is no stack of images.
        """
        if len(self.inputs) != 1:
            raise ModelUnusable(f"The network has {len(self.inputs)} inputs; only networks with one can be run.")
        if len(self.inputs[0].shape) != 4:
            raise ModelUnusable(
                f"The network's input {self.inputs[0].words} has {len(self.inputs[0].shape)} axes, not the four of a"
                " stack of images (batch, bands, height, width).",
                "Only networks that take images can make a map.",
            )
        return self.inputs[0]


def open_session(path: Path) -> Session:
    """An onnxruntime session on one CPU thread, made quickly and for short use.

    Raises:
        LulcError: the file cannot be loaded as a network, or onnxruntime is missing.
    """
    packages.require(("onnxruntime",))  # a network with its description beside it needs no session before it runs
    ort = import_onnxruntime()

    size = path.stat().st_size
    if size > LARGEST_FILE:
        raise LulcError(f"{path.name} has {size:,} bytes; an .onnx file cannot have more than {LARGEST_FILE:,}.")
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    try:
        session: Session = ort.InferenceSession(str(path), sess_options=options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime has no common base class for its errors
        raise cannot_load(path, error) from error
    return session


def signature_of(session: Session) -> GraphSignature:
    """The signature of an open session."""
    metadata = session.get_modelmeta().custom_metadata_map
    return GraphSignature(
        tuple(_tensor(t) for t in session.get_inputs()),
        tuple(_tensor(t) for t in session.get_outputs()),
        {str(k): str(v)[:_LARGEST_METADATA] for k, v in metadata.items()},
    )


def _tensor(tensor: NodeArg) -> GraphTensor:
    lengths = (length if isinstance(length, int) and length > 0 else None for length in tensor.shape)
    return GraphTensor(str(tensor.name), str(tensor.type), tuple(lengths))


# ---------------------------------------------------------------- protobuf


class _NotProtobuf(Exception):
    """The bytes are no message of this kind."""


def _model(stream: BinaryIO, size: int) -> GraphFile:
    ir, opset = 0, 0
    input_types: dict[str, str] = {}
    for number, value in _fields(stream, size, {_OPSET}, {_GRAPH}):
        if number == _IR and isinstance(value, int):
            ir = value
        elif number == _OPSET and isinstance(value, bytes):
            parts = dict(_parts(value))
            version = parts.get(2)
            if parts.get(1, b"") in (b"", b"ai.onnx") and isinstance(version, int):
                opset = version
        elif number == _GRAPH and isinstance(value, tuple):
            begin, length = value
            stream.seek(begin)
            for inner, text in _fields(stream, begin + length, {_INPUT}, set()):
                if inner == _INPUT and isinstance(text, bytes) and len(input_types) < _MOST_INPUTS:
                    name, element_type = _input(text)
                    input_types[name] = _WHOLE.get(element_type, "")
    return GraphFile(ir, opset, input_types)


def _input(text: bytes) -> tuple[str, int]:
    """Name and element type of a ValueInfoProto: type (2) → tensor (1) → element type (1)."""
    parts = dict(_parts(text))
    name, value_type = parts.get(1, b""), parts.get(2, b"")
    tensor = dict(_parts(value_type)).get(1, b"") if isinstance(value_type, bytes) else b""
    element_type = dict(_parts(tensor)).get(1, 0) if isinstance(tensor, bytes) else 0
    return (
        name.decode("utf-8") if isinstance(name, bytes) else "",
        element_type if isinstance(element_type, int) else 0,
    )


def _parts(text: bytes) -> Iterator[tuple[int, int | bytes]]:
    everything = set(range(1, 32))
    for number, value in _fields(BytesIO(text), len(text), everything, set()):
        if isinstance(value, (int, bytes)):
            yield number, value


def _fields(
    stream: BinaryIO, end: int, wanted: set[int], entered: set[int]
) -> Iterator[tuple[int, int | bytes | tuple[int, int]]]:
    """Fields of a message that ends at byte `end`: numbers, the bytes of those `wanted`, the place of those `entered`.

    All others are skipped.
    """
    while stream.tell() < end:
        key = _varint(stream)
        number, kind = key >> 3, key & 7
        if kind == 0:
            yield number, _varint(stream)
        elif kind == 2:
            length = _varint(stream)
            begin = stream.tell()
            if begin + length > end:
                raise _NotProtobuf
            if number in entered:
                yield number, (begin, length)
            elif number in wanted and length <= _LARGEST_FIELD:
                yield number, stream.read(length)
            stream.seek(begin + length, os.SEEK_SET)
        elif kind in (1, 5):
            stream.seek(8 if kind == 1 else 4, os.SEEK_CUR)
        else:
            raise _NotProtobuf


def _varint(stream: BinaryIO) -> int:
    number = 0
    for shift in range(0, 70, 7):
        byte = stream.read(1)
        if not byte:
            raise _NotProtobuf
        number |= (byte[0] & 127) << shift
        if byte[0] < 128:
            return number
    raise _NotProtobuf
