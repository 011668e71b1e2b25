# SPDX-License-Identifier: GPL-3.0-or-later
"""Names and wavelengths of bands: common names, other words for them, sensors' own names, and what a file says.

Common names are those of STAC's eo extension. A file says a band's name and wavelength in several places of GDAL's:
first in the domain IMAGERY (GDAL 3.10 and later, and GeoTIFFs written by it), then in the band's own keys (ENVI,
Sentinel-2), in the band's description (`B4, central wavelength 665 nm`, `blue (492.4 Nanometers)`), and last in the
lists of the whole file, which go stale when bands are taken out of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ..legend import LONGEST_NAME, visible_text

# Common names of STAC's eo extension 2.0 and other words for them.
WORDS: dict[str, tuple[str, ...]] = {
    "pan": ("pan", "panchromatic"),
    "coastal": ("coastal", "coastalaerosol", "coastalblue", "aerosol", "ultrablue", "violet"),
    "blue": ("blue", "blu"),
    "green": ("green", "grn", "greenii", "green2"),
    "green05": ("green05", "greeni", "green1"),
    "yellow": ("yellow",),
    "red": ("red",),
    "rededge": ("rededge", "redge"),
    "rededge071": ("rededge071", "rededge1", "vegetationrededge1", "re1"),
    "rededge075": ("rededge075", "rededge2", "vegetationrededge2", "re2"),
    "rededge078": ("rededge078", "rededge3", "vegetationrededge3", "re3"),
    "nir": ("nir", "nearinfrared", "infrared", "nir1", "nirbroad"),
    "nir08": ("nir08", "nira", "nirnarrow", "narrownir", "nir8a"),
    "nir09": ("nir09", "watervapour", "watervapor", "nir2"),
    "cirrus": ("cirrus",),
    "swir16": ("swir16", "swir1", "shortwaveinfrared1"),
    "swir22": ("swir22", "swir2", "shortwaveinfrared2"),
    "lwir": ("lwir", "tir", "thermal", "thermalinfrared"),
    "lwir11": ("lwir11", "tirs1", "tir1"),
    "lwir12": ("lwir12", "tirs2", "tir2"),
}
#: Words that fit a band only when nothing says it better.
_LOOSE: dict[str, tuple[str, ...]] = {"swir16": ("swir",)}
#: What the common names of invisible bands mean.
_IN_WORDS = {
    "nir": "near infrared",
    "nir08": "near infrared",
    "swir16": "short-wave infrared",
    "swir22": "short-wave infrared",
}
_RED_EDGES = ("rededge071", "rededge075", "rededge078")

# A sensor's own band names → common names.
_OLI = {
    "b1": "coastal", "b2": "blue", "b3": "green", "b4": "red", "b5": "nir08", "b6": "swir16", "b7": "swir22",
    "b9": "cirrus", "b10": "lwir11", "b11": "lwir12",
}  # fmt: skip
SENSORS: dict[str, dict[str, str]] = {
    "sentinel-2": {
        "b1": "coastal", "b2": "blue", "b3": "green", "b4": "red", "b5": "rededge071", "b6": "rededge075",
        "b7": "rededge078", "b8": "nir", "b8a": "nir08", "b9": "nir09", "b10": "cirrus", "b11": "swir16",
        "b12": "swir22",
    },
    "landsat-oli": {**_OLI, "b8": "pan"},
    # HLS keeps Landsat's numbers and has no panchromatic band
    "hls-l30": _OLI,
    "landsat-tm": {
        "b1": "blue", "b2": "green", "b3": "red", "b4": "nir", "b5": "swir16", "b6": "lwir", "b7": "swir22",
        "b8": "pan",
    },
    "modis": {
        "b1": "red", "b2": "nir08", "b3": "blue", "b4": "green", "b6": "swir16", "b7": "swir22", "b11": "green05",
        "b26": "cirrus",
    },
    "worldview": {
        "b1": "coastal", "b2": "blue", "b3": "green", "b4": "yellow", "b5": "red", "b6": "rededge", "b7": "nir",
        "b8": "nir09",
    },
    "planetscope": {
        "b1": "coastal", "b2": "blue", "b3": "green05", "b4": "green", "b5": "yellow", "b6": "red", "b7": "rededge071",
        "b8": "nir08",
    },
}  # fmt: skip
#: What the words of a layer or a model say about the sensor; the first that fits.
_SIGNS: tuple[tuple[str, str], ...] = (
    (r"hls[._-]?l30", "hls-l30"),
    (r"hls[._-]?s30|sentinel[-_ ]?2|\bs2[abc]?[_-]|_msil[12]|\bmsi\b", "sentinel-2"),
    (r"\bl[co]0[89]_|landsat[-_ ]?[89]|\boli\b", "landsat-oli"),
    (r"\bl[et]0[4-7]_|landsat[-_ ]?[4-7]|\betm|\btm\b", "landsat-tm"),
    (r"\bm[oyc]d(09|43)|\bmodis\b", "modis"),
    (r"worldview[-_ ]?[23]|\bwv0?[23]", "worldview"),
    (r"planetscope|psscene|superdove|analyticms_sr_8b|_8b_", "planetscope"),
)
_WITH_UNIT = re.compile(
    r"([0-9]+(?:\.[0-9]+)?)\s*(nm|nanomet(?:er|re)s?|um|µm|μm|micron|micromet(?:er|re)s?)\b", re.IGNORECASE
)
_LISTED_NAME = re.compile(r"Band_\d+\Z")
_LONGEST_LIST = 100_000
_SEPARATORS = re.compile(r"[^a-z0-9]+")
_QGIS_PREFIX = re.compile(r"^\s*band\s*\d+\s*:\s*(?=\S)", re.IGNORECASE)
_QGIS_COLOUR = re.compile(
    r"^\s*band\s*\d+\s*\(\s*(red|green|blue|alpha|nir|pan|coastal|rededge|swir)\s*\)\s*$", re.IGNORECASE
)
_NUMBER_ONLY = re.compile(r"^\s*(?:(?:band|layer|channel)[\s_.-]*)?(\d+)\s*$", re.IGNORECASE)


def plain(name: str) -> str:
    """Lower case without separators, QGIS's and the archives' additions: `Band 1: SR_B02` → `b2`, `B8A` → `b8a`."""
    colour = _QGIS_COLOUR.match(name)
    text = colour.group(1) if colour else _QGIS_PREFIX.sub("", name)
    text = _SEPARATORS.sub("", text.lower().split(",")[0].split("(")[0])
    text = re.sub(r"^(sr|toa|rho|surrefl|surfacereflectance)(?=[a-z])", "", text)
    text = re.sub(r"^band(?=\w)", "b", text)
    text = text[1:] if text[:1] == "b" and text[1:] in _EVERY_WORD else text
    return re.sub(r"^b0+(?=\d)", "b", text)


_EVERY_WORD = {word for words in WORDS.values() for word in words}


def common_name(name: str) -> str | None:
    """The common name that a band's name is a word for; None when it is not one."""
    word = plain(name)
    return next((common for common, words in WORDS.items() if word in words), None)


