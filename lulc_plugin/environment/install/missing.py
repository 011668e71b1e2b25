# SPDX-License-Identifier: GPL-3.0-or-later
"""Which packages are missing, and so what has to be in the private folder, in which versions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ...errors import LulcError
from ...options import RESTART
from .. import numpy_copies, packages
from ..interpreter import uninstall
from . import private_folder
from .pins import Computer, pinned

#: What the plugin itself imports and QGIS does not bring everywhere, and what each of them declares (names on PyPI),
#: except numpy, and except what onnxruntime only declares for its tools and never imports to run a network (sympy,
#: coloredlogs).
ROOTS: dict[str, tuple[str, ...]] = {
    "rasterio": ("affine", "attrs", "certifi", "click", "click-plugins", "cligj", "pyparsing"),
    "onnxruntime": ("flatbuffers", "packaging", "protobuf"),
    "scipy": (),
    "Jinja2": ("MarkupSafe",),
}
#: Name on PyPI → import name, where they differ.
IMPORTED_AS = {
    "Jinja2": "jinja2",
    "MarkupSafe": "markupsafe",
    "attrs": "attr",
    "click-plugins": "click_plugins",
    "protobuf": "google.protobuf",
}


@dataclass(frozen=True)
class Requirement:
    """One package in one version."""

    name: str
    version: str

    def __str__(self) -> str:
        return f"{self.name}=={self.version}"

    @property
    def module(self) -> str:
        """Its import name."""
        return import_name(self.name)


@dataclass(frozen=True)
class Missing:
    """What is missing, and what keeps it from being installed.

    Attributes:
        requirements: all that belongs into the private folder; empty when nothing is missing.
        present: lines about what is there already, outside of the private folder.
        obstacles: lines about what is there and broken, where a copy in the private folder would not be found.
        is_installed: the private folder holds just these already, and they can be loaded.
    """

    requirements: tuple[Requirement, ...]
    present: tuple[str, ...]
    obstacles: tuple[str, ...]
    is_installed: bool


def import_name(name: str) -> str:
    """The import name of a package on PyPI."""
    return IMPORTED_AS.get(name, name)


def computer_here() -> Computer:
    """This computer.

    Raises:
        LulcError: numpy is missing, broken, or not the one that came with QGIS. It is never installed from here, and
            versions that suit another one would be wrong as soon as that is put right.
    """
    package = packages.look_up("numpy")
    if package.is_missing:
        raise LulcError("numpy is not installed.", numpy_copies.reinstall_remedy())
    problem = packages.load_problem("numpy")
    if problem is not None:
        raise LulcError(
            f"numpy ({package.location}) cannot be loaded: {packages.reason(problem)}.",
            packages.loading_remedy("numpy", problem),
        )
    pair = numpy_copies.competing_copies()
    if pair is not None:
        raise _numpy_in_the_way(pair)
    import numpy

    return Computer.here(numpy.__version__)


def find_missing(folder: Path, computer: Computer) -> Missing:
    """Look at every package; `folder` is the private one and already attached if it exists.

    Raises:
        LulcError: something is missing, and no version of it is known to work here; or what is there fails because
            another numpy goes before the one of QGIS.
    """
    wanted: list[str] = []
    present: list[str] = []
    obstacles: list[str] = []
    for root, dependencies in ROOTS.items():
        if _is_outside(root, folder):
            package = packages.look_up(import_name(root))
            absent = _missing_dependency(root, dependencies)
            problem = packages.load_problem(import_name(root))
            if absent:
                wanted.append(absent)
            elif problem is None:
                present.append(f"{root} {package.version} is there ({Path(str(package.location)).parent}).")
            else:
                pair = numpy_copies.competing_copies(also_compatible=True)
                if pair is not None and numpy_copies.is_mismatch(problem):
                    raise _numpy_in_the_way(pair, f" {root} {package.version} cannot be loaded with it.")
                obstacles.append(_obstacle(root, problem))
            continue
        wanted += [root, *(name for name in dependencies if not _is_outside(name, folder))]
    requirements = tuple(Requirement(name, pinned(name, computer)) for name in dict.fromkeys(wanted))
    inside = private_folder.contents(folder)
    is_installed = all(
        inside.get(requirement.name.lower()) == requirement.version
        and (requirement.name not in ROOTS or packages.load_problem(requirement.module) is None)
        for requirement in requirements
    )
    return Missing(requirements, tuple(present), tuple(obstacles), is_installed)


def _is_outside(name: str, folder: Path) -> bool:
    """Whether a package can be found elsewhere than in the private folder, which comes last."""
    package = packages.look_up(import_name(name))
    return not package.is_missing and not private_folder.contains(folder, package.location)


def _missing_dependency(root: str, dependencies: tuple[str, ...]) -> str:
    """The package whose absence alone keeps `root` from loading; empty when that is not the reason."""
    problem = packages.load_problem(import_name(root))
    if isinstance(problem, ModuleNotFoundError) and problem.name:
        for name in dependencies:
            if problem.name in (import_name(name), import_name(name).partition(".")[0]):
                return name
    return ""


def _numpy_in_the_way(pair: Sequence[numpy_copies.Copy], symptom: str = "") -> LulcError:
    return LulcError(
        f"A second numpy is in the way; nothing was installed.{symptom}",
        f"{numpy_copies.removal_remedy(pair)} Then run this again.",
    )


def _obstacle(root: str, problem: Exception) -> str:
    if isinstance(problem, packages.ShadowedError):
        return f"{root}: {packages.reason(problem)}. {packages.known_cause(import_name(root), problem)}"
    package = packages.look_up(import_name(root))
    return (
        f"{root} {package.version} in {Path(str(package.location)).parent} cannot be loaded"
        f" ({packages.reason(problem)}), and Python would find it before any copy that is installed from here."
        f" Remove it, with {uninstall(root)}, {RESTART}, and run this again."
    )
