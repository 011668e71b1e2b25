# SPDX-License-Identifier: GPL-3.0-or-later
"""Where chips lie, what a place is, and which split it gets."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("cv2", reason="OpenCV is not installed; run make setup-training")
pytest.importorskip("rasterio", reason="rasterio is not installed")

from lulc_plugin.errors import LulcError
from training.prepare import place_splits
from training.prepare.chip_writer import Tiling
from training.prepare.overlap import Rectangle, SharedGround
from training.prepare.split_leaks import leaks_between


def scene(name, height=100, width=100):
    facts = SimpleNamespace(height=height, width=width)
    return SimpleNamespace(path=Path(f"{name}.tif"), stem=name, facts=facts)


@pytest.mark.parametrize("edges", ["shift", "smaller"])
@pytest.mark.parametrize("stride", [16, 23, 32])
@pytest.mark.parametrize("shape", [(100, 33), (31, 64), (32, 32), (97, 65), (5, 200)])
def test_every_pixel_is_in_a_chip(edges, stride, shape):
    area = Rectangle(7, 7 + shape[0], 11, 11 + shape[1])
    seen = np.zeros((200, 300), int)
    for w in Tiling(32, stride, edges).windows(area):
        seen[w.row0 : w.row1, w.col0 : w.col1] += 1
        assert 0 < w.row1 - w.row0 <= 32 and 0 < w.col1 - w.col0 <= 32
        if edges == "shift" and min(shape) >= 32:
            assert w.pixels == 32 * 32
    inside = np.zeros_like(seen, bool)
    inside[area.row0 : area.row1, area.col0 : area.col1] = True
    assert (seen[inside] > 0).all() and (seen[~inside] == 0).all()
    if edges == "smaller" and stride == 32:
        assert seen.max() == 1


def test_stride_that_loses_pixels_is_refused():
    with pytest.raises(LulcError, match="stride is 65"):
        Tiling(64, 65)


def test_no_pixel_is_in_two_splits():
    scenes = [scene("a", 300, 210), scene("b", 90, 400)]
    areas = place_splits.assigned(
        place_splits.by_blocks(scenes, 64), place_splits.parse_shares("train=0.6,val=0.2,test=0.2"), seed=3
    )
    for i, s in enumerate(scenes):
        split = np.full((s.facts.height, s.facts.width), "", object)
        for area in areas:
            if area.scene == i:
                for w in Tiling(32, 20).windows(area.rectangle):
                    part = split[w.row0 : w.row1, w.col0 : w.col1]
                    assert np.isin(part, ("", area.split)).all()
                    part[:] = area.split
        assert (split != "").all()
    sizes = {name: sum(a.rectangle.pixels for a in areas if a.split == name) for name in ("train", "val", "test")}
    total = sum(sizes.values())
    assert abs(sizes["train"] / total - 0.6) < 0.1 and abs(sizes["test"] / total - 0.2) < 0.1


def test_split_is_seeded_and_every_split_gets_a_place():
    areas = place_splits.by_scene([scene(f"s{i}") for i in range(3)])
    shares = place_splits.parse_shares("train=0.9,val=0.05,test=0.05")
    assert {a.split for a in place_splits.assigned(areas, shares, 0)} == {"train", "val", "test"}
    assert place_splits.assigned(areas, shares, 1) == place_splits.assigned(areas, shares, 1)
    assert len({tuple(a.split for a in place_splits.assigned(areas, shares, s)) for s in range(9)}) > 1
    with pytest.raises(LulcError, match="2 places for the 3 splits"):
        place_splits.assigned(areas[:2], shares, 0)


def test_groups_and_names(tmp_path):
    scenes = [scene("tile1_a"), scene("tile1_b"), scene("tile2_a")]
    assert [a.place for a in place_splits.by_name(scenes, r"tile\d")] == ["tile1", "tile1", "tile2"]
    path = tmp_path / "g.csv"
    path.write_text("file,group,split\ntile1_a.tif,x,val\ntile1_b,x,val\ntile2_a,y,train\n")
    assert [(a.place, a.split) for a in place_splits.by_file(scenes, path)] == [
        ("x", "val"),
        ("x", "val"),
        ("y", "train"),
    ]
    path.write_text("file,group,split\ntile1_a,x,val\ntile1_b,x,test\ntile2_a,y,train\n")
    with pytest.raises(LulcError, match="two splits"):
        place_splits.by_file(scenes, path)
    path.write_text("file,group\ntile1_a,x\n")
    with pytest.raises(LulcError, match="tile1_b"):
        place_splits.by_file(scenes, path)


def test_common_ground_is_a_leak_unless_places_are_joined():
    areas = place_splits.by_blocks([scene("a", 100, 200), scene("b", 100, 100)], 100)
    # the right fifth of a's right block is the left fifth of b
    ground = SharedGround(0, 1, (0, 180), 2000, 0.1, 0.2, 1.0, "content")
    split = [place_splits.replace(a, split="test" if a.scene else "train") for a in areas]
    leaks = leaks_between(split, [ground])
    assert [(k.first, k.second, k.pixels) for k in leaks] == [("a_b00_01 (train)", "b_b00_00 (test)", 2000)]
    together, pairs = place_splits.joined(areas, [ground])
    assert pairs == [("a_b00_01", "b_b00_00")] and [a.place for a in together] == ["a_b00_00", "a_b00_01", "a_b00_01"]
    assert (
        leaks_between(place_splits.assigned(together, place_splits.parse_shares("train=1,test=1"), 0), [ground]) == []
    )


def test_shares_that_are_none():
    for text in ("train", "train=x", "train=0,val=1", "train=-1"):
        with pytest.raises(LulcError, match="not understood"):
            place_splits.parse_shares(text)
