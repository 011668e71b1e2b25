# SPDX-License-Identifier: GPL-3.0-or-later
"""Values that stand for "no data" although the layer does not mark them: one number in every band of many pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

#: Shares of the pixels looked at, and of those on the rim, from which a value is worth a word.
MUCH = 0.05
RIM = 0.25
#: Light that is too strong for a sensor fills one band after the other; a filler fills all of them at once.
_PARTLY = 0.05
#: Numbers that no sensor measures.
_USUAL = (-9999, -99_999, -32_768)
#: Numbers that a sensor or a picture may hold, and that are often written where it has nothing.
_BRIGHTEST = (255, 65_535)
_HUGE = 1e30


@dataclass(frozen=True)
class Filler:
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
    listed = dict.fromkeys((*_USUAL, *_BRIGHTEST, int(limits.min), int(limits.max)))
    return tuple(v for v in listed if v != 0 and limits.min <= v <= limits.max)


class FillerCount:
    """Counts of the candidates in pieces of a region."""

    def __init__(self) -> None:
        self._counts: dict[float, list[int]] = {}
        self._huge: dict[float, float] = {}
        self._bands = 0
        self._small = False

    def add(self, values: npt.NDArray[Any], valid: npt.NDArray[np.bool_], on_rim: npt.NDArray[np.bool_]) -> None:
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

    def found(self, pixels: int, rim_pixels: int) -> Filler | None:
        """The commonest candidate that is no measurement, by its share of `pixels` and `rim_pixels`."""
        best: Filler | None = None
        for value, (everywhere, anywhere, rim) in self._counts.items():
            share, rim_share = everywhere / max(1, pixels), rim / max(1, rim_pixels)
            if share < MUCH or not self._believed(value, everywhere, anywhere, rim_share):
                continue
            if best is None or share > best.share:
                number = self._huge.get(value, value)
                text = f"{number:.9g}" if np.isinf(value) else f"{number:.0f}"
                best = Filler(text, value, share, rim_share)
        return best

    def _believed(self, value: float, everywhere: int, anywhere: int, rim_share: float) -> bool:
        """Saturated light must not be called empty: it shows in some bands only, and seldom along the rim."""
        if value < 0 and not self._small:
            return True
        if self._bands < 2 or anywhere - everywhere > _PARTLY * everywhere:
            return False
        return rim_share >= RIM or (not self._small and value != 255)


def is_value(values: npt.NDArray[Any], value: float) -> npt.NDArray[np.bool_]:
    """Where `values` are a candidate."""
    if np.isinf(value):
        return np.asarray(values < -_HUGE if value < 0 else values > _HUGE)
    return np.asarray(values == value)


def without(values: list[npt.NDArray[Any]], filler: Filler | None) -> list[npt.NDArray[Any]]:
    """One array a band without the pixels that hold nothing but the filler; all of them where nothing else is left."""
    if filler is None:
        return values
    kept = ~np.stack([is_value(v, filler.number) for v in values]).all(axis=0)
    return [v[kept] for v in values] if kept.any() else values
