# SPDX-License-Identifier: GPL-3.0-or-later
"""Colours of the heat map: a few steps of two hues, in light and dark, on which the numbers stay readable."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

#: Steps from 1 (faint) to this; 0 is no colour.
STEPS = 8


@dataclass(frozen=True)
class Palette:
    """Colours of one scheme: background of the page, text, and the strongest step of agreement and of error."""

    page: str
    text: str
    agreement: str
    error: str

    def step(self, kind: str, step: int) -> str:
        """#rrggbb of a step; mixed from the page's colour so that step 0 is the page."""
        share = 0.0 if step == 0 else 0.08 + 0.92 * step / STEPS
        end = self.agreement if kind == "agreement" else self.error
        mixed = (round(a + (b - a) * share) for a, b in zip(_channels(self.page), _channels(end)))
        return "#" + "".join(f"{c:02x}" for c in mixed)


LIGHT = Palette(page="#ffffff", text="#14181b", agreement="#7fc4b6", error="#f0a987")
DARK = Palette(page="#14181b", text="#f1f4f3", agreement="#1f6e62", error="#8b4a2a")


def step_of(share: float) -> int:
    """The step for what a cell is of its row; the root lets small confusions be seen."""
    if share <= 0:
        return 0
    return max(1, min(STEPS, math.ceil(STEPS * math.sqrt(share))))


def style_rules(palette: Palette, prefix: str = "") -> str:
    """CSS rules `.agreement3 {…}` of every step."""
    return "\n".join(
        f"{prefix}td.{kind}{step} {{ background-color: {palette.step(kind, step)}; color: {palette.text}; }}"
        for kind in ("agreement", "error")
        for step in range(1, STEPS + 1)
    )


def contrast(first: str, second: str) -> float:
    """Contrast ratio of two #rrggbb colours, 1 to 21 (WCAG 2.1, definition of contrast ratio)."""
    lighter, darker = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _channels(colour: str) -> Sequence[int]:
    return tuple(int(colour[i : i + 2], 16) for i in (1, 3, 5))


def _luminance(colour: str) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (v / 255 for v in _channels(colour))]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
