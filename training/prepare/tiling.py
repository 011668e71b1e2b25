# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the chips of a rectangle lie: every pixel in at least one."""

from __future__ import annotations

from dataclasses import dataclass

from lulc_plugin.errors import LulcError

from .overlap.ground import Rectangle

EDGES = ("shift", "smaller")


@dataclass(frozen=True)
class Tiling:
    """Chips of `size` pixels a side, `stride` pixels apart.

    Attributes:
        size: rows and columns of a chip.
        stride: from one chip to the next; less than `size`: chips overlap.
        edges: at the far edge, `shift` moves the last chip inwards, `smaller` cuts it.

    Raises:
        LulcError: a size or stride that leaves pixels out.
    """

    size: int = 256
    stride: int = 0
    edges: str = "shift"

    def __post_init__(self) -> None:
        if self.size < 16:
            raise LulcError(f"Chips of {self.size} pixels are too small.", "Give --size 16 or more; 256 is usual.")
        if self.stride == 0:
            object.__setattr__(self, "stride", self.size)
        if not 0 < self.stride <= self.size:
            raise LulcError(
                f"The stride is {self.stride} pixels, the size {self.size}: pixels between chips would be lost.",
                "Give a --stride from 1 to --size.",
            )
        if self.edges not in EDGES:
            raise LulcError(f"Edges are {self.edges!r}.", f"They are one of {', '.join(EDGES)}.")

    def windows(self, area: Rectangle) -> list[Rectangle]:
        """Chips of `area`, row by row; an area smaller than a chip is one chip."""
        return [
            Rectangle(row0, row1, col0, col1)
            for row0, row1 in self._spans(area.row0, area.row1)
            for col0, col1 in self._spans(area.col0, area.col1)
        ]

    def _spans(self, start: int, stop: int) -> list[tuple[int, int]]:
        if stop - start <= self.size:
            return [(start, stop)]
        out = [(at, at + self.size) for at in range(start, stop - self.size + 1, self.stride)]
        if out[-1][1] < stop:
            after = out[-1][0] + self.stride
            out.append((stop - self.size, stop) if self.edges == "shift" else (after, stop))
        return out
