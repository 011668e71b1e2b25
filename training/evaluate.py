# SPDX-License-Identifier: GPL-3.0-or-later
"""Maps of chips and their confusion matrices, whichever program runs the network."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from lulc_plugin.assess.matrix import ConfusionMatrix
from lulc_plugin.assess.statistics import Accuracy, accuracy
from lulc_plugin.model.spec import Window
from lulc_plugin.raster.grid import Axis, plan_axis

from .channels import PICTURE, network_input
from .data import INDIA, INDIA_GROUPS, Chip

FloatArray = npt.NDArray[np.float32]
#: `(n, channels, rows, cols)` → class probabilities `(n, classes, rows, cols)`; sizes are multiples of 32.
Predictor = Callable[[FloatArray], FloatArray]

MULTIPLE = 32
#: Largest window and measured margin of the released network, as its sidecar tells the engine.
WINDOW = Window(size=1024, multiple=32, minimum=64, margin=96)
#: Pixels reflected around a chip where it is to be seen as it would be amid other land.
SURROUNDED = 96
VALUES = (1, 2, 3, 4, 5, 6)
_GROUP_OF = np.zeros(7, np.uint8)
for _group, _members in INDIA_GROUPS.items():
    _GROUP_OF[list(_members)] = _group


def engine_window(length: int) -> Axis:
    """The one window that the engine lays over so few pixels."""
    return plan_axis(length, WINDOW.size, 2 * WINDOW.margin, WINDOW.multiple, WINDOW.minimum, WINDOW.rim)


def probabilities(predict: Predictor, image: FloatArray, context: int | None = None) -> FloatArray:
    """Class probabilities `(classes, rows, cols)` of one network input: what the engine makes of a layer that small.

    With `context` so many pixels beyond each border are reflected instead of the engine's rim.
    """
    if context is None:
        axes = [engine_window(n) for n in image.shape[1:]]
        window = image[:, axes[0].indexes(0)[:, None], axes[1].indexes(0)[None, :]]
        top, left = (-axis.starts[0] for axis in axes)
        return predict(window[None])[0][:, top : top + axes[0].length, left : left + axes[1].length]
    rows, cols = image.shape[1:]
    ends = [(min(context, n - 1), min(context, n - 1)) for n in (rows, cols)]
    pad = [(low, high + -(n + low + high) % MULTIPLE) for (low, high), n in zip(ends, (rows, cols), strict=True)]
    padded = np.pad(image, ((0, 0), *pad), mode="reflect")
    top, left = pad[0][0], pad[1][0]
    return predict(padded[None])[0][:, top : top + rows, left : left + cols]


def class_map(shares: FloatArray) -> npt.NDArray[np.uint8]:
    """Legend values of the most likely class."""
    return (shares.argmax(axis=0) + 1).astype(np.uint8)


def groups_of(classes: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Group values of the Indian labels for legend values."""
    return _GROUP_OF[classes]


def chip_matrix(classes: npt.NDArray[np.uint8], chip: Chip) -> npt.NDArray[np.int64]:
    """Confusion matrix (rows map) of one chip's map, in groups for the Indian set, over its labelled pixels."""
    if chip.source == INDIA:
        matrix, classes = ConfusionMatrix(tuple(INDIA_GROUPS)), groups_of(classes)
    else:
        matrix = ConfusionMatrix(VALUES)
    matrix.add(classes, chip.labels, (chip.labels > 0) & chip.valid)
    return matrix.counts


def place_matrices(
    predict: Predictor, chips: Sequence[Chip], fill: Sequence[float], context: int | None = None
) -> dict[str, npt.NDArray[np.int64]]:
    """Place → pooled confusion matrix of its chips; for `context` see `probabilities`."""
    found: dict[str, npt.NDArray[np.int64]] = {}
    for chip in chips:
        counts = chip_matrix(class_map(probabilities(predict, chip.network_input(fill), context)), chip)
        found[chip.place] = found.get(chip.place, 0) + counts
    return found


def as_pictures(
    predict: Predictor, chips: Sequence[Chip], fill: Sequence[float], one_layer: bool = False
) -> dict[str, npt.NDArray[np.int64]]:
    """`place_matrices` of chips of reflectance as pictures: each place is a layer, or all together are one."""
    together = np.concatenate([c.layer for c in chips], axis=1)
    found: dict[str, npt.NDArray[np.int64]] = {}
    for chip in chips:
        image = network_input(chip.values, chip.valid, PICTURE, fill, together if one_layer else chip.pool)
        counts = chip_matrix(class_map(probabilities(predict, image)), chip)
        found[chip.place] = found.get(chip.place, 0) + counts
    return found


def pooled(matrices: Mapping[str, npt.NDArray[np.int64]]) -> Accuracy:
    """Accuracy of all places together."""
    return accuracy(sum(matrices.values()))


def line(name: str, result: Accuracy) -> str:
    """One line for a log."""
    ious = " ".join("  - " if c.iou is None else f"{c.iou:.2f}" for c in result.classes)
    return f"{name}: OA {result.overall:.3f} mIoU {result.miou:.3f} IoU {ious}"


def miou_interval(
    first: Mapping[str, npt.NDArray[np.int64]],
    second: Mapping[str, npt.NDArray[np.int64]],
    draws: int = 4000,
    seed: int = 0,
) -> tuple[float, float, float]:
    """Difference in mean IoU, first minus second, and its 95 % interval over places drawn with replacement."""
    places = sorted(first)
    a, b = np.stack([first[p] for p in places]), np.stack([second[p] for p in places])
    rng = np.random.default_rng(seed)
    # the classes of the whole split count in every draw, as far as a draw has them
    differences = []
    for _ in range(draws):
        pick = rng.integers(0, len(places), len(places))
        differences.append(reference_miou(a[pick].sum(axis=0)) - reference_miou(b[pick].sum(axis=0)))
    low, high = np.percentile(differences, [2.5, 97.5])
    return reference_miou(a.sum(axis=0)) - reference_miou(b.sum(axis=0)), float(low), float(high)


def reference_miou(counts: npt.NDArray[np.int64]) -> float:
    """Mean IoU over the classes of the reference, so that both maps are averaged over the same ones."""
    hits, rows, cols = np.diag(counts), counts.sum(axis=1), counts.sum(axis=0)
    there = cols > 0
    return float((hits[there] / (rows + cols - hits)[there]).mean())
