# SPDX-License-Identifier: GPL-3.0-or-later
"""A look at held-out chips now and then: the score that chooses, lines for the log, numbers for the curves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import nn

from lulc_plugin.assess import accuracy
from lulc_plugin.model import Window

from ..maps import Counts, Mapper, Predictor, chip_matrix, groups_of, line, reference_dice, reference_miou
from ..networks.network import Network
from ..recipe import Check, Recipe
from ..sets.chip_files import facts_of
from ..sets.chips import Chip


@dataclass(frozen=True)
class Validation:
    """What a check found.

    Attributes:
        score: what chooses; NaN if nothing counts.
        lines: for the log.
        held_out, seen: mean over the sets that count, and over a sample of the training chips.
        worst: channel indices of the classes from the lowest IoU up.
    """

    score: float
    lines: list[str]
    held_out: Fit
    seen: Fit
    worst: tuple[int, ...]


@dataclass(frozen=True)
class Fit:
    """How well labelled pixels are met: mean -log of the probability given to their labels, mean IoU, mean Dice."""

    nll: float
    miou: float
    dice: float


def predictor(network: nn.Module, device: torch.device | None = None) -> Predictor:
    """Probabilities by PyTorch in float32."""
    device = device or torch.device("cpu")

    def predict(images: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            tensor = torch.from_numpy(images).contiguous(memory_format=torch.channels_last).to(device)
            return network(tensor).softmax(dim=1).cpu().numpy()

    return predict


def mapper(recipe: Recipe, network: Network, fill: Sequence[float], device: torch.device | None = None) -> Mapper:
    """The network of a run, ready to map chips. Its margin is not measured yet: that of the engine's default."""
    window = Window(size=1024, multiple=network.multiple, minimum=2 * network.multiple, margin=96)
    return Mapper(predictor(network, device), recipe.inputs, tuple(fill), window)


def validate(
    recipe: Recipe,
    network: Network,
    fill: Sequence[float],
    checks: Mapping[str, Sequence[Chip]],
    seen: Sequence[Chip],
    device: torch.device,
) -> Validation:
    """Map every held-out chip and a few of the training chips `seen`; none where all learn from soft labels alone."""
    network.eval()
    maps = mapper(recipe, network, fill, device)
    scores, lines, fits = [], [], []
    worst: tuple[int, ...] = ()
    for name, chips, check, shown in _looked_at(recipe, checks):
        counts, nll = _mapped(replace(maps, shown=shown), chips)
        lines.append(f"{line(name, counts)} nll {nll:.3f}")
        if not check.counts:
            continue
        result, fit = accuracy(counts), _fit(counts, nll)
        scores.append(fit.miou if recipe.run.score == "miou" else 0.5 * (fit.miou + result.overall))
        fits.append(fit)
        if not worst and chips[0].sure:
            ious = [2.0 if c.iou is None or not c.reference else c.iou for c in result.classes]
            worst = tuple(int(i) for i in np.argsort(ious))
    held_out = Fit(*(float(np.mean([getattr(f, k) for f in fits] or [np.nan])) for k in ("nll", "miou", "dice")))
    score = float(np.mean(scores)) if scores else float("nan")
    nan = float("nan")
    return Validation(score, lines, held_out, _fit(*_mapped(maps, seen)) if seen else Fit(nan, nan, nan), worst)


def _looked_at(
    recipe: Recipe, checks: Mapping[str, Sequence[Chip]]
) -> Iterator[tuple[str, Sequence[Chip], Check, tuple[str, ...]]]:
    """Each check with each pattern of bands that its chips can show, and a name for both."""
    for (name, chips), check in zip(checks.items(), recipe.checks, strict=True):
        for shown in recipe.inputs.patterns_of(recipe.inputs.bands_of(chips[0].present)):
            yield f"{name} {'+'.join(shown)}" if recipe.inputs.optional else name, chips, check, shown


def _mapped(maps: Mapper, chips: Sequence[Chip]) -> tuple[Counts, float]:
    """Confusion matrix of all chips of a set, and the mean -log of the probability of what the labels allow."""
    groups, logs, pixels = groups_of(chips), 0.0, 0
    counts: Counts = np.zeros((), np.int64)
    for chip in chips:
        shares = maps.shares(chip)
        counts = counts + chip_matrix(shares, chip, groups)
        known = (chip.labels > 0) & chip.valid
        right = (shares[:, known] * chip.allowed[chip.labels[known]].T).sum(axis=0)
        logs -= float(np.log(np.maximum(right, 1e-7)).sum())
        pixels += int(known.sum())
    return counts, logs / max(pixels, 1)


def fit(recipe: Recipe, network: Network, fill: Sequence[float], chips: Sequence[Chip], device: torch.device) -> Fit:
    """How well the labels of some chips of one set are met."""
    network.eval()
    return _fit(*_mapped(mapper(recipe, network, fill, device), chips))


def _fit(counts: Counts, nll: float) -> Fit:
    return Fit(nll, reference_miou(counts), reference_dice(counts))


def spread_chips(chips: Sequence[Chip], count: int = 12) -> list[Chip]:
    """Some labelled chips, spread evenly: enough to see whether training and held-out scores part."""
    labelled = np.flatnonzero(facts_of(chips).labels[:, 1:].any(axis=1))
    at = np.unique(np.linspace(0, len(labelled) - 1, min(count, len(labelled))).round().astype(int))
    return [chips[int(labelled[i])] for i in at]
