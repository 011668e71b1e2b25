# SPDX-License-Identifier: GPL-3.0-or-later
"""Stacks: all bands on one grid, with what their files say about them."""

import numpy as np
import pytest
import rasterio
from affine import Affine

from lulc_plugin.errors import LulcError, OptionInvalid
from lulc_plugin.raster import NodataSetting, PixelRegion, RasterInput, Source
from lulc_plugin.scenes import StackJob, stack_layers

TARGETS = ("stack.vrt", "stack.tif")
FINE = Affine(10, 0, 500_000, 0, -10, 9_120_000)
COARSE = Affine(30, 0, 500_000, 0, -30, 9_120_000)


def job(*paths, **options):
    return StackJob(tuple(path if isinstance(path, RasterInput) else RasterInput(path) for path in paths), **options)


def read(path, bands=None):
    with Source(str(path)) as source:
        facts = source.facts
        numbers = bands or [band.number for band in facts.bands]
        return facts, *source.read(numbers, PixelRegion(0, facts.height, 0, facts.width))


@pytest.mark.parametrize("name", TARGETS)
def test_bands_of_one_grid_are_as_they_were(raster, tmp_path, name):
    first = raster("june.tif", np.arange(2 * 12 * 15, dtype=np.uint16).reshape(2, 12, 15), names=("red", "nir"))
    second = raster("slope.tif", np.full((1, 12, 15), -3.5, np.float32), names=None, nodata=-9999.0)
    with rasterio.open(first, "r+") as dataset:
        dataset.scales, dataset.offsets = (0.0001, 0.0001), (-0.1, 0.0)
        dataset.update_tags(1, ns="IMAGERY", CENTRAL_WAVELENGTH_UM="0.665", FWHM_UM="0.03")
    result = stack_layers(job(first, second), tmp_path / name)
    facts, values, valid = read(tmp_path / name)
    assert [band.name for band in facts.bands] == ["red", "nir", "slope"] == [band.name for band in result.bands]
    assert [band.scale for band in facts.bands] == [0.0001, 0.0001, 1.0] and facts.bands[0].offset == -0.1
    assert facts.bands[0].wavelength == 0.665 and facts.bands[0].width == 0.03
    assert valid.all() and values[0, 3, 4] == 3 * 15 + 4 and values[2, 0, 0] == -3.5


@pytest.mark.parametrize("name", TARGETS)
def test_each_band_keeps_its_own_nodata(raster, tmp_path, name):
    optical = np.full((1, 8, 8), 100, np.uint16)
    optical[0, 0, :] = 0
    radar = np.full((1, 8, 8), -12.5, np.float32)
    radar[0, :, 0] = np.nan
    stack_layers(
        job(raster("a.tif", optical, nodata=0, names=("red",)), raster("b.tif", radar, names=("VV",))), tmp_path / name
    )
    _, _, valid = read(tmp_path / name)
    assert not valid[0, 0].any() and valid[0, 1:].all() and not valid[1, :, 0].any() and valid[1, :, 1:].all()


@pytest.mark.parametrize("nodata", [None, -128])
def test_an_embedding_is_told_and_keeps_its_numbers(raster, tmp_path, nodata):
    stored = np.random.default_rng(0).integers(-127, 128, (2, 8, 8)).astype(np.int8)
    stored[:, 0] = -128
    path = raster("embedding.tif", stored, nodata=nodata, names=("A00", "A63"))
    red = raster("red.tif", np.ones((1, 8, 8), np.uint16), names=("red",))
    result = stack_layers(job(red, path), tmp_path / "s.vrt")
    (note,) = result.notes
    assert "2 bands hold an AlphaEarth embedding" in note and ("-128" in note) == (nodata is None)
    facts, values, valid = read(tmp_path / "s.vrt", [2, 3])
    assert [b.name for b in facts.bands] == ["red", "A00", "A63"] and facts.dtypes[1] == "int8"
    assert not valid[:, 0].any() and valid[:, 1:].all() and np.array_equal(values[:, 1:], stored[:, 1:])


def test_names_that_occur_twice_get_their_layer(raster, tmp_path):
    image = np.ones((2, 6, 6), np.uint8)
    first, second = (raster(f"{n}.tif", image, names=("red", "nir")) for n in ("june", "july"))
    result = stack_layers(job(first, second, RasterInput(second, name="again")), tmp_path / "s.vrt")
    assert [band.name for band in result.bands] == [
        "red",
        "nir",
        "red (july)",
        "nir (july)",
        "red (again)",
        "nir (again)",
    ]


@pytest.mark.parametrize("name", TARGETS)
def test_finer_pixels_become_means(raster, tmp_path, name):
    fine = np.arange(36 * 36, dtype=np.float32).reshape(1, 36, 36)
    grid = raster("grid.tif", np.ones((1, 12, 12), np.float32), transform=COARSE, names=("red",))
    result = stack_layers(job(grid, raster("dem.tif", fine, transform=FINE, names=("dem",))), tmp_path / name)
    assert result.bands[1].resampled == "mean"
    _, values, _ = read(tmp_path / name)
    np.testing.assert_allclose(values[1], fine[0].reshape(12, 3, 12, 3).mean(axis=(1, 3)), rtol=1e-5)


