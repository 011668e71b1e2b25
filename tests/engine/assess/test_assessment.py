# SPDX-License-Identifier: GPL-3.0-or-later
"""From layers to figures: designs, strata, classes, areas. Statistics themselves: test_accuracy_examples.py."""

import json
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin

from lulc_plugin.assess import AssessJob, Cause, FeatureInput, Options, Outputs, RasterInput, ReferenceFeature, assess
from lulc_plugin.errors import LulcError
from lulc_plugin.legend import LegendClass
from lulc_plugin.options import option
from lulc_plugin.progress import Progress
from lulc_plugin.raster import open_dataset
from lulc_plugin.report.accuracy import correction_sentence, design_sentence, json_object

RNG = np.random.default_rng(5)


class Listener(Progress):
    """Keeps what was said."""

    def __init__(self):
        super().__init__()
        self.lines = []

    def _show_log(self, text):
        self.lines.append(text)

    def _show_warning(self, text):
        self.lines.append(f"warning: {text}")


@pytest.fixture
def make(tmp_path):
    """A function that writes a class raster of 10 m in UTM and returns it as an input."""

    def write(values, name="map.tif", nodata=0, crs="EPSG:32633", transform=None, names=None):
        values = np.asarray(values)
        path = tmp_path / name
        transform = transform or from_origin(500000, 5000000, 10, 10)
        with open_dataset(path, "w", driver="GTiff", height=values.shape[0], width=values.shape[1], count=1,
                          dtype=values.dtype, crs=crs, transform=transform, nodata=nodata) as made:  # fmt: skip
            made.write(values, 1)
            if names:
                made.update_tags(LULC_CLASSES=json.dumps({str(k): v for k, v in names.items()}))
        return RasterInput(str(path))

    return write


def points(table, **more):
    """Points at pixel centres of the map: (row, col, label, stratum, stratum_px) each."""
    features = []
    for i, (row, col, label, *rest) in enumerate(table):
        x, y = 500000 + 10 * (col + 0.5), 5000000 - 10 * (row + 0.5)
        keys = dict(zip(("stratum", "stratum_px", "stratum_ha"), rest))
        features.append(ReferenceFeature({"type": "Point", "coordinates": (x, y)}, label, str(i), **keys))
    return FeatureInput(features, "points", "points", "ref_class", **more)


def run(map_input, reference=None, features=None, progress=None, outputs=None, **options):
    job = AssessJob((map_input,), reference, features, Options(**options), outputs or Outputs())
    return assess(job, progress or Progress())


# ---------------------------------------------------------------- rasters


def test_rows_are_the_map_in_a_census(make):
    """A constant map fills one row, whatever the reference says."""
    reference = np.array([[1, 1, 2, 2, 3, 3]], np.uint8)
    result = run(make(np.ones((1, 6), np.uint8)), make(reference, "r.tif"))
    assert result.estimates.counts.tolist() == [[2, 2, 2], [0, 0, 0], [0, 0, 0]]
    assert result.estimates.design == "census"
    assert result.estimates.users[0].value == pytest.approx(1 / 3)
    assert result.estimates.producers[0].value == 1
    assert result.estimates.kappa.value == 0
    assert result.estimates.overall.low is None and result.estimates.overall.reason.cause is Cause.CENSUS
    assert any("no design-based interval" in w for w in result.context.warnings)


def test_an_asymmetric_matrix(make):
    m = np.array([[1, 1, 1, 2, 2, 3]], np.uint8)
    r = np.array([[1, 2, 2, 2, 3, 3]], np.uint8)
    result = run(make(m), make(r, "r.tif"))
    assert result.estimates.counts.tolist() == [[1, 2, 0], [0, 1, 1], [0, 0, 1]]


def test_a_sparse_raster_is_descriptive_and_says_so(make):
    m = np.ones((10, 10), np.uint8)
    r = np.zeros((10, 10), np.uint8)
    r[:2] = 1
    result = run(make(m), make(r, "r.tif"))
    assert result.estimates.design == "descriptive"
    assert "20 % of the map" in design_sentence(result)
    assert result.context.compared == 20 and result.map_pixels == 100
    with pytest.raises(LulcError, match="20 % of the valid map pixels.*20 of 100"):
        run(make(m), make(r, "r.tif"), design="census")
    sample = run(make(m), make(r, "r.tif"), design="simple")
    assert sample.estimates.overall.method == "conservative"
    published = run(make(m), make(r, "r.tif"), design="simple", interval="standard")
    assert published.estimates.overall.method == "wilson"
    assert sample.estimates.fpc and "20.00%" in correction_sentence(sample.estimates.correction)


