# SPDX-License-Identifier: GPL-3.0-or-later
"""A narrow DeepLabV3+ on MobileNetV2, small enough to bundle.

Architectures: Chen et al. 2017, Rethinking Atrous Convolution; Chen et al. 2018, Encoder-Decoder with Atrous Separable
Convolution (ECCV). Unlike there, the pooling branch is off by default: the mean over the window would make a pixel's
class depend on which window of the map it fell into, and a tiled map would show the tiles.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from msgspec import Meta
from torch import Tensor, nn
from torch.nn import functional

from lulc_plugin.errors import LulcError

from .blocks import convolutions, enlarge, pointwise, separable
from .library_networks import EncoderDeepLabPlusOptions
from .mobilenet import SKIPS, Encoder
from .network import Network
from .registry import LibraryNetwork, architecture

DETAILS = ("1/4", "1/2", "full")
Positive = Annotated[int, Meta(gt=0)]


@dataclass(frozen=True)
class DeepLabPlusOptions:
    """Options of the bench's own DeepLabV3+.

    Args:
        output_stride: 16 or 8: input pixels along a side of a cell of the coarsest map.
        rates: dilations of the three or so 3x3 branches. The default is that of the papers (6, 12, 18 for windows of
            513 pixels) for the bench's windows of 256: beyond the window a branch sees only padding.
        width: channels of each branch and after them.
        pooling: add the branch of the window's mean (see the module's docstring before you do).
        detail: the finest scale with a skip: "1/4" (the paper), "1/2", or "full" (a stem from the input as well, so
            that single pixels survive).
        decoder: widths of the decoder at 1/4, 1/2 and full size; those finer than `detail` are not used.
        low: channels to which the skip at 1/4 is reduced.
        stem: width of the full-resolution skip.
    """

    output_stride: Literal[8, 16] = 16
    rates: Annotated[tuple[Positive, ...], Meta(min_length=1, max_length=5)] = (3, 6, 9)
    width: Positive = 80
    pooling: bool = False
    detail: Literal["1/4", "1/2", "full"] = "full"
    decoder: Annotated[tuple[Positive, ...], Meta(min_length=1, max_length=3)] = (64, 24, 16)
    low: Positive = 24
    stem: Positive = 16

    def __post_init__(self) -> None:
        least = DETAILS.index(self.detail) + 1
        if len(self.decoder) < least:
            raise LulcError(f"The network's option decoder has {len(self.decoder)} numbers.", f"Give {least} to 3.")


class PooledBranch(nn.Module):
    """The mean of the window, brought to `target` channels and back to every cell."""

    def __init__(self, source: int, target: int) -> None:
        super().__init__()
        # no batch norm: over one cell and a small batch its statistics are noise
        self.conv = nn.Sequential(nn.Conv2d(source, target, 1), nn.ReLU(inplace=True))

    def forward(self, x: Tensor) -> Tensor:
        """The same value in every cell `(n, target, rows, cols)`."""
        mean = self.conv(x.mean(dim=(2, 3), keepdim=True))
        return mean.expand(-1, -1, x.shape[2], x.shape[3])


class Atrous(nn.Module):
    """Atrous spatial pyramid: one 1x1 and several dilated, separable 3x3 branches side by side, then joined."""

    def __init__(self, source: int, options: DeepLabPlusOptions) -> None:
        super().__init__()
        width = options.width
        branches: list[nn.Module] = [pointwise(source, width)]
        branches += [separable(source, width, rate) for rate in options.rates]
        if options.pooling:
            branches.append(PooledBranch(source, width))
        self.branches = nn.ModuleList(branches)
        self.join = pointwise(width * len(branches), width)

    def forward(self, x: Tensor) -> Tensor:
        """`(n, source, rows, cols)` to `(n, width, rows, cols)`."""
        return self.join(torch.cat([branch(x) for branch in self.branches], dim=1))


def _smooth(x: Tensor, factor: int) -> Tensor:
    return functional.interpolate(x, scale_factor=float(factor), mode="bilinear", align_corners=False)


@architecture(
    "deeplabv3plus",
    title="DeepLabV3+",
    options=DeepLabPlusOptions,
    encoder=LibraryNetwork("DeepLabV3Plus", EncoderDeepLabPlusOptions),
)
class DeepLabPlus(Network):
    """DeepLabV3+: the pyramid's answer, refined by finer maps of the encoder.

    Args:
        channels: input channels, the first three being red, green and blue.
        classes: number of classes.
    """

    def __init__(self, channels: int, classes: int, options: DeepLabPlusOptions | None = None) -> None:
        super().__init__()
        options = options or DeepLabPlusOptions()
        self.encoder = Encoder(channels, options.output_stride)
        self.atrous = Atrous(self.encoder.width, options)
        self.low = pointwise(SKIPS[3], options.low)
        depth = DETAILS.index(options.detail)
        quarter, *finer = options.decoder[: depth + 1]
        self.quarter = nn.Sequential(separable(options.width + options.low, quarter), separable(quarter, quarter))
        self.stem = convolutions(channels, options.stem, 1) if depth == 2 else None
        self.finer = nn.ModuleList(
            convolutions(source + skip, target, 1)
            for source, skip, target in zip(options.decoder, (SKIPS[1], options.stem), finer)
        )
        self.coarse_factor = options.output_stride // 4
        self.rest = 4 // 2**depth
        self.feature_count = options.decoder[depth]
        self.multiple = options.output_stride
        self.head = nn.Conv2d(self.feature_count, classes, 1)

    def encoder_module(self) -> nn.Module:
        """The MobileNetV2 part."""
        return self.encoder

    def _finest(self, x: Tensor) -> Tensor:
        half, low, *_, deep = self.encoder(x)
        deep = _smooth(self.atrous(deep), self.coarse_factor)
        deep = self.quarter(torch.cat([deep, self.low(low)], dim=1))
        skips = [half] if self.stem is None else [half, self.stem(x)]
        for level, skip in zip(self.finer, skips):
            deep = level(torch.cat([enlarge(deep), skip], dim=1))
        return deep

    def features(self, x: Tensor) -> Tensor:
        """Penultimate features of every pixel `(n, feature_count, rows, cols)`."""
        deep = self._finest(x)
        return deep if self.rest == 1 else _smooth(deep, self.rest)

    def forward(self, x: Tensor) -> Tensor:
        """Class scores `(n, classes, rows, cols)`; enlarged after the head, which is the same and cheaper."""
        scores = self.head(self._finest(x))
        return scores if self.rest == 1 else _smooth(scores, self.rest)
