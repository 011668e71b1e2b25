# SPDX-License-Identifier: GPL-3.0-or-later
"""The contact sheet of a card: held-out chips with reference and map, bad ones included."""

import numpy as np
import pytest

image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")

from lulc_plugin.errors import LulcError
from lulc_plugin.legend import Legend, LegendClass
from training.cards import contact_sheet
from training.sets.chips import Chip

LEGEND = Legend.of(
    [LegendClass(1, "Water", "#0000FF"), LegendClass(2, "Trees", "#007700"), LegendClass(3, "Bare", "#AA8855")]
)


def chip(rng, labels, allowed):
    values = rng.uniform(0, 0.3, (4, *labels.shape)).astype(np.float32)
    valid = np.ones(labels.shape, bool)
    valid[:2] = False
    return Chip("sure", "a", "g", "test", values, valid, labels.astype(np.uint8), np.array(allowed, bool))


def test_the_sheet_shows_the_worst_the_middle_and_the_best(rng, tmp_path):
    allowed = [[0, 0, 0], [1, 0, 0], [0, 1, 1]]
    labels = rng.integers(1, 3, (40, 50))
    chips = [chip(rng, labels, allowed) for _ in range(5)]
    maps = [np.where(rng.random(labels.shape) < k / 5, 3 - labels, labels).astype(np.uint8) - 1 for k in range(5)]
    rows = contact_sheet.shown(chips, maps, ("red", "green", "blue", "nir"), LEGEND, "Sure")
    assert [r.overall for r in rows] == sorted(r.overall for r in rows) and len(rows) == 3
    # a coarse label has the mean colour of its classes, what is invalid is black
    assert tuple(rows[0].reference[10, 10]) in {(0, 0, 255), (85, 128, 42)}
    assert not rows[0].classes[0].any()
    path = tmp_path / "docs" / "n.jpg"
    contact_sheet.draw(rows, LEGEND, path)
    assert path.stat().st_size <= contact_sheet.LARGEST and image.open(path).format == "JPEG"
    with pytest.raises(LulcError, match="does not fit"):
        contact_sheet.draw(rows, LEGEND, path, largest=1000)


def test_pictures_that_may_not_be_shown_are_not(rng):
    one = chip(rng, np.ones((8, 8)), [[0, 0, 0], [1, 0, 0]])
    one.source = "deepglobe_mini"
    assert contact_sheet.shown([one], [np.zeros((8, 8), np.uint8)], ("red",), LEGEND, "x") == []
