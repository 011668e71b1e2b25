# SPDX-License-Identifier: GPL-3.0-or-later
"""A bare .onnx file gets a description: bands, classes, scaling, activation, layout, sizes; and then it runs."""

import json
import re
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from lulc_plugin.errors import LulcError
from lulc_plugin.legend import LegendClass
from lulc_plugin.model import (
    Smoothing,
    catalogue,
    classes_of_cells,
    classes_of_file,
    describe_network,
    mlm,
    suggested_name,
    write_description,
)
from lulc_plugin.model.describe import probe
from lulc_plugin.model.describe.user_text import bands_of, classes_of_rows, read_scaling
from lulc_plugin.options import PYTHON, render
from lulc_plugin.raster import apply_steps

WEIGHTS = Path(__file__).resolve().parents[3].parent / "shared" / "weights"
needs_weights = pytest.mark.skipif(not WEIGHTS.is_dir(), reason="../shared/weights is not beside the checkout")
THREE = (LegendClass(1, "water", "#0000FF"), LegendClass(2, "land", "#00FF00"), LegendClass(3, "town", "#FF0000"))
TWO = THREE[:2]


def bare(
    path, bands=4, classes=3, layout="NCHW", end="none", size=None, cut=0, part=1, batch="n", kind="float", shift=0.0,
    three_axes=False,
):  # fmt: skip
    """A 1 × 1 convolution without a description; its last step and its shapes as asked for."""
    tensor = {"float": TensorProto.FLOAT, "float16": TensorProto.FLOAT16, "uint8": TensorProto.UINT8}[kind]
    random = np.random.default_rng(7)
    weights = random.normal(0, 1, (classes, bands, 1, 1)).astype(np.float32)
    constants = [numpy_helper.from_array(weights, "w"), numpy_helper.from_array(np.float32([shift]), "shift")]
    nodes, last = [], "image"

    def add(op, out, *more, **attributes):
        nonlocal last
        nodes.append(helper.make_node(op, [last, *more], [out], **attributes))
        last = out

    if kind != "float":
        add("Cast", "cast", to=TensorProto.FLOAT)
    if layout == "NHWC":
        add("Transpose", "first", perm=[0, 3, 1, 2])
    add("Conv", "conv", "w")
    add("Add", "moved", "shift")
    if cut:
        constants.append(numpy_helper.from_array(np.array([cut, cut], np.int64), "from"))
        constants.append(numpy_helper.from_array(np.array([-cut, -cut], np.int64), "to"))
        constants.append(numpy_helper.from_array(np.array([2, 3], np.int64), "axes"))
        add("Slice", "less", "from", "to", "axes")
    if part > 1:
        add("AveragePool", "part", kernel_shape=[part, part], strides=[part, part])
    if end != "none":
        add({"softmax": "Softmax", "sigmoid": "Sigmoid"}[end], "done", **({"axis": 1} if end == "softmax" else {}))
    if layout == "NHWC":
        add("Transpose", "back", perm=[0, 2, 3, 1])
    if three_axes:
        constants.append(numpy_helper.from_array(np.array([1], np.int64), "one"))
        add("Squeeze", "flat", "one")
    add("Identity", "scores")
    side = size or "s"
    shape = [batch, bands, side, side] if layout == "NCHW" else [batch, side, side, bands]
    value = helper.make_tensor_value_info
    rank = [None] * (3 if three_axes else 4)
    graph = helper.make_graph(
        nodes, "bare", [value("image", tensor, shape)], [value("scores", TensorProto.FLOAT, rank)], constants
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 7
    onnx.save(model, path)
    return path


@pytest.fixture
def net(tmp_path):
    return lambda **options: bare(tmp_path / "net.onnx", **options)


RGBN = "red,green,blue,nir"


# ---------------------------------------------------------------- the graph


def test_smoothing_is_that_of_the_user_alone(net, tmp_path):
    assert describe_network(net(), RGBN, THREE).smoothing is None
    spec = describe_network(net(), RGBN, THREE, smoothing=8)
    assert spec.smoothing == Smoothing(8)
    write_description(spec, tmp_path / "a.json")
    assert mlm.read(tmp_path / "a.json").smoothing == Smoothing(8)
    with pytest.raises(LulcError, match="65; it must be from 1 to 64"):
        describe_network(net(), RGBN, THREE, smoothing=65)


def test_a_plain_network(net):
    spec = describe_network(net(), RGBN, THREE, "10000", 10)
    assert spec.name == "net" and spec.layout == "NCHW"
    assert spec.output.activation == ("softmax", "argmax")
    assert spec.output.name == "scores" and spec.input_name == "image"
    assert (spec.output.cut, spec.output.plane) == (0, False)
    assert (spec.window.size, spec.window.multiple, spec.window.minimum) == (512, 32, 64)
    assert spec.gsd == 10 and spec.gsd_range == pytest.approx((10 / 1.5, 15))
    assert spec.legend.values == (1, 2, 3) and spec.legend.nodata == 0
    assert mlm.from_item(json.loads(json.dumps(mlm.to_item(spec)))) == spec


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
@pytest.mark.parametrize("size", [None, 96])
def test_layout_and_size(net, layout, size):
    spec = describe_network(net(layout=layout, size=size), RGBN, THREE, "none")
    assert spec.layout == layout
    assert (spec.window.size, spec.window.minimum) == ((size, size) if size else (512, 64))
    assert mlm.from_item(mlm.to_item(spec)) == spec


@pytest.mark.parametrize(
    ("options", "activation"),
    [
        ({}, ("softmax", "argmax")),
        ({"shift": 100.0}, ("softmax", "argmax")),
        ({"end": "softmax"}, ("argmax",)),
        ({"end": "sigmoid"}, ("argmax",)),
        ({"end": "softmax", "layout": "NHWC"}, ("argmax",)),
        ({"end": "softmax", "kind": "uint8"}, ("argmax",)),
        ({"kind": "float16"}, ("softmax", "argmax")),
        ({"batch": 3, "end": "softmax"}, ("argmax",)),
    ],
)
def test_activation_by_itself(net, options, activation):
    assert describe_network(net(**options), RGBN, THREE).output.activation == activation


@pytest.mark.parametrize(
    ("said", "activation"),
    [("softmax", ("softmax", "argmax")), ("sigmoid", ("sigmoid", "argmax")), ("none", ("argmax",))],
)
def test_activation_as_said(net, said, activation):
    assert describe_network(net(), RGBN, THREE, activation=said).output.activation == activation


@pytest.mark.parametrize(
    ("end", "activation"), [("sigmoid", ("argmax",)), ("none", ("sigmoid", "argmax"))]
)  # fmt: skip
@pytest.mark.parametrize("three_axes", [False, True])
def test_one_plane(net, end, activation, three_axes):
    path = net(classes=1, end=end, three_axes=three_axes)
    spec = describe_network(path, RGBN, THREE[:1])
    assert spec.output.plane and spec.output.activation == activation
    assert spec.legend.names == ("background", "water") and spec.legend.values == (0, 1)
    assert describe_network(path, RGBN, TWO).legend.names == ("water", "land")


@pytest.mark.parametrize("size", [None, 128])
def test_smaller_and_coarser_outputs(net, size):
    smaller = describe_network(net(cut=6, size=size), RGBN, THREE, "none")
    assert smaller.output.cut == 6 and smaller.window.margin >= 6
    assert mlm.from_item(mlm.to_item(smaller)) == smaller
    coarser = describe_network(net(part=4, size=size), RGBN, THREE)
    assert coarser.output.cut == 0 and coarser.window.multiple % 4 == 0


def test_a_rim_of_a_quarter_is_no_half(net):
    """64 pixels with an answer of 32: a second, larger window tells whether half the size or a rim of 16 is missing."""
    assert describe_network(net(cut=16), RGBN, THREE).output.cut == 16
    assert describe_network(net(part=2), RGBN, THREE).output.cut == 0


REFUSED = [
    ({}, {"band_names": "red,green,blue"}, "3 bands are named.* 4"),
    ({}, {"band_names": ""}, "names of the network's bands are missing"),
    ({}, {"classes": ()}, "classes are missing"),
    ({}, {"classes": TWO}, "2 classes are listed.*'scores' .3 classes"),
    ({}, {"classes": THREE[:1]}, "1 class is listed"),
    ({}, {"scaling": "often"}, "'often' is not understood"),
    ({}, {"gsd": 0}, "pixel size is 0 m"),
    ({}, {"gsd": float("nan")}, "pixel size is nan"),
    ({}, {"activation": "relu"}, "'relu' is not known"),
    ({"layout": "NHWC"}, {"band_names": "red,green"}, "2 bands are named"),
]


@pytest.mark.parametrize(("options", "said", "words"), REFUSED)
def test_refused(net, options, said, words):
    arguments = {"band_names": RGBN, "classes": THREE, **said}
    with pytest.raises(LulcError, match=words) as caught:
        describe_network(net(**options), **arguments)
    assert len(str(caught.value)) < 1500


def test_files_that_are_no_network(tmp_path):
    with pytest.raises(LulcError, match="does not exist"):
        describe_network(tmp_path / "a.onnx", RGBN, THREE)
    (tmp_path / "a.onnx").write_bytes(b"nonsense")
    with pytest.raises(LulcError, match="cannot be loaded"):
        describe_network(tmp_path / "a.onnx", RGBN, THREE)
    with pytest.raises(LulcError, match="PyTorch"):
        describe_network(tmp_path / "a.pth", RGBN, THREE)


def test_then_it_runs(net, raster, classify, scene, tmp_path):
    path = net(end="softmax")
    write_description(describe_network(path, RGBN, THREE, "10000", 30), tmp_path / "net.json")
    image = scene(120, 140)
    made = classify(raster("a.tif", image), model_file=str(path))
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    scores = session.run(None, {"image": (image[None] / np.float32(10_000)).astype(np.float32)})[0][0]
    top = np.sort(scores, axis=0)
    sure = top[-1] - top[-2] > 1e-4
    np.testing.assert_array_equal(made.values[sure], scores.argmax(axis=0)[sure] + 1)
    assert sure.mean() > 0.99


def test_writing(net, tmp_path):
    spec = describe_network(net(), RGBN, THREE)
    with pytest.raises(LulcError, match="does not end in .json"):
        write_description(spec, tmp_path / "net.txt")
    with pytest.raises(LulcError, match="cannot be written"):
        write_description(spec, tmp_path / "nowhere" / "net.json")
    assert suggested_name(Path("/a/b.v1.ONNX")) == "b.v1.json"


def test_a_description_of_another_file_is_refused(net, tmp_path):
    path = net()
    write_description(describe_network(path, RGBN, THREE), tmp_path / "net.json")
    bare(path, end="softmax")
    with pytest.raises(LulcError, match="bytes, but its description was written for"):
        catalogue.load(path)


def test_a_description_that_leaves_the_activation_open(net, tmp_path):
    path = net(end="softmax")
    item = mlm.to_item(describe_network(path, RGBN, THREE))
    item["properties"]["mlm:output"][0]["post_processing_function"] = None
    (tmp_path / "net.json").write_text(json.dumps(item))
    spec = catalogue.load(path).spec
    assert spec.output.activation == ("argmax",)
    assert any("sum to 1" in note for note in spec.notes)
    item["properties"]["mlm:output"][0]["name"] = "other"
    (tmp_path / "net.json").write_text(json.dumps(item))
    with pytest.raises(LulcError, match="no output 'other'; it has scores"):
        catalogue.load(path)


def test_the_reason_is_told(net):
    assert "sum to 1" in describe_network(net(end="softmax"), RGBN, THREE).description
    assert "each class by itself" in describe_network(net(end="sigmoid"), RGBN, THREE).description
    assert "softmax is applied" in describe_network(net(), RGBN, THREE).description


@pytest.mark.parametrize(
    ("options", "said", "words"),
    [
        ({}, "none", "activation=none says probabilities.* the sums were −.* … .*; choose softmax"),
        ({"layout": "NHWC"}, "none", "; choose softmax"),
        ({"end": "sigmoid"}, "none", "each class has a score by itself"),
        ({"end": "softmax"}, "softmax", "activation=softmax.*probabilities already; choose none"),
        ({"end": "softmax"}, "none", None),
        ({"end": "sigmoid"}, "softmax", None),
        ({}, "softmax", None),
        ({}, "sigmoid", None),
        ({}, "auto", None),
    ],
)
def test_an_activation_that_random_windows_speak_against_is_warned_of(net, options, said, words):
    warnings = describe_network(net(**options), RGBN, THREE, "none", activation=said).warnings
    assert len(warnings) == (words is not None)
    assert words is None or re.search(words, render(warnings[0], PYTHON)), warnings


def test_a_single_plane_of_raw_scores_said_to_be_probabilities(net):
    (warning,) = describe_network(net(classes=1), RGBN, THREE[:1], "none", activation="none").warnings
    assert re.search("the numbers were .* … .*; choose sigmoid", warning)
    assert describe_network(net(classes=1, end="sigmoid"), RGBN, THREE[:1], "none", activation="none").warnings == ()


@pytest.mark.parametrize(
    ("end", "words"), [("none", "they run from"), ("sigmoid", "the sums of a pixel's scores run from"), ("softmax", "")]
)
def test_scores_that_are_no_probabilities_are_noticed_in_the_run(net, raster, classify, scene, tmp_path, end, words):
    path = net(end=end)
    write_description(describe_network(path, RGBN, THREE, "10000", 30, "none"), tmp_path / "net.json")
    made = classify(raster("a.tif", scene(600, 140)), model_file=str(path))
    told = [w for w in made.progress.warnings if "not probabilities" in w]
    (line,) = [text for text in made.progress.lines if "Mean confidence" in text]
    if not words:
        assert told == [] and 0 < made.result.confidence <= 1 and re.search(r"map 0\.\d{3};", line)
        return
    assert len(told) == 1 and words in told[0] and "the mean confidence is not meaningful" in told[0]
    assert told[0] in made.result.warnings
    assert made.result.confidence is None
    assert "not meaningful" in line and not re.search(r"\d\.\d{3}", line)


def test_a_scaling_that_was_not_given_is_told(net):
    for said in (None, "", " "):
        (note,) = describe_network(net(), RGBN, THREE, said).notes
        assert "scaling was not given" in render(note, PYTHON) and "wrong map without an error" in note
    assert describe_network(net(), RGBN, THREE, "none").notes == ()


@pytest.mark.parametrize("said", ["10000", "255", "0-1", "scale 3000", "z-score 500/400", '[{"op": "log1p"}]'])
def test_a_scaling_of_which_whole_numbers_leave_nothing_is_refused(net, said):
    with pytest.raises(LulcError, match=r"whole numbers \(uint8\), but scaling=.*which leaves \d+ different") as caught:
        describe_network(net(kind="uint8"), RGBN, THREE, said)
    assert "scaling=none" in str(caught.value)
    assert describe_network(net(kind="float16"), RGBN, THREE, said)


@pytest.mark.parametrize("said", ["none", "scale 40"])
def test_a_scaling_that_whole_numbers_can_take(net, said):
    assert describe_network(net(kind="uint8"), RGBN, THREE, said).forms


def test_judging_numbers_that_are_not_finite():
    assert probe.activation_problem("none", [np.full((1, 2, 4, 4), np.nan)], False, "NCHW") == ""
    with pytest.raises(LulcError, match="not finite"):
        probe.activation_of([np.full((1, 2, 4, 4), np.nan)], False, "NCHW")


# ---------------------------------------------------------------- words


@pytest.mark.parametrize(
    ("text", "common"),
    [
        ("red,green,blue,nir", ("red", "green", "blue", "nir")),
        ("red; green ;blue", ("red", "green", "blue")),
        ("red green blue", ("red", "green", "blue")),
        ("r,g,b,n", ("red", "green", "blue", "nir")),
        ("Red Edge 1, SWIR1", ("rededge071", "swir16")),
        ("B04,B03,B02,B08", ("red", "green", "blue", "nir")),
        ("B02,B8A,B11", ("blue", "nir08", "swir16")),
        ("landsat-8: B5,B4,B3", ("nir08", "red", "green")),
        ("Landsat 7: B5 B4 B3", ("swir16", "nir", "red")),
        ("sentinel-2: B5", ("rededge071",)),
        ("VV,VH", (None, None)),
        ("dem,red", (None, "red")),
    ],
)
def test_band_names(text, common):
    bands = bands_of(text)
    assert tuple(b.common_name for b in bands) == common
    for band in bands:
        assert (band.wavelength is None) == (band.common_name is None)


def test_wavelengths_of_sensors():
    assert bands_of("nir")[0].wavelength == 0.8328
    assert bands_of("landsat-8: B4")[0].wavelength == 0.655
    assert bands_of("landsat-5: B4")[0].wavelength == 0.830


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("B4,B3,B2", "'B4' could be nir or red"),
        ("B02,B03,B04,B05", "'B05' could be nir08 or rededge071"),
        ("B77", "No sensor known here"),
        ("landsat-8: B8A", "no band 'B8A'"),
        ("moonshot: red", "'moonshot' is not known"),
        ("1,2,3", "numbers of bands"),
        ("red,red", "named twice"),
        (" , ;", "missing"),
        (",".join(f"b{i}x" for i in range(600)), "600 band names"),
    ],
)
def test_band_names_refused(text, words):
    with pytest.raises(LulcError, match=words):
        bands_of(text)


