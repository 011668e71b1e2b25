# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a network was trained: a map of the places, the data with licences and credits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...model import ModelSpec
from ..document import Column, Row, Table
from ..plain_values import plain_text
from .card_parts import CardSection, Part
from .world_map import LonLat, world_map

_MOST_PLACES = 5_000
_MOST_SETS = 100


def training(spec: ModelSpec) -> CardSection:
    """The section of the card."""
    sentences: list[str] = []
    parts: list[Part] = []
    places, unknown = training_places(spec)
    if places:
        caption = "Each dot is a place whose images the network was trained on."
        if unknown:
            caption += f" Not shown, because nobody says where the images lie: {'; '.join(map(plain_text, unknown))}."
        parts.append(world_map("places", "Training places", caption, places))
    else:
        sentences.append("The description does not say where the training images lie.")
    sets = spec.training.sets
    if sets:
        columns = (
            Column("license", "Licence", "text"),
            Column("citation", "Credit", "text"),
            Column("images", "Images", "count", optional=True),
            Column("pixels", "Pixels", "count", optional=True),
        )
        rows = tuple(
            Row(
                plain_text(s.name),
                (plain_text(s.license), plain_text(" ".join((s.citation, s.url))), s.images or None, s.pixels or None),
            )
            for s in sets
        )
        table = Table("training_data", "Training data and credits", "", "Data", columns, rows)
        parts.append(table.without_empty_columns())
    else:
        sentences.append("The description does not name the training data.")
    if spec.training.pretrained_source:
        sentences.append(f"Starting weights: {plain_text(spec.training.pretrained_source)}.")
    return CardSection("training", "Where it was trained", tuple(sentences), tuple(parts))


def training_places(spec: ModelSpec) -> tuple[tuple[LonLat, ...], tuple[str, ...]]:
    """Longitude and latitude of the training places that the description names, and the sets without any."""
    found: list[LonLat] = []
    unknown: list[str] = []
    sets = spec.extra.get("lulc:training_places")
    for entry in sets[:_MOST_SETS] if isinstance(sets, list) else []:
        if not isinstance(entry, Mapping):
            continue
        places = entry.get("places")
        of_set = [p for p in places if _is_place(p)] if isinstance(places, list) else []
        if of_set:
            found += [(float(lon), float(lat)) for lon, lat in of_set]
        else:
            unknown.append(str(entry.get("set") or "a set without a name")[:300])
    return tuple(found[:_MOST_PLACES]), tuple(unknown)


def _is_place(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and len(value) == 2 and all(map(_is_degree, value))


def _is_degree(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and -180 <= value <= 180
