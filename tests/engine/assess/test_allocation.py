# SPDX-License-Identifier: GPL-3.0-or-later
"""How many points and how many in each class: every published and constructed example, and what must hold always."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from lulc_plugin.assess import expected_from_text
from lulc_plugin.assess.sample import allocation
from lulc_plugin.assess.sample.job import expected_of
from lulc_plugin.errors import LulcError

EXAMPLES = json.loads((Path(__file__).parents[2] / "data" / "accuracy_examples.json").read_text(encoding="utf-8"))
KINDS = ("sample_size_stratified", "sample_size_srs", "allocation")


def examples(kind):
    return [pytest.param(e, id=e["id"]) for e in EXAMPLES["examples"] if e["kind"] == kind]


def ours(example):
    """What this program makes of an example's input, under the names that the file uses."""
    given, kind = example["input"], example["kind"]
    if kind == "sample_size_stratified":
        weights, users = given["weights"], given["expected_users_accuracy"]
        infinite = allocation.sample_size_stratified(weights, users, given["target_se"])
        finite = allocation.sample_size_stratified(weights, users, given["target_se"], given["N"])
        return {
            "stratum_sd": list(allocation.expected_se_users(users, [1] * len(users))),
            "sum_WS": given["target_se"] * math.sqrt(infinite.unrounded),
            "n_unrounded": infinite.unrounded,
            "n": infinite.points,
            "n_unrounded_finite": finite.unrounded,
            "n_finite": finite.points,
        }
    if kind == "sample_size_srs":
        # one stratum without a limit is a simple random sample; with a limit the formulas differ by one unit in N
        target = allocation.standard_error(given["half_width"], given["confidence"])
        infinite = allocation.sample_size_stratified([1.0], [given["p"]], target)
        return {"n_unrounded": infinite.unrounded, "n": infinite.points}
    users = given.get("expected_users_accuracy")

    def allocated(rule, per_class=None):
        sizes = given.get("stratum_sizes")
        return list(allocation.allocate(given["n"], rule, given["weights"], sizes, users, per_class).points)

    rules = {"proportional": allocated("proportional"), "equal": allocated("equal")}
    if users:
        assert given["rare_share"] == allocation.RARE_SHARE
        rules["neyman"] = allocated("neyman")
        rules.update({f"rare_{m}": allocated("olofsson", m) for m in (50, 75, 100)})
        rules["expected_se_overall"] = {
            name: allocation.expected_se_overall(given["weights"], users, points) for name, points in rules.items()
        }
    return rules


def compare(expected, found, tolerance, path=""):
    """Every key of `expected`; returns how many numbers were compared."""
    if isinstance(expected, dict):
        assert set(expected) <= set(found), f"{path}: nobody computes {set(expected) - set(found)}"
        return sum(compare(v, found[k], tolerance, f"{path}.{k}") for k, v in expected.items())
    if isinstance(expected, list):
        assert len(expected) == len(found), path
        return sum(compare(e, f, tolerance, f"{path}.{i}") for i, (e, f) in enumerate(zip(expected, found)))
    assert found == pytest.approx(expected, abs=tolerance, rel=1e-12), path
    return 1


@pytest.mark.parametrize("example", [e for kind in KINDS for e in examples(kind)])
def test_example(example):
    expected = example["expected"]
    if example["kind"] == "sample_size_srs":
        expected = {key: value for key, value in expected.items() if "finite" not in key}
    assert compare(expected, ours(example), example["tolerance"]) >= 2


@pytest.mark.parametrize("example", [e for kind in KINDS for e in examples(kind)])
def test_misprints_are_not_reproduced(example):
    for number in example["published"]:
        if number["reproduced"]:
            continue
        rule, index = number["path"].split(".")
        assert ours(example)[rule][int(index)] == number["ours"] != number["printed"]


def test_all_examples_are_here():
    assert {e["kind"] for e in EXAMPLES["examples"]} >= set(KINDS)


