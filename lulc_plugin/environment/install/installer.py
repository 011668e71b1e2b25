# SPDX-License-Identifier: GPL-3.0-or-later
"""Installing missing packages: pip fills a folder, which is checked, put in place and loaded. All of it or nothing."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ...errors import CancelledError, FileNotWritten, LulcError
from ...options import RESTART, command, option
from ...progress import Progress
from .. import interpreter, packages
from . import missing, pip, private_folder, verify
from .missing import Missing, Requirement
from .pins import Computer, published

_PIP_OPTIONS = (
    "--only-binary", ":all:", "--no-deps", "--no-input", "--no-compile", "--disable-pip-version-check",
    "--no-warn-script-location", "--timeout", "30", "--retries", "2",
)  # fmt: skip
_WHEELS_FOLDER = "wheels"
#: Processor → what tags of Linux wheels call it.
_PROCESSORS = {"amd64": "x86_64", "x86_64": "x86_64", "arm64": "aarch64", "aarch64": "aarch64"}
_NO_NETWORK = re.compile(
    r"NewConnectionError|ConnectTimeout|ReadTimeout|ProxyError|SSLError|MaxRetryError|Max retries|Connection\w*Error"
    r"|name resolution|getaddrinfo|Network is unreachable|Connection refused|Could not fetch URL",
    re.I,
)
_NOT_FOUND = re.compile(r"No matching distribution found for (\S+)")
_NO_SPACE = re.compile(r"No space left|not enough space|Disk quota", re.I)
_WRONG_DIGEST = re.compile(r"DO NOT MATCH THE HASHES")
_WITH_WRONG_DIGEST = re.compile(r"^\s+(\S+==\S+) from ", re.M)
_LONGEST_REASON = 600


@dataclass(frozen=True)
class InstallResult:
    """What was installed.

    Attributes:
        installed: the packages, as `name==version`; empty when nothing was.
        folder: the private folder.
        restart: QGIS has to be started again before they can be used.
    """

    installed: tuple[str, ...]
    folder: Path
    restart: bool


def install_missing(
    parent: Path,
    progress: Progress,
    wheels: Path | None = None,
    only_show: bool = False,
    proxy: str = "",
) -> InstallResult:
    """Install what is missing into the private folder below `parent`.

    Args:
        parent: the folder above the private ones.
        progress: gets every line, pip's own too.
        wheels: a folder of wheels to take them from; without it pip asks its index on the network.
        only_show: change nothing and ask nobody; tell what would be done, and the ways to do it by hand.
        proxy: address of a proxy for pip, empty for none.

    Raises:
        LulcError: it cannot be done, with what to do. Everything is then as it was.
        CancelledError: the user stopped it.
    """
    folder = private_folder.folder_in(parent)
    wheels = None if wheels is None else Path(os.path.expanduser(wheels))  # an unknown ~ stays, and is not a folder
    private_folder.attach(folder)
    computer = missing.computer_here()
    progress.log(f"{packages.python_summary(())} Computer: {computer}.")
    wanted = missing.find_missing(folder, computer)
    for line in wanted.present:
        progress.log(line)
    for line in wanted.obstacles:
        progress.warn(line)
    installation = _Installation(wanted, folder, computer, wheels, proxy)
    if only_show:
        installation.show(progress)
        return InstallResult((), folder, False)
    if wanted.requirements and not wanted.is_installed:
        result = installation.run(progress)
    else:
        kept = f" (in {folder})" if wanted.requirements else ""
        progress.log(f"Nothing has to be installed{kept}.")
        result = InstallResult((), folder, False)
    if wanted.obstacles:
        installed = f"Installed: {', '.join(result.installed)}. But " if result.installed else ""
        raise LulcError(installed + " ".join(wanted.obstacles))
    return result


class _Installation:
    """One installation: what, where to, and how.

    Args:
        wanted: what is missing.
        folder: the private one.
        computer: this one.
        wheels: a folder of wheels to take them from; None: pip asks its index.
        proxy: address of a proxy for pip, empty for none.
    """

    def __init__(self, wanted: Missing, folder: Path, computer: Computer, wheels: Path | None, proxy: str) -> None:
        self._wanted = wanted
        self._requirements = wanted.requirements
        self._folder = folder
        self._computer = computer
        self._wheels = wheels
        self._proxy = proxy
        self._pip = pip.find_pip(wheels if wheels is not None and os.path.isdir(wheels) else None)

    def show(self, progress: Progress) -> None:
        """Tell what would be done, and how to do the same by hand."""
        if not self._requirements:
            progress.log("Nothing has to be installed.")
            return
        state = "All of it is there and works" if self._wanted.is_installed else "To be installed"
        progress.log(f"{state}: {', '.join(map(str, self._requirements))}; folder: {self._folder}")
        progress.log(f"By hand: {install_command(self._requirements, self._folder)}")
        progress.log(self._without_network())

    def run(self, progress: Progress) -> InstallResult:
        """Install.

        Raises:
            LulcError: it cannot be done.
            CancelledError: the user stopped it.
        """
        found_pip = self._usable_pip()
        progress.log(f"Installing {', '.join(map(str, self._requirements))} into {self._folder}")
        private_folder.remove_leftovers(self._folder)
        filled = private_folder.new_sibling(self._folder)
        try:
            self._run_pip(found_pip, filled, progress)
            verify.check_files(filled, self._requirements)
            progress.check()
            restart = self._put_in_place(filled)
        finally:
            if os.path.exists(filled):
                private_folder.remove(filled)
        progress.report(100)
        if restart:
            progress.warn(f"Installed. Now {RESTART}: the packages that were loaded before are still in use.")
        else:
            progress.log("Installed, loaded and ready; QGIS need not be restarted.")
        return InstallResult(tuple(map(str, self._requirements)), self._folder, restart)

    def _usable_pip(self) -> pip.Pip:
        if self._wheels is not None and not os.path.isdir(self._wheels):
            raise LulcError(
                f"{option('wheels')}: {self._wheels} is not a folder.", "Choose the folder that has the .whl files."
            )
        if self._pip is None:
            raise LulcError(
                "This Python has no pip, which installs packages.",
                "Debian and Ubuntu: sudo apt install python3-pip. Elsewhere:"
                f" {interpreter.quoted(interpreter.interpreter())} -m ensurepip --user. Then run this again."
                f" {self._without_network()}",
            )
        return self._pip

    def _run_pip(self, found_pip: pip.Pip, target: Path, progress: Progress) -> None:
        """pip fills the folder `target`."""
        lines: list[str] = []

        def tell(line: str) -> None:
            share = pip.download_share(line)
            if share is None:
                lines.append(line)
                progress.log(f"pip: {line}")
            begun = sum(text.startswith(("Collecting ", "Processing ")) for text in lines)
            progress.report(90 * (max(0, begun - 1) + (share or 0)) / len(self._requirements))

        arguments = ["install", "--target", str(target), *_PIP_OPTIONS]
        isolated = self._wheels is not None
        with (
            tempfile.TemporaryDirectory(prefix="lulc-pip-") as place,
            private_folder.hidden_while_damaged(self._folder),
        ):
            if self._wheels is not None:
                self._warn_of_other_wheels(self._wheels, progress)
                arguments += ["--no-index", "--find-links", str(self._wheels), *map(str, self._requirements)]
            else:
                arguments += ["--require-hashes", "--requirement", str(self._write_requirements(Path(place)))]
            status = pip.run_pip(found_pip, arguments, tell, lambda: progress.cancelled, self._proxy, isolated)
        if progress.cancelled:
            raise CancelledError()
        if status != 0:
            raise self._failure_of_pip(lines, status)

    def _write_requirements(self, folder: Path) -> Path:
        """A file that names each package with the digests of its published wheels; pip then takes no other."""
        lines = []
        for requirement in self._requirements:
            digests = sorted(set(published(requirement.name, requirement.version).values()))
            lines.append(" ".join([str(requirement), *(f"--hash={digest}" for digest in digests)]))
        file = folder / "requirements.txt"
        file.write_text("\n".join(lines) + "\n", encoding="ascii")
        return file

    def _warn_of_other_wheels(self, folder: Path, progress: Progress) -> None:
        """Tell which wheels of the user's folder are not those that were published; the folder is the user's choice."""
        for requirement in self._requirements:
            known = published(requirement.name, requirement.version).values()
            start = f"{requirement.name.replace('-', '_')}-{requirement.version}-".lower()
            for file in sorted(folder.glob("*.whl")):
                if file.name.lower().startswith(start) and _digest(file) not in known:
                    progress.warn(
                        f"{file.name} is not a file that the makers of {requirement.name} published (its SHA-256 is"
                        " another). It is taken from your folder as it is."
                    )

    def _put_in_place(self, filled: Path) -> bool:
        """Make it the private folder and load it; whether QGIS has to be started again."""
        folder = self._folder
        restart = verify.has_loaded_another_version(folder, self._requirements)
        try:
            before = private_folder.put_in_place(filled, folder)
        except OSError as error:
            if not verify.is_in_use(folder):
                raise FileNotWritten(
                    f"{folder} cannot be replaced: {error.strerror or error}.",
                    "Close other QGIS windows; run it again.",
                ) from error
            private_folder.put_in_place_at_next_start(filled, folder)
            return True
        private_folder.attach(folder)
        if not restart:
            try:
                verify.import_all(folder, self._requirements)
            except LulcError:
                private_folder.put_back(folder, before)
                if before is None:
                    private_folder.detach(folder)
                raise
        if before is not None:
            private_folder.remove(before)
        return restart

    def _failure_of_pip(self, lines: Sequence[str], status: int) -> LulcError:
        """Why pip gave up, as far as the `lines` that it wrote and its exit `status` tell."""
        text = "\n".join(lines)
        absent = _NOT_FOUND.search(text)
        if _NO_SPACE.search(text):
            return LulcError("The disk is full.", f"Free 1 GB where {self._folder.parent} and the temporary files lie.")
        if _WRONG_DIGEST.search(text):
            which = _WITH_WRONG_DIGEST.search(text)
            return LulcError(
                f"The package index has another file for {which[1] if which else 'a package'} than its makers published"
                " (its SHA-256 differs); nothing was installed.",
                f"Ask who keeps that index why. {verify.settings_of_pip()} {self._without_network()}",
            )
        if _NO_NETWORK.search(text):
            return LulcError(
                "pip cannot reach its package index; nothing was installed.",
                "Look whether this computer has a network, and whether QGIS knows the proxy (Settings, Options,"
                f" Network). {self._without_network()}",
            )
        if absent and self._wheels is not None:
            return LulcError(
                f"{absent[1]} is not among the {len(list(self._wheels.glob('*.whl')))} wheels in {self._wheels}, or"
                f" they are for another computer than this ({self._computer}); nothing was installed.",
                f"Fill the folder with: {download_command(self._requirements, self._computer)}",
            )
        if absent:
            return LulcError(
                f"The package index has no {absent[1]} for this computer ({self._computer}); nothing was installed.",
                f"If pip is old, bring it up to date: {interpreter.pip('install --upgrade pip')}."
                f" {self._without_network()}",
            )
        errors = [line for line in lines if line.startswith("ERROR")] or list(lines[-3:]) or [f"it ended with {status}"]
        return LulcError(
            f"pip could not install them: {' '.join(errors)[:_LONGEST_REASON]} Nothing was changed.",
            f"The log has all that pip printed. {verify.settings_of_pip()}"
            f" By hand: {install_command(self._requirements, self._folder)}",
        )

    def _without_network(self) -> str:
        download = download_command(self._requirements, self._computer, with_pip=self._pip is None)
        return (
            f"Without a network: on another computer that has one, and any Python, run: {download} ; bring its folder"
            f" {_WHEELS_FOLDER} here, and run {command('installdependencies')} again with that folder as"
            f" {option('wheels')}."
        )


def _digest(file: Path) -> str:
    return f"sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}"


def install_command(requirements: Sequence[Requirement], folder: Path) -> str:
    """The command that installs the requirements into the private folder from a shell here."""
    names = " ".join(map(str, requirements))
    quoted = interpreter.quoted(str(folder))
    return interpreter.pip(f"install --upgrade --target {quoted} --only-binary :all: --no-deps {names}")


def download_command(requirements: Sequence[Requirement], computer: Computer, with_pip: bool = False) -> str:
    """The command that another computer, of any system, downloads them with, for this one.

    Args:
        requirements: what is missing here.
        computer: this one.
        with_pip: also pip, because it is missing too.
    """
    platforms = " ".join(f"--platform {name}" for name in _platforms(computer))
    names = " ".join([*map(str, requirements), *(["pip"] if with_pip else [])])
    version = f"{computer.python[0]}.{computer.python[1]}"
    return (
        f"python -m pip download --only-binary :all: --no-deps --implementation cp --python-version {version}"
        f" {platforms} -d {_WHEELS_FOLDER} {names}"
    )


def _platforms(computer: Computer) -> tuple[str, ...]:
    """Tags of wheels that suit a computer, the newest first."""
    machine = computer.machine.lower()
    if computer.system == "Windows":
        return ("win_arm64",) if machine == "arm64" else ("win_amd64",)
    if computer.system == "Darwin":
        return (f"macosx_{computer.macos[0]}_0_{machine}",)
    processor = _PROCESSORS.get(machine, machine)
    return tuple(f"{name}_{processor}" for name in ("manylinux_2_28", "manylinux_2_27", "manylinux2014"))
