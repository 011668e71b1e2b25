# SPDX-License-Identifier: GPL-3.0-or-later
"""The .onnx files that are written: valid in the eyes of the package onnx, and computing what was meant."""

import numpy as np
import onnx
import onnxruntime as ort
import pytest

from lulc_plugin import bundled
from lulc_plugin.adapt.onnx_graph import Graph, read_network, without_softmax
from lulc_plugin.errors import ModelUnusable

MOBILE = "optical-rgbn-10to30m-mobileunet-v2.onnx"


def run(content, image):
    onnx.checker.check_model(onnx.load_from_string(content), full_check=True)
    session = ort.InferenceSession(content, providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: image})


def test_arithmetic_and_every_kind_of_attribute():
    graph = Graph("image", 2)
    doubled = graph.add("Mul", "image", graph.weights(np.full((1, 2, 1, 1), 2.0)))
    mean = graph.add("AveragePool", doubled, kernel_shape=[1, 3], pads=[0, 1, 0, 1], count_include_pad=0)
    graph.output(graph.add("LeakyRelu", mean, alpha=-0.5), "result", 2)
    image = np.array([1, 2, 6, -3], np.float32).reshape(1, 1, 1, 4).repeat(2, axis=1)
    (result,) = run(graph.to_bytes({"key": "wörd"}), image)
    # 2 · means of (1, 2), (1, 2, 6), (2, 6, −3), (6, −3); all positive
    np.testing.assert_allclose(result[0, 0, 0], [3, 6, 10 / 3, 3], rtol=1e-6)


def test_metadata_and_ends_are_written():
    graph = Graph("image", 3)
    graph.output(graph.add("Relu", "image"), "scores", 3)
    model = onnx.load_from_string(graph.to_bytes({"legend": "Água"}))
    assert {p.key: p.value for p in model.metadata_props} == {"legend": "Água"}
    assert [d.dim_param or d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim] == [
        "batch", 3, "height", "width",
    ]  # fmt: skip


def test_a_network_that_is_taken_in_computes_the_same():
    content = (bundled.folder("models") / MOBILE).read_bytes()
    network = read_network(content, MOBILE)
    graph = Graph("layer", 7)
    ends = graph.include(network, graph.input)
    again = graph.include(network, graph.input)
    graph.output(ends["probabilities"], "first", 6)
    graph.output(again["features"], "second", 16)
    image = np.random.default_rng(0).normal(0, 1, (1, 7, 64, 96)).astype(np.float32)
    alone = dict(zip(("probabilities", "features"), run(content, image)))
    first, second = run(graph.to_bytes(), image)
    np.testing.assert_array_equal(first, alone["probabilities"])
    np.testing.assert_array_equal(second, alone["features"])


def test_networks_of_two_operator_sets_are_not_joined():
    first, second = (
        read_network(
            _model([onnx.helper.make_node("Relu", ["image"], ["y"])], opsets=(("", o),)).SerializeToString(), "n"
        )
        for o in (17, 18)
    )
    graph = Graph("layer", 1)
    graph.include(first, graph.input)
    with pytest.raises(ModelUnusable, match="17 and 18"):
        graph.include(second, graph.input)


def test_own_classes_can_be_taken_in_again():
    graph = Graph("image", 1)
    graph.output(graph.add("Relu", "image"), "y", 1)
    assert read_network(graph.to_bytes(), "own.onnx").outputs == ("y",)


@pytest.mark.parametrize("cut", [1, 10, 1000])
def test_half_a_file_is_refused(cut):
    content = (bundled.folder("models") / MOBILE).read_bytes()
    with pytest.raises(ModelUnusable):
        read_network(content[:-cut], MOBILE)


def _model(nodes, weights=(), opsets=(("", 17),), inputs=("image",), functions=()):
    value = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        nodes, "g", [value(n, 1, [1, 1, 4, 4]) for n in inputs], [value("y", 1, [1, 1, 4, 4])], list(weights)
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid(*o) for o in opsets])
    model.functions.extend(functions)
    return model


def _external():
    tensor = onnx.numpy_helper.from_array(np.ones((1, 1, 1, 1), np.float32), "w")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    return tensor


@pytest.mark.parametrize(
    ("model", "what"),
    [
        (_model([onnx.helper.make_node("Add", ["image", "other"], ["y"])], inputs=("image", "other")), "2 inputs"),
        (_model([onnx.helper.make_node("Relu", ["image"], ["y"])], opsets=(("", 17), ("com.maker", 1))), "ONNX's own"),
        (_model([onnx.helper.make_node("Mul", ["image", "w"], ["y"])], [_external()]), "second file"),
        (
            _model(
                [
                    onnx.helper.make_node(
                        "If", ["image"], ["y"],
                        then_branch=onnx.helper.make_graph([], "t", [], []),
                        else_branch=onnx.helper.make_graph([], "e", [], []),
                    )
                ]
            ),
            "within its operations",
        ),
    ],
    ids=["two inputs", "operators of others", "weights elsewhere", "subgraph"],
)  # fmt: skip
def test_what_cannot_be_joined_is_named(model, what):
    with pytest.raises(ModelUnusable, match=what):
        read_network(model.SerializeToString(), "odd.onnx")


@pytest.mark.parametrize("axis", [1, -3])
def test_a_softmax_is_taken_off_and_computed_again(axis):
    """Scores and their log-softmax instead of probabilities and their logarithm."""
    network = read_network(softmax_network(axis), "a.onnx")
    shorter, scores = without_softmax(network, "p")
    assert scores == "scores" and shorter.outputs == ("scores",) and len(shorter.nodes) == len(network.nodes) - 1
    image = np.random.default_rng(0).normal(0, 5, (1, 3, 4, 4)).astype(np.float32)
    results = []
    for taken, logarithm in ((network, False), (shorter, True)):
        graph = Graph("x", 3)
        (end,) = graph.include(taken, "x").values()
        graph.output(graph.add_log_softmax(end) if logarithm else graph.add("Log", end), "y", 3)
        results.append(
            ort.InferenceSession(graph.to_bytes(), providers=["CPUExecutionProvider"]).run(None, {"x": image})[0]
        )
    np.testing.assert_allclose(*results, atol=1e-5)


@pytest.mark.parametrize(("axis", "opset", "read"), [(2, 17, False), (1, 12, False), (1, 17, True)])
def test_what_is_no_softmax_over_planes_stays(axis, opset, read):
    assert without_softmax(read_network(softmax_network(axis, opset, read), "a.onnx"), "p") is None


def softmax_network(axis, opset=17, read=False):
    """Twice the input, and its softmax; `read`: the softmax is read again within the network."""
    value = onnx.helper.make_tensor_value_info
    nodes = [
        onnx.helper.make_node("Add", ["x", "x"], ["scores"]),
        onnx.helper.make_node("Softmax", ["scores"], ["p"], axis=axis),
    ]
    outputs = [value("p", onnx.TensorProto.FLOAT, ["b", 3, "h", "w"])]
    if read:
        nodes.append(onnx.helper.make_node("Log", ["p"], ["q"]))
        outputs.append(value("q", onnx.TensorProto.FLOAT, ["b", 3, "h", "w"]))
    ends = [value("x", onnx.TensorProto.FLOAT, ["b", 3, "h", "w"])]
    model = onnx.helper.make_model(
        onnx.helper.make_graph(nodes, "g", ends, outputs),
        opset_imports=[onnx.helper.make_opsetid("", opset)],
        ir_version=8,
    )
    return model.SerializeToString()
