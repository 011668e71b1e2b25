# SPDX-License-Identifier: GPL-3.0-or-later
"""How large pixels are on the ground along each axis, and what a model makes of it."""

import math

import numpy as np
import pytest
from affine import Affine
from rasterio.crs import CRS

from lulc_plugin.classify.pixel_size import fit_pixels
from lulc_plugin.errors import LulcError
from lulc_plugin.raster import GeoGrid, LayerFacts
from lulc_plugin.raster.areas import gsd, pixel_size

WGS84 = CRS.from_epsg(4326)
UTM = CRS.from_epsg(32633)


def square(size, x=5e5, y=5.5e6):
    return Affine(size, 0, x, 0, -size, y)


def facts(transform, crs=UTM, height=100, width=90):
    grid = GeoGrid(crs, transform, (height, width))
    return LayerFacts("a.tif", "a.tif", grid, (), (), gsd(grid))


# ---------------------------------------------------------------- on the ground


def test_pixels_of_projected_systems_are_planar():
    assert pixel_size(GeoGrid(UTM, square(2.5), (10, 10))) == (2.5, 2.5)
    assert pixel_size(GeoGrid(UTM, Affine(10, 0, 5e5, 0, -20, 5e6), (10, 10))) == (20, 10)
    feet = CRS.from_epsg(2263)
    assert pixel_size(GeoGrid(feet, square(10, 9e5, 2e5), (10, 10))) == pytest.approx((3.048, 3.048), rel=1e-4)


def test_turned_pixels():
    turned = Affine.translation(5e5, 5e6) * Affine.rotation(30) * Affine.scale(10, -20)
    assert pixel_size(GeoGrid(UTM, turned, (10, 10))) == pytest.approx((20, 10))


@pytest.mark.parametrize(
    ("latitude", "north", "east"), [(0, 110_574.3, 111_319.5), (45, 111_131.8, 78_846.8), (60, 111_412.3, 55_800.3)]
)  # fmt: skip
def test_degrees(latitude, north, east):
    # lengths of a degree on WGS 84 from the geodetic tables
    step = 0.0001
    size = pixel_size(GeoGrid(WGS84, Affine(step, 0, 10, 0, -step, latitude + step / 2), (1, 1)))
    assert size == pytest.approx((north * step, east * step), rel=1e-5)


def test_the_centre_of_the_raster_counts():
    step = 0.01
    high, low = (pixel_size(GeoGrid(WGS84, Affine(step, 0, 10, 0, -step, 70), (rows, 10)))[1] for rows in (1, 4000))
    assert high / low == pytest.approx(math.cos(math.radians(70)) / math.cos(math.radians(50)), rel=0.01)


def test_web_mercator_is_taken_down_to_the_ground():
    y = 6378137 * math.log(math.tan(math.pi / 4 + math.radians(60) / 2))
    grid = GeoGrid(CRS.from_epsg(3857), square(20, 0, y + 10), (1, 1))
    size = pixel_size(grid)
    assert size == pytest.approx((9.985, 10.03), abs=0.03)
    assert math.sqrt(size[0] * size[1]) == pytest.approx(gsd(grid))


def test_equal_area_systems_that_squeeze():
    # the cylindrical equal-area grid keeps areas and stretches east to west away from 30°
    size = pixel_size(GeoGrid(CRS.from_epsg(6933), square(100, 0, 6.36e6), (1, 1)))
    assert size[0] / size[1] > 2
    assert size[0] * size[1] == pytest.approx(10_000, rel=0.01)


@pytest.mark.parametrize("system", ["EPSG:3035", "EPSG:3031", "EPSG:4326", "EPSG:3857", "EPSG:32633"])
def test_the_sides_multiply_to_the_area(system):
    crs = CRS.from_string(system)
    step = 0.0002 if crs.is_geographic else 20
    x, y = {"EPSG:3035": (4.3e6, 3.2e6), "EPSG:3031": (1e6, 1e6), "EPSG:4326": (12, 47), "EPSG:3857": (1e6, 6e6)}.get(
        system, (5e5, 5e6)
    )
    transform = Affine(step, 0, x, 0, -step, y)
    height, width = pixel_size(GeoGrid(crs, transform, (100, 100)))
    assert math.sqrt(height * width) == pytest.approx(gsd(GeoGrid(crs, transform, (100, 100))), rel=0.003)


def test_unknown_sizes():
    assert pixel_size(GeoGrid(None, square(10), (3, 3))) is None
    assert pixel_size(GeoGrid(UTM, Affine.identity(), (3, 3))) is None
    local = CRS.from_wkt('LOCAL_CS["drawing",UNIT["metre",1]]')
    assert pixel_size(GeoGrid(local, square(10), (3, 3))) is None


