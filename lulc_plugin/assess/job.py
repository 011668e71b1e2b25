# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user says about a map and its reference; plain values, no pixels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Optional, Union

from ..errors import LulcError, OptionInvalid
from ..options import option
from ..raster import RasterInput as RasterInput

DESIGNS = ("auto", "census", "simple", "stratified", "polygons", "descriptive")
FPC = ("auto", "always", "never")
INTERVALS = ("conservative", "standard", "wilson")
#: What to do with a reference class that the map does not have: "error" counts the unit as wrong and does not stop the
#: run, "exclude" leaves the unit out, "stop" ends the run.
UNKNOWN = ("error", "exclude", "stop")
MISSING_STRATA = ("refuse", "restrict")
#: Area unit → its size in square metres (the acre is the international one).
AREA_UNITS = {"ha": 10_000.0, "km2": 1_000_000.0, "m2": 1.0, "acre": 4046.8564224}

#: Characters of a class or a stratum in a reference; maps have no longer names either.
LONGEST_LABEL = 200
_SHOWN = 40

#: What a person or a file calls a class: a number or a text.
Label = Optional[Union[int, float, str]]


@dataclass(frozen=True)
class ReferenceFeature:
    """One reference unit from a vector layer, already in the map's CRS.

    Raises:
        LulcError: its class or stratum is too long for a name.

    Attributes:
        geometry: GeoJSON-like mapping: Point, MultiPoint, Polygon or MultiPolygon.
        label: its class, a value or a name; None when nobody labelled it.
        id: how the user finds it again.
        stratum: the sampling stratum it was drawn from, if the layer says so.
        stratum_px, stratum_ha: size of that stratum, pixels and hectares.
        weighting: "area" when units were drawn with probability proportional to their area.
    """

    geometry: Mapping[str, Any]
    label: Label
    id: str
    stratum: Label = None
    stratum_px: float | None = None
    stratum_ha: float | None = None
    weighting: str = ""

    def __post_init__(self) -> None:
        for what, text in (("class", self.label), ("stratum", self.stratum)):
            if isinstance(text, str) and len(text) > LONGEST_LABEL:
                raise LulcError(
                    f"The {what} of reference unit {self.id[:_SHOWN]} has {len(text):,} characters"
                    f" ({text[:_SHOWN]!r} …); a name has at most {LONGEST_LABEL}.",
                    "Is it the right field? If so, shorten the text.",
                )


@dataclass(frozen=True)
class Places:
    """Where features lay before they were brought to the map's coordinate system, for messages.

    Attributes:
        crs: their coordinate system, WKT or a code; empty: none.
        x, y: the first corner of each feature, of some where they are many.
    """

    crs: str
    x: tuple[float, ...]
    y: tuple[float, ...]


@dataclass(frozen=True)
class FeatureInput:
    """A vector reference.

    Attributes:
        features: its units.
        kind: "points" or "polygons".
        name: what people call the layer.
        field: the field that holds the class.
        stratum_field: the field that the user names as that of the strata; empty: none named. A field `stratum` counts
            without being named when the units also have the sizes of their strata, as our own samples do.
        crs: what its own CRS is called, before it was brought to the map's.
        note: selection or filter that was honoured, in words; may be empty.
        path: file or other source of the layer; may be empty.
        warnings: what was left out while it was read, in sentences.
        places: where the features lay in their own coordinate system; None: not known.
    """

    features: Sequence[ReferenceFeature]
    kind: str
    name: str
    field: str
    stratum_field: str = ""
    crs: str = ""
    note: str = ""
    path: str = ""
    warnings: tuple[str, ...] = ()
    places: Places | None = None


@dataclass(frozen=True)
class Options:
    """How an assessment is made, whatever is assessed.

    `class_table` has (map value, reference value or name) pairs, read from `class_table_file` if that is not empty;
    `class_table_b` the same of the second of two maps, whose legend is that of the first one without it. `level` is the
    confidence level, 0..1.
    """

    class_table: tuple[tuple[int, int | str], ...] = ()
    strata: RasterInput | None = None
    design: str = "auto"
    fpc: str = "auto"
    interval: str = "conservative"
    poststratify: bool = False
    unknown: str = "error"
    missing_strata: str = "refuse"
    area_unit: str = "ha"
    level: float = 0.95
    class_table_file: str = ""
    class_table_b: tuple[tuple[int, int | str], ...] = ()

    def __post_init__(self) -> None:
        for name, value, allowed in (
            ("design", self.design, DESIGNS),
            ("fpc", self.fpc, FPC),
            ("interval", self.interval, INTERVALS),
            ("unknown", self.unknown, UNKNOWN),
            ("missing_strata", self.missing_strata, MISSING_STRATA),
            ("area_unit", self.area_unit, tuple(AREA_UNITS)),
        ):
            if value not in allowed:
                raise OptionInvalid(f"{option(name)} is {value!r}.", f"It is one of {', '.join(allowed)}.")
        if not 0.5 <= self.level < 1:
            raise OptionInvalid(
                f"The confidence level is {self.level:g}.", "Give a share from 0.5 to 0.9999, like 0.95."
            )


@dataclass(frozen=True)
class Outputs:
    """Files to write; None: not wanted. `disagreement` is a raster."""

    html: Path | None = None
    csv: Path | None = None
    json: Path | None = None
    disagreement: Path | None = None


@dataclass(frozen=True)
class AssessJob:
    """One map against one reference, or two maps against the same one; one of `reference` and `features`.

    The pixels of the first of the `maps` are the grid.
    """

    maps: tuple[RasterInput, ...]
    reference: RasterInput | None = None
    features: FeatureInput | None = None
    options: Options = field(default_factory=Options)
    outputs: Outputs = field(default_factory=Outputs)

    def __post_init__(self) -> None:
        if len(self.maps) not in (1, 2):
            raise OptionInvalid(f"There are {len(self.maps)} maps.", "Give one to assess, or two to compare.")
        one_reference(self.reference, self.features)


def one_reference(raster: object, features: object) -> None:
    """Refuse none and both.

    Raises:
        OptionInvalid: not exactly one of the two is given.
    """
    if (raster is None) == (features is None):
        number = "Both a reference raster and reference features are" if raster is not None else "No reference is"
        raise OptionInvalid(
            f"{number} given.",
            f"Give exactly one: {option('reference')} (a raster) or {option('features')} (points or polygons).",
        )
