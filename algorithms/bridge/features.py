# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads points or polygons of any vector layer as reference features in the map's CRS."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsDataSourceUri,
    QgsFeatureRequest,
    QgsFields,
    QgsPointXY,
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingFeatureSource,
    QgsProcessingFeatureSourceDefinition,
    QgsProviderRegistry,
    QgsRasterLayer,
    QgsVectorLayer,
    QgsWkbTypes,
)

from ...lulc_plugin.assess import FeatureInput, Places, ReferenceFeature
from ...lulc_plugin.errors import LulcError
from ...lulc_plugin.progress import Progress
from ...lulc_plugin.raster import RasterInput
from . import layers
from .attributes import SAMPLE_FIELDS, Columns
from .parameters import is_text_table
from .shapes import shape_on_map
from .translation import tr

#: The field that Draw a reference sample writes for the analyst; taken when no other is named.
REF_CLASS = "ref_class"
#: Geometry types of layers that have neither points nor polygons.
_NEITHER = (QgsWkbTypes.GeometryType.LineGeometry, QgsWkbTypes.GeometryType.NullGeometry)
#: What a GeoPackage calls the CRS of a layer without one.
_NO_CRS = ("Undefined Cartesian SRS", "Undefined geographic SRS")
_SHOWN_FIELDS = 40
_LONGEST_FILTER = 300
#: Features whose place is kept for messages.
_MOST_PLACES = 1000


@dataclass(frozen=True)
class FeatureChoice:
    """Which features, by which fields; nothing is read yet.

    Attributes:
        parameter: name of the parameter that holds the layer.
        name: what the layer is called.
        field, stratum_field: fields of class and stratum; the latter may be empty.
        named: whether the user named the field of the stratum.
        path: where the layer lies; may be empty.
        sizes: whether the stratum sizes that the layer holds belong to `stratum_field`.
        crs: of the layer.
        map_crs: the CRS to bring them to.
        map: the map as the engine knows it.
        downwards: whether the map's y is minus QGIS's y (a picture without georeference).
        notes: selection and filter, in words.
    """

    parameter: str
    name: str
    field: str
    stratum_field: str
    named: bool
    path: str
    sizes: bool
    crs: QgsCoordinateReferenceSystem
    map_crs: QgsCoordinateReferenceSystem
    map: RasterInput
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
    if QgsWkbTypes.geometryType(source.wkbType()) in _NEITHER:
        raise _wrong_geometry(layer, source.wkbType())
    crs = _crs_of(source, layer_of_source(algorithm, values, name, context))
    if crs.isValid() != map_crs.isValid():
        raise _missing_crs(source, crs, map_layer)
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
        field=_existing(fields, field or REF_CLASS, "FIELD", layer),
        stratum_field=stratum,
        named=bool(stratum_field),
        path=_path(algorithm, values, name, context),
        sizes=sizes,
        crs=crs,
        map_crs=map_crs,
        map=layers.raster_input(map_layer, 1),
        downwards=layers.counts_downwards(map_layer),
        notes=tuple(notes),
    )


def table_path(
    algorithm: QgsProcessingAlgorithm, values: dict[str, Any], name: str, context: QgsProcessingContext
) -> str:
    """The text file of a table without geometry, all of which is asked for; empty for anything else.

    QGIS cannot tell where its rows lie; the engine knows columns of coordinates by the names that tools give them.
    """
    source = algorithm.parameterAsSource(values, name, context)
    if source is None and is_text_table(values[name]):
        return str(values[name])  # in UTF-16, for example
    if source is None or source.wkbType() != QgsWkbTypes.Type.NoGeometry:
        return ""
    path = _path(algorithm, values, name, context)
    return path if is_text_table(path) and not _restrictions(algorithm, values, name, context) else ""


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
    to_map = QgsCoordinateTransform(choice.crs, choice.map_crs, context.transformContext())
    # Whether polygons are valid in the sense of OGC does not matter to the pixels inside them.
    unchecked = QgsProcessingFeatureSource.Flag.FlagSkipGeometryValidityChecks
    read: list[ReferenceFeature] = []
    corners: list[QgsPointXY] = []
    nowhere = 0
    for number, feature in enumerate(source.getFeatures(request, unchecked)):
        if not number % 1000:
            progress.check()
        geometry = feature.geometry()
        if len(corners) < _MOST_PLACES and not geometry.isEmpty():
            corners.append(QgsPointXY(geometry.vertexAt(0)))
        shape = shape_on_map(geometry, to_map, choice.downwards)
        if shape is None:
            nowhere += 1
            continue
        read.append(columns.feature(feature, shape))
    notes = list(choice.notes)
    if nowhere:
        notes.append(
            tr("{count} feature(s) left out that have no place in the map's coordinate system").format(count=nowhere)
        )
        progress.warn(f"{choice.name}: {notes[-1]}.")
    return _feature_input(choice, read, corners, notes)


