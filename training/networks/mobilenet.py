# SPDX-License-Identifier: GPL-3.0-or-later
"""MobileNetV2 1.0 without its last, 1280-channel convolution: the encoder of the bench's own networks.

Architecture: Sandler et al. 2018, MobileNetV2: Inverted Residuals and Linear Bottlenecks (CVPR). The modules have the
key names that published weights have (`features.0.0.weight` …), so these load without a translation table.
"""

from __future__ import annotations

from torch import Tensor, nn

#: (expansion, output channels, blocks, stride) of each stage.
STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
#: Index of the last feature map at 1/2, 1/4, 1/8, 1/16 of the size, and their channels.
SKIPS = {1: 16, 3: 24, 6: 32, 13: 96}
DEEPEST = STAGES[-1][1]


def conv_bn(
    source: int, target: int, kernel: int = 3, stride: int = 1, groups: int = 1, rate: int = 1
) -> nn.Sequential:
    """Convolution without bias that keeps the size (or divides it by `stride`), batch norm, ReLU6."""
    return nn.Sequential(
        nn.Conv2d(source, target, kernel, stride, kernel // 2 * rate, dilation=rate, groups=groups, bias=False),
        nn.BatchNorm2d(target),
        nn.ReLU6(inplace=True),
    )


class InvertedResidual(nn.Module):
    """Widen by a 1x1 convolution, filter each channel, narrow again; add the input where shapes allow."""

    def __init__(self, source: int, target: int, stride: int, expansion: int, rate: int = 1, kernel: int = 3) -> None:
        super().__init__()
        hidden = source * expansion
        layers: list[nn.Module] = [] if expansion == 1 else [conv_bn(source, hidden, kernel=1)]
        layers += [
            conv_bn(hidden, hidden, kernel, stride=stride, groups=hidden, rate=rate),
            nn.Conv2d(hidden, target, 1, bias=False),
            nn.BatchNorm2d(target),
        ]
        self.conv = nn.Sequential(*layers)
        self.adds = stride == 1 and source == target

    def forward(self, x: Tensor) -> Tensor:
        """One block, `(n, source, rows, cols)` to `(n, target, rows / stride, cols / stride)`."""
        return x + self.conv(x) if self.adds else self.conv(x)


class Encoder(nn.Module):
    """`features.0` … `features.17` of MobileNetV2, or `features.13` where it is cut at 1/16.

    Args:
        channels: input channels, the first three being red, green and blue where weights of photographs are loaded.
        output_stride: 32, 16 or 8; below 32 the last stages keep their resolution and dilate their filters instead.
        cut: end after the 96-channel map (index 13) of the fourth scale.
        last: end after this block instead.
        narrow: from this block on, filters see single cells.
    """

    def __init__(
        self, channels: int, output_stride: int = 32, cut: bool = False, last: int = 0, narrow: int = 99
    ) -> None:
        super().__init__()
        blocks: list[nn.Module] = [conv_bn(channels, 32, stride=2)]
        source, reached, rate = 32, 2, 1
        widths = [32]
        for expansion, target, repeats, stride in STAGES:
            for i in range(repeats):
                step = stride if i == 0 else 1
                # the first filter of a stage that no longer shrinks still sees the grid it was trained on
                used_rate = rate
                if step == 2 and reached == output_stride:
                    step, rate = 1, 2 * rate
                reached *= step
                kernel = 3 if len(blocks) < narrow else 1
                blocks.append(InvertedResidual(source, target, step, expansion, used_rate, kernel))
                widths.append(target)
                source = target
        end = last or (max(SKIPS) if cut else len(blocks) - 1)
        self.features = nn.Sequential(*blocks[: end + 1])
        self.width = widths[end]
        self.ends_with_skip = end in SKIPS

    def forward(self, x: Tensor) -> list[Tensor]:
        """Feature maps, finest first: after blocks 1, 3, 6, 13, as far as there are any, and after the last one."""
        maps = []
        for i, block in enumerate(self.features):
            x = block(x)
            if i in SKIPS:
                maps.append(x)
        return maps if self.ends_with_skip else [*maps, x]
