# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows of model pixels: part and whole, what is said about them, and what stays as it was without them."""

import pytest
from affine import Affine
from hypothesis import HealthCheck, given, settings, strategies as st

from lulc_plugin.classify import ClassifyJob, make_plan
from lulc_plugin.errors import LulcError
from lulc_plugin.raster import RasterInput


def square(size):
    return Affine(size, 0, 500_000, 0, -size, 9_120_000)


# ---------------------------------------------------------------- part and whole


#: height and width of a pixel
SIZES = ((2.6, 2.6), (7, 7), (45, 45), (100, 100), (60, 4), (20, 3.3))


@pytest.fixture
def layers(raster, network, classify, scene):
    values = scene(140, 133)
    values[:, 30:60, 40:44] = 0
    values[:, 90:97, 10:90] = 0
    net = network("context", gsd_range=(10.0, 30.0))
    found = {}
    for size in SIZES:
        transform = Affine(size[1], 0, 500_000, 0, -size[0], 9_120_000)
        layer = raster(f"{size}.tif", values, transform=transform, nodata=0)
        found[size] = layer, net, classify(layer, net, window=32).values
    return found


@given(st.sampled_from(SIZES), st.data())
@settings(max_examples=24, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_map_of_an_extent_is_the_crop_of_the_map(layers, classify, size, data):
    layer, net, whole = layers[size]
    row0, col0 = data.draw(st.integers(0, 139)), data.draw(st.integers(0, 132))
    row1, col1 = data.draw(st.integers(row0 + 1, 140)), data.draw(st.integers(col0 + 1, 133))
    x, y = 500_000, 9_120_000
    down, across = size
    extent = (x + col0 * across, y - row1 * down, x + col1 * across, y - row0 * down)
    try:
        part = classify(layer, net, window=32, extent=extent)
    except LulcError as error:
        assert "no pixel" in str(error).lower() and (whole[row0:row1, col0:col1] == net.spec.legend.nodata).all()
        return
    assert (part.values == whole[row0:row1, col0:col1]).all()


def test_another_number_of_windows_changes_little(raster, network, classify, scene):
    layer = raster("a.tif", scene(200, 210), transform=square(4))
    net = network("context", gsd_range=(10.0, 30.0))
    small, large = (classify(layer, net, window=w).values for w in (64, 512))
    assert (small == large).mean() > 0.98


# ---------------------------------------------------------------- what is said, and what stays as it was


def test_inside_the_range_nothing_changes(raster, network, classify, scene):
    layer = raster("a.tif", scene(90, 80))
    plain = classify(layer, network("context", name="plain-v1"), window=32)
    ranged = classify(layer, network("context", name="ranged-v1", gsd_range=(30.9, 60.0)), window=32)
    assert (plain.values == ranged.values).all()
    assert not ranged.result.warnings
    assert not any("resampled" in line for line in ranged.progress.lines)


def test_never_takes_pixels_as_they_are(raster, network, classify, scene):
    layer = raster("a.tif", scene(90, 80), transform=square(5))
    plain = classify(layer, network("context", name="plain-v1"), window=32)
    never = classify(layer, network("context", name="ranged-v1", gsd_range=(10.0, 30.0)), window=32, resample="never")
    auto = classify(layer, network("context", name="ranged-v1", gsd_range=(10.0, 30.0)), window=32)
    assert (plain.values == never.values).all() and (plain.values != auto.values).any()
    assert any("5 m" in w and "10 to 30 m" in w for w in never.result.warnings)
    with pytest.raises(LulcError, match="sometimes"):
        ClassifyJob(RasterInput("a.tif"), resample="sometimes")


def test_beyond_four_times_leaves_nothing(raster, network, classify, scene, tmp_path):
    layer = raster("a.tif", scene(90, 80), transform=square(2.4))
    (tmp_path / "out").mkdir()
    with pytest.raises(LulcError, match=r"2\.4 m.*10 to 30 m"):
        classify(layer, network("pixel", gsd_range=(10.0, 30.0)), output=str(tmp_path / "out" / "map.tif"))
    assert not list((tmp_path / "out").iterdir())


def test_statistics_are_those_of_the_stored_pixels(raster, network, scene, tmp_path):
    values = scene(120, 120, dtype="uint8")
    steps = []
    for size in (15, 3):
        layer = raster(f"{size}.tif", values, transform=square(size))
        net = network("pixel", gsd_range=(10.0, 30.0))
        setup, _ = make_plan(ClassifyJob(RasterInput(layer), model_file=net.path)).ready()
        steps.append(setup.band_steps)
    assert steps[0] == steps[1]
