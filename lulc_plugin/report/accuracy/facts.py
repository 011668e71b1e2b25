# SPDX-License-Identifier: GPL-3.0-or-later
"""The JSON object of a report, typed: what its pages, tables and sentences may rely on.

Keys are public: they may be added to, never renamed. Shares are 0..1, areas in the unit of `areas.unit`, "not
applicable" is None. Rows of every matrix are the map, columns the reference.
"""

from __future__ import annotations

from typing import Any, Literal, Optional, TypedDict

Figure = Optional[float]
#: Figures of each class that have an interval.
Measure = Literal["users_accuracy", "producers_accuracy", "f1", "iou", "kappa"]
#: Parts of the disagreement.
Part = Literal["quantity", "allocation", "exchange", "shift", "total"]
#: Layers that a report may be about.
LayerKey = Literal["map", "map_a", "map_b", "reference"]


class EstimateFacts(TypedDict):
    """A figure with its interval, see `assess.Estimate`."""

    value: Figure
    se: Figure
    low: Figure
    high: Figure
    method: str
    note: str


class DifferenceFacts(TypedDict):
    """A paired difference, see `assess.Difference`."""

    a: Figure
    b: Figure
    difference: Figure
    se: Figure
    z: Figure
    p: Figure
    low: Figure
    high: Figure
    p_holm: Figure
    note: str


class DisagreementFacts(TypedDict):
    """Disagreement of a class or of the whole, in parts."""

    quantity: float
    allocation: float
    exchange: float
    shift: float
    total: float


class AreaFacts(TypedDict):
    """Area of a class, mapped and adjusted."""

    pixels: int
    mapped: Figure
    mapped_share: Figure
    adjusted: EstimateFacts
    relative_half_width: Figure
    bias: Figure


class ClassName(TypedDict):
    """What a class is called."""

    value: int | None
    name: str
    label: str
    colour: str | None
    in_legend: bool


class _ClassFigures(ClassName):
    units_map: int
    units_reference: int
    map_share: Figure
    reference_share: EstimateFacts
    users_accuracy: EstimateFacts
    producers_accuracy: EstimateFacts
    f1: EstimateFacts
    iou: EstimateFacts
    kappa: EstimateFacts
    commission_error: Figure
    omission_error: Figure
    kappa_users: Figure
    kappa_producers: Figure
    disagreement: DisagreementFacts


class ClassFacts(_ClassFigures, total=False):
    """Figures of a class; its area in an assessment only."""

    area: AreaFacts


class MeanFacts(TypedDict):
    """A mean over the classes, and over how many."""

    value: Figure
    classes: int


class MeansFacts(TypedDict):
    """Means over the classes, by measure."""

    macro: dict[Measure, MeanFacts]
    weighted: dict[Measure, Figure]


class MapFacts(TypedDict):
    """Figures of one map."""

    overall_accuracy: EstimateFacts
    kappa: EstimateFacts
    expected_agreement: Figure
    mcc: Figure
    balanced_accuracy: Figure
    means: MeansFacts
    disagreement: DisagreementFacts
    classes: list[ClassFacts]
    counts: list[list[int]]
    counts_total: int
    area_shares: list[list[float]]


class LayerFacts(TypedDict):
    """An input layer, see `assess.LayerSummary`."""

    name: str
    path: str
    kind: str
    crs: str
    band: int | None
    rows: int | None
    columns: int | None
    pixel_size: str
    data_type: str
    nodata: str
    detail: str


class _Alignment(TypedDict):
    alignment: list[str]


class InputFacts(_Alignment, total=False):
    """The layers, and how they were brought together."""

    map: LayerFacts
    map_a: LayerFacts
    map_b: LayerFacts
    reference: LayerFacts


class StratumFacts(TypedDict):
    """A stratum, see `assess.Stratum`."""

    name: str
    size: Figure
    unit: str
    share: Figure
    units: int


class DesignFacts(TypedDict):
    """How the reference was sampled, and how intervals were made."""

    name: str
    sentence: str
    level: float
    interval: str
    fpc: bool
    fpc_sentence: str
    post_stratified: bool
    design_effect: Figure
    notes: list[str]
    strata: list[StratumFacts]


class ExcludedFacts(TypedDict):
    """Units that were left out for one reason."""

    reason: str
    units: int


class UnknownFacts(TypedDict):
    """Units with a reference value that the legend does not have."""

    value: int | float | str | None
    units: int


class UnitsFacts(TypedDict):
    """What was compared, and what was not."""

    counted: str
    compared: int
    unlabelled: int
    excluded: list[ExcludedFacts]
    unknown: list[UnknownFacts]
    overall_accuracy_without_unknown: list[Figure]


class ClassValuesFacts(TypedDict):
    """Values of the map, or of both maps, and labels of the reference that are one class."""

    label: str
    map: list[int]
    map_b: list[int]
    reference: list[int | str]


class ReportFacts(TypedDict):
    """What an assessment and a comparison have in common."""

    schema: dict[str, Any]
    kind: str
    title: str
    date: str
    axes: dict[str, str]
    inputs: InputFacts
    design: DesignFacts
    units: UnitsFacts
    class_values: list[ClassValuesFacts]
    warnings: list[str]
    parameters: dict[str, Any]
    versions: dict[str, str]


class MapAreaFacts(TypedDict):
    """Area of the map and its unit."""

    unit: str
    square_metres_per_unit: float
    map_pixels: int
    map_area: Figure
    note: str


class SampleClassFacts(ClassName):
    """Figures of a class from the bare counts."""

    users_accuracy: Figure
    producers_accuracy: Figure
    f1: Figure
    iou: Figure
    kappa: Figure


class SampleFacts(TypedDict):
    """Figures of the bare counts; no estimates for the map."""

    note: str
    overall_accuracy: Figure
    kappa: Figure
    mcc: Figure
    macro_f1: Figure
    mean_iou: Figure
    classes: list[SampleClassFacts]


class AssessmentFacts(ReportFacts, MapFacts):
    """One map against its reference."""

    areas: MapAreaFacts
    sample_statistics: SampleFacts | None


class ComparedMapFacts(MapFacts):
    """One of two maps."""

    layer: LayerFacts


class ClassDifferenceFacts(ClassName):
    """Differences of a class."""

    users_accuracy: DifferenceFacts
    producers_accuracy: DifferenceFacts


class DifferencesFacts(TypedDict):
    """Map A minus map B."""

    direction: str
    overall_accuracy: DifferenceFacts
    kappa: DifferenceFacts
    classes: list[ClassDifferenceFacts]


class RightFacts(TypedDict):
    """Units that each map has right."""

    both: int
    only_a: int
    only_b: int
    neither: int


class McNemarFacts(TypedDict):
    """McNemar's test, see `assess.McNemar`."""

    only_a: int
    only_b: int
    z: Figure
    chi2: Figure
    p: float
    chi2_corrected: Figure
    p_corrected: float
    p_exact: float
    p_midp: float
    reported: str


class ComparisonFacts(ReportFacts):
    """Two maps against one reference; `maps` has the keys a and b."""

    maps: dict[str, ComparedMapFacts]
    differences: DifferencesFacts
    units_right: RightFacts
    mcnemar: McNemarFacts | None
    mcnemar_note: str
