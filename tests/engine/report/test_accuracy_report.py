# SPDX-License-Identifier: GPL-3.0-or-later
"""HTML, CSV and JSON of a report say the same, in the right orientation, and are put in place whole."""

from __future__ import annotations

import csv
import importlib.util
import io
import json
import os
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from lulc_plugin.assess import AREA_UNITS, Outputs
from lulc_plugin.errors import LulcError
from lulc_plugin.report import accuracy as report

_SPEC = importlib.util.spec_from_file_location("report_examples", Path(__file__).with_name("report_examples.py"))
examples = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(examples)
EXAMPLES = examples.EXAMPLES
names = pytest.mark.parametrize("name", EXAMPLES)


# ---------------------------------------------------------------- reading the three


class _Tables(HTMLParser):
    """Tables with an id: heads of the last head row, and rows of texts as a spreadsheet would get them."""

    def __init__(self) -> None:
        super().__init__()
        self.tables: dict[str, list[list[str]]] = {}
        self._rows = None
        self._cell = None
        self._part = ""

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        if tag == "table":
            chart = "chart" in (attributes.get("class") or "")
            self._rows = [] if attributes.get("id") and not chart else None
            if self._rows is not None:
                self.tables[attributes["id"]] = self._rows
        elif tag in ("thead", "tbody", "tfoot"):
            self._part = tag
        elif tag == "tr" and self._rows is not None and self._part == "tbody":
            self._rows.append([])
        elif tag in ("td", "th") and self._rows is not None and self._part == "tbody":
            self._cell = ""

    def handle_data(self, data):
        if self._cell is not None:
            self._cell += data

    def handle_endtag(self, tag):
        if tag in ("td", "th") and self._cell is not None:
            self._rows[-1].append(self._cell)
            self._cell = None
        elif tag == "table":
            self._rows = None


def html_tables(text):
    parser = _Tables()
    parser.feed(text)
    return parser.tables


def csv_tables(text):
    """id → (heads, rows)."""
    tables, block = {}, []
    for line in [*csv.reader(io.StringIO(text)), []]:
        if line:
            block.append(line)
            continue
        if block and block[0][0] == "Table":
            rest = [row for row in block[1:] if row[0] not in ("Caption", "Note")]
            tables[block[0][1]] = (rest[0], rest[1:])
        block = []
    return tables


# ---------------------------------------------------------------- what stands where in the JSON, said independently

MEASURES = {
    "User's accuracy (precision)": "users_accuracy",
    "Producer's accuracy (recall)": "producers_accuracy",
    "F1": "f1",
    "IoU": "iou",
    "Kappa, class against the rest": "kappa",
}
CLASS_HEADS = {
    "map": "units_map", "reference": "units_reference",
    "Commission error": "commission_error", "Omission error": "omission_error",
    "Conditional Kappa, user's": "kappa_users", "Conditional Kappa, producer's": "kappa_producers",
    "Standard error, user's acc.": "users_accuracy.se", "Standard error, producer's acc.": "producers_accuracy.se",
    "Standard error, F1": "f1.se", "Standard error, IoU": "iou.se", "Standard error, Kappa": "kappa.se",
    "Mapped, pixels": "area.pixels", "Mapped, share": "area.mapped_share", "Mapped, area": "area.mapped",
    "Error-adjusted area, estimate": "area.adjusted.value", "Error-adjusted area, SE": "area.adjusted.se",
    "Error-adjusted area, low": "area.adjusted.low", "Error-adjusted area, high": "area.adjusted.high",
    "Error-adjusted area, relative half-width": "area.relative_half_width", "Adjusted − mapped": "area.bias",
    "Quantity": "disagreement.quantity", "Allocation": "disagreement.allocation",
    "of it exchange": "disagreement.exchange", "of it shift": "disagreement.shift", "Total": "disagreement.total",
}  # fmt: skip
ESTIMATE_HEADS = {"value": "value", "low": "low", "high": "high"}
DIFFERENCE_HEADS = {
    "Map A": "a",
    "Map B": "b",
    "A − B": "difference",
    "SE": "se",
    "z": "z",
    "p": "p",
    "p (Holm)": "p_holm",
}


