# SPDX-License-Identifier: GPL-3.0-or-later
"""The bench's own networks: one interface, old weights, refusals, export."""

import hashlib

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed; run make setup-training")

from lulc_plugin.errors import LulcError
from training.networks import Network, NetworkSettings, build
from training.networks.deeplab import Atrous, DeepLabPlusOptions
from training.networks.measurement import reach
from training.networks.registry import architectures

CUT = ("mobile_unet", {"cut": "1/16", "convs": 1, "stem": 0, "decoder": [16, 8, 8, 8]})
TRANSPOSED = ("unet", {"widths": [4, 8, 8], "upsampling": "transposed"})
#: Options that change the shape of a network.
VARIANTS = [
    CUT,
    TRANSPOSED,
    ("unet_small", {"widths": [8, 16]}),
    ("deeplabv3plus", {"output_stride": 8, "width": 16}),
    ("deeplabv3plus", {"detail": "1/4", "decoder": [16]}),
    ("deeplabv3plus", {"pooling": True}),
]
#: Every network of the bench's own with its default options: a new one is tested without a change here.
DEFAULTS = [
    (name, {}) for name, one in architectures().items() if one.encoder is None or one.encoder.options is not one.options
]
#: Most parameters of the defaults: about 5 MB as float16, and less where the network was made to be small.
MOST = 2.4e6
SMALLER = {"mobile_unet": 2.3e6, "unet": 2e6, "unet_small": 0.5e6}


def made(architecture: str, options: dict, channels: int = 7, classes: int = 6) -> Network:
    torch.manual_seed(0)
    return build(NetworkSettings(architecture, options=options), channels, classes).eval()


@pytest.mark.parametrize(("architecture", "options"), [*DEFAULTS, *VARIANTS])
def test_every_network_has_the_same_interface(architecture, options):
    network = made(architecture, options, channels=4, classes=3)
    rows, cols = network.multiple, 3 * network.multiple
    x = torch.randn(2, 4, rows, cols).contiguous(memory_format=torch.channels_last)
    with torch.inference_mode():
        features, scores = network.features(x), network(x)
        assert features.shape == (2, network.feature_count, rows, cols) and scores.shape == (2, 3, rows, cols)
        torch.testing.assert_close(network.head(features), scores, atol=1e-5, rtol=1e-4)
        with torch.autocast("cpu", torch.bfloat16):
            assert network(x).shape == scores.shape
    assert network.head.kernel_size == (1, 1)
    assert bool(list(network.pretrained_parameters())) == (network.encoder_module() is not None)


@pytest.mark.parametrize(
    ("architecture", "there"),
    [
        ("mobile_unet", True),
        ("deeplabv3plus", True),
        ("unet", False),
        ("unet_small", False),
    ],
)
def test_networks_on_mobilenet_have_an_encoder_for_pretrained_weights(architecture, there):
    assert (made(architecture, {}).encoder_module() is not None) is there


@pytest.mark.parametrize(("architecture", "options"), [*DEFAULTS, *VARIANTS])
def test_one_step_lowers_the_loss(architecture, options):
    network = made(architecture, options, channels=2, classes=2).train()
    optimiser = torch.optim.AdamW(network.parameters(), 1e-3)
    side = 64 // network.multiple * network.multiple or 2 * network.multiple
    x = torch.randn(4, 2, side, side)
    labels = (x[:, 0] > 0).long()
    losses = []
    for _ in range(3):
        loss = torch.nn.functional.cross_entropy(network(x), labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]
    assert all(p.grad is not None for p in network.parameters())


def test_mobile_unet_takes_checkpoints_of_the_first_release():
    # names, order and shapes of the 374 tensors of training/network.py's MobileUNet(7, 6), which v1 was trained with
    state = made("mobile_unet", {}).state_dict()
    text = "\n".join(f"{key} {tuple(tensor.shape)}" for key, tensor in state.items())
    assert hashlib.sha256(text.encode()).hexdigest() == (
        "1fe3404f7ec1f3324aea7081ecb94f5cbae693bba536b586e26a2fc27496f276"
    )


@pytest.mark.parametrize(("architecture", "options"), DEFAULTS)
def test_defaults_are_small_enough_to_bundle(architecture, options):
    assert sum(p.numel() for p in made(architecture, options).parameters()) < SMALLER.get(architecture, MOST)


def test_a_cut_encoder_makes_a_third_of_the_network():
    assert sum(p.numel() for p in made("mobile_unet", {"cut": "1/16"}).parameters()) < 0.7e6


