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


def test_chips_stand_for_places_where_these_are_too_few():
    from types import SimpleNamespace

    from training.export import data_summary

    def chip(name, place, share):
        return SimpleNamespace(name=name, place=place, valid=np.array([[True, False]]), share=share)

    mapper = SimpleNamespace(shares=lambda chip: np.array([[[chip.share, 0.9]], [[1 - chip.share, 0.1]]]))
    two = [chip("1.tif", "a", 0.6), chip("2.tif", "a", 0.7), chip("3.tif", "b", 0.8)]
    found = data_summary.place_confidence(mapper, {"set": two})
    assert found == {f"set/{i}.tif": (pytest.approx(share), 1) for i, share in ((1, 0.6), (2, 0.7), (3, 0.8))}
    found = data_summary.place_confidence(mapper, {"set": [*two, chip("4.tif", "c", 0.9)]})
    assert found["set/a"] == (pytest.approx(0.65), 2) and len(found) == 3
