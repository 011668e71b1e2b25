# SPDX-License-Identifier: GPL-3.0-or-later
"""Mobile-UNet: a MobileNetV2 encoder up to its 320-channel map, and a narrow decoder at full resolution.

The encoder's modules carry the key names that published MobileNetV2 weights have (`features.0.0.weight` …), so these
load without a translation table.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

#: (expansion, output channels, blocks, stride) of each stage of MobileNetV2 1.0.
_STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
#: Index of the last feature map at 1/2, 1/4, 1/8, 1/16 of the size, and their channels.
_SKIPS = {1: 16, 3: 24, 6: 32, 13: 96}
DECODER = (64, 48, 32, 24, 16)
STEM = 16
FEATURES = DECODER[-1]


def _conv_bn(source: int, target: int, kernel: int = 3, stride: int = 1, groups: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(source, target, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(target),
        nn.ReLU6(inplace=True),
    )


class InvertedResidual(nn.Module):
    """Widen by a 1x1 convolution, filter each channel, narrow again; add the input where shapes allow."""

    def __init__(self, source: int, target: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = source * expansion
        layers: list[nn.Module] = [] if expansion == 1 else [_conv_bn(source, hidden, kernel=1)]
        layers += [
            _conv_bn(hidden, hidden, stride=stride, groups=hidden),
            nn.Conv2d(hidden, target, 1, bias=False),
            nn.BatchNorm2d(target),
        ]
        self.conv = nn.Sequential(*layers)
        self.adds = stride == 1 and source == target

    def forward(self, x: Tensor) -> Tensor:
        """One block."""
        return x + self.conv(x) if self.adds else self.conv(x)


class Encoder(nn.Module):
    """`features.0` … `features.17` of MobileNetV2; returns the maps at 1/2, 1/4, 1/8, 1/16 and 1/32."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        blocks: list[nn.Module] = [_conv_bn(channels, 32, stride=2)]
        source = 32
        for expansion, target, repeats, stride in _STAGES:
            for i in range(repeats):
                blocks.append(InvertedResidual(source, target, stride if i == 0 else 1, expansion))
                source = target
        self.features = nn.Sequential(*blocks)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Feature maps, finest first."""
        maps = []
        for i, block in enumerate(self.features):
            x = block(x)
            if i in _SKIPS:
                maps.append(x)
        return [*maps, x]


def _double(source: int, target: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(source, target, 3, padding=1, bias=False),
        nn.BatchNorm2d(target),
        nn.ReLU(inplace=True),
        nn.Conv2d(target, target, 3, padding=1, bias=False),
        nn.BatchNorm2d(target),
        nn.ReLU(inplace=True),
    )


class MobileUNet(nn.Module):
    """Class scores and features of every pixel. Height and width must be multiples of 32.

    Args:
        channels: input channels, the first three being red, green and blue.
        classes: number of classes.
    """

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.encoder = Encoder(channels)
        # without it the finest skip is at half size and single pixels are lost
        self.stem = nn.Sequential(
            nn.Conv2d(channels, STEM, 3, padding=1, bias=False), nn.BatchNorm2d(STEM), nn.ReLU(inplace=True)
        )
        skips = [*reversed(_SKIPS.values()), STEM]
        sources = [_STAGES[-1][1], *DECODER[:-1]]
        self.decoder = nn.ModuleList(
            _double(source + skip, target) for source, skip, target in zip(sources, skips, DECODER, strict=True)
        )
        self.head = nn.Conv2d(FEATURES, classes, 1)

    def features(self, x: Tensor) -> Tensor:
        """The 16 penultimate features of every pixel."""
        *skips, deep = self.encoder(x)
        for level, skip in zip(self.decoder, [*reversed(skips), self.stem(x)], strict=True):
            deep = functional.interpolate(deep, scale_factor=2.0, mode="nearest")
            deep = level(torch.cat([deep, skip], dim=1))
        return deep

    def forward(self, x: Tensor) -> Tensor:
        """Class scores (logits) `(n, classes, rows, cols)`."""
        return self.head(self.features(x))


def load_encoder(network: MobileUNet, path: Path) -> None:
    """Start the encoder from ImageNet weights of a safetensors file with MobileNetV2's key names.

    Filters of channels beyond red, green and blue start as the mean of the three; all are scaled so that the sum
    over channels stays about what it was.

    Raises:
        RuntimeError: a key is missing.
    """
    from safetensors.torch import load_file

    weights = {k: v.float() if v.is_floating_point() else v for k, v in load_file(str(path)).items()}
    weights = {k: v for k, v in weights.items() if not k.startswith("features.18.")}
    first = weights["features.0.0.weight"]
    channels = network.encoder.features[0][0].in_channels
    extra = first.mean(dim=1, keepdim=True).expand(-1, channels - 3, -1, -1)
    weights["features.0.0.weight"] = torch.cat([first, extra], dim=1) * (3 / channels)
    network.encoder.load_state_dict(weights, strict=True)


def receptive_field(network: MobileUNet) -> int:
    """Full width in pixels that can influence one pixel, by the architecture (the longest path)."""
    width, stride = 1, 1
    for module in network.encoder.modules():
        if isinstance(module, nn.Conv2d):
            width += (module.kernel_size[0] - 1) * stride
            stride *= module.stride[0]
    for level in network.decoder:
        # nearest enlargement: a fine pixel stands for its whole coarse pixel
        stride //= 2
        width += stride
        for module in level:
            if isinstance(module, nn.Conv2d):
                width += (module.kernel_size[0] - 1) * stride
    return width


def parameter_count(network: nn.Module) -> int:
    """Number of trained parameters."""
    return sum(p.numel() for p in network.parameters())
