# SPDX-License-Identifier: GPL-3.0-or-later
"""Class values, names and colours, and the forms in which they travel: JSON, colour table, QGIS style."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import FileNotRead, LulcError
from .visible_text import visible_text as visible_text

_COLOUR = re.compile(r"#[0-9A-Fa-f]{6}\Z")
_MOST_CLASSES = 4096
LONGEST_NAME = 200
_LARGEST_FILE = 4_000_000
#: Of a class that is called background.
BACKGROUND_COLOUR = "#B4B4B4"
_BACKGROUND = re.compile(r"_?background|not[_ ].*", re.IGNORECASE)
_SURROGATE = re.compile("[\ud800-\udfff]")
#: XML 1.0 has no place for these, not even escaped. Compiled (for 4 ms) when it is first used: QGIS starts with this.
_NOT_XML = "[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"


@dataclass(frozen=True)
class LegendClass:
    """One class: `value` in the map (0..65535), `name` shown to people, `colour` as #RRGGBB."""

    value: int
    name: str
    colour: str

    def __post_init__(self) -> None:
        if isinstance(self.value, bool) or not isinstance(self.value, int) or not 0 <= self.value <= 65535:
            raise LulcError(f"Class value {str(self.value)[:30]!r} is not a whole number from 0 to 65535.")
        if not isinstance(self.name, str) or not self.name.strip() or len(self.name) > LONGEST_NAME:
            raise LulcError(f"The name of class {self.value} is empty or longer than {LONGEST_NAME} characters.")
        if not is_text(self.name):
            raise LulcError(f"The name of class {self.value} holds half a character.", "Save its file as UTF-8.")
        # no direction, escape or line break of a foreign file reaches a list, a log or a terminal
        object.__setattr__(self, "name", re.sub(r"[\n\r]", " ", visible_text(self.name)))
        if not isinstance(self.colour, str) or not _COLOUR.match(self.colour):
            raise LulcError(f"Colour {str(self.colour)[:30]!r} of class {self.value} is not of the form #RRGGBB.")

    @property
    def rgb(self) -> tuple[int, int, int]:
        """Red, green and blue, each 0..255."""
        return int(self.colour[1:3], 16), int(self.colour[3:5], 16), int(self.colour[5:7], 16)