def is_unnamed(name: str, number: int) -> bool:
    """Whether the name of band `number` is empty or only its own number: `Band 3`."""
    match = _NUMBER_ONLY.match(name)
    return not name.strip() or (match is not None and int(match.group(1)) == number)


def in_words(labels: Iterable[str]) -> str:
    """Bands as a person who does not know their common names reads them, in a row.

    >>> in_words(["red", "nir", "swir16", "swir22"])
    'red, near infrared (nir) and short-wave infrared (swir16, swir22)'
    """
    groups: dict[str, list[str]] = {}
    for label in labels:
        groups.setdefault(_IN_WORDS.get(label, label), []).append(label)
    words = [f"{word} ({', '.join(members)})" if word != members[0] else word for word, members in groups.items()]
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else "".join(words)


def substitutes(common: str, wanted: tuple[str, ...]) -> tuple[str, ...]:
    """Common names that may stand for `common` where it is missing.

    Args:
        common: what is wanted.
        wanted: the common names of all bands that are wanted.
    """
    if common in ("nir", "nir08"):
        return ("nir08",) if common == "nir" else ("nir",)
    if common == "rededge":
        return _RED_EDGES
    # one band called red edge can only be meant where the model has just one of the three
    if common in _RED_EDGES and sum(w in _RED_EDGES for w in wanted) == 1:
        return ("rededge",)
    return ()


def words_for(common: str) -> tuple[tuple[str, ...], ...]:
    """Words for a common name, the sure ones before the loose ones."""
    return (WORDS.get(common, ()), _LOOSE.get(common, ()))


def sensor_in(words: str) -> str:
    """The sensor that some words name (a file's name, metadata, a model's constellation); empty when they do not."""
    text = words.lower()
    return next((sensor for sign, sensor in _SIGNS if re.search(sign, text)), "")


def sensor_by_spelling(names: tuple[str, ...]) -> str:
    """The sensor that alone writes its bands like these; empty when there is none."""
    spelled = {plain(n) for n in names}
    raw = {_QGIS_PREFIX.sub("", n).split(",")[0].strip().upper() for n in names}
    # only Sentinel-2 has B8A and B12 (Landsat's B11 is thermal); two digits (B08) are its way of writing too
    if spelled & {"b8a", "b12"} or "B08" in raw:
        return "sentinel-2"
    if any(r.startswith("SR_B") for r in raw) and "b6" in spelled and "b7" in spelled:
        return "landsat-oli"
    return ""


