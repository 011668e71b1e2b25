# SPDX-License-Identifier: GPL-3.0-or-later
"""Masks that are rasters: class values, RGB colours, or a palette; blurred colours are snapped to the nearest class."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from rasterio.errors import RasterioError

from lulc_plugin.assess import RasterInput, RasterOnMap
from lulc_plugin.errors import LulcError
from lulc_plugin.raster import LayerFacts, PixelRegion, Source, open_dataset

from .class_table import UNKNOWN, ClassTable, Labels

KINDS = ("auto", "values", "colours")


@dataclass(frozen=True)
class MaskOptions:
    """How mask files are read: `kind` is one of `KINDS`, `within` as in `decode`."""

    kind: str = "auto"
    within: float = 0.0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise LulcError(f"The kind of the masks is {self.kind!r}.", f"It is one of {', '.join(KINDS)}.")
        if not 0 <= self.within <= 442:
            raise LulcError(f"Colours are snapped within {self.within:g}.", "Give a distance in RGB from 0 to 442.")


class MaskFile:
    """A mask at the pixels of an image.

    Args:
        path: the mask.
        table: its classes.
        options: how to read it.
        image: the grid; None: the mask's own.

    Raises:
        LulcError: it cannot be opened, is not a mask, or does not fit onto the image.
    """

    def __init__(
        self, path: Path, table: ClassTable, options: MaskOptions | None = None, image: LayerFacts | None = None
    ) -> None:
        self._path, self._table, self._options = path, table, options or MaskOptions()
        with Source(str(path)) as source:
            self._facts = source.facts
        self._colours = self._palette()
        self.kind = self._found_kind()
        self._onto = image if image is not None and not _same_grid(self._facts, image) else None
        if self._onto is not None and (self.kind == "colours" or None in (self._onto.crs, self._facts.crs)):
            raise LulcError(
                f"The mask {path} has {self._facts.width} x {self._facts.height} pixels, its image"
                f" {self._onto.width} x {self._onto.height}.",
                "Masks need the pixels of their image; only masks of class values with a georeference are fitted.",
            )

    @property
    def facts(self) -> LayerFacts:
        """Of the mask file."""
        return self._facts

    def _palette(self) -> npt.NDArray[np.uint8] | None:
        """Colours `(256, 3)` of a palette, or None."""
        try:
            with open_dataset(self._path) as dataset:
                entries = dataset.colormap(1)
        except ValueError:  # no palette
            return None
        except (RasterioError, OSError) as error:
            raise LulcError(f"The mask {self._path} cannot be opened: {error}.", "Copy it again.") from error
        colours = np.zeros((256, 3), np.uint8)
        for value, colour in entries.items():
            if value < 256:
                colours[value] = colour[:3]
        return colours

    def _found_kind(self) -> str:
        bands, wanted = len(self._facts.bands), self._options.kind
        coloured = bands >= 3 or self._colours is not None
        if wanted == "colours" and not coloured:
            raise LulcError(f"The mask {self._path} has {bands} band and no palette.", "Use --mask-kind values.")
        if wanted == "colours" and not self._table.coloured:
            raise LulcError("The legend gives no colours, the masks have nothing else.", "Add a colour to each class.")
        if wanted != "auto":
            return wanted
        if not self._table.coloured:
            return "values"
        if bands >= 3:
            return "colours"
        # a palette may colour class values, or its indices may mean nothing: the legend's colours decide
        return "colours" if self._colours is not None and self._is_of_legend(self._colours) else "values"

    def _is_of_legend(self, colours: npt.NDArray[np.uint8]) -> bool:
        rgb = {entry.rgb for entry in (*self._table.classes, *self._table.ignored)}
        with Source(str(self._path)) as source:
            step = max(1, source.facts.height // 64)
            used = set()
            for row in range(0, source.facts.height, step):
                region = PixelRegion(row, row + 1, 0, source.facts.width)
                used |= set(np.unique(source.read_stored(1, region)).tolist())
        hits = sum(tuple(map(int, colours[int(value)])) in rgb for value in used if 0 <= value < 256)
        return 2 * hits >= len(used)

    def read(self, region: PixelRegion) -> tuple[Labels, Decoding]:
        """Labels of a region of the image, and what became of the mask's pixels.

        For masks of values, pixels of a value that the legend does not have count as foreign.

        Raises:
            LulcError: the file is damaged, or holds other than whole numbers.
        """
        if self._onto is not None:
            with RasterOnMap(RasterInput(str(self._path)), self._onto) as layer:
                values, valid = layer.read(region)
            return self._of_values(np.where(valid, values, 0))
        with Source(str(self._path)) as source:
            if self.kind == "values":
                return self._of_values(source.read_stored(1, region))
            if self._colours is not None:
                rgb = np.moveaxis(self._colours[source.read_stored(1, region)], -1, 0)
            else:
                rgb = np.stack([source.read_stored(band, region) for band in (1, 2, 3)])
        if rgb.dtype != np.uint8:
            raise LulcError(f"The mask {self._path} has colours as {rgb.dtype}.", "Save it with 8 bits a band.")
        return decode(rgb, self._table, self._options.within)

    def _of_values(self, values: npt.NDArray[Any]) -> tuple[Labels, Decoding]:
        if values.dtype.kind == "f" and not np.array_equal(values, np.floor(values)):
            raise LulcError(f"The mask {self._path} holds numbers that are not whole.", "Class values are whole.")
        labels, known = self._table.of_values(values)
        strange, counts = np.unique(values[~known], return_counts=True)
        foreign = {(int(value), -1, -1): int(count) for value, count in zip(strange, counts, strict=True)}
        return labels, Decoding(values.size, values.size - int(counts.sum()), 0, foreign)


def describe_decoding(decoding: Decoding, kind: str) -> str:
    """One line about a decoded mask: the share off the palette, what was snapped, the commonest foreign colours."""
    share = decoding.off_palette / max(1, decoding.pixels)
    if kind == "values":
        return f"{share:.4%} of the pixels have a value that is not in the legend" if share else "all values known"
    strange = sorted(decoding.foreign.items(), key=lambda item: -item[1])
    shown = ", ".join(f"#{r:02X}{g:02X}{b:02X} {n / decoding.pixels:.2%}" for (r, g, b), n in strange[:3])
    lost = sum(decoding.foreign.values()) / max(1, decoding.pixels)
    text = f"off-palette {share:.4%}: snapped {decoding.snapped / max(1, decoding.pixels):.4%}, unknown {lost:.4%}"
    return f"{text} ({shown}{', …' if len(strange) > 3 else ''})" if strange else text


def whole_mask(mask: MaskFile) -> tuple[Labels, Decoding]:
    """All of a mask at once."""
    return mask.read(PixelRegion(0, mask.facts.height, 0, mask.facts.width))


def _same_grid(mask: LayerFacts, image: LayerFacts) -> bool:
    if (mask.height, mask.width) != (image.height, image.width):
        return False
    if mask.crs is None or image.crs is None:
        return True
    if mask.crs != image.crs:
        return False
    apart = [abs(a - b) for a, b in zip(tuple(mask.transform)[:6], tuple(image.transform)[:6])]
    pixel = max(abs(image.transform.a), abs(image.transform.b))
    return apart[2] < 0.1 * pixel and apart[5] < 0.1 * pixel


Bytes = npt.NDArray[np.uint8]
#: Colour of unknown where the legend gives none.
_BLACK = (0, 0, 0)


@dataclass
class Decoding:
    """What became of the pixels of a mask; may be added up over windows.

    Attributes:
        pixels: all of them.
        exact: those of a colour of the legend (unknown's too).
        snapped: those near enough to one.
        foreign: colour (r, g, b), or (value, -1, -1), → number of pixels that are of no class; they become unknown.
    """

    pixels: int = 0
    exact: int = 0
    snapped: int = 0
    foreign: dict[tuple[int, int, int], int] = field(default_factory=dict)

    @property
    def off_palette(self) -> int:
        """Pixels that are not exactly of a colour of the legend."""
        return self.pixels - self.exact

    def add(self, other: Decoding) -> None:
        """Count `other` too."""
        self.pixels += other.pixels
        self.exact += other.exact
        self.snapped += other.snapped
        for colour, count in other.foreign.items():
            self.foreign[colour] = self.foreign.get(colour, 0) + count


def encode(labels: Labels, table: ClassTable) -> Bytes:
    """Colours `(3, rows, cols)` of labels `(rows, cols)`: the reverse of `decode`.

    Raises:
        LulcError: a label is of no class, or two classes have one colour.
    """
    lookup = np.zeros((256, 3), np.uint8)
    lookup[UNKNOWN] = table.ignored[0].rgb if table.ignored else _BLACK
    _palette(table)
    known = np.zeros(256, bool)
    known[UNKNOWN] = True
    for entry in table.classes:
        lookup[entry.value] = entry.rgb
        known[entry.value] = True
    strange = np.unique(labels[~known[labels]])
    if strange.size:
        raise LulcError(
            f"Label {strange[0]} is not a class of the legend.", "Give the legend that the labels were made with."
        )
    return np.ascontiguousarray(np.moveaxis(lookup[labels], -1, 0))


def decode(rgb: Bytes, table: ClassTable, within: float = 0.0) -> tuple[Labels, Decoding]:
    """Labels `(rows, cols)` of colours `(3, rows, cols)`.

    Args:
        rgb: red, green, blue, 0..255.
        table: the classes; colours of ignored ones become unknown.
        within: largest distance in RGB (Euclidean, 0 to 441) of a colour to that of the class it is taken for; 0: only
            exact colours count. What is farther from all becomes unknown.

    Raises:
        LulcError: two classes have one colour.
    """
    colours, values = _palette(table)
    codes = (rgb[0].astype(np.uint32) << 16) | (rgb[1].astype(np.uint32) << 8) | rgb[2]
    distinct, where, counts = np.unique(codes, return_inverse=True, return_counts=True)
    there = np.stack([distinct >> 16, (distinct >> 8) & 255, distinct & 255], axis=1).astype(np.float64)
    distance = np.linalg.norm(there[:, None] - colours[None], axis=2)
    nearest = distance.argmin(axis=1)
    near = distance[np.arange(len(distinct)), nearest]
    taken = near <= within
    labels = np.where(taken, values[nearest], UNKNOWN).astype(np.uint8)
    # black without a class of that colour is what encoders and editors leave where nothing was drawn, but it is counted
    exact = int(counts[near == 0].sum())
    foreign = {tuple(map(int, there[i])): int(counts[i]) for i in np.flatnonzero(~taken)}
    decoding = Decoding(codes.size, exact, int(counts[taken].sum()) - exact, foreign)  # type: ignore[arg-type]
    return labels[where].reshape(codes.shape), decoding


def _palette(table: ClassTable) -> tuple[npt.NDArray[Any], npt.NDArray[np.uint8]]:
    """Colours `(n, 3)` of classes and ignored classes, and the label of each."""
    entries = [(c.rgb, c.value) for c in table.classes] + [(c.rgb, UNKNOWN) for c in table.ignored]
    colours = [rgb for rgb, _ in entries]
    for i, rgb in enumerate(colours):
        if rgb in colours[:i] and entries[i][1] != entries[colours.index(rgb)][1]:
            shown = "#{:02X}{:02X}{:02X}".format(*rgb)
            raise LulcError(f"Two classes of the legend have the colour {shown}.", "Give each class its own colour.")
    return np.array(colours, np.float64), np.array([value for _, value in entries], np.uint8)
