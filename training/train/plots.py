# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of a run: its curves (as CSV, too), and samples as the augmentations make them."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..prepare.preview import augmented_sheet, coloured
from ..recipe import Recipe
from .batches import Batches, channel_means
from .training_data import TrainingData

FIELDS = (
    "step", "seconds", "rate", "batch_loss", "train_loss", "val_loss", "train_miou", "val_miou", "train_dice",
    "val_dice", "score",
)  # fmt: skip


def write_curves(rows: Sequence[Mapping[str, float]], points: Sequence[Mapping[str, float]], folder: Path) -> None:
    """`curves.csv` of the checks of a run, and `curves.png`, with the `points` between them as thin lines."""
    with open(folder / "curves.csv", "w", newline="", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, FIELDS)
        writer.writeheader()
        writer.writerows({k: row[k] for k in FIELDS} for row in rows)
    if rows:
        _draw_curves(rows, points, folder / "curves.png")


def _draw_curves(rows: Sequence[Mapping[str, float]], points: Sequence[Mapping[str, float]], path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    steps = [row["step"] for row in rows]
    panels = (
        ("Loss (-log probability of the label)", (("train_loss", "training"), ("val_loss", "validation"))),
        ("Mean IoU", (("train_miou", "training"), ("val_miou", "validation"))),
        ("Dice (mean F1)", (("train_dice", "training"), ("val_dice", "validation"))),
    )
    figure, axes = pyplot.subplots(1, 3, figsize=(12, 3.4), layout="constrained")
    for axis, (title, lines) in zip(axes, panels, strict=True):
        for (key, name), style in zip(lines, ("-", "--"), strict=True):
            axis.plot(steps, [row[key] for row in rows], style, marker=".", label=name)
        if title == "Mean IoU":
            axis.plot(*_line(points, "val_miou"), ":", color="C1", lw=1, label="a few validation chips")
        if title.startswith("Loss"):
            axis.plot(*_line(points, "val_loss"), ":", color="C1", lw=1, label="a few validation chips")
            axis.plot(
                *_line(points, "batch_loss"), color="0.6", lw=0.8, zorder=0, label="batches, as they are weighted"
            )
        axis.set(title=title, xlabel="step")
        axis.grid(alpha=0.3)
        axis.legend(frameon=False)
        if not title.startswith("Loss"):
            axis.set_ylim(0, 1)
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def _line(points: Sequence[Mapping[str, float]], key: str) -> tuple[list[float], list[float]]:
    return [point["step"] for point in points], [point[key] for point in points]


def write_samples(recipe: Recipe, material: TrainingData, folder: Path, count: int = 24) -> Path:
    """Write `samples.png`: the first samples of the run as a network sees them, with their labels."""
    folder.mkdir(parents=True, exist_ok=True)
    batches = Batches(recipe, material.training, channel_means(recipe, material.training))
    colours = [_label_colours(recipe, chips[0].allowed) for chips in material.training]
    number = 0
    pairs: list[tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]] = []
    while len(pairs) < count:
        for samples, own in zip(batches(number), colours, strict=True):
            pairs += [(shown(recipe, s.image), coloured(s.labels, own)) for s in samples]
        number += 1
    path = folder / "samples.png"
    augmented_sheet(pairs[:count], path, {entry.name: entry.rgb for entry in recipe.legend.classes})
    return path


def _label_colours(recipe: Recipe, allowed: npt.NDArray[np.bool_]) -> dict[int, tuple[int, int, int]]:
    """Label code → the legend's colour, of a coarse label the mean of its classes; `allowed` as in `Chip`."""
    rgb = np.array([entry.rgb for entry in recipe.legend.classes])
    means = {code: rgb[members].mean(axis=0).round() for code, members in enumerate(allowed) if members.any()}
    return {code: (int(r), int(g), int(b)) for code, (r, g, b) in means.items()}


def shown(recipe: Recipe, image: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """A network input as red, green and blue 0..1, `(rows, cols, 3)`; grey where the network has no such bands."""
    names = recipe.inputs.names
    at = [names.index(b) for b in ("red", "green", "blue")] if {"red", "green", "blue"} <= set(names) else [0, 0, 0]
    # channels run from -1 to 1 over 0 to 1.2 times the divisor; natural scenes lie in the lower half
    return np.clip((image[at] + 1) * 1.1, 0, 1).transpose(1, 2, 0)
