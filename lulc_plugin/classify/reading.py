# SPDX-License-Identifier: GPL-3.0-or-later
"""Cut a layer into the windows of the grid and make them ready for the network."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..raster import projdata
from ..raster.scaling import prepare
from ..raster.source import BoolArray, PixelRegion, Source, usable
from .plan import Setup

#: Columns read at once; wide layers are read in pieces of this width.
_WIDEST = 8192


@dataclass(frozen=True)
class ReadyWindow:
    """Window (row, col) of the grid: `tensor` `(channels, rows, cols)`, None if no pixel is `valid` `(rows, cols)`."""

    row: int
    col: int
    tensor: npt.NDArray[np.float32] | None
    valid: BoolArray


def windows(setup: Setup, policy: str) -> Iterator[ReadyWindow]:
    """All windows that touch the wanted region, row by row from left to right.

    Opens the layer itself, so that it can run in a thread of its own.

    Args:
        setup: the plan's decisions.
        policy: nodata policy, `any` or `all`.
    """
    grid, region = setup.grid, setup.region
    columns = grid.cols.touching(region.col0, region.col1)
    at_once = max(1, _WIDEST // grid.cols.stride)
    with projdata.environment(), Source(setup.facts.path) as source:
        for r in grid.rows.touching(region.row0, region.row1):
            rows = grid.rows.indexes(r)
            for first in range(columns.start, columns.stop, at_once):
                group = range(first, min(columns.stop, first + at_once))
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
                    yield _window(setup, policy, r, c, values[place], valid[place])


def _place(rows: npt.NDArray[np.intp], cols: npt.NDArray[np.intp]) -> tuple[Any, Any]:
    """Index of these rows and columns; plain slices, which copy nothing, where nothing is reflected."""
    if _runs(rows) and _runs(cols):
        return slice(rows[0], rows[-1] + 1), slice(cols[0], cols[-1] + 1)
    return rows[:, None], cols[None, :]


def _runs(indexes: npt.NDArray[np.intp]) -> bool:
    return bool(np.all(np.diff(indexes) == 1))


def _window(
    setup: Setup, policy: str, r: int, c: int, values: npt.NDArray[np.generic], valid: BoolArray
) -> ReadyWindow:
    use = usable(valid, policy)
    if not use.any():
        return ReadyWindow(r, c, None, use)
    spec = setup.spec
    looked_at = use if policy == "any" else valid
    tensor = prepare(values, looked_at, spec.band_names, setup.band_steps, setup.channels, spec.fill)
    return ReadyWindow(r, c, tensor, use)
