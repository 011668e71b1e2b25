# SPDX-License-Identifier: GPL-3.0-or-later
"""The parameters of a map's reference, defined once for every algorithm that has one."""

from __future__ import annotations

from collections.abc import Sequence

from qgis.core import (
    QgsProcessing,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterField,
    QgsProcessingParameterFile,
)

from ...lulc_plugin.assess import AREA_UNITS, DESIGNS, FPC, INTERVALS, MISSING_STRATA, UNKNOWN
from . import definitions
from .features import REF_CLASS
from .translation import tr

REFERENCE = "REFERENCE"
REFERENCE_BAND = "REFERENCE_BAND"
REFERENCE_FEATURES = "REFERENCE_FEATURES"
FIELD = "FIELD"
CLASS_TABLE = "CLASS_TABLE"
CLASS_TABLE_B = "CLASS_TABLE_B"
CLASS_TABLE_FILE = "CLASS_TABLE_FILE"
STRATA = "STRATA"
STRATA_BAND = "STRATA_BAND"
STRATUM_FIELD = "STRATUM_FIELD"
DESIGN = "DESIGN"
POSTSTRATIFY = "POSTSTRATIFY"
CONFIDENCE_LEVEL = "CONFIDENCE_LEVEL"
OUTPUT_HTML = "OUTPUT_HTML"
OUTPUT_CSV = "OUTPUT_CSV"
OUTPUT_JSON = "OUTPUT_JSON"

#: Parameter → its choices; the first one is the default.
CHOICES = {
    DESIGN: DESIGNS,
    "FPC": FPC,
    "INTERVAL": INTERVALS,
    "UNKNOWN": UNKNOWN,
    "MISSING_STRATA": MISSING_STRATA,
    "AREA_UNIT": tuple(AREA_UNITS),
}


def map_parameters(name: str, band: str, label: str, band_label: str) -> Sequence[QgsProcessingParameterDefinition]:
    """A classified layer and its band; the labels are what they are called in the dialog."""
    return (
        definitions.raster(name, label, "A raster whose values are classes. Its pixels are never resampled."),
        _band(band, band_label, name),
    )


def reference_parameters(two_maps: bool = False) -> Sequence[QgsProcessingParameterDefinition]:
    """REFERENCE to CONFIDENCE_LEVEL; with CLASS_TABLE_B where two maps are compared."""
    return (*_layers(), *_class_tables(two_maps), *_design())


def _layers() -> Sequence[QgsProcessingParameterDefinition]:
    shapes = [QgsProcessing.SourceType.TypeVectorPoint, QgsProcessing.SourceType.TypeVectorPolygon]
    return (
        definitions.raster(
            REFERENCE,
            "Reference: a raster",
            "Any grid, extent and coordinate system. Give this or reference features, not both.",
            optional=True,
        ),
        _band(REFERENCE_BAND, "Band of the reference raster", REFERENCE),
        definitions.explained(
            QgsProcessingParameterFeatureSource(
                REFERENCE_FEATURES, tr("Reference: points or polygons"), shapes, None, True
            ),
            "Any vector layer in any coordinate system; its filter and 'Selected features only' are honoured.",
        ),
        _field(
            FIELD,
            tr("Field with the class of each feature (empty: {field})").format(field=REF_CLASS),
            "Holds values of the map, or names of its classes (capitals do not matter).",
        ),
    )


def _class_tables(two_maps: bool) -> Sequence[QgsProcessingParameterDefinition]:
    of_second = definitions.table(
        CLASS_TABLE_B,
        "Class table of map B, when its legend is not that of map A",
        ("Map B value", "Reference value or name"),
        "Each row is a value of map B and the reference value or name that means the same. Several may be tied.",
    )
    return (
        definitions.table(
            CLASS_TABLE,
            "Class table, when the legends of map and reference differ",
            ("Map value", "Reference value or name"),
            "Each row is a map value and the reference value or name that means the same. Several may be tied.",
        ),
        *((of_second,) if two_maps else ()),
        definitions.explained(
            QgsProcessingParameterFile(
                CLASS_TABLE_FILE,
                tr("Class table as a file (instead of the table above)"),
                extension="csv",
                optional=True,
            ),
            "A CSV file whose first line is map,reference,map_b; the last column is for another legend of map B."
            if two_maps
            else "A CSV file whose first line is map,reference.",
        ),
    )


