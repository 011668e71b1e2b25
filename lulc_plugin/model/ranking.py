# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of several networks is the better one, and why: held-out scores, number of bands, speed.

Plain numbers in, so that a dialog can put its list in order without loading anything heavy.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .. import bundled

#: Shares of the best mean IoU that differ by less are equal: held-out places are few.
_NOISE = 0.02
#: Characters of a title in a dialog's list.
_LONGEST_TITLE = 50
_VISIBLE = ("red", "green", "blue")


@dataclass(frozen=True)
class RankingFacts:
    """What a network is ranked by.

    Attributes:
        name: of the network.
        bands: how many bands it looks at.
        map_speed: million pixels of a large layer a second.
        scores: data set → mean IoU of its test split; empty for a network that was not tested.
    """

    name: str
    bands: int = 0
    map_speed: float = 0.0
    scores: Mapping[str, float] = field(default_factory=dict)


def map_speed(speed: float, size: int, margin: int) -> float:
    """Million pixels of a large layer a second: neighbouring windows share twice the margin, computed twice.

    Args:
        speed: million pixels a second in windows alone.
        size: height and width of a window in pixels.
        margin: pixels at each edge of a window that its neighbour knows better.
    """
    return speed * (max(0, size - 2 * margin) / size) ** 2


def ordered(standings: Sequence[RankingFacts]) -> list[int]:
    """Places in `standings`, best first.

    Networks that were tested on the same data form a family and are compared there: each held-out score counts as a
    share of the family's best on that data, because a plain mean would favour networks that were tested on easier data.
    Of those that are equal but for noise the one with more bands leads, then the one whose maps are faster. Of two
    families the one that looks at more of a layer leads; untested networks come last.
    """

    def leading(family: Sequence[int]) -> tuple[bool, int, float, str]:
        first = standings[family[0]]
        return not first.scores, -max(standings[i].bands for i in family), -first.map_speed, first.name

    families = sorted((_by_score(standings, family) for family in _families(standings)), key=leading)
    return [i for family in families for i in family]


def reason_for_rank(standings: Sequence[RankingFacts], behind: int, ahead: int) -> str:
    """Why `ordered` puts one network behind another, to follow "it fits too": `, but scores lower on …`.

    Args:
        standings: all networks that were put in order.
        behind: place in `standings` of the network that comes later.
        ahead: place of the one that comes before it.
    """
    later, first = standings[behind], standings[ahead]
    family = next(family for family in _families(standings) if ahead in family)
    if behind in family:
        shares = _shares(standings, family)
        return _why_in_family(later, first, shares[behind], shares[ahead])
    if first.scores and not later.scores:
        return ", but was not tested on held-out places"
    apart = f"shares no test data with {first.name}" if first.scores else f"was, like {first.name}, not tested"
    return f", but {apart}, and {_smaller(later, first) or 'comes later in the list'}"


def _why_in_family(later: RankingFacts, first: RankingFacts, behind: float, ahead: float) -> str:
    """`behind` and `ahead` are the shares of the family's best scores that the two networks reach."""
    compared = _compared(later, first, behind < ahead)
    lower = f", but scores lower on {compared}"
    if behind < ahead - _NOISE:
        return lower
    smaller = _smaller(later, first)
    if smaller:
        return f" and scores alike on {compared}, but {smaller}"
    # within the noise of this one, but not of the best of all
    return lower if behind < ahead else f" and scores alike on {compared}, but comes later in the alphabet"


def _smaller(later: RankingFacts, first: RankingFacts) -> str:
    """In what a network is less, apart from its scores; empty where in nothing."""
    if later.bands != first.bands:
        return f"looks at fewer bands ({later.bands} against {first.bands})" if later.bands < first.bands else ""
    if later.map_speed < first.map_speed:
        return f"makes slower maps ({later.map_speed:.2g} against {first.map_speed:.2g} million pixels a second)"
    return ""


def _compared(later: RankingFacts, first: RankingFacts, lower: bool) -> str:
    """The test data of two networks of a family with their scores there."""
    both = [name for name in first.scores if name in later.scores]
    gap = sum(later.scores[name] - first.scores[name] for name in both)
    if not both or (lower and gap >= 0):
        # their order comes from data that only one of them was tested on
        return "all test data that they share with other networks"
    ours, theirs = (" and ".join(f"{one.scores[name]:.2f}" for name in both) for one in (later, first))
    return f"the test data that both know ({ours} against {theirs} mean IoU)"


