# SPDX-License-Identifier: GPL-3.0-or-later
"""The classifier of own classes: the mean of a linear classifier and a forest.

The linear one is discriminant analysis and logistic regression in one: it has the means of their coefficients, so that
its probabilities are the geometric means of theirs. This takes half the time of both, and was as good in the bench.
The forest looks at means of 2 × 2 pixels: it would take longer than a network on every pixel, and in the average
this costs at most 0.3 points of mean IoU there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .features import joined
from .forest import Forest, fit_forest
from .linear import Floats, Ints, LinearClassifier, fit_discriminant, fit_logistic, mean_of
from .onnx_graph import Graph

#: Sides of the squares that the forest looks at.
COARSE = 2
#: The classic way, which the report compares with: a forest of as many trees as other tools grow, on every pixel.
CLASSIC_TREES, CLASSIC_LEVELS = 100, 20
#: What the forest counts for beside the linear classifier: the bench's means over two sets hardly differ from 0.33 to
#: 0.5.
FOREST_SHARE = 0.4
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
    """A linear classifier and a forest whose probabilities are averaged, or one of them alone.

    Attributes:
        columns: the features that it looks at.
        standard: of these.
        linear: on every pixel; None without.
        forest: None without.
        coarse: whether the forest looks at means of `COARSE` × `COARSE` pixels.
    """

    columns: Ints
    standard: Standard
    linear: LinearClassifier | None
    forest: Forest | None
    coarse: bool = True

    def probabilities(self, features: Floats, coarse_features: Floats) -> Floats:
        """Class probabilities `(n, classes)`.

        Args:
            features: all features of pixels, `(n, features)`.
            coarse_features: of the squares in which they lie, the same shape.
        """
        results = []
        if self.linear is not None:
            results.append((1 - FOREST_SHARE, self.linear.probabilities(self.standard(features[:, self.columns]))))
        if self.forest is not None:
            seen = coarse_features if self.coarse else features
            results.append((FOREST_SHARE, self.forest.probabilities(self.standard(seen[:, self.columns]))))
        shares, probabilities = zip(*results)
        mean: Floats = np.average(probabilities, axis=0, weights=shares)
        return mean

    def add_to(self, graph: Graph, parts: Sequence[tuple[str, int]], classes: int) -> str:
        """Add it to a graph; returns the name of the tensor of probabilities `(batch, classes, rows, cols)`.

        Args:
            graph: the graph.
            parts: tensors `(batch, features, rows, cols)` that one after another are exactly the features of `columns`,
                with the number of each.
            classes: number of classes.
        """
        linear = self._add_linear(graph, parts, self.linear, classes) if self.linear is not None else ""
        forest = self._add_forest(graph, parts, self.forest, classes) if self.forest is not None else ""
        if not linear or not forest:
            return linear or forest
        shares = (graph.weights(share) for share in (1 - FOREST_SHARE, FOREST_SHARE))
        return graph.add("Sum", *(graph.add("Mul", one, share) for one, share in zip((linear, forest), shares)))

    def _add_linear(
        self, graph: Graph, parts: Sequence[tuple[str, int]], linear: LinearClassifier, classes: int
    ) -> str:
        """The probabilities of the linear classifier.

        A matrix product for each part: as convolutions they would take three times as long.
        """
        # the standardisation becomes a part of the coefficients
        coefficients = linear.coefficients / self.standard.spread
        intercepts = linear.intercepts - coefficients @ self.standard.mean
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
        return graph.add("Reshape", graph.add_softmax(scores), image)

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
    linear = mean_of(fit_discriminant(samples, labels, classes), fit_logistic(samples, labels, classes))
    return Classifier(columns, own, linear, fit_forest(own(coarse_features[:, columns]), labels, classes, seed))


def fit_classic(
    features: Floats, labels: Ints, classes: int, columns: Ints, standard: Standard, seed: int
) -> Classifier:
    """A forest on every pixel alone; arguments as of `fit`."""
    own = Standard(standard.mean[columns], standard.spread[columns])
    forest = fit_forest(own(features[:, columns]), labels, classes, seed, CLASSIC_TREES, CLASSIC_LEVELS)
    return Classifier(columns, own, None, forest, coarse=False)
