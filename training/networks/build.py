# SPDX-License-Identifier: GPL-3.0-or-later
"""From settings to a network with fresh weights."""

from __future__ import annotations

from typing import Any

from lulc_plugin.errors import LulcError

from .deeplab import DeepLab, DeepLabOptions, DeepLabPlus, DeepLabPlusOptions
from .mobile_unet import MobileUNet, MobileUNetOptions
from .network import Network
from .network_settings import NetworkSettings
from .options import read_options
from .unet import SmallUNetOptions, UNet, UNetOptions
from .unetplusplus import UNetPlusPlus, UNetPlusPlusOptions

#: architecture → (network, its options)
OWN: dict[str, tuple[Any, Any]] = {
    "mobile_unet": (MobileUNet, MobileUNetOptions),
    "unet_small": (UNet, SmallUNetOptions),
    "unet": (UNet, UNetOptions),
    "unetplusplus": (UNetPlusPlus, UNetPlusPlusOptions),
    "deeplabv3": (DeepLab, DeepLabOptions),
    "deeplabv3plus": (DeepLabPlus, DeepLabPlusOptions),
}


def build(settings: NetworkSettings, channels: int, classes: int) -> Network:
    """A network with fresh, random weights; nothing is downloaded.

    Args:
        settings: architecture, encoder and options.
        channels: input channels, at least 1.
        classes: number of classes, at least 2.

    Raises:
        LulcError: an option that the architecture does not have, numbers that make no network, an unknown encoder.
    """
    if channels < 1 or classes < 2:
        raise LulcError(
            f"A network of {channels} channels and {classes} classes makes no sense.",
            "It takes at least one channel and two classes.",
        )
    if settings.encoder:
        # imported here: the bench's own networks need neither torchvision nor timm
        from .encoder_networks import OPTIONS, WithEncoder

        given = read_options(OPTIONS[settings.architecture], settings.options, settings.architecture)
        return WithEncoder(settings.architecture, settings.encoder, channels, classes, given)
    network, options = OWN[settings.architecture]
    return network(channels, classes, read_options(options, settings.options, settings.architecture))