@dataclass(frozen=True)
class Legend:
    """The classes of a map in channel order, and the value that means "no class".

    Raises:
        LulcError: no class, a repeated value, or a nodata value that is also a class.
    """

    classes: tuple[LegendClass, ...]
    nodata: int

    def __post_init__(self) -> None:
        values = self.values
        if not values or len(values) > _MOST_CLASSES:
            raise LulcError(f"A legend needs 1 to {_MOST_CLASSES} classes, this one has {len(values)}.")
        repeated = sorted({v for v in values if values.count(v) > 1})
        if repeated:
            raise LulcError(f"Class value {repeated[0]} occurs more than once in the legend.")
        if self.nodata in values:
            raise LulcError(f"Value {self.nodata} is both a class and the nodata value of the legend.")
        if not 0 <= self.nodata <= 65535:
            raise LulcError(f"The nodata value {self.nodata} is not within 0..65535.")

    @staticmethod
    def of(classes: Sequence[LegendClass], nodata: int | None = None) -> Legend:
        """Legend with nodata 0 when no class has it, else 255, else the largest free value (unless given)."""
        if nodata is None:
            values = {c.value for c in classes[: _MOST_CLASSES + 1]}
            nodata = next(v for v in (0, 255, *range(65535, 0, -1)) if v not in values)
        return Legend(tuple(classes), nodata)

    @property
    def values(self) -> tuple[int, ...]:
        """Class values in channel order."""
        return tuple(c.value for c in self.classes)

    @property
    def names(self) -> tuple[str, ...]:
        """Class names in channel order."""
        return tuple(c.name for c in self.classes)

    @property
    def dtype(self) -> str:
        """`uint8` while every value and nodata fit with room for 255 as nodata, else `uint16`."""
        return "uint8" if max(self.values) <= 254 and self.nodata <= 255 else "uint16"

    def colour_table(self) -> dict[int, tuple[int, int, int, int]]:
        """Class value → (red, green, blue, alpha), for a GeoTIFF's palette."""
        return {c.value: (*c.rgb, 255) for c in self.classes}

    def to_json(self) -> dict[str, Any]:
        """Plain object, the reverse of `from_json`."""
        return {
            "nodata": self.nodata,
            "classes": [{"value": c.value, "name": c.name, "colour": c.colour} for c in self.classes],
        }

    @staticmethod
    def from_json(data: Any) -> Legend:
        """Legend of an object `{"nodata": 0, "classes": [{"value", "name", "colour"}, …]}`.

        Raises:
            LulcError: another form.
        """
        if not isinstance(data, Mapping) or not isinstance(data.get("classes"), list):
            raise LulcError('A legend is a JSON object with a list "classes".')
        classes = []
        for entry in data["classes"][: _MOST_CLASSES + 1]:
            if not isinstance(entry, Mapping) or not {"value", "name", "colour"} <= set(entry):
                raise LulcError('Each class of a legend needs "value", "name" and "colour".')
            classes.append(LegendClass(entry["value"], entry["name"], entry["colour"]))
        nodata = data.get("nodata")
        if nodata is not None and (isinstance(nodata, bool) or not isinstance(nodata, int)):
            raise LulcError(f"The nodata value {str(nodata)[:30]!r} of the legend is not a whole number.")
        return Legend.of(classes, nodata)

    @staticmethod
    def from_file(path: Path) -> Legend:
        """Legend of a JSON file.

        Raises:
            LulcError: the file cannot be read or is not a legend.
        """
        try:
            with path.open(encoding="utf-8-sig") as stream:
                # a device has no end; what is cut there is no JSON
                return Legend.from_json(json.loads(stream.read(_LARGEST_FILE)))
        except (OSError, ValueError, RecursionError) as error:
            raise FileNotRead(f"The legend {path} cannot be read: {error}.") from error

    def qml(self) -> str:
        """A QGIS layer style (paletted renderer) that shows these classes and no others."""
        entries = "\n".join(
            f'        <paletteEntry value="{c.value}" alpha="255" color="{c.colour.lower()}"'
            f' label="{xml_text(c.name)}"/>'
            for c in self.classes
        )
        return (
            "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"
            '<qgis version="3.22.0" styleCategories="Symbology">\n'
            "  <pipe>\n"
            '    <rasterrenderer type="paletted" band="1" opacity="1" alphaBand="-1" nodataColor="">\n'
            "      <colorPalette>\n"
            f"{entries}\n"
            "      </colorPalette>\n"
            "    </rasterrenderer>\n"
            "  </pipe>\n"
            "  <blendMode>0</blendMode>\n"
            "</qgis>\n"
        )


def default_colour(index: int, name: str = "") -> str:
    """A colour for class number `index`, which has none of its own.

    Hues are a golden angle apart; what is called background or not_… is grey.
    """
    if _BACKGROUND.fullmatch(name.strip()):
        return BACKGROUND_COLOUR
    hue = (index * 0.6180339887) % 1.0
    parts = [abs((hue * 6 + k) % 6 - 3) - 1 for k in (0, 4, 2)]
    return "#" + "".join(f"{int(60 + 160 * min(1, max(0, p))):02X}" for p in parts)


def is_text(text: str) -> bool:
    """False if `text` holds an unpaired surrogate, which cannot be encoded."""
    return not _SURROGATE.search(text)


def xml_text(text: str) -> str:
    """`text` escaped for XML, as content or inside double quotes; characters that XML cannot hold become U+FFFD."""
    return html.escape(re.sub(_NOT_XML, "\ufffd", text), quote=True)
