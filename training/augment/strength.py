# SPDX-License-Identifier: GPL-3.0-or-later
"""How strongly samples are changed: the table `[augment]` of a recipe."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from lulc_plugin.errors import LulcError

from ..toml_tables import no_others, positive

#: Shares of samples.
_SHARES = ("shrink", "pictures", "picture_jitter", "jitter", "offset", "level_shift", "holes", "cutmix")


@dataclass(frozen=True)
class Strength:
    """Shares are of samples, 0..1.

    Attributes:
        turn: the eight symmetries of a square are used.
        scale: largest natural logarithm of the factor by which pixels are enlarged or shrunk.
        shrink: share of samples that are shrunk further, by up to `shrink_to` (pixels of 10 m become 10 to 30 m).
        pictures: share of reflectance samples shown as stretched pictures.
        picture_jitter: share of pictures that are changed as `jitter` does, after they are stretched.
        jitter: share with other gains, haze, neighbouring bands mixed, gamma.
        gain: largest natural logarithm of the common gain; `band_gain`: standard deviation of each band's own.
        haze: largest haze, as reflectance in blue; a fifth of it may be taken off.
        offset: share with a constant of up to 0.1 reflectance on all bands, as products with an unremoved offset have.
        level_shift: share moved between the levels L1C and L2A of Sentinel-2.
        holes: share with rectangles of nodata, filled as the engine fills them.
        noise: standard deviation of noise, in network units.
        cutmix: share with a rectangle of another sample of the same set.
    """

    turn: bool = True
    scale: float = 0.22
    shrink: float = 0.0
    shrink_to: float = 3.0
    pictures: float = 0.0
    picture_jitter: float = 0.0
    jitter: float = 0.7
    gain: float = 0.25
    band_gain: float = 0.06
    haze: float = 0.024
    offset: float = 0.0
    level_shift: float = 0.0
    holes: float = 0.15
    noise: float = 0.02
    cutmix: float = 0.0


def from_table(table: Mapping[str, Any], base: Strength | None = None) -> Strength:
    """Strength of a table; what it does not say is as in `base`.

    Raises:
        LulcError: an unknown key, a number of the wrong kind or below 0, a share above 1.
    """
    known = {f.name: f for f in fields(Strength)}
    values = {name: getattr(base or Strength(), name) for name in known}
    no_others(table, known, "[augment]")
    for key, value in table.items():
        values[key] = positive(known[key].default, value, f"[augment] {key}", 1 if key in _SHARES else math.inf)
    if values["shrink_to"] < 1:
        raise LulcError(f"[augment] shrink_to is {values['shrink_to']}.", "Give how many times larger: 1 or more.")
    return Strength(**values)
