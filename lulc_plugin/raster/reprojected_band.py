# SPDX-License-Identifier: GPL-3.0-or-later
"""A band of a layer in another coordinate system, at the centres of a grid's pixels."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt
from rasterio.enums import ColorInterp, Resampling
from rasterio.errors import RasterioError
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window as FileWindow

from ..errors import LulcError
from . import gdal, read_errors
from .geogrid import PixelRegion, crs_code, crs_name, is_local
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
        self._path = layer.path
        self._name = layer.path.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
        set_crs = parse_crs(layer.crs)
        try:
            with gdal.environment():
                self._dataset = open_dataset(layer.path, sharing=False)
        except (RasterioError, OSError) as error:
            raise read_errors.not_opened(layer.path, error) from error
        crs = set_crs or self._dataset.crs
        try:
            with gdal.environment():
                self._vrt: Any = WarpedVRT(
                    self._dataset,
                    src_crs=crs,
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
        except Exception as error:  # GDAL's errors share no public base
            self._dataset.close()
            raise _no_transformation(self._name, crs, grid, error) from error
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
            raise read_errors.not_read(self._path, f"The layer {self._name}", error) from error
        valid &= valid_by_value(values, self._nodata)
        return values, valid & ~in_ranges(values, self._ranges) if self._ranges else valid


def _no_transformation(name: str, crs: Any, grid: LayerFacts, error: Exception) -> LulcError:
    """What to tell where no transformation leads from `crs` of the layer `name` to the coordinate system of `grid`."""
    both = f"{name} is in {crs_name(crs)}, {grid.name} in {crs_name(grid.crs)}"
    for layer, own, other in ((name, crs, grid.crs), (grid.name, grid.crs, crs)):
        if is_local(own):
            return LulcError(
                f"{both}. That of {layer} is a local one of unknown place, whatever its name says.",
                f"If it is the other one, say so in the file: gdal_edit.py -a_srs {crs_code(other)} FILE. Else give its"
                " true code.",
            )
    return LulcError(
        f"{both}, and PROJ knows no way from one to the other ({read_errors.reason(error)[:100]}).",
        "Reproject one of the two first, with nearest neighbour: gdalwarp -r near -t_srs EPSG:CODE IN OUT.tif.",
    )
