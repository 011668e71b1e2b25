# SPDX-License-Identifier: GPL-3.0-or-later
"""What is to be installed, where, and how."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from . import offline
from .missing import Lack, Requirement
from .pins import Computer
from .pip import Pip


@dataclass(frozen=True)
class Work:
    """One installation.

    Attributes:
        lack: what is lacking.
        folder: the private one.
        computer: this one.
        wheels: a folder of wheels to take them from; None: pip asks its index.
        pip: the one that is there; None when there is none.
        proxy: address of a proxy for pip, empty for none.
    """

    lack: Lack
    folder: Path
    computer: Computer
    wheels: Path | None
    pip: Pip | None
    proxy: str

    @property
    def requirements(self) -> Sequence[Requirement]:
        """All that belongs into the private folder."""
        return self.lack.requirements

    @property
    def offline_way(self) -> str:
        """What to do where there is no network."""
        return offline.offline_way(self.requirements, self.computer, with_pip=self.pip is None)
