# SPDX-License-Identifier: GPL-3.0-or-later
"""What speaks for and against a job: findings with a level, collected while a plan is made."""

from __future__ import annotations

from dataclasses import dataclass

from .errors import LulcError

PASS, NOTE, WARNING, ERROR = "pass", "note", "warning", "error"
#: Level → word in a report.
WORDS = {PASS: "PASS", NOTE: "INFO", WARNING: "WARN", ERROR: "FAIL"}


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        level: `pass`, `note` (could not be checked, or is told only), `warning` (suspicious) or `error` (impossible).
        title: what was looked at, two or three words.
        text: what was found, with the numbers.
        remedy: what the user can do; empty when nothing needs doing.
    """

    level: str
    title: str
    text: str
    remedy: str = ""

    @property
    def line(self) -> str:
        """`WARN  Band order: … remedy`."""
        return f"{WORDS[self.level]}  {self.title}: {f'{self.text} {self.remedy}'.strip()}"

    def to_json(self) -> dict[str, str]:
        """Plain object."""
        return {"level": self.level, "title": self.title, "text": self.text, "remedy": self.remedy}


class Findings:
    """Errors, warnings and notes as they turn up, and all of them as findings.

    Attributes:
        stage: what is being looked at; the title of an error that ends the looking.
        model: name of the network, once it is known.
    """

    def __init__(self) -> None:
        self.errors: list[LulcError] = []
        self.warnings: list[str] = []
        self.notes: list[str] = []
        self.stage = "Layer"
        self.model = ""
        self._findings: list[Finding] = []

    def passed(self, title: str, text: str) -> None:
        """Something is in order; told in reports, not in the log of a run."""
        self._findings.append(Finding(PASS, title, text))

    def tell(self, title: str, text: str) -> None:
        """Something could not be checked, or is worth knowing in a report."""
        self._findings.append(Finding(NOTE, title, text))

    def note(self, text: str) -> None:
        """A decision, for the log of a run."""
        self.notes.append(text)

    def warn(self, title: str, text: str, remedy: str = "") -> None:
        """Something is suspicious."""
        self.warnings.append(f"{text} {remedy}".strip())
        self._findings.append(Finding(WARNING, title, text, remedy))

    def refuse(self, title: str, error: LulcError) -> None:
        """Something makes the job impossible."""
        self.errors.append(error)
        self._findings.append(Finding(ERROR, title, error.problem, error.remedy))

    def all(self) -> tuple[Finding, ...]:
        """Every finding in the order in which it was made."""
        told = {f"{f.text} {f.remedy}".strip() for f in self._findings}
        rest = [Finding(WARNING, "Layer and model", text) for text in self.warnings if text not in told]
        rest += [Finding(ERROR, "Job", e.problem, e.remedy) for e in self.errors if str(e) not in told]
        return (*self._findings, *rest)
