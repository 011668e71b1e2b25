# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures to look at before training: image, mask and both on each other; augmented samples."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lulc_plugin import bundled
from lulc_plugin.errors import LulcError
from lulc_plugin.legend import Legend

from ..sets.chips import file_of, rows_of, stored
from ..sets.description import SetDescription
from .class_table import UNKNOWN, Labels, read_classes

Colour = tuple[int, int, int]
Rgb = npt.NDArray[np.float32]
#: For label values without a colour of their own: P. Green-Armytage, "A colour alphabet and the limits of colour
#: coding", 2010, in an order that keeps neighbours apart.
_COLOURS: tuple[Colour, ...] = (
    (0, 117, 220), (43, 206, 72), (255, 204, 153), (255, 0, 16), (255, 255, 128), (153, 63, 0), (240, 163, 255),
    (0, 153, 143), (255, 164, 5), (116, 10, 255), (157, 204, 0), (194, 0, 136),
)  # fmt: skip
_OVERLAY = 0.45
_CHEQUER, _UNKNOWN_GREYS = 4, (0.55, 0.75)
_TALLEST_PX = 384


def colours_of(description: SetDescription) -> dict[int, Colour]:
    """Label value → colour: from the set's `classes.json`, else by name from the bundled legends, else made up."""
    usual = {
        entry.name.casefold(): entry.rgb
        for path in sorted(bundled.folder("legends").glob("*.json"))
        for entry in Legend.from_file(path).classes
    }
    out = {}
    for i, (value, names) in enumerate(description.classes.items()):
        out[value] = usual.get(names[0].casefold(), _COLOURS[i % len(_COLOURS)])
    path = description.folder / "classes.json"
    if path.is_file():
        for entry in read_classes(path).classes:
            if entry.value in out and entry.colour != "#888888":
                out[entry.value] = entry.rgb
    return out


def rgb_of(values: npt.NDArray[Any], names: Sequence[str], valid: npt.NDArray[np.bool_], picture: bool) -> Rgb:
    """`(rows, cols, 3)` 0..1 for the eye: true colour where the bands are there, stretched unless it is a picture.

    Args:
        values: `(bands, rows, cols)`.
        names: of the bands.
        valid: `(rows, cols)`; others become white.
        picture: 8-bit numbers are shown as they are.
    """
    if {"red", "green", "blue"} <= set(names):
        order = [names.index(name) for name in ("red", "green", "blue")]
    else:
        order = [0, 1, 2] if len(values) >= 3 else [0, 0, 0]
    rgb = values[order].astype(np.float32)
    if picture and values.dtype == np.uint8:
        rgb /= 255
    else:
        seen = rgb[:, valid] if valid.any() else rgb.reshape(3, -1)
        # one stretch for all three, or colours would be made up
        low, high = np.percentile(seen, (2, 98))
        rgb = np.clip((rgb - low) / max(float(high - low), 1e-9), 0, 1)
    rgb[:, ~valid] = 1
    return np.ascontiguousarray(np.moveaxis(rgb, 0, -1))


def coloured(labels: Labels, colours: Mapping[int, Colour]) -> Rgb:
    """`(rows, cols, 3)` 0..1 of labels; unknown is a chequered grey, which no class can be mistaken for."""
    table = np.ones((256, 3), np.float32)
    for value, colour in colours.items():
        table[value] = np.array(colour, np.float32) / 255
    rows, cols = np.indices(labels.shape) // _CHEQUER
    chequer = np.where((rows + cols) % 2 == 0, *_UNKNOWN_GREYS).astype(np.float32)
    return np.where((labels == UNKNOWN)[..., None], chequer[..., None], table[labels])


def overlay(rgb: Rgb, labels: Labels, colours: Mapping[int, Colour]) -> Rgb:
    """The image with the labels laid over it; unknown pixels are left as they are."""
    mixed = (1 - _OVERLAY) * rgb + _OVERLAY * coloured(labels, colours)
    return np.where((labels == UNKNOWN)[..., None], rgb, mixed).astype(np.float32)


