# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks that others made: order of axes, sizes, number types, planes, cut and reduced results, versions."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from affine import Affine
from onnx import TensorProto, helper, numpy_helper

from lulc_plugin.errors import LulcError, ModelUnusable
from lulc_plugin.legend import Legend, LegendClass
from lulc_plugin.model import InputForm, ModelBand, ModelSpec, Network, Output, Window, catalogue
from lulc_plugin.model.runtime import graph_check, graph_file, onnx_file
from lulc_plugin.model.spec import band_channel
from lulc_plugin.raster import Step

SHARED = Path(__file__).resolve().parents[4] / "shared" / "weights"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/weights is not beside this checkout")
KINDS = {"float": TensorProto.FLOAT, "float16": TensorProto.FLOAT16, "double": TensorProto.DOUBLE,
         "uint8": TensorProto.UINT8, "int16": TensorProto.INT16}  # fmt: skip


def foreign(
    *, layout="NCHW", kind="float", classes=4, cut=0, times=1, final="", flat=False, size=("h", "w"), batch="n",
    result=None, more=(), opset=17, ir=8, seed=3,
):  # fmt: skip
    """Two convolutions for four bands in the form asked for; its output is called `answer`."""
    random = np.random.default_rng(seed)
    nodes, weights = [], []
    nodes.append(helper.make_node("Cast", ["image"], ["c"], to=TensorProto.FLOAT))
    x = "c"
    if layout == "NHWC":
        nodes.append(helper.make_node("Transpose", [x], ["t"], perm=[0, 3, 1, 2]))
        x = "t"
    for i, (depth, after) in enumerate(((4, 6), (6, classes))):
        w = random.normal(0, 0.6, (after, depth, 3, 3)).astype(np.float32)
        weights.append(numpy_helper.from_array(w, f"w{i}"))
        pad = 0 if i < cut else 1
        stride = times if i == 0 else 1
        nodes.append(helper.make_node("Conv", [x, f"w{i}"], [f"x{i}"], pads=[pad] * 4, strides=[stride] * 2))
        x = f"x{i}"
        if i == 0:
            nodes.append(helper.make_node("Tanh", [x], ["r"]))
            x = "r"
    if final:
        options = {"axis": 1} if final == "Softmax" else {}
        nodes.append(helper.make_node(final, [x], ["f"], **options))
        x = "f"
    number = {"double": TensorProto.DOUBLE, "float16": TensorProto.FLOAT16}.get(kind, TensorProto.FLOAT)
    nodes.append(helper.make_node("Cast", [x], ["d"], to=number))
    x = "d"
    if flat:
        weights.append(numpy_helper.from_array(np.array([1], np.int64), "one"))
        nodes.append(helper.make_node("Squeeze", [x, "one"], ["answer"]))
    elif layout == "NHWC":
        nodes.append(helper.make_node("Transpose", [x], ["answer"], perm=[0, 2, 3, 1]))
    else:
        nodes.append(helper.make_node("Identity", [x], ["answer"]))
    outputs = []
    for name in (*more, "answer"):
        if name != "answer":
            nodes.append(helper.make_node("Neg", ["answer"], [name]))
        outputs.append(helper.make_tensor_value_info(name, number, result or [None] * (3 if flat else 4)))
    shape = [batch, *size, 4] if layout == "NHWC" else [batch, 4, *size]
    graph = helper.make_graph(
        nodes, "foreign", [helper.make_tensor_value_info("image", KINDS[kind], shape)], outputs, weights
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    model.ir_version = ir
    return model


@pytest.fixture
def foreign_network(tmp_path, spec, monkeypatch):
    """`foreign_network(activation=…, …)` writes a graph and loads it with a description that never was in a file."""

    def make(*, activation=("softmax", "argmax"), cut=0, plane=False, margin=8, multiple=4, steps=None, **options):
        classes = options.get("classes", 1 if plane else 4)
        options["classes"] = classes
        path = tmp_path / "foreign.onnx"
        path.write_bytes(foreign(cut=cut, **options).SerializeToString())
        made = spec("context", name="foreign-v1", classes=max(2, classes))
        made = replace(
            made,
            output=Output("answer", activation, cut=cut, plane=plane),
            layout=options.get("layout", "NCHW"),
            window=Window(size=64, multiple=multiple, minimum=16, margin=margin),
        )
        if steps is not None:
            made = replace(made, channels=tuple(replace(c, steps=steps) for c in made.channels))
        monkeypatch.setattr(catalogue, "load", lambda _: catalogue.Entry(path, made))
        return path, made

    return make


def run_plain(path, tensor, layout="NCHW", name="answer"):
    """What onnxruntime returns for one image `(channels, rows, cols)` without any of our code: `(planes, rows, cols)`."""  # noqa: E501
    session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    fed = tensor[None] if layout == "NCHW" else np.moveaxis(tensor, 0, 2)[None]
    kind = {"tensor(float16)": np.float16, "tensor(double)": np.float64, "tensor(uint8)": np.uint8,
            "tensor(int16)": np.int16}.get(session.get_inputs()[0].type, np.float32)  # fmt: skip
    out = session.run([name], {session.get_inputs()[0].name: np.ascontiguousarray(fed, kind)})[0][0]
    return np.moveaxis(out, 2, 0) if layout == "NHWC" else out


def inner(values, rim=12):
    return values[rim:-rim, rim:-rim]


# ---------------------------------------------------------------- our own graphs


def test_a_session_keeps_little_and_waits_asleep(network):
    net = network("context")
    with Network(Path(net.path), net.spec, threads=2) as opened:
        options = opened._opened.get_session_options()
        assert not options.enable_mem_pattern
        assert options.get_session_config_entry("session.intra_op.allow_spinning") == "0"


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
@pytest.mark.parametrize("kind", ["float", "float16", "double"])
def test_layouts_and_number_types(foreign_network, raster, classify, scene, tensor_of, layout, kind):
    path, spec = foreign_network(layout=layout, kind=kind)
    image = scene(150, 170)
    made = classify(raster("a.tif", image), model_file=str(path))
    expected = run_plain(path, tensor_of(image), layout).argmax(axis=0) + 1
    np.testing.assert_array_equal(inner(made.values), inner(expected))
    assert len(np.unique(made.values)) == 4


@pytest.mark.parametrize("kind", ["uint8", "int16"])
def test_networks_of_whole_numbers(foreign_network, raster, classify, scene, kind):
    """Scaled values are rounded; 300.4 does not become 44 in a byte."""
    path, spec = foreign_network(kind=kind, steps=(Step.of("scale", value=0.002),))
    # a little more: no number ends in one half
    image = scene(60, 70).astype(np.float32) / 10_000 + np.float32(3e-5)
    image[:, 20:30, 20:40] = 0.7
    made = classify(raster("a.tif", image), model_file=str(path), values="reflectance")
    numbers = np.rint(image.astype(np.float64) / 0.002)
    expected = run_plain(path, np.clip(numbers, 0, 255) if kind == "uint8" else numbers).argmax(axis=0) + 1
    np.testing.assert_array_equal(inner(made.values), inner(expected))
    assert any(re.search(f"whole numbers.*{kind}.*rounded", line) for line in made.progress.lines)


@pytest.mark.parametrize(("cut", "rows", "cols"), [(1, 150, 170), (2, 150, 170), (2, 20, 25), (2, 61, 64)])
def test_a_result_without_its_rim(foreign_network, raster, classify, scene, tensor_of, cut, rows, cols):
    path, _ = foreign_network(cut=cut)
    image = scene(rows, cols)
    made = classify(raster("a.tif", image), model_file=str(path))
    # reflected as the grid does it, the whole image shows what every pixel must be, also at the rim
    around = np.pad(tensor_of(image), ((0, 0), (cut, cut), (cut, cut)), mode="reflect")
    expected = run_plain(path, around).argmax(axis=0) + 1
    assert expected.shape == (rows, cols)
    np.testing.assert_array_equal(
        made.values if cut == 2 else inner(made.values), expected if cut == 2 else inner(expected)
    )  # noqa: E501


def test_a_result_without_its_rim_in_parts(foreign_network, raster, classify, scene):
    path, _ = foreign_network(cut=2, margin=2)
    layer = raster("a.tif", scene(150, 170))
    whole = classify(layer, model_file=str(path))
    assert any("overlap 8" in line for line in whole.progress.lines), whole.progress.lines
    x, y = 500_000 + 30 * 33, 9_120_000 - 30 * 101
    part = classify(layer, model_file=str(path), extent=(x, y, x + 30 * 77, y + 30 * 64))
    np.testing.assert_array_equal(part.values, whole.values[37:101, 33:110])


def test_an_overlap_that_leaves_gaps_is_refused(foreign_network, raster, classify, scene):
    path, _ = foreign_network(cut=2)
    with pytest.raises(LulcError, match="lack 2 pixels on each side; an overlap of 4 pixels leaves gaps.*at least 6"):
        classify(raster("a.tif", scene(150, 170)), model_file=str(path), overlap=4)


def test_a_result_that_is_cut_more_than_described(foreign_network, raster, classify, scene, monkeypatch):
    path, spec = foreign_network(cut=2)
    wrong = replace(spec, output=replace(spec.output, cut=0))
    monkeypatch.setattr(catalogue, "load", lambda _: catalogue.Entry(path, wrong))
    with pytest.raises(LulcError, match="for a window of 64 × .*: 2 pixels are missing on each side; .* says 0"):
        classify(raster("a.tif", scene(150, 170)), model_file=str(path))


@pytest.mark.parametrize(
    ("size", "result", "match"),
    [((64, 64), (63, 63), "odd"), ((64, 64), (60, 62), "middle"), ((64, 64), (66, 66), "middle"),
     ((64, 64), (16, 32), "middle"), ((63, 63), (21, 21), "multiples of 3")],
)  # fmt: skip
def test_results_that_cannot_be_laid_over_the_window(spec, size, result, match):
    with pytest.raises(LulcError, match=match):
        graph_check.spread(size, result, spec("context"))


@pytest.mark.parametrize("times", [2, 4])
def test_a_result_of_fewer_pixels(foreign_network, raster, classify, scene, tensor_of, times):
    path, _ = foreign_network(times=times, margin=16)
    image = scene(148, 172)
    made = classify(raster("a.tif", image), model_file=str(path))
    small = run_plain(path, tensor_of(image))
    assert small.shape[1:] == (148 // times, 172 // times)
    # bilinear between centres, pixel by pixel
    large = np.empty((4, 148, 172))
    for i in range(148):
        for j in range(172):
            r, c = (i + 0.5) / times - 0.5, (j + 0.5) / times - 0.5
            r, c = min(max(r, 0), small.shape[1] - 1), min(max(c, 0), small.shape[2] - 1)
            r0, c0 = min(int(r), small.shape[1] - 2), min(int(c), small.shape[2] - 2)
            top = small[:, r0, c0] * (1 - c + c0) + small[:, r0, c0 + 1] * (c - c0)
            bottom = small[:, r0 + 1, c0] * (1 - c + c0) + small[:, r0 + 1, c0 + 1] * (c - c0)
            large[:, i, j] = top * (1 - r + r0) + bottom * (r - r0)
    ordered = np.sort(large, axis=0)
    sure = inner(ordered[-1] - ordered[-2] > 1e-4)
    assert sure.mean() > 0.999
    np.testing.assert_array_equal(inner(made.values)[sure], inner(large.argmax(axis=0) + 1)[sure])


def test_windows_must_begin_where_a_smaller_result_begins(foreign_network, raster, classify, scene):
    path, _ = foreign_network(times=4, multiple=2)
    with pytest.raises(LulcError, match="multiples of 4, but its description says 2"):
        classify(raster("a.tif", scene(80, 80)), model_file=str(path))


@pytest.mark.parametrize("flat", [False, True])
@pytest.mark.parametrize("final", ["Sigmoid", ""])
def test_one_plane_for_two_classes(foreign_network, raster, classify, scene, tensor_of, flat, final):
    path, _ = foreign_network(
        plane=True, final=final, flat=flat, activation=("argmax",) if final else ("sigmoid", "argmax")
    )
    image = scene(150, 170)
    made = classify(raster("a.tif", image), model_file=str(path))
    raw = run_plain(path, tensor_of(image))
    chance = np.squeeze(raw if final else 1 / (1 + np.exp(-raw)))
    np.testing.assert_array_equal(inner(made.values), inner(1 + (chance > 0.5)))
    assert 0.05 < (made.values == 2).mean() < 0.95


def test_probabilities_of_one_plane_sum_to_one(foreign_network):
    path, spec = foreign_network(plane=True, activation=("sigmoid", "argmax"))
    out = Network(path, spec, 1).probabilities(np.random.default_rng(0).normal(size=(2, 4, 16, 20)).astype(np.float32))
    assert out.shape == (2, 2, 16, 20)
    np.testing.assert_allclose(out.sum(axis=1), 1, rtol=1e-6)


def test_a_softmax_over_one_plane_is_refused(foreign_network, raster, classify, scene):
    path, _ = foreign_network(plane=True)
    with pytest.raises(LulcError, match="single plane.*sigmoid"):
        classify(raster("a.tif", scene(80, 80)), model_file=str(path))


def test_several_outputs(foreign_network, raster, classify, scene, tensor_of):
    path, _ = foreign_network(more=("minus", "also"))
    image = scene(80, 90)
    made = classify(raster("a.tif", image), model_file=str(path))
    np.testing.assert_array_equal(inner(made.values), inner(run_plain(path, tensor_of(image)).argmax(axis=0) + 1))


def test_a_missing_output_among_several_is_refused(foreign_network, raster, classify, scene, monkeypatch):
    path, spec = foreign_network(more=("minus",))
    wrong = replace(spec, output=replace(spec.output, name="logits"))
    monkeypatch.setattr(catalogue, "load", lambda _: catalogue.Entry(path, wrong))
    with pytest.raises(LulcError, match="no output 'logits'; it has minus, answer"):
        classify(raster("a.tif", scene(80, 80)), model_file=str(path))


@pytest.mark.parametrize(("rows", "cols"), [(64, 64), (150, 170), (30, 200)])
def test_a_fixed_size_and_batch(foreign_network, raster, classify, scene, tensor_of, tmp_path, rows, cols):
    """The description says nothing of it; every window has that size, and 3 of them make a run."""
    path, _ = foreign_network(size=(64, 64), batch=3)
    image = scene(rows, cols)
    made = classify(raster("a.tif", image), model_file=str(path))
    assert any("of 64 × 64 pixels" in line for line in made.progress.lines)
    free = tmp_path / "free.onnx"
    free.write_bytes(foreign().SerializeToString())
    expected = run_plain(free, tensor_of(image)).argmax(axis=0) + 1
    np.testing.assert_array_equal(inner(made.values), inner(expected))


def test_another_window_than_the_only_one_is_refused(foreign_network, raster, classify, scene):
    path, _ = foreign_network(size=(64, 64))
    with pytest.raises(LulcError, match="64 × 64 pixels only; 128 were asked for"):
        classify(raster("a.tif", scene(80, 80)), model_file=str(path), window=128)


def test_windows_that_are_not_square_are_refused(foreign_network, raster, classify, scene):
    path, _ = foreign_network(size=(64, 96))
    with pytest.raises(LulcError, match="64 × 96 pixels only; windows here are squares"):
        classify(raster("a.tif", scene(80, 80)), model_file=str(path))


def test_finished_labels_are_refused(tmp_path, foreign_network, raster, classify, scene):
    path, _ = foreign_network()
    model = onnx.load(str(path))
    model.graph.node[-1].output[0] = "before"
    model.graph.node.append(helper.make_node("ArgMax", ["before"], ["answer"], axis=1, keepdims=1))
    model.graph.output[0].CopyFrom(helper.make_tensor_value_info("answer", TensorProto.INT64, [None] * 4))
    path.write_bytes(model.SerializeToString())
    with pytest.raises(LulcError, match=r"tensor\(int64\): finished labels.*argmax"):
        classify(raster("a.tif", scene(80, 80)), model_file=str(path))


def test_a_wrong_layout_is_told(foreign_network, raster, classify, scene, monkeypatch):
    path, spec = foreign_network(layout="NHWC")
    monkeypatch.setattr(catalogue, "load", lambda _: catalogue.Entry(path, replace(spec, layout="NCHW")))
    with pytest.raises(LulcError, match=r"NCHW.*4 channels"):
        classify(raster("a.tif", scene(80, 80)), model_file=str(path))


def test_a_threshold_is_told_and_not_applied(foreign_network, raster, classify, scene, monkeypatch):
    path, spec = foreign_network(final="Softmax", activation=("argmax",))
    layer = raster("a.tif", scene(80, 90))
    plain = classify(layer, model_file=str(path))
    strict = replace(spec, output=replace(spec.output, threshold=0.95))
    monkeypatch.setattr(catalogue, "load", lambda _: catalogue.Entry(path, strict))
    made = classify(layer, model_file=str(path))
    np.testing.assert_array_equal(made.values, plain.values)
    assert any("below 0.95" in line for line in made.progress.lines)


def test_a_graph_of_six_classes_with_a_description_of_five_is_refused_when_it_is_opened(foreign_network):
    path, spec = foreign_network(classes=6)
    five = replace(spec, legend=Legend.of(spec.legend.classes[:5]))
    with pytest.raises(ModelUnusable, match=r"\b6\b.*names 5 classes"):
        Network(path, five, 1)
    with Network(path, spec, 1) as network:
        assert network.device == "CPU (1 thread)"


# ---------------------------------------------------------------- versions


@pytest.mark.parametrize(("kind", "name"), [(TensorProto.FLOAT, ""), (TensorProto.UINT8, "uint8")])
def test_a_file_says_its_versions_and_the_type_of_its_input(tmp_path, kind, name):
    path = tmp_path / "a.onnx"
    model = foreign(opset=15, ir=7)
    image = model.graph.input[0]
    image.type.tensor_type.elem_type = kind
    path.write_bytes(model.SerializeToString())
    file = graph_file.read(path)
    assert (file.ir, file.opset, file.input_types) == (7, 15, {image.name: name})
    assert onnx_file.input_type(path, image.name) == onnx_file.input_type(path, "another name") == name


@pytest.mark.parametrize(
    "content", [b"", b"no network", bytes(range(256)) * 20, b"\x3a\xff\xff\xff\xff\x7f", b"\x80" * 99], ids=range(5)
)  # noqa: E501
def test_what_is_no_such_file_says_nothing(tmp_path, content):
    path = tmp_path / "a.onnx"
    path.write_bytes(content)
    assert onnx_file.input_type(path, "image") == ""


@pytest.mark.parametrize(("opset", "ir"), [(99, 8), (17, 99), (27, 13)])
def test_a_file_from_the_future(foreign_network, raster, classify, scene, opset, ir):
    path, _ = foreign_network(opset=opset, ir=ir)
    with pytest.raises(LulcError) as caught:
        classify(raster("a.tif", scene(80, 80)), model_file=str(path))
    assert f"operator set {opset} (file format {ir})" in caught.value.problem
    assert ort.__version__ in caught.value.problem
    assert "newest onnxruntime" in caught.value.remedy


def test_a_file_that_a_later_onnxruntime_reads(tmp_path, monkeypatch):
    path = tmp_path / "a.onnx"
    path.write_bytes(foreign(opset=23, ir=11).SerializeToString())
    monkeypatch.setattr(ort, "__version__", "1.16.3")
    told = onnx_file.cannot_load(path, RuntimeError("Unsupported model IR version: 11"))
    assert "needs onnxruntime 1.23 or newer, installed is 1.16.3" in told.problem
    assert "onnxruntime>=1.23" in told.remedy
    monkeypatch.setattr(ort, "__version__", "1.23.2")
    assert "Is it a whole .onnx file?" in onnx_file.cannot_load(path, RuntimeError("no")).remedy


def test_the_table_of_versions_fits_the_installed_one():
    """What it says this onnxruntime reads, it reads."""
    installed = tuple(int(p) for p in ort.__version__.split(".")[:2])
    within = [r for r in onnx_file.RELEASES if tuple(int(p) for p in r[0].split(".")) <= installed]
    _, ir, opset = within[-1]
    ort.InferenceSession(foreign(opset=opset, ir=ir).SerializeToString(), providers=["CPUExecutionProvider"])
    releases = [(ir, opset) for _, ir, opset in onnx_file.RELEASES]
    assert releases == sorted(releases)


# ---------------------------------------------------------------- weights in further files


def in_several_files(folder, files=1, name="net.onnx"):
    """A network whose layers keep their weights in one file, or in one each."""
    weights = [numpy_helper.from_array(np.full((4, 4, 1, 1), i + 1, np.float32), f"w{i}") for i in range(max(2, files))]
    names = ["image", *(f"x{i}" for i in range(len(weights) - 1)), "scores"]
    nodes = [helper.make_node("Conv", [names[i], f"w{i}"], [names[i + 1]]) for i in range(len(weights))]
    value = helper.make_tensor_value_info
    shape = ["n", 4, "h", "w"]
    graph = helper.make_graph(
        nodes, "g", [value("image", TensorProto.FLOAT, shape)], [value("scores", TensorProto.FLOAT, shape)], weights
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    onnx.save(
        model, folder / name, save_as_external_data=True, all_tensors_to_one_file=files == 1,
        location="net.onnx.data" if files == 1 else None, size_threshold=0,
    )  # fmt: skip
    return folder / name


@pytest.mark.parametrize("files", [1, 2, 5])
def test_weights_in_further_files_are_named_with_their_bytes(tmp_path, files):
    second = graph_file.read(in_several_files(tmp_path, files)).second_files
    assert set(second) == ({"net.onnx.data"} if files == 1 else {f"w{i}" for i in range(files)})
    assert all(second[name] <= (tmp_path / name).stat().st_size for name in second)
    assert sum(second.values()) >= max(2, files) * 64
    onnx_file.open_session(tmp_path / "net.onnx")


@pytest.mark.parametrize(
    ("files", "removed", "words"),
    [
        (1, ["net.onnx.data"], "weights are in net.onnx.data, which is not beside it"),
        (2, ["w1"], "weights are in w1, which is not beside it"),
        (5, ["w0", "w1", "w2", "w3", "w4"], "weights are in w0, w1, w2 and 2 more, which are not beside it"),
    ],
)
def test_weights_that_are_not_beside_their_network(tmp_path, files, removed, words):
    path = in_several_files(tmp_path, files)
    for name in removed:
        (tmp_path / name).unlink()
    with pytest.raises(ModelUnusable) as caught:
        onnx_file.open_session(path)
    assert words in caught.value.problem and "single .onnx file" in caught.value.remedy


def test_weights_that_were_renamed_with_their_network(tmp_path):
    path = in_several_files(tmp_path).rename(tmp_path / "new.onnx")
    (tmp_path / "net.onnx.data").rename(tmp_path / "new.onnx.data")
    with pytest.raises(ModelUnusable, match="new.onnx.data may be it: give it its old name"):
        onnx_file.open_session(path)


def test_weights_that_were_cut_off(tmp_path):
    path = in_several_files(tmp_path)
    whole = (tmp_path / "net.onnx.data").read_bytes()
    (tmp_path / "net.onnx.data").write_bytes(whole[:70])
    with pytest.raises(ModelUnusable, match=f"has 70 bytes; they need {len(whole)}"):
        onnx_file.open_session(path)


def test_weights_outside_the_folder_are_named(tmp_path):
    (tmp_path / "in").mkdir()
    path = in_several_files(tmp_path / "in")
    path.write_bytes(path.read_bytes().replace(b"net.onnx.data", b"../onnx.datas"))
    with pytest.raises(ModelUnusable, match=r"outside its own folder, in \.\./onnx\.datas"):
        onnx_file.open_session(path)


# ---------------------------------------------------------------- networks of others


def described(path, output, classes, channels=("red", "green", "blue"), cut=0, plane=False, activation=("argmax",)):
    """RGB in 0..1 of 512 pixels, as all three graphs of Deepness want it."""
    return ModelSpec(
        name=path.stem, title="of others", architecture="unknown",
        bands=tuple(ModelBand(n) for n in channels),
        channels=tuple(band_channel(n, i, (Step.of("scale", value=255),)) for i, n in enumerate(channels)),
        forms=(InputForm("picture", "byte", ((),) * len(channels)),),
        fill=(0.0,) * len(channels),
        input_name="input",
        output=Output(output, activation, cut=cut, plane=plane),
        legend=Legend.of([LegendClass(i, n, f"#{40 * i + 40:02X}8080") for i, n in enumerate(classes)], 255),
        window=Window(size=512, multiple=1, minimum=512, margin=38),
    )  # fmt: skip


def freed(path, folder):
    """The same graph for any height and width."""
    model = onnx.load(str(path))
    for port in (*model.graph.input, *model.graph.output):
        for axis in (2, 3):
            port.type.tensor_type.shape.dim[axis].dim_param = f"{port.name}_{axis}"
    del model.graph.value_info[:]
    target = folder / f"free-{path.name}"
    target.write_bytes(model.SerializeToString())
    return target


def best(raw, plane):
    return (raw[0] > 0.5).astype(int) if plane else raw.argmax(axis=0)


THIRD_PARTY = {
    "different_output_size_512_to_484": dict(output="output", classes=("a", "b"), cut=14),
    "one_output_sigmoid_red_detector": dict(output="output", classes=("background", "red"), plane=True),
    "two_outputs_softmax_bsx2x512x512": dict(output="output2", classes=("juice", "beer")),
}


@needs_shared
@pytest.mark.parametrize("name", THIRD_PARTY)
def test_graphs_of_others(name, raster, classify, tmp_path, monkeypatch):
    """One window exactly; a larger image away from its rim; parts of it with odd origins."""
    path = SHARED / "third_party" / f"{name}.onnx"
    facts = THIRD_PARTY[name]
    spec = described(path, **facts)
    cut, plane = spec.output.cut, spec.output.plane
    # without a margin there is no reflected rim but the one that is cut off: one window is all there is
    for_one = replace(spec, window=replace(spec.window, margin=0))
    described_as = [for_one]
    monkeypatch.setattr(catalogue, "load", lambda _: catalogue.Entry(path, described_as[-1]))
    random = np.random.default_rng(5)
    smooth = np.kron(random.integers(0, 256, (3, 76, 66)), np.ones((1, 20, 20)))[:, :1500, :1300]
    image = np.clip(smooth + random.normal(0, 30, smooth.shape), 0, 255).astype(np.uint8)
    options = dict(model_file=str(path), bands=(1, 2, 3), threads=2)

    size = 512 - 2 * cut
    made = classify(raster("one.tif", image[:, :size, :size], names=None), **options)
    window = np.pad(image[:, :size, :size], ((0, 0), (cut, cut), (cut, cut)), mode="reflect")
    raw = run_plain(path, window.astype(np.float32) / np.float32(255), name=spec.output.name)
    np.testing.assert_array_equal(made.values, best(raw, plane))

    described_as.append(spec)
    layer = raster("large.tif", image, names=None)
    whole = best(
        run_plain(freed(path, tmp_path), image.astype(np.float32) / np.float32(255), name=spec.output.name), plane
    )  # noqa: E501
    for row0, col0, rows, cols in ((101, 33, 700, 801), (777, 555, 601, 645)):
        x, y = 500_000 + 30 * col0, 9_120_000 - 30 * (row0 + rows)
        part = classify(layer, extent=(x, y, x + 30 * cols, y + 30 * rows), **options)
        # the whole image run at once returns no rim of `cut` pixels
        here = whole[row0 - cut : row0 - cut + rows, col0 - cut : col0 - cut + cols]
        np.testing.assert_array_equal(part.values, here)


@needs_shared
def test_the_red_detector_by_hand(raster, classify, monkeypatch):
    """sigmoid(red − 0.5): red above one half is class 1."""
    path = SHARED / "third_party" / "one_output_sigmoid_red_detector.onnx"
    spec = described(path, **THIRD_PARTY["one_output_sigmoid_red_detector"])
    monkeypatch.setattr(catalogue, "load", lambda _: catalogue.Entry(path, spec))
    image = np.random.default_rng(1).integers(0, 256, (3, 600, 530)).astype(np.uint8)
    made = classify(raster("a.tif", image, names=None), model_file=str(path), bands=(1, 2, 3))
    np.testing.assert_array_equal(made.values, image[0] > 127.5)


TEN_METRES = Affine(10, 0, 500_000, 0, -10, 9_120_000)


@needs_shared
@pytest.mark.slow
@pytest.mark.parametrize("name", ["dynamicworld_forward", "dynamicworld_forward_dn"])
def test_dynamic_world(name, raster, classify, scene):
    path = SHARED / "dynamicworld" / f"{name}.onnx"
    names = ("B02", "B03", "B04", "B05", "B06", "B07", "B08", "B11", "B12")
    image = scene(1500, 1300, 9)
    spec = catalogue.load(path).spec
    assert spec.window.multiple == 2
    number = image.astype(np.float64)
    if name.endswith("forward"):
        tensor = np.empty(image.shape, np.float32)
        for i, (a, b) in enumerate(NORMALISATION):
            tensor[i] = 1 / (1 + np.exp(-(5 * (np.log(0.005 * number[i] + 1) - a) / b - 1)))
    else:
        tensor = number.astype(np.float32)
    output = spec.output.name
    options = dict(model_file=str(path), threads=2)

    one = raster("one.tif", image[:, :256, :256], names=names, transform=TEN_METRES)
    made = classify(one, overlap=0, **options)
    rim = spec.window.rim // 2 * 2
    around = np.pad(tensor[:, :256, :256], ((0, 0), (rim, rim), (rim, rim)), mode="reflect")
    plain = run_plain(path, around, name=output).argmax(axis=0)[rim : rim + 256, rim : rim + 256]
    np.testing.assert_array_equal(made.values, plain)

    layer = raster("large.tif", image, names=names, transform=TEN_METRES)
    row0, col0, rows, cols = 333, 255, 401, 531
    x, y = 500_000 + 10 * col0, 9_120_000 - 10 * (row0 + rows)
    part = classify(layer, extent=(x, y, x + 10 * cols, y + 10 * rows), **options).values
    # the whole image, cut to what fits into memory: more than the receptive field around, even origin
    top, left = row0 - 61, col0 - 61
    whole = run_plain(path, tensor[:, top : row0 + rows + 60, left : col0 + cols + 60], name=output)
    here = whole[:, 61 : 61 + rows, 61 : 61 + cols]
    different = part != here.argmax(axis=0)
    ordered = np.sort(here[:, different], axis=0)
    # the formula here has more digits than float32: a pixel where two classes are equal to 1e-4 may fall either way
    assert different.sum() <= 2 and (ordered[-1] - ordered[-2] < 1e-4).all(), (different.sum(), ordered[-2:])


NORMALISATION = (
    (1.7417268007636313, 2.023298706048351), (1.7261204997060209, 2.038905204308012),
    (1.6798346251414997, 2.179592821212937), (1.7734969472909623, 2.2890068333026603),
    (2.289154079164943, 2.6171674549378166), (2.382939712192371, 2.773418590375327),
    (2.3828939530384052, 2.7578332604178284), (2.1952484264967844, 2.789092484314204),
    (1.554812948247501, 2.4140534947492487),
)  # fmt: skip
