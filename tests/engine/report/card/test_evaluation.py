# SPDX-License-Identifier: GPL-3.0-or-later
"""Scores on the card: those of the description, rounded once, and what a difference means."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lulc_plugin.legend import Legend, LegendClass
from lulc_plugin.model import ClassScore, Scores
from lulc_plugin.report.card import (
    evaluation,
    fields,
)
from lulc_plugin.report.card.card import model_card
from lulc_plugin.report.card.pages import card_html
from lulc_plugin.report.document import Matrix


def html_of(spec, path, listed=""):
    return card_html(model_card(spec, path, listed))


def section(card, id):
    (found,) = [s for s in card.sections if s.id == id]
    return found


def test_scores_are_those_of_the_description(released):
    spec = released.spec
    parts = section(model_card(spec, released.path), "accuracy").parts
    summary = parts[0]
    ordered = [one.scores for one in evaluation.evaluated(spec)]
    assert sorted(s.pixels for s in ordered) == sorted(s.pixels for s in spec.scores)
    rows = [row.cells for row in summary.rows if not row.label.startswith("…")]
    assert [(row[2], row[3], row[6]) for row in rows] == [(s.pixels, s.overall_accuracy, s.miou) for s in ordered]
    for scores in spec.scores:  # more decimals of the same numbers
        (same,) = [s for s in ordered if s.pixels == scores.pixels]
        assert same.overall_accuracy == pytest.approx(scores.overall_accuracy, abs=6e-5)
        assert same.miou == pytest.approx(scores.miou, abs=6e-5) and same.kappa == pytest.approx(scores.kappa, abs=6e-5)
    held_out = [one.scores for one in evaluation.evaluated(spec) if one.held_out]
    assert {s.split for s in held_out} == {"test", "evaluation"}
    matrices = [part for part in parts if isinstance(part, Matrix)]
    assert len(matrices) == len(held_out)
    for matrix, scores in zip(matrices, held_out):
        size = len(scores.confusion)
        assert [row.cells[:size] for row in matrix.rows[:size]] == [tuple(line) for line in scores.confusion]
        total = matrix.rows[size]
        assert total.cells[:size] == tuple(sum(column) for column in zip(*scores.confusion))
        assert total.cells[size] == scores.pixels
        assert matrix.rows[-1].cells[-1] == pytest.approx(scores.overall_accuracy, abs=5e-5)
        for j, entry in enumerate(scores.classes):
            users, producers = matrix.rows[j].cells[-1], matrix.rows[-1].cells[j]
            assert users == pytest.approx(entry.precision, abs=1e-4)
            assert producers is None if entry.recall is None else producers == pytest.approx(entry.recall, abs=1e-4)


def test_validation_does_not_count_as_proof(released):
    summary = evaluation.summary(evaluation.evaluated(released.spec))
    muted = [row.cells[0] for row in summary.rows if row.muted and row.cells[0]]
    assert muted and set(muted) == {"validation"}


def test_classes_of_groups_have_their_names_or_carry_their_values(released):
    (india,) = [s for s in released.spec.scores if "India" in s.dataset and s.split == "test"]
    for scores, labels in (
        (india, ["Water", "Built-up", "Trees / Shrub and grass / Cropland / Bare"]),
        (replace(india, extra={}), ["Water (1)", "Built-up (5)", "Trees (2)"]),
    ):
        card = model_card(replace(released.spec, scores=(scores,)), released.path)
        table = next(part for part in section(card, "accuracy").parts if part.id == "classes0")
        assert [row.label for row in table.rows] == labels


def test_a_matrix_of_another_size_is_left_out(made):
    one = (ClassScore(1, 0.5, 0.5, 0.5, 0.5, 10),)
    for confusion in ((), ((1, 2), (3, 4)), ((1, 2),)):
        scores = Scores("d", "test", 10, 0.5, None, None, None, one, confusion)
        card = model_card(replace(made.spec, scores=(scores,)), made.path)
        assert not any(isinstance(part, Matrix) for part in section(card, "accuracy").parts)


def test_many_classes(made, outline):
    """The page shows the largest; the description may have thousands."""
    classes = tuple(LegendClass(i, f"class {i}", "#112233") for i in range(1, 301))
    scored = tuple(ClassScore(i, 0.5, 0.5, 0.5, 0.5, 10) for i in range(1, 301))
    confusion = tuple(tuple(5 if i == j else 0 for j in range(300)) for i in range(300))
    scores = (Scores("d", "test", 1500, 1.0, 1.0, 1.0, 1.0, scored, confusion),)
    html = html_of(replace(made.spec, legend=Legend.of(classes), scores=scores), made.path)
    assert len(html) < 2_000_000
    assert "of 300 classes" in outline(html).text and "CSV" not in outline(html).text


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [(None, None, "too few"), (0.01, 0.2, "this network is better"), (-0.2, -0.01, "the other is"), (-0.1, 0.1, "not")],
)
def test_verdicts_follow_the_interval(low, high, words):
    assert words in evaluation.verdict(fields.Difference("x", 0.1, low, high))


def test_numbers_are_rounded_once(made):
    """The description has 0.6505 of 0.65052; three decimals are 0.651."""
    one = ClassScore(1, 0.6505, 0.5, 0.5, 0.5, 100_000)
    two = ClassScore(2, 0.9999, 0.5, 0.5, 0.5, 100_000)
    scores = Scores("d", "test", 200_000, 0.5, None, None, None, (one, two), ((65_052, 34_948), (34_948, 65_052)))
    (read,) = evaluation.evaluated(replace(made.spec, scores=(scores,)))
    assert read.scores.classes[0].precision == 0.65052  # and what is another number stays
    assert read.scores.classes[1].precision == 0.9999 and read.scores.overall_accuracy == 0.5
