# SPDX-License-Identifier: GPL-3.0-or-later
"""Layers whose pixels are not of the model's size: the map on the layer's own pixels, from windows of model pixels."""

import json

import numpy as np
import onnx
import pytest
import rasterio
from affine import Affine
from onnx import TensorProto, helper, numpy_helper

from lulc_plugin.model import Output
from lulc_plugin.raster import AxisScale, GeoGrid
from lulc_plugin.raster.areas import pixel_size

STEEP = 6.0


def square(size):
    return Affine(size, 0, 500_000, 0, -size, 9_120_000)


@pytest.fixture
def threshold(network):
    """Class 2 where red is brighter than 0.2, class 1 where it is darker; for pixels of exactly 10 m, or other ones."""

    def make(low=10.0, high=10.0, **changes):
        net = network(
            "pixel", classes=2, output=Output("scores", ("softmax", "argmax")), gsd_range=(low, high), **changes
        )
        weights = np.zeros((2, 4, 1, 1), np.float32)
        weights[:, 0, 0, 0] = -STEEP / 2, STEEP / 2
        graph = helper.make_graph(
            [helper.make_node("Conv", ["image", "w"], ["scores"])],
            "threshold",
            [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 4, "h", "w"])],
            [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", 2, None, None])],
            [numpy_helper.from_array(weights, "w")],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
        model.ir_version = 8
        onnx.save(model, net.path)
        return net

    return make


def red(values, dtype="uint16"):
    """A layer whose red is `values` as reflectance × 10,000."""
    out = np.full((4, *np.shape(values)), 2000, dtype)
    out[0] = values
    return out


def bright(reflectance):
    """What `threshold` says: probability of class 2."""
    return 1 / (1 + np.exp(-STEEP * (np.asarray(reflectance, np.float64) / 10_000 - 0.2) / 0.1))


def along(values, axis, made, length):
    """Resampling weights as a plain matrix product."""
    matrix = np.zeros((len(made.index), length))
    for row, (index, weights) in enumerate(zip(made.index, made.weights)):
        np.add.at(matrix[row], index, weights)
    return np.moveaxis(np.tensordot(matrix, values, (1, axis)), 0, axis)


def there_and_back(values, factors, valid=None):
    """`(rows, cols)` reflectance → the whole map of `threshold` at once, with matrices; 0 where it is a tie."""
    rows, cols = (AxisScale(n, f) for n, f in zip(values.shape, factors))
    valid = np.ones(values.shape) if valid is None else valid.astype(float)

    def down(x):
        return along(along(x, 0, rows.model_pixels(0, rows.count), rows.length), 1,
                     cols.model_pixels(0, cols.count), cols.length)  # fmt: skip

    def back(x):
        return along(along(x, 0, rows.layer_pixels(0, rows.length), rows.count), 1,
                     cols.layer_pixels(0, cols.length), cols.count)  # fmt: skip

    share = down(valid)
    seen = share > 0.5 + 1e-6
    mean = np.where(seen, down(values * valid) / np.maximum(share, 1e-9), 2000)
    weight = np.where(seen, 1, 1e-3)
    p = back(bright(mean) * weight) / back(weight)
    labels = np.where(p > 0.5, 2, 1)
    labels[np.abs(p - 0.5) < 1e-5] = 0
    return np.where(valid > 0, labels, 255), p


def same(made, wanted):
    return (made[wanted > 0] == wanted[wanted > 0]).all() and (wanted > 0).mean() > 0.9


# ---------------------------------------------------------------- the map is right


@pytest.mark.parametrize("size", [2.5, 3.7, 5, 8, 12, 14, 16, 22, 40])
def test_equals_the_whole_image_at_once(raster, threshold, classify, scene, size):
    values = scene(167, 151)[0]
    made = classify(raster("a.tif", red(values), transform=square(size)), threshold(), window=24, overlap=8)
    wanted, _ = there_and_back(values, (10 / size, 10 / size))
    assert made.values.shape == values.shape
    assert same(made.values, wanted)
    assert set(np.unique(made.values)) == {1, 2}


def test_blocks_of_equal_pixels_give_the_coarse_map(raster, threshold, classify):
    # stripes: next to a straight border each pixel has more than half of its weight on its own side
    stripes = np.repeat([1000, 3000, 1000, 1200, 3500, 1000, 1000], 3)[None].repeat(30, axis=0)
    net = threshold()
    coarse = classify(raster("coarse.tif", red(stripes), transform=square(10)), net)
    fine = classify(raster("fine.tif", red(np.kron(stripes, np.ones((4, 4)))), transform=square(2.5)), net)
    assert not any("resampled" in line for line in (*coarse.progress.lines, *coarse.result.warnings))
    assert any("resampled from 2.5 m to 10 m" in line for line in fine.progress.lines)
    assert (fine.values == np.kron(coarse.values, np.ones((4, 4), int))).all()


def test_blocks_of_a_scene(raster, threshold, classify, scene):
    values = scene(40, 44)[0]
    fine = classify(raster("fine.tif", red(np.kron(values, np.ones((4, 4)))), transform=square(2.5)), threshold())
    # the probabilities of the coarse map, interpolated
    rows, cols = AxisScale(160, 4), AxisScale(176, 4)
    p = along(along(bright(values), 0, rows.layer_pixels(0, 160), 40), 1, cols.layer_pixels(0, 176), 44)
    sure = np.abs(p - 0.5) > 1e-5
    assert (fine.values[sure] == np.where(p > 0.5, 2, 1)[sure]).all()


def test_a_checkerboard_is_grey(raster, threshold, classify):
    board = np.where(np.indices((160, 160)).sum(axis=0) % 2, 3800, 600)
    layer = raster("a.tif", red(board), transform=square(2.5))
    # its mean is 0.22: bright everywhere; the nearest pixel or interpolation would be half dark
    assert (classify(layer, threshold()).values == 2).all()
    assert (classify(layer, threshold(2.0, 3.0, name="fine-v1")).values == np.where(board > 2000, 2, 1)).all()


def test_enlarging_is_smooth(raster, threshold, classify):
    # from dark to bright in two pixels: as it is, the border lies between them; on smaller ones it is a slope
    values = np.repeat([[1000, 1000, 1000, 3000, 3000, 3000]], 6, axis=0)
    made = classify(raster("a.tif", red(values), transform=square(40)), threshold())
    assert (made.values == np.where(values > 2000, 2, 1)).all()
    diagonal = np.add.outer(np.arange(40), np.arange(40)) * 50
    made = classify(raster("b.tif", red(diagonal), transform=square(20)), threshold())
    assert (made.values == np.where(diagonal > 2000, 2, 1))[diagonal != 2000].all()


def test_degrees_with_pixels_twice_as_high_as_wide(raster, threshold, classify, scene):
    step = 0.00006
    transform = Affine(step, 0, 10, 0, -step, 60)
    values = scene(120, 130)[0]
    layer = raster("a.tif", red(values), crs="EPSG:4326", transform=transform)
    made = classify(layer, threshold(), window=16, overlap=0)
    with rasterio.open(layer) as source:
        down, across = pixel_size(GeoGrid(source.crs, transform, (120, 130)))
    assert (down, across) == pytest.approx((6.68, 3.35), abs=0.02)
    assert same(made.values, there_and_back(values, (10 / down, 10 / across))[0])
    words = next(line for line in made.progress.lines if "resampled from" in line)
    assert "6.68 m (down) × 3.35 m (across) to 10 m" in words


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (50, 1), (3, 2)])
@pytest.mark.parametrize("size", [2.5, 9, 12, 40])
def test_tiny_layers(raster, threshold, classify, shape, size):
    values = np.full(shape, 3000)
    made = classify(raster("a.tif", red(values), transform=square(size)), threshold())
    assert made.values.shape == shape and (made.values == 2).all()
    assert made.result.classes[1].area == pytest.approx(values.size * size**2)


