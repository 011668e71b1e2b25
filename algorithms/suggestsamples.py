# SPDX-License-Identifier: GPL-3.0-or-later
"""`lulc:suggestsamples`: places where a label would help own classes most, as points to be labelled."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from qgis.core import (
    QgsApplication,
    QgsCoordinateReferenceSystem,
    QgsFeature,
    QgsField,
    QgsFields,
    QgsGeometry,
    QgsPointXY,
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingOutputNumber,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterField,
)
from qgis.PyQt.QtCore import QVariant

from ..lulc_plugin.classify import AUTO, ClassifyJob
from ..lulc_plugin.errors import LulcError
from .bridge import definitions, layers, parameters, pointsink, settings
from .bridge.base import LulcAlgorithm, Parameters
from .bridge.definitions import MODEL, MODEL_FILE
from .bridge.features import REF_CLASS, FeatureChoice, choose_features, read_features
from .bridge.feedback import FeedbackProgress
from .bridge.helptext import HelpText
from .bridge.labelling import Pixel, entered_fields, show_for_labelling

if TYPE_CHECKING:
    from ..lulc_plugin.adapt import Suggestion, SuggestJob

_MOST = 1000


@dataclass(frozen=True)
class _Request:
    """What the user set; features are read when the run begins. `in_words`: the samples' classes are text."""

    job: SuggestJob
    choice: FeatureChoice | None
    in_words: bool
    title: str
    crs: QgsCoordinateReferenceSystem
    pixel: Pixel
    downwards: bool