SCALINGS = [
    ("none", "dn", lambda x: x),
    ("", "dn", lambda x: x),
    ("0-1", "reflectance", lambda x: x),
    ("255", "byte", lambda x: x / 255),
    ("/255", "byte", lambda x: x / 255),
    ("10000", "dn", lambda x: x / 10_000),
    ("Scale  3000", "dn", lambda x: x / 3000),
    ("scale 1", "dn", lambda x: x),
    ("imagenet", "byte", lambda x: (x / 255 - 0.485) / 0.229),
    ("z-score 1353,1117,1042/897,736,684", "dn", lambda x: (x - 1353) / 897),
    ("zscore 100 / 50", "byte", lambda x: (x - 100) / 50),
    ("z-score 0.1,0.2,0.3/0.05,0.05,0.05", "reflectance", lambda x: (x - 0.1) / 0.05),
    ('[{"op": "scale", "value": 200}, {"op": "log1p"}]', "dn", lambda x: np.log1p(x / 200)),
    ('{"op": "scale", "value": 7}', "dn", lambda x: x / 7),
    ('{"unit": "reflectance", "steps": [{"op": "sqrt"}]}', "reflectance", np.sqrt),
    ('[[{"op": "scale", "value": 5}], [], []]', "dn", lambda x: x / 5),
]


