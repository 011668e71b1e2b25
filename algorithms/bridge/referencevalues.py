# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the values of the parameters of `references` as an `AssessJob`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qgis.core import QgsProcessingAlgorithm, QgsProcessingContext, QgsRasterLayer

from ...lulc_plugin.assess import AssessJob, FeatureInput, Options, Outputs, RasterInput, one_reference
from ...lulc_plugin.errors import LulcError, MissingCrs
from ...lulc_plugin.progress import Progress
from . import attributes, features, layers, parameters
from .references import (
    CHOICES,
    CLASS_TABLE,
    CLASS_TABLE_B,
    CLASS_TABLE_FILE,
    CONFIDENCE_LEVEL,
    FIELD,
    OUTPUT_CSV,
    OUTPUT_HTML,
    OUTPUT_JSON,
    POSTSTRATIFY,
    REFERENCE,
    REFERENCE_BAND,
    REFERENCE_FEATURES,
    STRATA,
    STRATA_BAND,
    STRATUM_FIELD,
)
from .translation import tr


@dataclass(frozen=True)
class Table:
    """A text file of points, by which columns, and the map on which they are."""

    path: str
    field: str
    stratum_field: str
    map: RasterInput


@dataclass(frozen=True)
class Reference:
    """A reference as the user chose it: a raster, or features that are still to be read.

    Attributes:
        raster, features, table: exactly one of them.
        options: how to assess.
        notes: what was set in QGIS and has no effect, to be logged.
    """

    raster: RasterInput | None
    features: features.FeatureChoice | None
    options: Options
    notes: tuple[str, ...] = ()
    table: Table | None = None


@dataclass(frozen=True)
class Request:
    """One map or two, and their reference; features are read and outputs asked for when the algorithm runs."""

    maps: tuple[RasterInput, ...]
    reference: Reference


def parse_reference(
    algorithm: QgsProcessingAlgorithm,
    values: dict[str, Any],
    context: QgsProcessingContext,
    map_layer: QgsRasterLayer,
) -> Reference:
    """What the user set about the reference of `map_layer`; `values` as `parameters.given` returns them.

    Raises:
        LulcError: not exactly one reference, or a value that cannot be used.
    """
    one_reference(values.get(REFERENCE), values.get(REFERENCE_FEATURES))
    if STRATA in values and STRATUM_FIELD in values:
        raise LulcError(
            tr("Both STRATA and STRATUM_FIELD are given."), tr("Give the one that holds the strata of the sample.")
        )
    options = _options(algorithm, values, context)
    notes: list[str] = []
    raster = _raster(algorithm, values, context, REFERENCE, REFERENCE_BAND)
    if raster is not None:
        idle = [name for name in (FIELD, STRATUM_FIELD) if name in values]
        notes += [tr("{name} has no effect: the reference is a raster.").format(name=name) for name in idle]
        return Reference(raster, None, options, tuple(notes))
    names = [_field(algorithm, values, context, name) for name in (FIELD, STRATUM_FIELD)]
    path = features.table_path(algorithm, values, REFERENCE_FEATURES, context)
    if path:
        table = Table(path, names[0], names[1], layers.raster_input(map_layer, 1))
        return Reference(None, None, options, tuple(notes), table)
    choice = features.choose_features(algorithm, values, REFERENCE_FEATURES, context, names[0], names[1], map_layer)
    return Reference(None, choice, options, tuple(notes))


def read_features(
    algorithm: QgsProcessingAlgorithm,
    values: dict[str, Any],
    context: QgsProcessingContext,
    reference: Reference,
    progress: Progress,
) -> FeatureInput | None:
    """The reference features, None when the reference is a raster; logs the reference's notes.

    Raises:
        LulcError: features that cannot be used.
    """
    for note in reference.notes:
        progress.warn(note)
    if reference.table is not None:
        return _read_table(reference.table)
    if reference.features is None:
        return None
    return features.read_features(algorithm, values, context, reference.features, progress)


def _read_table(table: Table) -> FeatureInput:
    """Points of a text file.

    Raises:
        LulcError: it cannot be read, or does not say in which coordinate system its points are.
    """
    from ...lulc_plugin.assess import read_points

    try:
        return read_points(table.path, table.map, table.field, table.stratum_field)
    except MissingCrs as error:
        remedy = tr("Make points of its coordinates first, in that system: Create points layer from table.")
        raise MissingCrs(error.problem, f"{error.remedy} {remedy}") from error


