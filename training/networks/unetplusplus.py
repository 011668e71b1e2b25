# SPDX-License-Identifier: GPL-3.0-or-later
"""A narrow U-Net++ on MobileNetV2: skips that are themselves refined by the coarser levels.

Architecture: Zhou et al. 2018, UNet++: A Nested U-Net Architecture (DLMIA), without its deep supervision. The full size
has one node only, joined with a stem from the input: five nodes there would cost more than all the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from ..toml_tables import Count
from .blocks import convolutions, enlarge
from .mobile_unet import DecoderWidths, refuse_short
from .mobilenet import SKIPS, Encoder
from .network import Network
from .registry import LibraryNetwork, architecture
from .unet import EncoderUNetOptions


@dataclass(frozen=True)
class UNetPlusPlusOptions:
    """Options of the bench's own U-Net++.

    Args:
        decoder: width of the nodes of each level, coarsest (1/16) first, then 1/8, 1/4, 1/2 and full size. An encoder
            cut at 1/16 has no nodes there and takes the last four, or four numbers.
        stem: width of the full-resolution skip from the input; 0 leaves it out (faster, but single pixels are lost).
        convs: 3x3 convolutions a node, 1 or 2.
        cut: where the encoder ends.
    """

    decoder: DecoderWidths = (64, 48, 32, 24, 16)
    stem: Count = 16
    convs: Literal[1, 2] = 1
    cut: Literal["1/32", "1/16"] = "1/32"

    def __post_init__(self) -> None:
        refuse_short(self.decoder, self.cut)


@architecture(
    "unetplusplus",
    title="U-Net++",
    options=UNetPlusPlusOptions,
    encoder=LibraryNetwork("UnetPlusPlus", EncoderUNetOptions),
)
class UNetPlusPlus(Network):
    """Class scores and features of every pixel.

    Args:
        channels: input channels, the first three being red, green and blue where weights of photographs are loaded.
        classes: number of classes.
    """

    def __init__(self, channels: int, classes: int, options: UNetPlusPlusOptions | None = None) -> None:
        super().__init__()
        options = options or UNetPlusPlusOptions()
        cut = options.cut == "1/16"
        self.encoder = Encoder(channels, cut=cut)
        maps = [*SKIPS.values()] if cut else [*SKIPS.values(), self.encoder.width]
        # widths of the nodes at 1/2, 1/4, …; the coarsest map has none
        *coarse_first, finest = options.decoder[1:] if cut else options.decoder
        widths = coarse_first[::-1]
        self.depth = len(widths)
        nodes = {}
        for step in range(1, self.depth + 1):
            for level in range(self.depth + 1 - step):
                below = maps[level + 1] if step == 1 else widths[level + 1]
                source = maps[level] + (step - 1) * widths[level] + below
                nodes[f"{level}_{step}"] = convolutions(source, widths[level], options.convs)
        self.nodes = nn.ModuleDict(nodes)
        self.stem = convolutions(channels, options.stem, 1) if options.stem else None
        self.last = convolutions(widths[0] + options.stem, finest, options.convs)
        self.feature_count = finest
        self.multiple = 16 if cut else 32
        self.head = nn.Conv2d(finest, classes, 1)

    def encoder_module(self) -> nn.Module:
        """The MobileNetV2 part."""
        return self.encoder

    def features(self, x: Tensor) -> Tensor:
        """Penultimate features of every pixel `(n, feature_count, rows, cols)`."""
        rows = [[m] for m in self.encoder(x)]
        for step in range(1, self.depth + 1):
            for level in range(self.depth + 1 - step):
                joined = torch.cat([*rows[level], enlarge(rows[level + 1][step - 1])], dim=1)
                rows[level].append(self.nodes[f"{level}_{step}"](joined))
        deep = enlarge(rows[0][-1])
        return self.last(deep if self.stem is None else torch.cat([deep, self.stem(x)], dim=1))
