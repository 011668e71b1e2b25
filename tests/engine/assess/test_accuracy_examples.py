# SPDX-License-Identifier: GPL-3.0-or-later
"""Every worked example of the accuracy reference: all expected keys, interval bounds included, at the given tolerance.

A user who checks the report against a paper or another tool would notice each of these.
"""

import copy
import json
import math
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import norm

from lulc_plugin.assess import Cause, accuracy
from lulc_plugin.assess.estimators import StrataSizes, Units, estimation, intervals, kappa, pairing, spread_check
from lulc_plugin.errors import LulcError

FILE = Path(__file__).resolve().parents[2] / "data" / "accuracy_examples.json"
EXAMPLES = json.loads(FILE.read_text(encoding="utf-8"))["examples"]
#: Kinds that other test files cover: sample sizes and allocation (test_design), areas (test_areas).
ELSEWHERE = {"sample_size_stratified", "sample_size_srs", "allocation", "cell_area", "unit_factors"}


# ---------------------------------------------------------------- what the engine finds, under the names of the file


def components(point):
    classes = point.classes
    return {
        "overall_accuracy": point.overall,
        "expected_agreement": point.expected,
        "kappa": point.kappa,
        "mcc": point.mcc,
        "users_accuracy": [c.users for c in classes],
        "producers_accuracy": [c.producers for c in classes],
        "f1": [c.f1 for c in classes],
        "iou": [c.iou for c in classes],
        "kappa_one_vs_rest": [c.kappa for c in classes],
        "kappa_conditional_user": [c.kappa_users for c in classes],
        "kappa_conditional_producer": [c.kappa_producers for c in classes],
        "quantity": point.quantity,
        "allocation": point.allocation,
        "exchange": point.exchange,
        "shift": point.shift,
        "quantity_by_class": [c.quantity for c in classes],
        "allocation_by_class": [c.allocation for c in classes],
        "exchange_by_class": [c.exchange for c in classes],
        "shift_by_class": [c.shift for c in classes],
        "row_share": [c.map_share for c in classes],
        "column_share": [c.reference_share for c in classes],
        "balanced_accuracy": point.balanced,
        "macro_users_accuracy": point.macro.users,
        "macro_producers_accuracy": point.macro.producers,
        "macro_f1": point.macro.f1,
        "macro_iou": point.macro.iou,
        "macro_kappa": point.macro.kappa,
        "weighted_f1": point.weighted.f1,
        "weighted_users_accuracy": point.weighted.users,
        "weighted_producers_accuracy": point.weighted.producers,
        "weighted_iou": point.weighted.iou,
    }


def pair(estimate):
    return None if estimate.low is None else [estimate.low, estimate.high]


def with_errors(estimates, level):
    half = intervals.z(level)

    def halves(group):
        return [None if e.se is None else half * e.se for e in group]

    found = components(estimates.point)
    for name, group in (
        ("users_accuracy", estimates.users), ("producers_accuracy", estimates.producers), ("f1", estimates.f1),
        ("iou", estimates.iou), ("area_share", estimates.area_shares),
    ):  # fmt: skip
        # the figure beside the interval is the one of the point figures
        assert [e.value for e in group] == pytest.approx(found.get(name, [e.value for e in group]), abs=1e-12)
        found[name] = [e.value for e in group]
        found[f"{name}_se"] = [e.se for e in group]
        found[f"{name}_halfwidth"] = halves(group)
        found[f"{name}_ci"] = [pair(e) for e in group]
    for name, one in (("overall_accuracy", estimates.overall), ("kappa", estimates.kappa)):
        found[name], found[f"{name}_se"], found[f"{name}_ci"] = one.value, one.se, pair(one)
        found[f"{name}_halfwidth"] = halves([one])[0]
    found["kappa_one_vs_rest"] = [e.value for e in estimates.kappas]
    found["area_matrix"] = estimates.shares.tolist()
    return found


def of_counts(given):
    matrix = np.array(given["matrix"])
    estimates = estimation.simple(matrix)
    n = int(matrix.sum())
    null = kappa.null_variance(matrix / n, n)
    return {
        **with_errors(estimates, 0.95),
        "n": int(estimates.counts.sum()),
        "kappa_variance": estimates.kappa.se**2,
        "kappa_null_variance": null,
        "kappa_null_se": math.sqrt(null),
        "kappa_z": estimates.kappa.value / estimates.kappa.se,
        "kappa_null_z": estimates.kappa.value / math.sqrt(null),
    }


