# SPDX-License-Identifier: GPL-3.0-or-later
"""Which pixels of a whole layer speak for it: one regular grid, used by training and inference alike."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

#: At most this many pixels of a layer enter its statistics.
MOST_PIXELS = 4_000_000


def grid_step(height: int, width: int, most: int = MOST_PIXELS) -> int:
    """Distance in pixels, the same in rows and columns, of the coarsest needed sampling grid (1 = every pixel).

    The grid starts at row and column `step // 2`.
    """
    step = max(1, math.ceil(math.sqrt(height * width / most)))
    while math.ceil(height / step) * math.ceil(width / step) > most:
        step += 1
    return step


def sample_array(
    values: npt.NDArray[Any], valid: npt.NDArray[np.bool_], most: int = MOST_PIXELS
) -> npt.NDArray[Any]:
    """The valid sampled pixels of a layer that is in memory.

    Args:
        values: `(bands, rows, cols)`.
        valid: `(rows, cols)`.
        most: upper limit of sampled pixels.

    Returns:
        `(bands, pixels)` of the same number type.
    """
    step = grid_step(*valid.shape, most)
    grid = np.s_[step // 2 :: step]
    return values[:, grid, grid][:, valid[grid, grid]]
