# SPDX-License-Identifier: GPL-3.0-or-later
"""Virtual files: texts (VRT and the like) that name other files, or places in the network, from which GDAL reads.

They are looked at before GDAL opens them, as text and not as XML: they are untrusted. A place in the network that the
user types, or opened in QGIS, is the user's choice; one that is named inside a local file is refused.
"""

from __future__ import annotations

import html
import os
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from ..errors import LulcError
from . import archives

#: Bytes of a virtual file that is looked at; a mosaic of a hundred thousand files has half of that.
LARGEST = 100_000_000
_HEAD = 4096
#: What GDAL knows virtual files by, in their first bytes.
_VIRTUAL = (b"<VRTDataset", b"<OGRVRTDataSource", b"<OGRVRTLayer", b"<OGRVRTUnionLayer", b"<OGRVRTWarpedLayer")
#: Local files that stand for a service in the network, or for a table of places that cannot be looked into here.
_SERVICES = (
    b"<GDAL_WMS", b"<GDAL_WMTS", b"<WMS_Tile_Service", b"<TileMap", b"<WMT_MS_Capabilities", b"<WMS_Capabilities",
    b"<WCS_GDAL", b"<OGRWFSDataSource", b"<OGRCSWDataSource", b"<GDALTileIndexDataset", b"<Capabilities", b"<Services",
    b'"stac_version"', b'"stac_extensions"', b'"tilejson"',
)  # fmt: skip
#: Tables of vector features that GDAL takes for rasters by these names: each row names a file or an address.
_TILE_INDEXES = (".gti.gpkg", ".gti.fgb", ".gti.parquet")
_REMOTE = re.compile(
    r"\b(?:https?|ftps?|s3|gs|azure?|abfss?|oss)://|/vsi(?:curl|s3|gs|az|adls|oss|swift|hdfs|webhdfs)"
    r"|<(?:GDAL_WMS|GDAL_WMTS|WCS_GDAL|GDALTileIndexDataset|OGRWFSDataSource)"
    r"|\b(?:WMS|WMTS|WCS|WFS3?|OAPIF|OGCAPI|EEDAI?|STACIT|STACTA|PLMosaic|PLScenes|NGW|DAAS|CSW|GTI|PG|PostgreSQL"
    r"|MySQL|MSSQL|OCI|GeoRaster|MongoDBv?3?|ES|Carto|AmigoCloud|HANA|JPIP):",
    re.IGNORECASE,
)
#: Elements whose texts are shown and never opened.
_SHOWN = frozenset(("MDI", "Description", "UnitType", "Category", "SRS", "LayerSRS", "F", "Row", "FieldDefn"))
_NAMESPACE = re.compile(r"""\s(?:xmlns(?::\w+)?|\w+:schemaLocation)\s*=\s*(?:"[^"]*"|'[^']*')""")
_TAG = re.compile(r"[A-Za-z_][\w.-]*")
_QUOTED = re.compile(r'"([^"]+)"')
_MOST_LEVELS = 5
#: Elements of a virtual raster that name its data, and what in a name is more than a path (a drive may begin it).
_DATA = ("SourceFilename", "SourceDataset")
_NOT_PLAIN = re.compile(r"^/vsi|^[^:]{2,}:|[<>|?*\n]")
#: An element with a text.
_ELEMENT = re.compile(r"<([A-Za-z_][\w.-]*)[^<>]*>([^<]+)")
#: Elements of a virtual file that are looked at one by one, which takes some seconds.
_MOST_ELEMENTS = 2_000_000


def names_network(text: str) -> bool:
    """Whether a name or a definition has an address in it that GDAL or PROJ would follow."""
    return bool(_REMOTE.search(text))


def refuse_network(path: str) -> None:
    """Refuse a local virtual file that names a place in the network, itself or through the files that it names.

    Args:
        path: file or GDAL dataset name.

    Raises:
        LulcError: it does, or it is too large to be looked at.
    """
    for name, _ in _reachable(path):
        _refuse_side_file(name)


def local_files(path: str) -> tuple[str, ...]:
    """Local files that GDAL reads for a name: itself, and all that virtual files name, those through others too.

    Raises:
        LulcError: as `refuse_network`.
    """
    return tuple(name for name, _ in _reachable(path))


