# SPDX-License-Identifier: GPL-3.0-or-later
"""What this plugin needs, what is installed, and how to get the rest. Standard library only."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import platform
import sys
from collections.abc import Iterable
from dataclasses import dataclass

from .errors import LulcError

#: import name → name on PyPI; what a map needs and QGIS does not bring everywhere.
REQUIRED = {"numpy": "numpy", "rasterio": "rasterio", "onnxruntime": "onnxruntime"}
#: The same for an accuracy report: no network runs there.
FOR_ACCURACY = {"numpy": "numpy", "rasterio": "rasterio", "scipy": "scipy", "jinja2": "Jinja2"}
_ON_PYPI = {**REQUIRED, **FOR_ACCURACY}


@dataclass(frozen=True)
class Package:
    """An installed or missing package; `version` and `location` are None when it is missing."""

    name: str
    version: str | None
    location: str | None


def look_up(name: str) -> Package:
    """Whether the package with the import name `name` can be found, without importing it."""
    try:
        found = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        found = None
    if found is None:
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


def remedy(names: tuple[str, ...]) -> str:
    """What to do about the missing packages `names`, for this platform."""
    packages = " ".join(_ON_PYPI.get(name, name) for name in names)
    if sys.platform.startswith("win"):
        return f"Open the OSGeo4W Shell that came with QGIS, run: python -m pip install {packages}, and restart QGIS."
    if sys.platform == "darwin":
        return f"In a terminal run: {sys.prefix}/bin/python3 -m pip install {packages}, and restart QGIS."
    debian = " (rasterio also as the package python3-rasterio)" if "rasterio" in names else ""
    return (
        f"In a terminal run: python3 -m pip install --user {packages}{debian} with the Python that QGIS uses"
        f" ({platform.python_version()}), keep numpy at the version QGIS brought, and restart QGIS."
    )


def require(names: Iterable[str] = tuple(REQUIRED)) -> None:
    """Refuse to go on while one of the packages `names` (import names) is missing.

    Raises:
        LulcError: with the missing names and the remedy.
    """
    gone = missing(names)
    if gone:
        what = "packages" if len(gone) > 1 else "package"
        raise LulcError(f"The Python {what} {' and '.join(gone)} cannot be found.", remedy(gone))