def test_map_nodata_is_not_compared_and_zero_can_be_a_class(make):
    m = np.array([[0, 0, 1, 255]], np.uint8)
    r = np.array([[0, 1, 1, 1]], np.uint8)
    result = run(make(m, nodata=255), make(r, "r.tif", nodata=None))
    assert [c.value for c in result.classes] == [0, 1]
    assert result.estimates.counts.tolist() == [[1, 1], [0, 1]]
    assert result.map_pixels == 3


def test_areas_of_a_census_in_hectares(make):
    m = np.array([[1, 1, 1, 2]], np.uint8)
    r = np.array([[1, 2, 2, 2]], np.uint8)
    result = run(make(m), make(r, "r.tif"))
    assert [a.mapped for a in result.areas] == [300, 100]  # square metres
    assert [a.adjusted.value for a in result.areas] == pytest.approx([100, 300])
    assert result.map_area == 400


def test_geographic_maps_count_by_area(make):
    """Rows towards the pole are smaller; where they differ by more than 5 %, shares are shares of the area."""
    m = np.array([[1], [1]], np.uint8)
    r = np.array([[1], [2]], np.uint8)
    transform = from_origin(10, 70, 1, 30)  # cells 40–70 N and 10–40 N
    result = run(make(m, crs="EPSG:4326", transform=transform), make(r, "r.tif", crs="EPSG:4326", transform=transform))
    sin = np.sin(np.radians([70, 40, 10]))
    sphere = (sin[0] - sin[1]) / (sin[0] - sin[2])
    assert result.estimates.overall.value == pytest.approx(sphere, rel=0.01)
    assert result.sample.overall == 0.5
    assert "area of its pixel" in design_sentence(result)


def test_a_map_that_is_no_class_map(make):
    m = (np.arange(2500).reshape(50, 50) + 1).astype(np.uint16)
    with pytest.raises(LulcError, match="more than 1,000 distinct values"):
        run(make(m), make(m, "r.tif"))
    with pytest.raises(LulcError, match=r"37\.42.*not a class map"):
        run(make(np.full((2, 2), 37.42, np.float64), nodata=None), make(np.ones((2, 2), np.uint8), "r.tif"))


def test_nothing_in_common(make):
    m, r = np.ones((4, 4), np.uint8), np.zeros((4, 4), np.uint8)
    with pytest.raises(LulcError, match="No reference pixel lies on a valid map pixel"):
        run(make(m), make(r, "r.tif"))
    with pytest.raises(LulcError, match="does not meet"):
        run(make(m), make(m, "r.tif", transform=from_origin(900000, 5000000, 10, 10)))


def test_unknown_reference_values(make):
    m = np.array([[1, 1, 2, 2]], np.uint8)
    r = np.array([[1, 1, 2, 9]], np.uint8)
    result = run(make(m), make(r, "r.tif"))
    assert result.estimates.overall.value == 0.75
    assert result.context.unknown == ((9, 1),)
    assert not result.classes[2].known
    result = run(make(m), make(r, "r.tif"), unknown="exclude")
    assert result.estimates.overall.value == 1
    assert ("with a reference class that the legend does not have", 1) in result.context.excluded
    with pytest.raises(LulcError, match="9"):
        run(make(m), make(r, "r.tif"), unknown="stop")


def test_class_table_joins_two_legends(make):
    m = np.array([[1, 2, 3, 3]], np.uint8)
    r = np.array([[10, 10, 30, 10]], np.uint8)
    table = ((1, 10), (2, 10), (3, 30))
    result = run(make(m, names={1: "Pine", 2: "Oak", 3: "Sea"}), make(r, "r.tif"), class_table=table)
    assert [c.name for c in result.classes] == ["Pine + Oak", "Sea"]
    assert result.estimates.counts.tolist() == [[2, 0], [1, 1]]


# ---------------------------------------------------------------- points


MAP = np.repeat(np.array([[1] * 8 + [2] * 2], np.uint8), 10, axis=0)  # 80 and 20 pixels
SAMPLE = [(r, 0, 1) for r in range(4)] + [(4, 0, 2)] + [(r, 9, 2) for r in range(4)] + [(4, 9, 1)]


