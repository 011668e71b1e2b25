# SPDX-License-Identifier: GPL-3.0-or-later
"""An input layer: what it says about itself, its pixels, and which of them are valid."""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt
import rasterio
from rasterio.crs import CRS
from rasterio.enums import MaskFlags
from rasterio.errors import CRSError, NotGeoreferencedWarning, RasterioError, RasterioIOError
from rasterio.windows import Window as FileWindow

from ..errors import LulcError
from . import areas, gdal, read_errors, virtual_files
from .band_names import names_of, wavelength_of
from .bands import LayerBand
from .geogrid import Extent, GeoGrid, PixelRegion, crs_name
from .nodata import BoolArray, in_ranges, valid_by_value
from .raster_input import RasterInput, file_title
from .usable_grid import refuse_unusable

#: Bands of a layer: a stack of ten years has a few thousand; GDAL would take 65,535, and minutes to list them.
_MOST_BANDS = 10_000
#: Characters of a coordinate system that a message shows.
_LONGEST_CRS = 40
#: Characters of what GDAL says of a file that it cannot open.
_LONGEST_SAID = 500

#: A band called alpha with so many different values, and so many pixels half transparent, is part of the image.
_LEAST_ALPHA_VALUES = 16
_LEAST_ALPHA_SHARE = 0.2
_FULL_ALPHA = 0.99
_NEAR_ALPHA = 0.05


@dataclass(frozen=True)
class LayerFacts:
    """What a layer says about itself, without its pixels.

    `gsd` is in metres, None when unknown; `dtypes` has one entry a band. `settings` are sentences on what the user set
    and the file says otherwise. `block` has the rows and columns of the largest pieces in which the file is stored.
    """

    path: str
    name: str
    grid: GeoGrid
    dtypes: tuple[str, ...]
    bands: tuple[LayerBand, ...]
    gsd: float | None
    tags: dict[str, str] = field(default_factory=dict)
    settings: tuple[str, ...] = ()
    block: tuple[int, int] = (1, 1)

    @property
    def height(self) -> int:
        """Rows."""
        return self.grid.height

    @property
    def width(self) -> int:
        """Columns."""
        return self.grid.width

    @property
    def crs(self) -> Any:
        """A `rasterio.crs.CRS`, or None."""
        return self.grid.crs

    @property
    def transform(self) -> Any:
        """Affine transform: (column, row) → (x, y)."""
        return self.grid.transform

    @property
    def region(self) -> PixelRegion:
        """The whole layer."""
        return self.grid.region

    def region_of(self, extent: Extent) -> PixelRegion:
        """Pixels touched by (xmin, ymin, xmax, ymax) in the layer's CRS, cut to the layer.

        Raises:
            LulcError: the extent is empty or does not meet the layer.
        """
        xmin, ymin, xmax, ymax = extent
        if not all(map(math.isfinite, extent)) or xmin >= xmax or ymin >= ymax:
            raise LulcError(f"The extent {_numbers(extent)} is empty.", "Give it as xmin, ymin, xmax, ymax.")
        region = self.grid.region_of(extent)
        if region.height <= 0 or region.width <= 0:
            raise LulcError(
                f"The extent {_numbers(extent)} does not meet the layer {self.name},"
                f" which covers {_numbers(self.grid.extent)}.",
                "Give the extent in the layer's coordinate system, or name its own.",
            )
        return region

    def transform_of(self, region: PixelRegion) -> Any:
        """Affine transform of a region of the layer."""
        return self.grid.transform_of(region)


def open_dataset(path: str | Path, mode: str = "r", **options: Any) -> Any:
    """`rasterio.open` without its warning about files that lie nowhere on earth; they are welcome here.

    Raises:
        LulcError: a local file, such as a VRT, names a place in the network.
        RasterioError, OSError: as `rasterio.open`.
    """
    if mode != "w":
        virtual_files.refuse_network(str(path))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        try:
            return rasterio.open(path, mode, **options)
        except UnicodeDecodeError as error:  # rasterio reads what GDAL says of a damaged file as UTF-8
            said = error.object.decode("utf-8", "replace")[:_LONGEST_SAID]
            raise RasterioIOError(said) from error


