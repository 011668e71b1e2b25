# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings: what a check of a layer, a model or an installation says, one thing at a time, with a level.

Code that has to know what was found asks for the id of a finding; title, text and remedy are for people. Ids never
change, because scripts may look for them in the JSON of a check. The part before the first dot is the topic.

Ids of a layer check have their titles in `TITLES`. Ids of an installation check are `host.version`, `packages.*`,
`gdal.*`, `devices.*`, `networks.*` and `folders.*`; their titles are names of packages, devices, networks and folders.

Standard library only: an installation is checked where packages are missing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from .errors import CancelledError, LulcError

PASS, NOTE, WARNING, ERROR = "pass", "note", "warning", "error"
#: All levels, the worst first.
LEVELS = (ERROR, WARNING, NOTE, PASS)
#: Level → word in a report.
WORDS: Mapping[str, str] = {PASS: "PASS", NOTE: "INFO", WARNING: "WARN", ERROR: "FAIL"}
#: The same in the check of an installation.
INSTALLATION_WORDS: Mapping[str, str] = {**WORDS, PASS: "OK"}

#: Id → title of everything that is looked at before a layer is classified.
TITLES: Mapping[str, str] = {
    "installation.packages": "Installation",
    "layer.open": "Layer",
    "layer.crs": "Coordinate system",
    "layer.settings": "Settings of the layer",
    "layer.map": "A map as image",
    "layer.confidence": "Confidence of a map",
    "layer.empty": "Pixels without data",
    "layer.rim": "Black rim",
    "layer.unmarked": "Unmarked empty pixels",
    "layer.partial": "Pixels empty in some bands",
    "layer.constant": "Bands of one value",
    "extent.place": "Extent",
    "extent.empty": "Pixels without data in the extent",
    "extent.rim": "Black rim in the extent",
    "extent.unmarked": "Unmarked empty pixels in the extent",
    "extent.partial": "Pixels empty in some bands in the extent",
    "model.choice": "Model and bands",
    "model.description": "Description of the model",
    "model.network": "Network",
    "bands.match": "Bands",
    "bands.order": "Order of bands",
    "bands.alpha": "Alpha band",
    "bands.equal": "Equal bands",
    "bands.absent": "Absent bands",
    "pixels.size": "Pixel size",
    "windows.size": "Windows",
    "windows.smoothing": "Smoothing",
    "values.kind": "Values",
    "values.offset": "Offset of the stored numbers",
    "values.range": "Range of values",
    "values.scale": "Scale of the stored numbers",
    "values.negative": "Numbers below zero",
    "values.colours": "Different colours",
}


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        id: what was looked at, for programs: lower-case words with dots or hyphens.
        level: `pass`, `note` (not checked, or for information), `warning` (suspicious) or `error` (impossible).
        title: what was looked at, two or three words.
        text: what was found, with the numbers.
        remedy: what the user can do; empty when nothing needs doing.
    """

    id: str
    level: str
    title: str
    text: str
    remedy: str = ""

    @property
    def topic(self) -> str:
        """The part of the id before the first dot."""
        return self.id.partition(".")[0]

    @property
    def message(self) -> str:
        """Text and remedy."""
        return f"{self.text} {self.remedy}".strip()

    def line(self, words: Mapping[str, str] = WORDS) -> str:
        """The finding on one line of a log: `WARN  Order of bands: … remedy`; `words` names the levels."""
        line = f"{words[self.level]:4s}  {self.title}: {self.message}"
        # halves of characters, as paths of another encoding have them, cannot be shown by QGIS
        return line.encode("utf-8", "replace").decode("utf-8")

    def to_json(self) -> dict[str, str]:
        """Plain object."""
        return {"id": self.id, "level": self.level, "title": self.title, "text": self.text, "remedy": self.remedy}


def count(findings: Sequence[Finding], level: str) -> int:
    """How many findings are of a level."""
    return sum(finding.level == level for finding in findings)


class Refused(Exception):
    """Nothing more can be looked at; the last finding says why."""


class Findings:
    """Findings as they are made, and the decisions that a run logs.

    Attributes:
        errors: the error of each finding of the level `error`, to be raised by a run.
        decisions: lines for the log of a run; no findings.
    """

    def __init__(self) -> None:
        self.errors: list[LulcError] = []
        self.decisions: list[str] = []
        self._findings: list[Finding] = []

    def __iter__(self) -> Iterator[Finding]:
        """All findings in the order in which they were made."""
        return iter(self._findings)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Text and remedy of everything suspicious."""
        return tuple(finding.message for finding in self._findings if finding.level == WARNING)

    def passed(self, id: str, text: str) -> None:
        """Something is in order; shown in reports, not in the log of a run."""
        self._add(id, PASS, text)

    def note(self, id: str, text: str) -> None:
        """Something could not be checked, or is worth knowing in a report."""
        self._add(id, NOTE, text)

    def warn(self, id: str, text: str, remedy: str = "") -> None:
        """Something is suspicious."""
        self._add(id, WARNING, text, remedy)

    def refuse(self, id: str, error: LulcError) -> None:
        """Something makes the job impossible."""
        self.errors.append(error)
        self._add(id, ERROR, error.problem, error.remedy)

    def log(self, text: str) -> None:
        """A decision, for the log of a run."""
        self.decisions.append(text)

    @contextmanager
    def refusing(self, id: str) -> Iterator[None]:
        """A block whose error is the finding `id`, after which nothing more can be looked at.

        Raises:
            Refused: there was an error.
            CancelledError: the user stopped.
        """
        try:
            yield
        except CancelledError:
            raise
        except LulcError as error:
            self.refuse(id, error)
            raise Refused from error

    def _add(self, id: str, level: str, text: str, remedy: str = "") -> None:
        self._findings.append(Finding(id, level, TITLES[id], text, remedy))
