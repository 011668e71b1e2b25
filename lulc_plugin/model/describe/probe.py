# SPDX-License-Identifier: GPL-3.0-or-later
"""What a network does with a few random windows: the size of its outputs, and whether they are probabilities.

Descriptions often leave out whether a network returns raw scores or probabilities. The shapes do not tell, its answers
do: probabilities stay within 0..1 and sum to 1 whatever is fed, raw scores do not.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ...errors import LulcError
from ...options import option
from ..runtime import GraphSignature, Session, memory_limit, signature_of

DTYPES = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(double)": np.float64,
    "tensor(uint8)": np.uint8,
    "tensor(uint16)": np.uint16,
    "tensor(int16)": np.int16,
    "tensor(int32)": np.int32,
}
_FREE_SIZES = (64, 128, 256, 512)
_LARGEST_SIDE = 4096
_SUM_ROUNDING = 0.01
#: numbers in one of the random windows
_LARGEST_WINDOW = 1 << 26
#: numbers in one of the answers, three of which are kept
_LARGEST_ANSWER = 1 << 28


@dataclass(frozen=True)
class RandomRun:
    """Three runs of random windows and what came out.

    Attributes:
        layout: `NCHW` or `NHWC`.
        channels: bands of a window.
        size: height and width of a window.
        answers: output name → one array for each run.
        windows: how many windows a run had.
    """

    layout: str
    channels: int
    size: int
    answers: Mapping[str, tuple[npt.NDArray[Any], ...]]
    windows: int = 1


def run_random_windows(session: Session, layout: str, channels: int, size: int | None = None) -> RandomRun:
    """Run a network on three random windows.

    Args:
        session: an open onnxruntime session.
        layout: `NCHW` or `NHWC`.
        channels: number of bands.
        size: height and width; None: what the graph says, or small ones until one works.

    Raises:
        LulcError: no window can be run, with the reason of the last try.
    """
    signature = signature_of(session)
    sides = signature.image.shape[2:] if layout == "NCHW" else signature.image.shape[1:3]
    fixed = tuple(s for s in sides if s is not None)
    if len(set(fixed)) > 1 or any(s > _LARGEST_SIDE for s in fixed):
        raise LulcError(
            f"The network takes windows of {' × '.join(map(str, fixed))} pixels; only square windows of at most"
            f" {_LARGEST_SIDE} pixels can be cut.",
            "Export the network with a free or a square input size.",
        )
    reason = ""
    for side in fixed[:1] or ((size,) if size else _FREE_SIZES):
        try:
            answers = _run(session, signature, layout, channels, side)
            return RandomRun(layout, channels, side, answers, signature.image.shape[0] or 1)
        except Exception as error:  # onnxruntime has no common base class for its errors
            if isinstance(error, LulcError):
                raise
            reason = (str(error).splitlines() or ["no reason given"])[0][:300]
    raise LulcError(
        f"The network fails on a random window of {channels} bands: {reason}.",
        "Does it take this number of bands, and is it a segmentation network?",
    )


def _run(
    session: Session, signature: GraphSignature, layout: str, channels: int, side: int
) -> dict[str, tuple[npt.NDArray[Any], ...]]:
    image = signature.image
    if image.type not in DTYPES:
        raise LulcError(
            f"The network's input is {image.type}; it can be fed with {', '.join(DTYPES)}.",
            "Export it with an input of 32-bit numbers.",
        )
    dtype = np.dtype(DTYPES[image.type])
    generator = np.random.default_rng(20)
    batch = image.shape[0] or 1
    shape = (batch, channels, side, side) if layout == "NCHW" else (batch, side, side, channels)
    _check_lengths(image.words, shape, _LARGEST_WINDOW)
    for output in signature.outputs:
        _check_lengths(output.words, [length or 1 for length in output.shape], _LARGEST_ANSWER)
    names = [o.name for o in signature.outputs]
    windows: Iterator[npt.NDArray[Any]]
    if dtype.kind == "f":
        # usual network units, far from them, and stored numbers
        draws = ((generator.uniform, 0, 1), (generator.normal, 0, 3), (generator.uniform, 0, 3000))
        windows = (draw(first, second, shape) for draw, first, second in draws)
    else:
        windows = (generator.integers(0, 256, shape) for _ in range(3))
    options = memory_limit.run_options()
    runs = [session.run(names, {image.name: window.astype(dtype)}, options) for window in windows]
    return {name: tuple(np.asarray(run[i]) for run in runs) for i, name in enumerate(names)}


def run_window(session: Session, layout: str, output: str, window: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """The scores `(planes, rows, cols)` of an output for one window `(bands, rows, cols)`.

    Args:
        session: an open onnxruntime session whose image has a known number type.
        layout: `NCHW` or `NHWC`.
        output: name of an output with three or four axes.
        window: numbers as the network wants them.
    """
    image = signature_of(session).image
    dtype: np.dtype[Any] = np.dtype(DTYPES[image.type])
    fed = window if layout == "NCHW" else np.moveaxis(window, 0, 2)
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        fed = np.clip(np.rint(fed), limits.min, limits.max)
    batch = np.ascontiguousarray(np.stack([fed] * (image.shape[0] or 1)), dtype)
    with np.errstate(over="ignore"):  # whoever compares them passes over what is not finite
        scores = np.asarray(session.run([output], {image.name: batch}, memory_limit.run_options())[0][0], np.float32)
    if scores.ndim == 2:
        return scores[None]
    return scores if layout == "NCHW" else np.moveaxis(scores, 2, 0)


def _check_lengths(what: str, shape: Sequence[int], most: int) -> None:
    """Refuse an array of more than `most` numbers before it is made."""
    if math.prod(shape) > most:
        raise LulcError(
            f"The network's {what} has {math.prod(shape):,} numbers at once; at most {most:,} are tried.",
            "Export it with a free batch size and free windows.",
        )


def activation_of(answers: Sequence[npt.NDArray[Any]], plane: bool, layout: str) -> tuple[tuple[str, ...], str]:
    """The activation steps that fit the scores of an output, and the reason in words.

    Args:
        answers: scores of several windows, four axes in the order of `layout`, or three.
        plane: there is a single plane of scores.
        layout: `NCHW` or `NHWC`.

    Raises:
        LulcError: no answer is finite, or they are not scores of pixels.
    """
    _check_form(answers, plane)
    finite = [np.asarray(a, np.float64) for a in answers if np.isfinite(np.asarray(a, np.float64)).all()]
    if not finite:
        raise LulcError(
            "The network returns numbers that are not finite for random windows.",
            "Say what its numbers are: softmax, sigmoid or none.",
        )
    low, high = min(float(a.min()) for a in finite), max(float(a.max()) for a in finite)
    within = low >= -1e-4 and high <= 1 + 1e-4
    axis = 1 if layout == "NCHW" else -1
    if plane:
        if within:
            return ("argmax",), "random windows gave numbers from 0 to 1, so they are probabilities"
        return ("sigmoid", "argmax"), f"random windows gave {low:.3g} to {high:.3g}, so a sigmoid is applied"
    if within and all(np.abs(a.sum(axis=axis) - 1).max() <= _SUM_ROUNDING for a in finite):
        return ("argmax",), "random windows gave numbers that sum to 1, so they are probabilities"
    if within:
        return ("argmax",), "random windows gave numbers from 0 to 1, so they are scores of each class by itself"
    return ("softmax", "argmax"), f"random windows gave {low:.3g} to {high:.3g}, so a softmax is applied"


def _check_form(answers: Sequence[npt.NDArray[Any]], plane: bool) -> None:
    """Refuse answers that hold no scores of pixels."""
    for answer in answers:
        if answer.ndim not in ((3, 4) if plane else (4,)) or answer.dtype.kind != "f" or not answer.size:
            raise LulcError(
                f"The network returns {answer.dtype} of the shape {answer.shape[:8]} for a random window, not scores of"
                " its pixels.",
                "Only segmentation networks make a map.",
            )


def activation_problem(stated: str, answers: Sequence[npt.NDArray[Any]], plane: bool, layout: str) -> str:
    """What random windows show against the activation that the user states; empty if nothing.

    Args:
        stated: `none`, `softmax` or `sigmoid`.
        answers: see `activation_of`.
        plane: there is a single plane of scores.
        layout: `NCHW` or `NHWC`.
    """
    finite = [np.asarray(a, np.float64) for a in answers if np.isfinite(np.asarray(a, np.float64)).all()]
    if not finite:
        return ""
    shown = activation_of(finite, plane, layout)[0][0]
    sums = finite if plane else [a.sum(axis=1 if layout == "NCHW" else -1) for a in finite]
    low, high = min(float(s.min()) for s in sums), max(float(s.max()) for s in sums)
    words = f"on random windows the {'numbers' if plane else 'sums'} were {low:.2g} … {high:.2g}".replace("-", "\u2212")
    if stated == "none" and shown != "argmax":
        return f"{option('activation', 'none')} says probabilities come out, but {words}; choose {shown}."
    if plane:
        alone = shown == "argmax"
    else:
        alone = shown == "argmax" and max(abs(low - 1), abs(high - 1)) <= _SUM_ROUNDING
    if stated == "none" and not alone:
        return (
            f"{option('activation', 'none')} says probabilities come out, but {words}: each class has a score by"
            " itself, so the mean confidence of a map is not meaningful."
        )
    if stated != "none" and alone:
        return (
            f"{option('activation', stated)} says raw scores come out, but {words}: they are probabilities already;"
            " choose none."
        )
    return ""
