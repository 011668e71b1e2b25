# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine's own accuracy report of a split: its chips stacked into one map and one reference."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt
import rasterio
from rasterio.errors import NotGeoreferencedWarning

from lulc_plugin.assess import AssessJob, Assessment, Options, Outputs, RasterInput
from lulc_plugin.legend import Legend, LegendClass
from lulc_plugin.progress import Progress
from lulc_plugin.report.accuracy import assess_and_report

from ..maps import groups_of
from ..sets.chips import Chip
from .held_out import colours_of
from .split_scores import Scored

Values = npt.NDArray[np.uint8]


def write(scored: Scored, chips: Sequence[Chip], legend: Legend, network: str, path: Path) -> Assessment:
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
