# SPDX-License-Identifier: GPL-3.0-or-later
"""Rasters of another grid, resolution, coordinate system or data type, at the map's pixels and at points."""

import time

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.crs import CRS
from rasterio.enums import ColorInterp
from rasterio.warp import transform as transform_points

from lulc_plugin.assess import RasterInput, RasterOnMap
from lulc_plugin.assess.overlay import NODATA, OK, OUTSIDE, values_at
from lulc_plugin.errors import LulcError
from lulc_plugin.raster import PixelRegion, source
from lulc_plugin.report.accuracy.sample_sentences import alignment_sentence

GRID = Affine(30, 0, 500_000, 0, -30, 9_120_000)
UTM = "EPSG:32725"
UTM_CRS = CRS.from_epsg(32725)


def classes(rows, cols, seed=0, dtype="uint8", high=12):
    return np.random.default_rng(seed).integers(0, high, (1, rows, cols)).astype(dtype)


def centres(transform, rows, cols):
    r, c = np.mgrid[:rows, :cols] + 0.5
    return transform.a * c + transform.b * r + transform.c, transform.d * c + transform.e * r + transform.f


def expected(values, valid, transform, map_transform, shape, crs=None, map_crs=None):
    """Cell under each map pixel's centre by the definition; and where the centre is not within 1e-6 of a border."""
    x, y = centres(map_transform, *shape)
    if crs != map_crs:
        x, y = (np.reshape(v, shape) for v in transform_points(map_crs, crs, x.ravel(), y.ravel()))
    inverse = ~transform
    col, row = inverse.a * x + inverse.b * y + inverse.c, inverse.d * x + inverse.e * y + inverse.f
    clear = np.minimum(np.abs(col - np.round(col)), np.abs(row - np.round(row))) > 1e-6
    c, r = np.floor(col).astype(int), np.floor(row).astype(int)
    inside = (r >= 0) & (r < values.shape[0]) & (c >= 0) & (c < values.shape[1])
    out, known = np.zeros(shape, np.int64), np.zeros(shape, bool)
    usable = np.where(valid, values, 0)
    out[inside], known[inside] = usable[r[inside], c[inside]], valid[r[inside], c[inside]]
    return out, known, clear


def check(reference, map_path, values, valid, transform, crs=UTM, map_crs=UTM, most_unclear=0, **options):
    """All of the reference, and some windows of it, against the definition."""
    with RasterOnMap(RasterInput(map_path)) as on, RasterOnMap(RasterInput(reference), on.facts, **options) as layer:
        facts = layer.facts
        shape = (facts.height, facts.width)
        want, known, clear = expected(values, valid, transform, facts.transform, shape, crs, map_crs)
        assert (~clear).sum() <= most_unclear
        assert known.any(), "a test of nothing"
        for region in (facts.region, PixelRegion(3, 20, 5, 6), PixelRegion(shape[0] - 1, shape[0], 0, shape[1])):
            got, ok = layer.read(region)
            part = (slice(region.row0, region.row1), slice(region.col0, region.col1))
            assert got.shape == ok.shape == (region.height, region.width)
            assert got.dtype.kind in "iu"
            np.testing.assert_array_equal(ok[clear[part]], known[part][clear[part]])
            both = clear[part] & ok
            np.testing.assert_array_equal(got[both], want[part][both])
        return alignment_sentence(layer.alignment)


# ---------------------------------------------------------------- round the earth


def of_longitude(x, y):
    """A class for each degree of longitude and each half of a degree of latitude, wherever they are counted from."""
    return (np.floor(x) % 360 % 7 + 7 * (np.floor(2 * y) % 2) + 1).astype("uint8")


@pytest.mark.parametrize("map_west", [178, -182])
@pytest.mark.parametrize(
    ("west", "width"), [(178, 4), (-182, 4), (538, 4), (-180, 360), (0, 360), (-180, 359), (179, 1), (-181, 2)]
)
@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:4269"])
def test_longitudes_from_anywhere(raster, map_west, west, width, crs):
    """A reference that counts longitudes otherwise than the map: all of it, a part, or the whole earth."""
    on = Affine(0.25, 0, map_west, 0, -0.25, -15)
    map_path = raster("m.tif", np.zeros((1, 8, 16), "uint8"), transform=on, crs="EPSG:4326")
    under = Affine(1, 0, west, 0, -0.5, -15)
    values = of_longitude(*centres(under, 4, width))
    reference = raster("r.tif", values[None], transform=under, crs=crs)
    x, y = centres(on, 8, 16)
    covered = (x - west) % 360 < width
    with RasterOnMap(RasterInput(map_path)) as m, RasterOnMap(RasterInput(reference), m.facts) as layer:
        got, ok = layer.read(layer.facts.region)
        np.testing.assert_array_equal(ok, covered)
        np.testing.assert_array_equal(got[ok], of_longitude(x, y)[covered])
    got, status = values_at(RasterInput(reference), x.ravel() - 720, y.ravel(), CRS.from_string(crs))
    np.testing.assert_array_equal(status == OK, covered.ravel())
    np.testing.assert_array_equal(got[status == OK], of_longitude(x, y)[covered])


