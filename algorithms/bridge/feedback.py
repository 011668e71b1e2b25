# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine's progress, shown in QGIS's dialog and message log."""

from __future__ import annotations

from qgis.core import QgsProcessingFeedback

from ...lulc_plugin.options import QGIS
from ...lulc_plugin.progress import Progress
from . import messagelog


class FeedbackProgress(Progress):
    """Progress over a `QgsProcessingFeedback`; the engine's threads may call it (the base class has the lock).

    Warnings also go to the message log, each once a run.

    Args:
        feedback: of the run.
        title: of the algorithm, before each line in the message log.
    """

    door = QGIS

    def __init__(self, feedback: QgsProcessingFeedback, title: str) -> None:
        super().__init__()
        self._feedback = feedback
        self._title = title
        self._logged: set[str] = set()

    @property
    def cancelled(self) -> bool:
        """True once the user pressed Cancel."""
        return self._feedback.isCanceled()

    def _show_percent(self, percent: float) -> None:
        self._feedback.setProgress(percent)

    def _show_log(self, text: str) -> None:
        self._feedback.pushInfo(text)

    def _show_warning(self, text: str) -> None:
        self._feedback.pushWarning(text)
        if text not in self._logged:
            self._logged.add(text)
            messagelog.warn(f"{self._title}: {text}")