def test_points_of_unknown_origin_get_no_interval(make):
    result = run(make(MAP), features=points(SAMPLE))
    assert result.estimates.design == "descriptive"
    assert f"Choose {option('design', 'simple')} if they were drawn at random." in design_sentence(result)
    assert result.estimates.overall.low is None
    assert all(a.adjusted.value is None for a in result.areas)


def test_stratified_by_the_maps_classes(make):
    result = run(make(MAP), features=points(SAMPLE), design="stratified")
    assert result.estimates.overall.value == pytest.approx(0.8 * 0.8 + 0.2 * 0.8)
    assert result.estimates.area_shares[0].value == pytest.approx(0.8 * 0.8 + 0.2 * 0.2)
    assert [s.size for s in result.context.strata] == [80, 20]
    assert result.areas[0].adjusted.value == pytest.approx(0.68 * 10000)
    assert result.sample.overall == 0.8  # bare counts stand apart


def test_a_stratified_sample_declared_simple_is_suspected(make):
    many = [(r, c, 1) for r in range(10) for c in range(2)] + [(r, c, 2) for r in range(10) for c in (8, 9)]
    result = run(make(MAP), features=points(many), design="simple")
    assert "looks like a stratified sample" in result.context.warnings[0]
    even = [(r, c, 1) for r in range(10) for c in range(8)] + [(r, c, 2) for r in range(10) for c in (8, 9)]
    result = run(make(MAP), features=points(even), design="simple")
    assert not any("stratified" in w for w in result.context.warnings)


def test_our_own_sample_needs_no_setting(make):
    table = [(r, c, label, 1 if c == 0 else 2, 80 if c == 0 else 20) for r, c, label in SAMPLE]
    result = run(make(MAP), features=points(table))
    assert result.estimates.design == "stratified"
    assert "have their strata" in design_sentence(result)
    assert result.estimates.overall.value == pytest.approx(0.8)


def test_a_sample_of_an_older_map_keeps_its_strata(make):
    """The map was made anew after the points were drawn: weights are those of the strata, not of the new map."""
    table = [(r, c, label, 1 if c == 0 else 2, 80 if c == 0 else 20) for r, c, label in SAMPLE]
    new = MAP.copy()
    new[0, 0] = 2
    result = run(make(new), features=points(table))
    assert result.estimates.overall.value == pytest.approx(0.8 * 0.6 + 0.2 * 0.8)
    assert any("1 of 10 units lie on another map class than the stratum" in w for w in result.context.warnings)


def test_strata_from_a_raster(make):
    strata = np.repeat(np.array([[7] * 5 + [8] * 5], np.uint8), 10, axis=0)
    result = run(make(MAP), features=points(SAMPLE), strata=make(strata, "s.tif"))
    assert result.estimates.design == "stratified"
    assert [(s.name, s.size, s.units) for s in result.context.strata] == [("7", 50, 5), ("8", 50, 5)]
    assert result.estimates.overall.value == pytest.approx(0.8)
    with pytest.raises(LulcError, match="no reference unit"):
        run(make(MAP), features=points(SAMPLE[:5]), strata=make(strata, "s.tif"))


def test_missing_strata(make):
    map_input = make(MAP, names={1: "Land", 2: "Sea"})
    with pytest.raises(LulcError, match=r"Sea \(2\); 20.0 % of the area"):
        run(map_input, features=points(SAMPLE[:5]), design="stratified")
    result = run(map_input, features=points(SAMPLE[:5]), design="stratified", missing_strata="restrict")
    assert "describe 80.0 % of the map" in result.context.warnings[0]
    assert design_sentence(result).startswith("These figures describe 80.0 % of the map (without a reference")
    land, sea = result.areas
    assert (land.mapped, sea.mapped) == (8000, 0)  # the same part of the map as the adjusted ones
    assert land.adjusted.value + sea.adjusted.value == pytest.approx(8000)
    result = run(map_input, features=points(SAMPLE[:4]), design="stratified", missing_strata="restrict")
    assert result.areas[1].adjusted.value is None and result.areas[1].adjusted.reason.cause is Cause.STRATUM_DROPPED


def test_strata_that_cover_a_part_of_the_map(make):
    strata = np.zeros(MAP.shape, np.uint8)
    strata[:, 8:] = 7
    result = run(make(MAP), features=points(SAMPLE), strata=make(strata, "s.tif"))
    assert result.context.compared == 5 and ("without a stratum", 5) in result.context.excluded
    assert design_sentence(result).startswith("These figures describe 20.0 % of the map (the rest lies in none")
    assert [a.mapped for a in result.areas] == [0, 2000]
    assert sum(a.adjusted.value for a in result.areas) == pytest.approx(2000)


