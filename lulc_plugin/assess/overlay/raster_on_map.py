# SPDX-License-Identifier: GPL-3.0-or-later
"""Values of a raster elsewhere: at the pixels of a map, or at points. Nothing is resampled or interpolated.

A map pixel has the value of the raster's cell that contains its centre, a point that of the cell in which it falls.
"""

from __future__ import annotations

from types import TracebackType
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from ...errors import LulcError, MissingCrs
from ...raster import (
    BoolArray,
    LayerFacts,
    PixelRegion,
    RasterInput,
    ReprojectedBand,
    Source,
    crs_name,
    gdal,
    transform_coordinates,
)
from ..result import Alignment, LayerSummary
from .grid_match import ReprojectedGrid, SameCrsGrid, beyond_180, extent_in, pixel_size_text

Values = npt.NDArray[Any]
IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

#: How far from a whole number a stored value may be and still be a class.
_WHOLE_TOLERANCE = 1e-6
#: Cells read at a time where the layer is finer than the map.
_MOST_CELLS = 1 << 24
#: Whether a point has a value, and why not.
OK, OUTSIDE, NODATA = 0, 1, 2
#: Largest side of what is read at once around points that share a piece of the file.
_POINT_BLOCK = 1024


class LayerOnMap(Protocol):
    """What `crossing.cross` reads: integers at the map's pixels, and where there are none."""

    @property
    def title(self) -> str:
        """What people call the layer."""

    def read(self, region: PixelRegion) -> tuple[Values, BoolArray]:
        """Integers `(rows, cols)` of a region of the map, and their validity."""

    def reopened(self) -> LayerOnMap:
        """The same layer with file handles of its own, for another thread."""

    def close(self) -> None:
        """Close what `reopened` opened."""


