# SPDX-License-Identifier: GPL-3.0-or-later
"""Bands of a network from what a person calls them: common names, or a sensor's own names, with their wavelengths.

A bare B5 is red edge on Sentinel-2 and near infrared on Landsat 8: a sensor's own names count only where all sensors
that have them mean the same, or where the text begins with the sensor (`landsat-8: B5,B4,B3`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ...errors import LulcError
from ...raster import band_names
from ..spec import ModelBand

_MOST = 512
#: common name → centre and width in micrometres: Sentinel-2A, and where it has none PlanetScope, WorldView, Landsat 8
_WAVELENGTHS: dict[str, tuple[float, float]] = {
    "coastal": (0.4427, 0.021),
    "blue": (0.4924, 0.066),
    "green05": (0.531, 0.036),
    "green": (0.5598, 0.036),
    "yellow": (0.605, 0.040),
    "red": (0.6646, 0.031),
    "rededge": (0.725, 0.040),
    "rededge071": (0.7041, 0.015),
    "rededge075": (0.7405, 0.015),
    "rededge078": (0.7828, 0.020),
    "nir": (0.8328, 0.106),
    "nir08": (0.8647, 0.021),
    "nir09": (0.9451, 0.020),
    "cirrus": (1.3735, 0.031),
    "swir16": (1.6137, 0.091),
    "swir22": (2.2024, 0.175),
    "lwir": (11.45, 2.1),
    "lwir11": (10.895, 0.59),
    "lwir12": (12.005, 1.01),
}
_OLI = {
    "coastal": (0.440, 0.020), "blue": (0.480, 0.060), "green": (0.560, 0.060), "red": (0.655, 0.030),
    "nir08": (0.865, 0.030), "swir16": (1.610, 0.080), "swir22": (2.200, 0.180), "cirrus": (1.373, 0.020),
}  # fmt: skip
#: where a sensor differs from the table above
_OF_SENSOR: dict[str, dict[str, tuple[float, float]]] = {
    "landsat-oli": _OLI,
    "hls-l30": _OLI,
    "landsat-tm": {
        "blue": (0.485, 0.070), "green": (0.560, 0.080), "red": (0.660, 0.060), "nir": (0.830, 0.140),
        "swir16": (1.650, 0.200), "swir22": (2.215, 0.270),
    },
    "worldview": {
        "coastal": (0.425, 0.050), "blue": (0.480, 0.060), "green": (0.545, 0.070), "red": (0.660, 0.060),
        "nir": (0.8325, 0.125),
    },
    "planetscope": {
        "coastal": (0.4415, 0.021), "blue": (0.490, 0.050), "green": (0.565, 0.036), "yellow": (0.610, 0.020),
        "red": (0.665, 0.030), "rededge071": (0.705, 0.016), "nir08": (0.865, 0.040),
    },
    "modis": {
        "red": (0.645, 0.050), "nir08": (0.8585, 0.035), "blue": (0.469, 0.020), "green": (0.555, 0.020),
        "swir16": (1.640, 0.024), "swir22": (2.130, 0.050),
    },
}  # fmt: skip
#: letters mean colours where all names are letters
_LETTERS = {"r": "red", "g": "green", "b": "blue", "n": "nir"}
_REMEDY = (
    "Write the bands in the network's channel order, like red,green,blue,nir, or sentinel-2: B04,B03,B02,B08."
    " Known names are " + ", ".join(_WAVELENGTHS) + "."
)


def bands_of(text: str) -> tuple[ModelBand, ...]:
    """The bands that `text` lists, separated by commas, semicolons or blanks.

    Names that are neither common nor a sensor's are kept as they are, without a wavelength: a layer's band has to have
    the same name.

    Raises:
        LulcError: no name, a name twice, or a sensor's name that means different things.
    """
    said, colon, rest = text.rpartition(":")
    sensor = band_names.sensor_in(said)
    if colon and not sensor:
        raise LulcError(
            f"The sensor {said.strip()[:50]!r} is not known.", f"Known are {', '.join(band_names.SENSORS)}."
        )
    separator = r"[,;\n]" if re.search(r"[,;\n]", rest) else r"\s"
    names = [name.strip() for name in re.split(separator, rest) if name.strip()]
    if len(names) > 1 and all(name.lower() in _LETTERS for name in names):
        names = [_LETTERS[name.lower()] for name in names]
    if not names:
        raise LulcError("The names of the network's bands are missing.", _REMEDY)
    if len(names) > _MOST or any(len(name) > 100 for name in names):
        raise LulcError(f"{len(names)} band names are given; at most {_MOST} of at most 100 characters can be.")
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise LulcError(f"The band {twice!r} is named twice.", _REMEDY)
    if all(name.isdigit() for name in names):
        raise LulcError(
            f"{', '.join(names)[:100]} are numbers of bands of some layer; the network's bands need names.", _REMEDY
        )
    codes = [name for name in names if band_names.is_code(name)]
    if codes and not sensor:
        sensor = band_names.sensor_by_spelling(tuple(names)) or _sensor_that_fits(codes)
    return tuple(_band(name, sensor) for name in names)


def _band(name: str, sensor: str) -> ModelBand:
    common = band_names.of_sensor(name, sensor) if band_names.is_code(name) else band_names.common_name(name)
    if common is None and band_names.is_code(name):
        raise LulcError(
            f"{sensor} has no band {name!r}; it has {', '.join(band_names.SENSORS[sensor]).upper()}.", _REMEDY
        )
    if common is None:
        return ModelBand(name)
    known = _OF_SENSOR.get(sensor, {}).get(common) or _WAVELENGTHS.get(common)
    return ModelBand(name, common) if known is None else ModelBand(name, common, *known)


def _sensor_that_fits(codes: Sequence[str]) -> str:
    """The sensor that has all bands called so; any of several that mean the same by them.

    Raises:
        LulcError: none has them, or they mean different things.
    """
    # Landsat does not pad its numbers (B2), Sentinel-2 and the harmonised HLS do (B02)
    if any(re.fullmatch(r"b0\d", name.strip().lower()) for name in codes):
        possible = ["sentinel-2", "hls-l30"]
    elif any(name.strip().lower().startswith("sr") for name in codes):
        possible = ["landsat-oli", "landsat-tm"]
    else:
        possible = ["sentinel-2", "landsat-oli", "landsat-tm"]
    fitting = [s for s in possible if all(band_names.of_sensor(name, s) for name in codes)]
    if not fitting:
        raise LulcError(f"No sensor known here has all of the bands {', '.join(codes)[:200]}.", _REMEDY)
    for name in codes:
        meanings = sorted({str(band_names.of_sensor(name, s)) for s in fitting})
        if len(meanings) > 1:
            raise LulcError(
                f"The band {name!r} could be {' or '.join(meanings)}: sensors differ.",
                "Begin with the sensor, like sentinel-2: B04,B03,B02,B05 or landsat-8: B4,B3,B2,B5, or use common names"
                " like red,green,blue,nir.",
            )
    return fitting[0]
