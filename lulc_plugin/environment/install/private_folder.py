# SPDX-License-Identifier: GPL-3.0-or-later
"""The private folder of packages: one for each Python and system, last in Python's search, replaced as a whole.

Last, so that whatever QGIS or the user installed goes first, and no other plugin gets a package from here that it would
otherwise have had from elsewhere.
"""

from __future__ import annotations

import importlib
import os
import platform
import shutil
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ...errors import FileNotWritten, LulcError
from ...options import RESTART, command

#: Environment variable that names the folder above the private ones, where no QGIS profile is there or usable.
VARIABLE = "LULC_PACKAGES"
_DAY = 24 * 3600.0


def tag() -> str:
    """What compiled packages depend on: `cp311-linux-x86_64`."""
    kind = {"cpython": "cp"}.get(sys.implementation.name, sys.implementation.name)
    version = f"{sys.version_info[0]}{sys.version_info[1]}{getattr(sys, 'abiflags', '')}"
    return f"{kind}{version}-{sys.platform}-{platform.machine()}".lower()


def folder_in(parent: Path) -> Path:
    """The private folder of this Python below `parent`, which may begin with `~`; it need not exist.

    Raises:
        LulcError: `parent` begins with the home of an unknown user.
    """
    try:
        return parent.expanduser() / tag()
    except RuntimeError as error:
        raise LulcError(
            f"The folder for the packages, {parent}, cannot be found: {error}",
            f"Name a whole path in the environment variable {VARIABLE}, and {RESTART}.",
        ) from error


def attach(folder: Path) -> bool:
    """Let Python find what is in `folder`, after everything else; whether there is such a folder.

    Raises:
        LulcError: it cannot be read; Python's search is as before.
    """
    try:
        _put_pending_in_place(folder)
        if not folder.is_dir():
            return False
        os.scandir(folder).close()
    except OSError as error:
        raise _unreadable(folder, error) from error
    if str(folder) not in sys.path:
        sys.path.append(str(folder))
    importlib.invalidate_caches()
    return True


def detach(folder: Path) -> None:
    """Take `folder` out of Python's search; what is loaded stays."""
    while str(folder) in sys.path:
        sys.path.remove(str(folder))
    importlib.invalidate_caches()


def _unreadable(folder: Path, error: OSError) -> LulcError:
    return LulcError(
        f"The folder for the packages, {folder}, cannot be read: {error.strerror or error}."
        f" What {command('installdependencies')} has put there is not found.",
        f"Make {folder.parent} and what is in it readable for you, or name another folder in the environment variable"
        f" {VARIABLE}, and {RESTART}.",
    )


def contains(folder: Path, location: str | None) -> bool:
    """Whether a file lies in `folder`."""
    return location is not None and folder in Path(location).parents


def contents(folder: Path) -> dict[str, str]:
    """The distributions in `folder` by their names in small letters, with their versions; no damaged ones."""
    return {name.lower().replace("_", "-"): version for name, version in _distributions(folder) if name and version}


def readable_contents(folder: Path) -> dict[str, str]:
    """The same; empty where there is no such folder.

    Raises:
        LulcError: the folder cannot be looked at.
    """
    try:
        if not folder.is_dir():
            return {}
        os.scandir(folder).close()
    except OSError as error:
        raise _unreadable(folder, error) from error
    return contents(folder)


@contextmanager
def hidden_while_damaged(folder: Path) -> Iterator[None]:
    """A folder with damaged metadata is hidden from pip, which reads all that Python finds and breaks at it."""
    damaged = str(folder) in sys.path and not all(name and version for name, version in _distributions(folder))
    if damaged:
        detach(folder)
    try:
        yield
    finally:
        if damaged:
            attach(folder)


def _distributions(folder: Path) -> Iterator[tuple[str, str]]:
    """Name and version of each; empty where the metadata is damaged."""
    import importlib.metadata  # slow, and this module is imported when QGIS starts

    for distribution in importlib.metadata.distributions(path=[str(folder)]):
        try:
            yield distribution.metadata["Name"] or "", distribution.version or ""
        except (ValueError, KeyError, TypeError, OSError):  # no text, or nothing about that
            yield "", ""


# ---- writing


def new_sibling(folder: Path) -> Path:
    """An empty folder beside `folder`, to be filled and then put in its place.

    Raises:
        LulcError: nothing can be written there; the folder is named.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder.parent) as file:
            file.write(b"0")
        sibling = _sibling(folder, "part")
        sibling.mkdir()
    except OSError as error:
        raise FileNotWritten(
            f"The folder for the packages, {folder}, cannot be written: {error.strerror or error}.",
            f"Make {folder.parent} a folder that you may write to, or name another one in the environment variable"
            f" {VARIABLE} and {RESTART}.",
        ) from error
    return sibling


def remove(folder: Path) -> None:
    """Delete `folder`; a file in use stays, until it is a day old and somebody installs again."""
    shutil.rmtree(folder, ignore_errors=True)


def put_in_place(filled: Path, folder: Path) -> Path | None:
    """Make `filled` the private folder; returns where the one before it is now, None when there was none.

    Raises:
        OSError: the one before it is in use (Windows does not move loaded libraries); all is as it was.
    """
    before = _sibling(folder, "old") if folder.exists() else None
    if before is not None:
        os.replace(folder, before)
    try:
        os.replace(filled, folder)
    except OSError:
        if before is not None:
            os.replace(before, folder)
        raise
    return before


def put_back(folder: Path, before: Path | None) -> None:
    """Undo `put_in_place`."""
    failed = _sibling(folder, "part")
    os.replace(folder, failed)
    if before is not None:
        os.replace(before, folder)
    remove(failed)


def put_in_place_at_next_start(filled: Path, folder: Path) -> None:
    """Let the next start put `filled` in place, before anything of it is loaded."""
    pending = _pending(folder)
    remove(pending)
    os.replace(filled, pending)


def remove_leftovers(folder: Path) -> None:
    """Remove what earlier installations left beside `folder`, unless one may still be at work."""
    with suppress(OSError):
        for path in folder.parent.glob(f".{folder.name}.*.*"):
            if time.time() - path.stat().st_mtime > _DAY:
                remove(path)


def _put_pending_in_place(folder: Path) -> None:
    """Put in place what was left for this start; where another QGIS still uses the old one, a later start does it."""
    pending = _pending(folder)
    if pending.is_dir():
        with suppress(OSError):
            before = put_in_place(pending, folder)
            if before is not None:
                remove(before)


def _pending(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.next")


def _sibling(folder: Path, kind: str) -> Path:
    return folder.with_name(f".{folder.name}.{kind}.{uuid.uuid4().hex[:8]}")
