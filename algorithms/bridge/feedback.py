# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine's progress, shown in QGIS's dialog and message log."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from qgis.core import QgsProcessingFeedback

from ...lulc_plugin.options import QGIS
from ...lulc_plugin.progress import Progress
from . import messagelog


class FeedbackProgress(Progress):
    """Progress over a `QgsProcessingFeedback`; the engine's threads may call it (the base class has the lock).

    Warnings also go to the message log, each once a run.

    Args:
        feedback: of the run.
        title: of the algorithm and its layer, before each line in the message log.
    """

    door = QGIS

    def __init__(self, feedback: QgsProcessingFeedback, title: str) -> None:
        super().__init__()
        self._feedback = feedback
        self._title = title
        self._logged: set[str] = set()
        self._held: list[str] | None = None

    @property
    def cancelled(self) -> bool:
        """True once the user pressed Cancel."""
        return self._feedback.isCanceled()

    def _show_percent(self, percent: float) -> None:
        self._feedback.setProgress(percent)

    @contextmanager
    def details_after(self) -> Iterator[None]:
        """Keep log lines back until the end: what the result is stands before how it came about. Warnings come at once.

        Where the work fails, the details come before the error.
        """
        self._held = []
        try:
            yield
        finally:
            held, self._held = self._held, None
            for text in held:
                self.log(text)

    def headline(self, text: str) -> None:
        """A line before the details that are kept back."""
        self._feedback.pushInfo(text)

    def table(self, head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Columns under each other, also where QGIS shows the log as HTML: the first is text, the rest are numbers."""
        lines = [head, *rows]
        widths = [max(map(len, column)) for column in zip(*lines)]
        for first, *others in lines:
            cells = (first.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(others, widths[1:])))
            # HTML joins blanks but those that hold words together
            self._feedback.pushConsoleInfo("  ".join(cells).rstrip().replace(" ", "\N{NO-BREAK SPACE}"))

    def _show_log(self, text: str) -> None:
        if self._held is None:
            self._feedback.pushInfo(text)
        else:
            self._held.append(text)

    def _show_warning(self, text: str) -> None:
        self._feedback.pushWarning(text)
        if text not in self._logged:
            self._logged.add(text)
            messagelog.warn(f"{self._title}: {text}")