def path_of(table, head):
    head = head.replace(" (ha)", "")
    for prefix in ("Points, ", "Pixels, "):
        if head.startswith(prefix):
            return CLASS_HEADS[head[len(prefix) :]]
    if table.startswith("differences"):
        if "interval of the difference" in head:
            return head.rpartition(", ")[2]
        return DIFFERENCE_HEADS[head]
    if table.startswith("classes") or table == "sample_classes":
        for title, key in MEASURES.items():
            if head == title:
                return key if table == "sample_classes" else f"{key}.value"
            if head.startswith(f"{title}, "):
                return f"{key}.{ESTIMATE_HEADS[head[len(title) + 2 :]]}"
    if table == "headline":
        return {"Estimate": "value", "Standard error": "se", "high": "high"}.get(head, "low")
    return CLASS_HEADS[head]


def dig(value, path):
    for part in path.split("."):
        value = None if value is None else value[part]
    return value


def entries_of(data, table):
    """The JSON entry of each row of a table."""
    if table in ("classes", "extended", "areas", "disagreement_classes"):
        return data["classes"]
    if table == "sample_classes":
        return data["sample_statistics"]["classes"]
    if table in ("classes_a", "classes_b"):
        return data["maps"][table[-1]]["classes"]
    if table == "headline":
        return [data["overall_accuracy"], data["kappa"]]
    if table == "differences":
        return [data["differences"]["overall_accuracy"], data["differences"]["kappa"]]
    key = {"differences_users": "users_accuracy", "differences_producers": "producers_accuracy"}[table]
    return [entry[key] for entry in data["differences"]["classes"]]


def expected_rows(data, table, heads):
    """Numbers of a table (without row heads) in full precision, from the JSON alone."""
    if table.startswith(("counts", "area_shares")):
        return _expected_matrix(data["maps"][table[-1]] if table[-2:] in ("_a", "_b") else data, table, len(heads))
    if table == "means":
        macro, weighted = data["means"]["macro"], data["means"]["weighted"]
        return [[macro[k]["value"], macro[k]["classes"], weighted[k]] for k in MEASURES.values()]
    if table == "single_figures":
        return [[data["balanced_accuracy"]], [data["mcc"]], [data["expected_agreement"]]]
    if table == "disagreement":
        return [[data["disagreement"][k]] for k in ("quantity", "allocation", "exchange", "shift", "total")]
    if table == "sample_figures":
        keys = ("overall_accuracy", "kappa", "mcc", "macro_f1", "mean_iou")
        return [[data["sample_statistics"][k]] for k in keys]
    if table == "strata":
        return [[s["size"], s["share"], s["units"]] for s in data["design"]["strata"]]
    if table == "excluded":
        rows = [[e["units"]] for e in data["units"]["excluded"]]
        return rows + ([[data["units"]["unlabelled"]]] if data["units"]["unlabelled"] else [])
    if table == "unknown":
        return [[e["units"]] for e in data["units"]["unknown"]]
    if table == "right_wrong":
        u = data["units_right"]
        a, b, c, d = u["both"], u["only_a"], u["only_b"], u["neither"]
        return [[a, b, a + b], [c, d, c + d], [a + c, b + d, a + b + c + d]]
    if table == "mcnemar":
        m = data["mcnemar"]
        return [[m["chi2"], m["p"]], [m["chi2_corrected"], m["p_corrected"]], ["", m["p_exact"]], ["", m["p_midp"]]]
    return [[dig(entry, path_of(table, head)) for head in heads] for entry in entries_of(data, table)]


def _expected_matrix(one, table, columns):
    values = one["counts"] if table.startswith("counts") else one["area_shares"]
    q = len(values)
    margins = columns == q + 2
    rows = [[*line, sum(line)] for line in values]
    sums = [sum(column) for column in zip(*values)]
    rows.append([*sums, sum(sums)])
    if margins:
        for row, entry in zip(rows, one["classes"]):
            row.append(entry["users_accuracy"]["value"])
        rows[q].append("")
        rows.append([*(e["producers_accuracy"]["value"] for e in one["classes"]), "", one["overall_accuracy"]["value"]])
    return rows


