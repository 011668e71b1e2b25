# SPDX-License-Identifier: GPL-3.0-or-later
"""Chips: windows of scenes and their labels, where they lie, which labels are kept, and the GeoTIFFs."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from rasterio.errors import RasterioError

from lulc_plugin.errors import LulcError
from lulc_plugin.progress import Progress
from lulc_plugin.raster import PixelRegion, Source, open_dataset, usable

from .class_table import UNKNOWN, ClassTable, Labels
from .overlap import Rectangle
from .place_splits import Area
from .scenes import Scene

#: Labels of a region of a scene.
ReadLabels = Callable[[PixelRegion], Labels]


@dataclass(frozen=True)
class ChipOptions:
    """What chips are like.

    Attributes:
        tiling: where they lie.
        least_labelled: chips with a smaller share of labelled pixels are left out, 0..1.
        sparse: keep this many labelled pixels a chip; 0: all.
        balanced: see `thinned`.
        sparse_splits: splits in which labels are thinned; elsewhere they stay whole, to measure against.
        seed: of what is drawn.
    """

    tiling: Tiling
    least_labelled: float = 0.0
    sparse: int = 0
    balanced: bool = False
    sparse_splits: tuple[str, ...] = ("train",)
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.least_labelled <= 1:
            raise LulcError(
                f"The least share of labelled pixels is {self.least_labelled:g}.", "Give a share from 0 to 1."
            )
        if self.sparse < 0:
            raise LulcError(f"{self.sparse} labelled pixels a chip cannot be kept.", "Give --sparse a number from 1.")


@dataclass(frozen=True)
class ChipRow:
    """A line of `split.csv`."""

    file: str
    place: str
    split: str
    scene: str
    row: int
    col: int
    height: int
    width: int
    labelled: int


@dataclass
class LeftOut:
    """What chips lack: those without a valid pixel, those with too few labels (and how many), hidden labels."""

    empty: int = 0
    unlabelled: int = 0
    lost_labels: int = 0
    hidden: int = 0

    def add(self, other: LeftOut) -> None:
        """Count `other` too."""
        self.empty += other.empty
        self.unlabelled += other.unlabelled
        self.lost_labels += other.lost_labels
        self.hidden += other.hidden


@dataclass(frozen=True)
class ChipWriter:
    """Writes chips to `folder/images` and `folder/labels`.

    Attributes:
        folder: of the data set.
        names: of the bands.
        nodata: what pixels get, in all bands, that are not valid in all bands; None where all are.
        table: classes of the labels; None without labels.
        options: what chips are like.
    """

    folder: Path
    names: tuple[str, ...]
    nodata: float | None
    table: ClassTable | None
    options: ChipOptions

    def write(
        self, scene: Scene, areas: Sequence[Area], labels: ReadLabels | None, progress: Progress
    ) -> tuple[list[ChipRow], LeftOut]:
        """The chips of the areas of one scene.

        Windows are read one by one, so a scene may be larger than memory. Pixels that are not valid get no label, and
        outside training a pixel has its label in one chip only, so that it is counted once.

        Returns:
            rows of `split.csv` and what was left out.

        Raises:
            LulcError: the scene is damaged or the disk full.
        """
        rows: list[ChipRow] = []
        left = LeftOut()
        with Source(str(scene.path)) as source:
            for area in areas:
                for window, new in self.options.tiling.windows_and_new(area.rectangle):
                    progress.check()
                    region = PixelRegion(window.row0, window.row1, window.col0, window.col1)
                    values, valid = _pixels(source, scene, region, self.nodata)
                    if not valid.any():
                        left.empty += 1
                        continue
                    name = f"{scene.stem}_r{window.row0:05d}_c{window.col0:05d}"
                    known = None if labels is None else np.where(valid, labels(region), UNKNOWN).astype(np.uint8)
                    if known is not None:
                        known = self._kept(known, name, area.split, left)
                        if known is None:
                            continue
                        if area.split != "train":
                            known[: new.row0 - window.row0] = UNKNOWN
                            known[:, : new.col0 - window.col0] = UNKNOWN
                    self._save(scene, name, region, values, known)
                    rows.append(_row(name, area, scene, window, 0 if known is None else int(np.count_nonzero(known))))
        return rows, left

    def _kept(self, labels: Labels, name: str, split: str, left: LeftOut) -> Labels | None:
        """Labels as they are written, None where they are too few; what is lost is counted."""
        count = int(np.count_nonzero(labels))
        if count < self.options.least_labelled * labels.size:
            left.unlabelled += 1
            left.lost_labels += count
            return None
        if not self.options.sparse or split not in self.options.sparse_splits:
            return labels
        kept = thinned(labels, self.options.sparse, name, self.options.seed, self.options.balanced)
        left.hidden += count - int(np.count_nonzero(kept))
        return kept

    def _save(
        self, scene: Scene, name: str, region: PixelRegion, values: npt.NDArray[Any], labels: Labels | None
    ) -> None:
        profile: dict[str, Any] = {
            "driver": "GTiff", "height": region.height, "width": region.width, "compress": "deflate",
            "crs": scene.facts.crs,
        }  # fmt: skip
        if scene.facts.crs is not None:
            profile["transform"] = scene.facts.transform_of(region)
        image: dict[str, Any] = {
            "count": len(values), "dtype": values.dtype, "nodata": self.nodata,
            "predictor": 3 if values.dtype.kind == "f" else 2,
        }  # fmt: skip
        path = self.folder / "images" / f"{name}.tif"
        try:
            with open_dataset(path, "w", **profile, **image) as dataset:
                dataset.write(values)
                dataset.descriptions = self.names
            if labels is not None and self.table is not None:
                path = self.folder / "labels" / f"{name}.tif"
                with open_dataset(path, "w", count=1, dtype="uint8", nodata=UNKNOWN, **profile) as dataset:
                    dataset.write(labels, 1)
                    dataset.write_colormap(1, {UNKNOWN: (0, 0, 0, 0), **self.table.legend.colour_table()})
        except (RasterioError, OSError) as error:
            raise LulcError(f"The chip {path} cannot be written: {error}.", "Is the disk full?") from error


def _row(name: str, area: Area, scene: Scene, window: Rectangle, labelled: int) -> ChipRow:
    height, width = window.row1 - window.row0, window.col1 - window.col0
    return ChipRow(f"{name}.tif", area.place, area.split, scene.stem, window.row0, window.col0, height, width, labelled)


def _pixels(
    source: Source, scene: Scene, region: PixelRegion, nodata: float | None
) -> tuple[npt.NDArray[Any], npt.NDArray[np.bool_]]:
    values, by_band = source.read(scene.bands, region)
    valid = usable(by_band, "any")
    if nodata is not None:
        values[:, ~valid] = nodata
        valid &= ~(values == nodata).all(axis=0)
    return values, valid


def nodata_for(scenes: Sequence[Scene]) -> float | None:
    """The value that invalid pixels get in chips: the scenes' own where it is a number, else 0 or, for floats, -9999.

    None where no scene has a nodata value, a mask, or numbers that can be NaN.
    """
    kind = np.dtype(scenes[0].facts.dtypes[scenes[0].bands[0] - 1]).kind
    own = [s.nodata for s in scenes if s.nodata is not None and np.isfinite(s.nodata)]
    if own:
        return own[0]
    masked = kind == "f"
    for scene in scenes:
        with Source(str(scene.path)) as source:
            masked = masked or any(source.has_mask(b) for b in scene.bands)
    if not masked:
        return None
    return -9999.0 if kind == "f" else 0.0


def thinned(labels: Labels, number: int, name: str, seed: int, balanced: bool = False) -> Labels:
    """Labels of which `number` pixels, drawn at random without replacement, are kept; the others become unknown.

    Args:
        labels: `(rows, cols)`, 0 = unknown.
        number: how many to keep; a chip with fewer keeps all.
        name: of the chip; with `seed` it decides what is drawn.
        seed: of the draw.
        balanced: as many of each class as there are, instead of by their shares of the area.
    """
    chance = np.random.default_rng([seed, zlib.crc32(name.encode())])
    flat = labels.ravel()
    labelled = np.flatnonzero(flat != UNKNOWN)
    order = chance.permutation(labelled)
    if balanced:
        # the k-th pixel of every class comes before the k+1-th of any: classes take turns until they are used up
        turn = np.zeros(len(order), np.int64)
        for value in np.unique(flat[order]):
            mine = flat[order] == value
            turn[mine] = np.arange(np.count_nonzero(mine))
        order = order[np.argsort(turn, kind="stable")]
    kept = np.zeros_like(flat)
    chosen = order[:number]
    kept[chosen] = flat[chosen]
    return kept.reshape(labels.shape)


EDGES = ("shift", "smaller")


@dataclass(frozen=True)
class Tiling:
    """Chips of `size` pixels a side, `stride` pixels apart.

    Attributes:
        size: rows and columns of a chip.
        stride: from one chip to the next; less than `size`: chips overlap.
        edges: at the far edge, `shift` moves the last chip inwards, `smaller` cuts it.

    Raises:
        LulcError: a size or stride that leaves pixels out.
    """

    size: int = 256
    stride: int = 0
    edges: str = "shift"

    def __post_init__(self) -> None:
        if self.size < 16:
            raise LulcError(f"Chips of {self.size} pixels are too small.", "Give --size 16 or more; 256 is usual.")
        if self.stride == 0:
            object.__setattr__(self, "stride", self.size)
        if not 0 < self.stride <= self.size:
            raise LulcError(
                f"The stride is {self.stride} pixels, the size {self.size}: pixels between chips would be lost.",
                "Give a --stride from 1 to --size.",
            )
        if self.edges not in EDGES:
            raise LulcError(f"Edges are {self.edges!r}.", f"They are one of {', '.join(EDGES)}.")

    def windows(self, area: Rectangle) -> list[Rectangle]:
        """Chips of `area`, row by row; an area smaller than a chip is one chip."""
        return [window for window, _ in self.windows_and_new(area)]

    def windows_and_new(self, area: Rectangle) -> list[tuple[Rectangle, Rectangle]]:
        """Chips of `area`, each with the part of it that no chip before it has."""
        down, across = self._spans(area.row0, area.row1), self._spans(area.col0, area.col1)
        return [
            (Rectangle(row0, row1, col0, col1), Rectangle(new_row, row1, new_col, col1))
            for (row0, row1), new_row in zip(down, _ends_before(down), strict=True)
            for (col0, col1), new_col in zip(across, _ends_before(across), strict=True)
        ]

    def _spans(self, start: int, stop: int) -> list[tuple[int, int]]:
        if stop - start <= self.size:
            return [(start, stop)]
        out = [(at, at + self.size) for at in range(start, stop - self.size + 1, self.stride)]
        if out[-1][1] < stop:
            after = out[-1][0] + self.stride
            out.append((stop - self.size, stop) if self.edges == "shift" else (after, stop))
        return out


def _ends_before(spans: list[tuple[int, int]]) -> list[int]:
    """Where the span before each one ends; of the first, where it begins."""
    return [spans[0][0], *(stop for _, stop in spans[:-1])]
