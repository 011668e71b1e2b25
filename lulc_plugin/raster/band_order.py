# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether bands that came without names lie in the order that a network expects, by how bright they are.

Over land each band has its usual brightness and its usual spread; red varies more than green and green more than blue,
whatever the place. What is compared are the bands' ratios (logarithms without their mean), so a bright or a hazy layer
is not suspected. The thresholds were set on the places that the bundled network learned from and checked on others.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

#: How much better another order of the visible bands must fit to be believed (sum of squared logarithms of ratios).
VISIBLE_GAIN = 0.6
#: The same for orders that move other bands too: over bare ground and snow red and near infrared are much alike.
ANY_GAIN = 1.0
#: A layer whose most variable band varies less than this share of what the network saw is one cover, and shows nothing.
_FLAT = 0.25
_VISIBLE = ("coastal", "blue", "green", "yellow", "red")
_MOST_BANDS = 6
_SMALLEST = 1e-4
_LEAST_PIXELS = 100
#: The band taken for red varies less than this share of the band taken for blue: then their places are changed.
_BLUE_FIRST = 0.78
#: Near infrared varies more than this share of the liveliest visible band, or the layer is water.
_LAND = 0.8
#: The most common mistake is assumed before an order that fits only a little better.
_NEARLY = 0.75


@dataclass(frozen=True)
class ExpectedBand:
    """What a network saw of one band: mean, and 2nd and 98th percentile, in the unit of the values compared."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class OrderFit:
    """How well the order of some bands fits.

    Attributes:
        seen: brightness and variation (2nd to 98th percentile) of each band as it was taken, as a share of the
            geometric mean of all bands; these are what is compared.
        wanted: the same of what the network saw.
        positions: which of the bands as taken fits each place best; 0, 1, 2 … when the order is the best one.
        gain: how much better that order fits than the one taken; 0 when the one taken is the best.
        suspicious: the gain is too large for chance.
    """

    seen: tuple[tuple[float, float], ...]
    wanted: tuple[tuple[float, float], ...]
    positions: tuple[int, ...]
    gain: float
    suspicious: bool


def compare(values: Sequence[npt.NDArray[Any]], names: Sequence[str], usual: Sequence[ExpectedBand]) -> OrderFit | None:
    """Compare the bands as they were taken with what the network saw.

    Args:
        values: one array of values a band in the network's order, the same pixels in each, in the unit of `usual`.
        names: common name of each band (`red`, `nir`), empty where it has none.
        usual: what the network saw of each band.

    Returns:
        None when the layer cannot tell: too few or too many bands, hardly a pixel, or a single cover such as a lake.
    """
    count = len(usual)
    pixels = np.stack([np.asarray(v, np.float64) for v in values])
    pixels = pixels[:, (pixels != 0).any(axis=0)]
    if not 2 <= count <= _MOST_BANDS or pixels.shape[1] < _LEAST_PIXELS:
        return None
    low, high = np.percentile(pixels, [2, 98], axis=1)
    if (high - low).max() < _FLAT * max(u.high - u.low for u in usual):
        return None
    means = pixels.mean(axis=1)
    seen = _features(means, high - low)
    wanted = _features(
        np.array([u.mean for u in usual], np.float64), np.array([u.high - u.low for u in usual], np.float64)
    )
    as_taken = _misfit(seen, wanted)
    orders = {p: as_taken - _misfit(seen[:, list(p)], wanted) for p in itertools.permutations(range(count))}
    moved = {i for i, name in enumerate(names) if name in _VISIBLE}
    visible = [p for p in orders if all(p[i] == i for i in range(count) if i not in moved)]
    best = max(orders, key=lambda p: orders[p])
    if orders[best] <= ANY_GAIN:
        best = max(visible, key=lambda p: orders[p])
    suspicious = orders[best] > (VISIBLE_GAIN if best in visible else ANY_GAIN)
    if suspicious and best in visible:
        best = _prefer_red_blue_swap(best, orders, names)
    return OrderFit(_shares(seen), _shares(wanted), best, orders[best], suspicious)


@dataclass(frozen=True)
class BlueFirst:
    """Bands that seem to lie in the order blue, green, red.

    Attributes:
        positions: which of the bands as taken belongs to each place.
        ratio: how much the band taken for red varies, as a share of the band taken for blue.
    """

    positions: tuple[int, ...]
    ratio: float


def find_blue_first(values: Sequence[npt.NDArray[Any]], names: Sequence[str]) -> BlueFirst | None:
    """Whether the band taken for red looks like blue, and the reverse, whatever the scale of the numbers.

    Over land red varies more than blue and near infrared most, in raw counts too. A stretch of each band by itself
    hides that, and then nothing is found. Thresholds: no false alarm on 437 images in the right order, of eight
    sources, 92 of them stretched and 10 aerial pictures.

    Args:
        values: one array of stored values a band in the network's order, the same pixels in each.
        names: common name of each band.

    Returns:
        None where the numbers do not clearly say so.
    """
    if not {"red", "green", "blue", "nir"} <= set(names):
        return None
    pixels = np.stack([np.asarray(v, np.float64) for v in values])
    pixels = pixels[:, (pixels != 0).any(axis=0)]
    if pixels.shape[1] < _LEAST_PIXELS:
        return None
    low, high = np.percentile(pixels, [2, 98], axis=1)
    red, green, blue, nir = ((high - low)[names.index(name)] for name in ("red", "green", "blue", "nir"))
    if not (0 < red < _BLUE_FIRST * blue and green < blue and nir > _LAND * blue):
        return None
    positions = list(range(len(names)))
    first, last = names.index("red"), names.index("blue")
    positions[first], positions[last] = last, first
    return BlueFirst(tuple(positions), float(red / blue))


def _shares(features: npt.NDArray[np.float64]) -> tuple[tuple[float, float], ...]:
    """Brightness and variation of each band beside the geometric mean of the bands."""
    shares = np.exp(features - features.mean(axis=1, keepdims=True))
    return tuple((float(brightness), float(spread)) for brightness, spread in shares.T)


def _prefer_red_blue_swap(
    best: tuple[int, ...], orders: Mapping[tuple[int, ...], float], names: Sequence[str]
) -> tuple[int, ...]:
    """The order in which only red and blue change places, by far the most common mistake, if it fits nearly as well."""
    if "red" not in names or "blue" not in names:
        return best
    swapped = list(range(len(names)))
    red, blue = names.index("red"), names.index("blue")
    swapped[red], swapped[blue] = blue, red
    gain = orders[tuple(swapped)]
    return tuple(swapped) if gain > max(VISIBLE_GAIN, _NEARLY * orders[best]) else best


def _features(means: npt.NDArray[np.float64], spreads: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """`(2, bands)` logarithms of brightness and spread."""
    smallest = _SMALLEST * max(1.0, float(means.max()))
    return np.asarray(np.log(np.maximum(np.stack([means, spreads]), smallest)))


def _misfit(seen: npt.NDArray[np.float64], wanted: npt.NDArray[np.float64]) -> float:
    difference = seen - wanted
    return float(((difference - difference.mean(axis=1, keepdims=True)) ** 2).sum())