@pytest.mark.parametrize("west", [178, -182, -180, 0])
def test_a_map_in_metres_across_180(raster, west):
    on = Affine(3000, 0, 780_000, 0, -3000, 8_300_000)
    map_path = raster("m.tif", np.zeros((1, 20, 40), "uint8"), transform=on, crs="EPSG:32760")
    width = 4 if abs(west) > 170 and west != -180 else 360
    under = Affine(1, 0, west, 0, -0.5, -15)
    reference = raster("r.tif", of_longitude(*centres(under, 4, width))[None], transform=under, crs="EPSG:4326")
    lon, lat = transform_points("EPSG:32760", "EPSG:4326", *(v.ravel() for v in centres(on, 20, 40)))
    lon = np.array(lon) % 360
    assert lon.min() < 180 < lon.max()
    covered = np.ones(800, bool) if width == 360 else (lon > 178) & (lon < 182)
    with RasterOnMap(RasterInput(map_path)) as m, RasterOnMap(RasterInput(reference), m.facts) as layer:
        got, ok = layer.read(layer.facts.region)
    inside = covered & (np.array(lat) < -15) & (np.array(lat) > -17)
    np.testing.assert_array_equal(ok.ravel(), inside)
    np.testing.assert_array_equal(got.ravel()[inside], of_longitude(lon, np.array(lat))[inside])


CIRCLE = 40075016.68557849


@pytest.mark.parametrize("map_west", [178, -182])
@pytest.mark.parametrize("reference_crs", ["EPSG:4326", "EPSG:3857"])
@pytest.mark.parametrize("west", [178, -182, -180])
def test_web_mercator_across_180(raster, map_west, reference_crs, west):
    """As tiles of the web are projected."""
    on = Affine(CIRCLE / 1440, 0, map_west * CIRCLE / 360, 0, -25000, -1_680_000)
    map_path = raster("m.tif", np.zeros((1, 8, 16), "uint8"), transform=on, crs="EPSG:3857")
    width = 360 if west == -180 else 4
    under = Affine(1, 0, west, 0, -2, -14)
    values = (np.broadcast_to((west + np.arange(width)) % 360 % 7, (2, width)) + 1).astype("uint8")
    if reference_crs == "EPSG:3857":
        under = Affine(CIRCLE / 360, 0, west * CIRCLE / 360, 0, -400_000, -1_500_000)
    reference = raster("r.tif", values[None], transform=under, crs=reference_crs)
    with RasterOnMap(RasterInput(map_path)) as m, RasterOnMap(RasterInput(reference), m.facts) as layer:
        got, ok = layer.read(layer.facts.region)
    assert ok.all()
    longitudes = np.floor(map_west + (np.arange(16) + 0.5) / 4) % 360
    np.testing.assert_array_equal(got, np.broadcast_to(longitudes % 7 + 1, (8, 16)))


def test_rasters_without_a_crs_say_where_they_lie(raster):
    bare, known = raster("bare.tif", classes(4, 5), crs=None), raster("known.tif", classes(4, 5))
    far = raster("far.tif", classes(4, 5), crs=None, transform=Affine(1, 0, 0, 0, -1, 10))
    for reference, on, words in (
        (bare, known, "They meet as they are: Give bare.tif EPSG:32725 (QGIS: Layer CRS; a shell: --crs EPSG:32725)"),
        (known, bare, "--map-crs EPSG:32725"),
        (far, known, "Give far.tif its own (QGIS: Layer CRS; a shell: --crs EPSG:CODE)"),
    ):
        with RasterOnMap(RasterInput(on)) as m, pytest.raises(LulcError) as caught:
            RasterOnMap(RasterInput(reference), m.facts)
        assert words in str(caught.value) and "known.tif 500000, 9119880, 500150, 9120000" in str(caught.value)


