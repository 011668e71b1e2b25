# SPDX-License-Identifier: GPL-3.0-or-later
"""What the network is fed: four bands, three indices, two ways in. The exporter writes exactly this into the sidecar.

The channels expect band values as reflectance (0..1). A layer of reflectance comes in by the form `reflectance`; a
picture (8 bits, or raw numbers) by the form `picture`, which stretches each band between percentiles of the whole layer
onto the range where that band usually lies.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from lulc_plugin.model.spec import InputForm, ModelBand
from lulc_plugin.raster.indices import INDICES, parse
from lulc_plugin.raster.sampling import sample_array
from lulc_plugin.raster.scaling import Channel, Step, Steps, prepare, resolve

FloatArray = npt.NDArray[np.float32]
BoolArray = npt.NDArray[np.bool_]

#: Source bands in the order a user names them; centres and widths (micrometres) of Sentinel-2A.
BANDS: tuple[ModelBand, ...] = (
    ModelBand("red", "red", 0.6646, 0.031, "Red"),
    ModelBand("green", "green", 0.5598, 0.036, "Green"),
    ModelBand("blue", "blue", 0.4924, 0.066, "Blue"),
    ModelBand("nir", "nir", 0.8328, 0.106, "Near infrared"),
)
NAMES: tuple[str, ...] = tuple(b.name for b in BANDS)

#: Where the 2nd and the 98th percentile of a whole layer usually lie, as reflectance (training places, rounded).
USUAL: dict[str, tuple[float, float]] = {
    "red": (0.02, 0.22),
    "green": (0.03, 0.18),
    "blue": (0.02, 0.15),
    "nir": (0.05, 0.40),
}

_BRIGHTEST = 1.2  # in units of the divisors below; clouds and glints carry no more information beyond it
_DIVISORS = {"red": 0.3, "green": 0.3, "blue": 0.3, "nir": 0.6}
_INDEX_NAMES = ("NDVI", "NDWI", "SAVI")


def _band_steps(name: str) -> Steps:
    half = _BRIGHTEST / 2
    return (
        Step.of("scale", value=_DIVISORS[name]),
        Step.of("clip", minimum=0, maximum=_BRIGHTEST),
        Step.of("z-score", mean=half, stddev=half),
    )


CHANNELS: tuple[Channel, ...] = tuple(
    [Channel(name, i, None, _band_steps(name)) for i, name in enumerate(NAMES)]
    + [
        Channel(name, None, parse(INDICES[name], NAMES), (Step.of("clip", minimum=-1, maximum=1),))
        for name in _INDEX_NAMES
    ]
)

REFLECTANCE = InputForm(
    "reflectance",
    "reflectance",
    tuple((Step.of("clip", minimum=0),) for _ in NAMES),
    "Surface or top-of-atmosphere reflectance, 0..1.",
)


def picture_steps(lower: float, upper: float, low: float, high: float) -> Steps:
    """Stretch between two percentiles of the layer onto `low`..`high` reflectance; nothing below 0."""
    return (
        Step.of("percentile", lower=lower, upper=upper, clip=0),
        Step.of("scale", value=1 / (high - low)),
        Step.of("offset", value=-low),
        Step.of("clip", minimum=0),
    )


PICTURE = InputForm(
    "picture",
    "dn",
    tuple(picture_steps(2, 98, *USUAL[name]) for name in NAMES),
    "Pictures of 8 bits and raw numbers: the 2nd and 98th percentile of each band of the whole layer are laid onto the"
    " range of reflectance where that band usually lies.",
)


def resolved(form_steps: Sequence[Steps], sample: npt.NDArray[np.generic]) -> list[Steps]:
    """The steps of each band with the layer's statistics put in; `sample` is `(bands, pixels)` of the whole layer."""
    return [resolve(steps, sample[i]) for i, steps in enumerate(form_steps)]


def network_input(
    values: npt.NDArray[np.generic],
    valid: BoolArray,
    form: InputForm,
    fill: Sequence[float],
    layer_sample: npt.NDArray[np.generic] | None = None,
) -> FloatArray:
    """`(channels, rows, cols)` as the engine makes it, for an image whose values are in the unit of `form`.

    `layer_sample` is `(bands, pixels)`, the pixels that speak for the whole layer; by default those of the image.
    """
    sample = sample_array(values, valid) if layer_sample is None else layer_sample
    return prepare(values, valid, NAMES, resolved(form.band_steps, sample), CHANNELS, fill)
