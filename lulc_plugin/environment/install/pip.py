# SPDX-License-Identifier: GPL-3.0-or-later
"""pip inside this process, and everything as it was before afterwards.

Another process does not work: in QGIS for Windows and macOS `sys.executable` is QGIS itself: it would open again.
pip in turn takes the process for its own: it sets up logging, warnings, the locale, and writes to `sys.stdout`, which
QGIS for Windows does not have.
"""

from __future__ import annotations

import ast
import importlib
import importlib.metadata
import importlib.util
import io
import locale
import logging
import os
import re
import runpy
import sys
import sysconfig
import tempfile
import threading
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import LulcError
from ..interpreter import interpreter

Tell = Callable[[str], None]
_pip_lock = threading.Lock()
#: What the user's configuration of pip may say that cannot go together with a folder to install to.
_OVERRIDES = {
    "PIP_USER": "0",
    "PIP_REQUIRE_VIRTUALENV": "0",
    "PIP_REQUIRE_HASHES": "0",
    "PIP_DRY_RUN": "0",
    "PIP_QUIET": "0",
    "PIP_ROOT_USER_ACTION": "ignore",
}
_REMOVED = ("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_REPORT", "PIP_PYTHON", "PIP_REQUIREMENT", "PIP_EDITABLE")
#: What of pip's configuration files counts here: how to reach an index, and nothing about where and how to install.
_NETWORK_SETTINGS = frozenset(
    "index-url extra-index-url no-index find-links trusted-host proxy cert client-cert cache-dir keyring-provider"
    " use-feature use-deprecated resume-retries".split()
)
_SETTING = re.compile(r"(?:global|install)\.([\w-]+)=(.+)")
_PROGRESS = re.compile(r"Progress (\d+) of (\d+)")
#: The first pip that can tell its progress in lines.
_WITH_RAW_PROGRESS = (24, 1)


@dataclass(frozen=True)
class Pip:
    """A pip that can be run.

    Attributes:
        version: of it; empty when it is not known.
        wheel: the file it is in; None when it is installed.
    """

    version: str
    wheel: Path | None = None

    @property
    def options(self) -> tuple[str, ...]:
        """How it is to tell its progress."""
        parts = [int(p) for p in re.findall(r"\d+", self.version)[:2]]
        return ("--progress-bar", "raw" if tuple(parts) >= _WITH_RAW_PROGRESS else "off")


def find_pip(wheels: Path | None = None) -> Pip | None:
    """The pip of this Python; else the one that Python keeps for new environments, or one in the folder `wheels`."""
    if importlib.util.find_spec("pip") is not None:
        with suppress(importlib.metadata.PackageNotFoundError):
            return Pip(importlib.metadata.version("pip"))
        return Pip("")
    for folder in (wheels, *_wheel_folders()):
        for wheel in sorted(folder.glob("pip-*-none-any.whl"), reverse=True) if folder else ():
            return Pip(wheel.name.split("-")[1], wheel)
    return None


def run_pip(
    pip: Pip,
    arguments: Sequence[str],
    tell: Tell,
    cancelled: Callable[[], bool],
    proxy: str = "",
    isolated: bool = False,
) -> int:
    """Run `pip install`; returns its exit status, 0 when all went well.

    Args:
        pip: which one.
        arguments: as at a shell, after `pip`.
        tell: is given each line that pip writes.
        cancelled: asked at each line; when it says True, pip ends itself and tidies up.
        proxy: address of the proxy to use where the environment names none; may be empty.
        isolated: none of the user's settings of pip counts: each of them might name an address that is asked.

    Raises:
        LulcError: pip is at work already, or the wheel that it is in cannot be read.
    """
    if not _pip_lock.acquire(blocking=False):
        raise LulcError("An installation is going on already.", "Wait for it to end.")
    try:
        with _pip_on_path(pip):
            settings = {} if isolated else _network_settings()
            with _process_restored(proxy, settings, isolated), _output_to(_Lines(tell, cancelled)):
                return _run([*arguments[:1], *pip.options, *arguments[1:]], tell)
    finally:
        _pip_lock.release()


def _network_settings() -> dict[str, str] | None:
    """What pip's configuration files say about reaching an index, as variables; None when they cannot be read.

    The files as such are not read while it installs: nothing can overrule a `prefix` or `root` in them.
    """
    lines: list[str] = []
    with _process_restored("", None, False), _output_to(_Lines(lines.append, lambda: False)):
        if _run(["config", "list"], lines.append) != 0:
            return None
    settings = {}
    for line in lines:
        setting = _SETTING.fullmatch(line)
        if setting and setting[1] in _NETWORK_SETTINGS:
            with suppress(ValueError, SyntaxError):
                settings[f"PIP_{setting[1].upper().replace('-', '_')}"] = str(ast.literal_eval(setting[2]))
    return settings


def _run(arguments: Sequence[str], tell: Tell) -> int:
    sys.argv = ["pip", *arguments]
    try:
        if arguments[0] == "install":
            _disable_import_guard()
        runpy.run_module("pip", run_name="__main__")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except KeyboardInterrupt:
        return 1
    except Exception as error:  # a broken pip may raise anything; the caller tells it as a failure like any other
        tell(f"ERROR: pip itself broke: {type(error).__name__}: {error}")
        return 1
    return 0