def test_a_sample_of_a_part_of_the_map(make):
    """Drawn on a clip, reported on the larger map."""
    table = [(r, c, label, 1 if c == 0 else 2, 40 if c == 0 else 10) for r, c, label in SAMPLE]
    result = run(make(MAP), features=points(table))
    assert design_sentence(result).startswith("These figures describe 50.0 % of the map")
    assert sum(a.adjusted.value for a in result.areas) == pytest.approx(5000)
    assert result.areas[0].mapped is None  # where the sampled part lies is not known
    first = json_object(result)["classes"][0]["area"]
    assert first["mapped"] is None and first["bias"] is None and first["adjusted"]["value"] > 0


def test_strata_have_no_effect_on_other_designs(make):
    strata = np.zeros(MAP.shape, np.uint8)
    strata[:, 8:] = 7
    for features, design in ((points(SAMPLE), "simple"), (None, "census")):
        reference = make(MAP, "r.tif") if features is None else None
        result = run(make(MAP), reference, features, strata=make(strata, "s.tif"), design=design)
        assert result.context.compared == (100 if features is None else 10)
        assert any(f"{option('strata')} has no effect" in w for w in result.context.warnings)


def test_options_without_effect_are_told(make):
    result = run(make(MAP), make(MAP, "r.tif"), poststratify=True, interval="wilson")
    assert any(f"{option('poststratify')} has no effect" in w for w in result.context.warnings)


def test_our_sample_declared_simple(make):
    table = [(r, c, label, 1 if c == 0 else 2, 80 if c == 0 else 20) for r, c, label in SAMPLE]
    result = run(make(MAP), features=points(table), design="simple")
    assert "points carry the strata of a stratified sample" in result.context.warnings[0]


def test_nobody_labelled_anything(make):
    with pytest.raises(
        LulcError, match="None of the 2 points of points has a class in the field ref_class. Label them"
    ):
        run(make(MAP), features=points([(0, 0, None), (1, 1, "")]))


def test_an_area_weighted_sample_counts_once(make):
    """In degrees our sample is drawn by area; a raster of the same strata must not weigh it again."""
    transform = from_origin(10, 70, 0.5, 3)
    m = MAP.copy()
    m[:, 0] = 2
    features = []
    for i, (row, col) in enumerate((r, c) for r in range(10) for c in (0, 3, 9)):
        place = {"type": "Point", "coordinates": (10 + 0.5 * (col + 0.5), 70 - 3 * (row + 0.5))}
        stratum = int(m[row, col])
        features.append(
            ReferenceFeature(place, 1 if row > 4 else 2, str(i), stratum, None, {1: 5e7, 2: 3e7}[stratum], "area")
        )
    layer = FeatureInput(features, "points", "points", "ref_class")
    options = {"crs": "EPSG:4326", "transform": transform}
    with_raster = run(make(m, **options), features=layer, strata=make(m, "s.tif", **options))
    assert with_raster.context.strata[0].unit == "m²"
    assert "area of its pixel" not in design_sentence(with_raster)


def test_outputs_never_replace_inputs(make, tmp_path):
    from lulc_plugin.report.accuracy import assess_and_report

    map_input, reference = make(MAP), make(MAP, "r.tif")
    table = tmp_path / "t.csv"
    table.write_text("map,reference\n1,1\n")
    for path in (map_input.path, reference.path, str(table)):
        before = open(path, "rb").read()
        options = Options(class_table_file=str(table))
        job = AssessJob((map_input,), reference, None, options, Outputs(csv=Path(path)))
        with pytest.raises(LulcError, match="that this run reads"):
            assess_and_report(job, Progress())
        assert open(path, "rb").read() == before


def test_strata_of_unknown_size(make):
    table = [(r, c, label, "north") for r, c, label in SAMPLE]
    with pytest.raises(LulcError, match="size of 1 stratum in the field of the strata is not known: north"):
        run(make(MAP), features=points(table, stratum_field="zone"))


def test_strata_by_class_name(make):
    table = [(r, c, label, "land" if c == 0 else "SEA") for r, c, label in SAMPLE]
    result = run(make(MAP, names={1: "Land", 2: "Sea"}), features=points(table, stratum_field="zone"))
    assert [s.size for s in result.context.strata] == [80, 20]


