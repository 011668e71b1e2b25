# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of the checkout, as git sees them, carried to another place."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

ENVIRONMENTS = (".venv", ".venv-engine")  # stay where they are: they are made there


def carry(checkout: Path, target: Path) -> int:
    """Make `target` a copy of all files that git tracks or does not ignore; the environments in it stay.

    Returns:
        How many files.
    """
    listed = subprocess.run(
        ["git", "-C", str(checkout), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
        check=True,
    ).stdout
    names = sorted({os.fsdecode(name) for name in listed.split(b"\0") if name})
    target.mkdir(parents=True, exist_ok=True)
    for old in target.iterdir():
        if old.name in ENVIRONMENTS:
            continue
        if old.is_dir() and not old.is_symlink():
            shutil.rmtree(old)
        else:
            old.unlink()
    copied = 0
    for name in names:
        source = checkout / name
        if source.is_symlink() or source.is_file():  # else removed, but not yet in git's eyes
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target / name, follow_symlinks=False)
            copied += 1
    return copied
