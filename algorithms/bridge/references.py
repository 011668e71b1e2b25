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
from .helptext import Paragraph
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

#: What dialogs show for them.
WORDS = {
    DESIGN: {
        "auto": "Automatic",
        "census": "It covers the whole map (census)",
        "simple": "Points at random over the map",
        "stratified": "Points at random within strata",
        "polygons": "Polygons at random",
        "descriptive": "Picked by hand: no intervals",
    },
    "FPC": {"auto": "Automatic", "always": "Always", "never": "Never"},
    "INTERVAL": {"conservative": "Conservative", "standard": "As published", "wilson": "Wilson"},
    "UNKNOWN": {"error": "Count as errors", "exclude": "Are left out", "stop": "Stop the run"},
    "MISSING_STRATA": {"refuse": "No report", "restrict": "Report on the rest"},
    "AREA_UNIT": {"ha": "Hectares", "km2": "Square kilometres", "m2": "Square metres", "acre": "Acres"},
}

#: What the helps say of a reference; the guide says the rest.
HELP_NEEDS: tuple[Paragraph, ...] = (
    ("Reference", "points or polygons of any vector layer, or a raster on any grid. The map is never resampled."),
    ("Field", "values of the map, or names of its classes; empty takes ref_class."),
    (
        "How the reference was chosen",
        "only points drawn at random speak for the whole map: hand-picked points get no confidence intervals.",
    ),
)


def map_parameter(name: str, label: str) -> QgsProcessingParameterDefinition:
    """A classified layer; the label is what it is called in the dialog."""
    return definitions.raster(name, label, "A raster whose values are classes. Its pixels are never resampled.")


def reference_parameters() -> Sequence[QgsProcessingParameterDefinition]:
    """What most runs need: REFERENCE_FEATURES, FIELD, REFERENCE and DESIGN."""
    shapes = [QgsProcessing.SourceType.TypeVectorPoint, QgsProcessing.SourceType.TypeVectorPolygon]
    features = QgsProcessingParameterFeatureSource(
        REFERENCE_FEATURES, tr("Reference points or polygons"), shapes, None, True
    )
    hint = "Any grid, extent and coordinate system. Give this or reference features, not both."
    return (
        definitions.not_marked(
            definitions.explained(
                features,
                "Any vector layer in any coordinate system; its filter and 'Selected features only' are honoured.",
            )
        ),
        _field(
            FIELD,
            "Field with the class",
            f"Holds values of the map, or names of its classes (capitals do not matter). Empty: {REF_CLASS}.",
        ),
        definitions.not_marked(definitions.raster(REFERENCE, "Or: a reference raster", hint, optional=True)),
        _choice(
            DESIGN,
            "How the reference was chosen",
            "Decides which confidence intervals are true. Automatic: a raster that covers the map is a census, points"
            " of Draw a reference sample are random within strata, anything else counts as picked by hand.",
        ),
    )


def advanced_parameters(
    two_maps: bool = False, bands: Sequence[tuple[str, str, str]] = ()
) -> Sequence[QgsProcessingParameterDefinition]:
    """The rest, in the order of work; with CLASS_TABLE_B where two maps are compared.

    Args:
        two_maps: without what says nothing about the difference of two maps.
        bands: name, label and layer of a parameter for the band of each map.
    """
    return definitions.advanced(
        *(_band(*band) for band in bands),
        _band(REFERENCE_BAND, "Band of the reference raster", REFERENCE),
        *_class_tables(two_maps),
        *_strata(),
        *_about_estimates(two_maps),
    )


def _class_tables(two_maps: bool) -> Sequence[QgsProcessingParameterDefinition]:
    of_second = definitions.table(
        CLASS_TABLE_B,
        "Class table of map B",
        ("Map B value", "Reference value or name"),
        "Only when its legend is not that of map A. Each row is a value of map B and the reference value or name that"
        " means the same. Several may be tied.",
    )
    return (
        definitions.table(
            CLASS_TABLE,
            "Class table",
            ("Map value", "Reference value or name"),
            "Only when the legends of map and reference differ. Each row is a map value and the reference value or name"
            " that means the same. Several may be tied.",
        ),
        *((of_second,) if two_maps else ()),
        definitions.explained(
            QgsProcessingParameterFile(
                CLASS_TABLE_FILE,
                tr("Class table as a file"),
                extension="csv",
                optional=True,
            ),
            "Instead of the table: a CSV file whose first line is map,reference,map_b; the last column is for another"
            " legend of map B."
            if two_maps
            else "Instead of the table: a CSV file whose first line is map,reference.",
        ),
    )


def _strata() -> Sequence[QgsProcessingParameterDefinition]:
    return (
        _field(
            STRATUM_FIELD,
            "Field with the stratum",
            "Empty: stratum, if there is one. Sizes of the strata come from the strata raster, the fields stratum_px or"
            " stratum_ha, or the map.",
        ),
        definitions.raster(
            STRATA,
            "Strata, if not the classes",
            "A raster with the stratum of every pixel at the time the sample was drawn.",
            optional=True,
        ),
        _band(STRATA_BAND, "Band of the strata", STRATA),
    )


def _about_estimates(two_maps: bool) -> Sequence[QgsProcessingParameterDefinition]:
    level = definitions.real(
        CONFIDENCE_LEVEL,
        "Confidence level of the intervals",
        "A share: 0.95 for 95 % intervals.",
        (0.0,),
        default=0.95,
    )
    interval = _choice(
        "INTERVAL",
        "Intervals of random samples",
        "Conservative: hold the true value as often as they say, also with few points. As published: estimate ± z"
        " standard errors; Wilson's for random points. Wilson: score intervals of stratified samples.",
    )
    fpc = _choice(
        "FPC",
        "Finite population correction",
        "Automatic: applied when more than 5 % of the pixels of some stratum are in the sample.",
    )
    poststratify = definitions.explained(
        QgsProcessingParameterBoolean(POSTSTRATIFY, tr("Post-stratify by map areas"), False, True),
        "Makes the estimates of areas and overall accuracy more precise. Only for points drawn at random over the whole"
        " map.",
    )
    unknown = _choice(
        "UNKNOWN",
        "Classes the map does not have",
        "Reference classes that are not in the map's legend: they count as errors of the map, are left out and counted,"
        " or stop the run.",
    )
    missing_strata = _choice(
        "MISSING_STRATA",
        "Strata without a reference unit",
        "No report; or the figures describe the rest of the map only, and the report says so.",
    )
    outputs = (OUTPUT_CSV, OUTPUT_JSON)
    if two_maps:
        return level, interval, fpc, unknown, definitions.below(missing_strata, outputs)
    area_unit = definitions.below(_choice("AREA_UNIT", "Unit of areas", "Of the areas in the report."), outputs)
    return level, interval, fpc, poststratify, unknown, missing_strata, area_unit


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
        name, label, layer, "Empty: the one that the layer shows where it shows one, else the first."
    )


def _field(name: str, label: str, hint: str) -> QgsProcessingParameterDefinition:
    """A field of the reference features."""
    kind = QgsProcessingParameterField.DataType.Any
    return definitions.explained(
        QgsProcessingParameterField(name, tr(label), None, REFERENCE_FEATURES, kind, False, True), hint
    )


def _choice(name: str, label: str, hint: str) -> QgsProcessingParameterDefinition:
    return definitions.choice(name, label, CHOICES[name], WORDS[name], hint)
