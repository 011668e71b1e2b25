# SPDX-License-Identifier: GPL-3.0-or-later
"""Which band of a layer is which band of a model.

Order of evidence: what the user says; wavelengths; common names and colours; band names of the same sensor; at last
the position, with a warning and only if the counts agree. A bare `B5` is red edge on Sentinel-2 and near infrared on
Landsat 8, so a sensor's own names count only where the layer says which sensor it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ..errors import LulcError


@dataclass(frozen=True)
class LayerBand:
    """What a layer says about one band; wavelengths in micrometres, `colour` is GDAL's colour interpretation."""

    number: int
    name: str = ""
    wavelength: float | None = None
    width: float | None = None
    colour: str = ""
    scale: float = 1.0
    offset: float = 0.0

    @property
    def is_alpha(self) -> bool:
        """A transparency band. GDAL calls the fourth band of many 8-bit files alpha; a name of its own tells better."""
        return self.colour == "alpha" and _plain(self.name) in ("", "alpha", "mask", "transparency")

    @property
    def label(self) -> str:
        """`3 (B04)`, `3 (unnamed)` or `4 (alpha)`."""
        return f"{self.number} ({self.name or ('alpha' if self.is_alpha else 'unnamed')})"


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


# STAC common names (eo extension 2.0) and other words for them.
_COMMON: dict[str, tuple[str, ...]] = {
    "coastal": ("coastal", "coastalaerosol", "aerosol"),
    "blue": ("blue", "blu"),
    "green": ("green", "grn"),
    "red": ("red",),
    "rededge": ("rededge", "rededge1", "rededge2", "rededge3"),
    "rededge071": ("rededge071", "rededge1", "vegetationrededge1"),
    "rededge075": ("rededge075", "rededge2", "vegetationrededge2"),
    "rededge078": ("rededge078", "rededge3", "vegetationrededge3"),
    "nir": ("nir", "nir08", "nearinfrared", "infrared", "nir1", "nirbroad"),
    "nir08": ("nir08", "nir", "nearinfrared", "nira", "nirnarrow"),
    "nir09": ("nir09", "watervapour", "watervapor"),
    "swir16": ("swir16", "swir1", "swir"),
    "swir22": ("swir22", "swir2"),
}
# A sensor's own band names → common names.
_SENSORS: dict[str, dict[str, str]] = {
    "sentinel-2": {
        "b1": "coastal", "b2": "blue", "b3": "green", "b4": "red", "b5": "rededge071", "b6": "rededge075",
        "b7": "rededge078", "b8": "nir", "b8a": "nir08", "b9": "nir09", "b11": "swir16", "b12": "swir22",
    },
    "landsat-oli": {
        "b1": "coastal", "b2": "blue", "b3": "green", "b4": "red", "b5": "nir08", "b6": "swir16", "b7": "swir22",
    },
    "landsat-tm": {"b1": "blue", "b2": "green", "b3": "red", "b4": "nir08", "b5": "swir16", "b7": "swir22"},
}  # fmt: skip
_SENSOR_KEYS = re.compile(r"sensor|platform|spacecraft|satellite|constellation", re.IGNORECASE)
_WORDS = re.compile(r"[^a-z0-9]+")
_NANOMETRES = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*(nm|nanometer|nanometre|um|µm|micrometer|micrometre)", re.IGNORECASE)


