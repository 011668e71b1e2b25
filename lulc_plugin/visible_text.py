# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts of strangers, as they can be shown: nothing in them hides or turns what stands beside it, or moves a cursor."""

from __future__ import annotations

import re

#: Characters that nobody sees but that change how a text looks, or what a terminal does: controls, directions (Unicode
#: TR 36), separators, tags. The joiners U+200C and U+200D stay, Persian and Hindi need them. Compiled when first used.
_UNSEEN = (
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f]"
)


def visible_text(text: str) -> str:
    """`text` with U+FFFD for each character that is not seen but changes how the rest is shown."""
    return re.sub(_UNSEEN, "\ufffd", text)
