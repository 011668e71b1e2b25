# SPDX-License-Identifier: GPL-3.0-or-later
"""The scores of one network on one split of one set, and the engine's own accuracy report of them."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt
import rasterio
from rasterio.errors import NotGeoreferencedWarning

from lulc_plugin.assess import AssessJob, Assessment, Options, Outputs, RasterInput
from lulc_plugin.legend import Legend, LegendClass
from lulc_plugin.progress import Progress
from lulc_plugin.report.accuracy import assess_and_report

from ..maps import SURROUNDED, Answers, Counts, as_pictures, class_matrix, groups_of, place_matrices, total_counts
from ..progress_line import ProgressLine
from ..sets.chips import Chip
from .held_out import Part, colours_of, names_of
from .map_shape import MapShape, shape_of


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
        shape: borders and small patches of the maps.
        unsmoothed: the same split without smoothing, None where nothing is smoothed or nobody looked.
    """

    part: Part
    chips: int
    counted: tuple[int, ...]
    names: tuple[str, ...]
    places: dict[str, Counts]
    surrounded: dict[str, Counts] | None = None
    pictures: dict[str, Counts] | None = None
    maps: list[npt.NDArray[np.uint8]] = field(default_factory=list)
    shape: MapShape | None = None
    unsmoothed: Scored | None = None

    @property
    def total(self) -> Counts:
        """The matrix of all places together."""
        return total_counts(self.places)

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
            **self.figures(),
            "surrounded": None if self.surrounded is None else plain(self.surrounded),
            "pictures": None if self.pictures is None else plain(self.pictures),
            "chips": self.chips,
            "unsmoothed": None if self.unsmoothed is None else self.unsmoothed.figures(),
        }

    def figures(self) -> dict[str, Any]:
        """What was counted on the maps, for JSON."""
        return {"places": plain(self.places), "shape": None if self.shape is None else self.shape.table()}


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
    unsmoothed: Answers | None = None,
) -> Scored:
    """Map every chip and count.

    Args:
        answers: the network.
        part: what is looked at.
        chips: its chips.
        legend: classes in the network's order.
        surrounded: count maps amid reflected surroundings, too.
        pictures: count maps of reflectance shown as pictures, too; ignored where chips are pictures.
        unsmoothed: the network without smoothing, which is scored, too.
    """
    groups = groups_of(chips)
    places: dict[str, Counts] = {}
    maps = []
    with ProgressLine(len(chips), f" chips of {part.key}") as progress:
        for chip in chips:
            classes = answers.shares(chip).argmax(axis=0).astype(np.uint8)
            maps.append(classes)
            places[chip.place] = places.get(chip.place, 0) + class_matrix(classes, chip, groups)
            progress.advance()
    return Scored(
        part, len(chips), groups.values, names_of(groups, chips, legend), places,
        place_matrices(answers, chips, SURROUNDED) if surrounded else None,
        as_pictures(answers, chips) if pictures and not chips[0].picture else None,
        maps, shape_of(maps, chips, groups), None if unsmoothed is None else score(unsmoothed, part, chips, legend),
    )  # fmt: skip


Values = npt.NDArray[np.uint8]


def write_report(scored: Scored, chips: Sequence[Chip], legend: Legend, network: str, path: Path) -> Assessment:
    """Write the HTML report of one split; what the engine found.

    Args:
        scored: the result, with its maps.
        chips: its chips, in the same order.
        legend: the network's classes.
        network: its name.
        path: the `.html` file.

    Raises:
        LulcError: no pixel is labelled, or the file cannot be written.
    """
    groups = groups_of(chips)
    maps = [np.where(c.valid, groups.of_map(m, c.labels), 0) for c, m in zip(chips, scored.maps, strict=True)]
    truth = [np.where(c.valid, groups.of_code[c.labels], 0) for c in chips]
    colours = colours_of(groups, chips, legend)
    classes = tuple(
        LegendClass(value, name, colours[value]) for value, name in zip(scored.counted, scored.names, strict=True)
    )
    labels = "the teacher's answer" if scored.part.teachers else "labels"
    with TemporaryDirectory() as folder:
        mapped, reference = Path(folder) / "map.tif", Path(folder) / "reference.tif"
        _stack(maps, mapped)
        _stack(truth, reference)
        job = AssessJob(
            (RasterInput(str(mapped), name=f"Map by {network}", classes=classes),),
            RasterInput(str(reference), name=f"{scored.part.description.title}, {scored.part.split}: {labels}",
                        classes=classes),
            options=Options(design="descriptive"),
            outputs=Outputs(html=path),
        )  # fmt: skip
        return assess_and_report(job, Progress())


def _stack(images: Sequence[Values], path: Path) -> None:
    """Images below each other in one file without a place on earth, 0 beside the narrower ones."""
    width = max(i.shape[1] for i in images)
    stacked = np.concatenate([np.pad(i, ((0, 0), (0, width - i.shape[1]))) for i in images]).astype(np.uint8)
    profile = {"driver": "GTiff", "count": 1, "height": len(stacked), "width": width, "dtype": "uint8", "nodata": 0}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(path, "w", compress="deflate", **profile) as dataset:
            dataset.write(stacked, 1)
