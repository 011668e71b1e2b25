# SPDX-License-Identifier: GPL-3.0-or-later
"""The small map of the world: land is land, sea is sea, dots are where the places are."""

from __future__ import annotations

import pytest

from lulc_plugin.report.card import (
    world_map,
)


def rings(path):
    return [[tuple(map(float, c.split())) for c in ring[:-1].split("L")] for ring in path.split("M")[1:]]


def on_land(lon, lat):
    """Even-odd rule over the drawn outline."""
    x, y, inside = lon + 180, world_map.NORTH - lat, False
    for ring in rings(world_map.world_map("m", "", "", ()).land):
        for (x0, y0), (x1, y1) in zip(ring, [*ring[1:], ring[0]]):
            if (y0 > y) != (y1 > y) and x < (x1 - x0) * (y - y0) / (y1 - y0) + x0:
                inside = not inside
    return inside


@pytest.mark.parametrize(
    "lon, lat",
    [(13, 52), (37, -1), (-105, 40), (-48, -16), (78, 22), (104, 35), (134, -25), (-42, 72), (47, -19), (172, -43.5),
     (139, 36.5), (-4, 40), (113, 0), (25, -30), (90, 60), (45, 24)],
)  # fmt: skip
def test_land_is_land(lon, lat):
    assert on_land(lon, lat)


@pytest.mark.parametrize(
    "lon, lat",
    [(-30, 40), (0, -20), (75, -20), (-140, 0), (160, 30), (18, 35), (34, 43.5), (51, 41), (-88, 25), (-88, 60),
     (5, 56), (90, 12), (39, 19), (-60, 35), (170, -30), (150, 50)],
)  # fmt: skip
def test_sea_is_sea(lon, lat):
    assert not on_land(lon, lat)


def test_outline_stays_on_the_map():
    drawn = world_map.world_map("m", "", "", ())
    for ring in rings(drawn.land):
        assert len(ring) >= 3
        assert all(0 <= x <= drawn.width and 0 <= y <= drawn.height for x, y in ring)


def test_dots():
    places = [(54.6, 24.31), (54.62, 24.33), (-47.9, -15.7), (0, -89), (400, 0), (-180, 84)]
    drawn = world_map.world_map("m", "t", "c", places)
    assert drawn.dots == ((0.0, 0.0), (132.1, 99.7), (234.6, 59.7))
    assert drawn.label == "World map with 3 places, from 180° W to 55° E and from 16° S to 84° N."
    assert world_map.world_map("m", "t", "c", places[:1]).label.startswith("World map with 1 place,")
    assert world_map.world_map("m", "t", "c", ()).label == "World map without places."
