# SPDX-License-Identifier: GPL-3.0-or-later
"""Guided filter: numbers are smoothed along the edges of an image (He, Sun, Tang 2013, IEEE TPAMI 35(6), 1397-1409).

In every square of 2 · radius + 1 pixels a side the numbers are fitted as a linear function of the guide's bands
(equations 14, 15 and 19 there); a pixel gets the mean of the functions of all squares that it lies in. Only valid
pixels enter a fit or a mean, so nothing leaks from a hole, and the squares end where the image does.

Functions of large squares hardly change from one pixel to the next. They can be made for cells of 2 × 2 pixels and
interpolated between the centres of cells, while the guide keeps its pixels (after He and Sun 2015, "Fast guided
filter", arXiv 1505.00996; there a pixel stands for each cell, here all its pixels are added up). Cells are counted
from the first pixel of the raster, whatever part of it is looked at.

What a pixel gets depends on the pixels near it only, and the sums of a square are always added up in one order, that of
binary doubling: sums of 2, 4, 8 … pixels, each of two of half the length. So a part of an image that is filtered with
its surroundings is equal to the same part of the whole, bit for bit, whatever the blocks. Differences of running totals
are not, and they drift. The cost grows with the logarithm of the radius only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
BoolArray = npt.NDArray[np.bool_]

#: Cells of a block, and how many columns of them at most: what is added up stays in the processor's cache.
_BLOCK_CELLS, _BLOCK_COLS = 128 * 512, 512


@dataclass(frozen=True)
class Squares:
    """The squares in which numbers are fitted.

    Attributes:
        radius: half the side of a square in pixels; 0 leaves everything as it is.
        eps: variance of the guide within a square below which it counts as flat and is smoothed over.
        cell: pixels a side of the cells for which functions are made, 1 or 2.
    """

    radius: int
    eps: float
    cell: int = 1

    @property
    def cells(self) -> int:
        """The radius in cells: a square is as many whole cells wide as are nearest to 2 · radius + 1 pixels."""
        return (2 * self.radius + 1) // (2 * self.cell)


def guided_filter(
    values: FloatArray,
    guide: FloatArray,
    valid: BoolArray,
    squares: Squares,
    wanted: tuple[slice, slice] | None = None,
    first: tuple[int, int] = (0, 0),
) -> FloatArray:
    """Smooth `values` along the edges of `guide`.

    Args:
        values: `(n, rows, cols)`; finite where valid.
        guide: `(bands, rows, cols)`, one to four bands of one scale; finite where valid, and small: variances are
            computed in float32, so numbers up to 10 suit an `eps` from 0.001 on.
        valid: `(rows, cols)`; what stands elsewhere has no influence.
        squares: how.
        wanted: rows and columns of the result; all by default.
        first: row and column of the image's first pixel in its raster.

    Returns:
        `(n, rows, cols)` of what is wanted; `values` where not valid.
    """
    everything = (slice(None), slice(None))
    (row0, row1, _), (col0, col1, _) = (s.indices(n) for s, n in zip(wanted or everything, valid.shape))
    out = np.array(values[:, row0:row1, col0:col1], np.float32)
    if squares.radius < 1 or not out.size:
        return out
    filtered = _BlockFilter(squares)
    around, cell = filtered.around * squares.cell, squares.cell
    # the block's pixels in the image, whole cells
    rows, cols = (
        range((at + low) // cell * cell - at, -(-(at + high) // cell) * cell - at, cell)
        for at, low, high in zip(first, (row0, col0), (row1, col1))
    )
    for top, left, bottom, right in _blocks(rows, cols, squares.cells):
        block = (top - around, left - around, bottom - top + 2 * around, right - left + 2 * around)
        use = _cut(valid[None], None, block)
        place = np.s_[max(top, row0) : min(bottom, row1), max(left, col0) : min(right, col1)]
        inside = valid[place]
        if not inside.any():
            continue
        smooth = filtered(_cut(values, use[0], block), _cut(guide, use[0], block), use)
        smooth = smooth[:, place[0].start - top : place[0].stop - top, place[1].start - left : place[1].stop - left]
        to = out[:, place[0].start - row0 : place[0].stop - row0, place[1].start - col0 : place[1].stop - col0]
        np.copyto(to, smooth, where=True if inside.all() else inside)
    return out


def _blocks(rows: range, cols: range, radius: int) -> Iterator[tuple[int, int, int, int]]:
    """First row and column, and those after the last, of blocks of cells: alike, not small against what lies around."""
    columns = list(_stretches_of(cols, max(_BLOCK_COLS, 4 * radius)))
    width = -(-len(cols) // len(columns))
    for top, bottom in _stretches_of(rows, max(_BLOCK_CELLS // rows.step // width, 4 * radius)):
        for left, right in columns:
            yield top, left, bottom, right


def _stretches_of(cells: range, most: int) -> Iterator[tuple[int, int]]:
    count = -(-len(cells) // most)
    ends = [len(cells) * i // count * cells.step + cells.start for i in range(count + 1)]
    yield from zip(ends, ends[1:])


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

    Cells are one long row here, so that each operation is a single pass over adjacent numbers; a step down is a step by
    the width. Sums that run over the end of a row hold cells of the next one, and nothing wanted is made of them. The
    pixels of a cell lie one behind the other: first the upper left one of all cells, then that to its right, and so on.
    """

    def __init__(self, squares: Squares) -> None:
        self._radius, self._eps, self._cell = squares.cells, np.float32(squares.eps), squares.cell
        self._width = 0
        self._memory: dict[str, FloatArray] = {}

    @property
    def around(self) -> int:
        """Cells around those that are filtered; functions of the nearest ones are only interpolated."""
        return 2 * self._radius + (self._cell > 1)

    def __call__(self, values: FloatArray, guide: FloatArray, use: FloatArray) -> FloatArray:
        """The filtered block without the cells around it.

        Args:
            values: `(n, rows, cols)` of whole cells, 0 where not valid.
            guide: `(bands, rows, cols)`, 0 where not valid.
            use: `(1, rows, cols)`, 1 where valid and 0 elsewhere.
        """
        rows, self._width = (n // self._cell for n in use.shape[1:])
        first = self._radius * (self._width + 1)  # the centre of the first square
        bands, pixels = self._pixels(guide), self._cells(self._pixels(use)[0])
        count = self._squares(pixels, "count")
        # a function counts as often as its cell has pixels; exact, whether it is multiplied or not
        most = np.float32(self._cell**2)
        centres = None if (pixels == most).all() else pixels[first : first + len(count)] / most
        np.maximum(count, 1, out=count)
        share = np.divide(1, count, out=self._room("share", len(count)))
        means = [self._squares(self._cells(band), f"mean {i}") for i, band in enumerate(bands)]
        for mean in means:
            mean *= share
        factors = self._factors(bands, means, count)
        second = share[first : len(share) - first] * most
        inside = bands[:, :, 2 * first : 2 * first + len(second)]
        out = np.zeros((len(values), self._cell**2, (rows - 2 * self.around) * self._width), np.float32)
        for value, smooth in zip(self._pixels(values), out):
            functions = self._fit(value, bands, means, factors, share)
            if centres is not None:
                for fitted in functions:
                    fitted *= centres
            self._apply(functions, second, inside, smooth)
        return self._image(out)[:, :, : (self._width - 2 * self.around) * self._cell]

    def _pixels(self, image: FloatArray) -> FloatArray:
        """`(n, rows, cols)` as `(n, pixels of a cell, cells)`."""
        count, cell = len(image), self._cell
        apart = image.reshape(count, -1, cell, self._width, cell).transpose(0, 2, 4, 1, 3)
        pixels: FloatArray = apart.reshape(count, cell**2, -1)
        return pixels

    def _image(self, pixels: FloatArray) -> FloatArray:
        """`(n, rows, cols)` of `(n, pixels of a cell, cells)`."""
        count, cell = len(pixels), self._cell
        apart = pixels.reshape(count, cell, cell, -1, self._width).transpose(0, 3, 1, 4, 2)
        image: FloatArray = apart.reshape(count, -1, self._width * cell)
        return image

    def _cells(self, pixels: FloatArray) -> FloatArray:
        """Sums over cells, of `(pixels of a cell, cells)`; good until the next ones are made."""
        while len(pixels) > 1:
            half = len(pixels) // 2
            pixels = np.add(pixels[:half], pixels[half:], out=self._room("cells", pixels[:half].size).reshape(half, -1))
        cells: FloatArray = pixels[0]
        return cells

    def _factors(
        self, bands: FloatArray, means: list[FloatArray], count: FloatArray
    ) -> tuple[list[list[FloatArray]], list[FloatArray]]:
        """L (below its diagonal of ones) and 1 / D of L · D · Lᵀ = count · (covariance of the guide + eps)."""
        lower: list[list[FloatArray]] = []
        inverse: list[FloatArray] = []
        part = self._room("part", len(count))
        for i, band in enumerate(bands):
            row = []
            for j in range(i + 1):
                entry = self._squares(self._products(band, bands[j]), f"factor {i} {j}")
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
        total = self._squares(self._cells(value), "total")
        part = self._room("part", len(total))
        slopes: list[FloatArray] = []
        for i, band in enumerate(bands):
            slope = self._squares(self._products(band, value), f"slope {i}")
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

    def _apply(self, functions: list[FloatArray], share: FloatArray, bands: FloatArray, out: FloatArray) -> None:
        """Set `out` to the mean of the functions of all squares that a pixel lies in.

        Args:
            functions: what is added, and the slopes.
            share: 1 / the number of functions.
            bands: `(bands, pixels of a cell, cells)`, the guide.
            out: `(pixels of a cell, cells)`.
        """
        if self._cell == 1:
            total = self._squares(functions[0], "filtered")
            for slope, band in zip(functions[1:], bands):
                part = self._squares(slope, "summed")
                part *= band[0]
                total += part
            np.multiply(total, share, out=out[0, : len(total)])
            return
        begin, size = self._width + 1, len(share) - 2 * self._width - 2
        sixteenth = share * np.float32(1 / 16)
        for k, function in enumerate(functions):
            mean = self._squares(function, "summed")
            mean *= sixteenth
            lines = self._between(mean, self._width, "down")
            for i, pixel in enumerate(pixel for line in lines for pixel in self._between(line, 1, "across")):
                if k:
                    pixel *= bands[k - 1, i, begin : begin + size]
                    out[i, :size] += pixel
                else:
                    out[i, :size] = pixel

    def _between(self, numbers: FloatArray, step: int, name: str) -> Iterator[FloatArray]:
        """Three times each number and the one `step` before, then the one after: four times what is a quarter away."""
        size = len(numbers) - 2 * step
        thrice = np.multiply(numbers[step : step + size], np.float32(3), out=self._room(f"{name} thrice", size))
        between = self._room(name, size)
        yield np.add(thrice, numbers[:size], out=between)
        yield np.add(thrice, numbers[2 * step :], out=between)

    def _products(self, one: FloatArray, other: FloatArray) -> FloatArray:
        """Sums over cells of the products of their pixels."""
        return self._cells(np.multiply(one, other, out=self._room("product", one.size).reshape(one.shape)))

    def _squares(self, numbers: FloatArray, name: str) -> FloatArray:
        """Sums over the square that begins at each cell, as far as squares go; kept under `name`."""
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
