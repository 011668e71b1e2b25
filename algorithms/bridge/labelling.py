# SPDX-License-Identifier: GPL-3.0-or-later
"""A point layer whose field `ref_class` is labelled in a form, from a list of the map's classes."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qgis.core import (
    Qgis,
    QgsAttributeEditorField,
    QgsAttributeTableConfig,
    QgsDefaultValue,
    QgsEditFormConfig,
    QgsEditorWidgetSetup,
    QgsField,
    QgsGeometryGeneratorSymbolLayer,
    QgsLineSymbol,
    QgsMapLayer,
    QgsMarkerSymbol,
    QgsProcessingContext,
    QgsProcessingUtils,
    QgsProperty,
    QgsRasterLayer,
    QgsRuleBasedRenderer,
    QgsSymbol,
    QgsSymbolLayer,
    QgsUnitTypes,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QVariant

from .features import REF_CLASS
from .loadedlayers import appear_as, switch_off
from .translation import tr

#: Fields that the analyst fills in; the first is the label.
CONFIDENCE = "confidence"
ENTERED = (REF_CLASS, CONFIDENCE, "comment")
#: Fields that are filled in when a point is labelled → how.
FILLED = {
    "interpreter": "coalesce(nullif(@user_full_name, ''), @user_account_name)",
    "label_date": "format_date(now(), 'yyyy-MM-dd HH:mm')",
}
#: Millimetres on the screen from which on a pixel is seen without a circle around it.
_CLOSE_MM = 4
#: Property of a layer that is labelled: its class values as JSON, in the order of the keys 1 to 9.
LABELLED = "landcover_classifier/labelled"
#: (class value as the field holds it, name) of each class that can be chosen.
Choices = Sequence[tuple["int | str", str]]


def entered_fields(kind: Any) -> list[QgsField]:
    """The fields for labels, `ref_class` of the given type first."""
    others = (CONFIDENCE, "comment", *FILLED)
    return [QgsField(REF_CLASS, kind), *(QgsField(name, QVariant.String) for name in others)]


@dataclass(frozen=True)
class Pixel:
    """Size of the map's pixels in its units, by which that of a point is outlined, and their width in metres."""

    width: float
    height: float
    metres: float

    @staticmethod
    def of(layer: QgsRasterLayer) -> Pixel:
        """A pixel of `layer`."""
        width, height = layer.rasterUnitsPerPixelX(), layer.rasterUnitsPerPixelY()
        units = layer.crs().mapUnits() if layer.crs().isValid() else QgsUnitTypes.DistanceUnit.DistanceMeters
        factor = QgsUnitTypes.fromUnitToUnitFactor(units, QgsUnitTypes.DistanceUnit.DistanceMeters)
        return Pixel(width, height, width * factor)


def set_form(layer: QgsVectorLayer, choices: Choices, pixel: Pixel | None = None) -> None:
    """Let `ref_class` be chosen from a list, blindly: who sees the map's class tends to agree with it.

    Form, attribute table, Identify and map tips show the point's number and what the analyst enters, and nothing of the
    map. Who labelled a point, and when, is filled in. Open and done points look different, and the outline of the pixel
    is that of the ground that is to be judged.
    """
    fields = layer.fields()
    form = layer.editFormConfig()
    form.clearTabs()
    form.setLayout(QgsEditFormConfig.EditorLayout.TabLayout)
    for index, field in enumerate(fields):
        form.setReadOnly(index, field.name() not in ENTERED)
        if field.name() in ("id", *ENTERED):
            form.addTab(QgsAttributeEditorField(field.name(), index, form.invisibleRootContainer()))
        elif field.name() not in FILLED:
            layer.setEditorWidgetSetup(index, QgsEditorWidgetSetup("Hidden", {}))
    layer.setEditFormConfig(form)
    _set_widgets(layer, choices)
    layer.setDisplayExpression('"id"')
    layer.setMapTipTemplate("")
    table = QgsAttributeTableConfig()
    table.update(fields)
    for index, field in enumerate(fields):
        table.setColumnHidden(index, field.name() not in ("id", *ENTERED, *FILLED))
    layer.setAttributeTableConfig(table)
    layer.setCustomProperty(LABELLED, json.dumps([value for value, _ in choices]))
    layer.setRenderer(_renderer(pixel))


