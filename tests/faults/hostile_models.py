# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes model files that mean harm, or that a broken program wrote: networks with and without descriptions.

    python tests/faults/hostile_models.py FOLDER    write all of them, to try another program on them

None is stored in the repository. Each is a few kilobytes, save the one of 30 MB of empty fields.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

#: metadata with which the plugin Deepness knows a network
DEEPNESS = {"model_type": "Segmentor", "class_names": '{"0": "water", "1": "land"}', "resolution": "10"}
Model = onnx.ModelProto
MAKERS: dict[str, Callable[[Path], None]] = {}


def hostile(maker: Callable[[Path], None]) -> Callable[[Path], None]:
    """List a maker under its name; it writes `NAME.onnx`, and what else it needs, when it gets that path."""
    MAKERS[maker.__name__] = maker
    return maker


# ---------------------------------------------------------------- harmless ones, to begin with


def network(
    *,
    shape: tuple[Any, ...] = ("n", 3, "h", "w"),
    result: tuple[Any, ...] = ("n", 2, "h", "w"),
    nodes: tuple[onnx.NodeProto, ...] | None = None,
    weights: tuple[onnx.TensorProto, ...] = (),
    kind: int = TensorProto.FLOAT,
    metadata: dict[str, str] | None = None,
    name: str = "image",
) -> Model:
    """A 1 × 1 convolution from `image` to `scores`, or the operations in `nodes`."""
    if nodes is None:
        conv = np.random.default_rng(1).normal(0, 1, (2, 3, 1, 1)).astype(np.float32)
        weights = (*weights, numpy_helper.from_array(conv, "w"))
        nodes = (helper.make_node("Conv", [name, "w"], ["scores"]),)
    graph = helper.make_graph(
        list(nodes),
        "hostile",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("scores", kind, result)],
        list(weights),
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    for key, value in (metadata or {}).items():
        model.metadata_props.add(key=key, value=value)
    return model


def description(**properties: Any) -> dict[str, Any]:
    """A small description of such a network; None leaves a property out."""
    whole: dict[str, Any] = {
        "mlm:name": "hostile",
        "mlm:architecture": "none",
        "mlm:tasks": ["semantic-segmentation"],
        "bands": [{"name": n, "eo:common_name": n} for n in ("red", "green", "blue")],
        "mlm:input": [
            {
                "name": "image",
                "bands": ["red", "green", "blue"],
                "input": {"shape": [-1, 3, -1, -1], "dim_order": ["batch", "bands", "height", "width"]},
                "value_scaling": [{"type": "z-score", "mean": 100, "stddev": 50}],
            }
        ],
        "mlm:output": [
            {
                "name": "scores",
                "tasks": ["semantic-segmentation"],
                "result": {"shape": [-1, 2, -1, -1], "dim_order": ["batch", "class", "height", "width"]},
                "classification:classes": [{"value": 1, "name": "water"}, {"value": 2, "name": "land"}],
                "post_processing_function": {"format": "lulc", "expression": ["softmax", "argmax"]},
            }
        ],
        "lulc:window": {"size": 64, "multiple": 4, "minimum": 8, "margin": 8},
    }
    whole.update(properties)
    return {key: value for key, value in whole.items() if value is not None}


def write(path: Path, model: Model | bytes, text: dict[str, Any] | str | None = None) -> None:
    """Write a network, and its description as `NAME.json`."""
    path.write_bytes(model if isinstance(model, bytes) else model.SerializeToString())
    if text is not None:
        path.with_suffix(".json").write_text(text if isinstance(text, str) else json.dumps(text), encoding="utf-8")


