# SPDX-License-Identifier: GPL-3.0-or-later
"""Blocks and folds: neighbours stay together, every class in several folds."""

import numpy as np

from lulc_plugin.adapt.folds import FOLDS, make_folds
from lulc_plugin.adapt.sample_pixels import SamplePixels


def samples(rows, cols, labels, features=None):
    count = len(rows)
    return SamplePixels(
        np.array(rows), np.array(cols), np.array(labels), np.arange(count) if features is None else np.array(features)
    )


def spread(count=200, classes=4, seed=0):
    random = np.random.default_rng(seed)
    return samples(random.integers(0, 1000, count), random.integers(0, 1000, count), random.integers(0, classes, count))


def test_a_block_is_in_one_fold_and_a_class_in_several():
    pixels = spread()
    folds = make_folds(pixels, 4)
    assert folds.count == FOLDS and folds.alone == ()
    for block in np.unique(folds.block):
        assert len(np.unique(folds.fold[folds.block == block])) == 1
    for label in range(4):
        assert len(np.unique(folds.fold[pixels.labels == label])) >= 4


def test_neighbours_are_left_out_together():
    pixels = spread()
    folds = make_folds(pixels, 4)
    for block in np.unique(folds.block):
        inside = folds.block == block
        assert np.ptp(pixels.rows[inside]) < folds.side and np.ptp(pixels.cols[inside]) < folds.side


def test_pixels_of_a_polygon_stay_together():
    rows, cols = np.repeat(np.arange(0, 400, 40), 30), np.tile(np.arange(30) * 5, 10)
    feature = np.repeat(np.arange(10), 30)
    folds = make_folds(samples(rows, cols, feature % 2, feature), 2)
    for one in range(10):
        assert len(np.unique(folds.fold[feature == one])) == 1


def test_blocks_shrink_until_a_class_is_in_two():
    # the second class lies in one corner only
    rows = [*range(0, 1000, 50), 10, 40, 70]
    labels = [0] * 20 + [1] * 3
    folds = make_folds(samples(rows, [5] * 23, labels), 2)
    assert folds.alone == () and folds.side < 1000 // 6


def test_a_class_at_one_place_is_told():
    folds = make_folds(samples([0, 500, 900, 3], [0, 500, 900, 3], [0, 0, 0, 1]), 2)
    assert folds.alone == (1,)


def test_groups_of_the_user():
    pixels = spread(40)
    groups = [f"farm {i % 4}" for i in range(40)]
    folds = make_folds(pixels, 4, groups)
    assert folds.side == 0 and folds.count == 4
    for i in range(40):
        assert folds.block[i] == folds.block[i % 4]
