# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole-layer statistics: one regular grid, the same on disk and in memory, the same for every part."""

import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import given, settings, strategies as st

from lulc_plugin.progress import Progress
from lulc_plugin.raster import PixelRegion, Source, probe_layer, sample_array, statistics, usable
from lulc_plugin.raster.statistics import grid_step, sample_layer

UTM = Affine(30, 0, 500_000, 0, -30, 9_120_000)


@given(st.integers(1, 20_000), st.integers(1, 20_000), st.integers(1, 100_000))
@settings(max_examples=300, deadline=None)
def test_step_is_the_smallest_that_keeps_within_the_limit(height, width, most):
    step = grid_step(height, width, most)
    assert -(-height // step) * -(-width // step) <= most
    assert step == 1 or height * width > most or (step - 1) ** 2 * most <= height * width


@given(st.integers(1, 60), st.integers(1, 60), st.integers(1, 900))
@settings(max_examples=300, deadline=None)
def test_there_is_always_a_sample(height, width, most):
    values = np.arange(height * width, dtype=np.float32).reshape(1, height, width)
    sample = sample_array(values, np.ones((height, width), bool), most)
    assert 1 <= sample.shape[1] <= most
    step = grid_step(height, width, most)
    assert set(np.diff(np.unique(sample[0] % width))) <= {step}


def test_a_layer_that_fits_is_taken_whole():
    values = np.arange(24).reshape(2, 3, 4)
    valid = np.ones((3, 4), bool)
    valid[1, 1] = False
    np.testing.assert_array_equal(sample_array(values, valid), values.reshape(2, 12)[:, valid.ravel()])


@pytest.mark.parametrize("most", [4_000_000, 5000, 333, 7, 1])
@pytest.mark.parametrize("size", [(150, 131), (1, 400), (400, 1), (2, 3)])
def test_sample_on_disk_equals_sample_in_memory(raster, scene, most, size):
    image = scene(*size)
    image[1, image[0] > 1700] = 0
    with Source(raster("a.tif", image, nodata=0)) as source:
        values, valid = source.read([3, 1, 2], source.facts.region)
        expected = sample_array(values, usable(valid, "any"), most)
        np.testing.assert_array_equal(sample_layer(source, [3, 1, 2], Progress(), most), expected)


@pytest.mark.parametrize("most", [4_000_000, 900, 50])
def test_strips_do_not_matter(raster, scene, monkeypatch, most):
    image = scene(120, 70)
    image[:, 30:50] = 0
    with Source(raster("a.tif", image, nodata=0)) as source:
        whole = sample_layer(source, [1, 2], Progress(), most)
        read = source.read
        heights = []

        def narrow(bands, region):
            heights.append(region.height)
            return read(bands, region)

        monkeypatch.setattr(source, "read", narrow)
        monkeypatch.setattr(statistics, "_STRIP_VALUES", 70 * 2 * 11)
        np.testing.assert_array_equal(sample_layer(source, [1, 2], Progress(), most), whole)
        assert max(heights) == 11


def test_overviews_are_not_used(raster, scene):
    path = raster("a.tif", scene(600, 600))
    with Source(path) as source:
        before = sample_layer(source, [1], Progress(), 500)
    with rasterio.open(path, "r+") as out:
        out.build_overviews([2, 4, 8, 16, 32], rasterio.enums.Resampling.average)
    with Source(path) as source:
        np.testing.assert_array_equal(sample_layer(source, [1], Progress(), 500), before)


def test_probe_takes_squares_from_all_over(raster):
    values = np.add.outer(np.arange(900), np.arange(700) * 1000).astype(np.int32)[None]
    with Source(raster("a.tif", values)) as source:
        (probe,) = probe_layer(source, [1], Progress())
    assert probe.size == 64 * 64 * 64
    assert probe.min() == 0
    assert probe.max() == values.max()
    assert len(np.unique(probe)) == probe.size


@pytest.mark.parametrize("size", [(1, 1), (3, 500), (64, 64), (65, 130)])
def test_probe_of_small_layers(raster, scene, size):
    with Source(raster("a.tif", scene(*size))) as source:
        probe = probe_layer(source, [1, 2], Progress())
    assert len(probe) == 2
    assert 1 <= probe[0].size <= size[0] * size[1]


# ---------------------------------------------------------------- parts of a scene


def halves(raster, image, name="half"):
    rows = image.shape[1] // 2
    down = UTM * Affine.translation(0, rows)
    return raster(f"{name}1.tif", image[:, :rows]), raster(f"{name}2.tif", image[:, rows:], transform=down)


def test_halves_of_a_picture_agree_bit_for_bit_with_statistics_of_the_whole(raster, network, classify, scene):
    image = scene(200, 150, dtype="uint8")
    image[:, :100] //= 2
    whole = raster("whole.tif", image)
    net = network("pixel")
    values = classify(whole, net).values
    made = [classify(half, net, statistics_from=whole) for half in halves(raster, image)]
    np.testing.assert_array_equal(np.vstack([m.values for m in made]), values)
    for m in made:
        assert any("Statistics come from whole.tif" in line for line in m.progress.lines)
    # and this is what the parameter is for
    alone = np.vstack([classify(half, net).values for half in halves(raster, image)])
    assert (alone != values).mean() > 0.05


def test_halves_of_reflectance_agree_bit_for_bit_as_they_are(raster, network, classify, scene):
    image = scene(200, 150)
    image[:, :100] //= 2
    net = network("pixel")
    values = classify(raster("whole.tif", image), net).values
    alone = np.vstack([classify(half, net).values for half in halves(raster, image)])
    np.testing.assert_array_equal(alone, values)


def test_the_other_layer_also_says_what_the_numbers_are(raster, network, classify, scene):
    """A dark corner whose numbers all fit into a byte is read as the scene that it belongs to."""
    image = scene(120, 100)
    image[:, :60] = np.clip(image[:, :60] // 40, 1, 200)
    whole = raster("whole.tif", image)
    net = network("pixel")
    values = classify(whole, net).values
    dark, _ = halves(raster, image)
    np.testing.assert_array_equal(classify(dark, net, statistics_from=whole).values, values[:60])


def test_statistics_from_a_layer_without_valid_pixels_are_refused(raster, network, classify, scene):
    from lulc_plugin.errors import LulcError

    empty = raster("empty.tif", np.zeros((4, 40, 40), np.uint8), nodata=0)
    layer = raster("a.tif", scene(40, 40, dtype="uint8"))
    with pytest.raises(LulcError, match=r"empty\.tif.*valid"):
        classify(layer, network("pixel"), statistics_from=empty)


def test_scaling_is_logged_and_stored(raster, network, classify, scene):
    image = scene(90, 80, dtype="uint8")
    made = classify(raster("a.tif", image), network("pixel"))
    low, high = np.percentile(image[0], [2, 98])
    (line,) = [line for line in made.progress.lines if line.startswith("Scaling of red")]
    assert f"min-max {low:.6g} … {high:.6g}, clip 0 … 1" in line
    with rasterio.open(made.path) as out:
        assert f"min-max {low:.6g} … {high:.6g}" in out.tags()["LULC_SCALING"]


# ---------------------------------------------------------------- layers too large to be read


class _Counting:
    """A layer that counts the pixels read from it."""

    def __init__(self, source):
        self._source, self.read_pixels = source, 0
        self.facts, self.block = source.facts, source.block

    def read(self, bands, region):
        self.read_pixels += region.height * region.width
        return self._source.read(bands, region)


@pytest.fixture
def large(tmp_path):
    """`large(filled)`: a sparse layer of 10^12 pixels, with data in one corner only, or in none."""
    from lulc_plugin.raster import Source

    opened = []

    def make(filled, size=1_000_000, nodata=0):
        path = tmp_path / "large.tif"
        with rasterio.open(
            path, "w", driver="GTiff", width=size, height=size, count=1, dtype="uint8", nodata=nodata, tiled=True,
            blockxsize=512, blockysize=512, sparse_ok=True, bigtiff="YES",
        ) as out:  # fmt: skip
            if filled:
                out.write(np.full((1, 100, 100), 7, np.uint8), window=rasterio.windows.Window(0, 0, 100, 100))
        opened.append(Source(str(path)))
        return _Counting(opened[-1])

    yield make
    for source in opened:
        source.close()


def test_a_layer_too_large_to_be_read_is_looked_at_in_squares(large):
    from lulc_plugin.raster import statistics

    layer = large(filled=True)
    sample = statistics.sample_layer(layer, [1], Progress())
    assert 0 < sample.size <= 32 * 32
    assert (sample == 7).all()
    assert layer.read_pixels <= statistics.MOST_PIXELS


def test_a_search_for_valid_pixels_in_such_a_layer_ends(large):
    from lulc_plugin.raster import statistics

    layer = large(filled=False)
    survey = statistics.survey_layer(layer, [1], Progress())
    assert survey.valid == 0
    assert not survey.complete
    assert layer.read_pixels <= 2 * statistics.MOST_PIXELS


def test_a_smaller_layer_is_read_as_before(raster):
    from lulc_plugin.raster import Source, statistics

    values = np.arange(1, 40_001, dtype=np.uint16).reshape(1, 200, 200)
    with Source(raster("a.tif", values, names=None)) as source:
        sample = statistics.sample_layer(source, [1], Progress(), most=400)
        np.testing.assert_array_equal(sample, statistics.sample_array(values, np.ones((200, 200), bool), most=400))
        squares = statistics.sample_layer(source, [1], Progress(), most_read=39_999)
    assert set(squares.ravel()) <= set(values.ravel())


def test_the_rim_of_a_region_is_its_outermost_pixels():
    region = PixelRegion(10, 16, 20, 25)
    expected = np.ones((6, 5), bool)
    expected[1:-1, 1:-1] = False
    np.testing.assert_array_equal(statistics._is_on_rim(region, region), expected)
    np.testing.assert_array_equal(statistics._is_on_rim(PixelRegion(12, 14, 21, 25), region), expected[2:4, 1:])