def test_a_field_called_stratum_is_not_enough(make):
    """Hand-picked points of a botanist have a stratum, too: no intervals without the sizes of our own samples."""
    table = [(r, c, label, 1 + i % 3) for i, (r, c, label) in enumerate(SAMPLE)]
    result = run(make(MAP), features=points(table))
    assert result.estimates.design == "descriptive" and result.estimates.overall.low is None
    result = run(make(MAP), features=points(table), design="stratified")
    assert [s.size for s in result.context.strata] == [80, 20]


def test_sizes_that_contradict_each_other(make):
    table = [(0, 0, 1, 1, 80), (1, 0, 1, 1, 81)]
    with pytest.raises(LulcError, match="different sizes in stratum_px: 80 and 81"):
        run(make(MAP), features=points(table))


def test_points_that_cannot_be_used_are_counted(make):
    m = MAP.copy()
    m[9] = 0
    table = [*SAMPLE, (9, 0, 1), (50, 0, 1), (0, 5, None), (0, 6, "")]
    listener = Listener()
    result = run(make(m), features=points(table), progress=listener)
    assert dict(result.context.excluded) == {"outside the map": 1, "on nodata of the map": 1}
    assert result.context.unlabelled == 2
    assert any("no class in the field ref_class" in w for w in result.context.warnings)
    assert any("ids 10, 11" in line for line in listener.lines)


def test_no_point_on_the_map(make):
    with pytest.raises(
        LulcError, match="No reference point lies on a valid map pixel .0 of 2: 1 without a class, 1 outs"
    ):
        run(make(MAP), features=points([(50, 0, 1), (0, 0, None)]))


def test_points_in_one_pixel(make):
    result = run(make(MAP), features=points([*SAMPLE, (0, 0, 2)]))
    assert any("2 points share 1 map pixels" in w for w in result.context.warnings)
    assert any("point 0: 1, point 10: 2" in w for w in result.context.warnings)
    assert result.context.compared == 11


def test_names_as_labels(make):
    named = [(r, c, {1: "land", 2: " Sea "}[label]) for r, c, label in SAMPLE]
    result = run(make(MAP, names={1: "Land", 2: "Sea"}), features=points(named))
    assert result.estimates.counts.tolist() == [[4, 1], [1, 4]]
    with pytest.raises(LulcError, match="None of the 2 .*Sea, land. The map has: 1, 2"):
        run(make(MAP, "nameless.tif"), features=points(named))


def test_poststratified(make):
    result = run(make(MAP), features=points(SAMPLE), design="simple", poststratify=True)
    assert result.estimates.overall.value == pytest.approx(0.8)
    assert result.estimates.area_shares[0].value == pytest.approx(0.68)
    assert "Post-stratified" in design_sentence(result)


# ---------------------------------------------------------------- polygons


def square(row, col, size, label, name):
    x, y = 500000 + 10 * col, 5000000 - 10 * row
    ring = [(x, y), (x + 10 * size, y), (x + 10 * size, y - 10 * size), (x, y - 10 * size), (x, y)]
    return ReferenceFeature({"type": "Polygon", "coordinates": [ring]}, label, name)


def test_polygons_are_clusters(make):
    squares = [square(r, c, 2, 1 if c < 8 else 2, f"{r}-{c}") for r in range(0, 10, 2) for c in (0, 3, 8)]
    layer = FeatureInput(squares, "polygons", "polygons", "class")
    result = run(make(MAP), features=layer)
    assert result.estimates.design == "descriptive"
    assert result.context.compared == 60
    assert any("60 pixels in 15 polygons" in w for w in result.context.warnings)
    assert result.estimates.overall.low is None
    result = run(make(MAP), features=layer, design="polygons")
    assert result.estimates.overall.value == 1
    with pytest.raises(LulcError, match="design=simple does not go with polygons"):
        run(make(MAP), features=layer, design="simple")


def test_polygons_of_different_classes_that_overlap(make):
    layer = FeatureInput(
        [square(0, 0, 2, 1, "a"), square(1, 1, 2, 2, "b"), square(0, 0, 1, 1, "c")], "polygons", "p", "c"
    )
    result = run(make(MAP), features=layer)
    assert result.context.compared == 6
    assert ("in polygons of different classes (map nodata included)", 1) in result.context.excluded


