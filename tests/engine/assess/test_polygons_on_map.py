# SPDX-License-Identifier: GPL-3.0-or-later
"""Reference polygons at the map's pixels: by centre, each pixel once, conflicts left out and counted."""

import time

import numpy as np
import pytest
from affine import Affine

from lulc_plugin.assess import PolygonsOnMap, RasterInput, RasterOnMap, ReferenceFeature, cross
from lulc_plugin.progress import Progress
from lulc_plugin.raster import PixelRegion, Source, pixel_areas

GRID = Affine(30, 0, 500_000, 0, -30, 9_120_000)
#: no pixel centre lies on an edge
ODD = 0.137


def ring(points, transform=GRID):
    """Corners given as (column, row), closed, in the map's coordinates."""
    points = [*points, points[0]]
    return [[transform.a * c + transform.b * r + transform.c, transform.d * c + transform.e * r + transform.f]
            for c, r in points]  # fmt: skip


def box(row0, col0, row1, col1, transform=GRID):
    return ring([(col0, row0), (col1, row0), (col1, row1), (col0, row1)], transform)


def polygon(*rings, label=0, id="p"):
    return ReferenceFeature({"type": "Polygon", "coordinates": list(rings)}, label, id)


def multi(*parts, label=0, id="p"):
    return ReferenceFeature({"type": "MultiPolygon", "coordinates": [[part] for part in parts]}, label, id)


@pytest.fixture
def facts(raster):
    with Source(raster("grid.tif", np.zeros((1, 60, 80), "uint8"))) as source:
        return source.facts


def read(polygons, facts, rows=None, cols=None):
    """Both layers put together from windows of `rows` × `cols`; −1 where they are not valid."""
    labels, ids = np.full((facts.height, facts.width), -7), np.full((facts.height, facts.width), -7)
    for r in range(0, facts.height, rows or facts.height):
        for c in range(0, facts.width, cols or facts.width):
            region = PixelRegion(r, min(r + (rows or 9999), facts.height), c, min(c + (cols or 9999), facts.width))
            place = (slice(region.row0, region.row1), slice(region.col0, region.col1))
            for layer, out in ((polygons.labels, labels), (polygons.ids, ids)):
                values, valid = layer.read(region)
                out[place] = np.where(valid, values, -1)
    return labels, ids


@pytest.mark.parametrize("west", [178, -182, -180, 0])
@pytest.mark.parametrize("turn", [-360, 0, 360])
def test_longitudes_from_anywhere(raster, west, turn):
    """One polygon across 180 degrees, and one in two parts, as GeoJSON wants it."""
    width = 360 if west in (-180, 0) else 4
    degrees = Affine(1, 0, west, 0, -1, 10)
    with Source(raster("degrees.tif", np.zeros((1, 4, width), "uint8"), transform=degrees, crs="EPSG:4326")) as source:
        facts = source.facts

    def square(x0, x1, top):
        return [[x + turn, y] for x, y in ((x0, top), (x1, top), (x1, top - 1), (x0, top - 1), (x0, top))]

    features = [polygon(square(179, 181, 9)), multi(square(179, 180, 7), square(-180, -179, 7), label=1)]
    labels, _ = read(PolygonsOnMap(features, [0, 1], facts), facts)
    longitudes = (degrees.c + np.arange(width) + 0.5) % 360
    for row, label in ((1, 0), (3, 1)):
        assert sorted(longitudes[labels[row] == label]) == [179.5, 180.5]
    assert (labels[[0, 2]] == -1).all()


def test_a_pixel_belongs_to_a_polygon_when_its_centre_lies_inside(facts):
    random = np.random.default_rng(0)
    for _ in range(20):
        corners = random.uniform(-10, 90, (3, 2))
        polygons = PolygonsOnMap([polygon(ring(corners))], [5], facts)
        labels, ids = read(polygons, facts)
        r, c = np.mgrid[:60, :80] + 0.5
        sides = [(b[0] - a[0]) * (r - a[1]) - (b[1] - a[1]) * (c - a[0])
                 for a, b in zip(corners, np.roll(corners, -1, axis=0))]  # fmt: skip
        inside = np.all([s > 0 for s in sides], axis=0) | np.all([s < 0 for s in sides], axis=0)
        np.testing.assert_array_equal(labels == 5, inside)
        np.testing.assert_array_equal(ids == 0, inside)
        assert polygons.pixels == inside.sum()


