# SPDX-License-Identifier: GPL-3.0-or-later
"""Image matching by OpenCV: corners, patches that look alike, the shift on which most agree, and its check.

The check takes a few windows at full resolution: normalised cross-correlation of fine detail within some pixels of the
shift that was proposed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from lulc_plugin.progress import Progress

from .grey_images import FloatArray, Picture, cut, reduced
from .ground import Rectangle, SharedGround, whole

IntArray = npt.NDArray[np.int64]

#: The images together are reduced to about this many pixels (all by one factor, so that equal scales stay equal) and
#: this many corners are picked in them: the time grows with the square of the latter.
_MOST_PIXELS = 30_000_000
_MOST_CORNERS = 40_000
_LEAST_SPACING = 8
#: Corners this share of the spacing apart are about one in each square of the spacing.
_PACKING = 0.7
#: Half the side of the patch around a corner, and the distance of the pixels of it that are compared.
_RADIUS, _STEP = 16, 3
#: Patches with less contrast than this share of the mean grey value's scale are of nothing.
_LEAST_CONTRAST = 0.004
#: Patches count as alike from this correlation on; shifts agree within so many pixels of the reduced images.
_ALIKE, _AGREE = 0.8, 3.0
_LEAST_VOTES = 4
_BLOCK = 1024
#: Side of the windows that are compared at full resolution, pixels, and how many along each axis.
_SIDE, _ACROSS = 384, 2
#: Least correlation of the fine detail of two images of one ground. 150 shifts of chance in each of `dubai_rgb`,
#: `s2_india_rgbn` and `s2_europe_rgbn16` gave at most 0.12; places seen at two dates in `s2_l1c_oscd` 0.41 to 0.87.
LEAST_LIKENESS = 0.25


@dataclass(frozen=True)
class Corners:
    """Positions `(n, 2)` (row, column) and the patch around each, `(n, d)`, mean 0 and length 1."""

    positions: IntArray
    patches: FloatArray


@dataclass(frozen=True)
class Candidate:
    """Images `first` < `second`; (row, col) of the first is (row, col) - `shift` of the second; `votes` say so."""

    first: int
    second: int
    shift: tuple[float, float]
    votes: int


def match_by_content(images: Sequence[Picture], progress: Progress) -> list[SharedGround]:
    """Pairs of images of different places that show the same ground; pairs that both have a georeference are left out.

    Args:
        images: those to compare.
        progress: receives what is being done, 0 to 100.
    """
    total = sum(image.pixels for image in images)
    factor = max(1, math.ceil(math.sqrt(total / _MOST_PIXELS)))
    spacing = max(_LEAST_SPACING, round(math.sqrt(total / factor**2 / _MOST_CORNERS)))
    corners: list[Corners] = []
    for i, image in enumerate(images):
        progress.check()
        corners.append(find_corners(reduced(image, factor), spacing))
        progress.report(50 * (i + 1) / len(images))
    grounds = []
    for pair in find_candidates(corners, [image.place for image in images], progress):
        if images[pair.first].crs is None or images[pair.second].crs is None:
            shift = (pair.shift[0] * factor, pair.shift[1] * factor)
            ground = confirm(images, pair.first, pair.second, shift, reach=2 + 2 * factor)
            grounds += [ground] if ground is not None else []
    progress.report(100)
    return grounds


def find_corners(grey: FloatArray, spacing: int) -> Corners:
    """The strongest corners of an image `(rows, cols)`, about one in `spacing` x `spacing` pixels.

    A corner is where both eigenvalues of the structure tensor are large (J. Shi and C. Tomasi, "Good features to
    track", CVPR 1994).
    """
    offsets = np.arange(-_RADIUS + 1, _RADIUS, _STEP)
    nothing = Corners(np.zeros((0, 2), np.int64), np.zeros((0, len(offsets) ** 2), np.float32))
    if min(grey.shape) <= 2 * _RADIUS:
        return nothing
    inside = np.zeros(grey.shape, np.uint8)
    inside[_RADIUS:-_RADIUS, _RADIUS:-_RADIUS] = 1
    smooth = cv2.GaussianBlur(grey, (0, 0), 1.0)
    # the quality is a share of the best corner's: low, so that corners are found over all of the image
    corners = cv2.goodFeaturesToTrack(smooth, 0, 1e-6, _PACKING * spacing, mask=inside, blockSize=9)
    if corners is None:
        return nothing
    col, row = corners.reshape(-1, 2).round().astype(np.int64).T
    smooth = cv2.GaussianBlur(grey, (0, 0), 1.5)
    patches = smooth[(row[:, None] + offsets)[:, :, None], (col[:, None] + offsets)[:, None, :]].reshape(len(row), -1)
    patches = patches - patches.mean(axis=1, keepdims=True)
    length = np.linalg.norm(patches, axis=1)
    clear = length > _LEAST_CONTRAST * (float(np.abs(grey).mean()) + 1e-6) * len(offsets)
    positions = np.stack([row, col], axis=1)[clear]
    return Corners(positions, (patches[clear] / length[clear, None]).astype(np.float32))


def find_candidates(corners: Sequence[Corners], places: Sequence[str], progress: Progress) -> list[Candidate]:
    """Pairs of images of different places in which several corners agree on one shift, most votes first.

    Args:
        corners: of each image.
        places: of each image.
        progress: receives how much is done, 0 to 100.
    """
    owner = np.concatenate([np.full(len(c.positions), i, np.int64) for i, c in enumerate(corners)])
    if not owner.size:
        return []
    positions = np.concatenate([c.positions for c in corners])
    numbers = {place: i for i, place in enumerate(dict.fromkeys(places))}
    place = np.array([numbers[p] for p in places], np.int32)[owner]
    pairs = _alike(np.concatenate([c.patches for c in corners]), place, progress)
    pairs = np.where((owner[pairs[:, 0]] > owner[pairs[:, 1]])[:, None], pairs[:, ::-1], pairs)
    # a pair of corners that chose each other has one vote, not two
    one, other = np.unique(pairs, axis=0).T
    images = owner[one] * len(corners) + owner[other]
    order = np.argsort(images, kind="stable")
    candidates = []
    for members in np.split(order, np.flatnonzero(np.diff(images[order])) + 1):
        if len(members) < _LEAST_VOTES:
            continue
        there, here = (positions[ends[members]].astype(np.float32) for ends in (other, one))
        shift, inliers = cv2.estimateTranslation2D(there, here, ransacReprojThreshold=_AGREE)
        votes = 0 if inliers is None else int(inliers.sum())
        if votes >= _LEAST_VOTES:
            first, second = divmod(int(images[members[0]]), len(corners))
            candidates.append(Candidate(first, second, (float(shift[0]), float(shift[1])), votes))
    return sorted(candidates, key=lambda c: -c.votes)


def _alike(patches: FloatArray, place: npt.NDArray[np.int32], progress: Progress) -> IntArray:
    """Pairs `(n, 2)`: each corner with the one of another place that looks most like it, where the two are alike."""
    pairs = [np.zeros((0, 2), np.int64)]
    for start in range(0, len(patches), _BLOCK):
        progress.check()
        rows = np.arange(start, min(len(patches), start + _BLOCK))
        alike = patches[rows] @ patches.T
        alike[place[rows, None] == place[None, :]] = -1
        best = alike.argmax(axis=1)
        good = alike[np.arange(len(rows)), best] >= _ALIKE
        pairs.append(np.stack([rows[good], best[good]], axis=1))
        progress.report(100 * (rows[-1] + 1) / len(patches))
    return np.concatenate(pairs)


def confirm(
    images: Sequence[Picture], first: int, second: int, shift: tuple[float, float], reach: int
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
    windows = _windows(whole(a).common(whole(b).moved(*near)), reach)
    if not windows:
        return None
    # every place of the second's inner part in the first's window: `reach` pixels to each side
    likeness = np.mean([_correlations(a, b, w, near, reach) for w in windows], axis=0)
    row, col = np.unravel_index(int(likeness.argmax()), likeness.shape)
    if likeness[row, col] < LEAST_LIKENESS:
        return None
    exact = (near[0] + int(row) - reach, near[1] + int(col) - reach)
    pixels = whole(a).common(whole(b).moved(*exact)).pixels
    best = float(likeness[row, col])
    return SharedGround(first, second, exact, pixels, pixels / a.pixels, pixels / b.pixels, best, "content")


def _correlations(a: Picture, b: Picture, window: Rectangle, shift: tuple[int, int], reach: int) -> FloatArray:
    """Correlation `(2 reach + 1, 2 reach + 1)` of fine detail, for each shift around the one proposed."""
    there = window.moved(-shift[0], -shift[1])
    image, part = (
        _detail(cut(p, w.row0, w.col0, w.row1 - w.row0, w.col1 - w.col0)) for p, w in ((a, window), (b, there))
    )
    return cv2.matchTemplate(image, part[reach:-reach, reach:-reach], cv2.TM_CCOEFF_NORMED).astype(np.float32)


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
    return (cv2.GaussianBlur(grey, (0, 0), 1.0) - cv2.GaussianBlur(grey, (0, 0), 8.0)).astype(np.float32)