class RasterOnMap:
    """One band of a raster on the map's grid. Not for sharing between threads: see `reopened`.

    Args:
        layer: which band of which file.
        map_facts: the map; None: the layer is the map.
        most_cells: cells read at a time where the layer is finer than the map.

    Attributes:
        facts: of the map.
        alignment: how the layer was brought to the map's pixels; None for the map itself.

    Raises:
        LulcError: the layer cannot be opened, has no such band, or does not meet the map.
    """

    def __init__(self, layer: RasterInput, map_facts: LayerFacts | None = None, most_cells: int = _MOST_CELLS) -> None:
        self._layer = layer
        self._most_cells = most_cells
        self._map_facts = map_facts
        self._source = Source(layer)
        self._reprojected: ReprojectedBand | None = None
        self._match: SameCrsGrid | ReprojectedGrid | None = None
        try:
            own = self._source.facts
            if not 1 <= layer.band <= len(own.bands):
                bands = "only band 1" if len(own.bands) == 1 else f"bands 1 to {len(own.bands)}"
                raise LulcError(f"{layer.title} has no band {layer.band}, {bands}.", "Choose one of its bands.")
            self.facts = map_facts or own
            self.alignment: Alignment | None = None
            if map_facts is not None:
                self._match_grid(own, map_facts)
            self._dtype = np.dtype(own.dtypes[layer.band - 1])
        except BaseException:
            self.close()
            raise

    def _match_grid(self, own: LayerFacts, map_facts: LayerFacts) -> None:
        title = self._layer.title
        if (own.crs is None) != (map_facts.crs is None):
            raise _missing_crs(title, own, map_facts)
        if own.crs is None or own.crs == map_facts.crs:
            match = SameCrsGrid(own.grid, map_facts.grid)
            if not match.meets:
                self._refuse_disjoint(own, map_facts)
            self._match = match
            self.alignment = match.alignment(title)
            return
        self._refuse_disjoint(own, map_facts, only_if_disjoint=True)
        if any(band.is_alpha for band in own.bands) or beyond_180(own.grid) or beyond_180(map_facts.grid):
            self._match = ReprojectedGrid(own.grid, map_facts.grid)
        else:
            self._reprojected = ReprojectedBand(self._layer, map_facts)
        cells, pixels = pixel_size_text(own.grid), pixel_size_text(map_facts.grid)
        self.alignment = Alignment("reprojected", title, cells, pixels, crs_name(own.crs), crs_name(map_facts.crs))

    def _refuse_disjoint(self, own: LayerFacts, map_facts: LayerFacts, only_if_disjoint: bool = False) -> None:
        """Refuse two layers that do not meet, saying where they lie and how far apart.

        Raises:
            LulcError: they do not.
        """
        layer, of_map = extent_in(own.grid, map_facts.crs), extent_in(map_facts.grid, map_facts.crs)
        if layer is None or of_map is None:
            if only_if_disjoint:
                return  # no inverse at some corner: GDAL's warper finds out
            layer = of_map = (0.0, 0.0, 0.0, 0.0)
        turn = float(map_facts.grid.turned((layer[0] + layer[2]) / 2)) - (layer[0] + layer[2]) / 2
        layer = (layer[0] + turn, layer[1], layer[2] + turn, layer[3])
        gaps = (layer[0] - of_map[2], of_map[0] - layer[2], layer[1] - of_map[3], of_map[1] - layer[3])
        if only_if_disjoint and max(gaps) < 0:
            return
        sides = ("east", "west", "north", "south")
        gap, side = max(zip(gaps, sides))
        crs = map_facts.crs
        unit = "" if crs is None else (" degrees" if crs.is_geographic else f" {crs.linear_units}")
        numbers = [", ".join(f"{v:.8g}" for v in box) for box in (of_map, layer)]
        raise LulcError(
            f"{self._layer.title} does not meet {map_facts.name}: it lies {gap:,.6g}{unit} {side} of it. In"
            f" {crs_name(crs)} {map_facts.name} covers {numbers[0]} and {self._layer.title} {numbers[1]} (xmin, ymin,"
            f" xmax, ymax); its own coordinate system is {crs_name(own.crs)}.",
            "Check both coordinate systems, and that the two layers show the same place.",
        )

    def __enter__(self) -> RasterOnMap:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._source.close()
        if self._reprojected is not None:
            self._reprojected.close()

    def reopened(self) -> RasterOnMap:
        """The same layer with file handles of its own, for another thread."""
        return RasterOnMap(self._layer, self._map_facts, self._most_cells)

    @property
    def title(self) -> str:
        """What people call the layer."""
        return self._layer.title

    @property
    def block(self) -> tuple[int, int]:
        """Rows and columns of the pieces in which the layer's own file is stored."""
        return self._source.block(self._layer.band)

    @property
    def stream_bytes(self) -> int | None:
        """Bytes that a map pixel costs in GDAL's cache if the map's blocks are read in order; None: no telling."""
        straight = self._map_facts is None or (self._match is not None and self._match.is_shift)
        return self._dtype.itemsize if straight else None

    @property
    def summary(self) -> LayerSummary:
        """What a report says about the layer."""
        own, band = self._source.facts, self._layer.band
        nodata = self._source.nodata(band)
        nodata_text = "none" if nodata is None else f"{nodata:.10g}"
        setting = self._layer.nodata_of(band)
        if setting.ranges:
            nodata_text = f"{setting}" if nodata is None else f"{nodata_text}, {setting}"
        return LayerSummary(
            name=self._layer.title,
            path=self._layer.path,
            kind="raster",
            crs=crs_name(own.crs),
            band=band,
            rows=own.height,
            columns=own.width,
            pixel_size=pixel_size_text(own.grid),
            data_type=own.dtypes[band - 1],
            nodata=nodata_text + (" and a mask" if self._source.has_mask(band) else ""),
        )

    # ---------------------------------------------------------------- bytes whose value says whether they are valid

    @property
    def is_bytes(self) -> bool:
        """Whether `read_bytes` gives the layer: bytes on the map's grid, valid unless they are `nodata_byte`."""
        f = self._match
        inside = self._map_facts is None or (f is not None and f.is_shift and f.covers)
        by_value = not self._source.has_mask(self._layer.band) and not self._layer.nodata_of(self._layer.band).ranges
        return inside and self._dtype == np.uint8 and by_value

    @property
    def nodata_byte(self) -> int | None:
        """The byte that stands for nothing; None: all bytes are values."""
        nodata = self._source.nodata(self._layer.band)
        return int(nodata) if nodata is not None and nodata in range(256) else None

    def read_bytes(self, region: PixelRegion, out: npt.NDArray[np.uint8]) -> None:
        """Fill `out` `(rows, cols)` with the stored bytes; only where `is_bytes`."""
        where = region if self._match is None else self._match.shifted(region)
        self._source.read_stored(self._layer.band, where, out)

    # ---------------------------------------------------------------- any values

    def read(self, region: PixelRegion) -> tuple[Values, BoolArray]:
        """Class values of a region of the map.

        Args:
            region: inside the map.

        Returns:
            integers `(rows, cols)` of the layer's own or a 64-bit type, and whether they are valid `(rows, cols)`.

        Raises:
            LulcError: a value is not a whole number, or the file is damaged.
        """
        if self._reprojected is not None:
            with gdal.environment():
                values, valid = self._reprojected.read(region)
        elif self._match is None:
            values, valid = self._read_cells(region)
        else:
            values, valid = self._read_matched(self._match, region)
        return self._whole_numbers(values, valid), valid

    def _read_cells(self, region: PixelRegion) -> tuple[Values, BoolArray]:
        values, valid = self._source.read([self._layer.band], region)
        return values[0], valid[0]

    def _read_matched(self, match: SameCrsGrid | ReprojectedGrid, region: PixelRegion) -> tuple[Values, BoolArray]:
        rows, cols = match.indexes(region)
        values: Values = np.zeros((region.height, region.width), self._dtype)
        valid: BoolArray = np.zeros((region.height, region.width), bool)
        in_row, in_col = match.inside(rows, cols)
        straight = rows.shape[1] == cols.shape[0] == 1  # one row for each row, one column for each column
        inside = in_row if straight else in_row & in_col
        if not (in_row.any() and in_col.any() and inside.any()):
            return values, valid
        r, c = (rows[in_row], cols[in_col]) if straight else (rows[inside], cols[inside])
        window = PixelRegion(int(r.min()), int(r.max()) + 1, int(c.min()), int(c.max()) + 1)
        if window.height * window.width > max(self._most_cells, 4 * values.size) and values.size > 1:
            # a finer layer: the pixels in two halves, so that memory does not grow with its resolution
            for part in _halved(region, tall=window.height >= window.width):
                place = (
                    slice(part.row0 - region.row0, part.row1 - region.row0),
                    slice(part.col0 - region.col0, part.col1 - region.col0),
                )
                values[place], valid[place] = self._read_matched(match, part)
            return values, valid
        cells, known = self._read_cells(window)
        r, c = r - window.row0, c - window.col0
        if straight:
            if not match.is_shift:
                cells, known = (x.take(r, axis=0).take(c, axis=1) for x in (cells, known))
            if cells.shape == values.shape:
                return cells, known
            # rows and columns that have a cell follow each other, unless the layer goes round the earth
            place = (_span_of(in_row), _span_of(in_col))
            if values[place].shape == cells.shape:
                values[place], valid[place] = cells, known
            else:
                both = np.ix_(in_row.ravel(), in_col.ravel())
                values[both], valid[both] = cells, known
        else:
            values[inside], valid[inside] = cells[r, c], known[r, c]
        return values, valid

    def _whole_numbers(self, values: Values, valid: BoolArray) -> Values:
        """Whole numbers; what is not valid becomes 0."""
        if values.dtype.kind == "u" and values.dtype.itemsize == 8:
            if valid.any() and int(values[valid].max()) > np.iinfo(np.int64).max:
                raise self._not_a_class_map(str(int(values[valid].max())))
            return np.where(valid, values, 0).astype(np.int64)
        if values.dtype.kind in "biu":
            return values
        whole = np.where(valid, np.rint(np.where(valid, values, 0)), 0)
        wrong = valid & ~(np.abs(whole - values) <= _WHOLE_TOLERANCE) | (np.abs(whole) > 2**53)
        if wrong.any():
            raise self._not_a_class_map(f"{float(values[wrong][0]):.10g}")
        return whole.astype(np.int64)

    def _not_a_class_map(self, example: str) -> LulcError:
        return LulcError(
            f"{self._layer.title} holds the value {example}: this is not a class map.",
            "Classes are whole numbers; choose another layer or band, or round it with the raster calculator.",
        )


