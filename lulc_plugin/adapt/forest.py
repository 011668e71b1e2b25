# SPDX-License-Identifier: GPL-3.0-or-later
"""A random forest (Breiman 2001, "Random forests", Machine Learning 45, 5–32), grown level by level in numpy.

All trees grow at once: for every node of a level the weights of the classes are counted in bins of a few features,
and the best of all borders between bins is the node's split. Values are sorted into bins once, which with few samples
loses nothing: there are at least as many bins as values.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from .linear import Floats, Ints, balanced_weights

#: Trees of a forest, and levels at most: more of them cost time in every map, and gained less than 0.3 points of mean
#: IoU in the bench.
TREES, LEVELS = 32, 12
_BINS = 64
_LEAF = -1


@dataclass(frozen=True)
class Forest:
    """Nodes of all trees, one after another; a sample goes left where its feature is at most the threshold.

    Attributes:
        feature: of each node; −1 for a leaf.
        threshold: of each node.
        left, right: the following nodes.
        shares: `(nodes, classes)` class shares at each node.
        roots: first node of each tree.
    """

    feature: Ints
    threshold: Floats
    left: Ints
    right: Ints
    shares: Floats
    roots: Ints

    def probabilities(self, samples: Floats) -> Floats:
        """Class probabilities `(n, classes)` of `samples`, `(n, features)`: means over the trees."""
        total = np.zeros((len(samples), self.shares.shape[1]))
        rows = np.arange(len(samples))
        for root in self.roots:
            node: Ints = np.full(len(samples), root)
            while np.any(self.feature[node] != _LEAF):
                inner = self.feature[node] != _LEAF
                goes_left = samples[rows, np.maximum(self.feature[node], 0)] <= self.threshold[node]
                node = np.where(inner, np.where(goes_left, self.left[node], self.right[node]), node)
            total += self.shares[node]
        return total / len(self.roots)

    def scaled(self, mean: Floats, spread: Floats) -> Forest:
        """The same forest for features that were not standardised with `mean` and `spread`, `(features,)`."""
        place = np.maximum(self.feature, 0)
        return replace(self, threshold=self.threshold * spread[place] + mean[place])

    def attributes(self) -> Mapping[str, list[int] | list[float] | list[str] | str]:
        """Attributes of ONNX's TreeEnsembleClassifier, whose scores are the probabilities."""
        count = len(self.feature)
        tree = np.searchsorted(self.roots, np.arange(count), side="right") - 1
        place = np.arange(count) - self.roots[tree]
        leaf = self.feature == _LEAF
        # of two classes onnxruntime makes up the score of one that no leaf names: name both, also with 0
        named = leaf[:, None] & ((self.shares > 0) | (self.shares.shape[1] == 2))
        node, label = np.nonzero(named)
        return {
            "nodes_treeids": tree.tolist(),
            "nodes_nodeids": place.tolist(),
            "nodes_featureids": np.maximum(self.feature, 0).tolist(),
            "nodes_modes": ["LEAF" if is_leaf else "BRANCH_LEQ" for is_leaf in leaf],
            "nodes_values": self.threshold.tolist(),
            "nodes_truenodeids": np.where(leaf, 0, self.left - self.roots[tree]).tolist(),
            "nodes_falsenodeids": np.where(leaf, 0, self.right - self.roots[tree]).tolist(),
            "nodes_missing_value_tracks_true": [0] * count,
            "class_treeids": tree[node].tolist(),
            "class_nodeids": place[node].tolist(),
            "class_ids": label.tolist(),
            "class_weights": (self.shares[node, label] / len(self.roots)).tolist(),
            "classlabels_int64s": list(range(self.shares.shape[1])),
            "post_transform": "NONE",
        }


def fit_forest(
    samples: Floats, labels: Ints, classes: int, seed: int = 0, trees: int = TREES, levels: int = LEVELS
) -> Forest:
    """Grow a forest: each tree from a bootstrap sample, each split the best of √features random features by Gini.

    Args:
        samples: `(n, features)`.
        labels: `(n,)`, 0 to `classes` − 1; all classes weigh the same.
        classes: number of classes.
        seed: of the random numbers.
        trees: number of trees.
        levels: splits from a root to a leaf at most.
    """
    generator = np.random.default_rng(seed)
    borders = _borders(samples)
    codes = np.stack([np.searchsorted(b, samples[:, f]) for f, b in enumerate(borders)], axis=1).astype(np.int64)
    growing = _Growing(codes, labels, classes, trees, balanced_weights(labels, classes), generator)
    for _ in range(levels):
        if not growing.split_level():
            break
    return growing.forest(borders)


def _borders(samples: Floats) -> list[Floats]:
    """Borders between the bins of each feature: midpoints of neighbouring values, or quantiles where there are many.

    They are float32 numbers, as the exported graph compares them.
    """
    out = []
    for values in samples.T:
        known = np.unique(values)
        middles = (known[1:] + known[:-1]) / 2
        if len(middles) >= _BINS:
            middles = np.unique(np.quantile(middles, (np.arange(_BINS - 1) + 0.5) / (_BINS - 1), method="nearest"))
        out.append(middles.astype(np.float32).astype(np.float64))
    return out


