# SPDX-License-Identifier: GPL-3.0-or-later
"""What a network is fed: bands, indices, and the ways in. The exporter writes exactly this into the sidecar.

The channels expect band values as reflectance (0..1). A layer of reflectance comes in by the form `reflectance`; a
picture (8 bits, or raw numbers) by the form `picture`, which stretches each band between percentiles of the whole layer
onto the range where that band usually lies. Bands that are no reflectance (radar, heights, temperatures, whatever has a
name) come in by the form `stored`: numbers as they are in the files, each between two ends that the recipe gives.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from lulc_plugin.errors import LulcError
from lulc_plugin.model import MOST_GUIDE_BANDS, InputForm, ModelBand, Smoothing
from lulc_plugin.raster import INDICES, Channel, Step, Steps, band_values, parse, prepare, resolve, sample_array

from .toml_tables import Number, Words, read

FloatArray = npt.NDArray[np.float32]
BoolArray = npt.NDArray[np.bool_]

WAYS = ("reflectance", "picture", "stored")
#: Indices that scale and offset of the bands change, so that stored numbers would give others.
_OF_REFLECTANCE = ("EVI", "SAVI")


@dataclass(frozen=True)
class Known:
    """What the bench knows of a band.

    `centre` and `width` in micrometres (Sentinel-2A's, from ESA's spectral responses); `usual`: where the 2nd and 98th
    percentile of a whole layer lie, as reflectance (training places of HLS, rounded); `divisor`: what becomes 1.
    """

    title: str
    centre: float
    width: float
    usual: tuple[float, float]
    divisor: float


BANDS: dict[str, Known] = {
    "coastal": Known("Coastal aerosol", 0.4427, 0.021, (0.01, 0.13), 0.3),
    "blue": Known("Blue", 0.4924, 0.066, (0.02, 0.15), 0.3),
    "green": Known("Green", 0.5598, 0.036, (0.03, 0.18), 0.3),
    "red": Known("Red", 0.6646, 0.031, (0.02, 0.22), 0.3),
    "rededge071": Known("Red edge 1", 0.7041, 0.015, (0.03, 0.25), 0.3),
    "rededge075": Known("Red edge 2", 0.7405, 0.015, (0.04, 0.33), 0.6),
    "rededge078": Known("Red edge 3", 0.7828, 0.020, (0.05, 0.38), 0.6),
    "nir": Known("Near infrared", 0.8328, 0.106, (0.05, 0.40), 0.6),
    "nir08": Known("Near infrared (narrow)", 0.8647, 0.021, (0.05, 0.40), 0.6),
    "nir09": Known("Water vapour", 0.9451, 0.020, (0.04, 0.40), 0.6),
    "cirrus": Known("Cirrus", 1.3735, 0.031, (0.001, 0.02), 0.1),
    "swir16": Known("Short-wave infrared 1", 1.6137, 0.091, (0.02, 0.40), 0.6),
    "swir22": Known("Short-wave infrared 2", 2.2024, 0.175, (0.01, 0.32), 0.6),
    # OLI's
    "pan": Known("Panchromatic", 0.5895, 0.173, (0.03, 0.20), 0.3),
}
#: Bands with a wavelength that hold no reflectance (TIRS on Landsat 8 and 9): centre, width, title.
_THERMAL: dict[str, tuple[float, float, str]] = {
    "lwir": (11.45, 2.1, "Thermal infrared"),
    "lwir11": (10.895, 0.59, "Thermal infrared 1"),
    "lwir12": (12.005, 1.01, "Thermal infrared 2"),
}

#: Reflectance is not negative.
NOT_BELOW_0: Steps = (Step.of("clip", minimum=0),)
BRIGHTEST = 1.2  # in units of the divisors; clouds and glints contain no more information beyond it
#: What the whole channel of an absent optional band holds; scaled values lie between -1 and 1.
ABSENT = -2.0


@dataclass(frozen=True)
class Inputs:
    """The bands in the order a user names them, the network's channels, and the ways in, the preferred one first.

    `patterns` are the combinations of bands that a network with `optional` ones is trained and scored on, the smallest
    first; the channel of an absent band is `ABSENT` everywhere.
    """

    bands: tuple[ModelBand, ...]
    channels: tuple[Channel, ...]
    forms: tuple[InputForm, ...]
    optional: tuple[str, ...] = ()
    patterns: tuple[tuple[str, ...], ...] = ()

    @property
    def stored(self) -> bool:
        """Numbers come in as they are stored; nothing is known of them but their ends."""
        return any(form.name == "stored" for form in self.forms)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the bands."""
        return tuple(b.name for b in self.bands)

    @property
    def needed(self) -> tuple[str, ...]:
        """Names of the bands that have to be there."""
        return tuple(name for name in self.names if name not in self.optional)

    def bands_of(self, present: Sequence[bool]) -> tuple[str, ...]:
        """Names of the bands that are there; `present` has an entry a band."""
        return tuple(name for name, there in zip(self.names, present, strict=True) if there)

    def patterns_of(self, bands: Collection[str]) -> tuple[tuple[str, ...], ...]:
        """The patterns that an image of these bands can show; without optional bands the one of all bands."""
        return tuple(p for p in self.patterns if set(p) <= set(bands)) or (self.names,)

    def show(self, image: FloatArray, bands: Collection[str]) -> FloatArray:
        """The network's input `(channels, rows, cols)` with the optional bands that are not among `bands` absent."""
        absent = [i for i, name in enumerate(self.names) if name in self.optional and name not in bands]
        if not absent:
            return image
        shown = image.copy()
        shown[absent] = ABSENT
        return shown

    def form(self, picture: bool) -> InputForm:
        """The way in for a picture or for reflectance.

        Raises:
            LulcError: the network has none.
        """
        for form in self.forms:
            if (form.unit == "dn") == picture:
                return form
        raise LulcError(f"The network has no way in for {'pictures' if picture else 'reflectance'}.")

    def of(
        self,
        values: npt.NDArray[np.generic],
        valid: BoolArray,
        picture: bool,
        fill: Sequence[float],
        layer_sample: npt.NDArray[np.generic] | None = None,
    ) -> FloatArray:
        """`(channels, rows, cols)` as the engine makes it, for an image whose values are reflectance or a picture's.

        `layer_sample` is `(bands, pixels)`, the pixels that speak for the whole layer; by default those of the image.
        """
        image = self.prepared(values, valid, self._steps(values, valid, picture, layer_sample), fill)
        if valid.ndim == 2:
            return image
        return self.show(image, [name for name, there in zip(self.names, valid, strict=True) if there.any()])

    def _steps(
        self,
        values: npt.NDArray[np.generic],
        valid: BoolArray,
        picture: bool,
        layer_sample: npt.NDArray[np.generic] | None,
    ) -> list[Steps]:
        """The steps of each band towards the unit of the channels; arguments as those of `of`."""
        everywhere = valid if valid.ndim == 2 else np.any(valid, axis=0)
        sample = sample_array(values, everywhere) if layer_sample is None else layer_sample
        return resolved(self.form(picture).band_steps, sample)

    def guide(
        self,
        names: Sequence[str],
        values: npt.NDArray[np.generic],
        valid: BoolArray,
        picture: bool,
        layer_sample: npt.NDArray[np.generic] | None = None,
    ) -> FloatArray:
        """The bands `names` in the unit of the channels, `(bands, rows, cols)`: what smoothing follows."""
        steps = self._steps(values, valid, picture, layer_sample)
        at = [self.names.index(name) for name in names]
        there = valid if valid.ndim == 2 else valid[at]
        return np.stack(band_values(values[at], there, [steps[i] for i in at]))

    def prepared(
        self, values: npt.NDArray[np.generic], valid: BoolArray, steps: Sequence[Steps], fill: Sequence[float]
    ) -> FloatArray:
        """The network's input after fixed steps of each band."""
        return prepare(values, valid, self.names, steps, self.channels, fill)


