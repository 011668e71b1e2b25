# SPDX-License-Identifier: GPL-3.0-or-later
"""Definitions of parameters: a label, a hint (the tooltip in the dialog) and limits; English, translated here.

An algorithm lists them in `inputs`; QGIS asks for that list whenever a dialog opens.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from qgis.core import (
    Qgis,
    QgsProcessing,
    QgsProcessingParameterBand,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterEnum,
    QgsProcessingParameterExtent,
    QgsProcessingParameterFeatureSink,
    QgsProcessingParameterFile,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterMatrix,
    QgsProcessingParameterNumber,
    QgsProcessingParameterRasterDestination,
    QgsProcessingParameterRasterLayer,
    QgsProcessingParameterString,
    QgsProject,
)
from qgis.PyQt.QtCore import QStandardPaths

from ...lulc_plugin.classify import AUTO
from ...lulc_plugin.errors import NotInstalled
from ...lulc_plugin.model import ranking
from . import settings
from .translation import tr

MODEL = "MODEL"
MODEL_FILE = "MODEL_FILE"
#: What dialogs show for the choices of several algorithms.
VALUES_WORDS = {AUTO: "Automatic", "reflectance": "Surface reflectance", "picture": "Picture or raw counts"}
RESAMPLE_WORDS = {AUTO: "Automatic: resampled", "never": "Taken as they are"}
NODATA_WORDS = {"any": "Any band has none", "all": "All bands have none"}
DEVICE_WORDS = {AUTO: "Automatic", "cpu": "Processor", "cuda": "Graphics card (CUDA)", "openvino": "OpenVINO"}


def below(parameter: QgsProcessingParameterDefinition, outputs: Sequence[str]) -> QgsProcessingParameterDefinition:
    """The same choice, an advanced one; in dialogs these outputs stand below it, and not in front."""
    metadata = parameter.metadata()
    metadata["widget_wrapper"] = {**metadata["widget_wrapper"], "takes": list(outputs)}
    parameter.setMetadata(metadata)
    return parameter


def advanced(*parameters: QgsProcessingParameterDefinition) -> tuple[QgsProcessingParameterDefinition, ...]:
    """The same parameters, shown under "Advanced Parameters"."""
    flags = getattr(Qgis, "ProcessingParameterFlag", None)  # where QGIS keeps them since 3.36
    flag = QgsProcessingParameterDefinition.Flag.FlagAdvanced if flags is None else flags.Advanced
    for parameter in parameters:
        parameter.setFlags(parameter.flags() | flag)
    return parameters


def explained(parameter: QgsProcessingParameterDefinition, hint: str) -> QgsProcessingParameterDefinition:
    """The same parameter with a hint in English."""
    parameter.setHelp(tr(hint))
    return parameter


# ---- kinds of parameters


def raster(name: str, label: str, hint: str, optional: bool = False) -> QgsProcessingParameterDefinition:
    """A raster layer."""
    return explained(QgsProcessingParameterRasterLayer(name, tr(label), None, optional), hint)


def band(name: str, label: str, layer: str, hint: str) -> QgsProcessingParameterDefinition:
    """A band of the parameter `layer`; not set: the one that the layer shows, see `parameters.band_number`."""
    return explained(QgsProcessingParameterBand(name, tr(label), None, layer, True), hint)


def choice(
    name: str, label: str, options: Sequence[str], words: Mapping[str, str], hint: str, optional: bool = True
) -> QgsProcessingParameterDefinition:
    """One of `options`, by its name; the first one by default. `words` say in dialogs what the names mean."""
    names = list(options)
    first = names[0] if names else None
    definition = QgsProcessingParameterEnum(name, tr(label), names, False, first, optional, True)
    definition.setMetadata(_widget("Choice", words={name: tr(words.get(name, name)) for name in names}))
    return explained(definition, hint)


def not_marked(parameter: QgsProcessingParameterDefinition) -> QgsProcessingParameterDefinition:
    """The same parameter, optional but not called so in dialogs: it has a default, or it or another has to be given."""
    parameter.setMetadata(_widget("NeverMarked"))
    return parameter


def _widget(name: str, **settings: Any) -> dict[str, Any]:
    """The metadata by which dialogs find a class of `widgets`, which is not imported before."""
    return {"widget_wrapper": {"class": f"{__package__}.widgets.{name}", **settings}}


def text(name: str, label: str, hint: str, default: str | None = None, optional: bool = True) -> Any:
    """One line of text."""
    definition = explained(QgsProcessingParameterString(name, tr(label), default, False, optional), hint)
    return definition if default is None else not_marked(definition)


def whole(
    name: str, label: str, hint: str, limits: Sequence[float], default: int | None = None, optional: bool = True
) -> QgsProcessingParameterDefinition:
    """A whole number within `limits`, the lowest and perhaps the highest."""
    kind = QgsProcessingParameterNumber.Type.Integer
    definition = explained(QgsProcessingParameterNumber(name, tr(label), kind, default, optional, *limits), hint)
    return definition if default is None else not_marked(definition)


def real(
    name: str, label: str, hint: str, limits: Sequence[float], default: float | None = None, optional: bool = False
) -> QgsProcessingParameterDefinition:
    """A number within `limits`, the lowest and perhaps the highest."""
    kind = QgsProcessingParameterNumber.Type.Double
    definition = explained(QgsProcessingParameterNumber(name, tr(label), kind, default, optional, *limits), hint)
    return definition if default is None else not_marked(definition)


def table(name: str, label: str, columns: Iterable[str], hint: str) -> QgsProcessingParameterDefinition:
    """Rows with these columns; may be left empty."""
    return explained(QgsProcessingParameterMatrix(name, tr(label), 0, False, [*map(tr, columns)], None, True), hint)


def file_to_write(
    name: str, label: str, kind: str, hint: str, optional: bool = True, by_default: bool = True
) -> QgsProcessingParameterDefinition:
    """A file to write; `kind` is a filter such as `HTML files (*.html)`, and `by_default` whether the box is ticked."""
    words, _, pattern = kind.partition(" (")
    definition = QgsProcessingParameterFileDestination(
        name, tr(label), f"{tr(words)} ({pattern}", None, optional, by_default
    )
    return explained(definition, hint)


def map_to_write(name: str, label: str, hint: str) -> QgsProcessingParameterDefinition:
    """A GeoTIFF to write."""
    return explained(QgsProcessingParameterRasterDestination(name, tr(label)), hint)


def points_to_write(name: str, label: str, hint: str) -> QgsProcessingParameterDefinition:
    """A layer of points to write; dialogs propose a file, because labels in a temporary layer are soon lost."""
    definition = QgsProcessingParameterFeatureSink(name, tr(label), QgsProcessing.SourceType.TypeVectorPoint)
    return proposed(explained(definition, hint), _new_file(tr(label)))


def proposed(parameter: QgsProcessingParameterDefinition, value: Any) -> QgsProcessingParameterDefinition:
    """The same parameter, which dialogs begin with this value; scripts keep its default."""
    parameter.setGuiDefaultValueOverride(value)
    return parameter


def _new_file(title: str) -> str:
    """A GeoPackage that is not there yet, beside the project, else in the folder for documents."""
    home = QgsProject.instance().homePath()
    folder = Path(home or QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation))
    stem = title.lower().replace(" ", "-")
    names = (f"{stem}.gpkg", *(f"{stem}-{number}.gpkg" for number in range(2, 1000)))
    return str(next((folder / name for name in names if not os.path.lexists(folder / name)), folder / names[0]))


# ---- parameters that several algorithms have


def model() -> QgsProcessingParameterDefinition:
    """MODEL: `auto`, a bundled network, or one of the user's own, by name."""
    return choice(
        MODEL,
        "Model",
        [AUTO, *model_names()],
        {AUTO: "Automatic", **model_words()},
        "Automatic: the best bundled network that fits the layer's bands and pixel size, or else one of your own; the"
        " log says which and why. Networks of your own get into this list by Import model.",
        optional=False,
    )