def test_holes(facts):
    labels, _ = read(PolygonsOnMap([polygon(box(5, 5, 30, 40), box(10, 10, 20, 20))], [0], facts), facts)
    assert (labels == 0).sum() == 25 * 35 - 100
    assert labels[15, 15] == -1


def test_parts_that_overlap_are_no_hole(facts):
    labels, _ = read(PolygonsOnMap([multi(box(5, 5, 20, 20), box(10, 10, 30, 30))], [0], facts), facts)
    assert labels[15, 15] == 0
    assert (labels == 0).sum() == 15 * 15 + 20 * 20 - 100


def test_the_same_class_counts_once_and_belongs_to_the_first(facts):
    features = [polygon(box(0, 0, 20, 20)), polygon(box(10, 10, 30, 30)), polygon(box(5, 5, 25, 25))]
    polygons = PolygonsOnMap(features, [1, 1, 1], facts)
    labels, ids = read(polygons, facts)
    assert (labels == 1).sum() == polygons.pixels
    assert polygons.conflicts == 0
    assert ids[15, 15] == 0
    assert ids[22, 22] == 1
    assert ids[22, 7] == 2


@pytest.mark.parametrize("labels", [(0, 1, 0), (1, 0, 1), (0, 1, 2), (2, 0, 0), (0, 0, 2)])
def test_different_classes_are_left_out_and_counted(facts, labels):
    """Also where the first and the last of three agree and the one between does not."""
    boxes = [(0, 0, 20, 20), (10, 10, 30, 30), (5, 5, 25, 25)]
    polygons = PolygonsOnMap([polygon(box(*b)) for b in boxes], labels, facts)
    got, ids = read(polygons, facts)
    want, conflicts = np.full((60, 80), -1), 0
    for r in range(60):
        for c in range(80):
            here = [k for k, b in enumerate(boxes) if b[0] <= r < b[2] and b[1] <= c < b[3]]
            if len({labels[k] for k in here}) > 1:
                conflicts += 1
            elif here:
                want[r, c] = labels[here[0]]
                assert ids[r, c] == here[0]
    np.testing.assert_array_equal(got, want)
    assert polygons.conflicts == conflicts > 0
    read(polygons, facts)
    assert polygons.conflicts == conflicts, "reading again counts nothing twice"


@pytest.mark.parametrize("size", [(7, 80), (60, 11), (13, 17)])
def test_windows_are_parts_of_the_whole(facts, size):
    random = np.random.default_rng(1)
    features = [polygon(ring(random.uniform(-10, 90, (5, 2)))) for _ in range(12)]
    labels = [k % 3 for k in range(12)]
    whole, parts = PolygonsOnMap(features, labels, facts), PolygonsOnMap(features, labels, facts)
    for a, b in zip(read(whole, facts), read(parts, facts, *size)):
        np.testing.assert_array_equal(a, b)
    assert whole.conflicts == parts.conflicts > 0
    assert whole.pixels == parts.pixels


@pytest.mark.parametrize(
    "transform",
    [
        Affine(30, 0, 500_000, 0, 30, 9_000_000),
        Affine.translation(5e5, 9e6) * Affine.rotation(40) * Affine.scale(30, -30),
    ],
)
def test_rotated_and_south_up_maps(raster, transform):
    with Source(raster("g.tif", np.zeros((1, 60, 80), "uint8"), transform=transform)) as source:
        facts = source.facts
    labels, _ = read(
        PolygonsOnMap([polygon(box(5 + ODD, 7 + ODD, 21 + ODD, 50 + ODD, transform))], [3], facts), facts, 9, 80
    )
    want = np.full((60, 80), -1)
    want[5:21, 7:50] = 3
    np.testing.assert_array_equal(labels, want)


