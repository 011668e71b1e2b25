# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of maps are refused, several bands of codes are not; lossy compression is told."""

import numpy as np
import pytest
import rasterio
import rasterio.shutil

from lulc_plugin.errors import LulcError
from lulc_plugin.legend import LegendClass
from lulc_plugin.raster import RasterInput, check_class_raster

COLOURS = np.array([(65, 155, 223), (57, 125, 73), (198, 214, 120), (228, 150, 53), (196, 40, 27)], np.uint8)
CLASSES = np.kron(np.random.default_rng(3).integers(0, 5, (12, 12)), np.ones((8, 8), np.int64))


def drawn(alpha):
    bands = COLOURS[CLASSES].transpose(2, 0, 1)
    return np.concatenate([bands, np.full((1, *CLASSES.shape), 255, np.uint8)]) if alpha else bands


@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("band", [1, 2, 3])
def test_a_class_map_kept_as_colours(raster, alpha, band):
    path = raster("drawn.tif", drawn(alpha), names=None)
    with pytest.raises(LulcError, match=rf"picture of a map \({3 + alpha} bands, red green blue"):
        check_class_raster(RasterInput(path, band))


def test_a_drawing_with_soft_edges(raster):
    soft = drawn(False).astype(float)
    for axis in (1, 2):
        soft = (soft + np.roll(soft, 1, axis) + np.roll(soft, 2, axis)) / 3
    with pytest.raises(LulcError, match="picture of a map"):
        check_class_raster(RasterInput(raster("soft.tif", soft.astype(np.uint8), names=None)))


CODES = (10, 20, 60, 90, 190)
DATES = np.where(np.random.default_rng(4).random((3, *CLASSES.shape)) < 0.1, 60, np.array(CODES)[CLASSES])
CONFIDENCE = np.random.default_rng(5).integers(0, 100, CLASSES.shape)


@pytest.mark.parametrize(
    "bands",
    [
        DATES,
        np.stack([CLASSES + 1, CLASSES % 2, CLASSES // 2]),
        np.stack([np.array(CODES)[CLASSES], CONFIDENCE, CONFIDENCE[::-1]]),
        np.stack([CLASSES + 1] * 3),
    ],
    ids=["dates", "small codes", "codes and confidence", "grey"],
)
def test_several_bands_of_codes_are_no_picture(raster, bands):
    assert check_class_raster(RasterInput(raster("codes.tif", bands.astype(np.uint8), names=None))) == ()


def test_who_names_a_band_or_its_classes_knows_better(raster):
    named = raster("named.tif", drawn(False), names=("land cover", "", ""))
    assert check_class_raster(RasterInput(named)) == ()
    path = raster("drawn.tif", drawn(False), names=None)
    assert check_class_raster(RasterInput(path, classes=(LegendClass(65, "Water", "#0000FF"),))) == ()
    with pytest.raises(LulcError, match="picture"):
        check_class_raster(RasterInput(path, classes=(LegendClass(65, "65", "#0000FF"),)))


def test_one_band_with_a_palette_is_a_class_map(raster):
    path = raster("palette.tif", CLASSES[None].astype(np.uint8), names=None)
    with rasterio.open(path, "r+") as made:
        made.write_colormap(1, {i: (*map(int, colour), 255) for i, colour in enumerate(COLOURS)})
    assert check_class_raster(RasterInput(path)) == ()


@pytest.mark.parametrize(
    ("driver", "options", "codec"),
    [
        ("GTiff", {"COMPRESS": "JPEG"}, "JPEG"),
        ("JPEG", {}, "JPEG"),
        ("JP2OpenJPEG", {}, "JPEG2000"),
        ("JP2OpenJPEG", {"REVERSIBLE": "YES", "QUALITY": "100"}, ""),
        ("GTiff", {"COMPRESS": "LERC", "MAX_Z_ERROR": "1"}, "LERC with errors up to 1"),
        ("GTiff", {"COMPRESS": "LERC", "MAX_Z_ERROR": "0.4"}, ""),
        ("GPKG", {"TILE_FORMAT": "JPEG"}, "JPEG"),
        ("GPKG", {}, ""),
        ("GTiff", {"COMPRESS": "DEFLATE"}, ""),
    ],
)
def test_lossy_compression(raster, tmp_path, driver, options, codec):
    plain = raster("plain.tif", CLASSES[None].astype(np.uint8), names=None)
    path = str(tmp_path / "packed")
    try:
        rasterio.shutil.copy(plain, path, driver=driver, **options)
    except Exception:
        pytest.skip(f"this GDAL cannot write {driver} {options}")
    said = check_class_raster(RasterInput(path))
    assert bool(said) == bool(codec)
    if said:
        assert f"({codec})" in said[0] and "COMPRESS=DEFLATE" in said[0]


def test_a_mosaic_of_lossy_files(raster, tmp_path):
    plain = raster("plain.tif", CLASSES[None].astype(np.uint8), names=None)
    rasterio.shutil.copy(plain, str(tmp_path / "a.tif"), driver="GTiff", COMPRESS="JPEG")
    rasterio.shutil.copy(str(tmp_path / "a.tif"), str(tmp_path / "a.vrt"), driver="VRT")
    assert "(JPEG)" in check_class_raster(RasterInput(str(tmp_path / "a.vrt")))[0]
