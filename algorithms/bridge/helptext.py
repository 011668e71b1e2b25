# SPDX-License-Identifier: GPL-3.0-or-later
"""The help of an algorithm, put together from parts that every algorithm has."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Union

from .translation import tr

#: A paragraph, or a name and what is to be said about it.
Paragraph = Union[str, tuple[str, str]]


@dataclass(frozen=True)
class HelpText:
    """The parts of a help page, in plain text.

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
                f"<p><code>{_text(self.example[1])}</code></p>",
                _heading(tr("Limits")),
                *map(_paragraph, self.limits),
            ]
        )


def _paragraph(paragraph: Paragraph) -> str:
    if isinstance(paragraph, str):
        return f"<p>{_text(paragraph)}</p>"
    name, said = paragraph
    return f"<p><b>{_text(name)}</b>: {_text(said)}</p>"


def _heading(text: str) -> str:
    return f"<h3>{_text(text)}</h3>"


def _text(text: str) -> str:
    return escape(text, quote=False)