def _missing_crs(title: str, own: LayerFacts, map_facts: LayerFacts) -> MissingCrs:
    """The error for two layers of which one has no coordinate system: where both lie, and which one would fit."""
    pairs = [(title, own), (map_facts.name, map_facts)]
    (without, bare), (other, known) = pairs if own.crs is None else pairs[::-1]
    boxes = [", ".join(f"{v:.8g}" for v in facts.grid.extent) for facts in (bare, known)]
    one, two = bare.grid.extent, known.grid.extent
    name = crs_name(known.crs)
    code = name.split(" (")[0]
    how = f"Give {without} its own (QGIS: Layer CRS; a shell: {'--crs' if own.crs is None else '--map-crs'} EPSG:CODE)."
    if one[0] < two[2] and two[0] < one[2] and one[1] < two[3] and two[1] < one[3]:
        how = f"They meet as they are: {how.replace('its own', code).replace('EPSG:CODE', code)}"
    return MissingCrs(
        f"{without} has no coordinate system, {other} has {name}: they cannot be put together. {without} covers"
        f" {boxes[0]}, {other} {boxes[1]} (xmin, ymin, xmax, ymax).",
        how,
    )


def _span_of(mask: BoolArray) -> slice:
    """From the first to the last True."""
    where = np.flatnonzero(mask)
    return slice(int(where[0]), int(where[-1]) + 1)


