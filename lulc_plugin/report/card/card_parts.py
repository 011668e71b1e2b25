# SPDX-License-Identifier: GPL-3.0-or-later
"""What the card of a network consists of, before it is HTML."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Union

from ..document import Figure, Table
from .world_map import WorldMap


@dataclass(frozen=True)
class Listing:
    """A list of sentences."""

    items: tuple[str, ...]


@dataclass(frozen=True)
class Code:
    """Lines to copy."""

    title: str
    text: str


Part = Union[Table, WorldMap, Listing, Code]


@dataclass(frozen=True)
class CardSection:
    """A heading with sentences and parts below it."""

    id: str
    title: str
    sentences: tuple[str, ...] = ()
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True)
class ModelCard:
    """A whole card."""

    title: str
    about: tuple[tuple[str, str], ...]
    lead: str
    figures: tuple[Figure, ...]
    warnings: tuple[str, ...]
    sections: tuple[CardSection, ...]