def changed(change: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
    """The small description after `change`."""
    data = description()
    change(data)
    return data


# ---------------------------------------------------------------- graphs whose sizes take all memory


@hostile
def deepness_with_a_billion_channels(path: Path) -> None:
    write(path, network(shape=("n", 1 << 30, 64, 64), result=("n", 2, 64, 64), metadata=DEEPNESS))


@hostile
def deepness_with_a_billion_classes(path: Path) -> None:
    metadata = {"model_type": "Segmentor", "resolution": "10"}
    shape = np.array([1, 1 << 30, 1, 1], np.int64)
    nodes = (
        helper.make_node("ReduceMean", ["image"], ["one"], keepdims=1),
        helper.make_node("Expand", ["one", "shape"], ["scores"]),
    )
    write(
        path,
        network(
            shape=(1, 3, 64, 64),
            result=(1, 1 << 30, 1, 1),
            nodes=nodes,
            weights=(numpy_helper.from_array(shape, "shape"),),
            metadata=metadata,
        ),
    )


@hostile
def batch_of_a_hundred_thousand(path: Path) -> None:
    write(path, network(shape=(100_000, 3, 64, 64), result=(100_000, 2, 64, 64), metadata=DEEPNESS))


@hostile
def described_with_a_batch_of_a_hundred_thousand(path: Path) -> None:
    def no_activation(data: dict[str, Any]) -> None:
        data["mlm:output"][0]["post_processing_function"] = None

    write(path, network(shape=(100_000, 3, 64, 64), result=(100_000, 2, 64, 64)), changed(no_activation))


@hostile
def windows_of_a_million(path: Path) -> None:
    write(path, network(shape=("n", 3, 1 << 20, 1 << 20), result=("n", 2, 1 << 20, 1 << 20), metadata=DEEPNESS))


@hostile
def many_bands_in_large_windows(path: Path) -> None:
    conv = numpy_helper.from_array(np.zeros((2, 512, 1, 1), np.float32), "w")
    nodes = (helper.make_node("Conv", ["image", "w"], ["scores"]),)
    shape, result = ("n", 512, 4096, 4096), ("n", 2, 4096, 4096)
    write(path, network(shape=shape, result=result, nodes=nodes, weights=(conv,), metadata=DEEPNESS))


@hostile
def a_graph_that_grows_inside(path: Path) -> None:
    """Its shapes are small; in the middle it has 64 GiB."""
    grown, back = np.array([1, 1 << 14, 1 << 10, 1 << 10], np.int64), np.array([1, 1, 2, 2], np.int64)
    nodes = (
        helper.make_node("ReduceMean", ["image"], ["one"], keepdims=1),
        helper.make_node("Expand", ["one", "grown"], ["huge"]),
        helper.make_node("ReduceMean", ["huge"], ["small"], keepdims=1),
        helper.make_node("Expand", ["small", "back"], ["scores"]),
    )
    weights = (numpy_helper.from_array(grown, "grown"), numpy_helper.from_array(back, "back"))
    data = description()
    data["mlm:output"][0]["post_processing_function"] = None
    write(path, network(nodes=nodes, weights=weights), data)


def sparse(length: int) -> onnx.SparseTensorProto:
    """A tensor of `length` numbers of which one is written down."""
    tensor = onnx.SparseTensorProto(dims=[length])
    tensor.values.CopyFrom(helper.make_tensor("sparse", TensorProto.FLOAT, [1], [1.0]))
    tensor.indices.CopyFrom(helper.make_tensor("where", TensorProto.INT64, [1], [5]))
    return tensor


@hostile
def sparse_weights_of_eight_gigabytes(path: Path) -> None:
    model = network(metadata=DEEPNESS)
    model.graph.sparse_initializer.append(sparse(1 << 31))
    write(path, model)


@hostile
def a_sparse_constant_of_eight_gigabytes(path: Path) -> None:
    model = network(metadata=DEEPNESS)
    node = helper.make_node("Constant", [], ["unused"])
    node.attribute.add(name="sparse_value", type=onnx.AttributeProto.SPARSE_TENSOR).sparse_tensor.CopyFrom(
        sparse(1 << 31)
    )
    model.graph.node.append(node)
    write(path, model)


@hostile
def sparse_weights_within_a_branch(path: Path) -> None:
    branch = helper.make_graph(
        [helper.make_node("Identity", ["sparse"], ["out"])],
        "branch",
        [],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, [None])],
    )
    branch.sparse_initializer.append(sparse(1 << 31))
    model = network(metadata=DEEPNESS)
    model.graph.initializer.append(numpy_helper.from_array(np.array(True), "yes"))
    model.graph.node.append(helper.make_node("If", ["yes"], ["unused"], then_branch=branch, else_branch=branch))
    write(path, model)


