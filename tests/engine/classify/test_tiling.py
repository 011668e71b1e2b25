# SPDX-License-Identifier: GPL-3.0-or-later
"""A map made of windows is the map of the whole image, without seams."""

import numpy as np
import pytest

from lulc_plugin.raster import plan_grid
from lulc_plugin.raster.window_grid import reflect


def padded_run(net, tensor):
    """Labels of the whole image in one run, reflected up to the network's multiple."""
    multiple = net.spec.window.multiple
    _, rows, cols = tensor.shape
    row = reflect(np.arange(-(-rows // multiple) * multiple), rows)
    col = reflect(np.arange(-(-cols // multiple) * multiple), cols)
    scores = net.run(tensor[:, row[:, None], col[None, :]])[:, :rows, :cols]
    return np.array(net.spec.legend.values)[scores.argmax(axis=0)], scores


def differing(made, whole, scores, rim=0):
    """Pixels inside the rim that differ and are no tie of the two best classes within the rounding of float32."""
    best = np.sort(scores, axis=0)
    decided = best[-1] - best[-2] > 1e-4
    inner = np.s_[rim : made.shape[0] - rim, rim : made.shape[1] - rim]
    return int(np.count_nonzero(((made != whole) & decided)[inner]))


@pytest.mark.parametrize("window", [16, 64, 100, 256, 1024])
def test_pixel_network_gives_the_same_map_with_any_window(raster, network, classify, scene, tensor_of, window):
    image = scene(203, 331)
    net = network("pixel")
    made = classify(raster("a.tif", image), net, window=window)
    np.testing.assert_array_equal(made.values, net.labels(tensor_of(image)))
    assert len(np.unique(made.values)) > 2


@pytest.mark.parametrize(
    ("rows", "cols"), [(1, 1), (1, 200), (200, 1), (2, 3), (7, 7), (48, 48), (64, 64), (65, 63), (128, 192)]
)  # fmt: skip
def test_any_size_of_raster(raster, network, classify, scene, tensor_of, rows, cols):
    image = scene(rows, cols)
    net = network("pixel")
    made = classify(raster("a.tif", image), net)
    np.testing.assert_array_equal(made.values, net.labels(tensor_of(image)))
    assert made.result.valid_pixels == rows * cols


@pytest.mark.parametrize(("rows", "cols"), [(1, 1), (1, 90), (5, 3), (64, 64), (101, 67)])
def test_context_network_on_small_rasters(raster, network, classify, scene, rows, cols):
    made = classify(raster("a.tif", scene(rows, cols)), network("context"))
    assert made.values.shape == (rows, cols)
    assert made.values.min() >= 1


@pytest.mark.parametrize(("window", "overlap"), [(256, 96), (512, 128)])
def test_map_equals_the_run_on_the_whole_image_away_from_the_rim(
    raster, network, classify, scene, tensor_of, window, overlap
):
    image = scene(1500, 1300)
    net = network("context")
    whole, scores = padded_run(net, tensor_of(image))
    made = classify(raster("a.tif", image), net, window=window, overlap=overlap)
    assert differing(made.values, whole, scores, rim=24) == 0
    assert min(np.bincount(whole.ravel())[1:]) > 0.02 * whole.size


def test_an_overlap_below_the_receptive_field_does_change_the_map(raster, network, classify, scene, tensor_of):
    """The test above could fail."""
    image = scene(300, 300)
    net = network("context")
    whole, scores = padded_run(net, tensor_of(image))
    made = classify(raster("a.tif", image), net, window=64, overlap=0)
    assert differing(made.values, whole, scores, rim=24) > 300


def edges_on_borders(values, axes):
    """Density of class edges on the borders between windows, divided by that elsewhere."""
    densities = []
    for dimension, axis in enumerate(axes):
        lines = np.moveaxis(values, dimension, 0)
        edge = (lines[1:] != lines[:-1]).mean(axis=1)
        border = np.isin(np.arange(1, lines.shape[0]), [axis.border(k) for k in range(axis.count - 1)])
        densities.append((edge[border].mean(), edge[~border].mean()))
    on, off = np.mean(densities, axis=0)
    return on / off


@pytest.fixture
def seams(raster, network, classify, scene):
    """(agreement of windows 64 and 256, edge density on borders of 64-pixel windows) for an overlap."""
    image = scene(500, 460)
    layer = raster("a.tif", image)
    net = network("deep")

    def measure(overlap):
        small = classify(layer, net, window=64, overlap=overlap).values
        large = classify(layer, net, window=256, overlap=overlap).values
        grid = plan_grid(500, 460, 64, overlap, 4, 8)
        return (small == large).mean(), edges_on_borders(small, (grid.rows, grid.cols))

    return measure


def test_windows_of_different_size_agree_and_leave_no_seams(seams):
    agreement, density = seams(32)
    assert agreement >= 0.99
    assert density <= 1.1


def test_without_overlap_the_same_network_leaves_seams(seams):
    """The test above can fail."""
    agreement, density = seams(0)
    assert agreement < 0.97
    assert density > 1.3


def test_window_origins_are_multiples_of_what_the_model_declares(raster, network, classify, scene, tensor_of):
    """A network that looks at the parity of its own rows would show a shift by one."""
    image = scene(150, 170)
    net = network("context")
    # any origin that is no multiple of 4 moves the strided pixels and so the map
    whole, scores = padded_run(net, tensor_of(image))
    made = classify(raster("a.tif", image), net, window=136, overlap=60)
    assert differing(made.values, whole, scores, rim=24) <= 2
    shifted, _ = padded_run(net, tensor_of(image)[:, 1:, :])
    assert np.count_nonzero(shifted[:-1][24:-24, 24:-24] != whole[1:-1][24:-24, 24:-24]) > 300
