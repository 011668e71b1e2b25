# SPDX-License-Identifier: GPL-3.0-or-later
"""A small Debian or Ubuntu in a folder, made once and used again, in which commands run beside this machine's own."""

from __future__ import annotations

import os
import shlex
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import machine
from commands import logged
from generations import Generation

ROOM = 5e9  # bytes that one generation may need
# The mounts belong to a namespace that ends with its last process: nothing is left behind, even by `kill -9`.
ENTER = 'mount -t proc proc "$0/proc" && mount -t sysfs -o ro sys "$0/sys" && exec chroot "$0" "$@"'


class NotAvailable(Exception):
    """A generation cannot be had here; the message says why."""


class Chroot:
    """The system in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ready = folder / "etc" / "landcover-matrix-ready"

    def make(self, generation: Generation, log: Path, say: Callable[[str], None], fresh: bool = False) -> None:
        """Make the system of a release, or use the one that is there.

        Args:
            generation: Which release.
            log: File to which the output of all programs is added.
            say: Takes a line for the person who waits.
            fresh: Remove the one that is there first.

        Raises:
            NotAvailable: It cannot be made.
        """
        if fresh or not self.ready.is_file():
            self._remove()
            self._debootstrap(generation, log, say)
        machine.hand_on(self.folder)
        machine.hand_on_apt_settings(self.folder)
        self.ready.write_text(f"{generation.release}\n", encoding="utf-8")

    def _debootstrap(self, generation: Generation, log: Path, say: Callable[[str], None]) -> None:
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(self.folder.parent).free
        if free < ROOM:
            raise NotAvailable(f"{free / 1e9:.1f} GB are free in {self.folder.parent}, {ROOM / 1e9:.0f} GB are needed")
        if shutil.which("debootstrap") is None:
            say("installing debootstrap")
            if not _installed("debootstrap", log):
                raise NotAvailable(f"apt cannot install debootstrap, see {log}")
        begin = time.monotonic()
        options = ["--variant=minbase", "--include=ca-certificates", f"--components={generation.components}"]
        if generation.keys:
            options.append(f"--keyring={self._keyring(generation, log)}")
        command = ["debootstrap", *options, generation.release, str(self.folder), machine.mirror(generation)]
        if logged([*command, *([generation.script] if generation.script else [])], log):
            raise NotAvailable(f"debootstrap failed, see {log} and {self.folder}/debootstrap/debootstrap.log")
        say(f"debootstrap, {time.monotonic() - begin:.0f} s")

    def _keyring(self, generation: Generation, log: Path) -> Path:
        """The keys of another distribution's archive: from a package here, or from one of a generation beside this."""
        here = Path(generation.keyring)
        if here.is_file() or (_installed(generation.keys, log) and here.is_file()):
            return here
        for other in sorted(self.folder.parent.iterdir()):
            there, beside = other / generation.keyring.lstrip("/"), Chroot(other)
            if beside.ready.is_file() and not there.is_file():
                beside.run(["apt-get", "-q", "install", "-y", "--no-install-recommends", generation.keys], log)
            if there.is_file():
                return there
        raise NotAvailable(f"the keys of its archive are missing: install the package {generation.keys}")

    def _remove(self) -> None:
        if not self.folder.exists():
            return
        mounts = Path("/proc/self/mounts").read_text(encoding="utf-8")
        if any(line.split()[1].startswith(f"{self.folder}/") for line in mounts.splitlines()):
            raise NotAvailable(f"something is mounted under {self.folder}: unmount it, then run this again")
        shutil.rmtree(self.folder)

    def update(self, log: Path) -> None:
        """Bring all packages of the system up to date.

        Raises:
            NotAvailable: apt could not.
        """
        if self.run(["apt-get", "-q", "update"], log) or self.run(["apt-get", "-q", "-y", "dist-upgrade"], log):
            raise NotAvailable(f"apt-get could not update it, see {log}")

    def run(self, command: Sequence[str], log: Path, folder: str = "/", limit: float = 3600) -> int:
        """Run a command inside and add its output to `log`.

        Args:
            command: Program and arguments.
            log: File.
            folder: Where, as seen from inside.
            limit: Seconds after which everything that it started is ended.

        Returns:
            Its exit status; 124 when the limit ended it.
        """
        inside = ["/bin/sh", "-c", f"cd {shlex.quote(folder)} && exec {shlex.join(command)}"]
        namespace = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "/bin/sh", "-c", ENTER, str(self.folder)]
        return logged([*namespace, *inside], log, environment=machine.environment(), limit=limit)


def _installed(package: str, log: Path) -> bool:
    """Install a package on this machine; whether that went well."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    logged(["apt-get", "-q", "update"], log, environment)
    return not logged(["apt-get", "-q", "install", "-y", "--no-install-recommends", package], log, environment)
