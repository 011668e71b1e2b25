# SPDX-License-Identifier: GPL-3.0-or-later
"""Shapes, weights and export of a tiny, random network."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed; run make setup-training")
onnx = pytest.importorskip("onnx", reason="onnx is not installed")
pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")

from training import export, network  # noqa: E402


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(0)
    net = network.MobileUNet(7, 6)
    # statistics that are not those of a fresh layer, or folding them would prove nothing
    net.train()
    with torch.inference_mode():
        for _ in range(2):
            net(torch.randn(2, 7, 64, 64))
    return net.eval()


@pytest.fixture(scope="module")
def file(net, tmp_path_factory):
    path = tmp_path_factory.mktemp("export") / "net.onnx"
    export.export(net, 1.3, 7, path)
    return path


@pytest.mark.parametrize("size", [(32, 32), (96, 160), (224, 32)])
def test_shapes_at_odd_multiples(net, size):
    with torch.inference_mode():
        assert net(torch.zeros(1, 7, *size)).shape == (1, 6, *size)
        assert net.features(torch.zeros(1, 7, *size)).shape == (1, 16, *size)


def test_encoder_takes_published_key_names(net, tmp_path):
    safetensors = pytest.importorskip("safetensors.torch", reason="safetensors is not installed")
    weights = {k: v.contiguous() for k, v in network.MobileUNet(3, 6).encoder.state_dict().items()}
    assert "features.17.conv.3.running_var" in weights and len(weights) == 306
    safetensors.save_file({k: v.half() if v.is_floating_point() else v for k, v in weights.items()}, tmp_path / "w")
    target = network.MobileUNet(7, 6)
    network.load_encoder(target, tmp_path / "w")
    loaded = target.encoder.features[0][0].weight.detach()
    wanted = weights["features.0.0.weight"].half().float()
    torch.testing.assert_close(loaded[:, :3], wanted * 3 / 7)
    torch.testing.assert_close(loaded[:, 5], wanted.mean(dim=1) * 3 / 7)


def test_export_parity(net, file, rng):
    images = [rng.normal(0, 0.5, (7, 96, 64)).astype(np.float32) for _ in range(2)]
    found = export.parity(net, 1.3, file, images)
    assert found.same > 0.99 and found.probability < 0.02 and found.feature < 0.2


def test_exported_file(file):
    model = onnx.load(str(file))
    assert model.ir_version <= 8 and model.opset_import[0].version == 17
    assert file.stat().st_size < 6_000_000
    filters = [t for t in model.graph.initializer if len(t.dims) == 4 and np.prod(t.dims) >= 10_000]
    assert filters and all(t.data_type == onnx.TensorProto.FLOAT16 for t in filters)
    casts = {n.output[0] for n in model.graph.node if n.op_type == "Cast"}
    assert len(casts) == len(filters)
    assert not any(n.op_type == "BatchNormalization" for n in model.graph.node)
    assert [o.name for o in model.graph.output] == ["probabilities", "features"]


def test_exported_file_takes_batches_and_sizes(file, rng):
    predict = export.session_predictor(file)
    shares = predict(rng.normal(0, 0.5, (2, 7, 160, 32)).astype(np.float32))
    assert shares.shape == (2, 6, 160, 32)
    np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-5)


def test_receptive_field_covers_what_changes(net):
    # a change outside the square must not be felt at its centre
    half = network.receptive_field(net) // 2
    size = 2 * ((half + 63) // 32) * 32
    image = torch.zeros(1, 7, size, size)
    changed = image.clone()
    changed[:, :, :, : size // 2 - half - 1] = 1
    with torch.inference_mode():
        a, b = net(image), net(changed)
    centre = size // 2
    torch.testing.assert_close(a[..., centre, centre], b[..., centre, centre])
