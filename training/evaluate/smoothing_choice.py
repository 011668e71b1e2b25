# SPDX-License-Identifier: GPL-3.0-or-later
"""Which smoothing suits a network: all of a grid are tried on the splits by which its recipe chooses.

Taken is the one with the largest mean gain of mean IoU over the sets, if it gains more than noise, among those with
which no set loses mean IoU or overall accuracy or gets far more salt and pepper, and no class of a set loses much:
small built-up places must not vanish for the sake of fields. Networks for the same imagery share one, so that more
maps speak for it.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Protocol, cast

import numpy as np
import numpy.typing as npt

from lulc_plugin.assess import accuracy
from lulc_plugin.classify import smooth
from lulc_plugin.errors import LulcError
from lulc_plugin.model import Smoothing

from ..inputs import complete_smoothing
from ..maps import Answers, Counts, class_matrix, groups_of, reference_miou
from ..recipe import Recipe
from ..sets.chips import Chip
from ..sets.description import describe
from .evaluated_networks import Subject, without_smoothing
from .held_out import Part, chips_of
from .map_shape import shape_of

FloatArray = npt.NDArray[np.float32]
RADII, EPS, WEIGHTS = (4, 8, 16, 24), (0.03, 0.1, 0.3), (0.0, 0.25, 0.5, 1.0)
#: IoU that a class of a set may lose.
MOST_LOST = 0.02
#: So many times as many small patches as without smoothing a set may get.
MOST_PATCHES = 2.0
#: A smaller mean gain of mean IoU is not worth the time that smoothing takes.
LEAST_GAIN = 0.002


class Guided(Answers, Protocol):
    """A network that tells what smoothing of its maps follows."""

    def guide(self, names: Sequence[str], chip: Chip) -> FloatArray:
        """As `Mapper.guide`."""


@dataclass(frozen=True)
class Trial:
    """One set mapped by one network with one smoothing, or with None.

    `key` names network and set; `iou` has None for classes that map and reference lack; `shape` is `MapShape.table`.
    """

    key: str
    smoothing: Smoothing | None
    overall: float
    miou: float
    iou: tuple[float | None, ...]
    shape: dict[str, float | None]


def choose(networks: Sequence[Subject], recipe: Recipe, root: Path, cache: Path, folder: Path) -> Path:
    """Try all smoothings, print the one to take, and write the table `smoothing.csv` into `folder`.

    Args:
        networks: with the same bands and classes.
        recipe: its checks are looked at.
        root: folder of the data sets.
        cache: folder of teachers' answers.
        folder: of the table.

    Raises:
        LulcError: the recipe has no check, a set is missing or may not choose, or the networks differ.
    """
    first, trials = networks[0], []
    for other in networks[1:]:
        if other.bands != first.bands or other.legend.names != first.legend.names:
            raise LulcError(f"{first.name} and {other.name} differ in bands or classes.", "Choose for them one by one.")
    bands = complete_smoothing(Smoothing(1), first.bands).bands
    for part in parts_of(recipe, root):
        chips = chips_of(part, first.bands, first.legend, recipe, root, cache)
        for bare in map(without_smoothing, networks):
            if bare.takes(part.description.picture):
                trials += tried(cast(Guided, bare.answers), f"{bare.name} {part.key}", chips, bands)
                print(f"{trials[-1].key}: mean IoU {trials[-1].miou:.3f} without smoothing", flush=True)
    folder.mkdir(parents=True, exist_ok=True)
    write(trials, folder / "smoothing.csv")
    print(words(best(trials)))
    return folder / "smoothing.csv"


def parts_of(recipe: Recipe, root: Path) -> list[Part]:
    """The splits by which a recipe chooses, those with a teacher's labels included.

    Raises:
        LulcError: there are none, or one may not choose.
    """
    parts = []
    for check in recipe.checks:
        description = describe(root, check.set)
        if description.use != "train":
            raise LulcError(f"{check.set} is for {description.use} only; nothing may be chosen by it.")
        own = () if description.label_band else check.teacher
        parts.append(Part(description, "+".join(check.splits), check.splits, own))
    if not parts:
        raise LulcError("The recipe has no [[check]] by which a smoothing could be chosen.")
    return parts


def tried(network: Guided, key: str, chips: Sequence[Chip], bands: Sequence[str]) -> list[Trial]:
    """One set with every smoothing, and last without."""
    shares = [network.shares(chip) for chip in chips]
    guides = [network.guide(bands, chip) for chip in chips]
    trials = []
    for radius, eps, weight in product(RADII, EPS, WEIGHTS):
        smoothing = complete_smoothing(Smoothing(radius, eps, tuple(bands), weight), bands)
        done = [smooth(s, g, c.valid, smoothing) for s, g, c in zip(shares, guides, chips, strict=True)]
        trials.append(_trial(key, smoothing, done, chips))
    return [*trials, _trial(key, None, shares, chips)]


def _trial(key: str, smoothing: Smoothing | None, shares: Sequence[FloatArray], chips: Sequence[Chip]) -> Trial:
    groups = groups_of(chips)
    maps = [s.argmax(axis=0).astype(np.uint8) for s in shares]
    counts: Counts = np.sum([class_matrix(m, c, groups) for m, c in zip(maps, chips, strict=True)], axis=0)
    result = accuracy(counts)
    there = tuple(c.iou if c.reference else None for c in result.classes)
    shape = shape_of(maps, chips, groups).table()
    return Trial(key, smoothing, result.overall, reference_miou(counts), there, shape)


def best(trials: Sequence[Trial]) -> Smoothing | None:
    """The smoothing to take; None where each costs a set or a class too much, or nothing is gained."""
    without = {t.key: t for t in trials if t.smoothing is None}
    gains: dict[Smoothing, list[float]] = {}
    refused = set()
    for trial in trials:
        if trial.smoothing is None:
            continue
        before = without[trial.key]
        gains.setdefault(trial.smoothing, []).append(trial.miou - before.miou)
        lost = [b - a for b, a in zip(before.iou, trial.iou, strict=True) if b is not None and a is not None]
        worse = trial.miou < before.miou or trial.overall < before.overall
        if worse or max(lost, default=0.0) > MOST_LOST or _patches(trial) > MOST_PATCHES * _patches(before):
            refused.add(trial.smoothing)
    allowed = {s: float(np.mean(g)) for s, g in gains.items() if s not in refused}
    top = max(allowed, key=lambda s: allowed[s], default=None)
    return None if top is None or allowed[top] < LEAST_GAIN else top


def _patches(trial: Trial) -> float:
    return trial.shape["small_patches_km2"] or 0.0


def words(smoothing: Smoothing | None) -> str:
    """What to write into the recipe."""
    if smoothing is None:
        return "No smoothing: none of them gains enough without costing a set or a class too much."
    return f"[smoothing]\nradius = {smoothing.radius}\neps = {smoothing.eps:g}\nweight = {smoothing.weight:g}"


def write(trials: Sequence[Trial], path: Path) -> None:
    """Write all trials as CSV, one a line."""
    width = max(len(t.iou) for t in trials)
    with open(path, "w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle)
        figures = ("OA", "mIoU", "boundary F1", "small patches per km2")
        writer.writerow(("set", "radius", "eps", "weight", *figures, *(f"IoU {i + 1}" for i in range(width))))
        for t in trials:
            how = ("none", "", "") if t.smoothing is None else (t.smoothing.radius, t.smoothing.eps, t.smoothing.weight)
            numbers = (t.overall, t.miou, t.shape["boundary_f1"], t.shape["small_patches_km2"], *t.iou)
            writer.writerow((t.key, *how, *("" if n is None else round(n, 5) for n in numbers)))
