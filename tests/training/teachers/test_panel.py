# SPDX-License-Identifier: GPL-3.0-or-later
"""Teachers: what enters the network, whose class is whose, who is believed, and what is kept."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("msgspec", reason="msgspec is not installed; run make setup-training")
onnx = pytest.importorskip("onnx", reason="onnx is not installed")
pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")

from onnx import TensorProto, helper, numpy_helper

from lulc_plugin.errors import LulcError
from lulc_plugin.legend import Legend, LegendClass
from lulc_plugin.model import InputForm, ModelBand, ModelSpec, Output, Window, mlm
from lulc_plugin.model.spec import band_channel
from lulc_plugin.raster import Step
from training.teachers import cache
from training.teachers.panel import Panel
from training.teachers.teacher import Teacher
from training.teachers.teacher_settings import Stays, TeacherSettings

NAMES = ("red", "nir")
CLASSES = ("lake", "wood", "lawn")
LEGEND = ("Water", "Trees")
TABLE = {"lake": "Water", "wood": "Trees", "lawn": "Trees"}
#: scores = WEIGHTS · (red, nir) in DN / 1000
WEIGHTS = np.array([[0.5, -1.5], [-1.0, 1.0], [1.0, 0.5]], np.float32)


def make(folder, name="teacher", kind="pixel", weights=WEIGHTS, seed=0, **changes):
    """A network for DN of red and nir with logits of three classes, and its sidecar; `kind` pixel or halving."""
    layout = changes.get("layout", "NCHW")
    nodes, tensors, source = [], [], "image"
    if layout == "NHWC":
        nodes.append(helper.make_node("Transpose", ["image"], ["first"], perm=[0, 3, 1, 2]))
        source = "first"
    if kind == "halving":
        # sizes must be even: pooled by 2, enlarged by 2, and a neighbourhood of 3 × 3
        tensors.append(numpy_helper.from_array(np.array([1, 1, 2, 2], np.float32), "twice"))
        nodes.append(helper.make_node("AveragePool", [source], ["half"], kernel_shape=[2, 2], strides=[2, 2]))
        nodes.append(helper.make_node("Resize", ["half", "", "twice"], ["full"], mode="nearest",
                                      coordinate_transformation_mode="asymmetric", nearest_mode="floor"))  # fmt: skip
        # a graph that cannot hide an odd size
        nodes.append(helper.make_node("Add", ["full", source], ["sum"]))
        source = "sum"
        filters = np.random.default_rng(seed).normal(0, 0.5, (3, 2, 3, 3)).astype(np.float32) / 1000
        # differences between neighbours, so that every class wins somewhere
        filters -= filters.mean(axis=(1, 2, 3), keepdims=True)
    else:
        filters = (weights / 1000)[:, :, None, None]
    tensors.append(numpy_helper.from_array(np.ascontiguousarray(filters), "w"))
    nodes.append(helper.make_node("Conv", [source, "w"], ["scores"], pads=[filters.shape[2] // 2] * 4))
    final = "scores"
    if layout == "NHWC":
        nodes.append(helper.make_node("Transpose", ["scores"], ["last"], perm=[0, 2, 3, 1]))
        final = "last"
    axes = ["n", "h", "w", 2] if layout == "NHWC" else ["n", 2, "h", "w"]
    graph = helper.make_graph(
        nodes, kind, [helper.make_tensor_value_info("image", TensorProto.FLOAT, axes)],
        [helper.make_tensor_value_info(final, TensorProto.FLOAT, [None] * 4)], tensors,
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    path = folder / f"{name}.onnx"
    path.write_bytes(model.SerializeToString())
    spec = ModelSpec(
        name=name, title="Made-up teacher", architecture=kind,
        bands=tuple(ModelBand(n.upper(), n, scale=1e-4, offset=0.0) for n in NAMES),
        channels=tuple(band_channel(n, i) for i, n in enumerate(NAMES)),
        forms=(InputForm("numbers", "dn", ((), ())),), fill=(-500.0, 700.0), input_name="image",
        output=Output(final, ("softmax", "argmax")),
        legend=Legend.of([LegendClass(i + 1, n, "#102030") for i, n in enumerate(CLASSES)]),
        window=Window(size=64, multiple=2, minimum=8, receptive_field=5, margin=8),
    )  # fmt: skip
    mlm.write(replace(spec, **changes), path.with_suffix(".json"))
    return path


def softmax(scores):
    shares = np.exp(scores - scores.max(axis=0))
    return shares / shares.sum(axis=0)


@pytest.fixture
def image(rng):
    bands = {n: rng.uniform(0.02, 0.4, (30, 26)).astype(np.float32) for n in ("blue", "nir", "red")}
    return bands, np.ones((30, 26), bool)


# ---------------------------------------------------------------- the network


def test_bands_by_name_and_as_stored_numbers(tmp_path, image):
    bands, valid = image
    wanted = softmax(np.einsum("cb,brk->crk", WEIGHTS, np.stack([bands["red"], bands["nir"]]) * 10))
    np.testing.assert_allclose(Teacher(make(tmp_path), 1).ask(bands, valid), wanted, atol=1e-5)


def test_reflectance_form_is_not_multiplied(tmp_path, image):
    bands, valid = image
    path = make(tmp_path, forms=(InputForm("r", "reflectance", ((Step.of("scale", value=1e-4),),) * 2),))
    wanted = softmax(np.einsum("cb,brk->crk", WEIGHTS, np.stack([bands["red"], bands["nir"]]) * 10))
    np.testing.assert_allclose(Teacher(path, 1).ask(bands, valid), wanted, atol=1e-5)


def test_reflectance_just_as_it_is(tmp_path, rng):
    path = make(tmp_path, forms=(InputForm("r", "reflectance", ((Step.of("scale", value=1e-4),),) * 2),))
    images = [rng.uniform(0.02, 0.4, (3, 8, 8)).astype(np.float32) for _ in range(2)]
    answers = [*Teacher(path, 1).on_reflectance(images, ["blue", "nir", "red"])]
    wanted = softmax(np.einsum("cb,brk->crk", WEIGHTS, images[1][[2, 1]] * 10))
    np.testing.assert_allclose(answers[1], wanted, atol=1e-5)
    with pytest.raises(LulcError, match="no way in for reflectance"):
        next(Teacher(make(tmp_path, "raw"), 1).on_reflectance(images, ["blue", "nir", "red"]))


def test_description_inside_the_network(tmp_path, image):
    bands, valid = image
    path = make(tmp_path)
    usual = Teacher(path, 1).ask(bands, valid)
    model = onnx.load(str(path))
    entry = model.metadata_props.add()
    entry.key, entry.value = "mlm", path.with_suffix(".json").read_text()
    inside = tmp_path / "inside.onnx"
    inside.write_bytes(model.SerializeToString())
    np.testing.assert_array_equal(Teacher(inside, 1).ask(bands, valid), usual)


def test_sigmoid_is_the_descriptions(tmp_path, image):
    bands, valid = image
    path = make(tmp_path, output=Output("scores", ("sigmoid", "argmax")))
    scores = np.einsum("cb,brk->crk", WEIGHTS, np.stack([bands["red"], bands["nir"]]) * 10)
    np.testing.assert_allclose(Teacher(path, 1).ask(bands, valid), 1 / (1 + np.exp(-scores)), atol=1e-5)


@pytest.mark.parametrize("kind", ["pixel", "halving"])
def test_axes_in_the_other_order(tmp_path, image, kind):
    bands, valid = image
    usual = Teacher(make(tmp_path, kind=kind), 1).ask(bands, valid)
    turned = make(tmp_path, "turned", kind, layout="NHWC", output=Output("last", ("softmax", "argmax")))
    np.testing.assert_allclose(Teacher(turned, 1).ask(bands, valid), usual, atol=1e-6)


def test_odd_sizes_are_padded_to_the_multiple(tmp_path, image):
    bands, valid = image
    teacher = Teacher(make(tmp_path, kind="halving"), 1)
    whole = teacher.ask(bands, valid)
    odd = teacher.ask({n: v[:29, :25] for n, v in bands.items()}, valid[:29, :25])
    assert odd.shape == (3, 29, 25)
    # away from the new rim nothing changes
    np.testing.assert_allclose(odd[:, :26, :22], whole[:, :26, :22], atol=1e-6)


def test_windows_of_a_large_image_join_without_a_seam(tmp_path, rng):
    bands = {n: rng.uniform(0.02, 0.4, (150, 131)).astype(np.float32) for n in NAMES}
    valid = np.ones((150, 131), bool)
    path = make(tmp_path, kind="halving")
    one = make(tmp_path, "one", "halving", window=Window(size=256, multiple=2, minimum=8, receptive_field=5, margin=8))
    np.testing.assert_allclose(Teacher(path, 1).ask(bands, valid), Teacher(one, 1).ask(bands, valid), atol=1e-5)


def test_invalid_pixels_are_the_fill(tmp_path, image):
    bands, valid = image
    valid = valid.copy()
    valid[3:9, 4:7] = False
    teacher = Teacher(make(tmp_path), 1)
    shares = teacher.ask(bands, valid)
    wanted = softmax(WEIGHTS @ np.array([-0.5, 0.7]))
    np.testing.assert_allclose(shares[:, 5, 5], wanted, atol=1e-5)
    dirty = {n: np.where(valid, v, np.nan).astype(np.float32) for n, v in bands.items()}
    np.testing.assert_array_equal(teacher.ask(dirty, valid), shares)
    assert not teacher.ask(bands, np.zeros_like(valid)).any()


def test_scaling_by_the_layer_is_measured_on_the_sample(tmp_path, rng):
    step = (Step.of("percentile", lower=0, upper=100), Step.of("scale", value=1e-3))
    path = make(tmp_path, forms=(InputForm("picture", "dn", (step, step)),))
    bands = {n: rng.uniform(100, 200, (16, 16)).astype(np.float32) for n in NAMES}
    valid = np.ones((16, 16), bool)
    layer = {n: np.array([0.0, 400.0], np.float32) for n in NAMES}
    wanted = softmax(np.einsum("cb,brk->crk", WEIGHTS, np.stack([bands[n] for n in NAMES]) / 400))
    np.testing.assert_allclose(Teacher(path, 1).ask(bands, valid, "picture", layer), wanted, atol=1e-5)
    assert np.abs(Teacher(path, 1).ask(bands, valid, "picture") - wanted).max() > 0.01


def test_what_a_teacher_cannot_be_asked(tmp_path, image):
    bands, valid = image
    with pytest.raises(LulcError, match="nir"):
        Teacher(make(tmp_path), 1).ask({"red": bands["red"], "blue": bands["blue"]}, valid)
    bare = make(tmp_path, "bare", bands=tuple(ModelBand(n.upper(), n) for n in NAMES))
    with pytest.raises(LulcError, match="stored numbers of red"):
        Teacher(bare, 1).ask(bands, valid)
    only = make(tmp_path, "only", forms=(InputForm("r", "reflectance", ((), ())),))
    with pytest.raises(LulcError, match="wants reflectance"):
        Teacher(only, 1).ask(bands, valid, "picture")


# ---------------------------------------------------------------- classes


# ---------------------------------------------------------------- levels


def _fake(raw, like):
    """A teacher of two classes that says `raw` below and `like` above a red of 0.5."""

    def ask(bands, valid):
        first = np.where(bands["red"] > 0.5, like, raw)
        return np.stack([first, 1 - first]).astype(np.float32)

    return ask


# ---------------------------------------------------------------- several teachers


def test_several_teachers_are_averaged_by_weight(tmp_path, image):
    bands, valid = image
    first = TeacherSettings(make(tmp_path), TABLE, 0.0)
    second = TeacherSettings(make(tmp_path, "second", weights=WEIGHTS[::-1].copy()), TABLE, 0.0, weight=3.0)
    (a, _), (b, _) = (Panel(s, LEGEND, 1).answer(bands, valid) for s in (first, second))
    shares, known = Panel([first, second], LEGEND, 1).answer(bands, valid)
    np.testing.assert_allclose(shares, (a + 3 * b) / 4, atol=1e-6)
    assert known.all() and np.abs(a - b).max() > 0.1


def test_a_teacher_that_does_not_know_has_no_say(tmp_path, image):
    bands, valid = image
    sure = TeacherSettings(make(tmp_path), TABLE, 0.0, weight=2.0)
    mute = TeacherSettings(make(tmp_path, "mute", weights=WEIGHTS[::-1].copy()), TABLE, 1.0)
    alone, _ = Panel(sure, LEGEND, 1).answer(bands, valid)
    shares, known = Panel([sure, mute], LEGEND, 1).answer(bands, valid)
    np.testing.assert_allclose(shares, alone, atol=1e-6)
    assert known.all()
    # half of the weight is not enough
    assert not Panel([replace(sure, weight=1.0), mute], LEGEND, 1).answer(bands, valid)[1].any()


# ---------------------------------------------------------------- kept answers


def test_answers_are_kept_until_something_changes(tmp_path, image, monkeypatch):
    bands, valid = image
    settings = TeacherSettings(make(tmp_path), TABLE)
    asked = []
    ask = Teacher.ask
    monkeypatch.setattr(Teacher, "ask", lambda self, *a, **k: (asked.append(1), ask(self, *a, **k))[1])

    def labels(settings=settings, bands=bands, level=""):
        asked.clear()
        (labels,) = cache.soft_labels(
            "made_up",
            [({"file": "a/b.tif"}, bands, valid)],
            Panel(settings, LEGEND, threads=1),
            tmp_path / "kept",
            level=level,
        )
        return labels

    shares, known = labels()
    assert asked and shares.dtype == np.float16 and shares.shape == (2, 30, 26) and known.dtype == bool
    again, known_again = labels()
    assert not asked
    np.testing.assert_array_equal(again, shares)
    np.testing.assert_array_equal(known_again, known)
    labels(level="L2A")
    assert asked
    labels(bands={**bands, "red": bands["red"] + 0.1})
    assert asked
    swapped = replace(settings, classes={"lake": "Trees", "wood": "Water"})
    other, _ = labels(swapped)
    assert asked and not np.array_equal(other, shares)
    assert len(list((tmp_path / "kept" / "made_up").iterdir())) == 2
    labels()
    for path in (tmp_path / "kept").rglob("*.npz"):
        path.write_bytes(path.read_bytes()[:50])
    np.testing.assert_array_equal(labels()[0], shares)
    assert asked
    assert not list((tmp_path / "kept").rglob("*.part"))


def test_fingerprint_knows_all_that_an_answer_depends_on(tmp_path):
    path = make(tmp_path)
    usual = TeacherSettings(path, TABLE)
    fingerprints = [
        Panel(s, legend).fingerprint
        for s, legend in (
            (usual, LEGEND),
            (usual, LEGEND[::-1]),
            ([usual, usual], LEGEND),
            (replace(usual, least_sure=0.5), LEGEND),
            (replace(usual, surface="agree"), LEGEND),
            (replace(usual, coarse_bands=("nir",)), LEGEND),
            (replace(usual, stays=Stays("Water", "red", 0.1)), LEGEND),
            (replace(usual, l1c_like={"red": (1.0, 0.1)}), LEGEND),
        )
    ]
    assert len(set(fingerprints)) == len(fingerprints)
    assert Panel(TeacherSettings(path, TABLE), LEGEND).fingerprint == fingerprints[0]
    make(tmp_path, fill=(0.0, 0.0))
    assert Panel(usual, LEGEND).fingerprint != fingerprints[0]
    with pytest.raises(LulcError, match="does not exist"):
        _ = Panel(replace(usual, file=tmp_path / "none.onnx"), LEGEND).fingerprint


# ---------------------------------------------------------------- settings