OLOFSSON = [0.02, 0.015, 0.32, 0.645]


def test_default_is_75_for_rare_classes():
    assert allocation.allocate(641, "olofsson", OLOFSSON).points == (75, 75, 163, 328)


def test_more_rare_classes_than_points():
    """100 points: an equal share for the rare classes, and no more than were asked for."""
    made = allocation.allocate(100, "olofsson", OLOFSSON)
    assert made.points == (25, 25, 17, 33)
    assert not made.raised and made.total == 100
    assert allocation.allocate(12, "olofsson", [0.01, 0.01, 0.02, 0.02, 0.3, 0.64]).points == (2, 2, 2, 2, 2, 2)


def test_a_number_for_rare_classes_that_was_given():
    """100 points, two rare classes of 75: the common ones keep the 97 that 100 points would have given them."""
    made = allocation.allocate(100, "olofsson", OLOFSSON, min_per_class=75)
    assert made.points == (75, 75, 32, 65)
    assert made.raised and made.asked == 100 and made.total == 247


def test_only_rare_classes():
    weights = [1 / 25] * 25
    assert allocation.allocate(1875, "olofsson", weights).points == (75,) * 25
    assert allocation.allocate(2000, "olofsson", weights).points == (80,) * 25  # the rest must go somewhere
    assert allocation.allocate(100, "olofsson", weights).points == (4,) * 25


def test_a_rare_class_smaller_than_its_number():
    made = allocation.allocate(641, "olofsson", OLOFSSON, [20, 150_000, 3_200_000, 6_450_000])
    assert made.points[:2] == (20, 75) and made.total == 641


def test_at_least_two_each():
    assert allocation.allocate(50, "proportional", [0.001, 0.999]).points == (2, 48)
    assert allocation.allocate(50, "neyman", [0.001, 0.999], expected_users=[0.5, 0.5]).points == (2, 48)
    assert allocation.allocate(50, "proportional", [0.001, 0.999], [1, 999]).points == (1, 49)


@pytest.mark.parametrize("rule", ["proportional", "equal", "neyman"])
def test_minimum_per_class(rule):
    made = allocation.allocate(100, rule, [0.9, 0.05, 0.05], expected_users=[0.9, 0.9, 0.9], min_per_class=20)
    assert min(made.points) >= 20 and made.total == 100 and not made.raised
    raised = allocation.allocate(50, rule, [0.9, 0.05, 0.05], expected_users=[0.9, 0.9, 0.9], min_per_class=20)
    assert raised.points == (20, 20, 20) and raised.raised


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: allocation.allocate(5, "equal", [0.5, 0.3, 0.2]), ["5 points", "3 classes", "6 or more"]),
        (lambda: allocation.allocate(50, "equal", [0.5, 0.5], [20, 20]), ["50 points", "40 valid pixels"]),
        (lambda: allocation.allocate(50, "best", [0.5, 0.5]), ["'best'", "olofsson, proportional, equal, neyman"]),
        (lambda: allocation.allocate(50, "neyman", [0.5, 0.5]), ["neyman", "expected"]),
        (lambda: allocation.allocate(50, "equal", [0.5, 0.5], min_per_class=1), ["is 1", "2 points"]),
        (lambda: allocation.allocate(50, "equal", [0.5, 0.4]), ["0.9", "add up to 1"]),
        (lambda: allocation.sample_size_stratified([1.0], [1.0], 0.01), ["accuracy is 1", "between 0 and 1"]),
        (lambda: allocation.sample_size_stratified([0.5, 0.5], [0.9], 0.01), ["1 expected", "2 classes"]),
        (lambda: allocation.sample_size_stratified([1.0], [0.9], 0), ["error is 0"]),
        (lambda: allocation.standard_error(3, 0.95), ["half-width", "is 3"]),
        (lambda: allocation.standard_error(0.03, 95), ["level is 95", "0.95"]),
    ],
)
def test_impossible_numbers(call, words):
    with pytest.raises(LulcError) as error:
        call()
    assert all(word in str(error.value) for word in words), str(error.value)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(st.floats(1e-4, 1), st.integers(1, 5000), st.floats(0.05, 0.95)), min_size=1, max_size=12),
    st.floats(0, 1),
    st.sampled_from(allocation.ALLOCATIONS),
    st.one_of(st.none(), st.integers(2, 200)),
)
def test_what_always_holds(strata, fullness, rule, per_class):
    raw, sizes, users = (np.array(column) for column in zip(*strata))
    weights = raw / raw.sum()
    least, most = int(np.minimum(2, sizes).sum()), int(sizes.sum())
    n = round(least + fullness * (most - least))
    made = allocation.allocate(n, rule, list(weights), list(sizes), list(users), per_class)
    points = np.array(made.points)
    assert (points <= sizes).all()
    assert (points >= np.minimum(2, sizes)).all()
    assert made.total >= n
    assert made.raised == (made.total > n)
    if per_class is None:
        assert made.total == n
    if rule == "olofsson":
        rare = weights < 0.05
        usual = per_class or min(75, max(2, n // len(sizes)))
        assert (points[rare] >= np.minimum(usual, sizes[rare])).all()
    elif per_class is not None:
        assert (points >= np.minimum(per_class, sizes)).all()


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.floats(0.01, 1), st.floats(0.05, 0.95)), min_size=2, max_size=8), st.integers(200, 5000))
def test_neyman_is_the_best_for_overall_accuracy(strata, n):
    raw, users = (np.array(column) for column in zip(*strata))
    weights = list(raw / raw.sum())
    se = {
        rule: allocation.expected_se_overall(
            weights, list(users), allocation.allocate(n, rule, weights, expected_users=list(users)).points
        )
        for rule in ("neyman", "proportional", "equal")
    }
    assert se["neyman"] <= min(se["proportional"], se["equal"]) * (1 + 2 * len(strata) / n)