def make_inputs(
    bands: Sequence[str],
    indices: Sequence[str] = (),
    ways: Sequence[str] = ("reflectance",),
    optional: Sequence[str] = (),
    patterns: Sequence[Sequence[str]] = (),
    ranges: Mapping[str, tuple[float, float]] | None = None,
) -> Inputs:
    """Inputs of these bands and indices; see `Inputs` for `optional` and `patterns`.

    `ranges` are the ends of each band of the way `stored`, in stored numbers.

    Raises:
        LulcError: an unknown band, index or way, an index whose bands are not among `bands`, or none at all; patterns
            that do not fit the optional bands; a way `stored` beside another one, or a band without its ends.
    """
    _refuse_patterns(bands, indices, optional, patterns)
    ranges = dict(ranges or {})
    _refuse_ranges(bands, indices, ways, ranges)
    known_bands = dict.fromkeys(bands) if tuple(ways) == ("stored",) else BANDS
    for kind, given, known in (("band", bands, known_bands), ("index", indices, INDICES), ("way in", ways, WAYS)):
        for name in given:
            if name not in known:
                raise LulcError(
                    f"The {kind} {name!r} is unknown; known are {', '.join(known)}.",
                    'Bands of any other kind come in by ways = ["stored"].' if kind == "band" else "",
                )
        if len(set(given)) < len(given):
            raise LulcError(f"A {kind} is named twice among {', '.join(given)}.")
    if not bands or not ways:
        raise LulcError("A network needs at least one band and one way in.")
    names = tuple(bands)
    made = tuple(_model_band(name) for name in names)
    channels = [Channel(name, i, None, _band_steps(name, ranges.get(name))) for i, name in enumerate(names)]
    channels += [
        Channel(name, None, parse(INDICES[name], names), (Step.of("clip", minimum=-1, maximum=1),)) for name in indices
    ]
    forms = tuple(_form(way, names) for way in ways)
    ordered = sorted((tuple(n for n in names if n in p) for p in patterns), key=len)
    return Inputs(made, tuple(channels), forms, tuple(n for n in names if n in optional), tuple(ordered))


