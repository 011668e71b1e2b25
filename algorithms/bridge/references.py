# SPDX-License-Identifier: GPL-3.0-or-later
"""The parameters of a map's reference, defined once for every algorithm that has one."""

from __future__ import annotations

from qgis.core import (
    QgsProcessing,
    QgsProcessingParameterBand,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterEnum,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterField,
    QgsProcessingParameterFile,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterMatrix,
    QgsProcessingParameterNumber,
    QgsProcessingParameterRasterLayer,
)

from ...lulc_plugin.assess import AREA_UNITS, DESIGNS, FPC, INTERVALS, MISSING_STRATA, UNKNOWN
from .features import REF_CLASS
from .parameters import advanced, explained
from .translation import tr

REFERENCE = "REFERENCE"
REFERENCE_BAND = "REFERENCE_BAND"
REFERENCE_FEATURES = "REFERENCE_FEATURES"
FIELD = "FIELD"
CLASS_TABLE = "CLASS_TABLE"
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


def map_parameters(name: str, band: str, label: str, band_label: str) -> tuple[QgsProcessingParameterDefinition, ...]:
    """A classified layer and its band; the labels are what they are called in the dialog."""
    return (
        explained(
            QgsProcessingParameterRasterLayer(name, label),
            tr("A raster whose values are classes. Its pixels are never resampled."),
        ),
        _band(band, band_label, name),
    )


def reference_parameters() -> tuple[QgsProcessingParameterDefinition, ...]:
    """REFERENCE to CONFIDENCE_LEVEL."""
    any_field = QgsProcessingParameterField.DataType.Any
    return (
        explained(
            QgsProcessingParameterRasterLayer(REFERENCE, tr("Reference: a raster"), None, True),
            tr("Any grid, extent and coordinate system. Give this or reference features, not both."),
        ),
        _band(REFERENCE_BAND, tr("Band of the reference raster"), REFERENCE),
        explained(
            QgsProcessingParameterFeatureSource(
                REFERENCE_FEATURES,
                tr("Reference: points or polygons"),
                [QgsProcessing.SourceType.TypeVectorPoint, QgsProcessing.SourceType.TypeVectorPolygon],
                None,
                True,
            ),
            tr("Any vector layer in any coordinate system; its filter and 'Selected features only' are honoured."),
        ),
        explained(
            QgsProcessingParameterField(
                FIELD,
                tr("Field with the class of each feature (empty: {field})").format(field=REF_CLASS),
                None,
                REFERENCE_FEATURES,
                any_field,
                False,
                True,
            ),
            tr("Holds values of the map, or names of its classes (capitals do not matter)."),
        ),
        explained(
            QgsProcessingParameterMatrix(
                CLASS_TABLE,
                tr("Class table, when the legends of map and reference differ"),
                0,
                False,
                [tr("Map value"), tr("Reference value or name")],
                None,
                True,
            ),
            tr("Each row is a map value and the reference value or name that means the same. Several may be tied."),
        ),
        explained(
            QgsProcessingParameterFile(
                CLASS_TABLE_FILE,
                tr("Class table as a file (instead of the table above)"),
                extension="csv",
                optional=True,
            ),
            tr("A CSV file whose first line is map,reference."),
        ),
        _choice(
            DESIGN,
            tr("How the reference was chosen"),
            tr(
                "Decides which confidence intervals are true. auto: a raster that covers the map is a census, points of"
                " Draw a reference sample are stratified, anything else is descriptive (no intervals). See the help."
            ),
        ),
        explained(
            QgsProcessingParameterRasterLayer(
                STRATA, tr("Strata of the sample, when not the map's classes"), None, True
            ),
            tr("A raster with the stratum of every pixel at the time the sample was drawn."),
        ),
        advanced(_band(STRATA_BAND, tr("Band of the strata"), STRATA)),
        explained(
            QgsProcessingParameterField(
                STRATUM_FIELD,
                tr("Field with the stratum of each feature (empty: stratum, if there is one)"),
                None,
                REFERENCE_FEATURES,
                any_field,
                False,
                True,
            ),
            tr("Sizes of the strata come from the strata raster, the fields stratum_px or stratum_ha, or the map."),
        ),
        explained(
            QgsProcessingParameterNumber(
                CONFIDENCE_LEVEL,
                tr("Confidence level of the intervals"),
                QgsProcessingParameterNumber.Type.Double,
                0.95,
                False,
                0.0,
            ),
            tr("A share: 0.95 for 95 % intervals."),
        ),
    )


def advanced_parameters(two_maps: bool = False) -> tuple[QgsProcessingParameterDefinition, ...]:
    """FPC to AREA_UNIT, without those that say nothing about the difference of two maps; not yet flagged."""
    fpc = _choice(
        "FPC",
        tr("Finite population correction"),
        tr("auto: applied when more than 5 % of the pixels of some stratum are in the sample."),
    )
    interval = _choice(
        "INTERVAL",
        tr("Intervals of stratified samples"),
        tr("standard: estimate ± z standard errors, as published. wilson: score intervals, better near 0 and 1."),
    )
    poststratify = explained(
        QgsProcessingParameterBoolean(
            POSTSTRATIFY, tr("Use the map's class areas with a simple random sample (post-stratify)"), False, True
        ),
        tr("Makes the estimates of areas and overall accuracy more precise. Only with DESIGN simple."),
    )
    unknown = _choice(
        "UNKNOWN",
        tr("Reference classes that the map's legend does not have"),
        tr("error: they count as errors of the map. exclude: left out and counted. stop: refused."),
    )
    missing_strata = _choice(
        "MISSING_STRATA",
        tr("Strata without a reference unit"),
        tr("refuse: no report. restrict: the figures describe the rest of the map only, and the report says so."),
    )
    if two_maps:
        return fpc, interval, unknown, missing_strata
    area_unit = _choice("AREA_UNIT", tr("Unit of areas"), tr("ha, km2, m2 or acre."))
    return fpc, interval, poststratify, unknown, missing_strata, area_unit


def report_parameters(title: str) -> tuple[QgsProcessingParameterDefinition, ...]:
    """OUTPUT_HTML, OUTPUT_CSV and OUTPUT_JSON; `title` is what the results viewer calls the report."""
    return (
        explained(
            QgsProcessingParameterFileDestination(OUTPUT_HTML, title, "HTML (*.html)", None, True, True),
            tr("One HTML file that needs no network; opens from the results viewer."),
        ),
        explained(
            QgsProcessingParameterFileDestination(OUTPUT_CSV, tr("Tables as CSV"), "CSV (*.csv)", None, True, False),
            tr("The tables of the report, in full precision."),
        ),
        explained(
            QgsProcessingParameterFileDestination(
                OUTPUT_JSON, tr("Results as JSON"), "JSON (*.json)", None, True, False
            ),
            tr("Every number of the report, for programs."),
        ),
    )


def _band(name: str, label: str, parent: str) -> QgsProcessingParameterDefinition:
    return explained(QgsProcessingParameterBand(name, label, 1, parent, True), tr("The first one unless you say so."))


def _choice(name: str, label: str, explanation: str) -> QgsProcessingParameterDefinition:
    choices = list(CHOICES[name])
    return explained(QgsProcessingParameterEnum(name, label, choices, False, choices[0], True, True), explanation)
