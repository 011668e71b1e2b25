# SPDX-License-Identifier: GPL-3.0-or-later
"""`recipe.toml` of a new data set: what trains a first network on it, as it stands.

Sets that show red, green and blue go on from a released network, which knows land cover already; others start fresh.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from lulc_plugin.atomic_write import write_whole

from ..sets.description import SetDescription

#: Samples of a batch; every pixel of the training chips is seen about so often.
_SAMPLES, _ROUNDS = 8, 60
_LEAST, _MOST = 200, 3000
_OPTICAL = """\
architecture = "mobile_unet"
# goes on from a released network (any name of the models, or of training/networks/weights.toml); "" starts fresh
pretrained = "optical-rgbn-10to30m-mobileunet-v2"
"""
_PICTURE = """\
architecture = "mobile_unet"
options = { cut = "1/16", decoder = [48, 32, 24, 16] }
# goes on from a released network (any name of the models, or of training/networks/weights.toml); "" starts fresh
pretrained = "aerial-rgb-1to4m-mobileunet-v1"
"""
_FRESH = 'architecture = "unet"\n'


def write_recipe(description: SetDescription, splits: Sequence[str], size: int, sparse: bool) -> None:
    """Write `recipe.toml` into the folder of a set with labels.

    Args:
        description: of the set.
        splits: split of each chip.
        size: pixels a side of a chip.
        sparse: only a few pixels of a chip are labelled.
    """
    text = recipe_text(description, splits, size, sparse)
    write_whole(description.folder / "recipe.toml", text.encode("utf-8"))


def recipe_text(description: SetDescription, splits: Sequence[str], size: int, sparse: bool) -> str:
    """The recipe; arguments as in `write_recipe`."""
    chips = max(1, sum(split == "train" for split in splits))
    steps = min(_MOST, max(_LEAST, chips * _ROUNDS // _SAMPLES))
    every = max(20, steps // 10)
    network = _FRESH
    indices: tuple[str, ...] = ()
    usual = ("red", "green", "blue", "nir")
    bands = [b for b in usual if b in description.bands] + [b for b in description.bands if b not in usual]
    if {"red", "green", "blue"} <= set(bands):
        network = _PICTURE
        if "nir" in bands and not description.picture:
            network, indices = _OPTICAL, ("NDVI", "NDWI", "SAVI")
    loss = '[{ term = "partial_ce" }]'
    if not sparse:
        loss = '[{ term = "weighted_ce", smoothing = 0.05 }, { term = "dice", weight = 0.3 }]'
    name = _quoted(description.name)
    check = f'[[check]]\nset = {name}\nsplits = ["val"]\n'
    if "val" not in splits:
        check = "# there is no validation place: nothing can be checked, and the last weights are kept\n"
    schema = Path(__file__).parents[1] / "recipe.schema.json"
    return f"""\
#:schema {schema.as_uri()}
# A recipe for {description.name}, as a start. Every key: training/RECIPE.md.
#
#     python -m training.train recipe.toml                # log, curves, best.pt in runs/NAME-s0
#     python -m training.evaluate runs/NAME-s0/best.pt
name = {_quoted(description.name + "-v1")}
legend = "classes.json"

[input]
bands = [{_list(bands)}]
indices = [{_list(indices)}]
ways = [{'"picture"' if description.picture else '"reflectance"'}]

[network]
{network}
[run]
# {chips} chips to learn from: each is seen about {steps * _SAMPLES // chips} times
steps = {steps}
check_every = {every}
size = {_sample_size(size)}
average = 0.99

[optimiser]
warm_up = {min(60, steps // 10)}

[[data]]
set = {name}
samples = {_SAMPLES}
rarity = 0.3
loss = {loss}

{check}
[card]
title = {_quoted(description.title or description.name)}
{_pixel_size(description.gsd)}"""


def _pixel_size(gsd: float) -> str:
    if not gsd:
        return "# metres a pixel are not known: gsd = 10.0, gsd_range = [7.0, 15.0]\n"
    return f"gsd = {gsd:.6g}\ngsd_range = [{gsd / 1.5:.4g}, {gsd * 1.5:.4g}]\n"


def _sample_size(size: int) -> int:
    """Pixels a side of a sample: the chip's, at most 256, as a multiple of what the networks halve it to."""
    return max(32, min(size, 256) // 32 * 32)


def _list(names: Sequence[str]) -> str:
    return ", ".join(map(_quoted, names))


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")
