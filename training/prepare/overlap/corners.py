# SPDX-License-Identifier: GPL-3.0-or-later
"""Corners of an image, spread over all of it, and what their surroundings look like."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from .grey_images import FloatArray

IntArray = npt.NDArray[np.int64]

#: Half the side of the patch around a corner, and the distance of the places at which it is looked at, pixels.
RADIUS = 16
_STEP = 3
_OFFSETS = np.arange(-RADIUS + 1, RADIUS, _STEP)
#: Patches with less contrast than this share of the mean grey value's scale are of nothing.
_LEAST_CONTRAST = 0.004


@dataclass(frozen=True)
class Corners:
    """Positions `(n, 2)` (row, column) and the patch around each, `(n, d)`, mean 0 and length 1."""

    positions: IntArray
    patches: FloatArray


def corners(grey: FloatArray, cell: int) -> Corners:
    """The strongest corner of each square of `cell` pixels.

    A corner is where both eigenvalues of the structure tensor are large (J. Shi and C. Tomasi, "Good features to
    track", CVPR 1994).

    Args:
        grey: `(rows, cols)`.
        cell: side of the squares, pixels.
    """
    rows, cols = grey.shape
    nothing = Corners(np.zeros((0, 2), np.int64), np.zeros((0, len(_OFFSETS) ** 2), np.float32))
    if min(rows, cols) <= 2 * RADIUS:
        return nothing
    strength = _strength(grey)
    peak = strength == ndimage.maximum_filter(strength, size=5)
    strength = np.where(peak, strength, 0)
    strength[:RADIUS] = strength[-RADIUS:] = 0
    strength[:, :RADIUS] = strength[:, -RADIUS:] = 0
    high, wide = -(-rows // cell) * cell, -(-cols // cell) * cell
    padded = np.zeros((high, wide), np.float32)
    padded[:rows, :cols] = strength
    squares = padded.reshape(high // cell, cell, wide // cell, cell).swapaxes(1, 2).reshape(-1, cell * cell)
    best = squares.argmax(axis=1)
    chosen = np.flatnonzero(squares[np.arange(len(squares)), best] > 0)
    if not chosen.size:
        return nothing
    across = wide // cell
    r = chosen // across * cell + best[chosen] // cell
    c = chosen % across * cell + best[chosen] % cell
    smooth = ndimage.gaussian_filter(grey, 1.5)
    patches = smooth[(r[:, None] + _OFFSETS)[:, :, None], (c[:, None] + _OFFSETS)[:, None, :]].reshape(len(r), -1)
    patches -= patches.mean(axis=1, keepdims=True)
    length = np.linalg.norm(patches, axis=1)
    scale = float(np.abs(grey).mean()) + 1e-6
    clear = length > _LEAST_CONTRAST * scale * len(_OFFSETS)
    if not clear.any():
        return nothing
    positions = np.stack([r, c], axis=1)[clear].astype(np.int64)
    return Corners(positions, (patches[clear] / length[clear, None]).astype(np.float32))


def _strength(grey: FloatArray) -> FloatArray:
    """The smaller eigenvalue of the structure tensor at each pixel."""
    smooth = ndimage.gaussian_filter(grey, 1.0)
    down, right = np.gradient(smooth)
    a, b, c = (ndimage.gaussian_filter(v, 2.0) for v in (down * down, down * right, right * right))
    half, apart = (a + c) / 2, np.sqrt(((a - c) / 2) ** 2 + b * b)
    strength: FloatArray = (half - apart).astype(np.float32)
    return strength
