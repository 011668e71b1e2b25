# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a network's scores lie on the pixels that they belong to, as a test pattern shows.

A network that was converted with another padding gives scores that look like a map and lie some pixels aside; one with
an axis exchanged or turned gives a mirrored map. A window of one colour is changed inside a few rectangles: the scores
must change there. Where they change is compared with the rectangles by cross-correlation, for each way in which a
window can be turned and mirrored.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
#: Windows as (bands, rows, cols) → scores as (planes, rows, cols).
Run = Callable[[npt.NDArray[np.float32]], npt.NDArray[np.float32]]

_PATTERNS = 4
_RECTANGLES = 6
#: Of the patterns so many have to tell the same shift, and it has to be so many pixels before it is told.
_AGREEING = 3
_SMALLEST_SHIFT = 0.75
_SAME_SHIFT = 0.35
#: Larger shifts are told in whole pixels: those of trained networks are known to half a pixel.
_WHOLE = 3
#: What a correlation has to be to count, and how many times that of scores in place one of turned scores has to be.
#: Those of 8 networks of several makers were 0.7 to 1.0 in place, and 0.2 for every other way to turn the window.
_LEAST_CORRELATION = 0.5
_CLEARLY = 1.5
#: Noise upon the colours, as a share of their range: networks norm the contrast of a window.
_NOISE = 0.1
#: Changes above this quantile of the window count alike, so that a few loud pixels do not decide.
_LOUD = 0.95
_WIDEST_SEARCH = 1024

_TURNS: Mapping[str, Callable[[FloatArray], FloatArray]] = {
    "mirrored left to right": lambda a: a[:, ::-1],
    "mirrored top to bottom": lambda a: a[::-1],
    "turned by 180°": lambda a: a[::-1, ::-1],
    "mirrored at the diagonal, as if rows and columns were exchanged,": lambda a: a.T,
    "mirrored at the other diagonal": lambda a: a[::-1, ::-1].T,
    "turned by 90° to the left": np.rot90,
    "turned by 90° to the right": lambda a: np.rot90(a, 3),
}


@dataclass(frozen=True)
class Alignment:
    """Where scores lie.

    Attributes:
        turned: how the scores are turned or mirrored, in words; empty where they are not.
        shift: rows and columns by which they lie aside; negative: up, to the left.
    """

    turned: str = ""
    shift: tuple[float, float] = (0.0, 0.0)


def measure_alignment(run: Run, ranges: Sequence[tuple[float, float]], side: int) -> Alignment | None:
    """Find where a network's scores lie.

    Args:
        run: the network; the scores may be those of fewer pixels, or of the window's middle.
        ranges: for each band, numbers that the network usually gets.
        side: height and width of the windows.

    Returns:
        None where the scores do not follow the pattern closely enough to tell.
    """
    responses = list(_responses(run, ranges, side))
    if len(responses) < _AGREEING:
        return None
    in_place = [_peak(_correlation([pair])) for pair in responses]
    together = _peak(_correlation(responses))
    if together[0] < _LEAST_CORRELATION:
        for words, turn in _TURNS.items():
            turned = _peak(_correlation([(np.ascontiguousarray(turn(mask)), change) for mask, change in responses]))
            if turned[0] >= max(_LEAST_CORRELATION, _CLEARLY * together[0]):
                return Alignment(turned=words)
        return None
    return Alignment(shift=_agreed([(row, col) for height, row, col in in_place if height >= _LEAST_CORRELATION]))


