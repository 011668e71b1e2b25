# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows of convolutions that the decoders are made of."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional


def convolutions(source: int, target: int, count: int = 2) -> nn.Sequential:
    """`count` times: 3x3 convolution, batch norm, ReLU; the size stays."""
    layers: list[nn.Module] = []
    for i in range(count):
        layers += [
            nn.Conv2d(source if i == 0 else target, target, 3, padding=1, bias=False),
            nn.BatchNorm2d(target),
            nn.ReLU(inplace=True),
        ]
    return nn.Sequential(*layers)


def pointwise(source: int, target: int) -> nn.Sequential:
    """1x1 convolution, batch norm, ReLU."""
    return nn.Sequential(nn.Conv2d(source, target, 1, bias=False), nn.BatchNorm2d(target), nn.ReLU(inplace=True))


def separable(source: int, target: int, rate: int = 1) -> nn.Sequential:
    """3x3 filter on each channel by itself, dilated by `rate`, then a 1x1 convolution, batch norm, ReLU."""
    return nn.Sequential(
        nn.Conv2d(source, source, 3, padding=rate, dilation=rate, groups=source, bias=False),
        nn.BatchNorm2d(source),
        nn.Conv2d(source, target, 1, bias=False),
        nn.BatchNorm2d(target),
        nn.ReLU(inplace=True),
    )


def enlarge(x: Tensor, factor: int = 2) -> Tensor:
    """Each pixel becomes `factor` x `factor` equal ones (a scale factor, so exported graphs hold no fixed size)."""
    return functional.interpolate(x, scale_factor=float(factor), mode="nearest")
