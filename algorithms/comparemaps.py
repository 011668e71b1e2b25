# SPDX-License-Identifier: GPL-3.0-or-later
"""`lulc:comparemaps`: tests with one reference whether one of two classified layers is more accurate."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from qgis.core import QgsProcessingContext, QgsProcessingOutputNumber, QgsProcessingParameterDefinition

from ..lulc_plugin.environment import packages
from .bridge import layers, parameters, references, referencevalues
from .bridge.base import LulcAlgorithm, Parameters
from .bridge.feedback import FeedbackProgress
from .bridge.helptext import HelpText

if TYPE_CHECKING:
    from ..lulc_plugin.assess import Comparison


class CompareMaps(LulcAlgorithm):
    """Adapter of `compare_and_report` in `lulc_plugin.report.accuracy.files`."""

    NAME = "comparemaps"
    TITLE = "Compare two maps"
    GROUP = "accuracy"
    TAGS = (
        "accuracy,compare,comparison,two maps,McNemar,paired,significance,kappa,overall accuracy,classifier,"
        "reference,land cover"
    )
    SUMMARY = "Says whether one of two maps agrees better with the same reference, with paired intervals."

    REQUIRES = tuple(packages.FOR_ACCURACY)

    MAP_A = "MAP_A"
    BAND_A = "BAND_A"
    MAP_B = "MAP_B"
    BAND_B = "BAND_B"
    OVERALL_ACCURACY_A = "OVERALL_ACCURACY_A"
    OVERALL_ACCURACY_B = "OVERALL_ACCURACY_B"
    DIFFERENCE = "DIFFERENCE"
    P_VALUE = "P_VALUE"
    KAPPA_A = "KAPPA_A"
    KAPPA_B = "KAPPA_B"
    N = "N"

    RESULTS = (
        (QgsProcessingOutputNumber, OVERALL_ACCURACY_A, "Overall accuracy of map A (share)"),
        (QgsProcessingOutputNumber, OVERALL_ACCURACY_B, "Overall accuracy of map B (share)"),
        (QgsProcessingOutputNumber, DIFFERENCE, "Overall accuracy of A minus that of B"),
        (QgsProcessingOutputNumber, P_VALUE, "p of that difference (McNemar, or paired)"),
        (QgsProcessingOutputNumber, KAPPA_A, "Kappa of map A"),
        (QgsProcessingOutputNumber, KAPPA_B, "Kappa of map B"),
        (QgsProcessingOutputNumber, N, "Pixels or points compared"),
    )

    def inputs(self) -> Iterable[QgsProcessingParameterDefinition]:
        return (
            references.map_parameter(self.MAP_A, "Classified map A"),
            references.map_parameter(self.MAP_B, "Classified map B"),
            *references.reference_parameters(),
            *references.advanced_parameters(
                two_maps=True,
                bands=(
                    (self.BAND_A, "Band of map A", self.MAP_A),
                    (self.BAND_B, "Band of map B", self.MAP_B),
                ),
            ),
            *references.report_parameters("Comparison report"),
        )

    def parse(self, values: Parameters, context: QgsProcessingContext) -> referencevalues.Request:
        first = parameters.required_raster_layer(self, values, self.MAP_A, context)
        second = parameters.required_raster_layer(self, values, self.MAP_B, context)
        maps = (
            layers.raster_input(first, parameters.band_number(self, values, self.BAND_A, context, first)),
            layers.raster_input(second, parameters.band_number(self, values, self.BAND_B, context, second)),
        )
        return referencevalues.Request(maps, referencevalues.parse_reference(self, values, context, first))

    def run_job(
        self,
        request: referencevalues.Request,
        values: Parameters,
        context: QgsProcessingContext,
        progress: FeedbackProgress,
    ) -> Parameters:
        from ..lulc_plugin.report.accuracy import compare_and_report

        files = referencevalues.outputs(self, values, context)
        job = referencevalues.assess_job(self, values, context, request, files, progress)
        return {**self._numbers(compare_and_report(job, progress)), **referencevalues.output_values(files)}

    def _numbers(self, result: Comparison) -> Parameters:
        test = result.mcnemar
        p = result.overall.p
        if test is not None:
            p = test.p_exact if test.reported == "exact" else test.p
        return {
            self.OVERALL_ACCURACY_A: result.a.overall.value,
            self.OVERALL_ACCURACY_B: result.b.overall.value,
            self.DIFFERENCE: result.overall.difference,
            self.P_VALUE: p,
            self.KAPPA_A: result.a.kappa.value,
            self.KAPPA_B: result.b.kappa.value,
            self.N: result.context.compared,
        }

    HELP = HelpText(
        does=(
            (
                "Judges two maps by one reference: which is better, and whether that could be chance. Differences are"
                " paired, far more certain than two separate reports."
            ),
        ),
        needs=(
            (
                "Maps",
                "two rasters of classes; the pixels of map A count.",
            ),
            *references.HELP_NEEDS,
        ),
        returns=(
            (
                "Report",
                "the differences A minus B with paired intervals, and McNemar's test for samples drawn at random.",
            ),
        ),
        example=(
            "Points at random:",
            (
                "qgis_process run lulc:comparemaps -- MAP_A=new.tif MAP_B=old.tif REFERENCE_FEATURES=points.gpkg"
                " FIELD=class DESIGN=simple OUTPUT_HTML=comparison.html"
            ),
        ),
        limits=("The two Kappas are not compared by the usual z-test, which is for different samples (Foody 2004).",),
    )
