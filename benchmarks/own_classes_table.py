# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables and figure of what `own_classes.py` has measured.

    PYTHONPATH=. .venv-engine/bin/python benchmarks/own_classes_table.py results.csv [--figure docs/own-classes.svg]

Prints two tables in Markdown, mean IoU and overall accuracy in percent: mean ± standard deviation over the draws. The
figure is an SVG that follows the reader's light or dark scheme.
"""

from __future__ import annotations

import argparse
import csv
import math
import statistics
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

TITLES = {
    "europe": "Europe, Sentinel-2, 4 bands, 6 classes",
    "hls": "HLS, 4 bands, 6 classes",
    "hls7": "HLS, 7 bands, 6 classes",
    "india": "India, 4 bands of 8 bits, 3 classes",
    "amazon-s2": "Amazon, Sentinel-2, 12 bands, 4 classes (polygons)",
    "amazon-tm": "Amazon, Landsat 5, 7 bands, 4 classes (polygons)",
}
#: way → colour on light and on dark ground, dashes
LOOKS = {
    "forest on the bands": ("#8a8f94", "#9aa1a7", "2 3"),
    "forest on windows": ("#b26a00", "#e0a040", "6 3"),
    "ours, no network": ("#2f7fc1", "#6db3ea", ""),
    "ours": ("#1a7f37", "#4cc36b", ""),
    "ours, all networks": ("#8e44ad", "#c58be0", ""),
    "base map": ("#c4281b", "#ff7b6e", "1 4"),
}
IN_FIGURE = ("europe", "hls", "hls7", "india")
SIZES = (5, 10, 20, 50, 100)
WIDTH, HEIGHT, LEFT, TOP, GAP = 250, 180, 46, 84, 44

Values = dict[tuple[str, str, int], list[tuple[float, float]]]


def read(path: Path) -> Values:
    """(set, way, points) → overall accuracy and mean IoU of each draw."""
    values: Values = defaultdict(list)
    with path.open(newline="", encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            values[row["set"], row["way"], int(row["size"])].append((float(row["oa"]), float(row["miou"])))
    return values


def spread(numbers: Sequence[float]) -> float:
    """Standard deviation over the draws; 0 of one."""
    return statistics.stdev(numbers) if len(numbers) > 1 else 0.0


def table(values: Values, which: int) -> str:
    """Markdown; a cell with fewer draws than the most says how many."""
    most = max(len(draws) for draws in values.values())
    lines = []
    for name, title in TITLES.items():
        ways = [way for way in LOOKS if any((name, way, size) in values for size in (0, *SIZES))]
        if not ways:
            continue
        lines += [f"| {title} | " + " | ".join(map(str, SIZES)) + " |", "|---" * (len(SIZES) + 1) + "|"]
        for way in ways:
            cells = []
            for size in SIZES:
                draws = [pair[which] for pair in values.get((name, way, 0 if way == "base map" else size), [])]
                few = f" ({len(draws)})" if 0 < len(draws) < most else ""
                cells.append(f"{statistics.mean(draws):.1f} ± {spread(draws):.1f}{few}" if draws else "")
            if way == "base map":
                cells = [cells[0], *[""] * (len(SIZES) - 1)]
            lines.append(f"| {way if way != 'base map' else 'base map, no points'} | " + " | ".join(cells) + " |")
        lines.append("")
    return "\n".join(lines)


def figure(values: Values) -> str:
    """Mean IoU against points of each class, a panel a set, with one standard deviation over the draws."""
    sets = [name for name in IN_FIGURE if any(key[0] == name for key in values)]
    columns = 2
    rows = -(-len(sets) // columns)
    width = columns * (WIDTH + LEFT + 14) + 10
    height = TOP + rows * (HEIGHT + GAP) + 10
    light = "".join(f".w{i}{{stroke:{look[0]};fill:{look[0]}}}" for i, look in enumerate(LOOKS.values()))
    dark = "".join(f".w{i}{{stroke:{look[1]};fill:{look[1]}}}" for i, look in enumerate(LOOKS.values()))
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        ' font-family="Open Sans, Noto Sans, DejaVu Sans, sans-serif" font-size="11">',
        "<title>Mean IoU in percent against points of each class</title>",
        f"<style>.p{{fill:#fff}}text{{fill:#1f2a33}}.g{{stroke:#d5dbe0}}{light}.l{{fill:none;stroke-width:2}}"
        f"@media (prefers-color-scheme:dark){{.p{{fill:#14191d}}text{{fill:#dfe5ea}}.g{{stroke:#39434b}}{dark}"
        ".l{fill:none}}</style>",
        f'<rect class="p" width="{width}" height="{height}"/>',
    ]
    out += _legend()
    words = "mean IoU, %, by points of each class; bars: ± 1 standard deviation of the draws"
    out.append(f'<text x="14" y="52" font-style="italic">{words}</text>')
    for place, name in enumerate(sets):
        left = 10 + LEFT + place % columns * (WIDTH + LEFT + 14)
        out += _panel(values, name, left, TOP + place // columns * (HEIGHT + GAP))
    return "\n".join([*out, "</svg>", ""])


def _legend() -> list[str]:
    out = []
    for place, (way, (_, _, dashes)) in enumerate(LOOKS.items()):
        x, y = 14 + place % 3 * 205, 16 + place // 3 * 18
        out.append(f'<path class="w{place} l" stroke-dasharray="{dashes}" d="M{x} {y}h30"/>')
        out.append(f'<text x="{x + 36}" y="{y + 4}">{way}</text>')
    return out


def _panel(values: Values, name: str, left: float, top: float) -> list[str]:
    own = {key: [pair[1] for pair in draws] for key, draws in values.items() if key[0] == name}
    ends = [statistics.mean(d) + sign * spread(d) for d in own.values() for sign in (-1, 1)]
    low, high = 5 * math.floor(min(ends) / 5), 5 * math.ceil(max(ends) / 5)

    def at(size: float, value: float) -> tuple[float, float]:
        share = math.log(size / SIZES[0]) / math.log(SIZES[-1] / SIZES[0])
        return left + 12 + share * (WIDTH - 24), top + HEIGHT * (high - value) / (high - low)

    out = [f'<text x="{left}" y="{top - 8}" font-weight="600">{TITLES[name]}</text>']
    for value in range(low, high + 1, 5 if high - low <= 30 else 10):
        y = at(5, value)[1]
        out.append(f'<path class="g" d="M{left} {y:.1f}h{WIDTH}"/>')
        out.append(f'<text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">{value}</text>')
    for size in SIZES:
        out.append(f'<text x="{at(size, low)[0]:.1f}" y="{top + HEIGHT + 15}" text-anchor="middle">{size}</text>')
    for place, (way, (_, _, dashes)) in enumerate(LOOKS.items()):
        if way == "base map":
            draws = own.get((name, way, 0))
            if draws:
                y = at(5, statistics.mean(draws))[1]
                out.append(f'<path class="w{place} l" stroke-dasharray="{dashes}" d="M{left} {y:.1f}h{WIDTH}"/>')
            continue
        points = []
        for size in SIZES:
            draws = own.get((name, way, size))
            if draws:
                x, y = at(size, statistics.mean(draws))
                x += 2 * (place - 2)
                reach = HEIGHT * spread(draws) / (high - low)
                points.append(f"{x:.1f} {y:.1f}")
                out.append(
                    f'<path class="w{place}" stroke-opacity=".45" d="M{x:.1f} {y - reach:.1f}v{2 * reach:.1f}"/>'
                )
                out.append(f'<circle class="w{place}" cx="{x:.1f}" cy="{y:.1f}" r="2.2"/>')
        if len(points) > 1:
            out.append(f'<path class="w{place} l" stroke-dasharray="{dashes}" d="M{" L".join(points)}"/>')
    return out


def main(arguments: Sequence[str]) -> None:
    """Print the tables; write the figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("csv", type=Path)
    parser.add_argument("--figure", type=Path)
    options = parser.parse_args(arguments)
    values = read(options.csv)
    print("Mean IoU, percent, by points of each class\n\n" + table(values, 1))
    print("Overall accuracy, percent\n\n" + table(values, 0))
    if options.figure:
        options.figure.write_text(figure(values), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
