# SPDX-License-Identifier: GPL-3.0-or-later
"""Export: the file is the network, takes any size, and runs through the engine; wrong requests are refused."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed; run make setup-training")
onnx = pytest.importorskip("onnx", reason="onnx is not installed")
pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")

from lulc_plugin.errors import LulcError
from training.export import onnx_graph, onnx_session, parity, variants
from training.inputs import make_inputs
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
    agreement = parity.measure_parity(
        parity.by_torch(small, TEMPERATURE, True),
        parity.by_session(onnx_session.session(file)),
        parity.noise(CHANNELS, small.multiple),
    )
    assert agreement.same == 1 and agreement.probability < 1e-4 and agreement.feature < 1e-2
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
    agreement = parity.measure_parity(
        parity.by_torch(mobile, 1.0, True),
        parity.by_session(onnx_session.session(half)),
        parity.noise(CHANNELS, mobile.multiple)[:3],
    )
    assert agreement.probability < 0.01 and agreement.same > 0.99
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


@pytest.mark.parametrize("variant", ["fp16", "int8", "int8dynamic"])
def test_variants_run_and_nearly_agree(small, tmp_path, rng, variant):
    given = make_inputs(("red", "green", "blue", "nir"), ("NDVI",))
    path = variants.variant_path(tmp_path / "net.onnx", variant)
    windows = [rng.normal(0, 0.5, (CHANNELS, 40, 36)).astype(np.float32) for _ in range(4)]
    variants.write(variant, small, TEMPERATURE, given, path, True, windows)
    assert path.name == f"net-{variant}.onnx"
    agreement = parity.measure_parity(
        parity.by_torch(small, TEMPERATURE, True), parity.by_session(onnx_session.session(path)), windows
    )
    assert agreement.same > (0.995 if variant == "fp16" else 0.8)


def test_unknown_variants_are_refused():
    assert variants.checked("fp16, int8") == ("fp16", "int8")
    with pytest.raises(LulcError, match="int4"):
        variants.checked("int4")