# ---------------------------------------------------------------- the same coordinate system


def test_the_map_itself(raster):
    path = raster("map.tif", classes(40, 50), nodata=0)
    with RasterOnMap(RasterInput(path)) as layer:
        values, valid = layer.read(layer.facts.region)
        assert layer.alignment is None
        np.testing.assert_array_equal(values, classes(40, 50)[0])
        np.testing.assert_array_equal(valid, classes(40, 50)[0] != 0)


def test_the_same_grid(raster):
    values = classes(40, 50, 1)
    how = check(raster("r.tif", values), raster("m.tif", classes(40, 50)), values[0], values[0] >= 0, GRID)
    assert how == "r.tif lies on the map's grid."


@pytest.mark.parametrize(
    ("transform", "sentence"),
    [
        (GRID * Affine.translation(7, -9), "first pixel is row -9, column 7 of the map"),
        (GRID * Affine.translation(0.3, 0.4), "0.4 pixel off"),
        (GRID * Affine.scale(1 / 3), "10 × 10 m, the map pixels of 30 × 30 m"),
        (GRID * Affine.scale(0.5) * Affine.translation(0.21, 0.1), "15 × 15 m"),
        (GRID * Affine.translation(4.2137, 3.3071) * Affine.scale(7.7013, 3.1007), "231.039 × 93.021 m"),
        (GRID * Affine.translation(2.2137, 60.3071) * Affine.scale(1.3013, -1.1007), "39.039 × 33.021 m"),  # south up
        (GRID * Affine.translation(10, 2) * Affine.rotation(25) * Affine.scale(0.9), "turned"),
        (GRID * Affine.translation(10.137, 2.071) * Affine.rotation(90) * Affine.scale(0.70013, 1.10007), "turned"),
        (GRID * Affine(0.6, 0.2, -3.3, 0.1, 0.7, -2.2), "turned"),
    ],
)
def test_other_grids(raster, transform, sentence):
    values = classes(61, 83, 2)
    how = check(
        raster("r.tif", values, nodata=3, transform=transform), raster("m.tif", classes(40, 50)),
        values[0], values[0] != 3, transform,
    )  # fmt: skip
    assert sentence in how


@pytest.mark.parametrize(
    "grid",
    [
        Affine(30, 0, 500_000, 0, 30, 9_118_500),  # south up
        Affine.translation(500_000, 9_120_000) * Affine.rotation(-33) * Affine.scale(30, -30),
    ],
)
@pytest.mark.parametrize("zoom", [1, 0.370137, 3.100713])
def test_rotated_and_shifted_maps(raster, grid, zoom):
    values = classes(90, 110, 3)
    transform = grid * Affine.translation(-2.70137, -3.40071) * Affine.scale(zoom)
    how = check(
        raster("r.tif", values, transform=transform), raster("m.tif", classes(44, 52), transform=grid),
        values[0], values[0] >= 0, transform,
    )  # fmt: skip
    assert "turned" not in how, "both are turned alike"


def test_centres_on_borders_all_take_the_cell_after_the_border(raster):
    """20 m on 10 m: every centre lies on a corner of four cells; rounding must not choose one by chance."""
    grid = Affine(0.0002, 0, -34.987654321, 0, -0.0002, -7.123456789)
    fine = Affine(0.0001, 0, -34.987654321, 0, -0.0001, -7.123456789)
    values = classes(800, 1000, 4)
    reference = raster("r.tif", values, transform=fine, crs="EPSG:4326")
    map_path = raster("m.tif", classes(400, 500), transform=grid, crs="EPSG:4326")
    with RasterOnMap(RasterInput(map_path)) as on, RasterOnMap(RasterInput(reference), on.facts) as layer:
        got, _ = layer.read(on.facts.region)
        np.testing.assert_array_equal(got, values[0][1::2, 1::2])


def test_memory_follows_the_map_not_the_reference(raster, monkeypatch):
    values = classes(600, 900, 5)
    transform = GRID * Affine.scale(1 / 29)
    reference, map_path = raster("r.tif", values, transform=transform), raster("m.tif", classes(20, 30))
    largest = []
    original = source.Source.read

    def read(self, bands, region):
        largest.append(region.height * region.width)
        return original(self, bands, region)

    monkeypatch.setattr(source.Source, "read", read)
    check(reference, map_path, values[0], values[0] >= 0, transform, most_cells=5000)
    assert max(largest) <= 5000


