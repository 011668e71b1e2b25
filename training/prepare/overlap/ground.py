# SPDX-License-Identifier: GPL-3.0-or-later
"""Ground that two images share: the shift between them, and the rectangle of each that the other shows, too."""

from __future__ import annotations

from dataclasses import dataclass

from .grey_images import Picture


@dataclass(frozen=True)
class SharedGround:
    """Images `first` < `second` (their positions in a list) that show the same ground.

    Attributes:
        shift: (rows, columns); pixel (r, c) of the first image is pixel (r - rows, c - columns) of the second. None
            where pixels differ in size or direction (georeference only).
        pixels: how many pixels of the first image the common rectangle has.
        share_first, share_second: the common part of each image, 0..1.
        likeness: correlation of fine detail, -1..1; 1 where the georeference says it.
        how: `content` or `georeference`.
    """

    first: int
    second: int
    shift: tuple[int, int] | None
    pixels: int
    share_first: float
    share_second: float
    likeness: float
    how: str


@dataclass(frozen=True)
class Rectangle:
    """Rows `row0:row1` and columns `col0:col1` of an image; empty where one of them is."""

    row0: int
    row1: int
    col0: int
    col1: int

    @property
    def pixels(self) -> int:
        """How many."""
        return max(0, self.row1 - self.row0) * max(0, self.col1 - self.col0)

    def moved(self, rows: int, cols: int) -> Rectangle:
        """The same, further down and to the right."""
        return Rectangle(self.row0 + rows, self.row1 + rows, self.col0 + cols, self.col1 + cols)

    def common(self, other: Rectangle) -> Rectangle:
        """What lies in both."""
        return Rectangle(
            max(self.row0, other.row0),
            min(self.row1, other.row1),
            max(self.col0, other.col0),
            min(self.col1, other.col1),
        )


def whole(image: Picture) -> Rectangle:
    """All of an image."""
    return Rectangle(0, image.height, 0, image.width)
