# SPDX-License-Identifier: GPL-3.0-or-later
"""`lulc:modelinformation`: writes the model card of a network as an HTML page."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from qgis.core import QgsProcessingContext, QgsProcessingParameterDefinition

from ..lulc_plugin.errors import LulcError
from .bridge import definitions, parameters, settings
from .bridge.base import LulcAlgorithm, Parameters
from .bridge.definitions import MODEL, MODEL_FILE
from .bridge.feedback import FeedbackProgress
from .bridge.helptext import HelpText


@dataclass(frozen=True)
class _ModelChoice:
    """A network by name or by file, and the folder in which names are looked up."""

    name: str
    file: str | None
    folder: Path


class ModelInformation(LulcAlgorithm):
    """Adapter of `lulc_plugin.report.card`."""

    NAME = "modelinformation"
    TITLE = "Model information"
    GROUP = "models"
    TAGS = "model,network,card,information,classes,bands,accuracy,scores,licence,license,training data,metadata"
    SUMMARY = "Shows what a network expects, what it maps, where it was trained and how good it is."

    #: A network without a description beside it is opened too; the engine then asks for onnxruntime.
    REQUIRES = ("numpy", "jinja2")

    OUTPUT_HTML = "OUTPUT_HTML"

    def inputs(self) -> Iterable[QgsProcessingParameterDefinition]:
        hint = "A bundled network, the one that Automatic tries first at the top, or one of your own."
        return (
            definitions.choice(MODEL, "Model", definitions.model_names(), definitions.model_words(), hint),
            definitions.model_file(),
            definitions.file_to_write(
                self.OUTPUT_HTML,
                "Model card",
                "HTML files (*.html)",
                "One file, without script; opens in any browser, also from the results viewer.",
                optional=False,
            ),
        )

    def parse(self, values: Parameters, context: QgsProcessingContext) -> _ModelChoice:
        file = parameters.text(self, values, MODEL_FILE, context)
        name = self.parameterAsEnumString(values, MODEL, context)
        if file is None and not name:
            raise LulcError(self.tr("Neither MODEL nor MODEL_FILE is given."), self.tr("Choose one of them."))
        return _ModelChoice(name, file, settings.models_folder())

    def run_job(
        self, choice: _ModelChoice, values: Parameters, context: QgsProcessingContext, progress: FeedbackProgress
    ) -> Parameters:
        from ..lulc_plugin.model import catalogue
        from ..lulc_plugin.report.card import write_card

        output = self.parameterAsFileOutput(values, self.OUTPUT_HTML, context)
        entry = catalogue.load(Path(choice.file)) if choice.file else catalogue.by_name(choice.name, choice.folder)
        progress.log(self.tr("Model: {name} ({title})").format(name=entry.spec.name, title=entry.spec.title))
        write_card(Path(output), entry.spec, entry.path, "" if choice.file else choice.name)
        return {self.OUTPUT_HTML: output}

    HELP = HelpText(
        does=(
            (
                "Writes the card of a network: which bands, values and pixel sizes it expects, its classes, where it"
                " was trained, its scores in places it had never seen, its known limits, its licence and whom to"
                " credit."
            ),
        ),
        needs=(
            (
                "Model",
                "a bundled network, or one of your model folder.",
            ),
            (
                "Model file",
                "any other .onnx file with a description. It goes before Model.",
            ),
        ),
        returns=(
            (
                "Model card",
                "an HTML file that holds all it needs; it can be mailed, archived and printed.",
            ),
        ),
        example=(
            "A network of your own:",
            "qgis_process run lulc:modelinformation -- MODEL_FILE=wetlands-v1.onnx OUTPUT_HTML=wetlands.html",
        ),
        limits=(
            (
                "The card repeats what the network's makers wrote; nothing was checked but that the file is the one"
                " they described, where they give its digest."
            ),
        ),
    )
