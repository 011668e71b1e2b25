# SPDX-License-Identifier: GPL-3.0-or-later
"""The layer of points that an algorithm writes: checked before the work, never over what is read, written whole."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsFeature,
    QgsFeatureSink,
    QgsFields,
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingOutputLayerDefinition,
    QgsWkbTypes,
)

from ...lulc_plugin.errors import LulcError
from ...lulc_plugin.progress import Progress
from .translation import tr


def check_target(output: Any, inputs: Sequence[str], name: str) -> None:
    """Refuse a file in a folder that does not exist, or one that the run reads, before points are computed.

    Args:
        output: what was given for the parameter.
        inputs: layers and tables that are read, as files or data sources.
        name: of the parameter.

    Raises:
        LulcError: with the remedy.
    """
    from ...lulc_plugin.raster import refuse_overwriting

    target = _file(output)
    if target is None:
        return
    folder = target.parent
    if not os.path.isdir(folder):
        raise LulcError(
            tr("{name}: the folder {folder} does not exist.").format(name=name, folder=folder),
            tr("Create it, or choose another place."),
        )
    refuse_overwriting((target,), inputs, name)


def set_form_aside(output: Any, progress: Progress) -> None:
    """Keep new points from lying beside the form of older ones.

    Raises:
        LulcError: the older form cannot be moved.
    """
    from ...lulc_plugin.raster import set_style_aside

    file = _file(output)
    if file is None or file.suffix.lower() == ".gpkg":
        return
    try:
        note = set_style_aside(file)
    except OSError as error:
        raise LulcError(
            tr("{path} cannot be replaced: {reason}.").format(
                path=file.with_suffix(".qml"), reason=error.strerror or error
            ),
            tr("Choose another place."),
        ) from error
    if note:
        progress.warn(note)


def write_points(
    algorithm: QgsProcessingAlgorithm,
    values: dict[str, Any],
    name: str,
    context: QgsProcessingContext,
    fields: QgsFields,
    crs: QgsCoordinateReferenceSystem,
    features: Iterable[QgsFeature],
) -> str:
    """Write points into the sink of a parameter; returns where they are.

    Raises:
        LulcError: the layer cannot be made, or does not take a point.
    """
    sink, destination = algorithm.parameterAsSink(values, name, context, fields, QgsWkbTypes.Type.Point, crs)
    if sink is None:
        raise LulcError(algorithm.invalidSinkError(values, name))
    for feature in features:
        if not sink.addFeature(feature, QgsFeatureSink.Flag.FastInsert):
            raise LulcError(algorithm.writeFeatureError(sink, values, name))
    del sink  # flushes the file
    return str(destination)


def _file(output: Any) -> Path | None:
    """The file that is to be written; None for memory:, TEMPORARY_OUTPUT, a database."""
    target = output.sink.staticValue() if isinstance(output, QgsProcessingOutputLayerDefinition) else output
    if not isinstance(target, str) or "/" not in target or ":" in target.partition("/")[0][2:]:
        return None
    return Path(target.partition("|")[0])
