# SPDX-License-Identifier: GPL-3.0-or-later
"""A band of a layer in another coordinate system, at the centres of a grid's pixels."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt
from rasterio.enums import ColorInterp, Resampling
from rasterio.errors import RasterioError
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window as FileWindow

from ..errors import FileNotRead, LulcError
from . import gdal
from .geogrid import PixelRegion
from .nodata import BoolArray, in_ranges, valid_by_value
from .raster_input import RasterInput
from .source import LayerFacts, open_dataset, parse_crs

#: Largest error of the transformation in cells of the layer. GDAL approximates coordinates along a line up to this
#: error; 0 is refused by rasterio, and its default of an eighth of a cell takes the wrong cell for 1 % of the pixels.
_TOLERANCE = 1e-9


class ReprojectedBand:
    """The value of the cell that contains each pixel's centre; nothing is interpolated. Not for sharing by threads.

    Args:
        layer: the layer; without an alpha band (GDAL refuses a second one, and blends values by it).
        grid: whose pixels are asked for.

    Raises:
        LulcError: the layer cannot be opened, or no transformation joins the two coordinate systems.
    """

    def __init__(self, layer: RasterInput, grid: LayerFacts) -> None:
        self._band = layer.band
        self._name = layer.path.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
        try:
            with gdal.environment():
                self._dataset = open_dataset(layer.path, sharing=False)
                try:
                    self._vrt: Any = WarpedVRT(
                        self._dataset,
                        src_crs=parse_crs(layer.crs) or self._dataset.crs,
                        crs=grid.crs,
                        transform=grid.transform,
                        height=grid.height,
                        width=grid.width,
                        resampling=Resampling.nearest,
                        tolerance=_TOLERANCE,
                        add_alpha=True,
                        # nodata values are looked at in `read`, as in `source`; none is GDAL's business, whose rules
                        # depend on its version and on the other bands
                        src_nodata=None,
                        nodata=None,
                    )
                except BaseException:
                    self._dataset.close()
                    raise
        except Exception as error:  # GDAL's errors share no public base
            raise LulcError(
                f"The layer {self._name} cannot be brought to the coordinate system of {grid.name}: {error}.",
                "Reproject one of the two first, with nearest neighbour.",
            ) from error
        self._alpha = [i for i, kind in enumerate(self._vrt.colorinterp, 1) if kind == ColorInterp.alpha][-1]
        setting = layer.nodata_of(layer.band)
        self._nodata: float | None = self._dataset.nodatavals[layer.band - 1] if setting.of_file else None
        self._ranges = setting.ranges

    def close(self) -> None:
        """Close the file."""
        self._vrt.close()
        self._dataset.close()

    def read(self, region: PixelRegion) -> tuple[npt.NDArray[Any], BoolArray]:
        """Stored values `(rows, cols)` on the grid and whether they are valid.

        Raises:
            LulcError: the file is damaged.
        """
        window = FileWindow(region.col0, region.row0, region.width, region.height)
        try:
            values: npt.NDArray[Any] = self._vrt.read(self._band, window=window)
            valid: BoolArray = self._vrt.read(self._alpha, window=window) > 0
        except (RasterioError, OSError) as error:
            raise FileNotRead(
                f"The layer {self._name} cannot be read: {error}.",
                "The file seems to be damaged; copy it again from its origin.",
            ) from error
        valid &= valid_by_value(values, self._nodata)
        return values, valid & ~in_ranges(values, self._ranges) if self._ranges else valid
