# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of an evaluation: contact sheets of held-out chips, reliability diagrams, robustness charts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from lulc_plugin.errors import LulcError
from lulc_plugin.legend import Legend

from ..maps import Counts, class_matrix, groups_of, reference_miou
from ..prepare.preview import Rgb, rgb_of
from ..sets.chips import Chip
from .calibration import Calibration, Sampled, reliability
from .held_out import colours_of, names_of
from .split_scores import Scored

_RIGHT = 0.88
_PANEL_INCHES = 1.6
_LARGEST_PX = 320


@dataclass(frozen=True)
class Line:
    """One chip of a sheet: pictures `(rows, cols, 3)` 0..1, one a column, each with a short text above."""

    pictures: tuple[Rgb, ...]
    texts: tuple[str, ...]


def spread(scored: Scored, chips: Sequence[Chip], count: int) -> list[int]:
    """Chips to show, from the best mapped to the worst, evenly over their share of right pixels."""
    groups = groups_of(chips)
    shares = []
    for i, (classes, chip) in enumerate(zip(scored.maps, chips, strict=True)):
        counts = class_matrix(classes, chip, groups)
        if counts.sum():
            shares.append((-np.trace(counts) / counts.sum(), i))
    order = [i for _, i in sorted(shares)]
    at = np.unique(np.linspace(0, len(order) - 1, min(count, len(order))).round().astype(int)) if order else []
    return [order[k] for k in at]


