# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks with encoders of segmentation_models_pytorch and timm behind the bench's interface."""

import sys

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed; run make setup-training")
for package in ("torchvision", "timm", "segmentation_models_pytorch"):
    from importlib.util import find_spec

    if find_spec(package) is None:
        pytest.skip(f"{package} is not installed; run make setup-training", allow_module_level=True)

from lulc_plugin.errors import LulcError
from training.networks import NetworkSettings, build, encoder_networks, load_pretrained
from training.networks.registry import architectures

CASES = [
    ("unet", "tu-resnet10t", {"decoder": [16, 8, 8]}),
    ("unetplusplus", "resnet18", {"decoder": [16, 8, 8]}),
    ("deeplabv3", "resnet18", {"width": 8, "output_stride": 8}),
    ("deeplabv3plus", "mobilenet_v2", {"width": 8}),
    ("deeplabv3plus", "tu-mobilenetv3_small_050", {"width": 8, "pooling": True}),
    ("segformer", "mit_b0", {"width": 8}),
    ("upernet", "resnet18", {"width": 8}),
]
# an architecture that is added later is tested with its default options, without a change here
CASES += [
    (name, "", {})
    for name, one in architectures().items()
    if one.encoder is not None and name not in [case[0] for case in CASES]
]


def made(architecture, encoder, options, channels=5, classes=3):
    torch.manual_seed(0)
    return build(NetworkSettings(architecture, encoder, options), channels, classes).eval()


@pytest.mark.parametrize(("architecture", "encoder", "options"), CASES)
def test_interface_and_export(architecture, encoder, options, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    from training.networks.measurement import to_onnx

    network = made(architecture, encoder, options)
    to_onnx(network, 5, tmp_path / "n.onnx")
    session = onnxruntime.InferenceSession(str(tmp_path / "n.onnx"), providers=["CPUExecutionProvider"])
    for batch, rows, cols in ((1, 64, 96), (2, 96, 32)):
        x = torch.randn(batch, 5, rows, cols)
        with torch.inference_mode():
            features, scores = network.features(x), network(x)
            torch.testing.assert_close(network.head(features), scores, atol=1e-4, rtol=1e-3)
        assert features.shape == (batch, network.feature_count, rows, cols)
        np.testing.assert_allclose(session.run(None, {"x": x.numpy()})[0], scores.numpy(), atol=1e-4, rtol=1e-3)
    with torch.autocast("cpu", torch.bfloat16), torch.inference_mode():
        assert network(x.contiguous(memory_format=torch.channels_last)).shape == scores.shape
    assert 0 < sum(1 for _ in network.pretrained_parameters()) < sum(1 for _ in network.parameters())


@pytest.mark.parametrize(
    ("architecture", "options"),
    [("deeplabv3", {"width": 8, "rates": [1, 1, 1]}), ("fpn", {"width": 64}), ("upernet", {"width": 8})],
)
def test_the_window_does_not_matter(architecture, options):
    network = made(architecture, "resnet18", options, channels=1).double()
    image = torch.randn(1, 1, 32, 1536, dtype=torch.float64)
    with torch.inference_mode():
        whole, part = network(image), network(image[..., 128:1408])
    torch.testing.assert_close(whole[..., 760:776], part[..., 632:648], atol=1e-12, rtol=0)


@pytest.mark.parametrize(
    ("architecture", "encoder", "options", "word"),
    [
        ("unet", "resnet51", {}, "resnet50"),
        ("unet", "tu-no_such_net", {}, "tu-no_such_net"),
        ("unetplusplus", "mit_b0", {}, "does not go with UnetPlusPlus"),
        ("deeplabv3", "densenet121", {}, "does not go with DeepLabV3"),
        ("deeplabv3", "resnet18", {"dropout": 1.0}, "dropout"),
        ("unet", "resnet18", {"widths": [8]}, "widths"),
        ("unetplusplus", "", {"stem": 16}, "stem"),
        ("segformer", "mit_b9", {}, "mit_b"),
        ("fpn", "resnet18", {"width": 100}, "in multiples of 64"),
    ],
)
def test_what_does_not_go_is_refused(architecture, encoder, options, word):
    with pytest.raises(LulcError, match=word):
        made(architecture, encoder, options)


def test_imagenet_weights_come_from_the_hub_only_when_asked_for(monkeypatch, tmp_path):
    import segmentation_models_pytorch as library
    from safetensors.torch import save_file

    asked = []
    published = library.encoders.get_encoder("resnet18", 3).state_dict()
    # classification layers stand in the published file too, and the encoder drops them
    published |= {"fc.weight": torch.zeros(2, 2), "fc.bias": torch.zeros(2)}
    save_file(published, tmp_path / "model.safetensors")

    def hub(repository, filename, revision):
        asked.append(repository)
        return str(tmp_path / filename)

    monkeypatch.setattr(library.encoders, "hf_hub_download", hub)
    monkeypatch.setattr(encoder_networks.named_weights, "require_hub", lambda *_: None)
    monkeypatch.setenv("LULC_WEIGHTS", str(tmp_path / "empty"))
    network = made("unet", "resnet18", {"decoder": [16, 8, 8]}, channels=4)
    assert not asked
    loaded = load_pretrained(network, "imagenet")
    assert asked and loaded.adapted == ("encoder.conv1.weight from 3 to 4 channels",)
    torch.testing.assert_close(network.encoder.conv1.weight[:, :3], published["conv1.weight"] * 3 / 4)

    def offline(*_, **__):
        raise ConnectionError("no route to host")

    monkeypatch.setattr(library.encoders, "hf_hub_download", offline)
    with pytest.raises(LulcError, match="no route to host"):
        load_pretrained(network, "imagenet")


def test_a_library_that_loads_is_left_alone(monkeypatch):
    monkeypatch.delitem(sys.modules, "torchvision", raising=False)
    monkeypatch.setattr(encoder_networks, "_defined", [])
    loaded, defined = [], []
    monkeypatch.setattr(torch.ops, "load_library", loaded.append)
    monkeypatch.setattr(torch.library, "Library", lambda *_: defined.append(1))
    assert encoder_networks.prepare_torchvision() is False
    assert [path.name[:3] for path in loaded] == ["_C."] and not defined


def test_missing_packages_are_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "segmentation_models_pytorch", None)
    with pytest.raises(LulcError, match="setup.sh training"):
        made("unet", "resnet18", {})
