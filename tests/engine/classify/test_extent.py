# SPDX-License-Identifier: GPL-3.0-or-later
"""EXTENT: the map of a part is that part of the map of the whole, bit for bit."""

import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import HealthCheck, given, settings, strategies as st

from lulc_plugin.errors import LulcError
from lulc_plugin.raster import Source

UTM = Affine(30, 0, 500_000, 0, -30, 9_120_000)
ROWS, COLS = 210, 190


def bounds(transform, region):
    """Extent of pixels (row0, row1, col0, col1)."""
    row0, row1, col0, col1 = region
    corners = [transform * (c, r) for c in (col0, col1) for r in (row0, row1)]
    xs, ys = zip(*corners)
    return min(xs), min(ys), max(xs), max(ys)


@pytest.fixture
def whole(raster, network, classify, scene):
    layer = raster("a.tif", scene(ROWS, COLS))
    net = network("context")
    return layer, net, classify(layer, net).values


def regions():
    return st.tuples(
        st.integers(0, ROWS - 1), st.integers(1, ROWS), st.integers(0, COLS - 1), st.integers(1, COLS)
    ).filter(lambda t: t[0] < t[1] and t[2] < t[3])


@given(regions())
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_map_of_a_part_is_the_part_of_the_map(whole, classify, region):
    layer, net, values = whole
    row0, row1, col0, col1 = region
    made = classify(layer, net, extent=bounds(UTM, region))
    np.testing.assert_array_equal(made.values, values[row0:row1, col0:col1])


@pytest.mark.parametrize(
    "region",
    [(0, 1, 0, 1), (ROWS - 1, ROWS, COLS - 1, COLS), (0, 10, 0, COLS), (ROWS - 3, ROWS, 0, COLS), (0, ROWS, 0, 2),
     (60, 61, 60, 61), (47, 49, 0, COLS), (0, ROWS, 0, COLS)],
)  # fmt: skip
def test_parts_at_the_edges_and_on_window_borders(whole, classify, region):
    layer, net, values = whole
    row0, row1, col0, col1 = region
    made = classify(layer, net, extent=bounds(UTM, region))
    np.testing.assert_array_equal(made.values, values[row0:row1, col0:col1])
    with rasterio.open(made.path) as out:
        assert out.transform.almost_equals(UTM * Affine.translation(col0, row0), precision=1e-6)


def test_picture_statistics_come_from_the_whole_layer(raster, network, classify, scene):
    layer = raster("a.tif", scene(160, 150, dtype="uint8"))
    net = network("pixel")
    values = classify(layer, net).values
    made = classify(layer, net, extent=bounds(UTM, (100, 140, 5, 66)))
    np.testing.assert_array_equal(made.values, values[100:140, 5:66])


def test_nodata_in_the_part(raster, network, classify, scene):
    image = scene(120, 120)
    image[:, 30:70, 30:70] = 0
    layer = raster("a.tif", image, nodata=0)
    net = network("context")
    values = classify(layer, net).values
    made = classify(layer, net, extent=bounds(UTM, (40, 90, 20, 60)))
    np.testing.assert_array_equal(made.values, values[40:90, 20:60])


def region_of(layer, extent):
    with Source(layer) as source:
        region = source.facts.region_of(extent)
    return region.row0, region.row1, region.col0, region.col1


def test_snaps_outward(raster, scene):
    layer = raster("a.tif", scene(20, 20))
    west, south, east, north = bounds(UTM, (5, 8, 3, 9))
    assert region_of(layer, (west - 1, south - 1, east + 1, north + 1)) == (4, 9, 2, 10)
    assert region_of(layer, (west + 1, south + 1, east - 1, north - 1)) == (5, 8, 3, 9)


def test_one_point_of_a_pixel_is_the_pixel(raster, scene):
    layer = raster("a.tif", scene(20, 20))
    x, y = UTM * (7.5, 3.5)
    assert region_of(layer, (x, y, x + 0.01, y + 0.01)) == (3, 4, 7, 8)


@given(regions(), st.floats(-1e-9, 1e-9))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_float_noise_on_pixel_edges_adds_no_pixel(raster, region, noise):
    degrees = Affine(0.0002694945852358564, 0, -34.90313467, 0, -0.0002694945852358564, -8.01234567)
    layer = raster("d.tif", np.zeros((1, ROWS, COLS), np.uint8), crs="EPSG:4326", transform=degrees)
    extent = tuple(v * (1 + 1e-15) + noise for v in bounds(degrees, region))
    assert region_of(layer, extent) == region


def test_larger_than_the_layer_is_the_layer(raster, scene):
    layer = raster("a.tif", scene(20, 25))
    assert region_of(layer, (-1e7, -1e7, 1e8, 1e8)) == (0, 20, 0, 25)


@pytest.mark.parametrize("huge", [1e300, 1.7e308])
def test_absurdly_large_extents(raster, huge):
    degrees = Affine(1e-4, 0, 10, 0, -1e-4, 50)
    layer = raster("d.tif", np.zeros((1, 20, 25), np.uint8), crs="EPSG:4326", transform=degrees)
    assert region_of(layer, (-huge, -huge, huge, huge)) == (0, 20, 0, 25)


def test_outside_is_refused_with_the_numbers_of_both(raster, network, classify, scene):
    layer = raster("a.tif", scene(20, 20))
    with pytest.raises(LulcError) as caught:
        classify(layer, network(), extent=(-35.0, -8.1, -34.9, -8.0))
    assert "-34.9" in str(caught.value)
    assert "500600" in str(caught.value)
    assert "coordinate system" in caught.value.remedy


@pytest.mark.parametrize("extent", [(1, 2, 1, 3), (5, 2, 1, 3), (0, 0, float("nan"), 1), (0, 0, float("inf"), 1)])
def test_empty_extents_are_refused(raster, scene, extent):
    layer = raster("a.tif", scene(20, 20))
    with pytest.raises(LulcError, match="is empty"):
        region_of(layer, extent)


def test_touching_the_layer_only_with_its_border_is_outside(raster, scene):
    layer = raster("a.tif", scene(20, 20))
    west, south, east, north = bounds(UTM, (0, 20, 0, 20))
    with pytest.raises(LulcError, match="does not meet"):
        region_of(layer, (east, south, east + 100, north))


SOUTH_UP = Affine(30, 0, 500_000, 0, 30, 9_000_000)
ROTATED = Affine.translation(500_000, 9_120_000) * Affine.rotation(30) * Affine.scale(30, -30)


@pytest.mark.parametrize("transform", [SOUTH_UP, ROTATED], ids=["south-up", "rotated"])
def test_other_transforms_pass_through(raster, network, classify, scene, transform):
    image = scene(100, 90)
    layer = raster("a.tif", image, transform=transform)
    net = network("context")
    values = classify(layer, net).values
    reference = classify(raster("b.tif", image), net).values
    np.testing.assert_array_equal(values, reference)
    extent = bounds(transform, (20, 60, 10, 50))
    made = classify(layer, net, extent=extent)
    with rasterio.open(made.path) as out:
        offset = ~transform * (out.transform.c, out.transform.f)
        col0, row0 = (round(v) for v in offset)
        assert offset == pytest.approx((col0, row0), abs=1e-6)
        assert out.transform.almost_equals(transform * Affine.translation(col0, row0), precision=1e-6)
    assert row0 <= 20 and col0 <= 10
    assert row0 + out.height >= 60 and col0 + out.width >= 50
    np.testing.assert_array_equal(made.values, values[row0 : row0 + out.height, col0 : col0 + out.width])