class SuggestSamples(LulcAlgorithm):
    """Adapter of `lulc_plugin.adapt`'s `suggest`."""

    NAME = "suggestsamples"
    TITLE = "Suggest samples"
    GROUP = "ownclasses"
    TAGS = "active learning,samples,training,uncertainty,margin,points,label,own classes"
    SUMMARY = "Finds places where a label would help own classes most, ready to be labelled in a form."

    INPUT = "INPUT"
    BANDS = "BANDS"
    MAP = "MAP"
    CONFIDENCE = "CONFIDENCE"
    N = "N"
    SAMPLES = "SAMPLES"
    FIELD = "FIELD"
    SEED = "SEED"
    OUTPUT = "OUTPUT"
    COUNT = "COUNT"

    RESULTS = ((QgsProcessingOutputNumber, COUNT, "Number of points"),)

    def inputs(self) -> Iterable[QgsProcessingParameterDefinition]:
        shapes = [QgsProcessing.SourceType.TypeVectorPoint, QgsProcessing.SourceType.TypeVectorPolygon]
        return (
            definitions.not_marked(
                definitions.raster(self.INPUT, "Image", "The image that is to be classified.", optional=True)
            ),
            definitions.model(),
            definitions.model_file(),
            definitions.whole(self.N, "Number of points", "", (1, _MOST), default=20, optional=False),
            definitions.explained(
                QgsProcessingParameterFeatureSource(
                    self.SAMPLES, self.tr("Samples that are labelled"), shapes, None, True
                ),
                "No point is suggested near one of them.",
            ),
            definitions.points_to_write(
                self.OUTPUT,
                "Suggested samples",
                f"Points with the empty field {REF_CLASS} and a form. They train, and never assess.",
            ),
            *definitions.advanced(
                definitions.bands(self.BANDS, self.INPUT),
                definitions.raster(
                    self.MAP,
                    "Class map (instead of image)",
                    "With its confidence; image and model are then left empty.",
                    optional=True,
                ),
                definitions.raster(
                    self.CONFIDENCE,
                    "Confidence of the class map",
                    "0 to 1, 0 to 100 or 0 to 255, on the pixels of the map.",
                    optional=True,
                ),
                QgsProcessingParameterField(
                    self.FIELD, self.tr("Field with the class"), None, self.SAMPLES, optional=True
                ),
                definitions.whole(self.SEED, "Seed", "The same seed gives the same points.", (0, 2**31 - 1), default=0),
            ),
        )

    def parse(self, values: Parameters, context: QgsProcessingContext) -> _Request:
        from ..lulc_plugin.adapt import SuggestJob

        image = parameters.raster_layer(self, values, self.INPUT, context)
        of_map = parameters.raster_layer(self, values, self.MAP, context)
        confidence = parameters.raster_layer(self, values, self.CONFIDENCE, context)
        layer = image or of_map
        if layer is None:
            raise LulcError(self.tr("Neither INPUT nor MAP is given."), self.tr("Choose an image, or a class map."))
        classify = None
        if image is not None:
            classify = ClassifyJob(
                layer=layers.image_input(image, parameters.band_numbers(self, values, self.BANDS, context, image)),
                model=self.parameterAsEnumString(values, MODEL, context) or AUTO,
                model_file=parameters.text(self, values, MODEL_FILE, context),
                threads=max(0, QgsApplication.maxThreads()),
                models_folder=str(settings.models_folder()),
            )
        job = SuggestJob(
            classify,
            None if of_map is None else layers.raster_input(of_map, 1),
            None if confidence is None else layers.raster_input(confidence, 1),
            parameters.whole_number(self, values, self.N, context) or 20,
            seed=parameters.whole_number(self, values, self.SEED, context) or 0,
        )
        choice = None
        in_words = False
        if self.SAMPLES in values:
            field = values.get(self.FIELD)
            named = str(field[0] if isinstance(field, list) else field) if field else ""
            choice = choose_features(self, values, self.SAMPLES, context, named, "", layer)
            source = self.parameterAsSource(values, self.SAMPLES, context)
            in_words = source is not None and source.fields().field(choice.field).type() == QVariant.String
        crs, downwards = layers.crs_of(layer), layers.counts_downwards(layer)
        return _Request(job, choice, in_words, layer.name(), crs, Pixel.of(layer), downwards)

    def run_job(
        self, request: _Request, values: Parameters, context: QgsProcessingContext, progress: FeedbackProgress
    ) -> Parameters:
        from ..lulc_plugin.adapt import suggest

        job = request.job
        layers_read = [job.classify and job.classify.layer, job.map, job.confidence]
        read = [layer.path for layer in layers_read if layer] + ([request.choice.path] if request.choice else [])
        pointsink.check_target(values.get(self.OUTPUT), read, self.OUTPUT)
        if request.choice is not None:
            job = replace(job, samples=read_features(self, values, context, request.choice, progress))
        places, classes = suggest(job, progress)
        fields = QgsFields()
        for name, kind in (
            ("id", QVariant.Int),
            ("map_class", QVariant.Int),
            ("map_name", QVariant.String),
            ("margin", QVariant.Double),
        ):
            fields.append(QgsField(name, kind))
        # as in the samples, to which they can be pasted then
        for field in entered_fields(QVariant.String if request.in_words else QVariant.Int):
            fields.append(field)
        pointsink.set_form_aside(values.get(self.OUTPUT), progress)
        points = _points(places, fields, request.downwards)
        destination = pointsink.write_points(self, values, self.OUTPUT, context, fields, request.crs, points)
        name = self.tr("Samples to label – {layer}").format(layer=request.title)
        problem = show_for_labelling(
            context,
            destination,
            self.label(self.OUTPUT),
            name,
            [(c.name if request.in_words else c.value, c.name) for c in classes],
            request.pixel,
        )
        if problem:
            progress.warn(problem)
        progress.log(self.tr("These points are for training. To assess a map, draw a reference sample instead."))
        return {self.OUTPUT: destination, self.COUNT: len(places)}

    HELP = HelpText(
        does=(
            (
                "Finds places where two classes are nearly alike, far from each other, unlike each other, and away"
                " from what is labelled already. Label them, add them to your samples, and train again."
            ),
        ),
        needs=(
            (
                "Image and model",
                "the network that you trained, as Model file; or any other. Or a class map with its confidence.",
            ),
            (
                "Samples",
                "what is labelled already, so that no point lies beside it.",
            ),
        ),
        returns=(
            (
                "Suggested samples",
                (
                    "points with the margin between their two best classes, and the empty field ref_class with a"
                    " form. The most useful come first."
                ),
            ),
        ),
        example=(
            "Twenty places:",
            (
                "qgis_process run lulc:suggestsamples -- INPUT=image.tif MODEL=auto MODEL_FILE=own.onnx N=20"
                " SAMPLES=points.gpkg OUTPUT=more.gpkg"
            ),
        ),
        limits=(
            (
                "These points train, and never assess: they lie where the map is unsure, and an accuracy from them"
                " would be far too low."
            ),
        ),
    )


def _points(places: Iterable[Suggestion], fields: QgsFields, downwards: bool) -> Iterator[QgsFeature]:
    for number, place in enumerate(places, 1):
        feature = QgsFeature(fields)
        feature.setGeometry(QgsGeometry.fromPointXY(QgsPointXY(place.x, -place.y if downwards else place.y)))
        known = [number, place.value, place.name, place.margin]
        feature.setAttributes([*known, *[None] * (len(fields) - len(known))])
        yield feature
