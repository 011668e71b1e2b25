# SPDX-License-Identifier: GPL-3.0-or-later
"""The tab "Land Cover Classifier" of QGIS's log messages: what can be read after a dialog is closed.

A run's warnings and errors go there, and how it ended. May be called from any thread: QGIS hands the message to its
main thread. QGIS shows it as HTML, and names of layers, classes and files come from strangers: see `without_markup`.
"""

from __future__ import annotations

import traceback

from qgis.core import Qgis, QgsMessageLog

#: Name of the tab; not translated, so that instructions can name it.
TAB = "Land Cover Classifier"
_NO_MARKUP = str.maketrans({"<": "‹", ">": "›"})


def without_markup(text: str) -> str:
    """`text` as it can be shown where QGIS or Qt may take it for HTML, and read where they do not.

    An image in such a text would be read from any place, on Windows also from another computer.
    """
    return text.translate(_NO_MARKUP)


def tell(text: str) -> None:
    """A line of information."""
    QgsMessageLog.logMessage(without_markup(text), TAB, Qgis.MessageLevel.Info, False)


def warn(text: str) -> None:
    """A warning; QGIS does not point at it, since the dialog has shown it."""
    QgsMessageLog.logMessage(without_markup(text), TAB, Qgis.MessageLevel.Warning, False)


def fail(text: str) -> None:
    """An error."""
    QgsMessageLog.logMessage(without_markup(text), TAB, Qgis.MessageLevel.Critical, False)


def fail_with_bug(title: str, error: BaseException) -> None:
    """An error of this program, with all that a report needs."""
    lines = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    fail(f"{title}: {lines.rstrip()}")


def point_at(text: str) -> None:
    """A warning that nobody has seen yet: QGIS points at the tab."""
    QgsMessageLog.logMessage(without_markup(text), TAB, Qgis.MessageLevel.Warning, True)
