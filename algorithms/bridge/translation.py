# SPDX-License-Identifier: GPL-3.0-or-later
"""Translates texts into the user's language."""

from __future__ import annotations

from qgis.PyQt.QtCore import QCoreApplication

CONTEXT = "LandCoverClassifier"


def tr(text: str) -> str:
    """`text` in QGIS's language, or as it is where no translation is known."""
    return QCoreApplication.translate(CONTEXT, text)
