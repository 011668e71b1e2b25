# SPDX-License-Identifier: GPL-3.0-or-later
"""The forest: splits where classes part, levels, seeds, and the graph that it becomes."""

import numpy as np
import onnxruntime as ort
import pytest

from lulc_plugin.adapt.forest import fit_forest
from lulc_plugin.adapt.onnx_graph import Graph


def checkerboard(count=600, seed=0):
    """Two classes that no straight line parts, and two features that say nothing."""
    random = np.random.default_rng(seed)
    samples = random.uniform(-1, 1, (count, 4))
    return samples, ((samples[:, 0] > 0) ^ (samples[:, 1] > 0)).astype(int)


def test_it_learns_what_no_line_parts():
    samples, labels = checkerboard()
    test, truth = checkerboard(seed=1)
    assert (fit_forest(samples, labels, 2).probabilities(test).argmax(axis=1) == truth).mean() > 0.93


def test_as_good_as_a_library():
    ensemble = pytest.importorskip("sklearn.ensemble")
    ours, theirs = [], []
    for seed in range(4):
        samples, labels = checkerboard(150, seed)
        test, truth = checkerboard(2000, 100 + seed)
        ours.append((fit_forest(samples, labels, 2, seed, 100, 20).probabilities(test).argmax(axis=1) == truth).mean())
        other = ensemble.RandomForestClassifier(100, class_weight="balanced", random_state=seed).fit(samples, labels)
        theirs.append((other.predict(test) == truth).mean())
    assert np.mean(ours) > np.mean(theirs) - 0.02


def samples_like_land(count, seed):
    """Six classes that overlap in thirty features, of which many say the same, as bands and windows do."""
    centres = np.random.default_rng(7).normal(0, 0.5, (6, 30))
    mixing = np.random.default_rng(8).normal(0, 0.4, (30, 30)) + np.eye(30)
    labels = np.repeat(np.arange(6), count)
    return centres[labels] + np.random.default_rng(seed).normal(0, 1, (6 * count, 30)) @ mixing, labels


def test_as_good_as_a_library_on_samples_like_those_of_land():
    ensemble = pytest.importorskip("sklearn.ensemble")
    test, truth = samples_like_land(300, 99)
    gains = []
    for seed in range(3):
        samples, labels = samples_like_land(20, seed)
        ours = fit_forest(samples, labels, 6, seed, 60, 20).probabilities(test).argmax(axis=1)
        other = ensemble.RandomForestClassifier(60, class_weight="balanced", random_state=seed).fit(samples, labels)
        gains.append((ours == truth).mean() - (other.predict(test) == truth).mean())
    assert np.mean(gains) > -0.015


def test_a_rare_class_counts_as_much():
    random = np.random.default_rng(0)
    samples = np.concatenate([random.normal(0, 1, (500, 3)), random.normal(1.5, 1, (10, 3))])
    labels = np.repeat([0, 1], (500, 10))
    test = np.concatenate([random.normal(0, 1, (500, 3)), random.normal(1.5, 1, (500, 3))])
    choice = fit_forest(samples, labels, 2, trees=100, levels=4).probabilities(test).argmax(axis=1)
    assert (choice[500:] == 1).mean() > 0.6


def test_the_same_seed_is_the_same_forest():
    samples, labels = checkerboard(100)
    first, second, other = (fit_forest(samples, labels, 2, seed).probabilities(samples) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("levels", [1, 3])
def test_levels_are_limited(levels):
    samples, labels = checkerboard()
    forest = fit_forest(samples, labels, 2, trees=2, levels=levels)
    assert len(forest.feature) <= 2 * (2 ** (levels + 1) - 1)


def test_one_class_and_equal_samples():
    forest = fit_forest(np.ones((5, 2)), np.zeros(5, int), 1)
    np.testing.assert_allclose(forest.probabilities(np.zeros((3, 2))), 1)
    undecided = fit_forest(np.ones((6, 2)), np.array([0, 1] * 3), 2, trees=200).probabilities(np.ones((1, 2)))
    assert abs(undecided[0, 0] - 0.5) < 0.1


@pytest.mark.parametrize("classes", [2, 3, 5])
def test_the_exported_graph_gives_the_same(classes):
    samples, labels = checkerboard(300)
    labels = labels if classes == 2 else np.arange(300) % classes
    forest = fit_forest(samples, labels, classes)
    graph = Graph("samples", 4)
    rows = graph.add("Reshape", "samples", graph.weights([-1, 4], "int64"))
    scores = graph.add_forest(rows, forest.attributes())
    graph.output(graph.add("Reshape", scores, graph.weights([1, classes, -1, 1], "int64")), "scores", classes)
    session = ort.InferenceSession(graph.to_bytes(), providers=["CPUExecutionProvider"])
    fed = samples.astype(np.float32)
    result = session.run(None, {"samples": fed.reshape(-1, 4, 1, 1)})[0].reshape(-1, classes)
    np.testing.assert_allclose(result, forest.probabilities(fed.astype(np.float64)), atol=1e-6)


def test_thresholds_of_features_that_are_not_standardised():
    samples, labels = checkerboard(200)
    mean, spread = np.array([1.0, -2.0, 0.5, 0.0]), np.array([2.0, 0.5, 1.0, 3.0])
    forest = fit_forest(samples, labels, 2)
    np.testing.assert_allclose(
        forest.scaled(mean, spread).probabilities(samples * spread + mean), forest.probabilities(samples), atol=1e-12
    )
