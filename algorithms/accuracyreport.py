# SPDX-License-Identifier: GPL-3.0-or-later
"""`lulc:accuracyreport`: the accuracy of a classified layer, measured with a reference, as a report."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingOutputNumber,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterRasterDestination,
)

from ..lulc_plugin.environment import packages
from .bridge import definitions, layers, loadedlayers, parameters, references, referencevalues
from .bridge.base import LulcAlgorithm, Parameters
from .bridge.feedback import FeedbackProgress
from .bridge.helptext import HelpText

if TYPE_CHECKING:
    from ..lulc_plugin.assess import Assessment


class AccuracyReport(LulcAlgorithm):
    """Adapter of `assess_and_report` in `lulc_plugin.report.accuracy.files`."""

    NAME = "accuracyreport"
    TITLE = "Accuracy report"
    GROUP = "accuracy"
    TAGS = (
        "accuracy,assessment,validation,confusion matrix,error matrix,kappa,overall accuracy,user's,producer's,"
        "F1,IoU,area estimation,Olofsson,ground truth,reference,land cover"
    )
    SUMMARY = "Compares a classified layer with a reference: confusion matrix, accuracies, Kappa, true areas."

    REQUIRES = tuple(packages.FOR_ACCURACY)

    MAP = "MAP"
    BAND = "BAND"
    DISAGREEMENT = "DISAGREEMENT"
    OVERALL_ACCURACY = "OVERALL_ACCURACY"
    KAPPA = "KAPPA"
    QUANTITY_DISAGREEMENT = "QUANTITY_DISAGREEMENT"
    ALLOCATION_DISAGREEMENT = "ALLOCATION_DISAGREEMENT"
    MACRO_F1 = "MACRO_F1"
    MEAN_IOU = "MEAN_IOU"
    N = "N"

    RESULTS = (
        (QgsProcessingOutputNumber, OVERALL_ACCURACY, "Overall accuracy (share)"),
        (QgsProcessingOutputNumber, KAPPA, "Kappa"),
        (QgsProcessingOutputNumber, QUANTITY_DISAGREEMENT, "Quantity disagreement (share)"),
        (QgsProcessingOutputNumber, ALLOCATION_DISAGREEMENT, "Allocation disagreement (share)"),
        (QgsProcessingOutputNumber, MACRO_F1, "Mean F1 over the classes"),
        (QgsProcessingOutputNumber, MEAN_IOU, "Mean IoU over the classes"),
        (QgsProcessingOutputNumber, N, "Pixels or points compared"),
    )

    def inputs(self) -> Iterable[QgsProcessingParameterDefinition]:
        disagreement = QgsProcessingParameterRasterDestination(
            self.DISAGREEMENT, self.tr("Map of disagreement"), None, True, False
        )
        return (
            references.map_parameter(self.MAP, "Classified map"),
            *references.reference_parameters(),
            *references.advanced_parameters(bands=((self.BAND, "Band of the map", self.MAP),)),
            *references.report_parameters("Accuracy report"),
            definitions.explained(
                disagreement, "A GeoTIFF that shows which class the map has where the reference has another."
            ),
        )

    def parse(self, values: Parameters, context: QgsProcessingContext) -> referencevalues.Request:
        layer = parameters.required_raster_layer(self, values, self.MAP, context)
        band = parameters.band_number(self, values, self.BAND, context, layer)
        reference = referencevalues.parse_reference(self, values, context, layer)
        return referencevalues.Request((layers.raster_input(layer, band),), reference)

    def run_job(
        self,
        request: referencevalues.Request,
        values: Parameters,
        context: QgsProcessingContext,
        progress: FeedbackProgress,
    ) -> Parameters:
        from ..lulc_plugin.assess import legend_of
        from ..lulc_plugin.report.accuracy import assess_and_report

        disagreement = self.parameterAsOutputLayer(values, self.DISAGREEMENT, context)
        files = referencevalues.outputs(self, values, context, disagreement)
        job = referencevalues.assess_job(self, values, context, request, files, progress)
        result = assess_and_report(job, progress)
        results = {**self._numbers(result), **referencevalues.output_values(files)}
        if disagreement:
            name = self.tr("Disagreement – {map}").format(map=request.maps[0].title)
            classes = loadedlayers.classes(legend_of(result))
            loadedlayers.appear_as(context, disagreement, self.label(self.DISAGREEMENT), name, classes)
            results[self.DISAGREEMENT] = disagreement
        return results

    def _numbers(self, result: Assessment) -> Parameters:
        point = result.estimates.point
        return {
            self.OVERALL_ACCURACY: result.estimates.overall.value,
            self.KAPPA: result.estimates.kappa.value,
            self.QUANTITY_DISAGREEMENT: point.quantity,
            self.ALLOCATION_DISAGREEMENT: point.allocation,
            self.MACRO_F1: point.macro.f1,
            self.MEAN_IOU: point.macro.iou,
            self.N: result.context.compared,
        }

    HELP = HelpText(
        does=(
            (
                "Compares a classified layer with a reference and writes the report that a reviewer asks for:"
                " confusion matrix, accuracies, Kappa, and corrected areas, with confidence intervals where the"
                " reference allows them."
            ),
        ),
        needs=(
            (
                "Classified map",
                "a raster of classes, named by its style or its file.",
            ),
            *references.HELP_NEEDS,
        ),
        returns=(
            (
                "Report",
                "one HTML file; on request CSV, JSON and a map of disagreement.",
            ),
        ),
        example=(
            "Points at random within classes:",
            (
                "qgis_process run lulc:accuracyreport -- MAP=landcover.tif REFERENCE_FEATURES=points.gpkg FIELD=class"
                " DESIGN=stratified OUTPUT_HTML=report.html"
            ),
        ),
        limits=("A report is as good as its reference.",),
    )
