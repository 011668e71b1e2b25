# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of several sets of bands a layer has, for networks of which some bands may be absent.

The first set whose bands are all found is taken, so sets come with the largest first. What could be a band of a larger
set, and is not taken for one because nothing says so, is told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ..errors import LulcError
from ..options import option
from . import band_names
from .bands import BandMatch, BandsNotFound, LayerBand, WantedBand, match

_NO_COLOUR = ("", "undefined", "gray")


def match_most(
    layer: Sequence[LayerBand],
    wanted: Sequence[WantedBand],
    sets: Sequence[Sequence[int]],
    chosen: Sequence[int] = (),
    *,
    layer_name: str = "the layer",
    tags: Mapping[str, str] | None = None,
    model_sensor: str = "",
) -> tuple[int, BandMatch]:
    """Find the layer's bands for the first of several sets that it has.

    Args:
        layer: the layer's bands.
        wanted: all bands of the model.
        sets: places in `wanted`, those of each set in rising order; the largest set first.
        chosen: band numbers the user gave, in the order of a set with as many bands; empty: find them.
        layer_name: for messages.
        tags: the layer's metadata.
        model_sensor: words about the model's sensor.

    Returns:
        the place of the set in `sets`, and its match.

    Raises:
        LulcError: no set has as many bands as were chosen, or the layer has the bands of none.
    """
    if chosen:
        return _chosen(layer, wanted, sets, chosen, layer_name)
    usable = [band for band in layer if not band.is_alpha]
    possible = [i for i, places in enumerate(sets) if len(places) <= len(usable)] or [len(sets) - 1]
    ties: dict[str, None] = {}
    for i in possible:
        bands = [wanted[place] for place in sets[i]]
        try:
            found = match(layer, bands, layer_name=layer_name, tags=tags, model_sensor=model_sensor)
        except BandsNotFound as error:
            if i == possible[-1]:
                raise
            ties.update(dict.fromkeys(error.ties))
            continue
        sentences = [f"{tie}; neither is used. If one of them is right, set {option('bands')}." for tie in ties]
        return i, replace(found, warnings=(*found.warnings, *sentences, *_unused(usable, wanted, sets, i, found)))
    raise LulcError(f"{layer_name} has none of the bands that the model wants.")


def _chosen(
    layer: Sequence[LayerBand],
    wanted: Sequence[WantedBand],
    sets: Sequence[Sequence[int]],
    chosen: Sequence[int],
    layer_name: str,
) -> tuple[int, BandMatch]:
    as_many = [i for i, places in enumerate(sets) if len(places) == len(chosen)]
    if not as_many:
        ways = [f"{len(places)} ({_labels(wanted, places)})" for places in reversed(sets)]
        raise LulcError(
            f"{len(chosen)} band{'s' * (len(chosen) != 1)} given ({', '.join(map(str, chosen))}), but the model takes"
            f" {' or '.join(filter(None, (', '.join(ways[:-1]), ways[-1])))}.",
            f"Set {option('bands')} to the numbers of one of these, in its order.",
        )
    first, *others = as_many
    found = match(layer, [wanted[place] for place in sets[first]], chosen, layer_name=layer_name)
    if others:
        found = replace(
            found,
            warnings=(
                f"The {len(chosen)} bands were taken as {_labels(wanted, sets[first])}; if they are"
                f" {' or '.join(_labels(wanted, sets[i]) for i in others)}, name them in the file and leave"
                f" {option('bands')} empty.",
            ),
        )
    return first, found


def _labels(wanted: Sequence[WantedBand], places: Sequence[int]) -> str:
    return ", ".join(wanted[place].label for place in places)


def _unused(
    usable: Sequence[LayerBand],
    wanted: Sequence[WantedBand],
    sets: Sequence[Sequence[int]],
    taken: int,
    found: BandMatch,
) -> tuple[str, ...]:
    """A sentence on bands of which nothing says what they are, where a larger set has room for them."""
    # of a band that is called alpha and varies, the check of alpha bands tells the same
    free = [
        band for band in usable if band.number not in found.numbers and not band.alpha_values and _is_nameless(band)
    ]
    have = sets[taken]
    larger = [
        places
        for places in sets[:taken]
        if set(have) < set(places) and len(places) - len(have) <= len(free)
    ]  # fmt: skip
    if not larger:
        return ()
    more = [place for place in larger[-1] if place not in have]
    numbers = {**dict(zip(have, found.numbers)), **dict(zip(more, (band.number for band in free)))}
    example = option("bands", tuple(numbers[place] for place in larger[-1]))
    bands, they = ("Band", "it is") if len(free) == 1 else ("Bands", "they are")
    return (
        f"{bands} {', '.join(band.label for band in free)}: not used, because nothing says what {they}."
        f" If that is {_labels(wanted, more)}, set {example}.",
    )


def _is_nameless(band: LayerBand) -> bool:
    return not band.wavelength and band_names.is_unnamed(band.name, band.number) and band.colour in _NO_COLOUR
