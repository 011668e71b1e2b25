# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks that carry the metadata of the QGIS plugin Deepness run unchanged; hostile metadata is refused politely."""

import json
import time
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from lulc_plugin.errors import LulcError
from lulc_plugin.model import catalogue, deepness, mlm
from lulc_plugin.model.runtime import GraphSignature, GraphTensor
from lulc_plugin.raster import apply_steps

SHARED = Path(__file__).resolve().parents[3].parent / "shared" / "weights" / "third_party"
needs_graphs = pytest.mark.skipif(
    not SHARED.is_dir(), reason="../shared/weights/third_party is not beside the checkout"
)


def signature(metadata, shape=(1, 3, 512, 512), outputs=((None, 2, 512, 512),)):
    return GraphSignature(
        (GraphTensor("input", "tensor(float)", shape),),
        tuple(GraphTensor(f"output{i or ''}", "tensor(float)", s) for i, s in enumerate(outputs)),
        {k: v if isinstance(v, str) else json.dumps(v) for k, v in metadata.items()},
    )


def read(metadata, **shapes):
    return deepness.read(signature(metadata, **shapes), "net")


def test_mapping_to_ours():
    spec = read(
        {
            "model_type": json.dumps("Segmentor"),
            "class_names": {"0": "background", "1": "road", "2": "not_known"},
            "resolution": 50,
            "tile_size": 512,
            "tiles_overlap": 20,
            "standardization_mean": [0.4, 0.5, 0.6],
            "standardization_std": [0.1, 0.2, 0.3],
            "seg_thresh": 0.5,
            "seg_small_segment": 11,
        },
        outputs=((None, 3, 512, 512),),
    )
    assert spec.legend.names == ("background", "road", "not_known")
    assert spec.legend.values == (0, 1, 2) and spec.legend.nodata == 255
    assert spec.legend.classes[0].colour == spec.legend.classes[2].colour == "#B4B4B4"
    assert spec.gsd == 0.5 and spec.gsd_range == (0.25, 1.0)
    assert (spec.window.size, spec.window.minimum, spec.window.margin) == (512, 512, 51)
    assert spec.output.activation == ("argmax",) and spec.output.threshold == 0.5
    assert spec.forms[0].unit == "byte"
    assert any("11 pixels" in note and "seg_small_segment" in note for note in spec.notes)
    dn = np.array([0, 100, 255], np.uint8)
    for i, (mean, spread) in enumerate(((0.4, 0.1), (0.5, 0.2), (0.6, 0.3))):
        np.testing.assert_allclose(apply_steps(dn, spec.channels[i].steps), (dn / 255 - mean) / spread, rtol=1e-5)
        assert spec.fill[i] == pytest.approx(-mean / spread)
    assert mlm.from_item(mlm.to_item(spec)).output == spec.output


def test_without_standardisation():
    spec = read({"model_type": json.dumps("segmentor"), "standardization_mean": [0, 0, 0]})
    np.testing.assert_allclose(apply_steps(np.array([51, 255]), spec.channels[2].steps), [0.2, 1])
    assert spec.fill == (0, 0, 0)
    assert spec.gsd is None and spec.gsd_range is None
    assert spec.legend.names == ("channel_0", "channel_1")


NAMES = [
    {"0": "a", "1": "b"},
    [{"0": "a", "1": "b"}],
    [{"0": "a", "1": "b"}, {"0": "x", "1": "y"}],
    ["a", "b"],
    "{0: 'a', 1: 'b'}",
    '{0: "a", 1: "b",}',
    "[{0: 'a', 1: 'b'}, {0: 'x', 1: 'y'}]",
    "{'0': 'a', '1': 'b'}",
    "{1: 'b', 0: 'a'}",
    json.dumps("{0: 'a', 1: 'b'}"),
]


@pytest.mark.parametrize("said", NAMES, ids=range(len(NAMES)))
@pytest.mark.parametrize("key", ["class_names", "names"])
def test_class_names(said, key):
    assert read({key: said}).legend.names == ("a", "b")


