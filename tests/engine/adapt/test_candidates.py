# SPDX-License-Identifier: GPL-3.0-or-later
"""Ways that are compared: what smoothing does to a sample, and which way is taken."""

from dataclasses import replace

import numpy as np
import pytest

from lulc_plugin.adapt.candidates import Candidate, Outcome, validate
from lulc_plugin.adapt.classifier import COARSE, Standard, fit
from lulc_plugin.adapt.feature_reader import Features, Window
from lulc_plugin.adapt.folds import Folds
from lulc_plugin.adapt.sample_pixels import SamplePixels
from lulc_plugin.adapt.training import choose
from lulc_plugin.classify import smooth
from lulc_plugin.model import Smoothing
from lulc_plugin.progress import Progress

RADII = (0, 2, 5)
REACH = 2 * max(RADII) + 2
GUIDE = Smoothing(1, bands=("red", "nir"), mean=(-1.5, -1.0), stddev=(0.6, 0.7))


@pytest.fixture
def features():
    """Forty samples of two classes in an image with holes, with their surroundings."""
    random = np.random.default_rng(0)
    side, count = 96, 40
    image = random.normal(size=(3, side, side)).astype(np.float16)
    valid = random.random((side, side)) > 0.05
    window = Window(image, random.uniform(0.02, 0.5, (2, side, side)).astype(np.float32), valid)
    rows, cols = random.integers(REACH, side - REACH - COARSE, (2, count))
    labels = np.arange(count) % 2
    plain = window.features[:, rows, cols].T.astype(float) + labels[:, None]
    coarse = np.stack([window.square(row, col).mean(axis=(1, 2)) for row, col in zip(rows, cols)]).astype(float)
    patches = {i: window.patch(row, col, REACH) for i, (row, col) in enumerate(zip(rows, cols)) if valid[row, col]}
    samples = SamplePixels(rows, cols, labels, np.arange(count))
    return Features(samples, plain, coarse, patches, plain)


@pytest.fixture
def candidate(features):
    columns = np.arange(3)

    def fitted(which):
        labels = features.samples.labels[which]
        return fit(features.plain[which], features.coarse[which], labels, 2, columns, Standard.of(features.scene), 0)

    return Candidate("pixels", "Pixel features", columns, fitted)


def test_a_sample_is_smoothed_as_in_the_whole_of_its_surroundings(features, candidate):
    """Many are smoothed side by side: none may see another."""
    folds = Folds(np.arange(40) % 4 // 2, np.arange(40) % 4, 2, 8, ())
    outcomes = {o.radius: o for o in validate(candidate, features, folds, RADII, GUIDE, Progress())}
    assert set(outcomes) == set(RADII)
    for fold in (0, 1):
        classifier = candidate.fit(np.flatnonzero(folds.fold != fold))
        for place, index in enumerate(outcomes[0].index):
            if folds.fold[index] != fold:
                continue
            patch = features.patches[index]
            image = patch.features.astype(float)
            squares = image.reshape(3, image.shape[1] // COARSE, COARSE, -1, COARSE).mean(axis=(2, 4))
            coarse = squares.repeat(COARSE, axis=1).repeat(COARSE, axis=2)
            shares = classifier.probabilities(image.reshape(3, -1).T, coarse.reshape(3, -1).T)
            shares = shares.T.reshape(2, *image.shape[1:]).astype(np.float32)
            for radius in RADII[1:]:
                whole = smooth(shares, patch.guide, patch.valid, replace(GUIDE, radius=radius))
                found = outcomes[radius].probabilities[place]
                np.testing.assert_allclose(found, whole[:, patch.row, patch.col], atol=2e-3)


def outcome(name, score, spread=0.02, radius=0):
    none = np.zeros((0, 2))
    return Outcome(Candidate(name, name, np.arange(1), None), radius, none, np.arange(0), score, spread, score)


def test_the_preferred_way_within_one_standard_error_is_taken():
    scores = {"both": 0.70, "pixels": 0.71, "forest": 0.60}
    asked = []

    def compare(candidate, radii):
        asked.append((candidate.id, tuple(radii)))
        return [outcome(candidate.id, scores[candidate.id] + radius / 1000, radius=radius) for radius in radii]

    candidates = [outcome(name, 0).candidate for name in scores]
    chosen, outcomes = choose(candidates, (), compare)
    assert (chosen.candidate.id, len(outcomes)) == ("both", 3)
    scores["both"] = 0.68
    assert choose(candidates, (), compare)[0].candidate.id == "pixels"
    # only the best ways are smoothed, and what is not smoothed is listed once
    asked.clear()
    chosen, outcomes = choose(candidates, (0, 8), compare)
    assert [ids for ids, radii in asked if radii == (0, 8)] == ["both", "pixels"]
    assert (chosen.candidate.id, chosen.radius) == ("pixels", 8)
    assert sorted(o.radius for o in outcomes) == [0, 0, 0, 8, 8]


def test_the_preferred_way_is_smoothed_though_two_others_score_higher():
    scores = {"both": 0.70, "pixels": 0.705, "windows": 0.715, "forest": 0.71}

    def compare(candidate, radii):
        return [outcome(candidate.id, scores[candidate.id] + radius / 1000, radius=radius) for radius in radii]

    chosen, _ = choose([outcome(name, 0).candidate for name in scores], (0, 8), compare)
    assert (chosen.candidate.id, chosen.radius) == ("both", 8)
    scores["both"] = 0.6
    chosen, _ = choose([outcome(name, 0).candidate for name in scores], (0, 8), compare)
    assert (chosen.candidate.id, chosen.radius) == ("pixels", 8)
