# SPDX-License-Identifier: GPL-3.0-or-later
"""The interval of a difference is over places."""

from __future__ import annotations

import json

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed; run make setup-training")
pytest.importorskip("sklearn", reason="scikit-learn is not installed")
pytest.importorskip("matplotlib", reason="matplotlib is not installed")

from training import maps
from training.evaluate import (
    network_scores,
)
from training.evaluate.summary import summary_text
from training.maps import miou_interval, reference_miou


def test_the_interval_is_over_places(monkeypatch):
    right, wrong = np.diag([10, 10]), np.array([[0, 10], [10, 0]])
    same = {f"p{k}": right for k in range(5)}
    worse = same | {"p0": wrong}
    difference, low, high = miou_interval(same, worse, draws=300)
    assert difference > 0 and low == 0 and high > difference
    monkeypatch.setattr(maps, "LEAST_PLACES", 2)
    one = {"p0": np.array([[7, 1], [2, 5]]), "p1": np.array([[3, 3], [0, 0]])}
    # a draw is a mean over the classes that it has in its reference
    miou = {k: reference_miou(sum(one[p] for p in k)) for k in (("p0", "p0"), ("p0", "p1"), ("p1", "p1"))}
    nothing = {"p0": np.array([[0, 6], [9, 0]]), "p1": np.array([[0, 3], [3, 0]])}
    interval = miou_interval(one, nothing, draws=500)
    assert interval[0] == pytest.approx(miou["p0", "p1"])
    assert (interval[1], interval[2]) == pytest.approx((min(miou.values()), max(miou.values())))


def test_few_places_give_no_interval():
    right, wrong = np.diag([10, 10]), np.array([[9, 1], [1, 9]])
    good, bad = ({f"p{k}": m for k in range(4)} for m in (right, wrong))
    assert miou_interval(good, bad)[1:] == (None, None) and miou_interval(good, bad)[0] > 0
    # a place without a labelled pixel is none
    empty = {"p4": 0 * right}
    assert miou_interval(good | empty, bad | empty)[1] is None
    table = network_scores.headed("net", {"sets": {}, "forest": {}, "robustness": {}}, False, None)
    table["compared"] = {"other": {"sure/val": list(miou_interval(good, bad))}}
    text = summary_text([json.loads(json.dumps(table))])
    assert "too few places" in text and "better" not in text
