# SPDX-License-Identifier: GPL-3.0-or-later
"""Fields that only the card reads: what fits is shown, what does not is left out or cut."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import pytest

from lulc_plugin.model import ClassScore, Scores
from lulc_plugin.report.card import (
    fields,
)
from lulc_plugin.report.card.card import model_card
from lulc_plugin.report.card.pages import card_html, card_markdown


def section(card, id):
    (found,) = [s for s in card.sections if s.id == id]
    return found


NONSENSE = (
    None, 3, -1, 10**400, math.nan, math.inf, True, "x", [], [3], ["a"], [[]], [{}], {}, {"a": 1},
    [{"name": 3, "pixels": "x"}],
)  # fmt: skip

KEYS = (
    "names", "subset", "place_count", "mean_dice", "variants", "places", "baseline", "compared", "radiometry", "notes"
)  # fmt: skip


def test_limits(made):
    spec = replace(made.spec, extra={"lulc:limits": ["Knows no *clouds*.", 3, "", "x" * 5000, *("y",) * 100]})
    (items,) = section(model_card(spec, made.path), "limits").parts
    assert items.items[0] == "Knows no *clouds*." and items.items[1].endswith("x…")
    assert len(items.items[1]) < 2000 and len(items.items) == 38


@pytest.mark.parametrize("value", [None, 3, "one", {}, [], [[1]], [None]])
def test_without_limits(made, value):
    card = model_card(replace(made.spec, extra={"lulc:limits": value}), made.path)
    assert "name none" in section(card, "limits").sentences[0]


def test_a_card_of_the_makers_is_named_where_limits_are_missing(made, tmp_path):
    path = tmp_path / "a.onnx"
    path.write_bytes(made.path.read_bytes())
    assert len(section(model_card(made.spec, path), "limits").sentences) == 1
    path.with_suffix(".md").write_text("## Limits")
    assert "a.md" in section(model_card(made.spec, path), "limits").sentences[1]


@pytest.mark.parametrize("key", KEYS)
def test_nonsense_beside_scores_is_left_out(made, key, outline):
    one = ClassScore(1, 0.5, 0.5, 0.5, 0.5, 10)
    for value in NONSENSE:
        scores = Scores("d", "test", 10, 1.0, None, None, None, (one,), ((10,),), {key: value})
        card = model_card(replace(made.spec, scores=(scores,)), made.path)
        outline(card_html(card))
        assert not re.search(r"\b(inf|nan|Infinity|NaN)\b", card_markdown(card))


@pytest.mark.parametrize(
    "key",
    ["lulc:limits", "lulc:needs", "lulc:evaluation", "lulc:window_border", "lulc:making", "lulc:parity", "lulc:picture",
     "lulc:weight_precision", "lulc:other_programs", "lulc:imagery"],
)  # fmt: skip
def test_nonsense_in_fields_of_the_card_is_left_out(made, key, outline):
    for value in NONSENSE:
        card = model_card(replace(made.spec, extra={key: value}), made.path)
        outline(card_html(card))
        assert "border" not in [s.id for s in card.sections]


@pytest.mark.parametrize(
    "extra",
    [
        {"lulc:training_places": value}
        for value in (3, "x", [3], [{"places": 3}], [{"places": [[1], [1, 2, 3], ["a", "b"], [True, 2], [500, 0]]}])
    ]
    + [
        {"lulc:calibration": value}
        for value in (3, [], {"temperature": "hot"}, {"temperature": math.inf}, {"expected_error_before": 3},
                      {"expected_error_before": {"a": "b"}, "expected_error_after": {"a": 0.1}})
    ],
)  # fmt: skip
def test_nonsense_in_unknown_fields_is_left_out(made, extra, outline):
    card = model_card(replace(made.spec, extra=extra), made.path)
    assert "does not say where" in section(card, "training").sentences[0]
    assert "confidence" not in [s.id for s in card.sections]
    outline(card_html(card))


def test_lists_of_a_description_are_cut(made):
    many = [{"name": f"p{i}", "overall_accuracy": 0.5, "pixels": i} for i in range(5000)]
    extra = {key: many for key in ("variants", "places", "radiometry")}
    extra["compared"] = [{"name": "n", "difference": 0.1}] * 5000
    scores = Scores("d", "test", 10, 1.0, None, None, None, (), (), extra)
    assert len(card_html(model_card(replace(made.spec, scores=(scores,)), made.path))) < 500_000


@pytest.mark.parametrize(
    "path",
    ["../docs/a.jpg", "/etc/a.png", "https://x.org/a.jpg", "a b.jpg", "a.svg", "a)](x.jpg", "a" * 400 + ".jpg", 3],
)
def test_pictures_lie_beside_the_card(made, path):
    card = model_card(replace(made.spec, extra={"lulc:picture": {"path": path, "caption": ["Chips."]}}), made.path)
    text = card_markdown(card)
    assert ("![Examples, described below](../docs/a.jpg)\n\nChips.\n" in text) == (path == "../docs/a.jpg")
    assert text.count("![") == (path == "../docs/a.jpg") and "<img" not in card_html(card)


def test_places_of_the_description(made):
    sets = [{"set": "a", "places": [[1, 2], [3.5, -4]]}, {"set": "b", "places": []}, {"places": [["x", 1]]}]
    found = fields.training_places(replace(made.spec, extra={"lulc:training_places": sets}))
    assert found == (((1.0, 2.0), (3.5, -4.0)), ("b", "a set without a name"))
