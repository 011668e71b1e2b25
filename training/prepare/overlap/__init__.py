# SPDX-License-Identifier: GPL-3.0-or-later
"""Which images show the same ground: by georeference where there is one, else by what they show.

Images without a georeference are searched for places that look alike: corners are picked over all of each image, the
patch around each is compared with those of all other images, and a pair of images in which several corners agree on one
shift is checked pixel by pixel at full resolution. Brightness and contrast may differ, compression too.

What this cannot see: images whose pixels differ in size by more than 2 % or that are turned against each other by more
than 1 degree, a common strip narrower than some 50 pixels (of the reduced images: many or large images are reduced to
about 30 million pixels in all), ground without anything on it (water, sand), and ground that changed between two dates.
"""

from __future__ import annotations

from collections.abc import Sequence

from lulc_plugin.progress import Progress

from .georeference import shared_by_georeference
from .grey_images import Picture, picture
from .ground import Rectangle, SharedGround
from .matching import match_by_content

__all__ = ["Picture", "Rectangle", "SharedGround", "picture", "shared_ground"]


def shared_ground(images: Sequence[Picture], progress: Progress) -> list[SharedGround]:
    """Pairs of images of different places that show the same ground, the largest common part first.

    Two images that both have a georeference are compared by it; all other pairs by what they show.

    Args:
        images: those to compare.
        progress: receives what is being done, 0 to 100.
    """
    grounds = shared_by_georeference(list(images))
    if any(image.crs is None for image in images):
        grounds += match_by_content(images, progress)
    return sorted(grounds, key=lambda g: -g.pixels)