@pytest.mark.parametrize("options", [{"batch_size": 3}, {"overlap": 0}, {"overlap": 16}, {"window": 40}])
def test_windows_do_not_show(raster, threshold, classify, scene, options):
    values = scene(150, 140)[0]
    layer, net = raster("a.tif", red(values), transform=square(4.1)), threshold()
    made = classify(layer, net, **{"window": 24, **options})
    assert same(made.values, there_and_back(values, (10 / 4.1,) * 2)[0])


# ---------------------------------------------------------------- nodata


@pytest.mark.parametrize("size", [2.5, 7, 30])
@pytest.mark.parametrize("policy", ["any", "all"])
def test_holes_stay_exactly_the_layers(raster, threshold, classify, scene, size, policy):
    values = red(scene(130, 140)[0], "float32")
    random = np.random.default_rng(3)
    holes = np.kron(random.random((13, 14)) < 0.25, np.ones((10, 10), bool))
    holes |= random.random((130, 140)) < 0.05
    values[:, holes] = -9999
    values[1, 5:9, 5:9] = np.nan
    net = threshold()
    made = classify(raster("a.tif", values, transform=square(size), nodata=-9999), net, window=24, nodata_policy=policy)
    lost = holes | (np.isnan(values[1]) if policy == "any" else False)
    assert ((made.values == net.spec.legend.nodata) == lost).all()
    clean = np.where(holes, 0, values[0]).astype(np.float64)
    wanted, _ = there_and_back(clean, (10 / size,) * 2, ~lost)
    keep = ~lost & (wanted > 0) if policy == "any" else ~lost & (wanted > 0) & ~dilated(np.isnan(values[1]), 8)
    assert (made.values[keep] == wanted[keep]).all()