def _design() -> Sequence[QgsProcessingParameterDefinition]:
    return (
        _choice(
            DESIGN,
            "How the reference was chosen",
            "Decides which confidence intervals are true. auto: a raster that covers the map is a census, points of"
            " Draw a reference sample are stratified, anything else is descriptive (no intervals). See the help.",
        ),
        definitions.raster(
            STRATA,
            "Strata of the sample, when not the map's classes",
            "A raster with the stratum of every pixel at the time the sample was drawn.",
            optional=True,
        ),
        *definitions.advanced(_band(STRATA_BAND, "Band of the strata", STRATA)),
        _field(
            STRATUM_FIELD,
            tr("Field with the stratum of each feature (empty: stratum, if there is one)"),
            "Sizes of the strata come from the strata raster, the fields stratum_px or stratum_ha, or the map.",
        ),
        definitions.real(
            CONFIDENCE_LEVEL,
            "Confidence level of the intervals",
            "A share: 0.95 for 95 % intervals.",
            (0.0,),
            default=0.95,
        ),
    )


def advanced_parameters(two_maps: bool = False) -> Sequence[QgsProcessingParameterDefinition]:
    """FPC to AREA_UNIT, without those that say nothing about the difference of two maps; not yet flagged."""
    fpc = _choice(
        "FPC",
        "Finite population correction",
        "auto: applied when more than 5 % of the pixels of some stratum are in the sample.",
    )
    interval = _choice(
        "INTERVAL",
        "Intervals of random samples",
        "conservative: hold the true value as often as they say, also with few points. standard: as published (estimate"
        " ± z standard errors; Wilson's with DESIGN simple). wilson: score intervals of stratified samples.",
    )
    poststratify = definitions.explained(
        QgsProcessingParameterBoolean(
            POSTSTRATIFY, tr("Use the map's class areas with a simple random sample (post-stratify)"), False, True
        ),
        "Makes the estimates of areas and overall accuracy more precise. Only with DESIGN simple.",
    )
    unknown = _choice(
        "UNKNOWN",
        "Reference classes that the map's legend does not have",
        "error: they count as errors of the map. exclude: left out and counted. stop: refused.",
    )
    missing_strata = _choice(
        "MISSING_STRATA",
        "Strata without a reference unit",
        "refuse: no report. restrict: the figures describe the rest of the map only, and the report says so.",
    )
    if two_maps:
        return fpc, interval, unknown, missing_strata
    area_unit = _choice("AREA_UNIT", "Unit of areas", "ha, km2, m2 or acre.")
    return fpc, interval, poststratify, unknown, missing_strata, area_unit


def report_parameters(title: str) -> Sequence[QgsProcessingParameterDefinition]:
    """OUTPUT_HTML, OUTPUT_CSV and OUTPUT_JSON; `title` is what the results viewer calls the report."""
    return (
        definitions.file_to_write(
            OUTPUT_HTML, title, "HTML (*.html)", "One HTML file that needs no network; opens from the results viewer."
        ),
        definitions.file_to_write(
            OUTPUT_CSV, "Tables as CSV", "CSV (*.csv)", "The tables of the report, in full precision.", by_default=False
        ),
        definitions.file_to_write(
            OUTPUT_JSON,
            "Results as JSON",
            "JSON (*.json)",
            "Every number of the report, for programs.",
            by_default=False,
        ),
    )


def _band(name: str, label: str, layer: str) -> QgsProcessingParameterDefinition:
    return definitions.band(
        name, label, layer, "Not set: the one that the layer shows where it shows one, else the first."
    )


def _field(name: str, label: str, hint: str) -> QgsProcessingParameterDefinition:
    """A field of the reference features; `label` is translated already."""
    kind = QgsProcessingParameterField.DataType.Any
    return definitions.explained(
        QgsProcessingParameterField(name, label, None, REFERENCE_FEATURES, kind, False, True), hint
    )


def _choice(name: str, label: str, hint: str) -> QgsProcessingParameterDefinition:
    return definitions.choice(name, label, CHOICES[name], hint)