TEXT_TABLES = {"layers", "parameters", "versions"}


def printed_precision(text):
    mantissa, _, exponent = text.partition("e")
    return 0.5 * 10.0 ** (-len(mantissa.partition(".")[2]) + int(exponent or 0))


# ---------------------------------------------------------------- the same numbers three times


@names
def test_csv_has_the_numbers_of_the_json_in_full_precision(name):
    result = EXAMPLES[name]()
    data = json.loads(json.dumps(report.json_object(result), allow_nan=False))
    tables = csv_tables(report.csv_text(result))
    compared = 0
    for table, (heads, rows) in tables.items():
        if table in TEXT_TABLES:
            continue
        expected = expected_rows(data, table, heads[1:])
        assert len(rows) == len(expected), table
        for row, values in zip(rows, expected):
            for text, value in zip(row[1:], values):
                assert text == ("" if value in (None, "") else repr(value)), (table, row[0], text, value)
                compared += 1
    assert compared > 60


@names
def test_html_has_the_numbers_of_the_json_as_far_as_printed(name):
    result = EXAMPLES[name]()
    data = report.json_object(result)
    heads = {table: found[0][1:] for table, found in csv_tables(report.csv_text(result)).items()}
    compared = 0
    tables = html_tables(report.html_text(result))
    assert set(tables) == set(heads)
    for table, rows in tables.items():
        if table in TEXT_TABLES:
            continue
        expected = expected_rows(data, table, heads[table])
        labels = _labels(data, table)
        matrix = table.startswith(("counts", "area_shares"))
        shown = list(range(len(expected)))
        if matrix and len(data.get("classes", ())) > 30:
            assert len(rows) < 40
            shown = [labels.index(row[0]) for row in rows if row[0] in labels]
            assert len(shown) == 30
        assert matrix or len(rows) == len(expected), table
        for row, k in zip(rows, shown):
            values = expected[k] if len(shown) == len(expected) else [expected[k][j] for j in shown]
            percent = table.startswith("area_shares") and row[0] != "Producer's accuracy"
            for j, (text, value) in enumerate(zip(row[1:], values)):
                scale = 100 if percent and not (matrix and heads[table][j] == "User's accuracy") else 1
                _same(text, value, scale, (table, row[0], j))
                compared += 1
    assert compared > 60


def _labels(data, table):
    one = data["maps"][table[-1]] if data["kind"] == "comparison" and table[-2:] in ("_a", "_b") else data
    return [entry["label"] for entry in one.get("classes", ())]


def _same(text, value, scale, where):
    if value is None:
        assert text == "n/a", where
    elif value == "":
        assert text == "", where
    else:
        assert abs(float(text) - value * scale) <= printed_precision(text) * (1 + 1e-9) + abs(value) * 1e-12, where


# ---------------------------------------------------------------- orientation and meaning


def test_rows_are_the_map_everywhere():
    """Water in the map is never anything else here, Town in the reference never found: no transposition goes unseen."""
    result = EXAMPLES["asymmetric_census"]()
    data = report.json_object(result)
    assert data["axes"] == {"rows": "map", "columns": "reference"}
    assert data["counts"] == [[10, 2, 0], [1, 20, 0], [3, 4, 0]]
    heads, rows = csv_tables(report.csv_text(result))["counts"]
    assert heads[0] == "Map (rows) / Reference (columns)"
    assert heads[1:] == ["Reference (columns), Water (1)", "Reference (columns), Forest (2)",
                         "Reference (columns), Town (3)", "Total", "User's accuracy"]  # fmt: skip
    assert rows[2] == ["Town (3)", "3", "4", "0", "7", "0.0"]
    assert rows[4][0] == "Producer's accuracy" and rows[4][3:] == ["", "", "0.75"]
    assert [float(text) for text in rows[4][1:3]] == pytest.approx([10 / 14, 20 / 26])
    assert html_tables(report.html_text(result))["counts"][2] == ["Town (3)", "3", "4", "0", "7", "0.000"]
    assert [c["users_accuracy"]["value"] for c in data["classes"]] == pytest.approx([10 / 12, 20 / 21, 0.0])
    assert [c["producers_accuracy"]["value"] for c in data["classes"]] == [
        float(text) if text else None for text in rows[4][1:4]
    ]