class Source:
    """An open raster. Not for sharing between threads: each opens its own.

    Args:
        layer: the layer with what the user set for it, or a file or GDAL dataset name alone.

    Raises:
        LulcError: it cannot be opened, holds complex numbers, or nobody knows the coordinate system that the user set.
    """

    def __init__(self, layer: RasterInput | str) -> None:
        self._layer = layer if isinstance(layer, RasterInput) else RasterInput(str(layer))
        path = self._layer.path
        set_crs = parse_crs(self._layer.crs)
        try:
            self._dataset = open_dataset(path, sharing=False)
        except (RasterioError, OSError) as error:
            raise read_errors.not_opened(path, error) from error
        try:
            refuse_unusable(self._dataset, path, set_crs or self._dataset.crs or None)
            count = self._dataset.count
            if count > _MOST_BANDS:
                raise LulcError(
                    f"The layer {path} has {count:,} bands; up to {_MOST_BANDS:,} are looked at.",
                    "Take out the ones that you need, for example with gdal_translate -b 4 -b 3 -b 2 -b 8.",
                )
            if any("complex" in d for d in self._dataset.dtypes):
                raise LulcError(f"The layer {path} holds complex numbers.", "Give a raster of real numbers.")
            self.facts = self._facts(set_crs)
        except LulcError:
            self._dataset.close()
            raise
        except Exception as error:  # what rasterio raises for damaged files has no public base
            self._dataset.close()
            raise read_errors.not_opened(path, error) from error

    def __enter__(self) -> Source:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._dataset.close()

    def _facts(self, set_crs: Any) -> LayerFacts:
        ds, path = self._dataset, self._layer.path
        in_file = ds.crs or None
        grid = GeoGrid(set_crs or in_file, ds.transform, (ds.height, ds.width))
        # each of these is a list of all bands, made anew whenever it is asked for
        colours, scales, offsets, described = ds.colorinterp, ds.scales, ds.offsets, ds.descriptions
        names = names_of(ds)
        bands = []
        for i in ds.indexes:
            wavelength, width = wavelength_of(ds, i, described[i - 1] or "")
            bands.append(
                LayerBand(
                    number=i,
                    name=names[i - 1],
                    wavelength=wavelength,
                    width=width,
                    colour=colours[i - 1].name,
                    scale=float(scales[i - 1]),
                    offset=float(offsets[i - 1]),
                )
            )
        bands = [replace(band, alpha_values=self._image_values(band)) for band in bands]
        return LayerFacts(
            path=path,
            name=file_title(path),
            grid=grid,
            dtypes=tuple(ds.dtypes),
            bands=tuple(bands),
            gsd=areas.gsd(grid),
            tags={str(k): str(v) for k, v in ds.tags().items()},
            settings=(*_crs_settings(self._layer, set_crs, in_file), *_nodata_settings(self._layer, ds.nodatavals)),
            block=(max(int(rows) for rows, _ in ds.block_shapes), max(int(cols) for _, cols in ds.block_shapes)),
        )

    def _image_values(self, band: LayerBand) -> int:
        """Different values of a band that the file calls alpha, if it is none: a mask has few beside 0 and full."""
        if not band.is_alpha:
            return 0
        height, width = self._dataset.height, self._dataset.width
        parts = []
        for row, col in itertools.product(*(np.linspace(0, max(0, n - 64), 4).astype(int) for n in (height, width))):
            window = FileWindow(int(col), int(row), min(64, width), min(64, height))
            try:
                parts.append(self._dataset.read(band.number, window=window).ravel())
            except (RasterioError, OSError):
                return 0  # whoever reads the pixels says what is wrong
        values = np.concatenate(parts)
        different = np.unique(values)
        # a mask that was compressed with losses is nearly 0 or nearly full; single pixels of an image are far brighter
        full = float(np.quantile(values, _FULL_ALPHA))
        partial = float(((values > _NEAR_ALPHA * full) & (values < (1 - _NEAR_ALPHA) * full)).mean())
        return len(different) if len(different) >= _LEAST_ALPHA_VALUES and partial >= _LEAST_ALPHA_SHARE else 0

    def nodata(self, band: int) -> float | None:
        """The file's nodata value of a band (from 1); None if it names none, or the user wants it ignored."""
        value = self._dataset.nodatavals[band - 1]
        return None if value is None or not self._layer.nodata_of(band).of_file else float(value)

    def block(self, band: int) -> tuple[int, int]:
        """Rows and columns of the pieces in which the file stores a band (from 1)."""
        rows, cols = self._dataset.block_shapes[band - 1]
        return max(1, int(rows)), max(1, int(cols))

    def has_mask(self, band: int) -> bool:
        """Whether more than the stored value says which pixels of a band (from 1) are valid: a mask or alpha band."""
        flags = self._dataset.mask_flag_enums[band - 1]
        alpha = any(b.is_alpha and b.number != band for b in self.facts.bands)
        return alpha or flags not in ([MaskFlags.all_valid], [MaskFlags.nodata])

    def read_stored(self, band: int, region: PixelRegion, out: npt.NDArray[Any] | None = None) -> npt.NDArray[Any]:
        """Stored values `(rows, cols)` of one band (from 1), whatever their validity.

        Args:
            band: band number from 1.
            region: inside the layer.
            out: array of that shape and the band's type to fill.

        Raises:
            LulcError: the file is damaged.
        """
        window = FileWindow(region.col0, region.row0, region.width, region.height)
        try:
            stored: npt.NDArray[Any] = self._dataset.read(band, window=window, out=out)
            return stored
        except (RasterioError, OSError) as error:  # rasterio 1.3 does not make its input errors its own
            raise self._damaged(region, error) from error

    def _damaged(self, region: PixelRegion, error: Exception) -> LulcError:
        rows = f"Rows {region.row0} to {region.row1} of {self.facts.name}"
        return read_errors.not_read(self.facts.path, rows, error)

    def read(self, bands: Sequence[int], region: PixelRegion) -> tuple[npt.NDArray[Any], BoolArray]:
        """Stored values of a region and their validity.

        Args:
            bands: band numbers from 1.
            region: inside the layer.

        Returns:
            values `(bands, rows, cols)` as stored, and valid `(bands, rows, cols)`: False where the band's nodata
            value, the layer's mask or alpha band, NaN, infinity or an absurd number says that nothing was measured.

        Raises:
            LulcError: the file is damaged.
        """
        window = FileWindow(region.col0, region.row0, region.width, region.height)
        types = {self._dataset.dtypes[b - 1] for b in bands}
        try:
            # rasterio reads bands of different types only one by one
            stored: Any = (
                self._dataset.read(list(bands), window=window)
                if len(types) == 1
                else [self._dataset.read(b, window=window) for b in bands]
            )
            valid = np.stack([self._valid(b, stored[i], window) for i, b in enumerate(bands)])
            values = np.asarray(stored) if len(types) == 1 else np.stack(stored)
            for band in self.facts.bands:
                # a band that the model looks at is not a mask, whatever the file calls it
                if band.is_alpha and band.number not in bands:
                    valid &= self._dataset.read(band.number, window=window) > 0
        except (RasterioError, OSError) as error:  # rasterio 1.3 does not make its input errors its own
            raise self._damaged(region, error) from error
        return values, valid

    def _valid(self, band: int, values: npt.NDArray[Any], window: FileWindow) -> BoolArray:
        flags = self._dataset.mask_flag_enums[band - 1]
        nodata, setting = self.nodata(band), self._layer.nodata_of(band)
        # rasterio tells nodata as float64, which does not hold every 64-bit integer: there GDAL's mask must do
        by_value = nodata is not None and not (values.dtype.kind in "iu" and values.dtype.itemsize == 8)
        valid = valid_by_value(values, nodata if by_value else None)
        # alpha is dealt with in `read`; a mask hides the nodata value from GDAL, here both count
        done = (
            MaskFlags.alpha in flags
            or flags == [MaskFlags.all_valid]
            or (flags == [MaskFlags.nodata] and (by_value or not setting.of_file))
        )
        if not done:
            valid &= self._dataset.read_masks(band, window=window) > 0
        if setting.ranges:
            valid &= ~in_ranges(values, setting.ranges)
        return valid


