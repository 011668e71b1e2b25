# SPDX-License-Identifier: GPL-3.0-or-later
"""Augmentations: labels move with pixels, holes have the network's fill, nothing happens where nothing is asked."""

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed; run make setup-training")

from training.augment import radiometry
from training.augment.geometry import cut, mosaic, turned
from training.augment.samples import mixed, sample
from training.augment.strength import Strength
from training.inputs import make_inputs
from training.sets.chips import load
from training.sets.description import describe

BANDS = ("red", "green", "blue", "nir")
INPUTS = make_inputs(BANDS, ("NDVI",), ("reflectance", "picture"))
NOTHING = Strength(turn=False, scale=0.0, jitter=0.0, holes=0.0, noise=0.0)
FILL = [0.1, 0.2, 0.3, 0.4, 0.5]


@pytest.fixture
def chip(toy):
    return load(describe(toy, "sure"), ("train",), BANDS, ("Water", "Trees", "Bare"))[0]


def test_nothing_asked_nothing_changed(chip, rng):
    got = sample(chip, 64, INPUTS, FILL, NOTHING, rng)
    assert np.array_equal(got.image, INPUTS.of(chip.values, chip.valid, False, FILL))
    assert np.array_equal(got.labels, chip.labels)


def test_labels_move_with_their_pixels(chip, rng):
    """Whatever is done to the geometry, trees stay where NDVI is high."""
    strength = replace(NOTHING, turn=True, scale=0.4, cutmix=1.0)
    made = mixed([sample(chip, 48, INPUTS, FILL, strength, rng) for _ in range(12)], 1.0, rng)
    for one in made:
        green, known = one.image[4] > 0.3, one.labels > 0
        assert known.mean() > 0.9 and ((one.labels == 2) == green)[known].mean() > 0.97


def test_holes_have_the_fill_and_no_label(chip, rng):
    got = sample(chip, 64, INPUTS, FILL, replace(NOTHING, holes=1.0), rng)
    holes = got.labels == 0
    assert 0 < holes.mean() < 0.6
    assert np.allclose(got.image[:, holes], np.array(FILL)[:, None])


def test_missing_bands_have_the_fill(toy, rng):
    six = make_inputs(("red", "swir16"))
    chip = load(describe(toy, "sure"), ("train",), six.names, ("Water", "Trees", "Bare"))[0]
    got = sample(chip, 32, six, [0.0, 0.7], NOTHING, rng)
    assert np.allclose(got.image[1], 0.7) and got.image[0].std() > 0


def test_shrinking_averages_and_drops_mixed_pixels(chip, rng):
    got = cut(chip, 32, 2.0, rng)
    assert got.values.shape == (4, 32, 32)
    assert got.values.mean() == pytest.approx(chip.values.mean(), rel=0.02)
    assert (got.labels > 0).mean() > 0.9 and set(np.unique(got.labels)) <= {0, 1, 2}


@pytest.mark.parametrize("scale", [0.8, 1.0, 1.25, 2.0, 3.0])
def test_single_labelled_pixels_survive_another_scale(chip, rng, scale):
    """Ten labelled pixels an image are all that a network trained on sparse labels has."""
    at = [(8 + 12 * (i // 4), 8 + 14 * (i % 4)) for i in range(16)]
    dense, chip.labels = chip.labels.copy(), np.zeros_like(chip.labels)
    for row, col in at:
        chip.labels[row, col] = dense[row, col]
    got = cut(chip, round(64 / scale), scale, rng)
    assert 14 <= (got.labels > 0).sum() <= 16 * max(1, 2.5 / scale**2) + 16
    whole = cut(replace(chip, labels=dense), round(64 / scale), scale, rng).labels
    both = (got.labels > 0) & (whole > 0)
    assert (got.labels[both] == whole[both]).mean() > 0.9


def test_small_chips_are_reflected(chip, rng):
    got = cut(chip, 96, 1.0, rng)
    assert np.array_equal(got.labels[:64, :64], chip.labels) and np.array_equal(got.labels[64:], got.labels[63:31:-1])


def test_every_symmetry_is_another_one():
    square = np.arange(9).reshape(3, 3)
    assert len({turned(way, square).tobytes() for way in range(8)}) == 8


def test_levels_go_both_ways():
    values = np.full((4, 2, 2), 0.1, np.float32)
    top = radiometry.to_top(values, BANDS)
    assert top[2, 0, 0] > top[0, 0, 0] > 0.1
    assert np.allclose(radiometry.to_surface(top, BANDS), values, atol=1e-6)


def test_haze_is_strongest_in_blue():
    hazed = radiometry.hazy(np.zeros((4, 1, 1), np.float32), BANDS, 0.02)[:, 0, 0]
    assert hazed[2] > hazed[1] > hazed[0] > hazed[3] > 0


def test_jitter_changes_values_within_reason(chip, rng):
    strength = Strength(jitter=1.0)
    means = [radiometry.changed(chip.values, BANDS, "", strength, rng).mean() for _ in range(20)]
    assert np.std(means) > 0.003 and 0.5 < np.mean(means) / chip.values.mean() < 1.6


def test_red_sees_nothing_of_the_near_infrared(rng):
    """A twentieth of the near infrared would drown what red tells of plants; neighbours in the visible do mix."""
    values = np.array([0.03, 0.05, 0.03, 0.40], np.float32)[:, None, None]
    strength = Strength(jitter=1.0, gain=0.0, band_gain=0.0, haze=0.0)
    made = np.stack([radiometry.jittered(values, BANDS, strength, rng)[:, 0, 0] for _ in range(200)])
    unchanged = made[np.isclose(made[:, 3], 0.40, rtol=1e-3)]
    assert len(unchanged) > 50 and unchanged[:, 0].max() < 0.04 and unchanged[:, 0].std() > 0


def test_pictures_of_bytes(toy, rng):
    chip = load(describe(toy, "coarse"), ("train",), BANDS, ("Water", "Trees", "Bare"))[0]
    plain = sample(chip, 64, INPUTS, FILL, NOTHING, rng)
    assert np.array_equal(plain.image, INPUTS.of(chip.values, chip.valid, True, FILL, chip.layer))
    other = sample(chip, 64, INPUTS, FILL, replace(NOTHING, picture_jitter=1.0), rng)
    assert not np.allclose(plain.image, other.image) and np.array_equal(plain.labels, other.labels)


def test_mosaics_are_of_four(toy, rng):
    chips = load(describe(toy, "sure"), ("train",), BANDS, ("Water", "Trees", "Bare"))
    joined = mosaic(chips, rng)
    assert joined.values.shape == (4, 128, 128)
    assert np.array_equal(joined.labels[:64, :64], chips[0].labels)
    assert np.array_equal(joined.values[:, 64:, 64:], chips[3].values)
