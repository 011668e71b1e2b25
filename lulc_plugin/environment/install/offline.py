# SPDX-License-Identifier: GPL-3.0-or-later
"""The same by hand: one command for this computer, and one for another that has a network where this has none."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ...options import command, option
from ..interpreter import pip, quoted
from .missing import Requirement
from .pins import Computer

_FOLDER = "wheels"
_PROCESSORS = {"amd64": "x86_64", "x86_64": "x86_64", "arm64": "aarch64", "aarch64": "aarch64"}


def by_hand(requirements: Sequence[Requirement], folder: Path) -> str:
    """The command that installs the requirements into the private folder from a shell here."""
    names = " ".join(map(str, requirements))
    return pip(f"install --upgrade --target {quoted(str(folder))} --only-binary :all: --no-deps {names}")


def download(requirements: Sequence[Requirement], computer: Computer, with_pip: bool = False) -> str:
    """The command that another computer, of any system, downloads them with, for this one.

    Args:
        requirements: what is lacking here.
        computer: this one.
        with_pip: also pip, because it is lacking too.
    """
    platforms = " ".join(f"--platform {name}" for name in _platforms(computer))
    names = " ".join([*map(str, requirements), *(["pip"] if with_pip else [])])
    version = f"{computer.python[0]}.{computer.python[1]}"
    return (
        f"python -m pip download --only-binary :all: --no-deps --implementation cp --python-version {version}"
        f" {platforms} -d {_FOLDER} {names}"
    )


def offline_way(requirements: Sequence[Requirement], computer: Computer, with_pip: bool = False) -> str:
    """What to do where there is no network."""
    return (
        f"Without a network: on another computer that has one, and any Python, run: "
        f"{download(requirements, computer, with_pip)} ; bring its folder {_FOLDER} here, and run"
        f" {command('installdependencies')} again with that folder as {option('wheels')}."
    )


def _platforms(computer: Computer) -> tuple[str, ...]:
    machine = computer.machine.lower()
    if computer.system == "Windows":
        return ("win_arm64",) if machine == "arm64" else ("win_amd64",)
    if computer.system == "Darwin":
        return (f"macosx_{computer.macos[0]}_0_{machine}",)
    processor = _PROCESSORS.get(machine, machine)
    return tuple(f"{name}_{processor}" for name in ("manylinux_2_28", "manylinux_2_27", "manylinux2014"))
