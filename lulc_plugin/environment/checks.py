# SPDX-License-Identifier: GPL-3.0-or-later
"""All checks in their order. None of them ends the others, whatever is missing or broken."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from ..errors import LulcError
from ..progress import Progress
from . import check_folders, check_gdal, check_networks, check_packages
from .check_findings import FAIL, WARN, Finding

HOST = "QGIS"


def check_installation(
    user_folder: Path | None = None,
    host: Sequence[tuple[str, str]] = (),
    progress: Progress | None = None,
    packages_folder: Path | None = None,
) -> tuple[Finding, ...]:
    """Look at everything; each finding is told to `progress` as soon as it is there.

    Args:
        user_folder: folder of the user's networks, which need not exist; None when there is none.
        host: (title, text) facts about the program around, as QGIS and its version.
        progress: is told each finding.
        packages_folder: folder above the private ones for packages; None when there is none.

    Raises:
        CancelledError: the user stopped it.
    """
    progress = progress or Progress()
    usable: dict[str, bool] = {}
    found: list[Finding] = [Finding(HOST, title, "OK", text) for title, text in host]
    for finding in found:
        _tell(finding, progress)
    for group, needs, check in (
        (check_packages.GROUP, (), check_packages.check),
        (check_gdal.GROUP, ("numpy", "rasterio"), check_gdal.check),
        (check_networks.DEVICES, ("numpy", "onnxruntime"), check_networks.check_devices),
        (check_networks.MODELS, ("numpy",), lambda: check_networks.check_models(user_folder)),
        (check_folders.GROUP, (), lambda: check_folders.check(user_folder, packages_folder)),
    ):
        absent = [name for name in needs if not usable.get(name)]
        for finding in _not_looked_at(group, absent) if absent else _guarded(group, check):
            progress.check()
            found.append(finding)
            _tell(finding, progress)
            if group == check_packages.GROUP:
                usable[finding.title] = finding.level != FAIL
        progress.report(progress.percent + 20)
    return tuple(found)


def _tell(finding: Finding, progress: Progress) -> None:
    (progress.log if finding.level == "OK" else progress.warn)(finding.line)


def _not_looked_at(group: str, absent: Iterable[str]) -> Iterator[Finding]:
    names = " and ".join(absent)
    yield Finding(group, group, WARN, f"not looked at, because {names} cannot be used.", "See above; then check again.")


def _guarded(group: str, check: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
    try:
        yield from check()
    except LulcError as error:
        yield Finding(group, group, FAIL, error.problem, error.remedy)
    except Exception as error:  # a check that breaks is itself a finding: it says what is not well here
        reason = f"{type(error).__name__}: {str(error)[:300]}"
        remedy = "Please report this line to the makers of the plugin."
        yield Finding(group, group, FAIL, f"the check itself broke: {reason.rstrip('.')}.", remedy)
