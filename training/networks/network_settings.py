# SPDX-License-Identifier: GPL-3.0-or-later
"""What the table [network] of a recipe says, and the network that it means, with fresh weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from lulc_plugin.errors import LulcError

from ..toml_tables import read
from .network import Network
from .registry import architectures


@dataclass(frozen=True)
class NetworkSettings:
    """Which network a recipe trains.

    Args:
        architecture: one of the registry.
        encoder: "" for the bench's own small network; else the name of an encoder of segmentation_models_pytorch or,
            with `tu-` before it, of timm: resnet50, resnet101, mobilenet_v2, tu-convnext_tiny …
        options: widths and the like; see the options dataclass of each architecture.

    Raises:
        LulcError: an unknown architecture, or an encoder where there is none to choose.
    """

    architecture: str
    encoder: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        known = architectures()
        if self.architecture not in known:
            raise LulcError(f"There is no architecture “{self.architecture}”.", f"Choose one of {', '.join(known)}.")
        if self.encoder and known[self.architecture].encoder is None:
            choice = ", ".join(one.name for one in known.values() if one.encoder)
            raise LulcError(
                f"The network {self.architecture} has an encoder of its own, but “{self.encoder}” is asked for.",
                f"Leave `encoder` out, or choose one of {choice}.",
            )

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> NetworkSettings:
        """Read the table [network] of a recipe: `architecture`, `encoder` and the table `options`.

        Raises:
            LulcError: an unknown key, a missing architecture, a value of another type.
        """
        return read(cls, table, "[network]")

    def typed_options(self) -> Any:
        """The options as a dataclass of the architecture, or of its counterpart with an encoder.

        Raises:
            LulcError: an option that the architecture does not have, or a value of another type or beyond its bounds.
        """
        chosen = architectures()[self.architecture]
        kind = chosen.encoder.options if self.encoder and chosen.encoder is not None else chosen.options
        return read(kind, self.options, f"[network] {self.architecture} options")

    def as_table(self) -> dict[str, Any]:
        """What `from_table` reads back; plain values for a checkpoint."""
        return asdict(self)


def build(settings: NetworkSettings, channels: int, classes: int) -> Network:
    """A network with fresh, random weights; nothing is downloaded.

    Args:
        settings: architecture, encoder and options.
        channels: input channels, at least 1.
        classes: number of classes, at least 2.

    Raises:
        LulcError: an option that the architecture does not have, numbers that make no network, an unknown encoder.
    """
    if channels < 1 or classes < 2:
        raise LulcError(
            f"A network of {channels} channels and {classes} classes makes no sense.",
            "It takes at least one channel and two classes.",
        )
    chosen = architectures()[settings.architecture]
    options = settings.typed_options()
    if settings.encoder and chosen.encoder is not None:
        # imported here: the bench's own networks need neither torchvision nor timm
        from .encoder_networks import WithEncoder

        return WithEncoder(chosen.encoder.class_name, settings.encoder, channels, classes, options)
    return chosen.build(channels, classes, options)
