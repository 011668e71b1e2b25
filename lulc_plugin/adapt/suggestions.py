# SPDX-License-Identifier: GPL-3.0-or-later
"""Places where a label would help most: where two classes are nearly alike, far from each other and from samples.

What counts is the mean margin of the surroundings, not that of a pixel: along every border between two classes the
margin is small, and a mixed pixel there teaches nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from ..assess import FeatureInput, single_points
from ..classify import ClassifyJob, Setup, make_plan, read_windows
from ..errors import CancelledError, LulcError, OptionInvalid
from ..legend import LegendClass
from ..model import Network
from ..options import option
from ..progress import Progress
from ..raster import BoolArray, GeoGrid, Grid, PixelRegion, RasterInput, Source, gdal, read_categories
from .linear import Floats, Ints

MOST_POINTS = 1000
#: Pixels that are looked at: of a larger layer, windows spread over it.
MOST_PIXELS = 40_000_000
#: Half the side of the surroundings, and the side of the squares of which each gives one candidate, pixels.
_HALF, _SQUARE = 3, 32
_MOST_CANDIDATES = 20_000
#: How far apart suggestions lie at least, as a share of the distance that N of them have when spread evenly.
_APART = 0.4
_BLOCK = 1024


@dataclass(frozen=True)
class SuggestJob:
    """Where to look for places to label.

    Attributes:
        classify: layer and network, as for a map; None where a map is given.
        map: a class map instead, with `confidence`.
        confidence: raster of the map's confidence, on the same pixels.
        count: number of points.
        samples: what is labelled already, in the layer's coordinate system.
        seed: of the choice among equals.
    """

    classify: ClassifyJob | None = None
    map: RasterInput | None = None
    confidence: RasterInput | None = None
    count: int = 20
    samples: FeatureInput | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.count <= MOST_POINTS:
            raise OptionInvalid(f"The number of points is {self.count}.", f"Give 1 to {MOST_POINTS:,}.")
        if (self.classify is None) == (self.map is None):
            raise OptionInvalid(
                "An image with a network, or a map with its confidence, is needed: exactly one of both.",
                f"Give an image, or {option('map')} and {option('confidence')}.",
            )
        if self.map is not None and self.confidence is None:
            raise OptionInvalid("The map has no confidence.", f"Give its raster in {option('confidence')}.")


@dataclass(frozen=True)
class Suggestion:
    """A place: coordinates of a pixel's centre, the class that the map has there, and the margin around it, 0 to 1."""

    x: float
    y: float
    value: int
    name: str
    margin: float


@dataclass(frozen=True)
class _Candidates:
    """Places to choose from: rows and columns of the layer, class index, margin, and what the place looks like."""

    rows: list[float] = field(default_factory=list)
    cols: list[float] = field(default_factory=list)
    label: list[int] = field(default_factory=list)
    margin: list[float] = field(default_factory=list)
    looks: list[Floats] = field(default_factory=list)

    def add(self, rows: npt.NDArray[Any], cols: npt.NDArray[Any], labels: Ints, margins: Floats, looks: Floats) -> None:
        """Add places; `looks` is `(n, bands)`."""
        self.rows.extend(rows.tolist())
        self.cols.extend(cols.tolist())
        self.label.extend(labels.tolist())
        self.margin.extend(margins.tolist())
        self.looks.extend(looks)


def suggest(job: SuggestJob, progress: Progress | None = None) -> tuple[list[Suggestion], tuple[LegendClass, ...]]:
    """Places to label, those that help most first, and the classes of the map.

    Raises:
        LulcError: the layer, network or map cannot be used.
        CancelledError: the user stopped.
    """
    progress = progress or Progress()
    candidates = _Candidates()
    with gdal.environment():
        if job.classify is not None:
            grid, classes = _of_network(job.classify, candidates, progress)
        else:
            grid, classes = _of_map(job, candidates, progress)
    if not candidates.rows:
        raise LulcError("No pixel has data.", "Check the layer's nodata value.")
    chosen = _spread(candidates, job, grid)
    out = []
    for place in chosen:
        x, y = grid.coordinates(candidates.rows[place], candidates.cols[place])
        label = candidates.label[place]
        out.append(Suggestion(float(x), float(y), classes[label].value, classes[label].name, candidates.margin[place]))
    progress.log(f"Suggested: {len(out)} of {len(candidates.rows):,} places")
    return out, classes


# ---------------------------------------------------------------- candidates


def _of_network(
    job: ClassifyJob, candidates: _Candidates, progress: Progress
) -> tuple[GeoGrid, tuple[LegendClass, ...]]:
    with make_plan(job, progress) as plan:
        setup, network = plan.ready()
        for warning in plan.warnings:
            progress.warn(warning)
        progress.log(f"Network: {setup.spec.name}")
        _look_at_windows(job, setup, network, candidates, progress)
    return setup.facts.grid, setup.spec.legend.classes