def test_the_size_reaches_its_target():
    """With neyman the expected standard error is the one asked for, and with ten points fewer it is not."""
    users = [0.7, 0.6, 0.9, 0.95]
    points = allocation.allocate(641, "neyman", OLOFSSON, expected_users=users).points
    assert allocation.expected_se_overall(OLOFSSON, users, points) <= 0.01
    fewer = allocation.allocate(631, "neyman", OLOFSSON, expected_users=users).points
    assert allocation.expected_se_overall(OLOFSSON, users, fewer) > 0.01


@pytest.mark.parametrize(
    "text, expected",
    [
        ("0.8", (0.8, 0.8, 0.8)),
        (" 0.7; 0.6 ;0.9", (0.7, 0.6, 0.9)),
        ("4=0.7; 1=0.6;2=0.9", (0.6, 0.9, 0.7)),
    ],
)
def test_expected_accuracy_as_people_type_it(text, expected):
    assert expected_of(expected_from_text(text), (1, 2, 4)) == expected


@pytest.mark.parametrize(
    "text, words",
    [
        ("0,8", ["'0,8'", "0.8"]),
        ("80", ["is 80", "between 0 and 1"]),
        ("1", ["is 1", "without both ends"]),
        ("", ["''"]),
        ("1=0.7;2", ["1=0.7;2=0.6"]),
        ("1=0.7;1=0.8", ["1=0.7;1=0.8"]),
        ("nan", ["between 0 and 1"]),
        ("0.7;0.6", ["2 expected", "3 classes", "1, 2, 4"]),
        ("1=0.7;2=0.6", ["class 4", "1, 2, 4"]),
        ("1=0.7;2=0.6;4=0.8;9=0.9", ["class 9", "1, 2, 4"]),
    ],
)
def test_expected_accuracy_that_cannot_be_used(text, words):
    with pytest.raises(LulcError) as error:
        expected_of(expected_from_text(text), (1, 2, 4))
    assert all(word in str(error.value) for word in words), str(error.value)
