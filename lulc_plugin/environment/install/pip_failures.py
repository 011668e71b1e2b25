# SPDX-License-Identifier: GPL-3.0-or-later
"""Why an installation cannot be done, in words that say what to do."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

from ...errors import LulcError
from ...options import option
from ..interpreter import interpreter, pip, quoted
from . import offline
from .pip import Pip
from .work import Work

_NO_NETWORK = re.compile(
    r"NewConnectionError|ConnectTimeout|ReadTimeout|ProxyError|SSLError|MaxRetryError|Max retries|Connection\w*Error"
    r"|name resolution|getaddrinfo|Network is unreachable|Connection refused|Could not fetch URL",
    re.I,
)
_NOT_THERE = re.compile(r"No matching distribution found for (\S+)")
_NO_SPACE = re.compile(r"No space left|not enough space|Disk quota", re.I)
_LONGEST = 600


def usable_pip(work: Work) -> Pip:
    """The pip to use.

    Raises:
        LulcError: there is none, or there is no such folder of wheels.
    """
    if work.wheels is not None and not os.path.isdir(work.wheels):
        raise LulcError(
            f"{option('wheels')}: {work.wheels} is not a folder.", "Choose the folder that has the .whl files."
        )
    if work.pip is None:
        raise LulcError(
            "This Python has no pip, which installs packages.",
            "Debian and Ubuntu: sudo apt install python3-pip. Elsewhere:"
            f" {quoted(interpreter())} -m ensurepip --user. Then run this again."
            f" {work.offline_way}",
        )
    return work.pip


def settings_of_pip() -> str:
    """Where a setting is found that pip has from elsewhere."""
    return f"If a setting of pip is behind it, {pip('config debug')} shows in which file it stands; take it out there."


def of_pip(work: Work, told: Sequence[str], status: int) -> LulcError:
    """Why pip gave up, as far as its words tell.

    Args:
        work: what it was asked for.
        told: the lines that it wrote.
        status: its exit status.
    """
    text = "\n".join(told)
    absent = _NOT_THERE.search(text)
    if _NO_SPACE.search(text):
        return LulcError("The disk is full.", f"Free 1 GB where {work.folder.parent} and the temporary files lie.")
    if _NO_NETWORK.search(text):
        return LulcError(
            "pip cannot reach its package index; nothing was installed.",
            "Look whether this computer has a network, and whether QGIS knows the proxy (Settings, Options, Network)."
            f" {work.offline_way}",
        )
    if absent and work.wheels is not None:
        return LulcError(
            f"{absent[1]} is not among the {len(list(work.wheels.glob('*.whl')))} wheels in {work.wheels}, or they are"
            f" for another computer than this ({work.computer}); nothing was installed.",
            f"Fill the folder with: {offline.download(work.requirements, work.computer)}",
        )
    if absent:
        return LulcError(
            f"The package index has no {absent[1]} for this computer ({work.computer}); nothing was installed.",
            f"If pip is old, bring it up to date: {pip('install --upgrade pip')}. {work.offline_way}",
        )
    errors = [line for line in told if line.startswith("ERROR")] or list(told[-3:]) or [f"it ended with {status}"]
    return LulcError(
        f"pip could not install them: {' '.join(errors)[:_LONGEST]} Nothing was changed.",
        f"The log has all that pip said. {settings_of_pip()}"
        f" By hand: {offline.by_hand(work.requirements, work.folder)}",
    )
