# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads points or polygons of any vector layer as reference features in the map's CRS."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsCsException,
    QgsDataSourceUri,
    QgsFeatureRequest,
    QgsFields,
    QgsGeometry,
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingFeatureSource,
    QgsProcessingFeatureSourceDefinition,
    QgsProviderRegistry,
    QgsRasterLayer,
    QgsVectorLayer,
    QgsWkbTypes,
)
from qgis.PyQt.QtGui import QTransform

from ...lulc_plugin.assess import FeatureInput, ReferenceFeature
from ...lulc_plugin.errors import LulcError, MissingCrs
from ...lulc_plugin.progress import Progress
from . import layers
from .attributes import SAMPLE_FIELDS, Columns
from .translation import tr

#: The field that Draw a reference sample writes for the analyst; taken when no other is named.
REF_CLASS = "ref_class"
_KINDS = {QgsWkbTypes.GeometryType.PointGeometry: "points", QgsWkbTypes.GeometryType.PolygonGeometry: "polygons"}
#: What a GeoPackage calls the CRS of a layer without one.
_NO_CRS = ("Undefined Cartesian SRS", "Undefined geographic SRS")
_SHOWN_FIELDS = 40
_LONGEST_FILTER = 300


@dataclass(frozen=True)
class FeatureChoice:
    """Which features, by which fields; nothing is read yet.

    Attributes:
        parameter: name of the parameter that holds the layer.
        name: what the layer is called.
        kind: "points" or "polygons".
        field, stratum_field: fields of class and stratum; the latter may be empty.
        named: whether the user named the field of the stratum.
        path: where the layer lies; may be empty.
        sizes: whether the stratum sizes that the layer holds belong to `stratum_field`.
        map_crs: the CRS to bring them to.
        downwards: whether the map's y is minus QGIS's y (a picture without georeference).
        notes: selection and filter, in words.
    """

    parameter: str
    name: str
    kind: str
    field: str
    stratum_field: str
    named: bool
    path: str
    sizes: bool
    map_crs: QgsCoordinateReferenceSystem
    downwards: bool
    notes: tuple[str, ...]


def choose_features(
    algorithm: QgsProcessingAlgorithm,
    values: dict[str, Any],
    name: str,
    context: QgsProcessingContext,
    field: str,
    stratum_field: str,
    map_layer: QgsRasterLayer,
) -> FeatureChoice:
    """What the user set about the reference features, checked as far as that is cheap.

    Args:
        algorithm, values, context: of the run; `values` as `parameters.given` returns them.
        name: the parameter that holds the layer.
        field, stratum_field: field names as the user gave them, may be empty.
        map_layer: the map.

    Raises:
        LulcError: no such layer or field, neither points nor polygons, or only one of map and layer has a CRS.
    """
    source = algorithm.parameterAsSource(values, name, context)
    if source is None:
        raise LulcError(algorithm.invalidSourceError(values, name))
    map_crs = layers.crs_of(map_layer)
    layer = source.sourceName()
    kind = _KINDS.get(QgsWkbTypes.geometryType(source.wkbType()))
    if kind is None:
        raise _wrong_geometry(layer, source.wkbType())
    if _crs_of(source).isValid() != map_crs.isValid():
        raise _missing_crs(*((map_layer.name(), layer) if _crs_of(source).isValid() else (layer, map_layer.name())))
    fields = source.fields()
    if not field and fields.lookupField(REF_CLASS) < 0:
        raise LulcError(
            tr('FIELD is empty, and the layer "{layer}" has no field {ref_class}; its fields are: {fields}.').format(
                layer=layer, ref_class=REF_CLASS, fields=_field_list(fields)
            ),
            tr("Say in FIELD which one holds the class of each feature, as a value or a name."),
        )
    own_stratum = _name_of(fields, "stratum")
    stratum = _existing(fields, stratum_field, "STRATUM_FIELD", layer) if stratum_field else own_stratum
    sizes = not own_stratum or stratum == own_stratum
    notes = _restrictions(algorithm, values, name, context)
    if not sizes and any(_name_of(fields, size) for size in SAMPLE_FIELDS):
        notes.append(tr('its stratum sizes belong to the field "{field}" and are not used').format(field=own_stratum))
    return FeatureChoice(
        parameter=name,
        name=layer,
        kind=kind,
        field=_existing(fields, field or REF_CLASS, "FIELD", layer),
        stratum_field=stratum,
        named=bool(stratum_field),
        path=_path(algorithm, values, name, context),
        sizes=sizes,
        map_crs=map_crs,
        downwards=layers.counts_downwards(map_layer),
        notes=tuple(notes),
    )


