# SPDX-License-Identifier: GPL-3.0-or-later
"""Pixels of a grid and coordinates: there and back, on grids that are rotated, south-up or far from their origin."""

import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import given, strategies as st
from rasterio.crs import CRS
from rasterio.warp import transform

from lulc_plugin.raster import GeoGrid, PixelRegion, circle_of

UTM = CRS.from_epsg(32725)
NORTH_UP = Affine(30, 0, 500_000, 0, -30, 9_120_000)
TRANSFORMS = {
    "north-up": NORTH_UP,
    "south-up": Affine(30, 0, 500_000, 0, 30, 9_120_000),
    "rotated": Affine.translation(5e5, 9.1e6) * Affine.rotation(31) * Affine.scale(30, -20),
    "sheared": Affine(29, 3.5, 500_050, -1.25, -31, 9_119_950),
    "degrees": Affine(0.00025, 0, -33.0005, 0, -0.00025, -7.9605),
}


@pytest.fixture(params=TRANSFORMS.values(), ids=TRANSFORMS)
def grid(request):
    return GeoGrid(UTM, request.param, (70, 90))


def test_shape(grid):
    assert (grid.height, grid.width) == (70, 90)
    assert grid.region == PixelRegion(0, 70, 0, 90)


def test_coordinates_are_those_of_the_transform(grid):
    for row, col in ((0, 0), (70, 90), (12.5, 3.25)):
        x, y = grid.coordinates(row, col)
        want = rasterio.transform.xy(grid.transform, row, col, offset="ul")
        assert (x, y) == pytest.approx(want, rel=1e-15)
    assert grid.centres(4, 7) == grid.coordinates(4.5, 7.5)


def test_coordinates_of_arrays_broadcast(grid):
    x, y = np.broadcast_arrays(*grid.centres(np.arange(70)[:, None], np.arange(90)[None, :]))
    assert x.shape == y.shape == (70, 90)
    assert (x[3, 5], y[3, 5]) == grid.centres(3, 5)


def test_every_pixel_contains_its_centre(grid):
    rows, cols = (v.ravel() for v in np.mgrid[:70, :90])
    found = grid.pixels(*grid.centres(rows, cols))
    np.testing.assert_array_equal(found[0], rows)
    np.testing.assert_array_equal(found[1], cols)


def test_positions_are_the_way_back(grid):
    random = np.random.default_rng(0)
    rows, cols = random.uniform(-9, 99, 200), random.uniform(-9, 99, 200)
    found = grid.positions(*grid.coordinates(rows, cols))
    np.testing.assert_allclose(found[0], rows, atol=1e-7)
    np.testing.assert_allclose(found[1], cols, atol=1e-7)


def test_a_point_on_a_border_belongs_to_the_pixel_after_it():
    grid = GeoGrid(UTM, NORTH_UP, (3, 4))
    x = np.array([500_000, 500_030, 500_119.999, 500_120.1, 499_999.9])
    y = np.array([9_120_000, 9_119_970, 9_119_910.001, 9_119_950, 9_119_950])
    rows, cols = grid.pixels(x, y)
    np.testing.assert_array_equal(rows, [0, 1, 2, -1, -1])
    np.testing.assert_array_equal(cols, [0, 1, 3, -1, -1])


@pytest.mark.parametrize(
    "turned", [lambda t: t, lambda t: t * Affine(-1, 0, 4, 0, 1, 0), lambda t: t * Affine(1, 0, 0, 0, -1, 3)]
)
@pytest.mark.parametrize("off", [0, 0.02, -0.02])
def test_a_point_on_the_outer_edge_belongs_to_the_last_pixel(turned, off):
    """All corners and edges, also where coordinates were rounded by less than a thousandth of a pixel."""
    grid = GeoGrid(UTM, turned(NORTH_UP), (3, 4))
    rows, cols = (v.ravel() for v in np.meshgrid([0, 1.5, 3], [0, 2.5, 4], indexing="ij"))
    x, y = grid.coordinates(rows, cols)
    found = grid.pixels(x + off, y + off)
    np.testing.assert_array_equal(found[0], np.minimum(np.floor(rows), 2))
    np.testing.assert_array_equal(found[1], np.minimum(np.floor(cols), 3))


@pytest.mark.parametrize("west", [178, -182, 538])
def test_longitudes_are_the_same_after_a_turn(west):
    grid = GeoGrid(CRS.from_epsg(4326), Affine(0.1, 0, west, 0, -0.1, -15), (10, 40))
    for turn in (-360, 0, 360):
        rows, cols = grid.pixels(np.array([178.05, 179.95, 180.05, 181.95, 177.5, 182.5]) + turn, np.full(6, -15.05))
        np.testing.assert_array_equal(rows, [0, 0, 0, 0, -1, -1])
        np.testing.assert_array_equal(cols, [0, 19, 20, 39, -1, -1])


