# SPDX-License-Identifier: GPL-3.0-or-later
"""`lulc:describemodel`: writes the description (STAC MLM) of a network that has none."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterFile,
)

from ..lulc_plugin.errors import LulcError
from .bridge import attributes, definitions, parameters
from .bridge.base import LulcAlgorithm, Parameters
from .bridge.definitions import MODEL_FILE
from .bridge.feedback import FeedbackProgress
from .bridge.helptext import HelpText

if TYPE_CHECKING:
    from ..lulc_plugin.legend import LegendClass

#: As in `lulc_plugin.model.describe.description`, which is not loaded before it is needed.
ACTIVATIONS = ("auto", "softmax", "sigmoid", "none")
ACTIVATION_WORDS = {"auto": "Automatic", "softmax": "Softmax", "sigmoid": "Sigmoid", "none": "Nothing"}
_COLOUR = re.compile(r"#?[0-9A-Fa-f]{6}")


@dataclass(frozen=True)
class _Words:
    """What the user set about a network."""

    network: Path
    bands: str
    classes: tuple[LegendClass, ...]
    scaling: str | None
    gsd: float | None
    activation: str
    smoothing: int | None


class DescribeModel(LulcAlgorithm):
    """Adapter of `lulc_plugin.model.describe.description`."""

    NAME = "describemodel"
    TITLE = "Describe model"
    GROUP = "models"
    TAGS = "model,network,onnx,describe,sidecar,metadata,mlm,stac,bands,classes,scaling,pytorch,tensorflow,keras,own"
    SUMMARY = "Writes the description of a network that has none, so that it can be used here."

    REQUIRES = ("numpy", "onnxruntime")

    BAND_NAMES = "BAND_NAMES"
    CLASS_TABLE = "CLASS_TABLE"
    CLASS_TABLE_FILE = "CLASS_TABLE_FILE"
    SCALING = "SCALING"
    GSD = "GSD"
    ACTIVATION = "ACTIVATION"
    SMOOTHING = "SMOOTHING"
    OUTPUT = "OUTPUT"

    def inputs(self) -> Iterable[QgsProcessingParameterDefinition]:
        return (
            definitions.network_file("Network (.onnx)", "A network for semantic segmentation, exported to ONNX."),
            definitions.text(
                self.BAND_NAMES,
                "Bands, in the order of its channels",
                "Common names (blue, green, red, rededge071, nir, swir16, …) or a sensor's own (sentinel-2:"
                " B02,B03,B04,B08), with commas between them.",
                optional=False,
            ),
            definitions.table(
                self.CLASS_TABLE,
                "Classes, in the output's order",
                ("Value", "Name", "Colour"),
                "A row a class: its value in the map, its name, and #RRGGBB or nothing.",
            ),
            definitions.text(
                self.SCALING,
                "Scaling of its numbers",
                "none (stored numbers), 0-1 (reflectance, or pictures divided by 255), 255, 10000, scale 3000, z-score"
                " M1,M2,…/S1,S2,… (means / standard deviations), imagenet, or a JSON list of steps.",
            ),
            definitions.real(
                self.GSD,
                "Pixel size in metres, if known",
                "That it was trained on. Images of other pixel sizes are resampled for the network. Empty: not known.",
                (0.001, 100000),
                optional=True,
            ),
            definitions.file_to_write(
                self.OUTPUT,
                "Description elsewhere",
                "JSON files (*.json)",
                "Another place for it. Usually none: it is written beside the network and found only there, as"
                " NAME.json for NAME.onnx.",
                by_default=False,
            ),
            *definitions.advanced(
                self._class_file(),
                self._activation(),
                definitions.whole(
                    self.SMOOTHING,
                    "Smoothing: radius in pixels",
                    "Along edges. What auto of Classify land cover will do with this network; compare maps before"
                    " you decide. Empty:"
                    " maps are not smoothed.",
                    (1, 64),
                ),
            ),
        )

    def _activation(self) -> QgsProcessingParameterDefinition:
        definition = definitions.choice(
            self.ACTIVATION,
            "What turns its numbers into scores",
            ACTIVATIONS,
            ACTIVATION_WORDS,
            "Nothing: they are probabilities already. Automatic: a few random windows tell.",
        )
        return definitions.below(definition, (self.OUTPUT,))

    def _class_file(self) -> QgsProcessingParameterDefinition:
        label = self.tr("Classes as a CSV file")
        files = "CSV (*.csv *.txt);;" + self.tr("All files") + " (*.*)"
        return definitions.explained(
            QgsProcessingParameterFile(self.CLASS_TABLE_FILE, label, optional=True, fileFilter=files),
            "Instead of the table: columns value, name and perhaps colour, in UTF-8.",
        )

    def parse(self, values: Parameters, context: QgsProcessingContext) -> _Words:
        path = parameters.text(self, values, MODEL_FILE, context)
        if path is None:
            raise LulcError(self.tr("MODEL_FILE is not given."), self.tr("Choose an .onnx file."))
        return _Words(
            Path(path),
            parameters.text(self, values, self.BAND_NAMES, context) or "",
            self._classes(values, context),
            parameters.text(self, values, self.SCALING, context),
            parameters.number(self, values, self.GSD, context),
            self.parameterAsEnumString(values, self.ACTIVATION, context) or ACTIVATIONS[0],
            parameters.whole_number(self, values, self.SMOOTHING, context),
        )

    def _classes(self, values: Parameters, context: QgsProcessingContext) -> tuple[LegendClass, ...]:
        from ..lulc_plugin.model import classes_of_cells, classes_of_file

        if self.CLASS_TABLE in values and self.CLASS_TABLE_FILE in values:
            raise LulcError(self.tr("Both CLASS_TABLE and CLASS_TABLE_FILE are given."), self.tr("Give one of them."))
        if self.CLASS_TABLE_FILE in values:
            return classes_of_file(Path(parameters.text(self, values, self.CLASS_TABLE_FILE, context) or ""))
        if self.CLASS_TABLE not in values:
            raise LulcError(
                self.tr("The network's classes are missing."),
                self.tr("List value and name of each in CLASS_TABLE, in the order of the output, or give a CSV file."),
            )
        cells = [attributes.plain(cell) for cell in self.parameterAsMatrix(values, self.CLASS_TABLE, context)]
        return classes_of_cells(cells, _columns(cells))

    def run_job(
        self, words: _Words, values: Parameters, context: QgsProcessingContext, progress: FeedbackProgress
    ) -> Parameters:
        from ..lulc_plugin.atomic_write import refuse_same_file
        from ..lulc_plugin.model import describe_network, suggested_name, write_description

        beside = words.network.with_name(suggested_name(words.network))
        chosen = self.parameterAsFileOutput(values, self.OUTPUT, context) if self.OUTPUT in values else ""
        if not chosen and os.path.exists(beside):
            raise LulcError(
                self.tr("{path} exists already.").format(path=beside),
                self.tr("Name it in OUTPUT if it may be replaced, or choose another place."),
            )
        output = Path(chosen) if chosen else beside
        table = parameters.text(self, values, self.CLASS_TABLE_FILE, context)
        refuse_same_file(output, (words.network, *((Path(table),) if table else ())), self.OUTPUT)
        spec = describe_network(
            words.network,
            words.bands,
            words.classes,
            words.scaling,
            words.gsd,
            words.activation,
            words.smoothing,
        )
        write_description(spec, output)
        progress.log(spec.title)
        progress.log(spec.description)
        nameless = [band.name for band in spec.bands if band.wavelength is None]
        if nameless:
            problem = self.tr("Nothing is known of the band(s) {bands}: an image must have them by exactly this name.")
            progress.warn(problem.format(bands=", ".join(nameless)))
        for note in (*spec.notes, *spec.warnings):
            progress.warn(note)
        if output.resolve() != beside.resolve():
            progress.warn(
                self.tr("The network finds its description only as {path}: copy it there.").format(path=beside)
            )
        return {self.OUTPUT: str(output)}

    HELP = HelpText(
        does=(
            (
                "A bare .onnx file does not say which bands it wants, how they are scaled, and what its classes are."
                " This tries it on random windows, adds what you know, and writes a description beside it. The"
                " network then works as Model file in Classify land cover; Import model puts it into the list."
            ),
        ),
        needs=(
            (
                "Bands",
                (
                    "all, in channel order: red,green,blue,nir. A sensor's own names need the sensor: landsat-8:"
                    " B5,B4,B3."
                ),
            ),
            (
                "Classes",
                "all, in the order of the output, also a background.",
            ),
            (
                "Scaling",
                "what was done to the pixels in training. A wrong one gives a wrong map.",
            ),
        ),
        returns=(
            (
                "Description",
                "a .json file that you may edit; choices of bands, for example, are added there.",
            ),
        ),
        example=(
            "Four bands:",
            (
                "qgis_process run lulc:describemodel -- MODEL_FILE=crops-v1.onnx BAND_NAMES=red,green,blue,nir"
                " CLASS_TABLE_FILE=classes.csv SCALING=10000 GSD=10"
            ),
        ),
        limits=("Files of PyTorch, TensorFlow, Keras or ArcGIS have to be converted first: see the guide.",),
    )


def _columns(cells: Sequence[Any]) -> int:
    """Whether the rows of a table have a colour: a script may leave the third column out."""
    coloured = len(cells) % 3 == 0 and all(_is_colour(cell) for cell in cells[2::3])
    return 3 if coloured or len(cells) % 2 else 2


def _is_colour(cell: Any) -> bool:
    text = "" if cell is None else str(cell).strip()
    # six digits are a colour only with their mark, where they could as well be a value
    return not text or bool(_COLOUR.fullmatch(text)) and (text.startswith("#") or not text.isdigit())
