# SPDX-License-Identifier: GPL-3.0-or-later
"""Upsampling: from finished blocks of the windows' grid to the pixels of the layer.

Where the network saw the layer's own pixels that is a cut. Where it saw model pixels, their probabilities are
resampled to the layer's pixels as blocks come in, row by row from left to right: of earlier blocks only the last few
rows and columns are kept, from which pixels on the border are made.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..raster import AxisScale, BoolArray, PixelRegion, Resampling, ResamplingWeights
from .blend import FinishedBlock, FloatArray
from .plan import Setup
from .windows import Window

#: Numbers made at once; more does not stay in the processor's cache.
_AT_ONCE = 1_000_000
#: Weight of a model pixel without data beside one with data, whose weight is 1; alone it decides.
_NODATA_WEIGHT = np.float32(1e-3)


@dataclass(frozen=True)
class LayerBlock:
    """A piece of the wanted region that begins at `row`, `col` of the layer.

    Attributes:
        probabilities: `(classes, rows, cols)`.
        valid: `(rows, cols)`, the layer's own validity.
    """

    row: int
    col: int
    probabilities: FloatArray
    valid: BoolArray


class Crop:
    """Blocks of the layer's own pixels, cut to the wanted region."""

    def __init__(self, region: PixelRegion) -> None:
        self._region = region

    def rows(self, block: FinishedBlock) -> tuple[int, int]:
        """First and last + 1 row of the layer that this row of blocks finishes."""
        row0 = max(block.row, self._region.row0)
        return row0, max(row0, min(block.row + block.probabilities.shape[1], self._region.row1))

    def blocks(self, block: FinishedBlock, window: Window) -> Iterator[LayerBlock]:
        """What a block finishes; `window` is the one that finished it."""
        row0, row1 = self.rows(block)
        col0 = max(block.col, self._region.col0)
        col1 = min(block.col + block.probabilities.shape[2], self._region.col1)
        if row1 > row0 and col1 > col0:
            inside = np.s_[row0 - block.row : row1 - block.row, col0 - block.col : col1 - block.col]
            yield LayerBlock(row0, col0, block.probabilities[(slice(None), *inside)], block.seen[inside])


class _AxisProgress:
    """How many of the layer's pixels along one axis have been made."""

    def __init__(self, scale: AxisScale, first: int, stop: int) -> None:
        self.weights: ResamplingWeights = scale.layer_pixels(first, stop)
        self._low, self._last = self.weights.index[:, 0], self.weights.index[:, -1]
        self.next = 0

    def ready(self, model_stop: int) -> int:
        """Number of pixels that can be made once the model pixels before `model_stop` are there."""
        return int(np.searchsorted(self._last, model_stop))

    def needed(self, done: int, model_stop: int) -> int:
        """The first model pixel that is wanted again after `done` pixels were made."""
        return min(int(self._low[done]), model_stop) if done < len(self._low) else model_stop


class Upsampler:
    """Blocks of model pixels, made into the layer's pixels of the wanted region.

    Args:
        resampling: where the model pixels lie.
        region: what is wanted of the layer.
        columns: first and last + 1 window column of each row.
    """

    def __init__(self, resampling: Resampling, region: PixelRegion, columns: range) -> None:
        self._region, self._columns = region, columns
        self._rows = _AxisProgress(resampling.rows, region.row0, region.row1)
        self._cols = _AxisProgress(resampling.cols, region.col0, region.col1)
        self._above: FloatArray | None = None
        self._below: list[FloatArray] = []
        self._left: FloatArray | None = None
        self._origin = 0

    def rows(self, block: FinishedBlock) -> tuple[int, int]:
        """First and last + 1 row of the layer that this row of blocks finishes."""
        done = self._rows.ready(block.row + block.probabilities.shape[1])
        return self._region.row0 + self._rows.next, self._region.row0 + done

    def blocks(self, block: FinishedBlock, window: Window) -> Iterator[LayerBlock]:
        """What a block finishes, a few rows at a time; `window` is the one that finished it."""
        height, width = block.probabilities.shape[1:]
        row_stop, col_stop = block.row + height, block.col + width
        if window.col == self._columns.start:
            self._origin, self._left, self._cols.next = block.col, None, 0
        body = _weighted(block)
        if self._above is not None:
            body = np.concatenate([self._above[..., block.col - self._origin :][..., :width], body], axis=1)
        rows_done, cols_done = self._rows.ready(row_stop), self._cols.ready(col_stop)
        row0, kept_row = row_stop - body.shape[1], self._rows.needed(rows_done, row_stop)
        self._below.append(body[:, max(0, kept_row - row0) :].copy())
        if self._left is not None:
            body = np.concatenate([self._left, body], axis=2)
        col0, kept_col = col_stop - body.shape[2], self._cols.needed(cols_done, col_stop)
        self._left = body[..., max(0, kept_col - col0) :].copy()
        yield from self._upsampled(body, row0, col0, rows_done, cols_done, window)
        self._cols.next = cols_done
        if window.col == self._columns[-1]:
            self._rows.next = rows_done
            self._above, self._below = np.concatenate(self._below, axis=2), []

    def _upsampled(
        self, body: FloatArray, row0: int, col0: int, rows_done: int, cols_done: int, window: Window
    ) -> Iterator[LayerBlock]:
        wide = cols_done - self._cols.next
        if wide <= 0:
            return
        across = self._cols.weights.part(self._cols.next, cols_done)
        at_once = max(1, _AT_ONCE // (len(body) * wide))
        col = self._region.col0 + self._cols.next
        for first in range(self._rows.next, rows_done, at_once):
            stop = min(rows_done, first + at_once)
            weighted = across.cols(self._rows.weights.part(first, stop).rows(body, row0), col0)
            probabilities, weight = weighted[:-1], weighted[-1]
            short = weight < 1 - _NODATA_WEIGHT / 2
            if short.any():
                probabilities[:, short] /= weight[short]
            row, piece = self._region.row0 + first, window.piece
            valid = window.valid[row - piece.row0 :, col - piece.col0 :][: stop - first, :wide]
            yield LayerBlock(row, col, probabilities, valid)


def _weighted(block: FinishedBlock) -> FloatArray:
    """Probabilities of a block, each times the weight of its model pixel, and that weight as the last plane."""
    classes, height, width = block.probabilities.shape
    out = np.empty((classes + 1, height, width), np.float32)
    out[-1] = np.where(block.seen, np.float32(1), _NODATA_WEIGHT)
    np.multiply(block.probabilities, out[-1], out=out[:-1])
    return out


def to_layer_grid(setup: Setup, columns: range) -> Crop | Upsampler:
    """What brings the finished blocks of a plan to the pixels of its layer.

    Args:
        setup: the plan's decisions.
        columns: the window columns of each row.
    """
    if setup.resampling is None:
        return Crop(setup.region)
    return Upsampler(setup.resampling, setup.region, columns)
