# SPDX-License-Identifier: GPL-3.0-or-later
"""Which band of a layer is which band of a model.

Order of evidence: what the user says; wavelengths; common names and colours; band names of the same sensor; at last
the position, with a warning and only if the counts agree. A bare `B5` is red edge on Sentinel-2 and near infrared on
Landsat 8, so a sensor's own names count only where the layer (and a model that has only such names) says which sensor
it is. Where two bands fit one wanted band equally well nothing is guessed: the error lists both.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from ..errors import LulcError
from ..options import option
from . import band_names


@dataclass(frozen=True)
class LayerBand:
    """What a layer says about one band; wavelengths in micrometres, `colour` is GDAL's colour interpretation.

    `alpha_values` counts the different values of a band that the file calls alpha but that varies as an image does;
    it is 0 for every other band.
    """

    number: int
    name: str = ""
    wavelength: float | None = None
    width: float | None = None
    colour: str = ""
    scale: float = 1.0
    offset: float = 0.0
    alpha_values: int = 0

    @property
    def is_alpha(self) -> bool:
        """A transparency band. GDAL calls the fourth band of many 8-bit files alpha; a name of its own tells better."""
        return (
            self.colour == "alpha"
            and not self.alpha_values
            and band_names.plain(self.name) in ("", "alpha", "mask", "transparency")
        )

    @property
    def label(self) -> str:
        """`3 (B04)`, `3 (0.665 µm)`, `3 (red by colour)`, `3 (unnamed)` or `4 (alpha)`."""
        text = "called alpha" if self.alpha_values else "alpha" if self.is_alpha else ""
        if not text and self.wavelength:
            text = f"{self.wavelength:.3f} µm"
        return f"{self.number} ({self.name or text or self._colour_label})"

    @property
    def _colour_label(self) -> str:
        """What the file says of a band without a name: its colour interpretation, where that is more than a default."""
        if self.colour == "palette":
            return "colour table"
        return "unnamed" if self.colour in ("", "undefined", "gray", "alpha") else f"{self.colour} by colour"


class BandsNotFound(LulcError, ValueError):
    """The bands that a model wants are not, or not clearly, in a layer; in parts, for several models at once.

    Args:
        layer: what bands the layer has, a sentence.
        hint: what else there is to say about them, whatever the model; a sentence, or empty.
        wanted: the bands that the model wants.
        missing: those of them that were not found at all.
        ties: those that could be one band or another, a clause each.

    Attributes:
        layer: as given.
        hint: as given.
        wanted: as given, with commas.
        missing: as given.
        ties: as given.
        not_found: what was not found; `none of them could be recognised` where that is all.
        remedy_for_any: what to do, whichever model is meant.
    """

    NONE_RECOGNISED = "none of them could be recognised"

    def __init__(
        self, layer: str, hint: str, wanted: Sequence[str], missing: Sequence[str], ties: Sequence[str]
    ) -> None:
        self.layer, self.hint, self.wanted, self.missing = layer, hint, ", ".join(wanted), tuple(missing)
        self.ties = tuple(ties)
        how = (
            f"in this order, for example {option('bands', (3, 2, 1, 4))} for a Landsat 7 scene whose bands 1, 2, 3 and"
            " 4 are blue, green, red and near infrared."
        )
        self.remedy_for_any = f"Set {option('bands')} to the numbers of the bands that the network wants, {how}"
        sentences = [layer, *(f"{tie}." for tie in ties), hint]
        clauses = list(ties)
        if missing:
            sentences.insert(1, f"None of them could be recognised as {', '.join(missing)}.")
            clauses.insert(0, f"{', '.join(missing)} could not be recognised")
        self.not_found = self.NONE_RECOGNISED if len(missing) == len(wanted) else "; ".join(clauses)
        remedy = f"Set {option('bands')} to the numbers of the bands {self.wanted}, {how}"
        super().__init__(" ".join(filter(None, sentences)), remedy)


class WantedBand(Protocol):
    """What matching needs to know of a model's band."""

    @property
    def name(self) -> str:
        """Identifier."""

    @property
    def common_name(self) -> str | None:
        """STAC common name."""

    @property
    def wavelength(self) -> float | None:
        """Centre, micrometres."""

    @property
    def width(self) -> float | None:
        """Full width at half maximum, micrometres."""

    @property
    def label(self) -> str:
        """For people."""


@dataclass(frozen=True)
class BandMatch:
    """Band numbers of the layer in the model's order, how they were found, and what the user should know."""

    numbers: tuple[int, ...]
    how: str
    warnings: tuple[str, ...] = ()


_SENSOR_KEYS = re.compile(r"sensor|platform|spacecraft|satellite|constellation|instrument", re.IGNORECASE)
_ANONYMOUS = re.compile(r"channel_\d+\Z")
_COLOURS = ("red", "green", "blue", "nir", "coastal", "yellow", "pan")
#: Two bands that lie so alike from what is wanted, in micrometres, are a tie.
_TIE = 5e-4


