# SPDX-License-Identifier: GPL-3.0-or-later
"""Guided filter: numbers are smoothed along the edges of an image (He, Sun, Tang 2013, IEEE TPAMI 35(6), 1397-1409).

In every square of 2 · radius + 1 pixels a side the numbers are fitted as a linear function of the guide's bands
(equations 14, 15 and 19 there); a pixel gets the mean of the functions of all squares that it lies in. Only valid
pixels enter a fit or a mean, so nothing leaks from a hole, and the squares end where the image does.

What a pixel gets depends on the pixels within 2 · radius around it, and the sums of a square are always added up in one
order, that of binary doubling: sums of 2, 4, 8 … pixels, each of two of half the length. So a part of an image that is
filtered with its surroundings is equal to the same part of the whole, bit for bit, whatever the blocks. Differences of
running totals are not, and they drift. The cost grows with the logarithm of the radius only.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
BoolArray = npt.NDArray[np.bool_]

#: Rows and columns of a block: what is added up stays in the processor's cache.
_BLOCK_ROWS, _BLOCK_COLS = 128, 512


def guided_filter(
    values: FloatArray,
    guide: FloatArray,
    valid: BoolArray,
    radius: int,
    eps: float,
    wanted: tuple[slice, slice] | None = None,
) -> FloatArray:
    """Smooth `values` along the edges of `guide`.

    Args:
        values: `(n, rows, cols)`; finite where valid.
        guide: `(bands, rows, cols)`, one to four bands of one scale; finite where valid, and small: variances are
            computed in float32, so numbers up to 10 suit an `eps` from 0.001 on.
        valid: `(rows, cols)`; what stands elsewhere has no influence.
        radius: half the side of a square in pixels; 0 leaves everything as it is.
        eps: variance of the guide within a square below which it counts as flat and is smoothed over.
        wanted: rows and columns of the result; all by default.

    Returns:
        `(n, rows, cols)` of what is wanted; `values` where not valid.
    """
    everything = (slice(None), slice(None))
    (row0, row1, _), (col0, col1, _) = (s.indices(n) for s, n in zip(wanted or everything, valid.shape))
    out = np.array(values[:, row0:row1, col0:col1], np.float32)
    if radius < 1:
        return out
    reach = 2 * radius
    filtered = _BlockFilter(radius, eps)
    for top, left, height, width in _blocks(row1 - row0, col1 - col0, radius):
        block = (row0 + top - reach, col0 + left - reach, height + 2 * reach, width + 2 * reach)
        use = _cut(valid[None], None, block)[0]
        inside = use[reach:-reach, reach:-reach] > 0
        if inside.any():
            smooth = filtered(_cut(values, use, block), _cut(guide, use, block), use)
            place = (slice(None), slice(top, top + height), slice(left, left + width))
            np.copyto(out[place], smooth, where=True if inside.all() else inside)
    return out


def _blocks(height: int, width: int, radius: int) -> Iterator[tuple[int, int, int, int]]:
    """Row, column, height and width of blocks that cover an image, not small against what surrounds them."""
    tall, wide = max(_BLOCK_ROWS, 4 * radius), max(_BLOCK_COLS, 4 * radius)
    for top in range(0, height, tall):
        for left in range(0, width, wide):
            yield top, left, min(tall, height - top), min(wide, width - left)


def _cut(image: npt.NDArray[Any], use: FloatArray | None, block: tuple[int, int, int, int]) -> FloatArray:
    """`(n, height, width)` of an image from a row and column that may lie outside; 0 there and where `use` is 0."""
    row, col, height, width = block
    out = np.zeros((len(image), height, width), np.float32)
    top, left = max(0, row), max(0, col)
    part = image[:, top : row + height, left : col + width]
    place = out[:, top - row :, left - col :][:, : part.shape[1], : part.shape[2]]
    there = None if use is None else use[top - row :, left - col :][: part.shape[1], : part.shape[2]] > 0
    np.copyto(place, part, where=True if there is None or there.all() else there)
    return out


class _BlockFilter:
    """Filters one block after the other in the same memory.

    An image is one long row here, so that each operation is a single pass over adjacent numbers; a step down is a step
    by the width. Sums that run over the end of a row hold pixels of the next one, and nothing wanted is made of them.
    """

    def __init__(self, radius: int, eps: float) -> None:
        self._radius, self._eps = radius, np.float32(eps)
        self._width = 0
        self._memory: dict[str, FloatArray] = {}

    def __call__(self, values: FloatArray, guide: FloatArray, use: FloatArray) -> FloatArray:
        """The filtered block without the 2 · radius pixels around it.

        Args:
            values: `(n, rows, cols)`, 0 where not valid.
            guide: `(bands, rows, cols)`, 0 where not valid.
            use: `(rows, cols)`, 1 where valid and 0 elsewhere.
        """
        rows, self._width = use.shape
        around = 4 * self._radius
        first = self._radius * (self._width + 1)  # the centre of the first square
        bands, used = guide.reshape(len(guide), -1), use.reshape(-1)
        count = self._squares(used, "count")
        np.maximum(count, 1, out=count)
        share = np.divide(1, count, out=self._room("share", len(count)))
        means = [self._squares(band, f"mean {i}") for i, band in enumerate(bands)]
        for mean in means:
            mean *= share
        factors = self._factors(bands, means, count)
        centres = None if used.all() else used[first : first + len(count)]
        end = len(count) - 2 * first
        out = np.zeros((len(values), (rows - around) * self._width), np.float32)
        for value, smooth in zip(values.reshape(len(values), -1), out):
            offset, *slopes = self._fit(value, bands, means, factors, share)
            for fitted in (offset, *slopes):
                if centres is not None:
                    fitted *= centres
            total = self._squares(offset, "filtered")
            for slope, band in zip(slopes, bands):
                part = self._squares(slope, "part")
                part *= band[2 * first : 2 * first + end]
                total += part
            np.multiply(total, share[first : first + end], out=smooth[:end])
        return out.reshape(len(values), rows - around, self._width)[:, :, : self._width - around]

    def _factors(
        self, bands: FloatArray, means: list[FloatArray], count: FloatArray
    ) -> tuple[list[list[FloatArray]], list[FloatArray]]:
        """L (below its diagonal of ones) and 1 / D of L · D · Lᵀ = count · (covariance of the guide + eps)."""
        lower: list[list[FloatArray]] = []
        inverse: list[FloatArray] = []
        product, part = self._room("product", bands.shape[1]), self._room("part", len(count))
        for i, band in enumerate(bands):
            row = []
            for j in range(i + 1):
                entry = self._squares(np.multiply(band, bands[j], out=product), f"factor {i} {j}")
                np.multiply(means[i], means[j], out=part)
                entry -= np.multiply(part, count, out=part)
                row.append(entry)
            row[i] += np.multiply(count, self._eps, out=part)
            # row[j] is L[i][j] · D[j] until the diagonal is done
            for j in range(1, i):
                for k in range(j):
                    row[j] -= np.multiply(row[k], lower[j][k], out=part)
            for j in range(i):
                scaled = np.multiply(row[j], inverse[j], out=part)
                row[i] -= np.multiply(row[j], scaled, out=row[j])
                row[j][:] = scaled
            inverse.append(np.divide(1, row[i], out=row[i]))
            lower.append(row[:i])
        return lower, inverse

    def _fit(
        self,
        value: FloatArray,
        bands: FloatArray,
        means: list[FloatArray],
        factors: tuple[list[list[FloatArray]], list[FloatArray]],
        share: FloatArray,
    ) -> list[FloatArray]:
        """What each square's linear function adds, and its slope in each band of the guide."""
        lower, inverse = factors
        total = self._squares(value, "total")
        product, part = self._room("product", len(value)), self._room("part", len(total))
        slopes: list[FloatArray] = []
        for i, band in enumerate(bands):
            slope = self._squares(np.multiply(band, value, out=product), f"slope {i}")
            slope -= np.multiply(means[i], total, out=part)
            for k in range(i):
                slope -= np.multiply(lower[i][k], slopes[k], out=part)
            slopes.append(slope)
        total *= share
        for i in reversed(range(len(bands))):
            slopes[i] *= inverse[i]
            for k in range(i + 1, len(bands)):
                slopes[i] -= np.multiply(lower[k][i], slopes[k], out=part)
            total -= np.multiply(slopes[i], means[i], out=part)
        return [total, *slopes]

    def _squares(self, numbers: FloatArray, name: str) -> FloatArray:
        """Sums over the square that begins at each pixel, as far as squares go; kept under `name`."""
        across = self._stretches(numbers, 1, "across")
        return self._stretches(across, self._width, name)

    def _stretches(self, numbers: FloatArray, step: int, name: str) -> FloatArray:
        """Sums of 2 · radius + 1 numbers, each `step` after the one before, by binary doubling."""
        wanted = 2 * self._radius + 1
        out = self._room(name, len(numbers) - 2 * self._radius * step)
        total, doubled, length, done = numbers[: len(out)], numbers, 1, 1
        while 2 * length <= wanted:
            shift = length * step
            # lengths are powers of two, and those leave 1 and 2 in turn: what is read is not what is written
            longer = self._room(f"double {length % 3}", len(doubled) - shift)
            doubled = np.add(doubled[:-shift], doubled[shift:], out=longer)
            length *= 2
            if wanted & length:
                total = np.add(total, doubled[done * step : done * step + len(out)], out=out)
                done += length
        return total

    def _room(self, name: str, length: int) -> FloatArray:
        """Memory for so many numbers, the same at each call of a name."""
        if name not in self._memory or len(self._memory[name]) < length:
            self._memory[name] = np.empty(length, np.float32)
        return self._memory[name][:length]
