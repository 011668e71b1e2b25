# SPDX-License-Identifier: GPL-3.0-or-later
"""The reference units on the map (or on two maps), in raw values: no legend and no design applied yet."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from ...errors import LulcError
from ...raster import AreaMeasurement, BoolArray
from ..class_names import Key
from ..job import FeatureInput
from ..overlay import CrossTable, RasterOnMap
from ..result import Alignment, LayerSummary

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

#: Reasons for which units are left out, as the report lists them.
OUTSIDE = "outside the map"
ON_NODATA = "on nodata of the map"
NOT_ON_SECOND_MAP = "outside the second map or on its nodata"
NO_STRATUM = "without a stratum"


@dataclass(frozen=True)
class Sizes:
    """How large things are, by key: pixels, and m² when the pixel size is known."""

    pixels: Mapping[Key, int]
    area: Mapping[Key, float] | None

    @property
    def total_pixels(self) -> int:
        """All pixels together."""
        return sum(self.pixels.values())

    @property
    def total_area(self) -> float | None:
        """All area together, m²."""
        return None if self.area is None else float(sum(self.area.values()))


@dataclass(frozen=True)
class StatedDesign:
    """What the reference layer itself says about its sampling, of all units, labelled or not.

    Attributes:
        sizes: stratum → its size; empty when the layer does not say.
        unit: "px" or "m²".
        pixels: stratum → its pixels, where the layer says that too.
        area_weighted: units were drawn with probability proportional to their area.
    """

    sizes: Mapping[Key, float] = field(default_factory=dict)
    unit: str = "px"
    area_weighted: bool = False
    pixels: Mapping[Key, float] = field(default_factory=dict)


@dataclass(frozen=True)
class ReferenceUnits:
    """Distinct (map values, label, stratum, cluster) with how often they occur.

    Attributes:
        kind: "raster", "points" or "polygons".
        values: `(n, maps)` map values.
        label: `(n,)` index into `labels`.
        labels: distinct reference labels.
        stratum: `(n,)` index into `strata`, -1 where none is known.
        strata: distinct strata, also those without a usable unit.
        stratum_source: "raster", "field" (one that the user names), "sample" (those that the points have) or ""
            (none).
        count: `(n,)` units.
        area: `(n,)` m² of one unit's pixel (mean of the cell's units), None when the pixel size is unknown.
        cluster: `(n,)` polygon of each row, None unless polygons.
        map_sizes: the first map's classes over all its valid pixels.
        stratum_sizes: of the strata raster over the map's valid pixels, None without one.
        map_in_strata: the first map's classes within each stratum of the strata raster.
        stated: what the reference says about its sampling.
        area_ratio: largest over smallest pixel area in the map, 1 where they are equal or unknown.
        excluded: (reason, units).
        unlabelled: reference units without a class.
        summaries: of each map.
        reference: of the reference.
        alignment: how each layer was brought to the map's pixels.
        area_measurement: how areas were measured; None when the pixel size is unknown.
        warnings: sentences.
    """

    kind: str
    values: Ints
    label: Ints
    labels: tuple[Key, ...]
    stratum: Ints
    strata: tuple[Key, ...]
    stratum_source: str
    count: Ints
    area: Floats | None
    cluster: Ints | None
    map_sizes: Sizes
    stratum_sizes: Sizes | None
    stated: StatedDesign
    area_ratio: float
    excluded: tuple[tuple[str, int], ...]
    unlabelled: int
    summaries: tuple[LayerSummary, ...]
    reference: LayerSummary
    alignment: tuple[Alignment, ...]
    area_measurement: AreaMeasurement | None
    warnings: tuple[str, ...] = ()
    map_in_strata: Mapping[Key, Sizes] = field(default_factory=dict)

    @property
    def compared(self) -> int:
        """Units with a map class and a label."""
        return int(self.count.sum())

    def rows(self, keep: BoolArray) -> ReferenceUnits:
        """The same with those rows only; nothing else changes."""
        return replace(
            self,
            values=self.values[keep],
            label=self.label[keep],
            stratum=self.stratum[keep],
            count=self.count[keep],
            area=None if self.area is None else self.area[keep],
            cluster=None if self.cluster is None else self.cluster[keep],
        )

    def without(self, rows: BoolArray, gone: Container[Key] = ()) -> ReferenceUnits:
        """The same without those rows, and without the values `gone` in the whole first map."""
        area = self.map_sizes.area
        sizes = Sizes(
            {key: n for key, n in self.map_sizes.pixels.items() if key not in gone},
            None if area is None else {key: size for key, size in area.items() if key not in gone},
        )
        return replace(self.rows(~rows), map_sizes=sizes)


def feature_summary(features: FeatureInput, number: int) -> LayerSummary:
    """What a report says about a vector reference of `number` units."""
    return LayerSummary(
        name=features.name,
        path=features.path,
        kind=features.kind,
        crs=features.crs,
        detail=f"{number:,} {features.kind}, class in the field {features.field}"
        + (f"; {features.note}" if features.note else ""),
    )


def alignments(layers: Sequence[RasterOnMap]) -> tuple[Alignment, ...]:
    """How the layers were brought to the map's pixels, without the map itself."""
    return tuple(layer.alignment for layer in layers if layer.alignment is not None)


def sizes_by(table: CrossTable, column: int) -> Sizes:
    """Pixels and area of each value in one column of a cross table, where it is valid."""
    use = table.valid[:, column]
    values, place = np.unique(table.values[use, column], return_inverse=True)
    pixels = np.zeros(len(values), np.int64)
    np.add.at(pixels, place.ravel(), table.pixels[use])
    keys: list[Key] = [int(value) for value in values]
    area = None
    if table.area is not None:
        area = dict(zip(keys, map(float, np.bincount(place.ravel(), table.area[use], len(values)))))
    return Sizes(dict(zip(keys, map(int, pixels))), area)


def sizes_within(table: CrossTable, column: int, within: int) -> dict[Key, Sizes]:
    """`sizes_by` of a column for each value of the column `within`."""
    out: dict[Key, Sizes] = {}
    for value in np.unique(table.values[table.valid[:, within], within]):
        rows = table.valid[:, within] & (table.values[:, within] == value)
        part = CrossTable(
            table.values[rows], table.valid[rows], table.pixels[rows], None if table.area is None else table.area[rows]
        )
        out[int(value)] = sizes_by(part, column)
    return out


def no_unit(what: str, total: int, reasons: Sequence[tuple[str, int]], where: tuple[str, str] = ("", "")) -> LulcError:
    """The error when map and reference share nothing; says how much was lost to which reason.

    Args:
        what: point or pixel.
        total: all of them.
        reasons: (why they do not count, how many).
        where: where they and the map lie, and what to do if that is wrong; see `reference.places`.
    """
    lost = ", ".join(f"{number:,} {reason}" for reason, number in reasons if number)
    place, remedy = where
    return LulcError(
        f"No reference {what} lies on a valid map pixel (0 of {total:,}{': ' + lost if lost else ''})."
        + (f" {place}" if place else ""),
        remedy or "Check that both layers show the same place and that their nodata values are right.",
    )
