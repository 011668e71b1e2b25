# SPDX-License-Identifier: GPL-3.0-or-later
"""The model card: what a network expects, how good it is, where it comes from."""

from .card_page import write_card

__all__ = [
    "write_card",
]
