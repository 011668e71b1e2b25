# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare a class map with points whose class was read by eye; print and save the confusion matrix and what follows.

    python scripts/point_accuracy.py MAP.tif POINTS.csv [--save FOLDER]

The points are a CSV file with the columns id, row, col, x, y, ref_class, class_name, confidence. Rows and columns are
pixels of the map's grid; x and y are used to check that it is that grid. The names of the classes come from the map's
own style (the .qml beside it) and must agree with the points'. Run it with the engine's Python.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import rasterio

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lulc_plugin.assess.matrix import ConfusionMatrix
from lulc_plugin.assess.statistics import Accuracy, accuracy

UNCLEAR = "unclear"


@dataclass(frozen=True)
class Point:
    """A labelled pixel."""

    id: str
    row: int
    col: int
    x: float
    y: float
    value: int
    name: str
    confidence: str


@dataclass(frozen=True)
class Comparison:
    """One set of points against the map; `missing` points lie on the map's nodata."""

    title: str
    matrix: ConfusionMatrix
    missing: int
    result: Accuracy


def read_points(path: Path) -> list[Point]:
    """The labelled points of a CSV file; a point without a class is left out."""
    with path.open(newline="", encoding="utf-8") as stream:
        return [
            Point(
                row["id"],
                int(row["row"]),
                int(row["col"]),
                float(row["x"]),
                float(row["y"]),
                int(row["ref_class"]),
                row["class_name"],
                row["confidence"],
            )
            for row in csv.DictReader(stream)
            if row["ref_class"].strip()
        ]


def class_names(style: Path) -> dict[int, str]:
    """Class value → name, as the layer style beside a map has them."""
    entries = ElementTree.parse(style).getroot().iter("paletteEntry")
    return {int(entry.attrib["value"]): entry.attrib["label"] for entry in entries}


def values_at(map_path: Path, points: Sequence[Point]) -> tuple[np.ndarray, np.ndarray]:
    """The map's values at the points, and whether each is valid.

    Raises:
        SystemExit: the map is not on the grid of the points.
    """
    with rasterio.open(map_path) as source:
        band, valid = source.read(1), source.dataset_mask() > 0
        for p in points:
            if source.index(p.x, p.y) != (p.row, p.col) or not (p.row < source.height and p.col < source.width):
                sys.exit(f"Point {p.id} is not at row {p.row}, column {p.col} of {map_path}: another grid.")
    rows, cols = [p.row for p in points], [p.col for p in points]
    return band[rows, cols], valid[rows, cols]


def compare(title: str, map_path: Path, points: Sequence[Point], values: Sequence[int]) -> Comparison:
    """The confusion matrix of `points`, rows map, columns reference."""
    found, valid = values_at(map_path, points)
    matrix = ConfusionMatrix(values)
    matrix.add(found, np.asarray([p.value for p in points]), valid)
    if matrix.outside:
        sys.exit(f"{matrix.outside} points have a class that is not in the map's legend.")
    return Comparison(title, matrix, int(np.count_nonzero(~valid)), accuracy(matrix.counts))


def _share(value: float | None) -> str:
    return "  –  " if value is None else f"{value:5.3f}"


def as_text(comparison: Comparison, names: dict[int, str]) -> str:
    """A table for people."""
    matrix, result = comparison.matrix, comparison.result
    labels = [names[v] for v in matrix.values]
    width, cells = max(len("map \\ reference"), *map(len, labels)), [max(5, len(label)) for label in labels]
    lines = [
        f"{comparison.title}: overall accuracy {result.overall:.3f}, Kappa {_share(result.kappa).strip()},"
        f" n = {result.total:.0f}" + (f" ({comparison.missing} more lie on nodata)" if comparison.missing else ""),
        "",
        "  ".join(["map \\ reference".ljust(width), *(a.rjust(c) for a, c in zip(labels, cells)), "user's acc."]),
    ]
    for label, row, each in zip(labels, matrix.counts, result.classes):
        counts = (str(count or "·").rjust(c) for count, c in zip(row.tolist(), cells))
        lines.append("  ".join([label.ljust(width), *counts, _share(each.users).rjust(11)]))
    producers = (_share(each.producers).rjust(c) for each, c in zip(result.classes, cells))
    lines.append("  ".join(["producer's acc.".ljust(width), *producers]))
    return "\n".join(lines)


def as_json(comparison: Comparison, names: dict[int, str]) -> dict[str, object]:
    """The same for programs."""
    matrix, result = comparison.matrix, comparison.result
    return {
        "points": comparison.title,
        "n": int(result.total),
        "on_nodata": comparison.missing,
        "overall_accuracy": result.overall,
        "kappa": result.kappa,
        "matrix": {"rows": "map", "columns": "reference", "counts": matrix.counts.tolist()},
        "classes": [
            {"value": v, "name": names[v], "users": c.users, "producers": c.producers, "f1": c.f1}
            for v, c in zip(matrix.values, result.classes)
        ],
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("map", type=Path)
    parser.add_argument("points", type=Path)
    parser.add_argument("--save", type=Path, help="folder for accuracy.txt and accuracy.json")
    options = parser.parse_args(arguments)

    points = read_points(options.points)
    names = class_names(options.map.with_suffix(".qml"))
    for p in points:
        if names.setdefault(p.value, p.name) != p.name:
            sys.exit(f"Value {p.value} is {names[p.value]!r} in the map and {p.name!r} at point {p.id}.")
    clear = [p for p in points if p.confidence != UNCLEAR]
    values = sorted(names)
    comparisons = [
        compare("All points", options.map, points, values),
        compare("Without the points that were unclear to the eye", options.map, clear, values),
    ]
    text = "\n\n".join(as_text(c, names) for c in comparisons)
    print(text)
    if options.save:
        options.save.mkdir(parents=True, exist_ok=True)
        (options.save / "accuracy.txt").write_text(text + "\n", encoding="utf-8")
        result = {"map": str(options.map), "comparisons": [as_json(c, names) for c in comparisons]}
        (options.save / "accuracy.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