@pytest.mark.parametrize("tile", [{}, {"tiled": True, "blockxsize": 16, "blockysize": 32}])
def test_file_blocks_do_not_matter(raster, tile):
    values = classes(70, 90, 6)
    transform = GRID * Affine.translation(-11, -13)
    check(raster("r.tif", values, transform=transform, **tile), raster("m.tif", classes(40, 50)), values[0],
          values[0] >= 0, transform)  # fmt: skip


# ---------------------------------------------------------------- what is valid


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "int32", "uint32", "float32", "float64"])
@pytest.mark.parametrize("case", ["plain", "nodata 0", "nodata 11", "mask", "alpha", "alpha and nodata"])
@pytest.mark.parametrize("crs", [UTM, "EPSG:4326"])
def test_validity(raster, tmp_path, dtype, case, crs):
    values = classes(120, 130, 7, dtype)
    here = np.random.default_rng(8).random((120, 130)) < 0.5
    transform = GRID * Affine.translation(-5.3, 4.2) if crs == UTM else Affine(0.0003, 0, -33.0, 0, -0.0003, -7.957)
    nodata = {"nodata 0": 0, "nodata 11": 11, "alpha and nodata": 3}.get(case)
    valid = np.ones((120, 130), bool) if nodata is None else values[0] != nodata
    options = {"crs": crs, "transform": transform, "nodata": nodata, "names": None}
    if case == "mask":
        path = raster("r.tif", values, mask=here, **options)
        valid &= here
    elif case.startswith("alpha"):
        top = 255 if dtype == "uint8" else 1 if dtype.startswith("float") else 1000
        path = raster("r.tif", np.concatenate([values, (here * top).astype(dtype)[None]]), **options)
        with rasterio.open(path, "r+") as file:
            file.colorinterp = [ColorInterp.gray, ColorInterp.alpha]
        valid &= here
    else:
        path = raster("r.tif", values, **options)
    check(path, raster("m.tif", classes(70, 80)), values[0], valid, transform, crs)


@pytest.mark.parametrize("crs", [UTM, "EPSG:4326"])
def test_each_band_has_its_own_nodata(raster, crs):
    """A pixel that is nodata in the band asked for counts for nothing, whatever the other bands say there."""
    values = np.concatenate([classes(120, 130, 21), classes(120, 130, 22), classes(120, 130, 23)])
    transform = GRID * Affine.translation(-5.3, 4.2) if crs == UTM else Affine(0.0003, 0, -33.0, 0, -0.0003, -7.957)
    path = raster("r.tif", values, nodata=5, crs=crs, transform=transform)
    map_path = raster("m.tif", classes(70, 80))
    with RasterOnMap(RasterInput(map_path)) as on, RasterOnMap(RasterInput(path, 2), on.facts) as layer:
        want, known, clear = expected(values[1], values[1] != 5, transform, GRID, (70, 80), crs, UTM)
        got, ok = layer.read(on.facts.region)
        np.testing.assert_array_equal(ok[clear], known[clear])
        np.testing.assert_array_equal(got[clear & ok], want[clear & ok])


def test_nan_is_nodata(raster):
    values = classes(40, 50, 9, "float32")
    values[0, 5:9, 5:9] = np.nan
    values[0, 20:22] = np.inf
    for nodata in (None, np.nan):
        path = raster("r.tif", values, nodata=nodata)
        check(path, raster("m.tif", classes(40, 50)), values[0], np.isfinite(values[0]), GRID)


def test_a_nodata_value_that_the_type_cannot_hold(raster):
    values = classes(40, 50, 10)
    path = raster("r.vrt.tif", values)
    text = f"""<VRTDataset rasterXSize="50" rasterYSize="40"><SRS>{UTM}</SRS>
      <GeoTransform>500000, 30, 0, 9120000, 0, -30</GeoTransform>
      <VRTRasterBand dataType="Byte" band="1"><NoDataValue>-9999</NoDataValue><SimpleSource>
      <SourceFilename relativeToVRT="0">{path}</SourceFilename><SourceBand>1</SourceBand></SimpleSource>
      </VRTRasterBand></VRTDataset>"""
    with open(path + ".vrt", "w") as file:
        file.write(text)
    check(path + ".vrt", raster("m.tif", classes(40, 50)), values[0], values[0] >= 0, GRID)
    with RasterOnMap(RasterInput(path + ".vrt")) as layer:
        assert layer.nodata_byte is None


