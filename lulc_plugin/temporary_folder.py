# SPDX-License-Identifier: GPL-3.0-or-later
"""A folder that lasts as long as a piece of work, and the end of those that killed runs left behind.

While the work lasts its process holds a file lock on a file in the folder, which the operating system frees when the
process ends, however it ends. Standard library only.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from . import unfinished
from .atomic_write import ABANDONED_AFTER, hold, remove_abandoned

_LOCK = ".lulc-lock"


@contextmanager
def temporary_folder(prefix: str, parent: Path | None = None) -> Iterator[Path]:
    """A new folder, removed at the end; those of killed runs with the same prefix are removed now.

    Args:
        prefix: what its name begins with.
        parent: where it is made; None: the system's folder for temporary files.

    Raises:
        OSError: it cannot be made.
    """
    place = Path(tempfile.gettempdir()) if parent is None else parent
    _remove_leftovers(place, prefix)
    folder = tempfile.mkdtemp(prefix=prefix, dir=place)

    def remove() -> None:
        shutil.rmtree(folder, ignore_errors=True)

    unfinished.add(remove)
    try:
        with hold(Path(folder) / _LOCK):
            yield Path(folder)
    finally:
        remove()
        unfinished.discard(remove)


def _remove_leftovers(parent: Path, prefix: str) -> None:
    with suppress(OSError):
        for entry in os.scandir(parent):
            if entry.name.startswith(prefix) and entry.is_dir(follow_symlinks=False):
                with suppress(OSError):
                    _remove_folder(entry)


def _remove_folder(entry: os.DirEntry[str]) -> None:
    """Remove a folder of a killed run.

    Raises:
        OSError: somebody holds it, or it cannot be removed.
    """
    status = entry.stat(follow_symlinks=False)
    if time.time() - status.st_mtime < ABANDONED_AFTER or (hasattr(os, "getuid") and status.st_uid != os.getuid()):
        return
    lock = Path(entry.path) / _LOCK
    if os.path.lexists(lock):
        remove_abandoned(lock)
        if os.path.exists(lock):  # young, or nothing that this program made
            return
    shutil.rmtree(entry.path, ignore_errors=True)
