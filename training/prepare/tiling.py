# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the chips of a rectangle lie: every pixel in at least one."""

from __future__ import annotations

from dataclasses import dataclass

from lulc_plugin.errors import LulcError

from .overlap import Rectangle

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
        return [window for window, _ in self.windows_and_new(area)]

    def windows_and_new(self, area: Rectangle) -> list[tuple[Rectangle, Rectangle]]:
        """Chips of `area`, each with the part of it that no chip before it has."""
        down, across = self._spans(area.row0, area.row1), self._spans(area.col0, area.col1)
        return [
            (Rectangle(row0, row1, col0, col1), Rectangle(new_row, row1, new_col, col1))
            for (row0, row1), new_row in zip(down, _ends_before(down), strict=True)
            for (col0, col1), new_col in zip(across, _ends_before(across), strict=True)
        ]

    def _spans(self, start: int, stop: int) -> list[tuple[int, int]]:
        if stop - start <= self.size:
            return [(start, stop)]
        out = [(at, at + self.size) for at in range(start, stop - self.size + 1, self.stride)]
        if out[-1][1] < stop:
            after = out[-1][0] + self.stride
            out.append((stop - self.size, stop) if self.edges == "shift" else (after, stop))
        return out


def _ends_before(spans: list[tuple[int, int]]) -> list[int]:
    """Where the span before each one ends; of the first, where it begins."""
    return [spans[0][0], *(stop for _, stop in spans[:-1])]
