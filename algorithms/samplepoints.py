# SPDX-License-Identifier: GPL-3.0-or-later
"""`lulc:samplepoints`: draws a stratified random sample of a class map, as points to be labelled."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsFeature,
    QgsField,
    QgsFields,
    QgsGeometry,
    QgsPointXY,
    QgsProcessingContext,
    QgsProcessingOutputNumber,
    QgsProcessingParameterDefinition,
    QgsRectangle,
)
from qgis.PyQt.QtCore import QVariant

from .bridge import definitions, layers, parameters, pointsink
from .bridge.base import LulcAlgorithm, Parameters
from .bridge.feedback import FeedbackProgress
from .bridge.helptext import HelpText
from .bridge.labelling import Pixel, entered_fields, show_for_labelling

if TYPE_CHECKING:
    from ..lulc_plugin.assess import Sample, SampleJob

#: As in the engine's `design.ALLOCATIONS`, which needs numpy and is not loaded when QGIS starts.
ALLOCATIONS = ("olofsson", "proportional", "equal", "neyman")
ALLOCATION_WORDS = {
    "olofsson": "More for rare classes (Olofsson)",
    "proportional": "In proportion to area",
    "equal": "The same for each class",
    "neyman": "Best for overall accuracy (Neyman)",
}
#: Standard errors to each side of a normal interval at 95 %.
Z_95 = 1.96
#: Fields of a point before those that are filled in.
_KNOWN = 9
_LARGEST_INT = 2**31 - 1


@dataclass(frozen=True)
class _Request:
    """What the user set, and what only QGIS knows of the map."""

    job: SampleJob
    crs: QgsCoordinateReferenceSystem
    pixel: Pixel
    downwards: bool  # QGIS counts y of a picture without georeference from 0 down to minus its height


class SamplePoints(LulcAlgorithm):
    """Adapter of `lulc_plugin.assess.sample.selection`."""

    NAME = "samplepoints"
    TITLE = "Draw a reference sample"
    GROUP = "accuracy"
    TAGS = "accuracy,assessment,validation,sample,stratified,random,points,reference,olofsson,design"
    SUMMARY = "Draws a stratified random sample of a class map, ready to be labelled in a form."

    REQUIRES = ("numpy", "rasterio")

    MAP = "MAP"
    BAND = "BAND"
    SIZE = "SIZE"
    HALF_WIDTH = "HALF_WIDTH"
    CONFIDENCE_LEVEL = "CONFIDENCE_LEVEL"
    EXPECTED_USERS_ACCURACY = "EXPECTED_USERS_ACCURACY"
    ALLOCATION = "ALLOCATION"
    MIN_PER_CLASS = "MIN_PER_CLASS"
    MIN_DISTANCE = "MIN_DISTANCE"
    SEED = "SEED"
    OUTPUT = "OUTPUT"
    N = "N"
    EXPECTED_SE = "EXPECTED_SE"

    RESULTS = (
        (QgsProcessingOutputNumber, N, "Number of points"),
        (QgsProcessingOutputNumber, EXPECTED_SE, "Expected standard error of overall accuracy"),
    )

    def inputs(self) -> Iterable[QgsProcessingParameterDefinition]:
        return (
            definitions.raster(self.MAP, "Map to be assessed", "A raster of classes; its classes are the strata."),
            definitions.whole(
                self.SIZE,
                "Number of points (0: proposed)",
                "0: as many as Olofsson et al. 2014, eq. 13, asks for.",
                (0,),
                default=0,
                optional=False,
            ),
            definitions.choice(
                self.ALLOCATION,
                "How points are shared out to the classes",
                ALLOCATIONS,
                ALLOCATION_WORDS,
                "Olofsson: 75 points for each class below 5 % of the map, the rest in proportion to area.",
                optional=False,
            ),
            definitions.points_to_write(
                self.OUTPUT,
                "Sample points",
                "A GeoPackage keeps the form for labelling inside; other formats get a .qml beside them.",
            ),
            *definitions.advanced(*self._advanced()),
        )

    def _advanced(self) -> Iterable[QgsProcessingParameterDefinition]:
        return (
            definitions.band(
                self.BAND, "Band", self.MAP, "The band that holds the classes. Empty: the one that the layer shows."
            ),
            definitions.proposed(
                definitions.real(
                    self.HALF_WIDTH,
                    "Wanted half-width (0.03: ± 3 %)",
                    "Of the interval of overall accuracy. Looked at only when the number of points is 0.",
                    (0, 1),
                    default=0.03,
                ),
                0.05,
            ),
            definitions.real(
                self.CONFIDENCE_LEVEL,
                "Confidence level",
                "Of the interval whose half-width is wanted.",
                (0.5, 0.9999),
                default=0.95,
            ),
            definitions.text(
                self.EXPECTED_USERS_ACCURACY,
                "User's accuracy that you expect",
                "One number for all classes (0.8), one for each in the order of the class values (0.7;0.6;0.9), or"
                " class=number (1=0.7;2=0.6).",
                default="0.8",
                optional=False,
            ),
            definitions.whole(
                self.MIN_PER_CLASS,
                "Points of each rare class",
                "With the other ways of sharing out: the fewest points of any class. Empty: 75, with the others 2."
                " Olofsson et al. advise 50 to 100 for each rare class.",
                (2,),
            ),
            definitions.real(
                self.MIN_DISTANCE,
                "Least distance in metres (0: none)",
                "Between points, on the ground. The formulas of the report are then approximate.",
                (0,),
                default=0,
            ),
            definitions.whole(
                self.SEED,
                "Seed (empty: a new one)",
                "The same seed on the same map draws the same points. The log and the layer say which it was.",
                (0, _LARGEST_INT),
            ),
        )

    def parse(self, values: Parameters, context: QgsProcessingContext) -> _Request:
        from ..lulc_plugin.assess import SampleJob, expected_from_text

        layer = parameters.required_raster_layer(self, values, self.MAP, context)

        def number(name: str, default: float) -> float:
            value = parameters.number(self, values, name, context)
            return default if value is None else value

        text = parameters.text(self, values, self.EXPECTED_USERS_ACCURACY, context)
        job = SampleJob(
            map=layers.raster_input(layer, parameters.band_number(self, values, self.BAND, context, layer)),
            size=parameters.whole_number(self, values, self.SIZE, context) or 0,
            half_width=number(self.HALF_WIDTH, 0.03),
            level=number(self.CONFIDENCE_LEVEL, 0.95),
            expected_users=expected_from_text(text or "0.8"),
            allocation=self.parameterAsEnumString(values, self.ALLOCATION, context) or ALLOCATIONS[0],
            min_per_class=parameters.whole_number(self, values, self.MIN_PER_CLASS, context),
            min_distance=number(self.MIN_DISTANCE, 0),
            seed=parameters.whole_number(self, values, self.SEED, context),
        )
        # the one public way to learn which way the engine counts rows of this layer
        downwards = layers.engine_extent(QgsRectangle(0, 1, 1, 2), layer)[1] < 0
        pixel = Pixel.of(layer)
        return _Request(job, layers.crs_of(layer), pixel, downwards)

    def run_job(
        self, request: _Request, values: Parameters, context: QgsProcessingContext, progress: FeedbackProgress
    ) -> Parameters:
        from ..lulc_plugin.assess import draw

        pointsink.check_target(values.get(self.OUTPUT), (request.job.map.path,), self.OUTPUT)
        sample = draw(request.job, progress)
        self._tell(sample, progress)
        progress.check()  # not later: a layer with half of the points would look like the sample
        pointsink.set_form_aside(values.get(self.OUTPUT), progress)
        fields = _fields(sample)
        points = _features(sample, fields, request.downwards)
        destination = pointsink.write_points(self, values, self.OUTPUT, context, fields, request.crs, points)
        name = self.tr("Sample points – {layer}").format(layer=request.job.map.title)
        problem = show_for_labelling(
            context,
            destination,
            self.label(self.OUTPUT),
            name,
            sample.legend,
            request.pixel,
            hide=request.job.map.path,
        )
        if problem:
            progress.warn(problem)
        return {self.OUTPUT: destination, self.N: len(sample.x), self.EXPECTED_SE: sample.se_overall}

    def _tell(self, sample: Sample, progress: FeedbackProgress) -> None:
        """How precise the result will be, in words; then the classes, and the details."""
        low, high = sample.interval
        errors = [Z_95 * 100 * s.se_users for s in sample.strata]
        progress.headline(
            self.tr(
                "{n} points. If the map is about as accurate as expected, its overall accuracy will be known to about ±"
                " {overall:.0f} percentage points (at {level:g} %), the user's accuracy of a class to ± {best:.0f} to"
                " ± {worst:.0f} (at 95 %)."
            ).format(
                n=len(sample.x),
                overall=50 * (high - low),
                level=100 * sample.level,
                best=min(errors),
                worst=max(errors),
            )
        )
        head = (
            self.tr("class"),
            self.tr("value"),
            self.tr("pixels"),
            self.tr("hectares"),
            self.tr("share"),
            self.tr("points"),
            self.tr("expected UA"),
            self.tr("expected SE of UA"),
        )
        rows = [
            (
                s.name,
                str(s.value),
                f"{s.pixels:,}",
                "" if s.hectares is None else f"{s.hectares:,.2f}",
                f"{100 * s.share:.2f} %",
                f"{s.points:,}",
                f"{s.expected_users:g}",
                f"{s.se_users:.4f}",
            )
            for s in sample.strata
        ]
        progress.table(head, rows)
        for line in sample.notes:
            progress.log(line)
        progress.log(
            self.tr(
                "Expected standard error of overall accuracy: {se:.6f}; half-width at {level:g} %: ± {half:.4f}. Seed:"
                " {seed}."
            ).format(se=sample.se_overall, level=100 * sample.level, half=sample.half_width, seed=sample.seed)
        )
        progress.log(
            self.tr(
                "To label: select the layer, then keys 1 to 9 give the class of the selected point and go to the next"
                " open one; N goes there without an answer, U says that you are unsure."
            )
        )
        for line in sample.warnings:
            progress.warn(line)

    HELP = HelpText(
        does=(
            (
                "Draws a stratified random sample from a class map: how many, of which class, and where. Label each"
                " point by what is really there, then run Accuracy report: it knows the design."
            ),
        ),
        needs=(
            (
                "Number of points",
                "0 proposes one, and the log says in words how precise the result will be.",
            ),
            (
                "How points are shared out",
                "rare classes (below 5 % of the map) get 75 points each, so that their accuracy can be known at all.",
            ),
        ),
        returns=(
            (
                "Sample points",
                (
                    "pixel centres in random order, with a form for your label. It does not show the class of the"
                    " map, which would sway you."
                ),
            ),
            (
                "Log",
                "expected precision of every class.",
            ),
        ),
        example=(
            "The same points on every run:",
            "qgis_process run lulc:samplepoints -- MAP=landcover.tif SEED=1 OUTPUT=points.gpkg",
        ),
        limits=("Do not delete points that are hard to label: leave them empty, the report counts them.",),
    )


def _fields(sample: Sample) -> QgsFields:
    largest = max(abs(value) for value, _ in sample.legend)
    whole = QVariant.Int if largest <= _LARGEST_INT else QVariant.LongLong
    fields = QgsFields()
    for name, kind in (
        ("id", QVariant.Int),
        ("map_class", whole),
        ("map_name", QVariant.String),
        ("stratum", whole),
        ("stratum_px", QVariant.LongLong),
        ("stratum_ha", QVariant.Double),
        ("weight", QVariant.Double),
        ("weighting", QVariant.String),
        ("seed", QVariant.Int),
    ):
        fields.append(QgsField(name, kind))
    for field in entered_fields(whole):
        fields.append(field)
    return fields


def _features(sample: Sample, fields: QgsFields, downwards: bool) -> Iterator[QgsFeature]:
    names = sample.map_name
    for i in range(len(sample.x)):
        feature = QgsFeature(fields)
        y = float(sample.y[i])
        feature.setGeometry(QgsGeometry.fromPointXY(QgsPointXY(float(sample.x[i]), -y if downwards else y)))
        feature.setAttributes(
            [
                i + 1,
                int(sample.map_class[i]),
                names[i],
                int(sample.stratum[i]),
                int(sample.stratum_px[i]),
                None if sample.stratum_ha is None else float(sample.stratum_ha[i]),
                float(sample.weight[i]),
                sample.weighting,
                sample.seed,
                *[None] * (len(fields) - _KNOWN),
            ]
        )
        yield feature
