# SPDX-License-Identifier: GPL-3.0-or-later
"""How far from a window's border the map depends on what lies beyond it, measured on images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lulc_plugin.errors import LulcError

from ..maps import Predictor

FloatArray = npt.NDArray[np.float32]
SIDE = 512
DISTANCES = (0, 16, 32, 48, 64, 80, 96, 112, 128, 160, 192, 224)
#: Share of labels that may change beyond the margin.
MOST = 0.005
_TILES = (512, 256, 128, 64, 32)
_LEAST_IMAGES = 3


@dataclass(frozen=True)
class Margin:
    """What was measured.

    Attributes:
        pixels: smallest of `DISTANCES` beyond which fewer than `MOST` of the labels change in any comparison; the
            largest when none gets that low, and `reached` is False.
        reached: whether the changes got that low.
        images: composites of 512 x 512 that were looked at.
        table: comparison → share of labels that differ, farther than each of `distances` from the border.
        distances: `DISTANCES` at that time.
    """

    pixels: int
    reached: bool
    images: int
    table: dict[str, list[float]]
    distances: tuple[int, ...] = DISTANCES

    @property
    def worst(self) -> float:
        """Largest share of labels that still changes beyond the margin."""
        return max(row[self.distances.index(self.pixels)] for row in self.table.values())


def composites(images: Sequence[FloatArray], most: int = 6, seed: int = 0) -> list[FloatArray]:
    """Network inputs of 512 x 512 put together from real ones.

    Tiles are as large as the images allow three composites without repeating any; where there are fewer images than
    that, tiles come again in another order.

    Args:
        images: network inputs `(channels, rows, cols)` of any sizes.
        most: composites wanted.
        seed: of the order, so that a composite holds more than one place.

    Raises:
        LulcError: the images are too small or too few.
    """
    sides = [side for side in _TILES if side <= SIDE]
    cut = {side: _tiles(images, side) for side in sides}
    across = {side: SIDE // side for side in sides}
    for wanted in (lambda n: _LEAST_IMAGES * n, lambda n: max(n, _LEAST_IMAGES), lambda n: _LEAST_IMAGES):
        for side in sides:
            each = across[side] ** 2
            if len(cut[side]) >= wanted(each):
                rng, number = np.random.default_rng(seed), min(most, max(_LEAST_IMAGES, len(cut[side]) // each))
                orders = [rng.permutation(len(cut[side])) for _ in range(-(-number * each // len(cut[side])))]
                order = np.concatenate(orders)[: number * each].reshape(number, each)
                return [_joined([cut[side][i] for i in part], across[side]) for part in order]
    raise LulcError(
        f"The {len(images)} images are too small or too few to measure the margin.",
        f"At least {_LEAST_IMAGES} tiles of {_TILES[-1]} x {_TILES[-1]} pixels are needed.",
    )


def _tiles(images: Sequence[FloatArray], side: int) -> list[FloatArray]:
    return [
        image[:, r : r + side, c : c + side]
        for image in images
        for r in range(0, image.shape[1] - side + 1, side)
        for c in range(0, image.shape[2] - side + 1, side)
    ]


def _joined(tiles: Sequence[FloatArray], across: int) -> FloatArray:
    rows = [np.concatenate(tiles[i * across : (i + 1) * across], axis=2) for i in range(across)]
    return np.concatenate(rows, axis=1)


def _reflected(image: FloatArray) -> FloatArray:
    ring = SIDE // 2
    return np.pad(image, ((0, 0), (ring, ring), (ring, ring)), mode="symmetric")


def _within(image: FloatArray, other: FloatArray) -> FloatArray:
    """The image amid copies of another one."""
    ring = SIDE // 2
    around = np.tile(other, (1, 3, 3))[:, ring : ring + 2 * SIDE, ring : ring + 2 * SIDE].copy()
    around[:, ring : ring + SIDE, ring : ring + SIDE] = image
    return around


def measure(predict: Predictor, images: Sequence[FloatArray]) -> Margin:
    """Map each image of 512 x 512 alone (zeros of the convolutions beyond the border), amid its own reflection and
    amid other images, and count how many labels differ at which distance.
    """
    counts: dict[str, np.ndarray] = {}
    totals = np.zeros(len(DISTANCES))
    ring = SIDE // 2
    inner = np.s_[ring : ring + SIDE, ring : ring + SIDE]
    at = np.arange(SIDE)
    to_border = np.minimum(at, SIDE - 1 - at)
    distance = np.minimum(to_border[:, None], to_border[None, :])
    for i, image in enumerate(images):
        others = (images[(i + 1) % len(images)], images[(i + 1 + len(images) // 2) % len(images)])
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
            differing = np.array([np.count_nonzero(differs & (distance >= d)) for d in DISTANCES], float)
            counts[name] = counts.get(name, 0) + differing
        totals += [np.count_nonzero(distance >= d) for d in DISTANCES]
    table = {name: [float(v) for v in differing / totals] for name, differing in counts.items()}
    return chosen(table, len(images))


def chosen(table: dict[str, list[float]], images: int) -> Margin:
    """The margin that a table of changes leads to."""
    for i, distance in enumerate(DISTANCES):
        if all(row[i] < MOST for row in table.values()):
            return Margin(distance, True, images, table, tuple(DISTANCES))
    return Margin(DISTANCES[-1], False, images, table, tuple(DISTANCES))
