# SPDX-License-Identifier: GPL-3.0-or-later
"""Values of a class map that no legend names: pixels without data that no file marks, or classes without a name."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass

from ..legend import LegendClass
from ..raster import RasterInput, Source
from .class_names import Key, is_no_class

_SHOWN = 8
#: Where nothing at all is named, 0 beside one other value is "not that class"; beside more, it is doubtful.
_FEWEST_CLASSES = 2


@dataclass(frozen=True)
class UnnamedValues:
    """Values of a map without a name; `shares` of the map by value, `is_nodata_set` whether its file marks others."""

    title: str
    path: str
    shares: Mapping[int, float]
    is_nodata_set: bool

    def sentence(self, on_them: int = 0, units: str = "", without: float | None = None, points: int = 0) -> str:
        """What the reader must know.

        Args:
            on_them: reference units that lie there.
            units: what those are.
            without: overall accuracy without them.
            points: how many points of a sample are drawn there.
        """
        values = sorted(self.shares, key=lambda value: -self.shares[value])
        shown = [f"{value} ({100 * self.shares[value]:.3g} % of the map)" for value in values[:_SHOWN]]
        more = f" and {len(values) - _SHOWN} more" if len(values) > _SHOWN else ""
        what, has = ("Value", "has") if len(values) == 1 else ("Values", "have")
        marks = [value for value in values if is_no_class(value)]
        parts = [f"{what} {', '.join(shown)}{more} of {self.title} {has} no name{': no data?' if marks else '.'}"]
        if on_them:
            figure = "" if without is None else f"; without them overall accuracy is {without:.4f}"
            parts.append(f"{on_them:,} {units} lie there and count as errors{figure}.")
        if points:
            parts.append(f"{points:,} of the points lie there.")
        if marks:
            parts.append(self._remedy(marks[0]))
        return " ".join(parts)

    def _remedy(self, value: int) -> str:
        set_in = f"Layer Properties, Transparency, Additional no data value in QGIS, --nodata={value} at a shell"
        if self.is_nodata_set:
            return f"If so, set it: {set_in}."
        return f"If so: gdal_edit.py -a_nodata {value} {self.path}, or {set_in}."


def unnamed_values(
    layer: RasterInput, sizes: Mapping[int, int], legend: Sequence[LegendClass], known: Container[Key] = ()
) -> UnnamedValues | None:
    """Values that neither the legend nor anything else names; None where each has a name.

    Args:
        layer: the map.
        sizes: value → its pixels.
        legend: names of the map's values; may be empty.
        known: values that the reference or a class table has.

    Raises:
        LulcError: the layer cannot be opened.
    """
    named = {c.value for c in legend}
    alone = [value for value in sizes if value not in named and value not in known]
    if not named:
        alone = [0] if 0 in alone and len(sizes) > _FEWEST_CLASSES else []
    if not alone:
        return None
    with Source(layer) as source:
        is_nodata_set = source.nodata(layer.band) is not None or bool(layer.nodata_of(layer.band).ranges)
    if not named and is_nodata_set:
        return None
    total = sum(sizes.values())
    return UnnamedValues(layer.title, layer.path, {value: sizes[value] / total for value in alone}, is_nodata_set)
