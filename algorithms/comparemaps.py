# SPDX-License-Identifier: GPL-3.0-or-later
"""`lulc:comparemaps`: tests with one reference whether one of two classified layers is more accurate."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from qgis.core import QgsProcessingContext, QgsProcessingOutputNumber, QgsProcessingParameterDefinition

from ..lulc_plugin.environment import packages
from .bridge import definitions, layers, parameters, referencehelp, references, referencevalues
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
    GUIDE = "accuracy"

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
            *references.map_parameters(self.MAP_A, self.BAND_A, "Classified map A", "Band of map A"),
            *references.map_parameters(self.MAP_B, self.BAND_B, "Classified map B", "Band of map B"),
            *references.reference_parameters(two_maps=True),
            *definitions.advanced(*references.advanced_parameters(two_maps=True)),
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
                "Judges two maps of the same place by one reference: how much better one is, and whether that could"
                " be chance. Both maps are looked at in the same places, so the differences are paired: they are"
                " far more certain than two separate reports suggest."
            ),
        ),
        needs=(
            (
                "Map A and map B",
                (
                    "two rasters whose values are classes; they may have other grids. The pixels of map A are the ones"
                    " that are compared. Classes of map B that have the names of map A are the same whatever their"
                    " values; for another legend fill in the class table of map B."
                ),
            ),
            *referencehelp.NEEDS,
            (
                "When the points were drawn within the classes of map A, these are not the strata of map B: points"
                " of Draw a reference sample contain their strata; for others name the field or the raster."
            ),
        ),
        returns=(
            *referencehelp.RETURNS,
            (
                "What the report says",
                (
                    "both confusion matrices; the differences A minus B of overall accuracy, Kappa, and user's and"
                    " producer's accuracy of every class with paired intervals; and McNemar's test for samples"
                    " drawn at random (exact below 25 units in which the maps differ). Stratified samples get the"
                    " weighted paired difference instead."
                ),
            ),
            (
                "Numbers",
                (
                    "both overall accuracies and Kappas, the difference, its p-value (empty where the reference"
                    " allows none), and the number of pixels or points compared."
                ),
            ),
        ),
        example=(
            "Last year's method against this year's, on points drawn at random over the area:",
            "qgis_process run lulc:comparemaps -- MAP_A=new.tif MAP_B=old.tif REFERENCE_FEATURES=points.gpkg"
            " FIELD=class DESIGN=simple OUTPUT_HTML=comparison.html",
        ),
        limits=(
            (
                "The two Kappas are not compared by the usual z-test: it takes the maps for judged on different"
                " samples, and theirs is the same one (Foody 2004)."
            ),
            *referencehelp.LIMITS,
        ),
    )
