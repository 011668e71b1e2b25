# SPDX-License-Identifier: GPL-3.0-or-later
"""Candidates: ways to tell own classes apart, compared by leaving out blocks of samples."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ..classify import smooth
from ..errors import CancelledError
from ..model import Smoothing
from ..progress import Progress
from .classifier import COARSE, Classifier, Standard, fit, fit_classic
from .feature_reader import Features, Patch, start_session
from .folds import Folds
from .linear import Floats, Ints
from .onnx_graph import Graph

#: Radii of smoothing that are compared, pixels; 0 is none.
RADII = (0, 4, 8, 16)
#: Which way is taken where several do alike, and which radius.
PREFERENCE = ("both", "pixels", "network", "map", "windows", "forest")
RADIUS_PREFERENCE = {8: 0, 16: 1, 4: 2, 0: 3}
#: Samples whose surroundings are smoothed to compare radii.
MOST_PATCHES = 250
_PATCH_MEMORY = 200_000_000
_PATCHES_AT_ONCE = 16
#: Sample sizes a class of the learning curve.
CURVE = (5, 10, 20, 50, 100)


@dataclass(frozen=True)
class Candidate:
    """One way.

    Attributes:
        id: stable name.
        title: for the report.
        columns: the features that it looks at; of the network's own map the log probability of each class.
        fit: indices of samples → classifier of the classes that they have, in their order; None for the network's own
            map.
    """

    id: str
    title: str
    columns: Ints
    fit: Callable[[Ints], Classifier] | None


@dataclass(frozen=True)
class Outcome:
    """How a candidate did on samples that it was not fitted to.

    Attributes:
        candidate: which.
        radius: of smoothing.
        probabilities: `(n, classes)` of the samples of `index`.
        index: of the samples that were predicted.
        score: mean of F1 over the classes.
        spread: standard error of the score over the folds.
        accuracy: overall accuracy of the samples, all classes alike.
    """

    candidate: Candidate
    radius: int
    probabilities: Floats
    index: Ints
    score: float
    spread: float
    accuracy: float


def candidates_of(
    features: Features,
    pixel_features: int,
    plain_bands: int,
    own_planes: Ints | None,
    seed: int,
    wanted: Sequence[str] = (),
) -> list[Candidate]:
    """The ways that there are, the preferred one first.

    Args:
        features: of the samples and the scene.
        pixel_features: features before those of networks.
        plain_bands: of them, bands and indices as they are.
        own_planes: the feature of each class's log probability; None where no network has these classes.
        seed: of the forests.
        wanted: ids; empty: all.
    """
    every = np.arange(features.plain.shape[1])
    pixel, network = every[:pixel_features], every[pixel_features:]
    out = []
    if len(network):
        out.append(_averaged("both", "Pixel features and network", features, every, seed))
    out.append(_averaged("pixels", "Pixel features", features, pixel, seed))
    if len(network):
        out.append(_averaged("network", "Network alone", features, network, seed))
    if own_planes is not None:
        out.append(Candidate("map", "The network's own map", own_planes, None))
    out.append(_classic("forest", "Forest on the bands (the classic way)", features, every[:plain_bands], seed))
    if pixel_features > plain_bands:
        title = "Forest on bands and windows (the classic way with texture)"
        out.append(_classic("windows", title, features, pixel, seed))
    return [candidate for candidate in out if not wanted or candidate.id in wanted]


def _averaged(name: str, title: str, features: Features, columns: Ints, seed: int) -> Candidate:
    standard = Standard.of(features.scene)

    def fitted(which: Ints) -> Classifier:
        present, own = np.unique(features.samples.labels[which], return_inverse=True)
        plain, coarse = features.plain[which], features.coarse[which]
        return fit(plain, coarse, own.reshape(-1), len(present), columns, standard, seed)

    return Candidate(name, title, columns, fitted)


def _classic(name: str, title: str, features: Features, columns: Ints, seed: int) -> Candidate:
    standard = Standard.of(features.scene)

    def fitted(which: Ints) -> Classifier:
        present, own = np.unique(features.samples.labels[which], return_inverse=True)
        return fit_classic(features.plain[which], own.reshape(-1), len(present), columns, standard, seed)

    return Candidate(name, title, columns, fitted)


def patch_samples(labels: Ints, classes: int, bytes_of_patch: int, seed: int) -> Ints:
    """Indices of the samples whose surroundings are kept, as many of each class as memory allows.

    Args:
        labels: of the samples.
        classes: number of classes.
        bytes_of_patch: memory that the surroundings of one take.
        seed: of the choice.
    """
    generator = np.random.default_rng(seed)
    share = max(1, min(MOST_PATCHES, _PATCH_MEMORY // bytes_of_patch) // classes)
    chosen = [generator.permutation(np.flatnonzero(labels == label))[:share] for label in range(classes)]
    return np.sort(np.concatenate(chosen))


def validate(
    candidate: Candidate,
    features: Features,
    folds: Folds,
    radii: Sequence[int],
    guide: Smoothing | None,
    progress: Progress,
) -> list[Outcome]:
    """Predict every sample from those of other folds.

    Args:
        candidate: the way.
        features: of the samples.
        folds: which samples are left out together.
        radii: of smoothing; beyond 0 only samples with a patch are predicted.
        guide: how to smooth, with any radius; None where that cannot be.
        progress: asked whether to stop.

    Returns:
        one outcome a radius, all over the same samples where there are several.

    Raises:
        CancelledError: the user stopped.
    """
    samples = features.samples
    classes = int(samples.labels.max()) + 1
    predicted = np.full((len(samples), classes), np.nan)
    smoothed = {radius: np.full((len(samples), classes), np.nan) for radius in radii if radius}
    for fold in range(folds.count) if folds.count > 1 else ():
        if progress.cancelled:
            raise CancelledError()
        test = np.flatnonzero(folds.fold == fold)
        predict = predictor(candidate, features, np.flatnonzero(folds.fold != fold), classes)
        predicted[test] = predict.of_samples(features.plain[test], features.coarse[test])
        if guide is None:
            continue
        read = predict.image_reader()
        known = [index for index in test.tolist() if index in features.patches]
        for begin in range(0, len(known), _PATCHES_AT_ONCE):
            some = known[begin : begin + _PATCHES_AT_ONCE]
            _smooth_patches([features.patches[index] for index in some], read, smoothed, some, guide)
    for rows in smoothed.values():
        # all radii are compared on the same samples
        predicted[~np.isfinite(rows).all(axis=1)] = np.nan
    outcomes = [_outcome(candidate, 0, predicted, features, folds)] if 0 in radii else []
    return outcomes + [_outcome(candidate, radius, smoothed[radius], features, folds) for radius in radii if radius]


@dataclass(frozen=True)
class Predictor:
    """Probabilities of all `classes` from features; a class of which there was no sample gets none.

    Attributes:
        classes: number of classes.
        present: those that the classifier knows, in its order.
        classifier: None where a network's own `planes` are taken.
        planes: the log probability of each class.
    """

    classes: int
    present: Ints
    classifier: Classifier | None
    planes: Ints

    def of_samples(self, plain: Floats, coarse: Floats) -> Floats:
        """`(n, classes)` of `(n, features)`."""
        if self.classifier is None:
            shares = np.exp(plain[:, self.planes])
            own: Floats = shares / shares.sum(axis=1, keepdims=True)
            return own
        result = np.zeros((len(plain), self.classes))
        result[:, self.present] = self.classifier.probabilities(plain, coarse)
        return result

    def image_reader(self) -> Callable[[npt.NDArray[np.float32]], npt.NDArray[np.float32]]:
        """A function from `(features, rows, cols)` to `(classes, rows, cols)`, as the exported file computes them."""
        graph = Graph("features", len(self.columns))
        if self.classifier is None:
            result = graph.add_softmax("features")
        else:
            result = self.classifier.add_to(graph, [("features", len(self.columns))], len(self.present))
        graph.output(result, "probabilities", len(self.present))
        session = start_session(graph, 1)

        def read(image: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
            out = np.zeros((self.classes, *image.shape[1:]), np.float32)
            out[self.present] = session.run(None, {"features": image[self.columns][None]})[0][0]
            return out

        return read

    @property
    def columns(self) -> Ints:
        """The features that it looks at."""
        return self.planes if self.classifier is None else self.classifier.columns


def predictor(candidate: Candidate, features: Features, train: Ints, classes: int) -> Predictor:
    """What a candidate predicts with when it has seen the samples `train`."""
    if candidate.fit is None:
        planes = candidate.columns
        return Predictor(classes, np.arange(classes), None, planes)
    present = np.unique(features.samples.labels[train])
    return Predictor(classes, present, candidate.fit(train), candidate.columns)


def _smooth_patches(
    patches: Sequence[Patch],
    read: Callable[[npt.NDArray[np.float32]], npt.NDArray[np.float32]],
    smoothed: Mapping[int, Floats],
    indices: Sequence[int],
    guide: Smoothing,
) -> None:
    """Set the rows `indices` of each radius to the smoothed probabilities of the patches' samples.

    The patches lie side by side as one image: of each as much as can influence its sample, so they do not meet.
    """
    side = patches[0].valid.shape[1]
    probabilities = read(np.concatenate([patch.features for patch in patches], axis=2).astype(np.float32))
    for radius, out in smoothed.items():
        # from an even row and column, as the coarse squares begin
        places = [[(at - 2 * radius - 2) // COARSE * COARSE for at in (p.row, p.col)] for p in patches]
        width = 4 * radius + 4 + COARSE
        cuts = [(slice(row, row + width), slice(col, col + width)) for row, col in places]
        joint = [
            probabilities[:, rows, place * side + cols.start : place * side + cols.stop]
            for place, (rows, cols) in enumerate(cuts)
        ]
        result = smooth(
            np.concatenate(joint, axis=2),
            np.concatenate([patch.guide[:, rows, cols] for patch, (rows, cols) in zip(patches, cuts)], axis=2),
            np.concatenate([patch.valid[rows, cols] for patch, (rows, cols) in zip(patches, cuts)], axis=1),
            replace(guide, radius=radius),
            (slice(2 * radius + 2, 2 * radius + 2 + COARSE), slice(None)),
        )
        for place, (index, patch, (row, col)) in enumerate(zip(indices, patches, places)):
            out[index] = result[:, patch.row - row - 2 * radius - 2, place * width + patch.col - col]


def _outcome(candidate: Candidate, radius: int, predicted: Floats, features: Features, folds: Folds) -> Outcome:
    # a class in a single block is never right when that is left out, which says nothing
    told = ~np.isin(features.samples.labels, folds.alone)
    index = np.flatnonzero(np.isfinite(predicted).all(axis=1) & told)
    labels = features.samples.labels[index]
    choice = predicted[index].argmax(axis=1)
    classes = predicted.shape[1]
    each = [
        macro_f1(labels[folds.fold[index] == f], choice[folds.fold[index] == f], classes) for f in range(folds.count)
    ]
    known = [score for score in each if np.isfinite(score)]
    spread = float(np.std(known, ddof=1) / np.sqrt(len(known))) if len(known) > 1 else float("nan")
    return Outcome(
        candidate,
        radius,
        predicted[index],
        index,
        macro_f1(labels, choice, classes),
        spread,
        balanced_accuracy(labels, choice),
    )


def macro_f1(labels: Ints, choice: Ints, classes: int) -> float:
    """Mean of F1 over the classes that occur; NaN without samples. Samples of a class are weighted alike."""
    if not len(labels):
        return float("nan")
    counts = np.bincount(labels, minlength=classes)
    weights = 1 / np.maximum(1, counts)
    shares = np.zeros((classes, classes))
    np.add.at(shares, (labels, choice), weights[labels])
    right = np.diag(shares)
    both = shares.sum(axis=0) + shares.sum(axis=1)
    occurring = counts > 0
    return float(np.mean(2 * right[occurring] / both[occurring]))


def balanced_accuracy(labels: Ints, choice: Ints) -> float:
    """Mean over the classes of the share that is right; NaN without samples."""
    if not len(labels):
        return float("nan")
    return float(np.mean([np.mean(choice[labels == label] == label) for label in np.unique(labels)]))
