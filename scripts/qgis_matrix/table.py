# SPDX-License-Identifier: GPL-3.0-or-later
"""What came of a run of tests, and the table of all of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

VERSIONS = ("QGIS", "Qt", "Python", "numpy", "GDAL", "rasterio", "onnxruntime")
TESTS = {"qgis": "in QGIS", "engine": "engine"}
SUMS = re.compile(r"^(\d+) passed, (\d+) failed, (\d+) skipped$", re.MULTILINE)
PLACE = re.compile(r"(<!-- matrix: .*?-->\n).*?(<!-- end of matrix -->)", re.DOTALL)  #: in README.md
BAD = re.compile(r"^(?:FAILED|ERROR) .*$", re.MULTILINE)


@dataclass(frozen=True)
class Outcome:
    """One run of tests in one generation, or the reason why there was none."""

    generation: str
    part: str
    versions: dict[str, str | None] = field(default_factory=dict)
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0.0
    not_available: str = ""
    bad: tuple[str, ...] = ()  #: pytest's lines about what failed

    @property
    def green(self) -> bool:
        """Whether tests ran and all that ran passed."""
        return not self.not_available and self.passed > 0 and self.failed == 0


def read(output: str) -> tuple[int, int, int, tuple[str, ...]]:
    """Passed, failed, skipped and the failures, from what scripts/test.sh printed; no sums count as one failure."""
    sums = SUMS.findall(output)
    bad = tuple(BAD.findall(output))
    if not sums:
        return 0, 1, 0, (*bad, "the tests ended without a summary")
    passed, failed, skipped = map(int, sums[-1])
    return passed, failed, skipped, bad


def markdown(outcomes: Sequence[Outcome]) -> str:
    """The table."""
    head = ("generation", "tests", *VERSIONS, "passed", "failed", "skipped", "seconds")
    rows = [head, tuple("---" for _ in head)]
    for outcome in outcomes:
        start = (outcome.generation, TESTS[outcome.part])
        if outcome.not_available:
            rows.append((*start, f"not available: {outcome.not_available}", *[""] * (len(head) - 3)))
            continue
        versions = (outcome.versions.get(name) or "–" for name in VERSIONS)
        numbers = (outcome.passed, outcome.failed, outcome.skipped, round(outcome.seconds))
        rows.append((*start, *versions, *map(str, numbers)))
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def into_readme(text: str, date: str, table: str) -> str:
    """README.md with this table in its place.

    Raises:
        ValueError: The place is not marked.
    """
    new, count = PLACE.subn(lambda found: f"{found[1]}Measured on {date}:\n\n{table}\n{found[2]}", text)
    if count != 1:
        raise ValueError("README.md has no single place for the table: <!-- matrix: … --> to <!-- end of matrix -->")
    return new
