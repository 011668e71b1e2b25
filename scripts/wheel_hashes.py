#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks pip's package index for the SHA-256 of every wheel that `lulc:installdependencies` may install.

    python scripts/wheel_hashes.py [--audit]

writes `lulc_plugin/environment/install/wheels.txt`; run it after a change of `pins.py`. Nothing is downloaded but lists
and metadata: `pip install --dry-run` for each Python, system and processor that a pin is for. With --audit the file
stays as it is, and pip-audit asks the advisory database of PyPI about the versions in it; a version that the database
does not answer for is a failure.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(CHECKOUT))

from lulc_plugin.environment import PINS, WHEELS, Computer, pinned  # noqa: E402
from lulc_plugin.errors import LulcError  # noqa: E402

_PYTHONS = [(3, minor) for minor in range(9, 15)]
_NUMPYS = [(1, 21), (1, 23), (1, 24), (1, 26), (2, 0), (2, 2), (2, 5)]
_GLIBC = (("manylinux_2_28", "manylinux_2_27", "manylinux_2_17", "manylinux2014"), ("manylinux_2_17", "manylinux2014"))
_HEAD = """# Wheels that lulc:installdependencies may install: package==version sha256:... file name.
# Made by scripts/wheel_hashes.py from the package index; do not edit.
"""


def computers() -> Iterator[tuple[Computer, tuple[str, ...]]]:
    """Every kind of computer, without its numpy, and the tags of its wheels."""
    for python in _PYTHONS:
        yield Computer(python, "Windows", "AMD64", (0, 0)), ("win_amd64",)
        yield Computer(python, "Windows", "ARM64", (0, 0)), ("win_arm64",)
        for machine in ("x86_64", "aarch64"):
            for names in _GLIBC:
                yield Computer(python, "Linux", machine, (0, 0)), tuple(f"{name}_{machine}" for name in names)
        for machine in ("arm64", "x86_64"):
            for release in (11, 12, 13, 14):
                yield Computer(python, "Darwin", machine, (0, 0), (release, 0)), (f"macosx_{release}_0_{machine}",)


def versions(computer: Computer) -> list[set[str]]:
    """What may be installed there, whatever its numpy: sets of `package==version` with each package once."""
    found: dict[str, list[str]] = {}
    for name in PINS:
        for numpy in _NUMPYS:
            try:
                version = pinned(
                    name, Computer(computer.python, computer.system, computer.machine, numpy, computer.macos)
                )
            except LulcError:
                continue
            if version not in found.setdefault(name, []):
                found[name].append(version)
    longest = max(map(len, found.values()))
    return [{f"{n}=={v[i]}" for n, v in found.items() if i < len(v)} for i in range(longest)]


def wheels(computer: Computer, tags: tuple[str, ...], wanted: set[str]) -> dict[str, str]:
    """File name → SHA-256 of what pip would install; what the index lacks is left out, with a word."""
    with tempfile.TemporaryDirectory() as place:
        report = Path(place) / "report.json"
        command = [
            sys.executable, "-m", "pip", "install", "--dry-run", "--quiet", "--ignore-installed", "--no-deps",
            "--only-binary", ":all:", "--implementation", "cp", "--target", place, "--report", str(report),
            "--python-version", f"{computer.python[0]}.{computer.python[1]}",
            *(word for tag in tags for word in ("--platform", tag)), *sorted(wanted),
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            absent = re.search(r"No matching distribution found for (\S+)", done.stderr)
            if absent is None or absent[1] not in wanted:
                sys.exit(done.stderr[-2000:])
            print(f"{computer}: no {absent[1]} for {tags[0]}", flush=True)
            return wheels(computer, tags, wanted - {absent[1]}) if len(wanted) > 1 else {}
        found = {}
        for item in json.loads(report.read_text())["install"]:
            name = next(w for w in wanted if w.partition("==")[0].lower() == item["metadata"]["name"].lower())
            file = item["download_info"]["url"].rpartition("/")[2]
            found[f"{name} {file}"] = item["download_info"]["archive_info"]["hashes"]["sha256"]
        return found


def audit() -> int:
    """Ask the advisory database of PyPI about every version, with pip-audit from an environment of its own."""
    names = sorted({line.split()[0] for line in WHEELS.read_text().splitlines() if not line.startswith("#")})
    with tempfile.TemporaryDirectory() as place:
        subprocess.run([sys.executable, "-m", "venv", place], check=True)
        python = Path(place) / "bin" / "python"
        subprocess.run([python, "-m", "pip", "install", "--quiet", "pip-audit"], check=True)
        worst = 0
        for number, chosen in enumerate(_without_repeats(names)):
            listed = Path(place) / f"{number}.txt"
            listed.write_text("\n".join(chosen) + "\n")
            worst |= subprocess.run(
                [python, "-m", "pip_audit", "--strict", "--no-deps", "--disable-pip", "--requirement", listed],
                check=False,
            ).returncode
    return worst


def _without_repeats(names: list[str]) -> Iterator[list[str]]:
    """Lists in which each package has one version."""
    while names:
        first = {name.partition("==")[0]: name for name in reversed(names)}
        yield sorted(first.values())
        names = [name for name in names if name not in first.values()]


def main() -> None:
    """Write the file, or ask about what is in it."""
    if "--audit" in sys.argv:
        sys.exit(audit())
    found: dict[str, str] = {}

    def ask(asked: tuple[Computer, tuple[str, ...], set[str]]) -> None:
        computer, tags, wanted = asked
        everywhere = {key.split()[0] for key in list(found) if key.endswith("-none-any.whl")}
        if wanted - everywhere:
            found.update(wheels(computer, tags, wanted - everywhere))

    every = [(computer, tags, wanted) for computer, tags in computers() for wanted in versions(computer)]
    ask(every[0])
    with ThreadPoolExecutor(4) as pool:  # pip mostly waits for the index
        list(pool.map(ask, every))
    lines = sorted(f"{key.split()[0]} sha256:{digest} {key.split()[1]}" for key, digest in found.items())
    WHEELS.write_text(_HEAD + "\n".join(lines) + "\n", encoding="ascii")
    print(f"{len(lines)} wheels of {len({line.split()[0] for line in lines})} versions")


if __name__ == "__main__":
    main()
