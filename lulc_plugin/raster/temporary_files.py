# SPDX-License-Identifier: GPL-3.0-or-later
"""Temporary files of a map in the making, and those that a killed run left behind.

All temporary files of a map are called `.STEM.TOKEN.…`. The first of them, `.STEM.TOKEN.lock`, says who is at work: the
run holds an exclusive file lock on it (which the operating system frees when the process ends, however it ends) and
renews its modification time. A later run in that folder removes the files of a run that is over:

- nobody holds the file lock, and the lock file was made on this machine: at once;
- it was made on another machine, or on a file system without file locks: when it was not renewed for a day. Shared
  folders do not pass file locks from one machine to another everywhere;
- somebody holds the file lock: never, however old the file is (a computer may sleep for weeks).
"""

from __future__ import annotations

import errno
import json
import os
import re
import socket
import sys
import time
import uuid
from contextlib import suppress
from pathlib import Path

from .. import unfinished
from ..errors import FileNotWritten

#: Seconds after which a lock file that was not renewed belongs to no run.
STALE_AFTER = 24 * 3600.0
RENEW_EVERY = 600.0
_PROGRAM = "landcover_classifier"
_LOCK_NAME = re.compile(r"(\..+\.[0-9a-f]{12}\.)lock")
_LARGEST_LOCK = 10_000
#: Seconds after which a file without a lock is nobody's: the list of a folder is not of one moment.
_SETTLED_AFTER = 60.0
_OF_GDAL = r"(?:stream|whole)\.tif(?:\..{1,20})*"
_ENDINGS = re.compile(_OF_GDAL + r"|aux\.xml|qml|before\d")
#: GDAL's own, as a run's other files may be a map that was replaced
_NAME = re.compile(r"(\..+\.[0-9a-f]{12}\.)" + _OF_GDAL)

#: Names of this process's lock files. On some shared folders a file lock belongs to the whole process: there, two maps
#: that are made by one QGIS would not see each other's.
_OWN: set[str] = set()

if sys.platform == "win32":
    import msvcrt

    #: Windows keeps others from reading what is locked: a byte far behind the text is.
    _LOCKED_BYTE = 1 << 30

    def _lock(descriptor: int) -> None:
        os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        os.lseek(descriptor, 0, os.SEEK_SET)
else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


