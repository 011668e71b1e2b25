# SPDX-License-Identifier: GPL-3.0-or-later
"""Verification: whether what was installed is what was asked for, and can be loaded."""

from __future__ import annotations

import importlib
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from ...errors import LulcError
from ...options import RESTART
from .. import packages
from ..interpreter import pip
from . import private_folder
from .missing import ROOTS, Requirement

_SCRIPTS = ("bin", "Scripts")


def settings_of_pip() -> str:
    """Where a setting is found that pip has from elsewhere."""
    return f"If a setting of pip is behind it, {pip('config debug')} shows in which file it stands; take it out there."


def check_files(folder: Path, requirements: Sequence[Requirement]) -> None:
    """Check a folder that pip has filled, before it is put in place; programs in it are removed.

    Raises:
        LulcError: something is missing, or something is there that was not asked for.
    """
    remedy = f"{settings_of_pip()} Run this again; if that does not help, report the log to the makers."
    inside = private_folder.contents(folder)
    wanted = {requirement.name.lower(): requirement.version for requirement in requirements}
    for name, version in wanted.items():
        if inside.get(name) != version:
            raise LulcError(f"pip ended well, but {name} is {inside.get(name, 'missing')}, not {version}.", remedy)
    unasked = sorted(set(inside) - set(wanted))
    if unasked or os.path.exists(folder / "numpy"):
        raise LulcError(f"pip also brought {', '.join(unasked) or 'numpy'}, which was not asked for.", remedy)
    for name in _SCRIPTS:
        shutil.rmtree(folder / name, ignore_errors=True)


def is_in_use(folder: Path) -> bool:
    """Whether this process has loaded anything from `folder`."""
    return bool(_loaded_from(folder))


def has_loaded_another_version(folder: Path, requirements: Sequence[Requirement]) -> bool:
    """Whether one of the plugin's packages is loaded from `folder`, in another version than is required."""
    inside = private_folder.contents(folder)
    return any(
        requirement.name in ROOTS
        and private_folder.contains(folder, getattr(sys.modules.get(requirement.module), "__file__", None))
        and inside.get(requirement.name.lower()) != requirement.version
        for requirement in requirements
    )


def import_all(folder: Path, requirements: Sequence[Requirement]) -> None:
    """Load what the plugin imports itself; where that fails, what was loaded here is forgotten again.

    Args:
        folder: the private one, in place and attached.
        requirements: what is in it.

    Raises:
        LulcError: a package cannot be loaded, with the reason.
    """
    importlib.invalidate_caches()
    before = _loaded_from(folder)
    for requirement in requirements:
        if requirement.name not in ROOTS:
            continue
        _forget_half_loaded(requirement.module)
        problem = packages.load_problem(requirement.module)
        if problem is not None:
            remedy = _remedy(requirement, problem)
            for name in _loaded_from(folder) - before:
                del sys.modules[name]
            _forget_half_loaded(requirement.module)
            raise LulcError(
                f"{requirement} was installed, but cannot be loaded: {packages.reason(problem)}."
                " What was installed was removed again.",
                remedy,
            )


def _remedy(requirement: Requirement, problem: Exception) -> str:
    """What to do; installing it again has just failed."""
    cause = packages.known_cause(requirement.module, problem)
    if cause:
        return f"{cause} Then run this again."
    return (
        "This computer lacks something that the package needs, or the package does not suit it: report the log to the"
        f" makers of the plugin. Another version may work: {packages.command((requirement.module,))}; then"
        f" {RESTART}."
    )


def _loaded_from(folder: Path) -> set[str]:
    """The modules that were loaded from `folder`."""
    modules = list(sys.modules.items())
    return {name for name, module in modules if private_folder.contains(folder, getattr(module, "__file__", None))}


def _forget_half_loaded(name: str) -> None:
    """An import that failed earlier, as without this folder, may have left modules of the package behind."""
    if sys.modules.get(name) is None:
        for part in [part for part in sys.modules if part == name or part.startswith(f"{name}.")]:
            del sys.modules[part]
