# SPDX-License-Identifier: GPL-3.0-or-later
"""Blending: the probabilities of overlapping windows are joined.

Windows come row by row, each row from left to right. A window's probabilities, times its blend weights, are added to
what its left neighbour and the row above left in the shared zones; the part that no later window touches is finished
at once. What is kept is one zone the width of the raster and one the height of a window, whatever the raster's height.
Every pixel is summed in the same order whatever part of the raster is computed, so a part of a map equals the same
part of the whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from ..raster import Grid

FloatArray = npt.NDArray[np.float32]
_ROWS_AT_ONCE = 16


@dataclass(frozen=True)
class BlendedBlock:
    """Summed probabilities `(classes, rows, cols)` of a block that begins at `row`, `col` of the raster.

    `inner` is the same block as (rows, cols) slices of the window that finished it. The block may hang over the
    raster's end.
    """

    row: int
    col: int
    probabilities: FloatArray
    inner: tuple[slice, slice]


@dataclass(frozen=True)
class FinishedBlock:
    """Probabilities `(classes, rows, cols)` of a block that begins at `row`, `col`, as the map will have them.

    `seen` `(rows, cols)` are the pixels that the network saw as they are, not as fill.
    """

    row: int
    col: int
    probabilities: FloatArray
    seen: npt.NDArray[np.bool_]


class Blender:
    """Sums weighted windows.

    Args:
        grid: the windows.
        classes: number of classes.
        columns: first and last + 1 window column that will be added in each row.
        last_row: the last window row that will be added.
    """

    def __init__(self, grid: Grid, classes: int, columns: range, last_row: int) -> None:
        self._grid = grid
        self._columns = columns
        self._last_row = last_row
        self._row_zone, self._col_zone = 2 * grid.rows.blend_half_width, 2 * grid.cols.blend_half_width
        first, last = columns[0], columns[-1]
        self._origin = grid.cols.starts[first] + grid.cols.kept(first).start
        width = grid.cols.starts[last] + grid.cols.kept(last).stop - self._origin
        self._below = np.zeros((classes, self._row_zone, width), np.float32)
        self._right: FloatArray | None = None
        self._axis_weights = lru_cache(maxsize=64)(lambda axis, k: axis.blend_weights(k))

    def add(self, r: int, c: int, probabilities: FloatArray | None) -> BlendedBlock:
        """Add window (r, c) and take what it finishes.

        Args:
            r: window row; each row is added from the first to the last of its columns.
            c: window column.
            probabilities: `(classes, rows, cols)` of the whole window; None for a window without a valid pixel.
        """
        rows, cols = self._grid.rows, self._grid.cols
        kept = (rows.kept(r), cols.kept(c))
        weights = self._axis_weights(rows, r)[:, None] * self._axis_weights(cols, c)[None, :]
        total: FloatArray
        if probabilities is None:
            total = np.zeros((self._below.shape[0], *weights.shape), np.float32)
        else:
            total = np.multiply(probabilities[(slice(None), *kept)], weights, dtype=np.float32)
        done_rows, done_cols = weights.shape
        if self._right is not None:
            total[:, :, : self._col_zone] += self._right
            self._right = None
        if c != self._columns[-1] and self._col_zone:
            done_cols -= self._col_zone
            self._right = total[:, :, done_cols:].copy()
        if self._row_zone:
            left = cols.starts[c] + kept[1].start - self._origin
            below = self._below[:, :, left : left + done_cols]
            # the first row finds zeros there
            total[:, : self._row_zone, :done_cols] += below
            if r != self._last_row:
                done_rows -= self._row_zone
                below[:] = total[:, done_rows:, :done_cols]
        inner = tuple(slice(k.start, k.start + done) for k, done in zip(kept, (done_rows, done_cols)))
        return BlendedBlock(
            rows.starts[r] + kept[0].start,
            cols.starts[c] + kept[1].start,
            total[:, :done_rows, :done_cols],
            (inner[0], inner[1]),
        )


def most_probable_class(probabilities: FloatArray) -> npt.NDArray[np.uint8] | npt.NDArray[np.uint16]:
    """Index of the largest probability at each pixel, the lowest index where several are largest.

    Equal to `argmax(axis=0)` and several times faster: small integers, and a few rows at a time stay in the cache.

    Args:
        probabilities: `(classes, rows, cols)`.

    Returns:
        `(rows, cols)` channel indexes, of the smallest type that has room for one more.
    """
    kind = np.uint8 if len(probabilities) <= 255 else np.uint16
    out = np.zeros(probabilities.shape[1:], kind)
    for row in range(0, len(out), _ROWS_AT_ONCE):
        part = probabilities[:, row : row + _ROWS_AT_ONCE]
        index = out[row : row + _ROWS_AT_ONCE]
        best = part[0].copy()
        for i in range(1, len(part)):
            # indexes grow, so the larger one is the later winner
            np.maximum(index, (part[i] > best).astype(kind) * kind(i), out=index)
            np.maximum(best, part[i], out=best)
    return out
