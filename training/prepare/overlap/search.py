# SPDX-License-Identifier: GPL-3.0-or-later
"""The search itself: every pair of images of different places that share ground."""

from __future__ import annotations

import math
from collections.abc import Sequence

from lulc_plugin.progress import Progress

from .corners import Corners, corners
from .georeference import has_place, shared_by_georeference
from .grey_images import Picture, reduced
from .ground import SharedGround, confirmed
from .votes import candidates

#: The images together are reduced to about this many pixels (all by one factor, so that equal scales stay equal) and
#: this many corners are picked in them: the time grows with the square of the latter.
_MOST_PIXELS = 30_000_000
_MOST_CORNERS = 40_000
_SMALLEST_CELL = 8


def shared_ground(images: Sequence[Picture], progress: Progress) -> list[SharedGround]:
    """Pairs of images of different places that show the same ground, the largest common part first.

    Two images that both have a georeference are compared by it; all other pairs by what they show.

    Args:
        images: those to compare.
        progress: told what is being done, 0 to 100.
    """
    pictures = list(images)
    found = shared_by_georeference(pictures)
    if not all(map(has_place, pictures)):
        found += _by_content(pictures, progress)
    return sorted(found, key=lambda g: -g.pixels)


def _by_content(images: list[Picture], progress: Progress) -> list[SharedGround]:
    total = sum(image.pixels for image in images)
    factor = max(1, math.ceil(math.sqrt(total / _MOST_PIXELS)))
    cell = max(_SMALLEST_CELL, round(math.sqrt(total / factor**2 / _MOST_CORNERS)))
    found: list[Corners] = []
    for i, image in enumerate(images):
        progress.check()
        found.append(corners(reduced(image, factor), cell))
        progress.report(50 * (i + 1) / len(images))
    out = []
    for candidate in candidates(found, [image.place for image in images], progress):
        if has_place(images[candidate.first]) and has_place(images[candidate.second]):
            continue
        row, col = candidate.shift
        ground = confirmed(
            images, candidate.first, candidate.second, (row * factor, col * factor), reach=2 + 2 * factor
        )
        if ground is not None:
            out.append(ground)
    progress.report(100)
    return out
