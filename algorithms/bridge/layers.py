# SPDX-License-Identifier: GPL-3.0-or-later
"""Raster layers of QGIS as the engine takes them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from qgis.core import (
    QgsColorRampShader,
    QgsCoordinateReferenceSystem,
    QgsPalettedRasterRenderer,
    QgsProcessingUtils,
    QgsRasterLayer,
    QgsRasterRange,
    QgsRectangle,
    QgsSingleBandPseudoColorRenderer,
)
from qgis.PyQt.QtGui import QColor

from ...lulc_plugin.errors import LulcError
from ...lulc_plugin.raster import NodataSetting, RasterInput
from .translation import tr

if TYPE_CHECKING:  # QGIS starts with this module, and needs no legend for that
    from ...lulc_plugin.legend import Legend, LegendClass

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
    if counts_downwards(layer):
        return rectangle.xMinimum(), -rectangle.yMaximum(), rectangle.xMaximum(), -rectangle.yMinimum()
    return rectangle.xMinimum(), rectangle.yMinimum(), rectangle.xMaximum(), rectangle.yMaximum()


def counts_downwards(layer: QgsRasterLayer) -> bool:
    """Whether y in the engine is minus y in QGIS: `layer` is a picture without georeference."""
    if layer.extent() != QgsRectangle(0, -layer.height(), layer.width(), 0):
        return False
    from osgeo import gdal  # part of every QGIS

    dataset = gdal.Open(path_of(layer))
    return dataset is not None and dataset.GetGeoTransform(can_return_null=True) is None


def paletted_renderer(layer: QgsRasterLayer, legend: Legend) -> QgsPalettedRasterRenderer:
    """A renderer of `layer` that shows the legend's classes and no others."""
    classes = [QgsPalettedRasterRenderer.Class(c.value, QColor(c.colour), c.name) for c in legend.classes]
    return QgsPalettedRasterRenderer(layer.dataProvider(), 1, classes)


def raster_input(layer: QgsRasterLayer, band: int) -> RasterInput:
    """A band of `layer` as the engine knows it, with the classes that the user sees.

    Raises:
        LulcError: the layer is not one that GDAL reads from a name alone.
    """
    return RasterInput(
        path_of(layer), band, layer.name(), legend_of(layer, band), crs=_set_crs(layer), nodata=_set_nodata(layer)
    )


def image_input(layer: QgsRasterLayer, bands: tuple[int, ...] = ()) -> RasterInput:
    """An image as the engine knows it; `bands` as `RasterInput` has them.

    Raises:
        LulcError: the layer is not one that GDAL reads from a name alone.
    """
    return RasterInput(path_of(layer), name=layer.name(), bands=bands, crs=_set_crs(layer), nodata=_set_nodata(layer))


def name_of(layer: RasterInput) -> str:
    """What the user calls a layer: its name in QGIS, else that of its file."""
    return layer.name or Path(layer.path).stem


def is_temporary(path: str) -> bool:
    """Whether a file lies where QGIS removes what a run has left when it is closed."""
    folder = Path(QgsProcessingUtils.tempFolder()).resolve()
    return folder in Path(path).resolve().parents


def shown_band(layer: QgsRasterLayer) -> int:
    """The band that the layer shows; 1 where it shows several."""
    renderer = layer.renderer()  # a name of its own: QGIS deletes what nobody holds
    bands = [] if renderer is None else renderer.usesBands()
    return bands[0] if len(bands) == 1 and bands[0] > 0 else 1


def crs_of(layer: QgsRasterLayer) -> QgsCoordinateReferenceSystem:
    """The CRS that the engine uses: the one set in QGIS; that of the file where QGIS has none."""
    return layer.crs() if layer.crs().isValid() else layer.dataProvider().crs()


def _set_crs(layer: QgsRasterLayer) -> str:
    """The layer's CRS as WKT where it is not the one in the file; else empty.

    A picture without georeference has pixels, not coordinates: a CRS says nothing about it.
    """
    if crs_of(layer) == layer.dataProvider().crs() or counts_downwards(layer):
        return ""
    return layer.crs().toWkt(QgsCoordinateReferenceSystem.WktVariant.WKT_PREFERRED_GDAL)


def _set_nodata(layer: QgsRasterLayer) -> tuple[NodataSetting, ...]:
    """'Additional no data value' and the tick 'No data value' of each band; empty where the file alone counts."""
    provider = layer.dataProvider()
    bands = tuple(
        NodataSetting(
            tuple(_ends(entry) for entry in provider.userNoDataValues(band)),
            provider.useSourceNoDataValue(band) or not provider.sourceHasNoDataValue(band),
        )
        for band in range(1, layer.bandCount() + 1)
    )
    different = set(bands)
    if different == {NodataSetting()}:
        return ()
    return bands[:1] if len(different) == 1 else bands


def _ends(entry: QgsRasterRange) -> tuple[float, float]:
    """Lowest and highest value of a range, both included; an end that is not a number is open."""
    low, high, bounds = entry.min(), entry.max(), entry.bounds()
    low = -math.inf if math.isnan(low) else low
    high = math.inf if math.isnan(high) else high
    if bounds in (QgsRasterRange.BoundsType.IncludeMax, QgsRasterRange.BoundsType.Exclusive):
        low = math.nextafter(low, math.inf)
    if bounds in (QgsRasterRange.BoundsType.IncludeMin, QgsRasterRange.BoundsType.Exclusive):
        high = math.nextafter(high, -math.inf)
    return low, high


def legend_of(layer: QgsRasterLayer, band: int) -> tuple[LegendClass, ...]:
    """The classes of `band` as the layer's style shows them, by value; empty when the style shows none.

    A style is one for classes when it is paletted or has a colour ramp of exact values. Values that nobody named take
    part unless they come from the file's own palette: such a palette often has all 256 values.
    """
    from ...lulc_plugin.legend import LONGEST_NAME, LegendClass, is_text

    classes: dict[int, LegendClass] = {}
    from_file = None
    for value, label, colour in _styled_values(layer, band):
        if not value.is_integer() or not 0 <= value <= 65535 or int(value) in classes:
            continue
        number = f"{value:.0f}"
        name = label.strip()[:LONGEST_NAME].strip()
        if not name or not is_text(name):
            name = number
        if name == number:
            if from_file is None:
                from_file = bool(layer.dataProvider().colorTable(band))
            if from_file:
                continue
        classes[int(value)] = LegendClass(int(value), name, colour.name())
    return tuple(classes[value] for value in sorted(classes))


def _styled_values(layer: QgsRasterLayer, band: int) -> Iterator[tuple[float, str, QColor]]:
    renderer = layer.renderer()
    if renderer is None or band not in renderer.usesBands():
        return
    if isinstance(renderer, QgsPalettedRasterRenderer):
        for entry in renderer.classes():
            yield float(entry.value), entry.label, entry.color
    elif isinstance(renderer, QgsSingleBandPseudoColorRenderer) and renderer.shader() is not None:
        ramp = renderer.shader().rasterShaderFunction()
        if isinstance(ramp, QgsColorRampShader) and ramp.colorRampType() == QgsColorRampShader.Type.Exact:
            for item in ramp.colorRampItemList():
                yield float(item.value), item.label, item.color