def match(
    layer: Sequence[LayerBand],
    wanted: Sequence[WantedBand],
    chosen: Sequence[int] = (),
    *,
    layer_name: str = "the layer",
    tags: Mapping[str, str] | None = None,
    model_sensor: str = "",
) -> BandMatch:
    """Find the layer's band for every band a model wants.

    Args:
        layer: the layer's bands.
        wanted: the model's bands, in its order.
        chosen: band numbers the user gave, in the model's order; empty: find them.
        layer_name: for messages.
        tags: the layer's metadata; may say which sensor it is.
        model_sensor: words about the model's sensor (its constellation and instruments).

    Raises:
        LulcError: a chosen number is not a band of the layer, the count is wrong, or a band cannot be found.
    """
    if chosen:
        return _chosen(layer, wanted, chosen, layer_name)
    usable = [b for b in layer if not b.is_alpha]
    if all(_ANONYMOUS.match(w.name) and not w.common_name and w.wavelength is None for w in wanted):
        return _in_order(usable, wanted, layer_name)
    search = _Search(usable, wanted, sensor_of(layer_name, tags or {}, usable), model_sensor)
    search.by_wavelength()
    search.by_words()
    search.by_sensor_names()
    search.by_substitutes()
    numbers = search.numbers
    if len(numbers) == len(wanted):
        how = "by " + " and ".join(dict.fromkeys(search.how))
        return BandMatch(tuple(numbers[i] for i in range(len(wanted))), how)
    has_names = any(b.wavelength or not band_names.is_unnamed(b.name, b.number) for b in usable)
    if not numbers and not has_names and len(usable) == len(wanted):
        return _by_position(usable, wanted, layer_name)
    if len(usable) == 1 and usable[0].colour == "palette":
        raise LulcError(
            f"{layer_name} has one band with a colour table: it is a map of classes or a picture of 256 colours, and"
            " has none of the bands that the network wants.",
            "A picture becomes three bands with gdal_translate -expand rgb IN OUT. A map of classes cannot be"
            " classified: give the image that it was made from.",
        )
    raise _not_found(layer, usable, wanted, search, layer_name)


def _by_position(usable: Sequence[LayerBand], wanted: Sequence[WantedBand], layer_name: str) -> BandMatch:
    """Bands without any name, as many as are wanted."""
    order = ", ".join(f"{b.number} = {w.label}" for b, w in zip(usable, wanted))
    return BandMatch(
        tuple(b.number for b in usable),
        "by position",
        (
            f"The bands of {layer_name} have no names, so they were taken in their order: {order}."
            f" If that is wrong, set {option('bands')}.",
        ),
    )


def _not_found(
    layer: Sequence[LayerBand],
    usable: Sequence[LayerBand],
    wanted: Sequence[WantedBand],
    search: _Search,
    layer_name: str,
) -> BandsNotFound:
    """What was not found, and for which bands several fit."""
    unclear = [
        f"{b.name} is {meanings}"
        for b in usable
        if band_names.is_code(b.name) and (meanings := band_names.meanings(b.name))
    ]
    hint = f"The layer does not say which sensor it is from: {'; '.join(unclear)}." if unclear else ""
    return BandsNotFound(
        f"{layer_name} has {len(layer)} band{'s' * (len(layer) != 1)}: {', '.join(b.label for b in layer)}.",
        hint,
        [w.label for w in wanted],
        [w.label for i, w in enumerate(wanted) if i not in search.numbers and i not in search.ties],
        [
            f"{wanted[i].label} could be band {' or band '.join(b.label for b in rivals)}"
            for i, rivals in search.ties.items()
            if i not in search.numbers
        ],
    )


def _chosen(
    layer: Sequence[LayerBand], wanted: Sequence[WantedBand], chosen: Sequence[int], layer_name: str
) -> BandMatch:
    order = ", ".join(w.label for w in wanted)
    wrong = [b for b in chosen if not 1 <= b <= len(layer)]
    if wrong:
        raise LulcError(
            f"Band {wrong[0]} does not exist: {layer_name} has bands 1 to {len(layer)}.",
            f"Give the bands of {order} in this order, for example {option('bands', (3, 2, 1, 4))}.",
        )
    if len(chosen) != len(wanted):
        raise LulcError(
            f"{len(chosen)} band{'s' * (len(chosen) != 1)} given ({', '.join(map(str, chosen))}), but the model wants"
            f" {len(wanted)}.",
            f"Give the bands of {order}, in this order.",
        )
    return BandMatch(tuple(chosen), "as you chose")


def _in_order(usable: Sequence[LayerBand], wanted: Sequence[WantedBand], layer_name: str) -> BandMatch:
    """The first bands of the layer, for a model that names none of its own."""
    if len(usable) < len(wanted):
        raise LulcError(
            f"{layer_name} has {len(usable)} band{'s' * (len(usable) != 1)}, but the model wants {len(wanted)}.",
            "Use a layer with the bands that the model was made for.",
        )
    taken = usable[: len(wanted)]
    return BandMatch(
        tuple(b.number for b in taken),
        "by position",
        (
            f"The model does not say which bands it wants, so the first {len(taken)} of {layer_name} were taken in"
            f" their order: {', '.join(b.label for b in taken)}. If that is wrong, set {option('bands')}.",
        ),
    )


