# SPDX-License-Identifier: GPL-3.0-or-later
"""Chips: the bands a network wants, validity, what is known about each pixel, place and split."""

from __future__ import annotations

import csv
import hashlib
import warnings
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
from rasterio.errors import RasterioError

from lulc_plugin.errors import LulcError
from lulc_plugin.raster import open_dataset

from .chip_files import ChipFacts, ChipFiles, read_ahead
from .description import SetDescription, plain_name
from .scene_statistics import scene_statistics

FloatArray = npt.NDArray[np.float32]
BoolArray = npt.NDArray[np.bool_]
_IMAGES = (".tif", ".tiff", ".png", ".jpg", ".jpeg", ".vrt")


@dataclass
class Chip:
    """One image with what is known about its pixels.

    Attributes:
        source: name of the set.
        name: file.
        place: group of chips that lie together; never split between training and test.
        split: as the set says.
        values: `(bands, rows, cols)`: reflectance 0..1, or stored numbers where `picture`.
        valid: `(rows, cols)`; `present` says which bands the set has at all.
        labels: `(rows, cols)` codes, 0 = unknown; `allowed[code]` says which classes the pixel may be.
        allowed: `(codes, classes)`, row 0 empty. Code k of a set of sure labels is class k - 1.
        picture: numbers are a picture's.
        gsd, level: as the set's description.
        soft: `(classes, rows, cols)` float16 shares of a teacher, or None; believed where `known`.
        layer: `(bands, pixels)` sample of the chip's own values; where `one_layer`, of the picture it is a part of.
        pool: sample of all chips of the place, or of the scene.
        one_layer: the chip is a part of one picture, with those of its place or its scene.
    """

    source: str
    name: str
    place: str
    split: str
    values: FloatArray
    valid: BoolArray
    labels: npt.NDArray[np.uint8]
    allowed: BoolArray
    picture: bool = False
    gsd: float = 0.0
    level: str = ""
    present: tuple[bool, ...] = ()
    soft: npt.NDArray[np.float16] | None = None
    known: BoolArray | None = None
    layer: FloatArray = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    pool: FloatArray = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    one_layer: bool = False

    @property
    def whole(self) -> FloatArray | None:
        """What stands for the picture that the chip is a part of; None: the chip's own pixels do."""
        return self.layer if self.picture and self.one_layer else None

    @property
    def sure(self) -> bool:
        """Every label names one class, and all classes have their own code."""
        return bool((self.allowed.sum(axis=1) <= 1).all())

    @property
    def band_valid(self) -> BoolArray:
        """`(rows, cols)`, or `(bands, rows, cols)` where the set lacks bands."""
        if all(self.present):
            return self.valid
        return self.valid[None] & np.array(self.present)[:, None, None]


def rows_of(description: SetDescription) -> list[dict[str, str]]:
    """Rows of `split.csv` that are used.

    Raises:
        LulcError: the file is missing or no UTF-8, lacks something that is needed, or names a file elsewhere.
    """
    path = description.folder / "split.csv"
    if not path.is_file():
        raise LulcError(f"{description.folder} has no split.csv.", "Splits are made once, by place, and kept.")
    try:
        # spreadsheets put a byte order mark before the first name
        with open(path, newline="", encoding="utf-8-sig") as handle:
            rows = list(csv.DictReader(handle, restval=""))
    except (UnicodeDecodeError, csv.Error) as error:
        raise LulcError(f"{path} cannot be read: {error}.", "Save it as CSV in UTF-8.") from None
    needed = ["file", "split", *([description.place] if description.place else [])]
    for name in needed:
        if rows and name not in rows[0]:
            raise LulcError(f"{path} has no column {name!r}.")
    for row in rows:
        plain_name(row["file"], f"{path}: an image")
    return [row for row in rows if not _left_out(row, description)]


def _left_out(row: dict[str, str], description: SetDescription) -> bool:
    return any(text in row.get(column, "") for column, texts in description.leave_out.items() for text in texts)


def file_of(folder: Path, name: str) -> Path:
    """The image or label file `name` (with or without its ending) in `folder`.

    Raises:
        LulcError: there is none.
    """
    exact = folder / name
    if exact.suffix.lower() in _IMAGES and exact.is_file():
        return exact
    stem = exact.stem if exact.suffix.lower() in _IMAGES else name
    for ending in _IMAGES:
        path = folder / f"{stem}{ending}"
        if path.is_file():
            return path
    raise LulcError(f"{folder} has no image {name}.")


