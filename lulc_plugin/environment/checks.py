# SPDX-License-Identifier: GPL-3.0-or-later
"""The check of an installation: all checks in their order. None ends the others, whatever is missing or broken.

Here are the order, the checks of Python's packages and of folders, and the check as JSON. Standard library only; what
needs numpy, rasterio or onnxruntime is in `check_gdal` and `check_networks`, and looked at where these can be used.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from .. import provenance
from ..errors import LulcError
from ..findings import ERROR, INSTALLATION_WORDS, PASS, WARNING, Finding, count
from ..options import PYTHON, RESTART, command, render_all
from ..progress import Progress
from . import check_gdal, check_networks, interpreter, packages
from .install import private_folder

#: Topic of a finding's id → heading in the report, in the order of the checks.
HEADINGS: Mapping[str, str] = {
    "host": "QGIS",
    "packages": "Python",
    "gdal": "GDAL and PROJ",
    "devices": "Devices",
    "networks": "Models",
    "folders": "Folders",
}
OLDEST_PYTHON = (3, 9)
#: Import name → oldest version that is known to work (the same as in pyproject.toml), and what it is for.
PACKAGES = {
    "numpy": ("1.21", "everything"),
    "rasterio": ("1.3", "reading and writing rasters"),
    "onnxruntime": ("1.15", "running the networks"),
    "scipy": ("1.7", "accuracy reports"),
    "jinja2": ("3.0", "reports and model cards"),
}
#: All bring a folder `onnxruntime`: what was installed last has overwritten the others.
_ONNXRUNTIMES = ("onnxruntime", "onnxruntime-gpu", "onnxruntime-openvino", "onnxruntime-directml", "onnxruntime-rocm")
#: Bytes; with less than this free a large map may not find room for its temporary files.
_LITTLE_SPACE = 2_000_000_000


def check_installation(
    user_folder: Path | None = None,
    host: Sequence[tuple[str, str]] = (),
    progress: Progress | None = None,
    packages_folder: Path | None = None,
) -> tuple[Finding, ...]:
    """Look at everything; each finding is passed to `progress` as soon as it is there.

    Args:
        user_folder: folder of the user's networks, which need not exist; None when there is none.
        host: (title, text) facts about the program around, as QGIS and its version.
        progress: gets each finding.
        packages_folder: folder above the private ones for packages; None when there is none.

    Raises:
        CancelledError: the user stopped it.
    """
    progress = progress or Progress()
    findings = [Finding("host.version", PASS, title, text) for title, text in host]
    for finding in findings:
        _tell(finding, progress)
    checks: tuple[tuple[str, tuple[str, ...], Callable[[], Iterable[Finding]]], ...] = (
        ("packages", (), check_packages),
        ("gdal", ("numpy", "rasterio"), check_gdal.check_gdal),
        ("devices", ("numpy", "onnxruntime"), check_networks.check_devices),
        ("networks", ("numpy",), lambda: check_networks.check_models(user_folder)),
        ("folders", (), lambda: check_folders(user_folder, packages_folder)),
    )
    usable: set[str] = set()
    for topic, needed, check in checks:
        absent = [name for name in needed if f"packages.{name}" not in usable]
        for finding in _skipped(topic, absent) if absent else _guarded(topic, check):
            progress.check()
            findings.append(finding)
            _tell(finding, progress)
            if finding.level != ERROR:
                usable.add(finding.id)
        progress.report(progress.percent + 20)
    return tuple(findings)


def _tell(finding: Finding, progress: Progress) -> None:
    (progress.log if finding.level == PASS else progress.warn)(finding.line(INSTALLATION_WORDS))


def _skipped(topic: str, absent: Iterable[str]) -> Iterator[Finding]:
    text = f"not looked at, because {' and '.join(absent)} cannot be used."
    yield Finding(f"{topic}.skipped", WARNING, HEADINGS[topic], text, "See above; then check again.")


def _guarded(topic: str, check: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
    try:
        yield from check()
    except LulcError as error:
        yield Finding(f"{topic}.broken", ERROR, HEADINGS[topic], error.problem, error.remedy)
    except Exception as error:  # a check that breaks is itself a finding: it says what is not well here
        reason = f"{type(error).__name__}: {str(error)[:300]}"
        remedy = "Please report this line to the makers of the plugin."
        text = f"the check itself broke: {reason.rstrip('.')}."
        yield Finding(f"{topic}.broken", ERROR, HEADINGS[topic], text, remedy)


# ---------------------------------------------------------------- the whole check


def verdict(findings: Sequence[Finding]) -> str:
    """The whole check in one sentence."""
    failed, warned = count(findings, ERROR), count(findings, WARNING)
    if not failed and not warned:
        return "Everything is in order."
    parts = []
    if failed:
        parts.append("1 check failed" if failed == 1 else f"{failed} checks failed")
    if warned:
        parts.append("1 gives a warning" if warned == 1 else f"{warned} give a warning")
    return f"{' and '.join(parts)}; each line says what to do."


def installation_json(findings: Sequence[Finding], door: str = PYTHON) -> str:
    """The check as JSON: the verdict, how many findings of each level, and all of them in their order.

    Args:
        findings: of the check.
        door: where it is read; options in texts are named as there.
    """
    report = {
        "verdict": verdict(findings),
        "count": {INSTALLATION_WORDS[level]: count(findings, level) for level in (PASS, WARNING, ERROR)},
        "findings": [
            {
                "group": HEADINGS[finding.topic],
                "title": finding.title,
                "level": INSTALLATION_WORDS[finding.level],
                "detail": finding.text,
                "remedy": finding.remedy,
            }
            for finding in findings
        ],
    }
    text = json.dumps(render_all(report, door), ensure_ascii=False)
    # halves of characters, as paths of another encoding have them, cannot be shown by QGIS
    return text.encode("utf-8", "replace").decode("utf-8")


# ---------------------------------------------------------------- Python and its packages


def check_packages() -> Iterator[Finding]:
    """The interpreter, this program, and each package: found, loaded, new enough, and there only once."""
    yield _python()
    plugin_folder = Path(__file__).resolve().parents[2]
    text = f"{provenance.plugin_version()}, {plugin_folder}"
    yield Finding("packages.plugin", PASS, "Land Cover Classifier", text)
    for name in PACKAGES:
        yield check_package(name)
    yield from _installed_twice()


def check_package(name: str) -> Finding:
    """Whether the package with this import name can be loaded, and is new enough."""
    id, (oldest, purpose) = f"packages.{name}", PACKAGES[name]
    if packages.look_up(name).is_missing:
        return Finding(id, ERROR, name, f"not installed; needed for {purpose}.", packages.remedy((name,)))
    error = packages.load_problem(name)
    if error is not None:
        text = f"installed, but cannot be loaded: {packages.reason(error)}."
        return Finding(id, ERROR, name, text, packages.loading_remedy(name, error))
    module = sys.modules[name]
    version = str(getattr(module, "__version__", None) or packages.look_up(name).version)
    folder = Path(str(getattr(module, "__file__", None) or "")).parent
    if _major_minor(version) < _major_minor(oldest):
        text = f"{version} is older than {oldest}, the oldest that is known to work ({folder})."
        return Finding(id, WARNING, name, text, packages.remedy((name,)))
    return Finding(id, PASS, name, f"{version}, {folder}")


def _python() -> Finding:
    text = f"{platform.python_version()} ({platform.system()} {platform.machine()}), {sys.prefix}"
    if sys.version_info[:2] < OLDEST_PYTHON:
        oldest = ".".join(map(str, OLDEST_PYTHON))
        text = f"{text}; at least {oldest} is needed."
        return Finding("packages.python", ERROR, "Python", text, "Install a newer QGIS.")
    return Finding("packages.python", PASS, "Python", text)


def _installed_twice() -> Iterator[Finding]:
    """Packages that are installed more than once: the classic way to a numpy that QGIS was not built with."""
    for name in ("numpy", "rasterio"):
        copies = _copies(name)
        if len(set(copies)) > 1:
            text = f"installed {len(copies)} times: {', '.join(copies)}. The first counts."
            remedy = f"Remove the one that QGIS did not bring: {interpreter.uninstall(name)} ; then {RESTART}."
            yield Finding(f"packages.{name}-twice", WARNING, f"{name} twice", text, remedy)
    mixed = [f"{name} {copies[0]}" for name in _ONNXRUNTIMES for copies in [_copies(name)] if copies]
    if len(mixed) > 1:
        text = f"{' and '.join(mixed)} are installed in one folder; they overwrite each other."
        remedy = f"python -m pip uninstall {' '.join(m.split()[0] for m in mixed)}, then install only the one you want."
        yield Finding("packages.onnxruntime-twice", WARNING, "onnxruntime twice", text, remedy)


def _copies(distribution: str) -> list[str]:
    """`version (folder)` of each installed copy but the plugin's own, in the order in which Python finds them."""
    copies = []
    for copy in importlib.metadata.distributions(name=distribution):
        folder = Path(str(copy.locate_file("")))
        if folder.name != private_folder.tag():  # what this plugin brought comes last and is in nobody's way
            version = interpreter.version_of(copy) or "damaged"
            copies.append(f"{version} ({folder})")
    return list(dict.fromkeys(copies))


