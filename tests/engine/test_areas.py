# SPDX-License-Identifier: GPL-3.0-or-later
"""How large pixels are on the ground."""

import math

import numpy as np
import pytest
from affine import Affine
from rasterio.crs import CRS

from lulc_plugin.raster.areas import gsd, row_areas

WGS84 = CRS.from_epsg(4326)
A, INVERSE = 6378137.0, 298.257223563


def cell(lat1, lat2, dlon, a=A, inverse=INVERSE, steps=200_001):
    """Area between two latitudes by integrating meridian and parallel radius (degrees, square metres)."""
    f = 1 / inverse if inverse else 0.0
    e2 = f * (2 - f)
    lat = np.radians(np.linspace(lat1, lat2, steps))
    w2 = 1 - e2 * np.sin(lat) ** 2
    density = (a * (1 - e2) / w2**1.5) * (a * np.cos(lat) / np.sqrt(w2))
    step = (lat[-1] - lat[0]) / (steps - 1)
    simpson = step / 3 * (density[0] + density[-1] + 4 * density[1:-1:2].sum() + 2 * density[2:-1:2].sum())
    return abs(simpson) * math.radians(dlon)


#: (southern latitude, northern latitude, degrees of longitude, square metres), computed independently
CELLS = [
    (44.99583333333333, 45.00416666666667, 0.008333333333333333, 608499.230526069),
    (45, 45.00833333333333, 0.008333333333333333, 608455.5720188073),
    (0, 0.008333333333333333, 0.008333333333333333, 854796.669240355),
    (59.99583333333333, 60.00416666666667, 0.008333333333333333, 431722.62566157244),
    (44.5, 45.5, 1, 8762274754.35521),
    (-90, 90, 360, 510065621724088.6),
]


@pytest.mark.parametrize(("south", "north", "width", "area"), CELLS)
def test_geographic_cells(south, north, width, area):
    transform = Affine(width, 0, 10, 0, -(north - south), north)
    assert row_areas(transform, WGS84, 1, 1)[0] == pytest.approx(area, rel=1e-9)
    assert cell(south, north, width) == pytest.approx(area, rel=1e-9)


def test_one_degree_at_the_equator():
    rows = row_areas(Affine(1, 0, 0, 0, -1, 1), WGS84, 2, 5)
    assert rows[0] == pytest.approx(cell(0, 1, 1), rel=1e-9)
    assert rows[0] / 1e6 == pytest.approx(12308.46, abs=0.01)
    assert rows[1] == pytest.approx(rows[0], rel=1e-12)


def test_rows_follow_the_latitude_also_south_up():
    down = row_areas(Affine(0.5, 0, -35, 0, -0.5, 80), WGS84, 320, 3)
    up = row_areas(Affine(0.5, 0, -35, 0, 0.5, -80), WGS84, 320, 3)
    np.testing.assert_allclose(down, up[::-1], rtol=1e-9)
    assert down[160] == down.max() or down[159] == down.max()
    for row in (0, 17, 160, 319):
        assert down[row] == pytest.approx(cell(80 - 0.5 * (row + 1), 80 - 0.5 * row, 0.5), rel=1e-9)


def test_pixels_beyond_the_pole_have_no_area():
    rows = row_areas(Affine(1, 0, 0, 0, -1, 92), WGS84, 4, 1)
    assert rows[0] == rows[1] == 0
    assert rows[2] > 0


def test_another_ellipsoid():
    aussie = CRS.from_epsg(4618)  # SAD69, GRS 1967 modified
    area = row_areas(Affine(1, 0, 0, 0, -1, -10), aussie, 1, 1)[0]
    assert area == pytest.approx(cell(-11, -10, 1, 6378160.0, 298.25), rel=1e-7)


def test_a_sphere():
    sphere = CRS.from_proj4("+proj=longlat +R=6371000 +no_defs")
    area = row_areas(Affine(1, 0, 0, 0, -1, 1), sphere, 1, 1)[0]
    assert area == pytest.approx(6371000**2 * math.sin(math.radians(1)) * math.radians(1), rel=1e-9)


def test_degrees_in_grads():
    paris = CRS.from_epsg(4807)  # NTF (Paris), in grads
    area = row_areas(Affine(0.01, 0, 0, 0, -0.01, 50), paris, 1, 1)[0]
    assert area == pytest.approx(cell(49.99 * 0.9, 50 * 0.9, 0.009, 6378249.2, 293.466021), rel=1e-4)


