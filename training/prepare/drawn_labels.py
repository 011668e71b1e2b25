# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels that were drawn: polygons and points of a vector file or a table, at the pixels of an image."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from rasterio.crs import CRS
from rasterio.errors import CRSError

from lulc_plugin.assess import FeatureInput, PolygonsOnMap, read_features, single_points
from lulc_plugin.errors import LulcError
from lulc_plugin.raster import LayerFacts, PixelRegion, transform_coordinates

from .class_table import UNKNOWN, ClassTable, Labels

_ENDINGS = (".gpkg", ".geojson", ".json", ".shp", ".fgb", ".csv")
Floats = npt.NDArray[np.float64]
_STRIP_PIXELS = 4_000_000


class DrawnPolygons:
    """A pixel has the class of the polygon that its centre lies in; unknown where polygons of two classes overlap."""

    def __init__(self, features: FeatureInput, table: ClassTable, image: LayerFacts) -> None:
        known = [(f, table.of_label(f.label)) for f in features.features]
        drawn = [(f, value) for f, value in known if value is not None]
        self._drawn = [f for f, _ in drawn], [value for _, value in drawn], image
        self._polygons = PolygonsOnMap(*self._drawn)

    def read(self, region: PixelRegion) -> Labels:
        """Labels `(rows, cols)` of a region of the image."""
        values, inside = self._polygons.labels.read(region)
        return np.where(inside, values, UNKNOWN).astype(np.uint8)

    def summary_line(self) -> str:
        """One line for the log, about the whole image."""
        # counted anew in strips: chips overlap, and their pixels would count twice
        polygons, image = PolygonsOnMap(*self._drawn), self._drawn[2]
        rows = max(1, _STRIP_PIXELS // max(1, image.width))
        for row0 in range(0, image.height, rows):
            polygons.labels.read(PixelRegion(row0, min(image.height, row0 + rows), 0, image.width))
        text = f"{polygons.pixels:,} pixels in polygons"
        if polygons.conflicts:
            text += f", {polygons.conflicts:,} in polygons of different classes: unknown"
        if polygons.unusable:
            text += f", {len(polygons.unusable)} polygons without a usable shape left out"
        return text


class DrawnPoints:
    """The pixel that a point falls in has the point's class; unknown where points of two classes share a pixel."""

    def __init__(self, xs: Floats, ys: Floats, values: npt.NDArray[np.uint8], image: LayerFacts) -> None:
        rows, cols = image.grid.pixels(xs, ys)
        there = (rows >= 0) & (values != UNKNOWN)
        self._outside = int(np.count_nonzero(rows < 0))
        pixel = rows[there] * image.width + cols[there]
        pairs = np.unique(np.stack([pixel, values[there].astype(np.int64)]), axis=1)
        places, first, count = np.unique(pairs[0], return_index=True, return_counts=True)
        self._conflicts = int(np.count_nonzero(count > 1))
        sure = count == 1
        self._rows, self._cols = np.divmod(places[sure], image.width)
        self._values = pairs[1][first[sure]].astype(np.uint8)

    def read(self, region: PixelRegion) -> Labels:
        """Labels `(rows, cols)` of a region of the image."""
        labels = np.full((region.height, region.width), UNKNOWN, np.uint8)
        here = (self._rows >= region.row0) & (self._rows < region.row1)
        here &= (self._cols >= region.col0) & (self._cols < region.col1)
        labels[self._rows[here] - region.row0, self._cols[here] - region.col0] = self._values[here]
        return labels

    def summary_line(self) -> str:
        """One line for the log."""
        text = f"{len(self._values):,} pixels with a point, {self._outside:,} points outside"
        return text + (
            f", {self._conflicts:,} pixels with points of different classes: unknown" if self._conflicts else ""
        )


def drawn(source: Path, image_path: Path, image: LayerFacts, table: ClassTable, field: str) -> Any:
    """Polygons or points for one image.

    Args:
        source: a vector file (GeoPackage, Shapefile, GeoJSON, …) of polygons or of points, which is brought to the
            image's coordinate system; a CSV table of points; or a folder of such files with the images' stems.
        image_path, image: the image.
        table: classes.
        field: field or column of the class, a value or a name.

    Returns:
        `DrawnPolygons` or `DrawnPoints`; None when the folder has no file for the image.

    Raises:
        LulcError: the file cannot be read or names a class that the legend has not.
    """
    path = source
    if source.is_dir():
        candidates = [source / f"{image_path.stem}{ending}" for ending in _ENDINGS]
        path = next((p for p in candidates if p.is_file()), source)
        if path is source:
            return None
    if path.suffix.lower() == ".csv":
        return _table_points(path, image_path, image, table, field)
    features = read_features(str(path), str(image_path), field)
    if features.kind == "polygons":
        return DrawnPolygons(features, table, image)
    points, xs, ys = single_points(features.features)
    values = [table.of_label(p.label) or UNKNOWN for p in points]
    return DrawnPoints(xs, ys, np.array(values, np.uint8), image)


def _table_points(path: Path, image_path: Path, image: LayerFacts, table: ClassTable, field: str) -> DrawnPoints:
    """Points of a CSV: the class column, `x,y` (with `crs`, or in the image's) or `row,col`, perhaps `file`."""
    try:
        with open(path, newline="", encoding="utf-8-sig") as handle:
            rows = list(csv.DictReader(handle))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise LulcError(f"The points {path} cannot be read: {error}.", "Save them as a CSV table in UTF-8.") from None
    columns = set(rows[0]) if rows else set()
    by_pixel = {"row", "col"} <= columns
    if field not in columns or not (by_pixel or {"x", "y"} <= columns):
        raise LulcError(
            f"The points {path} have the columns {', '.join(sorted(map(str, columns))) or 'none'}.",
            f"Needed are {field}, and x,y (coordinates) or row,col (pixels from 0); perhaps file.",
        )
    if by_pixel and "file" not in columns and "x" not in columns:
        raise LulcError(f"The points {path} have row,col but no column file.", "Say which image each point is in.")
    mine = [row for row in rows if "file" not in columns or Path(row["file"] or "").stem == image_path.stem]
    values = np.array([table.of_label(row[field]) or UNKNOWN for row in mine], np.uint8)
    first, second = ("col", "row") if by_pixel else ("x", "y")
    try:
        xs = np.array([float(row[first]) for row in mine], np.float64)
        ys = np.array([float(row[second]) for row in mine], np.float64)
    except (TypeError, ValueError) as error:
        raise LulcError(f"{path}: a coordinate is not a number ({error}).", "Correct the table.") from None
    if by_pixel:
        xs, ys = image.grid.centres(np.floor(ys), np.floor(xs))
    elif "crs" in columns and mine:
        xs, ys = _carried(path, mine, xs, ys, image)
    return DrawnPoints(xs, ys, values, image)


def _carried(
    path: Path, rows: list[dict[str, str]], xs: Floats, ys: Floats, image: LayerFacts
) -> tuple[Floats, Floats]:
    systems = sorted({row["crs"] for row in rows})
    if len(systems) != 1 or image.crs is None:
        raise LulcError(
            f"{path} gives coordinate systems ({', '.join(systems)}), the image {image.name} has"
            f" {image.crs or 'none'}.",
            "Give one coordinate system, and an image that has one.",
        )
    try:
        theirs = CRS.from_user_input(systems[0])
    except CRSError:
        raise LulcError(f"{path}: {systems[0]!r} is not a coordinate system.", "Write it like EPSG:4326.") from None
    if theirs == image.crs:
        return xs, ys
    x, y = transform_coordinates(theirs, image.crs, xs, ys)
    return np.asarray(x, np.float64), np.asarray(y, np.float64)
