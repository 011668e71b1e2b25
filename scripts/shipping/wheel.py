# SPDX-License-Identifier: GPL-3.0-or-later
"""The Python package: a source distribution, and the wheel that is built from it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from .contents import copy_sources
from .refusal import PackageError

_PATIENCE = 300  # seconds


def build(root: Path, out: Path) -> tuple[Path, Path]:
    """Source distribution and wheel into `out`; needs setuptools 77 or newer, and no network.

    Both are made of a copy of what belongs in: setuptools would put what an earlier build left into the wheel.

    Raises:
        PackageError: setuptools cannot, or something is missing.
    """
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as work:
        copy_sources(root, Path(work, "sources"))
        sdist = _setuptools("build_sdist", Path(work, "sources"), Path(work, "made"))
        shutil.unpack_archive(sdist, Path(work, "unpacked"))
        (unpacked,) = Path(work, "unpacked").iterdir()
        wheel = _setuptools("build_wheel", unpacked, Path(work, "made"))
        return Path(shutil.copy(sdist, out)), Path(shutil.copy(wheel, out))


def _setuptools(hook: str, sources: Path, out: Path) -> Path:
    """Call one of the hooks that pip calls (PEP 517), in a process of its own."""
    code = f"import sys; from setuptools import build_meta as m; open(sys.argv[2], 'w').write(m.{hook}(sys.argv[1]))"
    out.mkdir(exist_ok=True)
    answer = out / "name.txt"
    environment = {**os.environ, "SOURCE_DATE_EPOCH": "315532800"}  # 1980: the same bytes whenever it is built
    environment.pop("PYTHONPATH", None)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, str(out), str(answer)],
        cwd=sources, env=environment, capture_output=True, text=True, timeout=_PATIENCE,
    )  # fmt: skip
    if done.returncode:
        raise PackageError(f"setuptools could not {hook.replace('_', ' ')}:\n{done.stderr.strip()[-2000:]}")
    return out / answer.read_text()