def test_what_does_not_apply_is_never_a_number():
    result = EXAMPLES["only_one"]()
    data = report.json_object(result)
    assert data["kappa"]["value"] is None and data["mcc"] is None
    html, table = report.html_text(result), csv_tables(report.csv_text(result))
    assert table["headline"][1][1][1] == ""
    assert html.count("Kappa is undefined: all units are of one and the same class.") == 2
    assert "(Cohen): kappa is undefined" not in html
    broken = replace(
        result, estimates=replace(result.estimates, kappa=replace(result.estimates.kappa, value=float("nan")))
    )
    assert report.json_object(broken)["kappa"]["value"] is None
    for text in (html.split("</style>")[1], report.csv_text(broken), json.dumps(report.json_object(broken))):
        assert not re.search(r"\bnan\b|infinity|-999", text, re.IGNORECASE)


def test_bare_counts_never_stand_for_estimates():
    """Olofsson 2014: 0.917 and 0.870 are what raw counts give; the report's figures are 0.947 and 0.889."""
    result = EXAMPLES["olofsson"]()
    data = report.json_object(result)
    assert data["overall_accuracy"]["value"] == pytest.approx(0.946511888, abs=1e-9)
    assert data["kappa"]["value"] == pytest.approx(0.888813799, abs=1e-9)
    assert data["sample_statistics"]["kappa"] == pytest.approx(0.869964, abs=1e-6)
    tables = csv_tables(report.csv_text(result))
    assert "User's accuracy" not in tables["counts"][0]
    assert "User's accuracy" in tables["area_shares"][0]
    html = report.html_text(result)
    assert "94.7\u00a0% of the area (95\u00a0% interval 92.8 to 96.5\u00a0%)" in html
    assert "all statistics use this one" in html
    assert "0.870" not in html.split('id="sample_figures"')[0]
    assert report.json_object(EXAMPLES["asymmetric_census"]())["sample_statistics"] is None


def test_a_census_has_no_intervals_and_says_why():
    result = EXAMPLES["asymmetric_census"]()
    html = report.html_text(result)
    assert "complete comparison, without sampling error" in html
    tables = csv_tables(report.csv_text(result))
    for heads, _ in tables.values():
        assert not [h for h in heads if h.endswith((" low", "high")) or "rror" in h and "Standard" in h]


def test_wilson_fallbacks_are_marked_and_explained():
    result = EXAMPLES["perfect_stratum"]()
    html = report.html_text(result)
    assert "† Wilson score interval" in html and "user&#39;s accuracy of Deforestation (1)." in html
    assert html.count(' marked"') == 3
    assert "its variance is unknown" in html
    assert "†" not in report.html_text(EXAMPLES["comparison"]()).split("</style>")[1]


def test_warnings_stand_on_top_and_again_at_the_end():
    html = report.html_text(EXAMPLES["perfect_stratum"]())
    warning = "12 % of the points have no reference class"
    first, last = html.index(warning), html.rindex(warning)
    assert first < html.index('id="overall"') < html.index('id="sample"') < last


def test_means_say_over_how_many_classes():
    data = report.json_object(EXAMPLES["asymmetric_census"]())
    assert data["means"]["macro"]["producers_accuracy"]["classes"] == 2
    assert data["means"]["macro"]["f1"]["classes"] == 3
    assert "over 2 of 3 classes" in report.html_text(EXAMPLES["asymmetric_census"]())


def test_areas_in_the_chosen_unit():
    result = EXAMPLES["olofsson"]()
    for unit, size in AREA_UNITS.items():
        data = report.json_object(replace(result, context=replace(result.context, area_unit=unit)))
        assert data["areas"]["unit"] == unit
        assert data["classes"][0]["area"]["adjusted"]["value"] == pytest.approx(211_577_622 / size, rel=1e-6)
    html = report.html_text(result)
    assert '21<span class="g">158</span>' in html


