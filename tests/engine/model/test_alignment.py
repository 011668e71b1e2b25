# SPDX-License-Identifier: GPL-3.0-or-later
"""Scores that lie beside their pixels, mirrored or turned are found when a network is described."""

import json

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from lulc_plugin.errors import ModelUnusable
from lulc_plugin.legend import LegendClass
from lulc_plugin.model import catalogue, describe_network, mlm, write_description
from lulc_plugin.model.describe import alignment

TWO = (LegendClass(1, "land", "#00FF00"), LegendClass(2, "town", "#FF0000"))
RANGES = [(0.0, 1.0)] * 3


def of_pixels(change):
    """A network of one 1 × 1 convolution whose scores are `change`d afterwards."""
    weights = np.random.default_rng(3).normal(0, 1, (2, 3)).astype(np.float32)
    return lambda window: change(np.einsum("oc,chw->ohw", weights, window))


def blurred(scores, reach=3):
    """Scores that look around themselves as far on every side."""
    padded = np.pad(scores, ((0, 0), (reach, reach), (reach, reach)), mode="edge")
    rows, cols = scores.shape[1:]
    shifts = [(r, c) for r in range(2 * reach + 1) for c in range(2 * reach + 1)]
    return np.tanh(sum(padded[:, r : r + rows, c : c + cols] for r, c in shifts) / len(shifts))


@pytest.mark.parametrize(
    "change",
    [lambda s: s, blurred, lambda s: s[:, ::2, ::2], lambda s: s[:, 6:-6, 6:-6], lambda s: np.tanh(s * 5)],
    ids=["plain", "blurred", "half", "middle", "saturated"],
)
def test_scores_in_place(change):
    assert alignment.measure_alignment(of_pixels(change), RANGES, 128) == alignment.Alignment()


@pytest.mark.parametrize("shift", [(-15, -15), (1, 0), (0, -1), (7, -3), (40, 2)])
@pytest.mark.parametrize("around", [lambda s: s, blurred], ids=["plain", "blurred"])
def test_a_shift_is_told_in_pixels(shift, around):
    moved = of_pixels(lambda s: np.roll(around(s), shift, (1, 2)))
    assert alignment.measure_alignment(moved, RANGES, 128).shift == shift


def test_a_shift_of_smaller_scores_is_told_in_pixels_of_the_window():
    """Of a stride of two from the first pixel: two and a half pixels aside, the half of its own."""
    moved = of_pixels(lambda s: np.roll(s, (2, 2), (1, 2))[:, ::2, ::2])
    assert alignment.measure_alignment(moved, RANGES, 128).shift == (2.5, 2.5)


@pytest.mark.parametrize(
    ("turn", "words"),
    [
        (lambda s: s[:, :, ::-1], "left to right"),
        (lambda s: s[:, ::-1], "top to bottom"),
        (lambda s: s[:, ::-1, ::-1], "180°"),
        (lambda s: s.transpose(0, 2, 1), "rows and columns were exchanged"),
        (lambda s: np.rot90(s, 1, (1, 2)), "90° to the left"),
        (lambda s: np.rot90(s, 3, (1, 2)), "90° to the right"),
        (lambda s: np.roll(blurred(s)[:, ::-1], 5, 1), "top to bottom"),
    ],
)
def test_scores_that_are_turned(turn, words):
    assert words in alignment.measure_alignment(of_pixels(turn), RANGES, 128).turned


@pytest.mark.parametrize(
    "change",
    [
        lambda s: np.zeros_like(s),
        lambda s: np.full_like(s, np.nan),
        lambda s: np.broadcast_to(s.mean(axis=(1, 2), keepdims=True), s.shape),
        lambda s: np.random.default_rng(abs(int(s.sum() * 1000))).normal(size=s.shape),
        lambda s: s[:, :100, :50],
    ],
    ids=["constant", "nan", "whole window", "noise", "part of it"],
)
def test_scores_that_do_not_follow_the_pattern_say_nothing(change):
    assert alignment.measure_alignment(of_pixels(change), RANGES, 128) is None


# ---------------------------------------------------------------- in a description