def _major_minor(version: str) -> tuple[int, ...]:
    """1.21.3rc1 → (1, 21); as many as decide here."""
    return tuple(int(part) for part in re.findall(r"\d+", version)[:2])


# ---------------------------------------------------------------- folders


def check_folders(user_folder: Path | None, packages_folder: Path | None = None) -> Iterator[Finding]:
    """The folders for temporary files, for the user's networks, and for packages that Install dependencies brings.

    Args:
        user_folder: None when there is none.
        packages_folder: the folder above the private ones; None when there is none.
    """
    yield _temporary_folder()
    if user_folder is not None:
        yield _networks_folder(user_folder)
    if packages_folder is not None:
        yield _packages_folder(packages_folder)


def _temporary_folder() -> Finding:
    id, title = "folders.temporary", "Temporary files"
    try:
        folder = Path(tempfile.gettempdir())
        problem = _cannot_write(folder)
    except OSError as error:
        return Finding(id, ERROR, title, f"there is no folder for them: {error}.", "Set TMPDIR to one.")
    if problem:
        return Finding(id, ERROR, title, problem, "Free space, or set TMPDIR (TEMP in Windows) to another folder.")
    free = shutil.disk_usage(folder).free
    text = f"{folder}, {free / 1e9:,.1f} GB free"
    if free < _LITTLE_SPACE:
        return Finding(id, WARNING, title, f"{text}.", "Free space there; a large map needs several gigabytes.")
    return Finding(id, PASS, title, text)


