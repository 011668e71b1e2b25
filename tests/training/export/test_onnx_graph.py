# SPDX-License-Identifier: GPL-3.0-or-later
"""Export: the file is the network, takes any size, and runs through the engine; wrong wishes are refused."""

import json

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed; run make setup-training")
onnx = pytest.importorskip("onnx", reason="onnx is not installed")
pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")

from lulc_plugin.errors import LulcError
from lulc_plugin.raster import prepare
from training.export import deepness, margin, onnx_graph, onnx_session, parity, variants
from training.inputs import make_inputs, resolved
from training.networks.network_settings import NetworkSettings, build

CHANNELS, CLASSES, TEMPERATURE = 5, 3, 1.4


def trained(architecture: str, **options):
    """A network whose normalisation has seen something, or folding it would prove nothing."""
    torch.manual_seed(0)
    network = build(NetworkSettings(architecture, options=options), CHANNELS, CLASSES)
    network.train()
    with torch.inference_mode():
        for _ in range(2):
            network(torch.randn(2, CHANNELS, 2 * network.multiple, 2 * network.multiple))
    return network.eval()


@pytest.fixture(scope="module")
def small():
    return trained("unet_small", widths=[8, 8, 16])


@pytest.fixture(scope="module")
def mobile():
    return trained("mobile_unet", cut="1/16", decoder=[16, 16, 8, 8])


@pytest.fixture(scope="module")
def file(small, tmp_path_factory):
    path = tmp_path_factory.mktemp("export") / "net.onnx"
    onnx_graph.export(small, TEMPERATURE, CHANNELS, path)
    return path


def test_the_file_is_the_network(small, file):
    found = parity.measure_parity(
        parity.by_torch(small, TEMPERATURE, True),
        parity.by_session(onnx_session.session(file)),
        parity.noise(CHANNELS, small.multiple),
    )
    assert found.same == 1 and found.probability < 1e-4 and found.feature < 1e-2
    # another temperature is another file, so the comparison can fail
    other = parity.measure_parity(
        parity.by_torch(small, 0.7, True), parity.by_session(onnx_session.session(file)), parity.noise(CHANNELS, 4)
    )
    assert other.probability > 0.01


def test_normalisation_is_folded_and_outputs_are_named(file):
    model = onnx.load(str(file))
    assert not [n for n in model.graph.node if n.op_type == "BatchNormalization"]
    assert [o.name for o in model.graph.output] == [onnx_graph.OUTPUT, onnx_graph.FEATURES]
    assert model.ir_version <= 8 and not any(n.doc_string for n in model.graph.node)


def test_larger_filters_are_half_and_the_file_is_smaller(mobile, tmp_path):
    half, single = tmp_path / "half.onnx", tmp_path / "single.onnx"
    onnx_graph.export(mobile, 1.0, CHANNELS, half)
    onnx_graph.export(mobile, 1.0, CHANNELS, single, "single")
    assert half.stat().st_size < 0.65 * single.stat().st_size
    found = parity.measure_parity(
        parity.by_torch(mobile, 1.0, True),
        parity.by_session(onnx_session.session(half)),
        parity.noise(CHANNELS, mobile.multiple)[:3],
    )
    assert found.probability < 0.01 and found.same > 0.99
    assert not [n for n in onnx.load(str(half)).graph.node if n.op_type == "BatchNormalization"]


def test_any_batch_and_size(small, file):
    assert len(onnx_session.check_sizes(file, CHANNELS, small.multiple)) == 5


def test_features_can_be_left_out(small, tmp_path):
    onnx_graph.export(small, 1.0, CHANNELS, tmp_path / "bare.onnx", features=False)
    assert len(onnx.load(str(tmp_path / "bare.onnx")).graph.output) == 1


@pytest.mark.parametrize(("temperature", "precision"), [(0.0, "half"), (float("nan"), "half"), (1.0, "quarter")])
def test_senseless_wishes_are_refused(small, tmp_path, temperature, precision):
    with pytest.raises(LulcError):
        onnx_graph.export(small, temperature, CHANNELS, tmp_path / "no.onnx", precision)


def test_filters_too_large_for_half_precision_are_refused(mobile, tmp_path):
    from copy import deepcopy

    broken = deepcopy(mobile)
    with torch.no_grad():
        next(p for p in broken.parameters() if p.numel() >= 10_000).fill_(1e6)
    with pytest.raises(LulcError, match="half precision") as caught:
        onnx_graph.export(broken, 1.0, CHANNELS, tmp_path / "no.onnx")
    assert "single" in caught.value.remedy


def test_a_file_that_is_another_network_is_refused():
    with pytest.raises(LulcError, match="98"):
        parity.require_same(parity.Parity(1000, 0.98, 0.3, 0.01, 1.0))
    with pytest.raises(LulcError):
        parity.require_same(parity.Parity(1000, 1.0, float("nan"), 0.0, 0.0))


@pytest.mark.parametrize("variant", ["fp16", "int8", "int8dynamic"])
def test_variants_run_and_nearly_agree(small, tmp_path, rng, variant):
    given = make_inputs(("red", "green", "blue", "nir"), ("NDVI",))
    path = variants.variant_path(tmp_path / "net.onnx", variant)
    windows = [rng.normal(0, 0.5, (CHANNELS, 40, 36)).astype(np.float32) for _ in range(4)]
    variants.write(variant, small, TEMPERATURE, given, path, True, windows)
    assert path.name == f"net-{variant}.onnx"
    found = parity.measure_parity(
        parity.by_torch(small, TEMPERATURE, True), parity.by_session(onnx_session.session(path)), windows
    )
    assert found.same > (0.995 if variant == "fp16" else 0.8)