def parse_crs(text: str) -> Any:
    """The coordinate system that a user set, a `rasterio.crs.CRS`; None for an empty text.

    Raises:
        LulcError: GDAL does not know it.
    """
    if not text:
        return None
    if virtual_files.names_network(text):
        raise LulcError(
            f"{text[:_LONGEST_CRS]!r} is an address; no connection is opened for a coordinate system.",
            "Give a code such as EPSG:32722.",
        )
    try:
        with gdal.environment():
            crs = CRS.from_user_input(text)
    except (CRSError, ValueError):
        crs = None
    if not crs:
        raise LulcError(
            f"{text[:_LONGEST_CRS]!r} is not a coordinate system that GDAL knows.", "Give a code such as EPSG:32722."
        )
    return crs


def settings_of(*layers: RasterInput | None) -> tuple[str, ...]:
    """Sentences on what the user set for layers and their files say otherwise; only layers with settings are opened.

    Raises:
        LulcError: a layer cannot be opened.
    """
    sentences: list[str] = []
    for layer in layers:
        if layer is not None and (layer.crs or layer.nodata):
            with Source(layer) as source:
                sentences += source.facts.settings
    return tuple(sentences)


def _crs_settings(layer: RasterInput, set_crs: Any, in_file: Any) -> tuple[str, ...]:
    if set_crs is None or set_crs == in_file:
        return ()
    says = "names none" if in_file is None else f"says {crs_name(in_file)}"
    return (f"{layer.title} is read in {crs_name(set_crs)}, as set for the layer; its file {says}.",)


def _nodata_settings(layer: RasterInput, of_file: Sequence[float | None]) -> tuple[str, ...]:
    sentences: dict[str, None] = {}
    for band, value in enumerate(of_file, 1):
        setting = layer.nodata_of(band)
        bands = f" in band {band}" if len(layer.nodata) > 1 else ""
        if setting.ranges:
            sentences[f"{layer.title}: the values {setting}{bands} count as no data, as set for the layer."] = None
        if value is not None and not setting.of_file:
            unticked = (
                f"{layer.title}: the file's nodata value {value:.10g}{bands} does not count, as set for the layer."
            )
            sentences[unticked] = None
    return tuple(sentences)


def _numbers(values: Sequence[float]) -> str:
    return ", ".join(f"{v:.10g}" for v in values)
