# SPDX-License-Identifier: GPL-3.0-or-later
"""The tests on four generations of QGIS: 3.22 (Debian 12), 3.34 (Ubuntu 24.04), 3.40 (Debian 13), 3.44 (Debian sid).

    python3 scripts/qgis_matrix [--only trixie,sid] [--part qgis] [--fresh | --update] [--readme] [-- -k legend]

The generation that is this machine's own runs here, each other one in a small system in a folder (debootstrap, then
scripts/setup.sh inside), kept under ${XDG_CACHE_HOME:-~/.cache}/landcover_classifier/matrix and used again. What is
tested is the checkout as it lies here, committed or not. Needs root and 4 GB of disk for each other generation; asks
only the mirrors of Debian and Ubuntu, and PyPI. The exit status is 0 only if every generation was there and every test
passed.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from checkout import ENVIRONMENTS, carry
from chroot import Chroot, NotAvailable
from commands import logged
from generations import GENERATIONS, Generation, this_machine
from table import Outcome, into_readme, markdown, read

CHECKOUT = Path(__file__).resolve().parents[2]
INSIDE = "/root/landcover_classifier"  # the checkout, seen from inside a generation
SETUP_LIMIT, TESTS_LIMIT = 3600, 7200  # seconds
PYTHON = {"qgis": ".venv/bin/python", "engine": ".venv-engine/bin/python"}


def plain_environment() -> dict[str, str]:
    """Ours with the system's own programs alone: an embedded Python looks for its library beside the first on PATH,
    and pyenv puts another one there for whatever is started through it."""
    return {**os.environ, "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}


class Here:
    """This machine as a generation: a copy of the checkout that uses the checkout's own environments."""

    def __init__(self, folder: Path) -> None:
        self.checkout = folder / "landcover_classifier"

    def prepare(self, log: Path) -> None:
        """Install what is missing and copy the checkout; `NotAvailable` says why it cannot be."""
        if logged(["scripts/setup.sh"], log, folder=CHECKOUT, limit=SETUP_LIMIT):
            raise NotAvailable(f"scripts/setup.sh failed, see {log}")
        carry(CHECKOUT, self.checkout)
        for name in ENVIRONMENTS:
            link = self.checkout / name
            if not link.is_symlink():
                link.symlink_to(CHECKOUT / name)

    def run(self, command: Sequence[str], log: Path, limit: float = TESTS_LIMIT) -> int:
        """Run a command in the copy of the checkout and return its exit status."""
        return logged(command, log, plain_environment(), self.checkout, limit)


class Elsewhere:
    """A generation in a folder."""

    def __init__(self, folder: Path, generation: Generation, fresh: bool, update: bool) -> None:
        self.chroot, self.generation, self.fresh, self.update = Chroot(folder), generation, fresh, update
        self.checkout = folder / INSIDE.lstrip("/")

    def prepare(self, log: Path) -> None:
        """Make what is missing and copy the checkout; `NotAvailable` says why it cannot be."""
        self.chroot.make(self.generation, log, lambda text: say(self.generation.release, text), self.fresh)
        if self.update:
            self.chroot.update(log)
        carry(CHECKOUT, self.checkout)
        if self.run(["scripts/setup.sh"], log, SETUP_LIMIT):
            raise NotAvailable(f"scripts/setup.sh failed in it, see {log}")
        self.run(["apt-get", "clean"], log)
        self.run(["rm", "-rf", "/tmp/pytest-of-root"], log)

    def run(self, command: Sequence[str], log: Path, limit: float = TESTS_LIMIT) -> int:
        """Run a command in the copy of the checkout and return its exit status."""
        return self.chroot.run(command, log, INSIDE, limit)


def say(release: str, text: str) -> None:
    print(f"{release}: {text}", flush=True)


