# SPDX-License-Identifier: GPL-3.0-or-later
"""Stack layers: all bands of several rasters become one image on one grid, with their names, units and nodata.

The stack is a GDAL virtual raster: bands of layers on the grid are referred to, others are warped as they are read. A
GeoTIFF is that virtual raster, copied block by block.
"""

from __future__ import annotations

import html
import math
import os
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import rasterio.shutil
from rasterio.enums import Resampling
from rasterio.errors import RasterioError
from rasterio.vrt import WarpedVRT
from rasterio.warp import transform_bounds
from rasterio.windows import Window

from .. import unfinished
from ..atomic_write import write_whole
from ..errors import CancelledError, FileNotRead, FileNotWritten, LulcError, MissingCrs
from ..options import option
from ..progress import Progress
from ..raster import (
    GeoGrid,
    LayerFacts,
    RasterInput,
    Source,
    areas,
    check_target,
    crs_name,
    gdal,
    open_dataset,
    parse_crs,
    value_kind,
)
from .job import AUTO, StackedBand, StackJob, StackResult

#: Name → what GDAL calls it.
METHODS = {"nearest": Resampling.nearest, "bilinear": Resampling.bilinear, "mean": Resampling.average}
ENDINGS = (".vrt", ".tif")
#: Pixels of a layer this much smaller than those of the grid are averaged.
_FINER = 0.75
#: Bands that a stack may have: more than any sensor, and what an image may have elsewhere.
_MOST_BANDS = 1024
#: Fraction of a pixel within which two grids are one.
_SAME = 0.01
_BLOCK = 512
_GDAL_TYPES = {
    "uint8": "Byte", "int8": "Int8", "uint16": "UInt16", "int16": "Int16", "uint32": "UInt32", "int32": "Int32",
    "uint64": "UInt64", "int64": "Int64", "float32": "Float32", "float64": "Float64",
}  # fmt: skip


def stack_layers(job: StackJob, output: str | Path, progress: Progress | None = None) -> StackResult:
    """Write a stack, `.vrt` (refers to the layers) or `.tif` (holds their pixels).

    Raises:
        LulcError: a layer cannot be read or has no place on the grid, or the file cannot be written.
        CancelledError: the user stopped.
    """
    progress = progress or Progress()
    path = Path(output)
    if path.suffix.lower() not in ENDINGS:
        raise LulcError(
            f"{path.name} ends in neither .vrt nor .tif.", "A .vrt refers to the layers, a .tif holds them."
        )
    inputs = tuple(layer.path for layer in (*job.layers, *filter(None, (job.grid,))))
    check_target(path, inputs)
    with gdal.environment():
        with Source(job.grid or job.layers[0]) as source:
            grid = source.facts.grid
        parts = [_part(layer, grid, job.resampling) for layer in job.layers]
        if sum(len(part.facts.bands) for part in parts) > _MOST_BANDS:
            raise LulcError(f"The layers have more than {_MOST_BANDS:,} bands together.", "Leave some of them away.")
        names = unique_names(parts)
        text = _virtual_raster(grid, parts, names)
        notes = tuple(note for part in parts for note in part.notes)
        for note in notes:
            progress.log(note)
        try:
            if path.suffix.lower() == ".vrt":
                write_whole(path, text.encode("utf-8"))
            else:
                _write_pixels(text, path, progress)
        except (RasterioError, OSError) as error:
            raise FileNotWritten(f"The stack {path} cannot be written: {error}.", "Choose another place.") from error
    bands = tuple(
        StackedBand(part.title, band.number, name, part.facts.dtypes[band.number - 1], part.resampled)
        for part, own in zip(parts, names)
        for band, name in zip(part.facts.bands, own)
    )
    progress.log(f"Written: {path}, {len(bands)} bands")
    return StackResult(str(path), bands, notes)


# ---------------------------------------------------------------- one layer


@dataclass(frozen=True)
class _Part:
    """A layer on its way into the stack.

    Attributes:
        layer: as the user gave it.
        facts: what it says about itself.
        tags: of each band: metadata that say its wavelength.
        nodata: of each band in the stack; None without.
        source: file name, or the text of a virtual raster that warps it to the grid.
        resampled: how; empty where it lies on the grid.
        notes: sentences for the log.
    """

    layer: RasterInput
    facts: LayerFacts
    tags: tuple[dict[str, str], ...]
    nodata: tuple[float | None, ...]
    source: str
    resampled: str
    notes: tuple[str, ...]

    @property
    def title(self) -> str:
        """What people call it, without the ending of a file."""
        return self.layer.name or Path(self.layer.title).stem


