# SPDX-License-Identifier: GPL-3.0-or-later
"""Partial files of a map in the making, and those that a killed run left behind.

All temporaries of a map are called `.STEM.TOKEN.…`. The first of them is a lock that names the process at work. A
later run in that folder removes what a lock speaks for, but only when its process is known to be dead on this very
machine, or when the lock has not been touched for a day; a run at work touches it. So a run beside it, here or on
another machine that shares the folder, loses nothing.
"""

from __future__ import annotations

import json
import os
import re
import time
import uuid
from contextlib import suppress
from pathlib import Path

from ..errors import LulcError
from . import processes

#: Seconds after which a lock that nobody touched speaks for nobody.
STALE_AFTER = 24 * 3600.0
_TOUCH_EVERY = 600.0
_PROGRAM = "landcover_classifier"
_LOCK = re.compile(r"(\..+\.[0-9a-f]{12}\.)lock")
_LARGEST_LOCK = 10_000
_ENDINGS = re.compile(r"(stream|whole)\.tif(\..{1,20})*|aux\.xml|qml")


class Partials:
    """The temporaries of one map: their names, their lock, their end.

    Args:
        path: final name of the map.

    Raises:
        LulcError: the folder does not take files.
    """

    def __init__(self, path: Path) -> None:
        self._folder = path.parent
        self._start = f".{path.stem}.{uuid.uuid4().hex[:12]}."
        self._lock = self._folder / f"{self._start}lock"
        self._touched = time.monotonic()
        host, started = processes.host(), processes.started(os.getpid())
        text = json.dumps({"program": _PROGRAM, "host": host, "pid": os.getpid(), "started": started})
        try:
            with self._lock.open("x", encoding="utf-8") as stream:
                stream.write(text)
        except OSError as error:
            self.remove()
            raise LulcError(f"The map cannot be written in {self._folder}: {error}.") from error

    def file(self, ending: str) -> Path:
        """Path of the temporary called `ending`."""
        return self._folder / (self._start + ending)

    def touch(self) -> None:
        """Say that somebody is still at work; cheap, call it often."""
        if time.monotonic() - self._touched > _TOUCH_EVERY:
            self._touched = time.monotonic()
            with suppress(OSError):
                os.utime(self._lock)

    def remove(self, lock: bool = True) -> None:
        """Remove all of them, at last the `lock`; what cannot be removed stays for a later run."""
        _remove(self._folder, self._start, lock)


def sweep(folder: Path) -> tuple[str, ...]:
    """Remove what killed runs left in `folder`; returns the names of the removed files, without locks."""
    removed: list[str] = []
    try:
        names = os.listdir(folder)
    except OSError:
        return ()  # whoever writes there is told why
    for name in names:
        match = _LOCK.fullmatch(name)
        if match and _abandoned(folder / name):
            removed += _remove(folder, match[1])
    return tuple(removed)


def _abandoned(lock: Path) -> bool:
    try:
        age = time.time() - lock.stat().st_mtime
        with lock.open(encoding="utf-8") as stream:
            said = json.loads(stream.read(_LARGEST_LOCK))
    except (OSError, ValueError):
        # gone, not ours, or just being written
        return False
    if not isinstance(said, dict) or said.get("program") != _PROGRAM:
        return False
    pid, started = said.get("pid"), said.get("started")
    if said.get("host") == processes.host() and isinstance(pid, int) and pid > 0 and started:
        alive = processes.started(pid)
        if alive != processes.UNKNOWN:
            return alive != started
    return age > STALE_AFTER


def _remove(folder: Path, start: str, lock: bool = True) -> list[str]:
    """Remove the temporaries that begin with `start`; the `lock` at last, and only if nothing else is left."""
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
    if lock and not left:
        with suppress(OSError):
            (folder / f"{start}lock").unlink()
    return removed