def model_file() -> QgsProcessingParameterDefinition:
    """MODEL_FILE: a network of the user's own, instead of MODEL."""
    return network_file(
        "Model file (instead of Model)",
        "An .onnx file with its description inside it or beside it (.json). When it is given, Model is not looked at.",
        optional=True,
    )


def network_file(label: str, hint: str, optional: bool = False) -> QgsProcessingParameterDefinition:
    """MODEL_FILE: any file may be chosen, so that the engine can say what to do with one of another format."""
    filters = tr("ONNX networks") + " (*.onnx);;" + tr("All files") + " (*.*)"
    return explained(QgsProcessingParameterFile(MODEL_FILE, tr(label), optional=optional, fileFilter=filters), hint)


def bands(name: str, layer: str) -> QgsProcessingParameterDefinition:
    """Bands of the parameter `layer` in the order of the model's."""
    label = tr("Bands (empty: by name)")
    return explained(
        QgsProcessingParameterBand(name, label, None, layer, True, True),
        "Press …, tick the bands, and drag them into the model's order, from top to bottom. On the command line:"
        " 'BANDS=3;2;1;4'. A model that works without some of its bands takes as many as a choice on its card.",
    )


def extent(name: str, hint: str) -> QgsProcessingParameterDefinition:
    """A part of the layer; may be left empty."""
    return explained(QgsProcessingParameterExtent(name, tr("Extent (empty: all of it)"), None, True), hint)


def model_words() -> Mapping[str, str]:
    """Name of each bundled network → what it is, in a few words."""
    try:
        return ranking.bundled_titles()
    except NotInstalled:
        return {}


def model_names() -> tuple[str, ...]:
    """Names of the bundled networks, the one to begin with first, then of the user's own.

    Read anew each time an algorithm's dialog opens.
    """
    try:
        ours = ranking.bundled_names()
    except NotInstalled:
        ours = ()  # the installation is incomplete; running says so
    return tuple(dict.fromkeys((*ours, *settings.user_models())))
