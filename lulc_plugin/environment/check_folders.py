# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether this program can write where it has to."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from ..errors import LulcError
from . import packages
from .check_findings import FAIL, OK, WARN, Finding
from .install import private_folder

GROUP = "Folders"
_LITTLE = 2_000_000_000


def check(user_folder: Path | None, packages_folder: Path | None = None) -> Iterator[Finding]:
    """The folders for temporary files, for the user's networks, and for packages that Install dependencies brings.

    Args:
        user_folder: None when there is none.
        packages_folder: the folder above the private ones; None when there is none.
    """
    yield _temporary()
    if user_folder is not None:
        yield _models(user_folder)
    if packages_folder is not None:
        try:
            place = private_folder.folder_in(packages_folder)
        except LulcError as error:
            yield Finding(GROUP, "Packages of this plugin", WARN, error.problem, error.remedy)
        else:
            yield _packages(place)


def _temporary() -> Finding:
    title = "Temporary files"
    try:
        folder = Path(tempfile.gettempdir())
        problem = _cannot_write(folder)
    except OSError as error:
        return Finding(GROUP, title, FAIL, f"there is no folder for them: {error}.", "Set TMPDIR to one.")
    if problem:
        return Finding(GROUP, title, FAIL, problem, "Free space, or set TMPDIR (TEMP in Windows) to another folder.")
    free = shutil.disk_usage(folder).free
    detail = f"{folder}, {free / 1e9:,.1f} GB free"
    if free < _LITTLE:
        return Finding(GROUP, title, WARN, f"{detail}.", "Free space there; a large map needs several gigabytes.")
    return Finding(GROUP, title, OK, detail)


def _models(folder: Path) -> Finding:
    title = "Folder of your networks"
    remedy = "Choose another one in Settings, Options, Processing, Providers, Land Cover Classifier."
    if os.path.isdir(folder):
        problem = _cannot_write(folder)
        if problem:
            return Finding(GROUP, title, WARN, f"{problem} Import model cannot work.", remedy)
        return Finding(GROUP, title, OK, f"{folder}, can be written")
    if os.path.exists(folder):
        return Finding(GROUP, title, WARN, f"{folder} is not a folder. Import model cannot work.", remedy)
    parent = next((p for p in folder.parents if os.path.exists(p)), folder.parent)
    problem = _cannot_write(parent) if os.path.isdir(parent) else f"{parent} is not a folder."
    if problem:
        return Finding(GROUP, title, WARN, f"{folder} does not exist and cannot be made: {problem}", remedy)
    return Finding(GROUP, title, OK, f"{folder}; Import model makes it")


def _packages(folder: Path) -> Finding:
    title = "Packages of this plugin"
    try:
        there = folder.is_dir()
        if there:
            os.scandir(folder).close()
    except OSError as error:
        found = private_folder.unreadable(folder, error)
        return Finding(GROUP, title, WARN, found.problem, found.remedy)
    inside = private_folder.contents(folder) if there else {}
    if inside:
        listed = ", ".join(f"{name} {inside[name]}" for name in sorted(inside))
        if str(folder) not in sys.path:
            return Finding(GROUP, title, WARN, f"{folder} is not searched: {listed}.", "Restart QGIS.")
        return Finding(GROUP, title, OK, f"{folder}, searched after all others: {listed}")
    if packages.missing():
        parent = next((p for p in folder.parents if os.path.exists(p)), folder.parent)
        problem = _cannot_write(parent) if os.path.isdir(parent) else f"{parent} is not a folder."
        if problem:
            remedy = f"Name another folder in the environment variable {private_folder.VARIABLE}, and restart QGIS."
            return Finding(GROUP, title, WARN, f"{problem} Install dependencies cannot work.", remedy)
    return Finding(GROUP, title, OK, f"{folder}, not there; Install dependencies makes it when something is missing")


def _cannot_write(folder: Path) -> str:
    """Why no file can be made in `folder`; empty when one can. Only trying tells, on Windows above all."""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"0")
    except OSError as error:
        return f"{folder} cannot be written: {error.strerror or error}."
    return ""
