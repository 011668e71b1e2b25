# SPDX-License-Identifier: GPL-3.0-or-later
"""A teacher's classes become the student's: shares of one class add up, what has no place is left out where it wins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lulc_plugin.errors import LulcError

FloatArray = npt.NDArray[np.float32]
BoolArray = npt.NDArray[np.bool_]
_LEAST_SUM = 1e-6


@dataclass(frozen=True)
class ClassMap:
    """Which class of the student each class of the teacher is.

    Attributes:
        targets: one entry a teacher's class: index among the student's classes, -1 where it has no place there.
        count: number of the student's classes.
        least_sure: smallest share of the teacher's most likely class with which a pixel is believed.
    """

    targets: tuple[int, ...]
    count: int
    least_sure: float

    def student(self, shares: FloatArray) -> tuple[FloatArray, BoolArray]:
        """The student's shares and where they are believed.

        A pixel is left out where the teacher is unsure or where a class without a place wins. Otherwise the shares of
        such classes are dropped and the rest sums to 1 again.

        Args:
            shares: `(teacher's classes, rows, cols)`.

        Returns:
            shares `(student's classes, rows, cols)` float32 and known `(rows, cols)`.
        """
        out = np.zeros((self.count, *shares.shape[1:]), np.float32)
        for source, target in enumerate(self.targets):
            if target >= 0:
                out[target] += shares[source]
        wins = np.array(self.targets)[shares.argmax(axis=0)] >= 0
        known = wins & (shares.max(axis=0) >= self.least_sure)
        return out / np.maximum(out.sum(axis=0), np.float32(_LEAST_SUM)), known


def class_map(
    teachers: Sequence[str], classes: Mapping[str, str], legend: Sequence[str], least_sure: float
) -> ClassMap:
    """The map of a table teacher's class → student's class.

    Args:
        teachers: names of the teacher's classes, in the order of its answer.
        classes: the table; where it is empty, classes of equal name are the same.
        legend: names of the student's classes.
        least_sure: see `ClassMap`.

    Raises:
        LulcError: a name that the teacher or the student does not have, or no class in common.
    """
    place = {_plain(name): i for i, name in enumerate(legend)}
    own = [_plain(name) for name in teachers]
    if classes:
        table = {_plain(source): _plain(target) for source, target in classes.items()}
    else:
        table = {name: name for name in own if name in place}
    for source, target in classes.items():
        if _plain(source) not in own:
            raise LulcError(f"The teacher has no class {source!r}; it has {', '.join(teachers)}.", "Correct the table.")
        if _plain(target) not in place:
            raise LulcError(f"The legend has no class {target!r}; it has {', '.join(legend)}.", "Correct the table.")
    if not table:
        raise LulcError(
            f"None of the teacher's classes ({', '.join(teachers)}) is called like one of the legend"
            f" ({', '.join(legend)}).",
            "Say which is which in a table [teachers.NAME.classes].",
        )
    return ClassMap(tuple(place[table[name]] if name in table else -1 for name in own), len(legend), least_sure)


def _plain(name: str) -> str:
    return name.casefold().replace("_", " ").strip()
