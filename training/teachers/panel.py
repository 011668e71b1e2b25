# SPDX-License-Identifier: GPL-3.0-or-later
"""One teacher or several: their answers become one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import cached_property, partial

import numpy as np
import numpy.typing as npt

from lulc_plugin.errors import LulcError
from lulc_plugin.raster import value_kind

from . import levels
from .class_mapping import ClassMap, class_map
from .teacher import Teacher, digest
from .teacher_settings import TeacherSettings

FloatArray = npt.NDArray[np.float32]
BoolArray = npt.NDArray[np.bool_]
#: Counts up when the same settings begin to give other answers.
_RULES = 1


class Panel:
    """Teachers of one legend. Networks are opened when they are first asked.

    Args:
        settings: one entry a teacher.
        legend: names of the student's classes, in the order of the shares.
        threads: CPU threads, 0 for all cores.
        device: `cpu`, `cuda`, `openvino` or `auto`.

    Raises:
        LulcError: no teacher.
    """

    def __init__(
        self,
        settings: TeacherSettings | Sequence[TeacherSettings],
        legend: Sequence[str],
        threads: int = 0,
        device: str = "cpu",
    ) -> None:
        self.settings = (settings,) if isinstance(settings, TeacherSettings) else tuple(settings)
        self.legend = tuple(legend)
        self._threads, self._device = threads, device
        if not self.settings:
            raise LulcError("No teacher was named.")

    @cached_property
    def teachers(self) -> tuple[Teacher, ...]:
        """The opened networks."""
        return tuple(Teacher(s.file, self._threads, self._device) for s in self.settings)

    @cached_property
    def _maps(self) -> tuple[ClassMap, ...]:
        return tuple(
            class_map(t.classes, s.classes, self.legend, s.least_sure) for t, s in zip(self.teachers, self.settings)
        )

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the user should not overlook, found so far."""
        return tuple(dict.fromkeys(text for t in self.teachers for text in t.warnings))

    def answer(
        self,
        bands: Mapping[str, FloatArray],
        valid: BoolArray,
        kind: str = value_kind.REFLECTANCE,
        level: str = "",
        layer: Mapping[str, FloatArray] | None = None,
    ) -> tuple[FloatArray, BoolArray]:
        """The student's shares on one image, and where they are believed.

        Several teachers: the mean, by their weights, of those that believe their own answer at a pixel; it is known
        where these have more than half of all weight.

        Args:
            bands: common name → `(rows, cols)`: reflectance 0..1, or a picture's stored numbers.
            valid: `(rows, cols)`.
            kind: `reflectance` or `picture`.
            level: processing level of the image, such as L2A.
            layer: see `Teacher.ask`.

        Returns:
            shares `(student's classes, rows, cols)` float32 and known `(rows, cols)`.

        Raises:
            LulcError: see `Teacher`, `class_map` and `levels.answer`.
        """
        answers = [
            levels.answer(partial(t.ask, kind=kind, layer=layer), m, s, self.legend, bands, valid, level)
            for t, m, s in zip(self.teachers, self._maps, self.settings)
        ]
        if len(answers) == 1:
            return answers[0]
        total = np.zeros_like(answers[0][0])
        weight = np.zeros(valid.shape, np.float32)
        for (shares, known), s in zip(answers, self.settings):
            total += np.float32(s.weight) * shares * known
            weight += np.float32(s.weight) * known
        half = 0.5 * sum(s.weight for s in self.settings)
        return total / np.maximum(weight, np.float32(1e-6)), weight > half

    @cached_property
    def fingerprint(self) -> str:
        """16 hexadecimal digits of everything that the answers depend on besides the image.

        Raises:
            LulcError: a network file is missing.
        """
        inputs = {"rules": _RULES, "legend": self.legend, "teachers": [_plain(s) for s in self.settings]}
        return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()[:16]


def _plain(settings: TeacherSettings) -> dict[str, object]:
    """Settings as plain values, the file as the digest of what is in it."""
    return {**asdict(settings), "file": digest(settings.file)}