def of_matrix(given):
    if not np.any(given["matrix"]):
        with pytest.raises(LulcError, match="no valid unit"):
            accuracy(given["matrix"])
        nothing = [None] * len(given["matrix"])
        lists = dict.fromkeys(("users_accuracy", "producers_accuracy", "f1", "iou"), nothing)
        single = ("overall_accuracy", "kappa", "mcc", "macro_f1", "quantity", "allocation")
        return {**lists, **dict.fromkeys(single)}
    return components(accuracy(given["matrix"]))


def units_of_matrix(given):
    """Strata = map classes."""
    matrix = np.array(given["matrix"])
    row, column = np.nonzero(matrix)
    sizes = np.array(given["stratum_sizes"], float)
    names = tuple(map(str, given.get("classes", range(1, len(matrix) + 1))))
    counts = bool(np.all(sizes == np.round(sizes)))
    strata = StrataSizes(names, sizes, counts, tuple(range(len(matrix))))
    return Units(row, row, column, matrix[row, column]), strata


def of_strata(given):
    units, strata = units_of_matrix(given)
    q = len(given["matrix"])
    level = 2 * norm.cdf(given["z"]) - 1 if "z" in given else given.get("confidence", 0.95)
    fpc = "always" if given["fpc"] else "never"
    estimates = estimation.stratified(units, strata, q, fpc, "standard", level)
    found = with_errors(estimates, level)
    found["users_accuracy_ci_fallback_class1"] = pair(estimates.users[0])
    if estimates.users[0].se == 0:
        assert estimates.users[0].method == "wilson"
    total = float(strata.sizes.sum())
    unit = given.get("pixel_area_m2", 1) / 10_000 if given.get("area_unit") == "ha" else 1.0
    areas = estimates.area_shares

    def scaled(factor, values):
        return [None if v is None else factor * v for v in values]

    errors = [e.se for e in areas]
    found.update(
        area=scaled(total * unit, [e.value for e in areas]),
        area_se=scaled(total * unit, errors),
        area_halfwidth=scaled(total * unit * intervals.z(level), errors),
        area_ci=[None if e.low is None else [e.low * total * unit, e.high * total * unit] for e in areas],
        area_halfwidth_z196=scaled(total * unit * 1.96, errors),
        area_pixels=scaled(total, [e.value for e in areas]),
        area_pixels_se=scaled(total, errors),
        area_pixels_halfwidth_z196=scaled(total * 1.96, errors),
        kappa_of_raw_counts_wrong=accuracy(given["matrix"]).kappa,
        overall_accuracy_of_raw_counts_wrong=accuracy(given["matrix"]).overall,
    )
    if strata.are_counts and found["overall_accuracy_se"] is not None:
        finite = with_errors(estimation.stratified(units, strata, q, "always", "standard", level), level)
        finite["area_halfwidth"] = scaled(total * unit * intervals.z(level), finite["area_share_se"])
        score = estimation.stratified(units, strata, q, fpc, "wilson", level)
        assert score.overall.method == "wilson-effective"
        x2, freedom, p = spread_check(np.sum(given["matrix"], axis=1), strata.sizes)
        found.update(
            with_fpc=finite,
            wilson_effective={
                "overall_accuracy": pair(score.overall),
                "users_accuracy": [pair(e) for e in score.users],
                "producers_accuracy": [pair(e) for e in score.producers],
            },
            misdeclared_as_simple_random={"chi2": x2, "df": freedom},
        )
        assert (p < 0.001) == (x2 > 20)
    return found


def table(rows, classes, *names):
    place = {c: k for k, c in enumerate(classes)}
    columns = [np.array([place[row[name]] for row in rows]) for name in names]
    return (*columns, np.array([row["count"] for row in rows]))


def sizes_of(given):
    sizes = given["stratum_sizes"]
    return StrataSizes(tuple(sizes), np.array(list(sizes.values()), float))


def of_units(given):
    units = Units(*table(given["units"], given["classes"], "stratum", "map", "reference"))
    assert list(given["stratum_sizes"]) == given["classes"]
    level = given["confidence"]
    found, without = (
        with_errors(estimation.stratified(units, sizes_of(given), 4, fpc, "standard", level), level)
        for fpc in ("always", "never")
    )
    return {**found, "without_fpc": without}


def of_poststratified(given):
    total = sum(given["stratum_sizes"])
    estimates = estimation.poststratified(given["matrix"], given["stratum_sizes"])
    conditional = estimation.stratified(*units_of_matrix(given), len(given["matrix"]), "never")
    return {
        "overall_accuracy": estimates.overall.value,
        "overall_accuracy_se": estimates.overall.se,
        "area": [total * e.value for e in estimates.area_shares],
        "area_se": [total * e.se for e in estimates.area_shares],
        "area_se_conditional": [total * e.se for e in conditional.area_shares],
    }


