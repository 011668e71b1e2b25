# SPDX-License-Identifier: GPL-3.0-or-later
"""What a graph returns becomes class probabilities on the pixels of its window."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ...errors import LulcError
from ..spec import ModelSpec

FloatArray = npt.NDArray[np.float32]
_MOST_TIMES_SMALLER = 32
#: how far probabilities, and their sums, may be off: numbers of 16 bits are not more exact
_RANGE_ROUNDING = 1e-3
_SUM_ROUNDING = 0.01


def channels_of(spec: ModelSpec) -> int:
    """Planes of scores that the graph returns: one a class, or a single one for two classes."""
    return 1 if spec.output.plane else len(spec.legend.classes)


def spread(size: tuple[int, int], result: tuple[int, int], spec: ModelSpec) -> int:
    """How many window pixels, along each axis, one pixel of the result stands for.

    Args:
        size: rows and columns of the window.
        result: rows and columns that the graph returns for it.
        spec: the network; `spec.output.cut` pixels a side may be missing.

    Raises:
        LulcError: the result cannot be laid over the window.
    """
    cut = spec.output.cut
    words = f"The network returns {result[0]} × {result[1]} pixels for a window of {size[0]} × {size[1]}"
    if result == (size[0] - 2 * cut, size[1] - 2 * cut):
        return 1
    times = round(size[0] / result[0]) if result[0] else 0
    if not cut and 2 <= times <= _MOST_TIMES_SMALLER and all(abs(r * times - s) < times for r, s in zip(result, size)):
        if spec.window.multiple % times:
            raise LulcError(
                f"{words}, one for every {times} × {times}; its windows must then begin at multiples of {times}, but"
                f" its description says {spec.window.multiple}.",
                f"Set the multiple of lulc:window in the description to {times}.",
            )
        if (result[0] * times, result[1] * times) == size:
            return times
    missing = (size[0] - result[0], size[1] - result[1])
    if missing[0] != missing[1] or missing[0] < 0:
        raise LulcError(f"{words}; that is neither the window's middle nor a whole fraction of it.")
    if missing[0] % 2:
        raise LulcError(f"{words}; an odd number of pixels is missing, so that the result is not centred.")
    raise LulcError(
        f"{words}: {missing[0] // 2} pixels are missing on each side; its description says {cut}.",
        "Give the shapes of input and output in the description with the sizes of one window.",
    )


def planes(raw: npt.NDArray[Any], spec: ModelSpec) -> npt.NDArray[Any]:
    """What the graph returned as `(n, planes, rows, cols)`, whatever the order of its axes.

    Raises:
        LulcError: not the planes that the description names.
    """
    wanted = channels_of(spec)
    if spec.output.plane and raw.ndim == 3:
        return raw[:, None]
    axis = 3 if spec.layout == "NHWC" else 1
    if raw.ndim != 4 or raw.shape[axis] != wanted:
        raise LulcError(
            f"The network returned the shape {raw.shape}; its description ({spec.layout}) names"
            f" {wanted} {'class' if wanted == 1 else 'classes'}."
        )
    return np.ascontiguousarray(np.moveaxis(raw, 3, 1)) if axis == 3 else raw


def probabilities(raw: npt.NDArray[Any], spec: ModelSpec, size: tuple[int, int]) -> FloatArray:
    """Class probabilities `(n, classes, rows, cols)` of windows.

    A result of fewer pixels than the window is enlarged bilinearly (pixel centres line up) before the activation, as
    such networks are trained. Where it lacks a rim the rim is 0: the grid never looks at it.

    Args:
        raw: what the graph returned.
        spec: the network.
        size: rows and columns of the windows.

    Raises:
        LulcError: the shape is not what the description says, or a number is not finite.
    """
    scores = planes(raw, spec)
    times = spread(size, (scores.shape[2], scores.shape[3]), spec)
    # one sum finds NaN and infinity; finite numbers of a double may still be too large for it
    if not np.isfinite(scores.sum(dtype=np.float64)) and not np.isfinite(scores).all():
        raise LulcError("The network returned numbers that are not finite.", "The model file seems to be damaged.")
    scores = np.asarray(scores, np.float32)
    if times > 1:
        scores = enlarge(enlarge(scores, times, 2), times, 3)
    out = activate(scores, spec.output.activation)
    if spec.output.plane:
        out = np.concatenate([np.float32(1) - out, out], axis=1)
    cut = spec.output.cut
    return np.pad(out, ((0, 0), (0, 0), (cut, cut), (cut, cut))) if cut else out


def no_probabilities(raw: npt.NDArray[Any], spec: ModelSpec) -> str:
    """What speaks against the scores of a graph, that are to be taken as they are, being probabilities; else empty.

    Args:
        raw: what the graph returned; `probabilities` took it.
        spec: the network; with a softmax or a sigmoid nothing speaks against it.
    """
    if spec.output.activation and spec.output.activation[0] != "argmax":
        return ""
    scores = planes(raw, spec)
    if not scores.size:
        return ""
    low, high = float(scores.min()), float(scores.max())
    if low < -_RANGE_ROUNDING or high > 1 + _RANGE_ROUNDING:
        return f"they run from {low:.3g} to {high:.3g}"
    if spec.output.plane:
        return ""
    sums = scores.sum(axis=1, dtype=np.float32)
    least, most = float(sums.min()), float(sums.max())
    if least < 1 - _SUM_ROUNDING or most > 1 + _SUM_ROUNDING:
        return f"the sums of a pixel's scores run from {least:.3g} to {most:.3g}"
    return ""


def enlarge(values: FloatArray, times: int, axis: int) -> FloatArray:
    """`values` with every pixel along `axis` replaced by `times`, bilinear between pixel centres."""
    length = values.shape[axis]
    place = np.clip((np.arange(length * times) + 0.5) / times - 0.5, 0, length - 1)
    low = np.minimum(place.astype(np.intp), max(0, length - 2))
    high = np.minimum(low + 1, length - 1)
    shape = [1] * values.ndim
    shape[axis] = -1
    share = (place - low).astype(np.float32).reshape(shape)
    enlarged: FloatArray = np.take(values, low, axis) * (np.float32(1) - share) + np.take(values, high, axis) * share
    return enlarged


def activate(scores: FloatArray, activation: tuple[str, ...]) -> FloatArray:
    """Scores `(n, planes, rows, cols)` after the first step of `activation`; the last one, argmax, comes much later."""
    first = activation[0] if activation else "argmax"
    if first == "softmax":
        exponent = np.exp(scores - scores.max(axis=1, keepdims=True))
        result: FloatArray = exponent / exponent.sum(axis=1, keepdims=True)
        return result
    if first == "sigmoid":
        with np.errstate(over="ignore"):
            return np.float32(1) / (np.float32(1) + np.exp(-scores))
    return scores
