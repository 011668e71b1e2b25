# SPDX-License-Identifier: GPL-3.0-or-later
"""The model card: what a network expects, how good it is, what it cannot do, where it comes from."""

from .card import markdown_card, write_card
from .pages import inline, markdown_table

__all__ = [
    "inline",
    "markdown_card",
    "markdown_table",
    "write_card",
]
