# SPDX-License-Identifier: GPL-3.0-or-later
"""What an .onnx file says about itself before it is loaded: versions, input types, and what must not be opened.

A list of networks must not open a session of each, and a file that is too new cannot be opened: for these, a few
fields of the protobuf message that an .onnx file is are read here, and the weights are skipped. Whatever does not look
like such a file gives nothing, because onnxruntime decides on that.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

_IR, _GRAPH, _OPSET, _FUNCTION = 1, 7, 8, 25
_NODE, _WEIGHTS, _INPUT, _SPARSE = 1, 5, 11, 15
_NODE_OF_FUNCTION = 7
#: where graphs stand within an operation: NodeProto.attribute, AttributeProto.g and .graphs
_ATTRIBUTE, _SUBGRAPHS = 5, (6, 11)
_SUBGRAPH_NAMES = (b"then_branch", b"else_branch", b"body")
_LARGEST_NODE = 64_000_000
_DEEPEST_GRAPH = 8
_LARGEST_FIELD = 1_000_000
#: Fields that are looked at, 0.3 s of Python. The largest networks have a tenth of it; all behind is not known.
_MOST_FIELDS = 200_000
_MOST_INPUTS = 64
#: Whole numbers among TensorProto.DataType.
_WHOLE = {2: "uint8", 3: "int8", 4: "uint16", 5: "int16", 6: "int32"}
#: TensorProto.external_data, a list of keys and values
_EXTERNAL = 13
_MOST_SECOND_FILES = 1000


@dataclass(frozen=True)
class GraphFile:
    """Versions and inputs of a file.

    Attributes:
        ir: version of the file format, 0 when it does not say.
        opset: version of the standard operators, 0 when it does not say.
        input_types: name of each input → type where it takes whole numbers, such as `uint8`; empty for other types.
        hazard: why it must not be opened, as it could take any amount of memory by that; empty without a reason.
        second_files: files with weights of the network, as it names them → how many bytes they have at least.
    """

    ir: int
    opset: int
    input_types: Mapping[str, str]
    hazard: str = ""
    second_files: Mapping[str, int] = field(default_factory=dict)


def read(path: Path) -> GraphFile | None:
    """What the file at `path` says; None where it cannot be read or is not such a file."""
    try:
        with path.open("rb") as stream:
            return _model(stream, path.stat().st_size)
    except _Hazard as hazard:
        return GraphFile(0, 0, {}, str(hazard))
    except (OSError, _NotProtobuf):
        return None


# ---------------------------------------------------------------- protobuf


class _NotProtobuf(Exception):
    """The bytes are not a message of this kind."""


class _Hazard(Exception):
    """Opening the file could take any amount of memory; the text says what it has."""


class _Budget:
    """Fields of one file that are still looked at."""

    def __init__(self) -> None:
        self.left = _MOST_FIELDS

    def spend(self) -> None:
        """Count one field.

        Raises:
            _Hazard: too many.
        """
        self.left -= 1
        if self.left < 0:
            raise _Hazard(f"more than {_MOST_FIELDS:,} parts")


def _model(stream: BinaryIO, size: int) -> GraphFile:
    ir, opset, budget = 0, 0, _Budget()
    input_types: dict[str, str] = {}
    second_files: dict[str, int] = {}
    for number, value in _fields(stream, size, {_OPSET}, {_GRAPH, _FUNCTION}, budget):
        if number == _IR and isinstance(value, int):
            ir = value
        elif number == _OPSET and isinstance(value, bytes):
            opset = _opset(value, budget) or opset
        elif number == _GRAPH and isinstance(value, tuple):
            for text in _graph(stream, sum(value), budget, 1, second_files):
                if len(input_types) < _MOST_INPUTS:
                    name, element_type = _input(text, budget)
                    input_types[name] = _WHOLE.get(element_type, "")
        elif number == _FUNCTION and isinstance(value, tuple):
            _check_function(stream, sum(value), budget)
    return GraphFile(ir, opset, input_types, second_files=second_files)


def _opset(text: bytes, budget: _Budget) -> int:
    """The version in an OperatorSetIdProto of the standard operators; 0 for those of others."""
    parts = dict(_parts(text, budget))
    version = parts.get(2)
    return version if parts.get(1, b"") in (b"", b"ai.onnx") and isinstance(version, int) else 0


def _check_function(stream: BinaryIO, end: int, budget: _Budget) -> None:
    """Look for sparse weights in a FunctionProto, an operation that the file itself defines."""
    for _, node in _fields(stream, end, set(), {_NODE_OF_FUNCTION}, budget):
        if isinstance(node, tuple):
            _check_node(stream, node[1], budget, 1)


def _graph(
    stream: BinaryIO, end: int, budget: _Budget, depth: int, second_files: dict[str, int] | None = None
) -> Iterator[bytes]:
    """The inputs of a GraphProto; files with weights go into `second_files`.

    Raises:
        _Hazard: it, or a graph within it, has sparse weights, or is too large to look for them.
    """
    if depth > _DEEPEST_GRAPH:
        raise _Hazard(f"graphs nested deeper than {_DEEPEST_GRAPH} levels")
    entered = {_NODE, _SPARSE} if second_files is None else {_NODE, _SPARSE, _WEIGHTS}
    for number, value in _fields(stream, end, {_INPUT}, entered, budget):
        if number == _SPARSE:
            raise _Hazard("sparse weights, which may stand for any amount of memory")
        if number == _INPUT and isinstance(value, bytes):
            yield value
        elif number == _NODE and isinstance(value, tuple):
            _check_node(stream, value[1], budget, depth)
        elif number == _WEIGHTS and isinstance(value, tuple) and second_files is not None:
            _add_second_file(stream, sum(value), budget, second_files)


def _add_second_file(stream: BinaryIO, end: int, budget: _Budget, second_files: dict[str, int]) -> None:
    """Note the file in which a TensorProto keeps its numbers, if it has one, and how long that has to be."""
    facts: dict[str, str] = {}
    for _, entry in _fields(stream, end, {_EXTERNAL}, set(), budget):
        if isinstance(entry, bytes):
            parts = dict(_parts(entry, budget))
            key, value = (
                text.decode("utf-8", "replace") if isinstance(text, bytes) else "" for text in map(parts.get, (1, 2))
            )
            facts[key] = value
    name = facts.get("location", "")
    if name and (name in second_files or len(second_files) < _MOST_SECOND_FILES):
        second_files[name] = max(second_files.get(name, 0), _whole(facts, "offset") + _whole(facts, "length"))


def _whole(facts: Mapping[str, str], key: str) -> int:
    text = facts.get(key, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else 0


def _check_node(stream: BinaryIO, length: int, budget: _Budget, depth: int) -> None:
    """Look for sparse weights in a NodeProto of `length` bytes, which begins where `stream` is."""
    if length > _LARGEST_NODE:
        raise _Hazard(f"an operation of {length:,} bytes")
    node = stream.read(length)
    if b"sparse_value" in node:  # the name of the only attribute that holds such weights
        raise _Hazard("sparse weights, which may stand for any amount of memory")
    if not any(name in node for name in _SUBGRAPH_NAMES):
        return
    inside = BytesIO(node)
    for _, attribute in _fields(inside, length, set(), {_ATTRIBUTE}, budget):
        if isinstance(attribute, tuple):
            for _, graph in _fields(inside, sum(attribute), set(), set(_SUBGRAPHS), budget):
                if isinstance(graph, tuple):
                    for _ in _graph(inside, sum(graph), budget, depth + 1):
                        pass


def _input(text: bytes, budget: _Budget) -> tuple[str, int]:
    """Name and element type of a ValueInfoProto: type (2) → tensor (1) → element type (1)."""
    parts = dict(_parts(text, budget))
    name, value_type = parts.get(1, b""), parts.get(2, b"")
    tensor = dict(_parts(value_type, budget)).get(1, b"") if isinstance(value_type, bytes) else b""
    element_type = dict(_parts(tensor, budget)).get(1, 0) if isinstance(tensor, bytes) else 0
    return (
        name.decode("utf-8", "replace") if isinstance(name, bytes) else "",
        element_type if isinstance(element_type, int) else 0,
    )


def _parts(text: bytes, budget: _Budget) -> Iterator[tuple[int, int | bytes]]:
    everything = set(range(1, 32))
    for number, value in _fields(BytesIO(text), len(text), everything, set(), budget):
        if isinstance(value, (int, bytes)):
            yield number, value


def _fields(
    stream: BinaryIO, end: int, wanted: set[int], entered: set[int], budget: _Budget
) -> Iterator[tuple[int, int | bytes | tuple[int, int]]]:
    """Fields of a message that ends at byte `end`: numbers, the bytes of those `wanted`, the place of those `entered`.

    All others are skipped.
    """
    while stream.tell() < end:
        budget.spend()
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
            # also where somebody has read on within the field
            stream.seek(begin + length, os.SEEK_SET)
        elif kind in (1, 5):
            stream.seek(8 if kind == 1 else 4, os.SEEK_CUR)
        elif kind in (3, 4):
            raise _Hazard("parts of an outdated form, in which weights could hide")
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
