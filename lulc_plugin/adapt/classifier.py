# SPDX-License-Identifier: GPL-3.0-or-later
"""The classifier of own classes: the mean of discriminant analysis, logistic regression and a forest.

The forest looks at means of 2 × 2 pixels: it would take longer than a network on every pixel, and in the average of
the three this costs at most 0.3 points of mean IoU in the bench.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .features import joined
from .forest import Forest, fit_forest
from .linear import Floats, Ints, LinearClassifier, fit_discriminant, fit_logistic
from .onnx_graph import Graph

#: Sides of the squares that the forest looks at.
COARSE = 2
#: The classic way, which the report compares with: a forest of as many trees as other tools grow, on every pixel.
CLASSIC_TREES, CLASSIC_LEVELS = 100, 20
_LEAST_SPREAD = 1e-6


@dataclass(frozen=True)
class Standard:
    """Means and standard deviations `(features,)` that features are standardised with."""

    mean: Floats
    spread: Floats

    @staticmethod
    def of(features: Floats) -> Standard:
        """Those of `features`, `(n, features)`; what does not vary gets a deviation of 1."""
        spread = features.std(axis=0)
        return Standard(features.mean(axis=0), np.where(spread > _LEAST_SPREAD, spread, 1.0))

    def __call__(self, features: Floats) -> Floats:
        """`(…, features)` standardised."""
        standardised: Floats = (features - self.mean) / self.spread
        return standardised


@dataclass(frozen=True)
class Classifier:
    """Classifiers whose probabilities are averaged.

    Attributes:
        columns: the features that it looks at.
        standard: of these.
        linear: any number of them, on every pixel.
        forest: None without.
        coarse: whether the forest looks at means of `COARSE` × `COARSE` pixels.
    """

    columns: Ints
    standard: Standard
    linear: tuple[LinearClassifier, ...]
    forest: Forest | None
    coarse: bool = True

    def probabilities(self, features: Floats, coarse_features: Floats) -> Floats:
        """Class probabilities `(n, classes)`.

        Args:
            features: all features of pixels, `(n, features)`.
            coarse_features: of the squares in which they lie, the same shape.
        """
        results = []
        if self.linear:
            own = self.standard(features[:, self.columns])
            results += [one.probabilities(own) for one in self.linear]
        if self.forest is not None:
            seen = coarse_features if self.coarse else features
            results.append(self.forest.probabilities(self.standard(seen[:, self.columns])))
        mean: Floats = np.mean(results, axis=0)
        return mean

    def add_to(self, graph: Graph, parts: Sequence[tuple[str, int]], classes: int) -> str:
        """Add it to a graph; returns the name of the tensor of probabilities `(batch, classes, rows, cols)`.

        Args:
            graph: the graph.
            parts: tensors `(batch, features, rows, cols)` that one after another are exactly the features of `columns`,
                with the number of each.
            classes: number of classes.
        """
        results = self._add_linear(graph, parts, classes) if self.linear else []
        if self.forest is not None:
            results.append(self._add_forest(graph, parts, self.forest, classes))
        if len(results) == 1:
            return results[0]
        total = graph.add("Sum", *results)
        return graph.add("Mul", total, graph.weights(1 / len(results)))

    def _add_linear(self, graph: Graph, parts: Sequence[tuple[str, int]], classes: int) -> list[str]:
        """The probabilities of each linear classifier.

        One matrix product a part serves all of them: as convolutions they would take three times as long, and so would
        ONNX's own softmax over planes.
        """
        # the standardisation becomes a part of the coefficients
        coefficients = np.concatenate([one.coefficients / self.standard.spread for one in self.linear])
        intercepts = np.concatenate([one.intercepts for one in self.linear]) - coefficients @ self.standard.mean
        products = []
        begin = 0
        for name, count in parts:
            rows = graph.add("Reshape", name, graph.weights([0, count, -1], "int64"))
            products.append(graph.add("MatMul", graph.weights(coefficients[:, begin : begin + count]), rows))
            begin += count
        scores = graph.add("Sum", *products, graph.weights(intercepts[:, None]))
        shape = graph.add("Shape", parts[0][0])
        batch = graph.add("Slice", shape, *(graph.weights([v], "int64") for v in (0, 1)))
        sides = graph.add("Slice", shape, *(graph.weights([v], "int64") for v in (2, 4)))
        image = graph.add("Concat", batch, graph.weights([classes], "int64"), sides, axis=0)
        return [
            graph.add("Reshape", _softmax(graph, scores, classes * place, classes * (place + 1)), image)
            for place in range(len(self.linear))
        ]

    def _add_forest(self, graph: Graph, parts: Sequence[tuple[str, int]], forest: Forest, classes: int) -> str:
        side = COARSE if self.coarse else 1
        if self.coarse:
            parts = [
                (graph.add("AveragePool", name, kernel_shape=[side, side], strides=[side, side], ceil_mode=1), count)
                for name, count in parts
            ]
        in_rows = graph.add("Transpose", joined(graph, parts), perm=[0, 2, 3, 1])
        count = len(self.columns)
        samples = graph.add("Reshape", in_rows, graph.weights([-1, count], "int64"))
        scores = graph.add_forest(samples, forest.scaled(self.standard.mean, self.standard.spread).attributes())
        # batch, rows and columns as they are, and the classes in place of the features
        shape = graph.add("Shape", in_rows)
        sides = graph.add("Slice", shape, *(graph.weights([v], "int64") for v in (0, 3)))
        shape = graph.add("Concat", sides, graph.weights([classes], "int64"), axis=0)
        result = graph.add("Transpose", graph.add("Reshape", scores, shape), perm=[0, 3, 1, 2])
        if not self.coarse:
            return result
        scales = graph.weights([1, 1, side, side])
        return graph.add(
            "Resize", result, "", scales, mode="nearest", nearest_mode="floor",
            coordinate_transformation_mode="asymmetric",
        )  # fmt: skip


def _softmax(graph: Graph, scores: str, begin: int, end: int) -> str:
    """Probabilities of the rows `begin` to `end` of scores `(batch, rows, pixels)`."""
    limits = (graph.weights([value], "int64") for value in (begin, end, 1))
    own = graph.add("Slice", scores, *limits)
    exponent = graph.add("Exp", graph.add("Sub", own, graph.add_maximum(own)))
    return graph.add("Div", exponent, graph.add("ReduceSum", exponent, graph.weights([1], "int64")))


def fit(
    features: Floats, coarse_features: Floats, labels: Ints, classes: int, columns: Ints, standard: Standard, seed: int
) -> Classifier:
    """The averaged classifier of samples.

    Args:
        features: all features of the samples, `(n, features)`.
        coarse_features: of the squares in which they lie.
        labels: `(n,)`, 0 to `classes` − 1, each with a sample.
        classes: number of classes.
        columns: the features to look at.
        standard: of all features, as measured on the layer.
        seed: of the forest.
    """
    own = Standard(standard.mean[columns], standard.spread[columns])
    samples = own(features[:, columns])
    linear = (fit_discriminant(samples, labels, classes), fit_logistic(samples, labels, classes))
    return Classifier(columns, own, linear, fit_forest(own(coarse_features[:, columns]), labels, classes, seed))


def fit_classic(
    features: Floats, labels: Ints, classes: int, columns: Ints, standard: Standard, seed: int
) -> Classifier:
    """A forest on every pixel alone; arguments as of `fit`."""
    own = Standard(standard.mean[columns], standard.spread[columns])
    forest = fit_forest(own(features[:, columns]), labels, classes, seed, CLASSIC_TREES, CLASSIC_LEVELS)
    return Classifier(columns, own, (), forest, coarse=False)
