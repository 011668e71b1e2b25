# SPDX-License-Identifier: GPL-3.0-or-later
"""Smoothing: the probabilities of a map follow the edges of its image.

Not the probabilities are filtered but their logarithms, and the guide is the logarithm of the image's bands: a border
between two kinds of land is a ratio of brightness, whatever the light. Bands with numbers below 0 (decibels,
embeddings) guide as they are. What is smoothed is the logarithm of each class against that of the first. The filter is
linear, so the result is that of all classes filtered, for one plane less.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ..findings import Findings
from ..model import MOST_GUIDE_BANDS, ModelSpec, Smoothing
from ..progress import Progress
from ..raster import BandMatch, Source, apply_steps, statistics as sampling
from .guided_filter import BoolArray, FloatArray, Squares, guided_filter
from .input_scaling import InputScaling, match_bands
from .job import AUTO, NO_SMOOTHING, ClassifyJob

#: A probability below it is as good as none; 0.01 to 0.000001 give the same maps on the held-out places.
_LEAST_PROBABILITY = np.float32(1e-4)
#: Numbers of a band below it have no logarithm worth to follow.
_LEAST_VALUE = np.float32(1e-6)
#: Standard deviations from the mean beyond which the guide ends: dark noise is no edge, and sums stay exact.
_MOST_SPREADS = np.float32(5)
#: Parts of a normal distribution within one standard deviation of its mean, in percent.
_ONE_SPREAD = (15.865525, 50.0, 84.134475)
#: A band whose logarithms spread less is constant, and one that is no logarithm.
_LEAST_SPREAD, _LEAST_PLAIN_SPREAD = 1e-3, 1e-9
#: Share of numbers above 0 that a band has at least whose logarithms are a guide.
_POSITIVE = 0.9
_ROWS_AT_ONCE = 32


def choose_smoothing(
    job: ClassifyJob,
    source: Source,
    spec: ModelSpec,
    match: BandMatch,
    scaling: InputScaling,
    findings: Findings,
    progress: Progress,
) -> Smoothing | None:
    """What a job and a network's description say of smoothing, with all that they leave open; None for nothing.

    Where the description has no statistics of the guide, they are those of squares spread over the whole layer (or of
    the one whose statistics count), whatever part of it is wanted.
    """
    smoothing = _wanted(job, spec)
    if smoothing is None or len(spec.legend.classes) < 2:
        findings.log("Smoothing: none")
        return None
    bands = smoothing.bands or spec.band_names[:MOST_GUIDE_BANDS]
    where = "the description"
    if smoothing.mean:
        smoothing = replace(smoothing, bands=bands)
    else:
        if job.statistics_from is None:
            sample, where = sampling.probe_layer(source, match.numbers, progress), source.facts.name
        else:
            with Source(job.statistics_from) as other:
                numbers = match_bands(job, other.facts, spec).numbers
                sample, where = sampling.probe_layer(other, numbers, progress), other.facts.name
        chosen = [spec.band_names.index(name) for name in bands]
        values = [apply_steps(sample[i], scaling.band_steps[i]) for i in chosen]
        logarithm = smoothing.logarithm and all(band.size == 0 or np.mean(band > 0) >= _POSITIVE for band in values)
        mean, stddev = guide_statistics(values, logarithm)
        smoothing = replace(smoothing, bands=bands, logarithm=logarithm, mean=mean, stddev=stddev)
    findings.log(f"Smoothing along the edges of the image: {describe_smoothing(smoothing)}; statistics of {where}")
    return smoothing


def _wanted(job: ClassifyJob, spec: ModelSpec) -> Smoothing | None:
    if job.smoothing == AUTO:
        return spec.smoothing
    radius = 0 if job.smoothing == NO_SMOOTHING else job.smoothing_radius
    if not radius:
        return None
    wanted = replace(spec.smoothing or Smoothing(radius), radius=radius)
    # as a part of the description it is compared with the network's classes and windows
    return replace(spec, smoothing=wanted).smoothing


def squares_of(smoothing: Smoothing) -> Squares:
    """What the guided filter fits in."""
    return Squares(smoothing.radius, smoothing.eps, smoothing.cell)


def describe_smoothing(smoothing: Smoothing) -> str:
    """Smoothing in words: `radius 8 pixels, guided by red, nir, eps 0.1, weight 0.5 of the network's own …`."""
    plain = "" if smoothing.logarithm else " as they are (no logarithms)"
    guide = f", guided by {', '.join(smoothing.bands)}{plain}" if smoothing.bands else ""
    return (
        f"radius {smoothing.radius} pixels{guide}, eps {smoothing.eps:g}, weight {smoothing.weight:g} of the"
        " network's own probabilities"
    )


def smooth(
    probabilities: FloatArray,
    bands: npt.NDArray[np.floating],
    valid: BoolArray,
    smoothing: Smoothing,
    wanted: tuple[slice, slice] = (slice(None), slice(None)),
) -> FloatArray:
    """Probabilities of a whole image that follow its edges.

    Args:
        probabilities: `(classes, rows, cols)`.
        bands: `(guide bands, rows, cols)`, those that `smoothing` names, in the unit of the network's channels.
        valid: `(rows, cols)`; other pixels have no influence, and keep their probabilities.
        smoothing: how; where it has no statistics, they are those of the valid pixels.
        wanted: rows and columns of the result; all by default.

    Returns:
        `(classes, rows, cols)` of what is wanted, that sum to 1.
    """
    mean, stddev = smoothing.mean, smoothing.stddev
    if not mean:
        mean, stddev = guide_statistics(bands[:, valid], smoothing.logarithm)
    ratios = log_ratios(probabilities)
    guide = standardised_guide(bands, mean, stddev, smoothing.logarithm)
    filtered = guided_filter(ratios, guide, valid, squares_of(smoothing), wanted)
    return from_log_ratios(filtered, ratios[(slice(None), *wanted)], smoothing.weight)


def guide_statistics(
    values: Iterable[npt.NDArray[np.floating]], logarithm: bool = True
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Middle and spread of each band's logarithms: the median, and half the distance of those that enclose 68 %.

    Args:
        values: `(bands, pixels)` in the unit of the network's channels; clipped and dark ones do not count for much.
        logarithm: whether the guide is made of logarithms; else of the numbers as they are.

    Returns:
        means and standard deviations; (0, 1) of a band without a pixel, spread 1 of one that is constant.
    """
    middles, spreads = [], []
    least = _LEAST_SPREAD if logarithm else _LEAST_PLAIN_SPREAD
    for band in values:
        numbers = _logarithm(band) if logarithm else band
        low, middle, high = np.percentile(numbers, _ONE_SPREAD) if band.size else (-1.0, 0.0, 1.0)
        spread = float(high - low) / 2
        middles.append(float(middle))
        spreads.append(spread if spread >= least else 1.0)
    return tuple(middles), tuple(spreads)


