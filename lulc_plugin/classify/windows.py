# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows: a layer is cut into the windows of the grid, and these are made ready for the network.

Where the network wants pixels of another size, stored numbers are resampled first and scaled afterwards, as a sensor
with such pixels would have measured them: what it stores is a mean of light. Logarithms, ratios and clipping do not
commute with means.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..raster import (
    Axis,
    AxisScale,
    BoolArray,
    PixelRegion,
    Resampling,
    Source,
    band_values,
    gdal,
    prepare,
    resample,
    usable,
)
from .plan import Setup
from .smoothing import standardised_guide

#: Columns read at once; wide layers are read in pieces of this width.
WIDEST = 4096
#: Pixels of the layer read at once where it is resampled.
_MOST_PIXELS = 2_000_000


@dataclass(frozen=True)
class Window:
    """Window (row, col) of the grid on its way from the layer through the network to the map.

    Attributes:
        row: of the grid.
        col: of the grid.
        tensor: `(channels, rows, cols)` for the network, None if no pixel is valid, and once it has been there.
        valid: `(rows, cols)` pixels of the layer that get a class: those of the window, or of `piece`.
        seen: `(rows, cols)` pixels of the window that the network sees as they are, not as fill.
        piece: what `valid` covers where the layer is resampled; else the window's own pixels, reflected beyond the rim.
        guide_bands: `(bands, rows, cols)` stored numbers of those that guide smoothing; None where nothing is smoothed.
        guide_valid: `(rows, cols)` where all of them have data.
        probabilities: `(classes, rows, cols)` from the network; None before, and if no pixel is valid.
    """

    row: int
    col: int
    tensor: npt.NDArray[np.float32] | None
    valid: BoolArray
    seen: BoolArray
    piece: PixelRegion
    guide_bands: npt.NDArray[np.generic] | None = None
    guide_valid: BoolArray | None = None
    probabilities: npt.NDArray[np.float32] | None = None