# ---------------------------------------------------------------- and the model


@pytest.mark.parametrize("size", [9.5, 9.53, 10, 20, 30, 31.4, 31.5])
def test_inside_is_taken_as_it_is(spec, size):
    fit = fit_pixels(spec(gsd_range=(10.0, 30.0)), facts(square(size)))
    assert fit.resampling is None and fit.inside and not fit.warnings and not fit.notes


@pytest.mark.parametrize(("size", "target"), [(9.49, 10), (5, 10), (2.5, 10), (31.51, 30), (60, 30), (120, 30)])
def test_outside_becomes_the_nearest_end(spec, size, target):
    fit = fit_pixels(spec(gsd_range=(10.0, 30.0)), facts(square(size)))
    rows, cols = fit.resampling.rows, fit.resampling.cols
    assert rows.factor == cols.factor == pytest.approx(target / size)
    assert (rows.length, cols.length) == (100, 90)
    assert (rows.count, cols.count) == (math.ceil(100 * size / target), math.ceil(90 * size / target))
    assert not fit.inside
    assert f"resampled from {size:.3g} m to {target} m" in fit.warnings[0]
    assert f"resampled from {size:.3g} m to {target} m" in fit.notes[0]
    assert "10 to 30 m" in fit.warnings[0]


@pytest.mark.parametrize("size", [2.4, 0.1, 121, 1000])
@pytest.mark.parametrize("resample", ["auto", "never"])
def test_more_than_four_times_is_refused_with_both_numbers(spec, size, resample):
    with pytest.raises(LulcError, match=rf"{size} m.*10 to 30 m.*times off"):
        fit_pixels(spec(gsd_range=(10.0, 30.0)), facts(square(size)), resample)


def test_never(spec):
    fit = fit_pixels(spec(gsd_range=(10.0, 30.0)), facts(square(5)), "never")
    assert fit.resampling is None and not fit.inside
    assert "5 m" in fit.warnings[0] and "10 to 30 m" in fit.warnings[0] and "as they are" in fit.warnings[0]


def test_each_axis_by_itself(spec):
    # at 60° north a degree of longitude is half as long as one of latitude
    step = 0.00012
    layer = facts(Affine(step, 0, 10, 0, -step, 60 + 50 * step), WGS84)
    down, across = pixel_size(layer.grid)
    assert (down, across) == pytest.approx((13.37, 6.70), abs=0.01)
    fit = fit_pixels(spec(gsd_range=(10.0, 30.0)), layer)
    assert fit.resampling.rows.factor == 1
    assert fit.resampling.cols.factor == pytest.approx(10 / across)
    assert "13.4 m (down) × 6.7 m (across) to 13.4 m (down) × 10 m (across)" in fit.notes[0]
    fit = fit_pixels(spec(gsd_range=(20.0, 30.0)), layer)
    assert fit.resampling.rows.factor == pytest.approx(20 / down)
    assert fit.resampling.cols.factor == pytest.approx(20 / across)
    assert "to 20 m for" in fit.notes[0]
    with pytest.raises(LulcError, match=r"\(across\).*30 to 40 m"):
        fit_pixels(spec(gsd_range=(30.0, 40.0)), layer)


def test_nothing_is_known(spec):
    assert fit_pixels(spec(gsd_range=None), facts(square(1))).resampling is None
    assert fit_pixels(spec(gsd_range=(10.0, 30.0)), facts(square(1), None)).resampling is None


def test_the_first_fit_is_made_for_such_pixels(tmp_path, monkeypatch, raster, network, classify, scene):
    from lulc_plugin import bundled

    names = []
    for name, reach in (("a-fine-v1", (2.0, 5.0)), ("b-right-v1", (20.0, 40.0)), ("c-coarse-v1", (45.0, 90.0))):
        network("pixel", name=name, gsd_range=reach)
        names.append(name)
    monkeypatch.setattr(bundled, "folder", lambda kind: tmp_path / "networks")
    monkeypatch.setattr(bundled, "model_names", lambda: tuple(names))
    layer = raster("a.tif", scene(30, 30))
    made = classify(layer, model="auto")
    assert made.result.model == "b-right-v1"
    assert not made.result.warnings
    names.remove("b-right-v1")
    made = classify(layer, model="auto")
    assert made.result.model == "c-coarse-v1"
    assert any("resampled from 30 m to 45 m" in line for line in made.progress.lines)
    assert any("a-fine-v1" in line and "times off" in line for line in made.progress.lines)
    assert np.isin(made.values, (1, 2, 3, 4)).all()
