# SPDX-License-Identifier: GPL-3.0-or-later
"""Colours of own classes: the usual one where the name tells it, so that the sea is not drawn yellow."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Sequence

#: Colours that colour-blind readers can tell apart (Okabe and Ito 2008, "Color Universal Design"; Tol 2021, "Colour
#: schemes", the scheme muted), the first eight the best.
PALETTE = (
    "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#F0E442", "#D55E00", "#56B4E9", "#333333", "#882255", "#DDCC77",
    "#117733", "#332288", "#AA4499", "#88CCEE", "#999933", "#DDDDDD",
)  # fmt: skip

#: Colours of the palette that readers of maps expect, the best first, and the words that tell it: beginnings of words
#: without accents, whole words where they have fewer than four letters; English, Spanish, Portuguese, French, German.
#: The first line that fits counts: "river sand" is sand, "bare field" is a field.
_USUAL = (
    (("#DDCC77", "#E69F00"), "sand beach shore dune playa areia praia arena plage sable strand"),
    (("#DDDDDD",), "snow ice glacier cloud nieve hielo nube neve gelo nuvem neige glace nuage schnee eis wolke"),
    (("#882255", "#CC79A7"), "mangrove mangue manglar wetland marsh swamp bog humedal pantan marais sumpf moor"),
    (("#0072B2", "#56B4E9", "#332288", "#88CCEE"),
     "water sea ocean river lake lagoon pond reservoir canal stream agua mar rio lago laguna lagoa embalse represa eau"
     " mer lac fleuve riviere etang wasser meer see fluss teich"),
    (("#D55E00", "#882255", "#AA4499", "#333333"),
     "built urban city town village settle house building road artificial impervious industr residential urbano ciudad"
     " cidade edific construi bati ville siedlung stadt gebaude"),
    (("#E69F00", "#DDCC77"),
     "crop field farm agric arable cultivat plough cultiv lavoura cultura champ acker"),
    (("#999933", "#F0E442"),
     "shrub scrub bush heath savanna matorral arbusto cerrado caatinga maquis busch"),
    (("#F0E442", "#999933"),
     "grass pasture meadow herb rangeland pasto pastizal pastagem grama prairie wiese weide"),
    (("#009E73", "#117733"),
     "forest tree wood broadleaf conifer vegetation bosque arbol floresta arvore mata foret arbre wald baum"),
    (("#DDCC77", "#333333"), "bare barren soil rock desert suelo roca solo rocha nu sol roche boden fels"),
)  # fmt: skip


def colours_of(names: Sequence[str], used: Collection[str] = ()) -> list[str]:
    """A colour of the palette for each name: the usual one where it is free, else the next; again when all are used.

    Args:
        names: of the classes.
        used: colours that other classes have already.
    """
    taken = set(used)
    found: list[str | None] = []
    for name in names:
        colour = next((colour for colour in _usual(name) if colour not in taken), None)
        found.append(colour)
        taken.update(() if colour is None else (colour,))
    free = [colour for colour in PALETTE if colour not in taken]
    others = iter(free + list(PALETTE) * len(names))
    return [next(others) if colour is None else colour for colour in found]


def _usual(name: str) -> tuple[str, ...]:
    bare = "".join(c for c in unicodedata.normalize("NFD", name.casefold()) if not unicodedata.combining(c))
    words = re.findall(r"[^\W\d_]+", bare)
    for colours, stems in _USUAL:
        for stem in stems.split():
            if any(word.startswith(stem) if len(stem) > 3 else word == stem for word in words):
                return colours
    return ()