def read_windows(setup: Setup, policy: str, chosen: Collection[tuple[int, int]] | None = None) -> Iterator[Window]:
    """All windows that touch the wanted region, or those `chosen` of them, row by row from left to right.

    Opens the layer itself, so that it can run in a thread of its own.

    Args:
        setup: the plan's decisions.
        policy: nodata policy, `any` or `all`.
        chosen: (row, column) of windows of the grid; None: all.
    """
    if setup.resampling is not None:
        yield from _resampled_windows(setup, setup.resampling, policy, chosen)
        return
    grid = setup.grid
    window_rows, columns = setup.windows
    at_once = max(1, WIDEST // grid.cols.stride)
    with gdal.environment(), Source(setup.layer) as source:
        for r in window_rows:
            rows = grid.rows.indexes(r)
            for first in range(columns.start, columns.stop, at_once):
                group = _wanted(r, range(first, min(columns.stop, first + at_once)), chosen)
                if not group:
                    continue
                folded = [grid.cols.indexes(c) for c in group]
                piece = PixelRegion(
                    int(rows.min()),
                    int(rows.max()) + 1,
                    int(min(f.min() for f in folded)),
                    int(max(f.max() for f in folded)) + 1,
                )
                values, valid = source.read(setup.match.numbers, piece)
                for c, cols in zip(group, folded):
                    place = (slice(None), *_place(rows - piece.row0, cols - piece.col0))
                    yield _window(setup, policy, r, c, piece, values[place], valid[place])
                del values, valid  # before there are others


def _wanted(row: int, cols: range, chosen: Collection[tuple[int, int]] | None) -> Sequence[int]:
    return cols if chosen is None else [col for col in cols if (row, col) in chosen]


def _place(rows: npt.NDArray[np.intp], cols: npt.NDArray[np.intp]) -> tuple[Any, Any]:
    """Index of these rows and columns; plain slices, which copy nothing, where nothing is reflected."""
    if _runs(rows) and _runs(cols):
        return slice(rows[0], rows[-1] + 1), slice(cols[0], cols[-1] + 1)
    return rows[:, None], cols[None, :]


def _runs(indexes: npt.NDArray[np.intp]) -> bool:
    return bool(np.all(np.diff(indexes) == 1))


def _window(
    setup: Setup, policy: str, r: int, c: int, piece: PixelRegion, values: npt.NDArray[np.generic], valid: BoolArray
) -> Window:
    use = usable(valid, policy)
    tensor = _tensor(setup, values, use if policy == "any" else valid) if use.any() else None
    return Window(r, c, tensor, use, use, piece, *_guide_bands(setup, values, valid))


def _tensor(setup: Setup, values: npt.NDArray[np.generic], valid: BoolArray) -> npt.NDArray[np.float32]:
    spec = setup.spec
    return prepare(values, valid, spec.band_names, setup.band_steps, setup.channels, spec.fill)


def _guide_bands(
    setup: Setup, values: npt.NDArray[np.generic], valid: BoolArray
) -> tuple[npt.NDArray[np.generic] | None, BoolArray | None]:
    if setup.smoothing is None:
        return None, None
    chosen = [setup.spec.band_names.index(name) for name in setup.smoothing.bands]
    return values[chosen], valid if valid.ndim == 2 else np.logical_and.reduce(valid[chosen], axis=0)


def guide_of(setup: Setup, window: Window, inner: tuple[slice, slice]) -> npt.NDArray[np.float32] | None:
    """The guide of smoothing `(bands, rows, cols)` in a part of a window, NaN where a band of it has no data.

    None where nothing is smoothed.
    """
    smoothing = setup.smoothing
    if smoothing is None or window.guide_bands is None or window.guide_valid is None:
        return None
    there = window.guide_valid[inner]
    steps = [setup.band_steps[setup.spec.band_names.index(name)] for name in smoothing.bands]
    bands = band_values(window.guide_bands[(slice(None), *inner)], there, steps)
    guide = standardised_guide(np.stack(bands), smoothing.mean, smoothing.stddev, smoothing.logarithm)
    if not there.all():
        guide[:, ~there] = np.nan
    return guide


def _resampled_windows(
    setup: Setup, resampling: Resampling, policy: str, chosen: Collection[tuple[int, int]] | None
) -> Iterator[Window]:
    """`read_windows` in model pixels; each is made from its own piece of the layer, which no EXTENT changes."""
    grid = setup.grid
    window_rows, columns = setup.windows
    with gdal.environment(), Source(setup.layer) as source:
        for r in window_rows:
            rows = grid.rows.indexes(r)
            for c in columns:
                cols = grid.cols.indexes(c)
                finished = (_finished(setup, grid.rows, r), _finished(setup, grid.cols, c))
                piece, use, values, valid = _resampled(setup, resampling, policy, source, rows, cols, finished)
                place = _place(rows - rows.min(), cols - cols.min())
                seen = (np.logical_or.reduce(valid, axis=0) if valid.ndim == 3 else valid)[place]
                # a window may hold valid pixels of the layer and no model pixel that is valid: these get a class, too
                tensor = _tensor(setup, values[(..., *place)], valid[(..., *place)]) if use.any() else None
                guide = _guide_bands(setup, values[(..., *place)], valid[(..., *place)])
                yield Window(r, c, tensor, use, seen, piece, *guide)


def _finished(setup: Setup, axis: Axis, k: int) -> int:
    """The first model pixel along an axis that may be finished with window k: smoothing waits for what comes after."""
    reach = 0 if setup.smoothing is None else setup.smoothing.reach
    first: int = axis.starts[k] + axis.kept(k).start
    return max(0, first - reach)


def _resampled(
    setup: Setup,
    resampling: Resampling,
    policy: str,
    source: Source,
    rows: npt.NDArray[np.intp],
    cols: npt.NDArray[np.intp],
    finished: tuple[int, int],
) -> tuple[PixelRegion, BoolArray, npt.NDArray[np.float32], BoolArray]:
    """Model pixels from the first to the last of `rows` and `cols`.

    The piece of the layer begins no later than the model pixel `finished` (row, column).

    Returns:
        the piece of the layer that was read, which of its pixels get a class `(rows, cols)`, the model pixels' values
        `(bands, rows, cols)`, and their validity: one for all bands, or each band's own with the policy `all`.
    """
    first_row, first_col = int(rows.min()), int(cols.min())
    down = resampling.rows.model_pixels(first_row, int(rows.max()) + 1)
    across = resampling.cols.model_pixels(first_col, int(cols.max()) + 1)
    before_row, before_col = (
        scale.model_pixels(pixel, pixel + 1).low for scale, pixel in zip((resampling.rows, resampling.cols), finished)
    )
    row0, row1 = _around(min(down.low, before_row), down.high, resampling.rows)
    col0, col1 = _around(min(across.low, before_col), across.high, resampling.cols)
    piece = PixelRegion(row0, row1, col0, col1)
    use = np.zeros((piece.height, piece.width), bool)
    parts, parts_valid = [], []
    count = len(down.index)
    at_once = max(1, int(_MOST_PIXELS / (piece.width * resampling.rows.factor)))
    for first in range(0, count, at_once):
        stop = min(count, first + at_once)
        some = down.part(first, stop)
        # the first and the last of them also read what lies around
        top, bottom = some.low if first else row0, some.high if stop < count else row1
        values, valid = source.read(setup.match.numbers, PixelRegion(top, bottom, col0, col1))
        here = usable(valid, policy)
        use[top - row0 : bottom - row0] = here
        new, new_valid = resample(values, here if policy == "any" else valid, some, across, top, col0)
        parts.append(new)
        parts_valid.append(new_valid)
    return piece, use, np.concatenate(parts, axis=1), np.concatenate(parts_valid, axis=-2)


def _around(low: int, high: int, scale: AxisScale) -> tuple[int, int]:
    return max(0, low - scale.reach), min(scale.length, high + scale.reach)
