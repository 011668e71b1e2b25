# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said of legends, labels and values that do not quite fit together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..legend import LegendClass
from ..options import option
from .class_names import LOST, Found, Joined, Key, fold, is_no_class, unreadable
from .class_pairs import Pairs
from .result import AssessedClass

#: Classes that a message names.
SHOWN = 12
_EXAMPLES = 3


def other_legend(
    joined: Joined,
    classes: Sequence[AssessedClass],
    second: bool,
    legend: Mapping[int, LegendClass],
    ours: Mapping[int, LegendClass],
) -> list[str]:
    """Sentences about a legend that is not quite that of the map.

    Args:
        joined: what its names say.
        classes: of the map.
        second: whether it is that of a second map, and not of the reference.
        legend, ours: the two legends by value.
    """
    table = option("class_table_b" if second else "class_table")
    if joined.other_codes:
        pairs = [
            f"{value}{f' {legend[value].name}' if value in joined.near else ''} = {classes[place].label}"
            for value, place in joined.by_name.items()
        ]
        maps = "The two maps" if second else "Map and reference"
        return [
            f"{maps} have the same class names for other values: classes are joined by name ({listed(pairs)}). If that"
            f" is wrong, give {table}."
        ]
    first, other = ("first map", "second") if second else ("map", "reference")
    return [
        f'Value {value} is "{ours[value].name}" in the {first} and "{legend[value].name}" in the {other}; they are'
        f" compared as one class. If the legends differ, give {table}."
        for value in sorted(legend)
        if value in ours and value not in joined.by_name and fold(legend[value].name) != fold(ours[value].name)
    ]


@dataclass(frozen=True)
class UnknownLabels:
    """Labels that no map class has.

    Attributes:
        counts: label → units that have it.
        labels: how many labels the reference has.
        compared: units with any label.
        units: "points" or "pixels".
        has_table: whether a class table says what means the same.
        names: names that a reference raster gives to its values.
        offers: label → names that may be meant.
        unknown: what is done with them, one of `job.UNKNOWN`.
        without: overall accuracy of each map without them; None where it cannot be known.
    """

    counts: Mapping[Key, int]
    labels: int
    compared: int
    units: str
    has_table: bool
    names: Mapping[Any, str]
    offers: Mapping[Key, Sequence[str]]
    unknown: str
    without: Sequence[float | None] = ()

    def sentences(self) -> list[str]:
        """What the reader must know of them."""
        if not self.counts:
            return []
        if len(self.counts) == self.labels:
            called = listed([self._called(label) for label in self.counts])
            return [
                f"None of the reference classes ({called}) is one of the map: overall accuracy is 0 for that reason"
                f" alone. If the legends differ, say in {option('class_table')} what means the same."
            ]
        marks = {label: n for label, n in self.counts.items() if is_no_class(label) and not self.offers.get(label)}
        others = {label: n for label, n in self.counts.items() if label not in marks}
        parts = []
        if marks:
            most = max(marks, key=lambda label: marks[label])
            question = "not labelled yet?"
            if self.units == "pixels" and isinstance(most, int):
                question = f"no data? Then gdal_edit.py -a_nodata {most}."
            parts.append(f"{self._have(marks)} {_or(marks)}, which no map class has: {question}")
        if others:
            verb = "is" if len(others) == 1 else "are"
            where = "in the class table or the map's legend" if self.has_table else "in the map's legend"
            counted = [f"{self._called(label)} ({self._units(n)})" for label, n in others.items()]
            parts.append(
                f"{len(others)} of {self.labels} reference classes {verb} not {where}: {listed(counted)}."
                f"{offered(self.offers)}"
            )
        return [" ".join((*parts, self._treated()))]

    def _units(self, number: int) -> str:
        return f"1 {self.units[:-1]}" if number == 1 else f"{number:,} {self.units}"

    def _called(self, label: Key) -> str:
        name = self.names.get(label, str(label))
        return name if name == str(label) else f"{label} {name}"

    def _have(self, counts: Mapping[Key, int]) -> str:
        return f"{sum(counts.values()):,} of {self.compared:,} {self.units} have"

    def _treated(self) -> str:
        if self.unknown == "exclude":
            return f"Units with them are left out ({option('unknown', 'exclude')})."
        figures = [f"{value:.4f}" for value in self.without if value is not None]
        without = f"; without them ({option('unknown', 'exclude')})"
        if len(figures) == 1:
            without += f" overall accuracy is {figures[0]}"
        elif figures:
            without += f" overall accuracy is {figures[0]} of map A and {figures[1]} of map B"
        else:
            without = ""
        return f"They count as errors ({option('unknown', 'error')}){without}."


