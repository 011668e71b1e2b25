# SPDX-License-Identifier: GPL-3.0-or-later
"""An .onnx file that is written: operations and weights of one graph, and whole networks that it takes in.

The package `onnx` is not there at run time. What is needed of its format, a protobuf message, is written here; the
numbers of the fields are those of `onnx.proto` (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Union

import numpy as np
import numpy.typing as npt

from ..errors import ModelUnusable

#: a whole number, a number, a text, or a list of one of them
Attribute = Union[int, float, str, Sequence[int], Sequence[float], Sequence[str]]
#: file format 8 came with operator set 17, which onnxruntime reads since 1.12
OPSET, _IR = 17, 8
_OPSET_ML = 3
_ML = "ai.onnx.ml"
_TYPES = {"float32": 1, "int64": 7}
_FIXED_WIDTH = {1: 8, 5: 4}
_EXTERNAL = 1
#: Before this operator set, a softmax over axis 1 was one over all that follow.
_SOFTMAX_OF_ONE_AXIS = 13
_MINUS_THREE = (1 << 64) - 3


class Graph:
    """A graph that is being built; its tensors are named by their place.

    Args:
        name: of the input.
        channels: of the input, whose axes are batch, channels, height and width.
    """

    def __init__(self, name: str, channels: int) -> None:
        self.input = name
        self._channels = channels
        self._nodes: list[bytes] = []
        self._weights: list[bytes] = []
        self._outputs: list[bytes] = []
        self._count = 0
        self._has_networks = False
        self._opset = OPSET
        self._ir = _IR

    def weights(self, values: npt.ArrayLike, dtype: str = "float32") -> str:
        """The name of new weights `values`, stored as `float32` or `int64`."""
        array = np.ascontiguousarray(values, np.dtype(dtype).newbyteorder("<"))
        name = self._new("w")
        self._weights.append(
            b"".join(_int(1, length) for length in array.shape)
            + _int(2, _TYPES[dtype])
            + _text(8, name)
            + _bytes(9, array.tobytes())
        )
        return name

    def add(self, operation: str, *inputs: str, domain: str = "", **attributes: Attribute) -> str:
        """The name of the result of a new operation of one output."""
        name = self._new("t")
        self.add_named(operation, inputs, (name,), domain, attributes)
        return name

    def add_named(
        self,
        operation: str,
        inputs: Sequence[str],
        outputs: Sequence[str],
        domain: str = "",
        attributes: Mapping[str, Attribute] | None = None,
    ) -> None:
        """A new operation whose results have the names `outputs`; an empty name is a result that nobody reads."""
        self._nodes.append(
            b"".join(_text(1, name) for name in inputs)
            + b"".join(_text(2, name) for name in outputs)
            + _text(4, operation)
            + b"".join(_bytes(5, _attribute(name, value)) for name, value in sorted((attributes or {}).items()))
            + (_text(7, domain) if domain else b"")
        )

    def add_forest(self, samples: str, attributes: Mapping[str, Attribute]) -> str:
        """Class scores `(n, classes)` of a forest: a TreeEnsembleClassifier on `samples`, `(n, features)`."""
        scores = self._new("t")
        self.add_named("TreeEnsembleClassifier", (samples,), (self._new("t"), scores), _ML, attributes)
        return scores

    def add_maximum(self, source: str) -> str:
        """The largest value along the second axis, which is kept; operator set 18 writes the axis in another way."""
        if self._opset < 18:
            return self.add("ReduceMax", source, axes=[1])
        return self.add("ReduceMax", source, self.weights([1], "int64"))

    def add_softmax(self, scores: str) -> str:
        """Probabilities along the second axis; ONNX's own takes four times as long over planes."""
        exponent = self.add("Exp", self.add("Sub", scores, self.add_maximum(scores)))
        return self.add("Div", exponent, self.add("ReduceSum", exponent, self.weights([1], "int64")))

    def add_log_softmax(self, scores: str) -> str:
        """Logarithms of the probabilities along the second axis."""
        lower = self.add("Sub", scores, self.add_maximum(scores))
        total = self.add("ReduceSum", self.add("Exp", lower), self.weights([1], "int64"))
        return self.add("Sub", lower, self.add("Log", total))

    def include(self, network: Network, source: str) -> dict[str, str]:
        """Take in all of `network`, fed with the tensor `source`.

        Returns:
            name of each of its outputs in its own file → name here.

        Raises:
            ModelUnusable: its operator set is not the one of a network that was taken in before.
        """
        if self._has_networks and network.opset != self._opset:
            raise ModelUnusable(
                f"Networks of the ONNX operator sets {self._opset} and {network.opset} cannot be joined in one file.",
                "Choose one of them.",
            )
        prefix = self._new("n") + "/"
        self._has_networks = True
        self._opset, self._ir = network.opset, max(self._ir, network.ir)
        names = {network.input: source}

        def renamed(name: str) -> str:
            # an empty name is an input or output that an operation leaves out
            return names.get(name, prefix + name) if name else ""

        self._weights.extend(_rename(weights, {8: renamed}) for weights in network.weights)
        self._nodes.extend(_rename(node, {1: renamed, 2: renamed, 3: renamed}) for node in network.nodes)
        return {name: renamed(name) for name in network.outputs}

    def output(self, source: str, name: str, channels: int) -> None:
        """Make the tensor `source` an output `name` with as many channels."""
        self.add_named("Identity", (source,), (name,))
        self._outputs.append(_value(name, channels))

    def to_bytes(self, metadata: Mapping[str, str] | None = None) -> bytes:
        """The whole file."""
        graph = (
            b"".join(_bytes(1, node) for node in self._nodes)
            + _text(2, "lulc")
            + b"".join(_bytes(5, weights) for weights in self._weights)
            + _bytes(11, _value(self.input, self._channels))
            + b"".join(_bytes(12, output) for output in self._outputs)
        )
        operators = _text(1, "") + _int(2, self._opset)
        return (
            _int(1, self._ir)
            + _text(2, "lulc")
            + _bytes(7, graph)
            + _bytes(8, operators)
            + _bytes(8, _text(1, _ML) + _int(2, _OPSET_ML))
            + b"".join(_bytes(14, _text(1, key) + _text(2, text)) for key, text in (metadata or {}).items())
        )

    def _new(self, kind: str) -> str:
        self._count += 1
        return f"{kind}{self._count}"


