# SPDX-License-Identifier: GPL-3.0-or-later
"""Are 80 % sure pixels right in 80 % of cases? One temperature, fitted on validation places."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lulc_plugin.errors import LulcError

from ..maps import Answers, Mapper, groups_of
from ..recipe import Recipe
from ..sets.chips import Chip

FloatArray = npt.NDArray[np.float32]

#: Temperatures that are tried.
LOWEST, HIGHEST, TRIED = 0.4, 3.0, 81
BINS = 15
_MOST = 200_000
_SMALLEST = 1e-7


@dataclass(frozen=True)
class Calibration:
    """The temperature by which logits are to be divided, and expected calibration error before and after, by set.

    Of a network with optional bands `temperature` is that of all bands, and `by_pattern` has `bands` and `temperature`
    of each pattern; sets are named with theirs.
    """

    temperature: float
    before: dict[str, float]
    after: dict[str, float]
    by_pattern: Sequence[Mapping[str, Any]] = ()

    def table(self) -> dict[str, Any]:
        """As `scores.json` keeps it."""
        table = {"temperature": self.temperature, "before": dict(self.before), "after": dict(self.after)}
        return {**table, "by_pattern": [dict(entry) for entry in self.by_pattern]} if self.by_pattern else table


@dataclass(frozen=True)
class Sampled:
    """Labelled pixels of one set.

    Attributes:
        name: of the set.
        logs: `(pixels, classes)` log-probabilities at temperature 1; they serve as logits, from which they differ by a
            number a pixel that the softmax takes away.
        may_be: `(pixels, classes)`: what the label allows.
        groups: `(classes,)` number of the counted value that a class belongs to.
    """

    name: str
    logs: FloatArray
    may_be: npt.NDArray[np.bool_]
    groups: npt.NDArray[np.intp]

    def shares(self, temperature: float) -> FloatArray:
        """Probabilities `(pixels, classes)` at a temperature."""
        scaled = self.logs / np.float32(temperature)
        grown = np.exp(scaled - scaled.max(axis=1, keepdims=True))
        return grown / grown.sum(axis=1, keepdims=True)

    def counted(self, temperature: float) -> FloatArray:
        """Probabilities `(pixels, values)` of the counted values: coarse labels sum those of their classes."""
        return self.shares(temperature) @ self.member.astype(np.float32)

    @property
    def member(self) -> npt.NDArray[np.bool_]:
        """`(classes, values)`: which classes a counted value has."""
        return self.groups[:, None] == np.arange(int(self.groups.max()) + 1)


def sampled(name: str, answers: Answers, chips: Sequence[Chip], most: int = _MOST, seed: int = 0) -> Sampled:
    """At most `most` labelled pixels of the chips of one set, drawn evenly with a seed.

    Raises:
        LulcError: no pixel is labelled.
    """
    rng = np.random.default_rng(seed)
    known = [(c.labels > 0) & c.valid for c in chips]
    total = sum(int(k.sum()) for k in known)
    if not total:
        raise LulcError(f"{name} has no labelled pixel to calibrate on.")
    groups, logs, codes = groups_of(chips), [], []
    for chip, where in zip(chips, known, strict=True):
        at = np.flatnonzero(where)
        if total > most:
            at = at[rng.random(at.size) < most / total]
        if not at.size:
            continue
        shares = answers.shares(chip).reshape(chip.allowed.shape[1], -1)[:, at].T
        logs.append(np.log(np.maximum(shares, _SMALLEST)).astype(np.float32))
        codes.append(chip.labels.ravel()[at])
    code = np.concatenate(codes)
    place = np.zeros(256, np.intp)
    place[list(groups.values)] = np.arange(len(groups.values))
    return Sampled(name, np.concatenate(logs), chips[0].allowed[code], place[groups.of_class])


def nll(item: Sampled, temperature: float) -> float:
    """Mean -log of the probability given to what the labels allow."""
    allowed = np.where(item.may_be, item.shares(temperature), 0).sum(axis=1)
    return float(-np.log(np.maximum(allowed, _SMALLEST)).mean())


def reliability(
    item: Sampled, temperature: float, bins: int = BINS
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Mean confidence, share of right pixels (NaN in an empty bin) and pixels, of equal bins of confidence.

    Confidence is the probability of the most likely counted value.
    """
    counted = item.counted(temperature)
    best = counted.argmax(axis=1)
    confidence = counted[np.arange(len(best)), best].astype(np.float64)
    met = (item.member.T[best] <= item.may_be).all(axis=1)
    at = np.minimum((confidence * bins).astype(int), bins - 1)
    count = np.bincount(at, minlength=bins)
    with np.errstate(invalid="ignore"):
        mean = np.bincount(at, confidence, bins) / count
        right = np.bincount(at, met, bins) / count
    return mean, right, count


