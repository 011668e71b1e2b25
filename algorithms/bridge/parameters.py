# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads values of parameters: without NULL, and numbers as numbers.

The functions that read a value want the parameters as `given` returns them.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping
from typing import Any

from qgis.core import (
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProperty,
    QgsRasterLayer,
)
from qgis.PyQt.QtCore import QVariant

from ...lulc_plugin.errors import LulcError
from . import layers
from .translation import tr

#: GDAL's name of one raster in a file of several.
_ONE_OF_SEVERAL = re.compile(r'\w+:(?:\w+:)*?(?:"(?P<quoted>[^"]+)":.+|(?P<bare>.+?):[^:]+)')


def given(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters without those for which QGIS has one of its ways to say "nothing": None, NULL, "", [], [NULL]."""
    return {name: value for name, value in parameters.items() if not _is_nothing(value)}


def _is_nothing(value: Any) -> bool:
    if isinstance(value, QVariant):
        return value.isNull()
    if isinstance(value, (list, tuple)):
        return all(map(_is_nothing, value))  # an empty table comes as [NULL]
    return value is None or value == ""


def text(
    algorithm: QgsProcessingAlgorithm, parameters: dict[str, Any], name: str, context: QgsProcessingContext
) -> str | None:
    """A text or path, None when it was not given."""
    if name not in parameters:
        return None
    return algorithm.parameterAsString(parameters, name, context).strip() or None


def whole_number(
    algorithm: QgsProcessingAlgorithm, parameters: dict[str, Any], name: str, context: QgsProcessingContext
) -> int | None:
    """A whole number, also when it arrives as a text; None when it was not given.

    Raises:
        LulcError: it is not a whole number. QGIS itself would silently take the default.
    """
    if name not in parameters:
        return None
    value, as_number = _as_float(algorithm, parameters, name, context)
    if not as_number.is_integer():
        raise LulcError(tr("{name} is {value!r}, which is not a whole number.").format(name=name, value=value))
    return int(as_number)


def number(
    algorithm: QgsProcessingAlgorithm, parameters: dict[str, Any], name: str, context: QgsProcessingContext
) -> float | None:
    """A number, also when it arrives as a text; None when it was not given.

    Raises:
        LulcError: it is not a number. QGIS itself would silently take the default.
    """
    if name not in parameters:
        return None
    value, as_number = _as_float(algorithm, parameters, name, context)
    if not math.isfinite(as_number):
        raise LulcError(tr("{name} is {value!r}, which is not a number.").format(name=name, value=value))
    return as_number


def _as_float(
    algorithm: QgsProcessingAlgorithm, parameters: dict[str, Any], name: str, context: QgsProcessingContext
) -> tuple[Any, float]:
    """The value as it was given (evaluated where it is an expression), and as a number: NaN where it is none."""
    value = parameters[name]
    if isinstance(value, QgsProperty):
        value = algorithm.parameterAsDouble(parameters, name, context)
    try:
        return value, float(value)
    except (TypeError, ValueError):
        return value, math.nan


def band_number(
    algorithm: QgsProcessingAlgorithm,
    parameters: dict[str, Any],
    name: str,
    context: QgsProcessingContext,
    layer: QgsRasterLayer,
) -> int:
    """A band number of `layer`; when none was given, the one that the layer shows.

    Raises:
        LulcError: the layer has no such band.
    """
    band = whole_number(algorithm, parameters, name, context)
    band = layers.shown_band(layer) if band is None else band
    if not 1 <= band <= layer.bandCount():
        raise LulcError(
            tr('{name}: band {band} does not exist, the layer "{layer}" has {count} band(s).').format(
                name=name, band=band, layer=layer.name(), count=layer.bandCount()
            )
        )
    return band


def band_numbers(
    algorithm: QgsProcessingAlgorithm,
    parameters: dict[str, Any],
    name: str,
    context: QgsProcessingContext,
    layer: QgsRasterLayer,
) -> tuple[int, ...]:
    """Band numbers of `layer` in the order they were given; empty when none were.

    Raises:
        LulcError: the layer has no such band. QGIS lets any number through and turns "3,1" into 0.
    """
    if name not in parameters:
        return ()
    numbers = tuple(algorithm.parameterAsInts(parameters, name, context))
    count = layer.bandCount()
    wrong = [number for number in numbers if not 1 <= number <= count]
    if wrong:
        raise LulcError(
            tr('{name}: band {band} does not exist, the layer "{layer}" has bands 1 to {count}.').format(
                name=name, band=wrong[0], layer=layer.name(), count=count
            ),
            tr(
                "On the command line write the numbers with semicolons and in quotes, like 'BANDS=3;2;1;4'"
                " (QGIS reads 3,2,1,4 as 0); in Python write [3, 2, 1, 4]."
            ),
        )
    return numbers


def raster_layer(
    algorithm: QgsProcessingAlgorithm, parameters: dict[str, Any], name: str, context: QgsProcessingContext
) -> QgsRasterLayer | None:
    """A raster layer, None when it was not given.

    Raises:
        LulcError: it cannot be loaded.
    """
    if name not in parameters:
        return None
    layer = algorithm.parameterAsRasterLayer(parameters, name, context)
    if layer is None or not layer.isValid():
        refuse_several_rasters(parameters[name])
        raise LulcError(algorithm.invalidRasterError(parameters, name))
    return layer


def one_of_several(value: Any, context: QgsProcessingContext) -> QgsRasterLayer | None:
    """The raster with a name such as `NETCDF:"FILE":VARIABLE` in a local file, which QGIS takes for no layer."""
    named = _ONE_OF_SEVERAL.fullmatch(value) if isinstance(value, str) else None
    if named is None or not os.path.isfile(named["quoted"] or named["bare"]):
        return None
    layer = QgsRasterLayer(value, value.rpartition(":")[2].strip("/"), "gdal")
    if not layer.isValid():
        return None
    context.temporaryLayerStore().addMapLayer(layer)  # lives as long as the run
    return layer


def is_text_table(value: Any) -> bool:
    """Whether a value is the path of a table in a text file, which the engine reads where QGIS cannot."""
    return isinstance(value, str) and value.lower().endswith((".csv", ".tsv", ".txt")) and os.path.isfile(value)


def refuse_several_rasters(value: Any) -> None:
    """Refuse a file of several rasters (netCDF, HDF5, GeoPackage, …), which QGIS cannot open as one layer.

    Raises:
        LulcError: `value`, of a raster parameter, is one; says what to give instead.
    """
    layer = value if isinstance(value, QgsRasterLayer) else None
    path = value if isinstance(value, str) else ""
    if layer is None and os.path.isfile(path):
        layer = QgsRasterLayer(path, "", "gdal")
    provider = None if layer is None or layer.isValid() else layer.dataProvider()
    # QGIS: name, description, and more, with a mark between them
    names = [entry.split("!!::!!")[0] for entry in provider.subLayers()] if provider is not None else []
    if layer is not None and names:
        from ...lulc_plugin.raster import several_rasters

        raise several_rasters(layer.source(), names)


def required_raster_layer(
    algorithm: QgsProcessingAlgorithm, parameters: dict[str, Any], name: str, context: QgsProcessingContext
) -> QgsRasterLayer:
    """A raster layer.

    Raises:
        LulcError: it was not given (inside a model QGIS does not check that) or cannot be loaded.
    """
    layer = raster_layer(algorithm, parameters, name, context)
    if layer is None:
        raise LulcError(tr("{name} is not given.").format(name=name), tr("Choose a raster layer."))
    return layer


def extent(
    algorithm: QgsProcessingAlgorithm,
    parameters: dict[str, Any],
    name: str,
    context: QgsProcessingContext,
    layer: QgsRasterLayer,
) -> layers.Extent | None:
    """An extent as the engine counts, in the layer's CRS whatever it was given in; None when it was not given."""
    if name not in parameters:
        return None
    rectangle = algorithm.parameterAsExtent(parameters, name, context, layer.crs())
    return None if rectangle.isNull() else layers.engine_extent(rectangle, layer)
