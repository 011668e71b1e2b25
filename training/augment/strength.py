# SPDX-License-Identifier: GPL-3.0-or-later
"""How strongly samples are changed: the table `[augment]` of a recipe."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta

from ..toml_tables import NotNegative, Share


@dataclass(frozen=True)
class Strength:
    """Shares are of samples, 0..1.

    Attributes:
        turn: the eight symmetries of a square are used.
        scale: largest natural logarithm of the factor by which pixels are enlarged or shrunk.
        shrink: share of samples that are shrunk further.
        shrink_to: by up to this factor (3: pixels of 10 m become 10 to 30 m).
        pictures: share of reflectance samples shown as stretched pictures.
        picture_jitter: share of pictures that are changed as `jitter` does, after they are stretched.
        jitter: share with other gains, haze, neighbouring bands mixed, gamma.
        gain: largest natural logarithm of the common gain.
        band_gain: standard deviation of the natural logarithm of each band's own gain.
        haze: largest haze, as reflectance in blue; a fifth of it may be taken off.
        offset: share with a constant of up to 0.1 reflectance on all bands, as products with an unremoved offset have.
        level_shift: share moved between the levels L1C and L2A of Sentinel-2.
        holes: share with rectangles of nodata, filled as the engine fills them.
        noise: standard deviation of noise, in network units.
        cutmix: share with a rectangle of another sample of the same set.
    """

    turn: bool = True
    scale: NotNegative = 0.22
    shrink: Share = 0.0
    shrink_to: Annotated[float, Meta(ge=1, le=1e9)] = 3.0
    pictures: Share = 0.0
    picture_jitter: Share = 0.0
    jitter: Share = 0.7
    gain: NotNegative = 0.25
    band_gain: NotNegative = 0.06
    haze: NotNegative = 0.024
    offset: Share = 0.0
    level_shift: Share = 0.0
    holes: Share = 0.15
    noise: NotNegative = 0.02
    cutmix: Share = 0.0
