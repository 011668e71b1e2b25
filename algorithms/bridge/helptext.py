# SPDX-License-Identifier: GPL-3.0-or-later
"""The help of an algorithm, put together from parts that every algorithm has."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from .translation import tr


@dataclass(frozen=True)
class HelpText:
    """The parts of a help page, plain text; a list of paragraphs each.

    Attributes:
        does: what the algorithm does.
        needs: what it needs from the user.
        returns: what comes out.
        example: one line that runs in a shell, and what it shows.
        limits: what it cannot do.
    """

    does: tuple[str, ...]
    needs: tuple[str, ...]
    returns: tuple[str, ...]
    example: tuple[str, ...]
    limits: tuple[str, ...]

    def html(self) -> str:
        """The page as QGIS shows it beside the dialog."""
        parts = (
            ("", self.does),
            (tr("What it needs"), self.needs),
            (tr("What comes out"), self.returns),
            (tr("Example"), self.example),
            (tr("Limits"), self.limits),
        )
        lines = []
        for heading, paragraphs in parts:
            if heading:
                lines.append(f"<h3>{escape(heading)}</h3>")
            lines.extend(f"<p>{escape(paragraph, quote=False)}</p>" for paragraph in paragraphs)
        return "\n".join(lines)
