# SPDX-License-Identifier: GPL-3.0-or-later
"""Architectures of segmentation_models_pytorch: their options, and one line each in the registry.

Names, defaults and checks of the options are the library's, under the words that recipes use. Without an `encoder` in
the recipe they stand on MobileNetV2. What the library makes of them, and what is changed so that maps do not show
their windows: `encoder_networks`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from msgspec import Meta

from .network import Network
from .registry import LibraryNetwork, add

#: Where a recipe names none.
USUAL_ENCODER = "mobilenet_v2"
Width = Annotated[int, Meta(gt=0)]
Dropout = Annotated[float, Meta(ge=0, lt=1)]


@dataclass(frozen=True)
class EncoderUNetOptions:
    """Options of U-Net and U-Net++ with a named encoder.

    Args:
        decoder: width of each decoder level, coarsest first; their number (3 to 5) is the encoder's depth.
    """

    decoder: Annotated[tuple[Width, ...], Meta(min_length=3, max_length=5)] = (256, 128, 64, 32, 16)
    output_stride: ClassVar[int] = 32
    enlargement: ClassVar[int] = 1

    @property
    def depth(self) -> int:
        """How often the encoder halves the size."""
        return len(self.decoder)

    @property
    def arguments(self) -> dict[str, Any]:
        """Further arguments of the library's class."""
        return {"encoder_depth": self.depth, "decoder_channels": self.decoder}


@dataclass(frozen=True)
class EncoderDeepLabOptions:
    """Options of DeepLabV3 with a named encoder.

    Args:
        output_stride: 16 or 8: input pixels along a side of a cell of the coarsest map.
        rates: dilations of the three 3x3 branches.
        width: channels of each branch and after them.
        pooling: add the branch of the window's mean, as published; a tiled map then depends on its tiles.
        separable: split the branches' filters into one a channel and a 1x1 convolution.
        dropout: share of the pyramid's channels that a training step leaves out.
    """

    output_stride: Literal[8, 16] = 16
    rates: Annotated[tuple[Width, ...], Meta(min_length=3, max_length=3)] = (6, 12, 18)
    width: Width = 256
    pooling: bool = False
    separable: bool = False
    dropout: Dropout = 0.5
    depth: ClassVar[int] = 5

    @property
    def enlargement(self) -> int:
        """How many times the decoder's map is enlarged: it is the coarsest one."""
        return self.output_stride

    @property
    def arguments(self) -> dict[str, Any]:
        """Further arguments of the library's class."""
        return {
            "encoder_output_stride": self.output_stride,
            "decoder_channels": self.width,
            "decoder_atrous_rates": self.rates,
            "decoder_aspp_separable": self.separable,
            "decoder_aspp_dropout": self.dropout,
        }


@dataclass(frozen=True)
class EncoderDeepLabPlusOptions(EncoderDeepLabOptions):
    """Options of DeepLabV3+ with a named encoder: as DeepLabV3, with separable branches."""

    separable: bool = True

    @property
    def enlargement(self) -> int:
        """How many times the decoder's map is enlarged: it ends at 1/4."""
        return 4


@dataclass(frozen=True)
class _QuarterOptions:
    """Options of a decoder whose map ends at 1/4.

    Args:
        width: channels of the decoder.
    """

    width: Width = 256
    depth: ClassVar[int] = 5
    output_stride: ClassVar[int] = 32
    enlargement: ClassVar[int] = 4
    argument: ClassVar[str] = "decoder_channels"

    @property
    def arguments(self) -> dict[str, Any]:
        """Further arguments of the library's class."""
        return {self.argument: self.width}


@dataclass(frozen=True)
class UPerNetOptions(_QuarterOptions):
    """Options of UPerNet. The means of the window in its pyramid are left out, as those of DeepLabV3."""


@dataclass(frozen=True)
class SegFormerOptions(_QuarterOptions):
    """Options of SegFormer; its encoders are `mit_b0` to `mit_b5`, and any other will do."""

    argument: ClassVar[str] = "decoder_segmentation_channels"


@dataclass(frozen=True)
class FpnOptions(_QuarterOptions):
    """Options of FPN.

    Args:
        width: channels of the pyramid; the branches behind it have half of them, and the library wants multiples of 32.
        dropout: share of the channels that a training step leaves out.
    """

    width: Annotated[int, Meta(ge=64, multiple_of=64)] = 256
    dropout: Dropout = 0.2

    @property
    def arguments(self) -> dict[str, Any]:
        """Further arguments of the library's class."""
        return {
            "decoder_pyramid_channels": self.width,
            "decoder_segmentation_channels": self.width // 2,
            "decoder_dropout": self.dropout,
        }


def _add(name: str, title: str, class_name: str, options: type) -> None:
    """One architecture of the library, under a name for recipes and a title for people."""

    def usual(channels: int, classes: int, chosen: Any) -> Network:
        # imported here: the bench's own networks need neither torchvision nor timm
        from .encoder_networks import WithEncoder

        return WithEncoder(class_name, USUAL_ENCODER, channels, classes, chosen)

    add(name, title, usual, options, LibraryNetwork(class_name, options))


_add("deeplabv3", "DeepLabV3", "DeepLabV3", EncoderDeepLabOptions)
_add("fpn", "FPN", "FPN", FpnOptions)
_add("segformer", "SegFormer", "Segformer", SegFormerOptions)
_add("unetplusplus", "U-Net++", "UnetPlusPlus", EncoderUNetOptions)
_add("upernet", "UPerNet", "UPerNet", UPerNetOptions)
