# SPDX-License-Identifier: GPL-3.0-or-later
"""Archives (ZIP, TAR, GZIP) from which GDAL reads: whether one of the files inside could name other places.

GDAL knows a virtual file by its first bytes, whatever it is called, so the first bytes of every file inside are looked
at. What cannot be looked into is refused: unpacked it is looked at like any other file.
"""

from __future__ import annotations

import gzip
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from ..errors import FileNotRead, LulcError

_HEAD = 4096
_GZIP = b"\x1f\x8b"
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_OTHERS = (b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07")
_NAMES = {_GZIP: "gzip archive", **dict.fromkeys(_ZIP, "zip archive")}
_TAR, _TAR_AT = b"ustar", 257
_MOST_FILES = 5000
#: Bytes inside a compressed TAR, which has to be unpacked to be looked at: some seconds.
_LARGEST = 1 << 30


def is_archive(head: bytes) -> bool:
    """Whether a file with these first bytes is an archive."""
    return head.startswith((_GZIP, *_ZIP, *_OTHERS)) or head[_TAR_AT:].startswith(_TAR)


def refuse_hidden(path: str, head: bytes, marks: tuple[bytes, ...]) -> None:
    """Refuse an archive with a file inside that has one of `marks` in its first bytes, or is an archive again.

    Args:
        path: the archive.
        head: its first bytes.
        marks: of files that name other files or places.

    Raises:
        FileNotRead: it has, or it cannot be looked into.
    """
    try:
        for name, begin in _heads(path, head):
            if any(mark in begin for mark in marks) or is_archive(begin):
                what = "an archive" if is_archive(begin) else "a virtual file"
                raise _refused(path, head, f"with {what} inside ({name[:80]}), which could name any place")
    except LulcError:
        raise
    except (OSError, EOFError, ValueError, RuntimeError, NotImplementedError, zlib.error) as error:
        raise _refused(path, head, f"that cannot be looked into ({str(error)[:80]})") from error
    except (zipfile.BadZipFile, tarfile.TarError) as error:
        raise _refused(path, head, f"that is damaged ({str(error)[:80]})") from error


def _heads(path: str, head: bytes) -> Iterator[tuple[str, bytes]]:
    """Name and first bytes of each file inside."""
    if head.startswith(_OTHERS):
        raise ValueError("7z and RAR are not read")
    if head.startswith(_ZIP):
        with zipfile.ZipFile(path) as zipped:
            for number, entry in enumerate(zipped.infolist()):
                _check_count(number)
                if not entry.filename.endswith("/"):
                    with zipped.open(entry) as stream:
                        yield entry.filename, stream.read(_HEAD)
        return
    if head.startswith(_GZIP):
        with gzip.open(path) as stream:
            begin = stream.read(_HEAD)
        if not begin[_TAR_AT:].startswith(_TAR):
            yield Path(path).stem, begin
            return
    unpacked = 0
    with tarfile.open(path, "r|*") as tar:
        for number, member in enumerate(tar):
            _check_count(number)
            unpacked += member.size
            if head.startswith(_GZIP) and unpacked > _LARGEST:
                raise ValueError(f"more than {_LARGEST >> 20} MB inside")
            content = tar.extractfile(member) if member.isfile() else None
            if content is not None:
                yield member.name, content.read(_HEAD)


def _check_count(number: int) -> None:
    if number >= _MOST_FILES:
        raise ValueError(f"more than {_MOST_FILES:,} files inside")


def _refused(path: str, head: bytes, why: str) -> FileNotRead:
    kind = next((name for mark, name in _NAMES.items() if head.startswith(mark)), "archive")
    return FileNotRead(f"{path} is a {kind} {why}.", "Unpack it, and give the file itself.")