@pytest.mark.parametrize("rotation", [0, 30, 90])
def test_projected(rotation):
    transform = Affine.translation(5e5, 9e6) * Affine.rotation(rotation) * Affine.scale(30, -20)
    np.testing.assert_allclose(row_areas(transform, CRS.from_epsg(32725), 4, 7), 600)


@pytest.mark.parametrize(
    ("system", "factor"), [("EPSG:2263", 0.3048006096012192**2), ("EPSG:2222", 0.3048**2)]
)  # fmt: skip
def test_feet(system, factor):
    assert row_areas(Affine(10, 0, 1e6, 0, -10, 2e5), CRS.from_string(system), 1, 1)[0] == pytest.approx(100 * factor)


@pytest.mark.parametrize("system", ["EPSG:3857", "EPSG:3395"])
@pytest.mark.parametrize("latitude", [-60.0, 0.0, 45.0])
def test_mercator_is_not_what_it_says(system, latitude):
    y = A * math.log(math.tan(math.pi / 4 + math.radians(latitude) / 2))
    area = row_areas(Affine(10, 0, 0, 0, -10, y + 5), CRS.from_string(system), 1, 1)[0]
    tolerance = 1e-6 if system == "EPSG:3857" else 0.02
    assert area == pytest.approx(100 * math.cos(math.radians(latitude)) ** 2, rel=tolerance)


def test_transverse_mercator_is_no_mercator():
    assert row_areas(Affine(10, 0, 5e5, 0, -10, 9e6), CRS.from_epsg(32733), 1, 1)[0] == 100


def test_unknown():
    assert row_areas(Affine(10, 0, 5e5, 0, -10, 9e6), None, 3, 3) is None
    assert row_areas(Affine.identity(), CRS.from_epsg(32725), 3, 3) is None
    assert gsd(Affine(10, 0, 5e5, 0, -10, 9e6), None, 3, 3) is None


def test_gsd():
    assert gsd(Affine(30, 0, 5e5, 0, -30, 9e6), CRS.from_epsg(32725), 100, 100) == pytest.approx(30)
    degrees = Affine(0.00025, 0, -35, 0, -0.00025, -8)
    assert gsd(degrees, WGS84, 10, 10) == pytest.approx(27.7, abs=0.2)


# ---------------------------------------------------------------- through a run


def test_hectares_of_a_projected_map(raster, network, classify, scene):
    made = classify(raster("a.tif", scene(50, 40)), network("pixel"))
    for entry, row in zip(made.result.classes, made.result.classes_json()):
        assert entry.area == pytest.approx(entry.pixels * 900)
        assert row == {"value": entry.value, "name": entry.name, "pixels": entry.pixels,
                       "hectares": pytest.approx(entry.pixels * 0.09)}  # fmt: skip
    assert sum(c.pixels for c in made.result.classes) == 2000


def test_hectares_of_a_geographic_part(raster, network, classify, scene, recorder):
    image = scene(60, 40)
    image[:, 12:20, 3:9] = 0
    degrees = Affine(0.0003, 0, -35, 0, -0.0003, 60)
    layer = raster("a.tif", image, nodata=0, crs="EPSG:4326", transform=degrees)
    extent = (-35 + 0.0003 * 2, 60 - 0.0003 * 30, -35 + 0.0003 * 20, 60 - 0.0003 * 10)
    made = classify(layer, network("pixel"), extent=extent, window=12, overlap=0)
    rows = np.array([cell(60 - 0.0003 * (r + 1), 60 - 0.0003 * r, 0.0003, steps=101) for r in range(10, 30)])
    for entry in made.result.classes:
        assert entry.area == pytest.approx(((made.values == entry.value).sum(axis=1) * rows).sum(), rel=1e-6)


def test_no_coordinate_system_no_areas_and_a_warning(raster, network, classify, scene):
    made = classify(raster("a.tif", scene(30, 30), crs=None), network("pixel"))
    assert all(c.area is None for c in made.result.classes)
    assert all(row["hectares"] is None for row in made.result.classes_json())
    assert any("no coordinate system" in w for w in made.progress.warnings)
