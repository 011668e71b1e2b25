# SPDX-License-Identifier: GPL-3.0-or-later
"""Losses against numbers worked out by hand."""

import math

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed; run make setup-training")

from training import losses  # noqa: E402

GROUPS = {1: (4,), 2: (1, 2, 3, 5), 3: (0,)}


def _scores(shares: list[float]) -> "torch.Tensor":
    return torch.tensor(shares).log().reshape(1, 6, 1, 1)


def test_partial_labels_by_hand():
    scores = _scores([0.1, 0.2, 0.3, 0.1, 0.25, 0.05])
    for label, share in ((1, 0.25), (2, 0.65), (3, 0.1)):
        got = losses.partial(scores, torch.full((1, 1, 1), label), GROUPS, dice=0)
        assert got.item() == pytest.approx(-math.log(share), abs=1e-5)


def test_partial_labels_ignore_the_unknown():
    scores = torch.cat([_scores([0.1, 0.2, 0.3, 0.1, 0.25, 0.05]), torch.randn(1, 6, 1, 1)], dim=3)
    labels = torch.tensor([[[2, 0]]])
    assert losses.partial(scores, labels, GROUPS, dice=0).item() == pytest.approx(-math.log(0.65), abs=1e-5)
    assert losses.partial(scores, labels * 0, GROUPS).item() == 0


def test_partial_dice_by_hand():
    scores = _scores([0.1, 0.2, 0.3, 0.1, 0.25, 0.05])
    got = losses.partial(scores, torch.full((1, 1, 1), 2), GROUPS, dice=1.0)
    assert got.item() == pytest.approx(-math.log(0.65) + 1 - 2 * 0.65 / 1.65, abs=1e-5)


def test_soft_labels_by_hand():
    shares = torch.tensor([0.5, 0.5, 0, 0, 0, 0]).reshape(1, 6, 1, 1)
    scores = _scores([0.25, 0.5, 0.05, 0.1, 0.05, 0.05])
    got = losses.soft(scores, shares, torch.ones(1, 1, 1, dtype=torch.bool), torch.ones(6))
    assert got.item() == pytest.approx(-0.5 * (math.log(0.25) + math.log(0.5)), abs=1e-5)


def test_hard_labels_without_known_pixels_cost_nothing():
    scores = torch.randn(2, 6, 4, 4)
    assert losses.hard(scores, torch.full((2, 4, 4), -1), torch.ones(6)).item() == 0


def test_class_weights_are_capped_and_mean_one():
    shares = [0.5, 0.3, 0.15, 0.04, 0.0099, 0.0001]
    weights = losses.class_weights(shares, 0.6, 12.0)
    assert weights.max() / weights.min() == pytest.approx(12.0, rel=1e-5)
    assert float((weights * torch.tensor(shares)).sum()) == pytest.approx(1.0, abs=1e-5)