def sheet(
    results: Mapping[str, Scored], chips: Sequence[Chip], bands: Sequence[str], legend: Legend, path: Path,
    chosen: Sequence[int] | None = None, count: int = 12,
) -> int:  # fmt: skip
    """Write a sheet (PNG or JPEG, by the ending of `path`); how many chips it shows.

    One network: image, reference, map, errors. Several: image, reference, and the map of each.

    Args:
        results: network → result of one split, with maps.
        chips: its chips.
        bands: common names of their bands.
        legend: classes in the networks' order.
        path: the picture.
        chosen: numbers of the chips; by default `spread` of the first network.
        count: how many, where they are not chosen.
    """
    first = next(iter(results.values()))
    picked = spread(first, chips, count) if chosen is None else list(chosen)
    groups = groups_of(chips)
    colours = {value: _rgb(text) for value, text in colours_of(groups, chips, legend).items()}
    classes: Rgb = np.array([c.rgb for c in legend.classes], np.float32) / np.float32(255)
    lines = []
    for i in picked:
        chip = chips[i]
        reference = np.ones((*chip.valid.shape, 3), np.float32)
        for value, colour in colours.items():
            reference[(groups.of_code[chip.labels] == value) & (chip.labels > 0)] = colour
        pictures = [rgb_of(chip.values, bands, chip.valid, chip.picture), reference]
        texts = [f"{Path(chip.name).stem} · {chip.place}", "teacher" if first.part.teachers else "reference"]
        for name, result in results.items():
            shown = classes[result.maps[i]]
            shown[~chip.valid] = 1
            counts = class_matrix(result.maps[i], chip, groups)
            right = np.trace(counts) / max(counts.sum(), 1)
            pictures.append(shown)
            texts.append(f"OA {right:.2f} {name}" if counts.sum() else name)
        if len(results) == 1:
            pictures.append(errors(first.maps[i], chip, classes))
            texts.append("errors (colour of the map)")
        step = max(1, max(chip.valid.shape) // _LARGEST_PX)
        lines.append(Line(tuple(p[::step, ::step] for p in pictures), tuple(texts)))
    entries = {c.name: _rgb(c.colour) for c in legend.classes}
    if not chips[0].sure:
        entries |= dict(zip(names_of(groups, chips, legend), colours.values(), strict=True))
    if len(results) == 1:
        entries["right, among errors"] = (_RIGHT, _RIGHT, _RIGHT)
    draw(lines, entries, path)
    return len(lines)


def errors(classes: npt.NDArray[np.uint8], chip: Chip, colours: npt.NDArray[np.float32]) -> Rgb:
    """Wrong pixels in the colour of the map's class, right ones light grey, unknown ones white."""
    known = (chip.labels > 0) & chip.valid
    right = chip.allowed[chip.labels, classes]
    out = np.ones((*classes.shape, 3), np.float32)
    out[known & right] = _RIGHT
    wrong = known & ~right
    out[wrong] = colours[classes[wrong]]
    return out


def draw(lines: Sequence[Line], legend: Mapping[str, tuple[float, float, float]], path: Path) -> None:
    """Write lines of pictures with texts above and the legend below; two lines beside each other where they fit.

    Raises:
        LulcError: there is no line.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    if not lines:
        raise LulcError(f"{path.name} would show nothing: no chip has a labelled pixel.", "Choose chips by number.")
    each = max(len(line.pictures) for line in lines)
    across = 2 if each <= 5 and len(lines) > 3 else 1
    down = -(-len(lines) // across)
    tall, gap, below = _PANEL_INCHES + 0.2, 0.15, 0.25 * -(-len(legend) // (2 * each * across)) + 0.15
    width, height = across * (each * _PANEL_INCHES + gap), down * tall + below
    figure = Figure(figsize=(width, height), dpi=110)
    FigureCanvasAgg(figure)
    for k, line in enumerate(lines):
        col, row = divmod(k, down)
        for j, (picture, text) in enumerate(zip(line.pictures, line.texts, strict=True)):
            left = (col * (each * _PANEL_INCHES + gap) + j * _PANEL_INCHES + gap / 2) / width
            bottom = 1 - (row + 1) * tall / height
            axes = figure.add_axes((left, bottom, (_PANEL_INCHES - 0.05) / width, (_PANEL_INCHES - 0.02) / height))
            axes.imshow(picture, interpolation="nearest")
            axes.set_axis_off()
            axes.set_title(_short(text), fontsize=5.5, loc="left", pad=1.5)
    patches = [Patch(facecolor=c, edgecolor="0.4", label=name) for name, c in legend.items()]
    patches.append(Patch(facecolor="white", edgecolor="0.4", label="unknown"))
    figure.legend(handles=patches, loc="lower center", ncols=min(len(patches), 2 * each * across), fontsize=6.5,
                  frameon=False)  # fmt: skip
    figure.savefig(path)


def _short(text: str, most: int = 36) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _rgb(colour: str) -> tuple[float, float, float]:
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return red, green, blue


def reliability_diagram(items: Sequence[Sampled], fitted: Calibration, title: str, path: Path) -> None:
    """One panel a set: share of right pixels against confidence, with T = 1 and with the fitted temperature."""
    figure = Figure(figsize=(3.6 * len(items), 3.8), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, len(items), squeeze=False)[0]
    for axis, item in zip(axes, items, strict=True):
        axis.plot([0, 1], [0, 1], color="0.6", linewidth=1, label="as sure as right")
        for temperature, style, errors in ((1.0, "o--", fitted.before), (fitted.temperature, "s-", fitted.after)):
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


def robustness_chart(by_network: Mapping[str, Mapping[str, Mapping[str, Counts]]], path: Path) -> None:
    """Mean IoU under each condition; a panel a set, a bar a network.

    `by_network`: network → set → condition → matrix.
    """
    keys = list(dict.fromkeys(key for sets in by_network.values() for key in sets))
    figure = Figure(
        figsize=(max(6.5, 5.2 * len(keys)), 1.4 + 0.2 * len(by_network) + 0.2 * 7 * (len(by_network) + 1)),
        dpi=110,
        layout="constrained",
    )
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, len(keys), squeeze=False)[0]
    handles = []
    for axis, key in zip(axes, keys, strict=True):
        names = list(next(sets[key] for sets in by_network.values() if key in sets))
        at = np.arange(len(names))
        tall = 0.8 / len(by_network)
        for k, (network, sets) in enumerate(by_network.items()):
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
