# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks for other tasks are named for what they are; lists beside a map are not taken for one."""

import json

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from lulc_plugin.errors import LulcError, ModelUnusable
from lulc_plugin.legend import LegendClass
from lulc_plugin.model import catalogue, describe_network, foreign_files, mlm

CLASSES = tuple(LegendClass(i + 1, f"class {i}", f"#{30 * i:02X}8080") for i in range(6))


def network(path, outputs, metadata=(), size=96):
    """A network whose outputs are `map N`: scores of N classes, or `list A B …`: zeros of that shape."""
    nodes, constants, infos = [], [], []
    value = helper.make_tensor_value_info
    for name, words in outputs.items():
        kind, *numbers = words.split()
        lengths = [int(n) for n in numbers]
        if kind == "list":
            constants += [
                numpy_helper.from_array(np.zeros(lengths, np.float32), f"{name}_zeros"),
            ]
            nodes.append(helper.make_node("ReduceMean", ["image"], [f"{name}_mean"], keepdims=0))
            nodes.append(helper.make_node("Add", [f"{name}_zeros", f"{name}_mean"], [name]))
            infos.append(value(name, TensorProto.FLOAT, lengths))
        else:
            weights = np.random.default_rng(1).normal(0, 1, (lengths[0], 3, 1, 1)).astype(np.float32)
            constants.append(numpy_helper.from_array(weights, f"{name}_w"))
            nodes.append(helper.make_node("Conv", ["image", f"{name}_w"], [name]))
            infos.append(value(name, TensorProto.FLOAT, [1, lengths[0], size, size]))
    graph = helper.make_graph(nodes, "g", [value("image", TensorProto.FLOAT, [1, 3, size, size])], infos, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    for key, text in dict(metadata).items():
        entry = model.metadata_props.add()
        entry.key, entry.value = key, text
    onnx.save(model, path)
    return path


def described(path, count):
    return describe_network(path, "red,green,blue", CLASSES[:count], "0-1")


# ---------------------------------------------------------------- lists beside maps


@pytest.mark.parametrize("count", [1, 2, 6])
@pytest.mark.parametrize(
    "lists",
    [
        {"boxes": "list 1 37 8400"},
        {"boxes": "list 1 300 4", "labels": "list 1 300"},
        {"a": "list 1 96 48", "b": "list 7"},
    ],
)
def test_lists_beside_a_map_are_named_and_not_taken(tmp_path, count, lists):
    path = network(tmp_path / "net.onnx", {**lists, "scores": f"map {count}"})
    spec = described(path, count)
    assert spec.output.name == "scores" and spec.output.plane is (count == 1)
    assert f"not of {next(iter(lists))!r}" in spec.description.replace('"', "'")


def test_of_a_plane_with_and_without_a_class_axis_the_former_counts(tmp_path):
    spec = described(network(tmp_path / "net.onnx", {"flat": "list 1 96 96", "scores": "map 2"}), 2)
    assert spec.output.name == "scores" and not spec.output.plane


def test_lists_alone_make_no_map(tmp_path):
    path = network(tmp_path / "net.onnx", {"boxes": "list 1 37 8400", "labels": "list 1 300"})
    for count in (1, 2, 6):
        with pytest.raises(LulcError, match="1 × 37 × 8400") as caught:
            described(path, count)
        assert "makes no map" in caught.value.remedy


def test_lists_before_a_map_do_not_hide_it_from_the_plugin_deepness(tmp_path):
    path = network(tmp_path / "net.onnx", {"boxes": "list 1 37 8400", "scores": "map 2"}, {"model_type": '"Segmentor"'})
    spec = catalogue.load(path).spec
    assert spec.output.name == "scores" and any("not of 'boxes'" in note for note in spec.notes)


# ---------------------------------------------------------------- what a network is

YOLO = {"stride": "32", "names": "{0: 'building', 1: \"farmer's barn\"}"}
OTHERS = [
    ({**YOLO, "task": "segment", "description": "Ultralytics YOLOv8n-seg"}, "YOLOv8n-seg.*'segment': it outlines"),
    (
        {**YOLO, "task": "detect"},
        "Ultralytics for the task 'detect': it draws boxes.*2 classes: building, farmer's barn",
    ),
    ({**YOLO, "task": "obb"}, "turned boxes"),
    ({**YOLO, "task": "pose"}, "points of objects"),
    ({**YOLO, "task": "classify"}, "whole pictures"),
    ({**YOLO, "task": "depth"}, "'depth'"),
    (YOLO, "Ultralytics.*boxes"),
    ({"model_type": '"Detector"', "class_names": '{"0": "car"}'}, "Deepness.*'Detector'.*1 class: car"),
    ({"model_type": '"Regressor"'}, "a number for each pixel"),
    ({"model_type": '"Superresolution"', "names": "{0: 'x'}", "stride": "4"}, "pictures of pictures"),
]


@pytest.mark.parametrize(("metadata", "words"), OTHERS)
def test_networks_for_other_tasks_are_refused(tmp_path, metadata, words):
    path = network(tmp_path / "net.onnx", {"scores": "map 2"}, metadata)
    with pytest.raises(ModelUnusable, match=words) as caught:
        described(path, 2)
    assert "semantic segmentation" in caught.value.remedy
    if "stride" in metadata and "model_type" not in metadata:
        with pytest.raises(ModelUnusable, match=words):
            catalogue.load(path)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("net.onnx.json", {"task": "object-detection", "id2label": {"0": "car"}}, "geoai.*'object-detection'.*car"),
        ("net.emd", {"ModelType": "ObjectDetection", "Classes": [{"Name": "tree"}]}, "ArcGIS.*boxes.*1 class: tree"),
        ("net.emd", {"ModelType": "ChangeDetection"}, "compares two"),
    ],
)
def test_files_beside_a_network_say_what_it_is(tmp_path, name, content, words):
    path = network(tmp_path / "net.onnx", {"scores": "map 2"})
    (tmp_path / name).write_text(json.dumps(content))
    with pytest.raises(ModelUnusable, match=words):
        described(path, 2)


