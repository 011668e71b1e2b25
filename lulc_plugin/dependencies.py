# SPDX-License-Identifier: GPL-3.0-or-later
"""What this plugin needs, what is installed and can be loaded, and how to get the rest. Standard library only."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import os
import platform
import re
import sys
import sysconfig
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from .errors import LulcError

#: import name → name on PyPI; what a map needs and QGIS does not bring everywhere.
REQUIRED = {"numpy": "numpy", "rasterio": "rasterio", "onnxruntime": "onnxruntime"}
#: The same for an accuracy report: no network runs there.
FOR_ACCURACY = {"numpy": "numpy", "rasterio": "rasterio", "scipy": "scipy", "jinja2": "Jinja2"}
#: How a user of QGIS gets them.
INSTALL = "run Install dependencies (Processing Toolbox, Land Cover Classifier, Setup)"
_ON_PYPI = {**REQUIRED, **FOR_ACCURACY}
_LONGEST = 300


@dataclass(frozen=True)
class Package:
    """An installed or missing package; `version` and `location` are None when it is missing."""

    name: str
    version: str | None
    location: str | None


# ---- what is there


def look_up(name: str) -> Package:
    """Whether the package with the import name `name` can be found, without importing it."""
    try:
        found = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        found = None
    # An uninstallation may leave a folder without any code; Python finds that too, as a package without origin.
    if found is None or found.origin is None:
        return Package(name, None, None)
    return Package(name, installed_version(_ON_PYPI.get(name, name)) or "unknown", found.origin)


def installed_version(distribution: str) -> str | None:
    """Version of an installed distribution by its name on PyPI, None if its metadata is not there."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def missing(names: Iterable[str] = tuple(REQUIRED)) -> tuple[str, ...]:
    """Those of the packages `names` that cannot be found."""
    return tuple(name for name in names if look_up(name).version is None)


def load_problem(name: str) -> Exception | None:
    """Import the package `name`; what it raised, None when it can be used."""
    try:
        importlib.import_module(name)
    except Exception as error:  # a broken binary may raise anything
        return error
    return None


def interpreter() -> str:
    """The Python that runs this, as a command: inside QGIS `sys.executable` may be QGIS itself, or another Python."""
    ending = ".exe" if os.name == "nt" else ""
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    names = ["python"] if ending else [f"bin/python{version}", "bin/python3", f"python{version}", "python3"]
    places = [Path(sys.exec_prefix)]
    if sys.platform == "darwin" and sys.executable:
        places.append(Path(sys.executable).parent)  # QGIS.app/Contents/MacOS
    for place in places:
        for name in names:
            if (place / (name + ending)).is_file():
                return str(place / (name + ending))
    if sys.executable and Path(sys.executable).name.lower().startswith("python"):
        return sys.executable
    return "python" if ending else "python3"


def situation(names: Iterable[str] = tuple(REQUIRED)) -> str:
    """The interpreter and the versions found, in one sentence."""
    found = [f"{name} {look_up(name).version or 'not installed'}" for name in dict.fromkeys(("numpy", *names))]
    return f"Found here: Python {platform.python_version()} ({interpreter()}), {', '.join(found)}."


# ---- what to do


def command(names: Iterable[str]) -> str:
    """One line for a shell that installs the packages `names` beside the numpy that is there, whatever the system."""
    words = [pip("install")]
    in_environment = sys.prefix != sys.base_prefix
    if sys.platform.startswith("linux") and not in_environment:
        words.append("--user")
        if (Path(sysconfig.get_path("stdlib")) / "EXTERNALLY-MANAGED").is_file():
            words.append("--break-system-packages")
    words += [_ON_PYPI.get(name, name) for name in names]
    held = look_up("numpy").version
    if held and held != "unknown":
        words.append(f"numpy=={held}")  # named, so that pip does not bring another one
    return " ".join(words)


def pip(words: str) -> str:
    """The command line of this Python's pip."""
    return f"{quoted(interpreter())} -m pip {words}"


def quoted(path: str) -> str:
    """`path` as one word of a command line."""
    return f'"{path}"' if re.search(r"[\s&()']", path) else path


def remedy(names: tuple[str, ...]) -> str:
    """What to do about the missing packages `names`."""
    shell = "the OSGeo4W Shell that came with QGIS" if sys.platform.startswith("win") else "a terminal"
    debian = " (or from Debian and Ubuntu: sudo apt install python3-rasterio)" if names == ("rasterio",) else ""
    return (
        f"In QGIS, {INSTALL}. Or by hand: in {shell} run: {command(names)}{debian}; then restart QGIS."
        f" {situation(names)}"
    )


def mend(name: str, error: Exception) -> str:
    """What to do about the package `name`, which is there and cannot be loaded because of `error`."""
    text = str(error)
    place = look_up(name).location
    where = f" It lies in {Path(place).parent}." if place else ""
    if sys.platform.startswith("win") and "DLL load failed" in text:
        return (
            "Install the newest Microsoft Visual C++ Redistributable from microsoft.com and restart the computer; if"
            f" that does not help: {remedy((name,))}{where}"
        )
    if re.search(r"numpy.{0,80}(?:ABI|dtype size|compiled|1\.x|multiarray)", text, re.I | re.S):
        return (
            "It was built for another numpy. Bring numpy back to the version that came with QGIS (python -m pip"
            f" uninstall numpy removes a copy of your own), then: {remedy((name,))}{where}"
        )
    return f"Install it again. {remedy((name,))}{where}"


def reason(error: Exception) -> str:
    """What an import raised, on one line."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0] if lines else 'no reason given'}"[:_LONGEST].rstrip(".")


def require_found(names: Iterable[str] = tuple(REQUIRED)) -> None:
    """Refuse to go on while one of the packages `names` (import names) is missing. Nothing is imported.

    Raises:
        LulcError: with the missing names and the remedy.
    """
    gone = missing(names)
    if gone:
        what = "packages" if len(gone) > 1 else "package"
        raise LulcError(f"The Python {what} {' and '.join(gone)} cannot be found.", remedy(gone))


def require(names: Iterable[str] = tuple(REQUIRED)) -> None:
    """Refuse to go on while one of the packages `names` is missing or, installed, cannot be loaded.

    Raises:
        LulcError: with the names, the reason and the remedy.
    """
    names = tuple(names)
    require_found(names)
    for name in names:
        problem = load_problem(name)
        if problem is not None:
            what = f"The Python package {name} {look_up(name).version or ''}".rstrip()
            raise LulcError(f"{what} is installed, but cannot be loaded: {reason(problem)}.", mend(name, problem))
