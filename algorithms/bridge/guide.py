# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the guide tells of each algorithm: HTML pages in the plugin folder, so that no network is needed."""

from __future__ import annotations

from pathlib import Path

from qgis.PyQt.QtCore import QUrl

DOCS = Path(__file__).resolve().parents[2] / "docs"
#: Page that lists all algorithms, and the one an unlisted algorithm leads to.
CONTENTS = "index.html"
#: Algorithm → page; on it, the section's anchor is the algorithm's name.
PAGES = {
    "classifylandcover": "classify-land-cover.html",
    "checklayer": "classify-land-cover.html",
    "accuracyreport": "accuracy.html",
    "samplepoints": "accuracy.html",
    "comparemaps": "accuracy.html",
    "describemodel": "foreign-models.html",
    "importmodel": "models.html",
    "modelinformation": "models.html",
    "loadsample": "first-map.html",
    "checkinstallation": "installation.html",
    "installdependencies": "installation.html",
}


def address(algorithm: str) -> str:
    """What the button Help opens for the algorithm with this name, as a file:// address."""
    url = QUrl.fromLocalFile(str(DOCS / PAGES.get(algorithm, CONTENTS)))
    url.setFragment(algorithm)
    return bytes(url.toEncoded()).decode("ascii")
