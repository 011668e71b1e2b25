# SPDX-License-Identifier: GPL-3.0-or-later
"""The chips of a run: what trains and what is checked, with teachers' answers where the recipe asks for them."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lulc_plugin.errors import LulcError
from lulc_plugin.raster import value_kind

from ..recipe import Recipe, Second
from ..sets.chip_files import ChipFiles, facts_of, places_of
from ..sets.chips import Chip, fingerprint, images, load, rows_of
from ..sets.description import SetDescription, describe
from ..teachers.cache import Soft, soft_labels
from ..teachers.panel import Panel
from ..teachers.teacher_settings import TeacherSettings, parse


@dataclass
class TrainingData:
    """Chips of each `[[data]]` and of each `[[check]]`, in the order of the recipe."""

    training: list[Sequence[Chip]]
    checks: dict[str, Sequence[Chip]]

    @property
    def fingerprint(self) -> str:
        """What a run is trained on and checked with."""
        return fingerprint(c for chips in [*self.training, *self.checks.values()] for c in chips)


def load_training_data(recipe: Recipe, root: Path, cache: Path) -> TrainingData:
    """Load everything a run needs.

    Args:
        recipe: the run.
        root: folder of the data sets.
        cache: folder of teachers' answers.

    Raises:
        LulcError: a set is missing, may not be trained on, lacks bands or labels, or a place is in two splits.
    """
    training: list[Sequence[Chip]] = []
    for part in recipe.data:
        description = describe(root, part.set)
        if description.use != "train":
            raise LulcError(f"{part.set} is for {description.use} only; nothing may train on it.")
        missing = [b for b in recipe.inputs.needed if b not in description.bands]
        if missing and part.missing == "refuse":
            raise LulcError(f"{part.set} has no band {', '.join(missing)}.", _without(recipe, missing, root))
        chips = labelled(recipe, description, part.splits, part.teacher, root, cache)
        if part.second and recipe.second is not None:
            chips = with_second(recipe, recipe.second, description, chips, part.splits, cache)
        if part.sparse:
            chips = _sparse_chips(chips, part.sparse, recipe.run.seed)
        if not (facts_of(chips).labels[:, 1:].any() or facts_of(chips).taught):
            raise LulcError(f"{part.set} has no labelled pixel and no teacher.")
        training.append(chips)
    checks: dict[str, Sequence[Chip]] = {}
    for check in recipe.checks:
        description = describe(root, check.set)
        if description.use != "train":
            raise LulcError(f"{check.set} is for {description.use} only; nothing may be chosen by it.")
        name = f"{check.set} {'+'.join(check.splits)}"
        checks[name] = labelled(recipe, description, check.splits, check.teacher, root, cache)
        if not facts_of(checks[name]).labels[:, 1:].any():
            raise LulcError(f"[[check]] {name} has no labelled pixel.", "Name a set with labels, or a teacher for it.")
    _apart(training, checks)
    _warn_of_absent(recipe, training, checks)
    return TrainingData(training, checks)


def _without(recipe: Recipe, missing: Sequence[str], root: Path) -> str:
    """What helps where a set lacks bands: filling them only where another set of the recipe has them."""
    sets = [describe(root, part.set) for part in recipe.data]
    if any(band in one.bands for one in sets for band in missing):
        return 'Say missing = "fill" in its [[data]] to train without it.'
    shared = [band for band in recipe.inputs.names if all(band in one.bands for one in sets)]
    shared += [band for band in sets[0].bands if band not in shared and all(band in one.bands for one in sets)]
    spare = [c.name for c in recipe.inputs.channels if c.name not in recipe.inputs.names]
    indices = f", without the indices ({', '.join(spare)}) that they lack bands for" if spare else ""
    return f"Write [input] bands = {json.dumps(shared)}, which every set of the recipe has{indices}."


def labelled(
    recipe: Recipe,
    description: SetDescription,
    splits: Sequence[str],
    teachers: Sequence[str],
    root: Path,
    cache: Path,
) -> ChipFiles:
    """Chips of some splits, with the mean answer of the teachers named; without labels, those of the teachers.

    Images without a valid pixel are left out.

    Raises:
        LulcError: as `sets.chips.load`, no image has a valid pixel, or a teacher cannot be used.
    """
    chips = load(description, splits, recipe.inputs.names, recipe.legend.names)
    there = np.flatnonzero(chips.facts.valid)
    if not there.size:
        raise LulcError(f"No image of {description.name} {'+'.join(splits)} has a valid pixel.")
    if not teachers:
        return chips.chosen(there.tolist())
    answers = _answers(recipe, description, splits, teachers, recipe.legend.names, cache)

    def taught(number: int, chip: Chip) -> Chip:
        shares, known = answers[number]
        chip.soft, chip.known = shares, known & chip.valid
        if not description.label_band:
            chip.labels = np.where(chip.known, shares.argmax(axis=0) + 1, 0).astype(np.uint8)
        return chip

    return chips.changed(taught).chosen(there.tolist())


def _warn_of_absent(recipe: Recipe, training: Sequence[Sequence[Chip]], checks: Mapping[str, Sequence[Chip]]) -> None:
    """Warn of classes that no training pixel may be, and of those that a check does not look at."""
    seen = {name: _class_pixels(chips) for name, chips in checks.items()}
    learnt = np.sum([_class_pixels(chips) for chips in training], axis=0)
    for i, name in enumerate(recipe.legend.names):
        if not learnt[i] and not any(facts_of(chips).taught for chips in training):
            warnings.warn(f"No training pixel is {name}: the network cannot learn it.", stacklevel=3)
        elif learnt[i]:
            for check, counts in seen.items():
                if not counts[i]:
                    share = learnt[i] / learnt.sum()
                    warnings.warn(f"[[check]] {check} has no {name}, {share:.1%} of the training pixels.", stacklevel=3)


def _class_pixels(chips: Sequence[Chip]) -> npt.NDArray[np.int64]:
    """Pixels that may be of each class."""
    return facts_of(chips).labels.sum(axis=0) @ chips[0].allowed.astype(np.int64)


def _answers(
    recipe: Recipe,
    description: SetDescription,
    splits: Sequence[str],
    teachers: Sequence[str],
    names: Sequence[str],
    cache: Path,
) -> list[Soft]:
    """What the teachers named say of each image of some splits, in the classes `names`."""
    settings: list[TeacherSettings] = []
    for name in teachers:
        settings += parse(recipe.teachers[name], recipe.folder)
    kind = value_kind.PICTURE if description.picture else value_kind.REFLECTANCE
    rows = (
        (row, dict(zip(description.bands, values, strict=True)), valid)
        for row, values, valid in images(description, splits, description.bands)
    )
    return soft_labels(description.name, rows, Panel(settings, names), cache, kind=kind, level=description.level)


def with_second(
    recipe: Recipe, second: Second, description: SetDescription, chips: ChipFiles, splits: Sequence[str], cache: Path
) -> ChipFiles:
    """The chips with what the second head's teachers say, behind the shares of the legend; 0 where not believed.

    Raises:
        LulcError: the set has no teacher of its own, or the second head's cannot be used.
    """
    if not chips.facts.taught:
        raise LulcError(f"[[data]] {description.name} says second = true, but has no teacher.", "Name one there.")
    answers = _answers(recipe, description, splits, second.teacher, second.classes, cache)
    rows = (row["file"] for row in rows_of(description) if row["split"] in splits)
    by_name = dict(zip(rows, answers, strict=True))

    def taught(_: int, chip: Chip) -> Chip:
        shares, known = by_name[chip.name]
        if chip.soft is not None:
            chip.soft = np.concatenate([chip.soft, shares * known])
        return chip

    return chips.changed(taught)


def _sparse_chips(chips: ChipFiles, count: int, seed: int) -> ChipFiles:
    return chips.changed(lambda _, chip: sparse(chip, count, seed))


def sparse(chip: Chip, count: int, seed: int) -> Chip:
    """The chip with `count` random labelled pixels left; which ones depends on the seed and the file alone."""
    rng = np.random.default_rng([seed, *chip.name.encode()])
    at = np.flatnonzero(chip.labels)
    keep = rng.choice(at, min(count, at.size), replace=False)
    labels = np.zeros_like(chip.labels)
    labels.ravel()[keep] = chip.labels.ravel()[keep]
    return replace(chip, labels=labels)


def _apart(training: Sequence[Sequence[Chip]], checks: Mapping[str, Sequence[Chip]]) -> None:
    trained = {(chips[0].source, place) for chips in training for place in places_of(chips)}
    for name, chips in checks.items():
        both = sorted({place for place in places_of(chips) if (chips[0].source, place) in trained})
        if both:
            raise LulcError(f"The place {both[0]} both trains and is checked in {name}.", "Split by place.")
