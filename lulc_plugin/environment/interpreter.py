# SPDX-License-Identifier: GPL-3.0-or-later
"""The Python that runs this: how a person at a shell calls it and its pip, and what it says of a package."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # this module is imported when QGIS starts; what takes long to import waits until it is used
    import importlib.metadata


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
            if os.path.isfile(place / (name + ending)):
                return str(place / (name + ending))
    if sys.executable and Path(sys.executable).name.lower().startswith("python"):
        return sys.executable
    return "python" if ending else "python3"


def pip(words: str) -> str:
    """The command line of this Python's pip."""
    return f"{quoted(interpreter())} -m pip {words}"


def uninstall(name: str) -> str:
    """The command that removes the copy of the package `name` (on PyPI) that Python finds first."""
    return pip(f"uninstall {'--break-system-packages ' if is_guarded() else ''}{name}")


def is_guarded() -> bool:
    """Whether the system keeps pip from its Python (PEP 668): a marker there, outside of any virtual environment."""
    if not sys.platform.startswith("linux") or sys.prefix != sys.base_prefix:
        return False
    import sysconfig

    return os.path.isfile(Path(sysconfig.get_path("stdlib")) / "EXTERNALLY-MANAGED")


def quoted(path: str) -> str:
    """`path` as one word of a command line."""
    return f'"{path}"' if re.search(r"[\s&()']", path) else path


def version_of(distribution: importlib.metadata.Distribution) -> str | None:
    """Its version, None if its metadata is damaged."""
    try:
        return distribution.version or None
    except (ValueError, KeyError, TypeError, OSError):  # no text, or nothing about a version
        return None
