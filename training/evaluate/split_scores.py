# SPDX-License-Identifier: GPL-3.0-or-later
"""The scores of one network on one split of one set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from lulc_plugin.legend import Legend

from ..maps import SURROUNDED, Answers, Counts, as_pictures, class_matrix, groups_of, place_matrices
from ..sets.chips import Chip
from .held_out import Part, names_of


@dataclass
class Scored:
    """What was found.

    Attributes:
        part: the split.
        chips: how many.
        counted, names: values of the matrices' rows and columns, and what they are called.
        places: place → confusion matrix (rows map).
        surrounded: the same amid reflected surroundings, None where not looked at.
        pictures: the same of reflectance shown as pictures, None where not looked at or impossible.
        maps: class index of each pixel of each chip.
    """

    part: Part
    chips: int
    counted: tuple[int, ...]
    names: tuple[str, ...]
    places: dict[str, Counts]
    surrounded: dict[str, Counts] | None = None
    pictures: dict[str, Counts] | None = None
    maps: list[npt.NDArray[np.uint8]] = field(default_factory=list)

    @property
    def total(self) -> Counts:
        """The matrix of all places together."""
        return sum(self.places.values())

    def table(self) -> dict[str, Any]:
        """As `scores.json` keeps it."""
        description = self.part.description
        return {
            "title": description.title,
            "credit": description.credit,
            "gsd": description.gsd,
            "values": description.values,
            "teacher": bool(self.part.teachers),
            "evaluation_only": description.use == "evaluation",
            "counted": list(self.counted),
            "names": list(self.names),
            "places": plain(self.places),
            "surrounded": None if self.surrounded is None else plain(self.surrounded),
            "pictures": None if self.pictures is None else plain(self.pictures),
            "chips": self.chips,
        }


def plain(matrices: dict[str, Counts]) -> dict[str, list[list[int]]]:
    """Place → matrix as lists, for JSON."""
    return {place: counts.tolist() for place, counts in sorted(matrices.items())}


def matrices_of(table: dict[str, list[list[int]]]) -> dict[str, Counts]:
    """The reverse of `plain`."""
    return {place: np.array(counts, np.int64) for place, counts in table.items()}


def score(
    answers: Answers,
    part: Part,
    chips: Sequence[Chip],
    legend: Legend,
    surrounded: bool = False,
    pictures: bool = False,
) -> Scored:
    """Map every chip and count.

    Args:
        answers: the network.
        part: what is looked at.
        chips: its chips.
        legend: classes in the network's order.
        surrounded: count maps amid reflected surroundings, too.
        pictures: count maps of reflectance shown as pictures, too; ignored where chips are pictures.
    """
    groups = groups_of(chips)
    places: dict[str, Counts] = {}
    maps = []
    for chip in chips:
        classes = answers.shares(chip).argmax(axis=0).astype(np.uint8)
        maps.append(classes)
        places[chip.place] = places.get(chip.place, 0) + class_matrix(classes, chip, groups)
    return Scored(
        part, len(chips), groups.values, names_of(groups, chips, legend), places,
        place_matrices(answers, chips, SURROUNDED) if surrounded else None,
        as_pictures(answers, chips) if pictures and not chips[0].picture else None,
        maps,
    )  # fmt: skip