def of_pixel_areas(given):
    count, right, area = (np.array([u[k] for u in given["units"]]) for k in ("count", "correct", "pixel_area"))
    zeros = np.zeros(6, int)
    reference = np.repeat([0, 1], 3)
    counts = np.concatenate([right, count - right])
    weighted = estimation.simple(Units(zeros, zeros, reference, counts, np.tile(area, 2)), q=2)
    alike = estimation.simple(Units(zeros, zeros, reference, counts), q=2)
    return {
        "overall_accuracy": weighted.overall.value,
        "overall_accuracy_se": weighted.overall.se,
        "overall_accuracy_unweighted": alike.overall.value,
    }


def of_mcnemar(given):
    test = pairing.mcnemar(given["b"], given["c"])
    names = ("z", "chi2", "p", "chi2_corrected", "p_corrected", "p_exact", "p_midp", "reported")
    return {"discordant": test.only_a + test.only_b, **{name: getattr(test, name) for name in names}}


def of_difference(d):
    bounds = None if d.low is None else [d.low, d.high]
    return {"difference": d.difference, "se": d.se, "z": d.z, "p": d.p, "ci": bounds, "map1": d.a, "map2": d.b}


def of_pairs(given):
    rows, classes = given["units"], given["classes"]
    first, second, reference, count = table(rows, classes, "map1", "map2", "reference")
    stratum, sizes = np.zeros(len(rows), int), None
    if "stratum_sizes" in given:
        sizes = sizes_of(given)
        stratum = table(rows, sizes.names, "stratum")[0]
    fpc = "always" if given.get("fpc") else "never"
    q = len(classes)
    found = pairing.differences(Units(stratum, first, reference, count), second, q, sizes, None, fpc)
    right = [first == reference, second == reference]
    both, one, two, neither = (
        int(count[where].sum())
        for where in (right[0] & right[1], right[0] & ~right[1], ~right[0] & right[1], ~right[0] & ~right[1])
    )
    matrices = [Units(stratum, m, reference, count).counts(q) for m in (first, second)]
    return {
        "overall_accuracy": of_difference(found.overall),
        "kappa": of_difference(found.kappa),
        "users_accuracy": [of_difference(d) for d in found.users],
        "producers_accuracy": [of_difference(d) for d in found.producers],
        "mcnemar": of_mcnemar({"b": one, "c": two}),
        "table": {"both": both, "only_map1": one, "only_map2": two, "neither": neither},
        "kappa_z_independent_invalid": pairing.independent_kappa_z(*matrices)[0],
    }


def of_independent(given):
    return dict(zip(("z", "p"), pairing.independent_kappa_z(given["matrix1"], given["matrix2"])))


def of_interval(given):
    x, n, level = given["x"], given["n"], given["confidence"]
    p = x / n
    return {
        "wilson": list(intervals.wilson(x, n, level)),
        "agresti_coull": list(intervals.agresti_coull(x, n, level)),
        "clopper_pearson": list(intervals.clopper_pearson(x, n, level)),
        "wald": list(intervals.normal(p, math.sqrt(p * (1 - p) / n), level)),
    }


def of_clusters(given):
    pixels, right = (np.array([c[k] for c in given["clusters"]]) for k in ("pixels", "correct"))
    k = len(pixels)
    cluster, reference = np.tile(np.arange(k), 2), np.repeat([0, 1], k)
    count, zeros = np.concatenate([right, pixels - right]), np.zeros(2 * k, int)
    found = estimation.polygons(cluster, zeros, reference, count, 2, given["confidence"])
    pixelwise = estimation.simple(Units(zeros, zeros, reference, count), q=2)
    quantile = intervals.t(given["confidence"], k - 1)
    # the example shows the bounds for the test; with six polygons the report has none
    assert found.overall.low is None and found.overall.reason.cause is Cause.TOO_FEW_POLYGONS
    ends = found.overall.value - quantile * found.overall.se, found.overall.value + quantile * found.overall.se
    return {
        "overall_accuracy": found.overall.value,
        "se_clusters": found.overall.se,
        "se_if_pixels_were_independent": pixelwise.overall.se,
        "design_effect": found.design_effect,
        "t": quantile,
        "ci": [max(0, ends[0]), min(1, ends[1])],
    }


FOUND = {
    "counts_srs": of_counts,
    "components": of_matrix,
    "edge_matrix": of_matrix,
    "stratified_by_map_class": of_strata,
    "stratified_units": of_units,
    "poststratified": of_poststratified,
    "area_weighted": of_pixel_areas,
    "mcnemar": of_mcnemar,
    "paired": of_pairs,
    "kappa_z_independent": of_independent,
    "interval": of_interval,
    "clusters": of_clusters,
}
OURS = {e["id"]: e for e in EXAMPLES if e["kind"] in FOUND}


