# SPDX-License-Identifier: GPL-3.0-or-later
"""The registry of architectures: one module adds one, everywhere."""

import importlib

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed; run make setup-training")

from lulc_plugin.errors import LulcError
from training import networks
from training.networks import NetworkSettings, build, registry
from training.networks.__main__ import wanted

ONE_FILE = '''
"""Class scores of single pixels."""

from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta
from torch import nn

from .network import Network
from .registry import architecture


@dataclass(frozen=True)
class PixelOptions:
    width: Annotated[int, Meta(ge=2)] = 4


@architecture("pixelwise", title="Pixel by pixel", options=PixelOptions)
class Pixelwise(Network):
    def __init__(self, channels, classes, options):
        super().__init__()
        self.multiple, self.feature_count = 1, options.width
        self.inside = nn.Conv2d(channels, options.width, 1)
        self.head = nn.Conv2d(options.width, classes, 1)

    def features(self, x):
        return self.inside(x).relu()
'''


@pytest.fixture
def one_file(tmp_path, monkeypatch):
    (tmp_path / "pixelwise.py").write_text(ONE_FILE, encoding="utf-8")
    monkeypatch.setattr(networks, "__path__", [*networks.__path__, str(tmp_path)])
    monkeypatch.setattr(registry, "_ADDED", dict(registry._ADDED))
    importlib.invalidate_caches()
    yield
    monkeypatch.undo()
    import sys

    sys.modules.pop("training.networks.pixelwise", None)
    vars(networks).pop("pixelwise", None)


def test_one_file_adds_an_architecture(one_file):
    network = build(NetworkSettings("pixelwise", options={"width": 3}), channels=2, classes=5)
    assert network(torch.zeros(1, 2, 7, 9)).shape == (1, 5, 7, 9) and network.feature_count == 3
    assert registry.title_of("pixelwise") == "Pixel by pixel"
    assert "pixelwise" in [settings.architecture for settings in wanted([], [])]
    with pytest.raises(LulcError, match="width is 1"):
        build(NetworkSettings("pixelwise", options={"width": 1}), 2, 5)
    with pytest.raises(LulcError, match="encoder of its own"):
        NetworkSettings("pixelwise", encoder="resnet18")


def test_without_the_file_there_is_none():
    assert "pixelwise" not in registry.architectures()
    assert registry.title_of("pixelwise") == "pixelwise"


def test_names_in_recipes_stay():
    names = list(registry.architectures())
    assert names == sorted(names)
    assert {"deeplabv3", "deeplabv3plus", "mobile_unet", "unet", "unet_small", "unetplusplus"} <= set(names)


def test_a_name_is_taken_once():
    with pytest.raises(ValueError, match="two architectures 'unet'"):
        registry.architecture("unet", title="Another", options=dict)(networks.Network)
