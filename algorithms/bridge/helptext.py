# SPDX-License-Identifier: GPL-3.0-or-later
"""The help of an algorithm: the text beside its dialog, in parts that all have, and its page of the guide."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Union

from qgis.PyQt.QtCore import QUrl

from .translation import tr

#: The guide: HTML pages in the plugin folder, so that no network is needed.
DOCS = Path(__file__).resolve().parents[2] / "docs"
#: Its page that lists all algorithms.
CONTENTS = "index.html"

#: A paragraph, or a name and its explanation.
Paragraph = Union[str, tuple[str, str]]


@dataclass(frozen=True)
class HelpText:
    """The parts of a help page, in plain English text; `html` translates them.

    Attributes:
        does: what the algorithm does.
        needs: what it needs from the user.
        returns: what comes out.
        example: what an example shows, and one line for a shell that runs it.
        limits: what it cannot do.
    """

    does: tuple[Paragraph, ...]
    needs: tuple[Paragraph, ...]
    returns: tuple[Paragraph, ...]
    example: tuple[str, str]
    limits: tuple[Paragraph, ...]

    def html(self) -> str:
        """The page as QGIS shows it beside the dialog."""
        return "\n".join(
            [
                *map(_paragraph, self.does),
                _heading(tr("What it needs")),
                *map(_paragraph, self.needs),
                _heading(tr("What comes out")),
                *map(_paragraph, self.returns),
                _heading(tr("Example")),
                _paragraph(self.example[0]),
                f"<p><code>{escape(self.example[1], quote=False)}</code></p>",
                _heading(tr("Limits")),
                *map(_paragraph, self.limits),
            ]
        )


def _paragraph(paragraph: Paragraph) -> str:
    if isinstance(paragraph, str):
        return f"<p>{_text(paragraph)}</p>"
    name, text = paragraph
    return f"<p><b>{_text(name)}</b>: {_text(text)}</p>"


def _heading(text: str) -> str:
    return f"<h3>{escape(text, quote=False)}</h3>"


def _text(text: str) -> str:
    return escape(tr(text), quote=False)


def page_address(algorithm: str) -> str:
    """What the button Help opens, as a file:// address: the page that leads to an algorithm's section of the guide.

    The section itself cannot be named: on Linux many desktops open files without what follows a "#".
    """
    return bytes(QUrl.fromLocalFile(str(DOCS / f"{algorithm}.html")).toEncoded()).decode("ascii")
