# SPDX-License-Identifier: GPL-3.0-or-later
"""Nodata in, nodata out; and what is stored where nothing was measured changes nothing elsewhere."""

import numpy as np
import pytest
import rasterio
from rasterio.enums import ColorInterp

from lulc_plugin.errors import LulcError
from lulc_plugin.raster import PixelRegion, Source, usable

HOLE = np.s_[..., 20:45, 30:70]


def hole_of(values):
    hole = np.zeros(values.shape[-2:], bool)
    hole[HOLE] = True
    return hole


def valid_of(path, bands=None):
    with Source(path) as source:
        bands = bands or range(1, len(source.facts.bands) + 1)
        return source.read(list(bands), source.facts.region)[1]


# ---------------------------------------------------------------- what counts as nodata


@pytest.mark.parametrize(
    ("dtype", "nodata", "stored"),
    [
        ("uint8", 0, 0),
        ("uint8", 255, 255),
        ("uint16", 65535, 65535),
        ("int16", -9999, -9999),
        ("int16", -32768, -32768),
        ("int32", -2147483648, -2147483648),
        ("float32", -9999, -9999),
        ("float32", 0.1, 0.1),
        ("float32", float("nan"), float("nan")),
        ("float32", -3.4028234663852886e38, -3.4028234663852886e38),
        ("float64", -1.7976931348623157e308, -1.7976931348623157e308),
        ("float64", 0.1, 0.1),
        # declared or not: nothing was measured here
        ("float32", None, float("nan")),
        ("float32", None, float("inf")),
        ("float32", None, float("-inf")),
        ("float32", None, -3.4028234663852886e38),
        ("float32", None, 3.4028234663852886e38),
        ("float64", None, -1.7976931348623157e308),
        ("float32", -9999, float("nan")),
        ("int64", None, -9223372036854775808),
        ("int64", -9223372036854775808, -9223372036854775808),
        ("int64", -9999, -9999),
    ],
)
def test_values_that_mean_nothing_here(raster, dtype, nodata, stored):
    values = np.full((2, 60, 90), 7, dtype)
    values[HOLE] = stored
    path = raster("a.tif", values, nodata=nodata)
    np.testing.assert_array_equal(valid_of(path), ~np.stack([hole_of(values)] * 2))


def test_a_nodata_value_that_the_type_cannot_hold_masks_nothing(tmp_path, raster):
    path = raster("a.tif", np.full((1, 6, 9), 0, np.uint8))
    vrt = tmp_path / "a.vrt"
    vrt.write_text(
        f'<VRTDataset rasterXSize="9" rasterYSize="6"><VRTRasterBand dataType="Byte" band="1">'
        f"<NoDataValue>-9999</NoDataValue><SimpleSource><SourceFilename>{path}</SourceFilename>"
        "<SourceBand>1</SourceBand></SimpleSource></VRTRasterBand></VRTDataset>"
    )
    assert valid_of(str(vrt)).all()


def vrt_of(tmp_path, path, nodata, dtypes=("UInt16", "UInt16", "UInt16", "UInt16"), name="bands.vrt"):
    """VRT with a nodata value of its own for every band."""
    with rasterio.open(path) as source:
        rows, cols = source.shape
        crs, transform = source.crs.to_wkt(), source.transform.to_gdal()
        names = source.descriptions
    bands = "".join(
        f'<VRTRasterBand dataType="{dtype}" band="{i}"><Description>{names[i - 1]}</Description>'
        + (f"<NoDataValue>{value}</NoDataValue>" if value is not None else "")
        + f"<SimpleSource><SourceFilename>{path}</SourceFilename><SourceBand>{i}</SourceBand></SimpleSource>"
        "</VRTRasterBand>"
        for i, (value, dtype) in enumerate(zip(nodata, dtypes), 1)
    )
    vrt = tmp_path / name
    text = crs.replace('"', "&quot;")
    vrt.write_text(
        f'<VRTDataset rasterXSize="{cols}" rasterYSize="{rows}"><SRS>{text}</SRS>'
        f"<GeoTransform>{', '.join(map(str, transform))}</GeoTransform>{bands}</VRTDataset>"
    )
    return str(vrt)


def test_each_band_has_its_own_nodata_value(tmp_path, raster):
    values = np.full((4, 60, 90), 500, np.uint16)
    values[0, 0, 0] = values[1, 0, 0] = 0
    values[1, 1, 1] = values[0, 1, 1] = 65535
    values[3, 2, 2] = 1
    path = vrt_of(tmp_path, raster("a.tif", values), (0, 65535, None, 1))
    valid = valid_of(path)
    wrong = np.argwhere(~valid).tolist()
    assert wrong == [[0, 0, 0], [1, 1, 1], [3, 2, 2]]


