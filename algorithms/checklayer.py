# SPDX-License-Identifier: GPL-3.0-or-later
"""`lulc:checklayer`: checks an image before it is classified, and says which networks fit it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingOutputNumber,
    QgsProcessingOutputString,
    QgsProcessingParameterDefinition,
)

from ..lulc_plugin.classify import AUTO, NODATA_POLICIES, RESAMPLE, VALUES, ClassifyJob
from ..lulc_plugin.options import QGIS
from .bridge import definitions, layers, parameters, settings
from .bridge.base import LulcAlgorithm, Parameters
from .bridge.definitions import MODEL, MODEL_FILE
from .bridge.feedback import FeedbackProgress
from .bridge.helptext import HelpText


class CheckLayer(LulcAlgorithm):
    """Adapter of `lulc_plugin.classify.layer_check`."""

    NAME = "checklayer"
    TITLE = "Check layer"
    GROUP = "classification"
    TAGS = "check,layer,bands,order,range,reflectance,offset,nodata,pixel size,resolution,model,fits,diagnose"
    SUMMARY = "Looks at an image before a map is made of it: what speaks against it, and which network fits."

    INPUT = "INPUT"
    BANDS = "BANDS"
    EXTENT = "EXTENT"
    VALUES = "VALUES"
    RESAMPLE = "RESAMPLE"
    NODATA_POLICY = "NODATA_POLICY"
    STATISTICS_FROM = "STATISTICS_FROM"
    OUTPUT_HTML = "OUTPUT_HTML"
    OUTPUT_JSON = "OUTPUT_JSON"
    FINDINGS = "FINDINGS"
    ERRORS = "ERRORS"
    WARNINGS = "WARNINGS"

    RESULTS = (
        (QgsProcessingOutputString, FINDINGS, "Findings but those in order, as JSON"),
        (QgsProcessingOutputNumber, ERRORS, "Findings for which a run is refused"),
        (QgsProcessingOutputNumber, WARNINGS, "Findings that are suspicious"),
    )

    def inputs(self) -> Iterable[QgsProcessingParameterDefinition]:
        return (
            definitions.raster(self.INPUT, "Image to check", "The raster layer that is to be classified."),
            definitions.model(),
            definitions.bands(self.BANDS, self.INPUT),
            definitions.extent(
                self.EXTENT, "Also look whether this part has data; may be in another coordinate system."
            ),
            definitions.file_to_write(
                self.OUTPUT_HTML, "Report", "HTML files (*.html)", "The same lines as in the log, as a page."
            ),
            *definitions.advanced(
                definitions.model_file(),
                definitions.choice(
                    self.VALUES,
                    "Values: what the numbers are",
                    VALUES,
                    definitions.VALUES_WORDS,
                    "As in Classify land cover: Automatic decides from the layer, and the report says how.",
                ),
                definitions.choice(
                    self.RESAMPLE,
                    "Pixels of another size than the model's",
                    RESAMPLE,
                    definitions.RESAMPLE_WORDS,
                    "As in Classify land cover.",
                ),
                definitions.below(
                    definitions.choice(
                        self.NODATA_POLICY,
                        "A pixel has no data when",
                        NODATA_POLICIES,
                        definitions.NODATA_WORDS,
                        "As in Classify land cover: the report says how many pixels are empty.",
                    ),
                    (self.OUTPUT_JSON,),
                ),
                definitions.raster(
                    self.STATISTICS_FROM,
                    "Statistics from another layer",
                    "As in Classify land cover, for several tiles of one mosaic.",
                    optional=True,
                ),
            ),
            definitions.file_to_write(
                self.OUTPUT_JSON, "All findings as JSON", "JSON (*.json)", "For programs.", by_default=False
            ),
        )

    def parse(self, values: Parameters, context: QgsProcessingContext) -> ClassifyJob:
        layer = parameters.required_raster_layer(self, values, self.INPUT, context)
        statistics = parameters.raster_layer(self, values, self.STATISTICS_FROM, context)
        return ClassifyJob(
            layer=layers.image_input(layer, parameters.band_numbers(self, values, self.BANDS, context, layer)),
            model=self.parameterAsEnumString(values, MODEL, context) or AUTO,
            model_file=parameters.text(self, values, MODEL_FILE, context),
            extent=parameters.extent(self, values, self.EXTENT, context, layer),
            values=self.parameterAsEnumString(values, self.VALUES, context) or AUTO,
            resample=self.parameterAsEnumString(values, self.RESAMPLE, context) or AUTO,
            nodata_policy=self.parameterAsEnumString(values, self.NODATA_POLICY, context) or NODATA_POLICIES[0],
            statistics_from=None if statistics is None else layers.image_input(statistics),
            models_folder=str(settings.models_folder()),
        )

    def run_job(
        self, job: ClassifyJob, values: Parameters, context: QgsProcessingContext, progress: FeedbackProgress
    ) -> Parameters:
        from ..lulc_plugin.atomic_write import write_report
        from ..lulc_plugin.classify import check_layer
        from ..lulc_plugin.findings import ERROR, WARNING
        from ..lulc_plugin.raster import refuse_overwriting
        from ..lulc_plugin.report import check_page

        output, whole = (
            self.parameterAsFileOutput(values, name, context) for name in (self.OUTPUT_HTML, self.OUTPUT_JSON)
        )
        read = (job.layer.path, job.statistics_from.path if job.statistics_from else "", job.model_file or "")
        for name, file in ((self.OUTPUT_HTML, output), (self.OUTPUT_JSON, whole)):
            if file:
                refuse_overwriting((Path(file),), read, name)
        check = check_layer(job, progress)
        check_page.log_check(check, progress)
        results: Parameters = {
            self.FINDINGS: check_page.brief_json(check, QGIS),
            self.ERRORS: check.count(ERROR),
            self.WARNINGS: check.count(WARNING),
        }
        if output:
            check_page.write_check(Path(output), check, QGIS)
            results[self.OUTPUT_HTML] = output
        if whole:
            write_report(Path(whole), check_page.check_json(check, QGIS).encode("utf-8"))
            results[self.OUTPUT_JSON] = whole
        return results

    HELP = HelpText(
        does=(
            (
                "Looks at an image the way Classify land cover does before it starts, and tells everything it finds."
                " No map is made."
            ),
            (
                "Each line says PASS (in order), INFO (could not be checked), WARN (suspicious; a run goes on) or"
                " FAIL (a run is refused), with numbers and remedy. The end says which networks fit: FITS, RESAMPLED,"
                " OUTSIDE (pixels of another size), NO."
            ),
        ),
        needs=(
            (
                "Image, model, bands, …",
                "as you will give them to Classify land cover.",
            ),
        ),
        returns=(
            (
                "Report",
                "the lines as a page.",
            ),
            (
                "Findings",
                "the same for scripts; the algorithm succeeds also when a line says FAIL.",
            ),
        ),
        example=(
            "A Landsat 7 scene:",
            "qgis_process run lulc:checklayer -- INPUT=scene.tif 'BANDS=3;2;1;4'",
        ),
        limits=("It looks at numbers in squares spread over the image: clouds or a wrong date are not found.",),
    )
