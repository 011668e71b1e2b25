# SPDX-License-Identifier: GPL-3.0-or-later
"""Maps that follow the edges of their image: equal to the whole image at once, whatever the windows and the part."""

import json
import threading
from dataclasses import replace

import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import HealthCheck, given, settings, strategies as st

from lulc_plugin.classify import Blender, ClassifyJob, classify as run_classify, smooth
from lulc_plugin.classify.blend import FinishedBlock
from lulc_plugin.classify.smoothed_blocks import Smoother
from lulc_plugin.errors import CancelledError, LulcError, OptionInvalid
from lulc_plugin.model import InputForm, ModelBand, Output, Smoothing
from lulc_plugin.model.spec import band_channel
from lulc_plugin.raster import Grid, RasterInput, Step, plan_axis

NAMES = ("red", "green", "blue", "nir")
MEAN, STDDEV = (-1.9, -1.7, -1.6, -1.5), (0.4, 0.4, 0.3, 0.3)
SMOOTHING = Smoothing(3, 0.1, NAMES, 0.5, MEAN, STDDEV)
ROWS, COLS = 150, 130


def axis(data, length):
    half = data.draw(st.integers(0, 8))
    return plan_axis(length, data.draw(st.integers(1, 24)) + 2 * half, 2 * half, 1, rim=data.draw(st.integers(0, 6)))


def part(data, length):
    low, high = sorted(data.draw(st.lists(st.integers(0, length), min_size=2, max_size=2, unique=True)))
    return low, high


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_blocks_of_any_windows_make_the_whole_bit_for_bit(data):
    rows, cols = data.draw(st.integers(1, 60)), data.draw(st.integers(1, 60))
    grid, radius = Grid(axis(data, rows), axis(data, cols)), data.draw(st.sampled_from([1, 2, 4, 6, 8, 9, 10, 13]))
    random = np.random.default_rng(radius)
    probabilities = random.random((3, rows, cols)).astype(np.float32)
    guide = random.normal(size=(2, rows, cols)).astype(np.float32)
    valid = random.random((rows, cols)) > 0.1
    smoothing = Smoothing(radius, 0.1, ("a", "b"), 0.5, (0, 0), (1, 1))
    # bands whose logarithms are the guide
    whole = smooth(probabilities, np.exp(guide), valid, smoothing)
    (top, bottom), (left, right) = part(data, rows), part(data, cols)
    reach = smoothing.reach
    window_rows = grid.rows.touching(max(0, top - reach), min(rows, bottom + reach))
    columns = grid.cols.touching(max(0, left - reach), min(cols, right + reach))
    blender, smoother = Blender(grid, 3, columns, window_rows[-1]), Smoother(smoothing, grid, window_rows, columns)
    made = np.full_like(probabilities, np.nan)
    seen_guide = np.log(np.exp(guide))
    seen_guide[:, ~valid] = np.nan
    for r in window_rows:
        for c in columns:
            place = np.ix_(grid.rows.indexes(r), grid.cols.indexes(c))
            block = blender.add(r, c, probabilities[:, place[0], place[1]])
            # exactly what is there, without the rounding of blended sums
            there = np.ix_(
                np.minimum(block.row + np.arange(block.probabilities.shape[1]), rows - 1),
                np.minimum(block.col + np.arange(block.probabilities.shape[2]), cols - 1),
            )
            finished = smoother.add(
                r, c,
                FinishedBlock(block.row, block.col, probabilities[:, there[0], there[1]], valid[there]),
                seen_guide[:, there[0], there[1]],
            )  # fmt: skip
            height, width = finished.seen.shape
            here = np.s_[finished.row : finished.row + height, finished.col : finished.col + width]
            assert np.isnan(made[(0, *here)]).all(), "finished twice"
            made[(slice(None), *here)] = finished.probabilities
            np.testing.assert_array_equal(finished.seen, valid[here])
    np.testing.assert_array_equal(made[:, top:bottom, left:right], whole[:, top:bottom, left:right])


