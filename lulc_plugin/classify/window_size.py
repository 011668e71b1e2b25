# SPDX-License-Identifier: GPL-3.0-or-later
"""The size of windows and how far they overlap: what the description says, the user wants, and the graph can take."""

from __future__ import annotations

import math
from dataclasses import replace

from ..errors import LulcError
from ..model import ModelSpec, Window
from ..options import option
from ..raster import Axis, Grid, plan_grid


def plan_windows(
    spec: ModelSpec,
    height: int,
    width: int,
    fixed: tuple[int, int] | None = None,
    size: int | None = None,
    overlap: int | None = None,
    rim: int | None = None,
) -> Grid:
    """Lay windows over an image as a network wants them.

    Args:
        spec: the network.
        height: of the image in pixels of the network.
        width: of the image.
        fixed: the only rows and columns that its graph takes, None where they are free.
        size: height and width of a window, None for those of the description.
        overlap: pixels that neighbours share; None for what the network needs.
        rim: pixels reflected at the image's rim; None for what the description says.

    Raises:
        LulcError: another size than the only one, too small a window, or an overlap that leaves gaps.
    """
    window = _window_of(spec, fixed, size)
    side = size or window.size
    if side < window.minimum:
        raise LulcError(
            f"A window of {side} pixels is smaller than the model's minimum of {window.minimum}.",
            f"Set {option('window')} to {window.minimum} or more, or leave it to the model.",
        )
    shared = _default_overlap(spec)
    # in a small window asked for by hand the model's own overlap must leave a quarter to the core
    shared = min(shared, (side - side // 4) // (2 * window.multiple) * (2 * window.multiple))
    shared, wider_rim = _covering(spec, shared if overlap is None else overlap, overlap is not None)
    grid = plan_grid(height, width, side, shared, window.multiple, window.minimum, wider_rim if rim is None else rim)
    _check_covered(spec, grid)
    return grid


def _window_of(spec: ModelSpec, fixed: tuple[int, int] | None, size: int | None) -> Window:
    """The description's window; where the graph takes one size only, exactly that and none smaller."""
    if fixed is None:
        return spec.window
    if size not in (None, spec.window.size):
        raise LulcError(
            f"{spec.name} takes windows of {fixed[0]} × {fixed[1]} pixels only; {size} were asked for.",
            "Leave the window size empty.",
        )
    return replace(spec.window, minimum=spec.window.size)


def _default_overlap(spec: ModelSpec) -> int:
    """Pixels that neighbouring windows share: twice the margin, and a little more where that makes the map exact.

    Where the margin is all that can influence a pixel, no pixel that lacks context shall count, not even
    where two windows blend.
    """
    window = spec.window
    reach = window.receptive_field // 2
    return max(2 * window.margin, _overlap_beyond(reach) if 0 < reach <= window.margin else 0)


def _overlap_beyond(pixels: int) -> int:
    """The overlap whose blended part, a quarter of its half on either side of the middle, excludes the outermost
    `pixels`.
    """
    return 2 * math.ceil(4 * pixels / 3)


def _covering(spec: ModelSpec, overlap: int, by_hand: bool) -> tuple[int, int]:
    """Overlap and reflected rim with which results that lack `spec.output.cut` pixels a side still cover everything.

    Args:
        spec: the network.
        overlap: wanted pixels shared by neighbours.
        by_hand: the user chose that overlap, so it is not changed.

    Raises:
        LulcError: the user's overlap leaves gaps.
    """
    cut, multiple = spec.output.cut, spec.window.multiple
    needed = _overlap_beyond(cut)
    if overlap < needed and by_hand:
        raise LulcError(
            f"The results of {spec.name} lack {cut} pixels on each side; an overlap of {overlap} pixels leaves gaps.",
            f"Choose an overlap of at least {needed} pixels, or leave it empty.",
        )
    return max(overlap, needed), max(spec.window.rim, math.ceil(cut / multiple) * multiple)


def _check_covered(spec: ModelSpec, grid: Grid) -> None:
    """Refuse a grid that looks at pixels which the network does not return.

    Raises:
        LulcError: the windows are too small for what is cut off.
    """
    cut = spec.output.cut
    if cut and not (_is_covered(grid.rows, cut) and _is_covered(grid.cols, cut)):
        raise LulcError(
            f"The results of {spec.name} lack {cut} pixels on each side, too many for windows of {grid.rows.window} ×"
            f" {grid.cols.window} pixels.",
            "Choose a larger window.",
        )


def _is_covered(axis: Axis, cut: int) -> bool:
    starts = all(axis.kept(k).start >= cut for k in range(axis.count))
    stops = all(axis.kept(k).stop <= axis.window - cut for k in range(axis.count - 1))
    return starts and stops and axis.length - axis.starts[-1] <= axis.window - cut