def read_features(
    algorithm: QgsProcessingAlgorithm,
    values: dict[str, Any],
    context: QgsProcessingContext,
    choice: FeatureChoice,
    progress: Progress,
) -> FeatureInput:
    """Read the chosen features, in the map's CRS.

    Raises:
        LulcError: no usable feature, or a field that holds neither numbers nor texts.
        CancelledError: the user stopped.
    """
    source = algorithm.parameterAsSource(values, choice.parameter, context)
    if source is None:
        raise LulcError(algorithm.invalidSourceError(values, choice.parameter))
    columns = Columns.of(source.fields(), choice.field, choice.stratum_field, choice.sizes)
    request = QgsFeatureRequest().setSubsetOfAttributes(columns.wanted())
    # A request could transform, too, but what fails to would look as if it had no geometry.
    to_map = QgsCoordinateTransform(_crs_of(source), choice.map_crs, context.transformContext())
    # Whether polygons are valid in the sense of OGC does not matter to the pixels inside them.
    unchecked = QgsProcessingFeatureSource.Flag.FlagSkipGeometryValidityChecks
    read: list[ReferenceFeature] = []
    empty, nowhere = 0, 0
    for number, feature in enumerate(source.getFeatures(request, unchecked)):
        if not number % 1000:
            progress.check()
        geometry = feature.geometry()
        if geometry.isNull() or geometry.isEmpty():
            empty += 1
            continue
        shape = _shape_on_map(geometry, choice, to_map)
        if shape is None:
            nowhere += 1
            continue
        read.append(columns.feature(feature, shape))
    notes = list(choice.notes)
    for count, reason in (
        (empty, tr("{count} feature(s) without geometry left out")),
        (nowhere, tr("{count} feature(s) left out that have no place in the map's coordinate system")),
    ):
        if count:
            notes.append(reason.format(count=count))
            progress.warn(f"{choice.name}: {notes[-1]}.")
    if not read:
        raise _no_feature(choice.name, "; ".join(notes) or tr("it is empty"))
    return FeatureInput(
        features=tuple(read),
        kind=choice.kind,
        name=choice.name,
        field=choice.field,
        stratum_field=choice.stratum_field if choice.named else "",
        path=choice.path,
        crs=_title(_crs_of(source)),
        note="; ".join(notes),
    )


def _crs_of(source: QgsProcessingFeatureSource) -> QgsCoordinateReferenceSystem:
    """The CRS of `source`, invalid when it has none."""
    crs = source.sourceCrs()
    return QgsCoordinateReferenceSystem() if crs.description() in _NO_CRS else crs


def _shape_on_map(
    geometry: QgsGeometry, choice: FeatureChoice, to_map: QgsCoordinateTransform
) -> Mapping[str, Any] | None:
    """GeoJSON-like shape in the map's CRS; None when it has no place there."""
    if not to_map.isShortCircuited():
        try:
            geometry.transform(to_map)
        except QgsCsException:
            return None
    if choice.downwards:
        geometry.transform(QTransform.fromScale(1, -1))
    return _point_shape(geometry) if choice.kind == "points" else _polygon_shape(geometry)


def _point_shape(geometry: QgsGeometry) -> Mapping[str, Any] | None:
    """A Point or MultiPoint as GeoJSON has it; None when a coordinate is not finite."""
    points = geometry.asMultiPoint() if geometry.isMultipart() else [geometry.asPoint()]
    pairs = [(point.x(), point.y()) for point in points]
    if not all(math.isfinite(x) and math.isfinite(y) for x, y in pairs):
        return None
    if len(pairs) == 1:
        return {"type": "Point", "coordinates": pairs[0]}
    return {"type": "MultiPoint", "coordinates": pairs}


def _polygon_shape(geometry: QgsGeometry) -> Mapping[str, Any] | None:
    """A Polygon or MultiPolygon as GeoJSON has it, curves in short pieces; None when a coordinate is not finite."""
    polygons = geometry.asMultiPolygon() if geometry.isMultipart() else [geometry.asPolygon()]
    rings = [[[(point.x(), point.y()) for point in ring] for ring in polygon] for polygon in polygons]
    if not all(math.isfinite(x) and math.isfinite(y) for polygon in rings for ring in polygon for x, y in ring):
        return None
    if len(rings) == 1:
        return {"type": "Polygon", "coordinates": rings[0]}
    return {"type": "MultiPolygon", "coordinates": rings}


