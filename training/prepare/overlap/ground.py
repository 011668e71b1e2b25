# SPDX-License-Identifier: GPL-3.0-or-later
"""Ground that two images share: the shift between them, checked pixel by pixel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import fft, ndimage

from .grey_images import FloatArray, Picture, cut

#: Side of the windows that are compared at full resolution, pixels, and how many along each axis.
_SIDE = 384
_ACROSS = 2
#: Least correlation of the fine detail of two images of one ground. 150 shifts of chance in each of `dubai_rgb`,
#: `s2_india_rgbn` and `s2_europe_rgbn16` gave at most 0.12; places seen at two dates in `s2_l1c_oscd` 0.41 to 0.87.
LEAST_LIKENESS = 0.25


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


def confirmed(
    images: list[Picture], first: int, second: int, shift: tuple[float, float], reach: int
) -> SharedGround | None:
    """The ground that two images share at about `shift`, or None when they are not alike there.

    Args:
        images: all of them.
        first, second: positions of the two.
        shift: rows, columns, as in `SharedGround`.
        reach: how far off `shift` may be, pixels.
    """
    a, b = images[first], images[second]
    near = (round(shift[0]), round(shift[1]))
    common = whole(a).common(whole(b).moved(*near))
    windows = _windows(common, reach)
    if not windows:
        return None
    pairs = [
        (_detail(cut(a, w.row0, w.col0, w.row1 - w.row0, w.col1 - w.col0)),
         _detail(cut(b, w.row0 - near[0], w.col0 - near[1], w.row1 - w.row0, w.col1 - w.col0)))
        for w in windows
    ]  # fmt: skip
    rows, cols = _finer(pairs, reach)
    likeness = _correlation(pairs, rows, cols)
    if likeness < LEAST_LIKENESS:
        return None
    exact = (near[0] + rows, near[1] + cols)
    pixels = whole(a).common(whole(b).moved(*exact)).pixels
    return SharedGround(first, second, exact, pixels, pixels / a.pixels, pixels / b.pixels, likeness, "content")


def _windows(common: Rectangle, reach: int) -> list[Rectangle]:
    """A few windows spread over the common rectangle, all of one size."""
    height, width = (min(_SIDE, v) for v in (common.row1 - common.row0, common.col1 - common.col0))
    if min(height, width) <= 2 * reach + 8:
        return []
    tops = np.unique(np.linspace(common.row0, common.row1 - height, _ACROSS).astype(int))
    lefts = np.unique(np.linspace(common.col0, common.col1 - width, _ACROSS).astype(int))
    return [Rectangle(int(t), int(t) + height, int(f), int(f) + width) for t in tops for f in lefts]


def _detail(grey: FloatArray) -> FloatArray:
    """What is finer than some 20 pixels and coarser than noise and compression."""
    detail: FloatArray = ndimage.gaussian_filter(grey, 1.0) - ndimage.gaussian_filter(grey, 8.0)
    return detail


def _finer(pairs: list[tuple[FloatArray, FloatArray]], reach: int) -> tuple[int, int]:
    """The shift within `reach` at which the pairs fit best: maximum of their summed cross-correlation."""
    surface = 0.0
    for a, b in pairs:
        product = fft.rfft2(a, workers=1) * np.conj(fft.rfft2(b, workers=1))
        surface = surface + fft.irfft2(product, s=a.shape, workers=1)
    steps = np.arange(-reach, reach + 1)
    around = np.asarray(surface)[np.ix_(steps, steps)]
    row, col = np.unravel_index(int(around.argmax()), around.shape)
    return int(steps[row]), int(steps[col])


def _correlation(pairs: list[tuple[FloatArray, FloatArray]], rows: int, cols: int) -> float:
    """Pearson's coefficient of all pairs together, the second of each moved by (rows, cols)."""
    ones, others = [], []
    for a, b in pairs:
        height, width = a.shape
        inside = Rectangle(0, height, 0, width).common(Rectangle(0, height, 0, width).moved(rows, cols))
        ones.append(a[inside.row0 : inside.row1, inside.col0 : inside.col1].ravel())
        there = inside.moved(-rows, -cols)
        others.append(b[there.row0 : there.row1, there.col0 : there.col1].ravel())
    one, other = np.concatenate(ones).astype(np.float64), np.concatenate(others).astype(np.float64)
    spread = float(one.std() * other.std())
    return float(((one - one.mean()) * (other - other.mean())).mean() / spread) if spread > 0 else 0.0