@hostile
def sparse_weights_within_a_function(path: Path) -> None:
    model = network(metadata=DEEPNESS)
    node = helper.make_node("Constant", [], ["out"])
    node.attribute.add(name="sparse_value", type=onnx.AttributeProto.SPARSE_TENSOR).sparse_tensor.CopyFrom(
        sparse(1 << 31)
    )
    opsets = [helper.make_opsetid("", 17)]
    model.functions.append(helper.make_function("own", "Make", [], ["out"], [node], opsets))
    model.opset_import.append(helper.make_opsetid("own", 1))
    model.graph.node.append(helper.make_node("Make", [], ["unused"], domain="own"))
    write(path, model)


@hostile
def sparse_weights_behind_a_field_of_an_old_form(path: Path) -> None:
    """Readers skip a group, a form of field that protobuf gave up; one that stops there sees no weights."""
    model = network(metadata=DEEPNESS)
    model.graph.sparse_initializer.append(sparse(1 << 31))
    write(path, b"\xa3\x06\xa4\x06" + model.SerializeToString())


def constants_of_gigabytes(path: Path) -> None:
    """Eight constants of 900 MB that onnxruntime computes while it loads the file, in a branch that no image takes.

    It runs as a good network does, so it is not among those that are refused.
    """
    length = numpy_helper.from_array(np.array([225_000_000], np.int64), "length")
    weights = [length, numpy_helper.from_array(np.array(1.0, np.float32), "one")]
    nodes, ends = [], []
    for i in range(8):
        nodes.append(helper.make_node("Expand", ["one", "length"], [f"huge{i}"]))
        nodes.append(helper.make_node("ReduceMax", [f"huge{i}"], [f"end{i}"], keepdims=0))
        ends.append(f"end{i}")
    nodes.append(helper.make_node("Sum", ends, ["then"]))
    no_shape = helper.make_tensor_value_info("then", TensorProto.FLOAT, [])
    then = helper.make_graph(nodes, "then", [], [no_shape], weights)
    zero = helper.make_node("Constant", [], ["else"], value=numpy_helper.from_array(np.array(0.0, np.float32)))
    other = helper.make_graph([zero], "else", [], [helper.make_tensor_value_info("else", TensorProto.FLOAT, [])])
    more = (
        helper.make_node("ReduceMax", ["image"], ["brightest"], keepdims=0),
        helper.make_node("Greater", ["brightest", "limit"], ["yes"]),
        helper.make_node("If", ["yes"], ["added"], then_branch=then, else_branch=other),
        helper.make_node("Add", ["raw", "added"], ["scores"]),
    )
    limit = numpy_helper.from_array(np.array(1e30, np.float32), "limit")
    write(path, _after_the_convolution(*more, weights=(limit,)), description())


@hostile
def thirty_megabytes_of_empty_fields(path: Path) -> None:
    write(path, b"\x10\x01" * 15_000_000, description())


# ---------------------------------------------------------------- graphs that answer what they should not


def _after_the_convolution(*nodes: onnx.NodeProto, weights: tuple[onnx.TensorProto, ...] = (), **more: Any) -> Model:
    conv = np.random.default_rng(1).normal(0, 1, (2, 3, 1, 1)).astype(np.float32)
    first = helper.make_node("Conv", ["image", "w"], ["raw"])
    return network(nodes=(first, *nodes), weights=(numpy_helper.from_array(conv, "w"), *weights), **more)


@hostile
def returns_no_window(path: Path) -> None:
    weights = tuple(numpy_helper.from_array(np.array([n], np.int64), name) for n, name in ((0, "zero"), (0, "end")))
    write(
        path,
        _after_the_convolution(
            helper.make_node("Slice", ["raw", "zero", "end", "zero"], ["scores"]), weights=weights, result=[None] * 4
        ),
        description(),
    )


@hostile
def returns_twice_the_windows(path: Path) -> None:
    model = _after_the_convolution(helper.make_node("Concat", ["raw", "raw"], ["scores"], axis=0), result=[None] * 4)
    write(path, model, description())


@hostile
def scores_beyond_float32(path: Path) -> None:
    factor = numpy_helper.from_array(np.array([1e300], np.float64), "factor")
    nodes = (
        helper.make_node("Cast", ["raw"], ["double"], to=TensorProto.DOUBLE),
        helper.make_node("Mul", ["double", "factor"], ["scores"]),
    )
    write(path, _after_the_convolution(*nodes, weights=(factor,), kind=TensorProto.DOUBLE), description())


