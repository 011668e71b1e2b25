# SPDX-License-Identifier: GPL-3.0-or-later
"""Masks as colours: labels to RGB and back, with colours that compression has blurred snapped to the nearest class."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from lulc_plugin.errors import LulcError

from .class_table import UNKNOWN, ClassTable, Labels

Bytes = npt.NDArray[np.uint8]
#: Colour of unknown where the legend gives none.
_BLACK = (0, 0, 0)


@dataclass
class Decoding:
    """What became of the pixels of a mask; may be added up over windows.

    Attributes:
        pixels: all of them.
        exact: those of a colour of the legend (unknown's too).
        snapped: those near enough to one.
        foreign: colour (r, g, b) → number of pixels that are near none; they become unknown.
    """

    pixels: int = 0
    exact: int = 0
    snapped: int = 0
    foreign: dict[tuple[int, int, int], int] = field(default_factory=dict)

    @property
    def off_palette(self) -> int:
        """Pixels that are not exactly of a colour of the legend."""
        return self.pixels - self.exact

    def add(self, other: Decoding) -> None:
        """Count `other` too."""
        self.pixels += other.pixels
        self.exact += other.exact
        self.snapped += other.snapped
        for colour, count in other.foreign.items():
            self.foreign[colour] = self.foreign.get(colour, 0) + count


def encode(labels: Labels, table: ClassTable) -> Bytes:
    """Colours `(3, rows, cols)` of labels `(rows, cols)`: the reverse of `decode`.

    Raises:
        LulcError: a label is of no class, or two classes have one colour.
    """
    lookup = np.zeros((256, 3), np.uint8)
    lookup[UNKNOWN] = table.ignored[0].rgb if table.ignored else _BLACK
    _palette(table)
    known = np.zeros(256, bool)
    known[UNKNOWN] = True
    for entry in table.classes:
        lookup[entry.value] = entry.rgb
        known[entry.value] = True
    strange = np.unique(labels[~known[labels]])
    if strange.size:
        raise LulcError(
            f"Label {strange[0]} is no class of the legend.", "Give the legend that the labels were made with."
        )
    return np.ascontiguousarray(np.moveaxis(lookup[labels], -1, 0))


def decode(rgb: Bytes, table: ClassTable, within: float = 0.0) -> tuple[Labels, Decoding]:
    """Labels `(rows, cols)` of colours `(3, rows, cols)`.

    Args:
        rgb: red, green, blue, 0..255.
        table: the classes; colours of ignored ones become unknown.
        within: largest distance in RGB (Euclidean, 0 to 441) of a colour to that of the class it is taken for; 0: only
            exact colours count. What is farther from all becomes unknown.

    Raises:
        LulcError: two classes have one colour.
    """
    colours, values = _palette(table)
    codes = (rgb[0].astype(np.uint32) << 16) | (rgb[1].astype(np.uint32) << 8) | rgb[2]
    found, where, counts = np.unique(codes, return_inverse=True, return_counts=True)
    there = np.stack([found >> 16, (found >> 8) & 255, found & 255], axis=1).astype(np.float64)
    distance = np.linalg.norm(there[:, None] - colours[None], axis=2)
    nearest = distance.argmin(axis=1)
    near = distance[np.arange(len(found)), nearest]
    taken = near <= within
    labels = np.where(taken, values[nearest], UNKNOWN).astype(np.uint8)
    # black without a class of that colour is what encoders and editors leave where nothing was drawn, but it is counted
    exact = int(counts[near == 0].sum())
    foreign = {tuple(map(int, there[i])): int(counts[i]) for i in np.flatnonzero(~taken)}
    decoding = Decoding(codes.size, exact, int(counts[taken].sum()) - exact, foreign)  # type: ignore[arg-type]
    return labels[where].reshape(codes.shape), decoding


def _palette(table: ClassTable) -> tuple[npt.NDArray[Any], npt.NDArray[np.uint8]]:
    """Colours `(n, 3)` of classes and ignored classes, and the label of each."""
    entries = [(c.rgb, c.value) for c in table.classes] + [(c.rgb, UNKNOWN) for c in table.ignored]
    colours = [rgb for rgb, _ in entries]
    for i, rgb in enumerate(colours):
        if rgb in colours[:i] and entries[i][1] != entries[colours.index(rgb)][1]:
            shown = "#{:02X}{:02X}{:02X}".format(*rgb)
            raise LulcError(f"Two classes of the legend have the colour {shown}.", "Give each class its own colour.")
    return np.array(colours, np.float64), np.array([value for _, value in entries], np.uint8)