class TemporaryFiles:
    """The temporary files of one map: their names, their lock, their end.

    Args:
        path: final name of the map.
        renew_every: seconds after which `renew` renews the lock file's time.

    Raises:
        LulcError: the folder does not take files.
    """

    def __init__(self, path: Path, renew_every: float = RENEW_EVERY) -> None:
        self._folder = path.parent
        self._start = f".{path.stem}.{uuid.uuid4().hex[:12]}."
        self._lock_file = self._folder / f"{self._start}lock"
        self._renew_every = renew_every
        self._renewed = time.monotonic()
        self._descriptor = -1
        _OWN.add(self._lock_file.name)
        unfinished.add(self.remove)
        try:
            # 0o666 is what open() takes; the user's mask then decides
            self._descriptor = os.open(self._lock_file, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
            content = {"program": _PROGRAM, "machine": _machine(), "locked": bool(_try_lock(self._descriptor))}
            os.write(self._descriptor, json.dumps(content).encode("utf-8"))
        except OSError as error:
            self.remove()
            raise FileNotWritten(
                f"The map cannot be written in {self._folder}: {error.strerror or error}.",
                "Choose another place for it.",
            ) from error

    def file(self, ending: str) -> Path:
        """Path of the temporary file called `ending`."""
        return self._folder / (self._start + ending)

    def renew(self) -> None:
        """Say that the run is still at work; cheap, call it often."""
        if time.monotonic() - self._renewed > self._renew_every:
            self._renewed = time.monotonic()
            with suppress(OSError):
                os.utime(self._lock_file)

    def remove(self, lock: bool = True) -> None:
        """Remove all of them, at last the `lock`; what cannot be removed stays for a later run."""
        if lock and self._descriptor >= 0:
            os.close(self._descriptor)  # frees the file lock; Windows removes no open file
            self._descriptor = -1
        _remove(self._folder, self._start, lock)
        if lock:
            _OWN.discard(self._lock_file.name)
            unfinished.discard(self.remove)


def remove_leftovers(folder: Path) -> tuple[str, ...]:
    """Remove what killed runs left in `folder`; returns the names of the removed files, without locks."""
    removed: list[str] = []
    try:
        names = os.listdir(folder)
    except OSError:
        return ()  # a later write to the folder reports why
    for name in names:
        match = _LOCK_NAME.fullmatch(name)
        if match and name not in _OWN and _is_abandoned(folder / name):
            removed += _remove(folder, match[1])
    return (*removed, *_without_lock(folder, set(names)))


def _without_lock(folder: Path, names: set[str]) -> list[str]:
    """Remove what GDAL made while a stopped run removed its files and its lock: a lock is there before all others."""
    removed = []
    for name in sorted(names):
        match = _NAME.fullmatch(name)
        if match and f"{match[1]}lock" not in names:
            with suppress(OSError):
                if time.time() - os.stat(folder / name).st_mtime > _SETTLED_AFTER:
                    os.unlink(folder / name)
                    removed.append(name)
    return removed


def _is_abandoned(lock_file: Path) -> bool:
    """Whether the run that made a lock file is over."""
    try:
        descriptor = _open(lock_file)
    except OSError:
        return False  # gone, or hidden from us
    try:
        content = json.loads(os.read(descriptor, _LARGEST_LOCK))
        if not isinstance(content, dict) or content.get("program") != _PROGRAM:
            return False
        is_free = _try_lock(descriptor)
        age = time.time() - os.fstat(descriptor).st_mtime
    except (OSError, ValueError, RecursionError):
        return False  # not ours, or just being written
    finally:
        os.close(descriptor)
    if is_free is False:
        return False
    if is_free and content.get("locked") is True and content.get("machine") == _machine():
        return True
    return age > STALE_AFTER


def _open(lock_file: Path) -> int:
    """A lock file for reading; where it may be, for writing too: without that, NFS gives no exclusive lock."""
    try:
        return os.open(lock_file, os.O_RDWR)
    except PermissionError:
        return os.open(lock_file, os.O_RDONLY)


def _try_lock(descriptor: int) -> bool | None:
    """Take the file lock of an open file.

    Returns:
        True when it is taken now, False when somebody else holds it, None when this file system has no file locks.
    """
    try:
        _lock(descriptor)
    except OSError as error:
        return False if error.errno in (errno.EACCES, errno.EAGAIN, errno.EWOULDBLOCK, errno.EDEADLK) else None
    return True


def _machine() -> str:
    """This machine, for as long as it runs: other machines that share a folder may have its name."""
    parts = [socket.gethostname()]
    with suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip())  # Linux
    return " ".join(parts)


def _remove(folder: Path, start: str, lock: bool = True) -> list[str]:
    """Remove the temporary files that begin with `start`; the `lock` at last, and only if nothing else is left."""
    removed, left = _remove_listed(folder, start)
    found = removed
    while found and not left:  # GDAL may make one while others are removed
        found, left = _remove_listed(folder, start)
        removed += found
    if lock and not left:
        with suppress(OSError):
            (folder / f"{start}lock").unlink()
    return removed


def _remove_listed(folder: Path, start: str) -> tuple[list[str], int]:
    """Remove those that are there now; their names, and how many could not be removed."""
    removed: list[str] = []
    left = 0
    with suppress(OSError):
        for name in os.listdir(folder):
            if name.startswith(start) and _ENDINGS.fullmatch(name[len(start) :]):
                try:
                    (folder / name).unlink()
                    removed.append(name)
                except FileNotFoundError:
                    continue  # GDAL, or a run beside this one, was faster
                except OSError:
                    left += 1
    return removed, left
