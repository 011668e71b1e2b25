# SPDX-License-Identifier: GPL-3.0-or-later
"""Every reason of a result has its words, each in one place."""

import importlib.util
from dataclasses import replace
from pathlib import Path

import pytest

from lulc_plugin.assess import Cause, Reason
from lulc_plugin.report.accuracy.sample_sentences import notes_of, reason_of_difference, reason_of_estimate, warnings_of

_SPEC = importlib.util.spec_from_file_location("report_examples", Path(__file__).with_name("report_examples.py"))
examples = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(examples)

ONLY_OF_DIFFERENCES = (Cause.NO_VALUE, Cause.NO_DIFFERENCE, Cause.SAME_DIFFERENCE)


def reason(cause):
    return Reason(cause, (9, 10) if cause is Cause.TOO_FEW_POLYGONS else (), ("class A",))


@pytest.mark.parametrize("cause", [cause for cause in Cause if cause not in ONLY_OF_DIFFERENCES])
def test_every_cause_of_an_estimate_has_a_text(cause):
    assert len(reason_of_estimate(reason(cause))) > 20


@pytest.mark.parametrize(
    "cause",
    [
        *ONLY_OF_DIFFERENCES,
        Cause.CENSUS,
        Cause.DESCRIPTIVE,
        Cause.ALL_OBSERVED,
        Cause.ONE_UNIT,
        Cause.STRATA_OF_ONE_UNIT,
        Cause.TOO_FEW_POLYGONS,
    ],
)
def test_every_cause_of_a_difference_has_a_text(cause):
    assert len(reason_of_difference(reason(cause))) > 20


def test_without_a_reason_there_is_no_text():
    assert reason_of_estimate(None) == reason_of_difference(None) == ""


def notes(*reasons):
    return notes_of(replace(examples.olofsson().estimates, notes=reasons))


def test_strata_of_one_unit_have_a_sentence_each_and_many_share_one():
    few, many = (
        Reason(Cause.STRATA_OF_ONE_UNIT, names=tuple(f"class {c}" for c in names)) for names in ("AB", "ABCDEF")
    )
    assert notes(few) == [
        "Class A has one reference unit: its variance is unknown; add a unit or merge strata.",
        "Class B has one reference unit: its variance is unknown; add a unit or merge strata.",
    ]
    (one,) = notes(many)
    assert one.startswith("Class A, class B, … (6 in all) have one reference unit each")
    assert reason_of_difference(few) == "Class A has one reference unit: its variance is unknown."


def test_a_sample_that_is_too_small_says_how_many_would_do():
    (note,) = notes(Reason(Cause.SAMPLE_TOO_SMALL, (12, 1_100)))
    assert note.startswith("12 reference units are too few") and "About 1,100, shared out as these are" in note


@pytest.mark.parametrize(("polygons", "words"), [(1, "1 reference polygon is"), (9, "9 reference polygons are")])
def test_too_few_polygons(polygons, words):
    (note,) = notes(Reason(Cause.TOO_FEW_POLYGONS, (polygons, 10)))
    assert note == f"{words} too few for confidence intervals: 10 are needed."


def test_notes_follow_the_warnings_of_the_run():
    result = examples.olofsson(warnings=("Look here.",))
    estimates = replace(result.estimates, notes=(Reason(Cause.ONE_UNIT), Reason(Cause.ONE_UNIT)))
    result = replace(result, estimates=estimates)
    assert warnings_of(result) == ("Look here.", "One reference unit: its variance is unknown; add units.")