def test_bands_of_different_types(tmp_path, raster):
    values = np.full((4, 60, 90), 200, np.uint16)
    values[0, 0, 0] = 0
    path = vrt_of(tmp_path, raster("a.tif", values), (0, None, -5, None), ("UInt16", "Int16", "Float32", "Byte"))
    with Source(path) as source:
        stored, valid = source.read([1, 2, 3, 4], source.facts.region)
    assert np.argwhere(~valid).tolist() == [[0, 0, 0]]
    assert stored[2, 5, 5] == 200


def test_alpha_band(raster):
    values = np.full((4, 60, 90), 90, np.uint8)
    values[3] = np.where(hole_of(values), 0, 255)
    path = raster("a.tif", values, names=None)
    with rasterio.open(path, "r+") as out:
        out.colorinterp = (ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.alpha)
    valid = valid_of(path, [1, 2, 3])
    np.testing.assert_array_equal(valid, ~np.stack([hole_of(values)] * 3))
    # asked for itself it is a band like any other: its zeros are values
    assert valid_of(path, [4]).all()


@pytest.mark.parametrize("nodata", [None, 3])
def test_internal_mask_and_nodata_value_together(raster, nodata):
    values = np.full((4, 60, 90), 90, np.uint16)
    values[:, 0, 0] = 3
    path = raster("a.tif", values, mask=~hole_of(values), nodata=nodata)
    expected = ~hole_of(values)
    expected[0, 0] = nodata is None
    np.testing.assert_array_equal(valid_of(path), np.stack([expected] * 4))


def test_external_mask(raster):
    values = np.full((4, 60, 90), 90, np.uint16)
    path = raster("a.tif", values)
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=False), rasterio.open(path, "r+") as out:
        out.write_mask(~hole_of(values))
    np.testing.assert_array_equal(valid_of(path), ~np.stack([hole_of(values)] * 4))


def test_usable_any_and_all():
    valid = np.array([[[True, False, True, False]], [[True, True, False, False]]])
    assert usable(valid, "any").tolist() == [[True, False, False, False]]
    assert usable(valid, "all").tolist() == [[True, True, True, False]]


def test_a_region_of_the_mask_is_that_region(raster):
    values = np.full((1, 60, 90), 7, np.int16)
    values[HOLE] = -1
    path = raster("a.tif", values, nodata=-1)
    with Source(path) as source:
        _, valid = source.read([1], PixelRegion(10, 30, 25, 60))
    np.testing.assert_array_equal(valid[0], ~hole_of(values)[10:30, 25:60])


# ---------------------------------------------------------------- the map


def test_nodata_in_is_nodata_out_and_nothing_else_is(raster, network, classify, scene):
    image = scene(100, 110)
    image[HOLE] = 0
    made = classify(raster("a.tif", image, nodata=0), network("context"))
    np.testing.assert_array_equal(made.values == made.result.legend.nodata, hole_of(image))
    assert made.result.nodata_pixels == hole_of(image).sum()
    assert made.result.valid_pixels == image[0].size - hole_of(image).sum()
    assert sum(c.pixels for c in made.result.classes) == made.result.valid_pixels
    for entry in made.result.classes:
        assert entry.pixels == np.count_nonzero(made.values == entry.value)


def test_policies(raster, network, classify, scene):
    image = scene(64, 64)
    image[0, 5, 5] = 0
    image[:, 9, 9] = 0
    layer = raster("a.tif", image, nodata=0)
    net = network("pixel")
    strict = classify(layer, net, nodata_policy="any")
    assert np.argwhere(strict.values == 0).tolist() == [[5, 5], [9, 9]]
    lenient = classify(layer, net, nodata_policy="all")
    assert np.argwhere(lenient.values == 0).tolist() == [[9, 9]]
    same = np.ones((64, 64), bool)
    same[5, 5] = same[9, 9] = False
    np.testing.assert_array_equal(strict.values[same], lenient.values[same])


def test_all_policy_fills_only_the_invalid_band(raster, network, classify, scene, tensor_of):
    image = scene(64, 64)
    image[0, 10:30, 10:30] = 0
    net = network("pixel")
    made = classify(raster("a.tif", image, nodata=0), net, nodata_policy="all")
    tensor = tensor_of(image)
    tensor[0, 10:30, 10:30] = net.spec.fill[0]
    np.testing.assert_array_equal(made.values, net.labels(tensor))