# ---------------------------------------------------------------- another coordinate system


@pytest.mark.parametrize(
    ("crs", "transform"),
    [
        ("EPSG:4326", Affine(0.0003, 0, -33.003, 0, -0.0003, -7.957)),
        ("EPSG:3857", Affine(25, 0, -3_674_000, 0, -25, -888_000)),
        ("EPSG:32724", Affine(41, 0, 1_161_000, 0, -41, 9_118_500)),
        ("EPSG:4326", Affine.translation(-33.0, -7.957) * Affine.rotation(20) * Affine.scale(0.0003, -0.0003)),
        ("EPSG:4326", Affine(0.0003, 0, -33.003, 0, 0.0003, -7.993)),  # south up
    ],
)
@pytest.mark.parametrize(
    "grid", [GRID, Affine(30, 0, 500_000, 0, 30, 9_117_000),
             Affine.translation(500_000, 9_120_000) * Affine.rotation(-12) * Affine.scale(30, -30)],
)  # fmt: skip
def test_other_coordinate_systems(raster, crs, transform, grid):
    values = classes(150, 170, 11)
    how = check(
        raster("r.tif", values, crs=crs, transform=transform, nodata=2),
        raster("m.tif", classes(100, 120), transform=grid), values[0], values[0] != 2, transform, crs,
        most_unclear=2,
    )  # fmt: skip
    assert "another coordinate system" in how and crs in how and UTM in how


def test_a_large_map_in_another_coordinate_system_is_exact_everywhere(raster):
    """GDAL approximates coordinates along lines; the error would show in the middle of long lines."""
    values = classes(700, 800, 12)
    transform = Affine(0.0004, 0, -33.02, 0, -0.0004, -7.95)
    check(raster("r.tif", values, crs="EPSG:4326", transform=transform), raster("m.tif", classes(900, 1000)),
          values[0], values[0] >= 0, transform, "EPSG:4326", most_unclear=20)  # fmt: skip


def test_overviews_are_not_taken_for_pixels(raster):
    """A fine reference with averaged overviews under a coarse map."""
    values = classes(640, 640, 13)
    transform = Affine(0.00003, 0, -33.001, 0, -0.00003, -7.957)
    path = raster("r.tif", values, crs="EPSG:4326", transform=transform, tiled=True, blockxsize=64, blockysize=64)
    with rasterio.open(path, "r+") as file:
        file.build_overviews([2, 4, 8, 16], rasterio.enums.Resampling.average)
    check(path, raster("m.tif", classes(70, 70)), values[0], values[0] >= 0, transform, "EPSG:4326", most_unclear=2)


# ---------------------------------------------------------------- what is refused


def refusal(layer, map_path, band=1):
    with RasterOnMap(RasterInput(map_path)) as on, pytest.raises(LulcError) as caught:
        with RasterOnMap(RasterInput(layer, band), on.facts) as reference:
            reference.read(on.facts.region)
    return str(caught.value)


def test_a_band_that_is_not_there(raster):
    path = raster("r.tif", np.repeat(classes(10, 10), 3, axis=0))
    assert "no band 4, bands 1 to 3" in refusal(path, raster("m.tif", classes(10, 10)), 4)


def test_only_one_has_a_coordinate_system(raster):
    with_crs, without = raster("a.tif", classes(10, 10)), raster("b.tif", classes(10, 10), crs=None)
    assert "b.tif has no coordinate system, a.tif has EPSG:32725" in refusal(without, with_crs)
    assert "b.tif has no coordinate system, a.tif has EPSG:32725" in refusal(with_crs, without)


def test_both_without_a_coordinate_system(raster):
    values = classes(40, 50, 14)
    transform = GRID * Affine.scale(0.5)
    check(raster("r.tif", values, crs=None, transform=transform), raster("m.tif", classes(40, 50), crs=None),
          values[0], values[0] >= 0, transform, None, None, most_unclear=10**4)  # fmt: skip


def test_layers_that_do_not_meet(raster):
    map_path = raster("m.tif", classes(10, 10))
    text = refusal(raster("r.tif", classes(10, 10), transform=GRID * Affine.translation(110, 0)), map_path)
    assert "r.tif does not meet m.tif: it lies 3,000 metre east of it" in text
    assert "500000, 9119700, 500300, 9120000" in text and "503300" in text
    text = refusal(
        raster("d.tif", classes(10, 10), crs="EPSG:4326", transform=Affine(0.001, 0, 10, 0, -0.001, 50)), map_path
    )
    assert "d.tif does not meet m.tif" in text and "north of it" in text and "EPSG:4326" in text and UTM in text