def test_outside_the_map_and_smaller_than_a_pixel(facts):
    features = [polygon(box(500, 500, 510, 510)), polygon(box(3.6, 3.6, 3.9, 3.9)), polygon(box(3.4, 3.4, 3.6, 3.6))]
    _, ids = read(PolygonsOnMap(features, [0, 0, 0], facts), facts)
    assert (ids >= 0).sum() == 1
    assert ids[3, 3] == 2


@pytest.mark.parametrize(
    "geometry",
    [
        {"type": "Polygon", "coordinates": []},
        {"type": "Polygon", "coordinates": [[]]},
        {"type": "Polygon", "coordinates": [[[0, 0], [1, 1]]]},
        {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [0, 0], [1, 1]]]},
        {"type": "Polygon", "coordinates": [[[0, 0], [1, float("nan")], [1, 0], [0, 0]]]},
        {"type": "Polygon", "coordinates": [[[0, 0], [1, float("inf")], [1, 0], [0, 0]]]},
        {"type": "Polygon", "coordinates": [[[0, 0], [1, None], [1, 0], [0, 0]]]},
        {"type": "MultiPolygon", "coordinates": []},
        {"type": "Point", "coordinates": [1, 2]},
        {"type": "Polygon"},
        {},
    ],
)
def test_shapes_that_cannot_be_used_are_named(facts, geometry):
    features = [polygon(box(0, 0, 5, 5), id="good"), ReferenceFeature(geometry, 1, "bad")]
    polygons = PolygonsOnMap(features, [0, 1], facts)
    assert polygons.unusable == ("bad",)
    labels, _ = read(polygons, facts)
    assert (labels >= 0).sum() == 25


def test_heights_do_not_matter(facts):
    solid = [[[x, y, 812.5] for x, y in box(0, 0, 5, 5)]]
    labels, _ = read(
        PolygonsOnMap([ReferenceFeature({"type": "Polygon", "coordinates": solid}, 1, "z")], [0], facts), facts
    )
    assert (labels == 0).sum() == 25


def test_no_polygons(facts):
    polygons = PolygonsOnMap([], [], facts)
    assert (read(polygons, facts)[0] == -1).all()


def test_crossed_with_a_map(raster):
    """Counts of pixels by map class, reference class and polygon; the map's own total stays whole."""
    values = np.random.default_rng(2).integers(0, 4, (1, 60, 80)).astype("uint8")
    features = [polygon(box(0, 0, 20, 20)), multi(box(10, 10, 30, 30), box(40, 3, 50, 70)), polygon(box(5, 60, 9, 70))]
    with RasterOnMap(RasterInput(raster("m.tif", values, nodata=0))) as first:
        f = first.facts
        polygons = PolygonsOnMap(features, [7, 8, 7], f)
        table = cross([first, polygons.labels, polygons.ids], f, pixel_areas(f.grid), Progress(), threads=2, block=700)
    assert table.pixels.sum() == (values != 0).sum()
    assert polygons.conflicts == 100
    want = np.full((60, 80), -1)
    want[:20, :20], want[10:30, 10:30], want[40:50, 3:70], want[5:9, 60:70] = 0, 1, 1, 2
    want[10:20, 10:20] = -1
    for (m, label, owner), valid, n, area in zip(table.values, table.valid, table.pixels, table.area):
        here = (values[0] == m) & (want == (owner if valid[1] else -1))
        assert n == here.sum()
        assert area == pytest.approx(900 * n)
        assert not valid[1] or label == (7, 8, 7)[owner]
    assert len(table.pixels) == 3 * 4


def test_many_polygons_on_a_large_map_stay_cheap(raster):
    with Source(raster("g.tif", np.zeros((1, 4000, 4000), "uint8"), tiled=True)) as source:
        facts = source.facts
    random = np.random.default_rng(3)
    places = random.uniform(0, 3990, (20_000, 2))
    started = time.perf_counter()
    polygons = PolygonsOnMap([polygon(box(r, c, r + 6, c + 6)) for r, c in places], [0] * 20_000, facts)
    for row in range(0, 4000, 500):
        polygons.ids.read(PixelRegion(row, row + 500, 0, 4000))
    assert time.perf_counter() - started < 10