@pytest.mark.parametrize(
    "metadata", [{**YOLO, "task": "semantic"}, {"model_type": '"Segmentor"', "names": "{0: 'building', 1: 'road'}"}]
)
def test_what_a_network_for_maps_says_of_itself_is_told(tmp_path, metadata):
    spec = described(network(tmp_path / "net.onnx", {"scores": "map 2"}, metadata), 2)
    assert "for semantic segmentation (2 classes: building" in spec.description


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("net.emd", {"ModelType": "ImageClassification", "Classes": [{"Name": "tree"}]}, "ArcGIS for semantic segm"),
        ("net.emd", {"ModelType": "SomethingNew"}, ""),
        ("net.onnx.json", {"task": "image-segmentation"}, "geoai for semantic segmentation"),
        ("net.onnx.json", {"task": 7}, ""),
        ("net.onnx.json", {"task": "dense-something"}, ""),
    ],
)
def test_files_beside_a_network_for_maps(tmp_path, name, content, told):
    path = network(tmp_path / "net.onnx", {"scores": "map 2"})
    (tmp_path / name).write_text(json.dumps(content))
    description = described(path, 2).description
    assert told in description and ("It is" in description) is bool(told)


@pytest.mark.parametrize("metadata", [{}, {"names": "{0: 'a', 1: 'b'}"}, {"author": "us", "task": "land cover"}])
def test_metadata_that_tells_no_task_is_no_obstacle(tmp_path, metadata):
    spec = described(network(tmp_path / "net.onnx", {"scores": "map 2"}, metadata), 2)
    assert "for semantic segmentation" not in spec.description


@pytest.mark.parametrize("text", ["", "{", "{0: 'a" * 2000, "{'0': 1}", "\x00" * 50, "{0: '" + "x" * 99_999 + "'}"])
def test_names_that_are_none(tmp_path, text):
    assert len(foreign_files._names_in(text)) <= 2000
    with pytest.raises(ModelUnusable, match="'detect'"):
        foreign_files.refuse_other_tasks(tmp_path / "a.onnx", {**YOLO, "names": text, "task": "detect"})


@pytest.mark.parametrize(
    ("tasks", "usable"),
    [
        (["instance-segmentation"], False),
        (["detection", "instance-segmentation"], False),
        (["semantic-segmentation", "detection"], True),
    ],
)
def test_a_description_of_single_objects_is_refused(tmp_path, tasks, usable):
    item = mlm.to_item(described(network(tmp_path / "net.onnx", {"scores": "map 2"}), 2))
    item["properties"]["mlm:tasks"] = tasks
    if usable:
        assert mlm.from_item(item).output.name == "scores"
        return
    with pytest.raises(LulcError, match="instance-segmentation"):
        mlm.from_item(item)
