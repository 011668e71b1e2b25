# SPDX-License-Identifier: GPL-3.0-or-later
"""Reference features as QGIS reads them: what reaches the engine, and what is refused before it starts."""

import json
import math

import numpy as np
import pytest
from qgis.core import (
    QgsColorRampShader,
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsFeature,
    QgsField,
    QgsGeometry,
    QgsPalettedRasterRenderer,
    QgsPointXY,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeatureSourceDefinition,
    QgsProcessingFeedback,
    QgsProject,
    QgsRasterLayer,
    QgsRasterShader,
    QgsSingleBandPseudoColorRenderer,
    QgsVectorFileWriter,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QVariant
from qgis.PyQt.QtGui import QColor
from rasterio.transform import from_origin

CRS = "EPSG:32723"
#: South-west corner of the map.
X, Y = 500000, 7399000


@pytest.fixture
def class_map(make_raster):
    """100 × 100 pixels of 10 m with the classes 1 and 2."""
    values = np.ones((1, 100, 100), np.uint8)
    values[:, :, 50:] = 2
    return make_raster("map.tif", values, names=None)


@pytest.fixture
def vector(qgis_new_project):
    """`vector("Point", "class:integer", [(wkt, value, …), …])` → a memory layer in the project."""

    def make(kind, fields, rows, crs=CRS, name="reference"):
        uri = f"{kind}?crs={crs}" + "".join(f"&field={field}" for field in fields.split(",") if field)
        layer = QgsVectorLayer(uri, name, "memory")
        assert layer.isValid()
        features = []
        for wkt, *values in rows:
            feature = QgsFeature(layer.fields())
            if wkt:
                feature.setGeometry(QgsGeometry.fromWkt(wkt))
            feature.setAttributes(values)
            features.append(feature)
        assert layer.dataProvider().addFeatures(features)[0]
        QgsProject.instance().addMapLayer(layer)
        return layer

    return make


@pytest.fixture
def read(provider, plugin, class_map):
    """`read(layer, FIELD=…)` → the `FeatureInput` that the engine gets, and what the user is told."""
    from qgis.core import QgsApplication

    parameters = plugin("algorithms.bridge.parameters")
    values_of = plugin("algorithms.bridge.referencevalues")
    progress_of = plugin("algorithms.bridge.feedback").FeedbackProgress

    def read_features(source, **values):
        algorithm = QgsApplication.processingRegistry().createAlgorithmById("lulc:accuracyreport")
        context = QgsProcessingContext()
        context.setProject(QgsProject.instance())
        feedback = QgsProcessingFeedback()
        values = parameters.given({"MAP": class_map, "REFERENCE_FEATURES": source, **values})
        wish = algorithm.parse(values, context)
        found = values_of.read_features(algorithm, values, context, wish.reference, progress_of(feedback, "Report"))
        return found, feedback.textLog()

    return read_features


@pytest.fixture
def refusal(read, plugin):
    error = plugin("lulc_plugin.errors").LulcError

    def refused(source, **values):
        with pytest.raises(error) as caught:
            read(source, **values)
        return str(caught.value)

    return refused


def write(layer, path):
    options = QgsVectorFileWriter.SaveVectorOptions()
    QgsVectorFileWriter.writeAsVectorFormatV3(layer, str(path), QgsProject.instance().transformContext(), options)
    return str(path)


def test_points(read, vector):
    layer = vector("Point", "id:integer,class:integer", [(f"POINT({X + 5} {Y + 5})", 7, 2), (f"POINT({X} {Y})", 9, 1)])
    found, _ = read(layer, FIELD="class")
    assert found.kind == "points" and found.field == "class" and found.name == "reference"
    assert "32723" in found.crs
    assert [(f.id, f.label, f.geometry["type"], tuple(f.geometry["coordinates"])) for f in found.features] == [
        ("7", 2, "Point", (X + 5, Y + 5)),
        ("9", 1, "Point", (X, Y)),
    ]


@pytest.mark.parametrize(
    "kind, values, labels",
    [
        ("integer", [3, None], [3, None]),
        ("int8", [2**40, 0], [2**40, 0]),
        ("double", [3.0, None], [3.0, None]),
        ("string", ["Water", None], ["Water", None]),
        ("string", ["", "  "], [None, None]),
        ("boolean", [True, False], [1, 0]),
    ],
)
def test_values_of_fields(read, vector, kind, values, labels):
    layer = vector("Point", f"class:{kind}", [(f"POINT({X} {Y})", value) for value in values])
    found, _ = read(layer, FIELD="class")
    assert [f.label for f in found.features] == labels
    assert [type(f.label) for f in found.features] == [type(label) for label in labels]


def test_a_field_of_dates_is_refused(refusal, vector):
    layer = vector("Point", "seen:date", [(f"POINT({X} {Y})", "2024-05-01")])
    assert 'The field "seen" holds' in refusal(layer, FIELD="seen")


def test_field(read, refusal, vector):
    layer = vector("Point", "name:string,REF_CLASS:integer", [(f"POINT({X} {Y})", "x", 2)])
    assert read(layer)[0].features[0].label == 2  # shapefiles and databases change the case
    assert read(layer, FIELD=["name"])[0].features[0].label == "x"
    message = refusal(layer, FIELD="klass")
    assert '"klass"' in message and "name, REF_CLASS" in message
    plain = vector("Point", "name:string,kind:integer", [(f"POINT({X} {Y})", "x", 2)])
    message = refusal(plain)
    assert "FIELD is empty" in message and "name, kind" in message
    message = refusal(plain, FIELD="name", STRATUM_FIELD="zone")
    assert "STRATUM_FIELD" in message and '"zone"' in message and "name, kind" in message


def test_multipoints_heights_and_measures(read, vector):
    layer = vector("MultiPointZM", "class:integer", [(f"MULTIPOINT ZM(({X} {Y} 1 2),({X + 10} {Y} 3 4))", 1)])
    (feature,) = read(layer, FIELD="class")[0].features
    assert feature.geometry == {"type": "MultiPoint", "coordinates": [(X, Y), (X + 10, Y)]}


def test_polygons_with_holes(read, vector):
    ring = f"({X} {Y} 5,{X + 100} {Y} 5,{X + 100} {Y + 100} 5,{X} {Y} 5)"
    hole = f"({X + 50} {Y + 10} 5,{X + 60} {Y + 10} 5,{X + 60} {Y + 20} 5,{X + 50} {Y + 10} 5)"
    layer = vector("MultiPolygonZ", "class:integer", [(f"MULTIPOLYGON Z(({ring},{hole}),({ring}))", 1)])
    (feature,) = read(layer, FIELD="class")[0].features
    first, second = feature.geometry["coordinates"]
    assert feature.geometry["type"] == "MultiPolygon"
    assert first[0] == [(X, Y), (X + 100, Y), (X + 100, Y + 100), (X, Y)] and len(first) == 2 and len(second) == 1


def test_curves_become_short_pieces(read, vector):
    circle = f"CIRCULARSTRING({X} {Y},{X + 100} {Y + 100},{X + 200} {Y},{X + 100} {Y - 100},{X} {Y})"
    layer = vector("CurvePolygon", "class:integer", [(f"CURVEPOLYGON({circle})", 1)])
    (feature,) = read(layer, FIELD="class")[0].features
    (ring,) = feature.geometry["coordinates"]
    assert feature.geometry["type"] == "Polygon" and len(ring) > 90
    assert all(math.hypot(x - X - 100, y - Y) == pytest.approx(100, rel=1e-3) for x, y in ring)


def test_another_crs(read, vector):
    transform = QgsCoordinateTransform(
        QgsCoordinateReferenceSystem(CRS), QgsCoordinateReferenceSystem("EPSG:4326"), QgsProject.instance()
    )
    place = transform.transform(QgsPointXY(X + 123, Y + 456))
    layer = vector("Point", "class:integer", [(f"POINT({place.x()} {place.y()})", 1)], crs="EPSG:4326")
    found, _ = read(layer, FIELD="class")
    assert found.features[0].geometry["coordinates"] == pytest.approx((X + 123, Y + 456), abs=1e-4)
    assert "4326" in found.crs


def test_without_a_crs(refusal, vector):
    layer = vector("Point", "class:integer", [(f"POINT({X} {Y})", 1)])
    layer.setCrs(QgsCoordinateReferenceSystem())
    message = refusal(layer, FIELD="class")
    assert "reference has no coordinate system, map.tif has one" in message
    assert f"reference covers {X}, {Y}, {X}, {Y} without a coordinate system" in message
    assert "They are coordinates of EPSG:32723: set EPSG:32723" in message


def test_a_geopackage_without_a_crs(refusal, vector, tmp_path):
    """Its points come with a made-up geographic CRS; transforming them would put them anywhere."""
    layer = vector("Point", "class:integer", [(f"POINT({X} {Y})", 1)])
    layer.setCrs(QgsCoordinateReferenceSystem())
    path = write(layer, tmp_path / "nowhere.gpkg")
    assert "has no coordinate system" in refusal(path, FIELD="class")


def test_features_without_a_place_are_counted(read, refusal, vector):
    good = f"POINT({X} {Y})"
    layer = vector("Point", "class:integer", [(good, 1), (None, 1), ("POINT EMPTY", 2)])
    found, said = read(layer, FIELD="class")
    assert len(found.features) == 1
    assert found.warnings == ("2 of 3 features have no geometry and are left out.",)
    nowhere = vector("Point", "class:integer", [("POINT(0 100)", 1), ("POINT(-45 -23)", 1)], crs="EPSG:4326")
    found, said = read(nowhere, FIELD="class")
    assert len(found.features) == 1
    assert "1 feature(s) left out that have no place" in said
    message = refusal(vector("Point", "class:integer", [(None, 1)]), FIELD="class")
    assert "no feature to compare with (1 feature(s) without geometry)" in message
    assert "it is empty" in refusal(vector("Point", "class:integer", []), FIELD="class")


@pytest.mark.parametrize(
    ("place", "crs", "words"),
    [
        ((X + 5, Y + 5), "EPSG:4326", "They are coordinates of EPSG:32723: set EPSG:32723"),
        ((-45, -23.515), CRS, "They are degrees of EPSG:4326: set EPSG:4326"),
        ((-23.515, -44.998), "EPSG:4326", "x and y are swapped"),
        ((Y + 5, X + 5), CRS, "x and y are swapped"),
    ],
)
def test_features_beside_the_map(provider, vector, make_raster, place, crs, words):
    """Whether QGIS finds a place for them in the map's system, or none."""
    import processing

    path = make_raster(
        "map.tif", np.ones((1, 100, 100), np.uint8), names=None, crs=32723, transform=from_origin(X, Y + 1000, 10, 10)
    )
    layer = vector("Point", "class:integer", [(f"POINT({place[0]} {place[1]})", 1)] * 2, crs=crs)
    with pytest.raises(QgsProcessingException) as caught:
        processing.run("lulc:accuracyreport", {"MAP": path, "REFERENCE_FEATURES": layer, "FIELD": "class"})
    assert words in str(caught.value) and "500000, 7399000, 501000, 7400000 in EPSG:32723" in str(caught.value)


def test_collections_give_their_polygons(read, refusal, vector):
    """As Fix geometries leaves them."""
    square = f"POLYGON Z(({X} {Y} 1,{X + 50} {Y} 1,{X + 50} {Y + 50} 1,{X} {Y} 1))"
    line = f"LINESTRING({X} {Y},{X + 9} {Y})"
    rows = [(f"GEOMETRYCOLLECTION Z({square},{line},POINT({X} {Y}))", 1), (square, 2), (line, 1), (None, 1)]
    rows.append((f"GEOMETRYCOLLECTION(GEOMETRYCOLLECTION({square},{square}))", 1))
    found, _ = read(vector("GeometryCollection", "class:integer", rows[:1] + rows[4:]), FIELD="class")
    assert [f.geometry["type"] for f in found.features] == ["Polygon", "MultiPolygon"]
    assert "(1 LineString, 1 Point)" in found.warnings[0]
    message = refusal(
        vector("GeometryCollection", "class:integer", [(f"GEOMETRYCOLLECTION({line})", 1)]), FIELD="class"
    )
    assert "1 LineString; a reference is points or polygons" in message


def test_mixed_files(read, tmp_path):
    """Polygons, lines, points and nothing in one file, without a declared type."""
    square = {"type": "Polygon", "coordinates": [[[-45, -23.5], [-44.99, -23.5], [-44.99, -23.49], [-45, -23.5]]]}
    rows = [square, square, {"type": "Point", "coordinates": [-45, -23.5]}, None]
    rows.append(
        {
            "type": "GeometryCollection",
            "geometries": [square, {"type": "LineString", "coordinates": [[-45, -23], [-44, -23]]}],
        }
    )
    features = [{"type": "Feature", "geometry": g, "properties": {"class": i}} for i, g in enumerate(rows)]
    path = tmp_path / "mixed.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    found, _ = read(str(path), FIELD="class")
    assert found.kind == "polygons" and [f.label for f in found.features] == [0, 1, 4]
    assert len(found.warnings) == 3


def test_lines_tables_and_collections_are_refused(refusal, vector):
    lines = vector("LineString", "class:integer", [(f"LINESTRING({X} {Y},{X + 9} {Y})", 1)])
    assert '"reference" is of the type LineString; a reference is points or polygons' in refusal(lines, FIELD="class")
    table = vector("None", "class:integer", [(None, 1)])
    assert "is a table without geometry" in refusal(table, FIELD="class")
    collections = vector("GeometryCollection", "class:integer", [])
    assert "it is empty" in refusal(collections, FIELD="class")


def test_a_selection_is_honoured(read, refusal, vector):
    layer = vector("Point", "class:integer", [(f"POINT({X + i} {Y})", i) for i in range(5)])
    chosen = QgsProcessingFeatureSourceDefinition(layer.id(), True)
    assert "only the 0 selected" in refusal(chosen, FIELD="class")
    layer.selectByExpression('"class" >= 3')
    found, _ = read(chosen, FIELD="class")
    assert sorted(f.label for f in found.features) == [3, 4]
    assert found.note == "only the 2 selected feature(s)"
    assert len(read(layer, FIELD="class")[0].features) == 5


def test_a_filter_is_honoured(read, tmp_path, vector):
    layer = vector("Point", "class:integer", [(f"POINT({X + i} {Y})", i) for i in range(5)])
    path = write(layer, tmp_path / "points.gpkg")
    filtered = QgsVectorLayer(path, "filtered", "ogr")
    assert filtered.setSubsetString('"class" < 2')
    QgsProject.instance().addMapLayer(filtered)
    found, _ = read(filtered.id(), FIELD="class")
    assert [f.label for f in found.features] == [0, 1]
    assert 'filter of the layer: "class" < 2' in found.note
    assert len(read(path, FIELD="class")[0].features) == 5


def test_virtual_fields_and_edits_count(read, vector):
    layer = vector("Point", "class:integer", [(f"POINT({X + i} {Y})", i) for i in range(3)])
    layer.addExpressionField('"class" + 10', QgsField("more", QVariant.Int))
    assert [f.label for f in read(layer, FIELD="more")[0].features] == [10, 11, 12]
    layer.startEditing()
    assert layer.changeAttributeValue(1, 0, 7)
    assert [f.label for f in read(layer, FIELD="class")[0].features] == [7, 1, 2]
    layer.rollBack()


def test_the_encoding_of_the_layer(read, vector, tmp_path):
    """A shapefile in the code page 1252 beside a .cpg that says otherwise, put right in the layer's properties."""
    layer = vector("Point", "class:string", [(f"POINT({X} {Y})", "Wälder")])
    options = QgsVectorFileWriter.SaveVectorOptions()
    options.driverName, options.fileEncoding = "ESRI Shapefile", "CP1252"
    path = str(tmp_path / "latin.shp")
    QgsVectorFileWriter.writeAsVectorFormatV3(layer, path, QgsProject.instance().transformContext(), options)
    (tmp_path / "latin.cpg").write_text("UTF-8")
    shapefile = QgsVectorLayer(path, "latin", "ogr")
    shapefile.setProviderEncoding("windows-1252")
    QgsProject.instance().addMapLayer(shapefile)
    found, _ = read(shapefile, FIELD="class")
    assert [f.label for f in found.features] == ["Wälder"]
    assert found.note == "read as windows-1252, the file says UTF-8"


def test_the_crs_of_the_layer(read, vector, tmp_path):
    layer = vector("Point", "class:integer", [(f"POINT({X} {Y})", 1)], crs="EPSG:32722")
    path = write(layer, tmp_path / "zone.gpkg")
    mended = QgsVectorLayer(path, "zone", "ogr")
    mended.setCrs(QgsCoordinateReferenceSystem(CRS))
    QgsProject.instance().addMapLayer(mended)
    found, _ = read(mended, FIELD="class")
    assert found.features[0].geometry["coordinates"] == (X, Y)
    assert "32723" in found.crs and "coordinate system set in QGIS, the file says EPSG:32722" in found.note


def test_points_of_a_text_file(read, tmp_path):
    table = tmp_path / "points.csv"
    table.write_text(f"x,y,class\n{X + 1},{Y + 2},Water\n{X + 3},{Y + 4},\n")
    layer = QgsVectorLayer(f"file://{table}?xField=x&yField=y&crs={CRS}&detectTypes=yes", "points", "delimitedtext")
    QgsProject.instance().addMapLayer(layer)
    found, _ = read(layer, FIELD="class")
    assert [(f.label, f.geometry["coordinates"]) for f in found.features] == [
        ("Water", (X + 1, Y + 2)),
        (None, (X + 3, Y + 4)),
    ]


def test_tables_that_qgis_cannot_place(read, refusal, tmp_path):
    """As Google Earth Engine and Excel write them: QGIS opens them without geometries."""
    transform = QgsCoordinateTransform(
        QgsCoordinateReferenceSystem(CRS), QgsCoordinateReferenceSystem("EPSG:4326"), QgsProject.instance()
    )
    place = transform.transform(QgsPointXY(X + 5, Y + 5))
    engine = tmp_path / "engine.csv"
    point = json.dumps({"type": "Point", "coordinates": [place.x(), place.y()]}).replace('"', '""')
    engine.write_text(f'system:index,class,.geo\n0,2,"{point}"\n')
    excel = tmp_path / "excel.csv"
    excel.write_bytes(f"sep=;\r\nlat;lon;class\r\n{place.y():.9f};{place.x():.9f};2\r\n".replace(".", ",").encode())
    wide = tmp_path / "wide.csv"
    wide.write_text(f"lat\tlon\tclass\n{place.y()}\t{place.x()}\t2\n", encoding="utf-16")
    for path in (engine, excel, wide):
        found, _ = read(str(path), FIELD="class")
        assert [f.label for f in found.features] == ["2"] and found.kind == "points"
        assert found.features[0].geometry["coordinates"] == pytest.approx((X + 5, Y + 5), abs=0.01)
    assert "no field 'klass'; its fields are: lat, lon, class" in refusal(str(excel), FIELD="klass")
    plane = tmp_path / "plane.csv"
    plane.write_text(f"x,y,class\n{X + 5},{Y + 5},2\n")
    message = refusal(str(plane), FIELD="class")
    assert "coordinates of EPSG:32723" in message and "Create points layer from table" in message


SAMPLE = (
    "id:integer,stratum:integer,stratum_px:integer,stratum_ha:double,weighting:string,zone:string,ref_class:integer"
)


def test_fields_of_our_own_sample(read, vector):
    layer = vector("Point", SAMPLE, [(f"POINT({X} {Y})", 5, 2, 700, 7.5, "area", "north", 1)])
    found, _ = read(layer)
    (feature,) = found.features
    assert (feature.id, feature.stratum, feature.stratum_px, feature.stratum_ha) == ("5", 2, 700, 7.5)
    assert feature.weighting == "area" and found.stratum_field == ""  # nobody named it


def test_another_stratum_field_leaves_the_sizes_of_the_first(read, vector):
    layer = vector("Point", SAMPLE, [(f"POINT({X} {Y})", 5, 2, 700, 7.5, "area", "north", 1)])
    found, _ = read(layer, STRATUM_FIELD="zone")
    (feature,) = found.features
    assert (feature.stratum, feature.stratum_px, feature.stratum_ha) == ("north", None, None)
    assert 'belong to the field "stratum" and are not used' in found.note
    foreign = vector("Point", "zone:string,stratum_px:integer,class:integer", [(f"POINT({X} {Y})", "north", 700, 1)])
    (feature,) = read(foreign, FIELD="class", STRATUM_FIELD="zone")[0].features
    assert (feature.stratum, feature.stratum_px) == ("north", 700)


# ---------------------------------------------------------------- names of classes


@pytest.fixture
def layer_of(class_map, qgis_new_project):
    def make(classes):
        layer = QgsRasterLayer(class_map, "map")
        entries = [QgsPalettedRasterRenderer.Class(value, QColor(colour), label) for value, label, colour in classes]
        layer.setRenderer(QgsPalettedRasterRenderer(layer.dataProvider(), 1, entries))
        return layer

    return make


def test_legend_of_a_paletted_layer(layer_of, plugin):
    legend_of = plugin("algorithms.bridge.layers").legend_of
    layer = layer_of(
        [(2, 'Trees & "x" <b>', "#00ff00"), (1, " Water ", "#0000ff"), (3, "", "#111111"), (2, "Again", "#222222")]
    )
    found = [(c.value, c.name, c.colour) for c in legend_of(layer, 1)]
    assert found == [(1, "Water", "#0000ff"), (2, 'Trees & "x" <b>', "#00ff00"), (3, "3", "#111111")]
    assert legend_of(layer, 2) == ()
    assert len(legend_of(layer_of([(1, "x" * 900, "#000000")]), 1)[0].name) == 200


def test_legend_of_exact_colours(class_map, plugin):
    layer = QgsRasterLayer(class_map, "map")
    ramp = QgsColorRampShader()
    ramp.setColorRampType(QgsColorRampShader.Type.Exact)
    ramp.setColorRampItemList([QgsColorRampShader.ColorRampItem(2, QColor("#00ff00"), "Trees")])
    shader = QgsRasterShader()
    shader.setRasterShaderFunction(ramp)
    layer.setRenderer(QgsSingleBandPseudoColorRenderer(layer.dataProvider(), 1, shader))
    legend_of = plugin("algorithms.bridge.layers").legend_of
    assert [(c.value, c.name) for c in legend_of(layer, 1)] == [(2, "Trees")]
    ramp.setColorRampType(QgsColorRampShader.Type.Interpolated)
    assert legend_of(QgsRasterLayer(class_map, "grey"), 1) == ()


def test_a_palette_of_256_colours_is_no_legend_of_256_classes(class_map, plugin):
    """GDAL always writes all 256 entries; the report would have 256 rows."""
    import rasterio

    with rasterio.open(class_map, "r+") as target:
        target.write_colormap(1, {1: (255, 0, 0, 255), 2: (0, 255, 0, 255)})
    legend_of = plugin("algorithms.bridge.layers").legend_of
    layer = QgsRasterLayer(class_map, "map")
    assert layer.renderer().type() == "paletted" and len(layer.renderer().classes()) == 256
    assert legend_of(layer, 1) == ()


def test_a_table_that_qgis_cannot_open(provider, class_map, tmp_path):
    """QGIS's own check of the parameters would call it a layer that is not there."""
    import processing

    path = tmp_path / "wide.tsv"
    path.write_text("lat\tlon\tref_class\n-23.515\t-44.998\t1\n", encoding="utf-16")
    assert processing.run("lulc:accuracyreport", {"MAP": class_map, "REFERENCE_FEATURES": str(path)})["N"] == 1


# ---------------------------------------------------------------- across 180 degrees


def test_polygons_in_metres_across_180_degrees(provider, vector, make_raster):
    """QGIS transforms corner by corner; the ring must not go round the other side of the earth."""
    import processing

    transform = from_origin(179, -15, 0.2, 0.2)
    path = make_raster("map.tif", np.full((1, 10, 10), 2, np.uint8), names=None, crs=4326, transform=transform)
    # UTM zone 60 south: 180 degrees lie at 822,000 m
    square = "POLYGON((812000 8200000,842000 8200000,842000 8300000,812000 8300000,812000 8200000))"
    layer = vector("Polygon", "ref_class:integer", [(square, 2)], crs="EPSG:32760")
    found = processing.run("lulc:accuracyreport", {"MAP": path, "REFERENCE_FEATURES": layer})
    assert (found["N"], found["OVERALL_ACCURACY"]) == (4, 1)


def test_points_that_count_longitudes_otherwise(provider, vector, make_raster):
    import processing

    path = make_raster(
        "map.tif", np.full((1, 10, 10), 2, np.uint8), names=None, crs=4326, transform=from_origin(179, -15, 0.2, 0.2)
    )
    layer = vector(
        "Point", "ref_class:integer", [(f"POINT({x} -15.5)", 2) for x in (179.5, -179.5, 180.5, 541)], crs="EPSG:4326"
    )
    found = processing.run("lulc:accuracyreport", {"MAP": path, "REFERENCE_FEATURES": layer})
    assert (found["N"], found["OVERALL_ACCURACY"]) == (4, 1)