def missing_files(path: str) -> tuple[str, ...]:
    """Local files that virtual rasters behind a name are made of, and that are not there.

    Only plain paths are looked for; for whatever else GDAL understands, it reports itself what is wrong.

    Raises:
        LulcError: as `refuse_network`.
    """
    missing: dict[str, None] = {}
    for virtual, _ in _reachable(path):
        folder = os.path.dirname(virtual)
        for source in _sources_in_file(os.path.realpath(virtual)):
            if not any(_exists(place) for place in (os.path.join(folder, source), source)):
                missing[os.path.normpath(os.path.join(folder, source))] = None
    return tuple(missing)


def _sources_in_file(path: str) -> tuple[str, ...]:
    """Plain paths of the data that a virtual raster is made of, without its overviews."""
    if not _names_in_file(path):
        return ()
    try:
        text = Path(path).read_bytes().decode("utf-8", errors="surrogateescape")
    except OSError:
        return ()
    sources: dict[str, None] = {}
    before = ""
    for piece in text.split("<"):
        tag = _TAG.match(piece)
        if tag and tag[0] in _DATA and before != "Overview":
            name = html.unescape(piece.partition(">")[2]).strip()
            if name and not _NOT_PLAIN.search(name):
                sources[name] = None
        before = tag[0] if tag else before
    return tuple(sources)


def _exists(path: str) -> bool:
    try:
        return os.path.exists(path)
    except ValueError:  # a null byte
        return False


def _reachable(path: str) -> Iterator[tuple[str, int]]:
    """Each local file behind `path` once, with its distance."""
    waiting = [(name, 0) for name in _files_in(path, "")]
    seen: set[str] = set()
    while waiting:
        name, level = waiting.pop()
        key = os.path.realpath(name)
        if key in seen:
            continue
        seen.add(key)
        yield name, level
        folder = os.path.dirname(name)
        for named in _names_in_file(key):
            waiting += [(file, level + 1) for file in _files_in(named, folder)]


def _names_in_file(path: str) -> tuple[str, ...]:
    """Names of data in a virtual file; none for any other file.

    Raises:
        LulcError: one of them is in the network, or the file is too large.
    """
    try:
        with open(path, "rb") as stream:
            head = stream.read(_HEAD)
        status = os.stat(path)
    except OSError:
        return ()  # opening the file reports why
    if path.lower().endswith(_TILE_INDEXES):
        raise _refused(path, "is a table of places elsewhere")
    if archives.is_archive(head):
        _refuse_hidden(path, head, status.st_size, status.st_mtime_ns)
        return ()
    if any(mark in head for mark in _SERVICES) and not any(mark in head for mark in _VIRTUAL):
        raise _refused(path, "stands for a service or a table of places elsewhere")
    if not any(mark in head for mark in _VIRTUAL):
        return ()
    if status.st_size > LARGEST:
        raise LulcError(
            f"The virtual file {path} has {status.st_size:,} bytes; up to {LARGEST:,} are looked at.",
            "Join its files in several steps.",
        )
    return _names_in_text_of(path, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=64)
def _refuse_hidden(path: str, head: bytes, size: int, time: int) -> None:
    """As `archives.refuse_hidden`; `size` and `time` only tell whether it is still the same file."""
    archives.refuse_hidden(path, head, (*_VIRTUAL, *_SERVICES))


@lru_cache(maxsize=8)
def _names_in_text_of(path: str, size: int, time: int) -> tuple[str, ...]:
    """As `_names_in_file`; `size` and `time` only tell whether it is still the same file."""
    try:
        text = Path(path).read_bytes().decode("utf-8", errors="surrogateescape")
    except OSError:
        return ()
    if "&lt;" not in text and not _REMOTE.search(html.unescape(text)):
        pairs = _ELEMENT.findall(text)
        names = [html.unescape(content).strip() for tag, content in pairs if tag not in _SHOWN]
        return tuple(dict.fromkeys(filter(None, names)))
    if text.count("<") + text.count("&lt;") > _MOST_ELEMENTS:
        raise LulcError(
            f"The virtual file {path} has more than {_MOST_ELEMENTS:,} elements.", "Join its files in several steps."
        )
    names = []
    for tag, piece in _pieces(text):
        if _is_remote(tag, piece):
            raise _refused(path, f"reads from the network ({_shortened(piece)})")
        content = piece.partition(">")[2].strip()
        if content and tag not in _SHOWN:
            names.append(content)
    return tuple(dict.fromkeys(names))