def test_polygons_that_do_not_count_are_told_for_what_they_are(make):
    m = MAP.copy()
    m[9] = 0
    tiny = square(4, 4, 0.3, 1, "tiny")
    line = ReferenceFeature({"type": "Polygon", "coordinates": [[(500000, 5000000), (500010, 5000000)]]}, 1, "line")
    named = [
        square(0, 0, 3, 1, "whole"), square(0, 0, 3, 1, "copy"), square(1, 1, 1, 1, "inside"),
        square(2, 8, 1, 1, "of another"), square(2, 8, 1, 2, "class"), tiny, square(50, 50, 2, 1, "far"),
        square(9, 3, 1, 1, "empty"), line, square(5, 5, 1, None, "unlabelled"),
    ]  # fmt: skip
    result = run(make(m), features=FeatureInput(named, "polygons", "p", "c"))
    assert result.context.compared == 9 and result.context.unlabelled == 1
    said = [w for w in result.context.warnings if " of 9 polygons" in w or "of 10" in w]
    for number, words, ids in (
        (2, "lie wholly under other polygons of their class", "copy, inside"),
        (2, "share all their pixels with polygons of another class", "of another, class"),
        (1, "hold no centre of a map pixel", "tiny"),
        (1, "lie outside the map", "far"),
        (1, "lie on nodata of the map", "empty"),
        (1, "have no usable shape", "line"),
        (1, "are copies of others", "copy"),
    ):
        assert any(f"{number} of 9 polygons {words}" in w and f" {ids})" in w for w in said), words
    assert any("1 of 10 polygons have no class in the field c" in w for w in said)


def test_polygons_of_which_none_counts(make):
    small = FeatureInput([square(4, 4, 0.3, 1, "a"), square(50, 50, 2, 1, "b")], "polygons", "p", "c")
    with pytest.raises(LulcError, match="1 of 2 polygons lie outside.*1 of 2 polygons hold no centre"):
        run(make(MAP), features=small)


def test_points_that_are_there_twice(make):
    twice = [*SAMPLE, SAMPLE[0], SAMPLE[0], (0, 0, 2)]
    result = run(make(MAP), features=points(twice))
    (said,) = [w for w in result.context.warnings if "copies of others" in w]
    assert said.startswith("2 points are copies") and "ids 10, 11)" in said
    assert result.context.compared == 13
    assert not any("copies" in w for w in run(make(MAP), features=points(SAMPLE)).context.warnings)


# ---------------------------------------------------------------- disagreement


def test_disagreement_raster(make, tmp_path):
    from lulc_plugin.report.accuracy import assess_and_report

    m = np.array([[1, 1, 2, 0, 5]], np.uint8)
    r = np.array([[1, 2, 2, 2, 9]], np.uint8)
    map_input, reference = make(m, names={1: "Land", 2: "Sea", 5: "Ice"}), make(r, "r.tif")
    outputs = Outputs(disagreement=tmp_path / "d.tif", json=tmp_path / "a.json")
    result = assess_and_report(AssessJob((map_input,), reference, None, Options(), outputs), Progress())
    k = len(result.classes)
    assert k == 4
    with rasterio.open(tmp_path / "d.tif") as made:
        assert made.dtypes == ("uint16",) and made.nodata == 0
        assert made.read(1).tolist() == [[0 * k + 0 + 1, 0 * k + 1 + 1, 1 * k + 1 + 1, 0, 2 * k + 3 + 1]]
    style = (tmp_path / "d.qml").read_text()
    assert "map Land, reference Sea" in style and "Land: agrees" in style
    assert json.loads((tmp_path / "a.json").read_text())["overall_accuracy"]["value"] == pytest.approx(0.5)


def test_errors_have_the_hue_of_the_maps_class(make):
    from lulc_plugin.assess import legend_of

    m, r = np.array([[1, 1, 2, 2]], np.uint8), np.array([[1, 2, 1, 2]], np.uint8)
    named = (LegendClass(1, "Sea", "#0000FF"), LegendClass(2, "Grey", "#888888"))
    map_input = RasterInput(make(m).path, classes=named)
    colours = {c.value: c.rgb for c in legend_of(run(map_input, make(r, "r.tif"))).classes}
    assert colours[2][2] > max(colours[2][:2])  # sea that is none: blue
    assert len(set(colours[3])) > 1  # a grey class: still no grey, which says that the two agree
    assert colours[1] == colours[4] == (0xE6, 0xE6, 0xE6)
