# SPDX-License-Identifier: GPL-3.0-or-later
"""An image in the colours of the eye, once QGIS has loaded it."""

from __future__ import annotations

from qgis.core import (
    QgsContrastEnhancement,
    QgsMapLayer,
    QgsMultiBandColorRenderer,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingLayerPostProcessorInterface,
    QgsRasterLayer,
    QgsRasterMinMaxOrigin,
)


class TrueColour(QgsProcessingLayerPostProcessorInterface):
    """Shows bands `red`, `green`, `blue` (from 1), stretched to what 96 % of the pixels have; for the main thread."""

    #: QGIS keeps no reference; without one here Python forgets the object and the layer stays as QGIS guesses.
    alive: list[TrueColour] = []

    def __init__(self, red: int, green: int, blue: int) -> None:
        super().__init__()
        self._bands = (red, green, blue)
        self.alive.append(self)

    def postProcessLayer(
        self, layer: QgsMapLayer, context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> None:
        if isinstance(layer, QgsRasterLayer):
            layer.setRenderer(QgsMultiBandColorRenderer(layer.dataProvider(), *self._bands))
            layer.setContrastEnhancement(
                QgsContrastEnhancement.ContrastEnhancementAlgorithm.StretchToMinimumMaximum,
                QgsRasterMinMaxOrigin.Limits.CumulativeCut,
            )
            layer.triggerRepaint()
