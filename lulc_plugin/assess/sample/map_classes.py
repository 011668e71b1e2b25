# SPDX-License-Identifier: GPL-3.0-or-later
"""The classes that a map has, how large they are, and what they are called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ...errors import LulcError
from ...progress import Progress
from ...raster import PixelAreas, RasterInput, classes_of
from ..overlay import RasterOnMap, cross
from ..unnamed_values import UnnamedValues, unnamed_values

_SHOWN = 10


@dataclass(frozen=True)
class MapClasses:
    """The map's classes, in ascending order.

    Attributes:
        values: their values.
        pixels: valid pixels of each.
        area: square metres of each; None when the pixel size is unknown.
        names: value → name, of every class of the legend, also of those that the map does not have.
        unnamed: values that have no name although they should; None where there are none.
    """

    values: tuple[int, ...]
    pixels: tuple[int, ...]
    area: tuple[float, ...] | None
    names: Mapping[int, str]
    unnamed: UnnamedValues | None = None

    @property
    def total_pixels(self) -> int:
        """Valid pixels of the map."""
        return sum(self.pixels)

    @property
    def unnamed_indexes(self) -> list[int]:
        """Indexes of `unnamed`."""
        shares = {} if self.unnamed is None else self.unnamed.shares
        return [i for i, value in enumerate(self.values) if value in shares]

    def labels(self, indexes: Sequence[int]) -> str:
        """`label` of several classes, the first ten of them."""
        more = f" and {len(indexes) - _SHOWN} more" if len(indexes) > _SHOWN else ""
        return ", ".join(self.label(i) for i in indexes[:_SHOWN]) + more

    def label(self, index: int) -> str:
        """Value and, where it has one, name."""
        value = self.values[index]
        name = self.names.get(value, str(value))
        return str(value) if name == str(value) else f"{value} ({name})"


def count_classes(layer: RasterInput, on_map: RasterOnMap, areas: PixelAreas | None, progress: Progress) -> MapClasses:
    """Count the classes of a map.

    Args:
        layer: the map.
        on_map: the same, open.
        areas: areas of its pixels.
        progress: asked whether to stop.

    Raises:
        LulcError: no class map, or no valid pixel.
        CancelledError: the user stopped.
    """
    table = cross([on_map], on_map.facts, areas, progress)
    order = np.argsort(table.values[:, 0])
    if not order.size:
        raise LulcError(f"The map {layer.title} has no valid pixel.", "Check its no-data value and its mask.")
    legend = classes_of(layer)
    area = None if table.area is None else tuple(float(v) for v in table.area[order])
    values = tuple(int(v) for v in table.values[order, 0])
    pixels = tuple(int(v) for v in table.pixels[order])
    return MapClasses(
        values=values,
        pixels=pixels,
        area=area,
        names={c.value: c.name for c in legend},
        unnamed=unnamed_values(layer, dict(zip(values, pixels)), legend),
    )