@pytest.mark.parametrize(
    ("architecture", "options", "word"),
    [
        ("mobile_unet", {"widht": 3}, "widht"),
        ("mobile_unet", {"cut": "1/8"}, "1/8"),
        ("mobile_unet", {"cut": True}, "cut"),
        ("mobile_unet", {"decoder": [64, 32]}, "decoder"),
        ("mobile_unet", {"decoder": [64, 48, 32, 24, 0]}, "decoder"),
        ("mobile_unet", {"stem": -1}, "stem"),
        ("unet", {"widths": "16"}, "widths"),
        ("deeplabv3plus", {"width": 0}, "width"),
        ("deeplabv3plus", {"pooling": 1}, "pooling"),
        ("deeplabv3plus", {"output_stride": 4}, "output_stride"),
        ("deeplabv3plus", {"detail": "full", "decoder": [16]}, "decoder"),
    ],
)
def test_wrong_options_are_refused_by_name(architecture, options, word):
    with pytest.raises(LulcError, match=word):
        made(architecture, options)


@pytest.mark.parametrize(
    ("table", "word"),
    [
        ({"architecture": "unet", "widths": [1]}, "widths"),
        ({"encoder": "resnet50"}, "architecture"),
        ({"architecture": "segnet"}, "segnet"),
        ({"architecture": "mobile_unet", "encoder": "resnet50"}, "resnet50"),
        ({"architecture": "unet", "options": [1]}, "options"),
        ({"architecture": 3}, "architecture"),
    ],
)
def test_wrong_tables_are_refused_by_name(table, word):
    with pytest.raises(LulcError, match=word):
        NetworkSettings.from_table(table)


def test_settings_survive_a_checkpoint():
    settings = NetworkSettings.from_table({"architecture": "unet", "options": {"widths": [4, 8]}})
    assert NetworkSettings.from_table(settings.as_table()) == settings
    assert build(settings, 1, 2).feature_count == 4


def test_too_few_channels_or_classes_are_refused():
    with pytest.raises(LulcError, match="1 classes"):
        build(NetworkSettings("unet"), 3, 1)


@pytest.mark.parametrize(("architecture", "options"), [CUT, TRANSPOSED, ("deeplabv3plus", {"rates": [1, 2]})])
def test_nothing_beyond_the_reach_is_felt(architecture, options):
    network = made(architecture, options, channels=1, classes=2).double()
    far = reach(network)
    cell = network.multiple
    start = -(-(far + 1) // cell) * cell
    image = torch.randn(1, 1, cell, 2 * start + cell, dtype=torch.float64)
    for column in (start, start + cell - 1):
        changed = image.clone()
        changed[..., : column - far] += 1
        changed[..., column + far + 1 :] -= 1
        with torch.inference_mode():
            torch.testing.assert_close(network(image)[..., column], network(changed)[..., column], rtol=0, atol=1e-12)


def test_reach_of_two_plain_levels():
    # two 3x3, a mean of two, two 3x3 on cells of two, two 3x3: 2 + 4 + 2, and one for the other half of a cell
    assert reach(made("unet", {"widths": [2, 2]})) == 9


@pytest.mark.parametrize("pooling", [False, True])
def test_only_a_pooling_branch_sees_the_whole_window(pooling):
    torch.manual_seed(0)
    pyramid = Atrous(8, DeepLabPlusOptions(width=16, rates=(1,), pooling=pooling)).double().eval()
    cells = torch.randn(1, 8, 1, 64, dtype=torch.float64)
    changed = cells.clone()
    changed[..., 60:] += 5
    with torch.inference_mode():
        assert torch.equal(pyramid(cells)[..., 0], pyramid(changed)[..., 0]) is not pooling


@pytest.mark.parametrize(("architecture", "options"), [*DEFAULTS, *VARIANTS])
def test_export_agrees_at_any_size(architecture, options, tmp_path):
    pytest.importorskip("onnx", reason="onnx is not installed")
    onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    from training.networks.measurement import to_onnx

    network = made(architecture, options, channels=3, classes=2)
    to_onnx(network, 3, tmp_path / "n.onnx")
    session = onnxruntime.InferenceSession(str(tmp_path / "n.onnx"), providers=["CPUExecutionProvider"])
    for batch, rows, cols in ((1, 3, 2), (2, 1, 4)):
        x = torch.randn(batch, 3, rows * network.multiple, cols * network.multiple)
        with torch.inference_mode():
            wanted = network(x).numpy()
        np.testing.assert_allclose(session.run(None, {"x": x.numpy()})[0], wanted, atol=1e-5)