def match(
    layer: Sequence[LayerBand],
    wanted: Sequence[WantedBand],
    chosen: Sequence[int] = (),
    *,
    layer_name: str = "the layer",
    tags: Mapping[str, str] | None = None,
) -> BandMatch:
    """Find the layer's band for every band a model wants.

    Args:
        layer: the layer's bands.
        wanted: the model's bands, in its order.
        chosen: band numbers the user gave, in the model's order; empty: find them.
        layer_name: for messages.
        tags: the layer's metadata; may say which sensor it is.

    Raises:
        LulcError: a chosen number is not a band of the layer, the count is wrong, or a band cannot be found.
    """
    if chosen:
        return _chosen(layer, wanted, chosen, layer_name)
    usable = [b for b in layer if not b.is_alpha]
    sensor = sensor_of(layer_name, tags or {}, usable)
    found: dict[int, int] = {}
    how: list[str] = []
    steps: tuple[tuple[str, Any], ...] = (
        ("wavelength", _by_wavelength),
        ("name", _by_common_name),
        (f"{sensor} band name", lambda band, free: _by_sensor_name(band, free, sensor)),
    )
    for word, rule in steps:
        for i, band in enumerate(wanted):
            if i in found:
                continue
            free = [b for b in usable if b.number not in found.values()]
            number = rule(band, free)
            if number is not None:
                found[i] = number
                how.append(word)
    if len(found) == len(wanted):
        return BandMatch(tuple(found[i] for i in range(len(wanted))), "by " + " and ".join(dict.fromkeys(how)))
    said = any(b.name or b.wavelength for b in usable)
    if not found and not said and len(usable) == len(wanted):
        order = ", ".join(f"{b.number} = {w.label}" for b, w in zip(usable, wanted))
        return BandMatch(
            tuple(b.number for b in usable),
            "by position",
            (
                f"The bands of {layer_name} carry no names, so they were taken in their order: {order}."
                " If that is wrong, set the bands.",
            ),
        )
    missing = ", ".join(w.label for i, w in enumerate(wanted) if i not in found)
    order = ", ".join(w.label for w in wanted)
    raise LulcError(
        f"{layer_name} has {len(layer)} band{'s' * (len(layer) != 1)}: {', '.join(b.label for b in layer)}."
        f" None of them could be recognised as {missing}.",
        f"Set Bands to the numbers of the bands {order}, in this order; at a shell with semicolons, for example"
        " 'BANDS=3;2;1;4' for a Landsat 7 scene whose bands 1, 2, 3 and 4 are blue, green, red and near infrared.",
    )


def _chosen(
    layer: Sequence[LayerBand], wanted: Sequence[WantedBand], chosen: Sequence[int], layer_name: str
) -> BandMatch:
    order = ", ".join(w.label for w in wanted)
    wrong = [b for b in chosen if not 1 <= b <= len(layer)]
    if wrong:
        raise LulcError(
            f"Band {wrong[0]} does not exist: {layer_name} has bands 1 to {len(layer)}.",
            f"Give the bands of {order} in this order; at a shell separate them with semicolons: 'BANDS=3;2;1;4'"
            " (with commas QGIS reads 0).",
        )
    if len(chosen) != len(wanted):
        raise LulcError(
            f"{len(chosen)} band{'s' * (len(chosen) != 1)} given ({', '.join(map(str, chosen))}), but the model wants"
            f" {len(wanted)}.",
            f"Give the bands of {order}, in this order.",
        )
    return BandMatch(tuple(chosen), "as you chose")


def sensor_of(name: str, tags: Mapping[str, str], bands: Sequence[LayerBand]) -> str:
    """`sentinel-2`, `landsat-oli`, `landsat-tm`, or "" when the layer does not say."""
    words = " ".join(
        [
            name,
            *(v for k, v in tags.items() if _SENSOR_KEYS.search(k)),
        ]
    ).lower()
    if re.search(r"sentinel[-_ ]?2|\bs2[abc]?[_-]|_msil[12]", words):
        return "sentinel-2"
    if re.search(r"\bl[co]0[89]_|landsat[-_ ]?[89]|\boli\b|hls[._]l30", words):
        return "landsat-oli"
    if re.search(r"\bl[et]0[4-7]_|landsat[-_ ]?[4-7]|\betm|\btm\b", words):
        return "landsat-tm"
    names = {_plain(b.name) for b in bands}
    raw = {b.name.strip().upper() for b in bands}
    # only Sentinel-2 has B8A and B12 (Landsat's B11 is thermal); two digits (B08) are its way of writing too
    if names & {"b8a", "b12"} or "B08" in raw:
        return "sentinel-2"
    if any(r.startswith("SR_B") for r in raw) and "b6" in names and "b7" in names:
        return "landsat-oli"
    return ""