def dilated(mask, reach):
    out = mask.copy()
    for row, col in np.argwhere(mask):
        out[max(0, row - reach) : row + reach + 1, max(0, col - reach) : col + reach + 1] = True
    return out


def test_a_valid_pixel_in_a_lost_model_pixel_goes_with_its_neighbours(raster, threshold, classify):
    values = red(np.full((80, 80), 1000))
    values[:, 40:52, 40:52] = 0
    values[:, 41, 41] = 1000, 2000, 2000, 2000
    net = threshold(fill=(9.0, 0.0, 0.0, 0.0))  # what is filled looks very bright
    made = classify(raster("a.tif", values, transform=square(2.5), nodata=0), net)
    valid = values[0] > 0
    assert (made.values[valid] == 1).all()


def test_scattered_pixels_get_a_class(raster, threshold, classify):
    # no model pixel is half full, yet every pixel that holds data has a class and no other
    values = np.zeros((4, 60, 60), np.uint16)
    values[:, ::3, ::3] = 3000
    net = threshold(fill=(9.0, 0.0, 0.0, 0.0))
    made = classify(raster("a.tif", values, transform=square(2.5), nodata=0), net)
    # what the network says of a window of fill, which looks bright; without asking it, it would be the first class
    assert (made.values == np.where(values[0] > 0, 2, net.spec.legend.nodata)).all()


def test_the_grid_the_areas_and_the_tags(raster, threshold, classify, scene):
    layer = raster("a.tif", red(scene(91, 77)[0]), transform=square(4))
    made = classify(layer, threshold(), window=24)
    with rasterio.open(layer) as source, rasterio.open(made.path) as result:
        assert (result.transform, result.shape, result.crs) == (source.transform, source.shape, source.crs)
        tags = result.tags()
    assert json.loads(tags["LULC_PIXEL_SIZE"]) == {"layer": [4, 4], "network": [10, 10]}
    for found in made.result.classes:
        assert found.pixels == (made.values == found.value).sum()
        assert found.area == pytest.approx(found.pixels * 16)
