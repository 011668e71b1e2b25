# SPDX-License-Identifier: GPL-3.0-or-later
"""What the table [network] of a recipe says. Imports no PyTorch, so that a recipe is refused before that loads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from lulc_plugin.errors import LulcError

ARCHITECTURES = ("mobile_unet", "unet_small", "unet", "unetplusplus", "deeplabv3", "deeplabv3plus")
#: Those that segmentation_models_pytorch has, with any encoder.
WITH_ENCODER = ("unet", "unetplusplus", "deeplabv3", "deeplabv3plus")


@dataclass(frozen=True)
class NetworkSettings:
    """Which network a recipe trains.

    Args:
        architecture: one of ARCHITECTURES.
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
        if self.architecture not in ARCHITECTURES:
            raise LulcError(
                f"There is no architecture “{self.architecture}”.", f"Choose one of {', '.join(ARCHITECTURES)}."
            )
        if self.encoder and self.architecture not in WITH_ENCODER:
            raise LulcError(
                f"The network {self.architecture} has an encoder of its own, but “{self.encoder}” is asked for.",
                f"Leave `encoder` out, or choose one of {', '.join(WITH_ENCODER)}.",
            )

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> NetworkSettings:
        """Read the table [network] of a recipe: `architecture`, `encoder` and the table `options`.

        Raises:
            LulcError: an unknown key, a missing architecture, a value of another type.
        """
        for key in table:
            if key not in ("architecture", "encoder", "options"):
                raise LulcError(
                    f"[network] has no key “{key}”.", "It has architecture, encoder and the table [network.options]."
                )
        if "architecture" not in table:
            raise LulcError("[network] does not say which architecture.", f"Choose one of {', '.join(ARCHITECTURES)}.")
        for key in ("architecture", "encoder"):
            if not isinstance(table.get(key, ""), str):
                raise LulcError(f"`{key}` of [network] is {table[key]!r}.", "Write its name in quotes.")
        options = table.get("options", {})
        if not isinstance(options, Mapping):
            raise LulcError(f"`options` of [network] is {options!r}.", "Write a table [network.options].")
        return cls(table["architecture"], table.get("encoder", ""), dict(options))

    def as_table(self) -> dict[str, Any]:
        """What `from_table` reads back; plain values for a checkpoint."""
        return asdict(self)