class _Growing:
    """Trees that grow: `node` is the node of each bootstrapped sample, the last level's nodes are `front`."""

    def __init__(
        self, codes: Ints, labels: Ints, classes: int, trees: int, weights: Floats, generator: np.random.Generator
    ) -> None:
        count = len(labels)
        drawn = np.stack([np.bincount(generator.integers(0, count, count), minlength=count) for _ in range(trees)])
        tree, self._row = np.nonzero(drawn)
        self._codes, self._labels, self._classes = codes, labels, classes
        self._weight = drawn[tree, self._row] * weights[self._row]
        self._node = tree.astype(np.int64)
        self._generator = generator
        self._tree = list(range(trees))
        self._feature = [_LEAF] * trees
        self._border = [0] * trees
        self._left = [0] * trees
        self._right = [0] * trees
        self._front = np.arange(trees)
        self._width = max(1, int(np.sqrt(codes.shape[1])))
        self._totals = [self._counts(self._node, trees)]

    def _counts(self, node: Ints, nodes: int) -> Floats:
        """Class weights of nodes, `(nodes, classes)`."""
        place = node * self._classes + self._labels[self._row]
        totals: Floats = np.bincount(place, self._weight, nodes * self._classes).astype(np.float64)
        return totals.reshape(nodes, self._classes)

    def split_level(self) -> bool:
        """Split the nodes of the last level; False where none can be."""
        totals = self._totals[-1]
        mixed = np.count_nonzero(totals > 0, axis=1) > 1
        candidates = np.flatnonzero(mixed)
        new_left: list[int] = []
        place_of = np.full(len(self._front), _LEAF)
        if not len(candidates):
            return False
        for node, feature, border in zip(candidates, *self._best_splits(candidates, totals[candidates])):
            if border >= 0:
                place_of[node] = len(new_left)
                new_left.append(int(self._front[node]))
                self._feature[self._front[node]], self._border[self._front[node]] = int(feature), int(border)
        if not new_left:
            return False
        self._move_samples(place_of, new_left)
        return True

    def _best_splits(self, chosen: Ints, totals: Floats) -> tuple[Ints, Ints]:
        """Feature and border of the best split of each chosen node; a border of −1 where no split helps."""
        nodes, features = len(chosen), self._codes.shape[1]
        subset = np.argsort(self._generator.random((nodes, features)), axis=1)[:, : self._width]
        local = np.full(len(self._front), _LEAF)
        local[chosen] = np.arange(nodes)
        node = local[self._node]
        inside = node >= 0
        node, row = node[inside], self._row[inside]
        codes = self._codes[row[:, None], subset[node]]
        # all samples once for each feature that is tried, sorted by node, feature and bin
        bins = ((node[:, None] * self._width + np.arange(self._width)) * _BINS + codes).ravel()
        order = np.argsort(bins, kind="stable")
        bins, sample = bins[order], order // self._width
        weights = np.zeros((len(bins), self._classes))
        weights[np.arange(len(bins)), self._labels[row[sample]]] = self._weight[inside][sample]
        left = weights.cumsum(axis=0)
        tried = bins // _BINS
        begins = np.flatnonzero(np.diff(tried, prepend=-1))
        left -= np.repeat(left[begins] - weights[begins], np.diff(begins, append=len(bins)), axis=0)
        last_of_bin = np.diff(bins, append=-1) != 0
        left, bins, tried = left[last_of_bin], bins[last_of_bin], tried[last_of_bin]
        right = totals[tried // self._width] - left
        left_sum, right_sum = left.sum(axis=1), right.sum(axis=1)
        least = 1e-9 * left_sum.max()
        # the weighted Gini impurity falls as these sums of squares rise
        with np.errstate(divide="ignore", invalid="ignore"):
            quality = (left**2).sum(axis=1) / left_sum + (right**2).sum(axis=1) / right_sum
        quality[(left_sum <= least) | (right_sum <= least)] = -np.inf
        begins = np.flatnonzero(np.diff(tried // self._width, prepend=-1))
        highest = np.repeat(np.maximum.reduceat(quality, begins), np.diff(begins, append=len(quality)))
        places = np.flatnonzero((quality == highest) & np.isfinite(quality))
        owners, firsts = np.unique(tried[places] // self._width, return_index=True)
        best = places[firsts]
        feature, border = np.zeros(nodes, np.int64), np.full(nodes, -1)
        feature[owners] = subset[owners, tried[best] % self._width]
        border[owners] = bins[best] % _BINS
        return feature, border

    def _move_samples(self, place_of: Ints, parents: list[int]) -> None:
        """Give the samples of nodes that were split to the nodes of the next level."""
        first = len(self._tree)
        for parent in parents:
            self._left[parent], self._right[parent] = len(self._tree), len(self._tree) + 1
            self._tree += [self._tree[parent]] * 2
            for column in (self._feature, self._border, self._left, self._right):
                column += [_LEAF if column is self._feature else 0] * 2
        split = place_of[self._node]
        keep = split >= 0
        self._row, self._weight, split = self._row[keep], self._weight[keep], split[keep]
        parent_of = np.array(parents)[split]
        feature, border = np.array(self._feature)[parent_of], np.array(self._border)[parent_of]
        goes_right = self._codes[self._row, feature] > border
        self._node = 2 * split + goes_right
        self._front = np.arange(first, len(self._tree))
        self._totals.append(self._counts(self._node, len(self._front)))

    def forest(self, borders: list[Floats]) -> Forest:
        """The forest, its nodes in the order of the trees."""
        order = np.argsort(self._tree, kind="stable")
        new_place = np.empty(len(order), np.int64)
        new_place[order] = np.arange(len(order))
        feature = np.array(self._feature)
        threshold = np.array([borders[f][b] if f != _LEAF else 0.0 for f, b in zip(feature, self._border)])
        totals = np.concatenate(self._totals)
        shares = totals / totals.sum(axis=1, keepdims=True)
        tree = np.array(self._tree)[order]
        return Forest(
            feature[order],
            threshold[order],
            new_place[np.array(self._left)[order]],
            new_place[np.array(self._right)[order]],
            shares[order],
            np.flatnonzero(np.diff(tree, prepend=-1)),
        )