def assess_job(
    algorithm: QgsProcessingAlgorithm,
    values: dict[str, Any],
    context: QgsProcessingContext,
    request: Request,
    files: Outputs,
    progress: Progress,
) -> AssessJob:
    """The job of `request`, its features read, that writes `files`.

    Raises:
        LulcError: features that cannot be used.
    """
    reference_features = read_features(algorithm, values, context, request.reference, progress)
    return AssessJob(request.maps, request.reference.raster, reference_features, request.reference.options, files)


def outputs(
    algorithm: QgsProcessingAlgorithm,
    values: dict[str, Any],
    context: QgsProcessingContext,
    disagreement: str = "",
) -> Outputs:
    """Where the report goes; `disagreement` is the path of that raster, empty when it is not wanted."""
    html, csv, json = (
        _path(algorithm.parameterAsFileOutput(values, name, context)) for name in (OUTPUT_HTML, OUTPUT_CSV, OUTPUT_JSON)
    )
    return Outputs(html, csv, json, _path(disagreement))


def output_values(files: Outputs) -> dict[str, str]:
    """The files that were written, by the names of their parameters."""
    pairs = ((OUTPUT_HTML, files.html), (OUTPUT_CSV, files.csv), (OUTPUT_JSON, files.json))
    return {name: str(path) for name, path in pairs if path is not None}


def _path(text: str) -> Path | None:
    return Path(text) if text else None


def _raster(
    algorithm: QgsProcessingAlgorithm,
    values: dict[str, Any],
    context: QgsProcessingContext,
    name: str,
    band: str,
) -> RasterInput | None:
    layer = parameters.raster_layer(algorithm, values, name, context)
    if layer is None:
        return None
    return layers.raster_input(layer, parameters.band_number(algorithm, values, band, context, layer))


def _field(algorithm: QgsProcessingAlgorithm, values: dict[str, Any], context: QgsProcessingContext, name: str) -> str:
    value = values.get(name, "")
    if isinstance(value, (list, tuple)):
        return str(value[0])
    return algorithm.parameterAsString(values, name, context) if value else ""


def _options(algorithm: QgsProcessingAlgorithm, values: dict[str, Any], context: QgsProcessingContext) -> Options:
    chosen = {
        name.lower(): (algorithm.parameterAsEnumString(values, name, context) if name in values else "") or choices[0]
        for name, choices in CHOICES.items()
    }
    level = parameters.number(algorithm, values, CONFIDENCE_LEVEL, context)
    return Options(
        class_table=_class_table(algorithm, values, context),
        class_table_b=_class_table_b(algorithm, values, context),
        class_table_file=parameters.text(algorithm, values, CLASS_TABLE_FILE, context) or "",
        strata=_raster(algorithm, values, context, STRATA, STRATA_BAND),
        poststratify=algorithm.parameterAsBool(values, POSTSTRATIFY, context),
        level=0.95 if level is None else level,
        **chosen,
    )


def _class_table(
    algorithm: QgsProcessingAlgorithm, values: dict[str, Any], context: QgsProcessingContext
) -> tuple[tuple[int, int | str], ...]:
    from ...lulc_plugin.assess import class_table, read_class_table

    if CLASS_TABLE in values and CLASS_TABLE_FILE in values:
        raise LulcError(tr("Both CLASS_TABLE and CLASS_TABLE_FILE are given."), tr("Give one of them."))
    if CLASS_TABLE_FILE in values:
        path = parameters.text(algorithm, values, CLASS_TABLE_FILE, context)
        return read_class_table(Path(path)) if path else ()
    if CLASS_TABLE not in values:
        return ()
    cells = algorithm.parameterAsMatrix(values, CLASS_TABLE, context)
    return class_table([attributes.plain(cell) for cell in cells])


def _class_table_b(
    algorithm: QgsProcessingAlgorithm, values: dict[str, Any], context: QgsProcessingContext
) -> tuple[tuple[int, int | str], ...]:
    """The class table of the second of two maps; only `lulc:comparemaps` has one."""
    from ...lulc_plugin.assess import MAP_B, class_table, read_class_table

    if algorithm.parameterDefinition(CLASS_TABLE_B) is None:
        return ()
    path = parameters.text(algorithm, values, CLASS_TABLE_FILE, context) if CLASS_TABLE_FILE in values else ""
    in_file = read_class_table(Path(path), MAP_B) if path else ()
    if CLASS_TABLE_B not in values:
        return in_file
    if in_file:
        raise LulcError(tr("Both CLASS_TABLE_B and CLASS_TABLE_FILE say what map B has."), tr("Give one of them."))
    cells = algorithm.parameterAsMatrix(values, CLASS_TABLE_B, context)
    return class_table([attributes.plain(cell) for cell in cells])
