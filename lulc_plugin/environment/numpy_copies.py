# SPDX-License-Identifier: GPL-3.0-or-later
"""The numpy that QGIS was built with: whether another copy goes before it, and how to get it back.

numpy is never installed from here: QGIS and what comes with it were compiled for the one that it brings.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from typing import NamedTuple

from ..options import RESTART
from .interpreter import uninstall, version_of

_MISMATCH = re.compile(r"numpy.{0,80}(?:ABI|dtype size|compiled|1\.x|multiarray)|_ARRAY_API not found", re.I | re.S)
#: Version of a copy without metadata.
_UNKNOWN = "of unknown version"


class Copy(NamedTuple):
    """One installed numpy and the folder that it lies in."""

    version: str
    folder: str

    def __str__(self) -> str:
        return f"numpy {self.version} in {self.folder}"


def copies() -> tuple[Copy, ...]:
    """Every numpy that Python could find, in its order; one that is loaded already goes first."""
    folders: dict[str, str] = {}
    for entry in sys.path:
        if os.path.isfile(os.path.join(entry, "numpy", "__init__.py")):
            folders.setdefault(os.path.realpath(entry), entry or os.curdir)
    loaded = getattr(sys.modules.get("numpy"), "__file__", None)
    if loaded:
        real = os.path.realpath(os.path.dirname(os.path.dirname(loaded)))
        names = list(folders)
        # what was put in front of a numpy that is loaded does not count in this process
        for name in names[: names.index(real)] if real in names else ():
            del folders[name]
    return tuple(Copy(_version(entry), entry) for entry in folders.values())


def competing_copies(also_compatible: bool = False) -> tuple[Copy, Copy] | None:
    """The numpy that counts and the one behind it that came with QGIS; None where there is only one.

    Args:
        also_compatible: also when their first numbers are the same. Otherwise they have to be as numpy 1 and numpy 2:
            nothing that was compiled for one works with the other.
    """
    first, *others = copies() or (None,)
    if first is None or not others:
        return None
    last = others[-1]
    if first.version == last.version != _UNKNOWN:
        return None
    majors = [copy.version.partition(".")[0] for copy in (first, last)]
    incompatible = all(major.isdigit() for major in majors) and majors[0] != majors[1]
    return (first, last) if also_compatible or incompatible else None


def is_mismatch(error: BaseException) -> bool:
    """Whether an import failed because a package was compiled for another numpy than it found."""
    return _MISMATCH.search(str(error)) is not None


def removal_remedy(pair: Sequence[Copy]) -> str:
    """What to do about a competing numpy, as `competing_copies` tells it."""
    first, last = pair
    return (
        f"{first} goes before {last}, which came with QGIS. Remove the one in {first.folder}: {uninstall('numpy')} (or"
        f" delete the folder numpy there), and {RESTART}."
    )


def reinstall_remedy() -> str:
    """How to get back a numpy that is missing or broken."""
    if sys.platform.startswith("linux"):
        how = "Debian and Ubuntu: sudo apt install --reinstall python3-numpy; elsewhere install QGIS again"
    else:
        how = "run the installer of QGIS again and let it repair, or install QGIS again"
    return f"numpy comes with QGIS and has to be repaired with it; pip would bring one that does not suit QGIS. {how}."


def first_remedy(missing: bool) -> str:
    """What has to be done about numpy before any other package is installed; empty when it is well, as far as is seen.

    Args:
        missing: it cannot be found.
    """
    if missing:
        return reinstall_remedy()
    pair = competing_copies()
    return removal_remedy(pair) if pair else ""


def loading_remedy() -> str:
    """What to do about a numpy that is there and cannot be loaded."""
    pair = competing_copies(also_compatible=True)
    return removal_remedy(pair) if pair else reinstall_remedy()


def _version(folder: str) -> str:
    import importlib.metadata  # slow, and this module is imported when QGIS starts

    for distribution in importlib.metadata.distributions(name="numpy", path=[folder]):
        return version_of(distribution) or _UNKNOWN
    return _UNKNOWN
