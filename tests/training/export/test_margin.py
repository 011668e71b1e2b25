# SPDX-License-Identifier: GPL-3.0-or-later
"""How far from a border a map depends on what lies beyond."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed; run make setup-training")
onnx = pytest.importorskip("onnx", reason="onnx is not installed")
pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")

from lulc_plugin.errors import LulcError
from training.export import margin


def test_the_margin_is_where_changes_end():
    names = ("a", "b")
    quiet = [0.0] * (len(margin.DISTANCES) - 3)
    border = margin.chosen({names[0]: [0.1, 0.01, 0.004, *quiet], names[1]: [0.1, 0.02, 0.0049, *quiet]}, 4)
    assert (border.pixels, border.reached, border.worst) == (32, True, 0.0049)
    never = margin.chosen({"a": [0.1] * len(margin.DISTANCES)}, 4)
    assert (never.pixels, never.reached) == (margin.DISTANCES[-1], False)


def test_a_network_that_looks_far_has_a_margin_and_a_pixelwise_one_none(monkeypatch, rng):
    monkeypatch.setattr(margin, "SIDE", 64)
    monkeypatch.setattr(margin, "DISTANCES", (0, 8, 16, 24))
    images = [rng.normal(0, 1, (2, 64, 64)).astype(np.float32) for _ in range(3)]

    def pixelwise(x):
        return np.concatenate([x[:, :1], -x[:, :1]], axis=1)

    def blurred(x):
        padded = np.pad(x[:, :1], ((0, 0), (0, 0), (6, 6), (6, 6)))
        near = sum(padded[:, :, i : i + x.shape[2], j : j + x.shape[3]] for i in range(13) for j in range(13))
        return np.concatenate([near, -near], axis=1)

    assert margin.measure(pixelwise, images).pixels == 0
    assert margin.measure(blurred, images).pixels == 8


@pytest.mark.parametrize(("side", "count"), [(512, 4), (256, 20), (128, 30), (64, 5)])
def test_composites_of_small_chips(rng, side, count):
    images = [np.full((1, side, side), i, np.float32) for i in range(count)]
    mosaics = margin.composites(images)
    assert 3 <= len(mosaics) <= 6 and all(c.shape == (1, 512, 512) for c in mosaics)


def test_too_few_images_for_a_margin_are_refused():
    with pytest.raises(LulcError, match="too small or too few"):
        margin.composites([np.zeros((1, 32, 32), np.float32)])