# ---------------------------------------------------------------- networks that are taken in


@dataclass(frozen=True)
class Network:
    """A network read from a file: its parts as protobuf messages, and the names of its ends."""

    nodes: tuple[bytes, ...] = field(repr=False)
    weights: tuple[bytes, ...] = field(repr=False)
    input: str
    outputs: tuple[str, ...]
    opset: int
    ir: int


def without_softmax(network: Network, output: str) -> tuple[Network, str] | None:
    """A network that ends before the softmax over planes which makes its output.

    Args:
        network: the network.
        output: the output's name.

    Returns:
        the network with the scores in place of the probabilities, and their name; None where the output is no such
        softmax, or is read within the network.
    """
    if network.opset < _SOFTMAX_OF_ONE_AXIS:
        return None
    node = next((node for node in network.nodes if output in _texts(node, 2)), b"")
    attributes = [dict(_fields(value)) for value in _messages(node).get(5, [])]
    axes = [a.get(3) for a in attributes if a.get(1) == b"axis"]
    if _texts(node, 4) != ["Softmax"] or axes not in ([1], [_MINUS_THREE]):
        return None
    if any(output in _texts(other, 1) for other in network.nodes):
        return None
    (scores,) = _texts(node, 1)
    outputs = tuple(scores if name == output else name for name in network.outputs)
    return replace(network, nodes=tuple(n for n in network.nodes if n != node), outputs=outputs), scores


def read_network(content: bytes, name: str) -> Network:
    """The network in an .onnx file.

    Args:
        content: of the file.
        name: of the file, for errors.

    Raises:
        ModelUnusable: it has parts that cannot be put into another file: weights in a second file, sparse weights,
            graphs within operations, functions, operators of other makers, or several inputs.
    """
    try:
        return _network(content)
    except _CannotJoin as reason:
        raise ModelUnusable(f"{name} cannot be joined with classes of one's own: it has {reason}.") from None
    except (IndexError, UnicodeDecodeError, struct.error):
        raise ModelUnusable(f"{name} is not a whole .onnx file.") from None


class _CannotJoin(Exception):
    """A network has a part that cannot be put into another file; the text says which."""


def _network(content: bytes) -> Network:
    file = _messages(content)
    if 25 in file:
        raise _CannotJoin("functions of its own")
    parts = _messages(b"".join(file.get(7, [])))
    if 15 in parts:
        raise _CannotJoin("sparse weights")
    weights, nodes = parts.get(5, []), parts.get(1, [])
    _check_weights(weights)
    for node in nodes:
        _check_node(node)
    weight_names = {_name_of(tensor, 8) for tensor in weights}
    inputs = [name for name in (_name_of(value, 1) for value in parts.get(11, [])) if name not in weight_names]
    if len(inputs) != 1:
        raise _CannotJoin(f"{len(inputs)} inputs")
    outputs = tuple(_name_of(value, 1) for value in parts.get(12, []))
    ir = dict(_fields(content)).get(1, 0)
    return Network(
        tuple(nodes), tuple(weights), inputs[0], outputs, _opset(file.get(8, [])), ir if isinstance(ir, int) else 0
    )


