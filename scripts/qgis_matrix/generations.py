# SPDX-License-Identifier: GPL-3.0-or-later
"""Which generations there are, and which of them is this machine itself."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Generation:
    """A release of a distribution, and so the QGIS, Python, numpy and GDAL that belong together in it."""

    release: str  #: codename
    title: str
    distribution: str = "debian"  #: as ID in /etc/os-release
    components: str = "main"
    script: str = ""  #: of debootstrap, where an older one does not know the release
    keys: str = ""  #: package with the archive's keys, where they are not this distribution's own

    @property
    def keyring(self) -> str:
        """File with the archive's keys."""
        return f"/usr/share/keyrings/{self.distribution}-archive-keyring.gpg"


#: In the order of QGIS's versions, but Ubuntu after a Debian from which its keys can be had.
GENERATIONS = (
    Generation("bookworm", "Debian 12"),
    Generation("trixie", "Debian 13"),
    Generation("sid", "Debian sid"),
    Generation("noble", "Ubuntu 24.04", "ubuntu", "main,universe", "gutsy", "ubuntu-keyring"),
)


def this_machine() -> str:
    """The codename of the running system; empty where nothing says it."""
    return os_release().get("VERSION_CODENAME", "")


def os_release() -> dict[str, str]:
    """What /etc/os-release says of the running system."""
    try:
        lines = Path("/etc/os-release").read_text(encoding="utf-8").splitlines()
    except OSError:
        return {}
    return {key: value.strip("\"'") for key, mark, value in (line.partition("=") for line in lines) if mark}
