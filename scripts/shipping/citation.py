# SPDX-License-Identifier: GPL-3.0-or-later
"""CITATION.cff (Citation File Format 1.2.0): the fields that a release decides.

Only plain `name: value` lines at the left edge are read, which is all that these fields need.
"""

from __future__ import annotations

import re
from pathlib import Path

_FIELD = re.compile(r"""([a-z-]+): *["']?(.*?)["']?\s*$""")
REQUIRED = ("cff-version", "message", "title", "version", "license", "type")


def fields(root: Path) -> dict[str, str]:
    """The single values of CITATION.cff."""
    lines = (root / "CITATION.cff").read_text(encoding="utf-8").splitlines()
    return {match.group(1): match.group(2) for match in map(_FIELD.match, lines) if match}


def objections(root: Path, version: str, date: str | None) -> list[str]:
    """What disagrees with the release of `version` on `date` (None while it is not released)."""
    said = fields(root)
    found = [f"CITATION.cff: {name} is missing" for name in REQUIRED if not said.get(name)]
    if said.get("cff-version", "1.2.0") != "1.2.0":
        found.append(f"CITATION.cff: cff-version is {said['cff-version']} instead of 1.2.0")
    if said.get("version", version) != version:
        found.append(f"CITATION.cff says version {said['version']}, metadata.txt says {version}")
    if said.get("date-released") != date:
        shown = said.get("date-released") or "no date-released"
        found.append(f"CITATION.cff says {shown}, CHANGELOG.md says {date or 'unreleased'}")
    return found
