# SPDX-License-Identifier: GPL-3.0-or-later
"""The data sets as chips in memory: four bands, validity, what is known about each pixel, place and split.

Splits come from the data's own `split.csv` and are by place. The European set is for evaluation only and has its own
function; nothing that trains calls it.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lulc_plugin.raster.source import open_dataset

from .channels import PICTURE, REFLECTANCE, network_input

HLS, INDIA, OSCD, L2A, FOREST, EUROPE = (
    "hls7_worldcover",
    "s2_india_rgbn",
    "s2_l1c_oscd",
    "s2_l2a_12band",
    "s2_l2a_forest_cz",
    "s2_europe_rgbn16",
)

#: Position of red, green, blue, nir in the files of each set (from 1).
_RGBN = {
    HLS: (4, 3, 2, 5),
    INDIA: (1, 2, 3, 4),
    OSCD: (4, 3, 2, 8),
    L2A: (4, 3, 2, 8),
    FOREST: (4, 3, 2, 8),
    EUROPE: (3, 2, 1, 4),
}

#: Label value of the file → class value of the six-class legend (0 = not labelled).
_HLS_CLASSES = {1: 2, 2: 3, 3: 4, 4: 5, 5: 6, 6: 1}
_EUROPE_CLASSES = {2: 5, 3: 4, 4: 2, 5: 2, 6: 3, 9: 1}

#: Class value of a group label → class values of the legend that it allows.
INDIA_GROUPS: dict[int, tuple[int, ...]] = {1: (5,), 2: (2, 3, 4, 6), 3: (1,)}
INDIA_NAMES = {1: "Built-up", 2: "Vegetation and open land", 3: "Water"}

#: Places whose teacher labels are useless: cloud, snow, ice, or an offset flag that looks wrong.
_LEFT_OUT = ("Ellesmere", "Western Cape", "Okayama", "Greenland", "Lena")
_LEFT_OUT_FILES = ("lcn_36S_turkey_coast.tif", "s2_100k_286743.tif", "S2A_MSIL2A_20180510T94033_19_86.tif")


@dataclass
class Chip:
    """One image with what is known about its pixels.

    Attributes:
        source: name of the set.
        place: group of chips that lie together; never split between training and test.
        values: `(4, rows, cols)` red, green, blue, nir: reflectance 0..1, or stored bytes where `picture`.
        valid: `(rows, cols)`.
        labels: `(rows, cols)` class value, or group value for the Indian set; 0 = unknown. Of the teacher: its most
            likely class.
        soft: `(6, rows, cols)` float16 shares of the teacher, or None.
        layer: `(bands, pixels)` sample of the chip's own values.
        pool: sample of all chips of the place.
    """

    source: str
    name: str
    place: str
    split: str
    values: npt.NDArray[np.float32]
    valid: npt.NDArray[np.bool_]
    labels: npt.NDArray[np.uint8]
    picture: bool = False
    soft: npt.NDArray[np.float16] | None = None
    layer: npt.NDArray[np.float32] = field(default_factory=lambda: np.zeros((4, 0), np.float32))
    pool: npt.NDArray[np.float32] = field(default_factory=lambda: np.zeros((4, 0), np.float32))

    def network_input(self, fill: Sequence[float]) -> npt.NDArray[np.float32]:
        """`(channels, rows, cols)` through the form that fits this chip, the chip being the whole layer."""
        return network_input(self.values, self.valid, PICTURE if self.picture else REFLECTANCE, fill)


def read_split(folder: Path) -> list[dict[str, str]]:
    """Rows of `split.csv` of a set."""
    with open(folder / "split.csv", newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


def stored(path: Path, bands: Sequence[int] | None = None) -> npt.NDArray[np.generic]:
    """Stored numbers of a raster, `(bands, rows, cols)`."""
    with open_dataset(path) as dataset:
        return dataset.read(list(bands) if bands else None)


def relabelled(codes: npt.NDArray[np.generic], classes: dict[int, int]) -> npt.NDArray[np.uint8]:
    """Class values of label codes; what `classes` does not name becomes 0."""
    table = np.zeros(256, np.uint8)
    for code, value in classes.items():
        table[code] = value
    return table[codes.astype(np.uint8)]


def with_samples(chips: list[Chip], stride: int = 3) -> list[Chip]:
    """The same chips with `layer` and `pool` filled in."""
    places: dict[tuple[str, str], list[Chip]] = {}
    for chip in chips:
        grid = np.s_[stride // 2 :: stride]
        chip.layer = chip.values[:, grid, grid][:, chip.valid[grid, grid]]
        places.setdefault((chip.source, chip.place), []).append(chip)
    for members in places.values():
        pool = np.concatenate([m.layer for m in members], axis=1)
        pool = pool[:, :: max(1, pool.shape[1] // 8000)]
        for member in members:
            member.pool = pool
    return chips


def hls(root: Path, splits: Iterable[str]) -> list[Chip]:
    """Harmonised Landsat and Sentinel-2, 30 m, six classes."""
    folder, chips = root / HLS, []
    for row in read_split(folder):
        if row["split"] in splits:
            values = stored(folder / "images" / row["file"], _RGBN[HLS]).astype(np.float32) / 10000
            labels = relabelled(stored(folder / "labels" / row["file"], (1,))[0], _HLS_CLASSES)
            valid = np.ones(labels.shape, bool)
            chips.append(Chip(HLS, row["file"], row["group"], row["split"], values, valid, labels))
    return with_samples(chips)


def india(root: Path, splits: Iterable[str]) -> list[Chip]:
    """Sentinel-2 pictures of India, 10 m, three groups of classes."""
    folder, chips = root / INDIA, []
    for row in read_split(folder):
        if row["split"] in splits:
            values = stored(folder / "images" / row["file"], _RGBN[INDIA]).astype(np.float32)
            labels = stored(folder / "labels" / row["file"], (1,))[0].astype(np.uint8)
            valid = np.ones(labels.shape, bool)
            chips.append(Chip(INDIA, row["file"], row["group"], row["split"], values, valid, labels, picture=True))
    return with_samples(chips)


def europe(root: Path) -> list[Chip]:
    """Sentinel-2 of a European region with S2GLC labels: evaluation only. All its train and val files."""
    folder, chips = root / EUROPE, []
    for row in read_split(folder):
        if row["split"] in ("train", "val"):
            values = stored(folder / "images" / row["file"], _RGBN[EUROPE]).astype(np.float32) / 10000
            labels = relabelled(stored(folder / "labels" / row["file"], (1,))[0], _EUROPE_CLASSES)
            valid = np.ones(labels.shape, bool)
            chips.append(Chip(EUROPE, row["file"], row["group"], "evaluation", values, valid, labels))
    return chips


def unlabelled(root: Path, source: str, splits: Iterable[str]) -> list[tuple[dict[str, str], npt.NDArray[np.float32]]]:
    """Twelve-band Sentinel-2 images of a set without labels: rows of `split.csv` and reflectance × 10 000.

    The offset of newer products is taken off. Where nobody knows whether there is one (bright deserts), none is
    assumed: those products are most likely older.
    """
    folder, found = root / source, []
    for row in read_split(folder):
        left_out = row["file"] in _LEFT_OUT_FILES or any(p in row.get("place", "") for p in _LEFT_OUT)
        if row["split"] in splits and not (source == L2A and left_out):
            dn = stored(folder / "images" / row["file"]).astype(np.float32)
            if row.get("plus1000_offset") == "yes":
                empty = (dn == 0).all(axis=0)
                dn = np.maximum(dn - 1000, 0)
                dn[:, empty] = 0
            found.append((row, dn))
    return found


def rgbn(dn: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Red, green, blue, nir as reflectance 0..1 of a twelve-band image."""
    return dn[[b - 1 for b in _RGBN[OSCD]]] / np.float32(10000)
