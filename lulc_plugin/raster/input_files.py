# SPDX-License-Identifier: GPL-3.0-or-later
"""The files that a run reads: nothing is written over one of them, and they stay the same while the run lasts."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from rasterio.errors import RasterioError

from .. import provenance
from ..errors import FileNotRead, LulcError
from . import gdal, virtual_files
from .source import open_dataset

#: Endings of files beside a raster that belong to it, after its whole name.
_BESIDE = (".aux.xml", ".ovr", ".msk", ".msk.ovr")
#: Files that together are one layer, by the ending of the main one.
_TOGETHER = {
    ".shp": (".shx", ".dbf", ".prj", ".cpg", ".qix", ".sbn", ".sbx", ".qpj"),
    ".tab": (".dat", ".map", ".id", ".ind"),
    ".mif": (".mid",),
    ".gpkg": (".gpkg-wal", ".gpkg-shm"),
}
#: Files beside a raster that QGIS and GDAL write while they only look at it; the pixels are elsewhere.
_WRITTEN_BY_READERS = (".aux.xml", ".ovr", ".qml", ".qmd", ".gpkg-wal", ".gpkg-shm")

_Status = tuple[int, int, int, int]


def files_behind(path: str) -> tuple[Path, ...]:
    """All local files that a layer or a table is read from; empty for what lies in the network or in memory.

    Args:
        path: file or GDAL dataset name; may be empty.
    """
    names: list[str] = []
    with suppress(LulcError, RasterioError, OSError, ValueError):
        names += virtual_files.local_files(path)
        with gdal.environment(), open_dataset(path) as dataset:
            for name in dataset.files:
                names += virtual_files.local_files(name)
    for name in tuple(names):
        start, ending = os.path.splitext(name)
        names += [name + beside for beside in _BESIDE]
        names += [start + other for other in _TOGETHER.get(ending.lower(), ())]
    return tuple(Path(name) for name in dict.fromkeys(names) if os.path.isfile(name))


def refuse_overwriting(targets: Iterable[Path], inputs: Iterable[str], what: str = "") -> None:
    """Refuse to write over a file that is read, under whatever name.

    Args:
        targets: files that are written, replaced or removed.
        inputs: layers and tables that are read, as files or GDAL dataset names.
        what: what the target is called, for the message; may be empty.

    Raises:
        LulcError: one of the targets is a file behind one of the inputs.
    """
    present = [target for target in targets if os.path.lexists(target)]
    if not present:
        return
    keys = {key: target for target in present for key in _keys(target)}
    for name in filter(None, inputs):
        for file in files_behind(name):
            target = next((keys[key] for key in _keys(file) if key in keys), None)
            if target is not None:
                of = "" if str(file) == name else f" ({file} is a part of {name})"
                raise LulcError(
                    f"{f'{what}: ' if what else ''}{target} is a layer or table that this run reads{of}; it would be"
                    " lost.",
                    "Choose another name.",
                )


def _keys(path: Path) -> tuple[object, ...]:
    """What two names of one file have in common."""
    keys: list[object] = [os.path.normcase(os.path.realpath(path))]
    with suppress(OSError):
        status = os.stat(path)
        if status.st_ino:
            keys.append((status.st_dev, status.st_ino))
    return tuple(keys)


def digest_of(path: str) -> str:
    """`provenance.data_digest` of the files behind a layer, without those that programs write which only look at it.

    Args:
        path: file or GDAL dataset name.

    Returns:
        empty for what lies in the network or in memory, and for what cannot be read.
    """
    files = [file for file in files_behind(path) if not file.name.lower().endswith(_WRITTEN_BY_READERS)]
    with suppress(OSError):
        return provenance.data_digest(files) if files else ""
    return ""


class InputFiles:
    """The state of the files behind some layers, to be compared with theirs at the end of a run.

    Args:
        inputs: layers and tables, as files or GDAL dataset names.
    """

    def __init__(self, inputs: Iterable[str]) -> None:
        files = {file for name in inputs if name for file in files_behind(name)}
        self._before = {file: _status(file) for file in files if not file.name.lower().endswith(_WRITTEN_BY_READERS)}

    def check(self) -> None:
        """Refuse a result of files that have changed.

        Raises:
            LulcError: a file was changed, replaced or removed since this object was made.
        """
        for file, before in sorted(self._before.items()):
            now = _status(file)
            if before is not None and (now is None or _differs(before, now)):
                raise FileNotRead(
                    f"{file} was {'removed' if now is None else 'changed'} while it was read; the result would be made"
                    " of two states, and is not written.",
                    "Run it again once the file is whole.",
                )


def _status(file: Path) -> _Status | None:
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns, status.st_ino, status.st_ctime_ns


def _differs(before: _Status, now: _Status) -> bool:
    # some network drives number their files anew at any time: the number counts only with the time of its change
    return before[:2] != now[:2] or (before[2] != now[2] and before[3] != now[3])
