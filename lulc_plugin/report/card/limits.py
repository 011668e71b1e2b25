# SPDX-License-Identifier: GPL-3.0-or-later
"""The known limits of a network, from the card (NAME.md) that its makers put beside it. Plain text, untrusted."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

_LARGEST = 400_000
_MOST_ITEMS = 40
_LONGEST = 1500
_HEADING = re.compile(r"(#{1,4})\s+(.*?)\s*#*\Z")
_LIMITS = re.compile(r"limit|cannot|can't|caveat|not (?:to be )?used? for|out of scope|known (?:problem|issue)", re.I)
_BULLET = re.compile(r"\s{0,3}(?:[-*+]|\d{1,2}[.)])\s+")
_MARKS = re.compile(r"\*\*|__|`")
_LINK = re.compile(r"\[([^\]\[]{1,300})\]\([^()\s]{1,500}\)")


def known_limits(card: Path) -> tuple[str, ...]:
    """Paragraphs and list items of the card's section on limits; none where there is no card or no such section."""
    try:
        if card.stat().st_size > _LARGEST:
            return ()
        text = card.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ()
    return tuple(_items(_section(text.splitlines())))[:_MOST_ITEMS]


def _section(lines: Iterable[str]) -> list[str]:
    """Lines of the first section whose heading speaks of limits, without its sub-headings."""
    found: list[str] = []
    depth = 0
    for line in lines:
        heading = _HEADING.match(line[:_LONGEST])
        if heading and depth and len(heading.group(1)) <= depth:
            break
        if heading and not depth and _LIMITS.search(heading.group(2)):
            depth = len(heading.group(1))
        elif depth:
            found.append("" if heading else line[: 4 * _LONGEST])
    return found


def _items(lines: Iterable[str]) -> Iterable[str]:
    """Paragraphs and list items, each on one line; tables are left out."""
    item: list[str] = []
    for line in [*lines, ""]:
        bullet = _BULLET.match(line)
        if (not line.strip() or bullet) and item:
            yield _plain(" ".join(item))
            item = []
        if line.strip() and not line.lstrip().startswith("|"):
            item.append(line[bullet.end() :].strip() if bullet else line.strip())


def _plain(text: str) -> str:
    text = _MARKS.sub("", _LINK.sub(r"\1", text))
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