def _pieces(text: str, level: int = 0) -> Iterator[tuple[str, str]]:
    """Name and text, from its name to the next one, of each element; what is escaped is unescaped. Linear."""
    for raw in text.split("<"):
        piece = html.unescape(raw) if "&" in raw else raw
        match = _TAG.match(piece)
        yield (match[0] if match else "", piece)
        if "<" in piece:  # a whole virtual file in the place of a name
            if level >= _MOST_LEVELS:
                raise LulcError(
                    "A virtual file has others inside it, more than five levels deep.",
                    "Join its files in several steps.",
                )
            yield from _pieces(piece.partition("<")[2], level + 1)


def _is_remote(tag: str, piece: str) -> bool:
    if not _REMOTE.search(piece):
        return False
    if tag in ("SRS", "LayerSRS"):
        return bool(re.match(r"\s*(?:https?|ftps?)://", piece.partition(">")[2], re.IGNORECASE))
    if tag in _SHOWN and "OVERVIEW_FILE" not in piece:
        return False
    return bool(_REMOTE.search(_NAMESPACE.sub("", piece)))


def _refuse_side_file(path: str) -> None:
    """Refuse a file whose GDAL side file says that its overviews are in the network."""
    side = Path(path + ".aux.xml")
    try:
        if not os.path.isfile(side) or side.stat().st_size > LARGEST:
            return
        data = side.read_bytes()
    except (OSError, ValueError):
        return
    if b"OVERVIEW_FILE" in data:
        for tag, piece in _pieces(data.decode("utf-8", errors="surrogateescape")):
            if "OVERVIEW_FILE" in piece and _is_remote(tag, piece):
                raise _refused(str(side), f"reads from the network ({_shortened(piece)})")


def _files_in(name: str, folder: str) -> Iterator[str]:
    """Local files that a GDAL dataset name means: `a.tif`, `vrt://a.tif?bands=1`, `NETCDF:"a.nc":v`, `/vsizip/a.zip/b`.

    Args:
        name: the name.
        folder: that of the file in which it stands; names may be relative to it, or to the present one.
    """
    if name.lstrip().startswith("<"):  # a virtual file as text
        for tag, piece in _pieces(name):
            if tag not in _SHOWN:
                yield from _files_in(piece.partition(">")[2].strip(), folder)
        return
    for candidate in dict.fromkeys(filter(None, _parts(name))):
        for path in dict.fromkeys((os.path.join(folder, candidate), candidate)):
            if _is_file(path):
                yield path


def _parts(name: str) -> list[str]:
    """What in a GDAL dataset name may be a file."""
    candidates = [name, *_QUOTED.findall(name)]
    if "://" in name:
        candidates.append(name.partition("://")[2].partition("?")[0])
    if ":" in name:
        candidates += [name.partition(":")[2], name.rpartition(":")[2], name.rpartition(":")[0].partition(":")[2]]
    if name.startswith("/vsi"):
        candidates += _archives(name)
    if "|" in name:
        candidates.append(name.partition("|")[0])
    return candidates


def _archives(name: str) -> list[str]:
    """`/vsizip//data/a.zip/b.tif` → what may be the archive: `/data/a.zip/b.tif`, `/data/a.zip`, …; also relative."""
    # braces set the archive apart: /vsizip/{/data/a.zip}/b.tif
    plain = [name, name.replace("{", "").replace("}", "")] if "{" in name else [name]
    starts = []
    for each in plain:
        rest = re.sub(r"^(?:/vsi[a-z0-9_]+/(?:[\d_]+,)?)+", "", each)
        parts = rest.split("/")
        starts += ["/".join(parts[:count]) for count in range(len(parts), 0, -1)]
    return [start for each in starts for start in ((each,) if each.startswith("/") else (each, "/" + each))]


def _is_file(path: str) -> bool:
    try:
        return os.path.isfile(path)
    except ValueError:  # a null byte
        return False


def _refused(path: str, why: str) -> LulcError:
    return LulcError(
        f"{path} {why}, and no connection is opened because a file asks for it.",
        "Copy the data first (gdal_translate IN OUT.tif), or give the address itself as the layer.",
    )


def _shortened(piece: str) -> str:
    match = _REMOTE.search(piece)
    text = piece[match.start() :] if match else piece
    text = re.split(r"[\"'\s<]", text, maxsplit=1)[0] or text
    return text[:80].encode("utf-8", errors="replace").decode("utf-8")