def _part(layer: RasterInput, grid: GeoGrid, resampling: str) -> _Part:
    with Source(layer) as source, open_dataset(layer.path) as dataset:
        facts = source.facts
        if (facts.crs is None) != (grid.crs is None):
            raise MissingCrs(
                f"{layer.title} has {crs_name(facts.crs)}, the grid has {crs_name(grid.crs)}.",
                "Set the coordinate system of the layer that has none, in its properties.",
            )
        nodata = [_nodata(source, layer, band.number) for band in facts.bands]
        notes = _note_embedding(layer, facts, nodata)
        tags = tuple(_kept_tags(dataset, band.number) for band in facts.bands)
        if _same_grid(facts.grid, grid):
            path = str(Path(layer.path).absolute()) if os.path.isfile(layer.path) else layer.path
            return _Part(layer, facts, tags, tuple(nodata), path, "", notes)
        if grid.crs is None:
            raise LulcError(
                f"{layer.title} has {facts.width} × {facts.height} pixels, the grid {grid.width} × {grid.height};"
                " without a coordinate system nobody knows how they lie.",
                "Georeference them, or give layers of one size.",
            )
        _refuse_elsewhere(layer, facts.grid, grid)
        method = _method(dataset, facts, grid) if resampling == AUTO else resampling
        filled = [_empty_value(dtype) if value is None else value for value, dtype in zip(nodata, facts.dtypes)]
        text = _warped(dataset, layer, facts, grid, METHODS[method], filled)
        note = f"{layer.title}: {method} of its pixels of {_size(facts)} on the grid"
        return _Part(layer, facts, tags, tuple(filled), text, method, (note, *notes))


def _note_embedding(layer: RasterInput, facts: LayerFacts, nodata: list[float | None]) -> tuple[str, ...]:
    """What is said of bands of an AlphaEarth embedding; where the file has no nodata value, theirs is set."""
    places = [
        place
        for place, (band, dtype) in enumerate(zip(facts.bands, facts.dtypes))
        if dtype == "int8" and value_kind.is_embedding(band, dtype)
    ]
    if not places:
        return ()
    without = [place for place in places if nodata[place] is None]
    for place in without:
        nodata[place] = value_kind.EMBEDDING_NODATA
    said = (
        f"; {value_kind.EMBEDDING_NODATA:.0f}, which the file does not name, is their nodata value" if without else ""
    )
    return (
        f"{layer.title}: {len(places)} bands hold an AlphaEarth embedding. Their stored numbers are kept; Train classes"
        f" from points makes sign(v) · (v / 127.5)² of them{said}.",
    )


def _refuse_elsewhere(layer: RasterInput, own: GeoGrid, grid: GeoGrid) -> None:
    """Refuse a layer that does not meet the grid.

    Raises:
        LulcError: with where both lie.
    """
    try:
        xmin, ymin, xmax, ymax = transform_bounds(own.crs, grid.crs, *own.extent)
    except (RasterioError, ValueError):
        return  # GDAL's warper knows better
    left, bottom, right, top = grid.extent
    if xmin >= right or xmax <= left or ymin >= top or ymax <= bottom:
        where = ", ".join(f"{value:.6g}" for value in (xmin, ymin, xmax, ymax))
        there = ", ".join(f"{value:.6g}" for value in grid.extent)
        raise LulcError(
            f"{layer.title} does not meet the grid: it covers {where}, the grid {there} ({crs_name(grid.crs)}).",
            f"Leave it away, or choose another layer in {option('grid')}.",
        )


def _nodata(source: Source, layer: RasterInput, band: int) -> float | None:
    """The one nodata value of a band, as the file or the user says."""
    setting = layer.nodata_of(band)
    values = [low for low, high in setting.ranges if low == high]
    of_file = source.nodata(band)
    if len(values) != len(setting.ranges) or len({*values, *([] if of_file is None else [of_file])}) > 1:
        raise LulcError(
            f"{layer.title} has several values that stand for no data in band {band}; a band of a stack has one.",
            "Write the layer with a single one first, for example with Export > Save As.",
        )
    return values[0] if values else of_file


def _kept_tags(dataset: Any, band: int) -> dict[str, str]:
    imagery = {key: str(value) for key, value in dataset.tags(band, ns="IMAGERY").items()}
    wanted = ("wavelength", "wavelength_units", "fwhm", "BANDWIDTH", "BANDWIDTH_UNIT", "WAVELENGTH", "WAVELENGTH_UNIT")
    own = {key: str(value) for key, value in dataset.tags(band).items() if key in wanted}
    return {**own, **{f"IMAGERY:{key}": value for key, value in imagery.items()}}