@pytest.mark.parametrize(("text", "unit", "formula"), SCALINGS)
def test_scalings(text, unit, formula):
    scaling = read_scaling(text, 3)
    values = np.array([0.5, 10, 200, 4000])
    assert scaling.forms[0].unit == unit
    np.testing.assert_allclose(apply_steps(values, scaling.channel_steps[0]), formula(values), rtol=1e-5)
    assert all(len(form.band_steps) == 3 for form in scaling.forms)


def test_scaling_of_reflectance_takes_pictures_too():
    forms = read_scaling("0-1", 2).forms
    assert [f.unit for f in forms] == ["reflectance", "byte"]
    np.testing.assert_allclose(apply_steps(np.array([51]), forms[1].band_steps[0]), [0.2])


@pytest.mark.parametrize(
    ("text", "count", "words"),
    [
        ("imagenet", 4, "3 channels"),
        ("scale 0", 3, "divided by 0"),
        ("scale 1e400", 3, "divided by inf"),
        ("z-score 1,2/1,1,1", 3, "2 times a mean"),
        ("z-score 1,2,3/1,1", 3, "2 times a standard deviation"),
        ("z-score a/b", 3, "mean"),
        ("z-score 1/0", 3, "standard deviation is 0"),
        ("[1, 2]", 3, "op"),
        ("[[], []]", 3, "2 channels"),
        ("{", 3, "not JSON"),
        ("[" * 5000, 3, "not JSON"),
        ('{"unit": "kelvin", "steps": []}', 3, "kelvin"),
        ('[{"op": "__import__"}]', 3, "unknown"),
        ("__import__('os')", 3, "not understood"),
        ("x" * 200_000, 3, "200,000 characters"),
    ],
)
def test_scalings_refused(text, count, words):
    with pytest.raises(LulcError, match=words):
        read_scaling(text, count)


