# SPDX-License-Identifier: GPL-3.0-or-later
"""What labels say before a chip is written: classes of each area, and pixels whose label means nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from lulc_plugin.errors import LulcError
from lulc_plugin.progress import Progress
from lulc_plugin.raster import PixelRegion

from .class_table import UNKNOWN, ClassTable
from .masks import Decoding, MaskFile
from .place_splits import Area

Counts = npt.NDArray[np.int64]
_STRIP_PIXELS = 4_000_000
_SHOWN = 4
TRAIN = "train"


@dataclass
class LabelContent:
    """Labels of all scenes, counted.

    Attributes:
        classes: of each area, pixels of each label value, `(256,)`; unknown ones are not counted.
        decodings: of each scene with a mask, what became of its pixels.
    """

    classes: list[Counts] = field(default_factory=list)
    decodings: dict[str, Decoding] = field(default_factory=dict)

    def add(self, area: Area, stem: str, mask: MaskFile | None, read: object) -> None:
        """Count the labels of an area, a strip at a time; those of a mask, or those that `read` gives."""
        counts, rectangle = np.zeros(256, np.int64), area.rectangle
        rows = max(1, _STRIP_PIXELS // max(1, rectangle.col1 - rectangle.col0))
        for row0 in range(rectangle.row0, rectangle.row1, rows):
            region = PixelRegion(row0, min(rectangle.row1, row0 + rows), rectangle.col0, rectangle.col1)
            if mask is not None:
                labels, decoding = mask.read(region)
                self.decodings.setdefault(stem, Decoding()).add(decoding)
            else:
                labels = read(region)  # type: ignore[operator]
            counts += np.bincount(labels.ravel(), minlength=256)
        counts[UNKNOWN] = 0
        self.classes.append(counts)


def require_known(content: LabelContent, most: float, coloured: bool, progress: Progress) -> None:
    """Say which share of the masks' pixels has a colour or value of no class.

    Raises:
        LulcError: more than `most` has, or no pixel has a class.
    """
    total = Decoding()
    for decoding in content.decodings.values():
        total.add(decoding)
    lost = sum(total.foreign.values()) / max(1, total.pixels)
    kind = "colours" if coloured else "values"
    if lost:
        shown = sorted(total.foreign.items(), key=lambda item: -item[1])
        named = ", ".join(f"{_shown(key)} {count / total.pixels:.1%}" for key, count in shown[:_SHOWN])
        named += ", …" if len(shown) > _SHOWN else ""
        text = f"{lost:.1%} of the masks' pixels have {kind} that the legend does not have ({named})"
        if lost > most:
            ways = 'Add the classes to the legend, or mark them there as "ignore": true'
            ways += "; --snap 60 takes blurred colours for the nearest" if coloured else ""
            raise LulcError(f"{text}.", f"{ways}. --max-lost {lost + 0.01:.2f} goes on without those pixels.")
        progress.warn(f"{text}: they are unknown")
    if content.classes and not any(counts.any() for counts in content.classes):
        raise LulcError("No pixel has a class of the legend.", "Look at the masks, their colours and the legend.")


def _shown(key: tuple[int, int, int]) -> str:
    return str(key[0]) if key[1] < 0 else "#{:02X}{:02X}{:02X}".format(*key)


def require_learnable(
    content: LabelContent, areas: Sequence[Area], table: ClassTable, most: float, progress: Progress
) -> None:
    """Say which classes no area of a split has.

    Raises:
        LulcError: classes that have no training pixel have more than `most` of all labelled ones.
    """
    by_split: dict[str, Counts] = {}
    for area, counts in zip(areas, content.classes, strict=True):
        by_split[area.split] = by_split.get(area.split, np.zeros(256, np.int64)) + counts
    total = sum(by_split.values(), start=np.zeros(256, np.int64))
    unlearnt: Mapping[str, float] = {}
    for entry in table.classes:
        share = total[entry.value] / max(1, total.sum())
        if not share:
            progress.warn(f"no pixel is {entry.name}")
            continue
        lacking = [split for split, counts in by_split.items() if not counts[entry.value]]
        if lacking:
            progress.warn(
                f"{entry.name} ({share:.1%} of the labelled pixels) is not in {' and '.join(sorted(lacking))}"
            )
        if TRAIN in lacking:
            unlearnt = {**unlearnt, entry.name: share}
    if sum(unlearnt.values()) > most:
        lost = sum(unlearnt.values())
        raise LulcError(
            f"{lost:.1%} of the labelled pixels are of classes that no training place has: {', '.join(unlearnt)}.",
            "Give smaller places (--block), another --seed or --groups of your own."
            f" --max-lost {lost + 0.01:.2f} goes on.",
        )
