# SPDX-License-Identifier: GPL-3.0-or-later
"""Images of the overlap search, read as grey values, reduced or by windows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from rasterio.enums import Resampling
from rasterio.errors import RasterioError
from rasterio.windows import Window as FileWindow

from lulc_plugin.errors import LulcError
from lulc_plugin.raster import open_dataset

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Picture:
    """One image: `bands` (from 1) are averaged to grey values; images of one `place` are not compared."""

    path: Path
    name: str
    place: str
    split: str
    bands: tuple[int, ...]
    height: int
    width: int
    crs: Any = None
    transform: Any = None

    @property
    def pixels(self) -> int:
        """Rows times columns."""
        return self.height * self.width


def picture(path: Path, name: str, place: str, split: str, bands: tuple[int, ...] = ()) -> Picture:
    """The image at `path`; `bands` are those of visible light where they are known, else the first three are taken.

    Raises:
        LulcError: it cannot be opened.
    """
    try:
        with open_dataset(path) as dataset:
            bands = tuple(b for b in bands if b <= dataset.count) or tuple(range(1, min(3, dataset.count) + 1))
            return Picture(
                path, name, place, split, bands, dataset.height, dataset.width, dataset.crs or None, dataset.transform
            )
    except (RasterioError, OSError) as error:
        raise LulcError(f"The image {path} cannot be opened: {error}.", "Copy it again from its origin.") from error


def reduced(image: Picture, factor: int) -> FloatArray:
    """Grey values `(rows // factor, cols // factor)`, means of `factor` x `factor` pixels; GDAL reads it in pieces."""
    rows, cols = max(1, image.height // factor), max(1, image.width // factor)
    window = FileWindow(0, 0, min(cols * factor, image.width), min(rows * factor, image.height))
    return _grey(image, window, (rows, cols), Resampling.average)


def cut(image: Picture, row: int, col: int, height: int, width: int) -> FloatArray:
    """Grey values of a window at full resolution."""
    return _grey(image, FileWindow(col, row, width, height), (height, width), Resampling.nearest)


def _grey(image: Picture, window: Any, shape: tuple[int, int], resampling: Resampling) -> FloatArray:
    try:
        with open_dataset(image.path) as dataset:
            values = dataset.read(
                list(image.bands), window=window, out_shape=(len(image.bands), *shape), resampling=resampling
            ).astype(np.float32)
    except (RasterioError, OSError) as error:
        raise LulcError(f"The image {image.path} cannot be read: {error}.", "Copy it again from its origin.") from error
    grey: FloatArray = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0).mean(axis=0)
    # fillers like -3.4e38 would drown everything else
    return np.where(np.abs(grey) < 1e9, grey, np.float32(0))
