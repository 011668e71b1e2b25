# SPDX-License-Identifier: GPL-3.0-or-later
"""Slim Mobile-UNet: made for speed on processors and a short reach, for whatever optional bands there are.

Skips are added, not concatenated (as in the feature pyramid of Lin et al. 2017, CVPR), which processors do while they
convolve; most of the decoder runs at half size; filters at full size see the image itself, and what the decoder found
decides which of them count. Widths that are multiples of 16 keep onnxruntime on its quickest path.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta
from torch import Tensor, nn
from torch.nn import functional

from ..toml_tables import Words
from .band_input import BandInput
from .blocks import convolutions, enlarge, pointwise
from .mobilenet import SKIPS, Encoder
from .network import Network
from .registry import architecture

_SKIPS_AT = tuple(SKIPS)[:3]


@dataclass(frozen=True)
class SlimUNetOptions:
    """Options of the slim Mobile-UNet.

    Args:
        bands: common names of the input's channels; empty: channels without names, all always there. A recipe with
            optional bands puts these two in by itself.
        optional: those that may be absent.
        indices: computed inside the network where their bands are there.
        decoder: width at 1/16, 1/8, 1/4 and 1/2 of the size.
        detail: width of the filters at full size, the features of a pixel.
        convs: 3x3 convolutions at full size after the first one.
        last: index of the encoder's last block (7 to 13); from `narrow` on, blocks look at single cells of 1/16, which
            keeps what they know and shortens the reach.
        narrow: see `last`.
    """

    bands: Words = ()
    optional: Words = ()
    indices: Words = ()
    decoder: Annotated[tuple[Annotated[int, Meta(gt=0)], ...], Meta(min_length=4, max_length=4)] = (64, 48, 32, 16)
    detail: Annotated[int, Meta(gt=0)] = 16
    convs: Annotated[int, Meta(ge=0, le=4)] = 2
    last: Annotated[int, Meta(ge=7, le=13)] = 10
    narrow: Annotated[int, Meta(ge=7)] = 9


@architecture("slim_unet", title="Mobile-UNet (slim)", options=SlimUNetOptions)
class SlimUNet(Network):
    """Class scores and features of every pixel.

    Args:
        channels: input channels.
        classes: number of classes.
    """

    def __init__(self, channels: int, classes: int, options: SlimUNetOptions | None = None) -> None:
        super().__init__()
        options = options or SlimUNetOptions()
        self.input = BandInput(options.bands, options.optional, options.indices) if options.bands else None
        inner = len(self.input.names) if self.input is not None else channels
        self.channel_names = self.input.names if self.input is not None else ()
        self.encoder = Encoder(inner, last=options.last, narrow=options.narrow)
        widths = options.decoder
        self.deepest = pointwise(self.encoder.width, widths[0])
        self.narrower = nn.ModuleList(nn.Conv2d(a, b, 1) for a, b in zip(widths, widths[1:]))
        skips = [SKIPS[i] for i in reversed(_SKIPS_AT)]
        self.skips = nn.ModuleList(nn.Conv2d(source, width, 1) for source, width in zip(skips, widths[1:]))
        self.levels = nn.ModuleList(convolutions(width, width, 1) for width in widths[1:])
        self.context = nn.Conv2d(widths[-1], options.detail, 1)
        self.stem = nn.Conv2d(inner, options.detail, 3, padding=1)
        self.last = convolutions(options.detail, options.detail, options.convs)
        optional = len(options.optional)
        self.told_deep = nn.Linear(optional, widths[0]) if optional else None
        self.told_fine = nn.Linear(optional, options.detail) if optional else None
        for told in (self.told_deep, self.told_fine):
            if told is not None:
                nn.init.zeros_(told.weight)
                nn.init.zeros_(told.bias)
        self.feature_count = options.detail
        self.multiple = 16
        self.head = nn.Conv2d(options.detail, classes, 1)

    @property
    def image_channels(self) -> int:
        """Channels of the input: its bands, without the indices."""
        return super().image_channels if self.input is None else len(self.input.bands)

    def encoder_module(self) -> nn.Module:
        """The MobileNetV2 part."""
        return self.encoder

    def features(self, x: Tensor) -> Tensor:
        """Penultimate features of every pixel `(n, feature_count, rows, cols)`."""
        present = x[:, :0, 0, 0]
        if self.input is not None:
            present = self.input.presence(x)
            x = self.input(x, present)
        *maps, deep = self.encoder(x)
        deep = _told(self.deepest(deep), present, self.told_deep)
        for i, level in enumerate(self.levels):
            deep = level(functional.relu(self.skips[i](maps[-1 - i]) + enlarge(self.narrower[i](deep))))
        context = _told(self.context(deep), present, self.told_fine)
        return self.last(functional.relu(self.stem(x) + enlarge(context)))


def _told(x: Tensor, present: Tensor, told: nn.Linear | None) -> Tensor:
    """Features to which is added what the presence of bands means to them."""
    if told is None:
        return x
    return x + told(present)[:, :, None, None]
