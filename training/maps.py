# SPDX-License-Identifier: GPL-3.0-or-later
"""Maps of chips and their confusion matrices, whichever program runs the network."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from lulc_plugin.assess import ConfusionMatrix, accuracy
from lulc_plugin.classify import smooth
from lulc_plugin.model import Smoothing, Window
from lulc_plugin.raster import Axis, plan_axis

from .inputs import Inputs
from .sets.chip_files import facts_of
from .sets.chips import Chip

FloatArray = npt.NDArray[np.float32]
Counts = npt.NDArray[np.int64]
#: `(n, channels, rows, cols)` → class probabilities `(n, classes, rows, cols)`; sizes are multiples of the network's.
Predictor = Callable[[FloatArray], FloatArray]

#: Pixels reflected around a chip where it is to be seen as it would be amid other land.
SURROUNDED = 96
#: With fewer places, draws of them say nothing of places that nobody looked at.
LEAST_PLACES = 5


class Answers(Protocol):
    """Whatever gives class probabilities to the pixels of a chip: a network, or several averaged."""

    def shares(
        self,
        chip: Chip,
        context: int | None = None,
        picture: bool | None = None,
        layer_sample: FloatArray | None = None,
    ) -> FloatArray:
        """Class probabilities `(classes, rows, cols)`; arguments as those of `Mapper.shares`."""


@dataclass(frozen=True)
class Mapper:
    """A network ready to map chips as the engine maps a layer that small.

    Attributes:
        predict: probabilities of network inputs.
        inputs: what it is fed.
        fill: value of each channel at invalid pixels.
        window: as its sidecar tells the engine.
        smoothing: how maps follow the edges of their image; None while a network is trained.
        shown: the bands that chips are shown with, of those they have; empty: all.
    """

    predict: Predictor
    inputs: Inputs
    fill: tuple[float, ...]
    window: Window = Window(size=1024, multiple=32, minimum=64, margin=96)
    smoothing: Smoothing | None = None
    shown: tuple[str, ...] = ()

    def shares(
        self,
        chip: Chip,
        context: int | None = None,
        picture: bool | None = None,
        layer_sample: FloatArray | None = None,
    ) -> FloatArray:
        """Class probabilities `(classes, rows, cols)` of a chip.

        Args:
            chip: the chip.
            context: so many pixels beyond each border are reflected instead of the engine's rim.
            picture: shown as a picture or not; by default as what it is.
            layer_sample: `(bands, pixels)` that speak for the whole layer; by default those of the chip's layer.
        """
        picture = chip.picture if picture is None else picture
        layer_sample = chip.whole if layer_sample is None else layer_sample
        image = self.inputs.of(chip.values, chip.band_valid, picture, self.fill, layer_sample)
        image = self.inputs.show(image, self.shown) if self.shown else image
        shares = probabilities(self.predict, image, self.window, context)
        if self.smoothing is None:
            return shares
        guide = self.inputs.guide(self.smoothing.bands, chip.values, chip.band_valid, picture, layer_sample)
        return smooth(shares, guide, chip.valid, self.smoothing)

    def smoothed(self, shares: FloatArray, chip: Chip) -> FloatArray:
        """Answers of the network without smoothing on a chip as it is → those with it."""
        if self.smoothing is None:
            return shares
        return smooth(shares, self.guide(self.smoothing.bands, chip), chip.valid, self.smoothing)

    def guide(self, names: Sequence[str], chip: Chip) -> FloatArray:
        """Bands `names` of a chip in the unit of the channels, `(bands, rows, cols)`: what smoothing follows."""
        return self.inputs.guide(names, chip.values, chip.band_valid, chip.picture, chip.whole)


def engine_window(length: int, window: Window) -> Axis:
    """The one window that the engine lays over so few pixels."""
    return plan_axis(length, window.size, 2 * window.margin, window.multiple, window.minimum, window.rim)


def probabilities(predict: Predictor, image: FloatArray, window: Window, context: int | None = None) -> FloatArray:
    """Class probabilities `(classes, rows, cols)` of one network input: what the engine makes of a layer that small.

    A chip larger than the window is seen whole, in one window of its own size. With `context` so many pixels beyond
    each border are reflected instead of the engine's rim.
    """
    rows, cols = image.shape[1:]
    if context is None and max(rows, cols) <= window.size:
        axes = [engine_window(n, window) for n in image.shape[1:]]
        seen = image[:, axes[0].indexes(0)[:, None], axes[1].indexes(0)[None, :]]
        top, left = (-axis.starts[0] for axis in axes)
        return predict(seen[None])[0][:, top : top + axes[0].length, left : left + axes[1].length]
    margin = window.rim if context is None else context
    ends = [(min(margin, n - 1), min(margin, n - 1)) for n in (rows, cols)]
    step = window.multiple
    pad = [(low, high + -(n + low + high) % step) for (low, high), n in zip(ends, (rows, cols), strict=True)]
    padded = np.pad(image, ((0, 0), *pad), mode="reflect")
    top, left = pad[0][0], pad[1][0]
    return predict(padded[None])[0][:, top : top + rows, left : left + cols]


@dataclass(frozen=True)
class Groups:
    """What is counted on a set: classes of sure labels, or label codes where some are coarse.

    Attributes:
        values: counted values.
        of_class: channel index → counted value where the label does not allow the class; of several that of the label
            with the fewest classes.
        of_code: label code → counted value, 0 = not counted.
        allowed: `(codes, classes)` as those of the chips.
    """

    values: tuple[int, ...]
    of_class: npt.NDArray[np.uint8]
    of_code: npt.NDArray[np.uint8]
    allowed: npt.NDArray[np.bool_]

    def of_map(self, classes: npt.NDArray[np.generic], labels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """Counted values of a map of class indices: that of the label wherever the label allows the class.

        Labels may overlap (Water, and Water or Wetland), so a class alone does not say as what it counts.
        """
        return np.where(self.allowed[labels, classes], self.of_code[labels], self.of_class[classes])


def groups_of(chips: Sequence[Chip]) -> Groups:
    """What is counted on these chips, which are of one set.

    A class that no coarse label allows is counted as a value of its own, so that it stays an error.
    """
    allowed = chips[0].allowed
    codes, classes = allowed.shape
    if chips[0].sure:
        values = np.arange(codes, dtype=np.uint8)
        return Groups(tuple(range(1, classes + 1)), values[1 : classes + 1], values, allowed)
    there = np.flatnonzero(facts_of(chips).labels.any(axis=0))
    used = sorted({int(c) for c in there} - {0} | set(range(classes + 1, codes)))
    of_code, of_class = np.zeros(codes, np.uint8), np.zeros(classes, np.uint8)
    for code in sorted(used, key=lambda code: -int(allowed[code].sum())):
        of_code[code] = code
        of_class[allowed[code]] = code
    counted = list(used)
    if not of_class.all():
        of_class[of_class == 0] = codes
        counted.append(codes)
    return Groups(tuple(counted), of_class, of_code, allowed)


def chip_matrix(shares: FloatArray, chip: Chip, groups: Groups) -> Counts:
    """Confusion matrix (rows map) of one chip's most likely classes over its labelled pixels."""
    return class_matrix(shares.argmax(axis=0), chip, groups)


