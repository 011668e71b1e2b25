# SPDX-License-Identifier: GPL-3.0-or-later
"""Sums by combination of values, from several threads; refuses layers that are no class maps."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable, Sequence
from typing import Optional

import numpy as np
import numpy.typing as npt

from ...errors import LulcError
from ...raster import BoolArray

#: Value of each layer at a pixel; None where it has none.
Key = tuple[Optional[int], ...]
#: A combination, how many pixels have it, and their area.
Entry = tuple[Key, int, float]
_EXAMPLES = 5


class Tally:
    """Pixels and area of each combination.

    Args:
        titles: what people call the layers.
        unlimited: which layers may have any number of values.
        most: distinct values that the others may have.
    """

    def __init__(self, titles: Sequence[str], unlimited: Sequence[bool], most: int) -> None:
        self._titles = titles
        self._most = most
        self._seen: list[set[int] | None] = [None if free else set() for free in unlimited]
        self._entries: dict[Key, list[float]] = {}
        self._pixels: dict[Key, int] = {}
        self._lock = threading.Lock()

    def see(self, values: Sequence[Iterable[int]]) -> None:
        """Take note of the distinct values of each layer in a block.

        Raises:
            LulcError: a layer has too many by now.
        """
        with self._lock:
            for title, seen, new in zip(self._titles, self._seen, values):
                if seen is None:
                    continue
                seen.update(new)
                if len(seen) > self._most:
                    first = ", ".join(map(str, sorted(seen)[:_EXAMPLES]))
                    raise LulcError(
                        f"{title} has more than {self._most:,} distinct values (first: {first}): this looks like a"
                        " continuous raster, not a class map.",
                        "Choose a layer of classes, or another band.",
                    )

    def add_all(self, entries: Iterable[Entry]) -> None:
        """Add combinations of one block or of many."""
        with self._lock:
            for key, pixels, area in entries:
                self._pixels[key] = self._pixels.get(key, 0) + pixels
                self._entries.setdefault(key, []).append(area)

    def table(self) -> tuple[npt.NDArray[np.int64], BoolArray, npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        """Values `(n, k)`, valid `(n, k)`, pixels `(n,)`, area `(n,)`; ascending, what is not valid last."""
        keys = sorted(self._pixels, key=lambda key: [(v is None, v or 0) for v in key])
        k = len(self._titles)
        values = np.array([[v or 0 for v in key] for key in keys], np.int64).reshape(-1, k)
        valid = np.array([[v is not None for v in key] for key in keys], bool).reshape(-1, k)
        # areas are summed exactly, so that the order in which threads finish does not show
        area = np.array([math.fsum(self._entries[key]) for key in keys], np.float64)
        return values, valid, np.array([self._pixels[key] for key in keys], np.int64), area
