# SPDX-License-Identifier: GPL-3.0-or-later
"""Small files that are whole or not there. Standard library only: it has to work where packages are missing."""

from __future__ import annotations

import os
import re
import sys
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from . import unfinished
from .errors import FileNotWritten, LulcError

_UNFINISHED = re.compile(r"\..+\.[0-9a-f]{8}\.lulc-part")
#: Seconds after which an unfinished file that nobody holds is that of a killed run.
ABANDONED_AFTER = 60.0

if sys.platform == "win32":

    def _lock(descriptor: int) -> None:
        """Windows removes no file that is open."""
else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def write_whole(path: Path, data: bytes) -> None:
    """Write a file in one go, under a temporary name beside it.

    Unfinished files of killed runs in that folder are removed. What is not a regular file, such as `/dev/stdout`, is
    written to as it is: a rename would take its place.

    Raises:
        OSError: it cannot be written; what was there before stays, and nothing is left behind.
    """
    if os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path):
        with open(path, "wb") as device:
            device.write(data)
        return
    _remove_leftovers(path.parent)
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.lulc-part")
    unfinished.add(temporary.unlink)
    try:
        with open(temporary, "xb") as stream:
            with suppress(OSError):  # a file system without locks
                _lock(stream.fileno())
            stream.write(data)
        with unfinished.placing():
            os.replace(temporary, path)
            unfinished.note_written(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
    finally:
        unfinished.discard(temporary.unlink)


@contextmanager
def hold(file: Path) -> Iterator[None]:
    """Make a file and hold it, so that no other run removes it.

    Raises:
        OSError: it cannot be made.
    """
    with open(file, "xb") as stream:
        with suppress(OSError):  # a file system without locks
            _lock(stream.fileno())
        yield


def _remove_leftovers(folder: Path) -> None:
    """Remove the unfinished files of killed runs."""
    with suppress(OSError):
        for name in os.listdir(folder):
            if _UNFINISHED.fullmatch(name):
                with suppress(OSError):
                    remove_abandoned(folder / name)


def remove_abandoned(file: Path) -> None:
    """Remove an unfinished file that nobody writes any more.

    Raises:
        OSError: somebody holds it, or it cannot be removed.
    """
    if os.path.islink(file) or not os.path.isfile(file) or time.time() - file.stat().st_mtime < ABANDONED_AFTER:
        return
    with open(file, "rb") as stream:
        _lock(stream.fileno())
    file.unlink()


def refuse_impossible_name(path: Path) -> None:
    """Refuse a name that no file can have, such as one of 300 characters.

    Raises:
        LulcError: with the reason.
    """
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return  # whoever writes it says what is wrong
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise LulcError(f"{str(path)[:200]!r} cannot be a file: {why}.", "Choose another name.") from error


def refuse_same_file(path: Path, read: Iterable[Path], what: str) -> None:
    """Refuse to write over a file that is read, under whatever name; for layers there is `raster.refuse_overwriting`.

    Args:
        path: the file to write.
        read: files that are read; those that do not exist do not count.
        what: what the file to write is called, for the message.

    Raises:
        LulcError: it is one of them.
    """
    for file in read:
        with suppress(OSError, ValueError):
            if os.path.samefile(path, file):
                raise LulcError(
                    f"{what}: {path} is a file that this run reads; it would be lost.", "Choose another name."
                )


def write_report(path: Path, data: bytes) -> None:
    """Write a report in one go: whole, or not at all.

    Raises:
        LulcError: it cannot be written; what was there before stays.
    """
    try:
        write_whole(Path(path), data)
    except OSError as error:
        raise FileNotWritten(
            f"The report {path} cannot be written: {error.strerror or error}.",
            "Close it elsewhere, or choose another place.",
        ) from error
