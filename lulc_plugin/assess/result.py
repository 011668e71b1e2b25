# SPDX-License-Identifier: GPL-3.0-or-later
"""The result of an assessment: numbers; `report` and the adapters turn them into sentences.

Why a figure is missing is a `Reason`, which `report.accuracy` words. Only the warnings of a run are messages.

`None` stands for "not applicable". Shares are 0..1, areas square metres. Rows of every matrix are the map, columns the
reference.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import numpy as np
import numpy.typing as npt

from ..raster import AreaMeasurement
from .confusion_matrix import Accuracy
from .job import Label

Counts = npt.NDArray[np.int64]
Shares = npt.NDArray[np.float64]


class Cause(Enum):
    """Why a figure has no value, no standard error or no interval."""

    NOT_IN_MAP = "no reference unit on this class of the map"
    NOT_IN_REFERENCE = "no reference unit of this class"
    ABSENT = "class in neither map nor reference"
    NO_KAPPA = "all units in one and the same class"
    NO_CLASS_KAPPA = "class nowhere or everywhere"
    NO_VALUE = "no value on one of two maps"
    CENSUS = "complete comparison"
    DESCRIPTIVE = "no probability sample"
    ALL_OBSERVED = "every unit was observed"
    ONE_UNIT = "sample of one unit"
    STRATA_OF_ONE_UNIT = "strata of one unit: `names`"
    SAMPLE_TOO_SMALL = "units: how many there are, how many would do"
    TOO_FEW_POLYGONS = "polygons: how many there are, how many are needed"
    NO_VARIATION = "the figure does not vary within the sample"
    NO_VARIATION_OF_POLYGONS = "the figure does not vary between the polygons"
    NO_DIFFERENCE = "no difference in the sample"
    SAME_DIFFERENCE = "every unit shows the same difference"
    NO_SAMPLE_OF_MAP = "areas: no probability sample of the map"
    NO_SAMPLE_OF_AREA = "areas: the polygons are no sample of the map's area"
    STRATUM_DROPPED = "areas: no reference unit in the stratum"
    NO_PIXEL_AREA = "areas: pixel size not known"


@dataclass(frozen=True)
class Reason:
    """A cause with the numbers and the names that belong to it; `report.accuracy` makes a sentence of it."""

    cause: Cause
    numbers: tuple[int, ...] = ()
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Estimate:
    """A figure with its sampling error.

    Attributes:
        value: point estimate, None when it does not apply.
        se: standard error, None when there is none or it is unknown.
        low, high: bounds of the confidence interval, None when there is none.
        method: how the bounds were made: "normal", "wilson" (score interval on counts), "wilson-effective" (score
            interval with the effective sample size), "conservative" (see `estimators.weighted_sums`), "t" (clusters);
            empty without bounds.
        reason: why there is no value or no interval; None where nothing is missing.
    """

    value: float | None
    se: float | None = None
    low: float | None = None
    high: float | None = None
    method: str = ""
    reason: Reason | None = None


@dataclass(frozen=True)
class Correction:
    """Whether the finite population correction (1 − n/N) is applied, and why.

    Attributes:
        applied: whether it is.
        rule: one of `job.FPC`.
        fraction: the largest sampling fraction, None without a finite population.
        sizes: what the sizes of the population are: "counts", "areas" (or shares) or "unknown".
    """

    applied: bool
    rule: str = "auto"
    fraction: float | None = None
    sizes: str = "counts"


@dataclass(frozen=True)
class Estimates:
    """What a sampling design makes of counts; per-class tuples follow the order of the classes.

    Attributes:
        design: one of `job.DESIGNS` without "auto".
        counts: `(q, q)` units (pixels, points), each counted as one.
        shares: `(q, q)` estimated shares of the area, p_ij; every statistic below follows from these.
        point: all point figures that follow from `shares`.
        overall, kappa: with intervals where the design allows.
        users, producers, f1, iou, kappas: of each class; `kappas` is the class against the rest.
        area_shares: share of the area that is truly each class.
        notes: what the reader must know of the whole sample: strata of one unit, too few polygons, too few units.
        design_effect: clusters: variance over that of as many independent pixels.
        post_stratified: whether the map's known shares were used although the sample is simple.
        correction: the finite population correction; None without a sample that could have one.
    """

    design: str
    counts: Counts
    shares: Shares
    point: Accuracy
    overall: Estimate
    kappa: Estimate
    users: tuple[Estimate, ...]
    producers: tuple[Estimate, ...]
    f1: tuple[Estimate, ...]
    iou: tuple[Estimate, ...]
    kappas: tuple[Estimate, ...]
    area_shares: tuple[Estimate, ...]
    notes: tuple[Reason, ...] = ()
    design_effect: float | None = None
    post_stratified: bool = False
    correction: Correction | None = None

    @property
    def fpc(self) -> bool:
        """Whether the finite population correction was applied."""
        return self.correction is not None and self.correction.applied


@dataclass(frozen=True)
class AssessedClass:
    """A row and column of the matrix.

    Attributes:
        value: class value in the map; None for a reference class that is only a text.
        name: what people call it; never empty (the value as text when it has no name).
        colour: #RRGGBB or None.
        known: False for a reference class that is not in the map's legend.
    """

    value: int | None
    name: str
    colour: str | None = None
    known: bool = True

    @property
    def label(self) -> str:
        """Name with its value, marked when the legend does not have it."""
        value = "" if self.value is None or self.name == str(self.value) else f" ({self.value})"
        return f"{self.name}{value}" + ("" if self.known else " (not in legend)")


@dataclass(frozen=True)
class ClassValues:
    """Values of the map (or of both maps) and labels of the reference that are one class."""

    map: tuple[int, ...]
    second: tuple[int, ...]
    reference: tuple[Label, ...]


@dataclass(frozen=True)
class LayerSummary:
    """What a report echoes of an input. Numbers are None where they do not apply (vector layers)."""

    name: str
    path: str
    kind: str  # "raster", "points", "polygons"
    crs: str
    band: int | None = None
    rows: int | None = None
    columns: int | None = None
    pixel_size: str = ""
    data_type: str = ""
    nodata: str = ""
    detail: str = ""  # field, number of features, selection, …


@dataclass(frozen=True)
class ClassArea:
    """Area of a class over the whole valid map, square metres; `adjusted` for the errors of the map."""

    pixels: int
    mapped: float | None
    mapped_share: float
    adjusted: Estimate


@dataclass(frozen=True)
class Stratum:
    """A sampling stratum: its size (pixels, or m² when `unit` is "m²"), share of the whole, and units in the sample."""

    name: str
    size: float
    share: float
    units: int
    unit: str = "px"


@dataclass(frozen=True)
class Design:
    """How the reference was sampled, as far as that is known.

    Attributes:
        name: one of `job.DESIGNS` without "auto".
        assumed: the user left it open, and it follows from the reference.
        kind: "raster", "points" or "polygons".
        coverage: share of the valid map pixels that have a reference, 0..1.
        compared: units with a map class and a label.
        polygons: how many polygons those lie in.
        stratum_source: where strata come from: "raster", "field" (one that the user names), "sample" (the points have
            them and their sizes) or "" (the map's classes).
        sizes_from: where the sizes of strata come from: "strata raster", "map classes" (each is a stratum), "map" or
            "points"; empty without strata.
        described: share of the map that the figures describe, 0..1.
        dropped: names of the strata that they do not describe because no unit is there.
        by_pixel_area: units count with the area of their pixel, because pixels differ in size.
    """

    name: str
    assumed: bool = False
    kind: str = "points"
    coverage: float = 0.0
    compared: int = 0
    polygons: int = 0
    stratum_source: str = ""
    sizes_from: str = ""
    described: float = 1.0
    dropped: tuple[str, ...] = ()
    by_pixel_area: bool = False


@dataclass(frozen=True)
class Alignment:
    """How a layer was brought to the map's pixels; `report.accuracy` words it.

    Attributes:
        how: "same grid"; "part of grid" (the same, of another extent); "shifted cells" (of the same size); "other
            cells", "rotated cells", "reversed rows"; "reprojected"; "points" or "polygons" for features.
        layer: title of the layer; empty for features.
        cell, pixel: sizes of the layer's cells and of the map's pixels, with their unit.
        crs, map_crs: names of the two coordinate systems, where they differ.
        shape, map_shape: (rows, columns) of the two.
        first: (row, column) in the layer of the map's first pixel.
        shift: largest distance from a map pixel to its cell, in pixels.
    """

    how: str
    layer: str = ""
    cell: str = ""
    pixel: str = ""
    crs: str = ""
    map_crs: str = ""
    shape: tuple[int, int] = (0, 0)
    map_shape: tuple[int, int] = (0, 0)
    first: tuple[int, int] = (0, 0)
    shift: float = 0.0


@dataclass(frozen=True)
class Context:
    """What is the same for an assessment and a comparison.

    Attributes:
        reference: the reference layer.
        design: how the reference was sampled.
        alignment: how the reference and every other layer was brought to the map's pixels.
        units: what is counted: "pixels" or "points".
        compared: units with both a map class and a reference class.
        excluded: (reason, number) of units left out.
        unlabelled: reference units without a class.
        unknown: reference values that the legend does not have, and how many units have each.
        without_unknown: overall accuracy of each map without them; empty where there are none, or it cannot be known.
        class_values: of each class, in their order.
        warnings: messages of the run that the reader must not overlook; the notes of the estimates come on top.
        area_unit, level, interval: as asked for.
        area_measurement: how pixel areas were measured; None when the pixel size is unknown.
        strata: the strata of a stratified design; empty otherwise.
        parameters, versions: for the record.
        date: ISO 8601, UTC.
    """

    reference: LayerSummary
    design: Design
    alignment: tuple[Alignment, ...]
    units: str
    compared: int
    excluded: tuple[tuple[str, int], ...]
    unlabelled: int
    unknown: tuple[tuple[Label, int], ...]
    warnings: tuple[str, ...]
    area_unit: str
    level: float
    interval: str
    area_measurement: AreaMeasurement | None
    strata: tuple[Stratum, ...] = ()
    without_unknown: tuple[float | None, ...] = ()
    class_values: tuple[ClassValues, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    date: str = ""


@dataclass(frozen=True)
class Assessment:
    """One map against one reference.

    Attributes:
        classes: rows and columns of the matrix.
        map: the map layer.
        map_pixels: valid pixels of the map.
        map_area: their area in m², None when the pixel size is unknown.
        estimates: the headline figures, following the design.
        sample: figures that follow from the bare counts, for their own, labelled table.
        areas: of each class; adjusted areas have no value where the design gives none.
        context: everything else.
        of_map, of_reference: index of the class of each map value and reference label (-1: left out).
    """

    classes: tuple[AssessedClass, ...]
    map: LayerSummary
    map_pixels: int
    map_area: float | None
    estimates: Estimates
    sample: Accuracy
    areas: tuple[ClassArea, ...]
    context: Context
    of_map: Mapping[int, int] = field(default_factory=dict)
    of_reference: Mapping[Any, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Difference:
    """Map A minus map B of one figure, with the paired standard error; `p_holm` is adjusted over the classes.

    With conservative intervals `z` and `p` follow from the bounds, not from `se`.
    """

    a: float | None
    b: float | None
    difference: float | None
    se: float | None
    z: float | None
    p: float | None
    low: float | None
    high: float | None
    p_holm: float | None = None
    reason: Reason | None = None


@dataclass(frozen=True)
class McNemar:
    """McNemar's test of `only_a` against `only_b` discordant units; `reported` is "exact" or "chi2"."""

    only_a: int
    only_b: int
    z: float | None
    chi2: float | None
    p: float
    chi2_corrected: float | None
    p_corrected: float
    p_exact: float
    p_midp: float
    reported: str


@dataclass(frozen=True)
class Comparison:
    """Two maps against one reference; tuples follow the order of the classes.

    Attributes:
        a, b: estimates of each map alone, with the same classes.
        both, only_a, only_b, neither: units that each map has right.
        overall, kappa, users, producers: differences A − B.
        mcnemar: None where the design forbids it.
    """

    classes: tuple[AssessedClass, ...]
    map_a: LayerSummary
    map_b: LayerSummary
    a: Estimates
    b: Estimates
    both: int
    only_a: int
    only_b: int
    neither: int
    overall: Difference
    kappa: Difference
    users: tuple[Difference, ...]
    producers: tuple[Difference, ...]
    mcnemar: McNemar | None
    context: Context