def _networks_folder(folder: Path) -> Finding:
    id, title, import_model = "folders.networks", "Folder of your networks", command("importmodel")
    remedy = "Choose another one in Settings, Options, Processing, Providers, Land Cover Classifier."
    if os.path.isdir(folder):
        problem = _cannot_write(folder)
        if problem:
            return Finding(id, WARNING, title, f"{problem} {import_model} cannot work.", remedy)
        return Finding(id, PASS, title, f"{folder}, can be written")
    if os.path.exists(folder):
        return Finding(id, WARNING, title, f"{folder} is not a folder. {import_model} cannot work.", remedy)
    problem = _cannot_make(folder)
    if problem:
        return Finding(id, WARNING, title, f"{folder} does not exist and cannot be made: {problem}", remedy)
    return Finding(id, PASS, title, f"{folder}; {import_model} makes it")


def _packages_folder(parent: Path) -> Finding:
    id, title, install = "folders.packages", "Packages of this plugin", command("installdependencies")
    try:
        folder = private_folder.folder_in(parent)
        contents = private_folder.readable_contents(folder)
    except LulcError as error:
        return Finding(id, WARNING, title, error.problem, error.remedy)
    if contents:
        versions = ", ".join(f"{name} {contents[name]}" for name in sorted(contents))
        if str(folder) not in sys.path:
            return Finding(id, WARNING, title, f"{folder} is not searched: {versions}.", f"So {RESTART}.")
        return Finding(id, PASS, title, f"{folder}, searched after all others: {versions}")
    problem = _cannot_make(folder) if packages.missing() else ""
    if problem:
        remedy = f"Name another folder in the environment variable {private_folder.VARIABLE}, and {RESTART}."
        return Finding(id, WARNING, title, f"{problem} {install} cannot work.", remedy)
    return Finding(id, PASS, title, f"{folder}, not there; {install} makes it when something is missing")


def _cannot_make(folder: Path) -> str:
    """Why `folder`, which does not exist, cannot be made; empty when it can."""
    parent = next((p for p in folder.parents if os.path.exists(p)), folder.parent)
    return _cannot_write(parent) if os.path.isdir(parent) else f"{parent} is not a folder."


def _cannot_write(folder: Path) -> str:
    """Why no file can be made in `folder`; empty when one can. Only trying tells, on Windows above all."""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"0")
    except OSError as error:
        return f"{folder} cannot be written: {error.strerror or error}."
    return ""