def _disable_import_guard() -> None:
    """Keep pip from forbidding this process to import anything.

    From 26.3 on pip refuses every import, in all threads and for good, as soon as it puts the first package in place:
    nothing shall be loaded half from an old and half from a new version. Here the packages go to a folder that Python
    does not search yet, and QGIS goes on.
    """
    with suppress(ImportError):
        install: Any = importlib.import_module("pip._internal.commands.install")
        if hasattr(install, "_prevent_further_imports"):
            install._prevent_further_imports = lambda **options: nullcontext()


class _Lines(io.TextIOBase):
    """A text file that hands on each line; what other threads print meanwhile goes where it went before."""

    def __init__(self, tell: Tell, cancelled: Callable[[], bool]) -> None:
        self._tell, self._cancelled = tell, cancelled
        self._before = sys.stdout
        self._thread = threading.get_ident()
        self._rest = ""
        self._stopped = self._telling = False

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return False

    def write(self, text: str) -> int:
        if threading.get_ident() != self._thread or self._telling:
            return len(text) if self._before is None else self._before.write(text)
        *lines, self._rest = (self._rest + text).split("\n")
        self._telling = True
        try:
            for line in lines:
                if line.strip():
                    self._tell(line.rstrip())
        finally:
            self._telling = False
        if self._cancelled() and not self._stopped:
            self._stopped = True  # once: pip says that it was stopped, and that has to get through
            raise KeyboardInterrupt
        return len(text)

    def end(self) -> None:
        """Tell what stands on an unfinished line."""
        if self._rest.strip():
            self._tell(self._rest.rstrip())
        self._rest = ""


def download_share(line: str) -> float | None:
    """How much of a download is done, 0 to 1, if the line says that."""
    match = _PROGRESS.fullmatch(line.strip())
    if match is None or int(match[2]) == 0:
        return None
    return min(1.0, int(match[1]) / int(match[2]))


@contextmanager
def _output_to(lines: _Lines) -> Iterator[None]:
    before = sys.stdout, sys.stderr
    sys.stdout = sys.stderr = lines
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before
        lines.end()


@contextmanager
def _process_restored(proxy: str, settings: Mapping[str, str] | None, isolated: bool) -> Iterator[None]:
    """Put back what pip changes: arguments, search path, environment, locale, logging, warnings, its own modules."""
    missing: Any = object()
    argv, path, environment = getattr(sys, "argv", missing), list(sys.path), dict(os.environ)
    modules, executable = set(sys.modules), sys.executable
    language = locale.setlocale(locale.LC_ALL)
    handlers, level = list(logging.root.handlers), logging.root.level
    sys.executable = interpreter()  # pip asks it for the version of macOS, and QGIS would open a second window
    for name in [name for name in environment if name.startswith("PIP_")] if isolated else _REMOVED:
        os.environ.pop(name, None)
    os.environ.update(_OVERRIDES)
    if settings is not None:
        os.environ["PIP_CONFIG_FILE"] = os.devnull  # pip then reads no configuration file at all
        for name, value in settings.items():
            if not os.environ.get(name):  # pip takes an empty one for none, too
                os.environ[name] = value
    if proxy and not any(name.lower() == "https_proxy" for name in environment):
        os.environ["HTTPS_PROXY"] = os.environ["HTTP_PROXY"] = proxy
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # QGIS shows all of them, and a user cannot do anything about pip's
            yield
    finally:
        if argv is missing:
            del sys.argv
        else:
            sys.argv = argv
        sys.path[:] = path
        sys.executable = executable
        _put_back_environment(environment)
        with suppress(locale.Error):
            locale.setlocale(locale.LC_ALL, language)
        logging.root.handlers[:] = handlers
        logging.root.setLevel(level)
        for name in [name for name in sys.modules if name.partition(".")[0] == "pip" and name not in modules]:
            del sys.modules[name]


def _put_back_environment(before: Mapping[str, str]) -> None:
    """Only what differs: other threads of QGIS read the environment, and never find it empty."""
    for name in [name for name in os.environ if name not in before]:
        os.environ.pop(name, None)
    for name, value in before.items():
        if os.environ.get(name) != value:
            os.environ[name] = value


@contextmanager
def _pip_on_path(pip: Pip) -> Iterator[None]:
    """A pip in a wheel is unpacked for as long as it runs."""
    if pip.wheel is None:
        yield
        return
    with tempfile.TemporaryDirectory(prefix="lulc-pip-") as folder:
        try:
            with zipfile.ZipFile(pip.wheel) as archive:
                archive.extractall(folder)
        except (zipfile.BadZipFile, zlib.error, OSError, RuntimeError, EOFError) as error:
            raise LulcError(
                f"The pip in {pip.wheel} cannot be unpacked: {error}.", "Delete that file, or download it again."
            ) from error
        sys.path.insert(0, folder)
        try:
            yield
        finally:
            with suppress(ValueError):
                sys.path.remove(folder)
            importlib.invalidate_caches()


def _wheel_folders() -> Iterator[Path]:
    """Folders in which Python keeps a pip for new virtual environments."""
    configured = sysconfig.get_config_var("WHEEL_PKG_DIR")
    if configured:
        yield Path(configured)
    spec = importlib.util.find_spec("ensurepip")
    if spec is not None and spec.origin:
        yield Path(spec.origin).parent / "_bundled"
    yield Path("/usr/share/python-wheels")  # where Debian has it, with python3-venv
