# SPDX-License-Identifier: GPL-3.0-or-later
"""A contact sheet: each image beside its labels, for the eye to judge a teacher."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lulc_plugin.legend import Legend
from lulc_plugin.raster import open_dataset

_MOST = 48
_PAIRS = 4
_INCHES = 1.7


def draw(folder: Path, files: Sequence[str], bands: Sequence[str], legend: Legend, target: Path, title: str) -> None:
    """Write a PNG with up to 48 images of a set folder, spread evenly over `files`, each with its labels.

    White pixels of a label picture are unknown.

    Args:
        folder: holds `images/` and `labels/`, labels being position in the legend + 1.
        files: names.
        bands: common names in the order of the images.
        legend: classes.
        target: the `.png` to write.
        title: above the sheet.
    """
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    step = max(1, math.ceil(len(files) / _MOST))
    shown = list(files)[::step]
    lines = math.ceil(len(shown) / _PAIRS)
    height = lines * _INCHES * 1.12 + 0.9
    figure = Figure(figsize=(2 * _PAIRS * _INCHES, height), dpi=110)
    axes = figure.subplots(lines, 2 * _PAIRS, squeeze=False)
    colours = np.array([(255, 255, 255), *(c.rgb for c in legend.classes)], np.uint8)
    for axis in axes.flat:
        axis.axis("off")
    for i, file in enumerate(shown):
        line, column = divmod(i, _PAIRS)
        with open_dataset(folder / "images" / file) as dataset:
            picture = _picture(dataset.read(), bands)
        with open_dataset(folder / "labels" / file) as dataset:
            labels = colours[dataset.read(1)]
        axes[line, 2 * column].imshow(picture)
        axes[line, 2 * column].set_title(Path(file).stem[-26:], fontsize=5.5, pad=2)
        axes[line, 2 * column + 1].imshow(labels, interpolation="nearest")
    patches = [Patch(facecolor=c.colour, label=c.name) for c in legend.classes]
    patches.append(Patch(facecolor="white", edgecolor="black", label="unknown"))
    figure.suptitle(title, fontsize=9, y=1 - 0.15 / height)
    figure.legend(handles=patches, loc="upper center", ncol=min(8, len(patches)), fontsize=7, frameon=False,
                  bbox_to_anchor=(0.5, 1 - 0.3 / height))  # fmt: skip
    figure.subplots_adjust(0.005, 0.005, 0.995, 1 - 0.75 / height, 0.02, 0.14)
    figure.savefig(target)


def _picture(stored: npt.NDArray[np.generic], bands: Sequence[str]) -> npt.NDArray[np.float64]:
    """`(rows, cols, 3)` true colour, else the first three bands; each band between its 2nd and 98th percentile."""
    wanted = ("red", "green", "blue")
    chosen = [bands.index(b) for b in wanted] if set(wanted) <= set(bands) else [0, len(bands) // 2, len(bands) - 1]
    valid = (stored != 0).any(axis=0)
    out = np.ones((*valid.shape, 3))
    for i, band in enumerate(chosen):
        values = stored[band].astype(np.float64)
        if valid.any():
            low, high = np.percentile(values[valid], [2, 98])
            out[..., i] = np.where(valid, np.clip((values - low) / max(high - low, 1e-6), 0, 1), 1)
    return out
