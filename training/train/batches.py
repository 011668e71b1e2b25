# SPDX-License-Identifier: GPL-3.0-or-later
"""Batches: number k is a function of seed and k alone, so that a stopped run goes on as if it had not stopped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import reduce

import numpy as np
import numpy.typing as npt
import torch

from lulc_plugin.errors import LulcError

from ..augment.geometry import mosaic
from ..augment.samples import Sample, mixed, sample
from ..losses.target import Target, class_weights
from ..recipe import DataPart, Recipe
from ..sets.chip_files import facts_of, places_of
from ..sets.chips import Chip
from .consistent import Consistent

#: Training chips of a set that enter the means of the channels, about.
_MOST_MEANS = 4000


def channel_means(recipe: Recipe, parts: Sequence[Sequence[Chip]]) -> list[float]:
    """Mean of each channel in network units over training chips, of reflectance if there are any: the fill.

    Invalid pixels do not count.
    """
    whole = [part for part in parts if all(part[0].present)]
    chosen = [part for part in whole if not part[0].picture] or whole or list(parts)
    chips = (part[i] for part in chosen for i in range(0, len(part), 1 + len(part) // _MOST_MEANS))
    zeros = [0.0] * len(recipe.inputs.channels)
    means = [recipe.inputs.of(c.values, c.band_valid, c.picture, zeros)[:, c.valid].mean(axis=1) for c in chips]
    return [round(float(v), 3) for v in np.mean(means, axis=0)]


def fitting(recipe: Recipe, multiple: int) -> None:
    """Refuse samples that a network cannot take, whose inputs are multiples of `multiple` pixels wide.

    Raises:
        LulcError: another size, or one sample that is one pixel at the network's coarsest level, where batch
            normalisation then has nothing to take a mean of.
    """
    run = recipe.run
    batches = [("size", run.size, sum(part.samples for part in recipe.data))]
    if run.large_every:
        batches.append(("large", run.large, sum(run.of_large(part.samples) for part in recipe.data)))
    for key, size, count in batches:
        if size % multiple:
            raise LulcError(
                f"[run] {key} is {size}; this network takes multiples of {multiple} pixels.",
                f"Give {max(1, round(size / multiple)) * multiple}.",
            )
        if count < 2 and size == multiple:
            raise LulcError(
                f"[run] {key} is {size}, and a batch has one sample: too little for this network.",
                f"Raise samples in [[data]], or give {key} = {2 * multiple}.",
            )


def code_shares(chips: Sequence[Chip]) -> npt.NDArray[np.float64]:
    """Share of each label code among the labelled pixels; code 0 has none."""
    return facts_of(chips).shares


def chances(chips: Sequence[Chip], power: float) -> npt.NDArray[np.float64]:
    """Probability of drawing each chip: the mean weight of its labelled pixels, rare labels weighing more.

    Raises:
        LulcError: `power` is not 0, and there is no label to weigh.
    """
    if not power:
        return np.full(len(chips), 1 / len(chips))
    labels = facts_of(chips).labels.astype(float)
    if not labels[:, 1:].any():
        raise LulcError(f"{chips[0].source} has no labels, but its rarity is {power}.", "Leave rarity out there.")
    shares = torch.from_numpy(code_shares(chips))
    weights = np.zeros(len(shares))
    used = np.flatnonzero(shares.numpy() > 0)
    weights[used] = class_weights(shares[used], power, 12.0).numpy()
    rarities = []
    for counts in labels:
        size, counts[0] = counts.sum(), 0
        total = counts.sum()
        # a chip with hardly any label is seen now and then for what a teacher says of it
        rarities.append(float((counts * weights).sum() / total) if total > 0.02 * size else 0.05)
    return np.array(rarities) / np.sum(rarities)


#: A pixel whose shares add up to less is one that the second head's teachers do not believe, or that is hidden.
_BELIEVED = 0.5


class Batches:
    """Makes batches of a run."""

    @property
    def asked_bands(self) -> frozenset[str]:
        """Bands that the networks of [consistent] see."""
        return frozenset() if self._consistent is None else self._consistent.bands

    def __init__(self, recipe: Recipe, parts: Sequence[Sequence[Chip]], fill: Sequence[float]) -> None:
        self._recipe, self._parts, self._fill = recipe, parts, fill
        self._consistent = Consistent(recipe) if recipe.consistent is not None else None
        odds = recipe.run.pattern_odds or (1.0,) * len(recipe.inputs.patterns)
        self._odds = dict(zip(recipe.inputs.patterns, odds, strict=True))
        self._chances = [chances(p, part.rarity) for p, part in zip(parts, recipe.data, strict=True)]

    def __call__(self, number: int) -> list[list[Sample]]:
        """Samples of each part for step `number`."""
        run = self._recipe.run
        rng = np.random.default_rng((run.seed, number))
        large = bool(run.large_every) and number % run.large_every == run.large_every - 1
        return [
            self._drawn(part, chips, odds, large, rng)
            for part, chips, odds in zip(self._recipe.data, self._parts, self._chances, strict=True)
        ]

    def _drawn(
        self,
        part: DataPart,
        chips: Sequence[Chip],
        odds: npt.NDArray[np.float64],
        large: bool,
        rng: np.random.Generator,
    ) -> list[Sample]:
        run = self._recipe.run
        size, count = run.size, part.samples
        if large:
            # windows in which a pixel sees no border
            size, count = run.large, run.of_large(part.samples)
        numbers = [int(i) for i in rng.choice(len(chips), count, p=odds)]
        picked = [chips[i] for i in numbers]
        if large and len(chips) > 3:
            picked = [
                c if min(c.valid.shape) >= size else self._amid(i, c, chips, odds, rng)
                for i, c in zip(numbers, picked, strict=True)
            ]
        made = [sample(c, size, self._recipe.inputs, self._fill, part.augment, rng) for c in picked]
        made = mixed(made, part.augment.cutmix, rng)
        if self._consistent is not None:
            made = self._consistent.ask(made, [chip.present for chip in picked])
        return [self._shown(one, chip, rng) for one, chip in zip(made, picked, strict=True)]

    def _shown(self, one: Sample, chip: Chip, rng: np.random.Generator) -> Sample:
        """The sample as a layer of one of the patterns would show it."""
        inputs = self._recipe.inputs
        if not inputs.optional:
            return one
        patterns = inputs.patterns_of(inputs.bands_of(chip.present))
        odds = np.array([self._odds[p] for p in patterns])
        pattern = patterns[rng.choice(len(patterns), p=odds / odds.sum())]
        return replace(one, image=inputs.show(one.image, pattern), shown=pattern)

    def _amid(
        self, number: int, chip: Chip, chips: Sequence[Chip], odds: npt.NDArray[np.float64], rng: np.random.Generator
    ) -> Chip:
        """The chip of this number beside three others, half of them of its own place where that has as many."""
        near = [i for i, place in enumerate(places_of(chips)) if place == chip.place and i != number]
        if rng.random() < 0.5 and len(near) >= 3:
            return mosaic([chip, *(chips[near[i]] for i in rng.choice(len(near), 3, replace=False))], rng)
        return mosaic([chip, *(chips[i] for i in rng.choice(len(chips), 3, p=odds))], rng)


class Targets:
    """Turns the samples of a part into what its loss wants."""

    def __init__(self, parts: Sequence[Sequence[Chip]], device: torch.device) -> None:
        self._device, self._classes = device, parts[0][0].allowed.shape[1]
        self._allowed = [torch.from_numpy(chips[0].allowed).to(device) for chips in parts]
        self._shares = [torch.from_numpy(code_shares(chips)).to(device) for chips in parts]
        self._soft_shares = [_soft_shares(chips) for chips in parts]

    def of(self, part: int, samples: Sequence[Sample], worst: Sequence[int]) -> Target:
        """Targets of the samples of part number `part`."""
        soft = known = None
        taught = [s.soft for s in samples if s.soft is not None]
        if len(taught) == len(samples):
            soft = torch.from_numpy(np.stack(taught)).to(self._device)
            known = torch.from_numpy(np.stack([s.known for s in samples])).to(self._device)
        labels = torch.from_numpy(np.stack([s.labels for s in samples])).to(self._device)
        shares = self._soft_shares[part]
        if soft is not None and shares is not None:
            soft, shares = soft[:, : self._classes], shares[: self._classes]
        return Target(labels, self._allowed[part], self._shares[part], soft, known, shares, worst)

    def second(self, part: int, samples: Sequence[Sample]) -> Target | None:
        """Targets of the second head, what its teachers say in the channels behind those of the legend; else None."""
        shares = self._soft_shares[part]
        if shares is None or len(shares) == self._classes:
            return None
        soft = np.stack([s.soft[self._classes :] for s in samples if s.soft is not None])
        taught = torch.from_numpy(soft).to(self._device)
        none = torch.zeros((1, soft.shape[1]), dtype=torch.bool)
        return Target(
            labels=torch.zeros(taught[:, 0].shape, dtype=torch.uint8),
            allowed=none,
            shares=torch.zeros(1),
            soft=taught,
            known=taught.sum(dim=1) > _BELIEVED,
            soft_shares=shares[self._classes :],
        )


def _soft_shares(chips: Sequence[Chip]) -> torch.Tensor | None:
    if not facts_of(chips).taught:
        return None
    taught = ((c.soft, c.known) for c in chips if c.soft is not None and c.known is not None)
    sums = reduce(np.add, (soft[:, known].sum(axis=1, dtype=np.float64) for soft, known in taught))
    return torch.from_numpy(sums / max(sums.sum(), 1e-9))


def images_of(samples: Sequence[Sequence[Sample]]) -> torch.Tensor:
    """All images of a batch, `(n, channels, rows, cols)` in channels_last."""
    stack = torch.from_numpy(np.stack([s.image for part in samples for s in part]))
    return stack.contiguous(memory_format=torch.channels_last)