def padded(path, before, after, size=None, flip=False, stride=1):
    """A graph that pads by `before` and cuts at `after` again, as converters do."""
    weights = np.array([[1, -1, 0], [-1, 1, 0]], np.float32)[:, :, None, None] * 8
    ints = {
        "pads": [0, 0, before, before, 0, 0, after, after], "from": [after, after], "to": [-before or 1 << 30] * 2,
        "axes": [2, 3],
    }  # fmt: skip
    constants = [numpy_helper.from_array(np.array(v, np.int64), k) for k, v in ints.items()]
    constants.append(numpy_helper.from_array(weights, "w"))
    nodes = [
        helper.make_node("Pad", ["image", "pads"], ["padded"], mode="reflect"),
        helper.make_node("Slice", ["padded", "from", "to", "axes"], ["moved"]),
        helper.make_node("Conv", ["moved", "w"], ["scored"], strides=[stride, stride]),
    ]
    if flip:
        turned = {"back": [-1], "end": [-(1 << 30)], "columns": [3], "steps": [-1]}
        constants += [numpy_helper.from_array(np.array(v, np.int64), k) for k, v in turned.items()]
        nodes.append(helper.make_node("Slice", ["scored", "back", "end", "columns", "steps"], ["scores"]))
    else:
        nodes.append(helper.make_node("Identity", ["scored"], ["scores"]))
    value, shape = helper.make_tensor_value_info, [1, 3, size or "s", size or "s"]
    graph = helper.make_graph(
        nodes, "g", [value("image", TensorProto.FLOAT, shape)], [value("scores", TensorProto.FLOAT, [None] * 4)],
        constants,
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    onnx.save(model, path)
    return path


def described(path, scaling="0-1"):
    return describe_network(path, "red,green,blue", TWO, scaling)


def test_a_network_in_place_has_no_warning(tmp_path):
    spec = described(padded(tmp_path / "net.onnx", 0, 0, 160))
    assert spec.output.shift == (0, 0) and spec.warnings == ()
    assert "lulc:output_shift" not in mlm.to_item(spec)["properties"]


@pytest.mark.parametrize(
    ("before", "after", "size", "scaling", "words"),
    [
        (0, 15, 320, "0-1", "15 px up and 15 px to the left"),
        (1, 0, None, "255", "1 px down and 1 px to the right"),
        (0, 4, None, "imagenet", "4 px up and 4 px to the left"),
    ],
)
def test_a_shift_is_told_when_a_network_is_described_and_whenever_it_is_run(
    tmp_path, raster, classify, scene, before, after, size, scaling, words
):
    path = padded(tmp_path / "net.onnx", before, after, size)
    spec = described(path, scaling)
    assert any(words in warning for warning in spec.warnings)
    write_description(spec, tmp_path / "net.json")
    again = catalogue.load(path).spec
    assert again.output == spec.output and any(words in warning for warning in again.warnings)
    if size is None:
        made = classify(raster("a.tif", scene(80, 80, bands=3), names=("red", "green", "blue")), model_file=str(path))
        assert any(words in warning for warning in made.result.warnings)


def test_a_pattern_that_shows_nothing_is_told(tmp_path):
    path = padded(tmp_path / "net.onnx", 0, 0, 96)
    model = onnx.load(path)
    weights = next(w for w in model.graph.initializer if w.name == "w")
    weights.CopyFrom(numpy_helper.from_array(np.zeros((2, 3, 1, 1), np.float32), "w"))
    onnx.save(model, path)
    assert "did not show" in described(path).description
    assert "did not show" not in described(padded(tmp_path / "b.onnx", 0, 0, 96)).description


def test_mirrored_scores_are_refused(tmp_path):
    with pytest.raises(ModelUnusable, match="mirrored left to right.*test pattern") as caught:
        described(padded(tmp_path / "net.onnx", 0, 0, flip=True))
    assert "export it again" in caught.value.remedy


@pytest.mark.parametrize("value", ["far", [1], [1, 2, 3], [0, 1e9], [None, 1]])
def test_a_shift_that_makes_no_sense_is_refused(tmp_path, value):
    path = padded(tmp_path / "net.onnx", 0, 4)
    item = json.loads(mlm.as_text(described(path)))
    item["properties"]["lulc:output_shift"] = value
    (tmp_path / "net.json").write_text(json.dumps(item))
    with pytest.raises(ModelUnusable, match="output_shift"):
        catalogue.load(path)
