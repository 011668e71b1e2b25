# SPDX-License-Identifier: GPL-3.0-or-later
"""Which version of each package suits a computer: one that is known to work, never merely the newest.

A version is bound to what its makers built: wheels for a Python, an operating system and a processor, compiled for a
numpy. QGIS's numpy is never replaced, so the version has to suit the numpy that is there.
"""

from __future__ import annotations

import platform
import sys
from dataclasses import dataclass
from pathlib import Path

from ...errors import LulcError

Version = tuple[int, int]
#: `package==version sha256:… file name` for every wheel of the versions below; scripts/wheel_hashes.py makes it.
WHEELS = Path(__file__).with_name("wheels.txt")


@dataclass(frozen=True)
class Computer:
    """What decides about versions.

    Attributes:
        python: version of Python.
        system: `Windows`, `Darwin` (macOS) or `Linux`.
        machine: processor, as `x86_64`, `AMD64`, `arm64`.
        numpy: version of the numpy that is there.
        macos: version of macOS; (0, 0) elsewhere.
    """

    python: Version
    system: str
    machine: str
    numpy: Version
    macos: Version = (0, 0)

    @staticmethod
    def here(numpy: str) -> Computer:
        """This one; `numpy` is the version of the numpy that is there."""
        macos = version(platform.mac_ver()[0]) if sys.platform == "darwin" else (0, 0)
        if macos == (10, 16):
            macos = (11, 0)  # what any newer macOS says to a Python that was built on an older one
        python = sys.version_info
        return Computer((python[0], python[1]), platform.system(), platform.machine(), version(numpy), macos)

    def __str__(self) -> str:
        system = f"macOS {_text(self.macos)}" if self.system == "Darwin" else self.system
        return f"Python {_text(self.python)}, {system} {self.machine}, numpy {_text(self.numpy)}"


@dataclass(frozen=True)
class Pin:
    """A version, and where it works.

    Attributes:
        version: of the package.
        python: oldest and newest Python that it has wheels for.
        numpy: oldest numpy that it runs with, and the first that it does not.
        on: (system, machine) that it is for, with machine `*` for any; empty: everywhere.
        macos: oldest macOS; elsewhere it does not matter.
    """

    version: str
    python: tuple[Version, Version] = ((3, 9), (3, 14))
    numpy: tuple[Version, Version] = ((1, 21), (3, 0))
    on: tuple[str, str] = ("*", "*")
    macos: Version = (0, 0)

    def suits(self, computer: Computer) -> bool:
        """Whether this version works there."""
        system, machine = self.on
        return (
            self.python[0] <= computer.python <= self.python[1]
            and self.numpy[0] <= computer.numpy < self.numpy[1]
            and system in ("*", computer.system)
            and machine.lower() in ("*", computer.machine.lower())
            and (computer.system != "Darwin" or self.macos <= computer.macos)
        )


#: Name on PyPI → versions; the first that suits is taken.
PINS: dict[str, tuple[Pin, ...]] = {
    "onnxruntime": (
        # From 1.21 on, Windows needs a newer C++ runtime than the one QGIS has loaded by then.
        Pin("1.20.1", ((3, 10), (3, 13)), on=("Windows", "AMD64")),
        Pin("1.31.1", ((3, 11), (3, 14)), on=("Windows", "*")),
        Pin("1.31.1", ((3, 11), (3, 14)), on=("Linux", "*")),
        Pin("1.31.1", ((3, 11), (3, 14)), on=("Darwin", "arm64"), macos=(14, 0)),
        Pin("1.23.2", ((3, 10), (3, 13)), on=("Darwin", "*"), macos=(13, 0)),
        Pin("1.23.2", ((3, 10), (3, 10)), on=("Linux", "*")),
        Pin("1.19.2", ((3, 9), (3, 12)), on=("Darwin", "*"), macos=(11, 0)),
        Pin("1.19.2", ((3, 9), (3, 9)), on=("Windows", "AMD64")),
        Pin("1.19.2", ((3, 9), (3, 9)), on=("Linux", "*")),
    ),
    "rasterio": (
        Pin("1.4.4", ((3, 10), (3, 14)), ((1, 24), (3, 0)), on=("Windows", "*")),
        Pin("1.4.4", ((3, 10), (3, 14)), ((1, 24), (3, 0)), on=("Linux", "*")),
        Pin("1.4.4", ((3, 10), (3, 14)), ((1, 24), (3, 0)), on=("Darwin", "arm64"), macos=(14, 0)),
        Pin("1.4.3", ((3, 9), (3, 13)), ((1, 24), (3, 0)), on=("Darwin", "x86_64")),
        Pin("1.4.3", ((3, 9), (3, 9)), ((1, 24), (3, 0)), macos=(14, 0)),
        Pin("1.4.1", ((3, 9), (3, 12)), ((1, 24), (3, 0)), on=("Darwin", "arm64"), macos=(11, 0)),
        Pin("1.3.11", ((3, 9), (3, 12)), ((1, 21), (1, 24))),
    ),
    "scipy": (
        Pin("1.16.3", ((3, 11), (3, 14)), ((1, 26), (2, 6))),
        Pin("1.13.1", ((3, 9), (3, 12)), ((1, 23), (2, 3))),
        Pin("1.10.1", ((3, 9), (3, 11)), ((1, 21), (1, 27))),
    ),
    "Jinja2": (Pin("3.1.6"),),
    "MarkupSafe": (Pin("3.0.3"),),
    "affine": (Pin("2.4.0"),),
    "attrs": (Pin("25.3.0"),),
    "certifi": (Pin("2025.8.3"),),
    "click": (Pin("8.1.8"),),
    "click-plugins": (Pin("1.1.1.2"),),
    "cligj": (Pin("0.7.2"),),
    "pyparsing": (Pin("3.2.3"),),
    "flatbuffers": (Pin("25.2.10"),),
    "packaging": (Pin("25.0"),),
    "protobuf": (Pin("6.33.6"),),
}


def pinned(name: str, computer: Computer) -> str:
    """The version of the package `name` (on PyPI) for `computer`.

    Raises:
        LulcError: none is known that works there.
    """
    for pin in PINS[name]:
        if pin.suits(computer):
            return pin.version
    raise LulcError(
        f"No version of {name} is known to work here ({computer}).",
        "Take a newer QGIS, or ask the makers of the plugin. numpy has to be 1.21 or newer, Python 3.9 to 3.14.",
    )


def published(name: str, of_version: str) -> dict[str, str]:
    """SHA-256 of each wheel that the makers of a package published of a version: file name → `sha256:…`."""
    wanted = f"{name}=={of_version} "
    lines = WHEELS.read_text(encoding="ascii").splitlines()
    digests = (line.split() for line in lines if line.startswith(wanted))
    return {file: digest for _, digest, file in digests}


def version(text: str) -> Version:
    """`1.24.2` → (1, 24); what is not a number counts as 0."""
    parts = [*text.split("."), "0", "0"][:2]
    major, minor = (int("".join(c for c in part if c.isdigit()) or 0) for part in parts)
    return major, minor


def _text(version: Version) -> str:
    return f"{version[0]}.{version[1]}"