def _look_at_windows(
    job: ClassifyJob, setup: Setup, network: Network, candidates: _Candidates, progress: Progress
) -> None:
    grid, wanted = setup.grid, setup.model_region
    every = [
        (r, c)
        for r in grid.rows.touching(wanted.row0, wanted.row1)
        for c in grid.cols.touching(wanted.col0, wanted.col1)
    ]
    most = max(1, MOST_PIXELS // (grid.rows.window * grid.cols.window))
    step = -(-len(every) // most)
    some = set(every[step // 2 :: step])
    down, across = setup.facts.height / grid.rows.length, setup.facts.width / grid.cols.length
    plain = [channel for channel in range(len(setup.channels)) if setup.channels[channel].expression is None]
    for done, window in enumerate(read_windows(setup, job.nodata_policy, some)):
        if progress.cancelled:
            raise CancelledError()
        if window.tensor is not None:
            batch = np.repeat(window.tensor[None], network.fixed_batch or 1, axis=0)
            probabilities = network.probabilities(batch)[0]
            rows, cols = grid.rows.kept(window.row), grid.cols.kept(window.col)
            top, left = grid.rows.starts[window.row] + rows.start, grid.cols.starts[window.col] + cols.start
            part = (slice(None), rows, cols)
            valid = window.seen[rows, cols] & _inside(top, left, window.seen[rows, cols].shape, grid)
            places = _lowest(probabilities[part], window.tensor[part][plain], valid)
            candidates.add((top + places[0] + 0.5) * down, (left + places[1] + 0.5) * across, *places[2:])
        progress.report(100 * (done + 1) / len(some))


def _inside(top: int, left: int, shape: tuple[int, ...], grid: Grid) -> BoolArray:
    """Which pixels of a window's part that begins at `top` and `left` lie within the raster."""
    rows, cols = np.arange(top, top + shape[0]), np.arange(left, left + shape[1])
    down, across = (rows >= 0) & (rows < grid.rows.length), (cols >= 0) & (cols < grid.cols.length)
    inside: BoolArray = down[:, None] & across
    return inside


def _lowest(
    probabilities: npt.NDArray[np.float32], looks: npt.NDArray[np.float32], valid: BoolArray
) -> tuple[Ints, Ints, Ints, Floats, Floats]:
    """In each square the pixel whose surroundings have the smallest margin: rows, columns, class, margin, looks."""
    two = np.partition(probabilities, -2, axis=0)[-2:] if len(probabilities) > 1 else np.stack([probabilities[0]] * 2)
    return _lowest_margin(two[1] - two[0], probabilities.argmax(axis=0), looks, valid)


def _lowest_margin(
    margin: npt.NDArray[np.float32], label: Ints, looks: npt.NDArray[np.float32], valid: BoolArray
) -> tuple[Ints, Ints, Ints, Floats, Floats]:
    mean = _means(np.where(valid, margin, 1.0).astype(np.float64))
    mean = np.where(valid, mean, np.inf)
    height, width = mean.shape[0] // _SQUARE * _SQUARE, mean.shape[1] // _SQUARE * _SQUARE
    if not height or not width:
        height, width, side_r, side_c = *mean.shape, *mean.shape
    else:
        side_r = side_c = _SQUARE
    squares = mean[:height, :width].reshape(height // side_r, side_r, width // side_c, side_c)
    flat = squares.transpose(0, 2, 1, 3).reshape(-1, side_r * side_c)
    best = flat.argmin(axis=1)
    square = np.arange(len(flat))
    rows = square // (width // side_c) * side_r + best // side_c
    cols = square % (width // side_c) * side_c + best % side_c
    known = np.isfinite(flat[square, best])
    rows, cols = rows[known], cols[known]
    return rows, cols, label[rows, cols], mean[rows, cols], looks[:, rows, cols].T.astype(np.float64)


def _means(image: Floats) -> Floats:
    """Means of the squares around each pixel; the image ends as its border."""
    side = 2 * _HALF + 1
    padded = np.pad(image, _HALF, mode="edge")
    rows = np.lib.stride_tricks.sliding_window_view(padded, side, axis=0).mean(axis=-1)
    means: Floats = np.lib.stride_tricks.sliding_window_view(rows, side, axis=1).mean(axis=-1)
    return means


def _of_map(job: SuggestJob, candidates: _Candidates, progress: Progress) -> tuple[GeoGrid, tuple[LegendClass, ...]]:
    if job.map is None or job.confidence is None:
        raise ValueError("no map")
    values_seen: set[int] = set()
    with Source(job.map) as of_map, Source(job.confidence) as of_confidence:
        facts = of_map.facts
        if facts.grid.shape != of_confidence.facts.grid.shape:
            raise LulcError(
                f"The map has {facts.width} × {facts.height} pixels, its confidence"
                f" {of_confidence.facts.width} × {of_confidence.facts.height}.",
                "Give the confidence of that map.",
            )
        blocks = list(_blocks(facts.grid))
        unit = _unit(of_confidence, job.confidence.band, blocks[:: max(1, len(blocks) // 16)])
        for done, region in enumerate(blocks):
            if progress.cancelled:
                raise CancelledError()
            values, valid = of_map.read([job.map.band], region)
            confidence, known = of_confidence.read([job.confidence.band], region)
            use = valid[0] & known[0]
            if use.any():
                looks = np.zeros((1, *use.shape), np.float32)  # nothing but the class is known of a place
                margin = (confidence[0] / unit).astype(np.float32)
                rows, cols, label, mean, look = _lowest_margin(margin, values[0].astype(np.int64), looks, use)
                candidates.add(rows + (region.row0 + 0.5), cols + (region.col0 + 0.5), label, mean, look)
                values_seen.update(np.unique(label).tolist())
            progress.report(100 * (done + 1) / len(blocks))
    named = {c.value: c for c in job.map.classes or read_categories(job.map.path, job.map.band)}
    classes = tuple(named.get(v) or LegendClass(v, str(v), "#808080") for v in sorted(values_seen))
    index = {c.value: i for i, c in enumerate(classes)}
    candidates.label[:] = [index[v] for v in candidates.label]
    candidates.looks[:] = [np.eye(len(classes))[label] for label in candidates.label]
    return facts.grid, classes


def _unit(confidence: Source, band: int, blocks: Sequence[PixelRegion]) -> float:
    """What full confidence is stored as: 1, 100 or 255, by the largest number of some blocks that is no nodata."""
    largest = 0.0
    for block in blocks:
        values, known = confidence.read([band], block)
        largest = max(largest, float(values[known].max(initial=0)))
    return 1.0 if largest <= 1 else 100.0 if largest <= 100 else 255.0


def _blocks(grid: GeoGrid) -> Iterator[PixelRegion]:
    for top in range(0, grid.height, _BLOCK):
        for left in range(0, grid.width, _BLOCK):
            yield PixelRegion(top, min(grid.height, top + _BLOCK), left, min(grid.width, left + _BLOCK))


# ---------------------------------------------------------------- the choice


def _spread(candidates: _Candidates, job: SuggestJob, grid: GeoGrid) -> list[int]:
    """Indices of candidates, chosen one by one: the most uncertain and unlike those that were chosen before."""
    generator = np.random.default_rng(job.seed)
    places = np.stack([candidates.rows, candidates.cols], axis=1)
    margin = np.array(candidates.margin)
    if len(margin) > _MOST_CANDIDATES:
        kept = np.sort(generator.permutation(len(margin))[:_MOST_CANDIDATES])
    else:
        kept = np.arange(len(margin))
    places, margin = places[kept], margin[kept]
    looks = np.array(candidates.looks)[kept]
    looks = (looks - looks.mean(axis=0)) / np.maximum(looks.std(axis=0), 1e-6) / np.sqrt(looks.shape[1])
    apart = _APART * np.sqrt(grid.height * grid.width / job.count)
    near = np.full(len(places), np.inf)
    for row, col in _labelled(job.samples, grid):
        near = np.minimum(near, np.hypot(*(places - (row, col)).T))
    unlike = np.full(len(places), 1.0)
    chosen: list[int] = []
    while len(chosen) < min(job.count, len(places)):
        # ties are broken by chance
        worth = (1 - margin) * unlike * (1 + 1e-9 * generator.random(len(places)))
        free = near >= apart
        free[chosen] = False
        if not free.any():
            apart /= 2
            if apart < 1:
                break
            continue
        best = int(np.argmax(np.where(free, worth, -1)))
        chosen.append(best)
        near = np.minimum(near, np.hypot(*(places - places[best]).T))
        unlike = np.minimum(unlike, np.minimum(1.0, np.sqrt(((looks - looks[best]) ** 2).sum(axis=1))))
    return [int(kept[place]) for place in chosen]


def _labelled(samples: FeatureInput | None, grid: GeoGrid) -> Sequence[tuple[float, float]]:
    """Row and column of what is labelled already; of a polygon its corners."""
    if samples is None:
        return ()
    if samples.kind == "points":
        _, xs, ys = single_points(samples.features)
    else:
        corners = [
            corner
            for feature in samples.features
            for polygon in (
                feature.geometry["coordinates"]
                if feature.geometry["type"] == "MultiPolygon"
                else [feature.geometry["coordinates"]]
            )
            for corner in polygon[0]
        ]
        xs, ys = np.array([c[0] for c in corners]), np.array([c[1] for c in corners])
    rows, cols = grid.positions(xs, ys)
    return [(float(r), float(c)) for r, c in zip(rows, cols) if np.isfinite(r) and np.isfinite(c)]
