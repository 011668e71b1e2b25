# SPDX-License-Identifier: GPL-3.0-or-later
"""The interpreter and the Python packages: found, loaded, new enough, and there only once."""

from __future__ import annotations

import importlib.metadata
import platform
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from .. import provenance
from . import interpreter, packages
from .check_findings import FAIL, OK, WARN, Finding
from .install import private_folder
from .interpreter import uninstall

GROUP = "Python"
OLDEST_PYTHON = (3, 9)
#: Import name → oldest version that is known to work (the same as in pyproject.toml), and what it is for.
PACKAGES = {
    "numpy": ("1.21", "everything"),
    "rasterio": ("1.3", "reading and writing rasters"),
    "onnxruntime": ("1.15", "running the networks"),
    "scipy": ("1.7", "accuracy reports"),
    "jinja2": ("3.0", "reports and model cards"),
}
#: All bring a folder `onnxruntime`: what was installed last has overwritten the others.
_ONNXRUNTIMES = ("onnxruntime", "onnxruntime-gpu", "onnxruntime-openvino", "onnxruntime-directml", "onnxruntime-rocm")


def check() -> Iterator[Finding]:
    """The interpreter, this program, and each package."""
    yield _interpreter()
    yield Finding(GROUP, "Land Cover Classifier", OK, f"{provenance.plugin_version()}, {_plugin_folder()}")
    for name in PACKAGES:
        yield package(name)
    yield from _several()


def package(name: str) -> Finding:
    """Whether the package with this import name can be loaded, and is new enough."""
    oldest, purpose = PACKAGES[name]
    if packages.look_up(name).version is None:
        return Finding(GROUP, name, FAIL, f"not installed; needed for {purpose}.", packages.remedy((name,)))
    error = packages.load_problem(name)
    if error is not None:
        detail = f"installed, but cannot be loaded: {packages.reason(error)}."
        return Finding(GROUP, name, FAIL, detail, packages.mend(name, error))
    module = sys.modules[name]
    version = str(getattr(module, "__version__", None) or packages.look_up(name).version)
    place = Path(str(getattr(module, "__file__", None) or "")).parent
    if _numbers(version) < _numbers(oldest):
        detail = f"{version} is older than {oldest}, the oldest that is known to work ({place})."
        return Finding(GROUP, name, WARN, detail, packages.remedy((name,)))
    return Finding(GROUP, name, OK, f"{version}, {place}")


def _interpreter() -> Finding:
    detail = f"{platform.python_version()} ({platform.system()} {platform.machine()}), {sys.prefix}"
    if sys.version_info[:2] < OLDEST_PYTHON:
        oldest = ".".join(map(str, OLDEST_PYTHON))
        return Finding(GROUP, "Python", FAIL, f"{detail}; at least {oldest} is needed.", "Install a newer QGIS.")
    return Finding(GROUP, "Python", OK, detail)


def _plugin_folder() -> Path:
    return Path(__file__).resolve().parents[2]


def _several() -> Iterator[Finding]:
    """Packages that are installed more than once: the classic way to a numpy that QGIS was not built with."""
    for name in ("numpy", "rasterio"):
        copies = _copies(name)
        if len(set(copies)) > 1:
            detail = f"installed {len(copies)} times: {', '.join(copies)}. The first counts."
            remedy = f"Remove the one that QGIS did not bring: {uninstall(name)} ; then restart QGIS."
            yield Finding(GROUP, f"{name} twice", WARN, detail, remedy)
    mixed = [f"{name} {copies[0]}" for name in _ONNXRUNTIMES for copies in [_copies(name)] if copies]
    if len(mixed) > 1:
        detail = f"{' and '.join(mixed)} are installed in one folder; they overwrite each other."
        remedy = f"python -m pip uninstall {' '.join(m.split()[0] for m in mixed)}, then install only the one you want."
        yield Finding(GROUP, "onnxruntime twice", WARN, detail, remedy)


def _copies(distribution: str) -> list[str]:
    """`version (folder)` of each installed copy but the plugin's own, in the order in which Python finds them."""
    found = []
    for copy in importlib.metadata.distributions(name=distribution):
        folder = Path(str(copy.locate_file("")))
        if folder.name != private_folder.tag():  # what this plugin brought comes last and is in nobody's way
            version = interpreter.version_of(copy) or "damaged"
            found.append(f"{version} ({folder})")
    return list(dict.fromkeys(found))


def _numbers(version: str) -> tuple[int, ...]:
    """1.21.3rc1 → (1, 21); as many as decide here."""
    return tuple(int(part) for part in re.findall(r"\d+", version)[:2])
