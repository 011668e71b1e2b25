# SPDX-License-Identifier: GPL-3.0-or-later
"""CHANGELOG.md, in the form of Keep a Changelog: `## [VERSION] - DATE` and what changed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from .refusal import PackageError

_HEAD = re.compile(r"## \[([^\]]+)\](?: - (.+))?\s*$")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}\Z")
UNRELEASED = "unreleased"


@dataclass(frozen=True)
class Section:
    """One version: its name, what stands where the date goes, and the Markdown below."""

    version: str
    when: str
    text: str

    @property
    def date(self) -> str | None:
        """YYYY-MM-DD, None where it is not released."""
        return self.when if _DATE.match(self.when) else None


def sections(root: Path) -> list[Section]:
    """All versions, in the order of the file.

    Raises:
        PackageError: there are none.
    """
    heads: list[tuple[str, str]] = []
    bodies: list[list[str]] = []
    for line in (root / "CHANGELOG.md").read_text(encoding="utf-8").splitlines():
        head = _HEAD.match(line)
        if head:
            heads.append((head.group(1), (head.group(2) or "").strip()))
            bodies.append([])
        elif bodies:
            bodies[-1].append(line)
    if not heads:
        raise PackageError("CHANGELOG.md has no section (## [VERSION] - DATE)")
    return [Section(name, when, "\n".join(body).strip()) for (name, when), body in zip(heads, bodies)]


def section(root: Path, version: str) -> Section | None:
    """What changed in a version; None where nobody wrote it down."""
    return next((found for found in sections(root) if found.version == version), None)


def plain(text: str) -> str:
    """A Markdown text as words only: no marks, no parentheses, single spaces."""
    text = re.sub(r"[*`]|^\s*- ", "", text, flags=re.MULTILINE)
    text = re.sub(r"\s*\([^()]*\)", "", text)
    return re.sub(r"\s+", " ", text).strip()