def _same_grid(first: GeoGrid, other: GeoGrid) -> bool:
    if first.shape != other.shape or first.crs != other.crs:
        return False
    corners = [(0, 0), (other.height, other.width)]
    places = [first.positions(*map(np.atleast_1d, other.coordinates(row, col))) for row, col in corners]
    return all(
        abs(float(rows[0]) - row) < _SAME and abs(float(cols[0]) - col) < _SAME
        for (row, col), (rows, cols) in zip(corners, places)
    )


def _method(dataset: Any, facts: LayerFacts, grid: GeoGrid) -> str:
    """The way of `auto`: see `StackJob`."""
    if any(interpretation.name == "palette" for interpretation in dataset.colorinterp):
        return "nearest"
    wanted = areas.gsd(grid)
    return "mean" if facts.gsd is not None and wanted is not None and facts.gsd < _FINER * wanted else "bilinear"


def _size(facts: LayerFacts) -> str:
    return f"{facts.gsd:.3g} m" if facts.gsd else "unknown size"


def _empty_value(dtype: str) -> float:
    """What stands where a layer without a nodata value does not reach: a number that is rarely measured."""
    if np.dtype(dtype).kind == "f":
        return math.nan
    limits = np.iinfo(dtype)
    return float(limits.min if np.dtype(dtype).kind == "i" else 0 if dtype == "uint8" else limits.max)


def _warped(
    dataset: Any, layer: RasterInput, facts: LayerFacts, grid: GeoGrid, method: Resampling, nodata: Sequence[float]
) -> str:
    """The text of a virtual raster that brings a layer to the grid."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "warped.vrt"
        with WarpedVRT(
            dataset,
            src_crs=parse_crs(layer.crs) or facts.crs,
            crs=grid.crs,
            transform=grid.transform,
            height=grid.height,
            width=grid.width,
            resampling=method,
            src_nodata=nodata[0],
            nodata=nodata[0],
        ) as warped:
            rasterio.shutil.copy(warped, str(target), driver="VRT")
        return target.read_text(encoding="utf-8")


def unique_names(parts: Sequence[_Part]) -> list[list[str]]:
    """A name for each band of each layer: its own, with the layer's where another band has it too."""
    own = [[band.name for band in part.facts.bands] for part in parts]
    taken: set[str] = set()
    names = []
    for part, of_layer in zip(parts, own):
        row = []
        for number, name in enumerate(of_layer, 1):
            wished = name or (part.title if len(of_layer) == 1 else f"{part.title} {number}")
            candidates = iter((wished, f"{wished} ({part.title})"))
            chosen = next(
                (c for c in candidates if c.casefold() not in taken), f"{wished} ({part.title}, {len(taken) + 1})"
            )
            taken.add(chosen.casefold())
            row.append(chosen)
        names.append(row)
    return names


# ---------------------------------------------------------------- the file


def _virtual_raster(grid: GeoGrid, parts: Sequence[_Part], names: Sequence[Sequence[str]]) -> str:
    lines = [f'<VRTDataset rasterXSize="{grid.width}" rasterYSize="{grid.height}">']
    if grid.crs is not None:
        lines.append(f'<SRS dataAxisToSRSAxisMapping="1,2">{_escaped(grid.crs.to_wkt())}</SRS>')
    t = grid.transform
    lines.append(f"<GeoTransform>{', '.join(repr(float(v)) for v in (t.c, t.a, t.b, t.f, t.d, t.e))}</GeoTransform>")
    number = 0
    for part, own in zip(parts, names):
        for band, name in zip(part.facts.bands, own):
            number += 1
            lines += _band_lines(grid, part, band.number, number, name)
    return "\n".join([*lines, "</VRTDataset>", ""])


