# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys by which points are labelled in the map: 1 to 9 give the class, N goes to the next open point, U is unsure.

They work while a layer of `labelling` is the active one, in the window with the map; fields for text keep their keys.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

from qgis.core import (
    QgsCoordinateTransform,
    QgsExpression,
    QgsExpressionContext,
    QgsExpressionContextUtils,
    QgsFeature,
    QgsFeatureRequest,
    QgsMapLayer,
    QgsProject,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtGui import QKeySequence
from qgis.PyQt.QtWidgets import QShortcut

from .features import REF_CLASS
from .labelling import CONFIDENCE, FILLED, LABELLED
from .translation import tr

_MOST_KEYS = 9
#: How many classes a message names.
_SHOWN_FOR = 20


class LabelKeys:
    """The keys of one window of QGIS.

    Args:
        iface: QGIS's interface.
    """

    def __init__(self, iface: Any) -> None:
        self._iface = iface
        self._told: set[str] = set()
        actions: dict[str, Callable[[], None]] = {
            str(number): partial(self.give, number) for number in range(1, _MOST_KEYS + 1)
        }
        actions.update({"N": self.go_on, "U": self.unsure})
        self._keys = [self._key(text, action) for text, action in actions.items()]
        iface.currentLayerChanged.connect(self._layer_changed)
        self._layer_changed(iface.activeLayer())

    def remove(self) -> None:
        """Take the keys away again."""
        self._iface.currentLayerChanged.disconnect(self._layer_changed)
        for key in self._keys:
            key.setEnabled(False)
            key.deleteLater()
        self._keys = []

    def give(self, number: int) -> None:
        """Label the selected point, or the next open one, with a class, and go to the next open point."""
        layer = self._layer()
        values = [] if layer is None else _values(layer)
        if layer is None or number > len(values):
            return
        point = _selected(layer) or _next_open(layer, None)
        if point is None:
            self._say_done(layer)
            return
        if self._write(layer, point, {REF_CLASS: values[number - 1], CONFIDENCE: "sure"}):
            self.go_on(point)

    def unsure(self) -> None:
        """Say that the label that was given last, or that of the selected point, is not sure."""
        layer = self._layer()
        point = None if layer is None else _selected(layer)
        if layer is not None and point is not None:
            if not _is_labelled(point):
                point = _labelled_before(layer, point)
            if point is not None:
                self._write(layer, point, {CONFIDENCE: "unsure"})

    def go_on(self, after: QgsFeature | None = None) -> None:
        """Select the next open point and show it in the middle of the map, at the scale that is set."""
        layer = self._layer()
        if layer is None:
            return
        point = _next_open(layer, after or _selected(layer))
        if point is None:
            layer.removeSelection()
            self._say_done(layer)
            return
        layer.selectByIds([point.id()])
        canvas = self._iface.mapCanvas()
        to_map = QgsCoordinateTransform(layer.crs(), canvas.mapSettings().destinationCrs(), QgsProject.instance())
        canvas.setCenter(to_map.transform(point.geometry().asPoint()))
        canvas.refresh()

    def _key(self, text: str, action: Callable[[], None]) -> QShortcut:
        key = QShortcut(QKeySequence(text), self._iface.mainWindow())
        key.setContext(Qt.ShortcutContext.WindowShortcut)
        key.setEnabled(False)
        key.activated.connect(lambda: action())
        return key

    def _layer(self) -> QgsVectorLayer | None:
        layer = self._iface.activeLayer()
        return layer if _is_to_be_labelled(layer) else None

    def _layer_changed(self, layer: QgsMapLayer | None) -> None:
        for key in self._keys:
            key.setEnabled(_is_to_be_labelled(layer))
        if layer is not None and _is_to_be_labelled(layer) and layer.id() not in self._told:
            self._told.add(layer.id())
            self._say(_what_keys_do(layer))

    def _write(self, layer: QgsVectorLayer, point: QgsFeature, values: dict[str, Any]) -> bool:
        """Change a point and save it at once: nobody then forgets to save the edits of the layer."""
        began = not layer.isEditable() and layer.startEditing()
        context = QgsExpressionContext(QgsExpressionContextUtils.globalProjectLayerScopes(layer))
        values = {**values, **{name: QgsExpression(text).evaluate(context) for name, text in FILLED.items()}}
        fields = layer.fields()
        changed = {fields.indexOf(name): value for name, value in values.items() if fields.indexOf(name) >= 0}
        if layer.changeAttributeValues(point.id(), changed) and layer.commitChanges(began):
            return True
        self._iface.messageBar().pushWarning(
            tr("Land Cover Classifier"),
            tr("The label was not saved: {reason}").format(reason="; ".join(layer.commitErrors()) or layer.name()),
        )
        return False

    def _say_done(self, layer: QgsVectorLayer) -> None:
        self._say(tr("Every point of {layer} is labelled. Next: Accuracy report.").format(layer=layer.name()))

    def _say(self, text: str) -> None:
        self._iface.messageBar().pushMessage(tr("Land Cover Classifier"), text, duration=_SHOWN_FOR)


def _is_to_be_labelled(layer: QgsMapLayer | None) -> bool:
    return isinstance(layer, QgsVectorLayer) and bool(layer.customProperty(LABELLED))


def _values(layer: QgsVectorLayer) -> list[int | str]:
    """Class values in the order of the keys; none where a project holds something else."""
    try:
        found = json.loads(str(layer.customProperty(LABELLED)))
    except ValueError:
        return []
    return [value for value in found if isinstance(value, (int, str))] if isinstance(found, list) else []


def _what_keys_do(layer: QgsVectorLayer) -> str:
    entries = layer.editorWidgetSetup(layer.fields().indexOf(REF_CLASS)).config().get("map") or []
    names = {str(value): name for entry in entries for name, value in entry.items()}
    keys = [f"{key} {names.get(str(value), value)}" for key, value in enumerate(_values(layer)[:_MOST_KEYS], 1)]
    return tr("Keys: {keys}; N next open point, U unsure.").format(keys=", ".join(keys))


def _is_labelled(point: QgsFeature) -> bool:
    value = point[REF_CLASS]
    return value is not None and not (hasattr(value, "isNull") and value.isNull())


def _selected(layer: QgsVectorLayer) -> QgsFeature | None:
    return next(iter(layer.selectedFeatures()), None)


def _in_order(layer: QgsVectorLayer) -> list[QgsFeature]:
    request = QgsFeatureRequest()
    request.addOrderBy("id")
    return list(layer.getFeatures(request))


def _next_open(layer: QgsVectorLayer, after: QgsFeature | None) -> QgsFeature | None:
    """The first point without a label behind `after`, then from the beginning."""
    points = _in_order(layer)
    place = next((i + 1 for i, point in enumerate(points) if after is not None and point.id() == after.id()), 0)
    return next((point for point in points[place:] + points[:place] if not _is_labelled(point)), None)


def _labelled_before(layer: QgsVectorLayer, point: QgsFeature) -> QgsFeature | None:
    """The labelled point that comes before `point`."""
    before = None
    for other in _in_order(layer):
        if other.id() == point.id():
            break
        before = other if _is_labelled(other) else before
    return before
