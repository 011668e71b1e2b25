# SPDX-License-Identifier: GPL-3.0-or-later
"""What a graph asks of its windows beyond the description's wishes: one fixed size, or a result without its rim."""

from __future__ import annotations

import math
from dataclasses import replace

from ..errors import LulcError
from ..model import Entry, ModelSpec, Window, onnx_file
from ..raster import Axis, Grid


def wanted(entry: Entry, asked: int | None) -> Window:
    """The description's window; where the graph takes one size only, exactly that and none smaller.

    Args:
        entry: the network.
        asked: size that the user wants, None for the description's.

    Raises:
        LulcError: the user wants another size than the only one.
    """
    spec = entry.spec
    fixed = onnx_file.fixed_size(entry.path, spec.input_name, spec.layout)
    # where graph and description disagree the network says so when it is loaded
    if fixed != (spec.window.size, spec.window.size):
        return spec.window
    if asked not in (None, spec.window.size):
        raise LulcError(
            f"{spec.name} takes windows of {fixed[0]} × {fixed[1]} pixels only; {asked} were asked for.",
            "Leave the window size empty.",
        )
    return replace(spec.window, minimum=spec.window.size)


def wished_overlap(spec: ModelSpec) -> int:
    """Pixels that neighbouring windows share: twice the margin, and a little more where that makes the map exact.

    Where the margin is all that can influence a pixel, no pixel shall count that lacks context: neither in a fade.
    """
    window = spec.window
    reach = window.receptive_field // 2
    return max(2 * window.margin, _beyond(reach) if 0 < reach <= window.margin else 0)


def _beyond(pixels: int) -> int:
    """The overlap whose fades, a quarter of its half to either side of the middle, keep off `pixels` at the borders."""
    return 2 * math.ceil(4 * pixels / 3)


def covering(spec: ModelSpec, overlap: int, by_hand: bool) -> tuple[int, int]:
    """Overlap and reflected rim with which results that lack `spec.output.cut` pixels a side still cover everything.

    Args:
        spec: the network.
        overlap: wanted pixels shared by neighbours.
        by_hand: the user chose that overlap, so it is not changed.

    Raises:
        LulcError: the user's overlap leaves gaps.
    """
    cut, multiple = spec.output.cut, spec.window.multiple
    needed = _beyond(cut)
    if overlap < needed and by_hand:
        raise LulcError(
            f"The results of {spec.name} lack {cut} pixels on each side; an overlap of {overlap} pixels leaves gaps.",
            f"Choose an overlap of at least {needed} pixels, or leave it empty.",
        )
    return max(overlap, needed), max(spec.window.rim, math.ceil(cut / multiple) * multiple)


def check_covered(spec: ModelSpec, grid: Grid) -> None:
    """Refuse a grid that looks at pixels which the network does not return.

    Raises:
        LulcError: the windows are too small for what is cut off.
    """
    cut = spec.output.cut
    if cut and not (_covered(grid.rows, cut) and _covered(grid.cols, cut)):
        raise LulcError(
            f"The results of {spec.name} lack {cut} pixels on each side, too many for windows of {grid.rows.window} ×"
            f" {grid.cols.window} pixels.",
            "Choose a larger window.",
        )


def _covered(axis: Axis, cut: int) -> bool:
    starts = all(axis.kept(k).start >= cut for k in range(axis.count))
    stops = all(axis.kept(k).stop <= axis.window - cut for k in range(axis.count - 1))
    return starts and stops and axis.length - axis.starts[-1] <= axis.window - cut
