# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of classes from styles beside a raster: QGIS's `.qml`, and colour tables in text (`.clr`).

Both are untrusted, and searched for their marks.
"""

from __future__ import annotations

import html
import os
import re
from itertools import islice
from pathlib import Path

_LARGEST = 8_000_000
_MOST = 65536
#: An entry of a paletted renderer, or of a colour ramp of exact values.
_ENTRY = re.compile(r"<(?:paletteEntry|item)\b([^<>]{1,2000})>")
_BAND = re.compile(r'\bband="(\d{1,6})"')
_RAMP = re.compile(r'\bcolorRampType="(\w{1,20})"')
_LONGEST_TAG = 2000
_ATTRIBUTE = re.compile(r'\b(value|label)="([^"]{0,1000})"')
_WHOLE = re.compile(r"([0-9]{1,5})(?:\.0*)?\Z")


def style_names(path: str, band: int) -> dict[int, str]:
    """Value → name from the style that QGIS opens with the raster `path`; empty without."""
    text = _text_of(Path(path).with_suffix(".qml"))
    of_band = _BAND.search(_tag(text, "rasterrenderer"))
    if of_band is None or int(of_band[1]) != band:
        return {}
    ramp = _RAMP.search(_tag(text, "colorrampshader"))
    if ramp is not None and ramp[1] != "EXACT":
        return {}
    names: dict[int, str] = {}
    for entry in islice(_ENTRY.finditer(text), _MOST):
        attributes = {name: html.unescape(value).strip() for name, value in _ATTRIBUTE.findall(entry[1])}
        _add(names, attributes.get("value", ""), attributes.get("label", ""))
    return names


def colour_table_names(path: str) -> dict[int, str]:
    """Value → name from `NAME.clr` beside the raster `path`: value, red, green, blue, perhaps alpha, and a name."""
    names: dict[int, str] = {}
    for side in (Path(path).with_suffix(".clr"), Path(path + ".clr")):
        for line in _text_of(side).splitlines()[:_MOST]:
            cells = line.split(",") if "," in line else line.split(None, 5)
            numbers = 0
            while numbers < len(cells) and re.fullmatch(r"\s*[0-9.]+\s*", cells[numbers]):
                numbers += 1
            if numbers in (4, 5):
                name = (", " if "," in line else " ").join(cell.strip() for cell in cells[numbers:])
                _add(names, cells[0].strip(), name.strip("\"' "))
        if names:
            return names
    return {}


def _tag(text: str, name: str) -> str:
    """The first tag of this name, empty without."""
    start = text.find(f"<{name} ")
    return "" if start < 0 else text[start : start + _LONGEST_TAG].partition(">")[0]


def _add(names: dict[int, str], value: str, name: str) -> None:
    whole = _WHOLE.match(value)
    if whole and name and name != whole[1]:
        names.setdefault(int(whole[1]), name)


def _text_of(path: Path) -> str:
    try:
        if not os.path.isfile(path) or path.stat().st_size > _LARGEST:
            return ""
        return path.read_text(encoding="utf-8-sig", errors="replace")
    except (OSError, ValueError):
        return ""