def at_once(values, net, tensor_of, smoothing=SMOOTHING, valid=None):
    """Class values of the whole image: the network, the filter, the largest; and how sure that is."""
    valid = np.ones(values.shape[1:], bool) if valid is None else valid
    bands = values[[NAMES.index(name) for name in smoothing.bands]].astype(np.float32) * np.float32(1e-4)
    found = smooth(net.run(tensor_of(values)), bands, valid, smoothing)
    labels = np.array(net.spec.legend.values)[found.argmax(axis=0)]
    first, second = np.sort(found, axis=0)[[-1, -2]]
    return np.where(valid, labels, net.spec.legend.nodata), found.max(axis=0), first - second > 1e-3


@pytest.mark.parametrize("options", [{}, {"window": 24, "overlap": 0}, {"window": 20, "overlap": 8, "batch_size": 3}])
def test_a_map_is_that_of_the_image_at_once(raster, network, classify, scene, tensor_of, options):
    values = scene(ROWS, COLS)
    net = network("pixel", smoothing=SMOOTHING)
    made = classify(raster("a.tif", values), net, **options)
    wanted, sure, clear = at_once(values, net, tensor_of)
    np.testing.assert_array_equal(made.values[clear], wanted[clear])
    assert clear.mean() > 0.98
    assert (wanted != np.array(net.spec.legend.values)[net.run(tensor_of(values)).argmax(axis=0)]).mean() > 0.05
    assert made.result.confidence == pytest.approx(sure.mean(), abs=1e-4)


@pytest.mark.parametrize("policy", ["any", "all"])
def test_holes_have_no_say(raster, network, classify, scene, tensor_of, policy):
    values = scene(90, 80).astype(np.float32)
    values[:, 20:50, 30:45] = -9999
    values[1, 60:70, 10:20] = -9999
    net = network("pixel", smoothing=SMOOTHING)
    made = classify(raster("a.tif", values, nodata=-9999), net, nodata_policy=policy, window=24)
    guided = (values != -9999).all(axis=0)
    wanted, _, clear = at_once(np.where(guided, values, 2000), net, tensor_of, valid=guided)
    np.testing.assert_array_equal(made.values[guided & clear], wanted[guided & clear])
    lost = ~guided if policy == "any" else (values == -9999).all(axis=0)
    np.testing.assert_array_equal(made.values == net.spec.legend.nodata, lost)
    if policy == "all":
        # without a guide a pixel keeps what the network says of it
        plain = classify(made.result.output.replace(made.path.name, "../a.tif"), net, nodata_policy="all",
                         smoothing="none", window=24)  # fmt: skip
        np.testing.assert_array_equal(made.values[60:70, 10:20], plain.values[60:70, 10:20])


def region(data, rows, cols):
    return (*part(data, rows), *part(data, cols))


def bounds(transform, place):
    row0, row1, col0, col1 = place
    (west, north), (east, south) = transform * (col0, row0), transform * (col1, row1)
    return west, south, east, north


UTM = Affine(30, 0, 500_000, 0, -30, 9_120_000)


@pytest.fixture(params=[3, 9, 10])
def whole(raster, network, classify, scene, request):
    values = scene(ROWS, COLS)
    values[:, 60:75, 50:90] = 0
    layer = raster("a.tif", values, nodata=0)
    net = network("context", smoothing=replace(SMOOTHING, radius=request.param))
    return layer, net, classify(layer, net).values


@given(st.data())
@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_part_is_that_part_of_the_whole(whole, classify, data):
    layer, net, values = whole
    place = region(data, ROWS, COLS)
    batch, threads = data.draw(st.integers(0, 3)), data.draw(st.integers(1, 2))
    made = classify(layer, net, extent=bounds(UTM, place), batch_size=batch, threads=threads)
    np.testing.assert_array_equal(made.values, values[place[0] : place[1], place[2] : place[3]])