def _feature_input(
    choice: FeatureChoice,
    read: list[ReferenceFeature],
    corners: list[QgsPointXY],
    notes: list[str],
) -> FeatureInput:
    """Features of one kind.

    Args:
        choice: what the user set.
        read: its features, with geometries of any type in the map's CRS.
        corners: where some of them lie in the layer's own CRS.
        notes: selection, filter, and what was left out.

    Raises:
        LulcError: there are neither points nor polygons.
    """
    from ...lulc_plugin.assess import joined_across, one_kind, without_a_place
    from ...lulc_plugin.raster import circle_of, parse_crs

    crs = choice.crs
    if corners and not any(map(_has_geometry, read)):
        problem = _no_feature(choice.name, "; ".join(notes)).problem
        raise without_a_place(problem, choice.name, _places(crs, corners), choice.map)
    if not any(map(_has_geometry, read)):
        if read:
            notes.append(tr("{count} feature(s) without geometry").format(count=len(read)))
        raise _no_feature(choice.name, "; ".join(notes) or tr("it is empty"))
    found = one_kind([feature.geometry for feature in read], choice.name)
    # QGIS transforms corner by corner: across 180 degrees a ring jumps to the other side of the earth
    both = choice.map_crs.isGeographic() and crs.isGeographic()
    circle = None if both or crs == choice.map_crs else circle_of(parse_crs(_wkt(choice.map_crs)))
    return FeatureInput(
        features=tuple(
            replace(feature, geometry=geometry if circle is None else joined_across(geometry, circle))
            for feature, geometry in zip(read, found.geometries)
            if geometry is not None
        ),
        kind=found.kind,
        name=choice.name,
        field=choice.field,
        stratum_field=choice.stratum_field if choice.named else "",
        path=choice.path,
        crs=_title(crs),
        note="; ".join(notes),
        warnings=found.left_out,
        places=_places(crs, corners),
    )


def _has_geometry(feature: ReferenceFeature) -> bool:
    return bool(feature.geometry.get("coordinates") or feature.geometry.get("geometries"))


def _wkt(crs: QgsCoordinateReferenceSystem) -> str:
    return str(crs.toWkt(QgsCoordinateReferenceSystem.WktVariant.WKT_PREFERRED_GDAL)) if crs.isValid() else ""


def _places(crs: QgsCoordinateReferenceSystem, corners: list[QgsPointXY]) -> Places:
    return Places(_wkt(crs), tuple(point.x() for point in corners), tuple(point.y() for point in corners))


def _crs_of(source: QgsProcessingFeatureSource, layer: QgsVectorLayer | None) -> QgsCoordinateReferenceSystem:
    """The CRS of a layer, invalid when it has none."""
    crs = source.sourceCrs()
    if QgsWkbTypes.geometryType(source.wkbType()) == QgsWkbTypes.GeometryType.UnknownGeometry and layer is not None:
        crs = layer.dataProvider().crs()  # QGIS takes layers of mixed types for tables, which have none
    return QgsCoordinateReferenceSystem() if crs.description() in _NO_CRS else crs


def _missing_crs(
    source: QgsProcessingFeatureSource, crs: QgsCoordinateReferenceSystem, map_layer: QgsRasterLayer
) -> LulcError:
    """The error when only one of features and map has a CRS: where both lie, and which one would fit."""
    from ...lulc_plugin.assess import missing_crs

    corners = []
    for feature in source.getFeatures(QgsFeatureRequest().setSubsetOfAttributes([]).setLimit(_MOST_PLACES)):
        if not feature.geometry().isEmpty():
            corners.append(QgsPointXY(feature.geometry().vertexAt(0)))
    return missing_crs(source.sourceName(), _places(crs, corners), layers.raster_input(map_layer, 1))


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


def layer_of_source(
    algorithm: QgsProcessingAlgorithm, values: dict[str, Any], name: str, context: QgsProcessingContext
) -> QgsVectorLayer | None:
    """The layer behind a parameter for features; None where there is none, as for the output of a model's step."""
    value = values[name]
    if isinstance(value, QgsProcessingFeatureSourceDefinition):
        value = value.source.valueAsString(context.expressionContext())[0]
    return algorithm.parameterAsVectorLayer({name: value}, name, context)


def _path(algorithm: QgsProcessingAlgorithm, values: dict[str, Any], name: str, context: QgsProcessingContext) -> str:
    """The file of the layer, else what its provider calls it, without passwords; empty for layers in memory."""
    layer = layer_of_source(algorithm, values, name, context)
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
    layer = layer_of_source(algorithm, values, name, context)
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
    return notes if layer is None else notes + _settings(layer)


def _settings(layer: QgsVectorLayer) -> list[str]:
    """Coordinate system and encoding of a file that the user set otherwise, in words."""
    if layer.providerType() != "ogr":
        return []
    notes = []
    fresh = QgsVectorLayer(layer.source(), "", "ogr")  # a name of its own: QGIS deletes what nobody holds
    of_file = fresh.dataProvider()
    if layer.isSpatial() and layer.crs() != of_file.crs():
        said = _title(of_file.crs()) or tr("none")
        notes.append(tr("coordinate system set in QGIS, the file says {crs}").format(crs=said))
    if layer.dataProvider().encoding() != of_file.encoding():
        encodings = {"used": layer.dataProvider().encoding(), "said": of_file.encoding()}
        notes.append(tr("read as {used}, the file says {said}").format(**encodings))
    return notes