def test_the_whole_earth_has_each_longitude_once():
    for west in (-180, 0, -180.25):
        grid = GeoGrid(CRS.from_epsg(4326), Affine(0.5, 0, west, 0, -0.5, 90), (360, 720))
        _, cols = grid.pixels(np.array([0.1, 179.9, -179.9, 359.9, -0.1]), np.zeros(5))
        away = grid.centres(0, cols)[0] - [0.1, 179.9, 180.1, -0.1, -0.1]
        assert (cols >= 0).all() and np.abs((away + 180) % 360 - 180).max() <= 0.25


@pytest.mark.parametrize("code", [3857, 3395, 4087, 6933, 3832, 3994])
def test_a_cylinder_goes_round_the_earth(code):
    """Mercator, equirectangular and equal-area projections, whatever their middle."""
    crs = CRS.from_epsg(code)
    lon = np.array([178.5, 179.5, -179.5, -178.5])
    x, y = (np.array(v) for v in transform("EPSG:4326", crs, lon, np.full(4, 10.0)))
    circle = circle_of(crs)
    turns = np.round((x - x[0]) / circle) * circle
    assert 3e7 < circle < 4.1e7 and np.ptp(x - turns) == pytest.approx(circle * 3 / 360)
    grid = GeoGrid(crs, Affine(circle / 360, 0, x[0] - circle / 720, 0, -1e5, y[0] + 5e4), (1, 4))
    for turn in (-circle, 0, circle):
        assert grid.pixels(x + turn, y)[1].tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("code", [32760, 2154, 3031, 102017])
def test_other_projections_do_not(code):
    crs = CRS.from_user_input(f"EPSG:{code}" if code < 1e5 else f"ESRI:{code}")
    assert circle_of(crs) is None


def test_eastings_are_no_longitudes():
    rows, _ = GeoGrid(UTM, Affine(0.1, 0, 178, 0, -0.1, -15), (10, 40)).pixels([-179.5], [-15.5])
    assert rows.tolist() == [-1]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e300])
def test_coordinates_that_are_not_finite_lie_outside(grid, bad):
    x, y = grid.centres(1, 1)
    for point in ((bad, y), (x, bad)):
        assert [int(v[0]) for v in grid.pixels([point[0]], [point[1]])] == [-1, -1]


@pytest.mark.parametrize("name", TRANSFORMS)
def test_positions_in_another_grid(name):
    grid = GeoGrid(UTM, TRANSFORMS[name], (10, 10))
    other = GeoGrid(UTM, Affine.translation(5e5, 9.12e6) * Affine.rotation(-12) * Affine.scale(7, -9), (5, 5))
    a, b, c, d, e, f = grid.positions_in(other)
    row, col = 3.5, 6.25
    want_row, want_col = (float(v[0]) for v in other.positions(*([v] for v in grid.coordinates(row, col))))
    assert a * col + b * row + c == pytest.approx(want_col, rel=1e-9)
    assert d * col + e * row + f == pytest.approx(want_row, rel=1e-9)


def test_extent_and_sides():
    grid = GeoGrid(UTM, Affine(30, 0, 500_000, 0, -20, 9_120_000), (10, 4))
    assert grid.extent == (500_000, 9_119_800, 500_120, 9_120_000)
    assert grid.pixel_sides == (20, 30)
    south_up = GeoGrid(UTM, Affine(30, 0, 500_000, 0, 20, 9_119_800), (10, 4))
    assert south_up.extent == grid.extent
    turned = GeoGrid(UTM, NORTH_UP * Affine.rotation(45), (10, 10))
    assert turned.pixel_sides == pytest.approx((30, 30))
    assert turned.extent[2] - turned.extent[0] == pytest.approx(300 * np.sqrt(2))


@given(st.integers(0, 69), st.integers(0, 89), st.integers(1, 20), st.integers(1, 20), st.sampled_from([0.0, 4e-4]))
def test_the_extent_of_a_region_gives_the_region(row, col, height, width, overlap):
    grid = GeoGrid(UTM, NORTH_UP, (70, 90))
    region = PixelRegion(row, min(70, row + height), col, min(90, col + width))
    part = GeoGrid(UTM, grid.transform_of(region), (region.height, region.width))
    xmin, ymin, xmax, ymax = part.extent
    some = overlap * 30  # less than a thousandth of a pixel does not count
    assert grid.region_of((xmin - some, ymin - some, xmax + some, ymax + some)) == region


def test_an_extent_beside_the_grid_has_no_pixels():
    grid = GeoGrid(UTM, NORTH_UP, (70, 90))
    region = grid.region_of((0, 0, 10, 10))
    assert region.height <= 0 or region.width <= 0


def test_what_lies_nowhere_on_earth():
    assert GeoGrid(UTM, NORTH_UP, (1, 1)).is_georeferenced
    assert not GeoGrid(None, NORTH_UP, (1, 1)).is_georeferenced
    assert not GeoGrid(UTM, Affine.identity(), (1, 1)).is_georeferenced