def sensor_of(name: str, tags: Mapping[str, str], bands: Sequence[LayerBand]) -> str:
    """The sensor, one of `band_names.SENSORS`; empty when the layer does not say."""
    words = " ".join([name, *(v for k, v in tags.items() if _SENSOR_KEYS.search(k))])
    return band_names.sensor_in(words) or band_names.sensor_by_spelling(tuple(b.name for b in bands))


class _Search:
    """The search for the layer's bands; each band of the layer is used once.

    Attributes:
        numbers: place in the model → band number, of those found so far.
        how: by what each of them was found.
        ties: places for which several bands fit equally well → these bands.
    """

    def __init__(
        self, usable: Sequence[LayerBand], wanted: Sequence[WantedBand], sensor: str, model_sensor: str
    ) -> None:
        self.numbers: dict[int, int] = {}
        self.how: list[str] = []
        self.ties: dict[int, list[LayerBand]] = {}
        self._usable = usable
        self._wanted = wanted
        self._sensor = sensor
        self._model_sensor = band_names.sensor_in(model_sensor) or band_names.sensor_by_spelling(
            tuple(w.name for w in wanted)
        )
        self._common = tuple(
            w.common_name or band_names.common_name(w.name) or band_names.of_sensor(w.name, self._model_sensor) or ""
            for w in wanted
        )

    def by_wavelength(self) -> None:
        """The nearest pair first."""
        pairs = sorted(
            (abs(b.wavelength - w.wavelength), i, b.number)
            for i, w in enumerate(self._wanted)
            for b in self._usable
            if w.wavelength is not None and b.wavelength is not None and _within_reach(w, b)
        )
        while pairs:
            nearest, i, number = pairs[0]
            rivals = [n for d, j, n in pairs if j == i and d - nearest < _TIE]
            if len(rivals) > 1:
                self.ties[i] = [b for b in self._usable if b.number in rivals]
            else:
                self._take(i, number, "wavelength")
            pairs = [p for p in pairs if p[1] != i and (len(rivals) > 1 or p[2] != number)]

    def by_words(self) -> None:
        """Common names, other words for them, and colours; without a common name the same name."""
        for i, common in enumerate(self._common):
            if common:
                for words in band_names.words_for(common):
                    self._one_of(i, "name", [b for b in self._free() if band_names.plain(b.name) in words])
                if common in _COLOURS:
                    self._one_of(i, "colour", [b for b in self._free() if b.colour == common])
            else:
                self._one_of(i, "name", self._bands_with_name(self._wanted[i].name))

    def _bands_with_name(self, name: str) -> list[LayerBand]:
        """Bands of the same name; a sensor's code counts only if layer and model are of the same sensor."""
        if band_names.is_code(name) and not self._sensor == self._model_sensor != "":
            return []
        return [b for b in self._free() if band_names.plain(b.name) == band_names.plain(name) != ""]

    def by_sensor_names(self) -> None:
        """The names that the layer's own sensor gives its bands."""
        for i, common in enumerate(self._common):
            bands = [b for b in self._free() if common and band_names.of_sensor(b.name, self._sensor) == common]
            self._one_of(i, f"{self._sensor} band name", bands)

    def by_substitutes(self) -> None:
        """Bands that may serve for what is wanted: nir for nir08 and the reverse, the only red edge there is."""
        for i, common in enumerate(self._common):
            others = band_names.substitutes(common, self._common)
            bands = [
                b
                for b in self._free()
                if band_names.common_name(b.name) in others or band_names.of_sensor(b.name, self._sensor) in others
            ]
            self._one_of(i, f"name ({' or '.join(others)} for {common})", bands)

    def _one_of(self, i: int, how: str, bands: Sequence[LayerBand]) -> None:
        if i in self.numbers or not bands:
            return
        if len(bands) == 1 and (i not in self.ties or bands[0] in self.ties[i]):
            self._take(i, bands[0].number, how)
        elif len(bands) > 1 and i not in self.ties:
            self.ties[i] = list(bands)

    def _take(self, i: int, number: int, how: str) -> None:
        self.numbers[i] = number
        self.how.append(how)

    def _free(self) -> list[LayerBand]:
        return [b for b in self._usable if b.number not in self.numbers.values()]


def _within_reach(wanted: WantedBand, band: LayerBand) -> bool:
    if wanted.wavelength is None or band.wavelength is None:
        return False
    reach = max(0.015, (wanted.width or 0) / 2, 0.35 * (band.width or 0))
    return abs(band.wavelength - wanted.wavelength) <= min(reach, 0.030 if wanted.wavelength < 1 else 0.100)