_TITLES = {"sentinel-2": "Sentinel-2", "landsat-oli": "Landsat 8 and 9", "landsat-tm": "Landsat 4 to 7"}


def of_sensor(name: str, sensor: str) -> str | None:
    """Common name of a band by its sensor's own name."""
    return SENSORS.get(sensor, {}).get(plain(name))


def meanings(name: str) -> str:
    """What a code is on each sensor, in words; empty where all that have it mean the same.

    `red on Landsat 8 and 9, nir on Landsat 4 to 7`.
    """
    by_sensor = {}
    for sensor, title in _TITLES.items():
        if not plain(name).startswith("b") or (name.strip().lower().startswith("sr") and sensor == "sentinel-2"):
            continue
        common = of_sensor(name, sensor)
        if common is not None:
            by_sensor[title] = common
    if len(set(by_sensor.values())) < 2:
        return ""
    return ", ".join(f"{common} on {title}" for title, common in by_sensor.items())


def is_code(name: str) -> bool:
    """Whether a name is a sensor's code (`B5`, `B8A`), which means another band on another sensor."""
    return re.fullmatch(r"b\d+a?", plain(name)) is not None


# ---------------------------------------------------------------- what a file says


def wavelength_of(dataset: Any, band: int, description: str | None = None) -> tuple[float | None, float | None]:
    """Centre and width in micrometres that an open rasterio dataset tells of a band; None where it does not.

    Args:
        dataset: open.
        band: from 1.
        description: of the band; None: asked of the dataset, which makes a list of all of them for it.
    """
    imagery = dataset.tags(band, ns="IMAGERY")
    own = dataset.tags(band)
    centre = _number(imagery.get("CENTRAL_WAVELENGTH_UM"))
    width = _number(imagery.get("FWHM_UM"))
    if centre is None:
        unit = own.get("wavelength_units") or own.get("WAVELENGTH_UNIT") or ""
        centre = _micrometres(own.get("wavelength") or own.get("WAVELENGTH"), unit, 100)
    if centre is None:
        text = _WITH_UNIT.search((dataset.descriptions[band - 1] if description is None else description) or "")
        if text:
            centre = _micrometres(text.group(1), text.group(2), 100)
    if width is None:
        unit = own.get("BANDWIDTH_UNIT") or own.get("wavelength_units") or ""
        width = _micrometres(own.get("fwhm") or own.get("BANDWIDTH"), unit, 10)
    if centre is None or width is None:
        centre_of_file, width_of_file = _from_file_lists(dataset, band)
        centre = centre_of_file if centre is None else centre
        width = width_of_file if width is None else width
    return centre, width


def names_of(dataset: Any) -> list[str]:
    """What the file calls each band; empty where it does not. As they are shown, they are cut, and hide nothing."""
    listed = {key: text for key, text in dataset.tags().items() if _LISTED_NAME.match(key)}
    listed = listed if len(listed) == dataset.count else {}
    names = []
    for band, described in enumerate(dataset.descriptions, 1):
        name = (described or "").strip() or dataset.tags(band).get("BANDNAME") or listed.get(f"Band_{band}", "")
        names.append(visible_text(str(name).strip()[:LONGEST_NAME]).strip())
    return names


def _from_file_lists(dataset: Any, band: int) -> tuple[float | None, float | None]:
    """Centre and width in ENVI's lists for the whole file, if these have one entry a band."""
    envi: Mapping[str, str] = dataset.tags(ns="ENVI")
    centres, widths = _entries(envi.get("wavelength"), dataset.count), _entries(envi.get("fwhm"), dataset.count)
    unit = envi.get("wavelength_units") or ""
    return (
        _micrometres(centres[band - 1], unit, 100) if centres else None,
        _micrometres(widths[band - 1], unit, 10) if widths else None,
    )


def _entries(text: str | None, count: int) -> list[str]:
    if not text or len(text) > _LONGEST_LIST:
        return []
    entries = text.strip().strip("{}").split(",")
    return [e.strip() for e in entries] if len(entries) == count else []


def _micrometres(text: str | None, unit: str, most: float) -> float | None:
    """A length in micrometres; without a unit, numbers above `most` are nanometres."""
    value = _number(text)
    if value is None:
        return None
    unit = unit.strip().lower()
    if unit.startswith(("nm", "nano")):
        return value / 1000
    if unit.startswith(("mm", "milli")):
        return value * 1000
    if unit.startswith(("um", "µm", "μm", "micro")):
        return value
    return value / 1000 if value > most else value


def _number(text: str | None) -> float | None:
    try:
        value = float(text) if text is not None else None
    except ValueError:
        return None
    return value if value is not None and 0 < value < 1e6 else None
