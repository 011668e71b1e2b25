# SPDX-License-Identifier: GPL-3.0-or-later
"""What every network of the bench offers, whatever is inside."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from .band_input import BandInput

Kind = TypeVar("Kind", bound="Network")


class Network(nn.Module):
    """A network that gives features and class scores to every pixel.

    Attributes:
        input: what finds absent bands in the image, where some are optional; else None.
        second: a further head for training alone, or None.
        head: 1x1 convolution from features to class scores; set by the subclass.
        feature_count: number of features of a pixel.
        multiple: height and width of the input must be multiples of this.
        channel_names: of the channels that the first filters see, where the network knows them.
    """

    head: nn.Conv2d
    feature_count: int
    multiple: int
    channel_names: tuple[str, ...] = ()
    second: nn.Conv2d | None
    input: BandInput | None

    def __init__(self) -> None:
        super().__init__()
        self.second = None
        self.input = None

    @property
    def image_channels(self) -> int:
        """Channels of the input: those of the first filters, where nothing stands before these."""
        return next(module.in_channels for module in self.modules() if isinstance(module, nn.Conv2d))

    def features(self, x: Tensor) -> Tensor:
        """Penultimate features `(n, feature_count, rows, cols)` of an input `(n, channels, rows, cols)`."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        """Class scores (logits) `(n, classes, rows, cols)`."""
        return self.head(self.features(x))

    def channels_last(self: Kind, device: torch.device | None = None) -> Kind:
        """The network, moved to `device`, its filters laid out as convolutions on processors are quickest with."""
        network: Any = self
        return network.to(device or torch.device("cpu"), memory_format=torch.channels_last)

    def encoder_module(self) -> nn.Module | None:
        """The part that pretrained weights may fill; None where there is none."""
        return None

    def pretrained_parameters(self) -> Iterator[nn.Parameter]:
        """Parameters of the encoder, for freezing and a lower rate of learning; empty without an encoder."""
        encoder = self.encoder_module()
        return iter(()) if encoder is None else encoder.parameters()
