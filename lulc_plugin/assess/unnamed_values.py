# SPDX-License-Identifier: GPL-3.0-or-later
"""Values of a class map that no legend names: pixels without data that no file marks, or classes without a name."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..legend import LegendClass
from ..raster import RasterInput, Source
from .class_names import Key, is_no_class

_SHOWN = 8
#: Where nothing at all is named, 0 beside one other value is "not that class"; beside more, it is doubtful.
_FEWEST_CLASSES = 2
#: What is no class in a map without any names, besides numbers below zero.
_NEVER_A_CLASS = frozenset({0, 255, 9999, 32767, 65535, 99999, 2147483647, 4294967295})
#: From so many values without a name on, and so many for each label, a map looks like a picture.
_MANY, _MANY_PER_LABEL = 64, 4


@dataclass(frozen=True)
class UnnamedValues:
    """Values of a map that have no name.

    Attributes:
        layer: the map.
        shares: value → its share of the map, or of the units where only these are known.
        of_units: whether the shares are those of units.
        marks: those that are usually no class but pixels without data.
        is_nodata_set: whether the file, or the user, marks other values as no data.
    """

    layer: RasterInput
    shares: Mapping[int, float]
    of_units: bool
    marks: tuple[int, ...]
    is_nodata_set: bool

    def sentence(self, on_marks: int = 0, units: str = "", without: float | None = None, points: int = 0) -> str:
        """What the reader must know.

        Args:
            on_marks: reference units that lie on `marks`.
            units: what those are.
            without: overall accuracy without them.
            points: how many points of a sample are drawn on unnamed values.
        """
        values = sorted(self.shares, key=lambda value: (value not in self.marks, -self.shares[value]))
        whole = units if self.of_units else "map"
        shown = [f"{value} ({100 * self.shares[value]:.3g} % of the {whole})" for value in values[:_SHOWN]]
        more = f" and {len(values) - _SHOWN} more" if len(values) > _SHOWN else ""
        what, has = ("Value", "has") if len(values) == 1 else ("Values", "have")
        question = ": no data?" if self.marks else "."
        parts = [f"{what} {', '.join(shown)}{more} of {self.layer.title} {has} no name{question}"]
        if on_marks:
            where = "there" if len(values) == 1 else f"on {', '.join(map(str, self.marks[:_SHOWN]))}"
            figure = "" if without is None else f"; without them overall accuracy is {without:.4f}"
            parts.append(f"{on_marks:,} {units} lie {where} and count as errors{figure}.")
        if points:
            parts.append(f"{points:,} of the points lie there.")
        if self.marks:
            parts.append(self._remedy(self.marks[0]))
        return " ".join(parts)

    def _remedy(self, value: int) -> str:
        set_in = f"Layer Properties, Transparency, Additional no data value in QGIS, --nodata={value} at a shell"
        if self.is_nodata_set:
            return f"If so, set it: {set_in}."
        return f"If so: gdal_edit.py -a_nodata {value} {self.layer.path}, or {set_in}."


def unnamed_values(
    layer: RasterInput,
    sizes: Mapping[int, int],
    legend: Sequence[LegendClass],
    known: Container[Key] = (),
    of_units: bool = False,
) -> UnnamedValues | None:
    """Values that neither the legend nor anything else names; None where each has a name.

    Args:
        layer: the map.
        sizes: value → its pixels, or the units on it.
        legend: names of the map's values; may be empty.
        known: values that the reference or a class table has.
        of_units: whether `sizes` are units.

    Raises:
        LulcError: the layer cannot be opened.
    """
    named = {c.value for c in legend}
    alone = [value for value in sizes if value not in named and value not in known]
    if not named:
        several = len(sizes) > _FEWEST_CLASSES
        alone = [value for value in alone if several and (value < 0 or value in _NEVER_A_CLASS)]
    if not alone:
        return None
    with Source(layer) as source:
        is_nodata_set = source.nodata(layer.band) is not None or bool(layer.nodata_of(layer.band).ranges)
    if not named and is_nodata_set:
        return None
    total = sum(sizes.values())
    shares = {value: sizes[value] / total for value in alone}
    # a number below zero that is a class of the reference as an unsigned byte is read in the wrong type, and no mark
    marks = [value for value in alone if is_no_class(value) and not (value < 0 and value + 256 in known)]
    marks.sort(key=lambda value: -shares[value])
    return UnnamedValues(layer, shares, of_units, tuple(marks), is_nodata_set)


def looks_like_a_picture(
    layer: RasterInput, values: int, legend: Sequence[Any], labels: int | None = None
) -> list[str]:
    """A sentence about a map of very many values of which none has a name.

    Args:
        layer: the map.
        values: how many it has.
        legend: names of them.
        labels: how many the reference has; None: there is no reference.
    """
    if legend or values < _MANY or (labels is not None and values < _MANY_PER_LABEL * labels):
        return []
    beside = "" if labels is None else f", the reference {labels}"
    return [
        f"{layer.title} has {values:,} different values without a name{beside}: is it a picture with a palette, or a"
        " measurement, and no class map?"
    ]
