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
class NodataSetting:
    """What the user set about pixels without data.

    Attributes:
        ranges: lowest and highest value of each range that stands for no data, both included.
        of_file: whether the nodata value that the file names counts, too.
    """

    ranges: tuple[tuple[float, float], ...] = ()
    of_file: bool = True

    def __str__(self) -> str:
        """The values, for people: `0 to 1400, 9999`."""
        return ", ".join(f"{low:.10g}" if low == high else f"{low:.10g} to {high:.10g}" for low, high in self.ranges)


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
        nodata: what the user set about pixels without data, for all bands or one a band; empty: the file alone counts.
    """

    path: str
    band: int = 1
    name: str = ""
    classes: tuple[LegendClass, ...] = ()
    bands: tuple[int, ...] = ()
    crs: str = ""
    nodata: tuple[NodataSetting, ...] = ()

    def nodata_of(self, band: int) -> NodataSetting:
        """What the user set for a band (from 1)."""
        if not self.nodata:
            return NodataSetting()
        return self.nodata[0] if len(self.nodata) == 1 else self.nodata[band - 1]

    @property
    def title(self) -> str:
        """The name, or that of the file."""
        return self.name or file_title(self.path)


def file_title(path: str) -> str:
    """The name of a file or GDAL dataset for people; of an address without passwords and keys."""
    if "://" in path or path.startswith("/vsi"):
        path = path.partition("?")[0]
        path = path.rpartition("@")[2] if "@" in path else path
    return path.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