@pytest.mark.parametrize("crs", [UTM, "EPSG:4326"])
def test_no_class_map(raster, crs):
    values = classes(40, 50, 15, "float32")
    values[0, 10:, 10:] = 37.42
    transform = GRID if crs == UTM else Affine(0.0003, 0, -33.0, 0, -0.0003, -7.957)
    text = refusal(raster("r.tif", values, crs=crs, transform=transform), raster("m.tif", classes(60, 70)))
    assert "r.tif holds the value 37.41999817: this is not a class map" in text


def test_whole_numbers_in_floats_are_classes(raster):
    values = classes(40, 50, 16, "float64") + 4e-7
    with RasterOnMap(RasterInput(raster("r.tif", values))) as layer:
        np.testing.assert_array_equal(layer.read(layer.facts.region)[0], classes(40, 50, 16)[0])


def test_complex_numbers(raster):
    assert "complex" in refusal(raster("r.tif", classes(10, 10, dtype="complex64")), raster("m.tif", classes(10, 10)))


def test_summary(raster):
    path = raster("r.tif", classes(40, 50), nodata=255)
    with RasterOnMap(RasterInput(path, name="Survey 2020")) as layer:
        s = layer.summary
    assert (s.name, s.kind, s.band, s.rows, s.columns) == ("Survey 2020", "raster", 1, 40, 50)
    assert (s.crs, s.pixel_size) == ("EPSG:32725 (WGS 84 / UTM zone 25S)", "30 × 30 m")
    assert (s.data_type, s.nodata) == ("uint8", "255")


# ---------------------------------------------------------------- at points


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
def test_values_at_points(raster, transform, blocks):
    values = classes(70, 90)
    path = raster("m.tif", values, transform=transform, nodata=4, **blocks)
    x, y, row, col = scattered(transform, 70, 90, 3000)
    got, status = values_at(RasterInput(path), x, y, UTM_CRS)
    inside = (row >= 0) & (row < 70) & (col >= 0) & (col < 90)
    assert 100 < (~inside).sum() < 2000
    np.testing.assert_array_equal(status == OUTSIDE, ~inside)
    want = values[0][row[inside], col[inside]]
    np.testing.assert_array_equal(status[inside], np.where(want == 4, NODATA, OK))
    np.testing.assert_array_equal(got[inside], np.where(want == 4, 0, want))
    assert (got[~inside] == 0).all()


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:3857"])
def test_points_in_another_coordinate_system(raster, crs):
    values = classes(70, 90, 2)
    path = raster("m.tif", values)
    x, y, row, col = scattered(GRID, 70, 90, 500, beyond=0)
    there = transform_points(UTM_CRS, crs, x, y)
    got, status = values_at(RasterInput(path), *there, CRS.from_string(crs))
    assert (status == OK).all()
    np.testing.assert_array_equal(got, values[0][row, col])


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e300])
def test_points_whose_coordinates_are_no_numbers(raster, bad):
    path = raster("m.tif", classes(3, 4))
    for crs in (UTM_CRS, CRS.from_epsg(4326)):
        _, status = values_at(RasterInput(path), [bad, -33.0 if crs != UTM_CRS else 500_015], [0.0, -7.9606], crs)
        assert status[0] == OUTSIDE


def test_no_points(raster):
    values, status = values_at(RasterInput(raster("m.tif", classes(3, 4))), [], [], CRS.from_epsg(4326))
    assert values.shape == status.shape == (0,)


def test_only_the_points_have_a_coordinate_system(raster):
    with pytest.raises(LulcError, match="m.tif has no coordinate system, the points have EPSG:32725"):
        values_at(RasterInput(raster("m.tif", classes(3, 4), crs=None)), [1.0], [1.0], UTM_CRS)


def test_points_on_what_is_no_class_map(raster):
    with pytest.raises(LulcError, match="not a class map"):
        values_at(
            RasterInput(raster("m.tif", classes(3, 4, dtype="float32") + 0.3)), [500_015.0], [9_119_985.0], UTM_CRS
        )


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
    got, status = values_at(RasterInput(path), x, y, UTM_CRS)
    assert time.perf_counter() - started < 5
    assert max(largest) <= 64 * 3000
    assert len(calls) < 500
    np.testing.assert_array_equal(got, classes(3000, 3000, 3)[0][row, col])