def test_unknown_variants_are_refused():
    assert variants.checked("fp16, int8") == ("fp16", "int8")
    with pytest.raises(LulcError, match="int4"):
        variants.checked("int4")


def test_deepness_form_scales_and_computes_indices_inside(small, tmp_path, rng):
    """A stretched 8-bit picture / 255 gives what the engine's scaling gives."""
    given = make_inputs(("red", "green", "blue", "nir"), ("NDVI",), ("reflectance", "picture"))
    path = tmp_path / "deep.onnx"
    variants.write("deepness", small, TEMPERATURE, given, path, True, [])
    opened = onnx_session.session(path)
    picture = rng.integers(0, 256, (4, 512, 512)).astype(np.float32)
    assert opened.get_inputs()[0].shape == [1, 4, 512, 512] and len(opened.get_outputs()) == 1
    # percentiles 0 and 100 of a full range are 0 and 255: the picture is stretched already
    steps = [tuple(s for s in form if s.op != "percentile") for form in given.form(True).band_steps]
    fed = prepare(picture / 255, np.ones((512, 512), bool), given.names, steps, given.channels, (0.0,) * CHANNELS)
    wanted = parity.by_torch(small, TEMPERATURE, False)(fed)[0]
    assert np.abs(opened.run(None, {"image": picture[None] / 255})[0][0] - wanted).max() < 1e-4
    assert resolved(given.form(True).band_steps, picture.reshape(4, -1))  # the form that it stands for exists


def test_deepness_standardisation_is_the_scaling_of_the_channels(rng):
    given = make_inputs(("red", "green", "blue", "nir"), ("NDVI",), ("reflectance", "picture"))
    mean, spread = deepness._standardised(given.channels[3], given)
    low, high = 0.05, 0.40
    stored = 0.5
    assert (stored - mean) / spread == pytest.approx(((low + stored * (high - low)) / 0.6 - 0.6) / 0.6)
    assert deepness._standardised(given.channels[4], given) == pytest.approx((0.5, 0.5))


def test_deepness_of_a_network_without_pictures_takes_stored_reflectance():
    given = make_inputs(("red", "nir"), ways=("reflectance",))
    mean, spread = deepness._standardised(given.channels[1], given)
    assert (3000 / 255 - mean) / spread == pytest.approx((0.3 / 0.6 - 0.6) / 0.6)


def test_the_margin_is_where_changes_end():
    names = ("a", "b")
    quiet = [0.0] * (len(margin.DISTANCES) - 3)
    found = margin.chosen({names[0]: [0.1, 0.01, 0.004, *quiet], names[1]: [0.1, 0.02, 0.0049, *quiet]}, 4)
    assert (found.pixels, found.reached, found.worst) == (32, True, 0.0049)
    never = margin.chosen({"a": [0.1] * len(margin.DISTANCES)}, 4)
    assert (never.pixels, never.reached) == (margin.DISTANCES[-1], False)


def test_a_network_that_looks_far_has_a_margin_and_a_pixelwise_one_none(monkeypatch, rng):
    monkeypatch.setattr(margin, "SIDE", 64)
    monkeypatch.setattr(margin, "DISTANCES", (0, 8, 16, 24))
    images = [rng.normal(0, 1, (2, 64, 64)).astype(np.float32) for _ in range(3)]

    def pixelwise(x):
        return np.concatenate([x[:, :1], -x[:, :1]], axis=1)

    def blurred(x):
        padded = np.pad(x[:, :1], ((0, 0), (0, 0), (6, 6), (6, 6)))
        near = sum(padded[:, :, i : i + x.shape[2], j : j + x.shape[3]] for i in range(13) for j in range(13))
        return np.concatenate([near, -near], axis=1)

    assert margin.measure(pixelwise, images).pixels == 0
    assert margin.measure(blurred, images).pixels == 8


@pytest.mark.parametrize(("side", "count"), [(512, 4), (256, 20), (128, 30), (64, 5)])
def test_composites_of_small_chips(rng, side, count):
    images = [np.full((1, side, side), i, np.float32) for i in range(count)]
    found = margin.composites(images)
    assert 3 <= len(found) <= 6 and all(c.shape == (1, 512, 512) for c in found)


def test_too_few_images_for_a_margin_are_refused():
    with pytest.raises(LulcError, match="too small or too few"):
        margin.composites([np.zeros((1, 32, 32), np.float32)])


def test_deepness_keys_are_json(tmp_path):
    from dataclasses import replace

    from lulc_plugin.legend import Legend, LegendClass
    from lulc_plugin.model import ModelSpec, Output, Window

    given = make_inputs(("red", "nir"), ("NDVI",), ("reflectance", "picture"))
    legend = Legend.of([LegendClass(1, "Water", "#0000FF"), LegendClass(2, "Land", "#00FF00")])
    spec = ModelSpec(
        "n", "t", "a", given.bands, given.channels, given.forms, (0.0,) * 3, "image", Output("p", ("argmax",)), legend,
        Window(1024, 16, 32, 0, 48), gsd=20,
    )  # fmt: skip
    keys = {k: json.loads(v) for k, v in deepness.keys(spec, given, scaled_inside=False).items()}
    assert keys["model_type"] == "Segmentor" and keys["class_names"] == {"0": "Water", "1": "Land"}
    assert keys["resolution"] == 2000 and keys["tile_size"] == 512 and keys["seg_thresh"] == 0
    assert keys["tiles_overlap"] * 512 / 200 >= 48 and len(keys["standardization_mean"]) == 3
    assert "standardization_mean" not in deepness.keys(replace(spec, gsd=None), given, scaled_inside=True)
    assert "no indices" in deepness.limits(given)
