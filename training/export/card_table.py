# SPDX-License-Identifier: GPL-3.0-or-later
"""The table [card] of a recipe: what people should read about a network and no measurement tells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lulc_plugin.errors import LulcError

from ..networks.registry import title_of
from ..recipe import Recipe


@dataclass(frozen=True)
class CardTable:
    """What a recipe says about its network.

    Attributes:
        title: one line for people.
        architecture: how people call it.
        gsd: nominal pixel size in metres, 0 if unknown.
        gsd_range: smallest and largest pixel size that it was made for; empty if unknown.
        description: some sentences.
        imagery: which images it is for, in a table: "Sentinel-2, Landsat or HLS, reflectance".
        needs: further sentences on what it expects.
        sensors: names of sensors.
        constellation: STAC's word, where the network is for one only.
        license: SPDX identifier of the weights.
        limits: sentences on what it cannot do. `{iou Water SET}` becomes a number from the scores; so do users,
            producers, f1 with a class, and oa, kappa, miou with a set alone.
        notes: sentences on how it was made.
        auto: whether it may be taken without being named.
    """

    title: str
    architecture: str
    gsd: float = 0.0
    gsd_range: tuple[float, ...] = ()
    description: str = ""
    imagery: str = ""
    needs: tuple[str, ...] = ()
    sensors: tuple[str, ...] = ()
    constellation: str = ""
    license: str = "CC-BY-4.0"
    limits: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    auto: bool = True


def of(recipe: Recipe) -> CardTable:
    """The table of a recipe, with sober words for what it leaves out.

    Raises:
        LulcError: an unknown key, a value of another kind, or pixel sizes that make no sense.
    """
    table = dict(recipe.card)
    known = CardTable.__dataclass_fields__
    for key in table:
        if key not in known:
            raise LulcError(f"[card] has no {key!r}; it has {', '.join(known)}.")
    for key in ("gsd_range", "needs", "sensors", "limits", "notes"):
        if key in table:
            table[key] = _as_tuple(key, table[key])
    for key in ("title", "architecture", "description", "imagery", "constellation", "license"):
        if not isinstance(table.get(key, ""), str):
            raise LulcError(f"[card] {key} is {table[key]!r}.", "Write a text in quotes.")
    if not isinstance(table.get("auto", True), bool):
        raise LulcError(f"[card] auto is {table['auto']!r}.", "Write true or false.")
    sizes = [table.get("gsd", 0.0), *table.get("gsd_range", ())]
    if not all(isinstance(s, (int, float)) and not isinstance(s, bool) and 0 <= s < 1e5 for s in sizes):
        raise LulcError(f"[card] pixel sizes are {sizes}; they are metres, gsd and two for gsd_range.")
    limits = table.get("gsd_range", ())
    if limits and not (len(limits) == 2 and 0 < limits[0] <= limits[1]):
        raise LulcError(f"[card] gsd_range is {list(limits)}.", "Give the smallest and the largest, in metres.")
    table.setdefault("architecture", _architecture(recipe.network))
    table.setdefault("title", _title(recipe, limits))
    return CardTable(**table)


def _as_tuple(key: str, value: Any) -> tuple[Any, ...]:
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise LulcError(f"[card] {key} is {value!r}.", "Write a list in brackets.")
    return tuple(value)


def _architecture(network: Mapping[str, Any]) -> str:
    name = title_of(str(network["architecture"]))
    return f"{name}, {network['encoder']}" if network.get("encoder") else name


def _title(recipe: Recipe, sizes: Sequence[float]) -> str:
    bands = ", ".join(band.description.lower() for band in recipe.inputs.bands)
    size = f" ({sizes[0]:g} to {sizes[1]:g} m)" if sizes else ""
    return f"Land cover, {len(recipe.legend.classes)} classes, from {bands}{size}"
