# SPDX-License-Identifier: GPL-3.0-or-later
"""Names and colours of the classes in a raster file, as far as the file itself tells them."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from rasterio.errors import RasterioError

from ..errors import FileNotRead, LulcError
from ..legend import LONGEST_NAME, LegendClass
from ..provenance import PREFIX
from .source import open_dataset

_LARGEST_SIDE_FILE = 8_000_000
_BAND = "<PAMRasterBand "
_NUMBER = re.compile(r'\bband="(\d{1,6})"')
_LONGEST_TAG = 200
#: Values from 0 to 65535.
_MOST_VALUES = 65536
_UNKNOWN_COLOUR = "#888888"


def read_categories(path: str, band: int = 1) -> tuple[LegendClass, ...]:
    """Classes of one band: names from this program's own metadata or GDAL's side file, colours from the palette.

    Args:
        path: file or GDAL dataset name.
        band: band number from 1.

    Returns:
        Classes by value; empty when the file names none.

    Raises:
        LulcError: the file cannot be opened.
    """
    try:
        with open_dataset(path) as dataset:
            if not 1 <= band <= dataset.count:
                return ()
            tags = dataset.tags()
            try:
                colours: dict[int, Any] = dataset.colormap(band)
            except ValueError:  # no palette
                colours = {}
    except (RasterioError, OSError) as error:
        raise FileNotRead(f"The layer {path} cannot be opened: {error}.") from error
    names = (_own_names(tags) if band == 1 else {}) or _side_file_names(path, band)
    hexes = {value: "#{:02X}{:02X}{:02X}".format(*colour[:3]) for value, colour in colours.items()}
    return tuple(LegendClass(value, name, hexes.get(value, _UNKNOWN_COLOUR)) for value, name in sorted(names.items()))


def _fits_legend(value: int, name: str) -> bool:
    try:
        LegendClass(value, name, _UNKNOWN_COLOUR)
    except LulcError:  # names of files are untrusted: what a legend cannot hold is not taken
        return False
    return True


def _own_names(tags: dict[str, str]) -> dict[int, str]:
    try:
        own = json.loads(tags.get(f"{PREFIX}CLASSES", "{}"))
        names = {int(value): str(name)[:LONGEST_NAME] for value, name in own.items()}
    except (ValueError, AttributeError, RecursionError):  # long legends are cut in the metadata
        return {}
    return {value: name for value, name in names.items() if _fits_legend(value, name)}


def _side_file_names(path: str, band: int) -> dict[int, str]:
    """Category names of `path.aux.xml`. Searched for its marks, and not parsed as XML: the file is untrusted."""
    side = Path(path + ".aux.xml")
    try:
        if not side.is_file() or side.stat().st_size > _LARGEST_SIDE_FILE:
            return {}
        text = side.read_text(encoding="utf-8", errors="replace")
    except (OSError, ValueError):
        return {}
    names = (html.unescape(name).strip()[:LONGEST_NAME] for name in _category_texts(_block_of_band(text, band)))
    return {value: name for value, name in enumerate(names) if _fits_legend(value, name)}


def _block_of_band(text: str, band: int) -> str:
    """What the side file says about one band, empty without; each character is looked at a few times at most."""
    start = text.find(_BAND)
    while start >= 0:
        tag_end = text.find(">", start)
        end = text.find("</PAMRasterBand>", tag_end)
        if tag_end < 0 or end < 0:
            return ""
        number = _NUMBER.search(text[start:tag_end][:_LONGEST_TAG])
        if number is not None and int(number[1]) == band:
            return text[tag_end + 1 : end]
        start = text.find(_BAND, end)
    return ""


def _category_texts(block: str) -> Iterator[str]:
    """Texts of `<Category>`, as they stand in the file; as many as a class value can count."""
    start = block.find("<CategoryNames>")
    end = block.find("</CategoryNames>", start)
    if start < 0 or end < 0:
        return
    for piece in islice(block[start:end].split("<Category")[2:], _MOST_VALUES):
        if piece.startswith(">"):
            yield piece[1:].partition("</Category>")[0]
        elif piece.strip().startswith("/>"):
            yield ""