def stored(path: Path, bands: Sequence[int] | None = None) -> npt.NDArray[np.generic]:
    """Stored numbers of a raster, `(bands, rows, cols)`.

    Raises:
        LulcError: the file cannot be read, or has no such band.
    """
    return _read(path, bands)[0]


def _read(path: Path, bands: Sequence[int] | None = None) -> tuple[npt.NDArray[np.generic], float | None]:
    """Stored numbers, and what the file says stands for no number."""
    try:
        with open_dataset(path) as dataset:
            absent = [b for b in bands or () if b > dataset.count]
            if absent:
                raise LulcError(f"{path} has {dataset.count} bands; band {absent[0]} is asked for.")
            return dataset.read(list(bands) if bands else None), dataset.nodata
    except (RasterioError, OSError) as error:
        raise LulcError(f"{path} cannot be read: {error}.", "Copy or make the file again.") from None


def codes(path: Path, band: int) -> npt.NDArray[np.uint8]:
    """Stored labels `(rows, cols)`, 0 = unknown: also where the file says nodata with a number that is not a label.

    Raises:
        LulcError: the file cannot be read, or holds other numbers than whole ones from 0 to 255.
    """
    numbers, nodata = _read(path, (band,))
    numbers = numbers[0]
    # numbers that are none (NaN) fail every comparison
    fits = (numbers >= 0) & (numbers <= 255) & (numbers == np.floor(numbers))
    wrong = ~fits
    if nodata is not None:
        wrong &= ~(np.isnan(numbers) if np.isnan(nodata) else numbers == nodata)
    if wrong.any():
        raise LulcError(
            f"{path} holds the label {numbers[wrong][0]}; labels are whole numbers from 0 to 255, 0 is unknown.",
            "Renumber them; python -m training.prepare does so by a table.",
        )
    return np.where(fits, numbers, 0).astype(np.uint8)


def images(
    description: SetDescription, splits: Collection[str], bands: Sequence[str]
) -> Iterator[tuple[dict[str, str], FloatArray, BoolArray]]:
    """Rows with values `(bands, rows, cols)` in the unit of the set and validity; bands that the set lacks are 0.

    A pixel that is nodata, or no number (NaN, infinity) in one of these bands, is invalid.

    Raises:
        LulcError: a file is missing or has fewer bands than described.
    """
    positions = _positions(description, bands)
    for row in rows_of(description):
        if row["split"] in splits:
            yield row, *_image(description, row, positions)


def _image(
    description: SetDescription, row: Mapping[str, str], positions: Sequence[int]
) -> tuple[FloatArray, BoolArray]:
    """Values and validity of one row, see `images`."""
    path = file_of(description.folder / "images", row["file"])
    numbers = stored(path)
    if len(numbers) < len(description.bands):
        raise LulcError(f"{path} has {len(numbers)} bands; its set describes {len(description.bands)}.")
    valid = np.ones(numbers.shape[1:], bool)
    if description.nodata is not None:
        valid = ~(numbers == description.nodata).all(axis=0)
    wanted = [position - 1 for position in positions if position]
    valid &= np.isfinite(numbers[wanted]).all(axis=0)
    values = _in_unit(description, row, numbers, positions)
    values[:, ~valid] = 0
    return values, valid


def _positions(description: SetDescription, bands: Sequence[str]) -> list[int]:
    """Number of each band in the files of the set, from 1; 0 where it has none."""
    return [description.bands.index(b) + 1 if b in description.bands else 0 for b in bands]


def _in_unit(
    description: SetDescription, row: Mapping[str, str], numbers: npt.NDArray[np.generic], positions: Sequence[int]
) -> FloatArray:
    """Stored numbers `(bands, …)` in the unit of the set: the bands at `positions` (from 1; those at 0 become 0)."""
    offset = 1000 if description.offset_column and row.get(description.offset_column) == "yes" else 0
    values = np.zeros((len(positions), *numbers.shape[1:]), np.float32)
    for i, position in enumerate(positions):
        if position:
            values[i] = numbers[position - 1]
            if offset:
                # reflectance cannot be negative, and older products hold none that is
                values[i] = np.maximum(values[i] - offset, 0)
            values[i] = values[i] * np.float32(description.scale) + np.float32(description.offset)
    return values


