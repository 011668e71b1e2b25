# SPDX-License-Identifier: GPL-3.0-or-later
"""How large pixels are on the ground."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from affine import Affine
from rasterio.crs import CRS
from rasterio.warp import transform as transform_points

from lulc_plugin.raster import GeoGrid, pixel_areas
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


EXAMPLES = {
    e["id"]: e
    for e in json.loads((Path(__file__).parents[2] / "data" / "accuracy_examples.json").read_text())["examples"]
}
#: (southern latitude, northern latitude, degrees of longitude, square metres), computed independently
CELLS = [
    (c["lat1"], c["lat2"], c["dlon"], area)
    for c, area in zip(EXAMPLES["cell_area"]["input"]["cells"], EXAMPLES["cell_area"]["expected"]["area_m2"])
]


@pytest.mark.parametrize(("south", "north", "width", "area"), CELLS)
def test_geographic_cells(south, north, width, area):
    grid = GeoGrid(WGS84, Affine(width, 0, 10, 0, -(north - south), north), (1, 1))
    assert row_areas(grid)[0] == pytest.approx(area, rel=EXAMPLES["cell_area"]["tolerance"])
    assert cell(south, north, width) == pytest.approx(area, rel=1e-9)


def test_one_degree_at_the_equator():
    rows = row_areas(GeoGrid(WGS84, Affine(1, 0, 0, 0, -1, 1), (2, 5)))
    assert rows[0] == pytest.approx(cell(0, 1, 1), rel=1e-9)
    assert rows[0] / 1e6 == pytest.approx(12308.46, abs=0.01)
    assert rows[1] == pytest.approx(rows[0], rel=1e-12)


def test_rows_follow_the_latitude_also_south_up():
    down = row_areas(GeoGrid(WGS84, Affine(0.5, 0, -35, 0, -0.5, 80), (320, 3)))
    up = row_areas(GeoGrid(WGS84, Affine(0.5, 0, -35, 0, 0.5, -80), (320, 3)))
    np.testing.assert_allclose(down, up[::-1], rtol=1e-9)
    assert down[160] == down.max() or down[159] == down.max()
    for row in (0, 17, 160, 319):
        assert down[row] == pytest.approx(cell(80 - 0.5 * (row + 1), 80 - 0.5 * row, 0.5), rel=1e-9)


def test_pixels_beyond_the_pole_have_no_area():
    rows = row_areas(GeoGrid(WGS84, Affine(1, 0, 0, 0, -1, 92), (4, 1)))
    assert rows[0] == rows[1] == 0
    assert rows[2] > 0


def test_another_ellipsoid():
    aussie = CRS.from_epsg(4618)  # SAD69, GRS 1967 modified
    area = row_areas(GeoGrid(aussie, Affine(1, 0, 0, 0, -1, -10), (1, 1)))[0]
    assert area == pytest.approx(cell(-11, -10, 1, 6378160.0, 298.25), rel=1e-7)


def test_a_sphere():
    sphere = CRS.from_proj4("+proj=longlat +R=6371000 +no_defs")
    area = row_areas(GeoGrid(sphere, Affine(1, 0, 0, 0, -1, 1), (1, 1)))[0]
    assert area == pytest.approx(6371000**2 * math.sin(math.radians(1)) * math.radians(1), rel=1e-9)


def test_degrees_in_grads():
    paris = CRS.from_epsg(4807)  # NTF (Paris), in grads
    area = row_areas(GeoGrid(paris, Affine(0.01, 0, 0, 0, -0.01, 50), (1, 1)))[0]
    assert area == pytest.approx(cell(49.99 * 0.9, 50 * 0.9, 0.009, 6378249.2, 293.466021), rel=1e-4)


@pytest.mark.parametrize("rotation", [0, 30, 90])
def test_projected(rotation):
    transform = Affine.translation(5e5, 9e6) * Affine.rotation(rotation) * Affine.scale(30, -20)
    np.testing.assert_allclose(row_areas(GeoGrid(CRS.from_epsg(32725), transform, (4, 7))), 600)


@pytest.mark.parametrize(
    ("system", "foot"), [("EPSG:2263", "us_survey_foot2_m2"), ("EPSG:2222", "international_foot2_m2")]
)  # fmt: skip
def test_feet(system, foot):
    area = row_areas(GeoGrid(CRS.from_string(system), Affine(10, 0, 1e6, 0, -10, 2e5), (1, 1)))[0]
    assert area == pytest.approx(100 * EXAMPLES["unit_factors"]["expected"][foot], rel=1e-9)


def mercator(latitude):
    return A * math.log(math.tan(math.pi / 4 + math.radians(latitude) / 2))


#: latitude, planar area / true area of Web Mercator; the one at 45° is in the examples to the last digit
WEB = [(0.0, 1.006739), (30.0, 1.337830), (45.0, EXAMPLES["unit_factors"]["expected"]["web_mercator_area_scale_45N"]),
       (-45.0, 2.0000226), (60.0, 3.986623)]  # fmt: skip


@pytest.mark.parametrize(("latitude", "scale"), WEB)
@pytest.mark.parametrize("size", [0.1, 10, 100])
def test_web_mercator(latitude, scale, size):
    transform = Affine(size, 0, 0, 0, -size, mercator(latitude) + size / 2)
    area = row_areas(GeoGrid(CRS.from_epsg(3857), transform, (1, 1)))[0]
    assert size**2 / area == pytest.approx(scale, rel=5e-7)
    rotated = transform * Affine.rotation(1)
    assert pixel_areas(GeoGrid(CRS.from_epsg(3857), rotated, (1, 1))).at([0], [0])[0] == pytest.approx(area, rel=1e-4)


def test_web_mercator_rows_are_bands_of_the_ellipsoid():
    """Pixels of 500 km: what a derivative at the centre would get wrong."""
    top, size = mercator(75), 500_000
    areas = pixel_areas(GeoGrid(CRS.from_epsg(3857), Affine(size, 0, 0, 0, -size, top), (20, 3)))
    assert areas.kind == "ellipsoidal rows"
    for row in (0, 7, 19):
        south, north = (
            math.degrees(2 * math.atan(math.exp((top - size * r) / A)) - math.pi / 2) for r in (row + 1, row)
        )
        assert areas.at(row, 0) == pytest.approx(cell(south, north, math.degrees(size / A)), rel=1e-8)
    assert areas.deviation > 10
    assert "wrong by up to" in areas.measurement.sentence


def test_web_mercator_as_others_write_it():
    names = [CRS.from_epsg(3857).to_wkt(version=v) for v in ("WKT1_GDAL", "WKT1_ESRI", "WKT2_2019")]
    for wkt in names:
        transform = Affine(10, 0, 0, 0, -10, mercator(45) + 5)
        assert 100 / row_areas(GeoGrid(CRS.from_wkt(wkt), transform, (1, 1)))[0] == pytest.approx(2.0000226, rel=1e-6)


@pytest.mark.parametrize("latitude", [-60.0, 30.0, 45.0])
def test_mercator_on_the_ellipsoid(latitude):
    """World Mercator is conformal: its scale is known (Snyder 1987, eq. 7-8)."""
    e2 = (2 - 1 / INVERSE) / INVERSE
    phi, e = math.radians(latitude), math.sqrt(e2)
    y = A * math.log(math.tan(math.pi / 4 + phi / 2) * ((1 - e * math.sin(phi)) / (1 + e * math.sin(phi))) ** (e / 2))
    area = row_areas(GeoGrid(CRS.from_epsg(3395), Affine(10, 0, 0, 0, -10, y + 5), (1, 1)))[0]
    scale = (1 - e2 * math.sin(phi) ** 2) / math.cos(phi) ** 2
    assert 100 / area == pytest.approx(scale, rel=1e-6)


def test_transverse_mercator_is_no_mercator():
    assert row_areas(GeoGrid(CRS.from_epsg(32733), Affine(10, 0, 5e5, 0, -10, 9e6), (1, 1)))[0] == 100


def test_unknown():
    assert row_areas(GeoGrid(None, Affine(10, 0, 5e5, 0, -10, 9e6), (3, 3))) is None
    assert row_areas(GeoGrid(CRS.from_epsg(32725), Affine.identity(), (3, 3))) is None
    assert gsd(GeoGrid(None, Affine(10, 0, 5e5, 0, -10, 9e6), (3, 3))) is None


def test_gsd():
    assert gsd(GeoGrid(CRS.from_epsg(32725), Affine(30, 0, 5e5, 0, -30, 9e6), (100, 100))) == pytest.approx(30)
    degrees = Affine(0.00025, 0, -35, 0, -0.00025, -8)
    assert gsd(GeoGrid(WGS84, degrees, (10, 10))) == pytest.approx(27.7, abs=0.2)


# ---------------------------------------------------------------- which areas are believed


@pytest.mark.parametrize(
    ("system", "transform", "shape", "kind", "low", "high"),
    [
        # the figures of accuracy.md, section 5: 0.99920 on the central meridian
        ("EPSG:32733", Affine(10, 0, 500_000, 0, -10, 9_000_000), (1, 1), "planar", 0.00079, 0.00081),
        ("EPSG:3035", Affine(1000, 0, 2_500_000, 0, -1000, 5_500_000), (4000, 4000), "planar", 0, 1e-6),
        ("EPSG:3034", Affine(1000, 0, 2_500_000, 0, -1000, 5_500_000), (4000, 4000), "ellipsoidal tiles", 0.1, 0.3),
        ("EPSG:3031", Affine(1000, 0, -3_000_000, 0, -1000, 3_000_000), (6000, 6000), "ellipsoidal tiles", 0.1, 0.3),
        ("EPSG:3857", Affine(10, 0, 0, 0, -10, 50), (10, 10), "ellipsoidal rows", 0.0067, 0.0068),
    ],
)
def test_planar_areas_are_believed_up_to_one_percent(system, transform, shape, kind, low, high):
    areas = pixel_areas(GeoGrid(CRS.from_string(system), transform, shape))
    assert areas.kind == kind
    assert low <= areas.deviation <= high
    digits = 2 if kind == "planar" else 3
    assert f" {100 * areas.deviation:.{digits}g} %." in areas.measurement.sentence


def test_a_conformal_projection_against_the_ellipsoid():
    """Lambert conformal on one parallel: areas of a block add up to the geographic block's."""
    lcc = CRS.from_proj4("+proj=lcc +lat_1=46.5 +lat_0=46.5 +lon_0=3 +k_0=0.99 +ellps=WGS84 +units=m")
    areas = pixel_areas(GeoGrid(lcc, Affine(100, 0, -50, 0, -100, 50), (1, 1)))
    assert areas.at(0, 0) == pytest.approx(100**2 / 0.99**2, rel=1e-6)
    assert areas.kind == "ellipsoidal tiles"