def _or(counts: Mapping[Key, int]) -> str:
    if len(counts) == 1:
        return str(next(iter(counts)))
    return listed([f"{label} ({n:,})" for label, n in counts.items()])


def near_names(near: Mapping[str, Found]) -> list[str]:
    """Sentences about texts that were taken for a class although its name is another."""
    told = []
    alike = [f'"{label}" = "{found.name}"' for label, found in near.items() if not found.encoding]
    if alike:
        told.append(f"Names that are written in two ways are taken for one class: {listed(alike)}.")
    encodings = dict.fromkeys((found.encoding, found.of_map) for found in near.values() if found.encoding)
    for encoding, of_map in encodings:
        wrong = [
            f'"{found.name}" is "{label}"' if of_map else f'"{label}" is "{found.name}"'
            for label, found in near.items()
            if (found.encoding, found.of_map) == (encoding, of_map)
        ]
        where = "names of the map's classes" if of_map else "labels of the reference"
        remedy = (
            f"Save the file that names them in {encoding}."
            if of_map
            else f"Set the layer's encoding to {encoding} (QGIS: Layer Properties, Source, Data source encoding; at a"
            f" shell: ogr2ogr --config SHAPE_ENCODING {encoding} OUT.gpkg IN.shp)."
        )
        told.append(
            f"The {where} were read in a wrong encoding ({listed(wrong)}); they are taken for what they mean. {remedy}"
        )
    return told


def offered(offers: Mapping[Key, Sequence[str]]) -> str:
    """A question with names that may be meant, or that the encoding is wrong; empty, or begins with a blank."""
    asked = [f'"{" or ".join(names)}" for "{label}"' for label, names in offers.items() if names]
    out = f" Did you mean {listed(asked)}?" if asked else ""
    for lost, remedy in ((False, "(often UTF-8)"), (True, "(not UTF-8; often windows-1252)")):
        texts = [label for label in offers if isinstance(label, str) and unreadable(label)]
        broken = [f'"{label}"' for label in texts if (LOST in label) == lost]
        verb = "looks like a text that was" if len(broken) == 1 else "look like texts that were"
        if broken:
            more = f" and {len(broken) - _EXAMPLES} more" if len(broken) > _EXAMPLES else ""
            shown = ", ".join(broken[:_EXAMPLES]) + more
            out += f" {shown} {verb} read in a wrong encoding: set that of the layer {remedy}."
    return out


def without_row(labels: Sequence[Key], unknown_classes: Sequence[Key], table: Pairs) -> list[str]:
    """A sentence about labels that a class table does not have."""
    if not table:
        return []
    in_table = {fold(label) for _, label in table}
    alike = [label for label in labels if fold(label) not in in_table and label not in set(unknown_classes)]
    if not alike:
        return []
    return [
        f"The class table has no row for the reference classes {listed(alike)}; they are taken for the map's"
        " classes of the same value or name. If that is wrong, add their rows."
    ]


def listed(items: Iterable[object]) -> str:
    """The first items of a list, and how many more there are."""
    items = list(items)
    more = f" and {len(items) - SHOWN} more" if len(items) > SHOWN else ""
    return ", ".join(map(str, items[:SHOWN])) + more