def contact_sheet(description: SetDescription, path: Path, count: int = 12, seed: int = 0) -> int:
    """A PNG of chips of all splits: image, mask and overlay side by side, with the classes below.

    Args:
        description: the set.
        path: the PNG.
        count: how many chips, drawn by chance, the splits taking turns.
        seed: of the draw.

    Returns:
        how many are shown.

    Raises:
        LulcError: a file is missing, or the set has no chip.
    """
    rows = rows_of(description)
    chance = np.random.default_rng(seed)
    by_split: dict[str, list[dict[str, str]]] = {}
    for i in chance.permutation(len(rows)):
        by_split.setdefault(rows[i]["split"], []).append(rows[i])
    turns = [(k, name, row) for name, members in sorted(by_split.items()) for k, row in enumerate(members)]
    chosen = sorted(sorted(turns, key=lambda t: (t[0], t[1]))[:count], key=lambda t: (t[1], t[0]))
    if not chosen:
        raise LulcError(f"{description.folder} has no chips to show.", "Prepare it first.")
    colours = colours_of(description)
    panels, titles = [], []
    for _, split, row in chosen:
        values = stored(file_of(description.folder / "images", row["file"]))[: len(description.bands)]
        step = max(1, max(values.shape[1:]) // _TALLEST_PX)
        values = values[:, ::step, ::step]
        valid = np.ones(values.shape[1:], bool)
        if description.nodata is not None:
            valid = ~(values == description.nodata).all(axis=0)
        rgb = rgb_of(values, description.bands, valid, description.picture)
        line = [rgb]
        if description.label_band:
            codes = stored(file_of(description.folder / "labels", row["file"]), (description.label_band,))[0]
            labels = codes[::step, ::step].astype(np.uint8)
            line += [coloured(labels, colours), overlay(rgb, labels, colours)]
        panels.append(line)
        place = row[description.place] if description.place else ""
        titles.append(f"{split} · {place} · {Path(row['file']).stem}" if place else f"{split} · {row['file']}")
    legend = {" or ".join(description.classes[value]): colours[value] for value in description.classes}
    _draw(panels, titles, legend, path, across=2 if description.label_band else 4)
    return len(chosen)


def augmented_sheet(samples: Sequence[tuple[Rgb, Rgb]], path: Path, legend: Mapping[str, Colour]) -> None:
    """A PNG of samples as a network sees them in training, image and mask side by side, with the classes below.

    Args:
        samples: images `(rows, cols, 3)` 0..1, each with its labels as `coloured` shows them.
        path: the PNG.
        legend: name of a class → its colour.

    Raises:
        LulcError: there is no sample.
    """
    if not samples:
        raise LulcError("There are no augmented samples to show.", "Give at least one.")
    panels = [[np.clip(image, 0, 1).astype(np.float32), labels] for image, labels in samples]
    _draw(panels, [""] * len(panels), legend, path, across=4)


def require_drawing() -> None:
    """Nothing, if pictures can be drawn.

    Raises:
        LulcError: matplotlib is not installed.
    """
    if importlib.util.find_spec("matplotlib") is None:
        raise LulcError("The Python package matplotlib cannot be found.", "Run make setup-training, use its Python.")


def _draw(
    panels: Sequence[Sequence[Rgb]], titles: Sequence[str], legend: Mapping[str, Colour], path: Path, across: int
) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    across = min(across, len(panels))
    down, each = -(-len(panels) // across), len(panels[0])
    size = 1.9
    below = 0.5 if legend else 0.1
    width, height = across * (each * size + 0.2), down * (size + 0.25) + below
    figure = Figure(figsize=(width, height), dpi=110)
    FigureCanvasAgg(figure)
    for k, (line, title) in enumerate(zip(panels, titles)):
        row, col = divmod(k, across)
        for j, image in enumerate(line):
            left = (col * (each * size + 0.2) + j * size + 0.1) / width
            bottom = 1 - ((row + 1) * (size + 0.25)) / height
            axes = figure.add_axes((left, bottom, (size - 0.06) / width, size / height))
            axes.imshow(image, interpolation="nearest")
            axes.set_axis_off()
            if j == 0 and title:
                axes.set_title(title, fontsize=6, loc="left", pad=2)
    if legend:
        patches = [
            Patch(facecolor=(c[0] / 255, c[1] / 255, c[2] / 255), edgecolor="0.4", label=name)
            for name, c in legend.items()
        ]
        patches.append(
            Patch(facecolor=str(_UNKNOWN_GREYS[0]), edgecolor=str(_UNKNOWN_GREYS[1]), hatch="xxx", label="unknown")
        )
        figure.legend(
            handles=patches, loc="lower center", ncols=min(len(patches), 3 * across), fontsize=7, frameon=False
        )
    figure.savefig(path)
