# SPDX-License-Identifier: GPL-3.0-or-later
"""Where training images lie, and how sure a network is on held-out places."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed; run make setup-training")
pytest.importorskip("onnx", reason="onnx is not installed")
pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
pytest.importorskip("PIL", reason="Pillow is not installed")

from training.export import data_summary
from training.sets.description import describe


def test_training_places_are_rounded_and_said_once(toy):
    rows = ("a.tif,g,train,10.04,50", "b.tif,g,train,10.01,50.02", "c.tif,g,val,1,1", "d.tif,g,train,,")
    (toy / "sure" / "split.csv").write_text("\n".join(("file,group,split,lon,lat", *rows)))
    assert data_summary.training_places(describe(toy, "sure"), {"train"}) == {
        "set": "Toy sure",
        "places": [[10.0, 50.0]],
    }
    assert data_summary.training_places(describe(toy, "coarse"), {"train"})["places"] == []


def test_confidence_is_over_pixels_and_places():
    from training.export import data_summary

    assert data_summary.confidence_summary({"a": (0.9, 300), "b": (0.5, 100)}) == {}
    summary = data_summary.confidence_summary({"a": (0.9, 300), "b": (0.5, 50), "c": (0.5, 50)})
    assert summary == {"mean": 0.8, "q05": pytest.approx(0.5), "places": 3}
    assert data_summary.confidence_summary({}) == {} and np.isfinite(summary["mean"])