@hostile
def scores_at_the_end_of_float32(path: Path) -> None:
    factor = numpy_helper.from_array(np.array([1e37], np.float32), "factor")
    data = description()
    data["mlm:output"][0]["post_processing_function"] = {"format": "lulc", "expression": ["argmax"]}
    write(path, _after_the_convolution(helper.make_node("Mul", ["raw", "factor"], ["scores"]), weights=(factor,)), data)


# ---------------------------------------------------------------- descriptions


@hostile
def nested_six_hundred_deep(path: Path) -> None:
    text = json.dumps(description(extra="HERE")).replace('"HERE"', "[" * 600 + "]" * 600)
    write(path, network(), text)


@hostile
def nested_a_hundred_thousand_deep(path: Path) -> None:
    write(path, network(), '{"a":' * 100_000 + "1" + "}" * 100_000)


@hostile
def a_standard_deviation_of_almost_nothing(path: Path) -> None:
    def change(data: dict[str, Any]) -> None:
        data["mlm:input"][0]["value_scaling"][0]["stddev"] = 1e-320

    write(path, network(), changed(change))


@hostile
def a_window_of_all_memory(path: Path) -> None:
    bands = [{"name": f"b{i}"} for i in range(512)]
    data = description(bands=bands)
    data["mlm:input"][0].update(bands=[b["name"] for b in bands])
    data["mlm:input"][0]["input"]["shape"] = [-1, 512, -1, -1]
    data["lulc:window"] = {"size": 16384, "multiple": 4, "minimum": 8, "margin": 8}
    conv = numpy_helper.from_array(np.zeros((2, 512, 1, 1), np.float32), "w")
    nodes = (helper.make_node("Conv", ["image", "w"], ["scores"]),)
    write(path, network(shape=("n", 512, "h", "w"), nodes=nodes, weights=(conv,)), data)


@hostile
def a_value_of_a_hundred_kilobytes(path: Path) -> None:
    def change(data: dict[str, Any]) -> None:
        data["mlm:output"][0]["classification:classes"][0]["value"] = "9" * 100_000

    write(path, network(), changed(change))


@hostile
def a_colour_of_a_hundred_kilobytes(path: Path) -> None:
    def change(data: dict[str, Any]) -> None:
        data["mlm:output"][0]["classification:classes"][0]["color_hint"] = "A" * 100_000

    write(path, network(), changed(change))


@hostile
def a_name_of_a_hundred_kilobytes_in_the_graph(path: Path) -> None:
    write(path, network(name="i" * 100_000, shape=("n", 3, 7)))


@hostile
def a_name_with_its_direction_turned(path: Path) -> None:
    write(path, network(), description(**{"mlm:name": "safe-\u202exnno.live"}))


@hostile
def a_pixel_size_of_nothing(path: Path) -> None:
    write(path, network(), description(gsd=0))


@hostile
def a_number_of_five_thousand_digits(path: Path) -> None:
    write(path, network(), json.dumps(description()).replace("64", "9" * 5000, 1))


@hostile
def numbers_beyond_all_floats(path: Path) -> None:
    write(path, network(), json.dumps(description()).replace("50}", "1e999}", 1))


@hostile
def text_that_is_no_utf8(path: Path) -> None:
    write(path, network())
    path.with_suffix(".json").write_bytes(b'{"mlm:input": "\xff\xfe"}')


@hostile
def half_of_a_character(path: Path) -> None:
    write(path, network(), json.dumps(description(title="HERE")).replace("HERE", "\\ud800"))


@hostile
def class_names_nested_deep(path: Path) -> None:
    write(path, network(metadata={**DEEPNESS, "class_names": "[" * 900 + "]" * 900}))


@hostile
def class_names_numbered_with_thousands_of_digits(path: Path) -> None:
    names = json.dumps({"9" * 4000 + str(i): "x" for i in range(9)})
    write(path, network(metadata={**DEEPNESS, "class_names": names}))


@hostile
def not_a_network_at_all(path: Path) -> None:
    write(path, b"\x00" * 1000, description())


@hostile
def an_empty_file(path: Path) -> None:
    write(path, b"")


@hostile
def a_folder(path: Path) -> None:
    path.mkdir()


def main(folder: Path) -> None:
    """Write every hostile network into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, maker in MAKERS.items():
        maker(folder / f"{name}.onnx")
    print(f"{len(MAKERS)} networks in {folder}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
