# SPDX-License-Identifier: GPL-3.0-or-later
"""Linear classifiers: discriminant analysis with a shrunk covariance, and multinomial logistic regression.

Both give scores that are linear in the features; the softmax of the scores are the probabilities. All classes count
alike, however many samples each has.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
#: Weight of the samples against the penalty of logistic regression: the best of the bench's comparison for 5 to 200
#: samples a class.
STRENGTH = 0.05
_MOST_STEPS = 300
_CLOSE = 1e-6


@dataclass(frozen=True)
class LinearClassifier:
    """Scores `features @ coefficients.T + intercepts`.

    Attributes:
        coefficients: `(classes, features)`.
        intercepts: `(classes,)`.
    """

    coefficients: Floats
    intercepts: Floats

    def probabilities(self, samples: Floats) -> Floats:
        """Class probabilities `(n, classes)` of `samples`, `(n, features)`."""
        return softmax(samples @ self.coefficients.T + self.intercepts)


def mean_of(first: LinearClassifier, second: LinearClassifier) -> LinearClassifier:
    """A classifier whose probabilities are the geometric means of those of two, scaled to the sum 1."""
    return LinearClassifier((first.coefficients + second.coefficients) / 2, (first.intercepts + second.intercepts) / 2)


def softmax(scores: Floats) -> Floats:
    """Probabilities along the last axis."""
    exponent = np.exp(scores - scores.max(axis=-1, keepdims=True))
    result: Floats = exponent / exponent.sum(axis=-1, keepdims=True)
    return result


def balanced_weights(labels: Ints, classes: int) -> Floats:
    """A weight for each sample, `(n,)`, with the sum n, so that all classes that occur weigh the same."""
    counts = np.bincount(labels, minlength=classes).astype(float)
    occurring = np.count_nonzero(counts)
    weights: Floats = len(labels) / (occurring * counts[labels])
    return weights


def fit_discriminant(samples: Floats, labels: Ints, classes: int) -> LinearClassifier:
    """Linear discriminant analysis with equal priors and a Ledoit–Wolf estimate of the common covariance.

    Source: Ledoit and Wolf 2004, "A well-conditioned estimator for large-dimensional covariance matrices", Journal of
    Multivariate Analysis 88(2), 365–411: the covariance S within classes is replaced by (1 − d) S + d m I, with the
    mean m of its diagonal and the d of least expected error.

    Args:
        samples: `(n, features)`, standardised.
        labels: `(n,)`, 0 to `classes` − 1, each with a sample.
        classes: number of classes.
    """
    weights = balanced_weights(labels, classes)
    means = np.stack([samples[labels == c].mean(axis=0) for c in range(classes)])
    residuals = (samples - means[labels]) * np.sqrt(weights)[:, None]
    covariance = _shrunk(residuals)
    coefficients = np.linalg.solve(covariance, means.T).T
    return LinearClassifier(coefficients, -0.5 * np.einsum("cf,cf->c", coefficients, means))


def _shrunk(residuals: Floats) -> Floats:
    """The Ledoit–Wolf estimate of the covariance of `residuals`, `(n, features)`, whose mean is 0."""
    count, width = residuals.shape
    plain = residuals.T @ residuals / count
    scale = float(np.trace(plain)) / width
    if scale <= 0:
        return np.eye(width)
    distance = float(np.sum((plain - scale * np.eye(width)) ** 2)) / width
    squares = residuals**2
    noise = float(np.sum(squares.T @ squares / count - plain**2)) / (count * width)
    # one sample a class leaves residuals of 0 and no distance: all is shrinkage then
    share = 1.0 if distance <= 0 else min(1.0, noise / distance)
    shrunk: Floats = (1 - share) * plain + share * scale * np.eye(width)
    # a share near 0 of a covariance without full rank cannot be solved
    return shrunk + 1e-6 * scale * np.eye(width)


def fit_logistic(samples: Floats, labels: Ints, classes: int, strength: float = STRENGTH) -> LinearClassifier:
    """Multinomial logistic regression with a squared penalty on all coefficients, not on the intercepts.

    The loss is ½ ‖coefficients‖² + strength · Σ weight · −log p(label). It is minimised by steps against Böhning's
    bound of the curvature (Böhning 1992, "Multinomial logistic regression algorithm", Annals of the Institute of
    Statistical Mathematics 44(1), 197–200): one factorisation serves all steps. They are accelerated as by Nesterov
    1983, with a restart where the loss rises.

    Args:
        samples: `(n, features)`, standardised.
        labels: `(n,)`, 0 to `classes` − 1.
        classes: number of classes.
        strength: weight of the samples against the penalty.
    """
    weights = strength * balanced_weights(labels, classes)
    design = np.hstack([samples, np.ones((len(samples), 1))])
    penalty = np.ones(design.shape[1])
    penalty[-1] = 0.0
    bound = 0.5 * (design * weights[:, None]).T @ design + np.diag(penalty)
    bound[-1, -1] += 1e-9
    step = np.linalg.inv(bound)
    target = np.eye(classes)[labels]
    here: Floats = np.zeros((classes, design.shape[1]))
    ahead = here
    momentum, last = 1.0, np.inf
    for _ in range(_MOST_STEPS):
        probabilities = softmax(design @ ahead.T)
        gradient = ((probabilities - target) * weights[:, None]).T @ design + ahead * penalty
        new = ahead - gradient @ step
        loss = _loss(design, new, labels, weights, penalty)
        if loss > last:
            # no momentum: the plain step never raises the loss
            ahead, momentum, last = here, 1.0, np.inf
            continue
        following = (1 + np.sqrt(1 + 4 * momentum**2)) / 2
        ahead = new + (momentum - 1) / following * (new - here)
        done = last - loss < _CLOSE * max(1.0, abs(loss))
        here, momentum, last = new, following, loss
        if done:
            break
    return LinearClassifier(here[:, :-1], here[:, -1])


def _loss(design: Floats, coefficients: Floats, labels: Ints, weights: Floats, penalty: Floats) -> float:
    scores = design @ coefficients.T
    top = scores.max(axis=1)
    likelihood = scores[np.arange(len(labels)), labels] - top - np.log(np.exp(scores - top[:, None]).sum(axis=1))
    return float(0.5 * np.sum(coefficients**2 * penalty) - weights @ likelihood)