# ---------------------------------------------------------------- comparing


def compare(found, expected, tolerance, path=""):
    """Every leaf of `expected` against `found`; a key that nobody computed is an error."""
    if isinstance(expected, dict):
        missing = set(expected) - set(found)
        assert not missing, f"{path}: nobody compares {sorted(missing)}"
        for key, value in expected.items():
            compare(found[key], value, tolerance, f"{path}.{key}")
    elif isinstance(expected, list):
        assert isinstance(found, list) and len(found) == len(expected), f"{path}: {found} is not {expected}"
        for k, value in enumerate(expected):
            compare(found[k], value, tolerance, f"{path}.{k}")
    elif expected is None or isinstance(expected, str):
        assert found == expected, f"{path}: {found} is not {expected}"
    else:
        assert found is not None, f"{path}: n/a is not {expected}"
        # areas of millions of pixels: 1e-9 is no more than the step of float64 there
        allowed = max(tolerance, 1e-15 * abs(expected))
        assert abs(found - expected) <= allowed, f"{path}: {found} is not {expected}"


def leaves(value, path=()):
    if isinstance(value, (dict, list)):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(inner, (*path, key))
    else:
        yield path, value


@pytest.fixture(scope="module")
def computed():
    return {name: FOUND[e["kind"]](e["input"]) for name, e in OURS.items()}


@pytest.mark.parametrize("name", OURS)
def test_example(name, computed):
    compare(computed[name], OURS[name]["expected"], OURS[name]["tolerance"], name)


def test_every_kind_has_a_home():
    kinds = {e["kind"] for e in EXAMPLES}
    assert kinds == set(FOUND) | ELSEWHERE
    assert len(OURS) == 48 and len({e["id"] for e in EXAMPLES}) == len(EXAMPLES)


@pytest.mark.parametrize("name", OURS)
def test_each_expected_number_matters(name, computed):
    """Any expected number changed by a little more than the tolerance must be noticed."""
    expected, tolerance = OURS[name]["expected"], OURS[name]["tolerance"]
    for path, value in leaves(expected):
        changed = copy.deepcopy(expected)
        place = changed
        for key in path[:-1]:
            place = place[key]
        if value is None:
            place[path[-1]] = 0.5
        elif isinstance(value, str):
            place[path[-1]] = value + "?"
        else:
            place[path[-1]] = value + 3 * max(tolerance, 1e-12 * abs(value))
        with pytest.raises(AssertionError):
            compare(computed[name], changed, tolerance)
    with pytest.raises(AssertionError, match="nobody compares"):
        compare(computed[name], {**expected, "a new key": 1}, tolerance)


PRINTED = [(name, entry) for name, e in OURS.items() for entry in e["published"]]


@pytest.mark.parametrize(("name", "entry"), PRINTED, ids=lambda v: v if isinstance(v, str) else v["path"])
def test_printed_figures(name, entry, computed):
    """Printed figures that follow from their input are met; misprints and known mistakes of other tools are not."""
    found = computed[name]
    for key in entry["path"].split("."):
        found = found[int(key)] if isinstance(found, list) else found[key]
    near = abs(found * entry.get("scale", 1) - entry["printed"]) <= entry["tolerance"] * (1 + 1e-9)
    assert near == entry["reproduced"]


# ---------------------------------------------------------------- traps


@pytest.mark.parametrize("name", ["congalton_analyst1", "grass_r_kappa"])
def test_kappa_variance_is_not_transposed(name):
    """GRASS r.kappa and Congalton & Green add the row total of the row's class: their variance is too large."""
    p = np.array(OURS[name]["input"]["matrix"], float)
    n = p.sum()
    p /= n
    a, b, po = p.sum(1), p.sum(0), np.trace(p)
    pe = a @ b

    def written_out(sums):
        t3, t4 = np.diag(p) @ (a + b), (p * sums**2).sum()
        return (
            po * (1 - po) / (1 - pe) ** 2 + 2 * (1 - po) * (2 * po * pe - t3) / (1 - pe) ** 3
            + (1 - po) ** 2 * (t4 - 4 * pe**2) / (1 - pe) ** 4
        ) / n  # fmt: skip

    ours = kappa.variance(p, n)
    assert ours == pytest.approx(written_out(b[:, None] + a[None, :]), rel=1e-12)
    assert abs(ours / written_out(a[:, None] + b[None, :]) - 1) > 0.005


def test_stratified_figures_are_not_those_of_the_bare_counts(computed):
    found = computed["olofsson_2014"]
    assert abs(found["overall_accuracy"] - 0.917188) > 0.02 and abs(found["kappa"] - 0.869964) > 0.01