def _model_band(name: str) -> ModelBand:
    """A band by its wavelength where it has one, else by its name."""
    if name in BANDS:
        return ModelBand(name, name, BANDS[name].centre, BANDS[name].width, BANDS[name].title)
    if name in _THERMAL:
        return ModelBand(name, name, *_THERMAL[name])
    return ModelBand(name, None, None, None, name)


def _refuse_ranges(
    bands: Sequence[str], indices: Sequence[str], ways: Sequence[str], ranges: Mapping[str, tuple[float, float]]
) -> None:
    if "stored" not in ways:
        if ranges:
            raise LulcError("[input] ranges belong to stored numbers.", 'Say ways = ["stored"], or leave them out.')
        return
    if tuple(ways) != ("stored",):
        raise LulcError(f"[input] ways are {', '.join(ways)}.", "The way stored goes with no other one.")
    lacking = [name for name in bands if name not in ranges]
    if lacking:
        raise LulcError(
            f"[input] ranges lack {', '.join(lacking)}.",
            f"Give the ends of each band in stored numbers, as in ranges = {{ {lacking[0]} = [0, 3000] }}: p2 and p98"
            " of stats.json will do.",
        )
    for name, (low, high) in ranges.items():
        if name not in bands or not low < high:
            raise LulcError(f"[input] ranges has {name} = [{low:g}, {high:g}].", "Give a band's lower and upper end.")
    for name in indices:
        if name in _OF_REFLECTANCE:
            raise LulcError(f"{name} needs reflectance, but numbers come in as they are stored.", "Leave it out.")


def _refuse_patterns(
    bands: Sequence[str], indices: Sequence[str], optional: Sequence[str], patterns: Sequence[Sequence[str]]
) -> None:
    always = [b for b in bands if b not in optional]
    for name in optional:
        if name not in bands:
            raise LulcError(f"[input] optional names {name!r}.", f"The network has {', '.join(bands)}.")
    if bool(optional) != bool(patterns):
        raise LulcError("[input] optional and patterns need each other.", "Give the combinations of bands to train on.")
    if optional and indices:
        raise LulcError(
            f"[input] has the indices {', '.join(indices)} and optional bands.",
            "Let the network compute indices where their bands are there: [network] options indices.",
        )
    for pattern in patterns:
        odd = [b for b in pattern if b not in bands] + [b for b in always if b not in pattern]
        if odd:
            raise LulcError(
                f"The pattern {', '.join(pattern)} does not fit: {odd[0]}.",
                f"A pattern has {', '.join(always)} and some of {', '.join(optional)}.",
            )
    if optional and not any(set(p) == set(always) for p in patterns):
        raise LulcError(f"No pattern is {', '.join(always)} alone.", "Layers with no more than these bands need it.")


#: Standard deviations of a normal distribution between its 2nd and 98th percentile.
_SPREADS = 4.1075