def test_a_whole_hemisphere_round_the_pole():
    """Polar stereographic pixels, the pole among them, add up to the cap they cover."""
    polar = CRS.from_epsg(3031)
    n, size = 401, 10_000
    areas = pixel_areas(GeoGrid(polar, Affine(size, 0, -n * size / 2, 0, -size, n * size / 2), (n, n)))
    rows, cols = np.mgrid[:n, :n]
    each = areas.at(rows.ravel(), cols.ravel()).reshape(n, n)
    r = np.hypot(rows - n // 2, cols - n // 2) * size
    for latitude in (-80, -75):
        radius = transform_points("EPSG:4326", polar, [90.0], [float(latitude)])[0][0]
        assert each[r < radius].sum() == pytest.approx(cell(-90, latitude, 360), rel=4e-3)
    assert each[n // 2, n // 2] == pytest.approx(each[n // 2, n // 2 + 1], rel=1e-4)


@pytest.mark.parametrize(
    ("transform", "crs"),
    [
        (Affine(0.02, 0, 10, 0, -0.03, 60), WGS84),
        (Affine.translation(10, 60) * Affine.rotation(20) * Affine.scale(0.02, -0.03), WGS84),
        (Affine(1000, 0, 2_500_000, 0, -1000, 5_500_000), CRS.from_epsg(3034)),
        (Affine(10, 0, 5e5, 0, -10, 9e6), CRS.from_epsg(32733)),
    ],
)
def test_groups_have_the_areas_of_their_pixels(transform, crs):
    areas = pixel_areas(GeoGrid(crs, transform, (211, 173)))
    for row0, row1, col0, col1 in ((0, 211, 0, 173), (100, 140, 33, 90), (210, 211, 172, 173)):
        rows, cols, each = areas.groups(row0, row1, col0, col1)
        assert rows.max() < each.shape[0] and cols.max() < each.shape[1] and rows.min() == cols.min() == 0
        r, c = np.mgrid[row0:row1, col0:col1]
        want = areas.at(r.ravel(), c.ravel()).reshape(r.shape)
        np.testing.assert_allclose(each[rows[:, None], cols[None, :]], want, rtol=3e-3)
        assert want.max() / want.min() <= areas.ratio * (1 + 1e-9)


def test_the_range_of_pixel_areas():
    areas = pixel_areas(GeoGrid(WGS84, Affine(0.5, 0, 0, 0, -0.5, 60), (120, 4)))
    assert areas.ratio == pytest.approx(cell(0, 0.5, 1) / cell(59.5, 60, 1), rel=1e-9)
    assert areas.deviation is None
    assert "degrees" in areas.measurement.sentence
    assert pixel_areas(GeoGrid(CRS.from_epsg(32733), Affine(10, 0, 5e5, 0, -10, 9e6), (5, 5))).ratio == 1


def test_corners_beyond_the_earth():
    sinusoidal = CRS.from_proj4("+proj=sinu +R=6371007.181 +units=m")
    areas = pixel_areas(GeoGrid(sinusoidal, Affine(1e5, 0, -2e7, 0, -1e5, 1e7), (200, 400)))
    assert areas.at(100, 200) == pytest.approx(1e10, rel=1e-3)
    assert np.isfinite(areas.groups(0, 200, 0, 400)[2]).all()


def test_local_systems_have_no_known_size():
    local = CRS.from_wkt('LOCAL_CS["drawing",UNIT["metre",1]]')
    assert pixel_areas(GeoGrid(local, Affine(10, 0, 0, 0, -10, 0), (5, 5))) is None
    assert pixel_areas(GeoGrid(WGS84, Affine.identity(), (5, 5))) is None
    assert pixel_areas(GeoGrid(None, Affine(10, 0, 0, 0, -10, 0), (5, 5))) is None


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
