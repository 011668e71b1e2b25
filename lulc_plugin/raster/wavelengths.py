# SPDX-License-Identifier: GPL-3.0-or-later
"""What an open raster tells of a band's name and wavelength, in whichever of GDAL's places.

First the domain IMAGERY (GDAL 3.10 and later, and GeoTIFFs written by it), then the band's own keys (ENVI, Sentinel-2),
the band's description (`B4, central wavelength 665 nm`, `blue (492.4 Nanometers)`), and last the lists of the whole
file, which go stale when bands are taken out of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_WITH_UNIT = re.compile(
    r"([0-9]+(?:\.[0-9]+)?)\s*(nm|nanomet(?:er|re)s?|um|µm|μm|micron|micromet(?:er|re)s?)\b", re.IGNORECASE
)
_LISTED_NAME = re.compile(r"Band_\d+\Z")
_LONGEST_LIST = 100_000


def wavelength_of(dataset: Any, band: int) -> tuple[float | None, float | None]:
    """Centre and width in micrometres that an open rasterio dataset tells of a band; None where it does not."""
    imagery = dataset.tags(band, ns="IMAGERY")
    own = dataset.tags(band)
    centre = _number(imagery.get("CENTRAL_WAVELENGTH_UM"))
    width = _number(imagery.get("FWHM_UM"))
    if centre is None:
        unit = own.get("wavelength_units") or own.get("WAVELENGTH_UNIT") or ""
        centre = _micrometres(own.get("wavelength") or own.get("WAVELENGTH"), unit, 100)
    if centre is None:
        text = _WITH_UNIT.search(dataset.descriptions[band - 1] or "")
        if text:
            centre = _micrometres(text.group(1), text.group(2), 100)
    if width is None:
        unit = own.get("BANDWIDTH_UNIT") or own.get("wavelength_units") or ""
        width = _micrometres(own.get("fwhm") or own.get("BANDWIDTH"), unit, 10)
    if centre is None or width is None:
        listed = _of_file(dataset, band)
        centre = listed[0] if centre is None else centre
        width = listed[1] if width is None else width
    return centre, width


def name_of(dataset: Any, band: int) -> str:
    """What the file calls a band; empty when it does not."""
    described = (dataset.descriptions[band - 1] or "").strip()
    if described:
        return str(described)
    own = dataset.tags(band).get("BANDNAME")
    if own:
        return str(own).strip()
    listed = {key: text for key, text in dataset.tags().items() if _LISTED_NAME.match(key)}
    return str(listed.get(f"Band_{band}", "")).strip() if len(listed) == dataset.count else ""


def _of_file(dataset: Any, band: int) -> tuple[float | None, float | None]:
    """Centre and width in ENVI's lists for the whole file, if these have one entry a band."""
    envi: Mapping[str, str] = dataset.tags(ns="ENVI")
    centres, widths = _listed(envi.get("wavelength"), dataset.count), _listed(envi.get("fwhm"), dataset.count)
    unit = envi.get("wavelength_units") or ""
    return (
        _micrometres(centres[band - 1], unit, 100) if centres else None,
        _micrometres(widths[band - 1], unit, 10) if widths else None,
    )


def _listed(text: str | None, count: int) -> list[str]:
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
