# SPDX-License-Identifier: GPL-3.0-or-later
"""How far from a window's border the map depends on what lies beyond it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from .evaluate import Predictor

FloatArray = npt.NDArray[np.float32]
CHIP = 256
SIDE = 2 * CHIP
DISTANCES = (0, 16, 32, 48, 64, 80, 96, 112, 128, 160, 192, 224)


def composites(chips: Sequence[FloatArray]) -> list[FloatArray]:
    """Network inputs of 512 x 512, each of four of 256 x 256; what is left over is left out."""
    found = []
    for a, b, c, d in zip(*[iter(chips)] * 4, strict=False):
        found.append(np.concatenate([np.concatenate([a, b], axis=2), np.concatenate([c, d], axis=2)], axis=1))
    return found


def _reflected(image: FloatArray) -> FloatArray:
    ring = SIDE // 2
    return np.pad(image, ((0, 0), (ring, ring), (ring, ring)), mode="symmetric")


def _within(image: FloatArray, other: FloatArray) -> FloatArray:
    """The image amid copies of another one."""
    ring = SIDE // 2
    around = np.tile(other, (1, 3, 3))[:, ring : ring + 2 * SIDE, ring : ring + 2 * SIDE].copy()
    around[:, ring : ring + SIDE, ring : ring + SIDE] = image
    return around


def changed_labels(predict: Predictor, images: Sequence[FloatArray]) -> dict[str, list[float]]:
    """Share of labels farther than each of `DISTANCES` from the border that differ between surroundings.

    Images are network inputs of 512 x 512. Each is mapped alone (zeros of the convolutions beyond the border), amid
    its own reflection and amid another image; the rows of the table are the pairs.
    """
    counts: dict[str, np.ndarray] = {}
    totals = np.zeros(len(DISTANCES))
    ring = SIDE // 2
    inner = np.s_[ring : ring + SIDE, ring : ring + SIDE]
    at = np.arange(SIDE)
    to_border = np.minimum(at, SIDE - 1 - at)
    distance = np.minimum(to_border[:, None], to_border[None, :])
    for i, image in enumerate(images):
        others = (images[(i + 1) % len(images)], images[(i + len(images) // 2) % len(images)])
        alone = predict(image[None])[0].argmax(axis=0)
        reflected = predict(_reflected(image)[None])[0].argmax(axis=0)[inner]
        amid = [predict(_within(image, other)[None])[0].argmax(axis=0)[inner] for other in others]
        pairs = {
            "window border against reflection": alone != reflected,
            "window border against another image": alone != amid[0],
            "reflection against another image": reflected != amid[1],
            "one other image against a second": amid[0] != amid[1],
        }
        for name, differs in pairs.items():
            found = np.array([np.count_nonzero(differs & (distance >= d)) for d in DISTANCES], float)
            counts[name] = counts.get(name, 0) + found
        totals += [np.count_nonzero(distance >= d) for d in DISTANCES]
    return {name: [float(v) for v in found / totals] for name, found in counts.items()}


def margin(table: dict[str, list[float]], most: float = 0.005) -> int:
    """Smallest of `DISTANCES` beyond which fewer than `most` labels change in any row of the table.

    The largest distance when no row gets that low: the table in the card then says by how much it is missed.
    """
    for i, distance in enumerate(DISTANCES):
        if all(row[i] < most for row in table.values()):
            return distance
    return DISTANCES[-1]
