# SPDX-License-Identifier: GPL-3.0-or-later
"""Curves of a run as CSV and PNG: loss, mean IoU and Dice, training against validation."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

FIELDS = (
    "step", "seconds", "rate", "batch_loss", "train_loss", "val_loss", "train_miou", "val_miou", "train_dice",
    "val_dice", "score",
)  # fmt: skip


def write(rows: Sequence[Mapping[str, float]], folder: Path) -> None:
    """`curves.csv` and `curves.png` of the checks of a run."""
    with open(folder / "curves.csv", "w", newline="", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, FIELDS)
        writer.writeheader()
        writer.writerows({k: row[k] for k in FIELDS} for row in rows)
    if rows:
        _draw(rows, folder / "curves.png")


def _draw(rows: Sequence[Mapping[str, float]], path: Path) -> None:
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
        axis.set(title=title, xlabel="step")
        axis.grid(alpha=0.3)
        axis.legend(frameon=False)
        if not title.startswith("Loss"):
            axis.set_ylim(0, 1)
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
