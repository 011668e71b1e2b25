# SPDX-License-Identifier: GPL-3.0-or-later
"""What this plugin needs, what is installed and can be loaded, and how to get the rest. Standard library only."""

from __future__ import annotations

import importlib
import importlib.util
import platform
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from ..errors import NotInstalled
from ..options import RESTART
from . import numpy_copies
from .interpreter import interpreter, is_guarded, pip, uninstall, version_of

#: import name → name on PyPI; what a map needs and QGIS does not bring everywhere.
REQUIRED = {"numpy": "numpy", "rasterio": "rasterio", "onnxruntime": "onnxruntime"}
#: The same for an accuracy report: no network runs there.
FOR_ACCURACY = {"numpy": "numpy", "rasterio": "rasterio", "scipy": "scipy", "jinja2": "Jinja2"}
#: How a user of QGIS gets them.
INSTALL = "run Install dependencies (Processing Toolbox, Land Cover Classifier, Setup)"
_ON_PYPI = {**REQUIRED, **FOR_ACCURACY}
#: What a package always has; a file of the same name that hides it does not.
_HAS = {"numpy": "ndarray", "rasterio": "open", "onnxruntime": "InferenceSession", "jinja2": "Environment"}
_LONGEST = 300


class Package(NamedTuple):
    """An installed or missing package.

    Attributes:
        name: its import name.
        known_version: its version; None: `version` reads it from the metadata.
        location: file of its code; None when it is missing.
    """

    name: str
    known_version: str | None
    location: str | None

    @property
    def is_missing(self) -> bool:
        """Whether it cannot be found."""
        return self.location is None

    @property
    def version(self) -> str | None:
        """`unknown` where its metadata does not tell, None when it is missing. Reading metadata takes a while."""
        if self.is_missing:
            return None
        return self.known_version or installed_version(_ON_PYPI.get(self.name, self.name)) or "unknown"


class ShadowedError(ImportError):
    """Something else of the same name goes before a package; `file` is where it lies."""

    def __init__(self, name: str, file: str, attribute: str) -> None:
        self.file = file
        super().__init__(f"{file} is found for {name}, and has no {attribute}")


# ---- what is there


def look_up(name: str) -> Package:
    """Whether the package with the import name `name` can be found, without importing it."""
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        spec = None
    # An uninstallation may leave a folder without any code; Python finds that too, as a package without origin.
    return Package(name, None, None if spec is None else spec.origin)


def installed_version(distribution: str) -> str | None:
    """Version of an installed distribution by its name on PyPI, None if its metadata is not there or damaged."""
    import importlib.metadata  # slow, and this module is imported when QGIS starts

    try:
        return version_of(importlib.metadata.distribution(distribution))
    except importlib.metadata.PackageNotFoundError:
        return None


def missing(names: Iterable[str] = tuple(REQUIRED)) -> tuple[str, ...]:
    """Those of the packages `names` that cannot be found."""
    return tuple(name for name in names if look_up(name).is_missing)


def load_problem(name: str) -> Exception | None:
    """Import the package `name`; what it raised, None when it can be used."""
    try:
        module = importlib.import_module(name)
    except Exception as error:  # a broken binary may raise anything
        return error
    attribute = _HAS.get(name)
    if attribute and not hasattr(module, attribute):
        return ShadowedError(name, str(getattr(module, "__file__", None) or "a folder without code"), attribute)
    return None


def python_summary(names: Iterable[str] = tuple(REQUIRED)) -> str:
    """The interpreter and the versions found, in one sentence."""
    versions = [f"{name} {look_up(name).version or 'not installed'}" for name in dict.fromkeys(("numpy", *names))]
    return f"Found here: Python {platform.python_version()} ({interpreter()}), {', '.join(versions)}."


# ---- what to do


def command(names: Iterable[str]) -> str:
    """One line for a shell that installs the packages `names` beside the numpy that is there, whatever the system."""
    words = [pip("install")]
    in_environment = sys.prefix != sys.base_prefix
    if sys.platform.startswith("linux") and not in_environment:
        words.append("--user")
        if is_guarded():
            words.append("--break-system-packages")
    words += [_ON_PYPI.get(name, name) for name in names]
    held = look_up("numpy").version
    if held and held != "unknown":
        words.append(f"numpy=={held}")  # named, so that pip does not bring another one
    return " ".join(words)


