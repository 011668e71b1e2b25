# SPDX-License-Identifier: GPL-3.0-or-later
"""What is measured for the sidecar beside the scores."""

import pytest

from training import band_statistics


def test_confidence_is_a_mean_over_pixels_and_a_quantile_over_places():
    places = {f"p{i}": (0.5 + i / 100, 100 if i else 900) for i in range(21)}
    found = band_statistics.summary(places)
    assert found["places"] == 21
    assert found["q05"] == pytest.approx(0.51)
    assert found["mean"] == pytest.approx((0.5 * 900 + sum(0.5 + i / 100 for i in range(1, 21)) * 100) / 2900, abs=1e-4)


def test_orders_are_permutations_of_four_bands():
    assert all(sorted(order) == [0, 1, 2, 3] for order in band_statistics.ORDERS.values())
