# SPDX-License-Identifier: GPL-3.0-or-later
"""Mobile-UNet: a MobileNetV2 encoder and a narrow U-Net decoder at full resolution."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from msgspec import Meta
from torch import Tensor, nn

from lulc_plugin.errors import LulcError

from ..toml_tables import Count
from .blocks import convolutions, enlarge
from .mobilenet import SKIPS, Encoder
from .network import Network
from .registry import architecture

#: Widths of a decoder that has five levels, or four above an encoder cut at 1/16.
DecoderWidths = Annotated[tuple[Annotated[int, Meta(gt=0)], ...], Meta(min_length=4, max_length=5)]


def refuse_short(decoder: tuple[int, ...], cut: str) -> None:
    """Refuse four widths where the encoder is not cut.

    Raises:
        LulcError: there are four, and five levels.
    """
    if cut == "1/32" and len(decoder) < 5:
        raise LulcError(f"The network's option decoder has {len(decoder)} numbers.", 'Give 5, or cut = "1/16".')


@dataclass(frozen=True)
class MobileUNetOptions:
    """Options of Mobile-UNet.

    Args:
        decoder: width of each decoder level, coarsest first. Five levels; an encoder cut at 1/16 takes the last four,
            or four numbers.
        stem: width of the full-resolution skip from the input; 0 leaves it out (faster, but single pixels are lost).
        convs: 3x3 convolutions a level, 1 or 2.
        cut: where the encoder ends; "1/16" leaves 0.67 of 2.2 million parameters.
    """

    decoder: DecoderWidths = (64, 48, 32, 24, 16)
    stem: Count = 16
    convs: Literal[1, 2] = 2
    cut: Literal["1/32", "1/16"] = "1/32"

    def __post_init__(self) -> None:
        refuse_short(self.decoder, self.cut)


@architecture("mobile_unet", title="Mobile-UNet", options=MobileUNetOptions)
class MobileUNet(Network):
    """Class scores and features of every pixel.

    Args:
        channels: input channels, the first three being red, green and blue.
        classes: number of classes.
    """

    def __init__(self, channels: int, classes: int, options: MobileUNetOptions | None = None) -> None:
        super().__init__()
        options = options or MobileUNetOptions()
        cut = options.cut == "1/16"
        self.encoder = Encoder(channels, cut=cut)
        skips = [*reversed(SKIPS.values())]
        widths = options.decoder
        if cut:
            skips, widths = skips[1:], widths[-4:]
        # without it the finest skip is at half size and single pixels are lost
        self.stem = convolutions(channels, options.stem, 1) if options.stem else None
        self.decoder = nn.ModuleList(
            convolutions(source + skip, target, options.convs)
            for source, skip, target in zip((self.encoder.width, *widths[:-1]), (*skips, options.stem), widths)
        )
        self.feature_count = widths[-1]
        self.multiple = 16 if cut else 32
        self.head = nn.Conv2d(self.feature_count, classes, 1)

    def encoder_module(self) -> nn.Module:
        """The MobileNetV2 part."""
        return self.encoder

    def features(self, x: Tensor) -> Tensor:
        """Penultimate features of every pixel `(n, feature_count, rows, cols)`."""
        *skips, deep = self.encoder(x)
        skips = [*reversed(skips)]
        if self.stem is not None:
            skips.append(self.stem(x))
        for i, level in enumerate(self.decoder):
            deep = enlarge(deep)
            deep = level(torch.cat([deep, skips[i]], dim=1) if i < len(skips) else deep)
        return deep
