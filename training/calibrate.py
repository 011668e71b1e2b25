# SPDX-License-Identifier: GPL-3.0-or-later
"""Are 80 % sure pixels right in 80 % of cases? One temperature, fitted on validation places."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from .data import INDIA, Chip
from .losses import grouped
from .train import GROUPS

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Calibration:
    """The temperature, and expected calibration error before and after, by data set."""

    temperature: float
    before: dict[str, float]
    after: dict[str, float]


@dataclass
class Scored:
    """Scores of labelled pixels of one set: logits `(pixels, classes)`, class or group channel indices."""

    name: str
    logits: Tensor
    labels: Tensor
    groups: bool


def scored(network: torch.nn.Module, name: str, chips: Sequence[Chip], fill: Sequence[float]) -> Scored:
    """Logits and labels of every labelled pixel of some chips."""
    logits, labels = [], []
    for chip in chips:
        image = chip.network_input(fill)
        rows, cols = chip.valid.shape
        padded = np.pad(image, ((0, 0), (0, -rows % 32), (0, -cols % 32)), mode="symmetric")
        with torch.inference_mode():
            out = network(torch.from_numpy(padded[None]))[0, :, :rows, :cols]
        known = torch.from_numpy(chip.labels > 0)
        logits.append(out[:, known].T)
        labels.append(torch.from_numpy(chip.labels.astype(np.int64))[known] - 1)
    return Scored(name, torch.cat(logits), torch.cat(labels), chips[0].source == INDIA)


def _shares(item: Scored, temperature: float) -> Tensor:
    shares = (item.logits / temperature).softmax(dim=1)
    return grouped(shares[:, :, None], GROUPS)[:, :, 0] if item.groups else shares


def nll(item: Scored, temperature: float) -> float:
    """Mean -log of the probability given to the label."""
    found = _shares(item, temperature).gather(1, item.labels[:, None]).clamp_min(1e-7)
    return float(-found.log().mean())


def expected_error(item: Scored, temperature: float, bins: int = 15) -> float:
    """Expected calibration error of the most likely class (or group) in equal bins of confidence."""
    confidence, best = _shares(item, temperature).max(dim=1)
    right = (best == item.labels).float()
    at = (confidence * bins).long().clamp_max(bins - 1)
    count = torch.bincount(at, minlength=bins).float()
    gap = torch.bincount(at, confidence, bins) - torch.bincount(at, right, bins)
    return float(gap.abs().sum() / count.sum())


def calibrate(items: Sequence[Scored]) -> Calibration:
    """The temperature with the smallest mean NLL over the sets, each counting alike."""
    candidates = np.exp(np.linspace(np.log(0.4), np.log(3.0), 81))
    costs = [np.mean([nll(item, float(t)) for item in items]) for t in candidates]
    best = round(float(candidates[int(np.argmin(costs))]), 3)
    return Calibration(
        best,
        {i.name: expected_error(i, 1.0) for i in items},
        {i.name: expected_error(i, best) for i in items},
    )