def complete_smoothing(wanted: Smoothing, names: Sequence[str]) -> Smoothing:
    """The smoothing with what it does not say: the first four bands, and where their logarithms usually lie.

    Args:
        wanted: what somebody chose.
        names: bands of the network.

    Raises:
        LulcError: it is guided by a band that the network does not have, or that nothing is known of.
    """
    bands = wanted.bands or tuple(names[:MOST_GUIDE_BANDS])
    for band in bands:
        if band not in names:
            raise LulcError(f"[smoothing] is guided by the band {band!r}.", f"The network has {', '.join(names)}.")
    if wanted.mean:
        return replace(wanted, bands=bands)
    unknown = [band for band in bands if band not in BANDS]
    if unknown:
        raise LulcError(
            f"[smoothing] is guided by {unknown[0]}, of which nothing is known.", "Give mean and stddev, too."
        )
    ends = [[math.log(end) for end in BANDS[band].usual] for band in bands]
    return replace(
        wanted,
        bands=bands,
        mean=tuple(round((low + high) / 2, 4) for low, high in ends),
        stddev=tuple(round((high - low) / _SPREADS, 4) for low, high in ends),
    )


@dataclass(frozen=True)
class InputTable:
    """The table `[input]` of a recipe.

    Attributes:
        bands: common names; the data sets have them in any order.
        indices: further channels that are computed from the bands.
        ways: `reflectance`, `picture`, `stored`; the preferred one first.
        optional: those of `bands` that a layer may lack.
        patterns: sets of bands that a layer may have, where not every choice of `optional` is to be one.
        ranges: of the way `stored`: band → the stored numbers that become its ends.
    """

    bands: Words
    indices: Words = ()
    ways: Words = ("reflectance",)
    optional: Words = ()
    patterns: tuple[Words, ...] = ()
    ranges: Mapping[str, tuple[Number, Number]] = field(default_factory=dict)


def from_table(table: Mapping[str, Any]) -> Inputs:
    """Inputs of the table `[input]` of a recipe: `bands`, `indices`, `ways`, `optional`, `patterns`, `ranges`.

    Raises:
        LulcError: an unknown key, band, index or way, or something that is not a list of texts.
    """
    wanted = read(InputTable, table, "[input]")
    return make_inputs(wanted.bands, wanted.indices, wanted.ways, wanted.optional, wanted.patterns, wanted.ranges)


def _band_steps(name: str, ends: tuple[float, float] | None = None) -> Steps:
    """Towards -1..1: of reflectance, or of stored numbers between two ends."""
    if ends is not None:
        low, high = ends
        return (
            Step.of("clip", minimum=low, maximum=high),
            Step.of("z-score", mean=(low + high) / 2, stddev=(high - low) / 2),
        )
    half = BRIGHTEST / 2
    return (
        Step.of("scale", value=BANDS[name].divisor),
        Step.of("clip", minimum=0, maximum=BRIGHTEST),
        Step.of("z-score", mean=half, stddev=half),
    )


def _form(way: str, names: Sequence[str]) -> InputForm:
    if way == "stored":
        return InputForm("stored", "dn", tuple(() for _ in names), "Numbers as the training images store them.")
    if way == "reflectance":
        return InputForm(
            "reflectance",
            "reflectance",
            tuple(NOT_BELOW_0 for _ in names),
            "Surface or top-of-atmosphere reflectance, 0..1.",
        )
    return InputForm(
        "picture",
        "dn",
        tuple(picture_steps(2, 98, *BANDS[name].usual) for name in names),
        "Pictures of 8 bits and raw numbers: the 2nd and 98th percentile of each band of the whole layer are laid onto"
        " the range of reflectance where that band usually lies.",
    )


def picture_steps(lower: float, upper: float, low: float, high: float) -> Steps:
    """Stretch between two percentiles of the layer onto `low`..`high` reflectance; nothing below 0."""
    return (
        Step.of("percentile", lower=lower, upper=upper, clip=0),
        Step.of("scale", value=1 / (high - low)),
        Step.of("offset", value=-low),
        Step.of("clip", minimum=0),
    )


def resolved(form_steps: Sequence[Steps], sample: npt.NDArray[np.generic]) -> list[Steps]:
    """The steps of each band with the layer's statistics put in; `sample` is `(bands, pixels)` of the whole layer."""
    return [resolve(steps, sample[i]) for i, steps in enumerate(form_steps)]
