# SPDX-License-Identifier: GPL-3.0-or-later
"""What a system inside a folder has to know of this machine to reach packages: mirror, proxies, certificates."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from generations import Generation, os_release

SOURCES = (
    Path("/etc/apt/sources.list.d/debian.sources"),
    Path("/etc/apt/sources.list.d/ubuntu.sources"),
    Path("/etc/apt/sources.list"),
)
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
PIP_SETTINGS = (Path("/etc/pip.conf"), Path.home() / ".config/pip/pip.conf")
# Handed on where they are set. The second group names files, which are copied to the same path.
VARIABLES = (
    "http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY"
    " PIP_INDEX_URL PIP_EXTRA_INDEX_URL PIP_TRUSTED_HOST PIP_PROXY PIP_DEFAULT_TIMEOUT"
).split()
FILE_VARIABLES = ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
APT_SETTINGS = re.compile(r"^Acquire::((https?|ftp)::|Check-|Retries )")


def mirror(generation: Generation) -> str:
    """The mirror that this machine's apt uses, if it is of the same distribution; else empty: debootstrap's default."""
    if os_release().get("ID") == generation.distribution:
        for path in SOURCES:
            found = path.is_file() and re.search(
                r"^(?:URIs:|deb\s+(?:\[[^]]*\]\s+)?)\s*(\S+)", path.read_text(encoding="utf-8"), re.MULTILINE
            )
            if found:
                return found[1]
    return ""


def environment() -> dict[str, str]:
    """The environment of commands inside: this machine's ways to the net, and nothing else of it."""
    inside = {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/root",
        "LANG": "C.UTF-8",
        "DEBIAN_FRONTEND": "noninteractive",
        "PIP_ROOT_USER_ACTION": "ignore",
    }
    inside.update({name: os.environ[name] for name in (*VARIABLES, *FILE_VARIABLES) if os.environ.get(name)})
    return inside


def hand_on(root: Path) -> None:
    """Copy name servers, certificates and pip's settings of this machine into the system in `root`."""
    files = {
        Path("/etc/resolv.conf"),
        CERTIFICATES,
        *(Path(os.environ[n]) for n in FILE_VARIABLES if os.environ.get(n)),
    }
    for path in files:
        if path.is_file():
            _copy(path, root / path.relative_to("/"))
    for path, home in zip(PIP_SETTINGS, ("etc/pip.conf", "root/.config/pip/pip.conf")):
        if path.is_file():
            _copy(path, root / home)


def _copy(path: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)  # never through a link that is there
    shutil.copyfile(path, target)


def hand_on_apt_settings(root: Path) -> None:
    """Give the apt in `root` this machine's proxies and its view on outdated lists."""
    dump = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, check=True).stdout
    lines = [line for line in dump.splitlines() if APT_SETTINGS.match(line)]
    lines.append('Acquire::Languages "none";')
    (root / "etc/apt/apt.conf.d/90host").write_text("\n".join(lines) + "\n", encoding="utf-8")