def class_matrix(classes: npt.NDArray[np.generic], chip: Chip, groups: Groups) -> Counts:
    """Confusion matrix (rows map) of a map of one chip, `(rows, cols)` class indices, over its labelled pixels."""
    return value_matrix(groups.of_map(classes, chip.labels), chip, groups)


def value_matrix(values: npt.NDArray[np.uint8], chip: Chip, groups: Groups) -> Counts:
    """Confusion matrix (rows map) of a map of counted values."""
    matrix = ConfusionMatrix(groups.values)
    matrix.add(values, groups.of_code[chip.labels], (chip.labels > 0) & chip.valid)
    return matrix.counts


def place_matrices(mapper: Answers, chips: Sequence[Chip], context: int | None = None) -> dict[str, Counts]:
    """Place → pooled confusion matrix of its chips, all of one set; for `context` see `Mapper.shares`."""
    groups = groups_of(chips)
    places: dict[str, Counts] = {}
    for chip in chips:
        places[chip.place] = places.get(chip.place, 0) + chip_matrix(mapper.shares(chip, context), chip, groups)
    return places


def as_pictures(mapper: Answers, chips: Sequence[Chip]) -> dict[str, Counts]:
    """`place_matrices` of chips of reflectance as pictures; each place is a layer."""
    groups = groups_of(chips)
    places: dict[str, Counts] = {}
    for chip in chips:
        shares = mapper.shares(chip, picture=True, layer_sample=chip.pool)
        places[chip.place] = places.get(chip.place, 0) + chip_matrix(shares, chip, groups)
    return places


