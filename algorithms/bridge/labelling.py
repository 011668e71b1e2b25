# SPDX-License-Identifier: GPL-3.0-or-later
"""A point layer whose field `ref_class` is labelled in a form, from a list of the map's classes."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from qgis.core import (
    QgsAttributeEditorField,
    QgsEditFormConfig,
    QgsEditorWidgetSetup,
    QgsMapLayer,
    QgsMarkerSymbol,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingLayerPostProcessorInterface,
    QgsProcessingUtils,
    QgsSingleSymbolRenderer,
    QgsVectorLayer,
)

from .features import REF_CLASS
from .translation import tr

#: (class value as the field holds it, name) of each class that can be chosen.
Choices = Sequence[tuple["int | str", str]]


def set_form(layer: QgsVectorLayer, choices: Choices) -> None:
    """Let `ref_class` be chosen from a list, the other fields be read only, and pixels show through the symbols.

    The form has only the point's number and its reference class: who sees the map's class tends to agree with it.
    """
    form = layer.editFormConfig()
    form.clearTabs()
    form.setLayout(QgsEditFormConfig.EditorLayout.TabLayout)
    for index, field in enumerate(layer.fields()):
        form.setReadOnly(index, field.name() != REF_CLASS)
        if field.name() in ("id", REF_CLASS):
            form.addTab(QgsAttributeEditorField(field.name(), index, form.invisibleRootContainer()))
    layer.setEditFormConfig(form)
    index = layer.fields().indexOf(REF_CLASS)
    layer.setEditorWidgetSetup(index, QgsEditorWidgetSetup("ValueMap", {"map": _choices(choices)}))
    layer.setFieldAlias(index, tr("Reference class"))
    symbol = QgsMarkerSymbol.createSimple(
        {"name": "circle", "size": "3", "color": "0,0,0,0", "outline_color": "255,0,255,255", "outline_width": "0.5"}
    )
    layer.setRenderer(QgsSingleSymbolRenderer(symbol))


def _choices(choices: Choices) -> list[dict[str, str]]:
    """What the widget ValueMap wants; equal names get their value."""
    often = Counter(name for _, name in choices)
    return [{name if often[name] == 1 else f"{name} ({value})": str(value)} for value, name in choices]


class _Form(QgsProcessingLayerPostProcessorInterface):
    """Sets the form once QGIS has loaded the layer; runs in the main thread."""

    #: QGIS keeps no reference; without one here Python forgets the object and the form stays plain.
    alive: list[_Form] = []

    def __init__(self, choices: Choices) -> None:
        super().__init__()
        self._choices = choices
        self.alive.append(self)

    def postProcessLayer(
        self, layer: QgsMapLayer, context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> None:
        if isinstance(layer, QgsVectorLayer):
            set_form(layer, self._choices)
            layer.triggerRepaint()


def show_for_labelling(context: QgsProcessingContext, destination: str, name: str, choices: Choices) -> str:
    """Give the layer at `destination` its form, now and whenever the file is opened again.

    Returns:
        What went wrong with keeping the form in the file, empty if nothing; the points themselves are fine then.
    """
    if context.willLoadLayerOnCompletion(destination):
        details = context.layerToLoadOnCompletionDetails(destination)
        details.name = name
        if hasattr(details, "forceName"):
            details.forceName = True  # else a setting of QGIS puts the file's name in its place
        details.setPostProcessor(_Form(choices))
    layer = QgsProcessingUtils.mapLayerFromString(destination, context)
    if not isinstance(layer, QgsVectorLayer):
        return tr("The form could not be set: {layer} cannot be opened.").format(layer=destination)
    set_form(layer, choices)
    return _keep(layer) if layer.providerType() == "ogr" else ""


def _keep(layer: QgsVectorLayer) -> str:
    """Save the style where QGIS finds it when the layer is opened: inside a GeoPackage, else beside the file."""
    path = Path(layer.source().split("|")[0])
    if path.suffix.lower() == ".gpkg":
        problem = layer.saveStyleToDatabase("labelling", tr("Form for the reference class"), True, "")
        return _not_kept(problem) if problem else ""
    style = path.with_suffix(".qml")
    if os.path.lexists(style):
        # it may be that of a raster of this name, or the user's own
        return _not_kept(tr("{path} is there already, and is left as it is").format(path=style))
    message, saved = layer.saveNamedStyle(str(style))
    return "" if saved else _not_kept(message)


def _not_kept(reason: str) -> str:
    return tr("The form for labelling could not be saved with the file: {reason}").format(reason=reason)
