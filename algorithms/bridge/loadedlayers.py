# SPDX-License-Identifier: GPL-3.0-or-later
"""Layers that QGIS loads after a run: their names, styles and metadata, and their place in front of all others.

QGIS calls what is here in the main thread, also for a batch and for the outputs of a model.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qgis.core import (
    QgsBox3d,
    QgsContrastEnhancement,
    QgsDateTimeRange,
    QgsLayerMetadata,
    QgsLayerTreeLayer,
    QgsMapLayer,
    QgsMultiBandColorRenderer,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingLayerPostProcessorInterface,
    QgsProject,
    QgsRasterLayer,
    QgsRasterMinMaxOrigin,
)
from qgis.PyQt.QtCore import QDateTime, Qt

from .layers import paletted_renderer

if TYPE_CHECKING:  # QGIS starts with this module, and needs no legend for that
    from ...lulc_plugin.legend import Legend

Style = Callable[[QgsMapLayer], None]


@dataclass(frozen=True)
class Metadata:
    """What the properties of a layer say of its origin.

    Attributes:
        abstract: a paragraph.
        keywords: words by which it is found.
        history: how it was made, a step each.
        licences: of what it was made with.
        date: of the image, as YYYY-MM-DD; empty if unknown.
    """

    abstract: str
    keywords: Sequence[str] = ()
    history: Sequence[str] = ()
    licences: Sequence[str] = ()
    date: str = ""


def appear_as(
    context: QgsProcessingContext,
    path: str,
    label: str,
    name: str,
    style: Style,
    metadata: Metadata | None = None,
) -> None:
    """If QGIS is going to load the layer at `path`, let it appear under `name`, styled, open and in front.

    Args:
        context: of the run.
        path: of the layer.
        label: of the parameter, by which QGIS would name the layer. Any other name was chosen by somebody, such as the
            author of a model, and stays.
        name: for the layer.
        style: called with the layer.
        metadata: of the layer.
    """
    if not context.willLoadLayerOnCompletion(path):
        return
    details = context.layerToLoadOnCompletionDetails(path)
    if details.name in ("", label):
        details.name = name
        if hasattr(details, "forceName"):
            details.forceName = True  # else a setting of QGIS puts the file's name in its place
    details.setPostProcessor(_Loaded(style, metadata))


def classes(legend: Legend) -> Style:
    """The style that shows the legend's classes and no others."""

    def style(layer: QgsMapLayer) -> None:
        if isinstance(layer, QgsRasterLayer):
            layer.setRenderer(paletted_renderer(layer, legend))

    return style


def true_colour(red: int, green: int, blue: int) -> Style:
    """The style that shows three bands (from 1), stretched to what 96 % of the pixels have."""

    def style(layer: QgsMapLayer) -> None:
        if isinstance(layer, QgsRasterLayer):
            layer.setRenderer(QgsMultiBandColorRenderer(layer.dataProvider(), red, green, blue))
            layer.setContrastEnhancement(
                QgsContrastEnhancement.ContrastEnhancementAlgorithm.StretchToMinimumMaximum,
                QgsRasterMinMaxOrigin.Limits.CumulativeCut,
            )

    return style


class _Loaded(QgsProcessingLayerPostProcessorInterface):
    """Does all that once QGIS has loaded the layer."""

    #: QGIS keeps no reference; without one here Python forgets the object and the layer stays as QGIS guesses.
    alive: list[_Loaded] = []

    def __init__(self, style: Style, metadata: Metadata | None) -> None:
        super().__init__()
        self._style, self._metadata = style, metadata
        self.alive.append(self)

    def postProcessLayer(
        self, layer: QgsMapLayer, context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> None:
        self._style(layer)
        if self._metadata is not None:
            layer.setMetadata(_of_layer(layer, self._metadata))
        bring_to_front(layer, context.project() or QgsProject.instance())
        layer.triggerRepaint()


def bring_to_front(layer: QgsMapLayer, project: QgsProject) -> None:
    """Let a layer be the first in the layer tree, its legend open.

    QGIS puts new layers above the one that is selected, so that a map may come to lie under its image. Where a setting
    of Processing sends results into a group of their own, it is the first there.
    """
    node = project.layerTreeRoot().findLayer(layer.id())
    if node is None:
        return
    place = node.parent() if _is_group_of_results(node) else project.layerTreeRoot()
    if place.children()[0] != node:
        moved = node.clone()
        place.insertChildNode(0, moved)  # before the other one goes: a layer without a node would be removed
        node.parent().removeChildNode(node)
        node = moved
    node.setExpanded(True)


def switch_off(path: str, project: QgsProject | None) -> None:
    """Untick the layers of a file in the layer tree."""
    if project is None:
        return
    for node in project.layerTreeRoot().findLayers():
        layer = node.layer()
        if layer is not None and layer.source() == path:
            node.setItemVisibilityChecked(False)


def _is_group_of_results(node: QgsLayerTreeLayer) -> bool:
    from processing.core.ProcessingConfig import ProcessingConfig

    group = ProcessingConfig.getSetting(ProcessingConfig.RESULTS_GROUP_NAME)
    return bool(group) and node.parent().name() == group


def _of_layer(layer: QgsMapLayer, metadata: Metadata) -> QgsLayerMetadata:
    found = layer.metadata()
    found.setType("dataset")
    found.setTitle(layer.name())
    found.setAbstract(metadata.abstract)
    found.addKeywords("land cover", list(metadata.keywords))
    for step in metadata.history:
        found.addHistoryItem(step)
    found.setLicenses(list(metadata.licences))
    found.setCrs(layer.crs())
    space = QgsLayerMetadata.SpatialExtent()
    space.extentCrs = layer.crs()
    space.bounds = QgsBox3d(layer.extent())
    extent = QgsLayerMetadata.Extent()
    extent.setSpatialExtents([space])
    day = QDateTime.fromString(metadata.date, Qt.DateFormat.ISODate)
    if day.isValid():
        extent.setTemporalExtents([QgsDateTimeRange(day, day)])
    found.setExtent(extent)
    return found
