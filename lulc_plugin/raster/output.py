# SPDX-License-Identifier: GPL-3.0-or-later
"""The output of a run: a class map that is written as it is made, and put in place only when it is whole and right.

Rows go to a temporary tiled GeoTIFF in the output's own folder; that is copied to a Cloud Optimized GeoTIFF, checked,
and renamed. The rename of the .tif is the moment the result exists; `map_files` says in which order it and the files
beside it change.
A cancelled run does not wait for a thread that is still inside GDAL; the thread removes its files when GDAL returns.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy.typing as npt
import rasterio
import rasterio.shutil
from rasterio.errors import CRSError, RasterioError
from rasterio.windows import Window as FileWindow

from ..atomic_write import refuse_impossible_name
from ..errors import CancelledError, FileNotWritten, LulcError
from ..legend import Legend
from ..progress import Progress
from . import gdal, input_files, map_files, temporary_files
from .source import open_dataset
from .temporary_files import TemporaryFiles

_BLOCK = 512
#: Seconds that leaving waits for the file to be closed and removed.
_CLOSE_TIMEOUT = 0.5


def check_target(path: Path, inputs: tuple[str, ...] = ()) -> None:
    """Refuse a place that cannot be written, before work starts.

    Raises:
        LulcError: no such folder, not writable, not regular, a file behind one of the inputs, or a name that would
            take the style of another layer.
    """
    refuse_impossible_name(path)
    folder = path.parent
    if not os.path.isdir(folder):
        raise LulcError(f"The folder {folder} does not exist.", "Create it, or choose another place for the map.")
    if os.path.isdir(path):
        raise LulcError(f"{path} is a folder.", "Choose a file name for the map.")
    if os.path.exists(path) and not os.path.isfile(path):
        raise LulcError(f"{path} is not a regular file.", "Choose another name for the map.")
    map_files.check_side_files(path)
    input_files.refuse_overwriting((path, *map_files.side_files(path)), inputs)
    if not os.access(folder, os.W_OK):
        raise FileNotWritten(f"The folder {folder} cannot be written to.", "Choose another place for the map.")


class MapWriter:
    """A class map in the making; use as a context manager and call `finish` inside it.

    Args:
        path: final name, `.tif`.
        shape: (rows, cols).
        transform: affine transform.
        crs: CRS object of the input, or None; passed on as it is, never looked up by code.
        legend: classes, colours, nodata value; decides the number type unless `dtype` says it.
        name: description of the band.
        dtype: "uint8" or "uint16".

    Attributes:
        swept: partial files of killed runs that were removed from the folder.

    Raises:
        LulcError: the folder or the disk does not take the map.
    """

    def __init__(
        self,
        path: Path,
        shape: tuple[int, int],
        transform: Any,
        crs: Any,
        legend: Legend,
        name: str,
        dtype: str | None = None,
    ) -> None:
        self._path = path
        self._shape = shape
        self._transform = transform
        self._crs = crs
        self._legend = legend
        self.swept = temporary_files.remove_leftovers(path.parent)
        self._temporaries = TemporaryFiles(path)
        self._stream = self._temporaries.file("stream.tif")
        self._whole = self._temporaries.file("whole.tif")
        self._busy = threading.Lock()
        self._left = False
        self._copying: _CopyThread | None = None
        height, width = shape
        block = _BLOCK if min(height, width) > _BLOCK else 256
        try:
            self._dataset = open_dataset(
                self._stream,
                "w",
                driver="GTiff",
                height=height,
                width=width,
                count=1,
                dtype=dtype or legend.dtype,
                crs=crs,
                transform=transform,
                nodata=legend.nodata,
                tiled=True,
                blockxsize=block,
                blockysize=block,
                compress="deflate",
                zlevel=1,
                bigtiff="IF_SAFER",
            )
            if max(legend.values) <= 255 or _large_palettes():
                self._dataset.write_colormap(1, legend.colour_table())
            self._dataset.set_band_description(1, name)
        except BaseException as error:
            self._temporaries.remove()
            if not isinstance(error, (RasterioError, CRSError, OSError)):
                raise
            raise FileNotWritten(
                f"The map cannot be written in {path.parent}: {str(error).rstrip('.')}.", "Choose another place for it."
            ) from error

    def __enter__(self) -> MapWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._left = True
        if self._copying is not None and self._copying.is_alive():
            self._copying.abandon()
            # what has a name under Linux can go at once; the thread removes what it still makes, and the lock
            tidy: Callable[[], None] = partial(self._temporaries.remove, lock=False)
        elif self._dataset.closed:
            tidy = self._temporaries.remove
        else:
            tidy = self._discard  # closing writes what GDAL still holds, and may have to wait for a row
        # a drive that does not answer keeps nobody waiting who has cancelled
        tidying = threading.Thread(target=tidy, name="lulc-tidy", daemon=True)
        tidying.start()
        tidying.join(_CLOSE_TIMEOUT)

    def _discard(self) -> None:
        with self._busy:
            try:
                self._dataset.close()
            except (RasterioError, OSError):
                return  # a full disk: this file is thrown away
            finally:
                self._temporaries.remove()

    def write(self, row: int, classes: npt.NDArray[Any]) -> None:
        """Write rows of class values `(rows, cols)` starting at `row`.

        Raises:
            LulcError: the disk is full or gone.
        """
        try:
            with self._busy:
                if not self._left:
                    self._dataset.write(classes, 1, window=FileWindow(0, row, classes.shape[1], classes.shape[0]))
        except (RasterioError, OSError) as error:
            raise FileNotWritten(f"Row {row} of the map cannot be written: {error}.", "Is the disk full?") from error
        self._temporaries.renew()

    def finish(self, tags: Mapping[str, str], progress: Progress) -> None:
        """Make the file whole: COG with overviews by mode, checked, renamed, then names and style.

        Args:
            tags: run metadata for the file.
            progress: asked whether to stop while the copy runs.

        Raises:
            LulcError: the copy is not what was asked for, or it cannot be renamed.
            CancelledError: the user stopped.
        """
        self._dataset.update_tags(**tags)
        worker = self._copying = _CopyThread(self._dataset, self._stream, self._whole, self._temporaries)
        worker.start()
        while worker.is_alive():
            worker.join(0.1)
            self._temporaries.renew()
            if progress.cancelled:
                raise CancelledError()
        progress.check()
        if worker.error is not None:
            raise LulcError(f"The map cannot be finished: {worker.error}.", "Is the disk full?") from worker.error
        with gdal.environment():  # the thread that began the file may have been another one
            self._check()
        note = map_files.put_in_place(self._whole, self._path, self._legend, self._temporaries)
        if note:
            progress.warn(note)

    def _check(self) -> None:
        try:
            self._check_grid()
        except (RasterioError, OSError) as error:  # GDAL's copy does not notice every disk that is full
            raise FileNotWritten(f"The map cannot be finished: {error}.", "Is the disk full?") from error

    def _check_grid(self) -> None:
        with open_dataset(self._whole) as finished:
            same_crs = (finished.crs or None) == self._crs
            same_grid = finished.shape == self._shape and finished.transform.almost_equals(
                self._transform, precision=1e-9 * max(1.0, *(abs(v) for v in self._transform[:6]))
            )
            if not same_crs:
                raise LulcError(
                    "The finished map would have lost its coordinate system"
                    f" (written {_crs_name(self._crs)}, read back {_crs_name(finished.crs)}).",
                    "Another program's PROJ_DATA may be set in your environment; remove it and start again.",
                )
            if not same_grid:
                raise LulcError(
                    f"The finished map has the grid {finished.shape}, {finished.transform}; it should be {self._shape}."
                )
            if finished.nodata != self._legend.nodata:
                raise LulcError(f"The finished map has nodata {finished.nodata} instead of {self._legend.nodata}.")


@lru_cache(maxsize=1)
def _large_palettes() -> bool:
    """Whether this rasterio keeps colours of values above 255; 1.3 writes black instead."""
    with rasterio.MemoryFile() as memory:
        with open_dataset(memory.name, "w", driver="GTiff", height=1, width=1, count=1, dtype="uint16") as dataset:
            dataset.write_colormap(1, {300: (1, 2, 3, 255)})
        with open_dataset(memory.name) as dataset:
            try:
                return bool(dataset.colormap(1)[300] == (1, 2, 3, 255))
            except ValueError:  # no palette at all
                return False


class _CopyThread(threading.Thread):
    """Closes the stream and makes the COG copy; GDAL works outside Python's lock, so a window stays alive meanwhile."""

    def __init__(self, dataset: Any, source: Path, target: Path, temporaries: TemporaryFiles) -> None:
        super().__init__(name="lulc-cog", daemon=True)
        self._dataset = dataset
        self._source = source
        self._target = target
        self._temporaries = temporaries
        self._abandoned = threading.Event()
        self.error: Exception | None = None

    def abandon(self) -> None:
        """GDAL's copy cannot be stopped: let it end alone and remove what it made."""
        self._abandoned.set()

    def run(self) -> None:
        """Copy; keep the error for the caller."""
        try:
            with gdal.environment():
                # closing writes what GDAL still holds, which may take as long as the copy
                self._dataset.close()
                if not self._abandoned.is_set():
                    self._copy()
        except Exception as error:  # handed to the waiting thread, which raises it
            self.error = error
        finally:
            if self._abandoned.is_set():
                self._temporaries.remove()

    def _copy(self) -> None:
        with open_dataset(self._source) as opened:
            # the open dataset, not its path: by path a wheel with a foreign PROJ_DATA loses the CRS
            rasterio.shutil.copy(
                opened,
                str(self._target),
                driver="COG",
                compress="DEFLATE",
                blocksize=_BLOCK,
                overviews="IGNORE_EXISTING",
                overview_resampling="MODE",
                num_threads="ALL_CPUS",
                bigtiff="IF_SAFER",
            )


def _crs_name(crs: Any) -> str:
    return "none" if not crs else str(crs.to_wkt()).partition(",")[0] + "…"
