# SPDX-License-Identifier: GPL-3.0-or-later
"""Masks that are rasters: class values, RGB colours, or a palette of colours."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from rasterio.errors import RasterioError

from lulc_plugin.assess import RasterInput, RasterOnMap
from lulc_plugin.errors import LulcError
from lulc_plugin.raster import LayerFacts, PixelRegion, Source, open_dataset

from .class_table import ClassTable, Labels
from .colours import Decoding, decode

KINDS = ("auto", "values", "colours")
_STRIP_PIXELS = 4_000_000


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
        LulcError: it cannot be opened, is no mask, or does not fit onto the image.
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
        if self._onto is not None and (self.kind == "colours" or None in (image.crs, self._facts.crs)):
            raise LulcError(
                f"The mask {path} has {self._facts.width} x {self._facts.height} pixels, its image"
                f" {image.width} x {image.height}.",
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
        bands, said = len(self._facts.bands), self._options.kind
        coloured = bands >= 3 or self._colours is not None
        if said == "colours" and not coloured:
            raise LulcError(f"The mask {self._path} has {bands} band and no palette.", "Use --mask-kind values.")
        if said == "colours" and not self._table.coloured:
            raise LulcError("The legend gives no colours, the masks have nothing else.", "Add a colour to each class.")
        if said != "auto":
            return said
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
        labels, strange = self._table.of_values(values)
        decoding = Decoding(values.size, values.size - strange)
        if strange:
            decoding.foreign[(-1, -1, -1)] = strange
        return labels, decoding

    def decoding(self) -> Decoding:
        """What becomes of all pixels, read in strips."""
        total = Decoding()
        facts = self._onto or self._facts
        rows = max(1, _STRIP_PIXELS // max(1, facts.width))
        for row0 in range(0, facts.height, rows):
            region = PixelRegion(row0, min(facts.height, row0 + rows), 0, facts.width)
            total.add(self.read(region)[1])
        return total


def said(decoding: Decoding, kind: str) -> str:
    """One line about a decoded mask: the share off the palette, what was snapped, the commonest foreign colours."""
    share = decoding.off_palette / max(1, decoding.pixels)
    if kind == "values":
        return f"{share:.4%} of the pixels have a value that is not in the legend" if share else "all values known"
    strange = sorted(decoding.foreign.items(), key=lambda item: -item[1])
    shown = ", ".join("#{:02X}{:02X}{:02X} {:.2%}".format(*c, n / decoding.pixels) for c, n in strange[:3])
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
