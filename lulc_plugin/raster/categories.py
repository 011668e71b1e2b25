# SPDX-License-Identifier: GPL-3.0-or-later
"""Names and colours of the classes in a raster file, as far as the file itself tells them."""

from __future__ import annotations

import html
import itertools
import json
import re
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import rasterio
import rasterio.shutil
from rasterio.errors import RasterioError

from ..errors import LulcError
from ..legend import LONGEST_NAME, LegendClass
from ..provenance import PREFIX
from . import read_errors
from .attribute_table import columns_of_dbf, columns_of_xml, names_in
from .layer_style import colour_table_names, style_names
from .raster_input import RasterInput
from .source import open_dataset

_LARGEST_DESCRIPTION = 32_000_000
_BAND = "<VRTRasterBand "
_END = "</VRTRasterBand>"
_NUMBER = re.compile(r'\bband="(\d{1,6})"')
_LONGEST_TAG = 200
#: Values from 0 to 65535.
_MOST_VALUES = 65536
_UNKNOWN_COLOUR = "#888888"
_LONGEST_FLAGS = 100_000
_numbers = itertools.count()


def read_categories(path: str, band: int = 1) -> tuple[LegendClass, ...]:
    """Classes of one band: names from wherever the file keeps them, colours from its palette.

    The first of these that names a class counts: the style that QGIS opens with the file, this program's own metadata,
    category names and the raster attribute table that GDAL knows (in the file or in `.aux.xml`), Esri's `.vat.dbf`, a
    colour table `.clr`, flags of the CF conventions, and a tag `legend` such as that of ESA WorldCover.

    Args:
        path: file or GDAL dataset name.
        band: band number from 1.

    Returns:
        Classes by value; empty when nothing names them.

    Raises:
        LulcError: the file cannot be opened.
    """
    try:
        with open_dataset(path) as dataset:
            if not 1 <= band <= dataset.count:
                return ()
            tags, of_band = dataset.tags(), dataset.tags(band)
            try:
                colours: dict[int, Any] = dataset.colormap(band)
            except ValueError:  # no palette
                colours = {}
    except (RasterioError, OSError) as error:
        raise read_errors.not_opened(path, error) from error
    names = _names(path, band, tags) or _usable(_flag_names(of_band) or _legend_names(tags))
    hexes = {value: "#{:02X}{:02X}{:02X}".format(*colour[:3]) for value, colour in colours.items()}
    return tuple(LegendClass(value, name, hexes.get(value, _UNKNOWN_COLOUR)) for value, name in sorted(names.items()))


def classes_of(layer: RasterInput) -> tuple[LegendClass, ...]:
    """Names of a layer's values: those that the user sees, else, or where these are bare numbers, those of the file.

    Raises:
        LulcError: the file cannot be opened.
    """
    bare = [c for c in layer.classes if c.name == str(c.value)]
    if layer.classes and not bare:
        return layer.classes
    of_file = read_categories(layer.path, layer.band)
    if not layer.classes:
        return of_file
    names = {c.value: c.name for c in of_file}
    return tuple(
        LegendClass(c.value, names[c.value], c.colour) if c in bare and c.value in names else c for c in layer.classes
    )


def _names(path: str, band: int, tags: Mapping[str, str]) -> dict[int, str]:
    own = _usable(_own_names(tags)) if band == 1 else {}
    names = _usable(style_names(path, band)) or own or _usable(_gdal_names(_description(path), band))
    if names:
        return names
    return _usable(_esri_names(path) or colour_table_names(path)) if band == 1 else {}


def _esri_names(path: str) -> dict[int, str]:
    for table in (Path(path + ".vat.dbf"), Path(path).with_suffix(".vat.dbf")):
        try:
            names = names_in(columns_of_dbf(table))
        except (OSError, ValueError):
            continue
        if names:
            return names
    return {}


def _usable(names: Mapping[int, str]) -> dict[int, str]:
    """Names that a legend can hold: those of files are untrusted."""
    out = {}
    for value, name in names.items():
        try:
            out[value] = LegendClass(value, name[:LONGEST_NAME].strip(), _UNKNOWN_COLOUR).name
        except LulcError:
            continue
    return out


def _own_names(tags: Mapping[str, str]) -> dict[int, str]:
    try:
        own = json.loads(tags.get(f"{PREFIX}CLASSES", "{}"))
        return {int(value): str(name) for value, name in own.items()}
    except (ValueError, AttributeError, RecursionError):  # long legends are cut in the metadata
        return {}


def _flag_names(tags: Mapping[str, str]) -> dict[int, str]:
    """Names of `flag_values` in `flag_meanings`, as netCDF has them (CF conventions 3.5)."""
    values = re.findall(r"-?\d{1,5}", tags.get("flag_values", "")[:_LONGEST_FLAGS])
    meanings = tags.get("flag_meanings", "")[:_LONGEST_FLAGS].split()
    if len(values) != len(meanings):
        return {}
    # bytes are signed in netCDF 3, and the pixels are not
    whole = (int(value) % 256 if value.startswith("-") else int(value) for value in values)
    return {value: name.replace("_", " ") for value, name in zip(whole, meanings)}


def _legend_names(tags: Mapping[str, str]) -> dict[int, str]:
    """Names of a tag `legend` with a value and a name on each line."""
    lines = tags.get("legend", "")[:_LONGEST_FLAGS].strip().splitlines()
    found = [re.match(r"\s*(\d{1,5})[\s:=,;-]+(\S.*)", line) for line in lines]
    return {int(line[1]): line[2] for line in found if line} if all(found) else {}


def _description(path: str) -> str:
    """What GDAL knows of a raster, as it writes it into a VRT; rasterio has no other way to category names.

    Empty where GDAL cannot write one.
    """
    copy = f"/vsimem/lulc_categories_{next(_numbers)}.vrt"
    try:
        rasterio.shutil.copy(path, copy, driver="VRT")
        try:
            with rasterio.open(copy) as dataset:
                text = "".join(map(str, dataset.tags(ns="xml:VRT").values()))
        finally:
            rasterio.shutil.delete(copy)
    except (RasterioError, OSError, ValueError):
        return ""
    return text if len(text) <= _LARGEST_DESCRIPTION else ""


def _gdal_names(text: str, band: int) -> dict[int, str]:
    """Category names, else names of the attribute table, of one band in a description."""
    block = _block_of_band(text, band)
    names = {value: html.unescape(name).strip() for value, name in enumerate(_category_texts(block))}
    named = {value: name for value, name in names.items() if name}
    return named or names_in(columns_of_xml(block))


def _block_of_band(text: str, band: int) -> str:
    """What a description says about one band, empty without; each character is looked at a few times at most."""
    start = text.find(_BAND)
    while start >= 0:
        tag_end = text.find(">", start)
        end = text.find(_END, tag_end)
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
