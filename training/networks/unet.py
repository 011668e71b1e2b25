# SPDX-License-Identifier: GPL-3.0-or-later
"""The plain U-Net, narrow: two 3x3 convolutions a level, skips by concatenation.

Architecture: Ronneberger et al. 2015, U-Net (MICCAI), with batch norm and with padding, so that the size stays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from msgspec import Meta
from torch import Tensor, nn

from .blocks import convolutions, enlarge
from .library_networks import EncoderUNetOptions
from .network import Network
from .registry import LibraryNetwork, architecture

Widths = tuple[Annotated[int, Meta(gt=0)], ...]


@dataclass(frozen=True)
class UNetOptions:
    """Options of the plain U-Net.

    Args:
        widths: channels of each level, finest first; the last is the bottleneck.
        upsampling: "nearest" (enlarged pixels, then the level's convolutions) or "transposed" (a learned 2x2 one).
    """

    widths: Annotated[Widths, Meta(min_length=2, max_length=7)] = (16, 32, 64, 128, 256)
    upsampling: Literal["nearest", "transposed"] = "nearest"


@dataclass(frozen=True)
class SmallUNetOptions(UNetOptions):
    """Options of the small U-Net: 32 and 64 channels, and 128 at the bottleneck."""

    widths: Annotated[Widths, Meta(min_length=2, max_length=7)] = (32, 64, 128)


@architecture("unet_small", title="U-Net (small)", options=SmallUNetOptions)
@architecture("unet", title="U-Net", options=UNetOptions, encoder=LibraryNetwork("Unet", EncoderUNetOptions))
class UNet(Network):
    """Class scores and features of every pixel; the features are the finest level's.

    Args:
        channels: input channels.
        classes: number of classes.
    """

    def __init__(self, channels: int, classes: int, options: UNetOptions | None = None) -> None:
        super().__init__()
        widths = (options or UNetOptions()).widths
        transposed = options is not None and options.upsampling == "transposed"
        self.down = nn.ModuleList(
            convolutions(source, target) for source, target in zip((channels, *widths[:-1]), widths)
        )
        pairs = [*zip(widths[:0:-1], widths[-2::-1])]
        self.enlarge = nn.ModuleList(
            nn.ConvTranspose2d(coarse, fine, 2, stride=2) if transposed else nn.Identity() for coarse, fine in pairs
        )
        self.up = nn.ModuleList(convolutions((fine if transposed else coarse) + fine, fine) for coarse, fine in pairs)
        self.transposed = transposed
        self.pool = nn.MaxPool2d(2)
        self.feature_count = widths[0]
        self.multiple = 2 ** (len(widths) - 1)
        self.head = nn.Conv2d(widths[0], classes, 1)

    def features(self, x: Tensor) -> Tensor:
        """Penultimate features of every pixel `(n, feature_count, rows, cols)`."""
        skips: list[Tensor] = []
        for i, level in enumerate(self.down):
            x = level(self.pool(x) if i else x)
            skips.append(x)
        skips.pop()
        for enlarged, level in zip(self.enlarge, self.up):
            x = enlarged(x) if self.transposed else enlarge(x)
            x = level(torch.cat([x, skips.pop()], dim=1))
        return x
