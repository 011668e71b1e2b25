# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a raster cannot be opened or read, in words: another format, no file, a mosaic with a tile missing, damage.

The GDAL that rasterio brings along is not that of QGIS: it may lack a format that QGIS shows.
"""

from __future__ import annotations

import os

import rasterio

from ..errors import FileNotRead
from . import virtual_files

_EXPORT = "export it as a GeoTIFF (in QGIS: right-click the layer, Export, Save As…), and give that."
_LONGEST_REASON = 200
_SHOWN = 3
_HEAD = 64
#: Where in a file, with what bytes, a format begins; its name; GDAL's drivers for it.
_FORMATS = (
    (0, b"II*\0", "TIFF", ("GTiff",)),
    (0, b"II+\0", "TIFF", ("GTiff",)),
    (0, b"MM\0*", "TIFF", ("GTiff",)),
    (0, b"\x89PNG", "PNG", ("PNG",)),
    (0, b"\xff\xd8\xff", "JPEG", ("JPEG",)),
    (0, b"\x0e\x03\x13\x01", "HDF4", ("HDF4Image",)),
    (0, b"\x89HDF\r\n\x1a\n", "HDF5 (also netCDF-4 and KEA)", ("HDF5Image", "netCDF", "KEA")),
    (0, b"CDF", "netCDF", ("netCDF",)),
    (0, b"GRIB", "GRIB", ("GRIB",)),
    (0, b"\x00\x00\x00\x0cjP  ", "JPEG 2000", ("JP2OpenJPEG", "JP2ECW", "JP2KAK", "JP2MrSID")),
    (0, b"\xff\x4f\xff\x51", "JPEG 2000", ("JP2OpenJPEG", "JP2ECW", "JP2KAK", "JP2MrSID")),
    (0, b"\x00\x00\x00\x0cJXL ", "JPEG XL", ("JPEGXL",)),
    (0, b"msid", "MrSID", ("MrSID",)),
    (4, b"ftyphei", "HEIF", ("HEIF",)),
    (4, b"ftypmif1", "HEIF", ("HEIF",)),
    (4, b"ftypavif", "AVIF", ("AVIF",)),
    (0, b"%PDF", "PDF", ("PDF",)),
    (0, b"SQLite format 3", "GeoPackage, MBTiles or another SQLite database", ("GPKG", "MBTiles", "SQLite")),
)
#: Formats that are told by their ending.
_ENDINGS = {".ecw": ("ECW", ("ECW",)), ".sid": ("MrSID", ("MrSID",)), ".kea": ("KEA", ("KEA",))}
#: What is no raster at all: the first bytes in lower case → what it is, and what to do.
_OTHERS = (
    (b"<!doctype html", "a web page", "The download failed, or wanted you to log in: get the file again."),
    (b"<html", "a web page", "The download failed, or wanted you to log in: get the file again."),
    (b"version https://git-lfs", "a pointer of Git LFS, not the data", "Get the data: git lfs pull."),
    (b"pk\x03\x04", "a zip archive", "Unpack it, and give the raster inside."),
    (b"\x1f\x8b", "a gzip archive", "Unpack it, and give the raster inside."),
    (b"<!doctype qgis", "a project or style of QGIS", "Give the raster itself."),
    (b"<qgis", "a project or style of QGIS", "Give the raster itself."),
    (b"{", "a JSON text", "Give the raster itself."),
)


def reason(error: BaseException, path: str = "") -> str:
    """What GDAL says itself: the text of the first cause, on one line, without a full stop and without `path`."""
    while error.__cause__ is not None:
        error = error.__cause__
    text = " ".join(str(error).split())
    for known in (f"'{path}'", f"`{path}'", path):
        text = text.replace(known, "the file") if path else text
    return text[:_LONGEST_REASON].rstrip(" .")


def not_opened(path: str, error: BaseException) -> FileNotRead:
    """What to tell where the raster `path`, a file or GDAL dataset name, could not be opened because of `error`."""
    cannot = f"The layer {path} cannot be opened"
    file = next(iter(virtual_files.local_files(path)), "")
    if not file:
        plain = ":" not in path[2:] and not path.startswith("/vsi")
        if plain and os.path.isdir(path):
            return FileNotRead(f"{cannot}: it is a folder.", "Give a raster file.")
        if plain:
            return FileNotRead(f"{cannot}: there is no such file.", "Check its folder and name.")
        return FileNotRead(f"{cannot}: {reason(error)}.", f"If QGIS shows it: {_EXPORT}")
    what = _what_else(file)
    if what is not None:
        return FileNotRead(f"{cannot}: it is {what[0]}.", what[1])
    kind, lacking = _format_of(file)
    gdal = f"GDAL {rasterio.__gdal_version__} (that of rasterio {rasterio.__version__})"
    if kind and lacking:
        return FileNotRead(
            f"{cannot}: {gdal} has no driver {' or '.join(lacking)} for the format {kind}. The GDAL of QGIS, which is"
            " another one, may have it.",
            f"If QGIS shows it: {_EXPORT}",
        )
    return FileNotRead(
        f"{cannot}{f' ({kind})' if kind else ''}: {gdal} says '{reason(error, path)}'.",
        f"If it is damaged, copy it again from its origin. If QGIS shows it: {_EXPORT}",
    )


def not_read(path: str, what: str, error: BaseException) -> FileNotRead:
    """What to tell where `what` of the open raster `path`, as in `Rows 0 to 64 of a.tif`, could not be read."""
    missing = _missing_sources(path)
    if missing is not None:
        return missing
    return FileNotRead(
        f"{what} cannot be read: {reason(error)}.",
        "The file seems to be damaged: copy it again from its origin.",
    )


def refuse_missing_sources(path: str) -> None:
    """Refuse a virtual raster (VRT) of which files are missing, before work starts; other files pass.

    Raises:
        FileNotRead: naming them.
    """
    missing = _missing_sources(path)
    if missing is not None:
        raise missing


def _missing_sources(path: str) -> FileNotRead | None:
    """The error for a virtual raster (VRT) of which files are missing; None where none are, or for other files."""
    missing = virtual_files.missing_files(path)
    if not missing:
        return None
    listed = ", ".join(missing[:_SHOWN]) + (f" and {len(missing) - _SHOWN:,} more" if len(missing) > _SHOWN else "")
    one = len(missing) == 1
    return FileNotRead(
        f"{path} is a virtual raster (VRT), and {'a file' if one else f'{len(missing):,} files'} that it is made of"
        f" {'is' if one else 'are'} missing: {listed}.",
        f"Put {'it' if one else 'them'} back, or make the mosaic anew of the files that are there (gdalbuildvrt).",
    )


def _head(path: str) -> bytes:
    try:
        with open(path, "rb") as stream:
            return stream.read(_HEAD)
    except OSError:
        return b""


def _what_else(path: str) -> tuple[str, str] | None:
    """What a file is that is no raster, and what to do; None where that is not known."""
    try:
        if os.path.getsize(path) == 0:
            return "empty (0 bytes)", "Copy it again from its origin."
        if not os.access(path, os.R_OK):
            return "not readable for you", "Set its permissions."
    except OSError:
        return None
    head = _head(path).lower().lstrip(b"\xef\xbb\xbf \r\n\t")
    return next(((what, remedy) for mark, what, remedy in _OTHERS if head.startswith(mark)), None)


def _format_of(path: str) -> tuple[str, tuple[str, ...]]:
    """The format of a file, empty where it is not known, and the drivers for it if GDAL has none of them."""
    head = _head(path)
    found = next(
        ((name, drivers) for start, mark, name, drivers in _FORMATS if head[start:].startswith(mark)),
        _ENDINGS.get(os.path.splitext(path)[1].lower()),
    )
    if found is None:
        return "", ()
    name, drivers = found
    with rasterio.Env() as environment:
        known = environment.drivers()
    return name, () if any(driver in known for driver in drivers) else drivers
