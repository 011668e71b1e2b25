# SPDX-License-Identifier: GPL-3.0-or-later
"""What samples of left-out blocks say: matrix, figures by class, learning curve, contradictory samples, coverage."""

from __future__ import annotations

import numpy as np

from ..assess import FeatureInput
from ..errors import CancelledError
from ..legend import Legend
from ..progress import Progress
from ..raster import GeoGrid
from .candidates import CURVE, Candidate, Outcome, macro_f1, predictor
from .classifier import Standard
from .feature_reader import Features
from .folds import Folds
from .job import ClassFigures, CurvePoint, Suspect
from .linear import Floats, Ints
from .sample_pixels import SamplePixels

_REPEATS = 3
#: A sample is contradictory when another class is this probable.
_CONTRADICTED = 0.6
_MOST_SUSPECTS = 50
#: Share of the samples that lie within the distance beyond which the scene is unlike them.
_WITHIN = 0.99
_MOST_SCENE = 4000
_MOST_COMPARED = 1500


def confusion(chosen: Outcome, labels: Ints, classes: int) -> Ints:
    """Samples, predicted class in rows and own class in columns."""
    matrix = np.zeros((classes, classes), np.int64)
    np.add.at(matrix, (chosen.probabilities.argmax(axis=1), labels[chosen.index]), 1)
    return matrix


def class_figures(matrix: Ints, legend: Legend, samples: SamplePixels, folds: Folds) -> tuple[ClassFigures, ...]:
    """Figures by class; all classes weigh alike, however many samples each has. None where a class is in one block."""
    held = matrix.sum(axis=0)
    shares = matrix / np.maximum(1, held)
    out = []
    for label, known in enumerate(legend.classes):
        mine = samples.labels == label
        told = label not in folds.alone and held[label] > 0
        predicted = shares[label].sum()
        producers = float(shares[label, label]) if told else None
        users = float(shares[label, label] / predicted) if told and predicted > 0 else None
        f1 = float(2 * shares[label, label] / (predicted + 1)) if told else None
        out.append(
            ClassFigures(
                known.name,
                known.colour,
                known.value,
                int(mine.sum()),
                len(np.unique(samples.features[mine])),
                len(np.unique(folds.block[mine])),
                users,
                producers,
                f1,
            )
        )
    return tuple(out)


def learning_curve(
    candidate: Candidate, features: Features, folds: Folds, seed: int, progress: Progress
) -> tuple[tuple[CurvePoint, ...], float | None]:
    """Mean F1 with fewer samples of each class, and what twenty more of each would probably bring.

    The latter follows a curve a − b / √n through the points by least squares; None where there are too few points, or
    the curve does not rise.

    Raises:
        CancelledError: the user stopped.
    """
    if candidate.fit is None:
        return (), None
    labels = features.samples.labels
    classes = int(labels.max()) + 1
    smallest = int(np.bincount(labels, minlength=classes).min())
    generator = np.random.default_rng(seed)
    points = []
    for size in [n for n in CURVE if n <= smallest] + [smallest] * (smallest not in CURVE and smallest > 2):
        scores = []
        for _ in range(_REPEATS):
            if progress.cancelled:
                raise CancelledError()
            scores.append(_score_with(candidate, features, folds, size, generator))
        known = [score for score in scores if np.isfinite(score)]
        if known:
            points.append(CurvePoint(size, float(np.mean(known)), float(np.std(known))))
    return tuple(points), _gain(points)


def _score_with(
    candidate: Candidate, features: Features, folds: Folds, size: int, generator: np.random.Generator
) -> float:
    labels = features.samples.labels
    classes = int(labels.max()) + 1
    choice = np.full(len(labels), -1)
    for fold in range(folds.count):
        train = np.flatnonzero(folds.fold != fold)
        some = [generator.permutation(train[labels[train] == label])[:size] for label in range(classes)]
        test = np.flatnonzero(folds.fold == fold)
        predict = predictor(candidate, features, np.sort(np.concatenate(some)), classes)
        choice[test] = predict.of_samples(features.plain[test], features.coarse[test]).argmax(axis=1)
    return macro_f1(labels, choice, classes)


def _gain(points: list[CurvePoint]) -> float | None:
    if len(points) < 3:
        return None
    size = np.array([point.samples for point in points], float)
    design = np.stack([np.ones_like(size), -1 / np.sqrt(size)], axis=1)
    (_, slope), *_ = np.linalg.lstsq(design, np.array([point.f1 for point in points]), rcond=None)
    gain = float(slope * (1 / np.sqrt(size[-1]) - 1 / np.sqrt(size[-1] + 20)))
    return gain if gain > 0 else None


def suspects_of(
    chosen: Outcome, samples: SamplePixels, features: FeatureInput, legend: Legend, grid: GeoGrid
) -> tuple[Suspect, ...]:
    """Samples that are predicted otherwise with confidence, the most contradictory first, one a feature."""
    predicted = chosen.probabilities.argmax(axis=1)
    confidence = chosen.probabilities.max(axis=1)
    own = samples.labels[chosen.index]
    wrong = np.flatnonzero((predicted != own) & (confidence >= _CONTRADICTED))
    order = wrong[np.argsort(-confidence[wrong], kind="stable")]
    seen: set[int] = set()
    out = []
    for place in order.tolist():
        index = int(chosen.index[place])
        feature = int(samples.features[index])
        if feature in seen:
            continue
        seen.add(feature)
        x, y = grid.centres(int(samples.rows[index]), int(samples.cols[index]))
        out.append(
            Suspect(
                float(x),
                float(y),
                features.features[feature].id,
                legend.names[own[place]],
                legend.names[predicted[place]],
                float(confidence[place]),
            )
        )
        if len(out) == _MOST_SUSPECTS:
            break
    return tuple(out)


def outside_share(features: Features) -> float:
    """Share of the scene whose features are farther from every sample than samples are from one another.

    The distance is Euclidean over standardised features; the limit is that within which 99 % of the samples have
    their nearest other sample.
    """
    standard = Standard.of(features.scene)
    samples = standard(features.plain)[:: max(1, len(features.plain) // _MOST_COMPARED)]
    scene = standard(features.scene)[:: max(1, len(features.scene) // _MOST_SCENE)]
    between = _distances(samples, samples)
    np.fill_diagonal(between, np.inf)
    limit = np.quantile(between.min(axis=1), _WITHIN)
    return float(np.mean(_distances(scene, samples).min(axis=1) > limit))


def _distances(first: Floats, second: Floats) -> Floats:
    squares = (first**2).sum(axis=1)[:, None] + (second**2).sum(axis=1)[None] - 2 * first @ second.T
    result: Floats = np.maximum(squares, 0)
    return result
