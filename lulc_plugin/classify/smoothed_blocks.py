# SPDX-License-Identifier: GPL-3.0-or-later
"""Blocks of a map are smoothed as they come, row by row from left to right.

A pixel is finished once all pixels that have a say in it are known. So what comes out lies a little above and to the
left of what goes in, up to the ends of the raster. Of earlier blocks only the last few rows and columns are kept,
whatever the raster's height.
"""

from __future__ import annotations

import numpy as np

from ..model import Smoothing
from ..raster import Grid
from .blend import FinishedBlock
from .guided_filter import FloatArray, guided_filter
from .smoothing import from_log_ratios, log_ratios, squares_of


class _Progress:
    """Along one axis: pixels `first` to `stop` are finished now, those from `kept` on are looked at again."""

    def __init__(self, reach: int) -> None:
        self._reach = reach
        self.begin(0)

    def begin(self, start: int) -> None:
        """Nothing is known before `start`."""
        self._start = self.first = self.stop = self.kept = start

    def advance(self, known: int, last: bool) -> None:
        """Pixels before `known` are known; with the `last` of them everything is finished."""
        self.first = self.stop
        self.stop = known if last else max(self.first, known - self._reach)
        self.kept = max(self._start, self.stop - self._reach)


class Smoother:
    """Smooths the blocks of windows.

    Args:
        smoothing: how, with its statistics.
        grid: the windows.
        rows: window rows of which blocks will come.
        columns: window columns of each of them.
    """

    def __init__(self, smoothing: Smoothing, grid: Grid, rows: range, columns: range) -> None:
        self._smoothing, self._window_rows, self._window_columns = smoothing, rows, columns
        self._length = (grid.rows.length, grid.cols.length)
        self._rows, self._cols = _Progress(smoothing.reach), _Progress(smoothing.reach)
        self._top = 0
        self._above: dict[int, FloatArray] = {}
        self._left: FloatArray | None = None

    def add(self, r: int, c: int, block: FinishedBlock, guide: FloatArray) -> FinishedBlock:
        """Take the block of window (r, c), and give what it finishes, which may be nothing.

        Args:
            r: window row.
            c: window column.
            block: may hang over the raster's end.
            guide: `(bands, rows, cols)` of the block, NaN where a band has no data.
        """
        row_stop, col_stop = (
            min(start + n, length) for start, n, length in zip((block.row, block.col), block.seen.shape, self._length)
        )
        if c == self._window_columns[0]:
            if r == self._window_rows[0]:
                self._rows.begin(block.row)
            self._top = self._rows.kept
            self._rows.advance(row_stop, r == self._window_rows[-1])
            self._cols.begin(block.col)
            self._left = None
        left = self._cols.kept
        planes = self._planes(block, guide, self._above.pop(c, None), (self._top, row_stop), (left, col_stop))
        self._above[c] = planes[:, self._rows.kept - self._top :, block.col - left :].copy()
        self._cols.advance(col_stop, c == self._window_columns[-1])
        self._left = planes[:, :, self._cols.kept - left :].copy()
        return self._finished(planes, left)

    def _planes(
        self,
        block: FinishedBlock,
        guide: FloatArray,
        kept: FloatArray | None,
        rows: tuple[int, int],
        cols: tuple[int, int],
    ) -> FloatArray:
        """Logarithms, guide and where the network saw, of a block and of what is `kept` above and to the left of it."""
        classes = len(block.probabilities)
        height, width = rows[1] - rows[0], cols[1] - cols[0]
        above, left = block.row - rows[0], block.col - cols[0]
        out = np.empty((classes + len(guide), height, width), np.float32)
        inside = np.s_[:, : height - above, : width - left]
        here = out[:, above:, left:]
        here[: classes - 1] = log_ratios(block.probabilities[inside])
        here[classes - 1 : -1] = guide[inside]
        here[-1] = block.seen[None][inside]
        if kept is not None:
            out[:, :above, left:] = kept
        if self._left is not None:
            out[:, :, :left] = self._left
        return out

    def _finished(self, body: FloatArray, left: int) -> FinishedBlock:
        """What is finished now of planes that begin at the row `_top` and the column `left`."""
        smoothing, rows, cols = self._smoothing, self._rows, self._cols
        wanted = (slice(rows.first - self._top, rows.stop - self._top), slice(cols.first - left, cols.stop - left))
        guide = body[-1 - len(smoothing.bands) : -1]
        ratios = body[: len(body) - len(guide) - 1]
        valid = ~np.logical_or.reduce(np.isnan(guide), axis=0)
        filtered = guided_filter(ratios, guide, valid, squares_of(smoothing), wanted, (self._top, left))
        probabilities = from_log_ratios(filtered, ratios[(slice(None), *wanted)], smoothing.weight)
        return FinishedBlock(rows.first, cols.first, probabilities, body[-1][wanted] > 0)
