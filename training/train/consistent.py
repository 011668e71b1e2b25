# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks that are asked about each sample as it is after all changes: the student learns to answer as they do.

Beyer et al. 2022, Knowledge distillation: a good teacher is patient and consistent (CVPR). Labels of a few places are
soon known by heart; what a network makes of ever new changes of them is not.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from lulc_plugin.errors import LulcError

from ..augment.samples import Sample
from ..inputs import BANDS, BRIGHTEST
from ..recipe import Recipe
from ..teachers.class_mapping import class_map
from ..teachers.teacher import Teacher
from ..teachers.teacher_settings import parse

FloatArray = npt.NDArray[np.float32]


class Consistent:
    """The networks of a recipe's table [consistent].

    Raises:
        LulcError: one of them needs a band that the recipe's network never sees, or cannot be opened.
    """

    def __init__(self, recipe: Recipe, threads: int = 1) -> None:
        self._names = recipe.inputs.names
        self._reflectance = np.array([BANDS[n].divisor * BRIGHTEST / 2 for n in self._names], np.float32)[:, None, None]
        settings = [s for name in recipe.consistent_teachers for s in parse(recipe.teachers[name], recipe.folder)]
        self._teachers = [Teacher(s.file, threads) for s in settings]
        self._weights = [s.weight for s in settings]
        legend = recipe.legend.names
        self._maps = [
            class_map(t.classes, s.classes, legend, 0.0) for t, s in zip(self._teachers, settings, strict=True)
        ]
        for teacher in self._teachers:
            lacking = [n for n in teacher.bands if n not in self._names]
            if lacking:
                raise LulcError(f"[consistent]: {teacher.spec.name} needs the band {lacking[0]}.", "Name another.")

    @property
    def bands(self) -> frozenset[str]:
        """All bands that any of the networks sees."""
        return frozenset(name for teacher in self._teachers for name in teacher.bands)

    def ask(self, samples: Sequence[Sample], present: Sequence[Sequence[bool]]) -> list[Sample]:
        """The samples with what the networks say of them; those that lack a band as they are.

        Args:
            samples: of one size, with all bands that their set has.
            present: which these are, for each sample.
        """
        needed = [self._names.index(name) for name in self.bands]
        at = [i for i, there in enumerate(present) if all(there[n] for n in needed)]
        out = list(samples)
        if not at:
            return out
        values = [np.maximum(samples[i].image + 1, 0) * self._reflectance for i in at]
        total = np.zeros((len(at), self._maps[0].count, *samples[0].labels.shape), np.float32)
        for teacher, weight, classes in zip(self._teachers, self._weights, self._maps, strict=True):
            for k, shares in enumerate(teacher.on_reflectance(values, self._names)):
                total[k] += np.float32(weight / sum(self._weights)) * classes.student(shares)[0]
        for k, i in enumerate(at):
            out[i] = replace(out[i], asked=total[k])
        return out


def consistent_loss(scores: Tensor, samples: Sequence[Sample], seen: Collection[str], beyond: float) -> Tensor:
    """Cross-entropy against the networks' shares, mean over samples that they were asked about.

    Args:
        scores: `(n, classes, rows, cols)` of the samples in order.
        samples: with the answers.
        seen: optional bands that the networks see.
        beyond: weight of samples that show further bands.
    """
    at = [i for i, one in enumerate(samples) if one.asked is not None]
    if not at:
        return scores.sum() * 0
    soft = torch.from_numpy(np.stack([samples[i].asked for i in at])).to(scores.device)  # type: ignore[misc]
    weight = torch.tensor([1.0 if set(samples[i].shown) <= set(seen) else beyond for i in at], device=scores.device)
    entropy = -(soft * functional.log_softmax(scores[at], dim=1)).sum(dim=1).mean(dim=(1, 2))
    return (entropy * weight).sum() / len(at)
