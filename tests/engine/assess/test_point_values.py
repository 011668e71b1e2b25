# SPDX-License-Identifier: GPL-3.0-or-later
"""Raster values at points: the pixel each point falls in, on any grid and in any coordinate system."""

import time

import numpy as np
import pytest
from affine import Affine
from rasterio.crs import CRS
from rasterio.warp import transform as transform_points

from lulc_plugin.assess import RasterInput
from lulc_plugin.assess.overlay.point_values import NODATA, OK, OUTSIDE, values_at
from lulc_plugin.errors import LulcError
from lulc_plugin.raster import source

UTM = CRS.from_epsg(32725)
GRID = Affine(30, 0, 500_000, 0, -30, 9_120_000)


def classes(rows, cols, seed=0, dtype="uint8"):
    return np.random.default_rng(seed).integers(0, 12, (1, rows, cols)).astype(dtype)


def scattered(transform, rows, cols, n, seed=1, beyond=3):
    random = np.random.default_rng(seed)
    col, row = random.uniform(-beyond, cols + beyond, n), random.uniform(-beyond, rows + beyond, n)
    x = transform.a * col + transform.b * row + transform.c
    y = transform.d * col + transform.e * row + transform.f
    return x, y, np.floor(row).astype(int), np.floor(col).astype(int)


@pytest.mark.parametrize(
    "transform",
    [
        GRID,
        Affine(30, 0, 500_000, 0, 30, 9_120_000),
        Affine.translation(5e5, 9.1e6) * Affine.rotation(31) * Affine.scale(30, -20),
    ],
)
@pytest.mark.parametrize("blocks", [{}, {"tiled": True, "blockxsize": 16, "blockysize": 32}])
def test_values(raster, transform, blocks):
    values = classes(70, 90)
    path = raster("m.tif", values, transform=transform, nodata=4, **blocks)
    x, y, row, col = scattered(transform, 70, 90, 3000)
    got, status = values_at(RasterInput(path), x, y, UTM)
    inside = (row >= 0) & (row < 70) & (col >= 0) & (col < 90)
    assert 100 < (~inside).sum() < 2000
    np.testing.assert_array_equal(status == OUTSIDE, ~inside)
    want = values[0][row[inside], col[inside]]
    np.testing.assert_array_equal(status[inside], np.where(want == 4, NODATA, OK))
    np.testing.assert_array_equal(got[inside], np.where(want == 4, 0, want))
    assert (got[~inside] == 0).all()


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:3857"])
def test_points_in_another_system(raster, crs):
    values = classes(70, 90, 2)
    path = raster("m.tif", values)
    x, y, row, col = scattered(GRID, 70, 90, 500, beyond=0)
    there = transform_points(UTM, crs, x, y)
    got, status = values_at(RasterInput(path), *there, CRS.from_string(crs))
    assert (status == OK).all()
    np.testing.assert_array_equal(got, values[0][row, col])


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e300])
def test_coordinates_that_are_none(raster, bad):
    path = raster("m.tif", classes(3, 4))
    for crs in (UTM, CRS.from_epsg(4326)):
        _, status = values_at(RasterInput(path), [bad, -33.0 if crs != UTM else 500_015], [0.0, -7.9606], crs)
        assert status[0] == OUTSIDE


def test_no_points(raster):
    values, status = values_at(RasterInput(raster("m.tif", classes(3, 4))), [], [], CRS.from_epsg(4326))
    assert values.shape == status.shape == (0,)


def test_only_one_has_a_coordinate_system(raster):
    with pytest.raises(LulcError, match="m.tif has no coordinate system, the points have EPSG:32725"):
        values_at(RasterInput(raster("m.tif", classes(3, 4), crs=None)), [1.0], [1.0], UTM)


def test_no_class_map(raster):
    with pytest.raises(LulcError, match="not a class map"):
        values_at(RasterInput(raster("m.tif", classes(3, 4, dtype="float32") + 0.3)), [500_015.0], [9_119_985.0], UTM)


@pytest.mark.parametrize("blocks", [{"tiled": True, "blockxsize": 256, "blockysize": 256}, {"blockysize": 1}])
def test_many_points_are_read_by_the_pieces_of_the_file(raster, monkeypatch, blocks):
    path = raster("m.tif", classes(3000, 3000, 3), compress="deflate", **blocks)
    x, y, row, col = scattered(GRID, 3000, 3000, 100_000, beyond=0)
    largest, calls = [], []
    original = source.Source.read

    def read(self, bands, region):
        calls.append(1)
        largest.append(region.height * region.width)
        return original(self, bands, region)

    monkeypatch.setattr(source.Source, "read", read)
    started = time.perf_counter()
    got, status = values_at(RasterInput(path), x, y, UTM)
    assert time.perf_counter() - started < 5
    assert max(largest) <= 64 * 3000
    assert len(calls) < 500
    np.testing.assert_array_equal(got, classes(3000, 3000, 3)[0][row, col])
