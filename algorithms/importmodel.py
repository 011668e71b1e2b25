# SPDX-License-Identifier: GPL-3.0-or-later
"""`lulc:importmodel`: adds a network of the user to the list of models."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from qgis.core import QgsProcessingContext, QgsProcessingOutputString, QgsProcessingParameterDefinition

from ..lulc_plugin.errors import LulcError
from .bridge import definitions, parameters, settings
from .bridge.base import LulcAlgorithm, Parameters
from .bridge.definitions import MODEL_FILE
from .bridge.feedback import FeedbackProgress
from .bridge.helptext import HelpText


class ImportModel(LulcAlgorithm):
    """Adapter of `lulc_plugin.model.import_model`."""

    NAME = "importmodel"
    TITLE = "Import model"
    GROUP = "models"
    TAGS = "model,network,onnx,import,add,install,own,deepness,mlm"
    SUMMARY = "Puts a network of your own into the list of models."

    REQUIRES = ("numpy", "onnxruntime")

    MODEL_NAME = "MODEL_NAME"
    MODEL_PATH = "MODEL_PATH"

    RESULTS = (
        (QgsProcessingOutputString, MODEL_NAME, "Name in the list of models"),
        (QgsProcessingOutputString, MODEL_PATH, "File in the model folder"),
    )

    def inputs(self) -> Iterable[QgsProcessingParameterDefinition]:
        hint = "Its description is taken from inside it, or from the .json of the same name beside it."
        return (definitions.network_file("Network (.onnx)", hint),)

    def parse(self, values: Parameters, context: QgsProcessingContext) -> Path:
        path = parameters.text(self, values, MODEL_FILE, context)
        if path is None:
            raise LulcError(self.tr("MODEL_FILE is not given."), self.tr("Choose an .onnx file."))
        return Path(path)

    def run_job(
        self, network: Path, values: Parameters, context: QgsProcessingContext, progress: FeedbackProgress
    ) -> Parameters:
        from ..lulc_plugin.model import import_model

        folder = settings.models_folder()
        entry = import_model(network, folder)
        name = entry.path.stem
        progress.log(
            self.tr('"{name}" is in the list of models now: {title}.').format(name=name, title=entry.spec.title)
        )
        progress.log(self.tr("It lies in {folder}.").format(folder=folder))
        return {self.MODEL_NAME: name, self.MODEL_PATH: str(entry.path)}

    HELP = HelpText(
        does=(
            (
                "Copies a network, its description and its card into your model folder. From then on it is in the"
                " list Model of Classify land cover."
            ),
        ),
        needs=(
            (
                "Network",
                (
                    "an .onnx file for semantic segmentation with a description: a .json of the same name beside it,"
                    " one inside the file, or the metadata of Deepness. Without any, run Describe model first."
                ),
            ),
            (
                "Model folder",
                "Settings, Options, Processing, Providers, Land Cover Classifier; else within your QGIS profile.",
            ),
        ),
        returns=(
            (
                "Name and file",
                "what to choose under Model, and where the copy lies.",
            ),
        ),
        example=(
            "A network with its description:",
            "qgis_process run lulc:importmodel -- MODEL_FILE=wetlands-v1.onnx",
        ),
        limits=(
            (
                "Weights never change under a name: rename other weights, for example from wetlands-v1 to"
                " wetlands-v2. To take a network out of the list, delete its files."
            ),
        ),
    )