def _missing_crs(without: str, other: str) -> MissingCrs:
    return MissingCrs(
        tr('The layer "{without}" has no coordinate reference system, but "{other}" has one.').format(
            without=without, other=other
        ),
        tr("Set it in the layer's properties, under Source."),
    )


def _wrong_geometry(layer: str, kind: QgsWkbTypes.Type) -> LulcError:
    if QgsWkbTypes.geometryType(kind) == QgsWkbTypes.GeometryType.NullGeometry:
        return LulcError(
            tr('The layer "{layer}" is a table without geometry.').format(layer=layer),
            tr("Make points of its coordinates first: Create points layer from table, or Add Delimited Text Layer."),
        )
    return LulcError(
        tr('The layer "{layer}" is of the type {type}; a reference is points or polygons.').format(
            layer=layer, type=QgsWkbTypes.displayString(kind)
        ),
        tr("Of lines make points along them, or buffers, and use that layer."),
    )


def _no_feature(layer: str, notes: str) -> LulcError:
    return LulcError(
        tr('The layer "{layer}" has no feature to compare with ({notes}).').format(layer=layer, notes=notes),
        tr("Check its selection and its filter."),
    )


# ---- names


def _name_of(fields: QgsFields, name: str) -> str:
    index = fields.lookupField(name)
    return fields.at(index).name() if index >= 0 else ""


def _existing(fields: QgsFields, name: str, parameter: str, layer: str) -> str:
    full_name = _name_of(fields, name)
    if not full_name:
        raise LulcError(
            tr('{parameter}: the layer "{layer}" has no field "{field}"; its fields are: {fields}.').format(
                parameter=parameter, layer=layer, field=name, fields=_field_list(fields)
            )
        )
    return full_name


def _field_list(fields: QgsFields) -> str:
    names = fields.names()
    more = tr(" and {count} more").format(count=len(names) - _SHOWN_FIELDS) if len(names) > _SHOWN_FIELDS else ""
    return (", ".join(names[:_SHOWN_FIELDS]) or tr("none")) + more


def _title(crs: QgsCoordinateReferenceSystem) -> str:
    return crs.userFriendlyIdentifier() if crs.isValid() else ""


def _layer(
    algorithm: QgsProcessingAlgorithm, values: dict[str, Any], name: str, context: QgsProcessingContext
) -> QgsVectorLayer | None:
    value = values[name]
    if isinstance(value, QgsProcessingFeatureSourceDefinition):
        value = value.source.valueAsString(context.expressionContext())[0]
    return algorithm.parameterAsVectorLayer({name: value}, name, context)


def _path(algorithm: QgsProcessingAlgorithm, values: dict[str, Any], name: str, context: QgsProcessingContext) -> str:
    """The file of the layer, else what its provider calls it, without passwords; empty for layers in memory."""
    layer = _layer(algorithm, values, name, context)
    if layer is None or layer.providerType() == "memory":
        return ""
    path = QgsProviderRegistry.instance().decodeUri(layer.providerType(), layer.source()).get("path", "")
    return str(path) if path else QgsDataSourceUri.removePassword(layer.source())


def _restrictions(
    algorithm: QgsProcessingAlgorithm, values: dict[str, Any], name: str, context: QgsProcessingContext
) -> list[str]:
    """Selection, filter and limit that the layer comes with, in words."""
    value = values[name]
    chosen = isinstance(value, QgsProcessingFeatureSourceDefinition)
    layer = _layer(algorithm, values, name, context)
    notes = []
    if chosen:
        if value.selectedFeaturesOnly:
            number = layer.selectedFeatureCount() if layer is not None else 0
            notes.append(tr("only the {number} selected feature(s)").format(number=number))
        if getattr(value, "filterExpression", ""):  # since QGIS 3.32
            notes.append(tr("filter: {filter}").format(filter=value.filterExpression[:_LONGEST_FILTER]))
        if value.featureLimit >= 0:
            notes.append(tr("only the first {number} feature(s)").format(number=value.featureLimit))
    if layer is not None and layer.subsetString():
        notes.append(tr("filter of the layer: {filter}").format(filter=layer.subsetString()[:_LONGEST_FILTER]))
    return notes