def test_coarser_pixels_are_interpolated_and_classes_are_not(raster, tmp_path):
    grid = raster("grid.tif", np.ones((1, 36, 36), np.float32), transform=FINE, names=("red",))
    slope = np.tile(np.arange(12, dtype=np.float32), (1, 12, 1))
    classes = (np.indices((12, 12)).sum(axis=0, keepdims=True) % 2 * 40 + 10).astype(np.uint8)
    classed = raster("map.tif", classes, transform=COARSE, names=("class",))
    with rasterio.open(classed, "r+") as dataset:
        dataset.write_colormap(1, {10: (1, 2, 3, 255), 50: (4, 5, 6, 255)})
    result = stack_layers(
        job(grid, raster("t.tif", slope, transform=COARSE, names=("t",)), classed), tmp_path / "s.vrt"
    )
    assert [band.resampled for band in result.bands] == ["", "bilinear", "nearest"]
    _, values, _ = read(tmp_path / "s.vrt")
    np.testing.assert_allclose(np.diff(values[1, 18, 2:-2]), 1 / 3, atol=1e-4)
    assert set(np.unique(values[2])) == {10, 50}


def test_another_coordinate_system_and_grid(raster, tmp_path):
    here = raster("here.tif", np.full((1, 20, 20), 7, np.int16), names=("red",))
    degrees = Affine(0.001, 0, -33.1, 0, -0.001, -7.9)
    there = raster("there.tif", np.full((1, 200, 200), 5, np.int16), crs="EPSG:4326", transform=degrees, names=("dem",))
    stack_layers(job(here, there), tmp_path / "s.tif")
    facts, values, valid = read(tmp_path / "s.tif")
    assert facts.grid.shape == (20, 20) and valid.all() and (values[1] == 5).all()
    stack_layers(job(here, there, grid=RasterInput(there)), tmp_path / "g.vrt")
    assert read(tmp_path / "g.vrt")[0].grid.shape == (200, 200)


def test_where_a_layer_does_not_reach_there_is_no_data(raster, tmp_path):
    wide = raster("wide.tif", np.ones((1, 10, 20), np.uint16), names=("red",))
    narrow = raster("narrow.tif", np.full((1, 10, 10), 9, np.uint16), names=("dem",))
    stack_layers(job(wide, narrow), tmp_path / "s.vrt")
    _, values, valid = read(tmp_path / "s.vrt")
    assert valid[1, :, :9].all() and not valid[1, :, 11:].any() and (values[1][valid[1]] == 9).all()


def test_nodata_that_the_user_set(raster, tmp_path):
    path = raster("a.tif", np.arange(16, dtype=np.uint8).reshape(1, 4, 4), names=("red",))
    set_in_qgis = RasterInput(path, nodata=(NodataSetting(((3.0, 3.0),)),))
    stack_layers(job(set_in_qgis), tmp_path / "s.vrt")
    assert read(tmp_path / "s.vrt")[2].sum() == 15
    with pytest.raises(LulcError, match="band 1"):
        stack_layers(job(RasterInput(path, nodata=(NodataSetting(((3.0, 5.0),)),))), tmp_path / "t.vrt")


def test_crs_that_the_user_set(raster, tmp_path):
    here = raster("here.tif", np.ones((1, 12, 12), np.uint8), names=("red",))
    bare = raster("bare.tif", np.full((1, 12, 12), 4, np.uint8), crs=None, names=("dem",))
    with pytest.raises(LulcError, match=r"bare\.tif has no coordinate system"):
        stack_layers(job(here, bare), tmp_path / "s.vrt")
    stack_layers(job(here, RasterInput(bare, crs="EPSG:32725")), tmp_path / "s.vrt")
    assert (read(tmp_path / "s.vrt")[1][1] == 4).all()


def test_layers_that_do_not_meet(raster, tmp_path):
    here = raster("here.tif", np.ones((1, 12, 12), np.uint8), names=("red",))
    far = raster("far.tif", np.ones((1, 12, 12), np.uint8), transform=Affine(30, 0, 700_000, 0, -30, 9_120_000))
    with pytest.raises(LulcError, match="700000"):
        stack_layers(job(here, far), tmp_path / "s.vrt")
    assert not (tmp_path / "s.vrt").exists()


def test_what_cannot_be_asked_for(raster, tmp_path):
    here = raster("here.tif", np.ones((1, 12, 12), np.uint8), names=("red",))
    with pytest.raises(OptionInvalid):
        job()
    with pytest.raises(OptionInvalid, match="cubic"):
        job(here, resampling="cubic")
    with pytest.raises(LulcError, match=r"s\.png"):
        stack_layers(job(here), tmp_path / "s.png")
    with pytest.raises(LulcError, match="would be lost"):
        stack_layers(job(here), here)


def test_a_stack_of_a_stack_is_read(raster, tmp_path):
    fine = raster("dem.tif", np.arange(36 * 36, dtype=np.float32).reshape(1, 36, 36), transform=FINE, names=("dem",))
    grid = raster("grid.tif", np.ones((1, 12, 12), np.float32), transform=COARSE, names=("red",))
    stack_layers(job(grid, fine), tmp_path / "one.vrt")
    stack_layers(job(str(tmp_path / "one.vrt"), grid), tmp_path / "two.tif")
    assert read(tmp_path / "two.tif")[1].shape == (3, 12, 12)
