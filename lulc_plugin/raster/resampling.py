# SPDX-License-Identifier: GPL-3.0-or-later
"""Pixels of one size from pixels of another, along each axis by itself.

A network that was made for pixels of another size than the layer's looks at *model pixels*: a second raster over the
same ground that begins at the layer's first corner. `factor` is how many of the layer's pixels lie in a model pixel
along an axis. Both ways the same rule makes a pixel: one more than 1.5 times as long as those it is made of is their
mean, weighted by what it covers of each (a checkerboard becomes grey); any other is interpolated at its centre.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .geogrid import PixelRegion
from .nodata import BoolArray

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.intp]

#: Pixels longer than this times those they are made of are means; interpolating would skip some of these.
_MEAN_FROM = 1.5
#: Share of a pixel that rounding may add to a raster's length without making another pixel.
_ROUNDING = 1e-6


@dataclass(frozen=True)
class ResamplingWeights:
    """What each of n new pixels is made of: old pixels `index` `(n, k)`, in order, and their `weights`, sum 1."""

    index: IntArray
    weights: FloatArray

    @property
    def low(self) -> int:
        """The first old pixel."""
        return int(self.index[0, 0])

    @property
    def high(self) -> int:
        """The last old pixel + 1."""
        return int(self.index[-1, -1]) + 1

    def part(self, first: int, stop: int) -> ResamplingWeights:
        """Those of the new pixels `first:stop`."""
        return ResamplingWeights(self.index[first:stop], self.weights[first:stop])

    def rows(self, values: FloatArray, origin: int) -> FloatArray:
        """New rows `(…, n, cols)` from old ones `(…, rows, cols)`, the first of which is pixel `origin`.

        Sums run in the order of the old pixels, so that a result does not depend on what is computed beside it.
        """
        out = values[..., self.index[:, 0] - origin, :] * self.weights[:, 0, None]
        for k in range(1, self.index.shape[1]):
            out += values[..., self.index[:, k] - origin, :] * self.weights[:, k, None]
        return out

    def cols(self, values: FloatArray, origin: int) -> FloatArray:
        """New columns `(…, rows, n)` from old ones `(…, rows, cols)`; see `rows`."""
        out = np.take(values, self.index[:, 0] - origin, axis=-1) * self.weights[:, 0]
        for k in range(1, self.index.shape[1]):
            out += np.take(values, self.index[:, k] - origin, axis=-1) * self.weights[:, k]
        return out


def resampling_weights(first: int, stop: int, ratio: float, length: int) -> ResamplingWeights:
    """What the new pixels `first:stop` are made of.

    Args:
        first: number of a new pixel; pixel 0 of both rasters begins at the same place.
        stop: number after the last.
        ratio: old pixels in a new one.
        length: old pixels there are; what lies beyond does not count.
    """
    new = np.arange(first, stop, dtype=np.float64)
    if ratio == 1:
        index, weights = new[:, None], np.ones((len(new), 1))
    elif ratio > _MEAN_FROM:
        begin = np.minimum(new * ratio, length - _ROUNDING)[:, None]
        end = np.minimum(new * ratio + ratio, length)[:, None]
        index = np.floor(begin) + np.arange(math.ceil(ratio) + 1)
        weights = np.maximum(np.minimum(index + 1, end) - np.maximum(index, begin), 0)
        weights /= weights.sum(axis=1, keepdims=True)
    else:
        centre = np.clip((new + 0.5) * ratio - 0.5, 0, length - 1)[:, None]
        index = np.floor(centre) + np.arange(2)
        weights = np.concatenate([index[:, 1:] - centre, centre - index[:, :1]], axis=1)
    return ResamplingWeights(np.clip(index, 0, length - 1).astype(np.intp), weights.astype(np.float32))


@dataclass(frozen=True)
class AxisScale:
    """One axis of a layer of `length` pixels, `factor` of which lie in a model pixel."""

    length: int
    factor: float = 1.0

    @property
    def count(self) -> int:
        """Model pixels along the axis; the last may hang over the layer's end."""
        return max(1, math.ceil(self.length / self.factor - _ROUNDING))

    def model_pixels(self, first: int, stop: int) -> ResamplingWeights:
        """How model pixels are made of the layer's."""
        return resampling_weights(first, stop, self.factor, self.length)

    def layer_pixels(self, first: int, stop: int) -> ResamplingWeights:
        """How something at the layer's pixels is made of what is known at model pixels."""
        return resampling_weights(first, stop, 1 / self.factor, self.count)

    @property
    def reach(self) -> int:
        """How many extra layer pixels on each side use a model pixel."""
        return 2 * math.ceil(self.factor) + 2


@dataclass(frozen=True)
class Resampling:
    """Model pixels over a whole layer. They lie where they lie, whatever part of the layer is wanted."""

    rows: AxisScale
    cols: AxisScale

    def model_region(self, region: PixelRegion) -> PixelRegion:
        """The model pixels of which a region of the layer is made."""
        rows = self.rows.layer_pixels(region.row0, region.row1)
        cols = self.cols.layer_pixels(region.col0, region.col1)
        return PixelRegion(rows.low, rows.high, cols.low, cols.high)


def resample(
    values: npt.NDArray[np.generic],
    valid: BoolArray,
    rows: ResamplingWeights,
    cols: ResamplingWeights,
    row0: int,
    col0: int,
) -> tuple[FloatArray, BoolArray]:
    """Means of what is valid.

    Args:
        values: `(bands, rows, cols)` stored values; what stands at invalid pixels has no influence.
        valid: `(bands, rows, cols)`, or `(rows, cols)` for all bands.
        rows: what each new row is made of.
        cols: what each new column is made of.
        row0: number of the first row of `values`.
        col0: number of its first column.

    Returns:
        `(bands, new rows, new cols)` float32, 0 where invalid, and validity of the shape of `valid`: a new pixel is
        valid if more than half of it is.
    """
    if valid.all():
        resampled = cols.cols(rows.rows(np.asarray(values, np.float32), row0), col0)
        return resampled, np.ones((*valid.shape[:-2], *resampled.shape[-2:]), bool)
    # zero first, so that NaN or a huge fill value cannot leak
    clean = np.where(valid, values, values.dtype.type(0)).astype(np.float32)
    total = cols.cols(rows.rows(clean, row0), col0)
    weight = cols.cols(rows.rows(valid.astype(np.float32), row0), col0)
    enough = weight > 0.5 + _ROUNDING
    return np.where(enough, total / np.where(enough, weight, 1), np.float32(0)), enough
