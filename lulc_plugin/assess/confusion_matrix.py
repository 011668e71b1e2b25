# SPDX-License-Identifier: GPL-3.0-or-later
"""The confusion matrix, counted a piece at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import LulcError


class ConfusionMatrix:
    """Counts of (map class, reference class); **rows are the map, columns the reference**, everywhere.

    Args:
        values: the class values, in the order of rows and columns. Pixels with any other value on either side are
            counted in `outside` and otherwise left out.
    """

    def __init__(self, values: Sequence[int]) -> None:
        if len(set(values)) != len(values) or not values:
            raise LulcError(f"The class values {list(values)} are empty or not all different.")
        self.values = tuple(int(v) for v in values)
        self.counts: npt.NDArray[np.int64] = np.zeros((len(values), len(values)), np.int64)
        self.outside = 0
        order = np.argsort(self.values)
        self._sorted = np.asarray(self.values)[order]
        self._order = order

    def _index(self, classes: npt.NDArray[Any]) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.bool_]]:
        place = np.minimum(np.searchsorted(self._sorted, classes), len(self.values) - 1)
        return self._order[place], self._sorted[place] == classes

    def add(
        self,
        map_classes: npt.NDArray[Any],
        reference_classes: npt.NDArray[Any],
        valid: npt.NDArray[np.bool_] | None = None,
    ) -> None:
        """Count units of two arrays of the same shape, only where `valid` if given.

        Raises:
            LulcError: the shapes differ.
        """
        if np.shape(map_classes) != np.shape(reference_classes):
            raise LulcError(
                f"Map and reference differ in shape: {np.shape(map_classes)} and {np.shape(reference_classes)}."
            )
        m: npt.NDArray[Any] = np.ravel(map_classes)
        r: npt.NDArray[Any] = np.ravel(reference_classes)
        if valid is not None:
            keep = np.ravel(valid)
            m, r = m[keep], r[keep]
        mi, m_known = self._index(m)
        ri, r_known = self._index(r)
        known = m_known & r_known
        self.outside += int(known.size - np.count_nonzero(known))
        q = len(self.values)
        self.counts += np.bincount(mi[known] * q + ri[known], minlength=q * q).reshape(q, q)