def _halved(region: PixelRegion, tall: bool) -> tuple[PixelRegion, PixelRegion]:
    if region.width == 1 or (tall and region.height > 1):
        middle = (region.row0 + region.row1) // 2
        return (
            PixelRegion(region.row0, middle, region.col0, region.col1),
            PixelRegion(middle, region.row1, region.col0, region.col1),
        )
    middle = (region.col0 + region.col1) // 2
    return (
        PixelRegion(region.row0, region.row1, region.col0, middle),
        PixelRegion(region.row0, region.row1, middle, region.col1),
    )


def values_at(layer: RasterInput, xs: npt.ArrayLike, ys: npt.ArrayLike, crs: Any) -> tuple[IntArray, IntArray]:
    """Class values of a raster at points.

    Points are read by the pieces in which the file is stored, so memory does not grow with the raster.

    Args:
        layer: which band of which file.
        xs: abscissae `(n,)`.
        ys: ordinates `(n,)`.
        crs: coordinate system of the points, a `rasterio.crs.CRS`, or None: the layer's.

    Returns:
        values `(n,)`, 0 where there is none, and status `(n,)`: `OK`, `OUTSIDE` or `NODATA`.

    Raises:
        LulcError: the layer cannot be read, holds other than whole numbers at a point, or only one of layer and points
            has a coordinate system.
    """
    with RasterOnMap(layer) as raster:
        facts = raster.facts
        x, y = _in_crs_of(np.asarray(xs, np.float64), np.asarray(ys, np.float64), crs, facts, layer.title)
        rows, cols = facts.grid.pixels(x, y)
        values = np.zeros(len(x), np.int64)
        status = np.full(len(x), OUTSIDE, np.int64)
        there = np.flatnonzero(rows >= 0)
        block_rows, block_cols = (min(side, _POINT_BLOCK) for side in raster.block)
        if block_rows < 16:  # strips of few rows: a window over several costs no more calls than rows
            block_rows = 64
        places = (rows[there] // block_rows) * (facts.width // block_cols + 1) + cols[there] // block_cols
        order = np.argsort(places, kind="stable")
        starts = np.flatnonzero(np.diff(places[order], prepend=-1))
        for members in np.split(there[order], starts[1:]):
            if not members.size:
                continue
            r, c = rows[members], cols[members]
            region = PixelRegion(int(r.min()), int(r.max()) + 1, int(c.min()), int(c.max()) + 1)
            block, valid = raster.read(region)
            known = valid[r - region.row0, c - region.col0]
            values[members] = np.where(known, block[r - region.row0, c - region.col0], 0)
            status[members] = np.where(known, OK, NODATA)
    return values, status


def _in_crs_of(x: FloatArray, y: FloatArray, crs: Any, facts: LayerFacts, title: str) -> tuple[FloatArray, FloatArray]:
    """Points in the layer's coordinate system; NaN where there is no such place."""
    if crs is None or facts.crs == crs or not len(x):
        return x, y
    if facts.crs is None:
        raise MissingCrs(
            f"{title} has no coordinate system, the points have {crs_name(crs)}.",
            f"Assign {title} its coordinate system.",
        )
    return transform_coordinates(crs, facts.crs, x, y)
