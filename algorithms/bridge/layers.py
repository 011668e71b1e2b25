# SPDX-License-Identifier: GPL-3.0-or-later
"""QGIS layers on their way into the engine, and its maps on their way into QGIS."""

from __future__ import annotations

from qgis.core import (
    QgsMapLayer,
    QgsPalettedRasterRenderer,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingLayerPostProcessorInterface,
    QgsRasterLayer,
    QgsRectangle,
)
from qgis.PyQt.QtGui import QColor

from ...lulc_plugin.errors import LulcError
from ...lulc_plugin.legend import Legend
from .translation import tr

Extent = tuple[float, float, float, float]


def path_of(layer: QgsRasterLayer) -> str:
    """What the engine opens: the file or GDAL dataset behind a layer.

    Raises:
        LulcError: the layer is not one that GDAL reads from a name alone.
    """
    if layer.providerType() != "gdal":
        raise LulcError(
            tr(
                'The layer "{layer}" comes from the provider "{provider}"; only rasters that GDAL reads can be used.'
            ).format(layer=layer.name(), provider=layer.providerType()),
            tr("Save it as a GeoTIFF first (right-click on the layer, Export, Save As, Raw data) and use that file."),
        )
    path, *extras = layer.source().split("|")
    if extras:
        raise LulcError(
            tr('The layer "{layer}" is opened with extra options ({options}), which would get lost.').format(
                layer=layer.name(), options=", ".join(extra.split("=")[0] for extra in extras)
            ),
            tr("Save it as a GeoTIFF first (right-click on the layer, Export, Save As, Raw data) and use that file."),
        )
    return path


def engine_extent(rectangle: QgsRectangle, layer: QgsRasterLayer) -> Extent:
    """(xmin, ymin, xmax, ymax) as the engine counts; `rectangle` is in the layer's CRS.

    For a picture without georeference QGIS counts y from 0 at the top down to -height; its file counts rows downwards
    from 0 to height.
    """
    if _is_plain_picture(layer):
        return rectangle.xMinimum(), -rectangle.yMaximum(), rectangle.xMaximum(), -rectangle.yMinimum()
    return rectangle.xMinimum(), rectangle.yMinimum(), rectangle.xMaximum(), rectangle.yMaximum()


def _is_plain_picture(layer: QgsRasterLayer) -> bool:
    if layer.extent() != QgsRectangle(0, -layer.height(), layer.width(), 0):
        return False
    from osgeo import gdal  # part of every QGIS

    dataset = gdal.Open(path_of(layer))
    return dataset is not None and dataset.GetGeoTransform(can_return_null=True) is None


def paletted_renderer(layer: QgsRasterLayer, legend: Legend) -> QgsPalettedRasterRenderer:
    """A renderer of `layer` that shows the legend's classes and no others."""
    classes = [QgsPalettedRasterRenderer.Class(c.value, QColor(c.colour), c.name) for c in legend.classes]
    return QgsPalettedRasterRenderer(layer.dataProvider(), 1, classes)


class _LegendStyle(QgsProcessingLayerPostProcessorInterface):
    """Styles a map once QGIS has loaded it; runs in the main thread."""

    #: QGIS keeps no reference; without one here Python forgets the object and the layer stays grey.
    alive: list[_LegendStyle] = []

    def __init__(self, legend: Legend) -> None:
        super().__init__()
        self._legend = legend
        self.alive.append(self)

    def postProcessLayer(
        self, layer: QgsMapLayer, context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> None:
        if isinstance(layer, QgsRasterLayer):
            layer.setRenderer(paletted_renderer(layer, self._legend))
            layer.triggerRepaint()


def show_as(context: QgsProcessingContext, path: str, name: str, legend: Legend) -> None:
    """If QGIS is going to load the map at `path`, let it appear under `name` with the legend's classes."""
    if not context.willLoadLayerOnCompletion(path):
        return
    details = context.layerToLoadOnCompletionDetails(path)
    details.name = name
    if hasattr(details, "forceName"):
        details.forceName = True  # else a setting of QGIS puts the file's name in its place
    details.setPostProcessor(_LegendStyle(legend))
