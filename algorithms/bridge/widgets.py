# SPDX-License-Identifier: GPL-3.0-or-later
"""Widgets of parameters where those of QGIS say too little; the dialogs find them by name, in a definition's metadata.

Only dialogs import this module. The model designer keeps QGIS's own widgets, which can also take values from other
steps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from processing.gui.wrappers import DIALOG_MODELER, dialogTypes
from qgis.core import QgsProcessingContext, QgsProcessingParameterDefinition
from qgis.gui import QgsAbstractProcessingParameterWidgetWrapper, QgsGui, QgsProcessingGui
from qgis.PyQt.QtWidgets import QComboBox, QLabel, QWidget

#: Characters of a list that are always shown; longer words need a wider dialog, or the opened list.
_SHOWN = 20


def _dialog_type(dialog: QWidget) -> QgsProcessingGui.WidgetType:
    return dialogTypes.get(type(dialog).__name__, QgsProcessingGui.WidgetType.Standard)


def _own_of_qgis(definition: QgsProcessingParameterDefinition, dialog: QWidget) -> Any:
    """The widget that QGIS itself has for a parameter."""
    registry = QgsGui.processingGuiRegistry()
    if _dialog_type(dialog) == DIALOG_MODELER:
        found = registry.createModelerParameterWidget(dialog.model, dialog.childId, definition, dialog.context)
    else:
        found = registry.createParameterWidgetWrapper(definition, _dialog_type(dialog))
    found.setDialog(dialog)
    return found


def _plain_label(definition: QgsProcessingParameterDefinition) -> QLabel:
    label = QLabel(definition.description())
    label.setToolTip(definition.toolTip())
    return label


class NeverMarked:
    """QGIS's widget with a label that does not end in "[optional]": for one of several of which one must be given."""

    def __new__(cls, definition: Any, dialog: QWidget, row: int = 0, col: int = 0) -> Any:
        wrapper = _own_of_qgis(definition, dialog)
        if _dialog_type(dialog) == QgsProcessingGui.WidgetType.Standard:
            wrapper.createWrappedLabel = lambda: _plain_label(definition)
        return wrapper


class Choice(QgsAbstractProcessingParameterWidgetWrapper):
    """A list that shows words and gives ids.

    Args:
        definition: an enumeration of static strings.
        dialog: in which it stands.
        row, col: of the table of a batch.
        words: id → what the list shows, translated.
        takes: outputs that few people want; where this list stands under "Advanced Parameters", they move below it.
            QGIS itself has all outputs in front.
    """

    def __new__(cls, definition: Any, dialog: QWidget, row: int = 0, col: int = 0, **settings: Any) -> Any:
        if _dialog_type(dialog) == DIALOG_MODELER:
            return _own_of_qgis(definition, dialog)
        return super().__new__(cls)

    def __init__(
        self,
        definition: Any,
        dialog: QWidget,
        row: int = 0,
        col: int = 0,
        words: Mapping[str, str] | None = None,
        takes: Sequence[str] = (),
    ) -> None:
        super().__init__(definition, _dialog_type(dialog))
        self._words = dict(words or {})
        self._takes = tuple(takes)
        self.setDialog(dialog)

    def createWidget(self) -> QWidget:
        found = QComboBox()
        found.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        found.setMinimumContentsLength(_SHOWN)
        definition = self.parameterDefinition()
        for identity in definition.options():
            found.addItem(self._words.get(identity, identity), identity)
        found.view().setMinimumWidth(found.view().sizeHintForColumn(0) + 24)
        found.setToolTip(definition.toolTip())
        found.currentIndexChanged.connect(lambda _: self.widgetValueHasChanged.emit(self))
        return found

    def createLabel(self) -> QLabel:
        return _plain_label(self.parameterDefinition())

    def setWidgetValue(self, value: Any, context: QgsProcessingContext) -> None:
        options = self.parameterDefinition().options()
        text = str(value)
        if text not in options and text.isdigit() and int(text) < len(options):
            text = options[int(text)]
        if text not in options:
            text = str(self.parameterDefinition().defaultValue())
        # asked for each time: QGIS owns what createWidget returns, and Python's object for it may be gone
        found = self.wrappedWidget()
        if found is not None:
            found.setCurrentIndex(max(0, found.findData(text)))

    def widgetValue(self) -> Any:
        found = self.wrappedWidget()
        return None if found is None else found.currentData()

    def postInitialize(self, wrappers: Sequence[QgsAbstractProcessingParameterWidgetWrapper]) -> None:
        super().postInitialize(wrappers)
        found = self.wrappedWidget() if self._takes and self.type() == QgsProcessingGui.WidgetType.Standard else None
        place = None if found is None else found.parentWidget()
        if place is None or place.layout() is None:
            return
        for wrapper in wrappers:
            if wrapper.parameterDefinition().name() in self._takes:
                for part in (wrapper.wrappedLabel(), wrapper.wrappedWidget()):
                    if part is not None:
                        place.layout().addWidget(part)
