# SPDX-License-Identifier: GPL-3.0-or-later
"""Charts: reliability before and after calibration, scores under changed radiometry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ..maps import Counts, reference_miou
from .calibration import Calibration, Sampled, reliability


def reliability_diagram(items: Sequence[Sampled], found: Calibration, title: str, path: Path) -> None:
    """One panel a set: share of right pixels against confidence, with T = 1 and with the fitted temperature."""
    figure = Figure(figsize=(3.6 * len(items), 3.8), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, len(items), squeeze=False)[0]
    for axis, item in zip(axes, items, strict=True):
        axis.plot([0, 1], [0, 1], color="0.6", linewidth=1, label="as sure as right")
        for temperature, style, errors in ((1.0, "o--", found.before), (found.temperature, "s-", found.after)):
            mean, right, count = reliability(item, temperature)
            # bins of a handful of pixels only scatter
            there = count > 0.001 * count.sum()
            axis.plot(mean[there], right[there], style, markersize=4,
                      label=f"T = {temperature:g}, ECE {errors[item.name]:.3f}")  # fmt: skip
        axis.set(title=item.name, xlabel="confidence", ylabel="share of right pixels", xlim=(0, 1), ylim=(0, 1))
        axis.set_aspect("equal")
        axis.grid(alpha=0.3)
        axis.legend(frameon=False, fontsize=8, loc="upper left")
    figure.suptitle(title, fontsize=10)
    figure.savefig(path)


def robustness_chart(found: Mapping[str, Mapping[str, Mapping[str, Counts]]], path: Path) -> None:
    """Mean IoU under each condition; a panel a set, a bar a network. `found`: network → set → condition → matrix."""
    keys = list(dict.fromkeys(key for sets in found.values() for key in sets))
    figure = Figure(
        figsize=(max(6.5, 5.2 * len(keys)), 1.4 + 0.2 * len(found) + 0.2 * 7 * (len(found) + 1)),
        dpi=110,
        layout="constrained",
    )
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, len(keys), squeeze=False)[0]
    handles = []
    for axis, key in zip(axes, keys, strict=True):
        names = list(next(sets[key] for sets in found.values() if key in sets))
        at = np.arange(len(names))
        tall = 0.8 / len(found)
        for k, (network, sets) in enumerate(found.items()):
            values = [reference_miou(sets[key][n]) if n in sets.get(key, {}) else 0.0 for n in names]
            bars = axis.barh(at + k * tall, values, tall, label=network)
            axis.bar_label(bars, [f"{v:.2f}" for v in values], fontsize=7, padding=2)
        axis.set_yticks(at + 0.4 - tall / 2, names, fontsize=8)
        axis.invert_yaxis()
        axis.set(title=key, xlabel="mean IoU", xlim=(0, 1))
        axis.grid(axis="x", alpha=0.3)
        handles = axis.get_legend_handles_labels()
    figure.legend(*handles, loc="outside lower center", ncols=1, fontsize=8, frameon=False)
    figure.savefig(path)
