# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a raster can hold classes as it is stored: not as colours of a picture, better not compressed lossily.

Drawn maps ("rendered image") have the three colours of a class instead of its value. Compression for photographs
changes values a little, which a photograph bears and a class does not.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from rasterio.errors import RasterioError
from rasterio.windows import Window

from ..errors import LulcError
from . import read_errors
from .categories import read_categories
from .raster_input import RasterInput
from .source import open_dataset

_COLOURS = ("red", "green", "blue")
#: Side of the squares that are looked at, and how many lie along each axis.
_SIDE, _SQUARES = 64, 4
#: Class codes that are stored beside others as three bands are often as small as this; three colours are not.
_SMALL_CODE = 40
#: A drawn map has few colours in all, a photograph of one very many in each band.
_FEW_COLOURS, _MANY_LEVELS = 64, 64
#: Bands that hold the same number in most pixels are maps of several dates, or grey.
_MOSTLY = 0.5

#: Codecs that change values always, or unless they say that they did not.
_LOSSY = frozenset({"JPEG", "YCBCR JPEG", "ECW", "MRSID", "WEBP", "JXL"})
_LOSSY_DRIVERS = frozenset({"ECW", "JP2ECW", "MrSID", "MG4"})
#: An error from which on a whole number is no longer the nearest one.
_LARGEST_ERROR = 0.5
_SOURCES = 20


def check_class_raster(layer: RasterInput) -> tuple[str, ...]:
    """Refuse a band that is a colour of a picture; say where compression has changed values.

    Args:
        layer: a raster of classes.

    Returns:
        Sentences for the reader.

    Raises:
        LulcError: the classes are gone, or the layer cannot be opened.
    """
    try:
        with open_dataset(layer.path) as dataset:
            if not 1 <= layer.band <= dataset.count:
                return ()  # whoever reads the pixels says what is wrong
            _refuse_picture(dataset, layer)
            codec = _lossy_codec(dataset) or _lossy_source(dataset)
    except (RasterioError, OSError) as error:
        raise read_errors.not_opened(layer.path, error) from error
    if not codec:
        return ()
    return (
        f"{layer.title} is stored with a compression that changes values ({codec}): some of its pixels have another"
        " class than the map that was saved, most of all where classes meet. Make the file again from the original"
        " with -co COMPRESS=DEFLATE; converting this one does not bring the classes back.",
    )


def _refuse_picture(dataset: Any, layer: RasterInput) -> None:
    colours = [interpretation.name for interpretation in dataset.colorinterp]
    if not set(_COLOURS) <= set(colours) or colours[layer.band - 1] not in (*_COLOURS, "alpha"):
        return
    if dataset.descriptions[layer.band - 1] or any(c.name != str(c.value) for c in layer.classes):
        return
    if read_categories(layer.path, layer.band) or not _looks_drawn(dataset, layer.band, colours):
        return
    words = " ".join(colours[:4])
    raise LulcError(
        f"{layer.title} is a picture of a map ({dataset.count} bands, {words}); its classes are gone.",
        "Give the raster that it was drawn from, or export that again as raw data (in QGIS: Export, Save As, Raw data,"
        f" not Rendered image). If band {layer.band} does hold classes, save it alone: gdal_translate -b {layer.band}"
        " -colorinterp_1 gray IN OUT.tif.",
    )


def _looks_drawn(dataset: Any, band: int, colours: list[str]) -> bool:
    """Whether the bands are the colours of few classes, or of a photograph, and not several bands of codes."""
    numbers = [colours.index(colour) + 1 for colour in _COLOURS]
    squares = list(_squares(dataset, numbers))
    if not squares:
        return False
    pixels = np.concatenate([square.reshape(3, -1) for square in squares], axis=1)
    red, green, blue = pixels
    if float(((red == green) & (green == blue)).mean()) > _MOSTLY or pixels.max() <= _SMALL_CODE:
        return False
    levels = len(np.unique(pixels[_COLOURS.index(colours[band - 1])])) if colours[band - 1] in _COLOURS else 1
    different = len(np.unique(pixels, axis=1)[0])
    return different <= max(_FEW_COLOURS, 4 * levels) or levels > _MANY_LEVELS


def _squares(dataset: Any, bands: list[int]) -> Iterator[npt.NDArray[Any]]:
    """Small squares of three bands spread over the raster, without those whose pixels cannot be read."""
    starts = (np.linspace(0, max(0, n - _SIDE), _SQUARES).astype(int) for n in (dataset.height, dataset.width))
    for row, col in itertools.product(*starts):
        window = Window(int(col), int(row), min(_SIDE, dataset.width), min(_SIDE, dataset.height))
        try:
            yield dataset.read(bands, window=window)
        except (RasterioError, OSError):
            return  # whoever reads the pixels says what is wrong


def _lossy_codec(dataset: Any) -> str:
    """Name of the compression if it changed values; empty if not, or if the file does not say."""
    tags: dict[str, str] = {}
    for band in (0, 1):
        tags.update({k.upper(): str(v) for k, v in dataset.tags(band, ns="IMAGE_STRUCTURE").items()})
    codec = tags.get("COMPRESSION", tags.get("TILE_FORMAT", ""))
    reversible = tags.get("COMPRESSION_REVERSIBILITY", "").upper()
    if reversible == "LOSSY" or dataset.driver in _LOSSY_DRIVERS:
        return codec or str(dataset.driver)
    if codec.upper() in _LOSSY and not reversible.startswith("LOSSLESS"):
        return codec
    error = _error(tags)
    return f"{codec} with errors up to {error:g}" if error >= _LARGEST_ERROR else ""


def _error(tags: Mapping[str, str]) -> float:
    """Largest difference from the values that were saved, as LERC says it."""
    try:
        return float(tags.get("MAX_Z_ERROR", tags.get("LERC_PREC", "0")))
    except ValueError:
        return 0.0


def _lossy_source(dataset: Any) -> str:
    """The same of the files that a VRT puts together."""
    if dataset.driver != "VRT":
        return ""
    for name in dataset.files[1 : _SOURCES + 1]:
        try:
            with open_dataset(name) as source:
                codec = _lossy_codec(source)
        except (RasterioError, OSError, LulcError):
            continue  # a side file, or one that the VRT itself says more about
        if codec:
            return codec
    return ""
