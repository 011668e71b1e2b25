# SPDX-License-Identifier: GPL-3.0-or-later
"""What a check found."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

OK, WARN, FAIL = "OK", "WARN", "FAIL"
LEVELS = (OK, WARN, FAIL)


@dataclass(frozen=True)
class Finding:
    """One line of the report.

    Attributes:
        group: heading under which it stands.
        title: what was looked at.
        level: `OK`, `WARN` (works, with a drawback) or `FAIL` (something cannot be done).
        detail: what was found: versions, places, numbers.
        remedy: what to do; given whenever the level is not `OK`.
    """

    group: str
    title: str
    level: str
    detail: str
    remedy: str = ""

    @property
    def line(self) -> str:
        """The finding on one line of a log."""
        remedy = f" {self.remedy}" if self.remedy else ""
        return _whole(f"{self.level:4s}  {self.title}: {self.detail}{remedy}")


def count(findings: Sequence[Finding], level: str) -> int:
    """How many findings are of a level."""
    return sum(finding.level == level for finding in findings)


def verdict(findings: Sequence[Finding]) -> str:
    """The whole report in one sentence."""
    failed, warned = count(findings, FAIL), count(findings, WARN)
    if not failed and not warned:
        return "Everything is in order."
    parts = []
    if failed:
        parts.append("1 check failed" if failed == 1 else f"{failed} checks failed")
    if warned:
        parts.append("1 gives a warning" if warned == 1 else f"{warned} give a warning")
    return f"{' and '.join(parts)}; each line says what to do."


def json_text(findings: Sequence[Finding]) -> str:
    """The report as JSON: the verdict, how many of each level, and all findings in their order."""
    report = {
        "verdict": verdict(findings),
        "count": {level: count(findings, level) for level in LEVELS},
        "findings": [asdict(finding) for finding in findings],
    }
    return _whole(json.dumps(report, ensure_ascii=False))


def _whole(text: str) -> str:
    """`text` without halves of characters, as paths of another encoding have them; QGIS takes none."""
    return text.encode("utf-8", "replace").decode("utf-8")