@pytest.mark.parametrize(
    ("size", "radius", "options"),
    [
        (3.7, 3, {"window": 16, "overlap": 0}),
        (3.7, 9, {"window": 32, "overlap": 16, "nodata_policy": "all"}),
        (14, 10, {"window": 24, "overlap": 0}),
        (26, 3, {"window": 48, "overlap": 16, "nodata_policy": "all"}),
    ],
)
def test_on_resampled_pixels_a_part_is_that_part_of_the_whole(raster, network, classify, scene, size, radius, options):
    """The radius is in pixels of the network; the layer's own nodata stays where it is."""
    values = scene(60, 56)
    values[:, 20:30, 30:50] = 0
    values[1, 40:50, 40:50] = 0
    transform = Affine(size, 0, 500_000, 0, -size, 9_120_000)
    layer = raster("a.tif", values, nodata=0, transform=transform)
    net = network("pixel", smoothing=replace(SMOOTHING, radius=radius), gsd_range=(10.0, 10.0))
    made = classify(layer, net, **options)
    lost = (values == 0).any(axis=0) if options.get("nodata_policy") != "all" else (values == 0).all(axis=0)
    np.testing.assert_array_equal(made.values == net.spec.legend.nodata, lost)
    assert (made.values != classify(layer, net, smoothing="none", **options).values).mean() > 0.02
    for place in ((17, 58, 3, 50), (40, 60, 47, 48), (45, 46, 0, 56)):
        cut = classify(layer, net, extent=bounds(transform, place), **options)
        np.testing.assert_array_equal(cut.values, made.values[place[0] : place[1], place[2] : place[3]])


@pytest.mark.parametrize("shape", [(1, 1), (1, 70), (70, 1), (9, 9)])
def test_small_layers(raster, network, classify, scene, tensor_of, shape):
    values = scene(*shape)
    net = network("pixel", smoothing=Smoothing(16, 0.1, NAMES, 0.5, MEAN, STDDEV))
    made = classify(raster("a.tif", values), net)
    wanted, _, clear = at_once(values, net, tensor_of, net.spec.smoothing)
    np.testing.assert_array_equal(made.values[clear], wanted[clear])


# ---------------------------------------------------------------- who decides


def test_none_and_radius_0_are_the_map_without(raster, network, classify, scene):
    layer = raster("a.tif", scene(60, 50))
    plain = classify(layer, network("context", name="plain-v1"))
    net = network("context", name="smooth-v1", smoothing=SMOOTHING)
    for smoothing in ("none", "0", "0.0"):
        np.testing.assert_array_equal(classify(layer, net, smoothing=smoothing).values, plain.values)
    assert (classify(layer, net).values != plain.values).any()
    with rasterio.open(plain.path) as made:
        assert made.tags()["LULC_SMOOTHING"] == "none"


def test_a_radius_overrides_that_of_the_description(raster, network, classify, scene, tensor_of):
    values = scene(70, 60)
    net = network("pixel", smoothing=SMOOTHING)
    made = classify(raster("a.tif", values), net, smoothing="5")
    wide = Smoothing(5, 0.1, NAMES, 0.5, MEAN, STDDEV)
    wanted, _, clear = at_once(values, net, tensor_of, wide)
    np.testing.assert_array_equal(made.values[clear], wanted[clear])
    with rasterio.open(made.path) as file:
        tags = file.tags()
    assert json.loads(tags["LULC_SMOOTHING"]) == {
        "radius": 5, "eps": 0.1, "bands": list(NAMES), "weight": 0.5, "mean": list(MEAN), "stddev": list(STDDEV),
    }  # fmt: skip
    assert json.loads(tags["LULC_PARAMETERS"])["smoothing"] == "5"
    assert any("radius 5 pixels" in line and "the description" in line for line in made.progress.lines)


def test_without_a_description_the_layer_is_measured_whatever_the_extent(raster, network, classify, scene):
    """More than four bands are not needed for a guide; numbers of pictures come in as the network gets them."""
    values = scene(ROWS, COLS, dtype="uint8")
    layer, net = raster("a.tif", values), network("pixel")
    made = classify(layer, net, smoothing="4")
    assert any("statistics of a.tif" in line for line in made.progress.lines)
    assert (made.values != classify(layer, net).values).any()
    cut = classify(layer, net, smoothing="4", extent=bounds(UTM, (20, 61, 90, 130)))
    np.testing.assert_array_equal(cut.values, made.values[20:61, 90:130])


