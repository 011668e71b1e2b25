# SPDX-License-Identifier: GPL-3.0-or-later
"""How closely an exported file reproduces the network it was made of, on noise and on real images."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from lulc_plugin.errors import LulcError

from ..networks.network import Network
from .onnx_graph import Calibrated

FloatArray = npt.NDArray[np.float32]
#: One network input `(channels, rows, cols)` → probabilities, then perhaps features, `(n, rows, cols)` each.
Answers = Callable[[FloatArray], list[FloatArray]]
#: Share of real pixels that must keep their class in a file that is released.
LEAST_SAME = 0.995


@dataclass(frozen=True)
class Parity:
    """Pixels compared, share of equal classes, largest and mean difference of a probability, largest of a feature."""

    pixels: int
    same: float
    probability: float
    mean: float
    feature: float

    def __str__(self) -> str:
        return (
            f"{100 * self.same:.3f} % of {self.pixels} pixels have the same class, probabilities differ by at most"
            f" {self.probability:.4f}, on average {self.mean:.5f}"
        )


def by_torch(
    network: Network, temperature: float, features: bool, by_pattern: Mapping[tuple[bool, ...], float] | None = None
) -> Answers:
    """The network itself in single precision."""
    calibrated = Calibrated(network, temperature, features, by_pattern).eval()

    def answers(image: FloatArray) -> list[FloatArray]:
        with torch.inference_mode():
            return [t[0].numpy() for t in calibrated(torch.from_numpy(image[None]))]

    return answers


def by_session(opened: object) -> Answers:
    """An open onnxruntime session."""

    def answers(image: FloatArray) -> list[FloatArray]:
        name = opened.get_inputs()[0].name  # type: ignore[attr-defined]
        return [output[0] for output in opened.run(None, {name: image[None]})]  # type: ignore[attr-defined]

    return answers


def measure_parity(first: Answers, second: Answers, images: Sequence[FloatArray]) -> Parity:
    """Compare two ways to the same answer on network inputs."""
    same = pixels = 0
    probability = feature = total = 0.0
    for image in images:
        a, b = first(image), second(image)
        same += int((a[0].argmax(axis=0) == b[0].argmax(axis=0)).sum())
        pixels += a[0].shape[1] * a[0].shape[2]
        difference = np.abs(a[0] - b[0])
        probability, total = max(probability, float(difference.max())), total + float(difference.mean(axis=0).sum())
        if len(a) > 1 and len(b) > 1:
            feature = max(feature, float(np.abs(a[1] - b[1]).max()))
    return Parity(pixels, same / pixels, probability, total / pixels, feature)


def require_same(measured: Parity, least: float = LEAST_SAME) -> Parity:
    """The same parity, if it is good enough.

    Raises:
        LulcError: too few pixels have the same class, or probabilities are not finite numbers.
    """
    if not (measured.same >= least and np.isfinite(measured.probability)):
        raise LulcError(
            f"The exported file is not the network: {measured}.",
            f"At least {100 * least:g} % are wanted; try --precision single.",
        )
    return measured


def noise(channels: int, multiple: int, seed: int = 0) -> list[FloatArray]:
    """Network inputs of noise, of several sizes, as bright as real ones and far brighter."""
    rng = np.random.default_rng(seed)
    sizes = ((4, 4, 0.5), (3, 7, 0.5), (8, 2, 0.3), (5, 5, 1.5))
    return [
        rng.normal(0, spread, (channels, rows * multiple, cols * multiple)).astype(np.float32)
        for rows, cols, spread in sizes
    ]