def allowed_classes(description: SetDescription, names: Sequence[str]) -> tuple[BoolArray, npt.NDArray[np.uint8]]:
    """`(codes, classes)` and a table of 256 stored labels → code.

    Sure labels get the code of their class (index + 1), coarse ones the codes after those, in the order of values.

    Raises:
        LulcError: a label names a class that the legend has not.
    """
    table = np.zeros(256, np.uint8)
    coarse: list[list[int]] = []
    for value, members in sorted(description.classes.items()):
        for member in members:
            if member not in names:
                raise LulcError(
                    f"Label {value} of {description.name} is {member!r}, which is not a class of the legend"
                    f" ({', '.join(names)})."
                )
        indices = [names.index(m) for m in members]
        if len(indices) == 1:
            table[value] = indices[0] + 1
        else:
            coarse.append(indices)
            table[value] = len(names) + len(coarse)
    allowed = np.zeros((1 + len(names) + len(coarse), len(names)), bool)
    allowed[1 : 1 + len(names)] = np.eye(len(names), dtype=bool)
    for i, indices in enumerate(coarse):
        allowed[1 + len(names) + i, indices] = True
    return allowed, table


def load(description: SetDescription, splits: Collection[str], bands: Sequence[str], names: Sequence[str]) -> ChipFiles:
    """Chips of some splits. All files are looked at now, and read again when a chip is needed.

    Args:
        description: the set.
        splits: which rows of `split.csv`.
        bands: common names that the network wants, in its order.
        names: class names of the network's legend.

    Raises:
        LulcError: files or bands are missing, or a label is of no class.

    Warns:
        UserWarning: labels that the set does not list, which count as unknown, with their number of pixels; pictures
            whose scenes are not known.
    """
    missing = [b for b in bands if b not in description.bands]
    if len(missing) == len(bands):
        raise LulcError(f"{description.name} has none of the bands {', '.join(bands)}.")
    rows = [row for row in rows_of(description) if row["split"] in splits]
    if not rows:
        raise LulcError(f"{description.name} has no image of the split {' or '.join(sorted(splits))}.")
    reader = _Reader(description, rows, bands, names)
    facts = reader.look()
    strays = reader.strays.sum(axis=0)
    _warn_of_strays(strays, int(facts.valid.sum()), f"{description.name}, {'+'.join(splits)}")
    if description.picture and not (description.one_layer or all(reader.layer(row) is not None for row in rows)):
        warnings.warn(
            f"{description.name} does not say which scenes its pictures were cut from, so each is stretched by itself;"
            " a map is stretched as a whole, and may score otherwise. Sets that training.prepare makes now do say it.",
            stacklevel=2,
        )
    return ChipFiles(reader.read, [reader.place(row) for row in rows], facts)


class _Reader:
    """Reads the chips of some rows of a set."""

    def __init__(
        self, description: SetDescription, rows: Sequence[dict[str, str]], bands: Sequence[str], names: Sequence[str]
    ) -> None:
        self._description, self._rows, self._classes = description, rows, len(names)
        self._positions = _positions(description, bands)
        self._present = tuple(position > 0 for position in self._positions)
        self._allowed, self._table = allowed_classes(description, names)
        self.layer = scene_layers(description, bands)
        self.strays = np.zeros((len(rows), 256), np.int64)
        self._pools: dict[str, FloatArray] = {}

    def place(self, row: Mapping[str, str]) -> str:
        """The place of a row: the file itself where the set knows none."""
        return row[self._description.place] if self._description.place else row["file"]

    def look(self) -> ChipFacts:
        """Read all chips once: what is known of them, labels that the set does not list, samples of places."""
        labels, valid = [], []
        samples: dict[str, list[FloatArray]] = {}
        for row, chip in zip(self._rows, read_ahead(self.read, range(len(self._rows))), strict=True):
            labels.append(np.bincount(chip.labels.ravel(), minlength=len(self._allowed)))
            valid.append(np.count_nonzero(chip.valid))
            if self.layer(row) is None:
                samples.setdefault(chip.place, []).append(chip.layer)
        self._pools = {place: _pooled(members) for place, members in samples.items()}
        taught = bool(self._description.soft)
        return ChipFacts(np.stack(labels).astype(np.int64), np.array(valid, np.int64), taught)

    def read(self, number: int) -> Chip:
        """Chip number `number`."""
        description, row = self._description, self._rows[number]
        values, valid = _image(description, row, self._positions)
        stored = _stored_labels(description, row["file"], valid)
        self.strays[number] = np.bincount(stored[valid], minlength=256) * (self._table == 0)
        chip = Chip(
            source=description.name,
            name=row["file"],
            place=self.place(row),
            split=row["split"],
            values=values,
            valid=valid,
            labels=np.where(valid, self._table[stored], 0).astype(np.uint8),
            allowed=self._allowed,
            picture=description.picture,
            gsd=description.gsd,
            level=description.level,
            present=self._present,
        )
        if description.soft:
            chip.soft, known = _soft(description, row["file"], self._classes, valid.shape)
            chip.known = known & valid
        layer = self.layer(row)
        chip.layer = _own_sample(chip) if layer is None else layer
        chip.pool = chip.layer if layer is not None else self._pools.get(chip.place, chip.layer)
        if description.one_layer and layer is None:
            chip.layer = chip.pool
        chip.one_layer = description.one_layer or layer is not None
        return chip


