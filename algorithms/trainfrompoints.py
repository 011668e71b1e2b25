# SPDX-License-Identifier: GPL-3.0-or-later
"""`lulc:trainfrompoints`: trains own classes from points or polygons into a network for Classify land cover."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qgis.core import (
    QgsApplication,
    QgsCategorizedSymbolRenderer,
    QgsCoordinateReferenceSystem,
    QgsFeature,
    QgsField,
    QgsFields,
    QgsGeometry,
    QgsPointXY,
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingOutputNumber,
    QgsProcessingOutputString,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterFeatureSink,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterField,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QVariant

from ..lulc_plugin.errors import LulcError
from ..lulc_plugin.options import QGIS
from .bridge import definitions, layers, parameters, pointsink, settings
from .bridge.base import LulcAlgorithm, Parameters
from .bridge.definitions import MODEL_FILE
from .bridge.features import REF_CLASS, FeatureChoice, choose_features, layer_of_source, read_features
from .bridge.feedback import FeedbackProgress
from .bridge.helptext import HelpText

if TYPE_CHECKING:
    from ..lulc_plugin.adapt import AdaptResult, ClassStyle, Suspect
    from ..lulc_plugin.raster import RasterInput

_NETWORKS = ("auto", "all", "none")
_NETWORK_WORDS = {"auto": "Automatic", "all": "All that fit (slower)", "none": "None: only the bands"}
_LARGEST_INT = 2**31 - 1


@dataclass(frozen=True)
class _Request:
    """What the user set; features are read when the run begins."""

    layer: RasterInput
    choice: FeatureChoice
    grouped: bool
    options: dict[str, Any]
    crs: QgsCoordinateReferenceSystem
    downwards: bool


class TrainFromPoints(LulcAlgorithm):
    """Adapter of `lulc_plugin.adapt`."""

    NAME = "trainfrompoints"
    TITLE = "Train classes from points"
    GROUP = "ownclasses"
    TAGS = "train,samples,points,polygons,supervised,classification,random forest,own classes,few-shot,legend"
    SUMMARY = "Trains classes of your own from a few points or polygons, for Classify land cover."
    REQUIRES = ("numpy", "rasterio", "onnxruntime", "jinja2")

    INPUT = "INPUT"
    SAMPLES = "SAMPLES"
    FIELD = "FIELD"
    OUTPUT_MODEL = "OUTPUT_MODEL"
    OUTPUT_HTML = "OUTPUT_HTML"
    NETWORK = "NETWORK"
    BANDS = "BANDS"
    CLASS_COLORS = "CLASS_COLORS"
    GROUP_FIELD = "GROUP_FIELD"
    MAX_PIXELS_PER_CLASS = "MAX_PIXELS_PER_CLASS"
    SMOOTHING = "SMOOTHING"
    SEED = "SEED"
    OUTPUT_SUSPECTS = "OUTPUT_SUSPECTS"
    OVERALL_ACCURACY = "OVERALL_ACCURACY"
    MACRO_F1 = "MACRO_F1"
    N = "N"
    METHOD = "METHOD"
    CLASSES = "CLASSES"

    RESULTS = (
        (QgsProcessingOutputNumber, OVERALL_ACCURACY, "Overall accuracy of the samples, by cross-validation"),
        (QgsProcessingOutputNumber, MACRO_F1, "Mean F1 of the classes, by cross-validation"),
        (QgsProcessingOutputNumber, N, "Sample pixels that were used"),
        (QgsProcessingOutputString, METHOD, "What was chosen"),
        (QgsProcessingOutputString, CLASSES, "Classes as JSON: value, name, colour, samples, accuracies"),
    )

    def inputs(self) -> Iterable[QgsProcessingParameterDefinition]:
        shapes = [QgsProcessing.SourceType.TypeVectorPoint, QgsProcessing.SourceType.TypeVectorPolygon]
        return (
            definitions.raster(self.INPUT, "Image", "Any raster with any number of bands; all of them are used."),
            definitions.explained(
                QgsProcessingParameterFeatureSource(self.SAMPLES, self.tr("Samples: points or polygons"), shapes),
                "Ten or more of each class, spread over the image. Filter and 'Selected features only' are honoured.",
            ),
            definitions.explained(
                QgsProcessingParameterField(
                    self.FIELD, self.tr("Field with the class"), None, self.SAMPLES, optional=True
                ),
                f"Values or names. Empty: the field {REF_CLASS}.",
            ),
            definitions.file_to_write(
                self.OUTPUT_MODEL,
                "Network",
                "ONNX networks (*.onnx)",
                "For Classify land cover (Model file). Its description is written beside it, as .json.",
                optional=False,
            ),
            definitions.file_to_write(
                self.OUTPUT_HTML,
                "Report",
                "HTML files (*.html)",
                "How well the classes were told apart.",
            ),
            *definitions.advanced(*self._advanced()),
        )

    def _advanced(self) -> Iterable[QgsProcessingParameterDefinition]:
        return (
            definitions.choice(
                self.NETWORK,
                "Network whose features help",
                (*_NETWORKS, *definitions.model_names()),
                {**_NETWORK_WORDS, **definitions.model_words()},
                "Automatic: the best that fits the bands and the pixel size.",
            ),
            definitions.model_file(),
            definitions.bands(self.BANDS, self.INPUT),
            definitions.table(
                self.CLASS_COLORS,
                "Names and colours of classes",
                ("Value or name in the field", "Name", "Colour (#RRGGBB)"),
                "Empty: those of the layer's categorised style, else a palette that colour-blind readers can tell"
                " apart.",
            ),
            definitions.explained(
                QgsProcessingParameterField(
                    self.GROUP_FIELD,
                    self.tr("Field of groups of samples"),
                    None,
                    self.SAMPLES,
                    optional=True,
                ),
                "Samples of one group are left out together in validation. Empty: blocks of the image.",
            ),
            definitions.whole(
                self.MAX_PIXELS_PER_CLASS,
                "Sample pixels of a class at most",
                "Of more, a random part is used, evenly over the polygons.",
                (2, 100_000),
                default=500,
                optional=False,
            ),
            definitions.text(
                self.SMOOTHING,
                "Smoothing along edges",
                "auto: chosen by validation. none, or a radius in pixels such as 8.",
                default="auto",
                optional=False,
            ),
            definitions.whole(self.SEED, "Seed", "The same seed gives the same network.", (0, _LARGEST_INT), default=0),
            definitions.explained(
                QgsProcessingParameterFeatureSink(
                    self.OUTPUT_SUSPECTS,
                    self.tr("Contradictory samples"),
                    QgsProcessing.SourceType.TypeVectorPoint,
                    None,
                    True,
                    False,
                ),
                "Samples that all others speak against: probably of another class.",
            ),
        )

    def parse(self, values: Parameters, context: QgsProcessingContext) -> _Request:
        layer = parameters.required_raster_layer(self, values, self.INPUT, context)

        def field(name: str) -> str:
            chosen = values.get(name)
            return str(chosen[0] if isinstance(chosen, list) else chosen) if chosen else ""

        group = field(self.GROUP_FIELD)
        choice = choose_features(self, values, self.SAMPLES, context, field(self.FIELD), group, layer)
        options = {
            "network": self.parameterAsEnumString(values, self.NETWORK, context) or _NETWORKS[0],
            "model_file": parameters.text(self, values, MODEL_FILE, context) or "",
            "models_folder": str(settings.models_folder()),
            "colours": self._colours(values, context, choice.field),
            "most_pixels": parameters.whole_number(self, values, self.MAX_PIXELS_PER_CLASS, context) or 500,
            "smoothing": (parameters.text(self, values, self.SMOOTHING, context) or "auto").strip().lower(),
            "seed": parameters.whole_number(self, values, self.SEED, context) or 0,
            "threads": max(0, QgsApplication.maxThreads()),
        }
        image = layers.image_input(layer, parameters.band_numbers(self, values, self.BANDS, context, layer))
        return _Request(image, choice, bool(group), options, layers.crs_of(layer), layers.counts_downwards(layer))

    def _colours(self, values: Parameters, context: QgsProcessingContext, field: str) -> tuple[ClassStyle, ...]:
        rows = self.parameterAsMatrix(values, self.CLASS_COLORS, context) if self.CLASS_COLORS in values else []
        if not rows:
            return _styled(layer_of_source(self, values, self.SAMPLES, context), field)
        from ..lulc_plugin.adapt import classes_of_rows

        if len(rows) % 3:
            raise LulcError(
                self.tr("CLASS_COLORS has {count} cells.").format(count=len(rows)),
                self.tr("Each row is value or name, name, and colour: three cells."),
            )
        return classes_of_rows([tuple(str(cell) for cell in rows[i : i + 3]) for i in range(0, len(rows), 3)])

    def run_job(
        self, request: _Request, values: Parameters, context: QgsProcessingContext, progress: FeedbackProgress
    ) -> Parameters:
        from ..lulc_plugin.adapt import AdaptJob, adapt
        from ..lulc_plugin.report import own_classes

        read = (request.layer.path, request.choice.path)
        html = self.parameterAsFileOutput(values, self.OUTPUT_HTML, context) if values.get(self.OUTPUT_HTML) else ""
        if html:
            own_classes.check_target(Path(html), *read)
        pointsink.check_target(values.get(self.OUTPUT_SUSPECTS), read, self.OUTPUT_SUSPECTS)
        samples = read_features(self, values, context, request.choice, progress)
        groups = tuple(feature.stratum for feature in samples.features) if request.grouped else ()
        model = self.parameterAsFileOutput(values, self.OUTPUT_MODEL, context)
        result = adapt(AdaptJob(request.layer, samples, groups=groups, **request.options), model, progress)
        if html:
            own_classes.write(result, Path(html), QGIS)
        for warning in result.warnings:
            progress.warn(warning)
        progress.log(self.tr("Taken: {method}").format(method=result.method))
        if result.overall_accuracy is not None and result.macro_f1 is not None:
            progress.log(
                self.tr("Overall accuracy {accuracy:.3f}, mean F1 {f1:.3f}, by cross-validation of the samples").format(
                    accuracy=result.overall_accuracy, f1=result.macro_f1
                )
            )
        progress.log(self.tr("Next: Classify land cover with this file as Model file."))
        return {
            self.OUTPUT_MODEL: model,
            self.OUTPUT_HTML: html or None,
            self.OUTPUT_SUSPECTS: self._write_suspects(request, result, values, context),
            self.OVERALL_ACCURACY: result.overall_accuracy,
            self.MACRO_F1: result.macro_f1,
            self.N: result.count,
            self.METHOD: result.method,
            self.CLASSES: json.dumps(result.classes_json(), ensure_ascii=False),
        }

    def _write_suspects(
        self, request: _Request, result: AdaptResult, values: Parameters, context: QgsProcessingContext
    ) -> str | None:
        if values.get(self.OUTPUT_SUSPECTS) is None:
            return None
        fields = QgsFields()
        for name, kind in (
            ("id", QVariant.String),
            ("sample_says", QVariant.String),
            ("others_say", QVariant.String),
            ("confidence", QVariant.Double),
        ):
            fields.append(QgsField(name, kind))
        points = _points(result.suspects, fields, request.downwards)
        return pointsink.write_points(self, values, self.OUTPUT_SUSPECTS, context, fields, request.crs, points)

    HELP = HelpText(
        does=(
            (
                "Learns classes of your own from points or polygons, and writes them as a network. Give that to"
                " Classify land cover as Model file: the map has your legend."
            ),
        ),
        needs=(
            (
                "Image",
                "any raster; all its bands are used. Stack layers adds a second date, elevation or radar.",
            ),
            (
                "Samples",
                "ten or more of each class, spread over the image. A polygon counts by its pixels.",
            ),
        ),
        returns=(
            (
                "Network",
                "an .onnx file and its description.",
            ),
            (
                "Report",
                (
                    "accuracy by leaving out blocks of samples, what more samples would bring, and samples that are"
                    " probably wrong. It is no accuracy of the map: for that, draw a reference sample."
                ),
            ),
        ),
        example=(
            "Classes in the field class:",
            (
                "qgis_process run lulc:trainfrompoints -- INPUT=image.tif SAMPLES=points.gpkg FIELD=class"
                " OUTPUT_MODEL=own.onnx"
            ),
        ),
        limits=("The network is for images like this one: the same bands in the same order and unit.",),
    )


def _styled(layer: QgsVectorLayer | None, field: str) -> tuple[ClassStyle, ...]:
    """Names and colours of a layer's categorised style, where that is by the field of the class."""
    renderer = None if layer is None else layer.renderer()
    if not isinstance(renderer, QgsCategorizedSymbolRenderer) or renderer.classAttribute().strip('"') != field:
        return ()
    from ..lulc_plugin.adapt import classes_of_rows

    rows = []
    for category in renderer.categories():
        value = category.value()
        if isinstance(value, (str, int, float)) and str(value):
            text = str(value)
            rows.append((text, category.label() or text, category.symbol().color().name()))
    return classes_of_rows(rows)


def _points(suspects: Iterable[Suspect], fields: QgsFields, downwards: bool) -> Iterator[QgsFeature]:
    for one in suspects:
        feature = QgsFeature(fields)
        feature.setGeometry(QgsGeometry.fromPointXY(QgsPointXY(one.x, -one.y if downwards else one.y)))
        feature.setAttributes([one.id, one.label, one.predicted, one.confidence])
        yield feature