def expected_error(item: Sampled, temperature: float, bins: int = BINS) -> float:
    """Expected calibration error: mean gap between confidence and share of right pixels (Guo et al. 2017)."""
    mean, right, count = reliability(item, temperature, bins)
    there = count > 0
    return float((np.abs(mean - right)[there] * count[there]).sum() / count.sum())


def calibrate(items: Sequence[Sampled]) -> Calibration:
    """The temperature with the smallest mean NLL over the sets, each counting alike.

    Raises:
        LulcError: there is no set.
    """
    if not items:
        raise LulcError(
            "There is no validation set to calibrate on.",
            "Give the recipe a [[check]] that counts and has labels, or export with --temperature 1.",
        )
    tried = np.exp(np.linspace(np.log(LOWEST), np.log(HIGHEST), TRIED))
    low, high = 0, TRIED - 1
    costs: dict[int, float] = {}

    def cost(k: int) -> float:
        if k not in costs:
            costs[k] = float(np.mean([nll(item, float(tried[k])) for item in items]))
        return costs[k]

    # the cost falls to its smallest value and rises again, so a third of the range can be dropped at a time
    while high - low > 2:
        third = max(1, (high - low) // 3)
        if cost(low + third) <= cost(high - third):
            high -= third
        else:
            low += third
    best = round(float(tried[min(range(low, high + 1), key=cost)]), 3)
    return Calibration(
        best,
        {i.name: expected_error(i, 1.0) for i in items},
        {i.name: expected_error(i, best) for i in items},
    )


def of_checks(answers: Answers, recipe: Recipe, root: Path, cache: Path) -> Calibration:
    """The calibration on the held-out splits that choose in a recipe, whose labels are no teacher's.

    Args:
        answers: the network, with logits as they are (temperature 1).
        recipe: its recipe.
        root: folder of the data sets.
        cache: folder of teachers' answers.

    Raises:
        LulcError: no such split, or a set cannot be read.
    """
    return calibrate([sampled(name, answers, chips) for name, chips in checks(recipe, root, cache).items()])


def of_patterns(answers: Mapper, recipe: Recipe, root: Path, cache: Path) -> Calibration:
    """A calibration for each pattern of a network with optional bands, as `of_checks`, on the sets that have its bands.

    A pattern that no such set can show has the temperature of the next smaller one.

    Raises:
        LulcError: no set can show the smallest, or a set cannot be read.
    """
    sets = checks(recipe, root, cache)
    found: list[Calibration] = []
    for pattern in recipe.inputs.patterns:
        seen = replace(answers, shown=pattern)
        fitting = {
            name: chips
            for name, chips in sets.items()
            if pattern in recipe.inputs.patterns_of(recipe.inputs.bands_of(chips[0].present))
        }
        items = [sampled(f"{name} {'+'.join(pattern)}", seen, chips) for name, chips in fitting.items()]
        found.append(calibrate(items) if items or not found else Calibration(found[-1].temperature, {}, {}))
    return Calibration(
        found[-1].temperature,
        {name: error for one in found for name, error in one.before.items()},
        {name: error for one in found for name, error in one.after.items()},
        [
            {"bands": list(pattern), "temperature": one.temperature}
            for pattern, one in zip(recipe.inputs.patterns, found, strict=True)
        ],
    )


def checks(recipe: Recipe, root: Path, cache: Path) -> dict[str, Sequence[Chip]]:
    """`SET/SPLIT` → chips of the held-out splits that choose and have labels of their own.

    Raises:
        LulcError: a set cannot be read or may not choose.
    """
    from ..sets.description import describe
    from ..train.training_data import labelled

    chips_of: dict[str, Sequence[Chip]] = {}
    for check in recipe.checks:
        description = describe(root, check.set)
        if description.use != "train":
            raise LulcError(f"{check.set} is for {description.use} only; nothing may be chosen by it.")
        if check.counts and description.label_band:
            name = f"{check.set}/{'+'.join(check.splits)}"
            chips_of[name] = labelled(recipe, description, check.splits, (), root, cache)
    return chips_of