def _band_lines(grid: GeoGrid, part: _Part, band: int, number: int, name: str) -> Iterator[str]:
    known = part.facts.bands[band - 1]
    dtype = _GDAL_TYPES[part.facts.dtypes[band - 1]]
    nodata = part.nodata[band - 1]
    yield f'<VRTRasterBand dataType="{dtype}" band="{number}">'
    by_domain: dict[str, dict[str, str]] = {}
    for key, value in part.tags[band - 1].items():
        domain, _, rest = key.rpartition(":")
        by_domain.setdefault(domain, {})[rest] = value
    for domain, entries in by_domain.items():
        yield f'<Metadata domain="{_escaped(domain)}">' if domain else "<Metadata>"
        for key, value in entries.items():
            yield f'<MDI key="{_escaped(key)}">{_escaped(value)}</MDI>'
        yield "</Metadata>"
    yield f"<Description>{_escaped(name)}</Description>"
    if nodata is not None:
        yield f"<NoDataValue>{'nan' if math.isnan(nodata) else repr(nodata)}</NoDataValue>"
    if known.offset:
        yield f"<Offset>{known.offset!r}</Offset>"
    if known.scale != 1:
        yield f"<Scale>{known.scale!r}</Scale>"
    box = f'xOff="0" yOff="0" xSize="{grid.width}" ySize="{grid.height}"'
    yield (
        f'<ComplexSource><SourceFilename relativeToVRT="0">{_escaped(part.source)}</SourceFilename>'
        f"<SourceBand>{band}</SourceBand><SrcRect {box}/><DstRect {box}/>"
        + (f"<NODATA>{'nan' if math.isnan(nodata) else repr(nodata)}</NODATA>" if nodata is not None else "")
        + "</ComplexSource>"
    )
    yield "</VRTRasterBand>"


def _escaped(text: str) -> str:
    """A text for XML, which has no place for control characters."""
    return html.escape("".join(c for c in text if c >= " " or c in "\t\n"))


def _write_pixels(text: str, path: Path, progress: Progress) -> None:
    """Copy a virtual raster into a GeoTIFF, which has one number type and one nodata value for all bands."""
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.lulc-part")
    unfinished.add(temporary.unlink)
    try:
        with open_dataset(text) as source:
            nodata, dtype = _common(source)
            profile = {
                "driver": "GTiff", "width": source.width, "height": source.height, "count": source.count,
                "crs": source.crs, "transform": source.transform, "dtype": dtype, "nodata": nodata, "tiled": True,
                "compress": "deflate", "zlevel": 1, "bigtiff": "IF_SAFER", "blockxsize": _BLOCK, "blockysize": _BLOCK,
                "interleave": "pixel",
            }  # fmt: skip
            with open_dataset(temporary, "w", **profile) as target:
                target.descriptions = source.descriptions
                target.scales, target.offsets = source.scales, source.offsets
                for band in source.indexes:
                    target.update_tags(band, **source.tags(band))
                    target.update_tags(band, ns="IMAGERY", **source.tags(band, ns="IMAGERY"))
                _copy_blocks(source, target, nodata, dtype, progress)
        with unfinished.placing():
            temporary.replace(path)
            unfinished.note_written(path)
    finally:
        with suppress(OSError):
            temporary.unlink()
        unfinished.discard(temporary.unlink)


def _common(source: Any) -> tuple[float | None, str]:
    """The nodata value and number type that hold all bands."""
    dtype = np.result_type(*source.dtypes)
    known = [value for value in source.nodatavals if value is not None]
    if not known:
        return None, str(dtype)
    if len(known) == source.count and len({repr(value) for value in known}) == 1:
        return known[0], str(dtype)
    if dtype.kind == "f":
        return math.nan, str(dtype)
    # a whole number that no band can hold as a measurement
    wider = np.result_type(dtype, np.int32 if dtype.itemsize < 4 else np.float64)
    return (float(np.iinfo(wider).min), str(wider)) if wider.kind == "i" else (math.nan, str(wider))


def _copy_blocks(source: Any, target: Any, nodata: float | None, dtype: str, progress: Progress) -> None:
    tops = range(0, source.height, _BLOCK)
    for done, top in enumerate(tops):
        for left in range(0, source.width, _BLOCK):
            if progress.cancelled:
                raise CancelledError()
            window = Window(left, top, min(_BLOCK, source.width - left), min(_BLOCK, source.height - top))
            out = np.empty((source.count, int(window.height), int(window.width)), dtype)
            for band in source.indexes:
                out[band - 1] = _with_nodata(source, band, window, nodata, dtype)
            target.write(out, window=window)
        progress.report(100 * (done + 1) / len(tops))


def _with_nodata(source: Any, band: int, window: Window, nodata: float | None, dtype: str) -> npt.NDArray[Any]:
    try:
        stored = source.read(band, window=window)
    except RasterioError as error:
        raise FileNotRead(f"Rows from {window.row_off} of a layer cannot be read: {error}.") from error
    own = source.nodatavals[band - 1]
    values: npt.NDArray[Any] = stored.astype(dtype)
    if nodata is not None and own is not None:
        empty = np.isnan(stored) if math.isnan(own) else stored == own
        values[empty] = nodata
    return values
