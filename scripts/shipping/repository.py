# SPDX-License-Identifier: GPL-3.0-or-later
"""What git knows about the checkout that is to be released."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from .refusal import PackageError

_VERSION_TAG = re.compile(r"v?(\d+\.\d+\.\d+)\Z")


def git(root: Path, *words: str) -> str:
    """What git answers.

    Raises:
        PackageError: it cannot, or `root` is no checkout.
    """
    try:
        done = subprocess.run(["git", "-C", str(root), *words], capture_output=True, text=True)
    except OSError as error:
        raise PackageError(f"git cannot be run: {error}") from error
    if done.returncode:
        raise PackageError(f"git {words[0]}: {done.stderr.strip()}")
    return done.stdout.rstrip()


def unclean(root: Path) -> list[str]:
    """Files that differ from the commit, or that git does not know (ignored ones aside)."""
    return [line[3:] for line in git(root, "status", "--porcelain", "--untracked-files=all").splitlines()]


def commit(root: Path) -> str:
    """The commit that is checked out."""
    return git(root, "rev-parse", "HEAD")


def versions_tagged_here(root: Path) -> list[str]:
    """Versions whose tags (`v0.1.0` or `0.1.0`) are on the commit that is checked out."""
    tags = git(root, "tag", "--points-at", "HEAD").splitlines()
    return sorted({match.group(1) for match in map(_VERSION_TAG.match, tags) if match})


def tagged_commit(root: Path, version: str) -> str | None:
    """The commit with the tag of a version; None without such a tag."""
    for tag in (f"v{version}", version):
        if git(root, "tag", "--list", tag):
            return git(root, "rev-list", "-n", "1", tag)
    return None
