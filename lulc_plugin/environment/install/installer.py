# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring what is lacking: look, ask pip, look at what it brought, put it in place, try it. All of it or nothing."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from ...errors import CancelledError, LulcError
from ...progress import Progress
from .. import packages
from . import missing, offline, pip as piprun, pip_failures, private_folder, verify
from .work import Work

_OPTIONS = (
    "--only-binary", ":all:", "--no-deps", "--no-input", "--no-compile", "--disable-pip-version-check",
    "--no-warn-script-location", "--timeout", "30", "--retries", "2",
)  # fmt: skip


@dataclass(frozen=True)
class Supplied:
    """What became of it.

    Attributes:
        installed: the packages that were installed, as `name==version`; empty when nothing was.
        folder: the private folder.
        restart: QGIS has to be started again before they can be used.
    """

    installed: tuple[str, ...]
    folder: Path
    restart: bool


def supply(
    parent: Path,
    progress: Progress,
    wheels: Path | None = None,
    only_show: bool = False,
    proxy: str = "",
) -> Supplied:
    """Install what is lacking into the private folder below `parent`.

    Args:
        parent: the folder above the private ones.
        progress: is told everything, pip's own lines too.
        wheels: a folder of wheels to take them from; without it pip asks its index on the network.
        only_show: change nothing and ask nobody; tell what would be done, and the ways to do it by hand.
        proxy: address of a proxy for pip, empty for none.

    Raises:
        LulcError: it cannot be done, with what to do. Everything is then as it was.
        CancelledError: the user stopped it.
    """
    folder = private_folder.folder_in(parent)
    wheels = None if wheels is None else Path(os.path.expanduser(wheels))  # an unknown ~ stays, and is no folder
    private_folder.attach(folder)
    computer = missing.computer_here()
    progress.log(f"{packages.situation(())} Computer: {computer}.")
    lack = missing.what_is_lacking(folder, computer)
    for line in lack.present:
        progress.log(line)
    for line in lack.obstacles:
        progress.warn(line)
    pip = piprun.find_pip(wheels if wheels is not None and os.path.isdir(wheels) else None)
    work = Work(lack, folder, computer, wheels, pip, proxy)
    if only_show:
        _show(work, progress)
        return Supplied((), folder, False)
    if lack.requirements and not lack.done:
        result = _install(work, progress)
    else:
        kept = f" (in {folder})" if lack.requirements else ""
        progress.log(f"Nothing has to be installed{kept}.")
        result = Supplied((), folder, False)
    if lack.obstacles:
        installed = f"Installed: {', '.join(result.installed)}. But " if result.installed else ""
        raise LulcError(installed + " ".join(lack.obstacles))
    return result


def _show(work: Work, progress: Progress) -> None:
    if not work.requirements:
        progress.log("Nothing has to be installed.")
        return
    state = "All of it is there and works" if work.lack.done else "To be installed"
    progress.log(f"{state}: {', '.join(map(str, work.requirements))}; folder: {work.folder}")
    progress.log(f"By hand: {offline.by_hand(work.requirements, work.folder)}")
    progress.log(work.offline_way)


def _install(work: Work, progress: Progress) -> Supplied:
    pip = pip_failures.usable_pip(work)
    progress.log(f"Installing {', '.join(map(str, work.requirements))} into {work.folder}")
    private_folder.sweep(work.folder)
    filled = private_folder.new_sibling(work.folder)
    try:
        _ask_pip(work, pip, filled, progress)
        verify.look_at_files(filled, work.requirements)
        progress.check()
        restart = _put_in_place(work, filled)
    finally:
        if filled.exists():
            private_folder.remove(filled)
    progress.report(100)
    if restart:
        progress.warn("Installed. Restart QGIS: it still uses the packages that it has loaded before.")
    else:
        progress.log("Installed, loaded and ready; QGIS need not be restarted.")
    return Supplied(tuple(map(str, work.requirements)), work.folder, restart)


def _ask_pip(work: Work, pip: piprun.Pip, target: Path, progress: Progress) -> None:
    """pip fills `target`."""
    told: list[str] = []

    def tell(line: str) -> None:
        share = piprun.amount(line)
        if share is None:
            told.append(line)
            progress.log(f"pip: {line}")
        begun = sum(text.startswith(("Collecting ", "Processing ")) for text in told)
        progress.report(90 * (max(0, begun - 1) + (share or 0)) / len(work.requirements))

    arguments = ["install", "--target", str(target), *_OPTIONS]
    if work.wheels is not None:
        arguments += ["--no-index", "--find-links", str(work.wheels)]
    arguments += map(str, work.requirements)
    alone = work.wheels is not None
    with private_folder.out_of_the_way_of_pip(work.folder):
        status = piprun.run_pip(pip, arguments, tell, lambda: progress.cancelled, work.proxy, alone)
    if progress.cancelled:
        raise CancelledError()
    if status != 0:
        raise pip_failures.of_pip(work, told, status)


def _put_in_place(work: Work, filled: Path) -> bool:
    """Make it the private folder and load it; whether QGIS has to be started again."""
    folder = work.folder
    outlived = verify.outlived(folder, work.requirements)
    try:
        before = private_folder.put_in_place(filled, folder)
    except OSError as error:
        if not verify.is_in_use(folder):
            raise LulcError(
                f"{folder} cannot be replaced: {error.strerror or error}.", "Close other QGIS windows; run it again."
            ) from error
        private_folder.leave_for_next_start(filled, folder)
        return True
    private_folder.attach(folder)
    if not outlived:
        try:
            verify.import_all(folder, work.requirements)
        except LulcError:
            private_folder.put_back(folder, before)
            if before is None:
                private_folder.detach(folder)
            raise
    if before is not None:
        private_folder.remove(before)
    return outlived