def remedy(names: tuple[str, ...]) -> str:
    """What to do about the missing packages `names`; numpy comes first, and never from pip."""
    absent = look_up("numpy").is_missing
    first = numpy_copies.first_remedy(absent)
    others = tuple(name for name in names if name != "numpy")
    if first:  # by hand, pip would get a numpy that has to go, or none
        then = f" Then, for {' and '.join(others)}: {INSTALL}." if others else ""
        return f"{first}{then} {python_summary(names)}"
    if not others:
        return f"{numpy_copies.reinstall_remedy()} {python_summary(names)}"
    shell = "the OSGeo4W Shell that came with QGIS" if sys.platform.startswith("win") else "a terminal"
    debian = " (or from Debian and Ubuntu: sudo apt install python3-rasterio)" if others == ("rasterio",) else ""
    return (
        f"In QGIS, {INSTALL}. Or by hand: in {shell} run: {command(others)}{debian}; then {RESTART}."
        f" {python_summary(names)}"
    )


def known_cause(name: str, error: Exception) -> str:
    """What is behind `error`, where that lies outside of the package `name`, and what to do; empty when unknown."""
    if isinstance(error, ShadowedError):
        return f"Rename, move or delete {error.file}, which is another thing of the same name, and {RESTART}."
    if name == "numpy":
        return f"{numpy_copies.loading_remedy()} {python_summary(())}"
    if numpy_copies.is_mismatch(error):
        pair = numpy_copies.competing_copies(also_compatible=True)
        return f"It was built for another numpy. {numpy_copies.removal_remedy(pair)}" if pair else ""
    if sys.platform.startswith("win") and "DLL load failed" in str(error):
        return "Install the newest Microsoft Visual C++ Redistributable from microsoft.com and restart the computer."
    return ""


def loading_remedy(name: str, error: Exception) -> str:
    """What to do about the package `name`, which is there and cannot be loaded because of `error`."""
    place = look_up(name).location
    where = f" It lies in {Path(place).parent}." if place else ""
    cause = known_cause(name, error)
    if cause and (name == "numpy" or isinstance(error, ShadowedError)):
        return cause
    if numpy_copies.is_mismatch(error):
        if not cause:
            numpy = numpy_copies.copies()
            there = f", {numpy[0]}," if numpy else ""
            cause = (
                f"It was built for another numpy than the one that is there{there} or that one did not come with QGIS."
                f" Remove it if you installed it yourself: {uninstall(_ON_PYPI.get(name, name))}; and if numpy was"
                f" changed: {numpy_copies.reinstall_remedy()}"
            )
        return f"{cause} Then {INSTALL}.{where} {python_summary((name,))}"
    if cause:
        return f"{cause} If that does not help: {remedy((name,))}{where}"
    return f"Install it again. {remedy((name,))}{where}"


def reason(error: Exception) -> str:
    """What an import raised, on one line."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0] if lines else 'no reason given'}"[:_LONGEST].rstrip(".")


def require_found(names: Iterable[str] = tuple(REQUIRED)) -> None:
    """Refuse to go on while one of the packages `names` (import names) is missing. Nothing is imported.

    Raises:
        NotInstalled: with the missing names and the remedy.
    """
    absent = missing(names)
    if absent:
        what = "packages" if len(absent) > 1 else "package"
        raise NotInstalled(f"The Python {what} {' and '.join(absent)} cannot be found.", remedy(absent))


def require(names: Iterable[str] = tuple(REQUIRED)) -> None:
    """Refuse to go on while one of the packages `names` is missing or, installed, cannot be loaded.

    Raises:
        NotInstalled: with the names, the reason and the remedy.
    """
    names = tuple(names)
    if "numpy" in names and not look_up("numpy").is_missing:
        _require_loaded("numpy")  # before anything else: a remedy for the others would rely on it
    require_found(names)
    for name in names:
        _require_loaded(name)


def _require_loaded(name: str) -> None:
    problem = load_problem(name)
    if problem is not None:
        what = f"The Python package {name} {look_up(name).version or ''}".rstrip()
        raise NotInstalled(
            f"{what} is installed, but cannot be loaded: {reason(problem)}.", loading_remedy(name, problem)
        )