def scene_layers(description: SetDescription, bands: Sequence[str]) -> Callable[[Mapping[str, str]], FloatArray | None]:
    """What stands for the scene of a row of `split.csv`: `(bands, 201)` in the unit of the set, None where unknown.

    Raises:
        LulcError: see `scene_statistics`.
    """
    known, positions = scene_statistics(description), _positions(description, bands)

    def layer(row: Mapping[str, str]) -> FloatArray | None:
        found = known.get(row.get("scene", ""))
        return None if found is None else _in_unit(description, row, found, positions)

    return layer


def _stored_labels(description: SetDescription, name: str, valid: BoolArray) -> npt.NDArray[np.uint8]:
    """Labels as the file has them, `(rows, cols)`; 0 everywhere in a set without labels."""
    if not description.label_band:
        return np.zeros(valid.shape, np.uint8)
    path = file_of(description.folder / "labels", name)
    labels = codes(path, description.label_band)
    if labels.shape != valid.shape:
        raise LulcError(f"{path} has {labels.shape} pixels, its image {valid.shape}.")
    return labels


def _warn_of_strays(counts: npt.NDArray[np.int64], pixels: int, where: str) -> None:
    """Warn of labels that are in the files and not in the description; `counts` are pixels of each value."""
    values = np.flatnonzero(counts[1:]) + 1
    strays = int(counts[values].sum())
    if strays:
        warnings.warn(
            f"{where}: {strays} pixels ({strays / max(1, pixels):.1%}) have labels that set.toml does not list"
            f" ({', '.join(map(str, values))}); they count as unknown.",
            stacklevel=3,
        )


def _soft(
    description: SetDescription, name: str, classes: int, shape: tuple[int, ...]
) -> tuple[npt.NDArray[np.float16], BoolArray]:
    path = description.folder / description.soft / f"{Path(name).stem}.npz"
    if not path.is_file():
        raise LulcError(f"{path} is missing; the set says that it has soft labels.")
    with np.load(path, allow_pickle=False) as answer:
        shares, known = answer["shares"], answer["known"]
    if shares.shape != (classes, *shape):
        raise LulcError(f"{path} holds shares of {shares.shape}; {(classes, *shape)} are needed.")
    return shares, known


def _own_sample(chip: Chip, stride: int = 3) -> FloatArray:
    """Some valid pixels `(bands, pixels)` of a chip, about 8000 at most."""
    step = max(stride, int(np.sqrt(chip.valid.size / 8000)))
    grid = np.s_[step // 2 :: step]
    sample = chip.values[:, grid, grid][:, chip.valid[grid, grid]]
    return sample if sample.size else chip.values[:, chip.valid]


def _pooled(samples: Sequence[FloatArray]) -> FloatArray:
    pool = np.concatenate(samples, axis=1)
    return pool[:, :: max(1, pool.shape[1] // 8000)]


def with_samples(chips: list[Chip]) -> list[Chip]:
    """The same chips with `layer` and `pool` filled in, where they are in memory and know no scene."""
    places: dict[tuple[str, str], list[Chip]] = {}
    for chip in chips:
        chip.layer = _own_sample(chip)
        places.setdefault((chip.source, chip.place), []).append(chip)
    for members in places.values():
        pool = _pooled([m.layer for m in members])
        for member in members:
            member.pool = pool
    return chips


def fingerprint(chips: Iterable[Chip]) -> str:
    """SHA-256 over names, splits, values and labels of chips, in groups of eight digits: what a run was trained on."""
    digest = hashlib.sha256()
    for chip in chips:
        digest.update(f"{chip.source}/{chip.name}/{chip.place}/{chip.split}/{chip.values.shape}\n".encode())
        for array in (chip.values, chip.valid, chip.labels, chip.soft, chip.known):
            digest.update(b"-" if array is None else np.ascontiguousarray(array).tobytes())
    text = digest.hexdigest()
    return "-".join(text[i : i + 8] for i in range(0, 64, 8))
