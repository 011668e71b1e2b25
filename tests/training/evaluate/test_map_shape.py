# SPDX-License-Identifier: GPL-3.0-or-later
"""Borders are compared within a pixel, and small patches are counted, where something is known."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is not installed; run make setup-training")
ndimage = pytest.importorskip("scipy.ndimage", reason="SciPy is not installed")

from training.evaluate import map_shape
from training.maps import groups_of
from training.sets.chips import Chip


def halves(at, size=40):
    """Two classes, the second from column `at` on."""
    return np.where(np.arange(size)[None, :] < at, 0, 1).repeat(size, axis=0).astype(np.uint8)


def chip_of(classes, unknown=(), gsd=10.0):
    labels = classes + 1
    for rows, cols in unknown:
        labels[rows, cols] = 0
    allowed = np.vstack([np.zeros((1, 2), bool), np.eye(2, dtype=bool)])
    values = np.zeros((1, *classes.shape), np.float32)
    return Chip("s", "c.tif", "p", "val", values, np.ones(classes.shape, bool), labels.astype(np.uint8), allowed,
                gsd=gsd, present=(True,))  # fmt: skip


@pytest.mark.parametrize(("moved", "expected"), [(0, 1.0), (1, 1.0), (3, 0.0)])
def test_a_border_may_lie_a_pixel_away(moved, expected):
    chip = chip_of(halves(20))
    found = map_shape.shape_of([halves(20 + moved)], [chip], groups_of([chip])).table()
    assert found["boundary_f1"] == expected


def test_precision_and_recall_both_count():
    # half of the reference's border is found, and as much again is made up elsewhere
    chip = chip_of(halves(20))
    mapped = halves(20)
    mapped[20:] = 0
    mapped[:20, 30:] = 0
    # class 0: border of the reference 40 long, that of the map 20 there, 21 along the row, 20 at column 30
    ours = map_shape.border(mapped == 1, np.ones_like(mapped, bool))
    theirs = map_shape.border(halves(20) == 1, np.ones_like(mapped, bool))
    assert theirs.sum() == 40 and ours.sum() == 20 + 20 + 8
    found = map_shape.shape_of([mapped], [chip], groups_of([chip])).table()["boundary_f1"]
    assert 0.4 < found < 0.7


def test_beside_the_unknown_is_no_border():
    chip = chip_of(halves(20), unknown=[(slice(None), slice(19, 20))])
    assert map_shape.shape_of([halves(20)], [chip], groups_of([chip])).table()["boundary_f1"] is None
    inside = np.zeros((3, 3), bool)
    inside[1, 1] = True
    known = np.ones((3, 3), bool)
    assert map_shape.border(inside, known).sum() == 1
    known[:] = False
    known[1, 1] = known[0, 0] = True  # a corner is no edge
    assert not map_shape.border(inside, known).any()


def test_small_patches_are_counted_where_the_image_is_valid():
    classes = np.zeros((10, 10), np.uint8)
    classes[2, 2:5] = 1  # three pixels
    classes[6:8, 6:8] = 1  # four are no small patch
    classes[4, 4] = 1  # one, by its corner beside nothing
    valid = np.ones((10, 10), bool)
    assert map_shape.small_patches(classes, valid) == 2
    valid[7, 7] = False  # three are left
    assert map_shape.small_patches(classes, valid) == 3
    valid[:] = False
    assert map_shape.small_patches(classes, valid) == 0


def test_patches_are_counted_a_square_kilometre():
    mapped = halves(20, 100)
    mapped[50, 80] = 0
    chip = chip_of(halves(20, 100))
    assert map_shape.shape_of([mapped], [chip], groups_of([chip])).table()["small_patches_km2"] == pytest.approx(1.0)
    unknown = chip_of(halves(20, 100), gsd=0.0)
    assert map_shape.shape_of([mapped], [unknown], groups_of([unknown])).table()["small_patches_km2"] is None