def test_quotes_and_braces_inside_names():
    assert deepness.parse_literal(r"{0: 'O\'Brien {x}, y', 1: " + r'"b: \"c\""}') == {
        "0": "O'Brien {x}, y",
        "1": 'b: "c"',
    }


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"0": "a", "2": "b"}, "1 is missing"),
        ({"1": "a", "2": "b"}, "0 is missing"),
        ("{0: 'a', 3: 'b'}", "1 is missing"),
        ({"x": "a", "1": "b"}, "not a number"),
        ({"0": "a", "1": 5}, "class name"),
        ("{0: __import__('os').system('id')}", "not a name for each index"),
        ("{0: 'a', 1: 'b'} + open('x')", "not a name for each index"),
        ("[" * 50_000, "not a name for each index"),
        ("{0: 'a'" * 5_000, "not a name for each index"),
        ("lambda: 0", "not a name for each index"),
        ("{" + "0: 'a', " * 20_000 + "}", "longer than"),
        (5, "not a name for each index"),
        (["a", "b", "c"], "3 classes"),
    ],
)
def test_class_names_that_are_none(said, words):
    with pytest.raises(LulcError, match=words) as caught:
        read({"class_names": said})
    assert len(str(caught.value)) < 1000


HOSTILE = ["\\'", "'\\", "'", "\"'", "{0:'a',", "'\\'\"", "0:'a'}", " "]


