# SPDX-License-Identifier: GPL-3.0-or-later
"""Draw the sample points of the Olinda accuracy reference.

An accuracy estimate is only as honest as its sample: the places must be chosen
without looking at the picture, and must cover the whole scene. This script
draws a jittered systematic sample: the scene is divided in a regular grid of
cells and one pixel is drawn at random in each cell. Every pixel has (to within
the rounding of the cell sizes) the same chance to be drawn, so class shares and
overall accuracy can be estimated from the points without weights.

The seed is fixed, so that anyone can draw the same points again and see that
none was moved or left out. The classes are not decided here; they were read by
eye and stand in ``olinda_points.csv``.

The reference is the first sample of 12 x 12 cells (the defaults) and a second,
independent one of 6 x 6 cells, which tops up the readable points::

    python draw_olinda_points.py L7_ETMs.tif first.csv
    python draw_olinda_points.py L7_ETMs.tif second.csv \\
        --grid 6 6 --seed 20261122 --first-id 145
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio

GRID_ROWS = 12
GRID_COLS = 12
SEED = 20261121


@dataclass(frozen=True)
class Point:
    """One sample point: the pixel, and the map coordinates of its centre."""

    id: int
    row: int
    col: int
    x: float
    y: float


def cell_edges(size: int, cells: int) -> list[int]:
    """Return the ``cells + 1`` pixel offsets that split ``size`` pixels evenly."""
    if not 0 < cells <= size:
        raise ValueError(f"cannot split {size} pixels in {cells} cells")
    return [i * size // cells for i in range(cells + 1)]


def draw_pixels(
    height: int,
    width: int,
    grid_rows: int = GRID_ROWS,
    grid_cols: int = GRID_COLS,
    seed: int = SEED,
) -> list[tuple[int, int]]:
    """Draw one (row, col) per grid cell, cells in reading order."""
    rng = np.random.default_rng(seed)
    row_edges = cell_edges(height, grid_rows)
    col_edges = cell_edges(width, grid_cols)
    return [
        (int(rng.integers(top, bottom)), int(rng.integers(left, right)))
        for top, bottom in zip(row_edges, row_edges[1:])
        for left, right in zip(col_edges, col_edges[1:])
    ]


def draw_points(
    scene: Path,
    grid_rows: int = GRID_ROWS,
    grid_cols: int = GRID_COLS,
    seed: int = SEED,
    first_id: int = 1,
) -> list[Point]:
    """Draw the sample for a scene; only its size and georeference are read."""
    with rasterio.open(scene) as src:
        points = []
        pixels = draw_pixels(src.height, src.width, grid_rows, grid_cols, seed)
        for number, (row, col) in enumerate(pixels, start=first_id):
            x, y = src.xy(row, col)
            points.append(Point(number, row, col, float(x), float(y)))
    return points


def write_points(points: Sequence[Point], path: Path) -> None:
    """Write the points as CSV; coordinates to the millimetre."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["id", "row", "col", "x", "y"])
        for p in points:
            writer.writerow([p.id, p.row, p.col, f"{p.x:.3f}", f"{p.y:.3f}"])


def main(argv: Sequence[str] | None = None) -> None:
    """Command line entry point."""
    parser = argparse.ArgumentParser(description="Draw the sample points of the Olinda accuracy reference.")
    parser.add_argument("scene", type=Path, help="path of L7_ETMs.tif")
    parser.add_argument("output", type=Path, help="CSV file to write")
    parser.add_argument("--seed", type=int, default=SEED, help="default: %(default)s")
    parser.add_argument(
        "--grid",
        type=int,
        nargs=2,
        metavar=("ROWS", "COLS"),
        default=(GRID_ROWS, GRID_COLS),
        help="cells down and across, default: %(default)s",
    )
    parser.add_argument("--first-id", type=int, default=1, help="default: %(default)s")
    args = parser.parse_args(argv)
    points = draw_points(args.scene, *args.grid, args.seed, args.first_id)
    write_points(points, args.output)


if __name__ == "__main__":
    main()