def standardised_guide(
    bands: npt.NDArray[np.floating], mean: Sequence[float], stddev: Sequence[float], logarithm: bool = True
) -> FloatArray:
    """The guide: logarithms of bands, standardised, at most 5 standard deviations from their mean.

    Args:
        bands: `(bands, rows, cols)` in the unit of the network's channels.
        mean: of the logarithm of each band.
        stddev: of the logarithm of each band.
        logarithm: False where the guide and its statistics are those of the bands as they are.
    """
    # NaN may stand where nothing is valid
    guide = _logarithm(bands) if logarithm else np.nan_to_num(np.asarray(bands, np.float32))
    for plane, middle, spread in zip(guide, mean, stddev):
        plane -= np.float32(middle)
        plane *= np.float32(1 / spread)
        np.clip(plane, -_MOST_SPREADS, _MOST_SPREADS, out=plane)
    return guide


def _logarithm(values: npt.NDArray[np.floating]) -> FloatArray:
    # NaN, which may stand where nothing is valid, becomes the least value
    positive = np.fmax(values, _LEAST_VALUE, dtype=np.float32)
    logarithms: FloatArray = np.log(np.fmin(positive, np.finfo(np.float32).max, out=positive))
    return logarithms


def log_ratios(probabilities: FloatArray) -> FloatArray:
    """Logarithm of each class's probability but the first's, minus that: `(classes - 1, rows, cols)`."""
    classes, height, width = probabilities.shape
    out = np.empty((classes - 1, height, width), np.float32)
    # a few rows at a time stay in the processor's cache
    for row in range(0, height, _ROWS_AT_ONCE):
        rows = np.s_[:, row : row + _ROWS_AT_ONCE]
        logarithms = np.log(np.maximum(probabilities[rows], _LEAST_PROBABILITY))
        np.subtract(logarithms[1:], logarithms[0], out=out[rows])
    return out


def from_log_ratios(filtered: FloatArray, ratios: FloatArray, weight: float) -> FloatArray:
    """Probabilities of the mean of two `log_ratios`: the filtered ones, weight 1, and those before, with `weight`.

    Args:
        filtered: `(classes - 1, rows, cols)`.
        ratios: the same before they were filtered.
        weight: of these.

    Returns:
        `(classes, rows, cols)` that sum to 1.
    """
    count, height, width = filtered.shape
    out = np.empty((count + 1, height, width), np.float32)
    for row in range(0, height, _ROWS_AT_ONCE):
        rows = np.s_[:, row : row + _ROWS_AT_ONCE]
        total = filtered[rows]
        if weight:
            total = ratios[rows] * np.float32(weight)
            total += filtered[rows]
            total *= np.float32(1 / (1 + weight))
        _softmax(total, out[rows])
    return out


def _softmax(ratios: FloatArray, out: FloatArray) -> None:
    """Probabilities of logarithms against the first class, which has 0."""
    largest = np.zeros(ratios.shape[1:], np.float32)
    for plane in ratios:
        np.maximum(largest, plane, out=largest)
    np.exp(-largest, out=out[0])
    for i, plane in enumerate(ratios, 1):
        np.exp(plane - largest, out=out[i])
    # one order of the sum, whatever the shape
    total = out[0].copy()
    for plane in out[1:]:
        total += plane
    out /= total