def test_nan_in_a_scaling_is_said_as_such():
    with pytest.raises(LulcError, match="mean is NaN"):
        read_scaling('[{"op": "z-score", "mean": NaN, "stddev": 1}]', 3)


def test_stored_numbers_of_satellites_can_be_made_from_reflectance(net):
    """A network for DN / 10,000 also takes a float layer of reflectance: the bands say how to get back to DN."""
    assert {b.scale for b in describe_network(net(), RGBN, THREE, "10000").bands} == {0.0001}
    assert {b.scale for b in describe_network(net(), RGBN, THREE, "255").bands} == {None}
    assert {b.scale for b in describe_network(net(), RGBN, THREE, "none").bands} == {None}


def test_class_tables(tmp_path):
    expected = (("Water", "#0064C8"), ("Land", "#ABCDEF"))
    made = classes_of_cells([1, "Water", "0064c8", 2.0, "Land", "#abcdef", "", None, ""])
    assert tuple((c.name, c.colour) for c in made) == expected and [c.value for c in made] == [1, 2]
    assert [c.name for c in classes_of_cells(["1", "a", "2", "b"], columns=2)] == ["a", "b"]
    path = tmp_path / "classes.csv"
    for text in (
        "1,Water,#0064C8\n2,Land,ABCDEF\n",
        "\ufeffvalue,name,colour\r\n1,Water,#0064C8\r\n2,Land,#ABCDEF\r\n\r\n",
        "name;color;value\nWater;#0064C8;1\nLand;#ABCDEF;2\n",
        'value,name,colour\n1,"Water","#0064C8"\n2,Land,#ABCDEF\n',
    ):
        path.write_text(text, encoding="utf-8")
        assert tuple((c.name, c.colour) for c in classes_of_file(path)) == expected
    path.write_text("1,Water\n2,background\n")
    assert re.fullmatch("#[0-9A-F]{6}", classes_of_file(path)[0].colour)
    assert classes_of_file(path)[1].colour == "#B4B4B4"


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([], "is empty"),
        ([["", ""]], "is empty"),
        ([["one", "Water"]], "'one' in row 1 is not a whole number"),
        ([[1.5, "Water"]], "not a whole number"),
        ([[1, ""]], "has no name"),
        ([[1]], "has no name"),
        ([[1, "a", "blue"]], "colour 'blue' in row 1"),
        ([[1, "a"], [1, "b"]], "value 1 stands in two rows"),
        ([[70000, "a"]], "70000"),
        ([[-1, "a"]], "-1"),
    ],
)
def test_class_tables_refused(rows, words):
    with pytest.raises(LulcError, match=words):
        classes_of_rows(rows, "The table")