def outcomes(generation: Generation, place: Here | Elsewhere, options: argparse.Namespace) -> Iterator[Outcome]:
    parts = [part for part in PYTHON if options.part in (None, part)]
    begin = time.monotonic()
    with (options.cache / f"{generation.release}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            place.prepare(options.logs / f"{generation.release}-setup.log")
        except (BlockingIOError, NotAvailable) as error:
            reason = f"another run holds {lock.name}" if isinstance(error, BlockingIOError) else str(error)
            say(generation.release, f"not available: {reason}")
            yield from (Outcome(generation.title, part, not_available=reason) for part in parts)
            return
        say(generation.release, f"ready, {time.monotonic() - begin:.0f} s")
        yield from (tested(generation, place, part, options) for part in parts)


def tested(generation: Generation, place: Here | Elsewhere, part: str, options: argparse.Namespace) -> Outcome:
    release = generation.release
    log, begin = options.logs / f"{release}-{part}.log", time.monotonic()
    status = place.run(["scripts/test.sh", part, "-rfEs", *options.pytest], log)
    seconds = time.monotonic() - begin
    passed, failed, skipped, bad = read(log.read_text(encoding="utf-8", errors="replace"))
    if status and not failed:
        failed, bad = 1, (*bad, f"scripts/test.sh ended with status {status}")
    say(release, f"{part}: {passed} passed, {failed} failed, {skipped} skipped, {seconds:.0f} s")
    found = versions(release, place, part, options)
    return Outcome(generation.title, part, found, passed, failed, skipped, seconds, bad=bad)


def versions(release: str, place: Here | Elsewhere, part: str, options: argparse.Namespace) -> dict[str, str | None]:
    log = options.logs / f"{release}-{part}-versions.log"
    # not on the log's last line alone: QGIS prints to stdout as it likes
    place.run([PYTHON[part], "-P", "scripts/qgis_matrix/versions.py"], log, limit=300)
    lines = [line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.startswith("{")]
    return json.loads(lines[-1]) if lines else {}


def arguments() -> argparse.Namespace:
    releases = [generation.release for generation in GENERATIONS]
    parser = argparse.ArgumentParser(prog="scripts/qgis_matrix", description=__doc__.split("\n\n")[0])
    parser.add_argument("--only", default="", help=f"generations, with commas: {', '.join(releases)}")
    parser.add_argument("--part", choices=tuple(PYTHON), help="only these tests")
    parser.add_argument("--fresh", action="store_true", help="make the folders of the other generations anew")
    parser.add_argument("--update", action="store_true", help="bring their packages up to date first")
    parser.add_argument("--readme", action="store_true", help="put the table into README.md (only of a whole run)")
    parser.add_argument("pytest", nargs="*", help="arguments of pytest, after --")
    options = parser.parse_args()
    options.only = [word for word in options.only.replace(",", " ").split() if word]
    unknown = [word for word in options.only if word not in releases]
    if options.readme and (options.only or options.part or options.pytest):
        parser.error("--readme is for a run of all tests on all generations")
    if unknown:
        parser.error(f"no generation {', '.join(unknown)}; there are {', '.join(releases)}")
    return options


def main() -> int:
    options = arguments()
    if os.geteuid() != 0:
        print(
            "The matrix makes systems in folders (debootstrap, chroot), which needs root: run it as root.",
            file=sys.stderr,
        )
        return 2
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    options.cache = cache = home / "landcover_classifier" / "matrix"
    options.logs = cache / "logs" / time.strftime(f"%Y%m%d-%H%M%S-{os.getpid()}")
    options.logs.mkdir(parents=True)
    found: list[Outcome] = []
    here = this_machine()
    for generation in GENERATIONS:
        release = generation.release
        if options.only and release not in options.only:
            continue
        if release == here:
            place = Here(cache / f"{release}-here")
        else:
            place = Elsewhere(cache / release, generation, options.fresh, options.update)
        found.extend(outcomes(generation, place, options))
    date, table = time.strftime("%Y-%m-%d"), markdown(found)
    text = f"{date}\n\n{table}\n"
    for outcome in found:
        text += "".join(f"\n{outcome.generation}, {outcome.part}: {line}" for line in outcome.bad)
    (options.logs / "table.md").write_text(text, encoding="utf-8")
    print(f"\n{text}\nLogs: {options.logs}")
    if options.readme:
        readme = CHECKOUT / "README.md"
        readme.write_text(into_readme(readme.read_text(encoding="utf-8"), date, table), encoding="utf-8")
    return 0 if found and all(outcome.green for outcome in found) else 1


if __name__ == "__main__":
    sys.exit(main())