def _set_widgets(layer: QgsVectorLayer, choices: Choices) -> None:
    fields = layer.fields()
    titles = {
        REF_CLASS: tr("Reference class"),
        CONFIDENCE: tr("Confidence"),
        "comment": tr("Comment"),
        "interpreter": tr("Interpreter"),
        "label_date": tr("Labelled on"),
    }
    for name, title in titles.items():
        if fields.indexOf(name) >= 0:
            layer.setFieldAlias(fields.indexOf(name), title)
    layer.setEditorWidgetSetup(fields.indexOf(REF_CLASS), QgsEditorWidgetSetup("ValueMap", {"map": _choices(choices)}))
    if fields.indexOf(CONFIDENCE) >= 0:
        sure = [{tr("sure"): "sure"}, {tr("unsure"): "unsure"}]
        layer.setEditorWidgetSetup(fields.indexOf(CONFIDENCE), QgsEditorWidgetSetup("ValueMap", {"map": sure}))
    for name, expression in FILLED.items():
        if fields.indexOf(name) >= 0:
            entered = f'if("{REF_CLASS}" is null, null, {expression})'
            layer.setDefaultValueDefinition(fields.indexOf(name), QgsDefaultValue(entered, True))


def _renderer(pixel: Pixel | None) -> QgsRuleBasedRenderer:
    """Open points are magenta, done ones green; each with the outline of its pixel."""
    root = QgsRuleBasedRenderer.Rule(None)
    for title, condition, colour in (
        (tr("open"), f'"{REF_CLASS}" is null', "255,0,255,255"),
        (tr("done"), f'"{REF_CLASS}" is not null', "60,170,70,255"),
    ):
        symbol = QgsMarkerSymbol.createSimple(
            {"name": "circle", "size": "3", "color": "0,0,0,0", "outline_color": colour, "outline_width": "0.5"}
        )
        if pixel is not None:
            # a line: what is selected would be filled, and hide the ground
            shape = QgsGeometryGeneratorSymbolLayer.create({"geometryModifier": _outline(pixel)})
            shape.setSymbolType(Qgis.SymbolType.Line if hasattr(Qgis, "SymbolType") else QgsSymbol.SymbolType.Line)
            shape.setSubSymbol(QgsLineSymbol.createSimple({"line_color": colour, "line_width": "0.5"}))
            symbol.appendSymbolLayer(shape)
            # the circle is for finding a point; close by only the outline is left
            enabled = getattr(QgsSymbolLayer, "PropertyLayerEnabled", None)  # another name in newer QGIS
            enabled = getattr(getattr(QgsSymbolLayer, "Property", None), "LayerEnabled", enabled)
            far = QgsProperty.fromExpression(f"@map_scale > {pixel.metres * 1000 / _CLOSE_MM:.0f}")
            symbol.symbolLayer(0).setDataDefinedProperty(enabled, far)
        rule = QgsRuleBasedRenderer.Rule(symbol, 0, 0, condition, title)
        root.appendChild(rule)
    return QgsRuleBasedRenderer(root)


def _outline(pixel: Pixel) -> str:
    x, y = repr(pixel.width / 2), repr(pixel.height / 2)
    corners = ((f"-{x}", f"-{y}"), (x, f"-{y}"), (x, y), (f"-{x}", y), (f"-{x}", f"-{y}"))
    points = ", ".join(f"make_point($x + {dx}, $y + {dy})" for dx, dy in corners)
    return f"make_line({points})"


def _choices(choices: Choices) -> list[dict[str, str]]:
    """What the widget ValueMap wants; equal names get their value."""
    often = Counter(name for _, name in choices)
    return [{name if often[name] == 1 else f"{name} ({value})": str(value)} for value, name in choices]


def show_for_labelling(
    context: QgsProcessingContext,
    destination: str,
    label: str,
    name: str,
    choices: Choices,
    pixel: Pixel | None = None,
    hide: str = "",
) -> str:
    """Give the layer at `destination` its form, now and whenever the file is opened again.

    Args:
        context: of the run.
        destination: of the points.
        label: of their parameter.
        name: for the layer.
        choices: the classes.
        pixel: of the map.
        hide: file of the map, which is switched off in the project: it would say what the analyst is to find out.

    Returns:
        What went wrong with keeping the form in the file, empty if nothing; the points themselves are fine then.
    """

    def style(layer: QgsMapLayer) -> None:
        set_form(layer, choices, pixel)
        if hide:
            switch_off(hide, layer.project())

    appear_as(context, destination, label, name, style)
    layer = QgsProcessingUtils.mapLayerFromString(destination, context)
    if not isinstance(layer, QgsVectorLayer):
        return tr("The form could not be set: {layer} cannot be opened.").format(layer=destination)
    set_form(layer, choices, pixel)
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