def test_class_files_refused(tmp_path):
    with pytest.raises(LulcError, match="cannot be read"):
        classes_of_file(tmp_path / "none.csv")
    (tmp_path / "a.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(LulcError, match="cannot be read"):
        classes_of_file(tmp_path / "a.csv")
    with pytest.raises(LulcError, match="4 cells, which is not 3"):
        classes_of_cells([1, "a", "", 2])


# ---------------------------------------------------------------- networks of others

GRAPHS = [
    ("dynamicworld/dynamicworld_forward_dn.onnx", 9, ("argmax",), 0, False),
    ("dynamicworld/dynamicworld_forward.onnx", 9, ("softmax", "argmax"), 0, False),
    ("third_party/different_output_size_512_to_484.onnx", 2, ("argmax",), 14, False),
    ("third_party/two_outputs_softmax_bsx2x512x512.onnx", 2, ("argmax",), 0, False),
    ("third_party/one_output_sigmoid_red_detector.onnx", 1, ("argmax",), 0, True),
]


@needs_weights
@pytest.mark.parametrize(("file", "count", "activation", "cut", "plane"), GRAPHS)
def test_networks_of_others(file, count, activation, cut, plane):
    bands = "sentinel-2: B2,B3,B4,B5,B6,B7,B8,B11,B12" if "world" in file else "red,green,blue"
    classes = classes_of_rows([[i + 1, f"class {i}"] for i in range(count)], "classes")
    spec = describe_network(WEIGHTS / file, bands, classes, "none" if "world" in file else "255")
    assert (spec.output.activation, spec.output.cut, spec.output.plane) == (activation, cut, plane)
    assert spec.window.size == 512 and (spec.window.minimum == 512) is ("world" not in file)