def _plain(name: str) -> str:
    """Lower case without separators, `SR_` and `Band`; `B02` → `b2`, `B8A` → `b8a`."""
    text = _WORDS.sub("", name.lower().split(",")[0].split("(")[0])
    text = re.sub(r"^(sr|toa|rho|surfacereflectance)(?=[a-z])", "", text)
    text = re.sub(r"^band(?=\w)", "b", text)
    text = re.sub(r"^b([a-z]{3,})$", r"\1", text) if text[1:] in _ALL_WORDS else text
    return re.sub(r"^b0+(?=\d)", "b", text)


_ALL_WORDS = {word for words in _COMMON.values() for word in words}


def _by_wavelength(band: WantedBand, free: Sequence[LayerBand]) -> int | None:
    if band.wavelength is None:
        return None
    best: list[tuple[float, int]] = []
    for other in free:
        if other.wavelength is None:
            continue
        distance = abs(other.wavelength - band.wavelength)
        reach = max(0.015, (band.width or 0) / 2, 0.35 * (other.width or 0))
        reach = min(reach, 0.030 if band.wavelength < 1 else 0.100)
        if distance <= reach:
            best.append((distance, other.number))
    best.sort()
    if not best or (len(best) > 1 and best[1][0] - best[0][0] < 1e-9):
        return None
    return best[0][1]


def _by_common_name(band: WantedBand, free: Sequence[LayerBand]) -> int | None:
    common = band.common_name or ""
    for word in _COMMON.get(common, (_plain(band.name),)):
        named = [b.number for b in free if _plain(b.name) == word]
        if len(named) == 1:
            return named[0]
        if named:
            return None
    coloured = [b.number for b in free if b.colour == common and common in ("red", "green", "blue", "nir")]
    return coloured[0] if len(coloured) == 1 else None


def _by_sensor_name(band: WantedBand, free: Sequence[LayerBand], sensor: str) -> int | None:
    names = _SENSORS.get(sensor)
    if names is None:
        return None
    common = band.common_name or ""
    for wanted in (common, {"nir": "nir08", "nir08": "nir"}.get(common, "")):
        found = [b.number for b in free if wanted and names.get(_plain(b.name)) == wanted]
        if len(found) == 1:
            return found[0]
    return None


def wavelength_of(dataset: Any, band: int) -> tuple[float | None, float | None]:
    """Centre and width in micrometres that an open rasterio dataset tells of a band; None where it does not."""
    imagery = dataset.tags(band, ns="IMAGERY")
    own = dataset.tags(band)
    centre = _float(imagery.get("CENTRAL_WAVELENGTH_UM"))
    width = _float(imagery.get("FWHM_UM"))
    if centre is None:
        value = _float(own.get("wavelength") or own.get("WAVELENGTH"))
        unit = (own.get("wavelength_units") or own.get("WAVELENGTH_UNIT") or "").lower()
        if value is not None:
            centre = value / 1000 if unit.startswith(("nm", "nano")) or (not unit and value > 100) else value
    if centre is None:
        text = _NANOMETRES.search(dataset.descriptions[band - 1] or "")
        if text:
            centre = float(text.group(1)) / (1000 if text.group(2).lower().startswith(("nm", "nano")) else 1)
    if width is None:
        width = _float(own.get("fwhm") or own.get("BANDWIDTH"))
        width = width / 1000 if width is not None and width > 10 else width
    return centre, width


def _float(text: str | None) -> float | None:
    try:
        value = float(text) if text is not None else None
    except ValueError:
        return None
    return value if value is not None and 0 < value < 1e6 else None