def test_of_more_than_four_bands_the_first_four_are_the_guide(raster, network, classify, scene):
    more = tuple(ModelBand(name, name) for name in (*NAMES, "swir16", "swir22"))
    steps = (Step.of("z-score", mean=0.2, stddev=0.1),)
    net = network(
        "pixel",
        bands=more,
        channels=tuple(band_channel(band.name, i, steps) for i, band in enumerate(more)),
        forms=(InputForm("reflectance", "reflectance", ((),) * 6),),
        fill=(0.0,) * 6,
    )
    layer = raster("a.tif", scene(60, 60, bands=6), names=(*NAMES, "swir16", "swir22"))
    made = classify(layer, net, smoothing="3")
    assert any("guided by red, green, blue, nir, eps" in line for line in made.progress.lines)
    six = Smoothing(3, bands=("swir22", "red"), mean=(-1, -2), stddev=(1, 1))
    made = classify(layer, network("pixel", **{f: getattr(net.spec, f) for f in ("bands", "channels", "forms", "fill")},
                                   name="six-v1", smoothing=six))  # fmt: skip
    assert any("guided by swir22, red, eps" in line for line in made.progress.lines)


def test_statistics_come_from_the_layer_that_was_named(raster, network, classify, scene):
    layer, other = raster("a.tif", scene(60, 60, dtype="uint8")), raster("b.tif", scene(50, 50, seed=4, dtype="uint8"))
    made = classify(layer, network("pixel"), smoothing="4", statistics_from=other)
    assert any("Smoothing" in line and "statistics of b.tif" in line for line in made.progress.lines)


@pytest.mark.parametrize("smoothing", ["65", "-1", "1.5", "much", "", "nan", "inf", "1e9"])
def test_impossible_words_are_refused(raster, network, classify, scene, smoothing):
    with pytest.raises(OptionInvalid, match="64 pixels"):
        classify(raster("a.tif", scene(9, 9)), network(), smoothing=smoothing)


def test_a_radius_that_needs_too_much_memory_is_refused(raster, network, classify, scene, monkeypatch):
    monkeypatch.setattr("lulc_plugin.model.spec.LARGEST_ARRAY", 50_000)
    layer, net = raster("a.tif", scene(40, 40)), network("pixel")
    classify(layer, net, smoothing="3")
    with pytest.raises(LulcError, match="radius of 64 .* 839,808 numbers"):
        classify(layer, net, smoothing="64")


def test_scores_that_are_no_probabilities_are_refused(raster, network, classify, scene, tmp_path):
    net = network("context", smoothing=SMOOTHING, output=Output("scores", ("argmax",)))
    with pytest.raises(LulcError, match="not probabilities") as caught:
        classify(raster("a.tif", scene(40, 40)), net, output=str(tmp_path / "map.tif"))
    assert "none" in caught.value.remedy
    assert not (tmp_path / "map.tif").exists()


def test_a_cancel_leaves_nothing(raster, network, scene, recorder, tmp_path):
    net = network("pixel", smoothing=Smoothing(20, 0.1, NAMES, 0.5, MEAN, STDDEV))
    job = ClassifyJob(RasterInput(raster("a.tif", scene(300, 300))), model_file=net.path, threads=1, window=64)
    with pytest.raises(CancelledError):
        run_classify(job, tmp_path / "map.tif", recorder(stop_at=40))
    assert not (tmp_path / "map.tif").exists()
    assert not any(thread.name == "lulc-blend" for thread in threading.enumerate())


# ---------------------------------------------------------------- memory

MEASURE = """
import sys, tracemalloc
from lulc_plugin.classify import ClassifyJob, classify
from lulc_plugin.raster import RasterInput
layer, output, model = sys.argv[1:]
tracemalloc.start()
classify(ClassifyJob(RasterInput(layer), model_file=model, threads=1, window=128), output)
print(tracemalloc.get_traced_memory()[1] / 2**20)
"""


@pytest.mark.slow
def test_peak_memory_does_not_grow_with_the_height(raster, network, python, tmp_path):
    net = network("pixel", smoothing=Smoothing(8, 0.1, NAMES, 0.5, MEAN, STDDEV))
    block = np.random.default_rng(0).integers(100, 4000, (4, 500, 512)).astype(np.uint16)
    peaks = []
    for rows in (500, 2000):
        layer = raster(f"{rows}.tif", np.tile(block, (1, rows // 500, 1)))
        run = python("-c", MEASURE, layer, str(tmp_path / "map.tif"), net.path)
        assert run.returncode == 0, run.stderr
        peaks.append(float(run.stdout))
    # the probabilities and the guide of what was added are 25 MB; a window more or less in the queues is 1
    assert peaks[1] - peaks[0] < 6, peaks
