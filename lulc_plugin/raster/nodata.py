# SPDX-License-Identifier: GPL-3.0-or-later
"""Which stored values are not measurements: the nodata value, NaN, absurd numbers, and unmarked nodata.

Unmarked nodata is one number in every band of many pixels, as scenes without a nodata value have it around them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

BoolArray = npt.NDArray[np.bool_]
#: No physical value is this large; float32's lowest and highest numbers stand for "nothing here" in many archives.
_ABSURD = 1e38
#: Shares of the pixels looked at, and of those on the rim, from which a value is reported.
MUCH = 0.05
RIM = 0.25
#: Light that is too strong for a sensor saturates one band after the other; unmarked nodata fills all of them at once.
_LARGEST_SATURATED_SHARE = 0.05
#: Numbers that no sensor measures.
_USUAL = (-9999, -99_999, -32_768)
#: Numbers that a sensor or a picture may hold, and that are often written where it has nothing.
_BRIGHTEST = (255, 65_535)
_HUGE = 1e30


def valid_by_value(values: npt.NDArray[Any], nodata: float | None) -> BoolArray:
    """Where stored values may be measurements, as far as the numbers themselves tell.

    Args:
        values: of one band, any shape and number type.
        nodata: the band's nodata value; None or NaN: it has none (NaN is never valid).

    Returns:
        Of the shape of `values`: False where they are the nodata value, NaN, infinite or absurd, or the lowest 64-bit
        integer.
    """
    kind, size = values.dtype.kind, values.dtype.itemsize
    valid: BoolArray = np.ones(values.shape, bool)
    if nodata is not None and not math.isnan(nodata):
        # compare in the band's own type: 0.1 as float32 is not 0.1 as float64
        with np.errstate(over="ignore"):
            valid = np.asarray(values != (values.dtype.type(nodata) if kind == "f" else np.float64(nodata)))
    if kind == "f":
        with np.errstate(invalid="ignore"):
            valid &= np.abs(values) < _ABSURD
    elif kind == "i" and size == 8:
        valid &= values != np.iinfo(values.dtype).min
    return valid


def in_ranges(values: npt.NDArray[Any], ranges: Sequence[tuple[float, float]]) -> BoolArray:
    """Where stored values lie within one of the ranges that a user set as no data, both ends included."""
    inside: BoolArray = np.zeros(values.shape, bool)
    for low, high in ranges:
        if values.dtype.kind == "f":  # in the band's own type: 0.1 as float32 is not 0.1 as float64
            with np.errstate(over="ignore"):
                low, high = values.dtype.type(low), values.dtype.type(high)
        inside |= (values >= low) & (values <= high)
    return inside


def usable(valid: BoolArray, policy: str) -> BoolArray:
    """`(rows, cols)` of pixels that get a class: invalid when `any` or when `all` of their bands are."""
    return np.asarray((np.logical_and if policy == "any" else np.logical_or).reduce(valid, axis=0))


# ---------------------------------------------------------------- unmarked nodata


@dataclass(frozen=True)
class UnmarkedNodata:
    """A value that many pixels have in every band.

    Attributes:
        value: the number as gdal_edit.py takes it.
        number: the same as a number.
        share: of the pixels looked at.
        rim_share: of the pixels on the rim.
    """

    value: str
    number: float
    share: float
    rim_share: float


def candidates(dtype: np.dtype[Any]) -> tuple[float, ...]:
    """Numbers of a type that may stand for no data; 0 is none of them. Infinities stand for all that are huge."""
    if dtype.kind == "f":
        return (*_USUAL, *_BRIGHTEST, -np.inf, np.inf)
    if dtype.kind not in "iu":
        return ()
    limits = np.iinfo(dtype)
    numbers = dict.fromkeys((*_USUAL, *_BRIGHTEST, int(limits.min), int(limits.max)))
    return tuple(v for v in numbers if v != 0 and limits.min <= v <= limits.max)


class UnmarkedNodataCount:
    """Counts of the candidates in pieces of a region."""

    def __init__(self) -> None:
        self._counts: dict[float, list[int]] = {}
        self._huge: dict[float, float] = {}
        self._bands = 0
        self._small = False

    def add(self, values: npt.NDArray[Any], valid: BoolArray, on_rim: BoolArray) -> None:
        """Count in `values`, `(bands, rows, cols)`, where `valid` and `on_rim`, `(rows, cols)`."""
        self._bands = len(values)
        self._small = values.dtype.kind in "iu" and values.dtype.itemsize == 1
        for value in candidates(values.dtype):
            same = is_value(values, value)
            everywhere = same.all(axis=0) & valid
            counts = self._counts.setdefault(value, [0, 0, 0])
            counts[0] += int(everywhere.sum())
            counts[1] += int((same.any(axis=0) & valid).sum())
            counts[2] += int((everywhere & on_rim).sum())
            if np.isinf(value) and everywhere.any():
                self._huge.setdefault(value, float(values[0][everywhere][0]))

    def most_common(self, pixels: int, rim_pixels: int) -> UnmarkedNodata | None:
        """The most common candidate that is not a measurement, by its share of `pixels` and `rim_pixels`."""
        best: UnmarkedNodata | None = None
        for value, (everywhere, anywhere, rim) in self._counts.items():
            share, rim_share = everywhere / max(1, pixels), rim / max(1, rim_pixels)
            if share < MUCH or not self._is_credible(value, everywhere, anywhere, rim_share):
                continue
            if best is None or share > best.share:
                number = self._huge.get(value, value)
                text = f"{number:.9g}" if np.isinf(value) else f"{number:.0f}"
                best = UnmarkedNodata(text, value, share, rim_share)
        return best

    def _is_credible(self, value: float, everywhere: int, anywhere: int, rim_share: float) -> bool:
        """Tells nodata from saturation, which affects only some bands and is rare along the border."""
        if value < 0 and not self._small:
            return True
        if self._bands < 2 or anywhere - everywhere > _LARGEST_SATURATED_SHARE * everywhere:
            return False
        return rim_share >= RIM or (not self._small and value != 255)


def is_value(values: npt.NDArray[Any], value: float) -> BoolArray:
    """Where `values` are a candidate."""
    if np.isinf(value):
        return np.asarray(values < -_HUGE if value < 0 else values > _HUGE)
    return np.asarray(values == value)


def without(values: list[npt.NDArray[Any]], unmarked: UnmarkedNodata | None) -> list[npt.NDArray[Any]]:
    """One array a band without the pixels that hold nothing but `unmarked`; all of them where nothing else is left."""
    if unmarked is None:
        return values
    kept = ~np.stack([is_value(v, unmarked.number) for v in values]).all(axis=0)
    return [v[kept] for v in values] if kept.any() else values