def _agreed(shifts: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """The shift that most patterns tell; 0, 0 where they tell different ones, or hardly any."""
    if len(shifts) < _AGREEING:
        return 0.0, 0.0
    row, col = (statistics.median(axis) for axis in zip(*shifts))
    reach = max(_SAME_SHIFT, 0.1 * max(abs(row), abs(col)))
    agreeing = sum(abs(r - row) <= reach and abs(c - col) <= reach for r, c in shifts)
    if agreeing < _AGREEING or max(abs(row), abs(col)) < _SMALLEST_SHIFT:
        return 0.0, 0.0
    return _rounded(row), _rounded(col)


def _rounded(shift: float) -> float:
    """To whole pixels, small shifts to halves, as those of strides are; what is less than the smallest is none."""
    if abs(shift) < _SMALLEST_SHIFT:
        return 0.0
    return float(round(shift)) if abs(shift) >= _WHOLE else round(2 * shift) / 2


def _responses(run: Run, ranges: Sequence[tuple[float, float]], side: int) -> Iterator[tuple[FloatArray, FloatArray]]:
    """Patterns, 1 inside their rectangles, and how much the scores of each pixel change by them."""
    rng = np.random.default_rng(20)
    low, high = (np.array(ends, np.float32)[:, None, None] for ends in zip(*ranges))
    noise = rng.normal(0, _NOISE, (len(ranges), side, side)).astype(np.float32) * (high - low)

    def colour() -> npt.NDArray[np.float32]:
        drawn = rng.uniform(0.1, 0.9, (len(ranges), 1, 1)).astype(np.float32)
        return np.clip(low + drawn * (high - low) + noise, low, high)

    ground = colour()
    before = run(ground)
    for _ in range(_PATTERNS):
        mask = _pattern(side, rng)
        after = run(np.where(mask > 0, colour(), ground))
        with np.errstate(invalid="ignore"):  # infinite scores, looked for below
            change = np.abs(np.asarray(after, np.float64) - before).mean(axis=0)
        change = _on_window(change, side)
        if change is not None and np.isfinite(change).all() and change.max() > 0:
            yield mask, np.minimum(change, np.quantile(change, _LOUD) or change.max())


def _pattern(side: int, rng: np.random.Generator) -> FloatArray:
    mask = np.zeros((side, side))
    margin = side // 12
    for _ in range(_RECTANGLES):
        height, width = rng.integers(max(2, side // 16), max(4, side // 5), 2)
        row, col = rng.integers(margin, side - margin - height), rng.integers(margin, side - margin - width)
        mask[row : row + height, col : col + width] = 1
    return mask


def _on_window(change: FloatArray, side: int) -> FloatArray | None:
    """`change` on the pixels of the window; None where it lies neither on parts of it nor in its middle."""
    rows, cols = change.shape
    if rows != cols or rows > side or not rows:
        return None
    if side % rows == 0:
        return np.repeat(np.repeat(change, side // rows, axis=0), side // rows, axis=1)
    missing = side - rows
    return None if missing % 2 else np.pad(change, missing // 2)


def _correlation(pairs: Sequence[tuple[FloatArray, FloatArray]]) -> FloatArray:
    """Mean cross-correlation of patterns and changes: one value for each shift, backwards ones at the end."""
    side = len(pairs[0][0])
    size = 2 * side if side <= _WIDEST_SEARCH else side + side // 4
    spectrum = np.zeros((size, size // 2 + 1), np.complex128)
    for mask, change in pairs:
        ours, theirs = mask - mask.mean(), change - change.mean()
        norm = float(np.sqrt((ours**2).sum() * (theirs**2).sum())) or 1.0
        spectrum += np.conj(np.fft.rfft2(ours, (size, size))) * np.fft.rfft2(theirs, (size, size)) / norm
    values: FloatArray = np.fft.irfft2(spectrum / len(pairs), (size, size))
    return values


def _peak(correlation: FloatArray) -> tuple[float, float, float]:
    """Height of the highest place, and the shift there in rows and columns, finer than a pixel."""
    size = len(correlation)
    row, col = divmod(int(correlation.argmax()), size)
    top = float(correlation[row, col])
    up, down = (float(correlation[(row + step) % size, col]) for step in (-1, 1))
    left, right = (float(correlation[row, (col + step) % size]) for step in (-1, 1))
    return top, _signed(row, size) + _vertex(up, top, down), _signed(col, size) + _vertex(left, top, right)


def _signed(place: int, size: int) -> int:
    return place - size if place > size // 2 else place


def _vertex(before: float, top: float, after: float) -> float:
    """Where between two neighbours the parabola through three values has its vertex, -0.5 to 0.5."""
    bend = before - 2 * top + after
    return 0.5 * (before - after) / bend if bend else 0.0