@pytest.mark.parametrize("piece", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("start", ["{", "{'", "[{0: 'a'}, {"])
def test_hostile_names_cost_little(piece, start):
    began = time.perf_counter()
    with pytest.raises(LulcError) if start != "[{0: 'a'}, {" else pytest.raises((LulcError, AssertionError)):
        assert deepness.parse_literal(start + piece * (90_000 // len(piece))) != {"0": "a"}
    assert time.perf_counter() - began < 1


@pytest.mark.parametrize("kind", ["Detector", "regressor", "Recognition", "Superresolution"])
def test_other_types_name_deepness(kind):
    with pytest.raises(LulcError, match=f"is a {kind.capitalize()}") as caught:
        read({"model_type": json.dumps(kind)})
    assert "Deepness runs" in caught.value.remedy


def test_unknown_type():
    with pytest.raises(LulcError, match="Regression"):
        read({"model_type": json.dumps("Regression")})


@pytest.mark.parametrize("key", ["tile_size", "tiles_size"])
def test_free_window(key):
    spec = read({key: 384}, shape=(None, 3, None, None), outputs=((None, 2, None, None),))
    assert (spec.window.size, spec.window.minimum, spec.window.multiple) == (384, 384, 32)
    assert spec.window.margin == int(384 * 0.15) // 2
    odd = read({key: 500}, shape=(None, 3, None, None), outputs=((None, 2, None, None),))
    assert (odd.window.size, odd.window.multiple) == (500, 4)


def test_the_graph_knows_its_window_better():
    spec = read({"tile_size": 256})
    assert spec.window.size == 512
    assert "256" in spec.warnings[0] and "512" in spec.warnings[0]


def test_output_smaller_than_the_input():
    spec = read({"class_names": ["a", "b"]}, outputs=((None, 2, 484, 484),))
    assert spec.output.cut == 14 and spec.window.margin >= 14
    with pytest.raises(LulcError, match="485 × 485"):
        read({"class_names": ["a", "b"]}, outputs=((None, 2, 485, 485),))
    assert read({"class_names": ["a", "b"]}, outputs=((None, 2, 128, 128),)).output.cut == 0


@pytest.mark.parametrize("shape", [(None, 1, 512, 512), (None, 512, 512)])
def test_one_plane(shape):
    spec = read({"class_names": {"0": "water"}}, outputs=(shape,))
    assert spec.output.plane and spec.legend.names == ("background", "water") and spec.legend.values == (0, 1)
    assert read({"class_names": ["dry", "wet"]}, outputs=(shape,)).legend.names == ("dry", "wet")
    assert read({"resolution": 10}, outputs=(shape,)).legend.names == ("background", "channel_0")
    with pytest.raises(LulcError, match="3 classes"):
        read({"class_names": ["a", "b", "c"]}, outputs=(shape,))


@pytest.mark.parametrize(
    ("metadata", "words"),
    [
        ({"resolution": -3}, "resolution"),
        ({"resolution": "ten"}, "resolution"),
        ({"resolution": 0}, "resolution"),
        ({"standardization_mean": [0.5], "standardization_std": [0.5]}, "3 numbers"),
        ({"standardization_mean": [0.5] * 3, "standardization_std": [0.5, 0, 0.5]}, "3 numbers"),
        ({"tiles_overlap": -1}, "tiles_overlap"),
        ({"seg_thresh": "x"}, "seg_thresh"),
    ],
)
def test_impossible_values(metadata, words):
    with pytest.raises(LulcError, match=words):
        read(metadata)


def test_shapes_that_make_no_map():
    with pytest.raises(LulcError, match="how many bands"):
        read({"resolution": 10}, shape=(1, None, 512, 512))
    with pytest.raises(LulcError, match="not square"):
        read({"resolution": 10}, shape=(1, 3, 512, 256))
    with pytest.raises(LulcError, match="2 axes"):
        read({"resolution": 10}, outputs=((None, 10),))


# ---------------------------------------------------------------- whole files


def small_graph(path, metadata, size=64, cut=0, sigmoid=False):
    """One 1 × 1 convolution (cropped by `cut`) over three bands; softmax of two planes or one sigmoid plane."""
    planes = 1 if sigmoid else 2
    weights = np.random.default_rng(4).normal(0, 3, (planes, 3, 1, 1)).astype(np.float32)
    weights -= weights.mean(axis=1, keepdims=True)
    nodes = [helper.make_node("Conv", ["input", "w"], ["c"])]
    last = "c"
    constants = [numpy_helper.from_array(weights, "w")]
    if cut:
        for name, numbers in (("from", [cut, cut]), ("to", [size - cut, size - cut]), ("axes", [2, 3])):
            constants.append(numpy_helper.from_array(np.array(numbers, np.int64), name))
        nodes.append(helper.make_node("Slice", [last, "from", "to", "axes"], ["s"]))
        last = "s"
    nodes.append(
        helper.make_node("Sigmoid", [last], ["output"])
        if sigmoid
        else helper.make_node("Softmax", [last], ["output"], axis=1)
    )  # noqa: E501
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes, "g", [value("input", TensorProto.FLOAT, [1, 3, size, size])],
        [value("output", TensorProto.FLOAT, [1, planes, size - 2 * cut, size - 2 * cut])], constants,
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 7
    for key, text in metadata.items():
        entry = model.metadata_props.add()
        entry.key, entry.value = key, text
    onnx.save(model, path)
    return weights


@pytest.mark.parametrize(("cut", "sigmoid"), [(0, False), (6, False), (0, True)])
def test_a_map_of_such_a_network(raster, classify, tmp_path, cut, sigmoid):
    path = tmp_path / "tea.onnx"
    weights = small_graph(
        path, {"model_type": '"Segmentor"', "class_names": "{0: 'coffee', 1: 'tea'}"}, 64, cut, sigmoid
    )
    image = np.random.default_rng(2).integers(1, 256, (4, 90, 101)).astype(np.uint8)
    made = classify(raster("a.tif", image, names=None), model_file=str(path))
    scores = np.einsum("oc,chw->ohw", weights[:, :, 0, 0], image[:3].astype(np.float32) / np.float32(255))
    expected = (scores[0] > 0).astype(int) if sigmoid else scores.argmax(axis=0)
    sure = np.abs(scores[0]) > 1e-4 if sigmoid else np.abs(scores[0] - scores[1]) > 1e-4
    np.testing.assert_array_equal(made.values[sure], expected[sure])
    assert made.result.legend.names == ("coffee", "tea")
    # four bands, three wanted: the first three, and a word about it
    assert any("first 3" in warning for warning in made.result.warnings)


def test_too_few_bands_are_refused(raster, classify, tmp_path):
    small_graph(tmp_path / "tea.onnx", {"model_type": '"Segmentor"'})
    with pytest.raises(LulcError, match="2 bands"):
        classify(raster("a.tif", np.ones((2, 70, 70), np.uint8), names=None), model_file=str(tmp_path / "tea.onnx"))


def test_errors_name_the_file(tmp_path):
    small_graph(tmp_path / "cars.onnx", {"model_type": '"Detector"'})
    with pytest.raises(LulcError, match="cars.onnx.*Detector"):
        catalogue.load(tmp_path / "cars.onnx")


def test_ultralytics_is_not_deepness(tmp_path):
    path = tmp_path / "yolo.onnx"
    small_graph(path, {"names": "{0: 'car', 1: 'tree'}", "task": "segment", "stride": "32", "imgsz": "[64, 64]"})
    with pytest.raises(LulcError, match="Ultralytics.*segment"):
        catalogue.load(path)


@needs_graphs
def test_two_outputs_of_another_plugin():
    spec = catalogue.load(SHARED / "two_outputs_softmax_bsx2x512x512.onnx").spec
    assert spec.legend.names == ("Coffee", "Tea")
    assert spec.output.name == "output"
    assert any("output2" in note for note in spec.notes)
    assert (spec.window.size, spec.window.minimum) == (512, 512)


@needs_graphs
@pytest.mark.parametrize("name", ["one_output_sigmoid_red_detector", "different_output_size_512_to_484"])
def test_graphs_without_metadata_point_to_describemodel(name):
    with pytest.raises(LulcError, match="no description") as caught:
        catalogue.load(SHARED / f"{name}.onnx")
    assert "describe_network" in str(caught.value)