def _messages(content: bytes) -> dict[int, list[bytes]]:
    """The texts and messages in a message, by the number of their field."""
    parts: dict[int, list[bytes]] = {}
    for number, value in _fields(content):
        if isinstance(value, bytes):
            parts.setdefault(number, []).append(value)
    return parts


def _opset(operators: Sequence[bytes]) -> int:
    """The version of ONNX's operators; beside them there may be those of forests."""
    versions = []
    for entry in operators:
        fields = dict(_fields(entry))
        domain, version = fields.get(1, b""), fields.get(2, 0)
        if domain in (b"", b"ai.onnx"):
            versions.append(version)
        elif (domain, version) != (_ML.encode(), _OPSET_ML):
            raise _CannotJoin("operators that are not ONNX's own")
    if len(versions) != 1 or not isinstance(versions[0], int):
        raise _CannotJoin("no single operator set")
    return versions[0]


def _check_weights(weights: Sequence[bytes]) -> None:
    for tensor in weights:
        if any(number == 14 and value == _EXTERNAL for number, value in _fields(tensor)):
            raise _CannotJoin("weights in a second file")


def _check_node(node: bytes) -> None:
    for number, value in _fields(node):
        if number == 5 and isinstance(value, bytes) and any(part in (6, 11) for part, _ in _fields(value)):
            raise _CannotJoin("graphs within its operations")


def _texts(message: bytes, number: int) -> list[str]:
    return [
        value.decode()
        for field_number, value in _fields(message)
        if field_number == number and isinstance(value, bytes)
    ]


def _name_of(message: bytes, number: int) -> str:
    value = dict(_fields(message)).get(number, b"")
    return value.decode() if isinstance(value, bytes) else ""


def _rename(message: bytes, names: Mapping[int, Any]) -> bytes:
    """`message` with the texts of some fields replaced: field → function."""
    out = []
    for number, value in _fields(message):
        if number in names and isinstance(value, bytes):
            out.append(_text(number, names[number](value.decode())))
        elif isinstance(value, int):
            out.append(_int(number, value))
        elif isinstance(value, bytes):
            out.append(_bytes(number, value))
        else:
            out.append(value.key + value.content)
    return b"".join(out)


# ---------------------------------------------------------------- protobuf


@dataclass(frozen=True)
class _Fixed:
    """A field of fixed width, as it stands."""

    key: bytes
    content: bytes


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes | _Fixed]]:
    place, end = 0, len(message)
    while place < end:
        begin = place
        key, place = _read_varint(message, place)
        number, kind = key >> 3, key & 7
        if kind == 0:
            value, place = _read_varint(message, place)
            yield number, value
        elif kind == 2:
            length, place = _read_varint(message, place)
            if place + length > end:
                raise IndexError
            yield number, message[place : place + length]
            place += length
        elif kind in _FIXED_WIDTH:
            after = place + _FIXED_WIDTH[kind]
            yield number, _Fixed(message[begin:place], message[place:after])
            place = after
        else:
            raise IndexError


def _read_varint(message: bytes, place: int) -> tuple[int, int]:
    number = 0
    for shift in range(0, 70, 7):
        byte = message[place]
        place += 1
        number |= (byte & 127) << shift
        if byte < 128:
            return number, place
    raise IndexError


def _varint(number: int) -> bytes:
    number &= (1 << 64) - 1  # negative numbers are written as their two's complement
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def _int(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint(value)


def _bytes(number: int, value: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(value)) + value


def _text(number: int, value: str) -> bytes:
    return _bytes(number, value.encode())


def _value(name: str, channels: int) -> bytes:
    """A ValueInfoProto of float32 images: batch, channels, height, width."""
    lengths = (_text(2, "batch"), _int(1, channels), _text(2, "height"), _text(2, "width"))
    shape = b"".join(_bytes(1, length) for length in lengths)
    return _text(1, name) + _bytes(2, _bytes(1, _int(1, _TYPES["float32"]) + _bytes(2, shape)))


def _attribute(name: str, value: Attribute) -> bytes:
    """An AttributeProto; its type (field 20) is 1 number, 2 whole number, 3 text, 6, 7, 8 lists of them."""
    if isinstance(value, str):
        return _text(1, name) + _text(4, value) + _int(20, 3)
    if isinstance(value, int):
        return _text(1, name) + _int(3, value) + _int(20, 2)
    if isinstance(value, float):
        return _text(1, name) + _varint(2 << 3 | 5) + struct.pack("<f", value) + _int(20, 1)
    if len(value) and isinstance(value[0], str):
        return _text(1, name) + b"".join(_text(9, str(v)) for v in value) + _int(20, 8)
    numbers = np.asarray(value)
    if numbers.dtype.kind in "iu":
        return _text(1, name) + b"".join(_int(8, int(v)) for v in numbers) + _int(20, 7)
    packed = numbers.astype("<f4").tobytes()
    return _text(1, name) + _bytes(7, packed) + _int(20, 6)
