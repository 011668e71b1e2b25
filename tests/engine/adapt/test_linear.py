# SPDX-License-Identifier: GPL-3.0-or-later
"""Linear classifiers: their optimum, what shrinkage is for, and classes of unequal size."""

import numpy as np
import pytest

from lulc_plugin.adapt.linear import balanced_weights, fit_discriminant, fit_logistic, mean_of, softmax


def blobs(sizes, features=5, seed=0, apart=2.0):
    random = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(sizes)), sizes)
    centres = random.normal(0, apart, (len(sizes), features))
    return centres[labels] + random.normal(0, 1, (len(labels), features)), labels


def test_all_classes_weigh_the_same():
    labels = np.array([0] * 9 + [2])
    weights = balanced_weights(labels, 3)
    assert weights.sum() == pytest.approx(10)
    assert weights[labels == 0].sum() == pytest.approx(weights[labels == 2].sum())


def test_the_logistic_loss_is_at_its_minimum():
    samples, labels = blobs((30, 5, 12), apart=0.7)
    fitted = fit_logistic(samples, labels, 3, strength=0.5)
    weights = 0.5 * balanced_weights(labels, 3)
    design = np.hstack([samples, np.ones((len(samples), 1))])
    whole = np.hstack([fitted.coefficients, fitted.intercepts[:, None]])
    gradient = ((softmax(design @ whole.T) - np.eye(3)[labels]) * weights[:, None]).T @ design
    gradient[:, :-1] += fitted.coefficients
    assert np.abs(gradient).max() < 0.02


def test_it_is_the_optimum_of_a_library():
    linear_model = pytest.importorskip("sklearn.linear_model")
    samples, labels = blobs((40, 10, 25), features=20, apart=0.5)
    theirs = linear_model.LogisticRegression(C=0.05, class_weight="balanced", max_iter=5000, tol=1e-8)
    theirs.fit(samples, labels)
    ours = fit_logistic(samples, labels, 3).probabilities(samples)
    assert np.abs(ours - theirs.predict_proba(samples)).max() < 0.01


def test_more_features_than_samples():
    samples, labels = blobs((4, 4, 4), features=60, apart=1.0)
    fitted = fit_discriminant(samples, labels, 3)
    assert np.isfinite(fitted.coefficients).all()
    assert (fitted.probabilities(samples).argmax(axis=1) == labels).all()


def test_one_sample_of_each_class_goes_to_the_nearer():
    fitted = fit_discriminant(np.array([[0.0, 0.0], [4.0, 0.0]]), np.array([0, 1]), 2)
    near = fitted.probabilities(np.array([[1.0, 9.0], [3.0, -9.0]]))
    assert near.argmax(axis=1).tolist() == [0, 1]


def test_shrinkage_is_that_of_a_library():
    covariance = pytest.importorskip("sklearn.covariance")
    from lulc_plugin.adapt import linear

    residuals = np.random.default_rng(1).normal(0, 1, (40, 12)) @ np.diag(np.linspace(0.5, 2, 12))
    theirs, _ = covariance.ledoit_wolf(residuals, assume_centered=True)
    np.testing.assert_allclose(linear._shrunk(residuals), theirs, rtol=1e-4, atol=1e-5)


def test_one_classifier_gives_the_geometric_mean_of_two():
    random = np.random.default_rng(0)
    samples, labels = random.normal(0, 1, (60, 5)), np.repeat([0, 1, 2], 20)
    first, second = fit_discriminant(samples, labels, 3), fit_logistic(samples, labels, 3)
    expected = np.sqrt(first.probabilities(samples) * second.probabilities(samples))
    np.testing.assert_allclose(
        mean_of(first, second).probabilities(samples), expected / expected.sum(axis=1, keepdims=True), atol=1e-9
    )
