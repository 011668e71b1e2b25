# SPDX-License-Identifier: GPL-3.0-or-later
"""The same places under other light, haze, a forgotten offset, another processing level, and as pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ..augment.radiometry import hazy, to_surface, to_top
from ..maps import Answers, Counts, as_pictures, place_matrices, total_counts
from ..sets.chips import Chip

FloatArray = npt.NDArray[np.float32]
Change = Callable[[FloatArray], FloatArray]

AS_IT_IS = "as it is"
PICTURES = "8-bit pictures"
#: Reflectance; Sentinel-2's +1000 of processing baseline 04.00, not taken off.
OFFSET = 0.1
HAZE = 0.03


def changes(bands: Sequence[str], level: str) -> dict[str, Change]:
    """What is done to reflectance `(bands, rows, cols)`; sets without a level hold surface reflectance."""
    if level == "L1C":
        other: tuple[str, Change] = ("L1C to L2A", lambda x: to_surface(x, bands))
    else:
        other = ("L2A to L1C", lambda x: to_top(x, bands))
    return {
        "gain +20 %": lambda x: x * np.float32(1.2),
        "gain -20 %": lambda x: x * np.float32(0.8),
        f"haze {HAZE:g}": lambda x: hazy(x, bands, HAZE),
        "offset +1000": lambda x: x + np.float32(OFFSET),
        other[0]: other[1],
    }


def matrices(
    answers: Answers, chips: Sequence[Chip], bands: Sequence[str], pictures: bool, as_it_is: Counts
) -> dict[str, Counts]:
    """Condition → confusion matrix of all chips, which are of reflectance and of one set.

    Args:
        answers: the network.
        chips: the chips.
        bands: common names of their bands.
        pictures: the network takes pictures, too.
        as_it_is: the matrix without any change, the first of the result.
    """
    by_condition = {AS_IT_IS: as_it_is}
    for name, change in changes(bands, chips[0].level).items():
        changed = [replace(c, values=change(c.values).astype(np.float32)) for c in chips]
        by_condition[name] = total_counts(place_matrices(answers, changed))
    if pictures:
        by_condition[PICTURES] = total_counts(as_pictures(answers, [_as_bytes(c) for c in chips]))
    return by_condition


def _as_bytes(chip: Chip) -> Chip:
    """The chip with 8-bit numbers, each band stretched between the extremes of its place."""
    low, high = (edge(chip.pool, axis=1)[:, None] for edge in (np.min, np.max))

    def stretched(x: FloatArray) -> FloatArray:
        shape = (-1,) + (1,) * (x.ndim - 1)
        part = (x - low.reshape(shape)) / np.maximum(high - low, 1e-6).reshape(shape)
        return np.round(np.clip(part, 0, 1) * 255).astype(np.float32)

    return replace(chip, values=stretched(chip.values), layer=stretched(chip.layer), pool=stretched(chip.pool))