def total_counts(places: Mapping[str, Counts]) -> Counts:
    """The matrix of all places together."""
    return sum(places.values(), start=np.zeros((), np.int64))


def reference_miou(counts: Counts) -> float:
    """Mean IoU over the classes of the reference, so that all maps of it are averaged over the same ones."""
    hits, rows, cols = np.diag(counts), counts.sum(axis=1), counts.sum(axis=0)
    there = cols > 0
    return float((hits[there] / (rows + cols - hits)[there]).mean())


def reference_dice(counts: Counts) -> float:
    """Mean Dice (F1) over the classes of the reference."""
    hits, size = np.diag(counts), counts.sum(axis=0) + counts.sum(axis=1)
    there = counts.sum(axis=0) > 0
    return float((2 * hits[there] / size[there]).mean())


def line(name: str, counts: Counts) -> str:
    """One line for a log: overall accuracy, mean IoU over the reference's classes, IoU of each."""
    result = accuracy(counts)
    ious = " ".join("  - " if c.iou is None else f"{c.iou:.2f}" for c in result.classes)
    return f"{name}: OA {result.overall:.3f} mIoU {reference_miou(counts):.3f} IoU {ious}"


def miou_interval(
    first: Mapping[str, Counts], second: Mapping[str, Counts], draws: int = 4000, seed: int = 0
) -> tuple[float, float | None, float | None]:
    """Difference in mean IoU, first minus second, and its 95 % interval over places drawn with replacement.

    There is no interval (None, None) of fewer than `LEAST_PLACES` places with a labelled pixel.
    """
    places = sorted(first)
    a, b = (np.stack([one[p] for p in places]).astype(np.float64) for one in (first, second))
    difference = reference_miou(a.sum(axis=0)) - reference_miou(b.sum(axis=0))
    if np.count_nonzero(a.any(axis=(1, 2))) < LEAST_PLACES:
        return difference, None, None
    picks = np.random.default_rng(seed).integers(0, len(places), (draws, len(places)))
    times = np.stack([np.bincount(pick, minlength=len(places)) for pick in picks]).astype(np.float64)
    # the classes of the whole split count in every draw, as far as a draw has them
    ours, theirs = (_mious(np.tensordot(times, one, axes=1)) for one in (a, b))
    low, high = np.percentile(np.subtract(ours, theirs), [2.5, 97.5])
    return difference, float(low), float(high)


def _mious(counts: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.float64]:
    """`reference_miou` of each of `(n, q, q)` matrices."""
    hits, rows, cols = np.diagonal(counts, axis1=1, axis2=2), counts.sum(axis=2), counts.sum(axis=1)
    there = cols > 0
    ious = np.divide(hits, rows + cols - hits, out=np.zeros_like(hits), where=there)
    return ious.sum(axis=1) / there.sum(axis=1).clip(1)
