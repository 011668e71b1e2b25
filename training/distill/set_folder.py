# SPDX-License-Identifier: GPL-3.0-or-later
"""The data set that distilling writes: images, labels for the eye, soft ones to learn from, places, a sheet."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lulc_plugin.atomic_write import write_whole
from lulc_plugin.errors import LulcError
from lulc_plugin.legend import Legend
from lulc_plugin.raster import open_dataset, value_kind

from ..sets.scene_statistics import FILE, percentiles_of, write_scene_statistics
from ..teachers.cache import packed
from .scene_pieces import Piece

FloatArray = npt.NDArray[np.float32]
BoolArray = npt.NDArray[np.bool_]
#: Reflectance is stored × this.
_REFLECTANCE = 10_000
_MOST_LABELS = 255
#: Splits of an unlabelled set that say nothing about training and validation.
_OPEN_SPLITS = ("", "unlabelled")


@dataclass(frozen=True)
class _Row:
    file: str
    scene: str
    place: str
    split: str
    centre: tuple[float, float] | None
    known: float


@dataclass
class SetFolder:
    """A folder that becomes a data set with `finish`; until then it has no description.

    Args:
        folder: new or empty.
        bands: common names of what is stored, in this order.
        kind: `reflectance` or `picture`.
        legend: the student's classes.

    Raises:
        LulcError: the folder has something in it, or the legend has more classes than 8 bits can number.
    """

    folder: Path
    bands: tuple[str, ...]
    kind: str
    legend: Legend
    rows: list[_Row] = field(default_factory=list)
    scenes: dict[str, FloatArray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.folder.exists() and (not self.folder.is_dir() or any(self.folder.iterdir())):
            raise LulcError(f"{self.folder} is there already.", "Remove it, or name another folder with --out.")
        if len(self.legend.classes) > _MOST_LABELS:
            raise LulcError(f"The legend has {len(self.legend.classes)} classes; labels have room for {_MOST_LABELS}.")
        for name in ("images", "labels", "soft"):
            (self.folder / name).mkdir(parents=True)

    def add(self, piece: Piece, shares: FloatArray, known: BoolArray) -> None:
        """Store an image with its answer.

        Args:
            piece: the image; only its core is stored.
            shares: `(classes, rows, cols)` of the core.
            known: `(rows, cols)` of the core.

        Raises:
            LulcError: two images have the same name.
        """
        file = f"{piece.name}.tif"
        if any(row.file == file for row in self.rows):
            raise LulcError(f"Two scenes are called {piece.name}.", "Rename one of the files.")
        valid = piece.valid[piece.core]
        place: dict[str, Any] = {"crs": piece.crs, "transform": piece.transform} if piece.crs else {}
        values = np.stack([piece.bands[n][piece.core] for n in self.bands])
        stored = _stored(values, valid, self.kind)
        with _raster(self.folder / "images" / file, stored, place) as dataset:
            dataset.write(stored)
            for i, name in enumerate(self.bands):
                dataset.set_band_description(i + 1, name)
        labels = np.where(known, shares.argmax(axis=0) + 1, 0).astype(np.uint8)[None]
        with _raster(self.folder / "labels" / file, labels, place) as dataset:
            dataset.write(labels)
            dataset.write_colormap(1, {0: (0, 0, 0, 0), **{i + 1: c.rgb for i, c in enumerate(self.legend.classes)}})
        write_whole(self.folder / "soft" / f"{piece.name}.npz", packed(shares, known))
        if piece.layer is not None and piece.scene not in self.scenes:
            unit = _REFLECTANCE if self.kind == value_kind.REFLECTANCE else 1
            self.scenes[piece.scene] = percentiles_of(np.stack([piece.layer[n] for n in self.bands]) * unit)
        share = float(known.sum() / max(1, valid.sum()))
        self.rows.append(_Row(file, piece.scene, piece.place, piece.split, piece.centre, share))

    def finish(self, facts: Mapping[str, Any], soft: Mapping[str, str], together: float, share: float) -> Counter[str]:
        """Write `split.csv` and `set.toml`; returns split → images.

        Args:
            facts: further entries of `set.toml`: title, credit, licence, gsd, level.
            soft: what `[soft]` should tell about the teacher.
            together: scenes nearer than so many kilometres are one place, where the data do not name places.
            share: of the images that validate, where the data have no splits.
        """
        places = self._places(together)
        free = Counter(p for p, row in zip(places, self.rows) if row.split in _OPEN_SPLITS)
        chosen = choose_validation(free, share)
        splits = [
            (VALIDATION if p in chosen else "train") if row.split in _OPEN_SPLITS else row.split
            for p, row in zip(places, self.rows)
        ]
        text = io.StringIO()
        table = csv.writer(text, lineterminator="\n")
        table.writerow(["file", "group", "split", "scene", "known_share"])
        for row, place, split in zip(self.rows, places, splits):
            table.writerow([row.file, place, split, row.scene, f"{row.known:.3f}"])
        write_whole(self.folder / "split.csv", text.getvalue().encode())
        if self.scenes:
            write_scene_statistics(self.scenes, self.folder)
        write_whole(self.folder / "set.toml", self._description(facts, soft).encode())
        return Counter(splits)

    def _places(self, together: float) -> list[str]:
        """Place of each image: as the data say, else by scene, near ones under the name of the first."""
        scenes = list(dict.fromkeys(row.scene for row in self.rows))
        centres = {row.scene: row.centre for row in self.rows}
        groups = join_places([centres[s] for s in scenes], together)
        first = {s: Path(scenes[groups.index(g)]).stem for s, g in zip(scenes, groups)}
        return [row.place or first[row.scene] for row in self.rows]

    def _description(self, facts: Mapping[str, Any], soft: Mapping[str, str]) -> str:
        reflectance = self.kind == value_kind.REFLECTANCE
        entries = {
            "name": self.folder.resolve().name,
            **facts,
            "use": "train",
            "place": "group",
            "bands": list(self.bands),
            "values": "reflectance" if reflectance else "picture",
            "scale": 1 / _REFLECTANCE if reflectance else 1.0,
            "nodata": 0,
            **({"scene_statistics": FILE} if self.scenes else {}),
        }
        lines = [f"{key} = {_toml(value)}" for key, value in entries.items()]
        lines += ["", "[soft]", 'folder = "soft"', *(f"{key} = {_toml(value)}" for key, value in soft.items())]
        lines += ["", "[labels]", "band = 1", "", "[labels.classes]"]
        lines += [f"{i + 1} = {_toml([c.name])}" for i, c in enumerate(self.legend.classes)]
        return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    """Texts, numbers and lists of them; JSON writes them as TOML does."""
    return json.dumps(value, ensure_ascii=False)


def _stored(values: FloatArray, valid: BoolArray, kind: str) -> npt.NDArray[Any]:
    """`(bands, rows, cols)` numbers to store: 0 in all bands means invalid, so a valid black pixel becomes 1."""
    if kind == value_kind.REFLECTANCE:
        numbers = np.clip(np.rint(values * _REFLECTANCE), 0, 65535).astype(np.uint16)
    else:
        whole = bool((values == np.rint(values)).all()) and values.min() >= 0 and values.max() <= 65535
        numbers = values.astype(("uint8" if values.max() <= 255 else "uint16") if whole else "float32")
    numbers[:, ~valid] = 0
    numbers[:, valid & (numbers == 0).all(axis=0)] = 1
    return numbers


def _raster(path: Path, values: npt.NDArray[Any], place: Mapping[str, Any]) -> Any:
    count, height, width = values.shape
    return open_dataset(
        path, "w", driver="GTiff", count=count, height=height, width=width, dtype=values.dtype, nodata=0,
        compress="deflate", **place,
    )  # fmt: skip


def class_shares(folder: Path, files: Sequence[str], legend: Legend) -> npt.NDArray[np.int64]:
    """Pixels of each class over some label files of the folder, those without a label first."""
    counts = np.zeros(len(legend.classes) + 1, np.int64)
    for file in files:
        with open_dataset(folder / "labels" / file) as dataset:
            counts += np.bincount(dataset.read(1).ravel(), minlength=len(counts))
    return counts


_MOST = 48
_PAIRS = 4
_INCHES = 1.7


def draw_sheet(
    folder: Path, files: Sequence[str], bands: Sequence[str], legend: Legend, target: Path, title: str
) -> None:
    """Write a PNG with up to 48 images of a set folder, spread evenly over `files`, each with its labels.

    White pixels of a label picture are unknown.

    Args:
        folder: holds `images/` and `labels/`, labels being position in the legend + 1.
        files: names.
        bands: common names in the order of the images.
        legend: classes.
        target: the `.png` to write.
        title: above the sheet.
    """
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    step = max(1, math.ceil(len(files) / _MOST))
    shown = list(files)[::step]
    lines = math.ceil(len(shown) / _PAIRS)
    height = lines * _INCHES * 1.12 + 0.9
    figure = Figure(figsize=(2 * _PAIRS * _INCHES, height), dpi=110)
    axes = figure.subplots(lines, 2 * _PAIRS, squeeze=False)
    colours = np.array([(255, 255, 255), *(c.rgb for c in legend.classes)], np.uint8)
    for axis in axes.flat:
        axis.axis("off")
    for i, file in enumerate(shown):
        line, column = divmod(i, _PAIRS)
        with open_dataset(folder / "images" / file) as dataset:
            picture = _picture(dataset.read(), bands)
        with open_dataset(folder / "labels" / file) as dataset:
            labels = colours[dataset.read(1)]
        axes[line, 2 * column].imshow(picture)
        axes[line, 2 * column].set_title(Path(file).stem[-26:], fontsize=5.5, pad=2)
        axes[line, 2 * column + 1].imshow(labels, interpolation="nearest")
    patches = [Patch(facecolor=c.colour, label=c.name) for c in legend.classes]
    patches.append(Patch(facecolor="white", edgecolor="black", label="unknown"))
    figure.suptitle(title, fontsize=9, y=1 - 0.15 / height)
    figure.legend(handles=patches, loc="upper center", ncol=min(8, len(patches)), fontsize=7, frameon=False,
                  bbox_to_anchor=(0.5, 1 - 0.3 / height))  # fmt: skip
    figure.subplots_adjust(0.005, 0.005, 0.995, 1 - 0.75 / height, 0.02, 0.14)
    figure.savefig(target)


def _picture(stored: npt.NDArray[np.generic], bands: Sequence[str]) -> npt.NDArray[np.float64]:
    """`(rows, cols, 3)` true colour, else the first three bands; each band between its 2nd and 98th percentile."""
    wanted = ("red", "green", "blue")
    chosen = [bands.index(b) for b in wanted] if set(wanted) <= set(bands) else [0, len(bands) // 2, len(bands) - 1]
    valid = (stored != 0).any(axis=0)
    out = np.ones((*valid.shape, 3))
    for i, band in enumerate(chosen):
        values = stored[band].astype(np.float64)
        if valid.any():
            low, high = np.percentile(values[valid], [2, 98])
            out[..., i] = np.where(valid, np.clip((values - low) / max(high - low, 1e-6), 0, 1), 1)
    return out


_EARTH_KM = 6371.0
VALIDATION = "val"


def join_places(centres: Sequence[tuple[float, float] | None], kilometres: float) -> list[int]:
    """A number for each scene; scenes with a chain of neighbours nearer than `kilometres` have the same one.

    Args:
        centres: longitude and latitude in degrees; None stands alone.
        kilometres: along the great circle (haversine formula) on a sphere.
    """
    group = list(range(len(centres)))
    for i, here in enumerate(centres):
        for j, there in enumerate(centres[:i]):
            if here is not None and there is not None and _distance(here, there) < kilometres:
                old, new = group[i], group[j]
                group = [new if g == old else g for g in group]
    return group


def _distance(a: tuple[float, float], b: tuple[float, float]) -> float:
    lon_a, lat_a, lon_b, lat_b = np.radians([*a, *b])
    half = np.sin((lat_b - lat_a) / 2) ** 2 + np.cos(lat_a) * np.cos(lat_b) * np.sin((lon_b - lon_a) / 2) ** 2
    return float(2 * _EARTH_KM * np.arcsin(np.sqrt(min(1.0, half))))


def choose_validation(pieces: Mapping[str, int], share: float) -> set[str]:
    """Places that validate: in an order by chance that never changes, until they have `share` of all images.

    At least one, where there are two places or more and `share` is not 0; never all.

    Args:
        pieces: place → number of images.
        share: 0 to 1.
    """
    order = sorted(pieces, key=lambda place: hashlib.sha256(place.encode()).hexdigest())
    chosen: set[str] = set()
    while share > 0 and len(chosen) < len(order) - 1:
        if chosen and sum(pieces[p] for p in chosen) >= share * sum(pieces.values()):
            break
        chosen.add(order[len(chosen)])
    return chosen
