# SPDX-License-Identifier: GPL-3.0-or-later
"""Colours for classes that bring none."""

from __future__ import annotations

import re

GREY = "#B4B4B4"
_BACKGROUND = re.compile(r"_?background|not[_ ].*", re.IGNORECASE)


def spare_colour(index: int, name: str = "") -> str:
    """A colour for class number `index`: hues a golden angle apart; grey for what is called background or not_…."""
    if _BACKGROUND.fullmatch(name.strip()):
        return GREY
    hue = (index * 0.6180339887) % 1.0
    parts = [abs((hue * 6 + k) % 6 - 3) - 1 for k in (0, 4, 2)]
    return "#" + "".join(f"{int(60 + 160 * min(1, max(0, p))):02X}" for p in parts)
