# SPDX-License-Identifier: GPL-3.0-or-later
"""Which runs an experiment consists of: recipes of `configs/`, what is changed in them, and seeds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Variant:
    """One line of a table: a recipe with changes, trained with each seed."""

    label: str
    recipe: str
    changes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """An experiment: what it asks, its variants, its seeds."""

    question: str
    variants: tuple[Variant, ...]
    seeds: tuple[int, ...] = (0, 1)


_HLS, _SIX = "experiments/hls.toml", "multispectral-six.toml"
_SMALL = {"cut": "1/16", "decoder": [48, 32, 24, 16]}


def _sparse(count: int) -> dict[str, Any]:
    return {
        "data": [
            {"set": "hls7_worldcover", "samples": 6, "sparse": count, "loss": [{"term": "partial_ce"}]},
        ]
    }


def _hls(loss: list[dict[str, Any]]) -> dict[str, Any]:
    return {"set": "hls7_worldcover", "samples": 6, "rarity": 0.6, "loss": loss}


def _network(architecture: str, options: Mapping[str, Any] | None = None, pretrained: bool = True) -> dict[str, Any]:
    table: dict[str, Any] = {"architecture": architecture, "options": dict(options or {})}
    if pretrained:
        table["pretrained"] = "$LULC_WEIGHTS/mobilenetv2_imagenet.safetensors"
    return {"network": table}


PLANS: dict[str, Plan] = {
    "sparse": Plan(
        "How much accuracy do a few labelled pixels an image give?",
        tuple(Variant(f"{n or 'all'}", "experiments/sparse.toml", _sparse(n)) for n in (1, 10, 100, 0)),
        (0, 1, 2),
    ),
    "transfer": Plan(
        "Do ImageNet weights help?",
        (
            Variant("from scratch", _HLS, {"network.pretrained": ""}),
            Variant("ImageNet, all layers learn", _HLS),
            Variant("ImageNet, encoder frozen for 100 steps", _HLS, {"run.freeze_steps": 100}),
            Variant("ImageNet, encoder frozen throughout", _HLS, {"run.freeze_steps": 300}),
        ),
        (0, 1, 2),
    ),
    "architectures": Plan(
        "Which architecture, on the same data, steps and losses?",
        (
            Variant("Mobile-UNet", _HLS, _network("mobile_unet")),
            Variant("Mobile-UNet, encoder cut at 1/16", _HLS, _network("mobile_unet", _SMALL)),
            Variant("U-Net small (32-64-128)", _HLS, _network("unet_small", pretrained=False)),
            Variant("U-Net (16 to 256)", _HLS, _network("unet", pretrained=False)),
            Variant("U-Net++", _HLS, _network("unetplusplus")),
            Variant("DeepLabV3", _HLS, _network("deeplabv3")),
            Variant("DeepLabV3+", _HLS, _network("deeplabv3plus")),
            Variant("FPN", _HLS, _network("fpn")),
            Variant("UPerNet", _HLS, _network("upernet")),
            Variant("SegFormer (decoder)", _HLS, _network("segformer")),
        ),
        (0,),
    ),
    "losses": Plan(
        "Which loss?",
        (
            Variant("cross-entropy", _HLS, {"data": [_hls([{"term": "weighted_ce", "power": 0.0}])]}),
            Variant("weighted cross-entropy + Dice", _HLS),
            Variant(
                "the two hardest classes twice",
                _HLS,
                {"run.check_every": 100, "data": [_hls([{"term": "hardest_classes", "factor": 2.0}])]},
            ),
            Variant("focal", _HLS, {"data": [_hls([{"term": "focal", "gamma": 2.0}])]}),
        ),
        (0,),
    ),
    "specialists": Plan(
        "Does a network for one sensor beat the joint one there?",
        (Variant("HLS alone", _HLS), Variant("India alone", "experiments/india.toml")),
        (0,),
    ),
    "six": Plan(
        "Do short-wave infrared and indices help? Same sets, same steps",
        (
            Variant(
                "RGBN + 3 indices",
                _SIX,
                {"input.bands": ["red", "green", "blue", "nir"], "input.indices": ["NDVI", "NDWI", "SAVI"]},
            ),
            Variant("six bands", _SIX),
            Variant(
                "six bands + 6 indices",
                _SIX,
                {"input.indices": ["NDVI", "NDWI", "MNDWI", "NDBI", "SAVI", "BSI"]},
            ),
        ),
        (0, 1, 2),
    ),
}
