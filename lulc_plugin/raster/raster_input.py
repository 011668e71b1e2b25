# SPDX-License-Identifier: GPL-3.0-or-later
"""A raster layer as the user gives it: a path and bands, plain values, nothing opened.

Every job takes its layers as this one type. Whatever the user sees and sets for a layer in QGIS belongs here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # QGIS starts with this module, and needs no legend for that
    from ..legend import LegendClass


@dataclass(frozen=True)
class RasterInput:
    """A raster layer: one band of class values, or several bands of an image.

    Attributes:
        path: file or GDAL dataset name.
        band: of a layer of class values, the band's number from 1.
        name: what people call the layer; empty: the file's name.
        classes: names and colours of values, as the user sees them; empty: read from the file.
        bands: of an image, band numbers from 1 in the order of a model's bands; empty: matched by their names.
        crs: the coordinate system that the user set, as WKT or a code such as EPSG:32722; empty: the file's own.
    """

    path: str
    band: int = 1
    name: str = ""
    classes: tuple[LegendClass, ...] = ()
    bands: tuple[int, ...] = ()
    crs: str = ""

    @property
    def title(self) -> str:
        """The name, or that of the file."""
        return self.name or self.path.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