def _families(standings: Sequence[RankingFacts]) -> list[list[int]]:
    """Networks that share a data set, directly or through others, together; those without a score each alone."""
    families: list[list[int]] = []
    for place, one in enumerate(standings):
        mine = [place]
        for family in [*families]:
            if any(one.scores.keys() & standings[other].scores.keys() for other in family):
                families.remove(family)
                mine = family + mine
        families.append(mine)
    return families


def _shares(standings: Sequence[RankingFacts], family: Sequence[int]) -> dict[int, float]:
    """Place → mean share of the family's best scores."""
    best: dict[str, float] = {}
    for place in family:
        for name, score in standings[place].scores.items():
            best[name] = max(score, best.get(name, 0.0))
    shares = {}
    for place in family:
        parts = [score / (best[name] or 1.0) for name, score in standings[place].scores.items()]
        shares[place] = sum(parts) / len(parts) if parts else 0.0
    return shares


def _by_score(standings: Sequence[RankingFacts], family: Sequence[int]) -> list[int]:
    shares = _shares(standings, family)
    rest, done = list(family), []
    while rest:
        least = max(shares[i] for i in rest) - _NOISE
        equals = [i for i in rest if shares[i] >= least]
        first = min(equals, key=lambda i: (-standings[i].bands, -standings[i].map_speed, standings[i].name))
        done.append(first)
        rest.remove(first)
    return done


# ---------------------------------------------------------------- the list of a dialog


def bundled_names() -> tuple[str, ...]:
    """Names of the bundled networks in the order of `Catalogue.entries`; one without a usable description comes last.

    QGIS makes such a list at every start, so the descriptions are not read whole: that needs numpy, this takes
    milliseconds.

    Raises:
        LulcError: the installation is incomplete.
    """
    ours, place = bundled.model_names(), bundled.folder("models")
    standings = [_standing(name, place / f"{name}.json") for name in ours]
    return tuple(ours[i] for i in ordered(standings))


def bundled_titles() -> dict[str, str]:
    """Name of each bundled network → a title of at most 50 characters; without those whose description is unusable.

    Raises:
        LulcError: the installation is incomplete.
    """
    place = bundled.folder("models")
    found = {name: _short_title(name, place / f"{name}.json") for name in bundled.model_names()}
    return {name: title for name, title in found.items() if title}


def _short_title(name: str, sidecar: Path) -> str:
    """Such as `Land cover 10–30 m, RGB + NIR (Mobile-UNet v2)`; empty where the description cannot be read."""
    try:
        properties = json.loads(sidecar.read_text(encoding="utf-8"))["properties"]
        low, high = properties["lulc:gsd_range"]
        bands = [str(band["name"]) for band in properties["bands"]]
        taken = "any bands" if "lulc:band_patterns" in properties else _bands_in_short(bands)
        version = name.rpartition("-")[2]
        title = f"Land cover {low:g}–{high:g} m, {taken} ({properties['mlm:architecture']} {version})"
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return ""
    return title if len(title) <= _LONGEST_TITLE else ""


def _bands_in_short(bands: Sequence[str]) -> str:
    more = [{"nir": "NIR"}.get(band, band) for band in bands if band not in _VISIBLE]
    return " + ".join(["RGB", *more] if set(_VISIBLE) <= set(bands) else bands)


def _standing(name: str, sidecar: Path) -> RankingFacts:
    """What a description says of a network's rank; only the name where it cannot be read."""
    try:
        properties = json.loads(sidecar.read_text(encoding="utf-8"))["properties"]
        return RankingFacts(name, len(properties["bands"]), _map_speed(properties), _scores(properties))
    except (OSError, ValueError, ArithmeticError, LookupError, TypeError, AttributeError, RecursionError):
        return RankingFacts(name)  # a run says what is wrong with it


def _map_speed(properties: Mapping[str, Any]) -> float:
    window = properties["lulc:window"]
    return map_speed(float(properties["lulc:speed"]), int(window["size"]), int(window["margin"]))


def _scores(properties: Mapping[str, Any]) -> dict[str, float]:
    tested = [s for s in properties.get("lulc:accuracy", ()) if s["split"] == "test" and s.get("miou") is not None]
    return {str(s["dataset"]): float(s["miou"]) for s in tested}
