# SPDX-License-Identifier: GPL-3.0-or-later
"""A scene of four kinds of land, with points and polygons on it."""

import numpy as np
import pytest

from lulc_plugin.assess import FeatureInput, ReferenceFeature

#: reflectance × 10,000 of four kinds of land in red, green, blue, near infrared
LAND = np.array([[300, 500, 400, 200], [400, 600, 350, 3200], [1600, 1300, 1000, 2300], [2400, 2300, 2200, 2600]])
NAMES = ("water", "trees", "fields", "town")


def land(rows=192, cols=256, side=16, seed=0):
    """Class of each pixel: squares of `side` pixels, and their image with noise."""
    random = np.random.default_rng(seed)
    squares = random.integers(0, 4, (-(-rows // side), -(-cols // side)))
    classes = squares.repeat(side, axis=0).repeat(side, axis=1)[:rows, :cols]
    image = LAND[classes].transpose(2, 0, 1) * random.normal(1, 0.25, (4, rows, cols)) + random.normal(
        0, 60, (4, rows, cols)
    )
    return classes, np.clip(image, 1, 9999).astype(np.uint16)


@pytest.fixture
def place(raster):
    """`place()` → (class of each pixel, path of its image)."""

    def make(name="image.tif", **options):
        classes, image = land(**options)
        return classes, raster(name, image)

    return make


@pytest.fixture
def points():
    """`points(classes, 10)` → as many points of each class, spread over the image; `names` are written for classes."""

    def draw(classes, count, names=NAMES, seed=0, origin=(500_000, 9_120_000), pixel=30):
        random = np.random.default_rng(seed)
        features = []
        for label, name in enumerate(names):
            rows, cols = np.nonzero(classes == label)
            for i in random.permutation(len(rows))[:count]:
                x, y = origin[0] + (cols[i] + 0.5) * pixel, origin[1] - (rows[i] + 0.5) * pixel
                features.append(ReferenceFeature({"type": "Point", "coordinates": (x, y)}, name, str(len(features))))
        return FeatureInput(features, "points", "samples.gpkg", "class")

    return draw