def test_a_comparison_tests_no_kappas_and_says_why_no_mcnemar():
    tested, untested = EXAMPLES["comparison"](), EXAMPLES["comparison_without_test"]()
    html = report.html_text(tested)
    assert "not compared by a z-test" in html and "Foody 2004" in html
    assert report.json_object(tested)["differences"]["kappa"]["z"] is None
    assert "exact, because fewer than 25 differ" in html
    html = report.html_text(untested)
    assert "McNemar's test is not printed: the sample is stratified" in html.replace("&#39;", "'")
    assert report.json_object(untested)["mcnemar"] is None
    many = replace(
        tested, mcnemar=replace(tested.mcnemar, only_a=121, only_b=59, chi2=21.356, p=3.8e-6, reported="chi2")
    )
    assert "χ² = 21.356 with 1 degree of freedom, p = 3.8e-06" in report.html_text(many)


def test_huge_counts_stay_exact():
    data = json.loads(json.dumps(report.json_object(EXAMPLES["huge"]())))
    assert data["counts"][1][1] == 134_000_000_000_000_007
    assert "134000000000000007" in report.csv_text(EXAMPLES["huge"]())


# ---------------------------------------------------------------- formulas in spreadsheets


def test_no_text_of_a_user_becomes_a_formula():
    rows = list(csv.reader(io.StringIO(report.csv_text(EXAMPLES["nasty"]()))))
    labels = {row[0] for row in rows if row}
    assert "'=1+1 (2)" in labels and 'A, "B" (3)' in labels and "Ünïcode ελληνικά 森林 (4)" in labels
    for row in rows:
        for text in row:
            if text.lstrip()[:1] in ("=", "+", "-", "@"):
                float(text)  # a number, or this fails


# ---------------------------------------------------------------- files


def test_write_puts_three_files_in_place(tmp_path):
    result = EXAMPLES["nasty"]()
    outputs = Outputs(tmp_path / "a.html", tmp_path / "a.csv", tmp_path / "a.json")
    (tmp_path / "a.csv").write_text("old")
    report.write(result, outputs)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.csv", "a.html", "a.json"]
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8")) == report.json_object(result)
    assert (tmp_path / "a.csv").read_bytes().decode("utf-8-sig") == report.csv_text(result)
    assert (tmp_path / "a.html").read_text(encoding="utf-8") == report.html_text(result)


def test_write_only_what_is_wanted(tmp_path):
    report.write(EXAMPLES["olofsson"](), Outputs(json=tmp_path / "a.json"))
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]
    report.write(EXAMPLES["olofsson"](), Outputs())


def test_a_failed_write_leaves_nothing_half_done(tmp_path, monkeypatch):
    (tmp_path / "a.html").write_text("the old report")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(LulcError, match="No space left"):
        report.write(EXAMPLES["olofsson"](), Outputs(html=tmp_path / "a.html"))
    assert [p.name for p in tmp_path.iterdir()] == ["a.html"]
    assert (tmp_path / "a.html").read_text() == "the old report"


@pytest.mark.parametrize(
    ("outputs", "words"),
    [
        (Outputs(html=Path("missing/a.html")), "html.*missing.* does not exist"),
        (Outputs(csv=Path("folder")), "csv.*is a folder"),
        (Outputs(html=Path("a.html"), json=Path("folder/../a.html")), "html and json are the same file"),
        (Outputs(csv=Path("a.tif"), disagreement=Path("a.tif")), "csv and disagreement are the same file"),
    ],
)
def test_outputs_are_refused_before_work(tmp_path, monkeypatch, outputs, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    with pytest.raises(LulcError, match=words):
        report.check_outputs(outputs)


def test_good_outputs_pass(tmp_path):
    report.check_outputs(Outputs(tmp_path / "a.html", tmp_path / "a.csv", None, tmp_path / "a.tif"))
    assert list(tmp_path.iterdir()) == []