def test_invalid_pixels_enter_as_the_models_fill(raster, network, classify, scene, tensor_of):
    image = scene(112, 132)
    image[1][HOLE] = 0
    net = network("context")
    made = classify(raster("a.tif", image, nodata=0), net, window=256)
    tensor = tensor_of(image)
    for channel, fill in enumerate(net.spec.fill):
        tensor[channel][HOLE] = fill
    expected = net.labels(tensor)
    expected[HOLE] = 0
    inner = np.s_[20:-20, 20:-20]  # outside, the map's window is reflected and this one is not
    np.testing.assert_array_equal(made.values[inner], expected[inner])


FILLS = {
    "uint16": [(0, 0), (65535, 65535), (7, 7)],
    "float32": [(0, 0), (65535, 65535), (float("nan"), float("nan")), (-9999, -9999), (None, float("nan")),
                (None, -3.4028234663852886e38), (None, float("inf"))],
}  # fmt: skip


@pytest.mark.parametrize("dtype", FILLS)
@pytest.mark.parametrize("values", ["reflectance", "picture"])
@pytest.mark.parametrize("policy", ["any", "all"])
def test_the_stored_fill_value_changes_no_valid_pixel(raster, network, classify, scene, dtype, values, policy):
    image = np.maximum(scene(90, 110), 20).astype(dtype)
    net = network("context")
    maps, scalings = [], []
    for i, (nodata, stored) in enumerate(FILLS[dtype]):
        filled = image.copy()
        filled[HOLE] = stored
        layer = raster(f"{i}.tif", filled, nodata=nodata)
        made = classify(layer, net, values=values, nodata_policy=policy)
        maps.append(made.values)
        scalings.append([line for line in made.progress.lines if line.startswith("Scaling of")])
    for other in maps[1:]:
        np.testing.assert_array_equal(other, maps[0])
    assert all(s == scalings[0] for s in scalings)
    assert (maps[0] == 0).sum() == hole_of(image).sum()


@pytest.mark.parametrize("dtype", ["uint16", "float32", "uint8"])
@pytest.mark.parametrize("values", ["auto", "reflectance", "picture"])
def test_a_layer_without_a_valid_pixel_is_refused_and_leaves_nothing(
    raster, network, tmp_path, classify, dtype, values
):
    layer = raster("a.tif", np.zeros((4, 40, 50), dtype), nodata=0)
    folder = tmp_path / "out"
    folder.mkdir()
    with pytest.raises(LulcError, match="valid"):
        classify(layer, network("pixel"), values=values, output=str(folder / "map.tif"))
    assert list(folder.iterdir()) == []


def test_a_part_without_a_valid_pixel_is_refused_and_leaves_nothing(raster, network, tmp_path, classify, scene):
    image = scene(80, 90)
    image[:, 40:, 40:] = 0
    layer = raster("a.tif", image, nodata=0)
    folder = tmp_path / "out"
    folder.mkdir()
    extent = (500_000 + 30 * 50, 9_120_000 - 30 * 70, 500_000 + 30 * 80, 9_120_000 - 30 * 50)
    with pytest.raises(LulcError, match="valid"):
        classify(layer, network("pixel"), extent=extent, output=str(folder / "map.tif"))
    assert list(folder.iterdir()) == []


def test_windows_without_a_valid_pixel_never_reach_the_network(raster, network, classify, scene):
    image = scene(64, 512)
    image[:, :, 100:] = 0
    made = classify(raster("a.tif", image, nodata=0), network("pixel"), window=64, overlap=0)
    assert (made.values[:, 100:] == 0).all()
    assert (made.values[:, :100] > 0).all()


def test_reflectance_that_is_mostly_undeclared_black_is_still_read_as_reflectance(raster, network, classify, scene):
    """98 % zeros must not make ×10,000 numbers look like 0 to 1."""
    image = np.zeros((4, 300, 300), np.uint16)
    image[:, 100:130, 100:130] = scene(30, 30)
    net = network("pixel")
    black = classify(raster("a.tif", image), net)
    clean = classify(raster("b.tif", image, nodata=0), net)
    np.testing.assert_array_equal(black.values[100:130, 100:130], clean.values[100:130, 100:130])


def test_a_small_valid_part_is_found_wherever_it_lies(raster, network, classify, scene):
    """Looking at a few squares only must not make the rest a picture."""
    image = np.zeros((4, 1400, 1400), np.uint16)
    image[:, 70:100, 1290:1320] = scene(30, 30)
    made = classify(raster("a.tif", image, nodata=0, compress="deflate"), network("pixel"), window=512)
    assert any("read as reflectance" in line for line in made.progress.lines)
